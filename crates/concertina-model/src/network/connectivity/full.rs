//! Without restrictions: the recurrent weights are trained themselves.

use ndarray::Array2;

use super::super::drawing::Drawing;
use super::super::weights::Layout;
use super::{Part, Rule, Wiring};
use crate::error::Result;
use crate::network::Weights;
use crate::params::ValidParams;

/// The parts are the recurrent matrices: one, or in a feedforward network one for each layer after the first.
#[derive(Clone, Debug)]
pub(super) struct Full {
    names: Vec<String>,
    columns: usize,
}

impl Full {
    pub(super) fn of(params: &ValidParams) -> Self {
        let layout = Layout::of(params);
        Self { names: layout.recurrent_names(), columns: layout.currents * params.network.units }
    }

    pub(super) fn like(weights: &Weights) -> Self {
        Self { names: weights.recurrent_names(), columns: weights.input.ncols() }
    }
}

impl Wiring for Full {
    fn parts(&self) -> Vec<Part> {
        let part = |name: &String| Part { name: name.clone(), columns: self.columns, trained: true };
        self.names.iter().map(part).collect()
    }

    fn pull_back(&self, _parts: &[Array2<f64>], by_weights: &[Array2<f64>]) -> Vec<Array2<f64>> {
        by_weights.to_vec()
    }

    /// All layers start from the same matrix.
    fn draw(
        &self,
        _drawing: &Drawing<'_>,
        numbers: &Array2<f64>,
        rule: &Rule<'_>,
    ) -> Result<Vec<Array2<f64>>> {
        Ok(vec![rule(numbers.view())?; self.names.len()])
    }
}
