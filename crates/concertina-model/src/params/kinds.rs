//! The choices among the parameters. `docs/reference/model.md` describes what each of them computes.

use serde::{Deserialize, Serialize};

/// Our name for a value of a choice, and the other spellings that are accepted for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChoiceNames {
    /// Our name, which is used in files and keys.
    pub name: &'static str,
    /// The published code's names, and sensible spellings of them, in lower case.
    pub published: &'static [&'static str],
}

/// A closed set of values, with their names in the same order.
pub(super) trait Choice: Sized + Copy + PartialEq + 'static {
    const VALUES: &'static [Self];
    const NAMES: &'static [ChoiceNames];

    /// Our name for it.
    fn name(self) -> &'static str {
        let place = Self::VALUES.iter().position(|value| *value == self);
        Self::NAMES[place.expect("the macro lists every value")].name
    }

    /// The value with this name, in any spelling and case; `-` and blanks are read as `_`.
    fn from_name(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase().replace(['-', ' '], "_");
        let place =
            Self::NAMES.iter().position(|names| names.name == text || names.published.contains(&&*text));
        place.map(|place| Self::VALUES[place])
    }
}

macro_rules! choices {
    ($($(#[$doc:meta])* $kind:ident { $($(#[$note:meta])* $value:ident = $name:literal $(| $published:literal)*,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $kind { $($(#[$note])* $value,)* }

        impl Choice for $kind {
            const VALUES: &'static [Self] = &[$(Self::$value),*];
            const NAMES: &'static [ChoiceNames] =
                &[$(ChoiceNames { name: $name, published: &[$($published),*] }),*];
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    )*};
}

choices! {
    /// The task (`task.kind`).
    TaskKind {
        /// Delayed classification of Gaussian clusters.
        #[default]
        Clusters = "clusters" | "hypercube",
        /// Remembering the last pulse of each input line (Sussillo and Barak 2013).
        FlipFlop = "flip_flop" | "flipflop",
        /// Choosing by the sign of noisy evidence (Roitman and Shadlen 2002).
        Integration = "integration",
        /// Choosing by the sign of one of two lines of evidence, which a cue names (Mante et al. 2013).
        Context = "context",
        /// Delayed match to sample.
        Match = "match" | "delayed_match",
        /// Sine waves of a cued frequency (Sussillo and Barak 2013).
        Sine = "sine",
        /// Imported trials, from a file.
        Trials = "trials",
    }

    /// The equations of the network (`network.kind`).
    NetworkKind {
        /// Discrete-time recurrent network: `h_t = φ(h_{t-1} W + x_t U + b)`.
        #[default]
        Vanilla = "vanilla" | "vanilla_rnn",
        /// Leaky rate network of Sompolinsky, Crisanti and Sommers (1988), by forward Euler.
        Leaky = "leaky" | "sompolinsky" | "somp" | "sompolinskyrnn",
        /// As many layers as a trial has timesteps, each with its own weights.
        Feedforward = "feedforward",
        /// Gated recurrent unit, as PyTorch's `nn.GRU`.
        Gru = "gru",
        /// Long short-term memory, as PyTorch's `nn.LSTM`.
        Lstm = "lstm",
        /// Leaky firing rates, which are read out: `v_t = v_{t-1} + dt (-v_{t-1} + φ(v_{t-1}) W + x_t U +
        /// b)`.
        Rate = "rate",
    }

    /// The units' transfer function φ (`network.nonlinearity`).
    Nonlinearity {
        /// `tanh(a)`.
        #[default]
        Tanh = "tanh",
        /// `max(a, 0)`.
        Relu = "relu",
        /// `a`.
        Linear = "linear",
        /// `ln(1 + exp(a))`.
        Softplus = "softplus",
        /// `1 / (1 + exp(-a))`.
        Sigmoid = "sigmoid",
    }

    /// The initial input weights (`network.input_weights`).
    InputWeights {
        /// A (semi-)orthogonal matrix: every unit receives every input.
        #[default]
        Orthogonal = "orthogonal" | "orthog" | "orth",
        /// A scaled identity: unit `i` receives only input `i`.
        Diagonal = "diagonal" | "diagonal_first_two" | "identity",
    }

    /// The rule of the initial weights (`network.init`).
    InitialWeights {
        /// The rule of each kind of network: see `docs/reference/model.md#initial-weights`.
        #[default]
        Standard = "standard",
        /// As in PyTorch's layers: uniform in ±1/√units, biases and readout included.
        Pytorch = "pytorch" | "torch",
    }

    /// The state before the first timestep (`network.initial_state`).
    InitialState {
        /// All trials start from zero.
        #[default]
        Zero = "zero",
        /// All trials start from the same state, which is trained.
        Trained = "trained",
    }

    /// The loss (`train.loss`).
    LossKind {
        /// Softmax cross-entropy.
        #[default]
        CrossEntropy = "cross_entropy" | "cce" | "categorical_crossentropy",
        /// Mean squared distance from 0.7 times the one-hot label.
        Mse = "mse" | "mean_square_error",
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
        /// `train.mix` times the rmsprop step plus `1 - train.mix` times that of plain gradient descent.
        SgdRmsprop = "sgd_rmsprop" | "sgd_rmsprop_comb",
    }

    /// How the learning rate changes from epoch to epoch (`train.scheduler`).
    SchedulerKind {
        /// It does not change.
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
        /// Up and down, with half the height in every cycle (PyTorch's triangular2).
        CyclicHalving = "cyclic_halving" | "cycliclr2" | "cyclic_lr2" | "triangular2",
        /// Up once and down to almost nothing, along cosines.
        Onecycle = "onecycle" | "onecyclelr" | "one_cycle_lr" | "onecycle_lr",
    }

    /// The weights whose gradient is noisy (`train.gradient_noise_on`).
    GradientNoiseTarget {
        /// The recurrent weights.
        #[default]
        Recurrent = "recurrent" | "wrec",
        /// The readout weights.
        Readout = "readout" | "output" | "wout",
        /// Both, and every other weight that is trained.
        All = "all" | "both",
    }

    /// How the gradient of a batch is computed (`train.gradients`). The results of the methods differ by
    /// rounding, so the method is part of the key of a run.
    GradientMethod {
        /// Whichever is fastest: condensed, split, or neither.
        #[default]
        Automatic = "automatic" | "auto",
        /// Backpropagation through time.
        Backpropagation = "backpropagation" | "bptt",
        /// Backpropagation through time, one part of the batch after the other. Each part fits into a
        /// processor's cache.
        Split = "split",
        /// The sum over the samples is taken before the pass through time. For linear networks without
        /// dropout.
        Condensed = "condensed" | "linear",
    }

    /// The processor whose arithmetic a run has (`train.arithmetic`). A GPU sums in another order, so the
    /// arithmetic is part of the key of a run.
    Arithmetic {
        /// That of the CPU.
        #[default]
        Cpu = "cpu",
        /// That of a GPU, in single precision throughout.
        Gpu = "gpu",
    }
}

impl NetworkKind {
    /// Whether units have gates. φ and the step of the discretisation then have no place in the equations.
    pub fn is_gated(self) -> bool {
        matches!(self, NetworkKind::Gru | NetworkKind::Lstm)
    }

    /// Whether the equations are those of continuous time, in steps of `network.dt`.
    pub(super) fn is_continuous(self) -> bool {
        matches!(self, NetworkKind::Leaky | NetworkKind::Rate)
    }
}

/// The most samples in one part of a batch with [`GradientMethod::Split`]. At the paper's size, the states of
/// a part and the derivatives by them then take 800 kB, and products are as fast as with more rows.
pub(crate) const PART: usize = 48;

/// The largest batch that is not split.
const WHOLE: usize = 64;

impl GradientMethod {
    /// The method that is used for a batch of this size. `linear` says whether the network is linear in its
    /// input, in the same way for all samples. `condensed` is the number of samples of the condensed batch,
    /// which is the number of outputs of a trial that the loss evaluates, `evaluate × outputs`.
    pub(crate) fn resolve(self, linear: bool, condensed: usize, batch: usize) -> Self {
        match self {
            GradientMethod::Automatic if linear && condensed < batch => GradientMethod::Condensed,
            GradientMethod::Automatic if batch > WHOLE => GradientMethod::Split,
            GradientMethod::Automatic => GradientMethod::Backpropagation,
            GradientMethod::Split if batch <= PART => GradientMethod::Backpropagation,
            asked => asked,
        }
    }
}
