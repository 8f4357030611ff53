//! The number of a trial's condition says what was shown in the trial.

use concertina_model::params::{Params, TaskKind};
use concertina_model::task::{self, Ask, Condition, Inputs, Targets, Trials};
use ndarray::Array3;

/// Trials of a task for an analysis, with their inputs and what their conditions consist of. Evidence has
/// almost no noise.
fn shown(kind: TaskKind, ask: Ask) -> (Trials, Array3<f32>, Vec<Condition>) {
    let mut params = Params::default();
    (params.task.kind, params.task.noise) = (kind, 1e-9);
    (params.task.stimuli, params.task.frequencies) = (4, 7);
    params.task.train_samples = 2000;
    let task = task::of(&params.check().expect("valid")).expect("a task");
    let trials = task.trials(ask);
    let conditions: Vec<Condition> = trials.conditions.iter().map(|number| task.condition(*number)).collect();
    let Inputs::Timed(inputs) = trials.inputs.clone() else { panic!("inputs at every timestep") };
    assert_eq!(inputs.dim().0, conditions.len());
    (trials, inputs, conditions)
}

const MANY: Ask = Ask::Analysis { count: 300 };

fn close(found: f32, expected: Option<f64>) -> bool {
    expected.is_some_and(|expected| (f64::from(found) - expected).abs() < 1e-6)
}

#[test]
fn evidence_has_the_coherence_of_its_condition() {
    let (_, inputs, conditions) = shown(TaskKind::Integration, MANY);
    for (trial, condition) in conditions.iter().enumerate() {
        assert!(close(inputs[[trial, 0, 0]], condition.coherence), "{condition:?}");
    }
    let (_, inputs, conditions) = shown(TaskKind::Context, MANY);
    for (trial, condition) in conditions.iter().enumerate() {
        let attended = condition.attended.expect("one line is attended") as usize;
        assert_eq!([inputs[[trial, 0, 2 + attended]], inputs[[trial, 0, 3 - attended]]], [1.0, 0.0]);
        assert!(close(inputs[[trial, 0, attended]], condition.coherence), "{condition:?}");
        assert!(close(inputs[[trial, 0, 1 - attended]], condition.other_coherence), "{condition:?}");
    }
}

#[test]
fn items_are_those_of_the_condition_and_are_the_same_in_half_of_the_trials() {
    for ask in [MANY, Ask::Training(0)] {
        let (trials, inputs, conditions) = shown(TaskKind::Match, ask);
        let Targets::Class(classes) = &trials.targets else { panic!("classes") };
        let last = inputs.dim().1 - 1;
        for (trial, condition) in conditions.iter().enumerate() {
            let items = [condition.sample, condition.test].map(|item| item.expect("two items") as usize);
            assert_eq!([inputs[[trial, 0, items[0]]], inputs[[trial, last, items[1]]]], [1.0, 1.0]);
            assert_eq!(classes[trial], u32::from(items[0] == items[1]));
        }
        if ask == Ask::Training(0) {
            let share = classes.iter().sum::<u32>() as f64 / classes.len() as f64;
            assert!((share - 0.5).abs() < 0.05, "{share} of {} trials", classes.len());
        }
    }
}

#[test]
fn a_sine_has_the_frequency_of_its_condition() {
    let (trials, _, conditions) = shown(TaskKind::Sine, MANY);
    let Targets::Real(targets) = &trials.targets else { panic!("real targets") };
    for (trial, condition) in conditions.iter().enumerate() {
        assert!(close(targets[[trial, 1, 0]], condition.frequency.map(f64::sin)), "{condition:?}");
    }
}
