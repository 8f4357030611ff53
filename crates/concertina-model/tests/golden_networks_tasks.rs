//! The trials of tasks, compared with golden numbers that follow from the same random choices.
//!
//! The tolerances are those in the README of the fixtures. Trials in f32 are compared with the same numbers,
//! rounded to f32.

use concertina_model::task::{
    Evidence, Inputs, Mask, Number, Targets, Trials, context, flip_flop, integration, r#match, sine,
};
use concertina_testing::compare::assert_close;
use concertina_testing::golden::{Fixture, networks};
use ndarray::{Array2, Array3, ArrayView2, Ix2, Ix3};

/// A task in the fixture.
struct Of<'a> {
    fixture: &'a Fixture,
    task: &'static str,
}

/// A number type with its tolerances for inputs and targets.
trait Compared: Number + Copy + Into<f64> {
    const INPUTS: f64;
    const TARGETS: f64;
}

impl Compared for f64 {
    const INPUTS: f64 = 1e-14;
    const TARGETS: f64 = 1e-12;
}

/// One unit in the last place of numbers below 8.
impl Compared for f32 {
    const INPUTS: f64 = 5e-7;
    const TARGETS: f64 = 5e-7;
}

impl Of<'_> {
    fn name(&self, array: &str) -> String {
        format!("{}.{array}", self.task)
    }

    fn cube(&self, array: &str) -> Array3<f64> {
        self.fixture.f64(&self.name(array)).into_dimensionality::<Ix3>().expect("(trial, step, line)")
    }

    fn integers(&self, array: &str) -> Vec<u32> {
        self.fixture.i64(&self.name(array)).into_iter().map(|number| number as u32).collect()
    }

    fn pairs(&self, array: &str) -> Array2<u32> {
        let array = self.fixture.i64(&self.name(array)).into_dimensionality::<Ix2>();
        array.expect("(trial, line)").mapv(|number| number as u32)
    }

    fn setting(&self, name: &str) -> f64 {
        self.fixture.scalar(&self.name(&format!("cfg.{name}")))
    }

    fn count(&self, name: &str) -> usize {
        self.setting(name) as usize
    }

    fn evidence(&self) -> Evidence {
        Evidence {
            coherences: self.fixture.f64(&self.name("coherences")).into_iter().collect(),
            noise: self.setting("noise"),
            stimulus: self.count("stimulus"),
            delay: self.count("delay"),
            response: self.count("response"),
        }
    }

    /// Compares inputs, mask, conditions, and targets where the loss counts.
    fn assert_agrees<T: Compared>(&self, trials: &Trials<T>) {
        let Inputs::Timed(inputs) = &trials.inputs else { panic!("inputs at every timestep") };
        let expected = self.cube("inputs").mapv(T::rounded);
        assert_close(
            &self.name("inputs"),
            inputs.mapv(T::into).view(),
            expected.mapv(T::into).view(),
            T::INPUTS,
        );
        let (count, timesteps, _) = inputs.dim();
        assert_eq!(timesteps, self.count("T"));
        let mask = match &trials.mask {
            Mask::Last(last) => {
                Array2::from_shape_fn((count, timesteps), |(_, step)| step + last >= timesteps)
            }
            Mask::At(mask) => mask.clone(),
        };
        assert_eq!(mask.mapv(u32::from), self.pairs("mask"), "{}", self.task);
        assert_eq!(trials.conditions, self.integers("condition"), "{}", self.task);
        match &trials.targets {
            Targets::Class(classes) => self.assert_classes(classes, mask.view()),
            Targets::Real(targets) => {
                let expected = self.cube("targets").mapv(T::rounded);
                let targets = targets.mapv(T::into);
                assert_close(
                    &self.name("targets"),
                    targets.view(),
                    expected.mapv(T::into).view(),
                    T::TARGETS,
                );
            }
            Targets::ClassAt(_) => panic!("no task has these"),
        }
    }

    fn assert_classes(&self, classes: &[u32], mask: ArrayView2<'_, bool>) {
        for ((trial, step), expected) in self.pairs("targets").indexed_iter() {
            assert!(!mask[[trial, step]] || classes[trial] == *expected, "{}: {trial}, {step}", self.task);
        }
    }
}

/// Opens the part of a task, and compares its trials in both precisions.
macro_rules! compare {
    ($task:literal, $of:ident => $trials:expr) => {
        let Some(fixture) = networks::open("tasks", &[concat!($task, ".*")]) else { return };
        let $of = Of { fixture: &fixture, task: $task };
        let double: Trials<f64> = $trials;
        $of.assert_agrees(&double);
        let single: Trials<f32> = $trials;
        $of.assert_agrees(&single);
        fixture.finish();
    };
}

#[test]
fn golden_networks_flip_flops_follow_from_their_pulses() {
    let Some(fixture) = networks::open("tasks", &["flip_flop.*"]) else { return };
    let of = Of { fixture: &fixture, task: "flip_flop" };
    let pulses = of.cube("inputs");
    assert!(pulses.iter().all(|pulse| [-1.0, 0.0, 1.0].contains(pulse)));
    assert_eq!(pulses.dim().2, of.count("bits"));
    of.assert_agrees(&flip_flop::trials(pulses.mapv(|pulse| pulse as f32)));
    fixture.ignore("flip_flop.cfg.pulse", "pulses are given");
    fixture.finish();
}

#[test]
fn golden_networks_integration_follows_from_coherences_and_noise() {
    compare!("integration", of => integration::trials(
        &of.evidence(),
        &of.integers("coherence_index"),
        of.cube("z").view(),
    ));
}

#[test]
fn golden_networks_context_follows_from_coherences_attended_lines_and_noise() {
    compare!("context", of => context::trials(
        &of.evidence(),
        &of.integers("attended"),
        of.pairs("coherence_index").view(),
        of.cube("z").view(),
    ));
}

#[test]
fn golden_networks_match_follows_from_its_items() {
    compare!("match", of => {
        let [sample, delay, test] = ["sample", "delay", "test"].map(|period| of.count(period));
        let (first, second) = (of.integers("sample_item"), of.integers("test_item"));
        let items: Vec<[u32; 2]> = first.into_iter().zip(second).map(<[u32; 2]>::from).collect();
        r#match::trials(of.count("stimuli"), r#match::Periods { sample, delay, test }, &items)
    });
}

#[test]
fn golden_networks_sine_follows_from_its_frequencies() {
    compare!("sine", of => {
        let frequencies = of.fixture.f64("sine.frequencies");
        assert_eq!(frequencies.len(), of.count("frequencies"));
        for (index, expected) in frequencies.iter().enumerate() {
            let found = sine::frequency(frequencies.len(), index as u32);
            assert!((found - expected).abs() < 1e-15, "{index}: {found} and {expected}");
        }
        sine::trials(of.count("frequencies"), of.count("T"), &of.integers("frequency_index"))
    });
}
