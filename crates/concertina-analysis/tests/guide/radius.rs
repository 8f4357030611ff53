//! `radius`: how far states lie from their mean.

use concertina_model::task::Trials;
use ndarray::Axis;
use serde::{Deserialize, Serialize};

use crate::responses::Responses;
use crate::state_measure::{StateMeasure, States};
use crate::{Result, Subject, Timestep, Timesteps};

/// How far the states of trials lie from their mean, at each timestep.
///
/// # Returns
/// One row per checkpoint and timestep, with the column `radius`: the mean Euclidean distance.
///
/// # Source
/// The definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Radius {
    /// Samples, spread evenly over the clusters.
    pub samples: usize,
    /// The timesteps to analyse.
    pub timesteps: Timesteps,
    /// Continue the trials to this timestep, with zero input.
    pub extend_to: Option<Timestep>,
}

impl Default for Radius {
    fn default() -> Self {
        Self { samples: 500, timesteps: Timesteps::All, extend_to: None }
    }
}

impl StateMeasure for Radius {
    const NAME: &'static str = "radius";
    const VERSION: u32 = 1;
    const REFERENCES: &'static [&'static str] = &["farrell2022"];
    const COLUMNS: &'static [&'static str] = &["radius"];
    const LEAST_SAMPLES: usize = 2;

    fn states(&self) -> States<'_> {
        States { samples: self.samples, timesteps: &self.timesteps, extend_to: self.extend_to, state: None }
    }

    fn measure(
        &self,
        _: &Subject,
        _: &Trials,
        _: &[Timestep],
    ) -> Result<impl FnMut(&Responses, Timestep) -> Result<Vec<Option<f64>>>> {
        Ok(|responses: &Responses, timestep| {
            let states = responses.at(timestep)?.mapv(f64::from); // checked: no state is NaN
            let centred = states.mean_axis(Axis(0)).map(|mean| &states - &mean);
            let length = |row: ndarray::ArrayView1<f64>| row.dot(&row).sqrt();
            Ok(vec![centred.and_then(|centred| centred.map_axis(Axis(1), length).mean())])
        })
    }
}
