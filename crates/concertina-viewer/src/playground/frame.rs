//! The picture of a network at a moment of its training.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use concertina::model::network::Network;
use concertina::model::params::ValidParams;
use concertina::model::trainer::EpochRecord;
use concertina_numerics::linalg::eigenvalues;
use ndarray::Array2;
use serde_json::{Value, json};

use super::session::Moment;
use crate::answer::Result;
use crate::cloud::{Basis, CloudMaker};

/// Trials in a picture: as many points as an eye follows.
const SAMPLES: usize = 300;
/// How often eigenvalues are computed at most, also as a multiple of the time they take, which is that of
/// several pictures.
const SPECTRUM_INTERVAL: Duration = Duration::from_millis(700);
const SPECTRUM_REST: u32 = 20;

/// Makes the pictures of one network.
#[derive(Debug)]
pub(super) struct Painter {
    params: ValidParams,
    clouds: CloudMaker,
    /// The last picture.
    picture: Value,
    learning_rate: Option<f64>,
    /// When the next eigenvalues are due.
    spectrum: Instant,
    number: u64,
}

impl Painter {
    pub(super) fn new(params: &ValidParams) -> Result<Self> {
        Ok(Self {
            clouds: CloudMaker::new(params, SAMPLES, Basis::EachTimestep)?.following(),
            params: params.clone(),
            picture: json!({}),
            learning_rate: None,
            spectrum: Instant::now(),
            number: 0,
        })
    }

    /// What is the same in all pictures.
    pub(super) fn description(&self) -> Value {
        json!({
            "timesteps": self.clouds.timesteps(),
            "samples": self.clouds.samples(),
            "labels": self.clouds.labels(),
            "conditions": self.clouds.conditions(),
        })
    }

    /// Makes a picture.
    pub(super) fn paint(&mut self, moment: &Moment, last: Option<&EpochRecord>) -> Result<()> {
        self.learning_rate = last.map(|last| last.learning_rate);
        let network = Network::of_trained(&self.params, moment.weights.clone())?;
        let clouds = self.clouds.make(&network)?;
        let points: Vec<Value> = clouds.points.iter().map(quantised).collect();
        let readout: Vec<Vec<f32>> =
            clouds.readout.iter().map(|readout| readout.iter().copied().collect()).collect();
        self.number += 1;
        let picture = json!({
            "number": self.number,
            "epoch": moment.checkpoint.epoch.0,
            "update": moment.checkpoint.update.0,
            "points": points,
            "readout": readout,
            "dimension": clouds.dimension,
            "explained": clouds.explained,
            "accuracy": clouds.accuracy,
            "loss": clouds.loss,
            "learning_rate": self.learning_rate,
            "eigenvalues": self.picture["eigenvalues"].take(),
        });
        self.picture = picture;
        let start = Instant::now();
        if start >= self.spectrum {
            self.picture["eigenvalues"] = json!(recurrent_eigenvalues(&network)?);
            self.spectrum = Instant::now() + SPECTRUM_INTERVAL.max(start.elapsed() * SPECTRUM_REST);
        }
        Ok(())
    }

    /// The picture as a line of JSON.
    pub(super) fn text(&mut self, problem: Option<&str>) -> Arc<str> {
        self.picture["problem"] = json!(problem);
        Arc::from(self.picture.to_string())
    }
}

/// The eigenvalues of the recurrent weights in the plane; none if they are not one square matrix.
pub(crate) fn recurrent_eigenvalues(network: &Network) -> Result<Option<Vec<[f64; 2]>>> {
    match network.weights().recurrent.as_slice() {
        [matrix] if matrix.is_square() => {
            let values = eigenvalues(matrix.mapv(f64::from).view())?;
            Ok(Some(values.iter().map(|value| [value.re, value.im]).collect()))
        }
        _ => Ok(None),
    }
}

/// Points as 16-bit numbers in units of a scale, which a screen cannot tell from the numbers themselves.
fn quantised(points: &Array2<f32>) -> Value {
    let largest = points.iter().fold(0.0_f32, |most, point| most.max(point.abs()));
    let scale = if largest > 0.0 { largest / f32::from(i16::MAX) } else { 1.0 };
    let bytes: Vec<u8> =
        points.iter().flat_map(|point| ((point / scale).round() as i16).to_le_bytes()).collect();
    json!({ "scale": scale, "points": STANDARD.encode(bytes) })
}
