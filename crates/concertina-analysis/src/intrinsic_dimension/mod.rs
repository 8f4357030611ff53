//! `intrinsic_dimension`: the dimension of the surface on which the states lie, by several estimators.

mod neighbours;
mod participation;

pub use neighbours::{
    CorrelationDimension, LevinaBickel, TwoNn, correlation_dimension, levina_bickel, twonn,
};
pub use participation::{ParticipationRatios, components_90, participation_ratios};

use concertina_model::task::Trials;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::numbers::Precision;
use crate::ranges::{at_least, at_most, refuse};
use crate::responses::{Responses, StateVariable, check_finite};
use crate::state_measure::{StateMeasure, States};
use crate::{Error, Result, Subject, Timestep, Timesteps};
use neighbours::{Neighbours, distinct};

const NAME: &str = "intrinsic_dimension";
/// Largest number of neighbours: arbitrary, fifty times the default.
const MOST_NEIGHBOURS: usize = 1000;

/// The dimension of the surface on which the states lie, at each timestep, by several estimators. Those that
/// use neighbours also count the dimensions of a curved surface; those that use the covariance do not.
///
/// # Returns
/// One row per checkpoint and timestep, with the columns
/// * `duplicates`: number of states that equal an earlier one. The estimators that use neighbours leave them
///   out;
/// * `twonn` and `twonn_se`: see [`twonn`], with its standard error;
/// * `levina_bickel`: see [`levina_bickel`];
/// * `correlation_dimension`: see [`correlation_dimension`];
/// * `components_90`: number of principal components that have 90% of the variance;
/// * `participation_ratio`: the effective dimension, see
///   [`effective_dimension`](fn@crate::effective_dimension);
/// * `participation_ratio_corrected` and `participation_ratio_corrected_both`: see [`participation_ratios`].
///
/// All but `duplicates` are null if all states are equal up to rounding, and where their functions say that
/// they are undefined. With the default settings, `levina_bickel` and `correlation_dimension` need 21 states
/// that differ.
///
/// # Source
/// `facco2017`, `levina2004` and `mackay2005`, `grassberger1983`, `gao2017`, `chun2025`. Differs in: see the
/// functions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IntrinsicDimension {
    /// Samples, spread evenly over the clusters; at least 4.
    pub samples: usize,
    /// The timesteps to analyse.
    pub timesteps: Timesteps,
    /// Continue the trials to this timestep, with zero input.
    pub extend_to: Option<Timestep>,
    /// The variable to analyse in place of the state of the units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateVariable>,
    /// Share of the ratios of distances, the largest, that `twonn` discards; between 0 and 1.
    pub discarded: f64,
    /// The smallest number of neighbours of `levina_bickel`, and of the smallest radius of
    /// `correlation_dimension`; at least 2.
    pub k_min: usize,
    /// The largest number of neighbours; above `k_min`, and at most 1000.
    pub k_max: usize,
}

impl Default for IntrinsicDimension {
    fn default() -> Self {
        Self {
            samples: 500,
            timesteps: Timesteps::All,
            extend_to: None,
            state: None,
            discarded: 0.1,
            k_min: 10,
            k_max: 20,
        }
    }
}

impl StateMeasure for IntrinsicDimension {
    const NAME: &'static str = NAME;
    const VERSION: u32 = 1;
    const REFERENCES: &'static [&'static str] =
        &["facco2017", "levina2004", "mackay2005", "grassberger1983", "gao2017", "chun2025"];
    const COLUMNS: &'static [&'static str] = &[
        "duplicates",
        "twonn",
        "twonn_se",
        "levina_bickel",
        "correlation_dimension",
        "components_90",
        "participation_ratio",
        "participation_ratio_corrected",
        "participation_ratio_corrected_both",
    ];
    const LEAST_SAMPLES: usize = 4;

    fn states(&self) -> States<'_> {
        States {
            samples: self.samples,
            timesteps: &self.timesteps,
            extend_to: self.extend_to,
            state: self.state,
        }
    }

    fn check_settings(&self) -> Result<()> {
        check_share(self.discarded)?;
        check_neighbours(self.k_min, self.k_max)
    }

    fn measure(
        &self,
        _: &Subject,
        _: &Trials,
        _: &[Timestep],
    ) -> Result<impl FnMut(&Responses, Timestep) -> Result<Vec<Option<f64>>>> {
        Ok(move |responses: &Responses, timestep| Ok(self.of(responses.at(timestep)?)?.row()))
    }
}

impl IntrinsicDimension {
    /// The columns of its table after `timestep`.
    pub(crate) fn columns() -> &'static [&'static str] {
        <Self as StateMeasure>::COLUMNS
    }

    /// Every estimate for finite states.
    fn of<T: Precision>(&self, states: ArrayView2<T>) -> Result<Dimensions> {
        let neighbours = Neighbours::of(states, self.k_max.max(2));
        let neighbours = neighbours.as_ref();
        Ok(Dimensions {
            duplicates: states.nrows() - distinct(states).len(),
            twonn: neighbours.and_then(|found| found.twonn(self.discarded)),
            levina_bickel: neighbours.and_then(|found| found.levina_bickel(self.k_min, self.k_max)),
            correlation: neighbours.and_then(|found| found.correlation(self.k_min, self.k_max)),
            components_90: components_90(states)?,
            participation: if states.nrows() < 2 { None } else { participation_ratios(states)? },
        })
    }
}

/// The dimension of a cloud of states by several estimators. `None` where one is undefined.
#[derive(Debug, Clone, PartialEq)]
pub struct Dimensions {
    /// Number of states that equal an earlier one.
    pub duplicates: usize,
    /// By the ratio of the distances to two neighbours: see [`twonn`].
    pub twonn: Option<TwoNn>,
    /// By maximum likelihood: see [`levina_bickel`].
    pub levina_bickel: Option<LevinaBickel>,
    /// By the number of pairs within a radius: see [`correlation_dimension`].
    pub correlation: Option<CorrelationDimension>,
    /// Number of principal components that have 90% of the variance: see [`components_90`].
    pub components_90: Option<usize>,
    /// By the covariance: see [`participation_ratios`].
    pub participation: Option<ParticipationRatios>,
}

impl Dimensions {
    /// The numbers of a row of the table.
    pub(crate) fn row(&self) -> Vec<Option<f64>> {
        vec![
            Some(self.duplicates as f64),
            self.twonn.map(|twonn| twonn.dimension),
            self.twonn.map(|twonn| twonn.standard_error),
            self.levina_bickel.as_ref().map(|found| found.dimension),
            self.correlation.as_ref().map(|found| found.dimension),
            self.components_90.map(|count| count as f64),
            self.participation.map(|found| found.ratio),
            self.participation.and_then(|found| found.corrected),
            self.participation.and_then(|found| found.corrected_both),
        ]
    }
}

/// The dimension of a cloud of states by every estimator of [`IntrinsicDimension`].
///
/// Of `settings`, only `discarded`, `k_min` and `k_max` are used. The results do not depend on the order of
/// the samples, up to rounding, nor on rotations, shifts and scalings of the cloud.
///
/// # Shapes
/// `states`: (samples, units).
///
/// # Errors
/// [`Error::Parameter`]; [`Error::TooFewSamples`] for fewer than 2 samples; [`Error::NotFinite`] names the
/// sample and unit of the first NaN or infinite value.
///
/// # Source
/// See [`IntrinsicDimension`].
///
/// # Example
/// ```
/// use concertina_analysis::{IntrinsicDimension, intrinsic_dimension};
/// use ndarray::Array2;
///
/// // a plane in four dimensions
/// let plane = Array2::from_shape_fn((100, 4), |(i, unit)| {
///     let (x, y) = ((i as f64 * 0.618).fract(), (i as f64 * 0.414).fract());
///     [x, y, x + y, x - y][unit]
/// });
/// let found = intrinsic_dimension(&IntrinsicDimension::default(), plane.view())?;
/// assert_eq!((found.duplicates, found.components_90), (0, Some(2)));
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn intrinsic_dimension<T: Precision>(
    settings: &IntrinsicDimension,
    states: ArrayView2<T>,
) -> Result<Dimensions> {
    settings.check_settings()?;
    if states.nrows() < 2 {
        let (quantity, found) = ("intrinsic dimension", states.nrows());
        return Err(Error::TooFewSamples { quantity, expected: 2, found });
    }
    check_finite(states, || "states".to_owned())?;
    settings.of(states)
}

/// Checks the share of ratios that are discarded.
fn check_share(discarded: f64) -> Result<()> {
    if discarded > 0.0 && discarded < 1.0 {
        return Ok(());
    }
    refuse(NAME, "discarded", "a share between 0 and 1".to_owned(), discarded)
}

/// Checks the range of numbers of neighbours.
fn check_neighbours(k_min: usize, k_max: usize) -> Result<()> {
    at_least(NAME, "k_min", k_min, 2)?;
    at_least(NAME, "k_max", k_max, k_min.saturating_add(1))?;
    at_most(NAME, "k_max", k_max, MOST_NEIGHBOURS)
}
