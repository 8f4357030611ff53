//! `covariant_vectors`: the angles between covariant Lyapunov vectors.

mod ginelli;

use concertina_model::network::Equations;
use concertina_model::params::{NetworkKind, Nonlinearity, ValidParams};
use concertina_table::{Table, Values};
use ndarray::{Array1, Array3, ArrayView1, ArrayView3};
use serde::{Deserialize, Serialize};

pub use ginelli::{CovariantWindow, principal_angle};

use crate::lyapunov::{Autonomous, initial_states};
use crate::ranges::{at_least, at_most, positive, refuse};
use crate::responses::Observations;
use crate::{Analysis, Error, Result, Subject};

/// Angles between the covariant Lyapunov vectors of the network without input: how near to each other the
/// directions are in which states separate and converge.
///
/// The vector `v_i` at a state is the direction in which small differences grow at the rate of the Lyapunov
/// exponent `λ_i`, forward and backward in time. In contrast to the orthonormal frames of the exponents,
/// these directions are mapped onto each other by the Jacobians. Where two of them nearly coincide, as at a
/// tangency, the unstable and the stable directions can hardly be told apart.
///
/// The method is Ginelli's. A frame goes forward along an orbit: for `forward` timesteps in which it turns
/// into place, for the `window`, and for `backward` further timesteps. Triangular coefficients then go
/// backward through the factors `R`, from the identity; they have turned into place when they reach the
/// window. The orbit starts from the first initial state of the analysis `lyapunov`, after `settle`
/// timesteps.
///
/// # Returns
/// One row per checkpoint and pair of vectors, with the columns
/// * `first`, `second`, from 1, with their exponents in the window, `first_exponent` and `second_exponent`
///   (bits per timestep);
/// * `mean_angle` and `smallest_angle` over the window, in radians, between 0 and π/2; `angle`, a vector: the
///   angles at each of the `window` + 1 states;
/// * `change`: the largest change of the angle if the backward pass starts from another triangular matrix;
///   `converged`, whether it is at most `tolerance`; `reason`, null if it is;
/// * the same in every row of a checkpoint: `unstable`, the number of positive exponents;
///   `mean_principal_angle` and `smallest_principal_angle`, of the smallest principal angle between the span
///   of the vectors with positive exponents and that of the others. They are null if there are no
///   exponents of one of the signs.
///
/// A checkpoint with a single vector has one row, in which what belongs to the second is null. Angles and
/// exponents of vectors that were lost, as behind silent relu units, are null, and `reason` says so.
///
/// # Source
/// `ginelli2007`. Differs in: nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CovariantVectors {
    /// Number of vectors, those of the largest exponents; at most the dimension of the state. The default is
    /// 10, or the dimension if that is smaller.
    pub vectors: Option<usize>,
    /// Timesteps in which the state settles, before anything else.
    pub settle: usize,
    /// Timesteps in which the frame turns into place.
    pub forward: usize,
    /// Timesteps of the window. Angles are computed at its `window` + 1 states.
    pub window: usize,
    /// Timesteps after the window, in which the coefficients turn into place, backward in time.
    pub backward: usize,
    /// The largest change of an angle, in radians, at which it counts as converged.
    pub tolerance: f64,
}

impl Default for CovariantVectors {
    fn default() -> Self {
        Self { vectors: None, settle: 500, forward: 500, window: 100, backward: 500, tolerance: 1e-3 }
    }
}

/// Default number of vectors, if the state has that many numbers; as for the exponents.
const DEFAULT_VECTORS: usize = 10;
/// Most timesteps of each of the lengths: arbitrary. The default number of vectors then takes 80 MB.
const MOST_TIMESTEPS: usize = 100_000;

/// The covariant Lyapunov vectors of a sequence of Jacobians, within a window.
///
/// # Shapes
/// `jacobians`: (timesteps, numbers, numbers), with `jacobians[t, i, j] = ∂h_{t+1}[j] / ∂h_t[i]`. The frame
/// goes forward for `forward` timesteps, the window has `window`, and those that are left, if any, are the
/// backward transient.
///
/// # Returns
/// The vectors at `window + 1` states, with their angles and exponents ([`CovariantWindow`]).
///
/// # Errors
/// [`Error::Shape`] for matrices that are not square or too few of them, [`Error::Parameter`] for more
/// vectors than numbers, [`Error::NotFinite`].
///
/// # Source
/// As [`CovariantVectors`].
///
/// # Example
/// The vectors of a constant matrix are its eigenvectors (rows here, as Jacobians act on rows):
/// ```
/// use concertina_analysis::covariant_vectors::covariant_vectors;
/// use ndarray::{Array3, arr2};
///
/// let matrix = arr2(&[[2.0, 0.0], [1.0, 0.5]]); // (1, 0) doubles, (-2/3, 1) halves
/// let jacobians = Array3::from_shape_fn((120, 2, 2), |(_, i, j)| matrix[[i, j]]);
/// let found = covariant_vectors(jacobians.view(), 2, 50, 10)?;
/// assert_eq!(found.exponents, [1.0, -1.0].map(Some));
/// let angle = 1.5_f64.atan(); // between (1, 0) and (-2/3, 1)
/// assert!((found.angles[[0, 0]].unwrap() - angle).abs() < 1e-12);
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn covariant_vectors(
    jacobians: ArrayView3<f64>,
    vectors: usize,
    forward: usize,
    window: usize,
) -> Result<CovariantWindow> {
    let (timesteps, rows, columns) = jacobians.dim();
    if rows != columns || rows == 0 || timesteps < forward + window {
        let expected = format!("(timesteps, numbers, numbers), with at least {} timesteps", forward + window);
        return Err(Error::Shape { what: "jacobians", expected, found: jacobians.shape().to_vec() });
    }
    if vectors == 0 || vectors > rows {
        let expected = format!("at least 1 and at most {rows}, the dimension of a state");
        return refuse(CovariantVectors::NAME, "vectors", expected, vectors);
    }
    if let Some(((timestep, from, to), value)) =
        jacobians.indexed_iter().find(|(_, value)| !value.is_finite())
    {
        let place = format!("timestep {timestep}, from {from} to {to}");
        return Err(Error::NotFinite { what: "jacobians".to_owned(), place, value: *value });
    }
    let mut frames = ginelli::Frames::new(vectors, rows, forward, window);
    for jacobian in jacobians.outer_iter() {
        frames.step(|frame| {
            for row in frame.chunks_exact_mut(rows) {
                let image = ArrayView1::from(&*row).dot(&jacobian);
                row.iter_mut().zip(&image).for_each(|(entry, image)| *entry = *image);
            }
        });
    }
    Ok(frames.covariant())
}

impl CovariantVectors {
    pub(crate) const NAME: &'static str = "covariant_vectors";

    /// The covariant vectors of these dynamics along an orbit from this state; `None` if the state grows
    /// without bound.
    ///
    /// # Errors
    /// [`Error::Parameter`], [`Error::Shape`].
    pub fn along(&self, system: &Autonomous, start: ArrayView1<f64>) -> Result<Option<CovariantWindow>> {
        let numbers = system.dimension();
        self.check_for(numbers)?;
        system.next(start)?; // checks its shape
        let mut state = start.to_owned();
        // the Jacobian of a linear network is the same everywhere, and its state may grow
        let is_linear = system.dynamics.nonlinearity() == Some(Nonlinearity::Linear);
        let advance = |state: &mut Array1<f64>| {
            if !is_linear {
                *state = system.next_of(state);
            }
            is_linear || state.iter().all(|entry| entry.abs() < BOUND)
        };
        for _ in 0..self.settle {
            if !advance(&mut state) {
                return Ok(None);
            }
        }
        let vectors = self.vectors.unwrap_or_else(|| DEFAULT_VECTORS.min(numbers));
        let mut frames = ginelli::Frames::new(vectors, numbers, self.forward, self.window);
        let tangents = crate::lyapunov::Tangents::new(system);
        for _ in 0..self.forward + self.window + self.backward {
            frames.step(|frame| tangents.push(&state, frame));
            if !advance(&mut state) {
                return Ok(None);
            }
        }
        Ok(Some(frames.covariant()))
    }

    fn check_for(&self, numbers: usize) -> Result<()> {
        if let Some(vectors) = self.vectors {
            at_least(Self::NAME, "vectors", vectors, 1)?;
            if vectors > numbers {
                let expected = format!("at most {numbers}, the dimension of a state");
                return refuse(Self::NAME, "vectors", expected, vectors);
            }
        }
        let lengths = [
            ("settle", self.settle, 0),
            ("forward", self.forward, 0),
            ("window", self.window, 1),
            ("backward", self.backward, 0),
        ];
        for (name, length, least) in lengths {
            at_least(Self::NAME, name, length, least)?;
            at_most(Self::NAME, name, length, MOST_TIMESTEPS)?;
        }
        positive(Self::NAME, "tolerance", self.tolerance)
    }
}

/// A state with a larger entry has left every attractor of interest: arbitrary, far below overflow.
const BOUND: f64 = 1e100;

impl Analysis for CovariantVectors {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn references(&self) -> &'static [&'static str] {
        &["ginelli2007"]
    }

    fn per_checkpoint(&self) -> bool {
        true
    }

    fn shows_samples(&self) -> bool {
        false
    }

    fn check(&self, params: &ValidParams) -> Result<()> {
        if params.network.kind == NetworkKind::Feedforward {
            return Err(not_recurrent());
        }
        self.check_for(Equations::new(params).dynamics().states() * params.network.units)
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let mut rows = Observations::default();
        let mut columns = Columns::default();
        for (checkpoint, network) in subject.checkpoints {
            let system = Autonomous::of(network)?.ok_or_else(not_recurrent)?;
            let starts = initial_states(subject.params.seed, 1, system.dimension());
            let found = self.along(&system, starts.row(0))?;
            let vectors = self.vectors.unwrap_or_else(|| DEFAULT_VECTORS.min(system.dimension()));
            let before = columns.first.len();
            columns.extend(found.as_ref(), vectors, self.tolerance);
            (before..columns.first.len()).for_each(|_| rows.push(*checkpoint));
        }
        rows.into_table(false, columns.named())
    }
}

impl CovariantWindow {
    /// The columns of the analysis [`CovariantVectors`] from `first` on, with one row per pair of vectors.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub fn table(&self, tolerance: f64) -> Result<Table> {
        let mut columns = Columns::default();
        columns.extend(Some(self), self.exponents.len(), tolerance);
        Ok(Table::from_columns(columns.named())?)
    }
}

fn not_recurrent() -> Error {
    Error::NotApplicable {
        analysis: CovariantVectors::NAME,
        subject: "a feedforward network".to_owned(),
        reason: "it maps an input to an output once, and has no dynamics of its own",
        hint: "choose a recurrent `network.kind`, or leave this analysis out",
    }
}

/// The columns of the result.
#[derive(Debug, Default)]
struct Columns {
    first: Vec<i64>,
    second: Vec<Option<i64>>,
    first_exponent: Vec<Option<f64>>,
    second_exponent: Vec<Option<f64>>,
    mean_angle: Vec<Option<f64>>,
    smallest_angle: Vec<Option<f64>>,
    angle: Vec<Option<Vec<f64>>>,
    change: Vec<Option<f64>>,
    converged: Vec<bool>,
    reason: Vec<Option<&'static str>>,
    unstable: Vec<Option<i64>>,
    mean_principal_angle: Vec<Option<f64>>,
    smallest_principal_angle: Vec<Option<f64>>,
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn smallest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

impl Columns {
    /// Adds the pairs of this many vectors; of an orbit that grew without bound, if there is no window.
    fn extend(&mut self, found: Option<&CovariantWindow>, vectors: usize, tolerance: f64) {
        let mut pairs: Vec<(usize, Option<usize>)> =
            (0..vectors).flat_map(|i| (i + 1..vectors).map(move |j| (i, Some(j)))).collect();
        if pairs.is_empty() {
            pairs.push((0, None));
        }
        let principal = found.and_then(|found| found.principal_angles.as_deref());
        for (pair, (first, second)) in pairs.into_iter().enumerate() {
            let exponent = |vector: usize| found.and_then(|found| found.exponents[vector]);
            let angles = second.and(found).and_then(|found| {
                let angles = found.angles.column(pair);
                angles.iter().copied().collect::<Option<Vec<f64>>>()
            });
            let change = second.and(found).and_then(|found| found.changes[pair]);
            let reason = match (found, second) {
                (None, _) => Some("the state grows without bound"),
                (Some(_), Some(_)) if angles.is_none() => {
                    Some("a vector was lost: the Jacobians leave no further direction above rounding")
                }
                (Some(_), Some(_)) if change.is_none_or(|change| change > tolerance) => {
                    Some("the angle depends on where the backward pass starts by more than `tolerance`")
                }
                (Some(_), None) if exponent(first).is_none() => {
                    Some("a vector was lost: the Jacobians leave no further direction above rounding")
                }
                _ => None,
            };
            self.first.push(first as i64 + 1);
            self.second.push(second.map(|second| second as i64 + 1));
            self.first_exponent.push(exponent(first));
            self.second_exponent.push(second.and_then(exponent));
            self.mean_angle.push(angles.as_deref().map(mean));
            self.smallest_angle.push(angles.as_deref().map(smallest));
            self.angle.push(angles);
            self.change.push(change);
            self.converged.push(reason.is_none());
            self.reason.push(reason);
            self.unstable.push(found.map(|found| found.unstable as i64));
            self.mean_principal_angle.push(principal.map(mean));
            self.smallest_principal_angle.push(principal.map(smallest));
        }
    }

    fn named(self) -> [(String, Values); 13] {
        [
            ("first", Values::from(self.first)),
            ("second", Values::from(self.second)),
            ("first_exponent", Values::from(self.first_exponent)),
            ("second_exponent", Values::from(self.second_exponent)),
            ("mean_angle", Values::from(self.mean_angle)),
            ("smallest_angle", Values::from(self.smallest_angle)),
            ("angle", Values::from(self.angle)),
            ("change", Values::from(self.change)),
            ("converged", Values::from(self.converged)),
            ("reason", Values::from(self.reason)),
            ("unstable", Values::from(self.unstable)),
            ("mean_principal_angle", Values::from(self.mean_principal_angle)),
            ("smallest_principal_angle", Values::from(self.smallest_principal_angle)),
        ]
        .map(|(name, values)| (name.to_owned(), values))
    }
}

impl CovariantWindow {
    /// The vectors at each state as columns, (states, numbers, vectors).
    pub fn columns(&self) -> Array3<f64> {
        self.vectors.view().permuted_axes([0, 2, 1]).as_standard_layout().into_owned()
    }
}
