//! `saturation`: how close the rates are to the ends of their range.

use concertina_model::network::Equations;
use concertina_model::params::Nonlinearity;
use concertina_model::task::Trials;
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::numbers::{Precision, one_over_largest, sum_of};
use crate::responses::{Responses, check_finite};
use crate::state_measure::{StateMeasure, States};
use crate::{Error, Result, Subject, Timestep, Timesteps};

/// How large the rates are at each timestep: the mean and standard deviation of their magnitude, over samples
/// and units.
///
/// The rate is the output of the nonlinearity: the state `h` of a vanilla or feedforward network, and `φ(h)`
/// in a leaky network, whose state itself is not bounded. With tanh, a mean near 1 means that the units are
/// saturated, so that gradients hardly propagate through them. Relu and linear rates have no upper limit, and
/// the value is simply their mean magnitude.
///
/// # Returns
/// One row per checkpoint and timestep, with the columns `saturation`, the mean, and `saturation_sd`, the
/// standard deviation (with n in the denominator: the spread of these very units, not an estimate for
/// others). Null at the input, timestep -1, which has not passed through the nonlinearity.
///
/// # Source
/// `farrell2022`, Fig. 3g. Differs in: nothing for vanilla networks, the only kind for which it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Saturation {
    /// Samples, spread evenly over the clusters.
    pub samples: usize,
    /// The timesteps to analyse.
    pub timesteps: Timesteps,
    /// Continue the trials to this timestep, with zero input.
    pub extend_to: Option<Timestep>,
}

impl Default for Saturation {
    fn default() -> Self {
        Self { samples: 1000, timesteps: Timesteps::All, extend_to: None }
    }
}

impl StateMeasure for Saturation {
    const NAME: &'static str = "saturation";
    const VERSION: u32 = 1;
    const REFERENCES: &'static [&'static str] = &["farrell2022"];
    const COLUMNS: &'static [&'static str] = &["saturation", "saturation_sd"];
    const LEAST_SAMPLES: usize = 1;

    fn states(&self) -> States<'_> {
        States { samples: self.samples, timesteps: &self.timesteps, extend_to: self.extend_to, state: None }
    }

    fn measure(
        &self,
        subject: &Subject,
        _: &Trials,
        _: &[Timestep],
    ) -> Result<impl FnMut(&Responses, Timestep) -> Result<Vec<Option<f64>>>> {
        let equations = Equations::new(subject.params);
        let sends_rates = equations.dynamics().sends_rates();
        Ok(move |responses: &Responses, timestep| {
            if timestep == Timestep::INPUT {
                return Ok(vec![None; 2]);
            }
            let states = responses.at(timestep)?;
            let found = match sends_rates {
                true => saturation(rates(states, equations.nonlinearity).view())?,
                false => saturation(states)?,
            };
            Ok(vec![Some(found.mean), Some(found.standard_deviation)])
        })
    }
}

/// Statistics of the magnitudes of some numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Magnitudes {
    /// The mean of the magnitudes.
    pub mean: f64,
    /// The standard deviation of the magnitudes, with n in the denominator.
    pub standard_deviation: f64,
}

/// Mean and standard deviation of the magnitudes of rates, over samples and units.
///
/// The rates of a leaky network are not its states. [`rates`] computes them from the states.
///
/// # Shapes
/// `rates`: (samples, units).
///
/// # Returns
/// Both are in the unit of the rates, and in [0, 1] with tanh. The standard deviation has n in the
/// denominator: it is the spread of these very units, not an estimate for others.
///
/// # Errors
/// [`Error::TooFewSamples`] without samples; [`Error::Shape`] without units; [`Error::NotFinite`] names the
/// sample and unit of the first NaN or infinite value.
///
/// # Source
/// `farrell2022`, Fig. 3g. Differs in: nothing.
///
/// # Example
/// ```
/// use concertina_analysis::saturation;
/// use ndarray::arr2;
///
/// let found = saturation(arr2(&[[1.0, -0.5], [0.0, 0.5]]).view())?;
/// assert_eq!((found.mean, found.standard_deviation), (0.5, 0.125_f64.sqrt()));
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn saturation<T: Precision>(rates: ArrayView2<T>) -> Result<Magnitudes> {
    match rates.dim() {
        (0, _) => return Err(Error::TooFewSamples { quantity: "saturation", expected: 1, found: 0 }),
        (samples, 0) => {
            let expected = format!("(samples, units) = ({samples}, any), with at least one unit");
            return Err(Error::Shape { what: "rates", expected, found: vec![samples, 0] });
        }
        _ => {}
    }
    check_finite(rates, || "rates".to_owned())?;
    // Near 1, squares neither overflow nor underflow, and scaling by a power of two is exact.
    let scale = one_over_largest(rates).unwrap_or(1.0);
    let magnitudes: Vec<f64> = rates.iter().map(|rate| (*rate).into().abs() * scale).collect();
    let count = magnitudes.len() as f64;
    let mean = sum_of(&magnitudes, |magnitude| magnitude) / count;
    let variance = sum_of(&magnitudes, |magnitude| (magnitude - mean) * (magnitude - mean)) / count;
    Ok(Magnitudes { mean: mean / scale, standard_deviation: variance.sqrt() / scale })
}

/// The rates `φ(h)` of a leaky network with these states, in the precision of the states.
///
/// The states of a vanilla or feedforward network are its rates already.
///
/// # Shapes
/// `states`: (samples, units) → the same.
pub fn rates<T: Precision>(states: ArrayView2<T>, nonlinearity: Nonlinearity) -> Array2<T> {
    let mut rates = states.as_standard_layout().into_owned();
    T::activate(nonlinearity, rates.as_slice_mut().expect("in row-major order"));
    rates
}
