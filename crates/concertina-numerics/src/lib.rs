//! Numerical kernels, keyed random streams, linear algebra and statistics.

mod error;
pub mod kernels;
pub mod linalg;
pub mod random;

pub use error::{Error, Result};
