//! Noisy evidence, which `integration` and `context` show.

use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2};

use super::Number;
use crate::params::TaskParams;

/// Evidence for a choice: lines whose mean is a coherence, with independent normal noise at every timestep.
/// After that, a delay and a response without evidence follow.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The coherences that a line can have. None of them is 0.
    pub coherences: Vec<f64>,
    /// Standard deviation at a timestep.
    pub noise: f64,
    /// Timesteps with evidence.
    pub stimulus: usize,
    /// Timesteps after it, before the response.
    pub delay: usize,
    /// Timesteps at the end, in which the loss counts.
    pub response: usize,
}

impl Evidence {
    /// The evidence that parameters describe.
    pub(super) fn new(task: &TaskParams) -> Self {
        Self {
            coherences: task.coherences.clone(),
            noise: task.noise,
            stimulus: task.stimulus,
            delay: task.delay,
            response: task.response,
        }
    }

    /// Timesteps of a trial.
    pub(super) fn timesteps(task: &TaskParams) -> usize {
        task.stimulus + task.delay + task.response
    }

    /// The timestep at which the response begins.
    pub(super) fn response_from(&self) -> usize {
        self.stimulus + self.delay
    }

    /// The class of a coherence: 1 if it is positive, else 0.
    pub(super) fn class(&self, index: u32) -> u32 {
        u32::from(self.coherences[index as usize] > 0.0)
    }

    /// Writes the evidence of a trial into its inputs: `coherence + noise z` on each line.
    ///
    /// # Shapes
    /// `inputs`: (timesteps, at least the lines). `indices`: (lines), places in the list of coherences. `z`:
    /// (stimulus, lines), standard normal numbers.
    pub(super) fn show<Z: Copy + Into<f64>, T: Number>(
        &self,
        mut inputs: ArrayViewMut2<'_, T>,
        indices: ArrayView1<'_, u32>,
        z: ArrayView2<'_, Z>,
    ) {
        for (mut inputs, z) in inputs.outer_iter_mut().zip(z.outer_iter()) {
            for ((input, index), z) in inputs.iter_mut().zip(indices).zip(z) {
                *input = T::rounded(self.coherences[*index as usize] + self.noise * (*z).into());
            }
        }
    }
}
