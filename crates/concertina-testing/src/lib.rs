//! Shared by the tests: golden fixtures, reference tables, and comparisons that report where they fail.
//!
//! Everything here is called from tests, so a wrong name or a wrong type panics with a message instead of
//! returning an error. Missing data is different: functions return `None` and report it on standard error,
//! and the test ends. If the environment variable `CONCERTINA_REQUIRE_SHARED` is set (as in CI), missing data
//! fails the test instead.
//!
//! ```no_run
//! use concertina_testing::{compare, golden::Fixture};
//!
//! #[test]
//! fn golden_doubling_agrees() {
//!     let Some(fixture) = Fixture::open("gamma") else { return };
//!     for case in fixture.cases(".samples") {
//!         let samples = fixture.f64(&format!("{case}.samples"));
//!         let expected = fixture.f64(&format!("{case}.doubled"));
//!         compare::assert_close(&case, (&samples * 2.0).view(), expected.view(), 1e-12);
//!     }
//!     fixture.finish(); // fails if the file has an array that was not read
//! }
//! ```

pub mod compare;
pub mod files;
mod folder;
pub mod golden;
pub mod reference;
pub mod repository;
pub mod torch;
