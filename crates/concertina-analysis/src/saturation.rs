//! `saturation`: how near the rates are to the ends of their range.

use concertina_model::network::Equations;
use concertina_model::params::Nonlinearity;
use concertina_model::task::Trials;
use concertina_numerics::kernels::{relu_in_place, tanh_in_place};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::numbers::sum_of;
use crate::responses::Responses;
use crate::state_measure::{StateMeasure, States};
use crate::{Result, Subject, Timestep, Timesteps};

/// How large the rates are at each timestep: mean and standard deviation of their magnitude over samples and units.
///
/// The rate is what the nonlinearity returns: the state `h` of a vanilla or feedforward network, `φ(h)` of a leaky one, whose
/// state itself is not bounded. With tanh a mean near 1 says that the units are saturated, so that gradients hardly pass
/// them; relu and linear rates have no upper end, and the number is their mean magnitude and no more.
///
/// # Returns
/// A row for each checkpoint and timestep, with the columns `saturation`, the mean, and `saturation_sd`, the standard deviation
/// (squares over n: the spread of these very units, not an estimate for others). Null at the input, timestep -1, which has
/// passed no nonlinearity.
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
        Ok(move |responses: &Responses, timestep| {
            if timestep == Timestep::INPUT {
                return Ok(vec![None; 2]);
            }
            Ok(moments(&rates(&equations, responses.at(timestep)?)).map(Some).to_vec())
        })
    }
}

/// The rates of these states, in the order of memory.
fn rates(equations: &Equations, states: ArrayView2<f32>) -> Vec<f32> {
    let mut rates: Vec<f32> = states.iter().copied().collect();
    match equations.nonlinearity {
        _ if !equations.dynamics().sends_rates() => {}
        Nonlinearity::Tanh => tanh_in_place(&mut rates),
        Nonlinearity::Relu => relu_in_place(&mut rates),
        Nonlinearity::Linear => {}
    }
    rates
}

/// Mean and standard deviation of the magnitudes of at least one number.
fn moments(rates: &[f32]) -> [f64; 2] {
    let count = rates.len() as f64;
    let magnitude = |rate: f32| f64::from(rate.abs());
    let mean = sum_of(rates, magnitude) / count;
    let variance = sum_of(rates, |rate| (magnitude(rate) - mean) * (magnitude(rate) - mean)) / count;
    [mean, variance.sqrt()]
}
