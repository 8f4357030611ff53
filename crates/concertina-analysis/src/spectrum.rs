//! `spectrum`: eigenvalues and singular values of the recurrent weights.

use concertina_model::params::{NetworkKind, ValidParams};
use concertina_numerics::linalg::{Complex64, eigenvalues, svd};
use concertina_table::{Table, Values};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::ranges::refuse_gates;
use crate::responses::Observations;
use crate::{Analysis, Error, Result, Subject, Timestep};

/// The eigenvalues and singular values of the recurrent weights, and how far these are from normal.
///
/// Of the matrix `W` itself, (from, to), as the network has it: in a vanilla network it contains the `(1 - dt) I` that it was
/// initialised with; in a leaky one the map from timestep to timestep at zero activity has the eigenvalues `1 - dt + dt λ`
/// instead (without leak `1 + dt λ`). A feedforward network has a `W` for each layer but the first.
///
/// Eigenvalues say what a linear network does in the long run, singular values what it can do in one step; where the weights
/// are not normal the two differ, and activity may grow for a while although every eigenvalue lies within the unit circle.
///
/// # Returns
/// A row for each checkpoint, matrix and index, with the columns
/// * `timestep`: in a feedforward network the layer that the matrix leads to; null in the others, whose matrix leads to all;
/// * `index`, from 1; `real`, `imaginary` and `modulus` of that eigenvalue, largest modulus first, of a conjugate pair the
///   positive imaginary part first; `singular_value`, the largest first: it shares nothing with the eigenvalue but the index;
/// * the same in every row of a matrix: `spectral_radius`; `departure_from_normality`, Henrici's
///   `√(‖W‖² - Σ |λ|²)` in the Frobenius norm, 0 for a normal matrix; `relative_departure_from_normality`, the same over
///   `‖W‖`, in [0, 1], null if all weights are zero. A difference of squares: of a normal matrix rounding may leave 1e-7 of
///   the norm, about as much as the rounding of the weights to f32 does.
///
/// # Errors
/// [`Error::NotApplicable`] to a feedforward network of one layer, which has no such weights.
///
/// # Source
/// `henrici1962` for the departure; `trefethen2005` for what it is good for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Spectrum {}

impl Spectrum {
    pub(crate) const NAME: &'static str = "spectrum";
}

impl Analysis for Spectrum {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn references(&self) -> &'static [&'static str] {
        &["henrici1962", "trefethen2005"]
    }

    fn per_checkpoint(&self) -> bool {
        true
    }

    fn shows_samples(&self) -> bool {
        false
    }

    fn check(&self, params: &ValidParams) -> Result<()> {
        refuse_gates(Self::NAME, params, "use `lyapunov`, or leave this analysis out")?;
        if params.network.kind == NetworkKind::Feedforward && params.trial_steps() == 1 {
            return Err(Error::NotApplicable {
                analysis: Self::NAME,
                subject: "a feedforward network of one layer".to_owned(),
                reason: "its only weights are those of the input and of the readout",
                hint: "raise `task.delay`, or leave this analysis out",
            });
        }
        Ok(())
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let mut rows = Observations::default();
        let mut columns = Columns::default();
        for (checkpoint, network) in subject.checkpoints {
            for (timestep, weights) in (1..).map(Timestep).zip(&network.weights().recurrent) {
                let layer = (network.kind() == NetworkKind::Feedforward).then_some(timestep);
                let decomposed = Decomposed::of(weights.mapv(f64::from).view())?;
                decomposed.eigenvalues.iter().for_each(|_| rows.push(*checkpoint));
                columns.extend(layer, &decomposed);
            }
        }
        rows.into_table(false, columns.named())
    }
}

/// What the analysis says of one matrix.
struct Decomposed {
    /// Falling in modulus.
    eigenvalues: Vec<Complex64>,
    /// Falling.
    singular_values: Vec<f64>,
    /// Henrici's.
    departure: f64,
    /// The Frobenius norm.
    norm: f64,
}

impl Decomposed {
    fn of(weights: ArrayView2<f64>) -> Result<Self> {
        let eigenvalues = eigenvalues(weights)?;
        let singular_values = svd(weights)?.singular_values.to_vec();
        let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
        let moduli: f64 = eigenvalues.iter().map(Complex64::norm_sqr).sum();
        let departure = (squares - moduli).max(0.0).sqrt(); // below zero by rounding alone
        Ok(Self { eigenvalues, singular_values, departure, norm: squares.sqrt() })
    }
}

/// The columns of the result.
#[derive(Debug, Default)]
struct Columns {
    timestep: Vec<Option<i64>>,
    index: Vec<i64>,
    real: Vec<f64>,
    imaginary: Vec<f64>,
    modulus: Vec<f64>,
    singular_value: Vec<f64>,
    spectral_radius: Vec<f64>,
    departure: Vec<f64>,
    relative_departure: Vec<Option<f64>>,
}

impl Columns {
    fn extend(&mut self, layer: Option<Timestep>, matrix: &Decomposed) {
        let spectral_radius = matrix.eigenvalues.first().map_or(0.0, |largest| largest.norm());
        let relative = (matrix.norm > 0.0).then(|| matrix.departure / matrix.norm);
        let values = matrix.eigenvalues.iter().zip(&matrix.singular_values);
        for ((eigenvalue, singular_value), index) in values.zip(1..) {
            self.timestep.push(layer.map(|layer| layer.0));
            self.index.push(index);
            self.real.push(eigenvalue.re);
            self.imaginary.push(eigenvalue.im);
            self.modulus.push(eigenvalue.norm());
            self.singular_value.push(*singular_value);
            self.spectral_radius.push(spectral_radius);
            self.departure.push(matrix.departure);
            self.relative_departure.push(relative);
        }
    }

    fn named(self) -> [(String, Values); 9] {
        [
            ("timestep", Values::from(self.timestep)),
            ("index", Values::from(self.index)),
            ("real", Values::from(self.real)),
            ("imaginary", Values::from(self.imaginary)),
            ("modulus", Values::from(self.modulus)),
            ("singular_value", Values::from(self.singular_value)),
            ("spectral_radius", Values::from(self.spectral_radius)),
            ("departure_from_normality", Values::from(self.departure)),
            ("relative_departure_from_normality", Values::from(self.relative_departure)),
        ]
        .map(|(name, values)| (name.to_owned(), values))
    }
}
