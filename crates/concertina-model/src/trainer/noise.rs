//! Noise on the gradient (`model.md`, section 5).

use concertina_numerics::kernels::{self, Panels};
use concertina_numerics::random::{Purpose, Stream};

use crate::network::Packed;
use crate::params::{GradientNoiseTarget, ValidParams};

const GRADIENT_NOISE: Purpose = Purpose::new("gradient noise");

/// `g ← g + s ξ` with `ξ ~ N(0, 1)` per entry, before weight decay; scaled, `ξ` is first given the norm of `g`, array by array.
///
/// The numbers are keyed by the update; arrays draw one after the other in the order of [`Packed::arrays`], row by row.
#[derive(Debug)]
pub(super) struct GradientNoise {
    seed: u64,
    size: f32,
    scaled: bool,
    /// The arrays that get noise, each with room for its `ξ`.
    targets: Vec<(usize, Panels)>,
}

impl GradientNoise {
    /// `None` if the parameters ask for none. `all` means every trained array, biases included.
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
        let room =
            |at: usize| (at, Panels::zeros(weights.arrays()[at].rows(), weights.arrays()[at].columns()));
        Some(GradientNoise {
            seed: params.seed,
            size: train.gradient_noise as f32,
            scaled: train.gradient_noise_scaled,
            targets: (0..weights.arrays().len()).filter(noisy).map(room).collect(),
        })
    }

    /// Adds the noise of the update with this number (counted from 0).
    pub(super) fn add(&mut self, gradient: &mut Packed, update: u64) {
        let mut stream = Stream::new(self.seed, GRADIENT_NOISE, update);
        for (at, normal) in &mut self.targets {
            let gradient = gradient.arrays_mut()[*at].as_mut_slice();
            for row in 0..normal.rows() {
                normal.fill_row(row, |values| stream.fill_normal(values));
            }
            let scale = if self.scaled {
                (kernels::squared_norm(gradient) / kernels::squared_norm(normal.as_slice())).sqrt()
            } else {
                1.0
            };
            kernels::add_scaled(gradient, normal.as_slice(), (f64::from(self.size) * scale) as f32);
        }
    }
}
