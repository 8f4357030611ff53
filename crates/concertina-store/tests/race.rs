//! Many writers and readers at the same time.

mod common;

use std::path::Path;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use common::{child, contents, fresh, history, id, key, scratch, tensors};
use concertina_store::{Claimed, Keep, Memo, Step, StepHook, Store, StoreOptions};

/// Publishes everything that a run needs, while others may do the same, and packs it.
fn publish_all(store: &Store) {
    let run = store.run(&key("a"));
    run.publish_params("gain = 20.0\n").expect("params");
    for epoch in 0..4 {
        run.publish_checkpoints(&[(id(epoch), &tensors(epoch, 16))]).expect("checkpoint");
    }
    let memo = Memo::of(&key("a"), &[id(0)], "accuracy", 1, "{}");
    store.publish_memo(&memo, history(), "epoch").expect("memo");
    run.pack(Keep::All).expect("packed");
}

fn check(store: &Store) {
    let run = store.run(&key("a"));
    assert_eq!(run.checkpoint_ids().expect("ids"), [id(0), id(1), id(2), id(3)]);
    for epoch in 0..4 {
        assert_eq!(run.read_checkpoint(id(epoch)).expect("read"), Some(tensors(epoch, 16)));
    }
    assert!(store.verify().expect("verified").is_empty());
    assert!(store.incidents().expect("none").is_empty());
}

#[test]
fn threads_that_publish_the_same_run_all_succeed() {
    for _ in 0..5 {
        let (_folder, store) = fresh();
        let start = Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    publish_all(&store);
                });
            }
        });
        check(&store);
    }
}

#[test]
fn readers_find_every_checkpoint_at_any_moment_during_packing() {
    let (_folder, store) = fresh();
    let run = store.run(&key("a"));
    let first = tensors(0, 16);
    run.publish_checkpoints(&[(id(0), &first)]).expect("first");
    let done = std::sync::atomic::AtomicBool::new(false);
    let reading = Barrier::new(2);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            reading.wait();
            loop {
                assert_eq!(run.read_checkpoint(id(0)).expect("no error"), Some(first.clone()));
                if done.load(std::sync::atomic::Ordering::SeqCst) {
                    return;
                }
            }
        });
        reading.wait(); // on a busy machine the reader would otherwise start after everything is packed
        for epoch in 1..12 {
            run.publish_checkpoints(&[(id(epoch), &tensors(epoch, 16))]).expect("loose");
            run.pack(Keep::All).expect("packed");
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        reader.join().expect("the reader always found it");
    });
    assert!(store.incidents().expect("none").is_empty());
}

/// The child of the tests below.
#[test]
#[ignore = "a child process of another test"]
fn publishes_all() {
    let Ok(root) = std::env::var("STORE_TEST_ROOT") else { return };
    publish_all(&Store::open(root).expect("opens"));
}

#[test]
fn processes_that_create_and_fill_the_same_store_all_succeed() {
    let folder = scratch();
    let root = folder.path().join("store");
    let variables = [("STORE_TEST_ROOT", root.to_string_lossy().into_owned())];
    let children: Vec<_> =
        (0..8).map(|_| child("publishes_all", &variables).spawn().expect("runs")).collect();
    for mut child in children {
        assert!(child.wait().expect("ended").success());
    }
    let store = Store::open(&root).expect("opens");
    check(&store);
    assert!(!contents(&root).keys().any(|path| path.starts_with("incoming")));
}

#[test]
fn a_claim_is_held_until_it_is_dropped() {
    let (_folder, store) = fresh();
    let run = store.run(&key("a"));
    let Claimed::Mine(mut claim) = run.claim().expect("claimed") else {
        panic!("no other process has a claim")
    };
    assert!(claim.beat().expect("alive"));
    let Claimed::Held(holder) = run.claim().expect("asked") else { panic!("it is held") };
    assert_eq!(holder.pid, std::process::id());
    assert!(holder.age < Duration::from_secs(30));
    let other = store.run(&key("b")).claim().expect("claimed");
    assert!(matches!(other, Claimed::Mine(_)), "each run has its own claim");
    drop(claim);
    assert!(matches!(run.claim().expect("asked"), Claimed::Mine(_)));
    drop(other);
    assert!(!contents(store.root()).keys().any(|path| path.starts_with("claims")));
}

#[test]
fn a_silent_claim_is_taken_over_and_its_holder_notices() {
    let (_folder, store) = fresh();
    let store =
        StoreOptions::new().claim_timeout(Duration::from_millis(300)).open(store.root()).expect("opened");
    let run = store.run(&key("a"));
    let Claimed::Mine(mut silent) = run.claim().expect("claimed") else {
        panic!("no other process has a claim")
    };
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(500) {
        std::thread::sleep(Duration::from_millis(50));
        assert!(silent.beat().expect("alive"));
        assert!(matches!(run.claim().expect("asked"), Claimed::Held(_)), "a beat keeps it");
    }
    std::thread::sleep(Duration::from_millis(400));
    let Claimed::Mine(mut taker) = run.claim().expect("asked") else { panic!("it was silent") };
    assert!(!silent.beat().expect("asked"));
    drop(silent);
    assert!(taker.beat().expect("alive"), "dropping a lost claim does not take it from its new holder");
}

#[test]
fn the_claim_of_a_killed_process_is_free_immediately() {
    let folder = scratch();
    let root = folder.path().join("store");
    let variables = [("STORE_TEST_ROOT", root.to_string_lossy().into_owned())];
    let status = child("claims_and_dies", &variables).status().expect("runs");
    assert!(!status.success());
    let claim = std::fs::read_dir(root.join("claims")).expect("it exists").count();
    assert_eq!(claim, 1, "it is left behind");
    // Opening the store sweeps the claim, or asking for it finds that its process has ended.
    let store = Store::open(&root).expect("opens");
    assert!(matches!(store.run(&key("a")).claim().expect("asked"), Claimed::Mine(_)));
}

/// The child of the test above.
#[test]
#[ignore = "a child process of another test"]
fn claims_and_dies() {
    let Ok(root) = std::env::var("STORE_TEST_ROOT") else { return };
    let store = Store::open(root).expect("opens");
    let _claim = store.run(&key("a")).claim().expect("claimed");
    std::process::abort();
}

#[test]
fn a_file_that_is_not_a_claim_is_taken_over() {
    for damage in ["", "{}", "no json"] {
        let (_folder, store) = fresh();
        let run = store.run(&key("a"));
        std::fs::create_dir_all(store.root().join("claims")).expect("made");
        std::fs::write(store.root().join(format!("claims/{}.json", run.key())), damage).expect("written");
        assert!(matches!(run.claim().expect("asked"), Claimed::Mine(_)), "{damage}");
    }
}

#[test]
fn a_claim_that_could_not_be_removed_does_not_block_its_own_process() {
    let folder = scratch();
    let hook: StepHook = Arc::new(|step, path: &Path| match step {
        Step::Remove if path.to_string_lossy().contains("claims") => {
            Err(std::io::Error::from_raw_os_error(5))
        }
        _ => Ok(()),
    });
    let store = StoreOptions::new().step_hook(hook).open(folder.path().join("store")).expect("new");
    let run = store.run(&key("a"));
    let Claimed::Mine(claim) = run.claim().expect("claimed") else { panic!("no other process has a claim") };
    assert!(matches!(run.claim().expect("asked"), Claimed::Held(_)));
    drop(claim);
    assert!(contents(store.root()).keys().any(|path| path.starts_with("claims")), "it is left behind");
    assert!(matches!(run.claim().expect("asked"), Claimed::Mine(_)), "and no thread works under it");
}

#[test]
fn a_store_that_another_process_was_creating_was_taken_for_a_link_to_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..200 {
        let root = folder.path().join(round.to_string());
        let together = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    together.wait();
                    concertina_store::Store::open(&root).map(drop).expect("opened by all");
                });
            }
        });
    }
}
