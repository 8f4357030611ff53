//! Which array becomes which: nothing is guessed where two could be meant, and unused arrays are reported.

mod support;

use std::path::PathBuf;

use concertina::model::task::Inputs;
use concertina::{Error, ErrorKind, Import, Imported, ReadImport, Study};
use concertina_arrays::Npz;
use ndarray::{Array, ArrayD, IxDyn};
use support::open;

const UNITS: usize = 12;
const INPUTS: usize = 5;
const OUTPUTS: usize = 3;

/// Numbers without a pattern, but the same for the same shape and start.
fn numbers(shape: &[usize], start: u32) -> ArrayD<f32> {
    let mut place = start.wrapping_mul(2_654_435_761);
    Array::from_shape_fn(IxDyn(shape), |_| {
        place = place.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (place >> 8) as f32 / (1 << 24) as f32 - 0.5
    })
}

/// PyTorch's network without a readout.
fn rnn() -> Vec<(&'static str, ArrayD<f32>)> {
    vec![
        ("rnn.weight_ih_l0", numbers(&[UNITS, INPUTS], 1)),
        ("rnn.weight_hh_l0", numbers(&[UNITS, UNITS], 2)),
        ("rnn.bias_ih_l0", numbers(&[UNITS], 3)),
        ("rnn.bias_hh_l0", numbers(&[UNITS], 4)),
    ]
}

fn with_readout() -> Vec<(&'static str, ArrayD<f32>)> {
    let readout =
        [("readout.weight", numbers(&[OUTPUTS, UNITS], 5)), ("readout.bias", numbers(&[OUTPUTS], 6))];
    rnn().into_iter().chain(readout).collect()
}

struct Place {
    folder: tempfile::TempDir,
    study: Study,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let study = open(&folder.path().join("store"), 1);
        Self { folder, study }
    }

    fn file(&self, name: &str, arrays: &[(&str, ArrayD<f32>)]) -> PathBuf {
        let mut npz = Npz::new();
        arrays.iter().for_each(|(name, array)| npz.array(name, array).expect("added"));
        let path = self.folder.path().join(name);
        std::fs::write(&path, npz.finish().expect("an archive")).expect("written");
        path
    }

    /// Imports these arrays, with names `ours=theirs`.
    fn named(&self, arrays: &[(&str, ArrayD<f32>)], names: &[&str]) -> Result<Imported, Error> {
        let mut import = Import::of(self.file("weights.npz", arrays));
        for text in names {
            let (ours, theirs) = text.split_once('=').expect("a name");
            import.names.insert(ours.to_owned(), theirs.to_owned());
        }
        self.study.import(&import)
    }

    fn import(&self, arrays: &[(&str, ArrayD<f32>)]) -> Result<Imported, Error> {
        self.named(arrays, &[])
    }
}

fn origin<'i>(imported: &'i Imported, ours: &str) -> &'i str {
    &imported.arrays.iter().find(|(name, _)| *name == ours).expect("one of ours").1
}

fn refused(result: Result<Imported, Error>, reason: &str, hint: &str) {
    let error = result.expect_err(reason);
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    assert!(error.to_string().contains(reason), "{error}");
    assert!(
        error.hint().is_some_and(|found| found.to_string().contains(hint)),
        "{error}: {:?}",
        error.hint()
    );
}

#[test]
fn a_layer_before_the_network_was_taken_for_the_readout() {
    let place = Place::new();
    let plain = place.import(&with_readout()).expect("imported");
    assert!(plain.not_used.is_empty() && plain.notes.is_empty(), "{plain:?}");
    // An encoder beside a readout, masks, norms, and an initial state.
    let more = [
        ("encoder.weight", numbers(&[INPUTS, 7], 7)),
        ("encoder.bias", numbers(&[INPUTS], 8)),
        ("mask", numbers(&[UNITS, UNITS], 9)),
        ("norm.weight", numbers(&[UNITS], 10)),
        ("h0", numbers(&[1, 1, UNITS], 11)),
    ];
    let more = place.import(&[with_readout(), more.to_vec()].concat()).expect("imported");
    assert_eq!(more.run, plain.run, "the same weights");
    assert_eq!(origin(&more, "readout_weights"), "readout.weight, transposed");
    let named = [
        "`encoder.bias` (5)",
        "`encoder.weight` (5, 7)",
        "`h0` (1, 1, 12)",
        "`mask` (12, 12)",
        "`norm.weight` (12)",
    ];
    assert_eq!(more.not_used, named);
    assert!(
        more.notes.iter().any(|note| note.contains("`h0`") && note.contains("zeros")),
        "{:?}",
        more.notes
    );
    // An embedding, or a projection of the input, and no readout.
    for (name, shape) in
        [("embedding.weight", [20, INPUTS]), ("net.0.weight", [INPUTS, 7]), ("x.weight", [9, INPUTS])]
    {
        let alone = place.import(&[rnn(), vec![(name, numbers(&shape, 12))]].concat()).expect(name);
        assert_eq!((origin(&alone, "readout_weights"), alone.not_used.len()), ("none", 1), "{name}");
    }
}

#[test]
fn an_array_that_could_be_two_things_was_guessed_to_be_one() {
    let place = Place::new();
    // As wide as the units: it could lead into the network or out of it.
    for (name, shape) in [
        ("embedding.weight", [20, UNITS]),
        ("encoder.weight", [INPUTS, UNITS]),
        ("0.weight", [INPUTS, UNITS]),
    ] {
        refused(
            place.import(&[rnn(), vec![(name, numbers(&shape, 12))]].concat()),
            "expected one readout",
            "--name readout_weights=none",
        );
    }
    let two = [("a.weight", numbers(&[2, UNITS], 13)), ("b.weight", numbers(&[2, UNITS], 14))];
    refused(place.import(&[rnn(), two.to_vec()].concat()), "expected one readout", "--name readout_weights=");
    // A layer whose name suggests a readout is one, although it has as many outputs as the network has
    // inputs.
    let clear = [("fc.weight", numbers(&[INPUTS, UNITS], 15))];
    let clear = place.import(&[rnn(), clear.to_vec()].concat()).expect("imported");
    assert_eq!(origin(&clear, "readout_weights"), "fc.weight, transposed");
    // Two layers after the network are not one.
    let layers = [("fc1.weight", numbers(&[8, UNITS], 16)), ("fc2.weight", numbers(&[2, 8], 17))];
    refused(place.import(&[rnn(), layers.to_vec()].concat()), "a readout of one layer", "readout_weights");
    // Two networks, under two conventions.
    let second = [("recurrent_weights", numbers(&[UNITS, UNITS], 18))];
    refused(place.import(&[with_readout(), second.to_vec()].concat()), "expected one network", "--name");
    // For an array of unknown name that fits, the user is asked; it is not left out.
    let odd = || vec![("w", numbers(&[UNITS, UNITS], 19)), ("u", numbers(&[INPUTS, UNITS], 20))];
    refused(place.named(&odd(), &["recurrent_weights=w"]), "`input_weights`", "--name input_weights=none");
    let asked = ["recurrent_weights=w", "input_weights=u", "readout_weights=none"];
    assert!(place.named(&odd(), &asked).is_ok());
    refused(
        place.named(&odd(), &["recurrent_weights=none"]),
        "expected recurrent weights",
        "leave out `recurrent_weights=none`",
    );
    // The arrays of another network in the file are not used for one that was named by hand.
    let both = [rnn(), vec![("h2h", numbers(&[UNITS, UNITS], 21))]].concat();
    let other = place.named(&both, &["recurrent_weights=h2h", "input_weights=none", "readout_weights=none"]);
    assert_eq!(origin(&other.expect("imported"), "bias"), "none: zero");
}

/// Arrays with the recurrent weights as two factors under these names.
fn normed(g: &'static str, v: &'static str) -> Vec<(&'static str, ArrayD<f32>)> {
    let mut arrays = with_readout();
    let weights = arrays.remove(1).1.into_dimensionality::<ndarray::Ix2>().expect("a matrix");
    let norms = weights.map_axis(ndarray::Axis(1), |row| row.dot(&row).sqrt()).insert_axis(ndarray::Axis(1));
    // Every direction has another length, because only `g` counts.
    let lengths = numbers(&[UNITS, 1], 22).mapv(|number| number.abs() + 1.0);
    arrays.push((g, norms.into_dyn()));
    arrays.push((v, (weights.into_dyn() * lengths).into_dyn()));
    arrays
}

#[test]
fn one_factor_of_weight_normed_weights_was_taken_for_the_weights() {
    let place = Place::new();
    let plain = place.folder.path().join("plain.npz");
    std::fs::copy(place.file("weights.npz", &with_readout()), &plain).expect("copied");
    let weights = |read: ReadImport, place: &Place| {
        let run = place.study.import_read(read).expect("kept").run;
        let sweep = place.study.stored_sweep([run.to_string().as_str()]).expect("it exists");
        let runs = place.study.train(&sweep).expect("loads");
        runs.first().weights(runs.first().last_checkpoint()).expect("weights").recurrent[0].clone()
    };
    let expected = weights(Import::of(plain).read().expect("read").remove(0), &place);
    let new = "rnn.parametrizations.weight_hh_l0.original0";
    for (g, v) in
        [("rnn.weight_hh_l0_g", "rnn.weight_hh_l0_v"), (new, "rnn.parametrizations.weight_hh_l0.original1")]
    {
        let file = place.file("normed.npz", &normed(g, v));
        let found = weights(Import::of(file).read().expect("read").remove(0), &place);
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6), "{g}");
        let imported = place.import(&normed(g, v)).expect("imported");
        assert!(imported.not_used.is_empty(), "{:?}", imported.not_used);
        assert!(origin(&imported, "recurrent_weights").contains(g), "{:?}", imported.arrays);
        // The plain name means the whole array, and a factor is refused.
        let whole = place.named(&normed(g, v), &["recurrent_weights=rnn.weight_hh_l0.T"]).expect("imported");
        assert_eq!(whole.run, imported.run);
        for factor in [g, v] {
            refused(
                place.named(&normed(g, v), &[&format!("recurrent_weights={factor}.T")]),
                "expected weights",
                "`rnn.weight_hh_l0`",
            );
        }
    }
    // One size per column, and one for all.
    for shape in [vec![1, UNITS], vec![1, 1], vec![]] {
        let v = numbers(&[UNITS, UNITS], 23);
        let g = numbers(&shape, 24);
        let mut arrays = with_readout();
        arrays.remove(1);
        arrays.extend([("rnn.weight_hh_l0_g", g.clone()), ("rnn.weight_hh_l0_v", v.clone())]);
        let found =
            weights(Import::of(place.file("other.npz", &arrays)).read().expect("read").remove(0), &place);
        for ((to, from), weight) in v.into_dimensionality::<ndarray::Ix2>().expect("a matrix").indexed_iter()
        {
            let norm: f32 = match shape.len() {
                2 if shape[1] > 1 => {
                    arrays[6].1.index_axis(ndarray::Axis(1), from).iter().map(|v| v * v).sum()
                }
                _ => arrays[6].1.iter().map(|v| v * v).sum(),
            };
            let size = if g.len() > 1 { g.iter().nth(from).expect("one") } else { g.first().expect("one") };
            assert!((found[[from, to]] - size * weight / norm.sqrt()).abs() < 1e-6, "{shape:?}");
        }
    }
}

#[test]
fn arrays_of_other_parametrizations_were_taken_for_the_weights() {
    let place = Place::new();
    for (name, beside) in [
        (
            "rnn.weight_hh_l0_orig",
            vec![
                ("rnn.weight_hh_l0_u", numbers(&[UNITS], 25)),
                ("rnn.weight_hh_l0_v", numbers(&[UNITS], 26)),
            ],
        ),
        ("rnn.weight_hh_l0_orig", vec![("rnn.weight_hh_l0_mask", numbers(&[UNITS, UNITS], 27))]),
        (
            "rnn.parametrizations.weight_hh_l0.original",
            vec![("rnn.parametrizations.weight_hh_l0.0._u", numbers(&[UNITS], 28))],
        ),
        ("rnn.weight_hh_l0_v", vec![]),
    ] {
        let mut arrays = with_readout();
        arrays[1].0 = name;
        arrays.extend(beside);
        refused(place.import(&arrays), "expected weights", "numpy.savez");
        refused(
            place.named(&arrays, &[&format!("recurrent_weights={name}.T")]),
            "expected weights",
            "numpy.savez",
        );
    }
    let mut readout = with_readout();
    readout[4].0 = "readout.parametrizations.weight.original";
    refused(place.import(&readout), "expected weights", "numpy.savez");
}

#[test]
fn the_published_codes_names_were_unknown() {
    let place = Place::new();
    let theirs = place.import(&with_readout()).expect("imported");
    let all = with_readout();
    let array = |name: &str| all.iter().find(|(found, _)| *found == name).expect("it exists").1.clone();
    let published = [
        ("Win", array("rnn.weight_ih_l0").reversed_axes()),
        ("Wrec", array("rnn.weight_hh_l0").reversed_axes()),
        ("brec", array("rnn.bias_ih_l0") + array("rnn.bias_hh_l0")),
        ("Wout", array("readout.weight").reversed_axes()),
        ("bout", array("readout.bias")),
        ("hidden_unit_init", ArrayD::zeros(IxDyn(&[UNITS]))),
    ];
    let published = place.import(&published).expect("imported");
    assert_eq!(origin(&published, "recurrent_weights"), "Wrec", "row vectors: not transposed");
    assert_eq!((published.run, published.notes.len()), (theirs.run, 0));
    assert_eq!(published.not_used, ["`hidden_unit_init` (12)"]);
}

#[test]
fn arrays_of_psychrnn_were_taken_for_those_of_a_network_here() {
    let place = Place::new();
    let psychrnn = || {
        vec![
            ("W_in", numbers(&[UNITS, INPUTS], 30)),
            ("W_rec", numbers(&[UNITS, UNITS], 31)),
            ("W_out", numbers(&[OUTPUTS, UNITS], 32)),
            ("b_rec", numbers(&[UNITS], 33)),
            ("Dale_rec", numbers(&[UNITS, UNITS], 34)),
            ("rec_connectivity", numbers(&[UNITS, UNITS], 35)),
            ("init_state", numbers(&[1, UNITS], 36)),
        ]
    };
    refused(place.import(&psychrnn()), "the step of the network", "`dt`");
    // If they are named by hand, the notes say what is left out.
    let names =
        ["recurrent_weights=W_rec.T", "input_weights=W_in.T", "bias=b_rec", "readout_weights=W_out.T"];
    let named = place.named(&psychrnn(), &names).expect("imported");
    assert!(named.notes.iter().any(|note| note.contains("Dale_rec")), "{:?}", named.notes);
    assert!(named.notes.iter().any(|note| note.contains("init_state")), "{:?}", named.notes);
}

#[test]
fn assumed_parameters_were_not_reported() {
    let place = Place::new();
    let imported = place.import(&with_readout()).expect("imported");
    assert_eq!(imported.assumed, ["network.kind = vanilla", "network.nonlinearity = tanh"]);
    assert!(imported.trials.contains(&"task.delay = 10".to_owned()), "{:?}", imported.trials);
    let mut import = Import::of(place.file("weights.npz", &with_readout()));
    import.params.network.kind = concertina::model::params::NetworkKind::Leaky;
    import.params.task.delay = 4;
    import.given.insert("network.nonlinearity");
    let leaky = place.study.import(&import).expect("imported");
    assert_eq!(leaky.assumed, ["network.dt = 0.01", "network.leak = true"], "given is not assumed");
    assert!(!leaky.trials.iter().any(|trial| trial.contains("delay")), "{:?}", leaky.trials);
}

#[test]
fn a_column_was_refused_as_a_bias_and_numbers_lost_in_rounding_were_not_reported() {
    let place = Place::new();
    let plain = place.import(&with_readout()).expect("imported");
    let mut columns = with_readout();
    for place in [2, 3, 5] {
        let vector = columns[place].1.clone();
        columns[place].1 = vector.insert_axis(ndarray::Axis(1));
    }
    assert_eq!(place.import(&columns).expect("imported").run, plain.run);
    let double = |value: f64| {
        let mut npz = Npz::new();
        for (name, array) in with_readout() {
            let mut array = array.mapv(f64::from);
            if name == "readout.bias" {
                array[[1].as_slice()] = value;
            }
            npz.array(name, &array).expect("added");
        }
        let path = place.folder.path().join("double.npz");
        std::fs::write(&path, npz.finish().expect("an archive")).expect("written");
        place.study.import(&Import::of(path))
    };
    refused(double(1e300), "beyond single precision", "earlier");
    refused(double(f64::NAN), "`readout.bias`: expected finite numbers, found NaN", "earlier");
    refused(double(f64::NEG_INFINITY), "found -inf", "earlier");
    let lost = double(1e-300).expect("imported");
    assert!(lost.notes.iter().any(|note| note.contains("too small")), "{:?}", lost.notes);
}

/// The first states of an imported network whose inputs are zero.
fn first_states(place: &Place, imported: &Imported, timesteps: usize) -> ndarray::ArrayD<f32> {
    let sweep = place.study.stored_sweep([imported.run.to_string().as_str()]).expect("stored");
    let runs = place.study.train(&sweep).expect("loads");
    let run = runs.first();
    let weights = run.weights(run.last_checkpoint()).expect("it exists");
    let network = concertina::model::network::Network::new(run.params(), weights).expect("they fit");
    let nothing = Inputs::Timed(ndarray::Array3::zeros((1, timesteps, INPUTS)));
    network.states(&nothing, timesteps).expect("states").into_dyn()
}

#[test]
fn an_initial_state_is_used_if_it_is_named() {
    let place = Place::new();
    let plain = place.import(&with_readout()).expect("imported");
    let with_state = |shape: &[usize]| {
        let state = ("start.hidden", numbers(shape, 41));
        [with_readout(), vec![state]].concat()
    };
    let state = numbers(&[UNITS], 41);
    for shape in [&[UNITS][..], &[1, UNITS], &[UNITS, 1], &[1, 1, UNITS]] {
        let arrays = with_state(shape);
        assert_eq!(place.import(&arrays).expect("imported").run, plain.run, "{shape:?}: it is not guessed");
        let named = place.named(&arrays, &["initial_state=start.hidden"]).expect("imported");
        assert_ne!(named.run, plain.run, "{shape:?}");
        assert_eq!(origin(&named, "initial_state"), "start.hidden");
        assert!(named.not_used.is_empty() && named.notes.is_empty(), "{:?}", named.notes);
        let network = &named.params.network;
        assert_eq!(network.initial_state, concertina::model::params::InitialState::Trained);
        let weights: Vec<f32> = {
            let runs = place.study.stored_sweep([named.run.to_string().as_str()]).expect("stored");
            let runs = place.study.train(&runs).expect("loads");
            let run = runs.first();
            run.weights(run.last_checkpoint()).expect("it exists").initial_state.expect("it has one").to_vec()
        };
        assert_eq!(weights, state.iter().copied().collect::<Vec<_>>(), "{shape:?}");
        assert!(first_states(&place, &named, 3) != first_states(&place, &plain, 3), "trials start from it");
    }
    let none = place.named(&with_state(&[UNITS]), &["initial_state=none"]).expect("imported");
    assert_eq!(none.run, plain.run);
    // By our name, it needs no naming.
    let ours = [with_readout(), vec![("initial_state", state)]].concat();
    let ours = place.import(&ours).expect("imported");
    assert_eq!(origin(&ours, "initial_state"), "initial_state");
    assert!(first_states(&place, &ours, 3) != first_states(&place, &plain, 3));
}

#[test]
fn an_initial_state_that_does_not_fit_is_refused() {
    let place = Place::new();
    let with = |state: ArrayD<f32>| [with_readout(), vec![("start", state)]].concat();
    let named = |state: ArrayD<f32>| place.named(&with(state), &["initial_state=start"]);
    let expected = format!("`start`: expected one state of {UNITS} numbers");
    refused(named(numbers(&[UNITS + 1], 42)), &expected, "all trials start from the same state");
    refused(named(numbers(&[2, UNITS], 42)), &expected, "give that of one trial");
    refused(place.named(&with_readout(), &["initial_state=start"]), "no array `start`", "available");
    let mut import = Import::of(place.file("weights.npz", &with(numbers(&[UNITS], 42))));
    import.names.insert("initial_state".to_owned(), "start".to_owned());
    import.params.network.initial_state = concertina::model::params::InitialState::Zero;
    import.given.insert("network.initial_state");
    refused(
        place.study.import(&import),
        "`network.initial_state`: expected zero, as given, found trained in the weights",
        "leave `network.initial_state` out",
    );
}
