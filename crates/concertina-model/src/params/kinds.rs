//! The choices among the parameters, named in files as in `model.md`.

use serde::{Deserialize, Serialize};

/// A closed set of values with the spellings that they answer to.
pub(crate) trait Choice: Sized + Copy + PartialEq + 'static {
    /// Every value with our name for it and the published code's.
    const SPELLINGS: &'static [Spelling<Self>];

    /// Our name for it.
    fn name(self) -> &'static str {
        Self::SPELLINGS.iter().find(|s| s.value == self).map_or("", |s| s.name)
    }
}

/// One value of a [`Choice`], and its names.
#[derive(Debug)]
pub(crate) struct Spelling<T> {
    pub(crate) value: T,
    pub(crate) name: &'static str,
    pub(crate) published: &'static [&'static str],
}

macro_rules! choices {
    ($($(#[$doc:meta])* $kind:ident { $($(#[$value_doc:meta])* $value:ident = $name:literal $(| $published:literal)*,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $kind { $($(#[$value_doc])* $value,)* }

        impl Choice for $kind {
            const SPELLINGS: &'static [Spelling<Self>] =
                &[$(Spelling { value: Self::$value, name: $name, published: &[$($published),*] },)*];
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    )*};
}

choices! {
    /// The equations of the network (`network.kind`).
    NetworkKind {
        /// Discrete-time recurrent network: `h_t = φ(h_{t-1} W + x_t U + b)`.
        #[default]
        Vanilla = "vanilla" | "vanilla_rnn",
        /// Leaky rate network of Sompolinsky, Crisanti and Sommers (1988), by forward Euler.
        Leaky = "leaky" | "sompolinsky",
        /// As many layers as a trial has timesteps, each with its own weights.
        Feedforward = "feedforward",
    }

    /// The units' transfer function φ (`network.nonlinearity`).
    Nonlinearity {
        /// `tanh(a)`.
        #[default]
        Tanh = "tanh",
        /// `max(a, 0)`.
        Relu = "relu",
        /// `a`.
        Linear = "linear" | "identity" | "lin",
    }

    /// The initial input weights (`network.input_weights`).
    InputWeights {
        /// A (semi-)orthogonal matrix: every unit hears every input.
        #[default]
        Orthogonal = "orthogonal" | "orthog",
        /// A scaled identity: unit `i` hears input `i` alone.
        Diagonal = "diagonal" | "diagonal_first_two" | "identity",
    }

    /// The loss (`train.loss`).
    LossKind {
        /// Softmax cross-entropy.
        #[default]
        CrossEntropy = "cross_entropy" | "cce",
        /// Mean squared distance from 0.7 times the one-hot label.
        Mse = "mse",
        /// Squared distance of a single output from -0.7 or 0.7, for two classes.
        MseScalar = "mse_scalar",
        /// Nothing is learnt: a control.
        Zero = "zero",
    }

    /// The optimizer (`train.optimizer`).
    OptimizerKind {
        /// Gradient descent, with momentum.
        Sgd = "sgd",
        /// RMSprop with α = 0.9, ε = 1e-8.
        #[default]
        Rmsprop = "rmsprop",
        /// Adam with 0.9, 0.999, 1e-8, bias corrected.
        Adam = "adam",
        /// `train.mix` times the rmsprop step plus the rest of plain gradient descent.
        SgdRmsprop = "sgd_rmsprop" | "sgd_rmsprop_comb",
    }

    /// How the learning rate changes from epoch to epoch (`train.scheduler`).
    SchedulerKind {
        /// It does not.
        None = "none" | "constant",
        /// Lowered when the validation loss no longer improves.
        #[default]
        Plateau = "plateau" | "reducelronplateau" | "reduce_lr_on_plateau",
        /// Lowered every `scheduler_patience` epochs.
        Step = "step" | "steplr" | "step_lr",
        /// Lowered at `milestones`.
        Multistep = "multistep" | "multisteplr" | "multistep_lr" | "multi_step_lr",
        /// Up and down (PyTorch's triangular).
        Cyclic = "cyclic" | "cycliclr" | "cyclic_lr" | "triangular",
        /// Up and down, half as far every cycle (PyTorch's triangular2).
        CyclicHalving = "cyclic_halving" | "cycliclr2" | "cyclic_lr2" | "triangular2",
        /// Up once and down to almost nothing, by cosines.
        Onecycle = "onecycle" | "onecyclelr" | "one_cycle_lr" | "onecycle_lr",
    }

    /// The weights whose gradient is noisy (`train.gradient_noise_on`).
    GradientNoiseTarget {
        /// The recurrent weights.
        #[default]
        Recurrent = "recurrent" | "rec" | "wrec",
        /// The readout weights.
        Readout = "readout" | "output" | "out" | "wout",
        /// Both, and every other weight that is trained.
        All = "all" | "both",
    }
}
