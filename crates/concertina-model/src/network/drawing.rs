//! Weights as functions of given Gaussian numbers, and the Gaussian numbers of a realisation. Cells draw
//! their weights with these functions.
//!
//! Everything is computed in f64.

use concertina_numerics::linalg;
use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array1, Array2, ArrayView2, Axis, Zip, concatenate, s};

use super::Connectivity;
use crate::error::{Error, Result};
use crate::params::{InputWeights, ValidParams};

const INPUT_WEIGHTS: Purpose = Purpose::new("input weights");
const RECURRENT_WEIGHTS: Purpose = Purpose::new("recurrent weight");
const GATE_INPUT_WEIGHTS: Purpose = Purpose::new("gate input");
const ORTHOGONAL_PART: Purpose = Purpose::new("orthogonal part");

/// Readout weights have standard deviation `0.3 / √units` at `readout_scale = 1`, as in the published code.
const READOUT_STD: f64 = 0.3;

/// Orthogonal input weights from Gaussian numbers.
///
/// They are the orthogonal factor of `gaussian` (with positive signs of R's diagonal), divided by the mean of
/// its absolute entries, multiplied by `scale / √input_dim`, and transposed.
///
/// # Shapes
/// `gaussian`: (units, input_dim) → (input_dim, units).
///
/// # Errors
/// If the factorisation fails (because of entries that are not finite).
pub fn orthogonal_input(gaussian: ArrayView2<f64>, scale: f64) -> Result<Array2<f64>> {
    let input_dim = gaussian.ncols();
    let factor = linalg::orthogonal_factor(gaussian)?;
    let mean_size = factor.iter().map(|entry| entry.abs()).sum::<f64>() / factor.len() as f64;
    let scale = scale / (input_dim as f64).sqrt() / mean_size;
    Ok(factor.t().mapv(|entry| entry * scale))
}

/// Diagonal input weights, `scale · I`: unit `i` receives only input `i`. (input_dim, units).
pub fn diagonal_input(input_dim: usize, units: usize, scale: f64) -> Array2<f64> {
    Array2::from_shape_fn((input_dim, units), |(input, unit)| if input == unit { scale } else { 0.0 })
}

/// The random part `J* = gain · J / |λ_max(J)|`, whose spectral radius is exactly `gain`. (units, units),
/// like `gaussian`.
///
/// # Errors
/// If the eigenvalues cannot be computed.
pub fn random_part(gaussian: ArrayView2<f64>, gain: f64) -> Result<Array2<f64>> {
    let scale = gain / radius(gaussian)?;
    Ok(gaussian.mapv(|entry| entry * scale))
}

/// The spectral radius of weights that are to be scaled. It is exactly 0 if no path of connections leads from
/// a unit back to it.
fn radius(weights: ArrayView2<f64>) -> Result<f64> {
    match linalg::spectral_radius(weights)? {
        0.0 => Err(Error::Parameter {
            parameter: "network.density".to_owned(),
            expected: "enough connections for a loop among the units, so that the spectral radius can be set"
                .to_owned(),
            found: "connections without a loop".to_owned(),
            hint: Some("raise `network.density` or `network.units`, or take another `seed`".to_owned()),
        }),
        radius => Ok(radius),
    }
}

/// Magnitudes `V` of recurrent weights under Dale's law. They are `|gaussian| / √units` where there is a
/// connection. In each column, inhibitory entries are scaled such that the column of `W` sums to zero; a
/// column with entries of one sign only stays as it is. In the end, all are scaled such that the spectral
/// radius of `W` is `gain`. (units, units), like `gaussian`.
///
/// `connections`: which entries exist; none on the diagonal. `excitatory`: the number of excitatory units,
/// which come first.
///
/// # Errors
/// If the eigenvalues cannot be computed, or are all zero because the connections have no loop.
pub fn dale_magnitudes(
    gaussian: ArrayView2<f64>,
    connections: ArrayView2<bool>,
    excitatory: usize,
    gain: f64,
) -> Result<Array2<f64>> {
    let factor = 1.0 / (gaussian.nrows() as f64).sqrt();
    let magnitude = |entry: &f64, exists: &bool| if *exists { entry.abs() * factor } else { 0.0 };
    let mut magnitudes = Zip::from(gaussian).and(connections).map_collect(magnitude);
    for mut column in magnitudes.columns_mut() {
        let (excitation, mut inhibition) = column.multi_slice_mut((s![..excitatory], s![excitatory..]));
        let (excited, inhibited) = (excitation.iter().sum::<f64>(), inhibition.iter().sum::<f64>());
        if excited > 0.0 && inhibited > 0.0 {
            inhibition.mapv_inplace(|entry| entry * (excited / inhibited));
        }
    }
    let mut weights = magnitudes.clone();
    weights.slice_mut(s![excitatory.., ..]).mapv_inplace(|entry| -entry);
    let scale = gain / radius(weights.view())?;
    Ok(magnitudes * scale)
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

/// Recurrent weights of `leaky`: `f J* + (1 - f) gain Q`, where `Q` is the transposed orthogonal factor of
/// `gaussian_orthogonal`.
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

/// Recurrent weights of gated networks: blocks side by side, each with exactly its own spectral radius.
/// (units, blocks × units), like `gaussian`.
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

/// Input weights of gates, `gaussian / √input_dim`. (input_dim, gates × units), like `gaussian`.
pub fn gate_input(gaussian: ArrayView2<f64>) -> Array2<f64> {
    let factor = 1.0 / (gaussian.nrows() as f64).sqrt();
    gaussian.mapv(|entry| entry * factor)
}

/// The input weights of gates and of a candidate side by side. The candidate's come after those of `before`
/// of the gates. (input_dim, (gates + 1) × units).
pub fn input_around(gates: ArrayView2<f64>, candidate: ArrayView2<f64>, before: usize) -> Array2<f64> {
    let (first, rest) = gates.split_at(Axis(1), before * candidate.ncols());
    concatenate(Axis(1), &[first, candidate, rest]).expect("all have one row per input")
}

/// Readout weights `scale · 0.3 / √units · gaussian`. (units, outputs).
pub fn readout(gaussian: ArrayView2<f64>, scale: f64) -> Array2<f64> {
    let factor = scale * READOUT_STD / (gaussian.nrows() as f64).sqrt();
    gaussian.mapv(|entry| entry * factor)
}

/// The Gaussian numbers of a realisation, and the weights that all cells make of them in the same way.
#[derive(Debug)]
pub(super) struct Drawing<'a> {
    pub(super) params: &'a ValidParams,
    pub(super) connectivity: &'a Connectivity,
}

/// The weights that a cell has drawn: `U`, the parts of `W`, and its biases, in f64.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) input: Array2<f64>,
    pub(super) recurrent: Vec<Array2<f64>>,
    pub(super) biases: Vec<Array1<f64>>,
}

impl Drawing<'_> {
    /// Standard normal numbers, keyed by the seed and the purpose. (rows, columns).
    pub(super) fn gaussian(&self, purpose: Purpose, rows: usize, columns: usize) -> Array2<f64> {
        let mut stream = Stream::new(self.params.seed, purpose, 0);
        Array2::from_shape_simple_fn((rows, columns), || stream.normal())
    }

    /// The parts of the recurrent weights. `rule` makes the weights of a network without restrictions of
    /// Gaussian numbers, (units, currents × units).
    pub(super) fn recurrent(
        &self,
        currents: usize,
        rule: impl Fn(ArrayView2<'_, f64>) -> Result<Array2<f64>>,
    ) -> Result<Vec<Array2<f64>>> {
        let units = self.params.network.units;
        let numbers = self.gaussian(RECURRENT_WEIGHTS, units, currents * units);
        self.connectivity.draw(self, &numbers, &rule)
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
