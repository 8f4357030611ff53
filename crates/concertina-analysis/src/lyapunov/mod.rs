//! `lyapunov`: the largest Lyapunov exponents of the network without input, or driven by trials.

mod along_trials;
mod converged;
mod driven;
mod dynamics;
mod frame;
mod growth;
mod orbits;
mod paper;
mod spectrum;
mod start;

use concertina_model::network::Equations;
use concertina_model::params::{NetworkKind, ValidParams};
use concertina_model::task::Ask;
use concertina_table::{Table, Values};
use ndarray::{ArrayView2, ArrayView3};
use serde::{Deserialize, Serialize};

pub use driven::Driven;
pub(crate) use driven::over_time;
pub(crate) use dynamics::Tangents;
pub use dynamics::{Autonomous, Rule};
pub use frame::Fate;
pub use orbits::{Orbits, Tally};
pub use spectrum::{Exponent, Outcome, Spectrum};
pub use start::initial_states;

use along_trials::AlongTrials;
use converged::Converged;

use crate::ranges::{MOST_REPETITIONS, at_least, at_most, positive, refuse};
use crate::responses::Observations;
use crate::{Analysis, Error, Result, Subject};

/// The largest Lyapunov exponents of the network without input, or driven by trials, in bits per timestep.
///
/// Benettin's method: a frame of orthonormal tangent vectors is carried along an orbit by the Jacobians and
/// made orthonormal again after every timestep (QR). The exponents are the means of `log2 R[j, j]` over time.
/// The Jacobians are analytic and taken at the state that they map from, and all arithmetic is in f64.
/// Initial conditions are uniform in [-0.2, 0.2] in every number of the state, and the same for every
/// checkpoint of a run.
///
/// [`Stopping`] determines when the estimate ends. An estimate that has not converged is still a result, with
/// its error and the reason.
///
/// With `drive = "input"`, the network receives the inputs of trials instead, one trial after the other, and
/// the state carries over. The Jacobian of a step then includes that step's input. The average is over all
/// trials from every initial condition, and frames start as the first unit vectors.
///
/// # Returns
/// One row per checkpoint and exponent, with the columns
/// * `index` (1 is the largest), `exponent` (bits per timestep), `standard_error` (over initial conditions);
/// * `converged`, and `reason`, null if converged. A null `exponent` that has converged means `-∞`: the
///   Jacobians leave no further direction, as in a relu network whose units have fallen silent. A null
///   `exponent` that has not converged is unknown: it is `-∞` for only some initial conditions, or lost to
///   rounding, and `reason` says which;
/// * the same in every row of a checkpoint: `kaplan_yorke_dimension` and `entropy_rate` (bits per timestep),
///   null where they are unknown ([`Spectrum`]); `initial_conditions`, `iterations`.
///
/// The orbit of a chaotic network depends on the last bit of every product. Therefore the order of summation
/// and the evaluation of the nonlinearity are fixed, and every instruction set gives the same bits.
///
/// # Source
/// `benettin1980`, `farrell2022`, Fig. 2b. Differs in: the published code takes the Jacobian one step late,
/// and stops when its last ten running averages agree, which they nearly do by construction.
/// `stopping = "paper"` reproduces it. `engelken2023` for networks with input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lyapunov {
    /// Number of exponents, largest first; at most the dimension of the state, which is the number of
    /// units, or twice that in an LSTM. The default is 10, or the dimension if that is smaller.
    pub exponents: Option<usize>,
    /// The rule that determines when the estimate ends.
    pub stopping: Stopping,
    /// The standard error over initial conditions, in bits per timestep, below which every exponent must be.
    pub tolerance: f64,
    /// Timesteps in which the states settle, followed by as many in which the frames turn; the average is
    /// over at least as many again. The default is five time constants of the paper's networks, `5 / dt`.
    pub burn_in: usize,
    /// Maximum number of timesteps after the burn-in.
    pub max_iterations: usize,
    /// Number of initial conditions, at least 2; they advance together.
    pub initial_conditions: usize,
    /// What drives the network: nothing, which is the default, or the inputs of trials. With inputs, the
    /// trials determine when the estimate ends, so `stopping`, `burn_in` and `max_iterations` must have their
    /// defaults, which are not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drive: Option<Drive>,
    /// With `drive`: number of trials that follow one another. The default is 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
    /// With `drive`: number of trials at the beginning that are left out of the average. The default is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burn_in_trials: Option<usize>,
}

/// What drives a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Drive {
    /// The inputs of trials of the task.
    Input,
}

/// The rule that determines when an estimate of Lyapunov exponents ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stopping {
    /// After a burn-in, when the standard error over initial conditions is below the tolerance.
    #[default]
    Converged,
    /// As in the published code, for comparison with published curves only. The rule has its own settings, so
    /// `exponents` is the only other parameter of [`Lyapunov`] that may be set.
    Paper,
}

impl Default for Lyapunov {
    fn default() -> Self {
        Self {
            exponents: None,
            stopping: Stopping::Converged,
            tolerance: 2e-3,
            burn_in: 500,
            max_iterations: 10_000,
            initial_conditions: 10,
            drive: None,
            samples: None,
            burn_in_trials: None,
        }
    }
}

/// Default number of trials of a driven network. Arbitrary: with the paper's ten timesteps, 1000 timesteps.
const DEFAULT_TRIALS: usize = 100;

/// Default number of exponents, if the network has that many units; as in the published code.
const DEFAULT_EXPONENTS: usize = 10;

impl Lyapunov {
    pub(crate) const NAME: &'static str = "lyapunov";

    /// The spectrum of these dynamics. `seed` determines the initial conditions.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn spectrum(&self, system: &Autonomous, seed: u64) -> Result<Spectrum> {
        self.check_for(system.dimension(), &system.width())?;
        if self.drive.is_some() {
            let expected = "none, because these dynamics have no input".to_owned();
            return refuse(Self::NAME, "drive", expected, "input");
        }
        let exponents = self.count(system);
        let rule = Converged {
            exponents,
            initial_conditions: self.initial_conditions,
            burn_in: self.burn_in,
            max_iterations: self.max_iterations,
            tolerance: self.tolerance,
        };
        match self.stopping {
            Stopping::Converged => rule.spectrum(system, seed),
            Stopping::Paper => paper::spectrum(system, exponents, seed),
        }
    }

    /// The spectrum of driven dynamics along trials that follow one another, from these starting states.
    ///
    /// Of the settings, only `exponents`, `tolerance` and `burn_in_trials` are used.
    ///
    /// # Shapes
    /// `starts`: (initial conditions, numbers); `inputs`: (trials, timesteps, inputs).
    ///
    /// # Errors
    /// [`Error::Parameter`], [`Error::Shape`]; [`Error::NotFinite`] names the first input that is NaN or
    /// infinite.
    pub fn driven_spectrum(
        &self,
        driven: &Driven,
        starts: ArrayView2<f64>,
        inputs: ArrayView3<f64>,
    ) -> Result<Spectrum> {
        let system = driven.autonomous();
        self.check_for(system.dimension(), &system.width())?;
        crate::responses::check_finite(starts, || "initial states".to_owned())?;
        if let Some(((trial, timestep, input), value)) =
            inputs.indexed_iter().find(|(_, value)| !value.is_finite())
        {
            let place = format!("trial {trial}, timestep {timestep}, input {input}");
            return Err(Error::NotFinite { what: "inputs".to_owned(), place, value: *value });
        }
        let rule = AlongTrials {
            exponents: self.count(system),
            burn_in_trials: self.burn_in_trials.unwrap_or_default(),
            tolerance: self.tolerance,
        };
        rule.spectrum(driven, starts, inputs)
    }

    /// The number of exponents.
    fn count(&self, system: &Autonomous) -> usize {
        self.exponents.unwrap_or_else(|| DEFAULT_EXPONENTS.min(system.dimension()))
    }

    /// Checks the settings of a driven network, or that they are left out.
    fn check_drive(&self) -> Result<()> {
        let default = Self::default();
        let (samples, burn_in) = (self.samples, self.burn_in_trials);
        if self.drive.is_none() {
            for (setting, found) in [("samples", samples), ("burn_in_trials", burn_in)] {
                if let Some(found) = found {
                    let expected = "none, because it belongs to `drive = input`".to_owned();
                    return refuse(Self::NAME, setting, expected, found);
                }
            }
            return Ok(());
        }
        for (setting, default, found) in [
            ("burn_in", default.burn_in, self.burn_in),
            ("max_iterations", default.max_iterations, self.max_iterations),
        ] {
            if found != default {
                let expected = format!(
                    "the default, {default}, because with `drive` the trials determine how long it takes \
                     (`samples`, `burn_in_trials`)"
                );
                return refuse(Self::NAME, setting, expected, found);
            }
        }
        if self.stopping == Stopping::Paper {
            let expected = "`converged`, because the published rule is for networks without input".to_owned();
            return refuse(Self::NAME, "stopping", expected, "`paper`");
        }
        let trials = samples.unwrap_or(DEFAULT_TRIALS);
        crate::ranges::samples(Self::NAME, trials, 1)?;
        match burn_in {
            Some(burn_in) if burn_in >= trials => {
                let expected = format!("fewer than the {trials} trials (`samples`)");
                refuse(Self::NAME, "burn_in_trials", expected, burn_in)
            }
            _ => Ok(()),
        }
    }

    /// Checks the settings for a system whose states have this many numbers, which are called `width`.
    fn check_for(&self, numbers: usize, width: &str) -> Result<()> {
        let default = Self::default();
        self.check_drive()?;
        if let Some(exponents) = self.exponents {
            at_least(Self::NAME, "exponents", exponents, 1)?;
            if exponents > numbers {
                let expected = match width {
                    "units" => format!("at most {numbers}, the number of units"),
                    _ => format!("at most {numbers}, the dimension of a state, {width}"),
                };
                return refuse(Self::NAME, "exponents", expected, exponents);
            }
        }
        if self.stopping == Stopping::Paper {
            let own = |parameter, default: String, found: String| {
                if found == default {
                    return Ok(());
                }
                let expected = format!("the default, {default}, because `paper` has its own settings");
                refuse(Self::NAME, parameter, expected, found)
            };
            own("tolerance", default.tolerance.to_string(), self.tolerance.to_string())?;
            own("burn_in", default.burn_in.to_string(), self.burn_in.to_string())?;
            own("max_iterations", default.max_iterations.to_string(), self.max_iterations.to_string())?;
            let (default, found) = (default.initial_conditions, self.initial_conditions);
            return own("initial_conditions", default.to_string(), found.to_string());
        }
        positive(Self::NAME, "tolerance", self.tolerance)?;
        at_least(Self::NAME, "max_iterations", self.max_iterations, 1)?;
        at_least(Self::NAME, "initial_conditions", self.initial_conditions, 2)?;
        at_most(Self::NAME, "initial_conditions", self.initial_conditions, MOST_REPETITIONS)
    }
}

impl Analysis for Lyapunov {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn references(&self) -> &'static [&'static str] {
        &["farrell2022", "benettin1980", "cox1998", "engelken2023", "kaplan1979", "pesin1977", "ruelle1978"]
    }

    fn per_checkpoint(&self) -> bool {
        true
    }

    fn shows_samples(&self) -> bool {
        self.drive.is_some()
    }

    fn check(&self, params: &ValidParams) -> Result<()> {
        if params.network.kind == NetworkKind::Feedforward {
            return Err(not_recurrent());
        }
        let states = Equations::new(params).dynamics().states();
        self.check_for(states * params.network.units, &dynamics::width(states))
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let mut rows = Observations::default();
        let mut columns = Columns::default();
        let (seed, timesteps) = (subject.params.seed, subject.params.trial_steps());
        let inputs = self.drive.map(|Drive::Input| {
            let count = self.samples.unwrap_or(DEFAULT_TRIALS);
            over_time(&subject.task.trials(Ask::Analysis { count }).inputs, timesteps)
        });
        for (checkpoint, network) in subject.checkpoints {
            let spectrum = match &inputs {
                None => self.spectrum(&Autonomous::of(network)?.ok_or_else(not_recurrent)?, seed)?,
                Some(inputs) => {
                    let driven = Driven::of(network)?.ok_or_else(not_recurrent)?;
                    let numbers = driven.autonomous().dimension();
                    let starts = initial_states(seed, self.initial_conditions, numbers);
                    self.driven_spectrum(&driven, starts.view(), inputs.view())?
                }
            };
            spectrum.exponents.iter().for_each(|_| rows.push(*checkpoint));
            columns.extend(&spectrum);
        }
        rows.into_table(false, columns.named())
    }
}

/// The largest Lyapunov exponents of a system, as values and as a table.
///
/// `seed` determines the initial conditions and the frames. [`Lyapunov::spectrum`] does the same without the
/// table.
///
/// # Returns
/// The spectrum, in bits per timestep, and [`Spectrum::table`], the columns of the analysis [`Lyapunov`]
/// from `index` on.
///
/// # Errors
/// [`Error::Parameter`].
///
/// # Source
/// As [`Lyapunov`].
///
/// # Example
/// A linear unit that loses half of its state in every timestep loses one bit per timestep:
/// ```
/// use concertina_analysis::lyapunov::{Autonomous, Rule};
/// use concertina_analysis::{Lyapunov, lyapunov};
/// use concertina_model::params::Nonlinearity;
/// use ndarray::{arr1, arr2};
///
/// let unit = Autonomous::new(arr2(&[[0.5]]), arr1(&[0.0]), Nonlinearity::Linear, Rule::Map)?;
/// let (spectrum, table) = lyapunov(&Lyapunov::default(), &unit, 0)?;
/// assert_eq!(spectrum.exponents[0].bits_per_timestep, -1.0);
/// assert_eq!(table.floats("exponent")?, [Some(-1.0)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn lyapunov(settings: &Lyapunov, system: &Autonomous, seed: u64) -> Result<(Spectrum, Table)> {
    let spectrum = settings.spectrum(system, seed)?;
    let table = spectrum.table()?;
    Ok((spectrum, table))
}

/// The largest Lyapunov exponents of a driven system along trials that follow one another, as values and as a
/// table.
///
/// Of `settings`, only `exponents`, `tolerance` and `burn_in_trials` are used; the drive is that of `inputs`.
/// The state carries over from trial to trial.
///
/// # Shapes
/// `starts`: (initial conditions, numbers); `inputs`: (trials, timesteps, inputs).
///
/// # Returns
/// As [`lyapunov`].
///
/// # Errors
/// [`Error::Parameter`], [`Error::Shape`], [`Error::NotFinite`].
///
/// # Source
/// As [`Lyapunov`].
///
/// # Example
/// The exponent of a single unit is the mean of `log2 |w φ'|` along its orbit. A strong input saturates the
/// unit, and the exponent falls:
/// ```
/// use concertina_analysis::lyapunov::{Autonomous, Drive, Driven, Rule};
/// use concertina_analysis::{Lyapunov, lyapunov_driven};
/// use concertina_model::params::Nonlinearity;
/// use ndarray::{Array3, arr1, arr2};
///
/// let unit = Autonomous::new(arr2(&[[2.0]]), arr1(&[0.0]), Nonlinearity::Tanh, Rule::Map)?;
/// let driven = Driven::new(unit, arr2(&[[1.0]]))?;
/// let settings = Lyapunov { drive: Some(Drive::Input), ..Lyapunov::default() };
/// let exponent = |input: f64| {
///     let inputs = Array3::from_elem((3, 20, 1), input);
///     let starts = arr2(&[[0.1], [0.2]]);
///     let (spectrum, _) = lyapunov_driven(&settings, &driven, starts.view(), inputs.view())?;
///     Ok::<f64, concertina_analysis::Error>(spectrum.exponents[0].bits_per_timestep)
/// };
/// assert!(exponent(3.0)? < exponent(0.5)?);
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn lyapunov_driven(
    settings: &Lyapunov,
    driven: &Driven,
    starts: ArrayView2<f64>,
    inputs: ArrayView3<f64>,
) -> Result<(Spectrum, Table)> {
    let spectrum = settings.driven_spectrum(driven, starts, inputs)?;
    let table = spectrum.table()?;
    Ok((spectrum, table))
}

impl Spectrum {
    /// The columns of the analysis [`Lyapunov`] from `index` on, with one row per exponent.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub fn table(&self) -> Result<Table> {
        let mut columns = Columns::default();
        columns.extend(self);
        Ok(Table::from_columns(columns.named())?)
    }
}

fn not_recurrent() -> Error {
    Error::NotApplicable {
        analysis: Lyapunov::NAME,
        subject: "a feedforward network".to_owned(),
        reason: "it maps an input to an output once, and has no dynamics of its own",
        hint: "choose a recurrent `network.kind`, or leave this analysis out",
    }
}

/// The columns of the result.
#[derive(Debug, Default)]
struct Columns {
    index: Vec<i64>,
    exponent: Vec<Option<f64>>,
    standard_error: Vec<Option<f64>>,
    kaplan_yorke_dimension: Vec<Option<f64>>,
    entropy_rate: Vec<Option<f64>>,
    initial_conditions: Vec<i64>,
    iterations: Vec<i64>,
    converged: Vec<bool>,
    reason: Vec<Option<String>>,
}

impl Columns {
    fn extend(&mut self, spectrum: &Spectrum) {
        let (dimension, entropy_rate) = (spectrum.kaplan_yorke_dimension(), spectrum.entropy_rate());
        for (exponent, index) in spectrum.exponents.iter().zip(1..) {
            let bits = exponent.bits_per_timestep;
            let reason = spectrum.reason(exponent);
            self.index.push(index);
            self.exponent.push((bits.is_finite() && !exponent.is_bound).then_some(bits));
            self.standard_error.push(exponent.standard_error);
            self.kaplan_yorke_dimension.push(dimension);
            self.entropy_rate.push(entropy_rate);
            self.initial_conditions.push(spectrum.initial_conditions as i64);
            self.iterations.push(spectrum.iterations as i64);
            self.converged.push(reason.is_none());
            self.reason.push(reason);
        }
    }

    fn named(self) -> [(String, Values); 9] {
        [
            ("index", Values::from(self.index)),
            ("exponent", Values::from(self.exponent)),
            ("standard_error", Values::from(self.standard_error)),
            ("kaplan_yorke_dimension", Values::from(self.kaplan_yorke_dimension)),
            ("entropy_rate", Values::from(self.entropy_rate)),
            ("initial_conditions", Values::from(self.initial_conditions)),
            ("iterations", Values::from(self.iterations)),
            ("converged", Values::from(self.converged)),
            ("reason", Values::from(self.reason)),
        ]
        .map(|(name, values)| (name.to_owned(), values))
    }
}
