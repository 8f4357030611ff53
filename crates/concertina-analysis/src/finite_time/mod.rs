//! `finite_time`: how the trial itself stretches and squeezes small differences.

mod chain;
mod graded;
mod krylov;
mod sweeps;

use concertina_model::params::{NetworkKind, ValidParams};
use concertina_model::task::Ask;
use concertina_table::{Table, Values};
use ndarray::{Array2, ArrayView3};
use serde::{Deserialize, Serialize};

use chain::{Chain, Matrices, Trials};
use krylov::Found;

use crate::lyapunov::{Driven, over_time};
use crate::ranges::{at_least, refuse, samples};
use crate::responses::Observations;
use crate::{Analysis, Error, Result, Subject, Timestep};

/// Finite-time growth along the trials of the task: how much the network stretches or squeezes small
/// differences from the state before the first step, or after it, to every timestep, in bits per timestep.
///
/// With the Jacobians `J_t = ∂h_t / ∂h_{t-1}` of the steps of a trial, including its input, and the product
/// `P(t, s)` of those of the steps `s + 1` to `t`, the rates are `log2 σ_i(P(t, s)) / (t - s)`, with the
/// singular values `σ_1 ≥ σ_2 ≥ ...` of the product. A rate above 0 belongs to a direction in which
/// differences have grown by timestep `t`. The sum of all rates, times the number of steps, is the logarithm
/// of `|det P|`.
///
/// Trials start from the initial state, without noise. The Jacobians are exact, and all arithmetic is in f64.
///
/// # Returns
/// One row per checkpoint, timestep and rate, with the columns
/// * `index` (1 is the largest), `rate` (bits per timestep): the mean over trials;
/// * `standard_deviation` over trials (of n - 1), null for a single trial;
/// * `trials`; `undefined`, the number of trials in which the singular value is zero or cannot be told from
///   it, because less than the rounding errors of a Jacobian is left of the direction. If there are any,
///   `rate` and `standard_deviation` are null;
/// * `converged`: whether the singular values of all trials have converged.
///
/// # Source
/// `engelken2023` for the rates; `demmel1992` for singular values of graded matrices. Differs in: singular
/// values of the product, not sums of `log2 |R[j, j]|`, which `method = "qr"` gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FiniteTime {
    /// Number of trials.
    pub samples: usize,
    /// Number of rates, largest first; at most the dimension of the state. The default is 5, or the dimension
    /// if that is smaller.
    pub exponents: Option<usize>,
    /// The number of steps before the product begins: 0, or 1 to leave out the first step of the stimulus.
    pub from: usize,
    /// What is computed from the Jacobians.
    pub method: Method,
}

/// What is computed from the Jacobians of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The singular values of their product.
    #[default]
    SingularValues,
    /// The sums of `log2 R[j, j]` of Benettin's method, from the first unit vectors, for comparison. After
    /// few timesteps they differ from the singular values, and they need not decrease.
    Qr,
}

impl Default for FiniteTime {
    fn default() -> Self {
        Self { samples: 100, exponents: None, from: 0, method: Method::SingularValues }
    }
}

/// Default number of rates, if the state has that many numbers (arbitrary: those that a figure can show).
const DEFAULT_EXPONENTS: usize = 5;

/// The rates along one trial.
#[derive(Debug, Clone, PartialEq)]
pub struct FiniteTimeRates {
    /// Bits per timestep, (timesteps, exponents): row `t` belongs to the product of the first `t + 1`
    /// Jacobians. `None` if the singular value is zero or lost to rounding.
    pub rates: Array2<Option<f64>>,
    /// Whether the values of each timestep have converged, (timesteps).
    pub converged: Vec<bool>,
}

/// The finite-time growth rates of a product of Jacobians, after every factor.
///
/// # Shapes
/// `jacobians`: (timesteps, numbers, numbers), with `jacobians[t, i, j] = ∂h_{t+1}[j] / ∂h_t[i]`, as
/// [`Driven::jacobians`] returns them. A transposed convention gives the same singular values only if the
/// order of the factors is reversed, too.
///
/// # Errors
/// [`Error::Shape`] for matrices that are not square, or more exponents than numbers; [`Error::NotFinite`].
///
/// # Source
/// As [`FiniteTime`].
///
/// # Example
/// A shear stretches in proportion to time, so its rates fall towards zero:
/// ```
/// use concertina_analysis::finite_time::{Method, finite_time};
/// use ndarray::{Array3, arr2};
///
/// let shear = arr2(&[[1.0, 0.0], [1.5, 1.0]]);
/// let jacobians = Array3::from_shape_fn((8, 2, 2), |(_, i, j)| shear[[i, j]]);
/// let found = finite_time(jacobians.view(), 2, Method::SingularValues)?;
/// let at = 1.5 * 8.0_f64;
/// let largest = ((at * at + 4.0).sqrt() + at) / 2.0;
/// assert!((found.rates[[7, 0]].unwrap() - largest.log2() / 8.0).abs() < 1e-13);
/// assert!((found.rates[[7, 1]].unwrap() + largest.log2() / 8.0).abs() < 1e-13);
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn finite_time(jacobians: ArrayView3<f64>, exponents: usize, method: Method) -> Result<FiniteTimeRates> {
    let (_, rows, columns) = jacobians.dim();
    if rows != columns || rows == 0 {
        let expected = "(timesteps, numbers, numbers), with at least one number".to_owned();
        return Err(Error::Shape { what: "jacobians", expected, found: jacobians.shape().to_vec() });
    }
    if exponents == 0 || exponents > rows {
        let expected = format!("at least 1 and at most {rows}, the dimension of a state");
        return refuse(FiniteTime::NAME, "exponents", expected, exponents);
    }
    if let Some(((timestep, from, to), value)) = chain::not_finite(jacobians) {
        let place = format!("timestep {timestep}, from {from} to {to}");
        return Err(Error::NotFinite { what: "jacobians".to_owned(), place, value });
    }
    Ok(rates(&Matrices::new(jacobians), exponents, method)?.remove(0))
}

/// The rates of every trial.
fn rates(chain: &dyn Chain, count: usize, method: Method) -> Result<Vec<FiniteTimeRates>> {
    let empty = FiniteTimeRates {
        rates: Array2::from_elem((chain.timesteps(), count), None),
        converged: vec![true; chain.timesteps()],
    };
    let mut all = vec![empty; chain.trials()];
    let mut write = |trial: usize, timestep: usize, bits: &[Option<f64>]| {
        let steps = (timestep + 1) as f64;
        let mut row = all[trial].rates.row_mut(timestep);
        row.iter_mut().zip(bits).for_each(|(rate, bits)| *rate = bits.map(|bits| bits / steps));
    };
    if method == Method::Qr {
        for trial in 0..chain.trials() {
            for (timestep, bits) in sweeps::accumulate(chain, trial, count).iter().enumerate() {
                write(trial, timestep, bits);
            }
        }
        return Ok(all);
    }
    let mut unsettled = Vec::new();
    let mut blocks = vec![0; chain.trials()];
    for timestep in 0..chain.timesteps() {
        let found = krylov::largest(chain, timestep + 1, count, &mut blocks)?;
        for (trial, found) in found.into_iter().enumerate() {
            match found {
                Found::Values(bits) => {
                    write(trial, timestep, &bits.into_iter().map(Some).collect::<Vec<_>>());
                }
                Found::Start(start) => {
                    let swept = sweeps::sweep(chain, trial, timestep + 1, count, &start);
                    write(trial, timestep, &swept.bits);
                    if !swept.settled {
                        unsettled.push((trial, timestep));
                    }
                }
            }
        }
    }
    unsettled.into_iter().for_each(|(trial, timestep)| all[trial].converged[timestep] = false);
    Ok(all)
}

impl FiniteTime {
    pub(crate) const NAME: &'static str = "finite_time";

    /// The rates along each trial of a driven network, from its initial state.
    ///
    /// Of the settings, `samples` is not used: all trials are.
    ///
    /// # Shapes
    /// `inputs`: (trials, timesteps, inputs). Row `t` of the rates belongs to step `from + t + 1`.
    ///
    /// # Errors
    /// [`Error::Parameter`], [`Error::Shape`]; [`Error::NotFinite`] if the states grow out of range.
    pub fn along(&self, driven: &Driven, inputs: ArrayView3<f64>) -> Result<Vec<FiniteTimeRates>> {
        let numbers = driven.autonomous().dimension();
        self.check_for(numbers, inputs.dim().1)?;
        let count = self.exponents.unwrap_or_else(|| DEFAULT_EXPONENTS.min(numbers));
        rates(&Trials::new(driven, inputs, self.from)?, count, self.method)
    }

    /// Checks the settings for states of this many numbers, and trials of this many timesteps.
    fn check_for(&self, numbers: usize, timesteps: usize) -> Result<()> {
        samples(Self::NAME, self.samples, 1)?;
        if let Some(exponents) = self.exponents {
            at_least(Self::NAME, "exponents", exponents, 1)?;
            if exponents > numbers {
                let expected = format!("at most {numbers}, the dimension of a state");
                return refuse(Self::NAME, "exponents", expected, exponents);
            }
        }
        if self.from > 1 {
            return refuse(Self::NAME, "from", "0 or 1".to_owned(), self.from);
        }
        if self.from >= timesteps {
            let expected = "0, because trials have a single timestep".to_owned();
            return refuse(Self::NAME, "from", expected, self.from);
        }
        Ok(())
    }
}

impl Analysis for FiniteTime {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn references(&self) -> &'static [&'static str] {
        &["engelken2023", "demmel1992"]
    }

    fn per_checkpoint(&self) -> bool {
        true
    }

    fn check(&self, params: &ValidParams) -> Result<()> {
        if params.network.kind == NetworkKind::Feedforward {
            return Err(not_recurrent());
        }
        let states = concertina_model::network::Equations::new(params).dynamics().states();
        self.check_for(states * params.network.units, params.trial_steps())
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let trials = subject.task.trials(Ask::Analysis { count: self.samples });
        let inputs = over_time(&trials.inputs, subject.params.trial_steps());
        let mut rows = Observations::default();
        let mut columns = Columns::default();
        for (checkpoint, network) in subject.checkpoints {
            let driven = Driven::of(network)?.ok_or_else(not_recurrent)?;
            let found = self.along(&driven, inputs.view())?;
            let Some((timesteps, count)) = found.first().map(|one| one.rates.dim()) else { continue };
            for timestep in 0..timesteps {
                for index in 0..count {
                    rows.push_at(*checkpoint, Timestep((self.from + timestep) as i64));
                    columns.push(&found, timestep, index);
                }
            }
        }
        rows.into_table(true, columns.named())
    }
}

fn not_recurrent() -> Error {
    Error::NotApplicable {
        analysis: FiniteTime::NAME,
        subject: "a feedforward network".to_owned(),
        reason: "its layers are different maps, and it has no state that evolves along a trial",
        hint: "choose a recurrent `network.kind`, or leave this analysis out",
    }
}

/// The columns of the result.
#[derive(Debug, Default)]
struct Columns {
    index: Vec<i64>,
    rate: Vec<Option<f64>>,
    standard_deviation: Vec<Option<f64>>,
    trials: Vec<i64>,
    undefined: Vec<i64>,
    converged: Vec<bool>,
}

impl Columns {
    fn push(&mut self, found: &[FiniteTimeRates], timestep: usize, index: usize) {
        let known: Vec<f64> = found.iter().filter_map(|one| one.rates[[timestep, index]]).collect();
        let count = found.len() as f64;
        let mean = known.iter().sum::<f64>() / count;
        let squares: f64 = known.iter().map(|rate| (rate - mean) * (rate - mean)).sum();
        let is_known = known.len() == found.len();
        self.index.push(index as i64 + 1);
        self.rate.push(is_known.then_some(mean));
        self.standard_deviation.push((is_known && found.len() > 1).then(|| (squares / (count - 1.0)).sqrt()));
        self.trials.push(found.len() as i64);
        self.undefined.push((found.len() - known.len()) as i64);
        self.converged.push(found.iter().all(|one| one.converged[timestep]));
    }

    fn named(self) -> [(String, Values); 6] {
        [
            ("index", Values::from(self.index)),
            ("rate", Values::from(self.rate)),
            ("standard_deviation", Values::from(self.standard_deviation)),
            ("trials", Values::from(self.trials)),
            ("undefined", Values::from(self.undefined)),
            ("converged", Values::from(self.converged)),
        ]
        .map(|(name, values)| (name.to_owned(), values))
    }
}
