//! The states of a network as a cloud in three dimensions, at each timestep, aligned from checkpoint to
//! checkpoint.

use concertina::analyses::effective_dimension;
use concertina::model::network::Network;
use concertina::model::params::ValidParams;
use concertina::model::task::{self, Ask, Inputs, Trials};
use concertina_numerics::linalg::{orthogonal_factor, svd, symmetric_eigen};
use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate, s};

use crate::answer::Result;

/// The number of components that are drawn.
const AXES: usize = 3;
/// Directions that are followed from picture to picture, and steps of the iteration in each: the components
/// that are drawn, and as many that may take their places. Arbitrary.
const FOLLOWED: usize = 8;
const STEPS: usize = 2;

/// Along which principal components states are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Basis {
    /// Those of each timestep by itself, as in the paper's snapshots.
    EachTimestep,
    /// Those of all timesteps of the trial together, in which trials are trajectories.
    WholeTrial,
}

/// The clouds of one checkpoint, one for each timestep.
#[derive(Debug)]
pub(crate) struct Clouds {
    /// The states along the components, (trials, 3) for each timestep.
    pub(crate) points: Vec<Array2<f32>>,
    /// The effective dimension of all units' states at each timestep.
    pub(crate) dimension: Vec<Option<f64>>,
    /// The share of the variance along the three components, for each timestep.
    pub(crate) explained: Vec<f64>,
    /// The directions of the readout weights along the components, (outputs, 3) for each timestep; empty at
    /// the input.
    pub(crate) readout: Vec<Array2<f32>>,
    /// How states become points: as columns the three axes, and below them what is added, (units + 1, 3) for
    /// each timestep; empty at the input.
    pub(crate) views: Vec<Array2<f32>>,
    /// The share of trials that the last output classifies correctly; for real targets none.
    pub(crate) accuracy: Option<f64>,
    /// The loss on the same trials.
    pub(crate) loss: f64,
}

/// Makes clouds of one run at successive checkpoints.
///
/// The principal components of two checkpoints differ in sign, order and rotation, so each cloud is turned or
/// reflected onto the one before by orthogonal Procrustes analysis (Schönemann, Psychometrika 31, 1966): it
/// moves and does not jump. The first checkpoint is aligned in the same way from timestep to timestep.
#[derive(Debug)]
pub(crate) struct CloudMaker {
    trials: Trials,
    labels: Option<Vec<u32>>,
    timesteps: usize,
    basis: Basis,
    /// The clouds of the checkpoint before.
    before: Vec<Array2<f64>>,
    /// Whether components are followed from one checkpoint to the next, which is much faster than computing
    /// them from scratch and, between neighbours, as good for the eye.
    follows: bool,
    /// The directions that are followed, (units, 8) for each timestep.
    leading: Vec<Array2<f32>>,
}

impl CloudMaker {
    /// Clouds of `samples` trials, those that analyses with this number of samples show.
    pub(crate) fn new(params: &ValidParams, samples: usize, basis: Basis) -> Result<Self> {
        let trials = task::of(params)?.trials(Ask::Analysis { count: samples });
        let labels = trials.labels().map(std::borrow::Cow::into_owned);
        let (before, leading) = (Vec::new(), Vec::new());
        Ok(Self { trials, labels, timesteps: params.trial_steps(), basis, before, follows: false, leading })
    }

    /// The same for a network in training, of which each checkpoint is close to the one before.
    pub(crate) fn following(mut self) -> Self {
        self.follows = self.basis == Basis::EachTimestep;
        self
    }

    /// The class of each trial, if targets are classes.
    pub(crate) fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// The condition of each trial, such as its cluster.
    pub(crate) fn conditions(&self) -> &[u32] {
        &self.trials.conditions
    }

    /// The number of trials.
    pub(crate) fn samples(&self) -> usize {
        self.trials.len()
    }

    /// The timesteps of the clouds: -1 is the input, where one stimulus is held.
    pub(crate) fn timesteps(&self) -> Vec<i64> {
        let first = if self.input().is_some() { -1 } else { 0 };
        (first..self.timesteps as i64).collect()
    }

    /// The held stimuli, if they are drawn.
    fn input(&self) -> Option<ArrayView2<'_, f32>> {
        match &self.trials.inputs {
            Inputs::Held { stimuli, .. } if self.basis == Basis::EachTimestep => Some(stimuli.view()),
            _ => None,
        }
    }

    /// The clouds of the next checkpoint.
    pub(crate) fn make(&mut self, network: &Network) -> Result<Clouds> {
        let states = network.states(&self.trials.inputs, self.timesteps)?; // (trials, timesteps, units)
        let evaluation = network.evaluate(&self.trials)?;
        let mut leading = std::mem::take(&mut self.leading);
        let mut all: Vec<ArrayView2<f32>> = self.input().into_iter().collect();
        let without_readout = all.len();
        all.extend(states.axis_iter(Axis(1)));
        let dimension = all.iter().map(|states| effective_dimension(*states)).collect::<Result<_, _>>()?;
        let fitted = match self.basis {
            Basis::EachTimestep if self.follows => follow(&mut leading, &all)?,
            Basis::EachTimestep => {
                all.iter().map(|states| Components::of(*states)).collect::<Result<Vec<_>>>()?
            }
            Basis::WholeTrial => {
                let stacked = concatenate(Axis(0), &all).map_err(|error| {
                    crate::answer::Refusal::wrong(format!(
                        "the states of the timesteps do not fit together: {error}"
                    ))
                })?;
                vec![Components::of(stacked.view())?; all.len()]
            }
        };
        let readout = network.weights().readout.mapv(f64::from); // (units, outputs)
        let mut clouds = Clouds {
            points: Vec::with_capacity(all.len()),
            dimension,
            explained: fitted.iter().map(|components| components.explained).collect(),
            readout: Vec::with_capacity(all.len()),
            views: Vec::with_capacity(all.len()),
            accuracy: evaluation.accuracy,
            loss: evaluation.loss,
        };
        let scores: Vec<Array2<f64>> =
            all.iter().zip(&fitted).map(|(states, components)| components.project(*states)).collect();
        let rotations = self.rotations(&scores)?;
        let mut aligned = Vec::with_capacity(all.len());
        for (place, (scores, rotation)) in scores.iter().zip(&rotations).enumerate() {
            let cloud = scores.dot(rotation);
            clouds.points.push(cloud.mapv(|score| score as f32));
            let (directions, view) = match place < without_readout {
                true => (Array2::zeros((0, AXES)), Array2::zeros((0, AXES))),
                false => {
                    let Components { mean, axes, .. } = &fitted[place];
                    let axes = axes.dot(rotation);
                    let middle = -mean.dot(&axes).insert_axis(Axis(0));
                    let mut view = axes.clone();
                    view.append(Axis(0), middle.view()).map_err(|error| {
                        crate::answer::Refusal::wrong(format!("components do not fit together: {error}"))
                    })?;
                    (readout.t().dot(&axes), view)
                }
            };
            clouds.readout.push(directions.mapv(|entry| entry as f32));
            clouds.views.push(view.mapv(|entry| entry as f32));
            aligned.push(cloud);
        }
        (self.before, self.leading) = (aligned, leading);
        Ok(clouds)
    }

    /// The rotation or reflection of each cloud onto the one before.
    fn rotations(&self, scores: &[Array2<f64>]) -> Result<Vec<Array2<f64>>> {
        match self.basis {
            Basis::EachTimestep => {
                let mut rotations = Vec::with_capacity(scores.len());
                let mut neighbour: Option<Array2<f64>> = None;
                for (place, cloud) in scores.iter().enumerate() {
                    let rotation = match self.before.get(place).or(neighbour.as_ref()) {
                        Some(before) => procrustes(cloud.view(), before.view())?,
                        None => Array2::eye(AXES),
                    };
                    neighbour = Some(cloud.dot(&rotation));
                    rotations.push(rotation);
                }
                Ok(rotations)
            }
            Basis::WholeTrial if self.before.is_empty() => Ok(vec![Array2::eye(AXES); scores.len()]),
            Basis::WholeTrial => {
                let views = |all: &[Array2<f64>]| {
                    let mut product = Array2::<f64>::zeros((AXES, AXES));
                    for (cloud, before) in all.iter().zip(&self.before) {
                        product += &cloud.t().dot(before);
                    }
                    product
                };
                Ok(vec![nearest_orthogonal(views(scores).view())?; scores.len()])
            }
        }
    }
}

/// The orthogonal matrix Q for which `cloud Q` is nearest to `before` in the sum of squares.
fn procrustes(cloud: ArrayView2<f64>, before: ArrayView2<f64>) -> Result<Array2<f64>> {
    nearest_orthogonal(cloud.t().dot(&before).view())
}

/// The orthogonal factor of a matrix.
fn nearest_orthogonal(matrix: ArrayView2<f64>) -> Result<Array2<f64>> {
    let svd = svd(matrix)?;
    Ok(svd.left.dot(&svd.right_transposed))
}

/// The mean of a cloud and its first three principal components.
#[derive(Debug, Clone)]
struct Components {
    mean: Array1<f64>,
    /// As columns, (units, 3); zero where a component does not exist.
    axes: Array2<f64>,
    explained: f64,
}

impl Components {
    /// From the covariance of the units, or of the samples if those are fewer.
    fn of(states: ArrayView2<f32>) -> Result<Self> {
        let (samples, units) = states.dim();
        let states = states.mapv(f64::from);
        let mean = states.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(units));
        let centred = &states - &mean;
        let few = samples < units;
        let product = if few { centred.dot(&centred.t()) } else { centred.t().dot(&centred) };
        let (values, vectors) = symmetric_eigen(product.view())?;
        let whole: f64 = values.iter().map(|value| value.max(0.0)).sum();
        let count = AXES.min(values.len());
        let mut axes = Array2::zeros((units, AXES));
        let mut explained = 0.0;
        for place in 0..count {
            // below this, a variance is rounding
            if values[place] <= whole * 1e-12 {
                break;
            }
            explained += values[place] / whole;
            let vector = vectors.column(place);
            let axis = if few { centred.t().dot(&vector) / values[place].sqrt() } else { vector.to_owned() };
            axes.slice_mut(s![.., place]).assign(&turned(axis));
        }
        Ok(Self { mean, axes, explained })
    }

    /// From directions that are near the components, (units, n), which are brought nearer: orthogonal
    /// iteration, with the axes of the variance within the directions at the end (Rayleigh and Ritz; Golub
    /// and Van Loan, Matrix Computations, section 8.2.4).
    fn near(states: ArrayView2<f32>, directions: &mut Array2<f32>) -> Result<Self> {
        let units = states.ncols();
        let mean = states.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(units));
        let centred = &states - &mean;
        let whole: f64 = centred.iter().map(|entry| f64::from(entry * entry)).sum();
        let mut scores = centred.dot(directions);
        for _ in 0..STEPS {
            let next = orthogonal_factor(centred.t().dot(&scores).mapv(f64::from).view())?;
            *directions = next.mapv(|entry| entry as f32);
            scores = centred.dot(directions);
        }
        let within = scores.t().dot(&scores).mapv(f64::from);
        let (values, vectors) = symmetric_eigen(within.view())?;
        *directions = directions.dot(&vectors.mapv(|entry| entry as f32));
        let mut axes = Array2::zeros((units, AXES));
        let mut explained = 0.0;
        for place in 0..AXES.min(values.len()) {
            // below this, a variance is rounding of states in single precision
            if values[place] <= whole * 1e-9 {
                break;
            }
            explained += values[place] / whole;
            axes.slice_mut(s![.., place]).assign(&turned(directions.column(place).mapv(f64::from)));
        }
        Ok(Self { mean: mean.mapv(f64::from), axes, explained: explained.min(1.0) })
    }

    /// The states minus the mean, along the components, (samples, 3).
    fn project(&self, states: ArrayView2<f32>) -> Array2<f64> {
        let centred = &states - &self.mean.mapv(|entry| entry as f32);
        centred.dot(&self.axes.mapv(|entry| entry as f32)).mapv(f64::from)
    }
}

/// An axis with its largest entry above zero.
fn turned(mut axis: Array1<f64>) -> Array1<f64> {
    let larger = |most: f64, entry: f64| if entry.abs() > most.abs() { entry } else { most };
    if axis.iter().copied().fold(0.0, larger) < 0.0 {
        axis.mapv_inplace(|entry| -entry);
    }
    axis
}

/// The components of the clouds of all timesteps, near those of the network before. `leading` has the
/// directions that are followed; without any, the components are computed from scratch.
fn follow(leading: &mut Vec<Array2<f32>>, all: &[ArrayView2<f32>]) -> Result<Vec<Components>> {
    let fresh = leading.is_empty();
    let mut fitted = Vec::with_capacity(all.len());
    for (place, states) in all.iter().enumerate() {
        let count = FOLLOWED.min(states.ncols()).min(states.nrows());
        if fresh {
            let components = Components::of(*states)?;
            let mut start = Array2::from_shape_fn((states.ncols(), count), |(unit, column)| {
                if column < AXES { components.axes[[unit, column]] as f32 } else { spread(unit, column) }
            });
            Components::near(*states, &mut start)?;
            leading.push(start);
            fitted.push(components);
        } else {
            fitted.push(Components::near(*states, &mut leading[place])?);
        }
    }
    Ok(fitted)
}

/// Entries of directions that no cloud prefers: fractional parts of multiples of the golden ratio, from -0.5
/// to 0.5.
fn spread(unit: usize, column: usize) -> f32 {
    let golden = 0.618_033_988_749_894_9;
    ((((unit + 1) * (column + 1)) as f64 * golden).fract() - 0.5) as f32
}

#[cfg(test)]
mod tests {
    use concertina::analyses::pca_snapshots;
    use concertina::model::network::Network;
    use concertina::model::params::Params;
    use concertina::model::task::{self, Ask};

    use super::*;

    fn params() -> ValidParams {
        let mut params = Params::default();
        (params.network.units, params.task.input_dim) = (30, 8);
        params.check().expect("right")
    }

    #[test]
    fn distances_in_a_cloud_are_those_of_the_principal_components() {
        let params = params();
        let network = Network::initial(&params).expect("drawn");
        let mut maker = CloudMaker::new(&params, 40, Basis::EachTimestep).expect("trials");
        let clouds = maker.make(&network).expect("clouds");
        let trials = task::of(&params).expect("a task").trials(Ask::Analysis { count: 40 });
        let states = network.states(&trials.inputs, params.trial_steps()).expect("states");
        let snapshots = pca_snapshots(states.view(), 3).expect("components");
        for (cloud, snapshot) in clouds.points[1..].iter().zip(&snapshots) {
            for (one, other) in [(0, 1), (3, 17), (20, 39)] {
                let between =
                    |all: &Array2<f64>| (&all.row(one) - &all.row(other)).mapv(|x| x * x).sum().sqrt();
                let (found, expected) = (between(&cloud.mapv(f64::from)), between(&snapshot.scores));
                assert!((found - expected).abs() < 1e-4 * expected, "{found} {expected}");
            }
        }
        assert_eq!(maker.timesteps().first(), Some(&-1));
        assert_eq!(clouds.points.len(), params.trial_steps() + 1);
        assert_eq!(clouds.readout[0].nrows(), 0, "the input has no readout");
    }

    #[test]
    fn components_that_are_followed_hold_nearly_as_much_of_the_variance_as_the_largest_three() {
        let params = params();
        let mut trainer = concertina::model::trainer::Trainer::new(&params).expect("valid");
        let maker = || CloudMaker::new(&params, 60, Basis::EachTimestep).expect("trials");
        let (mut followed, mut exact) = (maker().following(), maker());
        for epoch in 0..4 {
            let weights = trainer.trained_weights();
            let network = Network::of_trained(&params, weights).expect("fits");
            let (near, best) =
                (followed.make(&network).expect("clouds"), exact.make(&network).expect("clouds"));
            for (near, best) in near.explained.iter().zip(&best.explained) {
                assert!((0.97 * best..=best * 1.0001).contains(near), "epoch {epoch}: {near} of {best}");
            }
            for (one, other) in near.dimension.iter().zip(&best.dimension) {
                assert_eq!(one, other);
            }
            trainer.train_epoch(&Default::default(), &mut |_, _| {}).expect("trained");
        }
    }

    #[test]
    fn a_view_takes_states_to_the_points_of_the_cloud() {
        let params = params();
        let network = Network::initial(&params).expect("drawn");
        let mut maker = CloudMaker::new(&params, 40, Basis::EachTimestep).expect("trials");
        let clouds = maker.make(&network).expect("clouds");
        let trials = task::of(&params).expect("a task").trials(Ask::Analysis { count: 40 });
        let states = network.states(&trials.inputs, params.trial_steps()).expect("states");
        assert_eq!(clouds.views[0].nrows(), 0, "the input has no states");
        for (step, view) in clouds.views[1..].iter().enumerate() {
            let (axes, middle) = (view.slice(s![..-1, ..]), view.slice(s![-1, ..]));
            let points = states.index_axis(Axis(1), step).dot(&axes) + middle;
            let differs =
                (&points - &clouds.points[step + 1]).iter().any(|difference| difference.abs() > 1e-4);
            assert!(!differs, "timestep {step}");
        }
    }

    #[test]
    fn the_same_network_again_gives_the_same_cloud_whatever_its_signs() {
        let params = params();
        for basis in [Basis::EachTimestep, Basis::WholeTrial] {
            let network = Network::initial(&params).expect("drawn");
            let mut maker = CloudMaker::new(&params, 50, basis).expect("trials");
            let first = maker.make(&network).expect("clouds");
            // as if the components had come out with other signs and in another order
            for cloud in &mut maker.before {
                *cloud = cloud.dot(&ndarray::arr2(&[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]));
            }
            let turned = maker.make(&network).expect("clouds");
            for (one, other) in first.points.iter().zip(&turned.points) {
                let expected =
                    one.dot(&ndarray::arr2(&[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0_f32]]));
                assert!((&expected - other).iter().all(|difference| difference.abs() < 1e-3));
            }
        }
    }
}
