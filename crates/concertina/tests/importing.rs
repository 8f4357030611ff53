//! Networks from and for other programs: once weights are imported, we compute the same with them as PyTorch.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use concertina::analyses::AnalysisSpec;
use concertina::model::params::Params;
use concertina::model::task::Inputs;
use concertina::{CheckpointSelection, Error, ErrorKind, Import, Outcome, Source};
use concertina_arrays::{Arrays, Member, Npz, read_npz};
use ndarray::{ArrayD, Ix2, Ix3};
use support::{one, open, small};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn params() -> Params {
    let mut params = Params::default();
    params.task.clusters = 4;
    params.task.delay = 3;
    params
}

fn numbers(arrays: &Arrays, name: &str) -> ArrayD<f32> {
    arrays[name].numbers(name).expect("numbers").mapv(|number| number as f32)
}

/// Some arrays of a file under other names, as a separate file.
fn renamed(folder: &Path, file: &str, arrays: &[(&str, ArrayD<f32>)]) -> PathBuf {
    let mut npz = Npz::new();
    for (name, array) in arrays {
        npz.array(name, array).expect("added");
    }
    let path = folder.join(file);
    std::fs::write(&path, npz.finish().expect("written")).expect("writable");
    path
}

/// PyTorch's network, an RNN and a Linear, with the states that it computed. `pytorch_states.npz` holds
/// `inputs` (samples, input_dim), shown at the first of three timesteps, `states` (timesteps, samples, units)
/// and `outputs` (samples, outputs).
fn pytorch() -> Arrays {
    read_npz(&std::fs::read(data("pytorch_states.npz")).expect("it exists")).expect("an archive")
}

const THEIRS: [&str; 6] =
    ["rnn.weight_ih_l0", "rnn.weight_hh_l0", "rnn.bias_ih_l0", "rnn.bias_hh_l0", "out.weight", "out.bias"];

fn their_weights() -> Vec<(&'static str, ArrayD<f32>)> {
    let arrays = pytorch();
    THEIRS.into_iter().map(|name| (name, numbers(&arrays, name))).collect()
}

#[test]
fn an_imported_network_computes_what_pytorch_computes() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("store"), 1);
    let safetensors = Import::of(data("weights.safetensors"));
    let npz = Import::of(renamed(folder.path(), "weights.npz", &their_weights()));
    let mut keys = Vec::new();
    for mut import in [safetensors, npz] {
        import.params = params();
        let imported = study.import(&import).expect("imported");
        keys.push(imported.run);
        let sweep = study.stored_sweep([imported.run.to_string().as_str()]).expect("it exists");
        let runs = study.train(&sweep).expect("loads");
        assert_eq!((runs.first().source(), runs.first().outcome()), (Source::Loaded, &Outcome::Complete));
        assert!(runs.first().is_imported());
        let network = runs.first().network(runs.first().last_checkpoint()).expect("a network");
        let arrays = pytorch();
        let inputs = numbers(&arrays, "inputs").into_dimensionality::<Ix2>().expect("a matrix");
        let states = network.states(&Inputs::Held { stimuli: inputs.clone(), hold: 1 }, 3).expect("states");
        let theirs = numbers(&arrays, "states").into_dimensionality::<Ix3>().expect("three axes");
        for ((sample, timestep, unit), ours) in states.indexed_iter() {
            let theirs = theirs[[timestep, sample, unit]];
            assert!((ours - theirs).abs() < 1e-6, "{sample} {timestep} {unit}: {ours} {theirs}");
        }
        let weights = network.weights();
        let outputs = states.index_axis(ndarray::Axis(1), 2).dot(&weights.readout) + &weights.readout_bias;
        let theirs = numbers(&arrays, "outputs").into_dimensionality::<Ix2>().expect("a matrix");
        assert!(outputs.iter().zip(&theirs).all(|(ours, theirs)| (ours - theirs).abs() < 1e-6));
    }
    assert_eq!(keys[0], keys[1], "the same weights are the same run, whatever file they come in");
}

#[test]
fn every_analysis_works_on_an_imported_network_with_one_before_training() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("store"), 1);
    let before: Vec<_> = their_weights().into_iter().map(|(name, array)| (name, array * 0.5)).collect();
    let mut import = Import::of(renamed(folder.path(), "after.npz", &their_weights()));
    import.before = Some(renamed(folder.path(), "before.npz", &before).into());
    import.params = params();
    import.params.train.epochs = 7;
    let imported = study.import(&import).expect("imported");
    assert!(!imported.was_there && study.import(&import).expect("again").was_there);
    let sweep = study.stored_sweep([imported.run.short().as_str()]).expect("it exists");
    for name in AnalysisSpec::NAMES {
        // Four units have at most four exponents.
        let settings: &[&str] = if *name == "lyapunov" { &["exponents=2"] } else { &[] };
        let analysis = concertina::analysis(name, settings.iter().copied()).expect("it is listed");
        let analysed = study.analyse(&sweep, &analysis, &CheckpointSelection::All).expect("analyses");
        let failures: Vec<String> = analysed.failures.iter().map(ToString::to_string).collect();
        let stages = analysed.table.texts("stage").unwrap_or_default();
        assert!(failures.is_empty() && !analysed.table.is_empty(), "{analysis:?}: {failures:?}");
        assert!(stages.iter().any(|stage| stage.as_deref() == Some("after")), "{analysis:?}: {stages:?}");
    }
    let run = study.stored_run(&imported.run.to_string()).expect("it exists");
    assert_eq!((run.status, run.checkpoints.len()), ("complete", 2));
}

#[test]
fn an_imported_network_is_not_trained_and_its_checkpoints_are_not_thinned_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("store"), 1);
    let mut import = Import::of(data("weights.safetensors"));
    import.params = params();
    let imported = study.import(&import).expect("imported");
    let mut garbage = concertina::Garbage::default();
    garbage.all_checkpoints_but = Some(CheckpointSelection::Epochs(vec![5]));
    assert!(study.collect(&garbage, concertina::store::Removal::Now).expect("collected").is_empty());
    // If it is asked for by its parameters, with any number of epochs, the result is what was imported and no
    // more.
    let mut longer = imported.params.clone().into_params();
    longer.train.epochs = 50;
    let runs = study.train(&one(longer)).expect("loads");
    assert_eq!((runs.first().source(), runs.first().last_checkpoint().epoch.0), (Source::Loaded, 0));
    // In a store that does not have it, it cannot be made.
    let elsewhere = open(&folder.path().join("elsewhere"), 1);
    let runs = elsewhere.train(&one(imported.params.into_params())).expect("a result");
    let Outcome::Failed { message, hint } = runs.first().outcome() else { panic!("it cannot be drawn") };
    assert!(
        message.contains("were imported")
            && hint.as_ref().is_some_and(|hint| hint.to_string().contains("runs import"))
    );
}

#[test]
fn arrays_with_unknown_names_can_be_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("store"), 1);
    let plain =
        |from: &str| their_weights().into_iter().find(|(name, _)| *name == from).expect("it exists").1;
    let bias = plain("rnn.bias_ih_l0") + plain("rnn.bias_hh_l0");
    let path = renamed(
        folder.path(),
        "odd.npz",
        &[
            ("i2h", plain("rnn.weight_ih_l0")),
            ("h2h", plain("rnn.weight_hh_l0")),
            ("b", bias),
            ("h2o", plain("out.weight").reversed_axes()),
            ("c", plain("out.bias")),
        ],
    );
    let mut import = Import::of(path);
    import.params = params();
    let Err(Error::Import { hint: Some(hint), .. }) = study.import(&import) else {
        panic!("the names are unknown")
    };
    assert!(hint.to_string().contains("--name recurrent_weights=ARRAY"), "{hint}");
    import.names = BTreeMap::from(
        [
            ("input_weights", "i2h.T"),
            ("recurrent_weights", "h2h.T"),
            ("bias", "b"),
            ("readout_weights", "h2o"),
            ("readout_bias", "c"),
        ]
        .map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned())),
    );
    let named = study.import(&import).expect("imported");
    let mut known = Import::of(data("weights.safetensors"));
    known.params = params();
    assert_eq!(study.import(&known).expect("imported").run, named.run);
}

#[test]
fn weights_that_do_not_match_are_refused_with_what_was_expected() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("store"), 1);
    let with = |file: &str, name: &str, change: &dyn Fn(ArrayD<f32>) -> ArrayD<f32>| {
        let arrays: Vec<_> = their_weights()
            .into_iter()
            .map(|(theirs, array)| (theirs, if theirs == name { change(array) } else { array }))
            .collect();
        let mut import = Import::of(renamed(folder.path(), &format!("changed_{file}.npz"), &arrays));
        import.params = params();
        import
    };
    let cut = |array: ArrayD<f32>| array.slice_axis(ndarray::Axis(0), (..1).into()).to_owned();
    let spoilt = |number: f32| {
        move |mut array: ArrayD<f32>| {
            array.iter_mut().take(1).for_each(|first| *first = number);
            array
        }
    };
    let wrong = [
        (
            "gated",
            with("gated", "rnn.weight_hh_l0", &cut),
            "expected square recurrent weights, or those of a GRU",
        ),
        ("input", with("input", "rnn.weight_ih_l0", &cut), "expected 4 units, found 1"),
        ("biases", with("biases", "rnn.bias_hh_l0", &cut), "of one shape"),
        ("readout", with("readout", "out.weight", &cut), "expected 1 outputs, found 2"),
        ("nan", with("nan", "out.bias", &spoilt(f32::NAN)), "expected finite numbers, found NaN"),
        (
            "infinite",
            with("infinite", "rnn.weight_hh_l0", &spoilt(f32::INFINITY)),
            "expected finite numbers, found inf",
        ),
        (
            "vector",
            with("vector", "out.bias", &|array| array.insert_axis(ndarray::Axis(0))),
            "expected a vector",
        ),
    ];
    for (name, import, expected) in wrong {
        let error = study.import(&import).expect_err(name);
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert!(error.to_string().contains(&format!("changed_{name}.npz")), "{name}: {error}");
    }
    let mut import = Import::of(data("weights.safetensors"));
    import.params = params();
    import.params.network.units = 17;
    let error = study.import(&import).expect_err("other units");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(
        error.to_string().contains("`network.units`: expected 17, as given, found 4 in the weights"),
        "{error}"
    );
    import.params = params();
    import.params.network.kind = concertina::model::params::NetworkKind::Feedforward;
    assert!(matches!(study.import(&import), Err(Error::Import { .. })));
    assert!(study.keys().expect("listed").is_empty(), "nothing is kept of what is wrong");
}

#[test]
fn a_run_is_exported_in_a_form_that_numpy_reads() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("store"), 1);
    let runs = study.train(&one(small())).expect("trains");
    let run = runs.first();
    let file = folder.path().join("run.npz");
    let exported = study.export(run.key(), &CheckpointSelection::All, &file).expect("exported");
    let bytes = std::fs::read(&file).expect("written");
    assert_eq!((exported.checkpoints, exported.bytes), (7, bytes.len() as u64));
    let arrays = read_npz(&bytes).expect("an archive");
    let last = run.weights(run.last_checkpoint()).expect("it exists");
    for (name, array) in last.tensors() {
        let stack = numbers(&arrays, &name);
        assert_eq!(stack.shape()[0], 7, "{name}");
        assert_eq!(stack.index_axis(ndarray::Axis(0), 6), array, "{name}");
    }
    let losses = numbers(&arrays, "history/validation_loss");
    assert_eq!(losses.len(), 6);
    assert_eq!(f64::from(losses[[5]]) as f32, run.history()[5].validation_loss as f32);
    assert!(arrays.contains_key("params.json") && arrays.contains_key("epoch"));
    // Nothing is overwritten, and the same run gives the same bytes.
    assert!(matches!(study.export(run.key(), &CheckpointSelection::All, &file), Err(Error::Write { .. })));
    let again = folder.path().join("again.npz");
    study.export(run.key(), &CheckpointSelection::All, &again).expect("exported");
    assert_eq!(std::fs::read(again).expect("written"), bytes);
    // A folder of archives has a table.
    let place = folder.path().join("all");
    study.export_all(&[*run.key()], &CheckpointSelection::Last, &place).expect("exported");
    let table = std::fs::read_to_string(place.join("runs.csv")).expect("written");
    assert!(table.starts_with("file,key,status,epochs,updates,seed,"), "{table}");
    assert!(table.contains(&format!("{}.npz", run.key().short())));
    assert!(matches!(
        study.export_all(&[*run.key()], &CheckpointSelection::Last, &place),
        Err(Error::Write { .. })
    ));
}

/// PyTorch's network as a state dict in memory, some of its arrays changed.
fn state_dict(change: impl Fn(&mut Arrays)) -> Import {
    let mut arrays: Arrays =
        pytorch().into_iter().filter(|(name, _)| THEIRS.contains(&name.as_str())).collect();
    change(&mut arrays);
    let mut import = Import::of_arrays("state dict", arrays);
    import.params = params();
    import
}

#[test]
fn arrays_in_memory_are_imported_like_those_of_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let study = open(&folder.path().join("store"), 1);
    let mut of_file = Import::of(data("weights.safetensors"));
    of_file.params = params();
    let expected = study.import(&of_file).expect("imported");
    let read = state_dict(|_| {}).read().expect("read").remove(0);
    assert_eq!((read.params(), read.arrays()), (&expected.params, &expected.arrays[..]));
    assert_eq!((read.assumed(), read.trials()), (&expected.assumed[..], &expected.trials[..]));
    assert!(read.not_used().is_empty() && read.not_read().is_empty() && read.notes().is_empty());
    assert!(read.without_effect().is_empty() && read.network_before().expect("none").is_none());
    // Without a store, the network is the same as in the store.
    let sweep = study.stored_sweep([expected.run.to_string().as_str()]).expect("it exists");
    let runs = study.train(&sweep).expect("loads");
    let there = runs.first().network(runs.first().last_checkpoint()).expect("a network");
    assert_eq!(read.network().expect("a network").weights(), there.weights());
    assert!(study.import_read(read).expect("imported").was_there);
    // Modules around the network make no difference.
    for prefix in ["module.", "model.net."] {
        let within = state_dict(|arrays| {
            *arrays = std::mem::take(arrays)
                .into_iter()
                .map(|(name, member)| (format!("{prefix}{}", name.replace("out.", "fc.")), member))
                .collect();
        });
        assert_eq!(study.import(&within).expect(prefix).run, expected.run);
    }
    // A network before training may come from memory, too.
    let mut trained = state_dict(|_| {});
    trained.before = Some(
        state_dict(|arrays| {
            drop(arrays.insert("extra".to_owned(), Member::Truths(ArrayD::default(vec![1]))))
        })
        .weights,
    );
    trained.params.train.epochs = 3;
    let read = trained.read().expect("read").remove(0);
    assert!(read.network_before().expect("a network").is_some());
    assert_eq!(read.notes(), ["not read of state dict: `extra`: truth values"]);
    assert!(!study.import_read(read).expect("imported").was_there);
}

#[test]
fn errors_of_arrays_in_memory_do_not_mention_files() {
    let of = |name: &str, shape: &[usize]| (name.to_owned(), Member::Numbers(ArrayD::zeros(shape)));
    let put = |name: &'static str, member: Member| {
        state_dict(move |arrays| drop(arrays.insert(name.to_owned(), member.clone())))
    };
    let rename = |from: &'static str, to: &'static str| {
        state_dict(move |arrays| {
            let member = arrays.remove(from).expect("it exists");
            arrays.insert(to.to_owned(), member);
        })
    };
    let mut unknown = state_dict(|_| {});
    unknown.names.insert("weights".to_owned(), "rnn.weight_hh_l0".to_owned());
    let wrong = [
        rename("rnn.weight_hh_l0", "rnn.h2h"),
        rename("rnn.weight_hh_l0", "W_rec"),
        rename("rnn.weight_hh_l0", "rnn.weight_hh_l0_orig"),
        rename("rnn.bias_hh_l0", "rnn.weight_hh_l1"),
        put("rnn.weight_hh_l0", Member::Integers(ArrayD::zeros(vec![4, 4]))),
        put("rnn.weight_hh_l0", Member::Numbers(ArrayD::zeros(vec![3, 4, 4]))),
        put("rnn.weight_hh_l0", Member::Numbers(ArrayD::zeros(vec![16, 4]))),
        put("rnn.weight_hh_l0", Member::Numbers(ArrayD::zeros(vec![3, 4]))),
        put("rnn.weight_ih_l0", Member::Numbers(ArrayD::zeros(vec![1, 4]))),
        put("rnn.bias_hh_l0", Member::Numbers(ArrayD::zeros(vec![1]))),
        put("rnn.bias_hh_l0", Member::Numbers(ArrayD::from_elem(vec![4], f64::NAN))),
        put("other.weight_hh_l0", Member::Numbers(ArrayD::zeros(vec![4, 4]))),
        put("head.weight", Member::Numbers(ArrayD::zeros(vec![2, 4]))),
        Import::of_arrays("state dict", Arrays::from([of("weight_hh", &[4, 4]), of("mystery", &[2, 4])])),
        Import::of_arrays("state dict", Arrays::new()),
        unknown,
    ];
    for import in wrong {
        let error = import.read().expect_err("it is wrong");
        let hint = error.hint().map(|hint| hint.to_string()).unwrap_or_default();
        assert!(error.to_string().ends_with(": state dict"), "{error}");
        for word in ["file", "save", "--", "archive"] {
            assert!(!error.to_string().contains(word) && !hint.contains(word), "{error}\n{hint}");
        }
    }
    let error = rename("rnn.weight_hh_l0", "rnn.h2h").read().expect_err("no name is known");
    let hint = error.hint().expect("a hint").to_string();
    assert!(hint.starts_with("say which it is: `recurrent_weights=ARRAY` in `names`, or"), "{hint}");
}
