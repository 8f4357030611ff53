//! Numerical kernels, keyed random streams, linear algebra and statistics.

pub mod classify;
pub mod double;
mod error;
pub mod kernels;
pub mod linalg;
pub mod random;
pub mod statistics;

pub use error::{Error, Result};
