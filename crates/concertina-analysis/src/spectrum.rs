//! `spectrum`: eigenvalues and singular values of the recurrent weights.

use concertina_model::params::{NetworkKind, ValidParams};
use concertina_numerics::linalg::{Complex64, eigenvalues, svd};
use concertina_table::{Table, Values};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::numbers::one_over_largest;
use crate::ranges::refuse_gates;
use crate::responses::Observations;
use crate::{Analysis, Error, Result, Subject, Timestep};

/// The eigenvalues and singular values of the recurrent weights, and how far the weights are from normal.
///
/// They are those of the weight matrix `W` itself, (from, to). In a vanilla network, `W` contains the
/// `(1 - dt) I` with which it was initialised. In a leaky network, the map from timestep to timestep at zero
/// activity instead has the eigenvalues `1 - dt + dt λ` (without leak `1 + dt λ`). A feedforward network has
/// one `W` per layer, except for the first layer.
///
/// Eigenvalues describe what a linear network does in the long run, and singular values what it can do in one
/// step. If the weights are not normal the two differ, and activity may grow transiently although every
/// eigenvalue lies within the unit circle.
///
/// # Returns
/// One row per checkpoint, matrix and index, with the columns
/// * `timestep`: in a feedforward network, the layer that the matrix leads to; null in other networks, which
///   use the same matrix at every timestep;
/// * `index`, from 1; `real`, `imaginary` and `modulus` of that eigenvalue, largest modulus first, and in a
///   conjugate pair the one with positive imaginary part first; `singular_value`, largest first, which has
///   nothing in common with the eigenvalue but the index;
/// * the same in every row of a matrix: `spectral_radius`; `departure_from_normality`, Henrici's
///   `√(‖W‖² - Σ |λ|²)` in the Frobenius norm, 0 for a normal matrix; `relative_departure_from_normality`,
///   the same divided by `‖W‖`, in [0, 1], null if all weights are zero. Because the departure is the root of
///   a difference of squares, rounding may leave 1e-7 of the norm for a normal matrix, about as much as the
///   rounding of the weights to f32.
///
/// # Errors
/// [`Error::NotApplicable`] for a feedforward network of one layer, which has no recurrent weights.
///
/// # Source
/// `henrici1962` for the departure; `trefethen2005` for its use.
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
        let mut timesteps = Vec::new();
        for (checkpoint, network) in subject.checkpoints {
            for (timestep, weights) in (1..).map(Timestep).zip(&network.weights().recurrent) {
                let layer = (network.kind() == NetworkKind::Feedforward).then_some(timestep);
                let matrix = spectrum(weights.mapv(f64::from).view())?;
                for _ in &matrix.eigenvalues {
                    rows.push(*checkpoint);
                    timesteps.push(layer.map(|layer| layer.0));
                }
                columns.extend(&matrix);
            }
        }
        let timesteps = ("timestep".to_owned(), Values::from(timesteps));
        rows.into_table(false, [timesteps].into_iter().chain(columns.named()))
    }
}

/// The spectrum of a square matrix of weights.
#[derive(Debug, Clone, PartialEq)]
pub struct MatrixSpectrum {
    /// The eigenvalues, largest modulus first, and in a conjugate pair the one with positive imaginary part
    /// first.
    pub eigenvalues: Vec<Complex64>,
    /// The singular values, largest first.
    pub singular_values: Vec<f64>,
    /// Henrici's `√(‖W‖² - Σ |λ|²)` in the Frobenius norm.
    pub departure_from_normality: f64,
    /// The Frobenius norm `‖W‖`.
    pub norm: f64,
}

/// The eigenvalues and singular values of a matrix of weights, and how far it is from normal.
///
/// # Shapes
/// `weights`: (units, units), (from, to).
///
/// # Returns
/// All values are in the unit of the weights. [`MatrixSpectrum::table`] arranges them as the analysis
/// [`Spectrum`] does. Because the departure is the root of a difference of squares, rounding may leave 1e-7
/// of the norm for a normal matrix.
///
/// # Errors
/// [`Error::Shape`] unless the matrix is square and has at least one unit; [`Error::NotFinite`] names the
/// first weight that is NaN or infinite; [`Error::Numerics`] if a decomposition does not converge.
///
/// # Source
/// `henrici1962` for the departure; `trefethen2005` for its use.
///
/// # Example
/// One unit that drives another: both eigenvalues are 0, and the matrix is as far from normal as it can be.
/// ```
/// use concertina_analysis::spectrum;
/// use ndarray::arr2;
///
/// let chain = spectrum(arr2(&[[0.0, 3.0], [0.0, 0.0]]).view())?;
/// assert_eq!((chain.spectral_radius(), chain.singular_values[0]), (0.0, 3.0));
/// assert_eq!(chain.relative_departure_from_normality(), Some(1.0));
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn spectrum(weights: ArrayView2<f64>) -> Result<MatrixSpectrum> {
    let (units, to) = weights.dim();
    if units != to || units == 0 {
        let expected = format!("(units, units) = ({0}, {0}), with at least one unit", units.max(1));
        return Err(Error::Shape { what: "weights", expected, found: vec![units, to] });
    }
    if let Some(((from, to), value)) = weights.indexed_iter().find(|(_, value)| !value.is_finite()) {
        let place = format!("unit {from} to unit {to}");
        return Err(Error::NotFinite { what: "weights".to_owned(), place, value: *value });
    }
    let eigenvalues = eigenvalues(weights)?;
    let singular_values = svd(weights)?.singular_values.to_vec();
    // Near 1, squares neither overflow nor underflow, and scaling by a power of two is exact.
    let scale = one_over_largest(weights).unwrap_or(1.0);
    let squares: f64 = weights.iter().map(|weight| (weight * scale) * (weight * scale)).sum();
    let moduli: f64 = eigenvalues.iter().map(|value| (value * scale).norm_sqr()).sum();
    let departure_from_normality = (squares - moduli).max(0.0).sqrt() / scale; // negative only by rounding
    Ok(MatrixSpectrum {
        eigenvalues,
        singular_values,
        departure_from_normality,
        norm: squares.sqrt() / scale,
    })
}

impl MatrixSpectrum {
    /// The largest modulus of an eigenvalue.
    pub fn spectral_radius(&self) -> f64 {
        self.eigenvalues.first().map_or(0.0, |largest| largest.norm())
    }

    /// The departure from normality divided by the norm, in [0, 1]; `None` if all weights are zero.
    pub fn relative_departure_from_normality(&self) -> Option<f64> {
        (self.norm > 0.0).then(|| self.departure_from_normality / self.norm)
    }

    /// The columns of the analysis [`Spectrum`] from `index` on, with one row per index.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub fn table(&self) -> Result<Table> {
        let mut columns = Columns::default();
        columns.extend(self);
        Ok(Table::from_columns(columns.named())?)
    }
}

/// The columns of the result.
#[derive(Debug, Default)]
struct Columns {
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
    fn extend(&mut self, matrix: &MatrixSpectrum) {
        let values = matrix.eigenvalues.iter().zip(&matrix.singular_values);
        for ((eigenvalue, singular_value), index) in values.zip(1..) {
            self.index.push(index);
            self.real.push(eigenvalue.re);
            self.imaginary.push(eigenvalue.im);
            self.modulus.push(eigenvalue.norm());
            self.singular_value.push(*singular_value);
            self.spectral_radius.push(matrix.spectral_radius());
            self.departure.push(matrix.departure_from_normality);
            self.relative_departure.push(matrix.relative_departure_from_normality());
        }
    }

    fn named(self) -> [(String, Values); 8] {
        [
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
