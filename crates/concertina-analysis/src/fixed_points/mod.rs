//! `fixed_points`: where the network without input stays put, or almost does.

mod plane;
mod search;

use concertina_model::network::Network;
use concertina_model::params::{NetworkKind, ValidParams};
use concertina_model::task::{Ask, Trials};
use concertina_numerics::linalg::{Complex64, eigenvalues};
use concertina_numerics::random::{Purpose, Stream};
use concertina_table::{Table, Values};
use ndarray::{Array1, Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use plane::Plane;
pub use search::{Found, Kind, Point, Search, speed};

use crate::lyapunov::Autonomous;
use crate::ranges::{MOST_REPETITIONS, at_least, at_most, positive, refuse};
use crate::responses::{Observations, Responses, StateVariable};
use crate::{Analysis, Error, Result, Subject, Timestep};

/// The fixed points and slow points of the network without input or with a constant input, and the dynamics
/// linearised around them.
///
/// With `F` the map from one state to the next, the speed `q(h) = ½ ‖F(h) - h‖²` is minimised, starting from
/// states along trials. The steps are Newton's where these work well and Levenberg-Marquardt steps elsewhere,
/// with exact Jacobians in f64. A point where the speed falls below `tolerance` is a fixed point: the network
/// stays there. A local minimum of the speed between `tolerance` and `slow` is a slow point, which states
/// pass slowly. Starts that end closer together than `unique` have found the same point.
///
/// Each of `starts` trials of the task contributes one start, the state at a randomly drawn timestep. Trials
/// and timesteps are the same for every checkpoint of a run. If there are fewer trials, as in a file, each is
/// used several times.
///
/// The points found need not be all the points of the network. More starts, or some `noise`, may find more.
///
/// # Returns
/// One row per checkpoint and point, fixed points first, then in order of their distance from zero, with the
/// columns
/// * `index`, from 1; `kind`, `fixed` or `slow`; `speed`;
/// * `unstable`: how many eigenvalues of the Jacobian have a modulus above 1 (by more than rounding, 1e-10);
/// * `hits`: how many starts ended there; for the start that came nearest, `start_trial` and
///   `start_timestep`, where it began, and `iterations`, the number of its steps;
/// * `leading_modulus` and `next_modulus`: the largest and the second largest modulus of an eigenvalue. Along
///   a line attractor, the first is close to 1 and the second is below it. A state that is a single number
///   has no second one: null;
/// * `pc1` and `pc2`: where the point is in the plane of the first two principal components of the starts,
///   from their mean. Null where the starts vary along fewer directions;
/// * `state`, a vector: the state (of an LSTM, `h` and then `c`); `eigenvalue_real` and
///   `eigenvalue_imaginary`, vectors: the eigenvalues of the Jacobian there, largest modulus first, and in
///   a conjugate pair the one with positive imaginary part first;
/// * the same in every row of a checkpoint: `starts`; `unconverged`, how many of them reached no point.
///
/// A checkpoint at which no point was found has one row, in which all but the last two columns are null.
///
/// # Source
/// `sussillo2013`; `golub2018` for the merging of points. Differs in: Newton and Levenberg-Marquardt steps in
/// place of a minimiser that uses only gradients; slow points are local minima, not states at which a
/// minimiser was stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FixedPoints {
    /// Number of states to search from, each from a different trial.
    pub starts: usize,
    /// Standard deviation of the normal noise added to every unit of a start.
    pub noise: f64,
    /// The speed below which a point is a fixed point.
    #[serde(alias = "tol_q")]
    pub tolerance: f64,
    /// The speed up to which a local minimum of the speed is a slow point.
    pub slow: f64,
    /// The Euclidean distance below which two points count as the same.
    #[serde(alias = "tol_unique")]
    pub unique: f64,
    /// Maximum number of steps of the search from each start.
    #[serde(alias = "max_iters")]
    pub max_iterations: usize,
    /// The constant input, one number per input of the network; none means zero.
    pub input: Option<Vec<f64>>,
}

impl Default for FixedPoints {
    fn default() -> Self {
        Self {
            starts: 200,
            noise: 0.0,
            tolerance: 1e-24,
            slow: 1e-6,
            unique: 1e-3,
            max_iterations: 500,
            input: None,
        }
    }
}

const TIMESTEPS: Purpose = Purpose::new("fixed pts when");
const NOISE: Purpose = Purpose::new("fixed pts noise");

/// The names of settings in FixedPointFinder (`golub2018`), each with ours.
pub(crate) const ALIASES: [(&str, &str); 3] =
    [("tol_q", "tolerance"), ("tol_unique", "unique"), ("max_iters", "max_iterations")];

/// By how much a modulus must exceed 1 for a direction to count as unstable. Arbitrary, above the rounding of
/// eigenvalues that are exactly 1.
const ABOVE_ONE: f64 = 1e-10;

impl FixedPoints {
    pub(crate) const NAME: &'static str = "fixed_points";

    /// The settings of the search, for use with any [`Autonomous`] network and any starts.
    pub fn search(&self) -> Search {
        let Self { tolerance, slow, unique, max_iterations, .. } = *self;
        Search { tolerance, slow, unique, max_iterations }
    }

    /// The map whose fixed points are searched for.
    fn system(&self, network: &Network) -> Result<Autonomous> {
        let system = Autonomous::of(network)?.ok_or_else(not_recurrent)?;
        match &self.input {
            Some(input) => {
                let weights = network.weights().input.mapv(f64::from);
                system.with_input(weights.view(), Array1::from(input.clone()).view())
            }
            None => Ok(system),
        }
    }

    /// The trial and the timestep that each start is taken from.
    fn origins(&self, seed: u64, trials: usize, timesteps: usize) -> Vec<(usize, Timestep)> {
        let origin = |start: usize| {
            let drawn = Stream::new(seed, TIMESTEPS, start as u64).below(timesteps as u32);
            (start % trials, Timestep(drawn.into()))
        };
        (0..self.starts).map(origin).collect()
    }

    /// The starts, (starts, units), or with the cells of an LSTM (starts, 2 × units).
    fn starts(
        &self,
        network: &Network,
        trials: &Trials,
        origins: &[(usize, Timestep)],
        seed: u64,
    ) -> Result<Array2<f64>> {
        let all: Vec<Timestep> = (0..network.trial_steps() as i64).map(Timestep).collect();
        let responses = Responses::run(network, trials, &all, None)?;
        let numbers = network.dynamics().states() * network.weights().units();
        let cells = match network.dynamics().states() {
            1 => None,
            _ => Some(Responses::run(network, trials, &all, Some(StateVariable::Cell))?),
        };
        let mut states = Array2::zeros((origins.len(), numbers));
        for ((start, (trial, timestep)), mut state) in (0..).zip(origins).zip(states.outer_iter_mut()) {
            let mut noise = Stream::new(seed, NOISE, start);
            let response = responses.at(*timestep)?;
            let cell = cells.as_ref().map(|cells| cells.at(*timestep)).transpose()?;
            let cell = cell.iter().flat_map(|cell| cell.row(*trial));
            for (entry, known) in state.iter_mut().zip(response.row(*trial).iter().chain(cell)) {
                *entry = f64::from(*known) + self.noise * noise.normal();
            }
        }
        Ok(states)
    }

    /// Checks the settings of the search.
    fn check_search(&self) -> Result<()> {
        positive(Self::NAME, "tolerance", self.tolerance)?;
        if !(self.slow.is_finite() && self.slow >= self.tolerance) {
            let expected = format!("at least the tolerance, {}", self.tolerance);
            return refuse(Self::NAME, "slow", expected, self.slow);
        }
        positive(Self::NAME, "unique", self.unique)?;
        at_least(Self::NAME, "max_iterations", self.max_iterations, 1)
    }
}

/// The fixed points and slow points of a system that are found from the given states, as a table.
///
/// Of `settings`, only `tolerance`, `slow`, `unique` and `max_iterations` are used. The starts are those
/// given, and a constant input is part of the system ([`Autonomous::with_input`]). [`FixedPoints::search`]
/// returns the same points as values.
///
/// # Shapes
/// `starts`: (starts, units).
///
/// # Returns
/// One row per point, with the columns of the analysis [`FixedPoints`] from `index` on. In place of
/// `start_trial` and `start_timestep` there is `start`, the row of the start that came nearest, counted from
/// 0. If no point was found, there is one row, in which all columns but `starts` and `unconverged` are null.
///
/// # Errors
/// [`Error::Parameter`]; [`Error::Shape`] if the length of the starts differs from that of the states;
/// [`Error::NotFinite`] names the start and unit of the first NaN or infinite value.
///
/// # Source
/// As [`FixedPoints`].
///
/// # Example
/// A unit that excites itself has three fixed points. The middle one is unstable:
/// ```
/// use concertina_analysis::lyapunov::{Autonomous, Rule};
/// use concertina_analysis::{FixedPoints, fixed_points};
/// use concertina_model::params::Nonlinearity;
/// use ndarray::{arr1, arr2};
///
/// let unit = Autonomous::new(arr2(&[[2.0]]), arr1(&[0.0]), Nonlinearity::Tanh, Rule::Map)?;
/// let starts = arr2(&[[-1.0], [0.1], [1.0]]);
/// let found = fixed_points(&FixedPoints::default(), &unit, starts.view())?;
/// assert_eq!(found.floats("unstable")?, [1.0, 0.0, 0.0].map(Some));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fixed_points(settings: &FixedPoints, system: &Autonomous, starts: ArrayView2<f64>) -> Result<Table> {
    settings.check_search()?;
    let found = settings.search().run(system, starts)?;
    let mut columns = Columns::default();
    columns.extend(system, starts, &found)?;
    let start = columns.start.iter().map(|start| start.map(|start| start as i64)).collect::<Vec<_>>();
    Ok(Table::from_columns(columns.named([("start", Values::from(start))]))?)
}

impl Analysis for FixedPoints {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn references(&self) -> &'static [&'static str] {
        &["sussillo2013", "golub2018", "madsen2004"]
    }

    fn per_checkpoint(&self) -> bool {
        true
    }

    fn check(&self, params: &ValidParams) -> Result<()> {
        if params.network.kind == NetworkKind::Feedforward {
            return Err(not_recurrent());
        }
        at_least(Self::NAME, "starts", self.starts, 1)?;
        at_most(Self::NAME, "starts", self.starts, MOST_REPETITIONS)?;
        if !(self.noise.is_finite() && self.noise >= 0.0) {
            return refuse(Self::NAME, "noise", "zero or a positive number".to_owned(), self.noise);
        }
        self.check_search()?;
        let Some(input) = &self.input else { return Ok(()) };
        if input.len() != params.inputs() {
            let expected = format!("{} numbers, one for each input", params.inputs());
            return refuse(Self::NAME, "input", expected, format!("{} numbers", input.len()));
        }
        match input.iter().find(|number| !number.is_finite()) {
            Some(wrong) => refuse(Self::NAME, "input", "finite numbers".to_owned(), wrong),
            None => Ok(()),
        }
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let trials = subject.task.trials(Ask::Analysis { count: self.starts });
        let seed = subject.params.seed;
        let origins = self.origins(seed, trials.len(), subject.params.trial_steps());
        let mut rows = Observations::default();
        let mut columns = Columns::default();
        for (checkpoint, network) in subject.checkpoints {
            let system = self.system(network)?;
            let starts = self.starts(network, &trials, &origins, seed)?;
            let found = self.search().run(&system, starts.view())?;
            columns.extend(&system, starts.view(), &found)?;
            (0..found.points.len().max(1)).for_each(|_| rows.push(*checkpoint));
        }
        let of_start = |place: fn(&(usize, Timestep)) -> i64| -> Values {
            let place = |start: &Option<usize>| start.map(|start| place(&origins[start]));
            columns.start.iter().map(place).collect::<Vec<Option<i64>>>().into()
        };
        let start = [
            ("start_trial", of_start(|(trial, _)| *trial as i64)),
            ("start_timestep", of_start(|(_, timestep)| timestep.0)),
        ];
        rows.into_table(false, columns.named(start))
    }
}

fn not_recurrent() -> Error {
    Error::NotApplicable {
        analysis: FixedPoints::NAME,
        subject: "a feedforward network".to_owned(),
        reason: "it maps an input to an output once, and has no state that evolves",
        hint: "choose a recurrent `network.kind`, or leave this analysis out",
    }
}

/// What a row says about a point.
struct Row<'a> {
    index: i64,
    point: &'a Point,
    /// The eigenvalues of the Jacobian there.
    eigenvalues: &'a [Complex64],
    /// Where it is in the plane of the starts.
    in_plane: [Option<f64>; Plane::DIRECTIONS],
}

/// The columns of the result, with one row per point, or a row of nulls where a search found none.
#[derive(Debug, Default)]
struct Columns {
    index: Vec<Option<i64>>,
    kind: Vec<Option<&'static str>>,
    speed: Vec<Option<f64>>,
    unstable: Vec<Option<i64>>,
    hits: Vec<Option<i64>>,
    /// Which start ended nearest.
    start: Vec<Option<usize>>,
    iterations: Vec<Option<i64>>,
    /// The two largest moduli of an eigenvalue.
    moduli: [Vec<Option<f64>>; 2],
    in_plane: [Vec<Option<f64>>; Plane::DIRECTIONS],
    state: Vec<Option<Vec<f64>>>,
    real: Vec<Option<Vec<f64>>>,
    imaginary: Vec<Option<Vec<f64>>>,
    starts: Vec<i64>,
    unconverged: Vec<i64>,
}

impl Columns {
    /// Adds what was found from these starts.
    fn extend(&mut self, system: &Autonomous, starts: ArrayView2<f64>, found: &Found) -> Result<()> {
        let plane = Plane::of(starts)?;
        for (point, index) in found.points.iter().zip(1..) {
            let eigenvalues = eigenvalues(system.jacobian(point.state.view())?.view())?;
            let in_plane = plane.coordinates(point.state.view());
            self.push(Some(Row { index, point, eigenvalues: &eigenvalues, in_plane }));
        }
        if found.points.is_empty() {
            self.push(None);
        }
        for _ in 0..found.points.len().max(1) {
            self.starts.push(starts.nrows() as i64);
            self.unconverged.push(found.unconverged as i64);
        }
        Ok(())
    }

    fn push(&mut self, row: Option<Row<'_>>) {
        let row = row.as_ref();
        let unstable =
            |values: &[Complex64]| values.iter().filter(|one| one.norm() > 1.0 + ABOVE_ONE).count() as i64;
        self.index.push(row.map(|row| row.index));
        self.kind.push(row.map(|row| row.point.kind.name()));
        self.speed.push(row.map(|row| row.point.speed));
        self.unstable.push(row.map(|row| unstable(row.eigenvalues)));
        self.hits.push(row.map(|row| row.point.hits as i64));
        self.start.push(row.map(|row| row.point.start));
        self.iterations.push(row.map(|row| row.point.iterations as i64));
        for (place, column) in self.moduli.iter_mut().enumerate() {
            column.push(row.and_then(|row| row.eigenvalues.get(place)).map(|value| value.norm()));
        }
        for (direction, column) in self.in_plane.iter_mut().enumerate() {
            column.push(row.and_then(|row| row.in_plane[direction]));
        }
        self.state.push(row.map(|row| row.point.state.to_vec()));
        self.real.push(row.map(|row| row.eigenvalues.iter().map(|value| value.re).collect()));
        self.imaginary.push(row.map(|row| row.eigenvalues.iter().map(|value| value.im).collect()));
    }

    /// Names the columns. The given columns say where the start was.
    fn named(
        self,
        start: impl IntoIterator<Item = (&'static str, Values)>,
    ) -> impl Iterator<Item = (String, Values)> {
        let ([leading, next], [pc1, pc2]) = (self.moduli, self.in_plane);
        let before = [
            ("index", Values::from(self.index)),
            ("kind", Values::from(self.kind)),
            ("speed", Values::from(self.speed)),
            ("unstable", Values::from(self.unstable)),
            ("hits", Values::from(self.hits)),
        ];
        let after = [
            ("iterations", Values::from(self.iterations)),
            ("leading_modulus", Values::from(leading)),
            ("next_modulus", Values::from(next)),
            ("pc1", Values::from(pc1)),
            ("pc2", Values::from(pc2)),
            ("state", Values::from(self.state)),
            ("eigenvalue_real", Values::from(self.real)),
            ("eigenvalue_imaginary", Values::from(self.imaginary)),
            ("starts", Values::from(self.starts)),
            ("unconverged", Values::from(self.unconverged)),
        ];
        let all = before.into_iter().chain(start).chain(after);
        all.map(|(name, values)| (name.to_owned(), values))
    }
}
