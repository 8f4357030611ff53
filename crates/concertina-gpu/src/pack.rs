//! Trials and random numbers in the order in which the kernels read them: (.., sample of the part).

use std::ops::Range;

use concertina_model::network::Disturbance;
use concertina_model::task::{Inputs, Mask, Targets, Trials};
use ndarray::Array3;

use crate::shape::Shape;

/// The samples of a part: its place in the batch, and the samples of the batch among the trials.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Samples<'a> {
    pub(crate) trials: &'a Trials,
    /// The first sample of the batch, and how many it has.
    pub(crate) first: usize,
    pub(crate) count: usize,
    pub(crate) part: usize,
}

impl Samples<'_> {
    /// The samples of the part, as places in the batch.
    fn of(&self, shape: &Shape) -> Range<usize> {
        let first = self.part * shape.part();
        first.min(self.count)..(first + shape.part()).min(self.count)
    }
}

/// Writes the inputs of a part. `into` is zero before.
pub(crate) fn inputs(shape: &Shape, samples: Samples<'_>, into: &mut [f32]) {
    let (width, inputs) = (shape.part(), shape.inputs);
    for (place, sample) in samples.of(shape).enumerate() {
        let trial = samples.first + sample;
        match &samples.trials.inputs {
            Inputs::Held { stimuli, .. } => {
                for (input, value) in stimuli.row(trial).iter().enumerate() {
                    into[input * width + place] = *value;
                }
            }
            Inputs::Timed(timed) => {
                for step in 0..shape.steps.min(timed.dim().1) {
                    for input in 0..inputs {
                        into[(step * inputs + input) * width + place] = timed[[trial, step, input]];
                    }
                }
            }
        }
    }
}

/// The weight of a (sample, timestep) pair of a batch in its mean loss; 0 if none counts.
pub(crate) fn share(samples: Samples<'_>) -> f32 {
    let pairs = match &samples.trials.mask {
        Mask::Last(timesteps) => samples.count * timesteps,
        Mask::At(mask) => {
            let batch = samples.first..samples.first + samples.count;
            batch.map(|trial| mask.row(trial).iter().filter(|counts| **counts).count()).sum()
        }
    };
    if pairs == 0 { 0.0 } else { (1.0 / pairs as f64) as f32 }
}

/// Writes targets, and the weights of samples in the loss. `into` is zero before, and follows the inputs.
pub(crate) fn targets(shape: &Shape, samples: Samples<'_>, share: f32, into: &mut [f32]) {
    let width = shape.part();
    let (targets, shares) = into.split_at_mut(4 * shape.target_vectors());
    for (place, sample) in samples.of(shape).enumerate() {
        let trial = samples.first + sample;
        for evaluated in 0..shape.evaluated {
            let step = shape.steps - shape.evaluated + evaluated;
            match &samples.trials.targets {
                Targets::Class(classes) => targets[evaluated * width + place] = classes[trial] as f32,
                Targets::ClassAt(classes) => {
                    targets[evaluated * width + place] = classes[[trial, step]] as f32;
                }
                Targets::Real(values) => {
                    for output in 0..shape.outputs {
                        targets[(evaluated * shape.outputs + output) * width + place] =
                            values[[trial, step, output]];
                    }
                }
            }
            let counts = match &samples.trials.mask {
                Mask::Last(_) => true,
                Mask::At(mask) => mask[[trial, step]],
            };
            if counts {
                shares[evaluated * width + place] = share;
            }
        }
    }
}

/// Writes noise and dropout, which were drawn for the batch, after targets and weights.
pub(crate) fn disturbances(shape: &Shape, samples: Samples<'_>, drawn: &Disturbance, into: &mut [f32]) {
    let width = shape.part();
    let (first, second) = into.split_at_mut(if shape.unit_noise { 4 * shape.state_vectors() } else { 0 });
    for step in 0..shape.steps {
        for (place, sample) in samples.of(shape).enumerate() {
            let row = step * samples.count + sample;
            for (rows, into) in [(drawn.noise_row(row), &mut *first), (drawn.dropout_row(row), &mut *second)]
            {
                for (unit, value) in rows.unwrap_or_default().iter().take(shape.units).enumerate() {
                    into[(step * shape.units + unit) * width + place] = *value;
                }
            }
        }
    }
}

/// Outputs of some samples, (samples, timesteps, outputs), from parts of the kernels' results. Timesteps that
/// are not evaluated have zeros.
pub(crate) fn outputs(shape: &Shape, count: usize, results: &[f32]) -> Array3<f32> {
    let (width, part) = (shape.part(), 4 * shape.output_vectors());
    let before = shape.steps - shape.evaluated;
    let mut outputs = Array3::zeros((count, shape.steps, shape.outputs));
    for ((sample, step, output), value) in outputs.indexed_iter_mut() {
        if step >= before {
            let place = (step - before) * shape.outputs + output;
            *value = results[sample / width * part + place * width + sample % width];
        }
    }
    outputs
}
