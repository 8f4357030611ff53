//! What is a store, what is not, and what errors report.

mod common;

use std::fs;
use std::sync::Arc;

use common::{contents, finished, fresh, id, key, scratch, tensors};
use concertina_store::{Error, Memo, Removal, Step, Store, StoreOptions};
use concertina_table::{Table, Values};

#[test]
fn a_fresh_path_becomes_a_store_and_opens_again() {
    let folder = scratch();
    let root = folder.path().join("deep/er/store");
    Store::open(&root).expect("made");
    assert_eq!(fs::read_to_string(root.join("FORMAT")).expect("it exists"), "concertina store 1\n");
    Store::open(&root).expect("opened");
    Store::read_only(&root).expect("opened");
}

#[test]
fn a_newer_layout_is_refused_and_untouched() {
    let (_folder, store) = fresh();
    finished(&store, "a");
    fs::write(store.root().join("FORMAT"), "concertina store 2\n").expect("writable");
    let before = contents(store.root());
    let error = Store::open(store.root()).expect_err("newer");
    assert!(matches!(error, Error::NewerLayout { found: 2, supported: 1, .. }));
    assert!(error.to_string().starts_with("expected a store of layout 1 or older, found layout 2 in /"));
    assert!(error.hint().expect("a hint").contains("newest version"));
    assert!(Store::repair_format(store.root()).is_err(), "repairing does not downgrade");
    assert_eq!(contents(store.root()), before);
}

#[test]
fn a_folder_with_other_things_is_refused_and_untouched() {
    let folder = scratch();
    fs::write(folder.path().join("thesis.tex"), "precious").expect("writable");
    let error = Store::open(folder.path()).expect_err("not a store");
    assert!(error.to_string().contains("`thesis.tex`"), "{error}");
    assert!(error.hint().is_some());
    assert!(Store::repair_format(folder.path()).is_err());
    assert_eq!(contents(folder.path()).len(), 1);
    let file = folder.path().join("thesis.tex");
    assert!(matches!(Store::open(&file), Err(Error::NotAFolder { .. })));
    assert!(matches!(Store::open(file.join("below")), Err(Error::NotAFolder { .. })));
}

#[test]
fn reading_never_creates_a_store() {
    let folder = scratch();
    assert!(matches!(Store::read_only(folder.path()), Err(Error::NoStore { .. })));
    assert!(matches!(Store::read_only(folder.path().join("new")), Err(Error::NoStore { .. })));
    assert!(contents(folder.path()).is_empty());
    assert!(!folder.path().join("new").exists());
}

#[test]
fn a_damaged_format_is_reported_and_can_be_repaired() {
    let (_folder, store) = fresh();
    finished(&store, "a");
    let path = store.root().join("FORMAT");
    for damage in
        ["", "concertina sto", "concertina store x\n", "concertina store 0\n", "\0\0\0", &"9".repeat(1000)]
    {
        fs::write(&path, damage).expect("writable");
        let error = Store::open(store.root()).expect_err("damaged");
        assert!(matches!(error, Error::DamagedFormat { .. }), "{damage}: {error}");
        assert!(error.hint().expect("a hint").contains("concertina store 1"));
        let repaired = Store::repair_format(store.root()).expect("repaired");
        assert!(repaired.run(&key("a")).params().expect("read").is_some());
    }
    fs::remove_file(&path).expect("it exists");
    assert!(matches!(Store::open(store.root()), Err(Error::NotAStore { .. })));
    Store::repair_format(store.root()).expect("repaired");
}

#[test]
fn the_table_of_runs_is_removed_when_a_run_changes() {
    let (_folder, store) = fresh();
    let table = store.root().join(concertina_store::RUN_TABLE);
    let run = store.run(&key("a"));
    run.publish_params("seed = 1\n").expect("published");
    let changes: [(&str, &dyn Fn()); 4] = [
        ("a file replaced", &|| run.publish_provenance(&serde_json::json!({})).expect("published")),
        ("a new run", &|| store.run(&key("c")).publish_params("seed = 3\n").expect("published")),
        ("a run removed", &|| drop(store.run(&key("c")).remove(Removal::Now).expect("removed"))),
        ("a damaged file set aside", &|| {
            fs::write(run.path().join("params.toml"), "damaged").expect("free");
            assert!(run.params().expect("read").is_none());
        }),
    ];
    for (what, change) in changes {
        store.write_run_table("key\n").expect("written");
        assert_eq!(fs::read_to_string(&table).expect("it exists"), "key\n");
        change();
        assert!(!table.exists(), "{what}");
    }
    store.write_run_table("key\n").expect("written");
    let memo = Memo::of(&key("a"), &[], "accuracy", 1, "{}");
    let rows = Table::from_columns([("update", Values::from(vec![0_i64]))]).expect("a column");
    store.publish_memo(&memo, rows, "update").expect("published");
    assert!(table.exists(), "results of analyses are not part of it");
    store.remove_run_table().expect("removed");
    assert!(!table.exists());
    assert!(!store.has_more_runs_than(1).expect("counted") && store.has_more_runs_than(0).expect("counted"));
}

#[cfg(unix)]
#[test]
fn folders_that_lead_out_are_refused() {
    let (folder, store) = fresh();
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).expect("free");
    fs::write(outside.join("precious"), "x").expect("free");
    std::os::unix::fs::symlink(&outside, store.root().join("runs")).expect("free");
    let run = store.run(&key("a"));
    let error = run.publish_params("a = 1\n").expect_err("leads out");
    assert!(matches!(error, Error::LeadsOut { .. }));
    assert!(matches!(run.params(), Err(Error::LeadsOut { .. })));
    assert!(matches!(store.keys(), Err(Error::LeadsOut { .. })));
    assert_eq!(contents(&outside).len(), 1);
}

#[cfg(unix)]
#[test]
fn files_and_dangling_links_in_place_of_a_runs_folder_are_set_aside() {
    let (_folder, store) = fresh();
    let run = finished(&store, "a");
    fs::remove_dir_all(run.path()).expect("it exists");
    fs::write(run.path(), "a file").expect("free");
    assert_eq!(run.params().expect("no error"), None);
    std::os::unix::fs::symlink("/nowhere", run.path()).expect("free");
    run.publish_params("a = 1\n").expect("set aside and made");
    assert!(run.params().expect("no error").is_some());
    assert_eq!(store.incidents().expect("listed").len(), 2);
}

#[test]
fn errors_of_the_system_name_the_path_and_what_to_do() {
    for (raw, check) in [
        (28, (|error| matches!(error, Error::DiskFull { .. })) as fn(&Error) -> bool),
        (30, |error| matches!(error, Error::ReadOnlyFileSystem { .. })),
        (13, |error| matches!(error, Error::PermissionDenied { .. })),
        (24, |error| matches!(error, Error::Io { .. })),
    ] {
        for failing in
            [Step::MakeFolder, Step::Create, Step::Write, Step::Flush, Step::Rename, Step::FlushFolder]
        {
            let (_folder, store) = fresh();
            let run = finished(&store, "a");
            let before = contents(store.root());
            let hook =
                Arc::new(
                    move |step, _: &std::path::Path| {
                        if step == failing { Err(std::io::Error::from_raw_os_error(raw)) } else { Ok(()) }
                    },
                );
            let broken = StoreOptions::new().step_hook(hook).open(store.root()).expect("opened");
            let result = broken.run(&key("b")).publish_packed(&[(id(0), &tensors(0, 4))]);
            let error = result.expect_err("fails");
            assert!(check(&error), "{error:?}");
            assert!(error.to_string().contains(&*store.root().to_string_lossy()), "{error}");
            assert!(error.hint().is_some(), "{error}");
            assert!(std::error::Error::source(&error).is_some());
            let after = contents(store.root());
            assert!(before.iter().all(|(path, bytes)| after.get(path) == Some(bytes)), "nothing is lost");
            assert!(store.verify().expect("verified").is_empty());
            assert!(run.params().expect("read").is_some());
        }
    }
}

#[test]
fn a_full_disk_is_reported_as_such() {
    let full = std::path::Path::new("/dev/full");
    if !full.exists() {
        eprintln_skip("no /dev/full");
        return;
    }
    let error = fs::write(full, "x").expect_err("always full");
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}

#[allow(clippy::print_stderr, reason = "a skipped test says why")]
fn eprintln_skip(reason: &str) {
    eprintln!("skipped: {reason}");
}

#[cfg(unix)]
#[test]
fn a_folder_without_write_permission_is_reported_unless_the_user_may_write_anyway() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, store) = fresh();
    finished(&store, "a");
    fs::set_permissions(store.root().join("incoming"), fs::Permissions::from_mode(0o555)).expect("ours");
    let result = store.run(&key("b")).publish_params("a = 1\n");
    fs::set_permissions(store.root().join("incoming"), fs::Permissions::from_mode(0o755)).expect("ours");
    match result {
        Err(error) => assert!(matches!(error, Error::PermissionDenied { .. })),
        Ok(()) => eprintln_skip("this user may write everywhere"),
    }
}

#[cfg(unix)]
#[test]
fn other_users_can_read_the_files_of_a_store_if_the_umask_allows() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, store) = fresh();
    let run = finished(&store, "a");
    let plain = folder.path().join("plain");
    fs::write(&plain, "x").expect("writable");
    let mode = |path: &std::path::Path| fs::metadata(path).expect("it exists").permissions().mode();
    assert_eq!(mode(&run.path().join("params.toml")), mode(&plain));
}

#[test]
fn only_a_store_with_nothing_in_it_is_removed() {
    let (_folder, store) = fresh();
    fs::create_dir_all(store.root().join("jobs/1")).expect("writable");
    assert!(!store.remove_if_empty(), "it has a job");
    fs::remove_dir(store.root().join("jobs/1")).expect("empty");
    finished(&store, "a");
    assert!(!store.remove_if_empty(), "it has a run");
    assert_eq!(store.keys().expect("still a store").len(), 1);
    let (_folder, store) = fresh();
    fs::create_dir(store.root().join("jobs")).expect("writable");
    assert!(!Store::read_only(store.root()).expect("a store").remove_if_empty(), "read-only");
    assert!(store.remove_if_empty());
    assert!(!store.root().exists());
}
