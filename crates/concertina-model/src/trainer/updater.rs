//! One update: forward, backward, noise, step.

use std::ops::Range;

use concertina_numerics::kernels::{self, Panels};
use ndarray::ArrayView2;

use super::held::Held;
use super::noise::GradientNoise;
use crate::error::Result;
use crate::network::is_trained;
use crate::network::{
    Backward, Batch, Condensed, Disturbance, Equations, Evaluation, Forward, InitialNoise, PASS, Packed,
    Score, Scorer, TrainedWeights, Trial, Weights, score_in_parts,
};
use crate::optimizer::{Buffers, Optimizer, StepContext};
use crate::params::{GradientMethod, PART, ValidParams};
use crate::task::{InputsRef, MaskRef, TargetsRef, Trials, TrialsRef};

/// Weights that are updated batch by batch, in f32: the fast path, for callers that provide the samples.
///
/// [`Trainer`](super::Trainer) is built on it. All memory is allocated once; an update allocates nothing.
#[derive(Debug)]
pub struct Updater {
    equations: Equations,
    optimizer: Optimizer,
    weights: Packed,
    names: Vec<String>,
    /// Which arrays are trained, in the order of [`Packed::arrays`], which is also that of the fields below.
    trained: Vec<bool>,
    /// Entries of trained arrays that are not trained.
    held: Vec<Held>,
    buffers: Vec<Buffers<Option<Panels>>>,
    gradient: Packed,
    method: Method,
    noise: Option<GradientNoise>,
    updates: u64,
    /// Whether every trained weight was finite after the last update.
    finite: bool,
}

/// How losses and gradients are computed.
#[derive(Debug)]
enum Method {
    Backpropagation(Box<Backpropagation>),
    Condensed(Box<(Condensed, Batch)>),
}

/// Gradients of every sample, computed for one part of a batch after the other.
#[derive(Debug)]
struct Backpropagation {
    batch: Batch,
    forward: Forward,
    backward: Backward,
    validation: Forward,
    scorer: Scorer,
    disturbance: Option<Disturbance>,
    /// Number of samples in the largest part.
    part: usize,
}

/// What is random in the states of the units.
#[derive(Debug, Default)]
struct Random {
    disturbance: Option<Disturbance>,
    initial_noise: Option<InitialNoise>,
}

impl Method {
    fn new(
        gradients: GradientMethod,
        equations: &Equations,
        weights: &Packed,
        batch: usize,
        random: Random,
    ) -> Self {
        let Random { disturbance, initial_noise } = random;
        let part = match gradients {
            GradientMethod::Condensed => {
                let condensed = Condensed::new(equations, weights, batch, disturbance);
                let room = Batch::new(weights.input().row_count(), batch);
                return Method::Condensed(Box::new((condensed, room)));
            }
            GradientMethod::Split => batch.min(PART),
            GradientMethod::Automatic | GradientMethod::Backpropagation => batch,
        };
        let forward = Forward::new(equations, weights, part, disturbance.is_some(), initial_noise);
        Method::Backpropagation(Box::new(Backpropagation {
            batch: Batch::new(weights.input().row_count(), part.max(PASS)),
            backward: Backward::new(equations, weights, &forward),
            forward,
            validation: Forward::new(equations, weights, PASS, false, initial_noise),
            scorer: Scorer::new(weights.readout().column_count()),
            disturbance,
            part,
        }))
    }
}

impl Backpropagation {
    fn differentiate(
        &mut self,
        equations: &Equations,
        weights: &Packed,
        trials: TrialsRef<'_>,
        update: u64,
        trained: &[bool],
        gradient: &mut Packed,
    ) -> Result<Score> {
        let (count, share) = (trials.len(), trials.share());
        if let Some(disturbance) = &mut self.disturbance {
            disturbance.draw(update, equations.steps * count);
        }
        self.forward.begin(weights);
        self.backward.begin(weights);
        let mut total = Score::default();
        let parts = count.div_ceil(self.part);
        for part in 0..parts {
            let samples = part * count / parts..(part + 1) * count / parts;
            let disturbance = self.disturbance.as_ref().map(|whole| whole.of(count, samples.clone()));
            let (disturbance, batch) = (disturbance.as_ref(), &mut self.batch);
            let first = Trial::Trained { update, sample: samples.start };
            batch.load(equations, trials.slice(samples))?;
            self.forward.run(equations, weights, batch, first, disturbance);
            self.forward.read_out(batch, weights);
            let score = self.backward.score(equations, &self.forward, batch, share);
            self.backward.run(equations, &self.forward, batch, disturbance, trained, gradient);
            total.loss += score.loss;
            total.correct += score.correct;
        }
        Ok(total)
    }

    /// Loss and accuracy without noise or dropout.
    fn evaluate(&mut self, equations: &Equations, weights: &Packed, trials: &Trials) -> Result<Evaluation> {
        let Backpropagation { batch, validation, scorer, .. } = self;
        scorer.residuals.clear();
        validation.begin(weights);
        let total = score_in_parts(trials.view(), validation.capacity(equations), |first, part| {
            batch.load(equations, part)?;
            Ok(validation.score(equations, weights, batch, Trial::Shown(first), part.share(), scorer))
        })?;
        Ok(total.evaluation(trials.targets.are_classes(), scorer))
    }
}

/// The measures of a batch, computed before the update changed the weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchRecord {
    /// The mean loss of the batch.
    pub loss: f64,
    /// How many of its samples were classified correctly; with a mask, how many of the (sample, timestep)
    /// pairs that count.
    pub correct: usize,
    /// Out of how many. This is the weight of the batch in a mean over batches.
    pub weight: usize,
    /// Euclidean norm of the gradient by all trained arrays, without noise and decay.
    pub gradient_norm: f64,
}

impl Updater {
    /// An updater of these weights for batches of up to `batch` samples, without noise and dropout.
    ///
    /// `trained` takes the name of an array in files ([`TrainedWeights::tensors`]) and says whether the array
    /// is trained.
    ///
    /// # Panics
    /// If `gradients` is [`GradientMethod::Condensed`] and the network is not linear, or of low rank, or has
    /// an initial state.
    pub fn new(
        equations: Equations,
        optimizer: Optimizer,
        gradients: GradientMethod,
        trained: impl Fn(&str) -> bool,
        weights: &TrainedWeights,
        batch: usize,
    ) -> Self {
        Self::with(equations, optimizer, gradients, trained, weights, batch, Random::default())
    }

    /// The updater that `params` specify, with their noise and dropout.
    pub fn from_params(params: &ValidParams, weights: &TrainedWeights) -> Self {
        let mut updater = Self::with(
            Equations::new(params),
            Optimizer::from_params(&params.train),
            params.train.gradients,
            |name| is_trained(params, name),
            weights,
            params.train.batch,
            Random {
                disturbance: Disturbance::from_params(params),
                initial_noise: InitialNoise::from_params(params),
            },
        );
        updater.noise = GradientNoise::from_params(params, &updater.weights, &updater.trained);
        updater
    }

    fn with(
        equations: Equations,
        optimizer: Optimizer,
        gradients: GradientMethod,
        trained: impl Fn(&str) -> bool,
        weights: &TrainedWeights,
        batch: usize,
        random: Random,
    ) -> Self {
        let names: Vec<String> = weights.tensors().into_iter().map(|(name, _)| name).collect();
        let parts = weights.connectivity().parts();
        let is_frozen = |name: &String| parts.iter().any(|part| part.name == *name && !part.trained);
        let trained: Vec<bool> = names.iter().map(|name| trained(name) && !is_frozen(name)).collect();
        let weights = Packed::pack_trained(weights);
        let held = |(at, name): (usize, &String)| {
            let entries = weights.connectivity().trained_entries(name).filter(|_| trained[at])?;
            Some(Held::new(at, &entries, &weights))
        };
        let held = names.iter().enumerate().filter_map(held).collect();
        let (keeps_mean, keeps_square) = optimizer.keeps();
        let zeros =
            |array: &Panels, kept: bool| kept.then(|| Panels::zeros(array.row_count(), array.column_count()));
        let buffers = weights
            .arrays()
            .iter()
            .zip(&trained)
            .map(|(array, trained)| Buffers {
                mean: zeros(array, *trained && keeps_mean),
                square: zeros(array, *trained && keeps_square),
            })
            .collect();
        let virtuals = equations.evaluate * weights.readout().column_count();
        let starts_from_zero = weights.initial_state().is_none() && random.initial_noise.is_none();
        let condenses =
            equations.is_linear() && weights.connectivity().square().is_some() && starts_from_zero;
        assert!(
            condenses || gradients != GradientMethod::Condensed,
            "condensed gradients need a linear network with recurrent matrices that starts from zero"
        );
        let gradients = gradients.resolve(condenses, virtuals, batch);
        Updater {
            buffers,
            gradient: weights.zeros_like(),
            method: Method::new(gradients, &equations, &weights, batch, random),
            noise: None,
            updates: 0,
            finite: true,
            equations,
            optimizer,
            weights,
            names,
            trained,
            held,
        }
    }

    /// The current weights.
    pub fn weights(&self) -> TrainedWeights {
        TrainedWeights::new(self.weights.connectivity().clone(), self.weights.unpack())
    }

    /// The gradient of the last batch, by the parts of the recurrent weights in place of these; zero for
    /// arrays that are not trained.
    pub fn gradient(&self) -> Weights {
        self.gradient.unpack()
    }

    /// Number of updates made.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// One update on one batch of held stimuli. The equations determine for how long the stimuli are held,
    /// and at how many of the last timesteps the loss is evaluated.
    ///
    /// # Shapes
    /// `inputs`: (batch, input_dim); `labels`: (batch), classes.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape).
    ///
    /// # Panics
    /// If the batch is larger than the `batch` of the updater.
    pub fn update(
        &mut self,
        inputs: ArrayView2<f32>,
        labels: &[u32],
        learning_rate: f64,
    ) -> Result<BatchRecord> {
        let trials = TrialsRef {
            inputs: InputsRef::Held { stimuli: inputs, hold: self.equations.hold },
            targets: TargetsRef::Class(labels),
            mask: MaskRef::Last(self.equations.evaluate),
        };
        self.update_on(trials, learning_rate)
    }

    /// One update on some of the trials of a set.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape).
    ///
    /// # Panics
    /// If there are more trials than the `batch` of the updater, or if gradients are condensed and inputs are
    /// not held.
    pub fn update_on_trials(
        &mut self,
        trials: &Trials,
        range: Range<usize>,
        learning_rate: f64,
    ) -> Result<BatchRecord> {
        trials.check()?;
        self.update_on(trials.slice(range), learning_rate)
    }

    fn update_on(&mut self, trials: TrialsRef<'_>, learning_rate: f64) -> Result<BatchRecord> {
        let score = self.differentiate(trials)?;
        self.finish_gradient();
        let squared_norm: f64 = self
            .gradient
            .arrays()
            .iter()
            .zip(&self.trained)
            .filter(|(_, trained)| **trained)
            .map(|(array, _)| kernels::squared_norm(array.as_slice()))
            .sum();
        if let Some(noise) = &mut self.noise {
            noise.add(&mut self.gradient, self.updates, &self.held);
        }
        self.updates += 1;
        self.step(StepContext { learning_rate, update: self.updates });
        Ok(BatchRecord {
            loss: score.loss,
            correct: score.correct,
            weight: trials.weight(),
            gradient_norm: squared_norm.sqrt(),
        })
    }

    /// Loss and accuracy on these trials, without noise or dropout.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape).
    pub fn evaluate(&mut self, trials: &Trials) -> Result<Evaluation> {
        let (equations, weights) = (&self.equations, &self.weights);
        match &mut self.method {
            Method::Backpropagation(method) => method.evaluate(equations, weights, trials),
            Method::Condensed(method) => {
                let (condensed, batch) = &mut **method;
                let total = score_in_parts(trials.view(), condensed.capacity(equations), |_, part| {
                    batch.load(equations, part)?;
                    Ok(condensed.score(equations, weights, batch, part.share()))
                })?;
                Ok(total.evaluation(trials.targets.are_classes(), condensed.scorer()))
            }
        }
    }

    /// Returns the score of a batch, and leaves the gradient of its mean loss in `self.gradient`.
    fn differentiate(&mut self, trials: TrialsRef<'_>) -> Result<Score> {
        let (equations, weights, trained) = (&self.equations, &self.weights, &self.trained);
        let (gradient, update) = (&mut self.gradient, self.updates);
        match &mut self.method {
            Method::Backpropagation(method) => {
                method.differentiate(equations, weights, trials, update, trained, gradient)
            }
            Method::Condensed(method) => {
                let (condensed, batch) = &mut **method;
                batch.load(equations, trials)?;
                assert!(!batch.is_timed(), "condensed gradients need held stimuli");
                let share = trials.share();
                Ok(condensed.differentiate(equations, weights, batch, share, update, trained, gradient))
            }
        }
    }

    /// Turns derivatives by the recurrent weights into those by their parts.
    fn finish_gradient(&mut self) {
        if self.weights.slots().recurrent.any(|slot| self.trained[slot]) {
            self.weights.connectivity().finish_gradient(&self.weights, &mut self.gradient);
        }
        for held in &self.held {
            held.clear(&mut self.gradient.arrays_mut()[held.at]);
        }
    }

    /// One step of the optimizer. Whether the weights are finite is checked while they are in the cache.
    fn step(&mut self, context: StepContext) {
        self.finite = true;
        if let Method::Condensed(method) = &mut self.method {
            method.0.weights_changed();
        }
        let arrays = self.weights.arrays_mut().iter_mut().zip(self.gradient.arrays()).zip(&mut self.buffers);
        for (at, ((array, gradient), buffers)) in arrays.enumerate().filter(|(at, _)| self.trained[*at]) {
            let buffers = Buffers {
                mean: buffers.mean.as_mut().map_or(&mut [][..], Panels::as_mut_slice),
                square: buffers.square.as_mut().map_or(&mut [][..], Panels::as_mut_slice),
            };
            let optimizer = &self.optimizer;
            kernels::dispatch(
                #[inline(always)]
                || optimizer.step(array.as_mut_slice(), gradient.as_slice(), buffers, context),
            );
            self.held.iter().filter(|held| held.at == at).for_each(|held| held.restore(array));
            self.finite &= kernels::all_finite(array.as_slice());
        }
        self.finite &= self.weights.connectivity().is_in_range(&self.weights);
    }

    /// Whether every trained weight was finite after the last update.
    pub(super) fn is_finite(&self) -> bool {
        self.finite
    }

    /// The largest absolute weight; infinite if one is NaN.
    pub(super) fn largest_weight(&self) -> f64 {
        let size = |weight: &f32| if weight.is_nan() { f64::INFINITY } else { f64::from(weight.abs()) };
        self.weights.arrays().iter().flat_map(|array| array.as_slice()).map(size).fold(0.0, f64::max)
    }

    /// The optimizer's buffers, with the name in files of the array that each belongs to.
    pub(super) fn buffers(&self) -> impl Iterator<Item = (&str, &Buffers<Option<Panels>>)> {
        self.names.iter().map(String::as_str).zip(&self.buffers)
    }

    /// Sets the number of updates, and returns the buffers to fill in, so that an interrupted run can
    /// continue.
    pub(super) fn restore(
        &mut self,
        updates: u64,
    ) -> impl Iterator<Item = (&str, &mut Buffers<Option<Panels>>)> {
        self.updates = updates;
        self.names.iter().map(String::as_str).zip(&mut self.buffers)
    }
}
