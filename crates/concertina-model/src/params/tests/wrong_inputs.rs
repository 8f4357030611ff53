//! The messages that users get after mistakes.

use super::*;

fn assigned(texts: &[&str]) -> String {
    let sweep = Sweep::parse(Params::default(), texts.iter().copied()).and_then(Sweep::check);
    let error = sweep.err().unwrap_or_else(|| panic!("{texts:?} is wrong"));
    format!("{}\n{}", texts.join(" "), shown(&error))
}

fn read(text: &str) -> String {
    shown(&Params::from_toml(text).expect_err("the file is wrong"))
}

#[test]
fn wrong_names_and_values_are_reported_with_what_was_expected_and_a_hint() {
    let cases = [
        "network.gian=250",
        "gian=250",
        "g_raduis=250",
        "x_dim=2",
        "train.gain=2",
        "frequency=3",
        "rerun=True",
        "n_cores=4",
        "input_style=sphere",
        "gain=-1",
        "gain=nan",
        "gain=inf",
        "gain=",
        "gain",
        "=3",
        "gain=high",
        "units=0",
        "units=2.5",
        "units=-3",
        "units=1e6",
        "seed=-1",
        "seed=9223372036854775808",
        "seed=1e30",
        "dt=0",
        "dt=1.5",
        "momentum=1",
        "dropout=1",
        "biases=yes",
        "nonlinearity=tahn",
        "loss=cross_entorpy",
        "optimizer=lbfgs",
        "optimizer=sgd_rmsprop_comb_2",
        "scheduler=onecyclelr_4e4",
        "saves_per_epoch=0",
        "saves_per_epoch=0.3",
        "saves_per_epoch=-1",
        "saves_per_epoch=1/0",
        "val_samples=0",
        "stop_after=0",
        "epochs=-1",
        "seed=5..0",
        "seed=0..x",
        "seed=0..1000000",
        "seed=0..9..0",
        "gain=0.5..2",
        "gain=20,-5",
        "classes=1",
        "learning_rate=None",
    ];
    let shown: Vec<String> = cases.iter().map(|case| assigned(&[case])).collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
network.gian=250
unknown parameter `network.gian`
hint: did you mean `network.gain`?

gian=250
unknown parameter `gian`
hint: did you mean `network.gain`?

g_raduis=250
unknown parameter `g_raduis`
hint: did you mean `g_radius`, here `network.gain`?

x_dim=2
unknown parameter `x_dim`
hint: did you mean `X_dim`, here `task.input_dim`?

train.gain=2
unknown parameter `train.gain`
hint: did you mean `network.gain`?

frequency=3
unknown parameter `frequency`
hint: did you mean `task.frequencies`?

rerun=True
`rerun` is not a parameter of a run
hint: `--rerun` trains again and compares

n_cores=4
`n_cores` is not a parameter of a run
hint: `--jobs` says how many runs train at once, and results do not depend on it

input_style=sphere
`input_style`: expected `hypercube`, which is also the only one in the published code, found `sphere`
hint: leave it out

gain=-1
`network.gain`: expected a number of at least 0, found -1
hint: `network.gain`: the spectral radius of the random part of the recurrent weights; the default is 20

gain=nan
`network.gain`: expected a finite number, found NaN
hint: `network.gain`: the spectral radius of the random part of the recurrent weights; the default is 20

gain=inf
`network.gain`: expected a finite number, found inf
hint: `network.gain`: the spectral radius of the random part of the recurrent weights; the default is 20

gain=
`network.gain`: expected at least one value, found none
hint: as in `gain=20,250` or `seed=0..5`; `0..5` leaves out the 5

gain
expected `name=value`, found `gain`
hint: as in `gain=250`, `gain=20,250` or `seed=0..5`

=3
expected `name=value`, found `=3`
hint: as in `gain=250`, `gain=20,250` or `seed=0..5`

gain=high
`network.gain`: expected a number of at least 0, found `high`
hint: `network.gain`: the spectral radius of the random part of the recurrent weights; the default is 20

units=0
`network.units`: expected a whole number from 1 to 100,000, found 0
hint: `network.units`: the number of units, in each layer of a feedforward network; the default is 200

units=2.5
`network.units`: expected a whole number from 1 to 100,000, found 2.5
hint: `network.units`: the number of units, in each layer of a feedforward network; the default is 200

units=-3
`network.units`: expected a whole number from 1 to 100,000, found -3
hint: `network.units`: the number of units, in each layer of a feedforward network; the default is 200

units=1e6
`network.units`: expected a whole number from 1 to 100,000, found 1000000
hint: `network.units`: the number of units, in each layer of a feedforward network; the default is 200

seed=-1
`seed`: expected a whole number of at least 0, found -1
hint: `seed`: the realisation: keys every stream of random numbers; the default is 0

seed=9223372036854775808
`seed`: expected a whole number of at most 9,223,372,036,854,775,807, found 9223372036854775808
hint: `seed`: the realisation: keys every stream of random numbers; the default is 0

seed=1e30
`seed`: expected a whole number of at least 0, found 1e30
hint: `seed`: the realisation: keys every stream of random numbers; the default is 0

dt=0
`network.dt`: expected a number above 0 and at most 1, found 0
hint: `network.dt`: the step of the discretisation, in time constants; the default is 0.01

dt=1.5
`network.dt`: expected a number above 0 and at most 1, found 1.5
hint: `network.dt`: the step of the discretisation, in time constants; the default is 0.01

momentum=1
`train.momentum`: expected a number of at least 0 and below 1, found 1
hint: `train.momentum`: the momentum of sgd and rmsprop; the default is 0

dropout=1
`network.dropout`: expected a number of at least 0 and below 1, found 1
hint: `network.dropout`: the probability that a unit is dropped, in training; the default is 0

biases=yes
`network.biases`: expected `true` or `false`, found `yes`
hint: `network.biases`: train the biases; otherwise they stay zero; the default is true

nonlinearity=tahn
`network.nonlinearity`: expected one of `tanh`, `relu`, `linear`, `softplus`, `sigmoid`, found `tahn`
hint: did you mean `tanh`?

loss=cross_entorpy
`train.loss`: expected one of `cross_entropy`, `mse`, `mse_scalar`, `zero`, found `cross_entorpy`
hint: did you mean `cross_entropy`?

optimizer=lbfgs
`train.optimizer`: expected one of `sgd`, `rmsprop`, `adam`, `sgd_rmsprop`, found `lbfgs`
hint: `train.optimizer`: the optimizer; the default is `rmsprop`

optimizer=sgd_rmsprop_comb_2
`train.mix`: expected a number from 0 to 1, found 2
hint: `train.mix`: the share of rmsprop, the rest is plain gradient descent; the default is 0.5

scheduler=onecyclelr_4e4
`train.scheduler`: expected one of `none`, `plateau`, `step`, `multistep`, `cyclic`, `cyclic_halving`, `onecycle`, found `onecyclelr_4e4`
hint: did you mean `onecyclelr`?

saves_per_epoch=0
`train.saves_per_epoch`: expected a whole number of at least 1, one over a whole number, or a list of these, found 0
hint: as in `4`, `0.25` or `1/3`, or a list with an entry for each epoch: `[2, 0, 0.5]`

saves_per_epoch=0.3
`train.saves_per_epoch`: expected a whole number of at least 1, one over a whole number, or a list of these, found 0.3
hint: as in `4`, `0.25` or `1/3`, or a list with an entry for each epoch: `[2, 0, 0.5]`

saves_per_epoch=-1
`train.saves_per_epoch`: expected a whole number of at least 1, one over a whole number, or a list of these, found -1
hint: as in `4`, `0.25` or `1/3`, or a list with an entry for each epoch: `[2, 0, 0.5]`

saves_per_epoch=1/0
`train.saves_per_epoch`: expected a whole number of at least 1, one over a whole number, or a list of these, found `1/0`
hint: as in `4`, `0.25` or `1/3`, or a list with an entry for each epoch: `[2, 0, 0.5]`

val_samples=0
`task.val_samples`: expected a whole number of at least 1, or none, found 0
hint: `task.val_samples`: the number of validation samples per epoch (none: 100 with 800 for training, otherwise 15%); the default is none

stop_after=0
`train.stop_after`: expected a whole number of at least 1, or none, found 0
hint: `train.stop_after`: how long to go on without a better validation loss, in epochs; the default is none

epochs=-1
`train.epochs`: expected a whole number of at least 0, found -1
hint: `train.epochs`: how long to train, in epochs; the default is 12

seed=5..0
`seed`: expected at least one value, found none
hint: as in `gain=20,250` or `seed=0..5`; `0..5` leaves out the 5

seed=0..x
`seed`: expected a range of whole numbers, found `0..x`
hint: as in `0..5`, `0..=4` or `20..=260..40`; list other numbers: `0.5,1`

seed=0..1000000
expected at most 100,000 runs in a sweep, found 1,000,000
hint: split the sweep, or shorten an axis

seed=0..9..0
`seed`: expected a range of whole numbers, found `0..9..0`
hint: as in `0..5`, `0..=4` or `20..=260..40`; list other numbers: `0.5,1`

gain=0.5..2
`network.gain`: expected a range of whole numbers, found `0.5..2`
hint: as in `0..5`, `0..=4` or `20..=260..40`; list other numbers: `0.5,1`

gain=20,-5
`network.gain`: expected a number of at least 0, found -5
hint: `network.gain`: the spectral radius of the random part of the recurrent weights; the default is 20

classes=1
`task.classes`: expected a whole number of at least 2, found 1
hint: `task.classes`: the number of class labels; the default is 2

learning_rate=None
`train.learning_rate`: expected a number of at least 0, found none
hint: `train.learning_rate`: the learning rate at the start; the highest of the cyclic schedules; the default is 0.001
");
}

#[test]
fn values_that_do_not_fit_together_are_reported_with_what_to_change() {
    let cases: &[&[&str]] = &[
        &["clusters=3", "classes=4"],
        &["evaluate=11"],
        &["batch=801"],
        &["loss=mse_scalar", "classes=3"],
        &["gradients=condensed", "nonlinearity=linear", "dropout=0.1"],
        &["input_weights=diagonal", "units=100"],
        &["kind=feedforward", "hold=2"],
        &["kind=feedforward", "evaluate=2"],
        &["scheduler=step", "scheduler_patience=0"],
        &["scheduler=multistep"],
        &["scheduler=multistep", "milestones=5"],
        &["scheduler=multistep", "milestones=[8,5]"],
        &["milestones=[0]", "scheduler=multistep"],
        &["scheduler=onecycle", "epochs=3"],
        &["scheduler=onecycle", "epochs=0"],
        &["saves_per_epoch=[1,2]"],
        &["seed=0..1000", "gain=0..1000"],
    ];
    let shown: Vec<String> = cases.iter().map(|case| assigned(case)).collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
clusters=3 classes=4
`task.clusters`: expected at least one cluster for each of the 4 classes, found 3
hint: raise `task.clusters` or lower `task.classes`

evaluate=11
`task.evaluate`: expected at most the trial's 10 timesteps (delay + hold - 1), found 11
hint: lower `task.evaluate` or raise `task.delay` (now 10)

batch=801
`train.batch`: expected at most the 800 samples of an epoch, found 801
hint: lower `train.batch` or raise `task.train_samples`

loss=mse_scalar classes=3
`task.classes`: expected 2 classes with `train.loss = mse_scalar`, found 3
hint: use `train.loss = mse` for more classes

gradients=condensed nonlinearity=linear dropout=0.1
`train.gradients`: expected `automatic`, `backpropagation` or `split`, unless the network is linear, starts from zero and has no dropout, found condensed
hint: leave `train.gradients` out: the fastest method is then chosen

input_weights=diagonal units=100
`task.input_dim`: expected at most the 100 units, with `network.input_weights = diagonal`, found 200
hint: raise `network.units`, or use `network.input_weights = orthogonal`

kind=feedforward hold=2
`task.hold`: expected 1 with `network.kind = feedforward`, whose layers take the place of time, found 2
hint: leave `task.hold` out, or use `network.kind = vanilla`

kind=feedforward evaluate=2
`task.evaluate`: expected 1 with `network.kind = feedforward`, whose layers take the place of time, found 2
hint: leave `task.evaluate` out, or use `network.kind = vanilla`

scheduler=step scheduler_patience=0
`train.scheduler_patience`: expected at least 1 epoch with `train.scheduler = step`, found 0
hint: raise `train.scheduler_patience`; the default is 5

scheduler=multistep
`train.milestones`: expected at least one epoch with `train.scheduler = multistep`, found none
hint: give the epochs, as in `train.milestones = [30, 60]`

scheduler=multistep milestones=5
`train.milestones`: expected an increasing list of epochs, as in [30, 60], found 5
hint: `train.milestones`: the epochs after which the learning rate is lowered; the default is []

scheduler=multistep milestones=[8,5]
`train.milestones`: expected an increasing list of epochs, as in [30, 60], found [8, 5]
hint: `train.milestones`: the epochs after which the learning rate is lowered; the default is []

milestones=[0] scheduler=multistep
`train.milestones`: expected an increasing list of epochs, as in [30, 60], found [0]
hint: `train.milestones`: the epochs after which the learning rate is lowered; the default is []

scheduler=onecycle epochs=3
`train.scheduler_patience`: expected at most the 3 epochs of the cycle with `train.scheduler = onecycle`, found 5
hint: lower `train.scheduler_patience` (the rise) or raise `train.cycle_epochs`

scheduler=onecycle epochs=0
`train.cycle_epochs`: expected the length of the cycle, as there are no epochs to derive it from, found none
hint: give `train.cycle_epochs`

saves_per_epoch=[1,2]
`train.saves_per_epoch`: expected one entry for each of 12 epochs, found 2 entries
hint: lengthen or shorten the list, or give one number for all epochs

seed=0..1000 gain=0..1000
expected at most 100,000 runs in a sweep, found 1,000,000
hint: split the sweep, or shorten an axis
");
}

#[test]
fn restrictions_of_the_recurrent_weights_that_make_no_sense_are_refused_with_a_reason() {
    for (given, parameter, reason) in [
        (&["kind=feedforward", "rank=2"][..], "network.rank", "no recurrent weights"),
        (&["kind=feedforward", "excitatory=0.8"], "network.excitatory", "no recurrent weights"),
        (&["kind=feedforward", "density=0.5"], "network.density", "no recurrent weights"),
        (&["kind=feedforward", "train_recurrent=false"], "network.train_recurrent", "no recurrent weights"),
        (&["rank=201"], "network.rank", "at most the 200 units"),
        (&["rank=2", "density=0.5"], "network.density", "is not sparse"),
        (&["rank=2", "nonlinearity=linear", "gradients=condensed"], "train.gradients", "to the factors"),
        (&["kind=leaky", "random_fraction=0.5", "density=0.5"], "network.random_fraction", "not orthogonal"),
        (&["kind=gru", "excitatory=0.8"], "network.excitatory", "a gate multiplies"),
        (&["kind=lstm", "excitatory=0.8"], "network.excitatory", "a gate multiplies"),
        (&["kind=feedforward", "initial_state=trained"], "network.initial_state", "before its first layer"),
        (&["kind=feedforward", "initial_noise=0.1"], "network.initial_noise", "before its first layer"),
        (
            &["train_recurrent=false", "initial_state=trained"],
            "network.initial_state",
            "readout of a reservoir",
        ),
        (&["initial_noise=1e31"], "network.initial_noise", "at most 1e30"),
        (&["rank=2", "excitatory=0.8"], "network.excitatory", "signs of a product"),
        (&["init=pytorch", "excitatory=0.8"], "network.excitatory", "not balanced"),
        (&["excitatory=0.002"], "network.excitatory", "at least one of the 200 units"),
        (&["excitatory=1", "units=1", "input_dim=1"], "network.units", "no connection to itself"),
        (&["train_recurrent=false", "train_input=true"], "network.train_input", "only the readout"),
        (&["train_recurrent=false", "train_readout=false"], "network.train_readout", "only the readout"),
        (&["train_recurrent=false", "gradient_noise=1"], "train.gradient_noise_on", "no gradient"),
    ] {
        let shown = assigned(given);
        let (_, message) = shown.split_once('\n').expect("a message");
        assert!(message.starts_with(&format!("`{parameter}`: expected")), "{shown}");
        assert!(message.contains(reason) && message.contains("hint: "), "{shown}");
    }
    // shares and densities have their range
    for given in ["excitatory=0", "excitatory=1.2", "density=0", "density=2", "rank=0"] {
        assert!(assigned(&[given]).contains("expected a"), "{given}");
    }
    assert!(valid(&["excitatory=0.8"]).gain() == 1.5 && valid(&["density=0.5"]).gain() == 20.0);
    let key = |overrides: &[&str]| valid(overrides).canonical();
    assert_eq!(key(&["excitatory=0.8", "gain=1.5", "dt=0.5"]), key(&["excitatory=0.8"]));
    assert_eq!(key(&["rank=2", "gain=7", "dt=0.5"]), key(&["rank=2"]));
    assert_ne!(key(&["rank=2", "gain=7", "random_part=true"]), key(&["rank=2", "random_part=true"]));
    assert_eq!(key(&["random_part=true", "excitatory_readout=true"]), key(&[]));
}

#[test]
fn mistakes_in_files_are_reported_with_their_line() {
    let shown = [
        read("[network]\ngain = \n"),
        read("[network]\ngain = 20\ngain = 30\n"),
        read("[network]\nunits = 100\ngian = 250\n"),
        read("[network]\nepochs = 3\n"),
        read("[netwrok]\ngain = 3\n"),
        read("[netwrok]\n"),
        read("g_radius = 3\n[network]\ngain = 3\n"),
        read("[network]\ngain = nan\n"),
        read("[network]\ngain = \"high\"\n"),
        read("[network]\nkind = \"lstms\"\n"),
        read("[network.gain]\nvalue = 3\n"),
        read("network.gain = [20, 250]\n"),
        read("seed = 1979-05-27\n"),
        read("[[task]]\ninput_dim = 2\n"),
        read("[sweep]\ngain = [20, 250]\n"),
        shown(&Sweep::from_toml("[sweep]\ngain = [20, -1]\n").expect_err("a gain is negative")),
        shown(&Sweep::from_toml("[sweep]\nseed = \"0..x\"\n").expect_err("the range is wrong")),
        shown(
            &Sweep::from_toml("[sweep]\nseed = []\n").and_then(Sweep::check).expect_err("the axis is empty"),
        ),
        shown(&Params::from_json("{'N': 200}").expect_err("Python is not JSON")),
        shown(&Params::from_json("[1]").expect_err("a list is not an object")),
        shown(&Params::from_json(r#"{"N": "many"}"#).expect_err("many is not a number")),
        shown(&"12-960".parse::<crate::Checkpoint>().expect_err("it has no underscore")),
    ];
    insta::assert_snapshot!(shown.join("\n"), @r"
TOML parse error at line 2, column 8
  |
2 | gain = 
  |        ^
string values must be quoted, expected literal string
hint: in TOML, text needs quotes, and decimals need a digit before the point

TOML parse error at line 3, column 1
  |
3 | gain = 30
  | ^^^^
duplicate key
hint: keep one of them

line 3: unknown parameter `network.gian`
hint: did you mean `network.gain`?

line 2: unknown parameter `network.epochs`
hint: did you mean `train.epochs`?

line 2: expected a section `[task]`, `[network]` or `[train]`, found `[netwrok]`
hint: did you mean `[network]`?

line 1: expected a section `[task]`, `[network]` or `[train]`, found `[netwrok]`
hint: did you mean `[network]`?

line 3: `network.gain` is given twice
hint: keep one; `concertina params` lists the names of each

line 2: `network.gain`: expected a finite number, found NaN
hint: `network.gain`: the spectral radius of the random part of the recurrent weights; the default is 20

line 2: `network.gain`: expected a number of at least 0, found `high`
hint: `network.gain`: the spectral radius of the random part of the recurrent weights; the default is 20

line 2: `network.kind`: expected one of `vanilla`, `leaky`, `feedforward`, `gru`, `lstm`, `rate`, found `lstms`
hint: did you mean `lstm`?

line 1: `network.gain`: expected a value, found a table
hint: the sections are `[task]`, `[network]` and `[train]`, in single brackets

line 1: `network.gain`: expected a number of at least 0, found [20, 250]
hint: `network.gain`: the spectral radius of the random part of the recurrent weights; the default is 20

line 1: `seed`: expected a whole number of at least 0, found `1979-05-27`
hint: `seed`: the realisation: keys every stream of random numbers; the default is 0

line 1: `task`: expected a value, found a list of tables
hint: the sections are `[task]`, `[network]` and `[train]`, in single brackets

line 2: expected a section `[task]`, `[network]` or `[train]`, found `[sweep]`
hint: one set of parameters is expected here, not a sweep

line 2: `network.gain`: expected a number of at least 0, found -1
hint: `network.gain`: the spectral radius of the random part of the recurrent weights; the default is 20

line 2: `seed`: expected a range of whole numbers, found `0..x`
hint: as in `0..5`, `0..=4` or `20..=260..40`; list other numbers: `0.5,1`

line 2: `seed`: expected at least one value, found none
hint: as in `gain=20,250` or `seed=0..5`; `0..5` leaves out the 5

expected a JSON object: key must be a string at line 1 column 2
hint: write a Python dict with `json.dumps`

expected a JSON object: invalid type: sequence, expected a map at line 1 column 0
hint: write a Python dict with `json.dumps`

`network.units`: expected a whole number from 1 to 100,000, found `many`
hint: `network.units`: the number of units, in each layer of a feedforward network; the default is 200

expected a checkpoint as `<epoch>_<update>`, found `12-960`
hint: as in `12_960`
");
}

#[test]
fn nan_is_refused_in_fields_that_were_set_directly() {
    let mut params = Params::default();
    params.train.learning_rate = f64::NAN;
    let error = params.check().expect_err("a rate is NaN");
    insta::assert_snapshot!(shown(&error), @r"
`train.learning_rate`: expected a finite number, found NaN
hint: `train.learning_rate`: the learning rate at the start; the highest of the cyclic schedules; the default is 0.001
");
}

#[test]
fn wrong_values_of_tasks_say_what_to_change() {
    let cases: &[&[&str]] = &[
        &["task=integration", "coherences=[]"],
        &["task=integration", "coherences=[0.1,0]"],
        &["task=context", "coherences=0.1"],
        &["task=context", "coherences=[-1e31,1]"],
        &["task=integration", "coherences=[0.5,-0.5,0.50]"],
        &["task=context", "noise=1e31"],
        &["task=context", "input_weights=diagonal", "units=3"],
        &["task=match", "stimuli=1"],
        &["task=match", "input_weights=diagonal", "units=3"],
        &["task=sine", "loss=mse_scalar"],
        &["task=sine", "kind=feedforward"],
        &["delay=0"],
    ];
    let shown: Vec<String> = cases.iter().map(|case| assigned(case)).collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
task=integration coherences=[]
`task.coherences`: expected a list of 1 to 1,000 finite numbers other than 0, as in [-0.2, 0.2], found []
hint: `task.coherences`: the coherences: the mean of the evidence at a timestep, whose sign is the right choice; the default is [-0.512, -0.256, -0.128, -0.064, -0.032, 0.032, 0.064, 0.128, 0.256, 0.512]

task=integration coherences=[0.1,0]
`task.coherences`: expected a list of 1 to 1,000 finite numbers other than 0, as in [-0.2, 0.2], found [0.1, 0]
hint: `task.coherences`: the coherences: the mean of the evidence at a timestep, whose sign is the right choice; the default is [-0.512, -0.256, -0.128, -0.064, -0.032, 0.032, 0.064, 0.128, 0.256, 0.512]

task=context coherences=0.1
`task.coherences`: expected a list of 1 to 1,000 finite numbers other than 0, as in [-0.2, 0.2], found 0.1
hint: `task.coherences`: the coherences: the mean of the evidence at a timestep, whose sign is the right choice; the default is [-0.512, -0.256, -0.128, -0.064, -0.032, 0.032, 0.064, 0.128, 0.256, 0.512]

task=context coherences=[-1e31,1]
`task.coherences`: expected coherences of at most 1e30 in magnitude, found -1e31
hint: lower `task.coherences`: inputs are numbers in single precision

task=integration coherences=[0.5,-0.5,0.50]
`task.coherences`: expected coherences that differ from each other, as each is a condition, found 0.5 twice
hint: give each coherence once in `task.coherences`

task=context noise=1e31
`task.noise`: expected a number of at most 1e30, found 1e31
hint: lower `task.noise`: inputs are numbers in single precision

task=context input_weights=diagonal units=3
`network.units`: expected at least the 4 inputs of `task.kind = context`, with `network.input_weights = diagonal`, found 3
hint: raise `network.units`, or use `network.input_weights = orthogonal`

task=match stimuli=1
`task.stimuli`: expected a whole number from 2 to 1,000, found 1
hint: `task.stimuli`: the number of items, each with an input line; the default is 4

task=match input_weights=diagonal units=3
`task.stimuli`: expected at most the 3 units, with `network.input_weights = diagonal`, found 4
hint: raise `network.units`, or use `network.input_weights = orthogonal`

task=sine loss=mse_scalar
`train.loss`: expected `mse` or `zero`, as the targets of the task are real numbers, found mse_scalar
hint: leave `train.loss` out

task=sine kind=feedforward
`network.kind`: expected a recurrent network for `task.kind = sine`, which has inputs at every timestep, found feedforward
hint: use `network.kind = vanilla`

delay=0
`task.delay`: expected a whole number of at least 1, found 0
hint: raise `task.delay`: the loss is evaluated at the end of it; the default is 10
");
}
