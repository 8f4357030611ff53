//! `match`: delayed match to sample. Two items are shown, one after the other; are they the same?

use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array3, s};

use super::draws::evenly_spread;
use super::{Ask, Condition, Draws, Inputs, Mask, Number, Target, Targets, Task, TaskShape, Trials};
use crate::params::{TaskParams, ValidParams};

const PURPOSES: [Purpose; 3] =
    [Purpose::new("match"), Purpose::new("match valid."), Purpose::new("match anal.")];

/// Each item has an input line, which is 1 while the item is shown: the first for `sample` timesteps, and
/// after a delay the second for `test` timesteps. The class of a trial is 1 if both are the same, else 0. The
/// loss counts while the second is shown.
#[derive(Clone, Debug)]
pub struct Match {
    stimuli: usize,
    periods: Periods,
    draws: Draws,
    shape: TaskShape,
}

/// The timesteps of the parts of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    /// The first item is shown.
    pub sample: usize,
    /// Nothing is shown.
    pub delay: usize,
    /// The second item is shown.
    pub test: usize,
}

impl Match {
    /// The task of a realisation.
    pub fn new(params: &ValidParams) -> Self {
        let task = &params.task;
        let draws = Draws::new(params, PURPOSES);
        let periods = Periods { sample: task.sample, delay: task.delay, test: task.test };
        Self { stimuli: task.stimuli, periods, draws, shape: *params.shape() }
    }

    /// The sizes of its trials.
    pub(super) fn shape(task: &TaskParams) -> TaskShape {
        TaskShape {
            inputs: task.stimuli,
            target: Target::Classes(2),
            timesteps: task.sample + task.delay + task.test,
            conditions: task.stimuli * task.stimuli,
        }
    }

    fn parts(&self, condition: u32) -> [u32; 2] {
        let stimuli = self.stimuli as u32;
        [condition / stimuli, condition % stimuli]
    }

    /// Two items: the same with probability 1/2, otherwise two different ones.
    fn pair(&self, stream: &mut Stream) -> [u32; 2] {
        let stimuli = self.stimuli as u32;
        let sample = stream.below(stimuli);
        let shift = if stream.below(2) == 1 { 0 } else { 1 + stream.below(stimuli - 1) };
        [sample, (sample + shift) % stimuli]
    }
}

impl Task for Match {
    fn shape(&self) -> TaskShape {
        self.shape
    }

    fn trials(&self, ask: Ask) -> Trials {
        let (mut stream, count) = self.draws.stream(ask);
        let items: Vec<[u32; 2]> = match ask {
            Ask::Analysis { .. } => {
                let conditions = evenly_spread(&mut stream, count, self.shape.conditions);
                conditions.into_iter().map(|condition| self.parts(condition)).collect()
            }
            _ => (0..count).map(|_| self.pair(&mut stream)).collect(),
        };
        trials(self.stimuli, self.periods, &items)
    }

    fn condition(&self, number: u32) -> Condition {
        let [sample, test] = self.parts(number);
        Condition { sample: Some(sample), test: Some(test), ..Condition::default() }
    }
}

/// The trials with these items, each the first and the second of a trial. The condition of a trial is
/// `first × stimuli + second`.
pub fn trials<T: Number>(stimuli: usize, periods: Periods, items: &[[u32; 2]]) -> Trials<T> {
    let Periods { sample, delay, test } = periods;
    let (count, from) = (items.len(), sample + delay);
    let timesteps = from + test;
    let mut inputs = Array3::from_elem((count, timesteps, stimuli), T::rounded(0.0));
    for (mut inputs, [first, second]) in inputs.outer_iter_mut().zip(items) {
        inputs.slice_mut(s![..sample, *first as usize]).fill(T::rounded(1.0));
        inputs.slice_mut(s![from.., *second as usize]).fill(T::rounded(1.0));
    }
    Trials {
        inputs: Inputs::Timed(inputs),
        targets: Targets::Class(items.iter().map(|[first, second]| u32::from(first == second)).collect()),
        mask: Mask::from_step(from, count, timesteps),
        conditions: items.iter().map(|[first, second]| first * stimuli as u32 + second).collect(),
    }
}
