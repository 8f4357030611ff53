//! Analyses of representations: one file an analysis.

mod accuracy;
mod analysis;
mod cluster_holdout;
mod effective_dimension;
mod error;
mod gram;
mod loss;
pub mod lyapunov;
mod pca_snapshots;
mod ranges;
mod spec;
mod timestep;
mod trials;

pub use accuracy::Accuracy;
pub use analysis::{Analysis, Subject};
pub use cluster_holdout::{Classifier, ClusterHoldout};
pub use effective_dimension::{EffectiveDimension, Precision, effective_dimension};
pub use error::{Error, Result};
pub use loss::Loss;
pub use lyapunov::Lyapunov;
pub use pca_snapshots::PcaSnapshots;
pub use spec::AnalysisSpec;
pub use timestep::{Timestep, Timesteps};
