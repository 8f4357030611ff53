//! `saturation`: how near the rates are to the ends of their range.

use concertina_model::network::Equations;
use concertina_model::params::Nonlinearity;
use concertina_model::task::Trials;
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::numbers::{Precision, one_over_largest, sum_of};
use crate::responses::{Responses, check_finite};
use crate::state_measure::{StateMeasure, States};
use crate::{Error, Result, Subject, Timestep, Timesteps};

/// How large the rates are at each timestep: mean and standard deviation of their magnitude over samples and
/// units.
///
/// The rate is what the nonlinearity returns: the state `h` of a vanilla or feedforward network, `φ(h)` of a
/// leaky one, whose state itself is not bounded. With tanh a mean near 1 says that the units are saturated,
/// so that gradients hardly pass them; relu and linear rates have no upper end, and the number is their mean
/// magnitude and no more.
///
/// # Returns
/// A row for each checkpoint and timestep, with the columns `saturation`, the mean, and `saturation_sd`, the
/// standard deviation (squares over n: the spread of these very units, not an estimate for others). Null at
/// the input, timestep -1, which has passed no nonlinearity.
///
/// # Source
/// `farrell2022`, Fig. 3g. Differs in: nothing for vanilla networks, the only kind it is shown for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Saturation {
    /// Samples, spread evenly over the clusters.
    pub samples: usize,
    /// The timesteps to look at.
    pub timesteps: Timesteps,
    /// Run the trials on, with zero input, to this timestep.
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
        States { samples: self.samples, timesteps: &self.timesteps, extend_to: self.extend_to }
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

/// How large numbers are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Magnitudes {
    /// Of their magnitudes.
    pub mean: f64,
    /// Of their magnitudes, with squares over n.
    pub standard_deviation: f64,
}

/// Mean and standard deviation of the magnitudes of rates, over samples and units.
///
/// The rates of a leaky network are not its states: [`rates`] takes them from these.
///
/// # Shapes
/// `rates`: (samples, units).
///
/// # Returns
/// In the unit of the rates; with tanh both are in [0, 1]. Squares are over n: the spread of these very
/// units, not an estimate for others.
///
/// # Errors
/// [`Error::TooFewSamples`] without samples; [`Error::Shape`] without units; [`Error::NotFinite`] names the
/// first bad sample and unit.
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
    // Near 1, squares neither over- nor underflow; a power of two changes no digit.
    let scale = one_over_largest(rates).unwrap_or(1.0);
    let magnitudes: Vec<f64> = rates.iter().map(|rate| (*rate).into().abs() * scale).collect();
    let count = magnitudes.len() as f64;
    let mean = sum_of(&magnitudes, |magnitude| magnitude) / count;
    let variance = sum_of(&magnitudes, |magnitude| (magnitude - mean) * (magnitude - mean)) / count;
    Ok(Magnitudes { mean: mean / scale, standard_deviation: variance.sqrt() / scale })
}

/// The rates `φ(h)` of the states of a leaky network, in the precision of the states.
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
