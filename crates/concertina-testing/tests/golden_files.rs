//! The record of the golden fixtures: no file and no array is overlooked.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use concertina_testing::golden::{self, Fixture, KNOWN, analyses, networks};
use ndarray::arr1;
use ndarray_npy::NpzWriter;

/// Every file in the folder is listed, and a test is responsible for each of its arrays.
#[test]
fn golden_every_file_is_known() {
    let mut unknown = Vec::new();
    for file in golden::files() {
        let Some(known) = KNOWN.iter().find(|known| known.file == file) else {
            unknown.push(format!("golden/{file}.npz is not known to any test: list it in golden/known.rs"));
            continue;
        };
        if let Some(reason) = known.unread_because {
            use std::io::Write as _;
            // Written directly to standard error, because the harness hides what passing tests print.
            let _ = writeln!(std::io::stderr(), "golden/{file}.npz is not read: {reason}");
            continue;
        }
        let arrays = golden::unclaimed(known).into_iter();
        unknown
            .extend(arrays.map(|array| format!("array `{array}` of `{file}.npz` is not known to any test")));
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

#[test]
fn golden_no_file_is_listed_twice_and_only_unread_files_have_a_reason() {
    for pair in KNOWN.windows(2) {
        assert!(pair[0].file < pair[1].file, "`{}` should come before `{}`", pair[1].file, pair[0].file);
    }
    for known in KNOWN {
        assert_eq!(known.parts.is_empty(), known.unread_because.is_some(), "`{}`", known.file);
    }
}

/// A made-up fixture with two float arrays, an integer and a float32 array.
fn made_up(folder: &Path) -> PathBuf {
    let path = folder.join("made_up.npz");
    let mut writer = NpzWriter::new_compressed(File::create(&path).expect("a new file"));
    writer.add_array("a.x", &arr1(&[1.0_f64, 2.0])).expect("written");
    writer.add_array("b.x", &arr1(&[3.0_f64])).expect("written");
    writer.add_array("b.count", &arr1(&[4_i64])).expect("written");
    writer.add_array("single", &arr1(&[0.5_f32])).expect("written");
    writer.finish().expect("closed");
    path
}

fn panic_text(action: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(action)).expect_err("this should have failed");
    payload.downcast::<String>().map_or_else(|_| "not a formatted message".to_owned(), |text| *text)
}

#[test]
fn an_unread_array_fails_the_test_that_is_responsible_for_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = made_up(folder.path());
    let fixture = Fixture::from_path(&path, &["*"]);
    assert_eq!(fixture.cases(".x"), ["a", "b"]);
    assert_eq!(fixture.f64("a.x").len(), 2);
    assert_eq!(fixture.scalar("b.count").to_bits(), 4.0_f64.to_bits());
    fixture.ignore("single", "of the test");
    assert_eq!(panic_text(|| fixture.finish()), "array `b.x` of `made_up.npz` is not known to any test");

    let part = Fixture::from_path(&path, &["*.x"]);
    assert_eq!(part.f64("a.x").len() + part.f64("b.x").len(), 3);
    part.finish();
}

#[test]
fn types_are_distinguished_and_float32_is_widened() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fixture = Fixture::from_path(&made_up(folder.path()), &[]);
    assert_eq!(fixture.f64("single"), fixture.f32("single").mapv(f64::from));
    assert_eq!(fixture.i64("b.count")[0], 4);
    assert!(panic_text(|| drop(fixture.f64("b.count"))).contains("neither float64 nor float32"));
    assert!(panic_text(|| drop(fixture.i64("a.x"))).contains("is not int64"));
    assert!(panic_text(|| drop(fixture.f64("c"))).contains("has no array `c`"));
    assert!(panic_text(|| drop(fixture.cases(".y"))).contains("no array ending in `.y`"));
}

#[test]
fn a_fixture_that_is_never_finished_fails_its_test() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = made_up(folder.path());
    assert!(panic_text(|| drop(Fixture::from_path(&path, &["*"]))).contains("`finish` was never called"));
}

#[test]
fn leaving_out_an_array_that_does_not_exist_fails() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fixture = Fixture::from_path(&made_up(folder.path()), &["single"]);
    assert!((fixture.scalar("single") - 0.5).abs() < f64::EPSILON);
    fixture.ignore("gone*", "it was renamed");
    assert!(panic_text(|| fixture.finish()).contains("no array `gone*`"));
}

/// Every array of the networks' fixtures belongs to a part that a test reads.
#[test]
fn golden_networks_every_array_is_read() {
    every_array_is_known(networks::folder(), networks::part_of);
}

/// The same for the fixtures of the analyses.
#[test]
fn golden_analyses_every_array_is_read() {
    every_array_is_known(analyses::folder(), analyses::part_of);
}

fn every_array_is_known(folder: Option<PathBuf>, part_of: fn(&str, &str) -> Option<&'static networks::Part>) {
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else { return };
    let mut unknown = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder that can be read") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "npz") {
            continue;
        }
        let file = path.file_stem().expect("a file name").to_string_lossy().into_owned();
        let fixture = Fixture::from_path(&path, &[]);
        let strange = fixture.names().filter(|array| part_of(&file, array).is_none());
        unknown.extend(strange.map(|array| format!("{file}: {array}")));
    }
    assert!(unknown.is_empty(), "not known to any test: {unknown:?}");
}
