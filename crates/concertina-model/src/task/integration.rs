//! `integration`: the sign of noisy evidence has to be found, and reported after a delay (Roitman and Shadlen
//! 2002).

use concertina_numerics::random::Purpose;
use ndarray::{Array3, ArrayView2, ArrayView3, Axis};

use super::draws::conditions;
use super::{
    Ask, Condition, Draws, Evidence, Inputs, Mask, Number, Target, Targets, Task, TaskShape, Trials,
};
use crate::params::{TaskParams, ValidParams};

const PURPOSES: [Purpose; 3] =
    [Purpose::new("integration"), Purpose::new("integrat. valid."), Purpose::new("integrat. anal.")];

/// One line of evidence. The class of a trial is 1 if its coherence is positive, else 0. The loss counts in
/// the response. The condition is the place of the coherence in the list.
#[derive(Clone, Debug)]
pub struct Integration {
    evidence: Evidence,
    draws: Draws,
    shape: TaskShape,
}

impl Integration {
    /// The task of a realisation.
    pub fn new(params: &ValidParams) -> Self {
        let draws = Draws::new(params, PURPOSES);
        Self { evidence: Evidence::new(&params.task), draws, shape: *params.shape() }
    }

    /// The sizes of its trials.
    pub(super) fn shape(task: &TaskParams) -> TaskShape {
        TaskShape {
            inputs: 1,
            target: Target::Classes(2),
            timesteps: Evidence::timesteps(task),
            conditions: task.coherences.len(),
        }
    }
}

impl Task for Integration {
    fn shape(&self) -> TaskShape {
        self.shape
    }

    fn trials(&self, ask: Ask) -> Trials {
        let (mut stream, count) = self.draws.stream(ask);
        let indices = conditions(&mut stream, ask, count, self.shape.conditions);
        let mut z = Array3::<f32>::zeros((count, self.evidence.stimulus, 1));
        if let Some(z) = z.as_slice_mut() {
            stream.fill_normal(z);
        }
        trials(&self.evidence, &indices, z.view())
    }

    fn condition(&self, number: u32) -> Condition {
        let coherence = self.evidence.coherences.get(number as usize).copied();
        Condition { coherence, ..Condition::default() }
    }
}

/// The trials with these coherences, given by their places in the list, and with these standard normal
/// numbers for the noise.
///
/// # Shapes
/// `indices`: (trials). `z`: (trials, stimulus, 1).
pub fn trials<Z: Copy + Into<f64>, T: Number>(
    evidence: &Evidence,
    indices: &[u32],
    z: ArrayView3<'_, Z>,
) -> Trials<T> {
    let (count, from) = (indices.len(), evidence.response_from());
    let timesteps = from + evidence.response;
    let mut inputs = Array3::from_elem((count, timesteps, 1), T::rounded(0.0));
    let lines = ArrayView2::from_shape((count, 1), indices).expect("one line");
    for (trial, inputs) in inputs.outer_iter_mut().enumerate() {
        evidence.show(inputs, lines.row(trial), z.index_axis(Axis(0), trial));
    }
    Trials {
        inputs: Inputs::Timed(inputs),
        targets: Targets::Class(indices.iter().map(|index| evidence.class(*index)).collect()),
        mask: Mask::from_step(from, count, timesteps),
        conditions: indices.to_vec(),
    }
}
