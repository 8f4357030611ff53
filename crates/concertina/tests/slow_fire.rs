//! Training on failing file systems, with hosts that do not see each other, and in damaged stores. Slow; run
//! it by name:
//!
//! ```sh
//! cargo test --release -p concertina --test slow_fire -- --nocapture
//! ```
//!
//! `CONCERTINA_ROUNDS=10` runs ten times as many rounds.

#![allow(clippy::print_stdout, reason = "a slow test is run for its counts")]

mod support;

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use concertina::analyses::AnalysisSpec;
use concertina::model::params::{Sweep, ValidSweep};
use concertina::store::{Durability, FindingKind, StepHook, StoreOptions};
use concertina::{CheckpointSelection, ErrorKind, Outcome, Study};
use support::{contents, copied, small};

fn rounds(usual: usize) -> usize {
    let times = std::env::var("CONCERTINA_ROUNDS").ok().and_then(|text| text.parse().ok());
    usual * times.unwrap_or(1)
}

/// A temporary folder, in memory if the system has such a place.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::TempDir::new_in(memory) } else { tempfile::TempDir::new() };
    made.expect("a temporary folder")
}

fn sweep() -> ValidSweep {
    Sweep::of(small()).gain([20.0, 250.0]).seeds(0..2).check().expect("valid")
}

fn study(root: &Path, options: StoreOptions) -> concertina::Result<Study> {
    let jobs = NonZeroUsize::new(2).expect("not zero");
    Study::builder(root).jobs(jobs).store_options(options).open()
}

/// Trains and analyses, so that the store has every kind of file.
fn work(study: &Study) -> concertina::Result<Vec<Outcome>> {
    let runs = study.train(&sweep())?;
    let accuracy = AnalysisSpec::named("accuracy")?;
    study.analyse(&sweep(), &accuracy, &CheckpointSelection::All)?;
    Ok(runs.iter().map(|run| run.outcome().clone()).collect())
}

/// Continues training from the state to resume from.
fn train_on(study: &Study) {
    let mut longer = small();
    longer.train.epochs += 2;
    let longer = Sweep::of(longer).gain([20.0, 250.0]).seeds(0..2).check().expect("valid");
    study.train(&longer).expect("trains on");
}

/// A store, and the same store after further training.
fn references() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let (folder, store) = reference();
    let further = folder.path().join("further");
    copied(&store, &further);
    train_on(&study(&further, StoreOptions::new()).expect("opens"));
    (folder, store, further)
}

fn reference() -> (tempfile::TempDir, PathBuf) {
    let folder = scratch();
    let root = folder.path().join("store");
    work(&study(&root, StoreOptions::new()).expect("a new store")).expect("nothing fails");
    (folder, root)
}

/// Lets steps fail for whose numbers `fails` is true.
fn failing(raw: i32, fails: impl Fn(usize) -> bool + Send + Sync + 'static) -> (StepHook, Arc<AtomicUsize>) {
    let steps = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&steps);
    let hook: StepHook = Arc::new(move |_, _| match fails(count.fetch_add(1, Ordering::SeqCst)) {
        true => Err(io::Error::from_raw_os_error(raw)),
        false => Ok(()),
    });
    (hook, steps)
}

/// Checks that nothing is damaged, and that continuing without failures ends with the same bytes.
fn check_continuation(root: &Path, reference: &Path, what: &str) {
    if let Ok(reader) = Study::builder(root).read_only() {
        let found = reader.verify().expect("verified");
        let damaged: Vec<_> = found.iter().filter(|one| one.kind == FindingKind::Damaged).collect();
        assert!(damaged.is_empty(), "{what}: {damaged:?}");
    }
    let again = study(root, StoreOptions::new()).expect("opens");
    let outcomes = work(&again).expect("nothing fails any more");
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Complete), "{what}: {outcomes:?}");
    // This process is still alive, so a claim that could not be removed is not swept.
    let mut store = contents(root);
    store.retain(|path, _| !path.starts_with("claims"));
    assert_same_contents(&store, &contents(reference), what);
}

#[test]
fn a_file_system_that_fails_at_every_kth_call_causes_only_errors() {
    let (_folder, reference) = reference();
    let (hook, steps) = failing(5, |_| false);
    let folder = scratch();
    work(&study(&folder.path().join("store"), StoreOptions::new().step_hook(hook)).expect("opens"))
        .expect("works");
    let steps = steps.load(Ordering::SeqCst);
    let (mut failures, mut lives) = (0, 0);
    // Input/output error, disk full, read-only, permission denied. The second loop has a disk that is broken
    // for good.
    for raw in [5, 28, 30, 13] {
        for kth in (2..40).step_by(3).chain((40..steps).step_by(29 / rounds(1).min(29))) {
            let folder = scratch();
            let root = folder.path().join("store");
            let (hook, _) = failing(raw, move |step| (step + 1).is_multiple_of(kth));
            let lived = study(&root, StoreOptions::new().step_hook(hook)).and_then(|study| work(&study));
            if let Err(error) = lived {
                assert_eq!(error.kind(), ErrorKind::Store, "{error}");
                failures += 1;
            }
            lives += 1;
            check_continuation(&root, &reference, &format!("error {raw} at every {kth}th of {steps} calls"));
        }
    }
    for first in (0..steps).step_by(8 / rounds(1).min(8)) {
        let folder = scratch();
        let root = folder.path().join("store");
        let (hook, _) = failing(5, move |step| step >= first);
        let lived = study(&root, StoreOptions::new().step_hook(hook)).and_then(|study| work(&study));
        failures += usize::from(lived.is_err());
        lives += 1;
        check_continuation(&root, &reference, &format!("broken from call {first} of {steps} on"));
    }
    println!(
        "counted: {lives} lives on a failing file system of {steps} calls each, {failures} ended with an error, none lost anything"
    );
}

/// The child of the test below: a host that takes every claim for dead, as if it could not see its heartbeat.
#[test]
#[ignore = "a child process of another test"]
fn a_host_that_sees_no_heartbeat() {
    let Ok(root) = std::env::var("STORE_TEST_ROOT") else { return };
    let options = StoreOptions::new().claim_timeout(Duration::ZERO).durability(Durability::Process);
    let runs = study(Path::new(&root), options).expect("opens").train(&wide_sweep()).expect("trains");
    let trained = runs.iter().filter(|run| run.source() == concertina::Source::Trained).count();
    std::fs::write(format!("{root}.{}", std::process::id()), trained.to_string()).expect("written");
}

fn wide_sweep() -> ValidSweep {
    Sweep::of(small()).gain([20.0, 250.0]).seeds(0..10).check().expect("valid")
}

#[test]
fn hosts_that_do_not_see_each_others_heartbeat_leave_the_same_store_as_one_host() {
    let folder = scratch();
    let one = folder.path().join("one");
    study(&one, StoreOptions::new()).expect("opens").train(&wide_sweep()).expect("trains");
    let (mut trained, races) = (0, rounds(20));
    for race in 0..races {
        let root = folder.path().join(format!("store{race}"));
        let children: Vec<_> = (0..2 + race % 3)
            .map(|_| {
                let mut command = Command::new(std::env::current_exe().expect("this test"));
                command.args(["--exact", "a_host_that_sees_no_heartbeat", "--ignored"]);
                command.env("STORE_TEST_ROOT", &root).stdout(Stdio::piped()).stderr(Stdio::piped());
                command.spawn().expect("it runs")
            })
            .collect();
        for child in children {
            let output = child.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
        let mut store = contents(&root);
        store.retain(|path, _| !path.starts_with("claims"));
        assert_same_contents(&store, &contents(&one), &format!("race {race}"));
        for entry in std::fs::read_dir(folder.path()).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                trained +=
                    std::fs::read_to_string(&path).expect("written").parse::<usize>().expect("a number");
                std::fs::remove_file(path).expect("removed");
            }
        }
        std::fs::remove_dir_all(&root).expect("removed");
    }
    let once = races * wide_sweep().len();
    println!(
        "counted: {races} races of 2 to 4 hosts without heartbeat; {once} runs trained {trained} times in all"
    );
}

fn assert_same_contents(left: &BTreeMap<PathBuf, Vec<u8>>, right: &BTreeMap<PathBuf, Vec<u8>>, what: &str) {
    assert!(left.keys().eq(right.keys()), "{what}: other files: {:?}, {:?}", left.keys(), right.keys());
    for (path, bytes) in left {
        assert!(bytes == &right[path], "{what}: {} differs", path.display());
    }
}

/// A way to damage a file, with its name.
type Damage = (&'static str, fn(&Path, usize));

fn rewritten(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).expect("it exists");
    change(&mut bytes);
    std::fs::write(path, bytes).expect("writable");
}

/// A place in a file, spread over its length as `number` rises.
fn place(number: usize, length: usize) -> usize {
    number.wrapping_mul(2_654_435_761) % length.max(1)
}

const DAMAGES: [Damage; 8] = [
    ("cut", |path, number| rewritten(path, |bytes| bytes.truncate(place(number, bytes.len())))),
    ("bit flipped", |path, number| {
        rewritten(path, |bytes| {
            let at = place(number, bytes.len());
            bytes[at] ^= 1 << (number % 8);
        });
    }),
    ("block zeroed", |path, number| {
        rewritten(path, |bytes| {
            let at = place(number, bytes.len());
            let end = (at + 64).min(bytes.len());
            bytes[at..end].fill(b'\x01');
        });
    }),
    ("emptied", |path, _| rewritten(path, Vec::clear)),
    ("lengthened", |path, number| {
        rewritten(path, |bytes| bytes.extend(std::iter::repeat_n(0, 1 + number % 5000)))
    }),
    ("made a folder", |path, _| {
        std::fs::remove_file(path).expect("it exists");
        std::fs::create_dir(path).expect("free");
        std::fs::write(path.join("inside"), "x").expect("free");
    }),
    ("made a link to nothing", |path, _| {
        std::fs::remove_file(path).expect("it exists");
        #[cfg(unix)]
        std::os::unix::fs::symlink("/nowhere/at/all", path).expect("free");
    }),
    ("made a link out of the store", |path, _| {
        std::fs::remove_file(path).expect("it exists");
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", path).expect("free");
    }),
];

/// Files that have checksums. Other tests cover `FORMAT` and derived files.
fn watched(root: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = contents(root).into_keys().collect();
    files.retain(|path| path.starts_with("runs") || path.starts_with("analyses"));
    let provenance = files.iter().filter(|path| path.ends_with("params.toml"));
    let provenance: Vec<PathBuf> = provenance.map(|path| path.with_file_name("provenance.json")).collect();
    files.extend(provenance);
    files
}

/// Checks that damage is found, reported, set aside, and computed again, and that further training ends with
/// the bytes of an undamaged store.
fn check_repair(root: &Path, reference: &Path, damaged: &[PathBuf], what: &str) {
    let opened = study(root, StoreOptions::new()).expect("opens");
    let found = opened.verify().expect("verified");
    for path in damaged {
        let named = found.iter().any(|one| one.path == *path && one.kind == FindingKind::Damaged);
        assert!(named, "{what}: {} is not found: {found:?}", path.display());
    }
    if what.len() % 2 == 0 {
        opened.repair().expect("repaired");
        assert!(opened.verify().expect("verified").is_empty(), "{what}: repaired");
    }
    let outcomes = work(&opened).expect("works on");
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Complete), "{what}: {outcomes:?}");
    train_on(&opened);
    // A checkpoint with damaged values is found when packing reads it. It is then missing, and is computed
    // when it is asked for.
    train_on(&opened);
    let incidents = opened.incidents().expect("listed");
    for path in damaged {
        assert!(incidents.iter().any(|one| one.path == *path), "{what}: {} is not set aside", path.display());
    }
    let mut store = contents(root);
    store.retain(|path, _| !path.starts_with("set-aside"));
    let mut whole = contents(reference);
    whole.retain(|path, _| !path.starts_with("set-aside"));
    assert_same_contents(&store, &whole, what);
    assert!(opened.verify().expect("verified").is_empty(), "{what}: undamaged again");
}

#[test]
fn every_kind_of_file_damaged_in_every_way_is_found_and_repaired() {
    let (_folder, reference, further) = references();
    let mut count = 0;
    for number in 0..rounds(6) {
        for (name, damage) in DAMAGES {
            for path in watched(&reference) {
                // All files in the first round, then about a quarter of them: the runs have the same kinds of
                // files.
                if number > 0 && place(number + path.as_os_str().len(), 4) != 0 {
                    continue;
                }
                let folder = scratch();
                let root = folder.path().join("store");
                copied(&reference, &root);
                damage(&root.join(&path), number + 1);
                check_repair(
                    &root,
                    &further,
                    std::slice::from_ref(&path),
                    &format!("{} {name} ({number})", path.display()),
                );
                count += 1;
            }
        }
    }
    println!("counted: {count} damaged files found, set aside and computed again to the same bytes");
}

#[test]
fn files_swapped_with_those_of_another_run_are_found_and_repaired() {
    let (_folder, reference, further) = references();
    let mut count = 0;
    let files = watched(&reference);
    for (first, second) in files.iter().flat_map(|first| files.iter().map(move |second| (first, second))) {
        let same_kind = first.file_name() == second.file_name()
            || first.starts_with("analyses") && second.starts_with("analyses");
        if first >= second || !same_kind {
            continue;
        }
        let folder = scratch();
        let root = folder.path().join("store");
        copied(&reference, &root);
        let aside = folder.path().join("aside");
        std::fs::rename(root.join(first), &aside).expect("moved");
        std::fs::rename(root.join(second), root.join(first)).expect("moved");
        std::fs::rename(&aside, root.join(second)).expect("moved");
        check_repair(
            &root,
            &further,
            &[first.clone(), second.clone()],
            &format!("{} swapped", first.display()),
        );
        count += 1;
    }
    assert!(count > 20, "{count}");
    println!("counted: {count} pairs of swapped files found, set aside and computed again to the same bytes");
}
