//! `manifold_capacity`: how many manifolds per dimension a linear classifier could still tell apart.

use std::collections::BTreeMap;

use concertina_model::params::ValidParams;
use concertina_model::task::Ask;
use concertina_numerics::linalg::{non_negative_least_squares, product, svd};
use concertina_numerics::random::{Purpose, Stream};
use concertina_table::{Table, Values};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use crate::numbers::{Precision, Rounding};
use crate::ranges::{self, MOST_REPETITIONS};
use crate::responses::{Observations, Responses, StateVariable, check_finite, labels};
use crate::{Analysis, Error, Result, Subject, Timestep, Timesteps};

/// The capacity of a linear classifier for the manifolds of the states, and their geometry, at each timestep:
/// see [`manifold_capacity`].
///
/// A manifold consists of the states of the trials of one condition, or of one class.
///
/// # Returns
/// For each checkpoint and timestep one row per manifold, and then one for the whole set, in which `manifold`
/// is null, with the columns `manifold`, its number; `samples`, the number of its states; `capacity` and
/// `capacity_error`; `radius` and `dimension`; `radius_centred` and `dimension_cosine`; `span`;
/// `centre_norm`; `unconverged`. In the row of the set, the capacity is the harmonic mean, `samples` and
/// `unconverged` are sums, and the other columns are means over manifolds. Undefined values are null.
/// # Source   `chung2018`. Differs in: see [`manifold_capacity`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ManifoldCapacity {
    /// Samples, spread evenly over the clusters; at least 2.
    pub samples: usize,
    /// The timesteps to analyse.
    pub timesteps: Timesteps,
    /// Continue the trials to this timestep, with zero input.
    pub extend_to: Option<Timestep>,
    /// What the states of a manifold have in common.
    pub manifolds: Manifolds,
    /// Number of random directions for each manifold; at least 2. They are drawn from the run's seed.
    pub directions: usize,
    /// The variable to analyse in place of the state of the units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateVariable>,
}

/// What the states of a manifold have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Manifolds {
    /// The condition of their trial: for the clusters, the cluster.
    Condition,
    /// The class of their trial.
    Class,
}

impl Default for ManifoldCapacity {
    fn default() -> Self {
        Self {
            samples: 500,
            timesteps: Timesteps::All,
            extend_to: None,
            manifolds: Manifolds::Condition,
            directions: 300,
            state: None,
        }
    }
}

const DIRECTIONS: Purpose = Purpose::new("capacity");

impl ManifoldCapacity {
    pub(crate) const NAME: &'static str = "manifold_capacity";

    /// Checks the settings that do not depend on a run.
    pub(crate) fn check_directions(&self) -> Result<()> {
        ranges::at_least(Self::NAME, "directions", self.directions, 2)?;
        ranges::at_most(Self::NAME, "directions", self.directions, MOST_REPETITIONS)
    }
}

impl Analysis for ManifoldCapacity {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn references(&self) -> &'static [&'static str] {
        &["chung2018"]
    }

    fn per_checkpoint(&self) -> bool {
        true
    }

    fn check(&self, params: &ValidParams) -> Result<()> {
        match self.manifolds {
            Manifolds::Class => drop(ranges::needs_classes(Self::NAME, params)?),
            Manifolds::Condition if params.shape().conditions == 0 => {
                return Err(Error::NotApplicable {
                    analysis: Self::NAME,
                    subject: "a task whose trials have no conditions".to_owned(),
                    reason: "the states of a condition are a manifold",
                    hint: "set `manifolds = class`, or number the conditions of the trials in the array `condition` of the file",
                });
            }
            Manifolds::Condition => {}
        }
        StateVariable::check(self.state, Self::NAME, params)?;
        ranges::samples(Self::NAME, self.samples, 2)?;
        self.check_directions()?;
        self.timesteps.resolve(Self::NAME, self.extend_to, params).map(drop)
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let timesteps = self.timesteps.resolve(Self::NAME, self.extend_to, subject.params)?;
        let trials = subject.task.trials(Ask::Analysis { count: self.samples });
        let members = match self.manifolds {
            Manifolds::Condition => trials.conditions.clone(),
            Manifolds::Class => labels(Self::NAME, &trials)?.into_owned(),
        };
        let mut rows = Observations::default();
        let mut columns = CapacityColumns::default();
        for (checkpoint, network) in subject.checkpoints {
            let responses = Responses::run(network, &trials, &timesteps, self.state)?;
            for &timestep in &timesteps {
                let states = responses.at(timestep)?;
                let found = capacity_of_finite(states, &members, self.directions, subject.params.seed)?;
                let pushed = columns.extend(&found);
                (0..pushed).for_each(|_| rows.push_at(*checkpoint, timestep));
            }
        }
        rows.into_table(true, columns.named())
    }
}

/// The capacity and the geometry of a manifold.
#[derive(Debug, Clone, PartialEq)]
pub struct ManifoldGeometry {
    /// Its label.
    pub label: u32,
    /// The number of its points.
    pub samples: usize,
    /// The distance of its centre from the mean of all centres.
    pub centre_norm: f64,
    /// The measures; `None` if the centre coincides with the mean of all centres, up to rounding.
    pub anchored: Option<Anchored>,
}

/// What the anchor points of a manifold say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Anchored {
    /// `F` for each direction, (directions).
    pub f: Vec<f64>,
    /// The anchor points, (directions, units), in units of the distance of the centre.
    pub anchors: Array2<f64>,
    /// `1 / mean F`; `None` if every `F` is zero.
    pub capacity: Option<f64>,
    /// Its standard error over directions.
    pub capacity_error: Option<f64>,
    /// `√(mean |s̃|²)`, in units of the distance of the centre.
    pub radius: f64,
    /// `(mean t · s̃ / |s̃|)²`.
    pub dimension: f64,
    /// The radius of the anchor points around their mean.
    pub radius_centred: f64,
    /// `span (mean cos(t, s̃))²`, with `t` in the span of the manifold.
    pub dimension_cosine: f64,
    /// The dimension of the span of the points around their centre.
    pub span: usize,
    /// Number of directions whose least squares problem did not converge.
    pub unconverged: usize,
}

/// The manifolds of a cloud of states.
#[derive(Debug, Clone, PartialEq)]
pub struct Capacity {
    /// Each manifold, in the order of labels.
    pub manifolds: Vec<ManifoldGeometry>,
    /// The harmonic mean of their capacities; `None` if one is undefined.
    pub capacity: Option<f64>,
    /// Its standard error, by propagation.
    pub capacity_error: Option<f64>,
}

/// The mean-field capacity of a linear classifier for the manifolds of a cloud of states, and the radius and
/// dimension of each manifold.
///
/// With random classes, a linear classifier of `N` inputs separates up to `α N` manifolds: two points per
/// dimension, and fewer manifolds the more they extend. The capacity of one manifold is `α = 1 / ⟨F(t)⟩`. For
/// a Gaussian direction `t` in `N + 1` dimensions, `F` is the squared distance to `t` of the nearest vector
/// that has no positive product with any point of the manifold. The points are taken relative to their
/// centre, in units of the centre's distance from the mean of all centres, with a further coordinate of 1.
/// What lies between that vector and `t` is a combination of the points, found by non-negative least squares.
/// Scaled to a further coordinate of 1, it is the anchor point `s̃`: the point of the manifold that matters
/// most for this direction. The length of anchor points gives the radius, and their products with the
/// directions give the dimension.
///
/// Each manifold has its own directions, drawn from the seed and its label. They are the same for all states
/// with that number of units, so that differences between timesteps or checkpoints are more certain than the
/// standard errors say.
///
/// # Shapes
/// `states`: (samples, units); `labels`: (samples).
///
/// # Undefined
/// A manifold whose centre coincides with the mean of all centres up to rounding, as that of a single
/// manifold does, has no measures. Without them, or where every `F` is zero, the set has no capacity. A
/// manifold that is one point up to rounding has radius 0, dimension 0 and the capacity of a point, 2 up to
/// the directions.
///
/// # Errors
/// [`Error::Shape`] unless there is one label per sample; [`Error::Parameter`] for fewer than 2 directions;
/// [`Error::NotFinite`] names the sample and unit of the first NaN or infinite value.
///
/// # Source
/// `chung2018`, with Gaussian directions, margin 0, and equations 28 and 29 for radius and dimension. Differs
/// in: nothing; correlations between centres are not removed, as later work does.
///
/// # Example
/// The capacity of points is 2:
/// ```
/// use concertina_analysis::manifold_capacity;
/// use ndarray::arr2;
///
/// let points = arr2(&[[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]);
/// let found = manifold_capacity(points.view(), &[0, 1, 2], 2000, 1)?;
/// let (capacity, error) = found.capacity.zip(found.capacity_error).expect("defined");
/// assert!((capacity - 2.0).abs() < 3.0 * error);
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn manifold_capacity<T: Precision>(
    states: ArrayView2<T>,
    labels: &[u32],
    directions: usize,
    seed: u64,
) -> Result<Capacity> {
    if labels.len() != states.nrows() {
        let expected = format!("(samples) = ({})", states.nrows());
        return Err(Error::Shape { what: "labels", expected, found: vec![labels.len()] });
    }
    ManifoldCapacity { directions, ..ManifoldCapacity::default() }.check_directions()?;
    check_finite(states, || "states".to_owned())?;
    capacity_of_finite(states, labels, directions, seed)
}

fn capacity_of_finite<T: Precision>(
    states: ArrayView2<T>,
    labels: &[u32],
    directions: usize,
    seed: u64,
) -> Result<Capacity> {
    let states = states.mapv(Into::into);
    let rounding = Rounding::of_states::<T>(states.view());
    let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    labels.iter().enumerate().for_each(|(sample, label)| members.entry(*label).or_default().push(sample));
    let units = states.ncols();
    let mut clouds = Vec::with_capacity(members.len());
    for (label, samples) in members {
        let mut points = states.select(Axis(0), &samples);
        let centre = points.mean_axis(Axis(0)).expect("a label has samples");
        points -= &centre;
        clouds.push((label, points, centre));
    }
    let mut mean = Array1::<f64>::zeros(units);
    clouds.iter().for_each(|(_, _, centre)| mean += &(centre / clouds.len() as f64));
    let mut manifolds = Vec::with_capacity(clouds.len());
    for (label, points, centre) in &clouds {
        let centre_norm = norm((centre - &mean).view());
        let anchored = (centre_norm > rounding.length(units)).then(|| {
            let mut stream = Stream::new(seed, DIRECTIONS, u64::from(*label));
            let drawn = Array2::from_shape_simple_fn((directions, units + 1), || stream.normal());
            let least = rounding.singular_value(points.nrows(), units) / centre_norm;
            anchor_points((points / centre_norm).view(), drawn.view(), least)
        });
        let samples = points.nrows();
        manifolds.push(ManifoldGeometry {
            label: *label,
            samples,
            centre_norm,
            anchored: anchored.transpose()?,
        });
    }
    Ok(Capacity::of(manifolds))
}

impl Capacity {
    /// The capacity of a set of manifolds.
    pub fn of(manifolds: Vec<ManifoldGeometry>) -> Self {
        let count = manifolds.len() as f64;
        let of_all = |of: fn(&Anchored) -> Option<f64>| -> Option<Vec<f64>> {
            let one = |manifold: &ManifoldGeometry| manifold.anchored.as_ref().and_then(of);
            manifolds.iter().map(one).collect::<Option<Vec<_>>>().filter(|all| !all.is_empty())
        };
        let capacity =
            of_all(|one| one.capacity.map(f64::recip)).map(|inverse| count / inverse.iter().sum::<f64>());
        let errors = of_all(|one| Some(one.capacity_error? / one.capacity?.powi(2)));
        let capacity_error = capacity.zip(errors).map(|(capacity, errors)| {
            let squares: f64 = errors.iter().map(|error| error * error).sum();
            squares.sqrt() / count * capacity * capacity
        });
        Self { manifolds, capacity, capacity_error }
    }

    /// The columns of the analysis [`ManifoldCapacity`] from `manifold` on.
    ///
    /// # Errors
    /// [`Error::Table`].
    pub fn table(&self) -> Result<Table> {
        let mut columns = CapacityColumns::default();
        columns.extend(self);
        Ok(Table::from_columns(columns.named())?)
    }
}

/// Singular values below this share of the largest do not count for the span.
const SPAN: f64 = 1e-10;

/// The anchor points of a manifold and what follows from them.
///
/// # Shapes
/// `points`: (samples, units), relative to their centre and in units of the centre's distance;
/// `directions`: (directions, units + 1), with `t_0` last. Singular values of the points up to `least` are
/// rounding.
///
/// # Errors
/// [`Error::Shape`]; [`Error::Numerics`] for points that are NaN or infinite.
pub fn anchor_points(points: ArrayView2<f64>, directions: ArrayView2<f64>, least: f64) -> Result<Anchored> {
    let (samples, units) = points.dim();
    if directions.ncols() != units + 1 || samples == 0 {
        let expected = format!("(directions, units + 1) = (any, {}), and a point", units + 1);
        return Err(Error::Shape { what: "directions", expected, found: directions.shape().to_vec() });
    }
    // Only the part of a direction in the span of the points matters, so all is done in a basis of it.
    let found = svd(points)?;
    let largest = found.singular_values.first().copied().unwrap_or_default();
    let span = found.singular_values.iter().filter(|value| **value > (SPAN * largest).max(least)).count();
    let basis = found.right_transposed.slice(s![..span, ..]);
    let mut reduced = Array2::ones((samples, span + 1));
    reduced.slice_mut(s![.., ..span]).assign(&product(points, basis.t()));
    let mut targets = Array2::zeros((directions.nrows(), span + 1));
    let within = product(directions.slice(s![.., ..units]), basis.t());
    targets.slice_mut(s![.., ..span]).assign(&within);
    targets.column_mut(span).assign(&directions.column(units));

    let count = directions.nrows();
    let mut anchors = Array2::zeros((count, span)); // in the basis
    let (mut f, mut unconverged) = (Vec::with_capacity(count), 0);
    for (target, mut anchor) in targets.outer_iter().zip(anchors.outer_iter_mut()) {
        let solved = non_negative_least_squares(reduced.view(), target);
        unconverged += usize::from(!solved.converged);
        let sum = solved.coefficients.sum();
        if sum > 0.0 {
            f.push(solved.point.dot(&solved.point));
            anchor.assign(&(&solved.point.slice(s![..span]) / sum));
        } else {
            f.push(0.0);
            let products = reduced.dot(&target);
            let best = products.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            anchor.assign(&reduced.slice(s![best.map_or(0, |best| best.0), ..span]));
        }
    }
    Ok(Anchored::of(f, anchors.view(), within.view(), basis, unconverged))
}

impl Anchored {
    fn of(
        f: Vec<f64>,
        anchors: ArrayView2<f64>,
        within: ArrayView2<f64>,
        basis: ArrayView2<f64>,
        unconverged: usize,
    ) -> Self {
        let (count, span) = anchors.dim();
        let n = count as f64;
        let mean_f = f.iter().sum::<f64>() / n;
        let capacity = (mean_f > 0.0).then(|| mean_f.recip());
        let deviation = f.iter().map(|one| (one - mean_f).powi(2)).sum::<f64>() / (n - 1.0);
        let error = |capacity: f64| (deviation / n).sqrt() * capacity * capacity;
        let (mut square, mut along, mut cosine, mut around) = (0.0, 0.0, 0.0, 0.0);
        let mean = anchors.mean_axis(Axis(0)).unwrap_or_default();
        for (anchor, within) in anchors.outer_iter().zip(within.outer_iter()) {
            let (length, reach) = (norm(anchor), norm(within));
            square += length * length / n;
            around += (&anchor - &mean).mapv(|entry| entry * entry).sum() / n;
            if length > 0.0 {
                let product = within.dot(&anchor) / length;
                along += product / n;
                cosine += if reach > 0.0 { product / reach / n } else { 0.0 };
            }
        }
        Self {
            anchors: product(anchors, basis),
            capacity_error: capacity.filter(|_| count > 1).map(error),
            capacity,
            radius: square.sqrt(),
            dimension: along * along,
            radius_centred: around.sqrt(),
            dimension_cosine: span as f64 * cosine * cosine,
            span,
            unconverged,
            f,
        }
    }
}

fn norm(vector: ArrayView1<f64>) -> f64 {
    vector.fold(0.0, |norm, entry| libm::hypot(norm, *entry))
}

/// The columns of the result.
#[derive(Debug, Default)]
struct CapacityColumns {
    manifold: Vec<Option<i64>>,
    samples: Vec<i64>,
    numbers: [Vec<Option<f64>>; NUMBERS.len()],
    unconverged: Vec<i64>,
}

/// The columns with one number.
const NUMBERS: [&str; 8] = [
    "capacity",
    "capacity_error",
    "radius",
    "dimension",
    "radius_centred",
    "dimension_cosine",
    "span",
    "centre_norm",
];

impl CapacityColumns {
    /// Adds the rows of a cloud, and returns their number.
    fn extend(&mut self, found: &Capacity) -> usize {
        let count = found.manifolds.len() as f64;
        let mut means = [const { Some(0.0) }; NUMBERS.len()];
        let (mut samples, mut unconverged) = (0, 0);
        for manifold in &found.manifolds {
            let known = manifold.anchored.as_ref();
            let numbers = [
                known.and_then(|known| known.capacity),
                known.and_then(|known| known.capacity_error),
                known.map(|known| known.radius),
                known.map(|known| known.dimension),
                known.map(|known| known.radius_centred),
                known.map(|known| known.dimension_cosine),
                known.map(|known| known.span as f64),
                Some(manifold.centre_norm),
            ];
            for (mean, number) in means.iter_mut().zip(numbers) {
                *mean = mean.zip(number).map(|(mean, number)| mean + number / count);
            }
            let of_manifold = known.map_or(0, |known| known.unconverged);
            (samples, unconverged) = (samples + manifold.samples, unconverged + of_manifold);
            self.push(Some(i64::from(manifold.label)), manifold.samples, numbers, of_manifold);
        }
        [means[0], means[1]] = [found.capacity, found.capacity_error];
        self.push(None, samples, means, unconverged);
        found.manifolds.len() + 1
    }

    fn push(
        &mut self,
        manifold: Option<i64>,
        samples: usize,
        numbers: [Option<f64>; NUMBERS.len()],
        unconverged: usize,
    ) {
        self.manifold.push(manifold);
        self.samples.push(samples as i64);
        self.numbers.iter_mut().zip(numbers).for_each(|(column, number)| column.push(number));
        self.unconverged.push(unconverged as i64);
    }

    fn named(self) -> impl Iterator<Item = (String, Values)> {
        let before = [("manifold", Values::from(self.manifold)), ("samples", Values::from(self.samples))];
        let numbers = NUMBERS.into_iter().zip(self.numbers.into_iter().map(Values::from));
        let after = [("unconverged", Values::from(self.unconverged))];
        let all = before.into_iter().chain(numbers).chain(after);
        all.map(|(name, values)| (name.to_owned(), values))
    }
}
