//! Sparse recurrent weights: a connection exists or does not, before training and after it.

use ndarray::{Array2, Zip};

use super::super::drawing::Drawing;
use super::mask::Mask;
use super::{Part, Rule, Wiring};
use crate::error::Result;
use crate::network::Weights;

/// The only part is `W`. Entries outside the mask keep their value: they are no parameters.
#[derive(Clone, Debug)]
pub(super) struct Sparse {
    pub(super) mask: Mask,
}

impl Wiring for Sparse {
    fn parts(&self) -> Vec<Part> {
        vec![Part { name: Weights::RECURRENT.to_owned(), columns: self.mask.columns(), trained: true }]
    }

    fn pull_back(&self, _parts: &[Array2<f64>], by_weights: &[Array2<f64>]) -> Vec<Array2<f64>> {
        let mask = self.mask.entries();
        by_weights.iter().map(|by_weights| masked(by_weights, &mask)).collect()
    }

    fn trained_entries(&self, name: &str) -> Option<Array2<bool>> {
        (name == Weights::RECURRENT).then(|| self.mask.entries())
    }

    /// The mask acts before the weights are scaled to their spectral radius.
    fn draw(
        &self,
        _drawing: &Drawing<'_>,
        numbers: &Array2<f64>,
        rule: &Rule<'_>,
    ) -> Result<Vec<Array2<f64>>> {
        Ok(vec![rule(masked(numbers, &self.mask.entries()).view())?])
    }
}

/// Zero outside the mask.
fn masked(numbers: &Array2<f64>, mask: &Array2<bool>) -> Array2<f64> {
    Zip::from(numbers).and(mask).map_collect(|number, exists| if *exists { *number } else { 0.0 })
}
