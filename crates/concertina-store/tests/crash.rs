//! A process that is killed or fails at any step leaves no incomplete file, and the next start continues.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{child, contents, fresh, history, id, key, scratch, tensors};
use concertina_store::{Keep, Result, StepHook, Store, StoreOptions};
use serde_json::json;

/// The files of one run in the order in which a training process writes them.
fn life(store: &Store) -> Result<()> {
    let run = store.run(&key("a"));
    run.publish_params("gain = 20.0\n")?;
    run.publish_checkpoints(&[(id(0), &tensors(0, 4))])?;
    run.publish_resume(&tensors(0, 4))?;
    run.publish_checkpoints(&[(id(1), &tensors(1, 4)), (id(2), &tensors(2, 4))])?;
    run.publish_resume(&tensors(2, 4))?;
    let (last, history) = (tensors(3, 4), history());
    let mut batch = store.batch();
    batch.history(&run, &history)?;
    batch.resume(&run, &last)?;
    let given = [(id(3), &last)];
    batch.packed(&run, &given, Keep::All);
    batch.publish()?;
    run.publish_provenance(&json!({"version": "0.1.0"}))
}

/// Checks what must hold whenever a process died: every file is complete.
fn check_whole(root: &Path) {
    let Ok(store) = Store::read_only(root) else { return };
    let findings = store.verify().expect("verified");
    let wrong: Vec<_> =
        findings.iter().filter(|finding| finding.kind != concertina_store::FindingKind::LeftOver).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

fn counted(
    limit: usize,
    at_limit: impl Fn() -> std::io::Result<()> + Send + Sync + 'static,
) -> (StepHook, Arc<AtomicUsize>) {
    let steps = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&steps);
    let hook: StepHook = Arc::new(move |_, _| {
        // From the limit on, every step fails, as with a dead disk.
        if count.fetch_add(1, Ordering::SeqCst) >= limit { at_limit() } else { Ok(()) }
    });
    (hook, steps)
}

fn reference() -> (usize, std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>) {
    let folder = scratch();
    let (hook, steps) = counted(usize::MAX, || Ok(()));
    let store = StoreOptions::new().step_hook(hook).open(folder.path()).expect("new");
    life(&store).expect("nothing fails");
    (steps.load(Ordering::SeqCst), contents(folder.path()))
}

#[test]
fn after_a_disk_failure_at_any_step_the_store_continues_to_the_same_bytes() {
    let (steps, reference) = reference();
    for limit in 0..steps {
        let folder = scratch();
        let (hook, _) = counted(limit, || Err(std::io::Error::from_raw_os_error(5)));
        let lived = StoreOptions::new().step_hook(hook).open(folder.path()).and_then(|store| life(&store));
        drop(lived);
        check_whole(folder.path());
        life(&Store::open(folder.path()).expect("opens again")).expect("continues");
        assert_eq!(contents(folder.path()), reference, "failing from step {limit} of {steps} on");
    }
}

#[test]
fn a_disk_that_fails_once_at_any_step_causes_only_an_error() {
    let (steps, reference) = reference();
    for limit in 0..steps {
        let folder = scratch();
        let once = AtomicUsize::new(0);
        let (hook, _) = counted(limit, move || match once.fetch_add(1, Ordering::SeqCst) {
            0 => Err(std::io::Error::from_raw_os_error(28)),
            _ => Ok(()),
        });
        let open = || StoreOptions::new().step_hook(Arc::clone(&hook)).open(folder.path());
        let lived = open().and_then(|store| life(&store));
        check_whole(folder.path());
        if lived.is_err() {
            open().and_then(|store| life(&store)).expect("the second time nothing fails");
        }
        assert_eq!(contents(folder.path()), reference, "failing once at step {limit} of {steps}");
    }
}

/// The child of the test below, which dies at a given step.
#[test]
#[ignore = "a child process of another test"]
fn dies_at_a_step() {
    let Ok(root) = std::env::var("STORE_TEST_ROOT") else { return };
    let limit = std::env::var("STORE_TEST_STEP").ok().and_then(|step| step.parse().ok()).expect("a step");
    let (hook, _) = counted(limit, || std::process::abort());
    let store = StoreOptions::new().step_hook(hook).open(root).expect("opens");
    let _claim = store.run(&key("a")).claim().expect("claimed");
    life(&store).expect("lives on");
}

#[test]
fn what_a_process_killed_at_any_step_leaves_is_repaired_by_the_next_one() {
    let (steps, reference) = reference();
    // The process is killed again and again on the same store, each time a little later.
    let folder = scratch();
    let root = folder.path().join("store");
    let mut kills = 0;
    for limit in (0..steps + 8).step_by(2) {
        let path = root.to_string_lossy().into_owned();
        let variables = [("STORE_TEST_ROOT", path), ("STORE_TEST_STEP", limit.to_string())];
        let status = child("dies_at_a_step", &variables).status().expect("runs");
        kills += usize::from(!status.success());
        check_whole(&root);
    }
    assert!(kills > 10, "{kills} kills");
    let store = Store::open(&root).expect("opens");
    life(&store).expect("continues");
    assert_eq!(contents(&root), reference, "no unfinished file and no claim is left after {kills} kills");
}

#[test]
fn an_unfinished_file_is_not_a_file_of_the_store() {
    let (_folder, store) = fresh();
    let run = store.run(&key("a"));
    let incoming = store.root().join("incoming");
    std::fs::create_dir_all(&incoming).expect("it exists");
    std::fs::write(incoming.join("0123456789abcdef-1-1-xyz.tmp"), "half").expect("written");
    assert_eq!(run.params().expect("no error"), None);
    assert!(store.keys().expect("none").is_empty());
    Store::open(store.root()).expect("opens");
    assert!(
        incoming.join("0123456789abcdef-1-1-xyz.tmp").exists(),
        "another machine may still be writing it"
    );
}
