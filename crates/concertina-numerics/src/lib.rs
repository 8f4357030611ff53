//! Numerical kernels, keyed random streams, linear algebra and statistics.
