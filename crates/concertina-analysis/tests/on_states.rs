//! Analyses of given states are those of the runs that the states come from.

mod common;

use concertina_analysis::{
    Analysis, AnalysisSpec, Between, Error, GivenStates, ManifoldCapacity, PcaSnapshots,
    RepresentationSimilarity, StatesAt, Timestep, Timesteps,
};
use concertina_model::task::Ask;
use concertina_table::Table;
use ndarray::Array2;

fn given(run: &common::Run, samples: usize) -> GivenStates {
    let trials = run.task.trials(Ask::Analysis { count: samples });
    let (_, network) = run.checkpoints.last().expect("a checkpoint");
    let steps = run.params.trial_steps();
    let states = network.states_at(&trials.inputs, &(0..steps).collect::<Vec<_>>()).expect("states");
    GivenStates {
        timesteps: (0..steps as i64).map(Timestep).collect(),
        states: StatesAt::Single(states),
        classes: trials.labels().map(|labels| labels.into_owned()),
        conditions: Some(trials.conditions.clone()),
        seed: run.params.seed,
    }
}

/// The rows of the run's last checkpoint whose states are given, from `timestep` on.
fn of_run(table: &Table, update: i64) -> Table {
    let updates = table.integers("update").expect("there");
    let timesteps = table.integers("timestep").expect("there");
    let kinds = table.has_column("kind").then(|| table.texts("kind").expect("there"));
    let is_readout =
        |row: usize| kinds.as_ref().is_some_and(|kinds| kinds[row].as_deref() == Some("readout"));
    let others = table.has_column("other_timestep").then(|| table.integers("other_timestep").expect("there"));
    let is_of_input =
        |row: usize| timesteps[row] < Some(0) || others.as_ref().is_some_and(|others| others[row] < Some(0));
    let rows = table.filter(|row| updates[row] == Some(update) && !is_of_input(row) && !is_readout(row));
    let names: Vec<&str> = rows.column_names().filter(|name| !["epoch", "update"].contains(name)).collect();
    rows.select(&names).expect("its own columns")
}

fn spec(name: &str, samples: usize) -> AnalysisSpec {
    let text = match name {
        "manifold_capacity" => format!(r#"{{"analysis": "{name}", "samples": {samples}, "directions": 20}}"#),
        "representation_similarity" => {
            format!(r#"{{"analysis": "{name}", "samples": {samples}, "between": "timestep"}}"#)
        }
        _ => format!(r#"{{"analysis": "{name}", "samples": {samples}}}"#),
    };
    serde_json::from_str(&text).expect("settings")
}

#[test]
fn every_analysis_of_states_has_the_bits_of_that_of_the_run() {
    let run = common::Run::trained(common::small());
    let update = run.checkpoints[1].0.update.0 as i64;
    for name in AnalysisSpec::ON_STATES {
        let default = AnalysisSpec::named(name).expect("known");
        let samples =
            serde_json::to_value(&default).expect("plain data")["samples"].as_u64().expect("a count");
        let analysis = spec(name, samples as usize);
        let states = given(&run, samples as usize);
        let found = analysis.run_on_states(&states).expect("it applies");
        let expected = of_run(&analysis.run(&run.subject()).expect("it applies"), update);
        match *name {
            // The components of a timestep have the signs of those of the timestep before, and the run's
            // first is that of the inputs.
            "pca_snapshots" => assert_eq!(found.row_count(), expected.row_count()),
            _ => assert_eq!(found, expected, "{name}"),
        }
    }
}

fn between_timesteps() -> AnalysisSpec {
    RepresentationSimilarity { between: Between::Timestep, ..Default::default() }.into()
}

#[test]
fn checkpoints_cannot_be_compared_without_a_run() {
    let states = given(&common::Run::untrained(common::small()), 40);
    let error = AnalysisSpec::from(RepresentationSimilarity::default()).run_on_states(&states);
    let text = error.expect_err("refused").to_string();
    assert!(
        text.contains("expected `timestep`, because states that are given have no checkpoints"),
        "{text}"
    );
}

#[test]
fn analyses_that_need_more_than_states_are_refused() {
    let run = common::Run::untrained(common::small());
    let states = given(&run, 40);
    for name in AnalysisSpec::NAMES {
        let spec = match *name {
            // without checkpoints, only timesteps can be compared
            "representation_similarity" => between_timesteps(),
            _ => AnalysisSpec::named(name).expect("known"),
        };
        let found = spec.run_on_states(&states);
        assert_eq!(found.is_ok(), AnalysisSpec::ON_STATES.contains(name), "{name}");
        if let Err(error) = found {
            assert!(matches!(error, Error::NotApplicable { .. }), "{error}");
            assert!(error.hint().is_some() && error.to_string().contains("without their network"), "{error}");
        }
    }
    let unlabelled = GivenStates { classes: None, conditions: None, ..states.clone() };
    for name in ["class_distances", "cluster_holdout", "decoding", "manifold_capacity"] {
        let error =
            AnalysisSpec::named(name).expect("known").run_on_states(&unlabelled).expect_err("refused");
        assert!(error.to_string().contains("states without labels"), "{error}");
    }
    let error = spec("effective_dimension", 7).run_on_states(&states).expect_err("refused");
    assert!(error.to_string().contains("`samples` has no effect on states that are given"), "{error}");
}

#[test]
fn timesteps_are_selected_and_wrong_states_are_named() {
    let run = common::Run::untrained(common::small());
    let states = given(&run, 40);
    let at = |timesteps| {
        AnalysisSpec::from(ManifoldCapacity { timesteps, directions: 5, ..Default::default() })
            .run_on_states(&states)
    };
    let last = at(Timesteps::Last).expect("there");
    assert_eq!(last, at(Timesteps::these([4])).expect("there"));
    let error = at(Timesteps::these([9])).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "`manifold_capacity.timesteps`: expected timesteps of the states, from 0 to 4, found 9"
    );
    // labels stand for conditions where there are none
    let of_labels = GivenStates { conditions: states.classes.clone(), ..states.clone() };
    let without = GivenStates { conditions: None, ..states.clone() };
    let analysis: AnalysisSpec = ManifoldCapacity { directions: 5, ..Default::default() }.into();
    assert_eq!(
        analysis.run_on_states(&of_labels).expect("there"),
        analysis.run_on_states(&without).expect("there")
    );

    let one = |states: Array2<f64>| GivenStates {
        timesteps: vec![Timestep(0)],
        states: StatesAt::Double(vec![states]),
        classes: None,
        conditions: None,
        seed: 0,
    };
    let refused = |given: &GivenStates| {
        AnalysisSpec::named("effective_dimension").expect("known").run_on_states(given).expect_err("refused")
    };
    let mut wrong = Array2::<f64>::eye(3);
    wrong[[1, 2]] = f64::INFINITY;
    assert!(refused(&one(wrong)).to_string().contains("found inf at sample 1, unit 2"));
    let error = refused(&one(Array2::zeros((0, 3))));
    assert!(matches!(&error, Error::GivenStates(source) if matches!(**source, Error::Shape { .. })));
    assert!(error.hint().expect("a hint").contains("(trials, timesteps, units)"));
    let single = refused(&one(Array2::zeros((1, 3))));
    assert_eq!(single.hint().as_deref(), Some("give the states of 2 trials or more"));
    let missing = refused(&one(Array2::from_elem((4, 3), f64::NAN)));
    assert_eq!(missing.hint().as_deref(), Some("leave out trials with missing values, or fill these in"));
    let mut few = one(Array2::eye(3));
    few.classes = Some(vec![0; 2]);
    assert_eq!(refused(&few).to_string(), "classes: expected (trials) = (3), one for each state, found [2]");
    let pca =
        AnalysisSpec::from(PcaSnapshots::default()).run_on_states(&one(Array2::eye(3))).expect("a table");
    assert_eq!(pca.row_count(), 3 + 2);
}
