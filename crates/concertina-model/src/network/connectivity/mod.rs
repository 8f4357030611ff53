//! Connectivity: how the recurrent weights `W` follow from the arrays that are trained
//! (`docs/reference/model.md#connectivity`). Each kind has its own file.
//!
//! The arrays that `W` is made of are its *parts*. Optimizers, checkpoints and the state from which a run
//! resumes have the parts; analyses, figures and exports have `W`.

mod dale;
mod full;
mod low_rank;
mod mask;
mod products;
mod sparse;

use std::fmt::Debug;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use dale::Dale;
use full::Full;
use low_rank::LowRank;
use mask::Mask;
pub(crate) use products::{Collected, Products, Square};
use sparse::Sparse;

use super::Weights;
use super::drawing::Drawing;
use super::packed::Packed;
use super::weights::Layout;
use crate::error::Result;
use crate::params::ValidParams;

/// How the recurrent weights of a network follow from the arrays that are trained.
#[derive(Clone, Debug)]
pub struct Connectivity(Arc<dyn Wiring>);

/// An array that the recurrent weights are made of. It has one row per unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its name in files.
    pub name: String,
    /// Number of its columns.
    pub columns: usize,
    /// Whether it is trained if recurrent weights are.
    pub trained: bool,
}

impl Connectivity {
    /// The connectivity that the parameters describe. This is the only place that lists all kinds.
    pub fn of(params: &ValidParams) -> Self {
        let (network, currents) = (&params.network, Layout::of(params).currents);
        let units = network.units;
        match (network.rank, params.excitatory_units(), Mask::of(params)) {
            (Some(rank), ..) => Self::low_rank(units, currents, rank, network.random_part),
            (_, Some(excitatory), mask) => {
                Self(Arc::new(Dale::new(units, excitatory, network.excitatory_readout, mask)))
            }
            (_, _, Some(mask)) => Self(Arc::new(Sparse { mask })),
            _ => Self::unrestricted(params),
        }
    }

    /// `W = W_0 + M Lᵀ / N` with `rank` columns of `M` and `L` for each current. The parts are `M`, `L` and,
    /// with a random part, `W_0`, which is not trained.
    pub fn low_rank(units: usize, currents: usize, rank: usize, random_part: bool) -> Self {
        Self(Arc::new(LowRank { units, currents, rank, random_part }))
    }

    /// Dale's law: `W_ij = D_i |V_ij|` without connections of a unit to itself. The first `excitatory` units
    /// are excitatory; the readout may be from these only. The part is `V`.
    pub fn dale(units: usize, excitatory: usize, excitatory_readout: bool) -> Self {
        Self(Arc::new(Dale::new(units, excitatory, excitatory_readout, None)))
    }

    /// Only these entries of the recurrent weights are trained. The part is `W`.
    pub fn sparse(mask: Array2<bool>) -> Self {
        Self(Arc::new(Sparse { mask: Mask::Given(mask) }))
    }

    /// Without restrictions, whatever the parameters say: the parts are the recurrent matrices.
    pub(super) fn unrestricted(params: &ValidParams) -> Self {
        Self(Arc::new(Full::of(params)))
    }

    /// Without restrictions: the parts are the recurrent matrices of these weights.
    pub fn full(weights: &Weights) -> Self {
        Self(Arc::new(Full::like(weights)))
    }

    /// The parts, in order.
    pub fn parts(&self) -> Vec<Part> {
        self.0.parts()
    }

    /// The recurrent weights with these parts: one matrix, or in a feedforward network one for each layer
    /// after the first. Sums are taken in a fixed order, so every machine computes the same bits.
    ///
    /// # Shapes
    /// `parts`: (units, columns of the part) → (units, currents × units).
    pub fn weights(&self, parts: &[Array2<f64>]) -> Vec<Array2<f64>> {
        self.0.weights(parts)
    }

    /// The derivatives by the parts, given those by the recurrent weights. They are zero for parts and
    /// entries that are not trained.
    ///
    /// # Shapes
    /// `parts`: as in [`weights`](Self::weights); `by_weights`: (units, currents × units) → as `parts`.
    pub fn pull_back(&self, parts: &[Array2<f64>], by_weights: &[Array2<f64>]) -> Vec<Array2<f64>> {
        self.0.pull_back(parts, by_weights)
    }

    /// Which entries of the array of this name are trained, if some of them are not. A single column stands
    /// for all.
    pub fn trained_entries(&self, name: &str) -> Option<Array2<bool>> {
        self.0.trained_entries(name)
    }

    /// Whether the recurrent weights are the parts themselves.
    pub fn is_plain(&self) -> bool {
        self.0.is_plain()
    }

    /// The rank of each block of `M Lᵀ`, where the first two parts are these factors.
    pub fn rank(&self) -> Option<usize> {
        self.0.rank()
    }

    /// Draws the parts before training.
    pub(super) fn draw(
        &self,
        drawing: &Drawing<'_>,
        numbers: &Array2<f64>,
        rule: &Rule<'_>,
    ) -> Result<Vec<Array2<f64>>> {
        self.0.draw(drawing, numbers, rule)
    }

    /// The products with the recurrent weights, for the forward pass or for both passes.
    pub(super) fn products(&self, weights: &Packed, backward: bool) -> Box<dyn Products> {
        self.0.products(weights, backward)
    }

    /// The recurrent matrices of the fast path; `None` if they are never computed.
    pub(crate) fn square(&self) -> Option<Square> {
        self.0.square()
    }

    /// Whether the recurrent weights are certainly within the range of single precision if their parts are.
    pub(crate) fn is_in_range(&self, weights: &Packed) -> bool {
        self.0.is_in_range(weights)
    }

    /// As [`pull_back`](Self::pull_back), in place, where the products leave derivatives by the recurrent
    /// weights in the place of those by the parts.
    pub(crate) fn finish_gradient(&self, weights: &Packed, gradient: &mut Packed) {
        self.0.finish_gradient(weights, gradient);
    }
}

/// How a network without restrictions makes its recurrent weights of random numbers.
/// (units, currents × units), as the numbers.
pub(super) type Rule<'a> = dyn Fn(ArrayView2<'_, f64>) -> Result<Array2<f64>> + 'a;

/// A kind of connectivity. The methods are those of [`Connectivity`].
pub(super) trait Wiring: Debug + Send + Sync {
    fn parts(&self) -> Vec<Part>;

    fn weights(&self, parts: &[Array2<f64>]) -> Vec<Array2<f64>> {
        parts.to_vec()
    }

    fn pull_back(&self, parts: &[Array2<f64>], by_weights: &[Array2<f64>]) -> Vec<Array2<f64>>;

    fn trained_entries(&self, _name: &str) -> Option<Array2<bool>> {
        None
    }

    fn is_plain(&self) -> bool {
        true
    }

    fn rank(&self) -> Option<usize> {
        None
    }

    fn draw(&self, drawing: &Drawing<'_>, numbers: &Array2<f64>, rule: &Rule<'_>)
    -> Result<Vec<Array2<f64>>>;

    fn products(&self, weights: &Packed, backward: bool) -> Box<dyn Products> {
        let square = self.square().expect("a kind without matrices has its own products");
        Box::new(square.with_room(weights, backward))
    }

    fn square(&self) -> Option<Square> {
        Some(Square::plain())
    }

    fn finish_gradient(&self, _weights: &Packed, _gradient: &mut Packed) {}

    fn is_in_range(&self, _weights: &Packed) -> bool {
        true
    }
}
