//! Dale's law: the outgoing connections of a unit are all excitatory or all inhibitory (Song et al. 2016).
//!
//! ```text
//! W_ij = D_i |V_ij|   for i ≠ j,   W_ii = 0
//! ```
//!
//! Rows are presynaptic units. `D` is 1 for the first, excitatory units, and -1 for the others.

use std::sync::{Arc, OnceLock};

use concertina_numerics::kernels::Panels;
use ndarray::{Array2, Zip};

use super::super::drawing::{Drawing, dale_magnitudes};
use super::super::packed::Packed;
use super::mask::Mask;
use super::{Part, Rule, Square, Wiring};
use crate::error::Result;
use crate::network::Weights;

/// The name of `V` in files.
const NAME: &str = "recurrent_v";

/// The only part is `V`, whose sign does not matter.
#[derive(Debug)]
pub(super) struct Dale {
    units: usize,
    /// Number of excitatory units.
    excitatory: usize,
    /// Whether only these are read out.
    excitatory_readout: bool,
    mask: Option<Mask>,
    packed: OnceLock<Arc<Panels>>,
}

impl Dale {
    pub(super) fn new(units: usize, excitatory: usize, excitatory_readout: bool, mask: Option<Mask>) -> Self {
        Self { units, excitatory, excitatory_readout, mask, packed: OnceLock::new() }
    }

    fn is_excitatory(&self, unit: usize) -> bool {
        unit < self.excitatory
    }

    /// Which entries of `V` are connections: none from a unit to itself. (units, units).
    fn connections(&self) -> Array2<bool> {
        let mut connections = match &self.mask {
            Some(mask) => mask.entries(),
            None => Array2::from_elem((self.units, self.units), true),
        };
        connections.diag_mut().fill(false);
        connections
    }

    /// The sign of each entry of `W`, or 0 where there is no connection. (units, units).
    fn signs(&self) -> Array2<f64> {
        let mut signs = self.connections().mapv(|exists| f64::from(u8::from(exists)));
        for mut row in signs.rows_mut().into_iter().skip(self.excitatory) {
            row.mapv_inplace(|sign| -sign);
        }
        signs
    }

    /// The same in the layout of the kernels.
    fn packed_signs(&self) -> &Arc<Panels> {
        let pack = || Arc::new(Panels::from_row_major(self.signs().mapv(|sign| sign as f32).view()));
        self.packed.get_or_init(pack)
    }
}

impl Wiring for Dale {
    fn parts(&self) -> Vec<Part> {
        vec![Part { name: NAME.to_owned(), columns: self.units, trained: true }]
    }

    fn weights(&self, parts: &[Array2<f64>]) -> Vec<Array2<f64>> {
        let signs = self.signs();
        parts.iter().map(|part| part.mapv(f64::abs) * &signs).collect()
    }

    /// `∂L/∂V_ij = D_i sign(V_ij) ∂L/∂W_ij`, with sign(0) = 0.
    fn pull_back(&self, parts: &[Array2<f64>], by_weights: &[Array2<f64>]) -> Vec<Array2<f64>> {
        let signs = self.signs();
        let one = |(part, by_weights): (&Array2<f64>, &Array2<f64>)| {
            let zip = Zip::from(part).and(by_weights).and(&signs);
            zip.map_collect(|part, by_weight, sign| match *part == 0.0 {
                true => 0.0,
                false => sign * part.signum() * by_weight,
            })
        };
        parts.iter().zip(by_weights).map(one).collect()
    }

    fn trained_entries(&self, name: &str) -> Option<Array2<bool>> {
        match name {
            NAME => Some(self.connections()),
            Weights::READOUT if self.excitatory_readout => {
                Some(Array2::from_shape_fn((self.units, 1), |(unit, _)| self.is_excitatory(unit)))
            }
            _ => None,
        }
    }

    fn is_plain(&self) -> bool {
        false
    }

    fn draw(
        &self,
        drawing: &Drawing<'_>,
        numbers: &Array2<f64>,
        _rule: &Rule<'_>,
    ) -> Result<Vec<Array2<f64>>> {
        let (connections, gain) = (self.connections(), drawing.params.gain());
        Ok(vec![dale_magnitudes(numbers.view(), connections.view(), self.excitatory, gain)?])
    }

    fn square(&self) -> Option<Square> {
        Some(Square::signed(Arc::clone(self.packed_signs())))
    }

    fn finish_gradient(&self, weights: &Packed, gradient: &mut Packed) {
        let slot = gradient.slots().recurrent.start;
        let entries = gradient.arrays_mut()[slot].as_mut_slice().iter_mut();
        let (signs, magnitudes) = (self.packed_signs().as_slice(), weights.recurrent(0).as_slice());
        for ((entry, sign), magnitude) in entries.zip(signs).zip(magnitudes) {
            let slope = f32::from(i8::from(*magnitude > 0.0) - i8::from(*magnitude < 0.0));
            *entry *= sign * slope;
        }
    }
}
