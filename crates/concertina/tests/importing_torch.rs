//! Files of PyTorch as users have them: read, with the states and outputs that PyTorch computes, or refused
//! with a reason. The files and what to expect of them are read from a folder (`concertina_testing::files`).

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use concertina::model::network::{Equations, Network};
use concertina::model::params::{NetworkKind, Nonlinearity, Params};
use concertina::model::reference::Parameters;
use concertina::model::task::Inputs;
use concertina::{CheckpointSelection, Error, ErrorKind, Import, ReadImport};
use concertina_arrays::read_npy;
use concertina_testing::files;
use concertina_testing::torch::{self, Value, dict};
use ndarray::{Array1, Array3, Axis, Ix1, Ix2, Ix3};
use support::open;

/// The last output and the last state of the first trial.
type Last = (Vec<f64>, Vec<f64>);

fn folder() -> Option<PathBuf> {
    Some(files::folder()?.join("pytorch"))
}

/// What PyTorch computed, by the names of files.
fn expected(folder: &Path) -> BTreeMap<String, Last> {
    let text = std::fs::read_to_string(folder.join("expected.json")).expect("it exists");
    let all: BTreeMap<String, BTreeMap<String, Vec<f64>>> = serde_json::from_str(&text).expect("JSON");
    all.into_iter()
        .map(|(name, one)| (name, (one["last_output"].clone(), one["last_state"].clone())))
        .collect()
}

fn inputs(folder: &Path) -> Array3<f32> {
    let bytes = std::fs::read(folder.join("inputs.npy")).expect("it exists");
    let array =
        read_npy(&bytes).expect("an array").numbers("inputs").expect("numbers").mapv(|number| number as f32);
    array.into_dimensionality::<Ix3>().expect("(trials, timesteps, inputs)")
}

/// The last output and state in single precision, and in double precision.
fn last(network: &Network, inputs: &Array3<f32>) -> (Last, Last) {
    let timesteps = inputs.dim().1;
    let states = network.states(&Inputs::Timed(inputs.clone()), timesteps).expect("states");
    let state: Array1<f32> = states.index_axis(Axis(0), 0).index_axis(Axis(0), timesteps - 1).to_owned();
    let weights = network.weights();
    let output = state.dot(&weights.readout) + &weights.readout_bias;
    let double = |array: &Array1<f32>| array.iter().map(|number| f64::from(*number)).collect();
    let parameters = Parameters {
        input: weights.input.mapv(f64::from),
        recurrent: weights.recurrent.iter().map(|matrix| matrix.mapv(f64::from)).collect(),
        biases: weights.biases.iter().map(|bias| bias.mapv(f64::from)).collect(),
        readout: weights.readout.mapv(f64::from),
        readout_bias: weights.readout_bias.mapv(f64::from),
        initial_state: None,
    };
    let equations = Equations { steps: timesteps, hold: 0, evaluate: 0, ..*network.equations() };
    let exact =
        equations.states_on(&parameters, &Inputs::Timed(inputs.mapv(f64::from))).pop().expect("states");
    let outputs = equations.outputs(&parameters, &exact);
    // The state of an LSTM is (h, c), and PyTorch's last state is h.
    let exact = exact.row(0).iter().copied().take(state.len()).collect();
    ((double(&output), double(&state)), (outputs.row(0).to_vec(), exact))
}

/// The largest difference of outputs and states.
fn difference(a: &Last, b: &Last) -> f64 {
    assert_eq!((a.0.len(), a.1.len()), (b.0.len(), b.1.len()));
    let pairs = a.0.iter().zip(&b.0).chain(a.1.iter().zip(&b.1));
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn import(path: &Path, relu: bool) -> Import {
    let mut import = Import::of(path);
    if relu {
        import.params.network.nonlinearity = Nonlinearity::Relu;
    }
    import
}

fn read(path: &Path) -> ReadImport {
    import(path, false).read().unwrap_or_else(|error| panic!("{}: {error}", path.display())).remove(0)
}

fn refused(path: &Path, reason: &str, hint: &str) {
    let error = Import::of(path).read().expect_err(reason);
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    assert!(error.to_string().contains(reason), "{error}");
    assert!(
        error.hint().is_some_and(|found| found.to_string().contains(hint)),
        "{error}: {:?}",
        error.hint()
    );
}

#[test]
fn every_file_is_read_as_pytorch_computes_or_refused_with_a_reason() {
    let Some(folder) = folder() else { return };
    let (expected, inputs) = (expected(&folder), inputs(&folder));
    let mut compared = Vec::new();
    for name in files::of_pytorch() {
        let path = folder.join(format!("{name}.pt"));
        match name.as_str() {
            "rnn_two_layers" => {
                refused(&path, "expected one layer in one direction, found `rnn.weight_ih_l1`", "layers")
            }
            "rnn_bidirectional" => refused(&path, "`rnn.weight_ih_l0_reverse`", "layers"),
            "embedding_no_readout" => {
                refused(&path, "found `embedding.weight`", "--name readout_weights=none")
            }
            "whole_module" => refused(&path, "an object of the class `__main__.", "state_dict()"),
            "torchscript" => refused(&path, "a TorchScript archive", "torch.jit.load"),
            "malicious_reduce" => refused(&path, "`posix.system`", "do not load it"),
            "malicious_eval" => refused(&path, "`__builtin__.eval`", "do not load it"),
            // Its readout is that of the network, but its inputs come from a layer that is left out.
            "layer_before" => drop(read(&path)),
            _ => {
                // A file whose network has no entry of its own holds that of another file.
                let (of, tolerance) = match name.as_str() {
                    "float16" => ("checkpoint", 5e-3),
                    "bfloat16" => ("checkpoint", 5e-2),
                    other if expected.contains_key(other) => (other, 1e-6),
                    other if expected.keys().any(|known| other.starts_with(known.as_str())) => {
                        panic!("{other}: which network is it?")
                    }
                    _ => ("checkpoint", 1e-6),
                };
                let read = import(&path, name == "rnn_relu")
                    .read()
                    .unwrap_or_else(|error| panic!("{name}: {error}"));
                let (single, exact) = last(&read[0].network().expect("a network"), &inputs);
                // PyTorch computed in single precision, too, and some networks amplify its rounding.
                let rounding = difference(&single, &exact);
                assert!(rounding < 2e-5, "{name}: {rounding}");
                let found = |of: &str| difference(&exact, &expected[of]);
                let found = match of {
                    // Several files hold the network of `checkpoint`, others that of `rnn`.
                    "checkpoint" if name != "checkpoint" && expected.contains_key("rnn") => {
                        found("checkpoint").min(found("rnn"))
                    }
                    of => found(of),
                };
                assert!(found < tolerance + rounding, "{name}: {found}, with rounding of {rounding}");
                compared.push(name);
            }
        }
    }
    assert!(compared.len() > 15, "{compared:?}");
    for name in expected.keys().filter(|name| *name != "rnn") {
        assert!(compared.contains(name), "nothing was compared with `{name}`");
    }
}

#[test]
fn an_import_says_what_it_used_what_it_did_not_and_what_it_assumed() {
    let Some(folder) = folder() else { return };
    let path = |name: &str| folder.join(format!("{name}.pt"));
    let checkpoint = read(&path("checkpoint"));
    assert_eq!(checkpoint.assumed(), ["network.kind = vanilla", "network.nonlinearity = tanh"]);
    let origins: BTreeMap<_, _> = checkpoint.arrays().iter().cloned().collect();
    assert_eq!(origins["recurrent_weights"], "model_state_dict.rnn.weight_hh_l0, transposed");
    assert_eq!(origins["bias"], "model_state_dict.rnn.bias_ih_l0 + model_state_dict.rnn.bias_hh_l0");
    assert_eq!(origins["readout_weights"], "model_state_dict.readout.weight, transposed");
    let not_used = checkpoint.not_used().join("\n");
    for named in
        ["`epoch`: ", "note`: '", "`best`: None", "`history`: [", "optimizer_state_dict.state.", "args"]
    {
        assert!(not_used.contains(named), "{named}: {not_used}");
    }
    assert!(checkpoint.not_read().is_empty(), "{:?}", checkpoint.not_read());
    // Prefixes of wrappers make no difference.
    let expected = read(&path("prefix_module")).params().network.weights;
    for name in ["prefix_orig_mod", "prefix_nested"] {
        assert_eq!(read(&path(name)).params().network.weights, expected, "{name}");
    }
    let gru = read(&path("gru"));
    assert!(gru.assumed().is_empty() && gru.arrays().iter().any(|(ours, _)| *ours == "recurrent_bias"));
    // An encoder in front of the network is named.
    let before = read(&path("layer_before"));
    assert!(before.arrays().iter().any(|(_, theirs)| theirs == "readout.weight, transposed"));
    assert!(before.not_used().iter().any(|name| name.contains("encoder.weight")), "{:?}", before.not_used());
    assert!(before.notes().iter().any(|note| note.contains("`encoder.weight`")), "{:?}", before.notes());
    for name in ["weight_norm", "weight_norm_parametrized"] {
        let normed = read(&path(name));
        let recurrent =
            &normed.arrays().iter().find(|(ours, _)| *ours == "recurrent_weights").expect("one").1;
        assert!(recurrent.contains(" from ") && normed.not_used().is_empty(), "{name}: {recurrent}");
    }
}

/// `v' = v + α (-v + relu(v) W' + x U')` and `relu(v) R' + c`, from the arrays as PsychRNN stores them.
#[test]
fn a_network_of_psychrnn_is_one_of_rates() {
    let Some(folder) = files::folder() else { return };
    let path = folder.join("psychrnn/saved_weights.npz");
    refused(&path, "expected the step of the network in time constants", "dt / tau");
    let mut import = Import::of(&path);
    import.params.network.dt = 0.1;
    let read = import.read().expect("read").remove(0);
    let network = &read.params().network;
    assert_eq!((network.kind, network.nonlinearity), (NetworkKind::Rate, Nonlinearity::Relu));
    assert_eq!(read.assumed(), ["network.nonlinearity = relu"]);
    let notes = read.notes().join("\n");
    assert!(!notes.contains("init_state"), "{notes}");
    assert!(read.not_read().iter().any(|name| name.contains("`dale_ratio`: Python objects")));
    let origins: BTreeMap<_, _> = read.arrays().iter().cloned().collect();
    assert_eq!(origins["recurrent_weights"], "W_rec ∘ rec_connectivity, transposed");
    assert_eq!(origins["initial_state"], "init_state");

    let arrays = concertina_arrays::read(&path).expect("an archive");
    let array = |name: &str| arrays[name].numbers(name).expect("numbers").clone();
    let matrix = |name: &str| array(name).into_dimensionality::<Ix2>().expect("a matrix");
    let masked = |name: &str, mask: &str| matrix(name) * matrix(mask);
    let (w, u) = (masked("W_rec", "rec_connectivity"), masked("W_in", "input_connectivity"));
    let (r, b) = (masked("W_out", "output_connectivity"), array("b_rec"));
    let b = b.into_dimensionality::<Ix1>().expect("a vector");
    let inputs = Array3::from_shape_fn((1, 6, u.ncols()), |(_, step, line)| {
        (0.7 * step as f32 + 1.3 * line as f32).sin()
    });
    let mut v: Array1<f64> = array("init_state").iter().copied().collect();
    for step in 0..6 {
        let x = inputs.index_axis(Axis(0), 0).index_axis(Axis(0), step).mapv(f64::from);
        let drive = w.dot(&v.mapv(|one| one.max(0.0))) + u.dot(&x) + &b;
        v = &v * 0.9 + drive * 0.1;
    }
    let y =
        r.dot(&v.mapv(|one| one.max(0.0))) + array("b_out").into_dimensionality::<Ix1>().expect("a vector");
    let network = read.network().expect("a network");
    let states = network.states(&Inputs::Timed(inputs), 6).expect("states");
    let last = states.index_axis(Axis(1), 5).to_owned();
    let outputs = network.outputs(last.view()).expect("a readout");
    for (found, expected) in last.iter().chain(&outputs).zip(v.iter().chain(&y)) {
        assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} {expected}");
    }

    // Named by hand, its arrays are read, and what is left out is said.
    let mut import = Import::of(path);
    for (ours, theirs) in [
        ("recurrent_weights", "W_rec.T"),
        ("input_weights", "W_in.T"),
        ("bias", "b_rec"),
        ("readout_weights", "none"),
    ] {
        import.names.insert(ours.to_owned(), theirs.to_owned());
    }
    let notes = import.read().expect("read").remove(0).notes().join("\n");
    assert!(notes.contains("`init_state` is not used") && notes.contains("PsychRNN"), "{notes}");
}

/// A vanilla network of the published code, as `torch.save` writes its checkpoints.
fn published(start: f32) -> Value {
    let tensor = |shape: &[usize], start: f32| {
        let count: usize = shape.iter().product();
        Value::Tensor(shape.to_vec(), (0..count).map(|place| (place as f32 + start).sin() / 3.0).collect())
    };
    let model = dict([
        ("hidden_unit_init", tensor(&[1, 6], 0.5)),
        ("Win", tensor(&[3, 6], start)),
        ("Wrec", tensor(&[6, 6], start + 1.0)),
        ("Wout", tensor(&[6, 2], start + 2.0)),
        ("brec", tensor(&[6], start + 3.0)),
        ("bout", tensor(&[2], start + 4.0)),
    ]);
    dict([
        ("model_state_dict", model),
        ("optimizer_state_dict", dict([("state", dict([])), ("param_groups", Value::List(vec![]))])),
        ("learning_scheduler_state_dict", dict([])),
    ])
}

/// An output folder of the published code: two runs, one of them with a network before training.
fn output_folder(root: &Path, table: &str) {
    for (run, epoch, save) in [(0, 0, 0), (0, 1, 0), (0, 1, 1), (0, 12, 0), (0, 2, 0), (3, 5, 0)] {
        let folder = root.join(format!("run_{run}"));
        std::fs::create_dir_all(&folder).expect("made");
        let file = torch::file(&published((run * 100 + epoch * 10 + save) as f32));
        std::fs::write(folder.join(format!("epoch_{epoch}_save_{save}.pt")), file).expect("written");
    }
    std::fs::write(root.join("run_0/data.txt"), "not a checkpoint").expect("written");
    std::fs::create_dir_all(root.join("run_1")).expect("made");
    std::fs::write(root.join("output_table.csv"), table).expect("written");
}

const TABLE: &str = "\
,N,X_dim,X_clusters,num_classes,n_lag,hid_nonlin,g_radius,model_seed,num_epochs,loss,learning_patience,device,extra\n\
0,6,3,4,2,5,tanh,20,7,12,cce,5,cpu,1\n\
1,6,3,4,2,5,tanh,20,8,12,cce,5,cpu,1\n\
3,6.0,3,4,2,4,relu,250.0,9,6,cce,soon,cpu,1\n";

#[test]
fn an_output_folder_of_the_published_code_is_imported_as_runs_with_their_parameters() {
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path().join("output");
    output_folder(&root, TABLE);
    let read = Import::of(&root).read().expect("read");
    let [first, second] = &read[..] else { panic!("two runs: {read:?}") };
    let of = |params: &Params| (params.task.delay, params.task.clusters, params.network.nonlinearity);
    assert_eq!(of(first.params()), (5, 4, Nonlinearity::Tanh));
    assert_eq!(of(second.params()), (4, 4, Nonlinearity::Relu));
    assert_eq!(
        (first.params().train.epochs, first.network_before().expect("a network").is_some()),
        (12, true)
    );
    assert!(second.network_before().expect("none").is_none());
    for one in &read {
        assert_eq!(one.assumed(), ["network.kind = vanilla"], "the table says the rest");
        assert!(one.without_effect().is_empty(), "{:?}", one.without_effect());
    }
    let notes = first.notes().join("\n");
    for said in [
        "`epoch_12_save_0.pt`, one of 5 checkpoints of `run_0`, with the network before training",
        "not imported, because the folder has no checkpoints of it: `run_1`",
        "columns of the table without effect here: `extra`",
        "`model_state_dict.hidden_unit_init` is not used: trials start from a state of zeros",
    ] {
        assert!(notes.contains(said), "{said}: {notes}");
    }
    assert!(second.notes().join("\n").contains("without effect here: `learning_patience`, `extra`"));
    assert!(second.notes().join("\n").contains("the table says 6 epochs, the last checkpoint is of epoch 5"));
    // Kept in a store, its last network is that of the last file.
    let study = open(&place.path().join("store"), 1);
    let kept = study.import_read(first.clone()).expect("kept");
    let sweep = study.stored_sweep([kept.run.to_string().as_str()]).expect("it exists");
    let runs = study.train(&sweep).expect("loads");
    let alone = self::read(&root.join("run_0/epoch_12_save_0.pt")).network().expect("a network");
    let weights = |at| runs.first().weights(at).expect("weights");
    assert_eq!(&weights(runs.first().last_checkpoint()), alone.weights());
    let before = self::read(&root.join("run_0/epoch_0_save_0.pt")).network().expect("a network");
    assert_eq!(&weights(runs.first().checkpoints()[0]), before.weights());
    assert_eq!(runs.first().last_checkpoint().epoch.0, 12);
    // One run of it, whose table is in the folder above; parameters that are given replace those of the
    // table.
    let mut one = Import::of(root.join("run_0"));
    one.params.task.delay = 9;
    let given = one.read().expect("read").remove(0);
    assert_eq!(
        (given.params().task.delay, given.params().network.weights),
        (9, first.params().network.weights)
    );
    assert!(study.import(&Import::of(root.join("run_0"))).expect("one run").was_there);
}

#[test]
fn the_checkpoints_of_one_run_are_read_beside_their_table() {
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path().join("alone");
    std::fs::create_dir_all(&root).expect("made");
    for epoch in [0, 4] {
        let file = torch::file(&published(epoch as f32));
        std::fs::write(root.join(format!("epoch_{epoch}_save_0.pt")), file).expect("written");
    }
    for table in ["N,X_dim,n_lag,hid_nonlin\n6,3,7,relu\n", ",N,X_dim,n_lag,hid_nonlin\n31,6,3,7,relu\n"] {
        std::fs::write(root.join("run_table.csv"), table).expect("written");
        let read = Import::of(&root).read().expect("read");
        let params = read[0].params();
        assert_eq!((params.task.delay, params.network.nonlinearity), (7, Nonlinearity::Relu));
        assert_eq!((params.train.epochs, read.len()), (4, 1));
    }
    // The only row is of another run.
    let run = place.path().join("run_2");
    std::fs::rename(&root, &run).expect("renamed");
    refused(&run, "expected a row of `run_2`", "first column");
}

#[test]
fn output_folders_that_do_not_fit_are_refused_with_a_hint() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = |name: &str, table: &str| {
        let root = place.path().join(name);
        output_folder(&root, table);
        root
    };
    let refused = |root: &Path, reason: &str, hint: &str| refused(root, reason, hint);
    refused(
        &folder("units", &TABLE.replace("0,6,3", "0,7,3")),
        "`network.units`: expected 7, as given, found 6",
        "leave",
    );
    refused(&folder("value", &TABLE.replace("tanh", "tahn")), "run 0, column `hid_nonlin`", "nonlinearity=");
    refused(&folder("missing", &TABLE.replace("\n3,", "\n4,")), "expected a row of `run_3`", "first column");
    refused(
        &folder("unnumbered", &TABLE.replace("\n,N", "\nN").replacen(",N", "x,N", 1)),
        "no column",
        "by hand",
    );
    refused(&folder("damaged", "a,b\n1\n"), "output_table.csv", "spreadsheet");
    let empty = place.path().join("empty");
    std::fs::create_dir_all(&empty).expect("made");
    refused(&empty, "an output folder of the published code", "one of the files");
    std::fs::write(empty.join("run_table.csv"), TABLE).expect("written");
    refused(&empty, "expected checkpoints", "published code");
    let mut before = Import::of(folder("before", TABLE));
    before.before = Some(empty.join("x.pt").into());
    assert!(matches!(before.read(), Err(Error::Import { .. })));
    // Without a table, the parameters are those that are given.
    let bare = folder("bare", TABLE);
    std::fs::remove_file(bare.join("output_table.csv")).expect("removed");
    let read = Import::of(&bare).read().expect("read");
    assert!(read[0].notes().join("\n").contains("no table"), "{:?}", read[0].notes());
    assert!(read[0].assumed().contains(&"network.nonlinearity = tanh".to_owned()));
    // A checkpoint that is cut off is named.
    let cut = folder("cut", TABLE);
    let file = cut.join("run_3/epoch_5_save_0.pt");
    let bytes = std::fs::read(&file).expect("it exists");
    std::fs::write(&file, &bytes[..bytes.len() / 2]).expect("written");
    refused(&cut, "epoch_5_save_0.pt", "torch.load");
}

/// A state dict of an RNN and a readout, in float32.
fn state_dict(prefix: &str, start: f32) -> Vec<(String, Value)> {
    let tensor = |shape: &[usize], start: f32| {
        let count: usize = shape.iter().product();
        Value::Tensor(shape.to_vec(), (0..count).map(|place| (place as f32 + start).cos() / 3.0).collect())
    };
    [
        ("rnn.weight_ih_l0", tensor(&[6, 3], start)),
        ("rnn.weight_hh_l0", tensor(&[6, 6], start + 1.0)),
        ("rnn.bias_ih_l0", tensor(&[6], start + 2.0)),
        ("rnn.bias_hh_l0", tensor(&[6], start + 3.0)),
        ("fc.weight", tensor(&[2, 6], start + 4.0)),
        ("fc.bias", tensor(&[2], start + 5.0)),
    ]
    .map(|(name, value)| (format!("{prefix}{name}"), value))
    .into()
}

#[test]
fn nested_checkpoints_and_their_optimizers_are_told_apart() {
    let place = tempfile::tempdir().expect("a folder");
    let write = |name: &str, value: &Value| {
        let path = place.path().join(name);
        std::fs::write(&path, torch::file(value)).expect("written");
        path
    };
    let plain = read(&write("plain.pt", &Value::Dict(state_dict("", 0.0))));
    let moments = |units: usize| Value::Tensor(vec![units, 6], vec![0.5; units * 6]);
    let optimizer = dict([
        (
            "state",
            dict([
                ("0", dict([("exp_avg", moments(3)), ("step", Value::Whole(1))])),
                ("1", dict([("exp_avg", moments(2))])),
            ]),
        ),
        (
            "param_groups",
            Value::List(vec![dict([
                ("lr", Value::Real(0.1)),
                ("params", Value::List(vec![Value::Whole(0)])),
            ])]),
        ),
    ]);
    for key in ["state_dict", "model_state_dict", "model", "net"] {
        let nested = dict([
            (key, Value::Dict(state_dict("module.", 0.0))),
            ("optimizer", optimizer.clone()),
            ("epoch", Value::Whole(3)),
        ]);
        let nested = read(&write(&format!("{key}.pth"), &nested));
        assert_eq!(nested.params().network.weights, plain.params().network.weights, "{key}");
        assert!(nested.not_used().iter().any(|name| name == "`epoch`: 3"), "{:?}", nested.not_used());
        assert!(nested.not_used().iter().any(|name| name == "`optimizer.param_groups.0.lr`: 0.1"));
    }
    // The moments of an optimizer have the shapes of weights, but are not taken for missing ones.
    let mut alone = state_dict("", 0.0);
    alone.retain(|(name, _)| name == "rnn.weight_hh_l0" || name.contains("bias_"));
    let alone = dict([("model_state_dict", Value::Dict(alone)), ("optimizer_state_dict", optimizer.clone())]);
    let alone = read(&write("alone.pt", &alone));
    let origin = |read: &ReadImport, ours: &str| {
        read.arrays().iter().find(|(name, _)| *name == ours).expect("one").1.clone()
    };
    assert_eq!(
        (origin(&alone, "input_weights"), origin(&alone, "readout_weights")),
        ("none".to_owned(), "none".to_owned())
    );
    // Two networks: the user says which, and gets the readout of that one.
    let two = dict([
        ("model_state_dict", Value::Dict(state_dict("", 0.0))),
        ("ema_state_dict", Value::Dict(state_dict("", 9.0))),
    ]);
    let two = write("two.pt", &two);
    refused(&two, "expected one network", "--name");
    let mut import = Import::of(&two);
    import.names.insert("recurrent_weights".to_owned(), "model_state_dict.rnn.weight_hh_l0.T".to_owned());
    let one = import.read().expect("read").remove(0);
    assert_eq!(one.params().network.weights, plain.params().network.weights);
    // Values that are not arrays are not taken for arrays.
    let mut named = state_dict("", 0.0);
    named.push(("args".to_owned(), dict([("Win", Value::Text("orthog".to_owned())), ("Wrec", Value::None)])));
    assert_eq!(
        read(&write("named.pt", &Value::Dict(named))).params().network.weights,
        plain.params().network.weights
    );
}

#[test]
fn recurrent_weights_alone_have_a_spectrum_and_exponents() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("alone.pt");
    let weights: Vec<f32> = (0..36).map(|place| (place as f32).sin() / 2.0).collect();
    let alone = dict([("weight_hh_l0", Value::Tensor(vec![6, 6], weights))]);
    std::fs::write(&path, torch::file(&alone)).expect("written");
    let study = open(&place.path().join("store"), 1);
    let imported = study.import(&Import::of(&path)).expect("imported");
    let sweep = study.stored_sweep([imported.run.to_string().as_str()]).expect("it exists");
    for (name, settings, lacks) in
        [("spectrum", &[][..], false), ("lyapunov", &["exponents=2"], false), ("accuracy", &[], true)]
    {
        let analysis = concertina::analysis(name, settings.iter().copied()).expect("it is listed");
        let analysed = study.analyse(&sweep, &analysis, &CheckpointSelection::Last).expect("analyses");
        assert_eq!((analysed.table.is_empty(), analysed.failures.is_empty()), (lacks, !lacks), "{name}");
    }
}
