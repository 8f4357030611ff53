//! Concertina in Python: the extension module `concertina._core`.
//!
//! This crate only converts values. The facade defines what a run, an analysis or a figure is, and the
//! package `python/concertina` defines how they are used in Python. NumPy arrays come in without a copy where
//! their layout allows, and results go out without one.

mod analyses;
mod arrays;
mod beyond;
mod doctor;
mod errors;
mod figures;
mod methods;
mod network;
mod params;
mod runs;
mod study;
mod table;
mod trials;
mod values;
mod viewer;
mod words;
mod work;

use pyo3::prelude::*;

/// The extension module of the package `concertina`.
#[pymodule]
mod _core {
    use super::*;

    #[pymodule_export]
    use super::analyses::{
        analyses, autocorrelation, cka, class_distances, cluster_holdout, effective_dimension,
        effective_dimensions, evaluate, fixed_points, lyapunov, orthogonal_compression, principal_components,
        saturation, spectrum, weight_variance,
    };
    #[pymodule_export]
    use super::beyond::{
        covariant_vectors, finite_time, kernel, on_states, rdm, representation_similarity, twonn,
    };
    #[pymodule_export]
    use super::doctor::doctor;
    #[pymodule_export]
    use super::figures::{Asked, Figure, Report, draw, recipes};
    #[pymodule_export]
    use super::network::Network;
    #[pymodule_export]
    use super::params::{Params, Sweep, parameters};
    #[pymodule_export]
    use super::runs::{Run, Runs};
    #[pymodule_export]
    use super::study::Study;
    #[pymodule_export]
    use super::table::Table;
    #[pymodule_export]
    use super::trials::Trials;
    #[pymodule_export]
    use super::viewer::Viewer;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
