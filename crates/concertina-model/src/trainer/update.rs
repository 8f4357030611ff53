//! One update: forward, backward, noise, step.

use concertina_numerics::kernels::{self, Panels, RowsRef};
use ndarray::ArrayView2;

use super::noise::GradientNoise;
use crate::network::{Backward, Disturbance, Equations, Forward, Packed, Score};
use crate::optimizer::{Buffers, Optimizer, StepContext};
use crate::params::ValidParams;

/// Everything an update needs besides the weights, allocated once.
#[derive(Debug)]
pub(super) struct Updater {
    equations: Equations,
    optimizer: Optimizer,
    /// Which arrays are trained, in the order of [`Packed::arrays`].
    trained: Vec<bool>,
    buffers: Vec<Buffers<Option<Panels>>>,
    gradient: Packed,
    forward: Forward,
    backward: Backward,
    disturbance: Option<Disturbance>,
    noise: Option<GradientNoise>,
}

/// What an update found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Updated {
    pub(super) score: Score,
    /// Euclidean norm of the gradient of everything trained, without noise and decay.
    pub(super) gradient_norm: f64,
}

impl Updater {
    pub(super) fn new(params: &ValidParams, equations: &Equations, weights: &Packed) -> Self {
        let optimizer = Optimizer::from_params(&params.train);
        let trained = trained(params, weights);
        let (keeps_mean, keeps_square) = optimizer.keeps();
        let zeros = |array: &Panels, kept: bool| kept.then(|| Panels::zeros(array.rows(), array.columns()));
        let buffers = weights
            .arrays()
            .iter()
            .zip(&trained)
            .map(|(array, trained)| Buffers {
                mean: zeros(array, *trained && keeps_mean),
                square: zeros(array, *trained && keeps_square),
            })
            .collect();
        let disturbance = Disturbance::from_params(params);
        Updater {
            equations: *equations,
            optimizer,
            buffers,
            gradient: weights.zeros_like(),
            forward: Forward::new(equations, weights, params.train.batch, disturbance.is_some()),
            backward: Backward::new(equations, weights, params.train.batch),
            disturbance,
            noise: GradientNoise::from_params(params, weights, &trained),
            trained,
        }
    }

    pub(super) fn trained(&self) -> &[bool] {
        &self.trained
    }

    pub(super) fn buffers(&self) -> &[Buffers<Option<Panels>>] {
        &self.buffers
    }

    pub(super) fn buffers_mut(&mut self) -> &mut [Buffers<Option<Panels>>] {
        &mut self.buffers
    }

    /// One update on one batch; `update` counts those before it.
    ///
    /// # Shapes
    /// `inputs`: (batch, input_dim), rows contiguous; `labels`: (batch).
    pub(super) fn update(
        &mut self,
        weights: &mut Packed,
        inputs: ArrayView2<f32>,
        labels: &[u32],
        learning_rate: f64,
        update: u64,
    ) -> Updated {
        let score = self.gradient(weights, inputs, labels, update);
        let mut squared_norm = 0.0;
        for (array, _) in self.gradient.arrays().iter().zip(&self.trained).filter(|(_, trained)| **trained) {
            squared_norm += kernels::squared_norm(array.as_slice());
        }
        if let Some(noise) = &mut self.noise {
            noise.add(&mut self.gradient, update);
        }
        self.step(weights, StepContext { learning_rate, update: update + 1 });
        Updated { score, gradient_norm: squared_norm.sqrt() }
    }

    /// The mean loss of a batch and its gradient, left in `self.gradient`.
    fn gradient(&mut self, weights: &Packed, inputs: ArrayView2<f32>, labels: &[u32], update: u64) -> Score {
        let stimulus = RowsRef::from_array(&inputs);
        if let Some(disturbance) = &mut self.disturbance {
            disturbance.begin(update, labels.len());
        }
        self.forward.run(&self.equations, weights, stimulus, self.disturbance.as_mut());
        self.forward.read_out(&self.equations, weights);
        let score = self.backward.score(&self.equations, &self.forward, labels);
        self.backward.run(
            &self.equations,
            weights,
            &self.forward,
            stimulus,
            self.disturbance.as_ref(),
            &self.trained,
            &mut self.gradient,
        );
        score
    }

    fn step(&mut self, weights: &mut Packed, context: StepContext) {
        let arrays = weights.arrays_mut().iter_mut().zip(self.gradient.arrays()).zip(&mut self.buffers);
        for (_, ((array, gradient), buffers)) in self.trained.iter().zip(arrays).filter(|(trained, _)| **trained) {
            let buffers = Buffers {
                mean: buffers.mean.as_mut().map_or(&mut [][..], Panels::as_mut_slice),
                square: buffers.square.as_mut().map_or(&mut [][..], Panels::as_mut_slice),
            };
            let optimizer = &self.optimizer;
            kernels::dispatch(
                #[inline(always)]
                || optimizer.step(array.as_mut_slice(), gradient.as_slice(), buffers, context),
            );
        }
    }
}

/// Which arrays a parameter set trains.
fn trained(params: &ValidParams, weights: &Packed) -> Vec<bool> {
    let slots = weights.slots();
    (0..weights.arrays().len())
        .map(|at| {
            if at == slots.input {
                params.network.train_input
            } else if at == slots.readout {
                params.network.train_readout
            } else if slots.biases.contains(&at) || at == slots.readout_bias {
                params.network.biases
            } else {
                true
            }
        })
        .collect()
}
