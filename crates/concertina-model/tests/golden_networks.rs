//! Networks with inputs and losses at every timestep, compared with PyTorch: the reference in f64 and the
//! fast path in f32.
//!
//! The tolerances are those in the README of the fixtures.

mod common;

use std::collections::BTreeMap;

use common::{arrays, narrowed, views_mut, widened};
use concertina_model::network::{Equations, Network, Variable, initial};
use concertina_model::optimizer::{Adam, Buffers, Optimizer, Rmsprop, Sgd, StepContext};
use concertina_model::params::{GradientMethod, LossKind, NetworkKind, Nonlinearity, Params};
use concertina_model::reference::Parameters;
use concertina_model::task::{Inputs, Mask, Targets, Trials};
use concertina_model::trainer::Updater;
use concertina_testing::compare::{
    assert_close, assert_close_to_largest, assert_number, assert_root_mean_square,
};
use concertina_testing::golden::{Fixture, networks};
use ndarray::{Array1, Array2, ArrayD, Axis, Ix1, Ix2, Ix3, s};

/// A network of a fixture, and its batches.
struct Net<'a> {
    /// The fixture with the results.
    fixture: &'a Fixture,
    /// The fixture with the network and its batches.
    source: &'a Fixture,
    kind: NetworkKind,
    nonlinearity: Nonlinearity,
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

fn nonlinearity_of(name: &str) -> Nonlinearity {
    if name.ends_with("_relu") { Nonlinearity::Relu } else { Nonlinearity::Tanh }
}

fn kind_of(name: &str) -> NetworkKind {
    match name.split('_').next().unwrap_or_default() {
        "gru" => NetworkKind::Gru,
        "leaky" => NetworkKind::Leaky,
        "lstm" => NetworkKind::Lstm,
        "rate" => NetworkKind::Rate,
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
        initial_state: None,
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
        let dt = match self.kind {
            NetworkKind::Leaky => self.source.scalar("cfg.dt"),
            NetworkKind::Rate => self.source.scalar("cfg.alpha"),
            _ => 1.0,
        };
        let steps = self.source.scalar("cfg.T") as usize;
        let nonlinearity = self.nonlinearity;
        Equations { kind: self.kind, nonlinearity, dt, leak: true, steps, hold: 0, evaluate: steps, loss }
    }

    fn parameters(&self) -> Parameters {
        let mut parameters = parameters(self.source, "init", true);
        let sizes = ["cfg.N", "cfg.d", "cfg.outputs"].map(|name| self.source.scalar(name) as usize);
        let (input_dim, units, outputs) =
            (parameters.input.nrows(), parameters.readout.nrows(), parameters.readout.ncols());
        assert_eq!([units, input_dim, outputs], sizes);
        if self.has_noise() {
            // With α times the input weights below, the noise √(2 α) σ ξ is an input like others.
            let [alpha, sigma] = ["cfg.alpha", "cfg.sigma"].map(|name| self.source.scalar(name));
            let of_noise = Array2::eye(units) * (sigma * (2.0 / alpha).sqrt());
            parameters.input = ndarray::concatenate![Axis(0), parameters.input, of_noise];
        }
        parameters
    }

    /// Whether units have noise. It is given, and shown to the network as further inputs.
    fn has_noise(&self) -> bool {
        self.source.has("noise")
    }

    /// An array without the entries that belong to the noise.
    fn without_noise(&self, name: &str, array: &ArrayD<f64>) -> ArrayD<f64> {
        let mut array = array.clone();
        if name == "U" && self.has_noise() {
            array.slice_axis_inplace(Axis(0), (0..self.source.scalar("cfg.d") as usize).into());
        }
        array
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
            let mut inputs = cube("X", update);
            if self.has_noise() {
                inputs = ndarray::concatenate![Axis(2), inputs, cube("noise", update)];
            }
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
                let own = if self.has_noise() && name == "U" {
                    self.source.scalar("cfg.d") as usize * weights.len_of(Axis(1))
                } else {
                    weights.len()
                };
                let before = weights.iter().copied().skip(own).collect::<Vec<_>>();
                let weights = weights.as_slice_mut().expect("contiguous");
                case.optimizer.step(weights, gradient.as_slice().expect("contiguous"), buffers, context);
                weights[own..].copy_from_slice(&before); // the noise is not trained
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
        let mut updater =
            Updater::new(equations, optimizer, method, is_trained, &weights.into(), batches[0].len());
        let mut trained = Trained::default();
        for (update, trials) in (1..).zip(&batches) {
            let record =
                updater.update_on_trials(trials, 0..trials.len(), case.learning_rate).expect("shapes agree");
            trained.losses.push(record.loss);
            if update == 1 {
                trained.gradient = of_parameters(&widened(&updater.gradient()));
            }
            trained.kept.insert(update, of_parameters(&widened(&updater.weights().effective())));
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
            let found = self.without_noise(name, found);
            let name = format!("{of_loss}.grad.{name}");
            gradient(&name, &found, &self.fixture.f64(&name));
        }
        if case.onehot {
            return; // loss and gradient only
        }
        let expected = vector(self.fixture, &format!("{}.losses", case.name));
        found.losses.iter().zip(&expected).for_each(|(found, expected)| loss(&case.name, *found, *expected));
        for (update, arrays) in &found.kept {
            for (name, found) in names.iter().zip(arrays) {
                let found = self.without_noise(name, found);
                let name = format!("{}.u{update}.{name}", case.name);
                if self.fixture.has(&name) {
                    parameter(&name, &found, &self.fixture.f64(&name));
                }
            }
        }
    }

    /// The names of the variables in the fixtures.
    fn variables(&self) -> Vec<(&'static str, Variable)> {
        match self.kind {
            NetworkKind::Lstm => vec![("h", Variable::State), ("cell", Variable::Cell)],
            NetworkKind::Rate => vec![("v", Variable::State), ("r", Variable::Rates)],
            _ => vec![("h", Variable::State)],
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
        let inputs = single(&real).inputs;
        let fast = |variable| network.variable(variable, &inputs, equations.steps).expect("shapes agree");
        let variables = self.variables();
        if self.fixture.has("forward.accuracy") {
            for (name, variable) in variables {
                let (expected, fast) = (self.fixture.f64(&format!("forward.{name}")), fast(variable));
                for (step, state) in states.iter().enumerate() {
                    let expected = expected.index_axis(Axis(1), step);
                    let found = of_state(&equations, state, variable);
                    assert_close(name, found.view(), expected.view(), 1e-12);
                    assert_close(name, fast.index_axis(Axis(1), step), expected.view(), 1e-5);
                }
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
            for (name, variable) in variables {
                let (last, step) = (self.fixture.f64(&format!("forward.last.{name}")), equations.steps - 1);
                let found = of_state(&equations, &states[step], variable);
                assert_close(name, found.view(), last.view(), 2e-5);
                assert_close(name, fast(variable).index_axis(Axis(1), step), last.view(), 2e-5);
            }
        }
        let outputs = self.fixture.f64("forward.out");
        for (step, state) in states.iter().enumerate() {
            let found = equations.outputs(&parameters, state);
            assert_close("outputs", found.view(), outputs.index_axis(Axis(1), step).view(), 2e-5);
        }
    }
}

/// A variable of a state of the reference.
fn of_state(equations: &Equations, state: &Array2<f64>, variable: Variable) -> Array2<f64> {
    let dynamics = equations.dynamics();
    let units = state.ncols() / dynamics.states();
    let (mut h, rest) = (state.slice(s![.., ..units]).to_owned(), state.slice(s![.., units..]));
    match variable {
        Variable::State => h,
        Variable::Cell => rest.to_owned(),
        Variable::Rates => {
            for mut row in h.rows_mut() {
                dynamics.rates(row.as_slice_mut().expect("contiguous"), &mut vec![0.0; units]);
            }
            h
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
    params.network.nonlinearity = equations.nonlinearity;
    params.train.loss = equations.loss;
    params.task.input_dim = parameters.input.nrows();
    params.task.delay = equations.steps;
    params.task.evaluate = equations.steps;
    params.task.classes = parameters.readout.ncols();
    let params = params.check().expect("valid");
    Network::new(&params, narrowed(parameters)).expect("finite weights")
}

const SMALL: [&str; 7] = ["gru", "leaky", "lstm", "rate", "rate_noise", "rate_relu", "vanilla"];

#[test]
fn golden_networks_small_the_reference_trains_as_pytorch_does() {
    for name in SMALL {
        let Some(fixture) = networks::open(&format!("small_{name}_f64"), &["*"]) else { return };
        let (kind, nonlinearity) = (kind_of(name), nonlinearity_of(name));
        let net = Net { fixture: &fixture, source: &fixture, kind, nonlinearity };
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
        let (kind, nonlinearity) = (kind_of(name), nonlinearity_of(name));
        let net = Net { fixture: &fixture, source: &fixture, kind, nonlinearity };
        // in the fast path, the input weights that stand for noise are trained if the others are
        let is_exact = |case: &Case| !net.has_noise() || !case.trains_input || case.onehot;
        let mut compared = 0;
        for case in net.cases().into_iter().filter(is_exact) {
            compared += 1;
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
        assert!(compared > 0, "{name}");
    }
}

#[test]
fn golden_networks_medium_networks_train_as_in_pytorch() {
    ["gru", "lstm", "rate"].into_iter().for_each(medium);
}

fn medium(name: &str) {
    let Some(source) = networks::open(&format!("medium_{name}_init"), &["*"]) else { return };
    let Some(double) = networks::open(&format!("medium_{name}_f64"), &["*"]) else { return };
    let Some(float) = networks::open(&format!("medium_{name}_f32"), &["*"]) else { return };
    let (kind, nonlinearity) = (kind_of(name), nonlinearity_of(name));
    let net = Net { fixture: &double, source: &source, kind, nonlinearity };
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
    let Some(fixture) = networks::open("jacobians", &["*"]) else { return };
    for name in fixture.cases(".J").iter().map(String::as_str) {
        let parameters = parameters(&fixture, name, false);
        let dt = ["dt", "alpha"].map(|dt| format!("{name}.{dt}")).into_iter().find(|dt| fixture.has(dt));
        let dt = dt.map_or(1.0, |dt| fixture.scalar(&dt));
        let equations = Equations {
            kind: kind_of(name),
            nonlinearity: nonlinearity_of(name),
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
        let (numbers, units) = (states.ncols(), parameters.readout.nrows());
        let weights = &parameters.recurrent[0];
        for (case, (state, input)) in states.outer_iter().zip(inputs.outer_iter()).enumerate() {
            let (mut sent, mut slopes) = (state.to_vec()[..units].to_vec(), vec![1.0; units]);
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
            for from in 0..numbers {
                let mut vector = vec![0.0; numbers];
                vector[from] = 1.0;
                let image = match slopes.get(from) {
                    Some(slope) => &weights.row(from) * *slope,
                    None => Array1::zeros(weights.ncols()), // this part of the state is not sent
                };
                dynamics.tangent(&mut vector, &image.to_vec(), &note);
                let expected = expected.index_axis(Axis(1), from);
                assert_close(&what, Array1::from(vector).view(), expected.view(), 1e-12);
            }
        }
    }
    fixture.finish();
}

#[test]
fn golden_networks_initial_weights_of_gated_networks_follow_from_their_gaussian_numbers() {
    let Some(fixture) = networks::open("init", &["gru.*", "lstm.*"]) else { return };
    // the candidate's place among the currents, and that of the gate with a bias
    for (name, currents, candidate, biased) in [("gru", 3, 2, 1), ("lstm", 4, 2, 1)] {
        let of = |what: &str| format!("{name}.{what}");
        let setting = |what: &str| fixture.scalar(&of(what));
        let mut gains = vec![setting("gate_gain"); currents];
        gains[candidate] = setting("gain");
        let raw = matrix(&fixture, &of("raw_W"));
        let found = initial::block_recurrent(raw.view(), &gains).expect("finite");
        assert_close("W", found.view(), fixture.f64(&of("W")).view(), 1e-12);
        let gates = initial::gate_input(matrix(&fixture, &of("raw_U")).view());
        let raw_in = matrix(&fixture, &of("raw_in"));
        let of_candidate = initial::orthogonal_input(raw_in.view(), setting("input_scale")).expect("finite");
        let found = initial::input_around(gates.view(), of_candidate.view(), candidate);
        assert_close("U", found.view(), fixture.f64(&of("U")).view(), 1e-12);
        let units = raw.nrows();
        let mut bias = Array1::<f64>::zeros(currents * units);
        bias.slice_mut(s![biased * units..(biased + 1) * units]).fill(setting("gate_bias"));
        assert_close("b", bias.view(), fixture.f64(&of("b")).view(), 0.0);
        assert_close("d", Array1::<f64>::zeros(currents * units).view(), fixture.f64(&of("d")).view(), 0.0);
        fixture.ignore(&of("raw_radius"), "radii are compared through the matrices that are scaled by them");
    }
    fixture.finish();
}
