//! Methods sections: what a paper must say about figures and runs.

use super::support::{Place, SMALL};

/// A methods section without the program and the machine of this test.
fn plain(text: &str) -> String {
    let line = |line: &str| {
        let program = "Networks were trained and analysed with Concertina ";
        if line.starts_with(program) {
            let after = line.split_once(". Results do not").expect("a sentence").1;
            return format!("{program}VERSION on MACHINE. Results do not{after}\n");
        }
        for row in ["| version | ", "| machine | "] {
            if line.starts_with(row) {
                return format!("{row}... |\n");
            }
        }
        format!("{line}\n")
    };
    let (before, _) = text.split_once("## References").expect("references");
    before.lines().map(line).collect()
}

fn methods(place: &Place, arguments: &[&str]) -> String {
    place.run(&[&["methods"], arguments].concat()).expect_success().stdout
}

#[test]
fn of_figure_2() {
    let place = Place::new();
    let text = methods(&place, &["fig2"]);
    for key in ["farrell2022", "gao2017", "benettin1980", "tieleman2012", "wilcoxon1945", "concertina"] {
        assert!(text.contains(&format!("{{{key},")), "{key} is not among the references");
    }
    insta::assert_snapshot!(plain(&text));
    assert!(!place.path("concertina").exists(), "nothing is written");
}

#[test]
fn of_figures_that_were_reproduced_until_decided() {
    let place = Place::new();
    let text = methods(&place, &["fig2", "--until-decided", "--most", "30"]);
    let planned = "to the realisations above, others with the next seeds were added for undecided claims, half as many again at each look, up to 30";
    assert!(text.contains(planned) && text.contains("{lan1983,"), "{text}");
    assert!(!methods(&place, &["fig2"]).contains("group-sequential"));
    let few = place.run(&["methods", "fig2", "--until-decided", "--most", "3"]);
    assert_eq!(few.status, Some(2));
    assert!(few.stderr.contains("`--most`: expected at least 5 realisations"), "{}", few.stderr);
}

#[test]
fn options_of_figures_are_refused_for_runs() {
    let place = Place::new();
    for option in ["--full", "--until-decided"] {
        let said = place.run(&["methods", "gain=20", option]);
        assert_eq!(said.status, Some(2), "{}", said.stderr);
        assert!(said.stderr.contains(&format!("hint: leave out `{option}`")), "{}", said.stderr);
    }
}

#[test]
fn of_a_gru_that_learns_a_flip_flop() {
    let arguments =
        ["kind=gru", "task=flip_flop", "units=64", "optimizer=adam", "scheduler=none", "seed=0..3"];
    insta::assert_snapshot!(plain(&methods(&Place::new(), &arguments)));
}

#[test]
fn of_networks_of_low_rank_and_under_dales_law() {
    let low_rank = ["kind=rate", "task=integration", "rank=2", "gain=1.5", "optimizer=sgd", "momentum=0.9"];
    let low_rank = plain(&methods(&Place::new(), &low_rank));
    let dale =
        ["kind=rate", "task=context", "excitatory=0.8", "density=0.2", "nonlinearity=relu", "unit_noise=0.1"];
    let dale = plain(&methods(&Place::new(), &dale));
    insta::assert_snapshot!(format!("{low_rank}\n\n{dale}"));
}

#[test]
fn of_a_recipe_in_latex() {
    let place = Place::new();
    place.write(
        "own.toml",
        r#"
figure = "own"

[runs.all]
parameters = { task.input_dim = 5, train.epochs = 2 }
sweep = { network.gain = [20, 250] }
seeds = [0, 1, 2]

[[panels]]
letter = "a"
runs = "all"
analysis = { analysis = "effective_dimension", samples = 100 }
checkpoints = "ends"
draw = { x = "timestep", y = "effective_dimension", hue = "gain", style = "stage", band = "mean_sd" }

[[claims]]
name = "compression"
statement = "Training compresses."
table = "a"
value = "effective_dimension"
where = { timestep = 9 }
each = { gain = [20, 250] }
compare = { column = "stage", first = "after", second = "before" }
expect = "less"
test = { every = 3 }
"#,
    );
    let text = methods(&place, &["own.toml", "--format", "latex"]);
    let lines = text.lines().filter(|line| {
        !["Networks were trained and analysed", "version &", "machine &", "%"]
            .iter()
            .any(|start| line.starts_with(start))
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn of_runs_in_the_store_with_the_program_that_trained_them() {
    let place = Place::new();
    place.run_small(&["train", "-q"], &["seed=0..2"]).expect_success();
    let key = place.run(&["runs", "list", "--csv", "--columns", "key"]).expect_success().stdout;
    let keys: Vec<&str> = key.lines().skip(1).map(|key| &key[..12]).collect();
    let text = methods(&place, &[&keys[..], &["--json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let row = |name: &str| -> String {
        let rows = json["table"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}: {text}"));
        row["value"].as_str().expect("text").to_owned()
    };
    assert_eq!((row("runs").as_str(), row("`seed`").as_str()), ("2", "0, 1"));
    let version = row("version");
    assert!(
        version.starts_with(env!("CARGO_PKG_VERSION")) && !version.contains("the store has none"),
        "{version}"
    );
    let unknown = methods(&place, &[&SMALL[..], &["gain=33"]].concat());
    assert!(unknown.contains("the store has none of the runs"), "{unknown}");
}

#[test]
fn every_kind_of_network_task_loss_optimizer_and_schedule_has_its_sentence() {
    let place = Place::new();
    let text = methods(&place, &["kind=vanilla,leaky,gru,lstm,rate,feedforward"]);
    let equations = text.matches("```math").count();
    assert!(equations >= 12, "{equations}: {text}");
    for (parameter, values) in [
        ("task", &["flip_flop", "integration", "context", "match", "sine"][..]),
        ("loss", &["mse", "mse_scalar", "zero"]),
        ("optimizer", &["sgd", "rmsprop", "adam", "sgd_rmsprop"]),
        ("scheduler", &["none", "plateau", "step", "cyclic", "cyclic_halving", "onecycle"]),
        ("nonlinearity", &["tanh", "relu", "linear", "softplus", "sigmoid"]),
        ("init", &["standard", "pytorch"]),
    ] {
        let mut said: Vec<String> =
            values.iter().map(|value| plain(&methods(&place, &[&format!("{parameter}={value}")]))).collect();
        let prose = |text: &String| text.split("## Parameters").next().unwrap_or_default().to_owned();
        said = said.iter().map(prose).collect();
        said.sort();
        said.dedup();
        assert_eq!(said.len(), values.len(), "two values of {parameter} read the same");
    }
}

#[test]
fn of_nothing_that_exists_is_an_error_with_the_nearest_name() {
    let place = Place::new();
    let said = place.run(&["methods", "fig22"]);
    assert_eq!(said.status, Some(2), "{}", said.snapshot());
    assert!(said.stderr.contains("fig22") && said.stderr.contains("hint: "), "{}", said.stderr);
    let said = place.run(&["methods", "0123abc"]);
    assert!(matches!(said.status, Some(2 | 3)), "{}", said.snapshot());
}
