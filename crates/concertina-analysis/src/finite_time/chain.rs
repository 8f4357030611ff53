//! Products of Jacobians that are never formed: their factors, applied to frames of row vectors.

use concertina_model::params::Nonlinearity;
use concertina_numerics::double::{Panels, product};
use ndarray::{Array1, ArrayView3};

use crate::lyapunov::{Autonomous, Driven};
use crate::{Error, Result};

/// The Jacobians of several trials, `J_1 ... J_T` of each, with `J[i, j] = ∂h'[j] / ∂h[i]`.
pub(super) trait Chain {
    fn trials(&self) -> usize;
    fn timesteps(&self) -> usize;
    /// The dimension of a state.
    fn numbers(&self) -> usize;

    /// Replaces each row `q` by `q J`, at this timestep of the given trials.
    ///
    /// # Shapes
    /// `rows`: (trials × vectors, numbers), row-major.
    fn push(&self, timestep: usize, trials: &[usize], rows: &mut [f64]);

    /// Replaces each row `q` by `q Jᵀ`.
    fn pull(&self, timestep: usize, trials: &[usize], rows: &mut [f64]);
}

/// One trial, with its Jacobians as matrices.
pub(super) struct Matrices {
    numbers: usize,
    forward: Vec<Panels>,
    back: Vec<Panels>,
}

impl Matrices {
    /// # Shapes
    /// `jacobians`: (timesteps, numbers, numbers), (.., from, to).
    pub(super) fn new(jacobians: ArrayView3<f64>) -> Self {
        let forward = jacobians.outer_iter().map(Panels::from_row_major).collect();
        let back = jacobians.outer_iter().map(|jacobian| Panels::from_row_major(jacobian.t())).collect();
        Self { numbers: jacobians.dim().1, forward, back }
    }
}

fn multiply(rows: &mut [f64], matrix: &Panels) {
    let before = rows.to_vec();
    product(&before, matrix, rows);
}

impl Chain for Matrices {
    fn trials(&self) -> usize {
        1
    }

    fn timesteps(&self) -> usize {
        self.forward.len()
    }

    fn numbers(&self) -> usize {
        self.numbers
    }

    fn push(&self, timestep: usize, _: &[usize], rows: &mut [f64]) {
        multiply(rows, &self.forward[timestep]);
    }

    fn pull(&self, timestep: usize, _: &[usize], rows: &mut [f64]) {
        multiply(rows, &self.back[timestep]);
    }
}

/// A network along trials. The weights are the same in every Jacobian, so the frames of all trials pass
/// through them in one product.
pub(super) struct Trials<'a> {
    system: &'a Autonomous,
    forward: Panels,
    back: Panels,
    timesteps: usize,
    /// For each trial and timestep: `φ'(h)` where rates are sent, and the notes of the step.
    slopes: Vec<Vec<Vec<f64>>>,
    notes: Vec<Vec<Vec<f64>>>,
}

impl<'a> Trials<'a> {
    /// The Jacobians from the initial state along the inputs of trials, without those of the first timesteps.
    ///
    /// # Shapes
    /// `inputs`: (trials, timesteps, inputs).
    pub(super) fn new(driven: &'a Driven, inputs: ArrayView3<f64>, left_out: usize) -> Result<Self> {
        let system = driven.autonomous();
        let (mut slopes, mut notes) = (Vec::new(), Vec::new());
        for inputs in inputs.outer_iter() {
            let mut state = driven.start.clone();
            let (mut trial_slopes, mut trial_notes) = (Vec::new(), Vec::new());
            for (timestep, currents) in driven.currents(inputs)?.outer_iter().enumerate() {
                let step = driven.advanced(&state, currents);
                state = step.next;
                check_step(slopes.len(), timestep, &state, system)?;
                if timestep >= left_out {
                    trial_slopes.push(step.slopes);
                    trial_notes.push(step.note);
                }
            }
            slopes.push(trial_slopes);
            notes.push(trial_notes);
        }
        Ok(Self {
            system,
            forward: Panels::from_row_major(system.weights.view()),
            back: Panels::from_row_major(system.weights.t()),
            timesteps: inputs.dim().1 - left_out,
            slopes,
            notes,
        })
    }

    /// The columns of the frames that are sent to other units.
    fn sent(&self, rows: &[f64]) -> Vec<f64> {
        let (units, numbers) = (self.system.units(), self.numbers());
        let mut sent = Vec::with_capacity(rows.len() / numbers * units);
        rows.chunks_exact(numbers).for_each(|row| sent.extend_from_slice(&row[..units]));
        sent
    }
}

impl Chain for Trials<'_> {
    fn trials(&self) -> usize {
        self.notes.len()
    }

    fn timesteps(&self) -> usize {
        self.timesteps
    }

    fn numbers(&self) -> usize {
        self.system.dimension()
    }

    fn push(&self, timestep: usize, trials: &[usize], rows: &mut [f64]) {
        let (units, numbers, dynamics) = (self.system.units(), self.numbers(), &*self.system.dynamics);
        let columns = dynamics.currents() * units;
        let frame = rows.len() / numbers / trials.len().max(1);
        let mut sent = self.sent(rows);
        if dynamics.sends_rates() {
            for (sent, trial) in sent.chunks_exact_mut(frame * units).zip(trials) {
                for row in sent.chunks_exact_mut(units) {
                    row.iter_mut()
                        .zip(&self.slopes[*trial][timestep])
                        .for_each(|(entry, slope)| *entry *= slope);
                }
            }
        }
        let mut images = vec![0.0; sent.len() / units * columns];
        product(&sent, &self.forward, &mut images);
        let frames = rows.chunks_exact_mut(frame * numbers).zip(images.chunks_exact(frame * columns));
        for ((rows, images), trial) in frames.zip(trials) {
            let note = &self.notes[*trial][timestep];
            for (row, image) in rows.chunks_exact_mut(numbers).zip(images.chunks_exact(columns)) {
                dynamics.tangent(row, image, note);
            }
        }
    }

    fn pull(&self, timestep: usize, trials: &[usize], rows: &mut [f64]) {
        let (units, numbers, dynamics) = (self.system.units(), self.numbers(), &*self.system.dynamics);
        let columns = dynamics.currents() * units;
        let frame = rows.len() / numbers / trials.len().max(1);
        let mut by_current = vec![0.0; rows.len() / numbers * columns];
        let mut by_input = vec![0.0; columns];
        let frames = rows.chunks_exact_mut(frame * numbers).zip(by_current.chunks_exact_mut(frame * columns));
        for ((rows, currents), trial) in frames.zip(trials) {
            let note = &self.notes[*trial][timestep];
            for (row, current) in rows.chunks_exact_mut(numbers).zip(currents.chunks_exact_mut(columns)) {
                dynamics.adjoint(row, current, &mut by_input, note);
            }
        }
        let mut by_sent = vec![0.0; rows.len() / numbers * units];
        product(&by_current, &self.back, &mut by_sent);
        let frames = rows.chunks_exact_mut(frame * numbers).zip(by_sent.chunks_exact(frame * units));
        for ((rows, sent), trial) in frames.zip(trials) {
            let slopes = &self.slopes[*trial][timestep];
            for (row, sent) in rows.chunks_exact_mut(numbers).zip(sent.chunks_exact(units)) {
                for ((entry, sent), slope) in row.iter_mut().zip(sent).zip(slopes) {
                    *entry += sent * slope;
                }
            }
        }
    }
}

/// Refuses a state that is NaN or infinite. The Jacobian of a linear network does not depend on it.
fn check_step(trial: usize, timestep: usize, state: &Array1<f64>, system: &Autonomous) -> Result<()> {
    if system.dynamics.nonlinearity() == Some(Nonlinearity::Linear) {
        return Ok(());
    }
    let what = || format!("states at timestep {timestep}");
    match state.indexed_iter().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some((unit, value)) => {
            let place = format!("sample {trial}, unit {unit}");
            Err(Error::NotFinite { what: what(), place, value: *value })
        }
    }
}

/// The first entry that is not finite, as (timestep, from, to).
pub(super) fn not_finite(jacobians: ArrayView3<f64>) -> Option<((usize, usize, usize), f64)> {
    jacobians.indexed_iter().find(|(_, value)| !value.is_finite()).map(|(place, value)| (place, *value))
}
