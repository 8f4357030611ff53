//! Made-up tables with the columns of the analyses, for tests of drawing, not of science.

#![allow(unreachable_pub, dead_code, unused_imports, reason = "a module of several tests")]

pub mod made_up;
pub mod simulated;
#[path = "../../../concertina-plot/tests/support/mod.rs"]
mod tables;

pub use tables::*;
