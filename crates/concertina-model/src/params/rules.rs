//! The rules between parameters.

use std::fmt::Display;

use super::parameter::grouped;
use super::value::spell;
use super::{
    GradientMethod, GradientNoiseTarget, InitialState, InitialWeights, InputWeights, LossKind, NetworkKind,
    Params, SavesPerEpoch, SchedulerKind, TaskKind,
};
use crate::task::{Target, TaskShape};
use crate::{Error, Result};

/// Checks the rules between parameters. Each of them must already be in range, and those without effect must
/// have been reset to their defaults.
pub(super) fn check(params: &Params, shape: &TaskShape) -> Result<()> {
    clusters(params, shape)?;
    evidence(params)?;
    connectivity(params)?;
    batches(params, shape)?;
    network(params, shape)?;
    initial_state(params)?;
    reservoir(params)?;
    scheduler(params)?;
    saves(params)
}

/// Returns an error unless a rule holds. It names the parameter, what the others require of it, and what to
/// do.
pub(super) fn unless(
    holds: bool,
    parameter: &str,
    expected: String,
    found: impl Display,
    hint: String,
) -> Result<()> {
    if holds {
        return Ok(());
    }
    let (parameter, found) = (parameter.to_owned(), found.to_string());
    Err(Error::Parameter { parameter, expected, found, hint: Some(hint) })
}

fn clusters(params: &Params, shape: &TaskShape) -> Result<()> {
    let task = &params.task;
    if task.kind != TaskKind::Clusters {
        return Ok(());
    }
    unless(
        task.delay >= 1,
        "task.delay",
        "a whole number of at least 1".to_owned(),
        task.delay,
        "raise `task.delay`: the loss is evaluated at the end of it; the default is 10".to_owned(),
    )?;
    unless(
        task.clusters >= task.classes,
        "task.clusters",
        format!("at least one cluster for each of the {} classes", task.classes),
        task.clusters,
        "raise `task.clusters` or lower `task.classes`".to_owned(),
    )?;
    let steps = shape.timesteps;
    unless(
        task.evaluate <= steps,
        "task.evaluate",
        format!("at most the trial's {steps} timesteps (delay + hold - 1)"),
        task.evaluate,
        format!("lower `task.evaluate` or raise `task.delay` (now {})", task.delay),
    )
}

/// The largest coherence and noise. It is arbitrary, but inputs in single precision remain finite.
const MOST_EVIDENCE: f64 = 1e30;

fn evidence(params: &Params) -> Result<()> {
    let task = &params.task;
    let largest = task.coherences.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
    let hint = |parameter: &str| format!("lower `{parameter}`: inputs are numbers in single precision");
    unless(
        largest.is_none_or(|largest| largest.abs() <= MOST_EVIDENCE),
        "task.coherences",
        "coherences of at most 1e30 in magnitude".to_owned(),
        spell(largest.unwrap_or_default()),
        hint("task.coherences"),
    )?;
    let twice = repeated(&task.coherences);
    unless(
        twice.is_none(),
        "task.coherences",
        "coherences that differ from each other, as each is a condition".to_owned(),
        format!("{} twice", spell(twice.unwrap_or_default())),
        "give each coherence once in `task.coherences`".to_owned(),
    )?;
    unless(
        task.noise <= MOST_EVIDENCE,
        "task.noise",
        "a number of at most 1e30".to_owned(),
        spell(task.noise),
        hint("task.noise"),
    )
}

/// The lowest number that a list has more than once.
fn repeated(numbers: &[f64]) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

fn batches(params: &Params, shape: &TaskShape) -> Result<()> {
    let (task, samples) = (&params.task, params.train_samples());
    unless(
        params.train.batch <= samples,
        "train.batch",
        format!("at most the {samples} samples of an epoch"),
        params.train.batch,
        match task.kind {
            TaskKind::Trials => "lower `train.batch`".to_owned(),
            _ => "lower `train.batch` or raise `task.train_samples`".to_owned(),
        },
    )?;
    match shape.target {
        Target::Classes(classes) => unless(
            params.train.loss != LossKind::MseScalar || classes == 2,
            if task.kind == TaskKind::Clusters { "task.classes" } else { "task.file" },
            "2 classes with `train.loss = mse_scalar`".to_owned(),
            classes,
            "use `train.loss = mse` for more classes".to_owned(),
        )?,
        Target::Real(_) => unless(
            matches!(params.train.loss, LossKind::Mse | LossKind::Zero),
            "train.loss",
            "`mse` or `zero`, as the targets of the task are real numbers".to_owned(),
            params.train.loss,
            "leave `train.loss` out".to_owned(),
        )?,
    }
    let gradients = params.train.gradients;
    unless(
        gradients != GradientMethod::Condensed || params.is_linear(),
        "train.gradients",
        "`automatic`, `backpropagation` or `split`, unless the network is linear, starts from zero and has no dropout"
            .to_owned(),
        gradients,
        "leave `train.gradients` out: the fastest method is then chosen".to_owned(),
    )
}

fn network(params: &Params, shape: &TaskShape) -> Result<()> {
    let (task, network) = (&params.task, &params.network);
    unless(
        network.kind != NetworkKind::Feedforward || task.kind == TaskKind::Clusters,
        "network.kind",
        format!("a recurrent network for `task.kind = {}`, which has inputs at every timestep", task.kind),
        network.kind,
        "use `network.kind = vanilla`".to_owned(),
    )?;
    unless(
        task.kind != TaskKind::Context
            || network.input_weights != InputWeights::Diagonal
            || shape.inputs <= network.units,
        "network.units",
        format!(
            "at least the {} inputs of `task.kind = context`, with `network.input_weights = diagonal`",
            shape.inputs
        ),
        network.units,
        "raise `network.units`, or use `network.input_weights = orthogonal`".to_owned(),
    )?;
    unless(
        network.input_weights != InputWeights::Diagonal || shape.inputs <= network.units,
        match task.kind {
            TaskKind::FlipFlop => "task.bits",
            TaskKind::Match => "task.stimuli",
            TaskKind::Trials => "task.file",
            _ => "task.input_dim",
        },
        format!("at most the {} units, with `network.input_weights = diagonal`", network.units),
        shape.inputs,
        "raise `network.units`, or use `network.input_weights = orthogonal`".to_owned(),
    )?;
    for (parameter, found) in [("task.hold", task.hold), ("task.evaluate", task.evaluate)] {
        unless(
            network.kind != NetworkKind::Feedforward || found == 1,
            parameter,
            "1 with `network.kind = feedforward`, whose layers take the place of time".to_owned(),
            found,
            format!("leave `{parameter}` out, or use `network.kind = vanilla`"),
        )?;
    }
    Ok(())
}

/// The largest noise on the initial state. It is arbitrary, but states in single precision remain finite.
const MOST_NOISE: f64 = 1e30;

/// Where trials start.
fn initial_state(params: &Params) -> Result<()> {
    let network = &params.network;
    let is_trained = network.initial_state == InitialState::Trained;
    let noise = network.initial_noise;
    let found = [
        ("network.initial_state", is_trained.then(|| "trained".to_owned())),
        ("network.initial_noise", (noise > 0.0).then(|| spell(noise))),
    ];
    for (parameter, found) in found {
        unless(
            found.is_none() || network.kind != NetworkKind::Feedforward,
            parameter,
            "its default with `network.kind = feedforward`, which has no state before its first layer"
                .to_owned(),
            found.unwrap_or_default(),
            format!("leave `{parameter}` out, or use `network.kind = vanilla`"),
        )?;
    }
    unless(
        noise <= MOST_NOISE,
        "network.initial_noise",
        "a number of at most 1e30".to_owned(),
        spell(noise),
        "lower `network.initial_noise`: states are numbers in single precision".to_owned(),
    )?;
    unless(
        !is_trained || network.train_recurrent || network.weights.is_some(),
        "network.initial_state",
        "zero with `network.train_recurrent = false`: only the readout of a reservoir is trained".to_owned(),
        "trained",
        "leave out `network.initial_state` or `network.train_recurrent`".to_owned(),
    )
}

/// The restrictions of the recurrent weights, and which of them go together.
fn connectivity(params: &Params) -> Result<()> {
    let network = &params.network;
    let (rank, excitatory) = (network.rank, network.excitatory);
    let restricted = [
        ("network.rank", rank.map(|rank| rank.to_string())),
        ("network.excitatory", excitatory.map(|share| share.to_string())),
        ("network.density", (network.density < 1.0).then(|| network.density.to_string())),
        ("network.train_recurrent", (!network.train_recurrent).then(|| "false".to_owned())),
    ];
    for (parameter, found) in restricted {
        unless(
            found.is_none() || network.kind != NetworkKind::Feedforward,
            parameter,
            "its default with `network.kind = feedforward`, which has no recurrent weights".to_owned(),
            found.unwrap_or_default(),
            format!("leave `{parameter}` out, or use `network.kind = vanilla`"),
        )?;
    }
    if let Some(rank) = rank {
        unless(
            rank <= network.units,
            "network.rank",
            format!(
                "at most the {} units: no matrix of them has a higher rank",
                grouped(network.units as u64)
            ),
            rank,
            "lower `network.rank`, or leave it out".to_owned(),
        )?;
        unless(
            network.density == 1.0,
            "network.density",
            "1 with `network.rank`, because a product of factors is not sparse".to_owned(),
            network.density,
            "leave out `network.density` or `network.rank`".to_owned(),
        )?;
    }
    unless(
        rank.is_none() || params.train.gradients != GradientMethod::Condensed,
        "train.gradients",
        "`automatic`, `backpropagation` or `split` with `network.rank`, where gradients go to the factors"
            .to_owned(),
        params.train.gradients,
        "leave `train.gradients` out: the fastest method is then chosen".to_owned(),
    )?;
    unless(
        network.density == 1.0 || network.random_fraction == 1.0,
        "network.random_fraction",
        "1 with `network.density` below 1, because a sparse matrix is not orthogonal".to_owned(),
        network.random_fraction,
        "leave out `network.random_fraction` or `network.density`".to_owned(),
    )?;
    let Some(share) = excitatory else { return Ok(()) };
    let refuse = |holds: bool, expected: &str, hint: &str| {
        unless(holds, "network.excitatory", expected.to_owned(), share, hint.to_owned())
    };
    refuse(
        !network.kind.is_gated(),
        "none with a gated network: Dale's law is about currents, and a gate multiplies",
        "leave `network.excitatory` out, or use `network.kind = vanilla`",
    )?;
    refuse(
        rank.is_none(),
        "none with `network.rank`: the signs of a product of factors cannot be fixed",
        "leave out `network.excitatory` or `network.rank`",
    )?;
    refuse(
        network.init == InitialWeights::Standard,
        "none with `network.init = pytorch`, whose weights have both signs and are not balanced",
        "leave out `network.excitatory` or `network.init`",
    )?;
    refuse(
        network.excitatory_units() > Some(0),
        &format!("a share that is at least one of the {} units", grouped(network.units as u64)),
        "raise `network.excitatory` or `network.units`",
    )?;
    unless(
        network.units > 1,
        "network.units",
        "at least 2 with `network.excitatory`: a unit has no connection to itself".to_owned(),
        network.units,
        "raise `network.units`".to_owned(),
    )
}

/// A reservoir trains its readout, and nothing else.
fn reservoir(params: &Params) -> Result<()> {
    let (network, train) = (&params.network, &params.train);
    if network.train_recurrent {
        return Ok(());
    }
    unless(
        !network.train_input,
        "network.train_input",
        "false with `network.train_recurrent = false`: only the readout of a reservoir is trained".to_owned(),
        true,
        "leave out `network.train_input` or `network.train_recurrent`".to_owned(),
    )?;
    unless(
        network.train_readout,
        "network.train_readout",
        "true with `network.train_recurrent = false`: only the readout of a reservoir is trained".to_owned(),
        false,
        "leave out `network.train_readout` or `network.train_recurrent`".to_owned(),
    )?;
    unless(
        train.gradient_noise == 0.0 || train.gradient_noise_on != GradientNoiseTarget::Recurrent,
        "train.gradient_noise_on",
        "`readout` or `all` with `network.train_recurrent = false`, where recurrent weights have no gradient"
            .to_owned(),
        train.gradient_noise_on,
        "use `train.gradient_noise_on = readout`, or leave `train.gradient_noise` out".to_owned(),
    )
}

fn scheduler(params: &Params) -> Result<()> {
    let train = &params.train;
    let scheduler = train.scheduler;
    let steps = matches!(
        scheduler,
        SchedulerKind::Step | SchedulerKind::Cyclic | SchedulerKind::CyclicHalving | SchedulerKind::Onecycle
    );
    unless(
        !steps || train.scheduler_patience > 0,
        "train.scheduler_patience",
        format!("at least 1 epoch with `train.scheduler = {scheduler}`"),
        train.scheduler_patience,
        "raise `train.scheduler_patience`; the default is 5".to_owned(),
    )?;
    unless(
        scheduler != SchedulerKind::Multistep || !train.milestones.is_empty(),
        "train.milestones",
        "at least one epoch with `train.scheduler = multistep`".to_owned(),
        "none",
        "give the epochs, as in `train.milestones = [30, 60]`".to_owned(),
    )?;
    if scheduler != SchedulerKind::Onecycle {
        return Ok(());
    }
    let Some(cycle) = train.cycle_epochs else {
        return unless(
            false,
            "train.cycle_epochs",
            "the length of the cycle, as there are no epochs to derive it from".to_owned(),
            "none",
            "give `train.cycle_epochs`".to_owned(),
        );
    };
    unless(
        train.scheduler_patience <= cycle,
        "train.scheduler_patience",
        format!("at most the {cycle} epochs of the cycle with `train.scheduler = onecycle`"),
        train.scheduler_patience,
        "lower `train.scheduler_patience` (the rise) or raise `train.cycle_epochs`".to_owned(),
    )
}

/// The most entries to which a list of saves is lengthened. It is arbitrary: 16 MB. Longer runs should give
/// one number for all epochs.
const MOST_SAVES: u64 = 1_000_000;

/// Checks that a list with one entry per epoch is not too long.
pub(super) fn saves_fit_memory(epochs: u64) -> Result<()> {
    unless(
        epochs <= MOST_SAVES,
        "train.saves_per_epoch",
        format!("a list for at most {} epochs", grouped(MOST_SAVES)),
        format!("one for {}", grouped(epochs)),
        "give one number for all epochs".to_owned(),
    )
}

fn saves(params: &Params) -> Result<()> {
    let SavesPerEpoch::Each(rates) = &params.train.saves_per_epoch else { return Ok(()) };
    let epochs = params.train.epochs;
    unless(
        rates.len() as u64 == epochs,
        "train.saves_per_epoch",
        format!("one entry for each of {epochs} epochs"),
        format!("{} entries", rates.len()),
        "lengthen or shorten the list, or give one number for all epochs".to_owned(),
    )
}
