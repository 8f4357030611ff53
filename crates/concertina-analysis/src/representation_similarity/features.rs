//! What all comparisons of a set of states have in common, computed once for each set.

use ndarray::{Array2, ArrayView2};

use super::SimilarityMeasure;
use super::procrustes::{angle, normalised};
use super::rdm::{Compared, Distances, RdmDistance, RdmSimilarity};
use crate::Result;
use crate::cka::{Kernel, centred};
use crate::numbers::Precision;

/// The least number of samples for which the debiased alignment is defined.
const LEAST_FOR_DEBIASED: usize = 4;

/// A set of states, prepared for each of the measures. `None` where the measure was not requested, or is
/// undefined.
#[derive(Debug)]
pub(super) struct Features {
    samples: usize,
    kernel: Option<Kernel>,
    shape: Option<Array2<f64>>,
    distances: Option<Compared>,
}

impl Features {
    /// The features of finite states, (samples, units).
    pub(super) fn of<T: Precision>(
        states: ArrayView2<T>,
        measure: SimilarityMeasure,
        distance: RdmDistance,
    ) -> Self {
        let cloud = centred(states);
        let wanted = |one| cloud.clone().filter(|_| measure.has(one));
        let kernel = wanted(SimilarityMeasure::Cka).map(Kernel::of);
        let shape = wanted(SimilarityMeasure::Procrustes).map(normalised);
        let distances = wanted(SimilarityMeasure::Rdm)
            .and_then(|_| Distances::of(states, distance))
            .and_then(Compared::of);
        Self { samples: states.nrows(), kernel, shape, distances }
    }

    /// The measures that both sets have.
    pub(super) fn similarity(&self, other: &Self) -> Result<Similarity> {
        let kernels = self.kernel.as_ref().zip(other.kernel.as_ref());
        let shapes = self.shape.as_ref().zip(other.shape.as_ref());
        let distances = self.distances.as_ref().zip(other.distances.as_ref());
        Ok(Similarity {
            cka: kernels.map(|(x, y)| x.alignment(y)),
            cka_debiased: kernels
                .filter(|_| self.samples >= LEAST_FOR_DEBIASED)
                .and_then(|(x, y)| x.alignment_debiased(y)),
            procrustes: shapes.map(|(x, y)| angle(x, y)).transpose()?,
            rdm: distances.map(|(x, y)| x.similarity(y)),
        })
    }
}

/// The similarity of two sets of states, by every measure that was requested and is defined.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Similarity {
    cka: Option<f64>,
    cka_debiased: Option<f64>,
    procrustes: Option<f64>,
    rdm: Option<RdmSimilarity>,
}

impl Similarity {
    /// The value for a column of the table.
    pub(super) fn column(&self, name: &str) -> Option<f64> {
        match name {
            "cka" => self.cka,
            "cka_debiased" => self.cka_debiased,
            "procrustes" => self.procrustes,
            "rdm_pearson" => self.rdm.map(|rdm| rdm.pearson),
            _ => self.rdm.map(|rdm| rdm.spearman),
        }
    }
}
