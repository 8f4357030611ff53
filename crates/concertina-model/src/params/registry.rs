//! The table of all parameters: the one place where their names, ranges and meanings are written down.

use super::field::Field;
use super::kinds::Choice;
use super::parameter::{Condition, Interval, Kind, MOST, Parameter};
use super::{
    Arithmetic, GradientMethod, GradientNoiseTarget, InitialState, InitialWeights, InputWeights, LossKind,
    NetworkKind, Nonlinearity, OptimizerKind, Params, SchedulerKind, TaskKind,
};

const COUNT: Kind = Kind::Whole { least: 1, most: MOST };
const NUMBER: Kind = Kind::Real(Interval::NotNegative);

/// Whether the task is the paper's.
fn is_clusters(params: &Params) -> bool {
    params.task.kind == TaskKind::Clusters
}

/// Whether the task is to remember pulses.
fn is_flip_flop(params: &Params) -> bool {
    params.task.kind == TaskKind::FlipFlop
}

/// Whether trials have a number of timesteps of their own, rather than periods.
fn has_timesteps(params: &Params) -> bool {
    matches!(params.task.kind, TaskKind::FlipFlop | TaskKind::Sine)
}

/// Whether the task is to choose by the sign of noisy evidence.
fn has_evidence(params: &Params) -> bool {
    matches!(params.task.kind, TaskKind::Integration | TaskKind::Context)
}

/// Whether the task is to compare two items.
fn is_match(params: &Params) -> bool {
    params.task.kind == TaskKind::Match
}

/// Whether trials have a delay.
fn has_delay(params: &Params) -> bool {
    is_clusters(params) || has_evidence(params) || is_match(params)
}

/// Whether trials are drawn, rather than taken from a file.
fn draws_trials(params: &Params) -> bool {
    params.task.kind != TaskKind::Trials
}

/// Whether the initial weights are drawn by the standard rule.
fn is_drawn(params: &Params) -> bool {
    params.network.init == InitialWeights::Standard
}

/// Whether recurrent weights are drawn at random and scaled to the gain: by the standard rule, unless they
/// only have a part of low rank.
fn is_scaled(params: &Params) -> bool {
    is_drawn(params) && (params.network.rank.is_none() || params.network.random_part)
}

/// Whether the network has gates whose weights are drawn by the standard rule.
fn is_gated(params: &Params) -> bool {
    params.network.kind.is_gated() && is_drawn(params)
}

/// The parameter that is held by the field of the same name.
macro_rules! parameter {
    ($($part:ident).+, [$($published:literal),*], $kind:expr, $meaning:literal) => {
        Parameter {
            path: parameter!(@path $($part).+),
            published: &[$($published),*],
            kind: $kind,
            unit: "",
            meaning: $meaning,
            part_of_key: true,
            other_defaults: "",
            condition: None,
            get: |params| Field::show(&params.$($part).+),
            put: |params, value| {
                let read = Field::read(value);
                read.map(|value| params.$($part).+ = value).is_some()
            },
        }
    };
    (@path $field:ident) => { stringify!($field) };
    (@path $section:ident.$field:ident) => { concat!(stringify!($section), ".", stringify!($field)) };
}

impl Parameter {
    const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// Defaults that depend on other parameters, in words.
    const fn otherwise(mut self, defaults: &'static str) -> Self {
        self.other_defaults = defaults;
        self
    }

    const fn not_in_key(mut self) -> Self {
        self.part_of_key = false;
        self
    }

    const fn only(mut self, text: &'static str, holds: fn(&Params) -> bool) -> Self {
        self.condition = Some(Condition { text, holds, is_usual: false });
        self
    }

    /// As [`Parameter::only`], for a condition that nearly always holds.
    const fn usually(mut self, text: &'static str, holds: fn(&Params) -> bool) -> Self {
        self.condition = Some(Condition { text, holds, is_usual: true });
        self
    }
}

/// Every parameter, in the order of files and tables.
pub static PARAMETERS: &[Parameter] = &[
    // 2^63 - 1: the largest whole number that TOML can write.
    parameter!(
        seed,
        ["model_seed"],
        Kind::Whole { least: 0, most: i64::MAX as u64 },
        "the realisation: keys every stream of random numbers"
    ),
    // The task.
    parameter!(task.kind, [], Kind::Choice(TaskKind::NAMES), "the task"),
    parameter!(task.input_dim, ["X_dim"], COUNT, "the dimension of the input space")
        .usually("`task.kind = clusters`", is_clusters),
    parameter!(task.clusters, ["X_clusters"], COUNT, "the number of Gaussian clusters")
        .usually("`task.kind = clusters`", is_clusters),
    parameter!(
        task.classes,
        ["num_classes"],
        Kind::Whole { least: 2, most: MOST },
        "the number of class labels"
    )
    .usually("`task.kind = clusters`", is_clusters),
    parameter!(
        task.cluster_std,
        ["clust_sig"],
        NUMBER,
        "the standard deviation of a cluster, per coordinate"
    )
    .usually("`task.kind = clusters`", is_clusters),
    parameter!(
        task.delay,
        ["n_lag"],
        Kind::Whole { least: 0, most: MOST },
        "the time from stimulus onset to the end of evaluation (`clusters`), or without input before the response or test"
    )
    .unit("timesteps")
    .usually("`task.kind = clusters`, `integration`, `context` or `match`", has_delay),
    parameter!(task.hold, ["n_hold"], COUNT, "the time for which the input is shown")
        .unit("timesteps")
        .usually("`task.kind = clusters`", is_clusters),
    parameter!(
        task.evaluate,
        ["n_out"],
        COUNT,
        "the time over which the loss is evaluated, at the end of a trial"
    )
    .unit("timesteps")
    .usually("`task.kind = clusters`", is_clusters),
    parameter!(
        task.bits,
        [],
        Kind::Whole { least: 1, most: 16 },
        "the number of input lines, each with an output that remembers its last pulse"
    )
    .only("`task.kind = flip_flop`", is_flip_flop),
    parameter!(
        task.pulse,
        [],
        Kind::Real(Interval::Unit),
        "the probability of a pulse at a timestep, on each line"
    )
    .only("`task.kind = flip_flop`", is_flip_flop),
    parameter!(task.timesteps, [], COUNT, "the length of a trial")
        .unit("timesteps")
        .only("`task.kind = flip_flop` or `sine`", has_timesteps),
    parameter!(
        task.coherences,
        [],
        Kind::Nonzero,
        "the coherences: the mean of the evidence at a timestep, whose sign is the right choice"
    )
    .only("`task.kind = integration` or `context`", has_evidence),
    parameter!(task.noise, [], NUMBER, "the standard deviation of the evidence at a timestep")
        .only("`task.kind = integration` or `context`", has_evidence),
    parameter!(task.stimulus, [], COUNT, "the time for which evidence is shown")
        .unit("timesteps")
        .only("`task.kind = integration` or `context`", has_evidence),
    parameter!(task.response, [], COUNT, "the time after the delay, in which the loss counts")
        .unit("timesteps")
        .only("`task.kind = integration` or `context`", has_evidence),
    parameter!(
        task.stimuli,
        [],
        Kind::Whole { least: 2, most: 1000 },
        "the number of items, each with an input line"
    )
    .only("`task.kind = match`", is_match),
    parameter!(task.sample, [], COUNT, "the time for which the first item is shown")
        .unit("timesteps")
        .only("`task.kind = match`", is_match),
    parameter!(task.test, [], COUNT, "the time for which the second item is shown, in which the loss counts")
        .unit("timesteps")
        .only("`task.kind = match`", is_match),
    parameter!(
        task.frequencies,
        [],
        Kind::Whole { least: 2, most: 1_000_000 },
        "the number of frequencies, equally spaced from 0.1 to 0.6 radians per timestep"
    )
    .only("`task.kind = sine`", |p| p.task.kind == TaskKind::Sine),
    parameter!(
        task.file,
        [],
        Kind::Trials,
        "the trials: arrays `inputs` and `targets`, perhaps `mask` and `condition`"
    )
    .only("`task.kind = trials`", |p| p.task.kind == TaskKind::Trials),
    parameter!(
        task.frozen,
        ["freeze_input"],
        Kind::Boolean,
        "the same samples every epoch, rather than fresh ones"
    )
    .usually("a task other than `trials`", draws_trials),
    parameter!(
        task.train_samples,
        ["num_train_samples_per_epoch"],
        COUNT,
        "the number of training samples per epoch"
    )
    .usually("a task other than `trials`", draws_trials),
    parameter!(
        task.val_samples,
        ["num_test_samples_per_epoch"],
        Kind::OptionalWhole { least: 1, most: MOST },
        "the number of validation samples per epoch (none: 100 with 800 for training, otherwise 15%)"
    )
    .usually("a task other than `trials`", draws_trials),
    // The network.
    parameter!(network.kind, ["network"], Kind::Choice(NetworkKind::NAMES), "the equations of the network"),
    parameter!(
        network.units,
        ["N"],
        Kind::Whole { least: 1, most: 100_000 },
        "the number of units, in each layer of a feedforward network"
    ),
    parameter!(
        network.nonlinearity,
        ["hid_nonlin"],
        Kind::Choice(Nonlinearity::NAMES),
        "the transfer function of a unit"
    )
    .usually("a network other than `gru` and `lstm`", |p| !p.network.kind.is_gated()),
    parameter!(
        network.gain,
        ["g_radius"],
        Kind::OptionalReal(Interval::NotNegative),
        "the spectral radius of the random part of the recurrent weights"
    )
    .otherwise("1.5 with `network.kind = rate` or `network.excitatory`")
    .usually("`network.init = standard` and random recurrent weights", is_scaled),
    parameter!(network.dt, ["dt"], Kind::Real(Interval::UnitAboveZero), "the step of the discretisation")
        .unit("time constants")
        .usually("`network.kind = leaky` or `rate`, or drawn weights of `vanilla` or `feedforward`", |p| {
            let kind = p.network.kind;
            let has_identity_part = is_scaled(p) && p.network.excitatory.is_none();
            kind.is_continuous() || (!kind.is_gated() && has_identity_part)
        }),
    parameter!(
        network.leak,
        [],
        Kind::Boolean,
        "the leak of a leaky network; false is the published code's update"
    )
    .only("`network.kind = leaky`", |p| p.network.kind == NetworkKind::Leaky),
    parameter!(
        network.input_weights,
        ["Win"],
        Kind::Choice(InputWeights::NAMES),
        "the kind of initial input weights"
    )
    .usually("`network.init = standard`", is_drawn),
    parameter!(network.init, [], Kind::Choice(InitialWeights::NAMES), "the rule of the initial weights"),
    parameter!(
        network.gate_gain,
        [],
        NUMBER,
        "the spectral radius of each gate's recurrent weights; that of the candidate's is `network.gain`"
    )
    .only("`network.kind = gru` or `lstm`, `network.init = standard` and random recurrent weights", |p| {
        is_gated(p) && is_scaled(p)
    }),
    parameter!(
        network.gate_bias,
        [],
        Kind::OptionalReal(Interval::All),
        "the bias before training of the gate that keeps the state"
    )
    .otherwise("1 with `network.kind = lstm`")
    .only("`network.kind = gru` or `lstm`, and `network.init = standard`", is_gated),
    parameter!(network.input_scale, ["input_scale"], NUMBER, "the factor of the input weights")
        .usually("`network.init = standard`", is_drawn),
    parameter!(network.readout_scale, ["wout_scale"], NUMBER, "the factor of the readout weights")
        .usually("`network.init = standard`", is_drawn),
    parameter!(
        network.random_fraction,
        ["Wrec_rand_proportion"],
        Kind::Real(Interval::Unit),
        "the random share of the recurrent weights, the rest is orthogonal"
    )
    .only("`network.kind = leaky` and `network.init = standard`", |p| {
        p.network.kind == NetworkKind::Leaky && is_scaled(p) && p.network.excitatory.is_none()
    }),
    parameter!(
        network.rank,
        [],
        Kind::OptionalWhole { least: 1, most: MOST },
        "the rank of the trained part of the recurrent weights, in each block of a gated network (none: not restricted)"
    ),
    parameter!(
        network.random_part,
        [],
        Kind::Boolean,
        "keep the random recurrent weights beside the part of low rank; they are not trained"
    )
    .only("`network.rank`", |p| p.network.rank.is_some()),
    parameter!(
        network.excitatory,
        [],
        Kind::OptionalReal(Interval::UnitAboveZero),
        "the share of excitatory units under Dale's law (none: units have connections of both signs)"
    ),
    parameter!(network.excitatory_readout, [], Kind::Boolean, "read out excitatory units only")
        .only("`network.excitatory`", |p| p.network.excitatory.is_some()),
    parameter!(
        network.density,
        [],
        Kind::Real(Interval::UnitAboveZero),
        "the probability that a recurrent connection exists"
    ),
    parameter!(
        network.train_recurrent,
        [],
        Kind::Boolean,
        "train the recurrent weights; false is a reservoir, of which only the readout is trained"
    ),
    parameter!(network.biases, ["use_biases"], Kind::Boolean, "train the biases; otherwise they stay zero"),
    parameter!(network.train_input, ["train_input_weights"], Kind::Boolean, "train the input weights"),
    parameter!(network.train_readout, ["train_output_weights"], Kind::Boolean, "train the readout weights"),
    parameter!(
        network.dropout,
        ["dropout_p"],
        Kind::Real(Interval::UnitBelowOne),
        "the probability that a unit is dropped, in training"
    ),
    parameter!(
        network.unit_noise,
        ["unit_injected_noise"],
        NUMBER,
        "the standard deviation of the noise on every unit, in training"
    ),
    parameter!(
        network.initial_state,
        [],
        Kind::Choice(InitialState::NAMES),
        "the state before the first timestep: zero, or trained"
    ),
    parameter!(
        network.initial_noise,
        [],
        NUMBER,
        "the standard deviation of the noise on the state before the first timestep, in every trial"
    ),
    parameter!(
        network.weights,
        [],
        Kind::Imported,
        "weights from elsewhere, as `concertina runs import` names them (none: drawn from the seed)"
    ),
    // Training.
    parameter!(train.epochs, ["num_epochs"], Kind::Whole { least: 0, most: MOST }, "how long to train")
        .unit("epochs")
        .not_in_key(),
    parameter!(train.batch, ["batch_size"], COUNT, "the number of samples in a batch"),
    parameter!(train.loss, ["loss"], Kind::Choice(LossKind::NAMES), "the loss"),
    parameter!(train.optimizer, ["optimizer"], Kind::Choice(OptimizerKind::NAMES), "the optimizer"),
    parameter!(
        train.mix,
        [],
        Kind::Real(Interval::Unit),
        "the share of rmsprop, the rest is plain gradient descent"
    )
    .only("`train.optimizer = sgd_rmsprop`", |p| p.train.optimizer == OptimizerKind::SgdRmsprop),
    parameter!(
        train.learning_rate,
        ["learning_rate"],
        NUMBER,
        "the learning rate at the start; the highest of the cyclic schedules"
    ),
    parameter!(
        train.momentum,
        ["momentum"],
        Kind::Real(Interval::UnitBelowOne),
        "the momentum of sgd and rmsprop"
    )
    .only("an optimizer other than `adam`", |p| p.train.optimizer != OptimizerKind::Adam),
    parameter!(train.weight_decay, ["l2_regularization"], NUMBER, "the weight decay, added to the gradient"),
    parameter!(
        train.gradient_noise,
        ["grad_noise"],
        NUMBER,
        "the standard deviation of the noise on the gradient"
    ),
    parameter!(
        train.gradient_noise_on,
        ["grad_noise_type"],
        Kind::Choice(GradientNoiseTarget::NAMES),
        "the weights whose gradient is noisy"
    )
    .only("`train.gradient_noise` above 0", |p| p.train.gradient_noise > 0.0),
    parameter!(
        train.gradient_noise_scaled,
        [],
        Kind::Boolean,
        "rescale the noise to the norm of the gradient"
    )
    .only("`train.gradient_noise` above 0", |p| p.train.gradient_noise > 0.0),
    parameter!(
        train.gradients,
        [],
        Kind::Choice(GradientMethod::NAMES),
        "how gradients are computed; condensed, a batch of a linear network costs hardly more than a sample (automatic: the fastest)"
    )
    .only("`train.arithmetic = cpu`", |p| p.train.arithmetic == Arithmetic::Cpu),
    parameter!(
        train.arithmetic,
        [],
        Kind::Choice(Arithmetic::NAMES),
        "the processor whose arithmetic the run has; usually set by the choice of a device"
    ),
    parameter!(
        train.scheduler,
        ["scheduler"],
        Kind::Choice(SchedulerKind::NAMES),
        "how the learning rate changes from epoch to epoch"
    ),
    parameter!(
        train.scheduler_patience,
        ["learning_patience"],
        Kind::Whole { least: 0, most: MOST },
        "patience of `plateau`, step of `step`, half a cycle of the cyclic ones, rise of `onecycle`"
    )
    .unit("epochs")
    .only("a scheduler other than `none` and `multistep`", |p| {
        !matches!(p.train.scheduler, SchedulerKind::None | SchedulerKind::Multistep)
    }),
    parameter!(
        train.scheduler_factor,
        ["scheduler_factor"],
        Kind::Real(Interval::UnitAboveZero),
        "the factor of the learning rate; lowest over highest rate of the cyclic ones"
    )
    .only("a scheduler other than `none` and `onecycle`", |p| {
        !matches!(p.train.scheduler, SchedulerKind::None | SchedulerKind::Onecycle)
    }),
    parameter!(train.milestones, [], Kind::Epochs, "the epochs after which the learning rate is lowered")
        .only("`train.scheduler = multistep`", |p| p.train.scheduler == SchedulerKind::Multistep),
    parameter!(
        train.cycle_epochs,
        [],
        Kind::OptionalWhole { least: 1, most: MOST },
        "the length of the schedule (none: `train.epochs`, which then names the run)"
    )
    .unit("epochs")
    .only("`train.scheduler = onecycle`", |p| p.train.scheduler == SchedulerKind::Onecycle),
    parameter!(
        train.stop_after,
        ["patience_before_stopping"],
        Kind::OptionalWhole { least: 1, most: MOST },
        "how long to go on without a better validation loss"
    )
    .unit("epochs")
    .not_in_key(),
    parameter!(
        train.saves_per_epoch,
        ["saves_per_epoch"],
        Kind::Saves,
        "checkpoints kept in each epoch (1/k: in every k-th), or a list with an entry per epoch"
    )
    .not_in_key(),
];
