//! Noise on the gradient (`docs/reference/model.md#gradient-noise`).

use concertina_numerics::kernels::{self, Panels};
use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array2, ArrayView2};

use super::held::Held;
use crate::network::{Packed, TrainedWeights, is_trained};
use crate::params::{GradientNoiseTarget, ValidParams};

const GRADIENT_NOISE: Purpose = Purpose::new("gradient noise");

/// `g ← g + s ξ` with `ξ ~ N(0, 1)` per entry, before weight decay. If the noise is scaled, `ξ` is first
/// given the norm of `g`, array by array.
///
/// The random numbers are keyed by the update. They are drawn for one array after the other in the order of
/// `Packed::arrays`, row by row.
#[derive(Debug)]
pub struct GradientNoise {
    seed: u64,
    size: f32,
    scaled: bool,
    /// The arrays that get noise.
    targets: Vec<Target>,
}

/// An array that gets noise, with buffers for its `ξ`: as drawn, row by row, and packed like the gradient.
#[derive(Debug)]
struct Target {
    at: usize,
    drawn: Array2<f32>,
    packed: Panels,
}

impl GradientNoise {
    /// The noise that these parameters specify on the gradient by these weights; `None` if they specify none.
    pub fn new(params: &ValidParams, weights: &TrainedWeights) -> Option<Self> {
        let trained: Vec<bool> = weights.tensors().iter().map(|(name, _)| is_trained(params, name)).collect();
        Self::from_params(params, &Packed::pack_trained(weights), &trained)
    }

    /// Passes `ξ` of the update with this number (counted from 0) to `each`, one array after the other, each
    /// with its place in [`TrainedWeights::tensors`].
    pub fn draw(&mut self, update: u64, mut each: impl FnMut(usize, ArrayView2<'_, f32>)) {
        let mut stream = Stream::new(self.seed, GRADIENT_NOISE, update);
        for Target { at, drawn, .. } in &mut self.targets {
            if let Some(values) = drawn.as_slice_mut() {
                stream.fill_normal(values);
            }
            each(*at, drawn.view());
        }
    }

    /// `None` if the parameters specify no noise. `all` means every trained array, biases included.
    pub(super) fn from_params(params: &ValidParams, weights: &Packed, trained: &[bool]) -> Option<Self> {
        let train = &params.train;
        if train.gradient_noise == 0.0 {
            return None;
        }
        let slots = weights.slots();
        let noisy = |at: &usize| {
            trained[*at]
                && match train.gradient_noise_on {
                    GradientNoiseTarget::Recurrent => slots.recurrent.contains(at),
                    GradientNoiseTarget::Readout => *at == slots.readout,
                    GradientNoiseTarget::All => true,
                }
        };
        let target = |at: usize| {
            let (rows, columns) = (weights.arrays()[at].row_count(), weights.arrays()[at].column_count());
            Target { at, drawn: Array2::zeros((rows, columns)), packed: Panels::zeros(rows, columns) }
        };
        Some(GradientNoise {
            seed: params.seed,
            size: train.gradient_noise as f32,
            scaled: train.gradient_noise_scaled,
            targets: (0..weights.arrays().len()).filter(noisy).map(target).collect(),
        })
    }

    /// Adds the noise of the update with this number (counted from 0).
    /// Entries that are held get none.
    pub(super) fn add(&mut self, gradient: &mut Packed, update: u64, held: &[Held]) {
        let mut stream = Stream::new(self.seed, GRADIENT_NOISE, update);
        for Target { at, drawn, packed } in &mut self.targets {
            if let Some(values) = drawn.as_slice_mut() {
                stream.fill_normal(values);
            }
            packed.copy_from_row_major(drawn.view());
            held.iter().filter(|held| held.at == *at).for_each(|held| held.clear(packed));
            let gradient = gradient.arrays_mut()[*at].as_mut_slice();
            let scale = if self.scaled {
                (kernels::squared_norm(gradient) / kernels::squared_norm(packed.as_slice())).sqrt()
            } else {
                1.0
            };
            kernels::scaled_add(gradient, (f64::from(self.size) * scale) as f32, packed.as_slice());
        }
    }
}
