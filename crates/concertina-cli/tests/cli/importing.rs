//! The commands that an import suggests can be typed, and a file that cannot be read leaves nothing behind.

use std::process::Command;

use crate::support::{Place, Said};

const WEIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../concertina/tests/data/weights.safetensors");

fn place() -> Place {
    let place = Place::new();
    std::fs::copy(WEIGHTS, place.path("rnn.safetensors")).expect("copied");
    place
}

/// Runs the commands in backticks, as a shell would here.
fn typed(place: &Place, said: &Said) -> Vec<Said> {
    let commands = said.stderr.split('`').skip(1).step_by(2).filter(|text| text.starts_with("concertina "));
    let program = assert_cmd::cargo::cargo_bin!("concertina").parent().expect("a folder").to_owned();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    commands
        .map(|command| {
            let output = Command::new("sh")
                .args(["-c", command])
                .current_dir(place.folder.path())
                .env("PATH", &path)
                .env_remove("CONCERTINA_STORE")
                .output()
                .expect("a shell");
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
            Said { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
        })
        .collect()
}

#[test]
fn the_commands_that_an_import_suggests_work() {
    let place = place();
    for store in [None, Some("theirs"), Some("my store"), Some("it's \"$HOME\" & co")] {
        let mut words = vec!["runs", "import", "rnn.safetensors"];
        words.extend(store.iter().flat_map(|store| ["--store", store]));
        let said = place.run(&words).expect_success();
        let typed = typed(&place, &said);
        assert_eq!(typed.len(), 2, "one command to analyse it, one to show it: {}", said.stderr);
        for one in typed {
            one.expect_success();
        }
        assert!(place.path(store.unwrap_or("concertina")).is_dir());
    }
}

#[test]
fn an_import_says_what_became_what() {
    let place = place();
    let said = place.run(&["runs", "import", "rnn.safetensors", "gain=250", "delay=3"]).expect_success();
    for line in [
        "recurrent_weights from rnn.weight_hh_l0, transposed",
        "assumed           network.kind = vanilla, network.nonlinearity = tanh",
        "without effect    network.gain",
    ] {
        assert!(said.stdout.lines().any(|found| found == line), "{line}: {}", said.stdout);
    }
    let json = place.run(&["runs", "import", "rnn.safetensors", "delay=3", "--json"]).expect_success();
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!((&json[0]["was_there"], &json[0]["not_used"]), (&true.into(), &serde_json::Value::Null));
    assert!(json[0]["assumed"].as_str().is_some_and(|said| said.contains("tanh")), "{json}");
    let twice = ["runs", "import", "rnn.safetensors", "--name", "bias=a", "--name", "bias=b"];
    let twice = place.run(&twice);
    assert_eq!(twice.status, Some(2));
    assert!(twice.stderr.contains("`bias` is given twice"), "{}", twice.stderr);
}

#[test]
fn a_file_of_pytorch_is_imported_and_one_that_runs_a_command_is_not() {
    use concertina_testing::torch::{self, Value, dict};
    let place = place();
    let matrix = |rows: usize, columns: usize| {
        Value::Tensor(
            vec![rows, columns],
            (0..rows * columns).map(|place| (place as f32).sin() / 3.0).collect(),
        )
    };
    let model = dict([
        ("module.rnn.weight_ih_l0", matrix(4, 3)),
        ("module.rnn.weight_hh_l0", matrix(4, 4)),
        ("module.out.weight", matrix(2, 4)),
    ]);
    let checkpoint = dict([("epoch", Value::Whole(7)), ("model_state_dict", model)]);
    std::fs::write(place.path("model.pt"), torch::file(&checkpoint)).expect("written");
    let said = place.run(&["runs", "import", "model.pt", "delay=3"]).expect_success();
    for line in [
        "recurrent_weights from model_state_dict.module.rnn.weight_hh_l0, transposed",
        "not used          `epoch`: 7",
    ] {
        assert!(said.stdout.lines().any(|found| found == line), "{line}: {}", said.stdout);
    }
    let run = place.path("output/run_0");
    std::fs::create_dir_all(&run).expect("made");
    for epoch in [0, 3] {
        let file = torch::file(&dict([
            ("Wrec", matrix(4, 4)),
            ("Win", matrix(3, 4)),
            ("Wout", matrix(4, 2 + epoch)),
        ]));
        std::fs::write(run.join(format!("epoch_{epoch}_save_0.pt")), file).expect("written");
    }
    place.write("output/output_table.csv", ",N,X_dim,hid_nonlin,n_lag\n0,4,3,relu,5\n");
    let error = place.run(&["runs", "import", "output"]);
    assert_eq!(error.status, Some(2), "the two networks have other numbers of outputs: {}", error.snapshot());
    std::fs::remove_file(run.join("epoch_0_save_0.pt")).expect("removed");
    let said = place.run(&["runs", "import", "output"]).expect_success();
    assert!(said.stdout.contains("one of 1 checkpoints of `run_0`"), "{}", said.stdout);
    // The pickle would write a file.
    let command = format!("touch {}", place.path("ran").display());
    let pickle = [b"\x80\x02cposix\nsystem\n".to_vec(), torch::text(&command), b"\x85R.".to_vec()].concat();
    std::fs::write(place.path("evil.pt"), torch::archive(&pickle, &[])).expect("written");
    let said = place.run(&["runs", "import", "evil.pt"]);
    assert_eq!(said.status, Some(2));
    assert!(said.stderr.contains("a call of `posix.system`; nothing was run"), "{}", said.stderr);
    assert!(!place.path("ran").exists());
}

#[test]
fn a_missing_input_file_leaves_no_store_behind() {
    let place = place();
    place.write("empty.npz", "");
    place.write("rubbish.npz", "PK no archive");
    place.write("wrong.toml", "gian = 3\n");
    std::fs::create_dir(place.path("folder")).expect("made");
    for words in [
        "runs import none.npz",
        "runs import none.pt",
        "runs import none",
        "runs import folder",
        "runs import empty.npz",
        "runs import rubbish.npz",
        "runs import rnn.safetensors none.toml",
        "runs import rnn.safetensors wrong.toml",
        "runs import rnn.safetensors --before none.npz",
        "runs import rnn.safetensors units=200",
        "runs export abc --out run.npz",
        "runs show abc",
        "runs rm abc --yes",
        "runs list",
        "runs gc",
        "runs du",
        "store merge none",
        "store merge folder",
        "store verify",
        "store repair",
        "store where",
        "train none.toml",
        "train wrong.toml",
        "train none.json",
        "analyse accuracy none.toml",
        "analyse accuracy --run abc",
        "plot none.toml",
        "plot wrong.toml",
        "reproduce none.toml",
        "cite none.toml",
        "reproduce fig2 --reference none",
        "figures fig2 --set gian=3",
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        let said = place.run(&[&words[..], &["--store", "kept"]].concat());
        assert_ne!(said.status, Some(0), "{words:?}: {}", said.snapshot());
        assert!(!place.path("kept").exists(), "{words:?} created a store");
    }
}

#[test]
fn every_bad_file_of_weights_ends_with_status_2() {
    let place = place();
    // NaN and infinity in the last number of the file, which belongs to an array.
    let whole = std::fs::read(WEIGHTS).expect("it exists");
    for (name, number) in [("nan", f32::NAN), ("inf", f32::INFINITY), ("minus_inf", f32::NEG_INFINITY)] {
        let mut bytes = whole.clone();
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&number.to_le_bytes());
        std::fs::write(place.path(&format!("{name}.safetensors")), bytes).expect("written");
    }
    std::fs::write(place.path("cut.safetensors"), &whole[..whole.len() - 1]).expect("written");
    place.write("empty.safetensors", "");
    place.write("model.pt", "a pickle");
    for (name, expected) in [
        ("nan.safetensors", "found NaN"),
        ("inf.safetensors", "found inf"),
        ("minus_inf.safetensors", "found -inf"),
        ("cut.safetensors", "not safetensors"),
        ("empty.safetensors", "the file is empty"),
        ("model.pt", "neither like a zip archive nor like a pickle"),
        ("none.pt", "No such file"),
    ] {
        for words in
            [vec!["runs", "import", name], vec!["runs", "import", "rnn.safetensors", "--before", name]]
        {
            let said = place.run(&words);
            assert_eq!(said.status, Some(2), "{words:?}: {}", said.snapshot());
            assert!(said.stderr.contains(expected) && said.stderr.contains("hint:"), "{}", said.stderr);
        }
    }
    assert!(!place.path("concertina").exists());
}
