//! Initial weights (`docs/reference/model.md#initial-weights`), as functions of given Gaussian numbers and as
//! drawn for a realisation.
//!
//! Everything is computed in f64 and rounded to f32 once, at the end.

use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array, Array1, Array2, Axis, Dimension, Zip};

use super::drawing::{Drawing, Drawn};
pub use super::drawing::{
    block_recurrent, dale_magnitudes, diagonal_input, gate_input, input_around, leaky_recurrent,
    orthogonal_input, random_part, readout, vanilla_recurrent,
};
use super::weights::Layout;
use super::{Connectivity, Equations, TrainedWeights, Weights, cell};
use crate::error::{Error, Result};
use crate::memory;
use crate::params::{InitialState, InitialWeights, ValidParams};

const UNIFORM_WEIGHTS: Purpose = Purpose::new("uniform weights");
const READOUT_WEIGHTS: Purpose = Purpose::new("readout weights");

/// The weights of a realisation before training.
///
/// # Errors
/// [`Error::Imported`]; [`Error::TooLarge`]; [`Error::Parameter`] names the scale that makes weights exceed
/// the range of single precision; [`Error::Numerics`] if a factorisation fails, which does not happen with
/// Gaussian numbers.
pub fn draw(params: &ValidParams) -> Result<Weights> {
    draw_trained(params).map(|weights| weights.effective())
}

/// As [`draw`], in the form in which the weights are trained.
pub(super) fn draw_trained(params: &ValidParams) -> Result<TrainedWeights> {
    if let Some(weights) = params.network.weights {
        return Err(Error::Imported { weights });
    }
    memory::check(params)?;
    let connectivity = Connectivity::of(params);
    let drawing = Drawing { params, connectivity: &connectivity };
    let arrays = match params.network.init {
        InitialWeights::Standard => standard(&drawing)?,
        InitialWeights::Pytorch => uniform(&drawing)?,
    };
    Ok(TrainedWeights::new(connectivity, arrays))
}

/// Weights by the rules of the cell.
fn standard(drawing: &Drawing<'_>) -> Result<Weights> {
    let params = drawing.params;
    let network = &params.network;
    let Drawn { input, recurrent, biases } = cell::of(&Equations::new(params)).draw(drawing)?;
    let readout = drawing.gaussian(READOUT_WEIGHTS, network.units, params.outputs());
    let mut readout = self::readout(readout.view(), network.readout_scale);
    if let Some(trained) = drawing.connectivity.trained_entries(Weights::READOUT) {
        let trained = trained.broadcast(readout.raw_dim()).expect("one column, or one per output").to_owned();
        Zip::from(&mut readout).and(&trained).for_each(|entry, trained| {
            if !trained {
                *entry = 0.0;
            }
        });
    }
    let layout = Layout::of(params);
    let repeated = layout.biases / biases.len();
    let (gain, gain_name) = match network.kind.is_gated() && network.gate_gain > params.gain() {
        true => (network.gate_gain, "network.gate_gain"),
        false => (params.gain(), "network.gain"),
    };
    let biases: Vec<Array1<f32>> = biases
        .into_iter()
        .map(|bias| rounded(bias, "network.gate_bias", params.gate_bias()))
        .collect::<Result<_>>()?;
    Ok(Weights {
        input: rounded(input, "network.input_scale", network.input_scale)?,
        recurrent: recurrent.into_iter().map(|part| rounded(part, gain_name, gain)).collect::<Result<_>>()?,
        biases: biases.into_iter().flat_map(|bias| vec![bias; repeated]).collect(),
        readout: rounded(readout, "network.readout_scale", network.readout_scale)?,
        readout_bias: Array1::zeros(params.outputs()),
        initial_state: initial_state(params),
    })
}

/// Weights as in PyTorch's layers before training: uniform in ±1/√units. Each array is drawn from a separate
/// stream, row by row.
fn uniform(drawing: &Drawing<'_>) -> Result<Weights> {
    let params = drawing.params;
    let units = params.network.units;
    let Layout { currents, recurrent, biases, .. } = Layout::of(params);
    let (columns, outputs) = (currents * units, params.outputs());
    let bound = 1.0 / (units as f64).sqrt();
    let mut index = 0;
    let mut matrix = |rows: usize, columns: usize| {
        let mut stream = Stream::new(params.seed, UNIFORM_WEIGHTS, index);
        index += 1;
        Array2::from_shape_simple_fn((rows, columns), || (bound * (2.0 * stream.uniform() - 1.0)) as f32)
    };
    let input = matrix(params.inputs(), columns);
    let recurrent = match recurrent {
        1 => {
            let numbers = matrix(units, columns).mapv(f64::from);
            let parts = drawing.connectivity.draw(drawing, &numbers, &|numbers| Ok(numbers.to_owned()))?;
            parts.into_iter().map(|part| part.mapv(|entry| entry as f32)).collect()
        }
        layers => (0..layers).map(|_| matrix(units, columns)).collect(),
    };
    let readout = matrix(units, outputs);
    let mut vector = |length: usize| match params.network.biases {
        true => matrix(1, length).remove_axis(Axis(0)),
        false => Array1::zeros(length),
    };
    let biases = (0..biases).map(|_| vector(columns)).collect();
    let readout_bias = vector(outputs);
    Ok(Weights { input, recurrent, biases, readout, readout_bias, initial_state: initial_state(params) })
}

/// The initial state before training: zero.
fn initial_state(params: &ValidParams) -> Option<Array1<f32>> {
    match params.network.initial_state {
        InitialState::Zero => None,
        InitialState::Trained => Some(Array1::zeros(Layout::of(params).states * params.network.units)),
    }
}

/// Weights in single precision, or, if one of them is too large for it, an error that names the parameter
/// that scales them.
fn rounded<D: Dimension>(array: Array<f64, D>, parameter: &str, scale: f64) -> Result<Array<f32, D>> {
    let rounded = array.mapv(|entry| entry as f32);
    if rounded.iter().all(|entry| entry.is_finite()) {
        return Ok(rounded);
    }
    Err(Error::Parameter {
        parameter: parameter.to_owned(),
        expected: format!(
            "a number that keeps every weight below {:.1e}, the largest number in single precision",
            f32::MAX
        ),
        found: format!("{scale:e}"),
        hint: Some(format!("lower `{parameter}`")),
    })
}
