//! `sine`: a constant input says which frequency the output oscillates with (Sussillo and Barak 2013).

use concertina_numerics::random::Purpose;
use ndarray::Array3;

use super::draws::conditions;
use super::{Ask, Condition, Draws, Inputs, Mask, Number, Target, Targets, Task, TaskShape, Trials};
use crate::params::{TaskParams, ValidParams};

const PURPOSES: [Purpose; 3] =
    [Purpose::new("sine"), Purpose::new("sine validation"), Purpose::new("sine analysis")];

/// The lowest and the highest frequency, in radians per timestep: 1 and 6 radians per second with ten
/// timesteps per second.
const LOWEST: f64 = 0.1;
const HIGHEST: f64 = 0.6;
/// What is added to the cue, so that the lowest is clearly not 0, as in the paper.
const OFFSET: f64 = 0.25;

/// One input line, whose constant value is the cue of a frequency. The target at timestep t, counted from 0,
/// is `sin(ωt)`. The loss counts at every timestep. The condition is the number of the frequency.
#[derive(Clone, Debug)]
pub struct Sine {
    frequencies: usize,
    draws: Draws,
    shape: TaskShape,
}

impl Sine {
    /// The task of a realisation.
    pub fn new(params: &ValidParams) -> Self {
        let draws = Draws::new(params, PURPOSES);
        Self { frequencies: params.task.frequencies, draws, shape: *params.shape() }
    }

    /// The sizes of its trials.
    pub(super) fn shape(task: &TaskParams) -> TaskShape {
        TaskShape {
            inputs: 1,
            target: Target::Real(1),
            timesteps: task.timesteps,
            conditions: task.frequencies,
        }
    }
}

impl Task for Sine {
    fn shape(&self) -> TaskShape {
        self.shape
    }

    fn trials(&self, ask: Ask) -> Trials {
        let (mut stream, count) = self.draws.stream(ask);
        let indices = conditions(&mut stream, ask, count, self.shape.conditions);
        trials(self.frequencies, self.shape.timesteps, &indices)
    }

    fn condition(&self, number: u32) -> Condition {
        Condition { frequency: Some(frequency(self.frequencies, number)), ..Condition::default() }
    }
}

/// Frequency number `index` of `frequencies` (at least 2), in radians per timestep: they are equally spaced
/// from 0.1 to 0.6, with both ends.
pub fn frequency(frequencies: usize, index: u32) -> f64 {
    LOWEST + (HIGHEST - LOWEST) * f64::from(index) / (frequencies - 1) as f64
}

/// The trials with these frequencies, given by their numbers. The cue of frequency number j of m is
/// `(j + 1) / m + 0.25`.
pub fn trials<T: Number>(frequencies: usize, timesteps: usize, indices: &[u32]) -> Trials<T> {
    let shape = (indices.len(), timesteps, 1);
    let cue = |index: u32| (f64::from(index) + 1.0) / frequencies as f64 + OFFSET;
    let wave = |index: u32, step: usize| libm::sin(frequency(frequencies, index) * step as f64);
    Trials {
        inputs: Inputs::Timed(Array3::from_shape_fn(shape, |(trial, _, _)| T::rounded(cue(indices[trial])))),
        targets: Targets::Real(Array3::from_shape_fn(shape, |(trial, step, _)| {
            T::rounded(wave(indices[trial], step))
        })),
        mask: Mask::Last(timesteps),
        conditions: indices.to_vec(),
    }
}
