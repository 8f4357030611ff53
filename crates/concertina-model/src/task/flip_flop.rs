//! `flip_flop`: each input line has pulses of -1 or 1, and its output has to remember the last one (Sussillo
//! and Barak 2013).

use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array3, ArrayView3};

use super::{Ask, Draws, Inputs, Mask, Target, Targets, Task, TaskShape, Trials};
use crate::params::{TaskParams, ValidParams};

const PURPOSES: [Purpose; 3] =
    [Purpose::new("flip flop"), Purpose::new("flip flop valid."), Purpose::new("flip flop anal.")];

/// At each timestep, each line has a pulse with probability `pulse`, with either sign equally likely. The
/// target of a line is its last pulse, including one at the current timestep, and 0 before the first. The
/// loss counts at every timestep.
#[derive(Clone, Debug)]
pub struct FlipFlop {
    pulse: f32,
    draws: Draws,
    shape: TaskShape,
}

impl FlipFlop {
    /// The task of a realisation.
    pub fn new(params: &ValidParams) -> Self {
        let draws = Draws::new(params, PURPOSES);
        FlipFlop { pulse: params.task.pulse as f32, draws, shape: *params.shape() }
    }

    /// The sizes of its trials. The condition of a trial is the final targets of all lines.
    pub(super) fn shape(task: &TaskParams) -> TaskShape {
        TaskShape {
            inputs: task.bits,
            target: Target::Real(task.bits),
            timesteps: task.timesteps,
            conditions: 3_usize.pow(task.bits as u32),
        }
    }

    fn draw(&self, mut stream: Stream, count: usize) -> Trials {
        let TaskShape { inputs, timesteps, .. } = self.shape;
        let mut numbers = Array3::<f32>::zeros((count, timesteps, inputs));
        if let Some(numbers) = numbers.as_slice_mut() {
            stream.fill_uniform(numbers);
        }
        let pulse = |number: f32| match number < self.pulse {
            true if number < 0.5 * self.pulse => -1.0,
            true => 1.0,
            false => 0.0,
        };
        trials(numbers.mapv_into(pulse))
    }
}

/// The trials with these pulses, (trials, timesteps, lines). The condition of a trial is the number whose
/// digits to base three are its final targets `s`: `Σ (s_i + 1) 3^i`.
pub fn trials(pulses: Array3<f32>) -> Trials {
    let targets = last_pulses(pulses.view());
    let timesteps = pulses.dim().1;
    let condition = |trial: ndarray::ArrayView2<'_, f32>| {
        let last = trial.row(timesteps - 1);
        last.iter().rev().fold(0, |condition, state| 3 * condition + (state + 1.0) as u32)
    };
    let conditions = targets.outer_iter().map(condition).collect();
    Trials {
        inputs: Inputs::Timed(pulses),
        targets: Targets::Real(targets),
        mask: Mask::Last(timesteps),
        conditions,
    }
}

/// The last pulse of each line at every timestep; 0 before the first.
fn last_pulses(pulses: ArrayView3<'_, f32>) -> Array3<f32> {
    let mut targets = pulses.to_owned();
    for mut trial in targets.outer_iter_mut() {
        for mut line in trial.columns_mut() {
            let mut last = 0.0;
            for target in &mut line {
                if *target == 0.0 {
                    *target = last;
                }
                last = *target;
            }
        }
    }
    targets
}

impl Task for FlipFlop {
    fn shape(&self) -> TaskShape {
        self.shape
    }

    fn trials(&self, ask: Ask) -> Trials {
        let (stream, count) = self.draws.stream(ask);
        self.draw(stream, count)
    }
}
