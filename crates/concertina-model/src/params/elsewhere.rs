//! Names that are not parameters: arguments of the published code, and the names that other code in the field
//! uses.

use std::fmt;

use super::value::Value;

/// An argument of the published code, or of code like it, that is not a parameter of a run.
struct Argument {
    names: &'static [&'static str],
    /// Values that request nothing beyond what is done anyway. None and false never do, and are not listed.
    idle: &'static [&'static str],
    /// What to use instead.
    instead: &'static str,
}

const fn argument(
    names: &'static [&'static str],
    idle: &'static [&'static str],
    instead: &'static str,
) -> Argument {
    Argument { names, idle, instead }
}

const ARGUMENTS: &[Argument] = &[
    argument(&["CLEAR_PREVIOUS_RUNS", "clear"], &["0"], "`--clear` removes earlier runs"),
    argument(&["FAST_RUN"], &[], "`--fast` and `--full` choose the number of realisations"),
    argument(&["LEGEND"], &[], "the recipe's `legend` decides this"),
    argument(&["USE_ERRORBARS"], &[], "the recipe's error bars decide this; `lines` draws the realisations"),
    argument(
        &["device", "cuda", "use_cuda", "gpu", "use_gpu"],
        &["cpu", "auto", "0"],
        "`--device gpu` trains on a GPU, if the program was built with GPUs",
    ),
    argument(&["multiprocess_lock", "lock"], &[], "leave it out: runs cannot collide"),
    argument(
        &["n_cores", "n_jobs", "num_workers", "n_workers", "num_threads", "n_threads"],
        &["0", "1"],
        "`--jobs` says how many runs train at once, and results do not depend on it",
    ),
    argument(&["rerun", "overwrite", "force"], &["0"], "`--rerun` trains again and compares"),
    argument(
        &["resume", "restart", "load_model"],
        &["0", "true"],
        "leave it out: the same command continues where a run was interrupted",
    ),
    argument(
        &["save_model_weights", "save_model", "save_weights", "save_checkpoints", "save_results", "save"],
        &["0", "1", "true"],
        "the store always keeps the weights; `train.saves_per_epoch` says how often, `--keep ends` keeps the first and last",
    ),
    argument(&["seeds", "n_seeds"], &[], "`seed=0..5` trains five realisations, and so does `--seeds 0..5`"),
    argument(
        &[
            "table_path",
            "out_dir",
            "output_dir",
            "outdir",
            "out_path",
            "save_dir",
            "save_path",
            "run_dir",
            "results_dir",
            "log_dir",
            "data_dir",
        ],
        &[],
        "`--store` chooses where runs are kept",
    ),
    argument(&["verbose", "verbosity", "debug"], &["0"], "`-v` says more, `--quiet` less"),
    argument(&["quiet", "silent"], &["0"], "`--quiet` says less"),
    argument(
        &["progress", "progress_bar", "show_progress"],
        &["0", "1", "true"],
        "`--quiet` turns progress off",
    ),
    argument(&["plot", "show_plots", "plot_results"], &["0"], "`concertina plot` draws a recipe"),
];

/// The names that other code uses, in lower case, and what to use here instead.
const NAMES: &[(&[&str], &str)] = &[
    (
        &["lr", "eta", "learn_rate", "init_lr", "initial_lr", "base_lr", "max_lr", "step_size"],
        "the learning rate is `train.learning_rate` here",
    ),
    (
        &[
            "hidden_size",
            "n_rec",
            "n_recurrent",
            "n_hidden",
            "num_hidden",
            "hidden_dim",
            "hidden_units",
            "n_units",
            "num_units",
            "rnn_size",
            "n_neurons",
            "num_neurons",
            "neurons",
            "reservoir_size",
            "nodes",
            "n_nodes",
        ],
        "the number of units is `network.units` here",
    ),
    (
        &[
            "activation",
            "act",
            "act_fn",
            "activation_fn",
            "activation_function",
            "nonlin",
            "phi",
            "transfer_function",
        ],
        "the transfer function is `network.nonlinearity` here",
    ),
    (
        &["state", "states"],
        "analyses of states have a setting `state`, which says what they look at: `--with state=rates`",
    ),
    (
        &["equation_type"],
        "`h`, a readout of the state, is `network.kind = leaky` here; `s`, a readout of the rates, is `network.kind = rate`",
    ),
    (
        &["alpha"],
        "`alpha = dt / tau` is `network.dt` here, the step in time constants; the paper's α, a spectral radius, is `network.gain`",
    ),
    (
        &["tau", "tau_rec", "tau_m", "time_constant"],
        "time is measured in time constants: give `dt / tau` as `network.dt`",
    ),
    (
        &["sigma_rec", "rec_noise", "noise_std", "noise_level", "recurrent_noise", "hidden_noise"],
        "`network.unit_noise` is the standard deviation of the noise on each unit, in training only; `network.kind = rate` multiplies it by `sqrt(2 dt)`, other networks do not scale it",
    ),
    (
        &["sigma", "cluster_sigma"],
        "the standard deviation of a cluster is `task.cluster_std` here; noise on the units is `network.unit_noise`",
    ),
    (
        &["sigma_in", "in_noise", "input_noise"],
        "`task.cluster_std` spreads the samples of a cluster; `task.noise` is the noise on evidence, in `integration` and `context`",
    ),
    (
        &["spectral_rad", "spec_rad", "spectral_radius", "sr", "rho", "g", "radius", "g_rec"],
        "`network.gain` is the spectral radius of the random part `J` of the recurrent weights `(1 - dt) I + dt J`",
    ),
    (
        &["gamma"],
        "a spectral radius is `network.gain` here; the factor of a learning rate schedule is `train.scheduler_factor`",
    ),
    (
        &["n_in", "input_size", "n_inputs", "num_inputs", "n_input", "in_features", "d_in", "d"],
        "the dimension of the input is `task.input_dim` here",
    ),
    (
        &["output_size", "num_outputs", "n_outputs", "n_output", "out_features", "output_dim", "d_out"],
        "there is one output per class (only one with `train.loss = mse_scalar`): `task.classes`",
    ),
    (&["n_classes", "num_labels", "n_labels"], "the number of classes is `task.classes` here"),
    (&["n_clusters", "num_clusters"], "the number of clusters is `task.clusters` here"),
    (
        &["w_in", "w_ih", "input_kernel"],
        "`network.input_weights` is the kind of initial input weights; `concertina runs import` takes trained ones",
    ),
    (
        &["w_rec", "wrec", "w_hh", "recurrent_kernel", "j"],
        "recurrent weights are drawn with the spectral radius `network.gain`; `concertina runs import` takes trained ones",
    ),
    (
        &["w_out", "wout", "w_ho"],
        "readout weights are drawn and scaled by `network.readout_scale`; `concertina runs import` takes trained ones",
    ),
    (
        &["b_rec", "brec", "b_out", "bout", "b_in", "bias", "use_bias", "train_bias"],
        "`network.biases` says whether biases are trained; `concertina runs import` takes trained ones",
    ),
    (
        &["dale_ratio", "dale", "exc2inhr", "ei_ratio", "e_prop", "exc_frac"],
        "`network.excitatory` is the share of excitatory units under Dale's law here",
    ),
    (
        &["connectivity", "sparsity", "p_rec", "p_conn", "connection_prob"],
        "`network.density` is the probability that a recurrent connection exists here",
    ),
    (&["lowrank", "low_rank", "n_rank"], "the rank of the trained recurrent weights is `network.rank` here"),
    (
        &["reservoir", "train_wrec", "train_wrec_weights", "train_recurrent_weights", "train_wi"],
        "`network.train_recurrent` says whether recurrent weights are trained, `network.train_input` whether input weights are",
    ),
    (&["mask", "loss_mask"], "the loss counts the last `task.evaluate` timesteps of a trial"),
    (
        &[
            "timing",
            "periods",
            "t",
            "seq_len",
            "seq_length",
            "sequence_length",
            "n_steps",
            "num_steps",
            "n_timesteps",
            "time_steps",
            "trial_length",
        ],
        "a trial of the clusters has `task.delay + task.hold - 1` timesteps: the input is shown for `task.hold`, the loss counts the last `task.evaluate`",
    ),
    (
        &["t_eval", "lag", "delay_steps", "delay_length", "t_delay"],
        "the time from stimulus onset to the end of evaluation is `task.delay` here",
    ),
    (
        &["stim_duration", "stim_steps", "t_stim"],
        "the time for which the input is shown is `task.hold` here in `clusters`, and `task.stimulus` in `integration` and `context`",
    ),
    (
        &["decision", "response_steps", "t_response"],
        "the time over which the loss is evaluated is `task.evaluate` here in `clusters`, and `task.response` in `integration` and `context`",
    ),
    (&["n_epochs", "nepochs", "max_epochs", "epoch"], "the number of epochs is `train.epochs` here"),
    (
        &[
            "training_iters",
            "train_iters",
            "iterations",
            "n_iters",
            "num_iters",
            "n_iterations",
            "max_iter",
            "n_updates",
        ],
        "training is measured in epochs: `train.epochs`, each of `task.train_samples / train.batch` updates",
    ),
    (&["random_seed", "random_state", "rng_seed", "manual_seed", "rng"], "the realisation is `seed` here"),
    (
        &["bs", "minibatch", "n_batch", "mini_batch_size"],
        "the number of samples in a batch is `train.batch` here",
    ),
    (
        &["wd", "l2", "l2_reg", "l2_lambda", "l2_penalty", "weight_l2"],
        "the weight decay, added to the gradient, is `train.weight_decay` here",
    ),
    (&["loss_fn", "loss_function", "criterion", "objective"], "the loss is `train.loss` here"),
    (&["optim", "opt", "optimiser", "solver"], "the optimizer is `train.optimizer` here"),
    (&["lr_scheduler", "lr_schedule", "schedule"], "how the learning rate changes is `train.scheduler` here"),
    (&["lr_decay", "lr_factor", "decay_rate"], "the factor of the schedule is `train.scheduler_factor` here"),
    (
        &["patience", "lr_patience", "early_stopping", "early_stop"],
        "`train.scheduler_patience` is the patience of the learning rate schedule, `train.stop_after` that of early stopping",
    ),
    (&["mu", "beta"], "the momentum is `train.momentum` here"),
    (
        &["dropout_rate", "p_drop", "drop_prob", "dropout_prob"],
        "the probability that a unit is dropped is `network.dropout` here",
    ),
    (
        &["keep_prob"],
        "`network.dropout` is the probability that a unit is dropped: 1 minus the probability that it is kept",
    ),
    (
        &["grad_clip", "clip", "clip_grad", "clip_norm", "max_grad_norm", "gradient_clipping"],
        "gradients are not clipped; a run whose loss is not finite is listed as `diverged`",
    ),
    (
        &[
            "n_train",
            "num_train",
            "train_size",
            "samples_per_epoch",
            "n_samples",
            "num_samples",
            "n_trials",
            "num_trials",
        ],
        "the number of training samples in an epoch is `task.train_samples` here",
    ),
    (
        &["n_val", "num_val", "val_size", "n_test", "num_test", "test_size"],
        "the number of validation samples is `task.val_samples` here",
    ),
    (
        &["model", "model_type", "rnn_type", "network_type", "cell", "cell_type", "architecture", "arch"],
        "the equations of the network are `network.kind` here",
    ),
    (
        &["num_layers", "n_layers", "layers", "depth"],
        "a recurrent network has one layer; a network with `network.kind = feedforward` has `task.delay` layers",
    ),
    (
        &["save_every", "save_freq", "save_interval", "checkpoint_every"],
        "`train.saves_per_epoch` is how often weights are kept: 2 is twice in an epoch, 1/5 every fifth epoch",
    ),
];

/// An argument that was given, although it is not a parameter of a run and its value requests nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// Its name.
    pub name: String,
    /// What to use instead.
    pub instead: &'static str,
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, instead } = self;
        write!(f, "`{name}` is ignored because it is not a parameter of a run: {instead}")
    }
}

fn last_part(name: &str) -> &str {
    let name = name.trim();
    name.rsplit('.').next().unwrap_or(name)
}

fn argument_named(name: &str) -> Option<&'static Argument> {
    ARGUMENTS.iter().find(|argument| argument.names.contains(&last_part(name)))
}

/// What to use instead of an argument of the published code that is not a parameter of a run.
pub(super) fn instead_of(name: &str) -> Option<&'static str> {
    argument_named(name).map(|argument| argument.instead)
}

/// An argument that is not a parameter, with a value that requests nothing beyond what is done anyway.
pub(super) fn passed_over(name: &str, value: &Value) -> Option<PassedOver> {
    let argument = argument_named(name)?;
    let idle = match value.untexted() {
        Value::None | Value::Boolean(false) => true,
        Value::Text(text) => text.is_empty() || argument.idle.contains(&&*text.to_ascii_lowercase()),
        Value::List(items) => items.is_empty(),
        Value::Boolean(true) => argument.idle.contains(&"true"),
        Value::Integer(number) => argument.idle.contains(&&*number.to_string()),
        Value::Real(_) | Value::Trials(_) => false,
    };
    idle.then(|| PassedOver { name: name.trim().to_owned(), instead: argument.instead })
}

/// What to use instead of a name that is common in the field.
pub(super) fn known_elsewhere(name: &str) -> Option<&'static str> {
    let last = last_part(name).to_ascii_lowercase();
    // Published names are ours in upper and lower case, except for `N_out`, which means something other than
    // `n_out`.
    if last_part(name) == "N_out" {
        return Some(
            "there is one output per class: `task.classes`; `n_out` of the published code is `task.evaluate`",
        );
    }
    NAMES.iter().find(|(names, _)| names.contains(&&*last)).map(|(_, instead)| *instead)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::PARAMETERS;

    #[test]
    fn no_foreign_name_is_one_of_ours_or_means_two_things() {
        let mut seen = std::collections::BTreeSet::new();
        let arguments = ARGUMENTS.iter().flat_map(|argument| argument.names);
        for name in arguments.chain(NAMES.iter().flat_map(|(names, _)| *names)) {
            assert!(seen.insert(*name), "{name} is listed twice");
            for parameter in PARAMETERS {
                let mut ours = parameter.published.iter().chain([&parameter.path]);
                assert!(parameter.name() != *name && !ours.any(|own| own == name), "{name} is a parameter");
            }
        }
        assert!(NAMES.iter().flat_map(|(names, _)| *names).all(|name| *name == name.to_lowercase()));
    }

    #[test]
    fn every_parameter_that_a_hint_names_exists() {
        let hints = ARGUMENTS.iter().map(|argument| argument.instead);
        for hint in hints.chain(NAMES.iter().map(|(_, instead)| *instead)) {
            for quoted in hint.split('`').skip(1).step_by(2) {
                let words = quoted.split_whitespace().filter(|word| {
                    ["task.", "network.", "train."].iter().any(|section| word.starts_with(section))
                });
                for word in words {
                    assert!(PARAMETERS.iter().any(|parameter| parameter.path == word), "{word}");
                }
            }
        }
    }
}
