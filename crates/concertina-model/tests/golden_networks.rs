//! Networks with inputs and losses at every timestep, compared with PyTorch: the reference in f64 and the
//! fast path in f32.
//!
//! The tolerances are those in the README of the fixtures.

mod common;

use std::collections::BTreeMap;

use common::{arrays, narrowed, views_mut, widened};
use concertina_model::network::{Equations, Network, initial};
use concertina_model::optimizer::{Adam, Buffers, Optimizer, Rmsprop, Sgd, StepContext};
use concertina_model::params::{GradientMethod, LossKind, NetworkKind, Nonlinearity, Params};
use concertina_model::reference::Parameters;
use concertina_model::task::{Inputs, Mask, Targets, Trials};
use concertina_model::trainer::Updater;
use concertina_testing::compare::{
    assert_close, assert_close_to_largest, assert_number, assert_root_mean_square,
};
use concertina_testing::golden::{Fixture, networks};
use ndarray::{Array1, Array2, ArrayD, Axis, Ix1, Ix2, Ix3};

/// A network of a fixture, and its batches.
struct Net<'a> {
    /// The fixture with the results.
    fixture: &'a Fixture,
    /// The fixture with the network and its batches.
    source: &'a Fixture,
    kind: NetworkKind,
}

/// One way to train a network: a loss, an optimizer, and whether the input weights are trained.
struct Case {
    name: String,
    loss: LossKind,
    onehot: bool,
    optimizer: Optimizer,
    learning_rate: f64,
    trains_input: bool,
}

#[derive(Default)]
struct Trained {
    losses: Vec<f64>,
    gradient: Vec<ArrayD<f64>>,
    kept: BTreeMap<usize, Vec<ArrayD<f64>>>,
}

fn matrix(fixture: &Fixture, name: &str) -> Array2<f64> {
    fixture.f64(name).into_dimensionality::<Ix2>().unwrap_or_else(|_| panic!("`{name}` is a matrix"))
}

fn vector(fixture: &Fixture, name: &str) -> Array1<f64> {
    fixture.f64(name).into_dimensionality::<Ix1>().unwrap_or_else(|_| panic!("`{name}` is a vector"))
}

fn kind_of(name: &str) -> NetworkKind {
    match name {
        "gru" => NetworkKind::Gru,
        "leaky" => NetworkKind::Leaky,
        "vanilla" => NetworkKind::Vanilla,
        other => panic!("no network is called `{other}`"),
    }
}

/// The parameters under a prefix. Without `readout`, the readout is zero.
fn parameters(fixture: &Fixture, prefix: &str, readout: bool) -> Parameters {
    let name = |array: &str| format!("{prefix}.{array}");
    let recurrent = matrix(fixture, &name("W"));
    let units = recurrent.nrows();
    let mut biases = vec![vector(fixture, &name("b"))];
    if fixture.has(&name("d")) {
        biases.push(vector(fixture, &name("d")));
    }
    let (readout, readout_bias) = match readout {
        true => (matrix(fixture, &name("R")), vector(fixture, &name("c"))),
        false => (Array2::zeros((units, 1)), Array1::zeros(1)),
    };
    Parameters {
        input: matrix(fixture, &name("U")),
        recurrent: vec![recurrent],
        biases,
        readout,
        readout_bias,
    }
}

/// The names of the arrays in the fixtures, in the order of `Weights::tensors`.
fn names(parameters: &Parameters) -> Vec<&'static str> {
    if parameters.biases.len() > 1 {
        vec!["U", "W", "b", "d", "R", "c"]
    } else {
        vec!["U", "W", "b", "R", "c"]
    }
}

fn optimizer(fixture: &Fixture, name: &str) -> (Optimizer, f64) {
    let setting = |what: &str| fixture.scalar(&format!("opt.{name}.{what}"));
    let has = |what: &str| fixture.has(&format!("opt.{name}.{what}"));
    let weight_decay = setting("weight_decay");
    let optimizer = if has("beta1") {
        let (mean_memory, square_memory) = (setting("beta1"), setting("beta2"));
        Optimizer::Adam(Adam { mean_memory, square_memory, epsilon: setting("eps"), weight_decay })
    } else if has("alpha") {
        let (memory, epsilon) = (setting("alpha"), setting("eps"));
        Optimizer::Rmsprop(Rmsprop { memory, epsilon, momentum: setting("momentum"), weight_decay })
    } else {
        Optimizer::Sgd(Sgd { momentum: setting("momentum"), weight_decay })
    };
    (optimizer, setting("lr"))
}

impl Net<'_> {
    fn equations(&self, loss: LossKind) -> Equations {
        let dt = if self.kind == NetworkKind::Leaky { self.source.scalar("cfg.dt") } else { 1.0 };
        let steps = self.source.scalar("cfg.T") as usize;
        let nonlinearity = Nonlinearity::Tanh;
        Equations { kind: self.kind, nonlinearity, dt, leak: true, steps, hold: 0, evaluate: steps, loss }
    }

    fn parameters(&self) -> Parameters {
        let parameters = parameters(self.source, "init", true);
        let sizes = ["cfg.N", "cfg.d", "cfg.outputs"].map(|name| self.source.scalar(name) as usize);
        let (input_dim, units, outputs) =
            (parameters.input.nrows(), parameters.readout.nrows(), parameters.readout.ncols());
        assert_eq!([units, input_dim, outputs], sizes);
        parameters
    }

    /// The batches, each of trials with real targets or classes.
    fn batches(&self, loss: LossKind, onehot: bool) -> Vec<Trials<f64>> {
        let cube = |name: &str, update: usize| {
            self.source
                .f64(name)
                .index_axis_move(Axis(0), update)
                .into_dimensionality::<Ix3>()
                .expect("(update, sample, step, entry)")
        };
        let square = |name: &str, update: usize| {
            self.source
                .i64(name)
                .index_axis_move(Axis(0), update)
                .into_dimensionality::<Ix2>()
                .expect("(update, sample, step)")
        };
        let updates = self.source.f64("X").len_of(Axis(0));
        let batch = |update: usize| {
            let inputs = cube("X", update);
            assert_eq!(inputs.len_of(Axis(0)), self.source.scalar("cfg.batch") as usize);
            let is_real = loss == LossKind::Mse && !onehot;
            Trials {
                inputs: Inputs::Timed(inputs),
                targets: match is_real {
                    true => Targets::Real(cube("Y_real", update)),
                    false => Targets::ClassAt(square("Y_class", update).mapv(|class| class as u32)),
                },
                mask: Mask::At(square("mask", update).mapv(|counts| counts == 1)),
                conditions: Vec::new(),
            }
        };
        (0..updates).map(batch).collect()
    }

    /// Every loss with every optimizer for which the fixture has results.
    fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for name in self.fixture.cases(".losses") {
            let (loss, how) = name.split_once('.').expect("loss.optimizer");
            let (optimizer_name, trains_input) =
                how.strip_suffix("_fixed_input").map_or((how, true), |name| (name, false));
            let (optimizer, learning_rate) = optimizer(self.source, optimizer_name);
            let loss = if loss == "cce" { LossKind::CrossEntropy } else { LossKind::Mse };
            cases.push(Case { name, loss, onehot: false, optimizer, learning_rate, trains_input });
        }
        if self.fixture.has("mse_onehot.loss") {
            let optimizer = Optimizer::Sgd(Sgd { momentum: 0.0, weight_decay: 0.0 });
            let name = "mse_onehot.none".to_owned();
            let loss = LossKind::Mse;
            cases.push(Case { name, loss, onehot: true, optimizer, learning_rate: 0.0, trains_input: true });
        }
        cases
    }

    fn train_reference(&self, case: &Case) -> Trained {
        let equations = self.equations(case.loss);
        let mut parameters = self.parameters();
        let mut means = parameters.zeros_like();
        let mut squares = parameters.zeros_like();
        let (keeps_mean, keeps_square) = case.optimizer.keeps();
        let mut trained = Trained::default();
        for (update, trials) in (1_u64..).zip(self.batches(case.loss, case.onehot)) {
            let (loss, mut gradient) = equations.loss_and_gradient_on(&parameters, &trials);
            assert_number("loss", equations.loss_on(&parameters, &trials), loss, 1e-13);
            trained.losses.push(loss);
            if update == 1 {
                trained.gradient = of_parameters(&gradient);
            }
            let context = StepContext { learning_rate: case.learning_rate, update };
            let names = names(&parameters);
            let all = views_mut(&mut parameters)
                .into_iter()
                .zip(views_mut(&mut gradient))
                .zip(views_mut(&mut means).into_iter().zip(views_mut(&mut squares)));
            for (name, ((mut weights, gradient), (mut mean, mut square))) in names.into_iter().zip(all) {
                if name == "U" && !case.trains_input {
                    continue;
                }
                let buffers = Buffers {
                    mean: if keeps_mean { mean.as_slice_mut().expect("contiguous") } else { &mut [] },
                    square: if keeps_square { square.as_slice_mut().expect("contiguous") } else { &mut [] },
                };
                let weights = weights.as_slice_mut().expect("contiguous");
                case.optimizer.step(weights, gradient.as_slice().expect("contiguous"), buffers, context);
            }
            trained.kept.insert(update as usize, of_parameters(&parameters));
        }
        trained
    }

    fn train_fast(&self, case: &Case) -> Trained {
        let equations = self.equations(case.loss);
        let weights = narrowed(&self.parameters());
        let batches: Vec<Trials> = self.batches(case.loss, case.onehot).iter().map(single).collect();
        let is_trained = |name: &str| case.trains_input || name != "input_weights";
        let optimizer = case.optimizer.clone();
        let method = GradientMethod::Automatic;
        let mut updater = Updater::new(equations, optimizer, method, is_trained, &weights, batches[0].len());
        let mut trained = Trained::default();
        for (update, trials) in (1..).zip(&batches) {
            let record =
                updater.update_on_trials(trials, 0..trials.len(), case.learning_rate).expect("shapes agree");
            trained.losses.push(record.loss);
            if update == 1 {
                trained.gradient = of_parameters(&widened(&updater.gradient()));
            }
            trained.kept.insert(update, of_parameters(&widened(&updater.weights())));
        }
        trained
    }

    /// Passes the gradients, losses and parameters of a case to the callbacks, each with its expected value
    /// from the fixture.
    fn compare(
        &self,
        case: &Case,
        found: &Trained,
        gradient: impl Fn(&str, &ArrayD<f64>, &ArrayD<f64>),
        loss: impl Fn(&str, f64, f64),
        parameter: impl Fn(&str, &ArrayD<f64>, &ArrayD<f64>),
    ) {
        let of_loss = case.name.split_once('.').expect("loss.optimizer").0;
        let names = names(&self.parameters());
        loss(of_loss, found.losses[0], self.fixture.scalar(&format!("{of_loss}.loss")));
        for (name, found) in names.iter().zip(&found.gradient) {
            if *name == "U" && !case.trains_input {
                continue; // the fast path does not compute it
            }
            let name = format!("{of_loss}.grad.{name}");
            gradient(&name, found, &self.fixture.f64(&name));
        }
        if case.onehot {
            return; // loss and gradient only
        }
        let expected = vector(self.fixture, &format!("{}.losses", case.name));
        found.losses.iter().zip(&expected).for_each(|(found, expected)| loss(&case.name, *found, *expected));
        for (update, arrays) in &found.kept {
            for (name, found) in names.iter().zip(arrays) {
                let name = format!("{}.u{update}.{name}", case.name);
                if self.fixture.has(&name) {
                    parameter(&name, found, &self.fixture.f64(&name));
                }
            }
        }
    }

    /// Checks the states, the outputs and the measures of the first batch.
    fn check_forward(&self) {
        let (real, classes) = (
            self.batches(LossKind::Mse, false).remove(0),
            self.batches(LossKind::CrossEntropy, false).remove(0),
        );
        let (equations, parameters) = (self.equations(LossKind::Mse), self.parameters());
        let states = equations.states_on(&parameters, &real.inputs);
        let network = network(&equations, &parameters);
        let fast = network.states(&single(&real).inputs, equations.steps).expect("shapes agree");
        if self.fixture.has("forward.h") {
            let expected = self.fixture.f64("forward.h");
            for (step, state) in states.iter().enumerate() {
                let expected = expected.index_axis(Axis(1), step);
                assert_close("states", state.view(), expected.view(), 1e-12);
                assert_close("states in f32", fast.index_axis(Axis(1), step), expected.view(), 1e-5);
            }
            let evaluation = network.evaluate(&single(&classes)).expect("shapes agree");
            let accuracy = evaluation.accuracy.expect("classes");
            assert_number("accuracy", accuracy, self.fixture.scalar("forward.accuracy"), 1e-12);
            let r2 = network.evaluate(&single(&real)).expect("shapes agree").r2.expect("real targets");
            assert_number("r2", r2, self.fixture.scalar("forward.r2"), 1e-5);
            let Mask::At(mask) = &real.mask else { panic!("there is a mask") };
            let counted = mask.iter().filter(|counts| **counts).count() as f64;
            assert_eq!(counted, self.fixture.scalar("forward.counted"));
        } else {
            let last = self.fixture.f64("forward.last.h");
            assert_close("states", states[equations.steps - 1].view(), last.view(), 2e-5);
        }
        let outputs = self.fixture.f64("forward.out");
        for (step, state) in states.iter().enumerate() {
            let found = equations.outputs(&parameters, state);
            assert_close("outputs", found.view(), outputs.index_axis(Axis(1), step).view(), 2e-5);
        }
    }
}

/// The arrays of parameters in the order of `Weights::tensors`.
fn of_parameters(parameters: &Parameters) -> Vec<ArrayD<f64>> {
    arrays(parameters).into_iter().map(|(_, array)| array).collect()
}

fn single(trials: &Trials<f64>) -> Trials {
    let (Inputs::Timed(inputs), targets) = (&trials.inputs, &trials.targets) else { panic!("timed inputs") };
    Trials {
        inputs: Inputs::Timed(inputs.mapv(|input| input as f32)),
        targets: match targets {
            Targets::Real(targets) => Targets::Real(targets.mapv(|target| target as f32)),
            Targets::ClassAt(classes) => Targets::ClassAt(classes.clone()),
            Targets::Class(labels) => Targets::Class(labels.clone()),
        },
        mask: trials.mask.clone(),
        conditions: trials.conditions.clone(),
    }
}

/// A network of the fast path with these equations.
fn network(equations: &Equations, parameters: &Parameters) -> Network {
    let mut params = Params::default();
    params.network.kind = equations.kind;
    params.network.units = parameters.readout.nrows();
    params.network.dt = equations.dt;
    params.train.loss = equations.loss;
    params.task.input_dim = parameters.input.nrows();
    params.task.delay = equations.steps;
    params.task.evaluate = equations.steps;
    params.task.classes = parameters.readout.ncols();
    let params = params.check().expect("valid");
    Network::new(&params, narrowed(parameters)).expect("finite weights")
}

const SMALL: [&str; 3] = ["gru", "leaky", "vanilla"];

#[test]
fn golden_networks_small_the_reference_trains_as_pytorch_does() {
    for name in SMALL {
        let Some(fixture) = networks::open(&format!("small_{name}_f64"), &["*"]) else { return };
        let net = Net { fixture: &fixture, source: &fixture, kind: kind_of(name) };
        net.check_forward();
        for case in net.cases() {
            let found = net.train_reference(&case);
            let of = |what: &str| format!("{name}: {what}");
            net.compare(
                &case,
                &found,
                |what, found, expected| assert_close(&of(what), found.view(), expected.view(), 1e-12),
                |what, found, expected| assert_number(&of(what), found, expected, 1e-12),
                |what, found, expected| assert_close(&of(what), found.view(), expected.view(), 1e-11),
            );
        }
        fixture.finish();
    }
}

#[test]
fn golden_networks_small_the_fast_path_trains_as_pytorch_does() {
    for name in SMALL {
        let Some(fixture) = networks::open(&format!("small_{name}_f64"), &[]) else { return };
        let net = Net { fixture: &fixture, source: &fixture, kind: kind_of(name) };
        for case in net.cases() {
            let found = net.train_fast(&case);
            let of = |what: &str| format!("{name}: {what}");
            net.compare(
                &case,
                &found,
                |what, found, expected| {
                    assert_close_to_largest(&of(what), found.view(), expected.view(), 1e-5);
                },
                |what, found, expected| assert_number(&of(what), found, expected, 5e-6),
                |what, found, expected| {
                    assert_close(&of(what), found.view(), expected.view(), 2e-4);
                    assert_root_mean_square(&of(what), found.view(), expected.view(), 1e-5);
                },
            );
        }
    }
}

#[test]
fn golden_networks_medium_a_gru_trains_as_in_pytorch() {
    let Some(source) = networks::open("medium_gru_init", &["*"]) else { return };
    let Some(double) = networks::open("medium_gru_f64", &["*"]) else { return };
    let Some(float) = networks::open("medium_gru_f32", &["*"]) else { return };
    let net = Net { fixture: &double, source: &source, kind: NetworkKind::Gru };
    net.check_forward();
    for case in net.cases() {
        net.compare(
            &case,
            &net.train_reference(&case),
            |what, found, expected| assert_close_to_largest(what, found.view(), expected.view(), 1e-12),
            |what, found, expected| assert_number(what, found, expected, 1e-11),
            |what, found, expected| assert_close(what, found.view(), expected.view(), 1e-11),
        );
    }
    let net = Net { fixture: &float, ..net };
    net.check_forward();
    for case in net.cases() {
        net.compare(
            &case,
            &net.train_fast(&case),
            |what, found, expected| assert_close_to_largest(what, found.view(), expected.view(), 2e-5),
            |what, found, expected| assert_number(what, found, expected, 5e-6),
            |what, found, expected| {
                assert_close(what, found.view(), expected.view(), 5e-4);
                assert_root_mean_square(what, found.view(), expected.view(), 2e-6);
            },
        );
    }
    [source, double, float].into_iter().for_each(Fixture::finish);
}

/// In the fixtures, states are columns and `J[i, j] = ∂ next_i / ∂ s_j`. Here, states are rows.
#[test]
fn golden_networks_jacobians_are_those_of_autograd() {
    let patterns = SMALL.map(|name| format!("{name}.*"));
    let Some(fixture) = networks::open("jacobians", &patterns.each_ref().map(String::as_str)) else { return };
    for name in SMALL {
        let parameters = parameters(&fixture, name, false);
        let dt = if name == "leaky" { fixture.scalar("leaky.dt") } else { 1.0 };
        let equations = Equations {
            kind: kind_of(name),
            nonlinearity: Nonlinearity::Tanh,
            dt,
            leak: true,
            steps: 1,
            hold: 0,
            evaluate: 1,
            loss: LossKind::Mse,
        };
        let dynamics = equations.dynamics();
        let (states, inputs) =
            (matrix(&fixture, &format!("{name}.states")), matrix(&fixture, &format!("{name}.inputs")));
        let (next, jacobians) = (fixture.f64(&format!("{name}.next")), fixture.f64(&format!("{name}.J")));
        let units = states.ncols();
        let weights = &parameters.recurrent[0];
        for (case, (state, input)) in states.outer_iter().zip(inputs.outer_iter()).enumerate() {
            let (mut sent, mut slopes) = (state.to_vec(), vec![1.0; units]);
            if dynamics.sends_rates() {
                dynamics.rates(&mut sent, &mut slopes);
            }
            let mut recurrent = Array1::from(sent).dot(weights);
            if let Some(bias) = parameters.biases.get(1) {
                recurrent += bias;
            }
            let input = input.dot(&parameters.input) + &parameters.biases[0];
            let (mut after, mut note) = (state.to_vec(), vec![0.0; dynamics.notes() * units]);
            dynamics.step(&mut after, &recurrent.to_vec(), &input.to_vec(), &mut note);
            let what = format!("{name} {case}");
            assert_close(&what, Array1::from(after).view(), next.index_axis(Axis(0), case).view(), 1e-12);
            let expected = jacobians.index_axis(Axis(0), case);
            for from in 0..units {
                let mut vector = vec![0.0; units];
                vector[from] = 1.0;
                let image = &weights.row(from) * slopes[from];
                dynamics.tangent(&mut vector, &image.to_vec(), &note);
                let expected = expected.index_axis(Axis(1), from);
                assert_close(&what, Array1::from(vector).view(), expected.view(), 1e-12);
            }
        }
    }
    fixture.finish();
}

#[test]
fn golden_networks_initial_weights_of_a_gru_follow_from_their_gaussian_numbers() {
    let Some(fixture) = networks::open("init", &["gru.*"]) else { return };
    let setting = |name: &str| fixture.scalar(&format!("gru.{name}"));
    let [gain, gate_gain] = [setting("gain"), setting("gate_gain")];
    let raw = matrix(&fixture, "gru.raw_W");
    let found = initial::block_recurrent(raw.view(), &[gate_gain, gate_gain, gain]).expect("finite");
    assert_close("W", found.view(), fixture.f64("gru.W").view(), 1e-12);
    let gates = initial::gate_input(matrix(&fixture, "gru.raw_U").view());
    let raw_in = matrix(&fixture, "gru.raw_in");
    let candidate = initial::orthogonal_input(raw_in.view(), setting("input_scale")).expect("finite");
    let found = ndarray::concatenate![Axis(1), gates, candidate];
    assert_close("U", found.view(), fixture.f64("gru.U").view(), 1e-12);
    let units = raw.nrows();
    let mut bias = Array1::<f64>::zeros(3 * units);
    bias.slice_mut(ndarray::s![units..2 * units]).fill(setting("gate_bias"));
    assert_close("b", bias.view(), fixture.f64("gru.b").view(), 0.0);
    assert_close("d", Array1::<f64>::zeros(3 * units).view(), fixture.f64("gru.d").view(), 0.0);
    fixture.ignore("gru.raw_radius", "radii are compared through the matrices that are scaled by them");
    fixture.finish();
}
