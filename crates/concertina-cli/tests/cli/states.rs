//! States of runs in files, and analyses of files of states.

use super::support::Place;

/// The key of a small run, which is trained.
fn key(place: &Place) -> String {
    place.run_small(&["train"], &["--store", "s", "-q"]).expect_success();
    let listed = place.run(&["runs", "list", "--columns", "key", "--csv", "--store", "s"]).expect_success();
    listed.stdout.lines().nth(1).expect("a run").to_owned()
}

/// Rows of a CSV file without the columns before `timestep`, of timesteps that are not the input.
fn rows(csv: &str, after: &str) -> Vec<String> {
    let header: Vec<&str> = csv.lines().next().expect("a header").split(',').collect();
    let first = header.iter().position(|name| *name == "timestep").expect("timesteps");
    let stage = header.iter().position(|name| *name == "stage");
    let cells = csv.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    cells
        .filter(|cells| stage.is_none_or(|stage| cells[stage] == after) && cells[first] != "-1")
        .map(|cells| cells[first..].join(","))
        .collect()
}

#[test]
fn an_analysis_of_written_states_has_the_numbers_of_the_run() {
    let place = Place::new();
    let key = key(&place);
    for out in ["states.npz", "states.safetensors"] {
        place.run(&["runs", "states", &key, "--out", out, "--store", "s"]).expect_success();
        for name in ["effective_dimension", "cluster_holdout"] {
            let of_run = ["analyse", name, "--run", &key, "--csv", "--store", "s"];
            let of_run = place.run(&of_run).expect_success();
            let of_file = place.run(&["analyse", name, "--states", out, "--csv"]).expect_success();
            let (of_run, of_file) = (rows(&of_run.stdout, "after"), rows(&of_file.stdout, "after"));
            assert_eq!(of_file.len(), 4, "{of_file:?}");
            assert_eq!(of_run, of_file, "{name}, {out}");
        }
    }
    let table = ["analyse", "manifold_capacity", "--states", "states.npz", "--with", "directions=20"];
    place.run(&[&table[..], &["--out", "capacity.parquet"]].concat()).expect_success();
    assert!(place.path("capacity.parquet").is_file());
    let json = place.run(&[&table[..], &["--json", "--with", "timesteps=last"]].concat());
    assert!(json.stdout.contains("\"capacity\""), "{}", json.stdout);

    let again = place.run(&["runs", "states", &key, "--out", "states.npz", "--store", "s"]);
    assert_eq!(again.status, Some(3), "nothing is overwritten: {}", again.stderr);
    let few = ["runs", "states", &key, "--out", "few.npz", "--store", "s", "--timesteps", "1,3"];
    place.run(&[&few[..], &["--checkpoint", "first", "--samples", "50"]].concat()).expect_success();
    let of_few = place.run(&["analyse", "effective_dimension", "--states", "few.npz", "--csv"]);
    let timesteps: Vec<&str> =
        of_few.stdout.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(timesteps, ["1", "3"], "{}", of_few.stdout);
}

#[test]
fn wrong_requests_say_what_to_do() {
    let place = Place::new();
    let key = key(&place);
    place.run(&["runs", "states", &key, "--out", "states.npz", "--store", "s"]).expect_success();
    let wrong = |words: &str, expected: &str, hint: &str| {
        let arguments: Vec<&str> = words.split(' ').collect();
        let said = place.run(&arguments);
        assert_ne!(said.status, Some(0), "{words}");
        assert!(said.stderr.contains(expected) && said.stderr.contains(hint), "{words}: {}", said.stderr);
    };
    wrong(
        "analyse lyapunov --states states.npz",
        "`lyapunov` does not apply to states without their network",
        "analyse the run itself",
    );
    wrong("analyse effective_dimension --states nowhere.npz", "cannot read", "nowhere.npz");
    wrong("analyse effective_dimension gain=20 --states states.npz", "cannot be used with", "--states");
    wrong("analyse effective_dimension --labels states.npz", "--states", "required");
    wrong(
        "analyse effective_dimension --states states.npz --with samples=7",
        "`samples` has no effect on states that are given",
        "leave out `samples`",
    );
    place.write("not.npz", "text");
    wrong("analyse effective_dimension --states not.npz", "not", "not.npz");
    let states = |more: &str| format!("runs states {key} --store s {more}");
    wrong(&states("--out states.csv"), "expected a file name that ends in", "states.npz");
    wrong(&states("--out a.npz --checkpoint ends"), "expected one checkpoint, found 2", "`last`");
    wrong(&states("--out a.npz --timesteps 99"), "expected timesteps from 0 to 3, found 99", "extend_to");
    wrong("runs states ffff --out a.npz --store s", "no run in the store", "runs list");
}
