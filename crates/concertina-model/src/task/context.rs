//! `context`: a cue says which of two lines of noisy evidence the choice depends on (Mante et al. 2013).

use concertina_numerics::random::Purpose;
use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis};

use super::draws::conditions;
use super::{
    Ask, Condition, Draws, Evidence, Inputs, Mask, Number, Target, Targets, Task, TaskShape, Trials,
};
use crate::params::{TaskParams, ValidParams};

const PURPOSES: [Purpose; 3] =
    [Purpose::new("context"), Purpose::new("context valid."), Purpose::new("context anal.")];

/// Lines of evidence, and as many lines of the cue.
const LINES: usize = 2;

/// Inputs 0 and 1 are evidence, each with its own coherence. Inputs 2 and 3 are the cue, which is 1 on the
/// line of the attended evidence, and 0 on the other, at every timestep. The class of a trial is 1 if the
/// attended coherence is positive, else 0. The loss counts in the response.
#[derive(Clone, Debug)]
pub struct Context {
    evidence: Evidence,
    draws: Draws,
    shape: TaskShape,
}

impl Context {
    /// The task of a realisation.
    pub fn new(params: &ValidParams) -> Self {
        let draws = Draws::new(params, PURPOSES);
        Self { evidence: Evidence::new(&params.task), draws, shape: *params.shape() }
    }

    /// The sizes of its trials.
    pub(super) fn shape(task: &TaskParams) -> TaskShape {
        let coherences = task.coherences.len();
        TaskShape {
            inputs: 2 * LINES,
            target: Target::Classes(2),
            timesteps: Evidence::timesteps(task),
            conditions: LINES * coherences * coherences,
        }
    }

    /// The attended line of a condition, and the places of the coherences of both lines.
    fn parts(&self, condition: u32) -> (u32, [u32; LINES]) {
        let coherences = self.evidence.coherences.len() as u32;
        let (attended, pair) = (condition / (coherences * coherences), condition % (coherences * coherences));
        (attended, [pair / coherences, pair % coherences])
    }
}

impl Task for Context {
    fn shape(&self) -> TaskShape {
        self.shape
    }

    fn trials(&self, ask: Ask) -> Trials {
        let (mut stream, count) = self.draws.stream(ask);
        let conditions = conditions(&mut stream, ask, count, self.shape.conditions);
        let attended: Vec<u32> = conditions.iter().map(|condition| self.parts(*condition).0).collect();
        let indices =
            Array2::from_shape_fn((count, LINES), |(trial, line)| self.parts(conditions[trial]).1[line]);
        let mut z = Array3::<f32>::zeros((count, self.evidence.stimulus, LINES));
        if let Some(z) = z.as_slice_mut() {
            stream.fill_normal(z);
        }
        trials(&self.evidence, &attended, indices.view(), z.view())
    }

    fn condition(&self, number: u32) -> Condition {
        let (attended, indices) = self.parts(number);
        let of = |line: u32| {
            indices
                .get(line as usize)
                .and_then(|index| self.evidence.coherences.get(*index as usize))
                .copied()
        };
        Condition {
            attended: Some(attended),
            coherence: of(attended),
            other_coherence: of(1 - attended.min(1)),
            ..Condition::default()
        }
    }
}

/// The trials with these attended lines and coherences, given by their places in the list, and with these
/// standard normal numbers for the noise. With m coherences, the condition of a trial is `attended m² +
/// index_0 m + index_1`.
///
/// # Shapes
/// `attended`: (trials), each 0 or 1. `indices`: (trials, 2). `z`: (trials, stimulus, 2).
pub fn trials<Z: Copy + Into<f64>, T: Number>(
    evidence: &Evidence,
    attended: &[u32],
    indices: ArrayView2<'_, u32>,
    z: ArrayView3<'_, Z>,
) -> Trials<T> {
    let (count, from) = (attended.len(), evidence.response_from());
    let timesteps = from + evidence.response;
    let mut inputs = Array3::from_elem((count, timesteps, 2 * LINES), T::rounded(0.0));
    let (mut classes, mut conditions) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let coherences = evidence.coherences.len() as u32;
    for (trial, mut inputs) in inputs.outer_iter_mut().enumerate() {
        let (line, indices) = (attended[trial], indices.row(trial));
        inputs.column_mut(LINES + line as usize).fill(T::rounded(1.0));
        evidence.show(inputs, indices, z.index_axis(Axis(0), trial));
        classes.push(evidence.class(indices[line as usize]));
        conditions.push(indices.iter().fold(line, |condition, index| condition * coherences + index));
    }
    Trials {
        inputs: Inputs::Timed(inputs),
        targets: Targets::Class(classes),
        mask: Mask::from_step(from, count, timesteps),
        conditions,
    }
}
