//! The help texts as they are printed.

use crate::support::{Place, assert_said, regex_escape};

#[test]
fn without_a_command_help_is_printed() {
    let place = Place::new();
    assert_said!(place, place.run(&[]));
}

#[test]
fn of_training() {
    let place = Place::new();
    assert_said!(place, place.run(&["train", "--help"]));
}

#[test]
fn of_figures() {
    let place = Place::new();
    assert_said!(place, place.run(&["figures", "--help"]));
}

#[test]
fn of_analyses() {
    let place = Place::new();
    assert_said!(place, place.run(&["analyse", "--help"]));
}

#[test]
fn of_listing_runs() {
    let place = Place::new();
    assert_said!(place, place.run(&["runs", "list", "--help"]));
}

#[test]
fn of_workers() {
    let place = Place::new();
    assert_said!(place, place.run(&["worker", "--help"]));
}

#[test]
fn of_submitting() {
    let place = Place::new();
    assert_said!(place, place.run(&["submit", "--help"]));
}

#[test]
fn of_jobs() {
    let place = Place::new();
    assert_said!(place, place.run(&["jobs", "--help"]));
}
