//! Initial weights (`docs/reference/model.md#initial-weights`): as functions of given Gaussian numbers, and drawn
//! for a realisation.
//!
//! Everything is computed in f64 and rounded to f32 once, at the end.

use concertina_numerics::linalg;
use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array1, Array2, ArrayView2, Axis, s};

use super::weights::Layout;
use super::{Equations, Weights, cell};
use crate::error::{Error, Result};
use crate::memory;
use crate::params::{InitialWeights, InputWeights, ValidParams};

const INPUT_WEIGHTS: Purpose = Purpose::new("input weights");
const RECURRENT_WEIGHTS: Purpose = Purpose::new("recurrent weight");
const GATE_INPUT_WEIGHTS: Purpose = Purpose::new("gate input");
const UNIFORM_WEIGHTS: Purpose = Purpose::new("uniform weights");
const ORTHOGONAL_PART: Purpose = Purpose::new("orthogonal part");
const READOUT_WEIGHTS: Purpose = Purpose::new("readout weights");

/// Readout weights have standard deviation `0.3 / √units` at `readout_scale = 1`, as in the published code.
const READOUT_STD: f64 = 0.3;

/// Orthogonal input weights from Gaussian numbers.
///
/// The orthogonal factor of `gaussian` (signs of R's diagonal positive), divided by the mean of its absolute entries, times
/// `scale / √input_dim`, transposed.
///
/// # Shapes
/// `gaussian`: (units, input_dim) → (input_dim, units).
///
/// # Errors
/// When the factorisation fails (entries that are not finite).
pub fn orthogonal_input(gaussian: ArrayView2<f64>, scale: f64) -> Result<Array2<f64>> {
    let input_dim = gaussian.ncols();
    let factor = linalg::orthogonal_factor(gaussian)?;
    let mean_size = factor.iter().map(|entry| entry.abs()).sum::<f64>() / factor.len() as f64;
    let scale = scale / (input_dim as f64).sqrt() / mean_size;
    Ok(factor.t().mapv(|entry| entry * scale))
}

/// Diagonal input weights, `scale · I`: unit `i` hears input `i` alone. (input_dim, units).
pub fn diagonal_input(input_dim: usize, units: usize, scale: f64) -> Array2<f64> {
    Array2::from_shape_fn((input_dim, units), |(input, unit)| if input == unit { scale } else { 0.0 })
}

/// The random part `J* = gain · J / |λ_max(J)|`: its spectral radius is exactly `gain`. (units, units), as `gaussian`.
///
/// # Errors
/// When the eigenvalues cannot be found.
pub fn random_part(gaussian: ArrayView2<f64>, gain: f64) -> Result<Array2<f64>> {
    let scale = gain / linalg::spectral_radius(gaussian)?;
    Ok(gaussian.mapv(|entry| entry * scale))
}

/// Recurrent weights of `vanilla` and `feedforward`: `(1 - dt) I + dt J*`. (units, units).
///
/// # Errors
/// As [`random_part`].
pub fn vanilla_recurrent(gaussian: ArrayView2<f64>, gain: f64, dt: f64) -> Result<Array2<f64>> {
    let mut weights = random_part(gaussian, gain)? * dt;
    weights.diag_mut().mapv_inplace(|entry| entry + (1.0 - dt));
    Ok(weights)
}

/// Recurrent weights of `leaky`: `f J* + (1 - f) gain Q`, `Q` the transposed orthogonal factor of `gaussian_orthogonal`.
///
/// # Errors
/// As [`random_part`] and [`orthogonal_input`].
pub fn leaky_recurrent(
    gaussian: ArrayView2<f64>,
    gaussian_orthogonal: ArrayView2<f64>,
    gain: f64,
    random_fraction: f64,
) -> Result<Array2<f64>> {
    let orthogonal = linalg::orthogonal_factor(gaussian_orthogonal)?;
    Ok(random_part(gaussian, gain)? * random_fraction + &orthogonal.t() * ((1.0 - random_fraction) * gain))
}

/// Recurrent weights of gated networks: blocks side by side, each of its own spectral radius, exactly. (units, blocks × units), as `gaussian`.
///
/// # Errors
/// As [`random_part`].
pub fn block_recurrent(gaussian: ArrayView2<f64>, gains: &[f64]) -> Result<Array2<f64>> {
    let units = gaussian.nrows();
    let mut weights = Array2::zeros(gaussian.raw_dim());
    for (block, gain) in gains.iter().enumerate() {
        let columns = s![.., block * units..(block + 1) * units];
        weights.slice_mut(columns).assign(&random_part(gaussian.slice(columns), *gain)?);
    }
    Ok(weights)
}

/// Input weights of gates, `gaussian / √input_dim`. (input_dim, gates × units), as `gaussian`.
pub fn gate_input(gaussian: ArrayView2<f64>) -> Array2<f64> {
    let factor = 1.0 / (gaussian.nrows() as f64).sqrt();
    gaussian.mapv(|entry| entry * factor)
}

/// Readout weights `scale · 0.3 / √units · gaussian`. (units, outputs).
pub fn readout(gaussian: ArrayView2<f64>, scale: f64) -> Array2<f64> {
    let factor = scale * READOUT_STD / (gaussian.nrows() as f64).sqrt();
    gaussian.mapv(|entry| entry * factor)
}

/// The weights of a realisation before training.
///
/// # Errors
/// [`Error::Imported`]; [`Error::TooLarge`]; [`Error::Parameter`] names the scale with which weights leave the range of single precision. When a
/// factorisation fails, which Gaussian numbers do not make happen.
pub fn draw(params: &ValidParams) -> Result<Weights> {
    if let Some(weights) = params.network.weights {
        return Err(Error::Imported { weights });
    }
    memory::check(params)?;
    if params.network.init == InitialWeights::Pytorch {
        return Ok(uniform(params));
    }
    let drawing = Drawing { params };
    let network = &params.network;
    let Drawn { input, recurrent, biases } = cell::of(&Equations::new(params)).draw(&drawing)?;
    let readout = drawing.gaussian(READOUT_WEIGHTS, network.units, params.outputs());
    let readout = self::readout(readout.view(), network.readout_scale);
    let layout = Layout::of(params);
    let repeated = layout.biases / biases.len();
    Ok(Weights {
        input: rounded(input, "network.input_scale", network.input_scale)?,
        recurrent: vec![rounded(recurrent, "network.gain", network.gain)?; layout.recurrent],
        biases: biases.iter().flat_map(|bias| vec![bias.mapv(|entry| entry as f32); repeated]).collect(),
        readout: rounded(readout, "network.readout_scale", network.readout_scale)?,
        readout_bias: Array1::zeros(params.outputs()),
    })
}

/// Weights as PyTorch's layers have them before training: uniform in ±1/√units, each array from a stream of its own, row by row.
fn uniform(params: &ValidParams) -> Weights {
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
    let recurrent = (0..recurrent).map(|_| matrix(units, columns)).collect();
    let readout = matrix(units, outputs);
    let mut vector = |length: usize| match params.network.biases {
        true => matrix(1, length).remove_axis(Axis(0)),
        false => Array1::zeros(length),
    };
    let biases = (0..biases).map(|_| vector(columns)).collect();
    Weights { input, recurrent, biases, readout, readout_bias: vector(outputs) }
}

/// The Gaussian numbers of a realisation, and what all cells make of them.
#[derive(Debug)]
pub(super) struct Drawing<'a> {
    pub(super) params: &'a ValidParams,
}

/// What a cell has drawn: `U`, `W` and its biases, in f64.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) input: Array2<f64>,
    pub(super) recurrent: Array2<f64>,
    pub(super) biases: Vec<Array1<f64>>,
}

impl Drawing<'_> {
    /// Standard normal numbers, keyed by the seed and the purpose. (rows, columns).
    pub(super) fn gaussian(&self, purpose: Purpose, rows: usize, columns: usize) -> Array2<f64> {
        let mut stream = Stream::new(self.params.seed, purpose, 0);
        Array2::from_shape_simple_fn((rows, columns), || stream.normal())
    }

    /// The Gaussian numbers of the recurrent weights. (units, currents × units).
    pub(super) fn recurrent(&self, currents: usize) -> Array2<f64> {
        let units = self.params.network.units;
        self.gaussian(RECURRENT_WEIGHTS, units, currents * units)
    }

    /// The Gaussian numbers of the input weights of gates. (input_dim, gates × units).
    pub(super) fn gate_input(&self, gates: usize) -> Array2<f64> {
        let (units, input_dim) = (self.params.network.units, self.params.inputs());
        self.gaussian(GATE_INPUT_WEIGHTS, input_dim, gates * units)
    }

    /// The Gaussian numbers of the orthogonal part of recurrent weights. (units, units).
    pub(super) fn orthogonal_part(&self) -> Array2<f64> {
        let units = self.params.network.units;
        self.gaussian(ORTHOGONAL_PART, units, units)
    }

    /// Input weights of one current. (input_dim, units).
    pub(super) fn input(&self) -> Result<Array2<f64>> {
        let (network, input_dim) = (&self.params.network, self.params.inputs());
        match network.input_weights {
            InputWeights::Orthogonal => {
                let gaussian = self.gaussian(INPUT_WEIGHTS, network.units, input_dim);
                orthogonal_input(gaussian.view(), network.input_scale)
            }
            InputWeights::Diagonal => Ok(diagonal_input(input_dim, network.units, network.input_scale)),
        }
    }
}

/// Weights in single precision, or an error that names the parameter which scales them, if one is too large for it.
fn rounded(array: Array2<f64>, parameter: &str, scale: f64) -> Result<Array2<f32>> {
    let rounded = array.mapv(|entry| entry as f32);
    if rounded.iter().all(|entry| entry.is_finite()) {
        return Ok(rounded);
    }
    Err(Error::Parameter {
        parameter: parameter.to_owned(),
        expected: format!(
            "a number that leaves every weight under {:.1e}, the largest in single precision",
            f32::MAX
        ),
        found: format!("{scale:e}"),
        hint: Some(format!("lower `{parameter}`")),
    })
}
