//! Numerical kernels, keyed random streams, linear algebra and statistics.

pub mod kernels;
pub mod random;
