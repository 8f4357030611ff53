//! Training compared with PyTorch: the reference in f64, and the fast path in f32 (`train_*` fixtures).
//!
//! Every case is found by its name and set up from the arrays of its file. The tolerances are those in the
//! README of the fixtures.

mod common;

use std::collections::BTreeMap;

use common::{arrays, narrowed, views_mut, widened};
use concertina_model::network::{Equations, Weights};
use concertina_model::optimizer::{Adam, Buffers, Optimizer, Rmsprop, Sgd, SgdRmsprop, StepContext};
use concertina_model::params::{GradientMethod, LossKind, NetworkKind, Nonlinearity};
use concertina_model::reference::Parameters;
use concertina_model::trainer::Updater;
use concertina_testing::compare::{
    assert_close, assert_close_to_largest, assert_number, assert_root_mean_square,
};
use concertina_testing::golden::Fixture;
use ndarray::{Array1, Array2, Array3, ArrayD, Axis, Ix1, Ix2, Ix3};

/// The updates after which the fixtures record the parameters.
const KEPT: [usize; 4] = [1, 2, 5, 20];

/// One case: everything needed to repeat its updates.
struct Case<'a> {
    fixture: &'a Fixture,
    name: String,
    equations: Equations,
    optimizer: Optimizer,
    learning_rate: f64,
    parameters: Parameters,
    /// Names of the arrays in the fixture, in the order of `Weights::tensors`.
    names: Vec<String>,
    inputs: Array3<f64>,
    labels: Vec<Vec<u32>>,
    noise: Option<Noise>,
}

/// Gradient noise: its size, whether it is scaled to the norm of the gradient, and its numbers for each array
/// and update.
struct Noise {
    size: f64,
    scaled: bool,
    numbers: BTreeMap<String, ArrayD<f64>>,
}

fn matrix(fixture: &Fixture, name: &str) -> Array2<f64> {
    fixture.f64(name).into_dimensionality::<Ix2>().unwrap_or_else(|_| panic!("`{name}` is a matrix"))
}

fn vector(fixture: &Fixture, name: &str) -> Array1<f64> {
    fixture.f64(name).into_dimensionality::<Ix1>().unwrap_or_else(|_| panic!("`{name}` is a vector"))
}

fn loss_of(name: &str) -> LossKind {
    let kinds =
        [("mse_scalar", LossKind::MseScalar), ("mse", LossKind::Mse), ("cce", LossKind::CrossEntropy)];
    let found = kinds.iter().find(|(spelling, _)| name.starts_with(spelling) || name.ends_with(spelling));
    found.unwrap_or_else(|| panic!("case `{name}` names no loss")).1
}

/// The optimizer whose settings are under a prefix. The names of the settings tell which optimizer it is.
fn optimizer_of(fixture: &Fixture, prefix: &str) -> (Optimizer, f64) {
    let setting = |name: &str| fixture.scalar(&format!("{prefix}.{name}"));
    let has = |name: &str| fixture.has(&format!("{prefix}.{name}"));
    let weight_decay = setting("weight_decay");
    let rmsprop = || Rmsprop {
        memory: setting("alpha"),
        epsilon: setting("eps"),
        momentum: setting("momentum"),
        weight_decay,
    };
    let optimizer = if has("beta1") {
        let (mean_memory, square_memory) = (setting("beta1"), setting("beta2"));
        Optimizer::Adam(Adam { mean_memory, square_memory, epsilon: setting("eps"), weight_decay })
    } else if has("prop") {
        Optimizer::SgdRmsprop(SgdRmsprop { mix: setting("prop"), rmsprop: rmsprop() })
    } else if has("alpha") {
        Optimizer::Rmsprop(rmsprop())
    } else {
        Optimizer::Sgd(Sgd { momentum: setting("momentum"), weight_decay })
    };
    (optimizer, setting("lr"))
}

/// The equations that the settings under a prefix describe.
fn equations_of(
    fixture: &Fixture,
    prefix: &str,
    network: &str,
    nonlinearity: &str,
    loss: LossKind,
) -> Equations {
    let setting = |name: &str| fixture.scalar(&format!("{prefix}.{name}"));
    let has = |name: &str| fixture.has(&format!("{prefix}.{name}"));
    let kind = match network {
        "vanilla" => NetworkKind::Vanilla,
        "somp" => NetworkKind::Leaky,
        "feedforward" => NetworkKind::Feedforward,
        other => panic!("no network is called `{other}`"),
    };
    let steps =
        if kind == NetworkKind::Feedforward { setting("layers") - 1.0 } else { setting("T") } as usize;
    let (hold, evaluate) = if kind == NetworkKind::Feedforward {
        (1, 1)
    } else {
        let points = fixture.i64(&format!("{prefix}.loss_points"));
        let evaluate = points.len();
        // the loss is evaluated at the last steps
        let last: Vec<i64> = (steps - evaluate..steps).map(|step| step as i64).collect();
        assert_eq!(points.iter().copied().collect::<Vec<_>>(), last, "{prefix}.loss_points");
        (setting("n_hold") as usize, evaluate)
    };
    Equations {
        kind,
        nonlinearity: match nonlinearity {
            "tanh" => Nonlinearity::Tanh,
            "relu" => Nonlinearity::Relu,
            "linear" => Nonlinearity::Linear,
            other => panic!("no nonlinearity is called `{other}`"),
        },
        dt: if has("dt") { setting("dt") } else { 1.0 },
        leak: true,
        steps,
        hold,
        evaluate,
        loss,
    }
}

/// The parameters before training, and their names in the fixture. `find` completes a name.
fn parameters_of(
    fixture: &Fixture,
    equations: &Equations,
    find: impl Fn(&str) -> String,
) -> (Parameters, Vec<String>) {
    if equations.kind == NetworkKind::Feedforward {
        let layers = equations.steps;
        let parameters = Parameters {
            input: matrix(fixture, &find("W0")),
            recurrent: (1..layers).map(|layer| matrix(fixture, &find(&format!("W{layer}")))).collect(),
            biases: (0..layers).map(|layer| vector(fixture, &find(&format!("b{layer}")))).collect(),
            readout: matrix(fixture, &find(&format!("W{layers}"))),
            readout_bias: vector(fixture, &find(&format!("b{layers}"))),
            initial_state: None,
        };
        let mut names: Vec<String> = (0..layers).map(|layer| format!("W{layer}")).collect();
        names.extend((0..layers).map(|layer| format!("b{layer}")));
        names.extend([format!("W{layers}"), format!("b{layers}")]);
        return (parameters, names);
    }
    let parameters = Parameters {
        input: matrix(fixture, &find("Win")),
        recurrent: vec![matrix(fixture, &find("Wrec"))],
        biases: vec![vector(fixture, &find("brec"))],
        readout: matrix(fixture, &find("Wout")),
        readout_bias: vector(fixture, &find("bout")),
        initial_state: None,
    };
    (parameters, ["Win", "Wrec", "brec", "Wout", "bout"].map(String::from).to_vec())
}

/// `init.<name>`, or `init.class.<name>` or `init.scalar.<name>` if it depends on the number of outputs.
fn initial_name(fixture: &Fixture, loss: LossKind, name: &str) -> String {
    let common = format!("init.{name}");
    let outputs = if loss == LossKind::MseScalar { "scalar" } else { "class" };
    if fixture.has(&common) { common } else { format!("init.{outputs}.{name}") }
}

fn batches(fixture: &Fixture, binary: bool) -> (Array3<f64>, Vec<Vec<u32>>) {
    let inputs = fixture.f64("X").into_dimensionality::<Ix3>().expect("`X` is (update, sample, input)");
    let labels = fixture.i64(if binary { "Y_binary" } else { "Y" });
    let labels =
        labels.axis_iter(Axis(0)).map(|row| row.iter().map(|label| *label as u32).collect()).collect();
    (inputs, labels)
}

impl Case<'_> {
    fn expected(&self, what: &str, array: &str) -> Option<ArrayD<f64>> {
        let name = format!("{}.{what}.{array}", self.name);
        self.fixture.has(&name).then(|| self.fixture.f64(&name))
    }

    fn is_trained(&self, array: &str) -> bool {
        self.fixture.has(&format!("{}.grad.{array}", self.name))
    }

    fn losses(&self) -> Array1<f64> {
        vector(self.fixture, &format!("{}.losses", self.name))
    }

    /// Trains with the reference. Returns the losses, the first gradient, and the parameters after each
    /// recorded update.
    fn train_reference(&self) -> Trained {
        let mut parameters = self.parameters.clone();
        let mut velocities = parameters.zeros_like();
        let mut squares = parameters.zeros_like();
        let (keeps_mean, keeps_square) = self.optimizer.keeps();
        let mut trained = Trained::default();
        for (update, (inputs, labels)) in self.inputs.outer_iter().zip(&self.labels).enumerate() {
            let (loss, mut gradient) = self.equations.loss_and_gradient(&parameters, inputs, labels);
            trained.losses.push(loss);
            if update == 0 {
                trained.gradient = arrays(&gradient).into_iter().map(|(_, array)| array).collect();
            }
            self.add_noise(&mut gradient, update);
            let context = StepContext { learning_rate: self.learning_rate, update: update as u64 + 1 };
            let all = views_mut(&mut parameters)
                .into_iter()
                .zip(views_mut(&mut gradient))
                .zip(views_mut(&mut velocities).into_iter().zip(views_mut(&mut squares)));
            for (name, ((mut weights, gradient), (mut velocity, mut square))) in self.names.iter().zip(all) {
                if !self.is_trained(name) {
                    continue;
                }
                let buffers = Buffers {
                    mean: if keeps_mean { velocity.as_slice_mut().expect("contiguous") } else { &mut [] },
                    square: if keeps_square { square.as_slice_mut().expect("contiguous") } else { &mut [] },
                };
                let weights = weights.as_slice_mut().expect("contiguous");
                self.optimizer.step(weights, gradient.as_slice().expect("contiguous"), buffers, context);
            }
            if KEPT.contains(&(update + 1)) {
                trained
                    .kept
                    .insert(update + 1, arrays(&parameters).into_iter().map(|(_, array)| array).collect());
            }
        }
        trained
    }

    fn add_noise(&self, gradient: &mut Parameters, update: usize) {
        let Some(noise) = &self.noise else { return };
        for (name, mut gradient) in self.names.iter().zip(views_mut(gradient)) {
            let Some(numbers) = noise.numbers.get(name) else { continue };
            let numbers = numbers.index_axis(Axis(0), update);
            let squared =
                |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
            let scale = if noise.scaled {
                (squared(&mut gradient.iter().copied()) / squared(&mut numbers.iter().copied())).sqrt()
            } else {
                1.0
            };
            gradient.scaled_add(noise.size * scale, &numbers);
        }
    }

    /// Trains with the fast path.
    fn train_fast(&self) -> Trained {
        let weights = narrowed(&self.parameters);
        let tensor_names: Vec<String> = weights.tensors().into_iter().map(|(name, _)| name).collect();
        let is_trained = |name: &str| {
            tensor_names
                .iter()
                .zip(&self.names)
                .any(|(tensor, array)| tensor == name && self.is_trained(array))
        };
        let batch = self.labels.iter().map(Vec::len).max().unwrap_or(0);
        let mut updater = Updater::new(
            self.equations,
            self.optimizer.clone(),
            GradientMethod::Automatic,
            is_trained,
            &weights.into(),
            batch,
        );
        let mut trained = Trained::default();
        for (update, (inputs, labels)) in self.inputs.outer_iter().zip(&self.labels).enumerate() {
            let inputs = inputs.mapv(|value| value as f32);
            let record = updater.update(inputs.view(), labels, self.learning_rate).expect("shapes agree");
            trained.losses.push(record.loss);
            if update == 0 {
                trained.gradient = values(&updater.gradient());
            }
            if KEPT.contains(&(update + 1)) {
                trained.kept.insert(update + 1, values(&updater.weights().effective()));
            }
        }
        trained
    }

    fn compare_gradient(&self, trained: &Trained, tolerance: f64) {
        for (name, gradient) in self.names.iter().zip(&trained.gradient) {
            if let Some(expected) = self.expected("grad", name) {
                let what = format!("{}: gradient of {name}", self.name);
                assert_close_to_largest(&what, gradient.view(), expected.view(), tolerance);
            }
        }
    }

    fn compare_losses(&self, trained: &Trained, tolerance: impl Fn(usize) -> f64) {
        for (update, (found, expected)) in trained.losses.iter().zip(self.losses()).enumerate() {
            let what = format!("{}: loss before update {}", self.name, update + 1);
            assert_number(&what, *found, expected, tolerance(update + 1));
        }
    }

    fn each_kept(&self, trained: &Trained, mut compare: impl FnMut(usize, &str, &ArrayD<f64>, &ArrayD<f64>)) {
        for (update, parameters) in &trained.kept {
            for (name, found) in self.names.iter().zip(parameters) {
                if let Some(expected) = self.expected(&format!("u{update}"), name) {
                    compare(*update, name, found, &expected);
                }
            }
        }
    }
}

/// The arrays of weights in f64.
fn values(weights: &Weights) -> Vec<ArrayD<f64>> {
    arrays(&widened(weights)).into_iter().map(|(_, array)| array).collect()
}

#[derive(Default)]
struct Trained {
    losses: Vec<f64>,
    gradient: Vec<ArrayD<f64>>,
    kept: BTreeMap<usize, Vec<ArrayD<f64>>>,
}

/// Compares the reference with the fixture, both of which were trained in f64.
fn check_reference(case: &Case<'_>, gradient: f64, parameters: f64) {
    let trained = case.train_reference();
    case.compare_gradient(&trained, gradient);
    case.compare_losses(&trained, |_| parameters);
    case.each_kept(&trained, |update, name, found, expected| {
        let what = format!("{}: {name} after update {update}", case.name);
        assert_close(&what, found.view(), expected.view(), parameters);
    });
}

/// The cases of a fixture of small networks.
fn each_small_case(name: &str, mut check: impl FnMut(&Case<'_>)) {
    let Some(fixture) = Fixture::open(name) else { return };
    let described = name.strip_prefix("train_small_").unwrap_or(name);
    let parts: Vec<&str> = described.split('_').collect();
    let (network, nonlinearity) = (parts[0], parts[parts.len() - 2]);
    for setting in ["N", "X_dim", "classes", "batch", "dt", "g_radius"] {
        fixture.ignore(&format!("cfg.{setting}"), "it follows from the arrays, or was used to make them");
    }
    for case in fixture.cases(".losses") {
        let (loss, optimizer) = case.split_once('.').expect("cases are called loss.optimizer");
        let loss = loss_of(loss);
        let mut equations = equations_of(&fixture, "cfg", network, nonlinearity, loss);
        equations.leak = !described.contains("noleak");
        let (optimizer, learning_rate) = optimizer_of(&fixture, &format!("opt.{optimizer}"));
        let (parameters, names) =
            parameters_of(&fixture, &equations, |name| initial_name(&fixture, loss, name));
        let (inputs, labels) = batches(&fixture, loss == LossKind::MseScalar);
        let case = Case {
            fixture: &fixture,
            name: case,
            equations,
            optimizer,
            learning_rate,
            parameters,
            names,
            inputs,
            labels,
            noise: None,
        };
        check(&case);
        check_forward(&case, if name.ends_with("f32") { 1e-6 } else { 1e-12 });
    }
    fixture.finish();
}

/// Checks the states and outputs of the first batch before training.
fn check_forward(case: &Case<'_>, tolerance: f64) {
    let outputs = if case.equations.loss == LossKind::MseScalar { "scalar" } else { "class" };
    let prefix = format!("forward.{outputs}");
    if !case.fixture.has(&format!("{prefix}.hid")) {
        return;
    }
    let inputs = case.inputs.index_axis(Axis(0), 0);
    let states = case.equations.states(&case.parameters, inputs);
    let expected = case.fixture.f64(&format!("{prefix}.hid")); // (sample, step, unit)
    let expected_outputs = case.fixture.f64(&format!("{prefix}.out"));
    for (step, state) in states.iter().enumerate() {
        let what = format!("{prefix}: state after step {step}");
        assert_close(&what, state.view(), expected.index_axis(Axis(1), step), tolerance);
        let outputs = case.equations.outputs(&case.parameters, state);
        if expected_outputs.ndim() == 3 {
            let what = format!("{prefix}: output after step {step}");
            assert_close(&what, outputs.view(), expected_outputs.index_axis(Axis(1), step), tolerance);
        } else if step + 1 == states.len() {
            assert_close(&format!("{prefix}: output"), outputs.view(), expected_outputs.view(), tolerance);
        }
    }
}

fn small_in_double(name: &str) {
    each_small_case(name, |case| {
        check_reference(case, 1e-12, 1e-12);
        // the fast path starts from rounded weights, so only gradients and the first loss test its equations
        let fast = case.train_fast();
        case.compare_gradient(&fast, 1e-5);
        assert_number(&format!("{}: first loss", case.name), fast.losses[0], case.losses()[0], 2e-6);
    });
}

#[test]
fn golden_small_vanilla_tanh_f64() {
    small_in_double("train_small_vanilla_tanh_f64");
}

#[test]
fn golden_small_vanilla_relu_f64() {
    small_in_double("train_small_vanilla_relu_f64");
}

#[test]
fn golden_small_vanilla_linear_f64() {
    small_in_double("train_small_vanilla_linear_f64");
}

#[test]
fn golden_small_leaky_f64() {
    small_in_double("train_small_somp_leak_tanh_f64");
}

#[test]
fn golden_small_leaky_without_leak_f64() {
    small_in_double("train_small_somp_noleak_tanh_f64");
}

#[test]
fn golden_small_feedforward_tanh_f64() {
    small_in_double("train_small_feedforward_tanh_f64");
}

#[test]
fn golden_small_feedforward_relu_f64() {
    small_in_double("train_small_feedforward_relu_f64");
}

#[test]
fn golden_small_vanilla_tanh_f32() {
    each_small_case("train_small_vanilla_tanh_f32", |case| {
        let fast = case.train_fast();
        case.compare_gradient(&fast, 1e-5);
        case.compare_losses(&fast, |_| 2e-6);
        case.each_kept(&fast, |update, name, found, expected| {
            let what = format!("{}: {name} after update {update}", case.name);
            assert_close(&what, found.view(), expected.view(), 2e-6);
        });
    });
}

#[test]
fn golden_small_variants_f64() {
    let Some(fixture) = Fixture::open("train_small_variants_f64") else { return };
    for name in fixture.cases(".losses") {
        let loss = loss_of(&name);
        let layered = name.starts_with("ff_");
        let find = |array: &str| {
            if !layered {
                return initial_name(&fixture, loss, array);
            }
            let own = format!("ff.init.{array}");
            if fixture.has(&own) { own } else { "ff.init.W_hidden".to_owned() }
        };
        let equations = if layered {
            // the settings follow from the layers in the fixture
            let layers = (0..).take_while(|layer| fixture.has(&format!("ff.init.b{layer}"))).count();
            Equations {
                kind: NetworkKind::Feedforward,
                nonlinearity: Nonlinearity::Tanh,
                dt: 1.0,
                leak: true,
                steps: layers - 1,
                hold: 1,
                evaluate: 1,
                loss,
            }
        } else {
            equations_of(&fixture, &format!("{name}.cfg"), "vanilla", "tanh", loss)
        };
        let (optimizer, learning_rate) = optimizer_of(&fixture, &format!("{name}.opt"));
        let (parameters, names) = parameters_of(&fixture, &equations, find);
        let (inputs, labels) = batches(&fixture, loss == LossKind::MseScalar);
        let noise = name.starts_with("noise_").then(|| {
            let targets: &[&str] = if name.contains("_both_") {
                &["Wrec", "Wout"]
            } else if name.contains("_wout_") {
                &["Wout"]
            } else {
                &["Wrec"]
            };
            Noise {
                size: fixture.scalar("noise.sigma"),
                scaled: name.contains("scaled"),
                numbers: targets
                    .iter()
                    .map(|name| ((*name).to_owned(), fixture.f64(&format!("noise.{name}"))))
                    .collect(),
            }
        });
        let noisy = noise.is_some();
        let case = Case {
            fixture: &fixture,
            name,
            equations,
            optimizer,
            learning_rate,
            parameters,
            names,
            inputs,
            labels,
            noise,
        };
        check_reference(&case, 1e-12, 1e-12);
        if !noisy {
            case.compare_gradient(&case.train_fast(), 1e-5);
        }
    }
    fixture.finish();
}

/// The cases of the paper's size. The initial weights are in a separate file; `answers` says whether this
/// test is responsible for that file.
fn each_paper_case(gain: &str, precision: &str, answers: bool, check: impl Fn(&Case<'_>)) {
    let start = format!("train_paper_{gain}_init");
    let start = if answers { Fixture::open(&start) } else { Fixture::borrow(&start) };
    let fixture = Fixture::open(&format!("train_paper_{gain}_{precision}"));
    let (Some(start), Some(fixture)) = (start, fixture) else { return };
    for name in fixture.cases(".losses") {
        let (loss, optimizer) = name.split_once('.').expect("cases are called loss.optimizer");
        let loss = loss_of(loss);
        let equations = equations_of(&start, "cfg", "vanilla", "tanh", loss);
        let (optimizer, learning_rate) = optimizer_of(&start, &format!("opt.{optimizer}"));
        let (parameters, names) = parameters_of(&start, &equations, |name| initial_name(&start, loss, name));
        let (inputs, labels) = batches(&start, false);
        let case = Case {
            fixture: &fixture,
            name,
            equations,
            optimizer,
            learning_rate,
            parameters,
            names,
            inputs,
            labels,
            noise: None,
        };
        check(&case);
        if precision == "f64" {
            check_forward(&case, 1e-12);
        }
    }
    if precision == "f32" {
        fixture.ignore("forward.*", "the initial weights are those of f64, where the states are compared");
    }
    if answers {
        for unused in ["init.scalar.*", "opt.sgd_m.*", "cfg.*"] {
            start.ignore(unused, "it was used to make the arrays, or no case of this gain uses it");
        }
    }
    start.finish();
    fixture.finish();
}

#[test]
fn golden_paper_g20_f64() {
    each_paper_case("g20", "f64", true, |case| check_reference(case, 1e-12, 1e-10));
}

#[test]
fn golden_paper_g250_f64() {
    each_paper_case("g250", "f64", true, |case| check_reference(case, 1e-12, 1e-9));
}

#[test]
fn golden_paper_g20_f32() {
    each_paper_case("g20", "f32", false, |case| {
        let fast = case.train_fast();
        case.compare_gradient(&fast, 1e-5);
        case.compare_losses(&fast, |_| 1e-4);
        case.each_kept(&fast, |update, name, found, expected| {
            let what = format!("{}: {name} after update {update}", case.name);
            assert_close(&what, found.view(), expected.view(), 2e-4);
        });
        compare_root_mean_square(case, &fast, |_, _| 2e-6);
    });
}

#[test]
fn golden_paper_g250_f32() {
    each_paper_case("g250", "f32", false, |case| {
        let fast = case.train_fast();
        case.compare_gradient(&fast, 5e-5);
        case.compare_losses(&fast, |update| if update <= 5 { 2e-3 } else { 5e-2 });
        compare_root_mean_square(case, &fast, |loss, update| match (loss, update <= 5) {
            (LossKind::CrossEntropy, true) => 3e-6, // other random numbers differed by 1.1e-6
            (LossKind::CrossEntropy, false) | (_, true) => 2e-4,
            (_, false) => 1e-2,
        });
    });
}

/// Compares all parameters of an update together. The first steps of rmsprop have the size of the learning
/// rate whatever the gradient, so single entries whose gradient is only rounding may differ by that much.
fn compare_root_mean_square(case: &Case<'_>, trained: &Trained, tolerance: impl Fn(LossKind, usize) -> f64) {
    let mut pairs: BTreeMap<usize, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    case.each_kept(trained, |update, _, found, expected| {
        let (all_found, all_expected) = pairs.entry(update).or_default();
        all_found.extend(found);
        all_expected.extend(expected);
    });
    for (update, (found, expected)) in pairs {
        let what = format!("{}: all parameters after update {update}", case.name);
        let (found, expected) = (Array1::from(found), Array1::from(expected));
        assert_root_mean_square(&what, found.view(), expected.view(), tolerance(case.equations.loss, update));
    }
}
