//! The states of a network as a cloud in three dimensions, at each timestep, aligned from checkpoint to
//! checkpoint.

use concertina::analyses::effective_dimension;
use concertina::model::network::Network;
use concertina::model::params::ValidParams;
use concertina::model::task::{self, Ask, Inputs, Trials};
use concertina_numerics::linalg::{svd, symmetric_eigen};
use ndarray::{Array2, ArrayView2, Axis, concatenate, s};

use crate::answer::Result;

/// The number of components that are drawn.
const AXES: usize = 3;

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
}

impl CloudMaker {
    /// Clouds of `samples` trials, those that analyses with this number of samples show.
    pub(crate) fn new(params: &ValidParams, samples: usize, basis: Basis) -> Result<Self> {
        let trials = task::of(params)?.trials(Ask::Analysis { count: samples });
        let labels = trials.labels().map(std::borrow::Cow::into_owned);
        Ok(Self { trials, labels, timesteps: params.trial_steps(), basis, before: Vec::new() })
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
        let mut all: Vec<Array2<f64>> = self.input().iter().map(|input| input.mapv(f64::from)).collect();
        let without_readout = all.len();
        let mut dimension: Vec<Option<f64>> =
            self.input().map(effective_dimension).transpose()?.into_iter().collect();
        for at in states.axis_iter(Axis(1)) {
            dimension.push(effective_dimension(at)?);
            all.push(at.mapv(f64::from));
        }
        let fitted = match self.basis {
            Basis::EachTimestep => {
                all.iter().map(|states| Components::of(states.view())).collect::<Result<Vec<_>>>()?
            }
            Basis::WholeTrial => {
                let views: Vec<_> = all.iter().map(|one| one.view()).collect();
                let stacked = concatenate(Axis(0), &views).map_err(|error| {
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
            accuracy: evaluation.accuracy,
            loss: evaluation.loss,
        };
        let scores: Vec<Array2<f64>> =
            all.iter().zip(&fitted).map(|(states, components)| components.project(states.view())).collect();
        let rotations = self.rotations(&scores)?;
        let mut aligned = Vec::with_capacity(all.len());
        for (place, (scores, rotation)) in scores.iter().zip(&rotations).enumerate() {
            let cloud = scores.dot(rotation);
            clouds.points.push(cloud.mapv(|score| score as f32));
            let directions = match place < without_readout {
                true => Array2::zeros((0, AXES)),
                false => readout.t().dot(&fitted[place].axes).dot(rotation),
            };
            clouds.readout.push(directions.mapv(|entry| entry as f32));
            aligned.push(cloud);
        }
        self.before = aligned;
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
    mean: ndarray::Array1<f64>,
    /// As columns, (units, 3); zero where a component does not exist.
    axes: Array2<f64>,
    explained: f64,
}

impl Components {
    /// From the covariance of the units, or of the samples if those are fewer.
    fn of(states: ArrayView2<f64>) -> Result<Self> {
        let (samples, units) = states.dim();
        let mean = states.mean_axis(Axis(0)).unwrap_or_else(|| ndarray::Array1::zeros(units));
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
            let mut axis =
                if few { centred.t().dot(&vector) / values[place].sqrt() } else { vector.to_owned() };
            let largest = axis
                .iter()
                .copied()
                .fold(0.0_f64, |most, entry| if entry.abs() > most.abs() { entry } else { most });
            if largest < 0.0 {
                axis.mapv_inplace(|entry| -entry);
            }
            axes.slice_mut(s![.., place]).assign(&axis);
        }
        Ok(Self { mean, axes, explained })
    }

    /// The states minus the mean, along the components, (samples, 3).
    fn project(&self, states: ArrayView2<f64>) -> Array2<f64> {
        (&states - &self.mean).dot(&self.axes)
    }
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
