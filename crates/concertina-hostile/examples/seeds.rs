//! Writes the seeds of the corpora: files that the project itself writes, a few small ones per target.
//!
//! `cargo run -p concertina-hostile --example seeds -- fuzz/corpus`

use std::fs;
use std::path::{Path, PathBuf};

use concertina_hostile::Template;
use concertina_model::params::Params;
use concertina_recipe::{PUBLISHED, RECIPES};
use concertina_store::Tensors;
use concertina_table::{Table, Values};
use concertina_testing::torch;
use ndarray::{ArrayD, IxDyn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder: PathBuf = std::env::args().nth(1).ok_or("expected the folder of the corpora")?.into();
    let keep = |target: &str, name: &str, bytes: &[u8]| {
        fs::create_dir_all(folder.join(target))?;
        fs::write(folder.join(target).join(name), bytes)
    };

    let valid = Params::default().check()?;
    keep("params_toml", "all.toml", valid.to_annotated_toml().as_bytes())?;
    keep(
        "params_toml",
        "few.toml",
        b"seed = 3\n[task]\ninput_dim = 2\n[network]\ngain = 250\n[train]\nepochs = 120\n",
    )?;
    keep(
        "params_toml",
        "published.toml",
        b"X_dim = 2\ng_radius = 250.0\nnum_epochs = 3\nsaves_per_epoch = [2, 1, 0.5]\n",
    )?;
    keep(
        "params_toml",
        "sweep.toml",
        b"[network]\nkind = \"leaky\"\n[sweep]\ngain = [20, 250]\nseed = \"0..3\"\n",
    )?;
    keep(
        "params_toml",
        "schedule.toml",
        b"[train]\nscheduler = \"multistep\"\nmilestones = [3, 6]\nstop_after = 2\nsaves_per_epoch = \"1/3\"\n",
    )?;

    keep("params_json", "sections.json", serde_json::to_string(&valid)?.as_bytes())?;
    keep(
        "params_json",
        "published.json",
        br#"{"N": 200, "X_dim": 2, "g_radius": 250, "num_epochs": 3, "saves_per_epoch": [2, 1, 0.5], "scheduler": "onecyclelr",
"optimizer": "sgd_rmsprop_comb_0.3", "grad_noise_type": "output_scaled", "learning_patience": "5_8", "Win": "orthog",
"freeze_input": true, "patience_before_stopping": null, "input_style": "hypercube"}"#,
    )?;

    for (name, text) in [
        ("axes", "gain=20,250\nseed=0..5\nsaves_per_epoch=[2,1,0.5]\nepochs=3"),
        ("steps", "gain=20..=260..40\nX_dim=2,200\nnetwork.kind=leaky"),
        ("seeds", "0..10"),
        ("list", "0,3,7"),
        ("last", "last:3"),
        ("checkpoint", "12_960"),
        ("condition", "gain = 250 and not (seed < 3 or loss = 'mse') or frozen != true"),
        ("analysis", "lyapunov exponents=5 stopping=paper"),
        ("dimension", "effective-dimension samples=500 timesteps=[0,5]"),
        ("key", "00000000000000000000000000000000000000000000000000000000000000aa"),
    ] {
        keep("overrides", name, text.as_bytes())?;
    }

    for figure in ["fig1", "fig5a", "fig6b"] {
        let text = RECIPES.iter().find(|(name, _)| *name == figure).ok_or("a shipped recipe")?.1;
        keep("recipe", &format!("{figure}.toml"), text.as_bytes())?;
    }
    keep(
        "recipe",
        "small.toml",
        br#"figure = "mine"
runs.all.parameters = { units = 20 }
runs.all.sweep = { gain = [20, 250], "task.input_dim" = [2, 200] }
runs.all.seeds = "0..3"
[[panels]]
letter = "a"
runs = "all"
analysis = [{ analysis = "accuracy" }, { analysis = "loss" }]
checkpoints = { last = 2 }
draw = { x = "epoch", y = { column = "loss", scale = "log", from = 1e-8, to = 1.0 }, hue = "gain", style = "stage", facet = "kind" }
[[panels]]
letter = "b"
runs = "all"
analysis = { analysis = "pca_snapshots" }
draw = { kind = "snapshots", facet = "gain", snapshot_file = "b_{timestep}" }
[layout]
width_mm = 120.0
rows = [{ panels = ["a", "b"], widths = [1.0, 2.0], height_mm = 50.0 }]
"#,
    )?;
    keep("recipe", "theme.toml", concertina_plot::DEFAULT_THEME.as_bytes())?;

    let array = |shape: &[usize]| {
        let count: usize = shape.iter().product();
        let values = (0..count).map(|place| place as f32 * 0.25).collect();
        ArrayD::from_shape_vec(IxDyn(shape), values)
    };
    let mut tensors = Tensors::default();
    tensors.metadata.insert("epoch".to_owned(), 1.into());
    let subject = "run 0 checkpoint 1_80";
    keep("tensors", "none.safetensors", &tensors.to_safetensors(subject))?;
    tensors.arrays.insert("recurrent".to_owned(), array(&[2, 3])?);
    tensors.arrays.insert("bias".to_owned(), array(&[3])?);
    tensors.arrays.insert("empty".to_owned(), array(&[0, 4])?);
    tensors.arrays.insert("number".to_owned(), array(&[])?);
    keep("tensors", "small.safetensors", &tensors.to_safetensors(subject))?;
    keep("tensors", "shapes", b"recurr\0\0\x02\x01\x01\x02values--bias\0\0\0\0\x01\x02\x01\0more----")?;

    let table = Table::from_columns([
        ("seed", Values::Integer(vec![Some(0), Some(0), None, Some(-7)])),
        ("loss", Values::Float(vec![Some(1.5), None, Some(f64::INFINITY), Some(1e-7)])),
        (
            "stage",
            Values::Text(vec![
                Some("before".to_owned()),
                Some("a, \"b\"\n".to_owned()),
                None,
                Some("é".to_owned()),
            ]),
        ),
        ("frozen", Values::Boolean(vec![Some(true), Some(false), None, Some(true)])),
    ])?;
    let long = Table::from_columns([
        ("epoch", Values::from((0..300_i64).collect::<Vec<_>>())),
        ("value", Values::from((0..300).map(|row| f64::from(row % 7)).collect::<Vec<_>>())),
        ("name", Values::from((0..300).map(|row| ["one", "two", "three"][row % 3]).collect::<Vec<_>>())),
    ])?;
    keep("parquet", "small.parquet", &table.to_labelled_parquet("memo: of something")?)?;
    keep("parquet", "long.parquet", &long.to_parquet()?)?;
    let vectors = Table::from_columns([
        ("index", Values::from(vec![0, 1, 2, 3])),
        (
            "state",
            Values::from(vec![Some(vec![0.5, -2.0, 1e-7]), None, Some(vec![1.0; 3]), Some(vec![0.0; 3])]),
        ),
    ])?;
    keep("parquet", "vectors.parquet", &vectors.to_labelled_parquet("memo: of something")?)?;
    keep("json", "vectors.json", vectors.to_json().to_string().as_bytes())?;
    keep("parquet", "empty.parquet", &Table::new().to_parquet()?)?;
    let mut text = Vec::new();
    table.write_csv(&mut text)?;
    keep("csv", "small.csv", &text)?;
    keep("csv", "kinds.csv", b"\xef\xbb\xbfa,b,c,d\r\n007,1e5,true,inf\r\n,-0.0,False,nan\r\n")?;
    keep("json", "small.json", table.to_json().to_string().as_bytes())?;
    keep(
        "json",
        "kinds.json",
        br#"[{"a": 1, "b": "inf", "c": null}, {"b": 2.5, "d": true}, {"a": 1e3, "b": "-inf"}]"#,
    )?;

    for (number, (name, text)) in PUBLISHED.iter().enumerate().filter(|(number, _)| number % 3 == 0) {
        let some: String = text.lines().take(12).map(|line| format!("{line}\n")).collect();
        keep("published", &format!("{name}.csv"), &[&[number as u8], some.as_bytes()].concat())?;
    }

    let small = |shape: &[usize]| {
        let count: usize = shape.iter().product();
        torch::Value::Tensor(shape.to_vec(), (0..count).map(|place| place as f32 * 0.25).collect())
    };
    let checkpoint = torch::dict([
        ("epoch", torch::Value::Whole(3)),
        (
            "model_state_dict",
            torch::dict([("rnn.weight_hh_l0", small(&[2, 2])), ("rnn.bias_hh_l0", small(&[2]))]),
        ),
        ("history", torch::Value::List(vec![torch::Value::Real(0.5), torch::Value::None, small(&[])])),
        ("note", torch::Value::Text("é".to_owned())),
    ]);
    keep("torch", "checkpoint.pt", &torch::file(&checkpoint))?;
    let storage = torch::storage("torch\nFloatStorage", 0, 16);
    let view = torch::tensor(&storage, 1, &[3, 2], &[2, 5]);
    keep("torch", "view", &[b"\x80\x02", &view[..], b"."].concat())?;
    keep(
        "torch",
        "containers",
        b"\x80\x04]\x94(}\x94(\x8c\x01a\x94K\x01\x8c\x01b\x94\x88uh\x01\x8f\x94(N\x90K\x02\x85e.",
    )?;

    let root = tempfile::tempdir()?;
    for (name, bytes) in Template::new(root.path().join("store")).seeds() {
        keep("store", &name, &bytes)?;
    }
    println_size(&folder)
}

#[allow(clippy::print_stdout, reason = "it prints for the user")]
fn println_size(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut total = 0;
    for target in fs::read_dir(folder)? {
        for file in fs::read_dir(target?.path())? {
            total += file?.metadata()?.len();
        }
    }
    println!("{total} bytes");
    Ok(())
}
