//! Analyses of representations: one file per analysis.
//!
//! An [`Analysis`] is a value with its parameters as fields. It analyses the networks of a run ([`Subject`])
//! and returns a tidy table. [`AnalysisSpec`] is any one of the analyses, as named in a recipe or on the
//! command line.
//!
//! | analysis | answers | cannot tell |
//! |---|---|---|
//! | [`EffectiveDimension`] | over how many directions are the states spread? | which ones, and whether the task needs them |
//! | [`Accuracy`] | does the network solve the task? | how |
//! | [`Loss`] | how well does it solve the task, in terms of the loss that training minimises? | how |
//! | [`PcaSnapshots`] | what does the cloud of states look like? | what happens outside that plane |
//! | [`Lyapunov`] | is the network without input chaotic, and how fast do states diverge or converge? | what happens in the ten timesteps of a trial |
//! | [`ClusterHoldout`] | do the states generalise over clusters, linearly? | whether a nonlinear readout would |
//! | [`Saturation`] | are the rates near the ends of their range, where gradients vanish? | of which units, and at which end |
//! | [`ClassDistances`] | do classes move together or apart? | along which directions: a class may spread in directions that no readout sees |
//! | [`OrthogonalCompression`] | does training shrink what the readout does not see? | whether anything else would see it |
//! | [`WeightVariance`] | how far do weights still move from checkpoint to checkpoint? | whether because of learning or of noise |
//! | [`Autocorrelation`] | for how long do the states of a trial resemble its first state? | whether information about it is lost: a rotation loses none |
//! | [`Spectrum`] | does activity in the linear network grow or decay, in the long run and in one step? | what the nonlinearity changes |
//! | [`FixedPoints`] | where does the network stay put, or almost, and how does it move near such points? | whether there are others, and what happens far from them |
//! | [`Performance`] | how well does the network do in each condition of the task? | how |
//! | [`RepresentationSimilarity`] | how similar are the states to those at another checkpoint or timestep? | in what they differ |
//! | [`IntrinsicDimension`] | how many dimensions has the surface on which the states lie? | which ones, and how the surface is curved |
//! | [`Decoding`] | can a linear readout tell classes or conditions apart, and does it work at other timesteps? | whether the network uses this, and whether a nonlinear readout could do better |
//! | [`Kernel`] | how far has training moved the gradients' kernel and the weights, and towards the labels? | whether the features that moved are those that the task needs |
//! | [`ManifoldCapacity`] | how many of the conditions' manifolds could a linear readout tell apart? | whether the readout does, and along which directions |
//! | [`FiniteTime`] | how much does the trial itself stretch or squeeze small differences? | whether the task needs it, and what happens to large differences |
//! | [`CovariantVectors`] | how near to each other are the directions in which states separate and converge? | which trials move along them |
//!
//! Every number is a pure function of the run's parameters, the weights and the analysis. Nothing here reads
//! a clock. Products are divided between threads only where [`with_threads`] allows it, which does not change
//! a bit of the result. Undefined values are null, estimates that have not converged are marked as such, and
//! no result is NaN.
//!
//! ```
//! use concertina_analysis::{Analysis, EffectiveDimension, Subject};
//! use concertina_model::{Checkpoint, network::Network, params::Params, task};
//!
//! let mut params = Params::default();
//! params.task.input_dim = 2;
//! params.network.units = 50;
//! let params = params.check()?;
//! let task = task::of(&params)?;
//! let checkpoints = [(Checkpoint::START, Network::initial(&params)?)];
//! let subject = Subject { params: &params, task: &*task, checkpoints: &checkpoints };
//!
//! let table = EffectiveDimension { samples: 200, ..EffectiveDimension::default() }.run(&subject)?;
//! let dimension = table.floats("effective_dimension")?; // at timesteps -1 (the input), 0, ..., 9
//! assert!(dimension[0].is_some_and(|at_input| at_input < 2.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The mathematics of each analysis is also available separately, as a function of arrays:
//!
//! | analysis | function | applied to |
//! |---|---|---|
//! | [`EffectiveDimension`] | [`effective_dimension`](fn@effective_dimension) | states of a timestep |
//! | [`Accuracy`], [`Loss`], [`Performance`] | [`evaluate_outputs`] | outputs over time, targets and mask |
//! | [`PcaSnapshots`] | [`pca_snapshots`](fn@pca_snapshots) | states over time |
//! | [`Lyapunov`] | [`lyapunov`](fn@lyapunov), [`lyapunov_driven`] | the dynamics of any weights, [`Autonomous`](lyapunov::Autonomous); with inputs, [`Driven`](lyapunov::Driven) |
//! | [`ClusterHoldout`] | [`cluster_holdout`](fn@cluster_holdout) | states of a timestep, classes and clusters |
//! | [`Saturation`] | [`saturation`](fn@saturation), [`rates`] | rates of a timestep |
//! | [`ClassDistances`] | [`class_distances`](fn@class_distances) | states of a timestep, classes |
//! | [`OrthogonalCompression`] | [`orthogonal_compression`](fn@orthogonal_compression), [`compression_beside_class_means`] | states and initial states, readout, classes |
//! | [`WeightVariance`] | [`weight_variance`](fn@weight_variance) | weights over training |
//! | [`Autocorrelation`] | [`autocorrelation`](fn@autocorrelation) | states over time |
//! | [`Spectrum`] | [`spectrum`](fn@spectrum) | a matrix of weights |
//! | [`FixedPoints`] | [`fixed_points`](fn@fixed_points) | the dynamics of any weights, and starts |
//! | [`RepresentationSimilarity`] | [`cka`], [`cka_debiased`], [`procrustes_angle`], [`rdm_similarity`], [`rdm`] | two sets of states of the same trials |
//! | [`IntrinsicDimension`] | [`intrinsic_dimension`](fn@intrinsic_dimension), [`twonn`], [`levina_bickel`], [`correlation_dimension`], [`components_90`], [`participation_ratios`] | states of a timestep |
//! | [`Decoding`] | [`decoding`](fn@decoding) | states over time, classes |
//! | [`Kernel`] | [`kernel`](fn@kernel::kernel), [`kernel::Tangents`], [`kernel::kernel_alignment`], [`kernel::kernel_distance`], [`kernel::weight_change`] | any weights and inputs; kernels; weights before and after |
//! | [`ManifoldCapacity`] | [`manifold_capacity`](fn@manifold_capacity) | states of a timestep, labels of manifolds |
//! | [`FiniteTime`] | [`finite_time`](fn@finite_time), [`FiniteTime::along`] | Jacobians along a trial; driven dynamics, [`Driven`](lyapunov::Driven) |
//! | [`CovariantVectors`] | [`covariant_vectors`](fn@covariant_vectors), [`CovariantVectors::along`] | Jacobians along an orbit; the dynamics of any weights |

/// The list of all analyses. Calls a macro with the name and the type of each, in the order of the
/// documentation.
///
/// [`AnalysisSpec`] is generated from it, as is code elsewhere that treats every analysis in the same way:
///
/// ```
/// macro_rules! count {
///     ($($name:ident: $analysis:ident,)*) => { [$(stringify!($name)),*].len() };
/// }
/// let count = concertina_analysis::each_analysis!(count);
/// assert_eq!(count, concertina_analysis::AnalysisSpec::NAMES.len());
/// ```
#[macro_export]
macro_rules! each_analysis {
    ($then:ident) => {
        $then! {
            effective_dimension: EffectiveDimension,
            accuracy: Accuracy,
            loss: Loss,
            pca_snapshots: PcaSnapshots,
            lyapunov: Lyapunov,
            cluster_holdout: ClusterHoldout,
            saturation: Saturation,
            class_distances: ClassDistances,
            orthogonal_compression: OrthogonalCompression,
            weight_variance: WeightVariance,
            autocorrelation: Autocorrelation,
            spectrum: Spectrum,
            fixed_points: FixedPoints,
            performance: Performance,
            representation_similarity: RepresentationSimilarity,
            intrinsic_dimension: IntrinsicDimension,
            decoding: Decoding,
            kernel: Kernel,
            manifold_capacity: ManifoldCapacity,
            finite_time: FiniteTime,
            covariant_vectors: CovariantVectors,
        }
    };
}

mod accuracy;
mod autocorrelation;
mod cka;
mod class_distances;
mod cluster_holdout;
pub mod covariant_vectors;
mod decoding;
mod effective_dimension;
pub mod finite_time;
pub mod fixed_points;
mod intrinsic_dimension;
pub mod kernel;
mod loss;
pub mod lyapunov;
mod manifold_capacity;
mod orthogonal_compression;
mod pca_snapshots;
mod performance;
mod representation_similarity;
mod saturation;
mod spectrum;
mod weight_variance;

// the analysis that the guide adds, as the guide shows it
#[cfg(test)]
#[path = "../tests/guide/mod.rs"]
mod guide;

mod analysis;
mod classifier;
mod error;
mod evaluation;
mod numbers;
mod on_states;
mod pairs;
mod ranges;
mod responses;
mod rows;
mod settings;
mod spec;
mod state_measure;
mod timestep;

pub use accuracy::Accuracy;
pub use analysis::{Analysis, Settings, Subject};
pub use autocorrelation::{Autocorrelation, Resemblance, autocorrelation};
pub use cka::{cka, cka_debiased};
pub use class_distances::{ClassDistances, Distances, class_distances};
pub use classifier::Classifier;
pub use cluster_holdout::{ClusterHoldout, HoldoutAccuracy, cluster_holdout};
pub use concertina_model::network::evaluate_outputs;
pub use concertina_numerics::kernels::with_threads;
pub use covariant_vectors::{CovariantVectors, covariant_vectors};
pub use decoding::{Decoded, Decoding, DecodingTarget, DecodingTest, decoding};
pub use effective_dimension::{EffectiveDimension, effective_dimension};
pub use error::{Error, Result};
pub use finite_time::{FiniteTime, finite_time};
pub use fixed_points::{FixedPoints, fixed_points};
pub use intrinsic_dimension::{
    CorrelationDimension, Dimensions, IntrinsicDimension, LevinaBickel, ParticipationRatios, TwoNn,
    components_90, correlation_dimension, intrinsic_dimension, levina_bickel, participation_ratios, twonn,
};
pub use kernel::Kernel;
pub use loss::Loss;
pub use lyapunov::{Lyapunov, lyapunov, lyapunov_driven};
pub use manifold_capacity::{
    Anchored, Capacity, ManifoldCapacity, ManifoldGeometry, Manifolds, anchor_points, manifold_capacity,
};
pub use numbers::Precision;
pub use on_states::{GivenStates, StatesAt};
pub use orthogonal_compression::{
    OrthogonalCompression, Reference, compression_beside_class_means, orthogonal_compression,
};
pub use pca_snapshots::{PcaSnapshot, PcaSnapshots, pca_snapshots};
pub use performance::Performance;
pub use representation_similarity::{
    Between, RdmDistance, RdmSimilarity, ReferenceCheckpoint, RepresentationSimilarity, SimilarityMeasure,
    procrustes_angle, rdm, rdm_similarity,
};
pub use responses::StateVariable;
pub use saturation::{Magnitudes, Saturation, rates, saturation};
pub use settings::Setting;
pub use spec::AnalysisSpec;
pub use spectrum::{MatrixSpectrum, Spectrum, spectrum};
pub use timestep::{Timestep, Timesteps};
pub use weight_variance::{VaryingWeights, WeightVariance, weight_variance};
