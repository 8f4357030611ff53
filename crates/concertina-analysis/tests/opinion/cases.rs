//! Random runs: networks of every kind and nonlinearity in every regime, on small tasks.

use concertina_analysis::Subject;
use concertina_model::Checkpoint;
use concertina_model::network::{Network, Weights};
use concertina_model::params::{LossKind, NetworkKind, Nonlinearity, Params, ValidParams};
use concertina_model::task::{self, Task};
use ndarray::Array2;

use super::algebra::{Matrix, dot, length};
use super::dice::Dice;

/// The regime of the weights of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Regime {
    /// Drawn as the parameters specify.
    Drawn,
    /// Gaussian recurrent weights and biases.
    Dense,
    /// Orthogonal recurrent weights.
    Marginal,
    Growing,
    /// Large weights: tanh units at the ends of their range.
    Saturated,
    /// Biases far below zero: relu units that are never active, and tanh units whose output is constant.
    Silent,
    Contracting,
    /// Recurrent weights that are triangular up to the order of the units.
    WithoutLoops,
    /// Recurrent weights whose eigenvalues, or singular values, are nearly equal.
    NearlyEqual,
    /// Hardly any input compared with the biases: states that differ by a few bits.
    NearlyOneState,
}

const REGIMES: [Regime; 10] = [
    Regime::Drawn,
    Regime::Dense,
    Regime::Marginal,
    Regime::Growing,
    Regime::Saturated,
    Regime::Silent,
    Regime::Contracting,
    Regime::WithoutLoops,
    Regime::NearlyEqual,
    Regime::NearlyOneState,
];

/// A run at two or three checkpoints, the first before training, and the number of samples for its analyses.
pub(crate) struct Case {
    pub(crate) place: String,
    pub(crate) regime: Regime,
    pub(crate) params: ValidParams,
    pub(crate) task: Box<dyn Task>,
    pub(crate) checkpoints: Vec<(Checkpoint, Network)>,
    pub(crate) samples: usize,
    /// For other choices of the case, such as a classifier.
    pub(crate) dice: Dice,
}

/// Only its name, since the case can be reconstructed from seed and number.
impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.place)
    }
}

impl Case {
    pub(crate) fn new(seed: u64, number: u64, most_units: usize) -> Self {
        let mut dice = Dice::new(seed, number);
        let regime = REGIMES[(number % REGIMES.len() as u64) as usize];
        let params = params(&mut dice, most_units);
        let task = task::of(&params).expect("few clusters fit");
        let samples = if dice.uniform() < 0.2 { dice.between(2, 6) } else { dice.between(10, 60) };
        let before = weights(&params, regime, &mut dice);
        let mut checkpoints = vec![(Checkpoint::START, before.clone())];
        let later = dice.one_of(&[&[(1, 60)][..], &[(0, 40), (1, 80)], &[(1, 80), (2, 160)]]);
        checkpoints.extend(
            later
                .iter()
                .map(|(epoch, update)| (Checkpoint::new(*epoch, *update), trained(&before, &mut dice))),
        );
        let network = |weights| Network::new(&params, weights).expect("finite weights");
        let checkpoints = checkpoints.into_iter().map(|(at, weights)| (at, network(weights))).collect();
        let place = format!(
            "case {number} of seed {seed}: {:?} {:?} {regime:?}, {} units, {} inputs, {samples} samples of {} clusters",
            params.network.kind,
            params.network.nonlinearity,
            params.network.units,
            params.task.input_dim,
            params.task.clusters
        );
        Self { place, regime, params, task, checkpoints, samples, dice }
    }

    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject { params: &self.params, task: &*self.task, checkpoints: &self.checkpoints }
    }
}

fn params(dice: &mut Dice, most_units: usize) -> ValidParams {
    let mut params = Params { seed: dice.bits() >> 40, ..Params::default() };
    let kind = dice.one_of(&[
        NetworkKind::Vanilla,
        NetworkKind::Vanilla,
        NetworkKind::Leaky,
        NetworkKind::Feedforward,
    ]);
    params.network.kind = kind;
    params.network.nonlinearity =
        dice.one_of(&[Nonlinearity::Tanh, Nonlinearity::Relu, Nonlinearity::Linear]);
    params.network.units = (2.0 * (most_units as f64 / 2.0).powf(dice.uniform())).round() as usize;
    params.network.dt = dice.one_of(&[0.01, 0.3, 1.0]);
    params.network.leak = dice.uniform() < 0.7;
    params.task.input_dim = dice.between(1, 10);
    params.task.classes = dice.one_of(&[2, 2, 2, 3, 4]);
    params.task.clusters = params.task.classes * dice.between(1, 3) + dice.between(0, 1);
    params.task.cluster_std = dice.one_of(&[0.02, 0.02, 0.001, 0.0]);
    params.task.delay = dice.between(1, 5);
    if kind != NetworkKind::Feedforward {
        params.task.hold = dice.between(1, 2);
        params.task.evaluate = dice.between(1, params.task.delay);
    }
    params.train.loss = dice.one_of(&[LossKind::CrossEntropy, LossKind::Mse]);
    if params.task.classes == 2 && dice.uniform() < 0.3 {
        params.train.loss = LossKind::MseScalar;
    }
    params.check().expect("valid parameters")
}

fn gaussian(dice: &mut Dice, rows: usize, columns: usize, scale: f64) -> Array2<f32> {
    Array2::from_shape_simple_fn((rows, columns), || (scale * dice.normal()) as f32)
}

/// The weights before training.
fn weights(params: &ValidParams, regime: Regime, dice: &mut Dice) -> Weights {
    let mut weights = concertina_model::network::initial::draw(params).expect("finite weights");
    let units = params.network.units;
    if regime == Regime::Drawn {
        return weights;
    }
    for bias in &mut weights.biases {
        bias.mapv_inplace(|_| (0.3 * dice.normal()) as f32);
    }
    for matrix in &mut weights.recurrent {
        let balanced = 1.0 / (units as f64).sqrt();
        *matrix = match regime {
            Regime::Marginal => orthogonal(dice, units),
            Regime::WithoutLoops => without_loops(dice, units),
            Regime::NearlyEqual => {
                let spread = dice.one_of(&[1e-3, 1e-5, 1e-7, 0.0]);
                gaussian(dice, units, units, spread) + Array2::<f32>::eye(units) * 0.9
            }
            Regime::Growing => gaussian(dice, units, units, 20.0 * balanced),
            Regime::Saturated => gaussian(dice, units, units, 100.0 * balanced),
            Regime::Contracting => gaussian(dice, units, units, 1e-6 * balanced),
            _ => {
                let gain = 2.0 * dice.uniform();
                gaussian(dice, units, units, gain * balanced)
            }
        };
    }
    match regime {
        Regime::Saturated => weights.input *= 100.0,
        Regime::Silent => weights.biases.iter_mut().for_each(|bias| *bias -= 50.0),
        Regime::Contracting => weights.biases.iter_mut().for_each(|bias| bias.fill(0.0)),
        Regime::NearlyOneState => weights.input *= dice.one_of(&[1e-5, 1e-6, 1e-7, 1e-9]),
        _ => {}
    }
    weights
}

/// The same network after some training, or with a change that training might have caused.
fn trained(before: &Weights, dice: &mut Dice) -> Weights {
    let mut weights = before.clone();
    for matrix in &mut weights.recurrent {
        // zero weights stay zero
        matrix.mapv_inplace(|weight| weight * (1.0 + 0.2 * dice.normal() as f32));
    }
    let (units, outputs) = weights.readout.dim();
    weights.readout = gaussian(dice, units, outputs, 1.0);
    weights.readout_bias.mapv_inplace(|_| (0.1 * dice.normal()) as f32);
    weights
}

/// Gaussian rows, orthonormalised twice by the Gram-Schmidt method.
fn orthogonal(dice: &mut Dice, units: usize) -> Array2<f32> {
    let mut rows: Matrix = Vec::new();
    while rows.len() < units {
        let mut row: Vec<f64> = (0..units).map(|_| dice.normal()).collect();
        for _ in 0..2 {
            for earlier in &rows {
                let along = dot(&row, earlier);
                row.iter_mut().zip(earlier).for_each(|(entry, other)| *entry -= along * other);
            }
        }
        let whole = length(&row);
        rows.push(row.iter().map(|entry| entry / whole).collect());
    }
    Array2::from_shape_fn((units, units), |(from, to)| rows[from][to] as f32)
}

/// A triangle of Gaussian weights and a diagonal with repeated entries, with the units in random order.
fn without_loops(dice: &mut Dice, units: usize) -> Array2<f32> {
    let order = dice.shuffled(units);
    let mut weights = Array2::zeros((units, units));
    for later in 0..units {
        for earlier in 0..later {
            weights[[order[earlier], order[later]]] = (0.5 * dice.normal()) as f32;
        }
        weights[[order[later], order[later]]] = dice.one_of(&[0.0, 0.5, -0.5, 0.9]);
    }
    weights
}
