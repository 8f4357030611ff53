//! Restricted recurrent weights, compared with PyTorch: the reference in f64 and the fast path in f32.
//!
//! The tolerances are those in the README of the fixtures.

mod common;

use std::collections::BTreeMap;

use common::{narrowed, widened};
use concertina_model::network::{Connectivity, Equations, Network, TrainedWeights, initial};
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

/// The networks with fixtures that exist here. Others are skipped.
const NETWORKS: [(&str, NetworkKind); 5] = [
    ("gru", NetworkKind::Gru),
    ("leaky", NetworkKind::Leaky),
    ("lstm", NetworkKind::Lstm),
    ("rate", NetworkKind::Rate),
    ("vanilla", NetworkKind::Vanilla),
];

fn matrix(fixture: &Fixture, name: &str) -> Array2<f64> {
    fixture.f64(name).into_dimensionality::<Ix2>().unwrap_or_else(|_| panic!("`{name}` is a matrix"))
}

fn vector(fixture: &Fixture, name: &str) -> Array1<f64> {
    fixture.f64(name).into_dimensionality::<Ix1>().unwrap_or_else(|_| panic!("`{name}` is a vector"))
}

fn mask(fixture: &Fixture, name: &str) -> Array2<bool> {
    let mask = fixture.i64(name).into_dimensionality::<Ix2>().expect("(unit, entry)");
    mask.mapv(|exists| exists == 1)
}

/// A connectivity of a fixture: a network, the parts of its recurrent weights, and what is trained.
struct Case<'a> {
    fixture: &'a Fixture,
    kind: NetworkKind,
    name: String,
    connectivity: Connectivity,
    /// The names of the parts in the fixture.
    parts: Vec<&'static str>,
    start: State,
}

/// The arrays of a network, with the parts of its recurrent weights.
#[derive(Clone)]
struct State {
    parts: Vec<Array2<f64>>,
    /// Everything else; the recurrent weights are those that the parts make.
    rest: Parameters,
}

/// What training found: losses, the gradient of the first batch, and arrays after some updates.
#[derive(Default)]
struct Found {
    losses: Vec<f64>,
    gradient: BTreeMap<String, ArrayD<f64>>,
    kept: BTreeMap<usize, BTreeMap<String, ArrayD<f64>>>,
}

fn cases(fixture: &Fixture, kind: NetworkKind) -> Vec<Case<'_>> {
    // also the reservoir, which has no gradient by its recurrent weights
    let mut names: Vec<String> = fixture.cases(".W_effective");
    names.push("reservoir".to_owned());
    names.retain(|name| !name.contains('.')); // those with a point are gradients
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| Case::new(fixture, kind, name)).collect()
}

impl<'a> Case<'a> {
    fn new(fixture: &'a Fixture, kind: NetworkKind, name: String) -> Self {
        let own = |array: &str| format!("{name}.init.{array}");
        let parts: Vec<&'static str> =
            ["W", "V", "M", "L", "W0"].into_iter().filter(|part| fixture.has(&own(part))).collect();
        let arrays: Vec<Array2<f64>> = parts.iter().map(|part| matrix(fixture, &own(part))).collect();
        let mut biases = vec![vector(fixture, "init.b")];
        if fixture.has("init.d") {
            biases.push(vector(fixture, "init.d"));
        }
        let (units, columns) = (fixture.scalar("cfg.N") as usize, biases[0].len());
        let readout = if fixture.has(&own("R")) { own("R") } else { "init.R".to_owned() };
        let mut rest = Parameters {
            input: matrix(fixture, "init.U"),
            recurrent: vec![Array2::zeros((units, columns))],
            biases,
            readout: matrix(fixture, &readout),
            readout_bias: vector(fixture, "init.c"),
            initial_state: None,
        };
        let sizes = ["cfg.d", "cfg.outputs"].map(|name| fixture.scalar(name) as usize);
        assert_eq!(sizes, [rest.input.nrows(), rest.readout.ncols()]);
        let connectivity = match parts[..] {
            ["W"] if fixture.has(&own("mask")) => Connectivity::sparse(mask(fixture, &own("mask"))),
            ["W"] => Connectivity::full(&narrowed(&rest)),
            ["V"] => {
                let excitatory = fixture.scalar("cfg.excitatory") as usize;
                let signs = vector(fixture, &own("D")).to_vec();
                let expected: Vec<f64> =
                    (0..units).map(|unit| if unit < excitatory { 1.0 } else { -1.0 }).collect();
                assert_eq!(signs, expected, "{name}");
                Connectivity::dale(units, excitatory, fixture.has(&own("R")))
            }
            ["M", "L", ..] => {
                let currents = columns / units;
                let rank = arrays[0].ncols() / currents;
                Connectivity::low_rank(units, currents, rank, parts.contains(&"W0"))
            }
            _ => panic!("{name}: no connectivity has the parts {parts:?}"),
        };
        rest.recurrent = connectivity.weights(&arrays);
        Case { fixture, kind, name, connectivity, parts, start: State { parts: arrays, rest } }
    }

    fn equations(&self, loss: LossKind) -> Equations {
        let step = ["cfg.dt", "cfg.alpha"].into_iter().find(|name| self.fixture.has(name));
        Equations {
            kind: self.kind,
            nonlinearity: Nonlinearity::Tanh,
            dt: step.map_or(1.0, |name| self.fixture.scalar(name)),
            leak: true,
            steps: self.fixture.scalar("cfg.T") as usize,
            hold: 0,
            evaluate: self.fixture.scalar("cfg.T") as usize,
            loss,
        }
    }

    fn batches(&self, loss: LossKind) -> Vec<Trials<f64>> {
        let cube = |name: &str, update: usize| {
            let all = self.fixture.f64(name).index_axis_move(Axis(0), update);
            all.into_dimensionality::<Ix3>().expect("(update, sample, step, entry)")
        };
        let square = |name: &str, update: usize| {
            let all = self.fixture.i64(name).index_axis_move(Axis(0), update);
            all.into_dimensionality::<Ix2>().expect("(update, sample, step)")
        };
        let batch = |update: usize| Trials {
            inputs: Inputs::Timed(cube("X", update)),
            targets: match loss {
                LossKind::Mse => Targets::Real(cube("Y_real", update)),
                _ => Targets::ClassAt(square("Y_class", update).mapv(|class| class as u32)),
            },
            mask: Mask::At(square("mask", update).mapv(|counts| counts == 1)),
            conditions: Vec::new(),
        };
        let updates = self.fixture.f64("X").len_of(Axis(0));
        assert_eq!(cube("X", 0).len_of(Axis(0)), self.fixture.scalar("cfg.batch") as usize);
        (0..updates).map(batch).collect()
    }

    /// Each loss and optimizer with results: their name in the fixture, the loss, and the optimizer.
    fn ways(&self) -> Vec<(String, LossKind, Optimizer, f64)> {
        let prefix = format!("{}.", self.name);
        let all = self.fixture.cases(".losses").into_iter();
        let own = all.filter_map(|name| name.strip_prefix(&prefix).map(str::to_owned));
        own.map(|name| {
            let (loss, how) = name.split_once('.').expect("loss.optimizer");
            let loss = if loss == "cce" { LossKind::CrossEntropy } else { LossKind::Mse };
            let (optimizer, rate) = optimizer(self.fixture, how);
            (name, loss, optimizer, rate)
        })
        .collect()
    }

    fn is_reservoir(&self) -> bool {
        self.name == "reservoir"
    }

    /// The arrays that are trained, and `U`, whose gradient is known: by their names in the fixture.
    fn named(&self, state: &State) -> BTreeMap<String, ArrayD<f64>> {
        let rest = &state.rest;
        let mut arrays = BTreeMap::from([
            ("R".to_owned(), rest.readout.clone().into_dyn()),
            ("c".to_owned(), rest.readout_bias.clone().into_dyn()),
        ]);
        if self.is_reservoir() {
            return arrays;
        }
        arrays.insert("U".to_owned(), rest.input.clone().into_dyn());
        for (name, bias) in ["b", "d"].into_iter().zip(&rest.biases) {
            arrays.insert(name.to_owned(), bias.clone().into_dyn());
        }
        for (name, part) in self.parts.iter().zip(&state.parts) {
            if *name != "W0" {
                arrays.insert((*name).to_owned(), part.clone().into_dyn());
            }
        }
        arrays
    }

    /// A state with these arrays.
    fn with(&self, named: &BTreeMap<String, ArrayD<f64>>) -> State {
        let mut state = self.start.clone();
        let rest = &mut state.rest;
        let vector = |array: &ArrayD<f64>| array.clone().into_dimensionality::<Ix1>().expect("a vector");
        let matrix = |array: &ArrayD<f64>| array.clone().into_dimensionality::<Ix2>().expect("a matrix");
        for (name, array) in named {
            match name.as_str() {
                "R" => rest.readout = matrix(array),
                "c" => rest.readout_bias = vector(array),
                "U" => rest.input = matrix(array),
                "b" => rest.biases[0] = vector(array),
                "d" => rest.biases[1] = vector(array),
                part => {
                    let place = self.parts.iter().position(|name| *name == part).expect("a part");
                    state.parts[place] = matrix(array);
                }
            }
        }
        rest.recurrent = self.connectivity.weights(&state.parts);
        state
    }

    /// Loss and gradient of the reference, by the parts and by the recurrent weights.
    fn differentiate(
        &self,
        state: &State,
        loss: LossKind,
        trials: &Trials<f64>,
    ) -> (f64, BTreeMap<String, ArrayD<f64>>) {
        let (loss, by) = self.equations(loss).loss_and_gradient_on(&state.rest, trials);
        let parts = self.connectivity.pull_back(&state.parts, &by.recurrent);
        let weights = by.recurrent[0].clone();
        let mut gradient = self.named(&State { parts, rest: by });
        if let Some(trained) = self.connectivity.trained_entries("readout_weights") {
            let readout = gradient.get_mut("R").expect("a readout");
            readout.indexed_iter_mut().for_each(|(at, value)| {
                *value = if trained[[at[0], 0]] { *value } else { 0.0 };
            });
        }
        gradient.insert("W_effective".to_owned(), weights.into_dyn());
        (loss, gradient)
    }

    /// The entries of an array that are trained, by the name of the array in the fixture.
    fn is_trained(&self, name: &str, at: &[usize]) -> bool {
        let name = match name {
            "R" => "readout_weights",
            part => match self.parts.iter().position(|known| *known == part) {
                Some(place) => &self.connectivity.parts()[place].name.clone(),
                None => return true,
            },
        };
        match self.connectivity.trained_entries(name) {
            Some(trained) => trained[[at[0], if trained.ncols() == 1 { 0 } else { at[1] }]],
            None => true,
        }
    }

    fn train_reference(&self, loss: LossKind, optimizer: &Optimizer, learning_rate: f64) -> Found {
        let mut arrays = self.named(&self.start);
        let (keeps_mean, keeps_square) = optimizer.keeps();
        let zeros = |kept: bool| -> BTreeMap<String, Vec<f64>> {
            let one = |(name, array): (&String, &ArrayD<f64>)| {
                (name.clone(), vec![0.0; if kept { array.len() } else { 0 }])
            };
            arrays.iter().map(one).collect()
        };
        let (mut means, mut squares) = (zeros(keeps_mean), zeros(keeps_square));
        let mut found = Found::default();
        for (update, trials) in (1_u64..).zip(self.batches(loss)) {
            let state = self.with(&arrays);
            let (value, gradient) = self.differentiate(&state, loss, &trials);
            found.losses.push(value);
            for (name, array) in arrays.iter_mut().filter(|(name, _)| *name != "U") {
                let before = array.clone();
                let buffers = Buffers {
                    mean: &mut means.get_mut(name).expect("a buffer")[..],
                    square: &mut squares.get_mut(name).expect("a buffer")[..],
                };
                let by: Vec<f64> = gradient[name].iter().copied().collect();
                let weights = array.as_slice_mut().expect("contiguous");
                optimizer.step(weights, &by, buffers, StepContext { learning_rate, update });
                for ((at, value), before) in array.indexed_iter_mut().zip(&before) {
                    let at = ndarray::Dimension::slice(&at).to_vec();
                    *value = if self.is_trained(name, &at) { *value } else { *before };
                }
            }
            if update == 1 {
                found.gradient = gradient;
            }
            found.kept.insert(update as usize, arrays.clone());
        }
        found
    }

    fn train_fast(&self, loss: LossKind, optimizer: &Optimizer, learning_rate: f64) -> Found {
        let mut arrays = narrowed(&self.start.rest);
        arrays.recurrent = self.start.parts.iter().map(|part| part.mapv(|entry| entry as f32)).collect();
        let weights = TrainedWeights::new(self.connectivity.clone(), arrays);
        let batches: Vec<Trials> = self.batches(loss).iter().map(single).collect();
        let is_trained = |name: &str| match name {
            "input_weights" => false,
            name => !self.is_reservoir() || name.starts_with("readout"),
        };
        let (equations, batch) = (self.equations(loss), batches[0].len());
        let method = GradientMethod::Automatic;
        let mut updater = Updater::new(equations, optimizer.clone(), method, is_trained, &weights, batch);
        let as_state = |arrays: &concertina_model::network::Weights| {
            let mut rest = widened(arrays);
            let parts = std::mem::take(&mut rest.recurrent);
            let mut named = self.named(&State { parts, rest });
            named.remove("U");
            named
        };
        let mut found = Found::default();
        for (update, trials) in (1..).zip(&batches) {
            let record =
                updater.update_on_trials(trials, 0..trials.len(), learning_rate).expect("shapes agree");
            found.losses.push(record.loss);
            if update == 1 {
                found.gradient = as_state(&updater.gradient());
            }
            found.kept.insert(update, as_state(updater.weights().arrays()));
        }
        found
    }

    /// Passes what was found to the callbacks, each with its expected value.
    fn compare(
        &self,
        way: &str,
        found: &Found,
        gradient: impl Fn(&str, &ArrayD<f64>, &ArrayD<f64>),
        loss: impl Fn(&str, f64, f64),
        parameter: impl Fn(&str, &ArrayD<f64>, &ArrayD<f64>),
    ) {
        let of_loss = way.split_once('.').expect("loss.optimizer").0;
        loss(way, found.losses[0], self.fixture.scalar(&format!("{}.{of_loss}.loss", self.name)));
        for (name, found) in &found.gradient {
            let name = format!("{}.{of_loss}.grad.{name}", self.name);
            if self.fixture.has(&name) || !name.ends_with("W_effective") {
                gradient(&name, found, &self.fixture.f64(&name));
            }
        }
        let expected = vector(self.fixture, &format!("{}.{way}.losses", self.name));
        found.losses.iter().zip(&expected).for_each(|(found, expected)| loss(way, *found, *expected));
        for (update, arrays) in &found.kept {
            for (name, found) in arrays {
                let name = format!("{}.{way}.u{update}.{name}", self.name);
                if self.fixture.has(&name) {
                    parameter(&name, found, &self.fixture.f64(&name));
                }
            }
        }
    }

    /// Checks the effective weights, and the states and outputs of the first batch.
    fn check_forward(&self) {
        let name = |what: &str| format!("{}.{what}", self.name);
        if self.fixture.has(&name("W_effective")) {
            let expected = self.fixture.f64(&name("W_effective"));
            let found = &self.start.rest.recurrent[0];
            assert_close(&name("W_effective"), found.view(), expected.view(), 1e-14);
        }
        if !self.fixture.has(&name("forward.out")) {
            return;
        }
        let trials = self.batches(LossKind::Mse).remove(0);
        let equations = self.equations(LossKind::Mse);
        let states = equations.states_on(&self.start.rest, &trials.inputs);
        let expected = ["forward.v", "forward.h"].map(name).into_iter().find(|name| self.fixture.has(name));
        let expected = self.fixture.f64(&expected.expect("states"));
        let outputs = self.fixture.f64(&name("forward.out"));
        let network = self.network(&equations);
        let fast = network.states(&single(&trials).inputs, equations.steps).expect("shapes agree");
        for (step, state) in states.iter().enumerate() {
            let expected = expected.index_axis(Axis(1), step);
            let units = expected.len_of(Axis(1));
            let own = state.slice(s![.., ..units]);
            assert_close(&name("states"), own, expected.view(), 1e-12);
            // further variables, of the networks that have them
            if self.fixture.has(&name("forward.cell")) {
                let cells = self.fixture.f64(&name("forward.cell"));
                let rest = state.slice(s![.., units..]);
                assert_close(&name("cells"), rest, cells.index_axis(Axis(1), step), 1e-12);
            }
            if self.fixture.has(&name("forward.r")) {
                let rates = self.fixture.f64(&name("forward.r"));
                assert_close(
                    &name("rates"),
                    own.mapv(f64::tanh).view(),
                    rates.index_axis(Axis(1), step),
                    1e-12,
                );
            }
            assert_close(&name("states in f32"), fast.index_axis(Axis(1), step), expected, 1e-5);
            let found = equations.outputs(&self.start.rest, state);
            assert_close(&name("outputs"), found.view(), outputs.index_axis(Axis(1), step), 1e-12);
        }
    }

    /// The network with the effective weights.
    fn network(&self, equations: &Equations) -> Network {
        let rest = &self.start.rest;
        let mut params = Params::default();
        params.network.kind = equations.kind;
        params.network.units = rest.readout.nrows();
        params.network.dt = equations.dt;
        params.task.input_dim = rest.input.nrows();
        params.task.delay = equations.steps;
        params.task.evaluate = equations.steps;
        params.task.classes = rest.readout.ncols();
        let params = params.check().expect("valid");
        Network::new(&params, narrowed(rest)).expect("finite weights")
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

fn single(trials: &Trials<f64>) -> Trials {
    let Inputs::Timed(inputs) = &trials.inputs else { panic!("timed inputs") };
    Trials {
        inputs: Inputs::Timed(inputs.mapv(|input| input as f32)),
        targets: match &trials.targets {
            Targets::Real(targets) => Targets::Real(targets.mapv(|target| target as f32)),
            Targets::ClassAt(classes) => Targets::ClassAt(classes.clone()),
            Targets::Class(labels) => Targets::Class(labels.clone()),
        },
        mask: trials.mask.clone(),
        conditions: Vec::new(),
    }
}

#[test]
fn golden_connectivity_the_reference_trains_as_pytorch_does() {
    for (network, kind) in NETWORKS {
        let Some(fixture) = networks::open(&format!("connectivity_{network}_f64"), &["*"]) else { return };
        for case in cases(&fixture, kind) {
            case.check_forward();
            for (way, loss, optimizer, rate) in case.ways() {
                let found = case.train_reference(loss, &optimizer, rate);
                let of = |what: &str| format!("{network}: {what}");
                case.compare(
                    &way,
                    &found,
                    |what, found, expected| assert_close(&of(what), found.view(), expected.view(), 1e-12),
                    |what, found, expected| assert_number(&of(what), found, expected, 1e-12),
                    |what, found, expected| assert_close(&of(what), found.view(), expected.view(), 1e-11),
                );
            }
        }
        fixture.finish();
    }
}

#[test]
fn golden_connectivity_the_fast_path_trains_as_pytorch_does() {
    for (network, kind) in NETWORKS {
        let Some(fixture) = networks::open(&format!("connectivity_{network}_f64"), &[]) else { return };
        for case in cases(&fixture, kind) {
            for (way, loss, optimizer, rate) in case.ways() {
                let found = case.train_fast(loss, &optimizer, rate);
                let of = |what: &str| format!("{network}: {what}");
                case.compare(
                    &way,
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
}

#[test]
fn golden_connectivity_initial_weights_under_dales_law_are_balanced_and_scaled() {
    let Some(fixture) = networks::open("init", &["dale*"]) else { return };
    for case in fixture.cases(".fraction") {
        let name = |what: &str| format!("{case}.{what}");
        let raw = matrix(&fixture, &name("raw"));
        let (units, gain) = (raw.nrows(), fixture.scalar(&name("gain")));
        let mut params = Params::default();
        (params.network.units, params.network.excitatory) = (units, Some(fixture.scalar(&name("fraction"))));
        let excitatory =
            params.check().expect("valid").excitatory_units().expect("there are excitatory units");
        assert_eq!(excitatory, fixture.scalar(&name("excitatory")) as usize, "{case}");
        let signs: Vec<f64> = (0..units).map(|unit| if unit < excitatory { 1.0 } else { -1.0 }).collect();
        assert_eq!(vector(&fixture, &name("D")).to_vec(), signs, "{case}");
        let connections = Array2::from_shape_fn(raw.dim(), |(from, to)| from != to);
        let found =
            initial::dale_magnitudes(raw.view(), connections.view(), excitatory, gain).expect("finite");
        assert_close(&name("V"), found.view(), fixture.f64(&name("V")).view(), 1e-12);
        let weights = Connectivity::dale(units, excitatory, false).weights(&[found]);
        assert_close(&name("W"), weights[0].view(), fixture.f64(&name("W")).view(), 1e-12);
    }
    fixture.finish();
}

#[test]
fn golden_connectivity_initial_weights_of_low_rank_and_sparse_ones_follow_from_their_numbers() {
    let Some(fixture) = networks::open("init", &["density.*", "rank*"]) else { return };
    let radius = |weights: &Array2<f64>| {
        concertina_numerics::linalg::spectral_radius(weights.view()).expect("finite weights")
    };
    for case in fixture.cases(".raw") {
        let name = |what: &str| format!("{case}.{what}");
        if !(case == "density" || case.starts_with("rank")) {
            continue;
        }
        let mut raw = matrix(&fixture, &name("raw"));
        let (gain, dt) = (fixture.scalar(&name("gain")), fixture.scalar(&name("dt")));
        if case == "density" {
            let mask = mask(&fixture, "density.mask");
            raw.zip_mut_with(&mask, |entry, exists| *entry = if *exists { *entry } else { 0.0 });
            let before = radius(&raw) / (raw.nrows() as f64).sqrt();
            assert_number("radius", before, fixture.scalar("density.raw_radius"), 1e-10);
        }
        let random = [
            ("W_rate", initial::random_part(raw.view(), gain).expect("a radius")),
            ("W_vanilla", initial::vanilla_recurrent(raw.view(), gain, dt).expect("a radius")),
        ];
        for (what, mut found) in random {
            if case != "density" {
                let (m, l) = (matrix(&fixture, &name("M")), matrix(&fixture, &name("L")));
                let (units, rank) = m.dim();
                let trained = Connectivity::low_rank(units, 1, rank, false).weights(&[m.clone(), l.clone()]);
                let expected = fixture.f64(&name("W_trained"));
                assert_close(&name("W_trained"), trained[0].view(), expected.view(), 1e-12);
                assert_number(
                    "radius",
                    radius(&trained[0]),
                    fixture.scalar(&name("W_trained_radius")),
                    1e-10,
                );
                let small = l.t().dot(&m) / units as f64;
                let values = concertina_numerics::linalg::eigenvalues(small.view()).expect("finite");
                let expected: Vec<(f64, f64)> = vector(&fixture, &name("eig_re"))
                    .into_iter()
                    .zip(vector(&fixture, &name("eig_im")))
                    .collect();
                for (re, im) in &expected {
                    let nearest =
                        values.iter().map(|one| (one.re - re).hypot(one.im - im)).fold(f64::MAX, f64::min);
                    assert!(nearest < 1e-10, "{case}: {re} + {im} i is off by {nearest:e}");
                }
                found = Connectivity::low_rank(units, 1, rank, true).weights(&[m, l, found]).remove(0);
            }
            assert_close(&name(what), found.view(), fixture.f64(&name(what)).view(), 1e-12);
            let its_radius = name(&format!("{what}_radius"));
            if fixture.has(&its_radius) {
                assert_number(&its_radius, radius(&found), fixture.scalar(&its_radius), 1e-10);
            }
        }
    }
    fixture.finish();
}
