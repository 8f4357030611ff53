//! Sweeps on a GPU: the same bits whatever happens, and an end on the CPU if the device does not work.

#[path = "support/law.rs"]
mod law;
mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use concertina::analyses::AnalysisSpec;
use concertina::model::params::{Arithmetic, Sweep, ValidSweep};
use concertina::prelude::*;
use concertina::store::RunKey;
use concertina::{Event, EventKind, Observer, Runs, Source};
use concertina_gpu::{Device, faults};
use support::{assert_same_store, in_memory, one, small};

/// The devices of a process are shared, and so are the faults that are injected: one test at a time.
fn devices() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    let guard = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    faults::lose_after(u64::MAX);
    faults::limit_networks(u64::MAX);
    faults::pretend(false, 0);
    guard
}

/// Keeps what was said, and requests a stop after some epochs.
struct Watch {
    said: Mutex<Vec<(bool, String)>>,
    epochs_left: AtomicUsize,
    flag: Arc<AtomicBool>,
}

impl Observer for Watch {
    fn observe(&self, event: &Event) {
        let said =
            |warning, message: &String| self.said.lock().expect("no panic").push((warning, message.clone()));
        match &event.kind {
            EventKind::Warning { message } => said(true, message),
            EventKind::Note { message } => said(false, message),
            EventKind::Trained { .. } if self.epochs_left.fetch_sub(1, Ordering::SeqCst) == 1 => {
                self.flag.store(true, Ordering::SeqCst);
            }
            _ => {}
        }
    }
}

/// A study in a folder, on a device. It stops after this many epochs of all runs together.
fn study(folder: &Path, device: DeviceChoice, epochs: usize) -> (Study, Arc<Watch>) {
    let flag = Arc::new(AtomicBool::new(false));
    let watch =
        Arc::new(Watch { said: Mutex::default(), epochs_left: epochs.into(), flag: Arc::clone(&flag) });
    let builder = Study::builder(folder).device(device).observer(watch.clone()).cancel(flag);
    (builder.open().expect("a store"), watch)
}

const GPU: DeviceChoice = DeviceChoice::Gpu(None);

/// Trains a sweep, and returns the runs, the warnings and the notes.
fn train(folder: &Path, device: DeviceChoice, sweep: &ValidSweep) -> (Runs, Vec<String>, Vec<String>) {
    let (study, watch) = study(folder, device, usize::MAX);
    let runs = study.train(sweep).expect("the sweep ends");
    let said = std::mem::take(&mut *watch.said.lock().expect("no panic"));
    let (warnings, notes): (Vec<_>, Vec<_>) = said.into_iter().partition(|(warning, _)| *warning);
    let texts = |said: Vec<(bool, String)>| said.into_iter().map(|(_, text)| text).collect();
    (runs, texts(warnings), texts(notes))
}

/// Runs of one shape that differ in whatever may differ.
fn sweep(epochs: u64) -> ValidSweep {
    let mut params = small();
    params.train.epochs = epochs;
    (params.network.unit_noise, params.train.gradient_noise) = (0.05, 1e-4);
    Sweep::of(params).gain([20.0, 60.0, 250.0]).seeds([0, 1]).check().expect("valid parameters")
}

fn keys(runs: &Runs) -> Vec<RunKey> {
    runs.iter().map(|run| *run.key()).collect()
}

fn on_gpu(sweep: &ValidSweep) -> Vec<RunKey> {
    sweep.iter().map(|params| GPU.keys_of(params)[0]).collect()
}

fn on_cpu(sweep: &ValidSweep) -> Vec<RunKey> {
    sweep.iter().map(|params| DeviceChoice::Cpu.keys_of(params)[0]).collect()
}

fn assert_all_complete(runs: &Runs) {
    for run in runs.iter() {
        assert_eq!(*run.outcome(), Outcome::Complete, "{}", run.key());
    }
}

/// The name of the device, as provenance has it; `None` for the CPU.
fn device_of(study: &Study, key: RunKey) -> Option<String> {
    let stored = study.stored_run(&key.to_string()).expect("it is stored");
    let sessions = stored.provenance.expect("it was trained")["training"].clone();
    let last = sessions.as_array().expect("a list").last().expect("a session").clone();
    last.get("device").map(|device| device.as_str().expect("text").to_owned())
}

#[test]
fn a_run_on_a_gpu_has_a_key_of_its_own_and_its_device_in_its_provenance() {
    let _devices = devices();
    let folder = in_memory();
    let sweep = sweep(2);
    let (runs, warnings, notes) = train(folder.path(), GPU, &sweep);
    assert_all_complete(&runs);
    assert_eq!((warnings, notes), (Vec::new(), Vec::new()));
    assert_eq!(keys(&runs), on_gpu(&sweep));
    assert!(runs.iter().all(|run| run.params().train.arithmetic == Arithmetic::Gpu));
    let both: BTreeSet<RunKey> = on_gpu(&sweep).into_iter().chain(on_cpu(&sweep)).collect();
    assert_eq!(both.len(), 12);
    assert_eq!(DeviceChoice::Auto.keys_of(&sweep[0]), [on_cpu(&sweep)[0], on_gpu(&sweep)[0]]);
    let name = Device::open(None).expect("a device").info().name.clone();
    let (study, _) = study(folder.path(), DeviceChoice::Cpu, usize::MAX);
    for key in keys(&runs) {
        let device = device_of(&study, key).expect("a GPU trained it");
        assert!(device.starts_with(&name), "{device}");
    }
    // the run on the CPU is another one, and is not loaded from it
    let cpu = study.train(&sweep).expect("trained");
    assert_eq!(keys(&cpu), on_cpu(&sweep));
    assert!(cpu.iter().all(|run| run.source() == Source::Trained));
    assert_eq!(device_of(&study, *cpu.first().key()), None);
    // and the second time, both are loaded
    let (again, ..) = train(folder.path(), GPU, &sweep);
    assert_eq!(keys(&again), on_gpu(&sweep));
    assert!(again.iter().all(|run| run.source() == Source::Loaded));
}

#[test]
fn a_sweep_on_a_gpu_that_is_interrupted_after_any_epoch_is_resumed_with_the_same_bits() {
    let _devices = devices();
    let folder = in_memory();
    let sweep = sweep(4);
    let whole = folder.path().join("whole");
    assert_all_complete(&train(&whole, GPU, &sweep).0);
    for stop in [1, 6, 7, 13, 18] {
        let parts = folder.path().join(stop.to_string());
        let runs = study(&parts, GPU, stop).0.train(&sweep).expect("it stops");
        assert!(runs.iter().any(|run| *run.outcome() == Outcome::Interrupted), "{stop}");
        assert_all_complete(&train(&parts, GPU, &sweep).0);
        assert_same_store(&parts, &whole, &format!("interrupted after {stop} epochs"));
    }
}

#[test]
fn a_run_on_a_gpu_is_extended_with_the_bits_of_a_longer_run_in_any_cohort() {
    let _devices = devices();
    let folder = in_memory();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    assert_all_complete(&train(&whole, GPU, &sweep(5)).0);
    train(&parts, GPU, &sweep(2));
    for params in sweep(5).iter().step_by(2) {
        assert_all_complete(&train(&parts, GPU, &one(params.clone().into_params())).0);
    }
    assert_all_complete(&train(&parts, GPU, &sweep(5)).0);
    assert_same_store(&parts, &whole, "2 epochs and 3 more compared with 5");
}

#[test]
fn runs_of_different_lengths_and_runs_that_stop_early_leave_the_cohort_when_they_end() {
    let _devices = devices();
    let folder = in_memory();
    let mut params = small();
    (params.train.epochs, params.train.stop_after) = (40, Some(1));
    params.train.learning_rate = 0.01;
    let sweep = Sweep::of(params).seeds(0..4).check().expect("valid parameters");
    let together = folder.path().join("together");
    let (runs, ..) = train(&together, GPU, &sweep);
    assert_all_complete(&runs);
    let epochs: BTreeSet<usize> = runs.iter().map(|run| run.history().len()).collect();
    assert!(epochs.len() > 1, "they end at different epochs: {epochs:?}");
    let alone = folder.path().join("alone");
    for params in sweep.iter() {
        train(&alone, GPU, &one(params.clone().into_params()));
    }
    assert_same_store(&together, &alone, "four runs together compared with one by one");
}

#[test]
fn analyses_during_training_on_a_gpu_agree_with_analyses_of_the_stored_run() {
    let _devices = devices();
    let folder = in_memory();
    let question: AnalysisSpec = EffectiveDimension { samples: 40, ..Default::default() }.into();
    let during = folder.path().join("during");
    let (study_during, _) = study(&during, GPU, usize::MAX);
    let expected = study_during.analyse(&sweep(2), &question, &CheckpointSelection::All).expect("analysed");
    let after = folder.path().join("after");
    train(&after, GPU, &sweep(2));
    let (study_after, _) = study(&after, GPU, usize::MAX);
    let found = study_after.analyse(&sweep(2), &question, &CheckpointSelection::All).expect("analysed");
    assert_eq!(found.table, expected.table);
    assert!(found.runs.iter().all(|run| run.source() == Source::Loaded));
    // a run that a GPU trained is also analysed where there is none
    let key = found.runs.first().key().to_string();
    let (study_cpu, _) = study(&after, DeviceChoice::Cpu, usize::MAX);
    let stored = study_cpu.stored_sweep([key.as_str()]).expect("it is stored");
    let again = study_cpu.analyse(&stored, &question, &CheckpointSelection::All).expect("analysed");
    assert_eq!(again.runs.first().source(), Source::Loaded);
}

#[test]
fn a_sweep_whose_device_is_lost_ends_on_the_cpu_and_loses_nothing_that_is_stored() {
    let _devices = devices();
    let folder = in_memory();
    let (cpu, gpu) = (folder.path().join("cpu"), folder.path().join("gpu"));
    assert_all_complete(&train(&cpu, DeviceChoice::Cpu, &sweep(3)).0);
    assert_all_complete(&train(&gpu, GPU, &sweep(3)).0);
    for launches in [0, 1, 3, 4] {
        let store = folder.path().join(format!("lost_{launches}"));
        train(&store, GPU, &sweep(1));
        let before = support::contents(&store);
        faults::lose_after(launches);
        let (runs, warnings, _) = train(&store, GPU, &sweep(3));
        assert_all_complete(&runs);
        assert_eq!(keys(&runs), on_cpu(&sweep(3)), "lost after {launches} launches");
        let [warning] = &warnings[..] else { panic!("{warnings:?}") };
        assert!(warning.contains("stopped working"), "{warning}");
        assert!(warning.ends_with("; 6 runs are trained on the CPU"), "{warning}");
        // what was there is still there, and continues when the device works again
        let after = support::contents(&store);
        for path in before.keys() {
            assert!(after.contains_key(path), "{} is gone", path.display());
        }
        let (runs, warnings, _) = train(&store, GPU, &sweep(3));
        assert_eq!((keys(&runs), warnings), (on_gpu(&sweep(3)), Vec::new()));
        assert!(runs.iter().all(|run| matches!(run.source(), Source::Extended | Source::Resumed)));
        for (root, only) in [(&cpu, on_cpu(&sweep(3))), (&gpu, on_gpu(&sweep(3)))] {
            let (expected, found) = (study(root, GPU, 1).0, study(&store, GPU, 1).0);
            for key in only.iter().map(ToString::to_string) {
                let stored = |study: &Study| study.stored_run(&key).expect("it is stored").folder;
                assert_same_store(&stored(&found), &stored(&expected), &format!("run {key}"));
            }
        }
    }
}

#[test]
fn a_sweep_that_asks_for_the_arithmetic_of_a_gpu_fails_with_a_hint_if_the_device_is_lost() {
    let _devices = devices();
    let folder = in_memory();
    let mut params = small();
    params.train.arithmetic = Arithmetic::Gpu;
    for device in [DeviceChoice::Cpu, GPU] {
        faults::lose_after(3);
        let (runs, warnings, _) = train(folder.path(), device, &one(params.clone()));
        let Outcome::Failed { message, hint } = runs.first().outcome() else { panic!("it has no device") };
        assert!(message.contains("stopped working"), "{message}");
        assert!(hint.as_ref().is_some_and(|hint| hint.to_string().contains("`train.arithmetic`")));
        assert_eq!(warnings, Vec::<String>::new());
    }
    assert_all_complete(&train(folder.path(), DeviceChoice::Cpu, &one(params)).0);
}

#[test]
fn a_cohort_that_does_not_fit_into_memory_is_halved_and_has_the_same_bits() {
    let _devices = devices();
    let folder = in_memory();
    let whole = folder.path().join("whole");
    train(&whole, GPU, &sweep(2));
    for most in [1, 2, 5] {
        faults::limit_networks(most);
        let store = folder.path().join(most.to_string());
        let (runs, warnings, _) = train(&store, GPU, &sweep(2));
        assert_eq!((keys(&runs), warnings), (on_gpu(&sweep(2)), Vec::new()));
        assert_same_store(&store, &whole, &format!("at most {most} networks together"));
    }
}

#[test]
fn runs_that_do_not_fit_into_the_memory_of_a_device_are_trained_on_the_cpu() {
    let _devices = devices();
    let folder = in_memory();
    faults::limit_networks(0);
    let (runs, warnings, _) = train(folder.path(), GPU, &sweep(2));
    assert_all_complete(&runs);
    assert_eq!(keys(&runs), on_cpu(&sweep(2)));
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(
        warning.ends_with("has too little memory for 1 networks; 6 runs are trained on the CPU"),
        "{warning}"
    );
}

#[test]
fn what_the_kernels_do_not_compute_is_trained_on_the_cpu_run_by_run() {
    let _devices = devices();
    let folder = in_memory();
    let kinds = ["tanh", "softplus", "relu"];
    let sweep = Sweep::of(small()).vary("network.nonlinearity", kinds).check().expect("valid parameters");
    let (runs, warnings, _) = train(folder.path(), GPU, &sweep);
    assert_all_complete(&runs);
    let arithmetic: Vec<_> = runs.iter().map(|run| run.params().train.arithmetic).collect();
    assert_eq!(arithmetic, [Arithmetic::Gpu, Arithmetic::Cpu, Arithmetic::Gpu]);
    let expected =
        "the kernels for GPUs do not compute `network.nonlinearity = softplus`; 1 run is trained on the CPU";
    assert_eq!(warnings, [expected]);
}

#[test]
fn a_number_without_a_device_is_refused_and_the_runs_are_trained_on_the_cpu() {
    let _devices = devices();
    let folder = in_memory();
    let (runs, warnings, _) = train(folder.path(), DeviceChoice::Gpu(Some(99)), &one(small()));
    assert_eq!(keys(&runs), on_cpu(&one(small())));
    let [warning] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.starts_with("expected the number of a GPU, below "), "{warning}");
    assert!(warning.ends_with(", found 99; all runs are trained on the CPU"), "{warning}");
}

#[test]
fn auto_says_what_it_chose_and_why() {
    let _devices = devices();
    let folder = in_memory();
    let choose = |name: &str, sweep: &ValidSweep| {
        let (runs, warnings, notes) = train(&folder.path().join(name), DeviceChoice::Auto, sweep);
        assert_all_complete(&runs);
        assert_eq!(notes.len() + warnings.len(), 1, "{notes:?} {warnings:?}");
        (keys(&runs), notes, warnings)
    };
    let sweep = sweep(2);
    // a software device is no gain
    let (found, notes, _) = choose("software", &sweep);
    assert_eq!(found, on_cpu(&sweep));
    assert!(notes[0].ends_with(" is a software device; all runs are trained on the CPU"), "{notes:?}");
    // a card that is too slow, and one that is so fast that the sweep is too short for it
    for rate in [1, 1_000_000_000] {
        faults::pretend(true, rate);
        let (found, notes, _) = choose(&format!("rate_{rate}"), &sweep);
        assert_eq!(found, on_cpu(&sweep));
        assert!(notes[0].starts_with("6 runs are trained on the CPU, which takes about "), "{notes:?}");
    }
    // a fast card and a long sweep: it would begin on the card, which is lost
    let mut long = sweep[0].clone().into_params();
    long.train.epochs = 4_000_000;
    faults::pretend(true, 1_000_000_000_000);
    let (study, watch) = study(&folder.path().join("long"), DeviceChoice::Auto, 2);
    let runs = study.train(&one(long.clone())).expect("it is interrupted");
    assert_eq!(keys(&runs), on_gpu(&one(long)));
    let said = watch.said.lock().expect("no panic").clone();
    let [(false, note)] = &said[..] else { panic!("{said:?}") };
    assert!(note.starts_with("1 run is trained on ") && note.contains(" instead of "), "{note}");
    // a card that is lost while it is measured
    faults::pretend(true, 0);
    faults::lose_after(2);
    let (found, _, warnings) = choose("lost", &sweep);
    assert_eq!(found, on_cpu(&sweep));
    assert!(warnings[0].contains("stopped working"), "{warnings:?}");
    // what is stored is not trained again on another device
    faults::pretend(false, 0);
    let stored = folder.path().join("stored");
    train(&stored, GPU, &sweep);
    faults::pretend(true, 1);
    let (runs, warnings, notes) = train(&stored, DeviceChoice::Auto, &sweep);
    assert_eq!((keys(&runs), warnings, notes), (on_gpu(&sweep), Vec::new(), Vec::new()));
    assert!(runs.iter().all(|run| run.source() == Source::Loaded));
    faults::pretend(false, 0);
}

#[test]
fn effective_dimensions_and_accuracies_agree_in_law_with_those_of_the_cpu() {
    let _devices = devices();
    let mut params = Params::default();
    (params.network.units, params.task.input_dim, params.task.clusters) = (40, 40, 20);
    (params.task.train_samples, params.task.val_samples) = (300, Some(30));
    (params.train.epochs, params.train.learning_rate) = (4, 1e-3);
    law::agrees_in_law(&params);
}
