//! `clusters`: delayed classification of Gaussian clusters (`docs/reference/model.md#task`).

use concertina_numerics::kernels::dispatch;
use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array2, ArrayView1};

use super::draws::conditions;
use super::{Ask, Draws, Inputs, Mask, Target, Targets, Task, TaskShape, Trials};
use crate::error::{Error, Result};
use crate::params::{TaskParams, ValidParams};

const CENTRES: Purpose = Purpose::new("centres");
const SAMPLES: [Purpose; 3] =
    [Purpose::new("training"), Purpose::new("validation"), Purpose::new("analysis")];

/// Centres lie in `[-HALF_SIDE, HALF_SIDE]^d`, as in the paper.
const HALF_SIDE: f64 = 2.0;
/// How often one centre is redrawn before the clusters are considered not to fit. Arbitrary.
const REDRAWS: usize = 10_000;

/// The clusters of one realisation.
#[derive(Clone, Debug)]
pub struct Clusters {
    centres: Array2<f64>,
    classes: usize,
    cluster_std: f64,
    draws: Draws,
    hold: usize,
    evaluate: usize,
    shape: TaskShape,
}

impl Clusters {
    /// Places the clusters of the realisation `seed`.
    ///
    /// Centres are drawn one after the other, uniformly in `[-2, 2]^d`. Each is redrawn until it is at least
    /// [`minimal_separation`] away from all previous ones.
    ///
    /// # Errors
    /// [`Error::ClustersDoNotFit`] if a centre was redrawn 10,000 times without success; [`Error::TooLarge`].
    pub fn new(params: &ValidParams) -> Result<Self> {
        let task = &params.task;
        let separation = minimal_separation(task.input_dim, task.cluster_std);
        let mut stream = Stream::new(params.seed, CENTRES, 0);
        let mut centres = Array2::zeros((task.clusters, task.input_dim));
        for cluster in 0..task.clusters {
            let mut redraws = 0;
            loop {
                for coordinate in centres.row_mut(cluster) {
                    *coordinate = HALF_SIDE * (2.0 * stream.uniform() - 1.0);
                }
                let apart = |other: usize| distance(centres.row(cluster), centres.row(other)) >= separation;
                if (0..cluster).all(apart) {
                    break;
                }
                redraws += 1;
                if redraws == REDRAWS {
                    return Err(Error::ClustersDoNotFit {
                        clusters: task.clusters,
                        input_dim: task.input_dim,
                        separation,
                        cluster,
                        redraws,
                        cluster_std: task.cluster_std,
                    });
                }
            }
        }
        Ok(Clusters {
            centres,
            classes: task.classes,
            cluster_std: task.cluster_std,
            draws: Draws::new(params, SAMPLES),
            hold: task.hold,
            evaluate: task.evaluate,
            shape: *params.shape(),
        })
    }

    /// The sizes of its trials.
    pub(super) fn shape(task: &TaskParams) -> TaskShape {
        TaskShape {
            inputs: task.input_dim,
            target: Target::Classes(task.classes),
            timesteps: task.delay + task.hold - 1,
            conditions: task.clusters,
        }
    }

    /// The centres, (clusters, input_dim).
    pub fn centres(&self) -> &Array2<f64> {
        &self.centres
    }

    /// The class of a cluster: its number modulo the number of classes.
    pub fn class_of(&self, cluster: u32) -> u32 {
        cluster % self.classes as u32
    }

    /// One stimulus around each of these clusters' centres.
    fn around(&self, clusters: Vec<u32>, stream: &mut Stream) -> Trials {
        let dimension = self.centres.ncols();
        let mut values = vec![0.0_f32; clusters.len() * dimension];
        stream.fill_normal(&mut values);
        for (sample, cluster) in values.chunks_exact_mut(dimension).zip(&clusters) {
            let centre = self.centres.row(*cluster as usize);
            let centre = centre.as_slice().expect("the array is row-major");
            dispatch(
                #[inline(always)]
                || {
                    for (value, centre) in sample.iter_mut().zip(centre) {
                        *value = (centre + self.cluster_std * f64::from(*value)) as f32;
                    }
                },
            );
        }
        let stimuli = Array2::from_shape_vec((clusters.len(), dimension), values)
            .expect("there are clusters × dimension values");
        let labels = clusters.iter().map(|cluster| self.class_of(*cluster)).collect();
        Trials {
            inputs: Inputs::Held { stimuli, hold: self.hold },
            targets: Targets::Class(labels),
            mask: Mask::Last(self.evaluate),
            conditions: clusters,
        }
    }
}

impl Task for Clusters {
    fn shape(&self) -> TaskShape {
        self.shape
    }

    fn trials(&self, ask: Ask) -> Trials {
        let (mut stream, count) = self.draws.stream(ask);
        let chosen = conditions(&mut stream, ask, count, self.centres.nrows());
        self.around(chosen, &mut stream)
    }
}

/// The least distance between centres: `σ (0.59943537 (d-1)^0.57832581 + 4.891638480163717)`, the published
/// code's fit to the distance at which clusters of standard deviation σ in d dimensions hardly overlap.
pub fn minimal_separation(input_dim: usize, cluster_std: f64) -> f64 {
    let dimensions_beyond_one = input_dim.saturating_sub(1) as f64;
    cluster_std * (0.59943537 * libm::pow(dimensions_beyond_one, 0.57832581) + 4.891638480163717)
}

fn distance(a: ArrayView1<f64>, b: ArrayView1<f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}
