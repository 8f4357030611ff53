//! Every network, with every connectivity, on every task: a run has the same bytes whether it is trained in
//! one go or with interruptions, extended, by one job or two, or exported and imported.

mod support;

use std::path::Path;

use concertina::analyses::AnalysisSpec;
use concertina::model::params::{Params, Sweep, ValidSweep};
use concertina::{CheckpointSelection, Import, Outcome, Source};
use concertina_arrays::Npz;
use ndarray::Array;
use support::{assert_same_store, in_memory, open, stopped_after};

const KINDS: [&str; 6] = ["vanilla", "leaky", "rate", "gru", "lstm", "feedforward"];

const CONNECTIVITIES: [&str; 8] = [
    "train_input=true",
    "rank=2",
    "rank=2 random_part=true gain=1.2",
    "excitatory=0.75",
    "excitatory=0.5 density=0.6 excitatory_readout=true",
    "density=0.4 train_input=true",
    "train_recurrent=false",
    "initial_state=trained",
];

/// Sizes that only some tasks have are given where they apply.
const TASKS: [&str; 7] = [
    "task=clusters input_dim=4 clusters=4 delay=3",
    "task=flip_flop bits=2 timesteps=6",
    "task=integration stimulus=3 delay=2 response=2",
    "task=context stimulus=3 delay=2 response=2",
    "task=match stimuli=3 stimulus=2 delay=2 response=2",
    "task=sine frequencies=3 timesteps=6",
    "task=trials",
];

/// Which combinations the parameters refuse.
fn is_refused(kind: &str, connectivity: &str, task: &str) -> bool {
    match kind {
        "gru" | "lstm" => connectivity.contains("excitatory"),
        "feedforward" => connectivity != CONNECTIVITIES[0] || task != TASKS[0],
        _ => false,
    }
}

/// A few trials that ask which of two inputs was larger.
fn trials(path: &Path) {
    let inputs = Array::from_shape_fn((24, 5, 2), |(trial, step, input)| {
        ((trial * 31 + step * 17 + input * 5) % 13) as f32 / 8.0
    });
    let targets = Array::from_shape_fn(24, |trial| i64::from(inputs[[trial, 0, 0]] > inputs[[trial, 0, 1]]));
    let mut npz = Npz::new();
    npz.array("inputs", &inputs.into_dyn()).expect("added");
    npz.array("targets", &targets.into_dyn()).expect("added");
    std::fs::write(path, npz.finish().expect("an archive")).expect("written");
}

/// One sweep over the kinds for every connectivity and task.
fn sweeps(trials: &Path, epochs: u64) -> Vec<ValidSweep> {
    let mut base = Params::default();
    base.network.units = 8;
    (base.task.train_samples, base.task.val_samples, base.train.batch) = (12, Some(6), 4);
    (base.train.epochs, base.network.unit_noise, base.network.dropout) = (epochs, 1e-3, 0.1);
    let file = format!("file={}", trials.display());
    let mut sweeps = Vec::new();
    for connectivity in CONNECTIVITIES {
        for task in TASKS {
            let words = || {
                let file = (task == "task=trials").then_some(file.as_str());
                connectivity.split_whitespace().chain(task.split_whitespace()).chain(file)
            };
            let mut allowed = Vec::new();
            for kind in KINDS {
                let mut one = base.clone();
                one.set("network.kind", kind).expect("a kind");
                let sweep = Sweep::parse(one, words()).and_then(Sweep::check);
                let refused = is_refused(kind, connectivity, task);
                assert_eq!(sweep.is_err(), refused, "{kind} {connectivity} {task}: {:?}", sweep.err());
                allowed.extend((!refused).then_some(kind));
            }
            let sweep = Sweep::parse(base.clone(), words()).expect("as before").vary("kind", allowed);
            sweeps.push(sweep.check().expect("each kind is valid"));
        }
    }
    sweeps
}

#[test]
fn every_network_has_the_same_bytes_however_it_came_about() {
    let folder = in_memory();
    let file = folder.path().join("trials.npz");
    trials(&file);
    let (short, long) = (sweeps(&file, 1), sweeps(&file, 3));
    // The stores of each connectivity.
    let tasks = TASKS.len();
    for ((short, long), connectivity) in short.chunks(tasks).zip(long.chunks(tasks)).zip(CONNECTIVITIES) {
        have_the_same_bytes(&folder.path().join(connectivity), short, long);
    }
}

/// Trains the sweeps in several ways, in stores below a folder. `short` has fewer epochs than `long`.
fn have_the_same_bytes(folder: &Path, short: &[ValidSweep], long: &[ValidSweep]) {
    let place = |name: &str| folder.join(name);
    let whole = open(&place("whole"), 2);
    for sweep in long {
        let runs = whole.train(sweep).expect("trains");
        assert!(runs.iter().all(|run| *run.outcome() == Outcome::Complete));
    }

    let extended = open(&place("extended"), 1);
    for sweep in short.iter().chain(long) {
        extended.train(sweep).expect("trains");
    }
    assert_same_store(&place("whole"), &place("extended"), "one epoch and two more, by one job");

    for (number, sweep) in long.iter().enumerate() {
        let left =
            stopped_after(&place("interrupted"), 1 + number % 3).train(sweep).expect("the store works");
        assert!(left.iter().any(|run| *run.outcome() == Outcome::Interrupted), "{number}");
        open(&place("interrupted"), 2).train(sweep).expect("trains");
    }
    assert_same_store(&place("whole"), &place("interrupted"), "interrupted and resumed");

    let keys = whole.keys().expect("listed");
    assert_eq!(keys.len(), long.iter().map(|sweep| sweep.len()).sum::<usize>(), "no two are the same run");
    whole.export_all(&keys, &CheckpointSelection::All, &place("exported")).expect("exported");
    let imported = open(&place("imported"), 1);
    let read = Import::of(place("exported")).read().expect("read");
    for read in read.clone() {
        let one = imported.import_read(read).expect("imported");
        assert!(keys.contains(&one.run) && !one.was_there, "{:?}", one.notes);
    }
    assert_same_store(&place("whole"), &place("imported"), "exported and imported");
    // Into the store that has them, nothing is added.
    for read in read {
        assert!(whole.import_read(read).expect("imported").was_there);
    }
    assert_same_store(&place("whole"), &place("imported"), "imported into its own store");
}

/// Part of a run is exported: two checkpoints of four. What is missing is computed, with the bits that it had.
#[test]
fn an_imported_run_is_extended_and_analysed_as_if_it_had_never_left() {
    let folder = in_memory();
    let place = |name: &str| folder.path().join(name);
    let file = place("trials.npz");
    trials(&file);
    let (long, longer) = (sweeps(&file, 3), sweeps(&file, 5));
    let (whole, other) = (open(&place("whole"), 2), open(&place("other"), 2));
    let accuracy = AnalysisSpec::named("loss").expect("an analysis");
    // All kinds of networks with every connectivity, each on another task.
    let chosen = (0..CONNECTIVITIES.len()).map(|one| one * TASKS.len() + one % TASKS.len());
    for number in chosen {
        let runs = whole.train(&long[number]).expect("trains");
        for run in runs.iter() {
            let archive = place(&format!("{}.npz", run.key()));
            whole.export(run.key(), &"0,2".parse().expect("a selection"), &archive).expect("exported");
            assert_eq!(other.import(&Import::of(&archive)).expect("imported").run, *run.key());
        }
        let stored = other.stored_run(&runs.first().key().to_string()).expect("it exists");
        assert_eq!((stored.status, stored.checkpoints.len()), ("complete", 2));
        let all = CheckpointSelection::All;
        let tables = [&whole, &other].map(|study| study.analyse(&long[number], &accuracy, &all));
        let [expected, found] = tables.map(|table| table.expect("analysed").table);
        assert_eq!(expected, found, "{number}: checkpoints that were not exported");
        let extended = [&whole, &other].map(|study| study.train(&longer[number]).expect("trains"));
        for (here, there) in extended[0].iter().zip(extended[1].iter()) {
            assert_eq!(here.source(), Source::Extended);
            assert_eq!(there.history(), here.history(), "{number}");
        }
    }
    assert_same_store(&place("whole"), &place("other"), "exported in part, imported and extended");
}
