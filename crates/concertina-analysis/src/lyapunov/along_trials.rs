//! The exponents of a network that is driven by the inputs of trials.

use ndarray::{Array2, ArrayView2, ArrayView3};

use super::driven::Driven;
use super::growth::out_of_bounds;
use super::orbits::Orbits;
use super::spectrum::{Outcome, Spectrum};
use crate::rows::unit_vectors;
use crate::{Error, Result};

/// The exponents along trials that follow one another.
#[derive(Debug, Clone, Copy)]
pub(super) struct AlongTrials {
    pub exponents: usize,
    /// Trials at the beginning that are left out of the average.
    pub burn_in_trials: usize,
    pub tolerance: f64,
}

impl AlongTrials {
    /// The spectrum from these starting states. Every orbit receives the same inputs, and its state carries
    /// over from each trial to the next. Frames start as the first unit vectors (`engelken2023`).
    ///
    /// # Shapes
    /// `starts`: (orbits, numbers); `inputs`: (trials, timesteps, inputs).
    pub(super) fn spectrum(
        &self,
        driven: &Driven,
        starts: ArrayView2<f64>,
        inputs: ArrayView3<f64>,
    ) -> Result<Spectrum> {
        let (system, numbers) = (driven.autonomous(), driven.autonomous().dimension());
        if inputs.dim().0 <= self.burn_in_trials || inputs.dim().1 == 0 {
            let expected =
                format!("(trials, timesteps, inputs) with more than {} trials", self.burn_in_trials);
            return Err(Error::Shape { what: "inputs", expected, found: inputs.shape().to_vec() });
        }
        let frame = Array2::from_shape_vec((self.exponents, numbers), unit_vectors(self.exponents, numbers));
        let mut orbits = Orbits::new(system, starts, frame.expect("as many entries").view())?;
        let mut outcome = Outcome::TrialLimit;
        'trials: for (trial, inputs) in inputs.outer_iter().enumerate() {
            if trial == self.burn_in_trials {
                (0..starts.nrows()).for_each(|orbit| orbits.forget(orbit));
            }
            for currents in driven.currents(inputs)?.outer_iter() {
                orbits.step_with(currents.as_slice().expect("a row of an array in row-major order"));
                if orbits.log2_sizes().iter().copied().any(out_of_bounds) {
                    outcome = Outcome::Unbounded;
                    break 'trials;
                }
            }
        }
        let mut spectrum = Spectrum::of(orbits.tallies(), numbers, outcome);
        if outcome == Outcome::TrialLimit
            && spectrum.largest_error().is_none_or(|error| error < self.tolerance)
        {
            spectrum.outcome = Outcome::Converged;
        }
        Ok(spectrum)
    }
}
