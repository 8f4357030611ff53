//! The shape of a run: everything about it that is compiled into its kernels. Runs of the same shape can be
//! trained together.

use concertina_model::network::{Weights, is_trained};
use concertina_model::optimizer::Optimizer;
use concertina_model::params::{
    GradientNoiseTarget, LossKind, NetworkKind, Nonlinearity, OptimizerKind, ValidParams,
};
use concertina_model::task::{Target, TaskShape};

/// The largest number of samples that pass through a network together. A larger batch is taken part by part,
/// so that memory does not grow with the batch. Arbitrary: a weight that was read is used this many times.
const PART: usize = 32;

/// Bytes of work group memory that every device has.
const GROUP_BYTES: usize = 16_384;

/// The largest number of threads in a group; every device allows this many.
const MOST_THREADS: usize = 256;

/// The shape of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    pub(crate) kind: NetworkKind,
    pub(crate) nonlinearity: Nonlinearity,
    pub(crate) units: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) steps: usize,
    /// The last timesteps, at which the loss may count.
    pub(crate) evaluated: usize,
    /// For how many timesteps a stimulus is held; `None` if there is an input at every timestep.
    pub(crate) hold: Option<usize>,
    pub(crate) batch: usize,
    /// Updates of an epoch, and samples of the validation set: runs of a cohort go through their epochs in
    /// step.
    pub(crate) updates: usize,
    pub(crate) samples: usize,
    pub(crate) validation: usize,
    pub(crate) loss: LossKind,
    /// Whether targets are real numbers.
    pub(crate) real: bool,
    pub(crate) optimizer: OptimizerKind,
    pub(crate) keeps_mean: bool,
    pub(crate) keeps_square: bool,
    pub(crate) unit_noise: bool,
    pub(crate) dropout: bool,
    /// Whether the noise on the gradient has the norm of the gradient.
    pub(crate) scaled_noise: bool,
    pub(crate) arrays: Vec<Array>,
}

/// An array of weights, in the order of those of [`concertina_model::network::TrainedWeights`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Array {
    pub(crate) name: String,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Where it begins.
    pub(crate) offset: usize,
    pub(crate) trained: bool,
    /// Whether its gradient is noisy.
    pub(crate) noisy: bool,
}

impl Array {
    pub(crate) fn len(&self) -> usize {
        self.rows * self.columns
    }
}

impl Shape {
    /// The shape of a run that GPUs can train.
    pub fn of(params: &ValidParams) -> Self {
        let TaskShape { inputs, timesteps, target, .. } = *params.shape();
        let (network, train) = (&params.network, &params.train);
        let (keeps_mean, keeps_square) = Optimizer::from_params(train).keeps();
        let units = network.units;
        let mut shape = Shape {
            kind: network.kind,
            nonlinearity: network.nonlinearity,
            units,
            inputs,
            outputs: params.outputs(),
            steps: timesteps,
            evaluated: params.evaluated_steps(),
            hold: params.has_stimulus().then_some(params.task.hold),
            batch: train.batch,
            updates: params.updates_per_epoch() as usize,
            samples: params.train_samples(),
            validation: params.val_samples(),
            loss: train.loss,
            real: matches!(target, Target::Real(_)),
            optimizer: train.optimizer,
            keeps_mean,
            keeps_square,
            unit_noise: network.unit_noise > 0.0,
            dropout: network.dropout > 0.0,
            scaled_noise: train.gradient_noise > 0.0 && train.gradient_noise_scaled,
            arrays: Vec::new(),
        };
        let currents = shape.currents();
        let mut sizes = vec![
            (Weights::INPUT, inputs, currents),
            (Weights::RECURRENT, units, currents),
            (Weights::BIAS, 1, currents),
        ];
        if shape.is_gated() {
            sizes.push((Weights::RECURRENT_BIAS, 1, currents));
        }
        sizes.push((Weights::READOUT, units, shape.outputs));
        sizes.push((Weights::READOUT_BIAS, 1, shape.outputs));
        let mut offset = 0;
        for (name, rows, columns) in sizes {
            let trained = is_trained(params, name);
            let noisy = trained
                && train.gradient_noise > 0.0
                && match train.gradient_noise_on {
                    GradientNoiseTarget::Recurrent => name == Weights::RECURRENT,
                    GradientNoiseTarget::Readout => name == Weights::READOUT,
                    GradientNoiseTarget::All => true,
                };
            shape.arrays.push(Array { name: name.to_owned(), rows, columns, offset, trained, noisy });
            offset += rows * columns;
        }
        shape
    }

    pub(crate) fn is_gated(&self) -> bool {
        self.kind == NetworkKind::Gru
    }

    /// Whether rates are sent to other units, and not the states.
    pub(crate) fn sends_rates(&self) -> bool {
        matches!(self.kind, NetworkKind::Leaky | NetworkKind::Rate)
    }

    /// Whether rates are kept beside the states.
    pub(crate) fn keeps_rates(&self) -> bool {
        self.sends_rates() || (self.kind == NetworkKind::Vanilla && (self.unit_noise || self.dropout))
    }

    /// Currents of all units.
    pub(crate) fn currents(&self) -> usize {
        if self.is_gated() { 3 * self.units } else { self.units }
    }

    /// Numbers of all arrays.
    pub(crate) fn parameters(&self) -> usize {
        self.arrays.iter().map(Array::len).sum()
    }

    /// Numbers of all arrays, and of the transposed recurrent weights.
    pub(crate) fn weights(&self) -> usize {
        self.parameters() + self.units * self.currents()
    }

    /// Numbers of the optimizer's buffers.
    pub(crate) fn moments(&self) -> usize {
        self.parameters() * (usize::from(self.keeps_mean) + usize::from(self.keeps_square))
    }

    /// Numbers that are drawn for the noise on the gradient.
    pub(crate) fn drawn(&self) -> usize {
        if self.arrays.iter().any(|array| array.noisy) { self.parameters() } else { 0 }
    }

    pub(crate) fn array(&self, name: &str) -> &Array {
        self.arrays.iter().find(|array| array.name == name).expect("all names are those of `Shape::of`")
    }

    /// Vectors of four samples in a part of a batch.
    pub(crate) fn lanes(&self) -> usize {
        self.batch.min(PART).div_ceil(4)
    }

    /// Samples in a part of a batch, some of which may be padding.
    pub(crate) fn part(&self) -> usize {
        4 * self.lanes()
    }

    /// Parts of a batch.
    pub(crate) fn parts(&self) -> usize {
        self.batch.div_ceil(self.part())
    }

    /// Parts of the validation set.
    pub(crate) fn validation_parts(&self) -> usize {
        self.validation.div_ceil(self.part())
    }

    /// Vectors of samples that pass through a product together: as many as there are registers for.
    pub(crate) fn tile_lanes(&self) -> usize {
        match self.lanes() {
            lanes @ 1..=5 => lanes,
            lanes @ (6 | 8) => lanes / 2,
            lanes => lanes,
        }
    }

    pub(crate) fn threads(&self) -> usize {
        self.currents().min(MOST_THREADS).next_multiple_of(32)
    }

    /// Rows of a product that the work group memory holds.
    pub(crate) fn chunk(&self) -> usize {
        let room = (GROUP_BYTES - 4 * self.threads() - 16) / (16 * self.tile_lanes());
        room.min(self.currents().max(self.inputs))
    }

    /// Vectors of inputs for each part.
    pub(crate) fn input_vectors(&self) -> usize {
        let shown = if self.hold.is_some() { 1 } else { self.steps };
        shown * self.inputs * self.lanes()
    }

    /// Vectors of targets for each part: classes, or real numbers.
    pub(crate) fn target_vectors(&self) -> usize {
        self.evaluated * self.lanes() * if self.real { self.outputs } else { 1 }
    }

    /// Vectors of states for each part.
    pub(crate) fn state_vectors(&self) -> usize {
        self.steps * self.units * self.lanes()
    }

    /// Vectors of data for each part of a batch: inputs, targets, the weights of samples, noise, dropout.
    pub(crate) fn part_vectors(&self) -> usize {
        let disturbances = usize::from(self.unit_noise) + usize::from(self.dropout);
        self.input_vectors()
            + self.target_vectors()
            + self.evaluated * self.lanes()
            + disturbances * self.state_vectors()
    }

    /// Vectors of outputs for each part.
    pub(crate) fn output_vectors(&self) -> usize {
        self.evaluated * self.outputs * self.lanes()
    }

    /// Vectors of results for each update: outputs, and the norm of the gradient.
    pub(crate) fn result_vectors(&self) -> usize {
        self.parts() * self.output_vectors() + 1
    }
}
