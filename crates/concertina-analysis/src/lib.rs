//! Analyses of representations: one file an analysis.

mod accuracy;
mod analysis;
mod effective_dimension;
mod error;
mod loss;
pub mod lyapunov;
mod products;
mod ranges;
mod timestep;
mod trials;

pub use accuracy::Accuracy;
pub use analysis::{Analysis, Subject};
pub use effective_dimension::{EffectiveDimension, Precision, effective_dimension};
pub use error::{Error, Result};
pub use loss::Loss;
pub use lyapunov::Lyapunov;
pub use timestep::{Timestep, Timesteps};
