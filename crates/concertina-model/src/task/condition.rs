//! What the conditions of a task are.

/// What a condition consists of. Each number is `None` in tasks that do not have it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Condition {
    /// The line of evidence that the choice depends on, from 0 (`context`).
    pub attended: Option<u32>,
    /// The coherence that the choice depends on (`integration`, `context`).
    pub coherence: Option<f64>,
    /// The coherence of the other line of evidence (`context`).
    pub other_coherence: Option<f64>,
    /// The first item, from 0 (`match`).
    pub sample: Option<u32>,
    /// The second item, from 0 (`match`).
    pub test: Option<u32>,
    /// Radians per timestep (`sine`).
    pub frequency: Option<f64>,
}
