//! Recurrent weights of low rank (Mastrogiuseppe and Ostojic 2018), and of low rank apart from a random part
//! that is not trained (Schuessler et al. 2020).
//!
//! ```text
//! W = W_0 + M Lᵀ / N
//! ```
//!
//! In networks with several currents, each block of `W` has its own columns of `M` and `L`.

use concertina_numerics::kernels::{self, Panels, RowsMut, RowsRef};
use concertina_numerics::random::{Purpose, Stream};
use ndarray::{Array2, s};

use super::super::drawing::Drawing;
use super::super::packed::Packed;
use super::{Collected, Part, Products, Rule, Square, Wiring};
use crate::error::Result;

const FACTORS: Purpose = Purpose::new("low rank factors");

/// The names of `M`, `L` and `W_0` in files.
const NAMES: [&str; 3] = ["recurrent_m", "recurrent_l", "recurrent_random_part"];

/// The parts are `M` and `L`, each (units, currents × rank), and perhaps `W_0`, which is not trained.
#[derive(Clone, Copy, Debug)]
pub(super) struct LowRank {
    pub(super) units: usize,
    pub(super) currents: usize,
    /// The largest rank of each block of `M Lᵀ`.
    pub(super) rank: usize,
    /// Whether there is a `W_0`.
    pub(super) random_part: bool,
}

impl LowRank {
    /// Number of columns of `M` and `L`.
    fn width(&self) -> usize {
        self.currents * self.rank
    }
}

impl Wiring for LowRank {
    fn parts(&self) -> Vec<Part> {
        let columns = [self.width(), self.width(), self.currents * self.units];
        let part = |(name, columns): (&str, usize)| {
            let trained = name != NAMES[2];
            Part { name: name.to_owned(), columns, trained }
        };
        NAMES.into_iter().zip(columns).take(if self.random_part { 3 } else { 2 }).map(part).collect()
    }

    /// In plain loops, so that sums have one order on every machine.
    fn weights(&self, parts: &[Array2<f64>]) -> Vec<Array2<f64>> {
        let (units, rank) = (self.units, self.rank);
        let mut weights = match parts.get(2) {
            Some(random) => random.clone(),
            None => Array2::zeros((units, self.currents * units)),
        };
        for ((from, column), entry) in weights.indexed_iter_mut() {
            let (block, to) = (column / units, column % units);
            let terms = block * rank..(block + 1) * rank;
            let sum: f64 = terms.map(|term| parts[0][[from, term]] * parts[1][[to, term]]).sum();
            *entry += sum / units as f64;
        }
        vec![weights]
    }

    /// `∂L/∂M = ∂L/∂W L / N` and `∂L/∂L = (∂L/∂W)ᵀ M / N`, block by block.
    fn pull_back(&self, parts: &[Array2<f64>], by_weights: &[Array2<f64>]) -> Vec<Array2<f64>> {
        let mut by_parts: Vec<Array2<f64>> = parts.iter().map(|part| Array2::zeros(part.raw_dim())).collect();
        for block in 0..self.currents {
            let terms = s![.., block * self.rank..(block + 1) * self.rank];
            let by_block = by_weights[0].slice(s![.., block * self.units..(block + 1) * self.units]);
            let by_m = by_block.dot(&parts[1].slice(terms)) / self.units as f64;
            let by_l = by_block.t().dot(&parts[0].slice(terms)) / self.units as f64;
            by_parts[0].slice_mut(terms).assign(&by_m);
            by_parts[1].slice_mut(terms).assign(&by_l);
        }
        by_parts
    }

    fn is_plain(&self) -> bool {
        false
    }

    fn rank(&self) -> Option<usize> {
        Some(self.rank)
    }

    /// `M` and `L` are standard normal.
    fn draw(
        &self,
        drawing: &Drawing<'_>,
        numbers: &Array2<f64>,
        rule: &Rule<'_>,
    ) -> Result<Vec<Array2<f64>>> {
        let factor = |index: u64| {
            let mut stream = Stream::new(drawing.params.seed, FACTORS, index);
            Array2::from_shape_simple_fn((self.units, self.width()), || stream.normal())
        };
        let mut parts = vec![factor(0), factor(1)];
        if self.random_part {
            parts.push(rule(numbers.view())?);
        }
        Ok(parts)
    }

    fn products(&self, _weights: &Packed, backward: bool) -> Box<dyn Products> {
        Box::new(Thin::new(*self, backward))
    }

    fn square(&self) -> Option<Square> {
        None
    }

    /// The weights have no entry above the rank times the product of the largest factors, over the units.
    fn is_in_range(&self, weights: &Packed) -> bool {
        let largest = |part: usize| {
            weights
                .recurrent(part)
                .as_slice()
                .iter()
                .fold(0.0_f64, |most, value| most.max(value.abs().into()))
        };
        let bound = self.rank as f64 * largest(0) * largest(1) / self.units as f64;
        bound + if self.random_part { largest(2) } else { 0.0 } < f32::MAX.into()
    }
}

/// Products with thin factors. `M Lᵀ` is never computed.
///
/// With several currents, `blocks(L)` has the blocks of `L` on its diagonal, (currents × units, currents ×
/// rank). With one, it is `L`.
#[derive(Debug)]
struct Thin {
    shape: LowRank,
    ahead: Option<Ahead>,
    back: Option<Back>,
}

/// What the forward product uses.
#[derive(Debug)]
struct Ahead {
    /// `M / N`, (units, width).
    select: Panels,
    /// `blocks(L)ᵀ`, (width, currents × units).
    spread: Panels,
}

/// What the backward product uses.
#[derive(Debug)]
struct Back {
    /// `blocks(L) / N`, (currents × units, width).
    gather: Panels,
    /// `Mᵀ`, (width, units).
    select: Panels,
    /// `W_0ᵀ`, (currents × units, units).
    random: Option<Panels>,
    /// The derivatives by `blocks(L)` and by the zeros around the blocks.
    by_blocks: Option<Panels>,
}

impl Thin {
    fn new(shape: LowRank, backward: bool) -> Self {
        let LowRank { units, currents, random_part, .. } = shape;
        let (width, columns) = (shape.width(), currents * units);
        let ahead = || Ahead { select: Panels::zeros(units, width), spread: Panels::zeros(width, columns) };
        let back = || Back {
            gather: Panels::zeros(columns, width),
            select: Panels::zeros(width, units),
            random: random_part.then(|| Panels::zeros(columns, units)),
            by_blocks: (currents > 1).then(|| Panels::zeros(columns, width)),
        };
        Thin { shape, ahead: (!backward).then(ahead), back: backward.then(back) }
    }
}

impl LowRank {
    /// Calls `each` for every entry of `L`: its row and column, and its row in `blocks(L)`.
    fn each_entry(&self, mut each: impl FnMut(usize, usize, usize)) {
        for unit in 0..self.units {
            for column in 0..self.width() {
                each(unit, column, column / self.rank * self.units + unit);
            }
        }
    }
}

impl Products for Thin {
    fn width(&self) -> usize {
        self.shape.width()
    }

    fn begin(&mut self, weights: &Packed) {
        let (m, l) = (weights.recurrent(0), weights.recurrent(1));
        let share = (1.0 / self.shape.units as f64) as f32;
        if let Some(Ahead { select, spread }) = &mut self.ahead {
            select.copy_from(m);
            kernels::scale_in_place(select.as_mut_slice(), share);
            match self.shape.currents {
                1 => l.pack_transposed_into(spread),
                _ => self.shape.each_entry(|unit, column, row| spread.set(column, row, l.get(unit, column))),
            }
        }
        if let Some(Back { gather, select, random, .. }) = &mut self.back {
            m.pack_transposed_into(select);
            match self.shape.currents {
                1 => gather.copy_from(l),
                _ => self.shape.each_entry(|unit, column, row| gather.set(row, column, l.get(unit, column))),
            }
            kernels::scale_in_place(gather.as_mut_slice(), share);
            if let Some(random) = random {
                weights.recurrent(2).pack_transposed_into(random);
            }
        }
    }

    fn forward(
        &self,
        weights: &Packed,
        _index: usize,
        mut currents: RowsMut<'_>,
        sent: RowsRef<'_>,
        mut kept: RowsMut<'_>,
    ) {
        let Ahead { select, spread } = self.ahead.as_ref().expect("made for the forward pass");
        kernels::product(kept.reborrow(), sent, select, false);
        if self.shape.random_part {
            kernels::product(currents.reborrow(), sent, weights.recurrent(2), false);
        }
        kernels::product(currents, kept.view(), spread, self.shape.random_part);
    }

    fn backward(
        &self,
        _index: usize,
        mut by_sent: RowsMut<'_>,
        by_currents: RowsRef<'_>,
        mut kept: RowsMut<'_>,
        accumulate: bool,
    ) {
        let Back { gather, select, random, .. } = self.back.as_ref().expect("made for the backward pass");
        kernels::product(kept.reborrow(), by_currents, gather, false);
        if let Some(random) = random {
            kernels::product(by_sent.reborrow(), by_currents, random, accumulate);
        }
        kernels::product(by_sent, kept.view(), select, accumulate || random.is_some());
    }

    fn collect(&mut self, _index: usize, of: Collected<'_>, by_parts: &mut [Panels], trained: &[bool]) {
        if trained[0] {
            kernels::product_transposed_a(&mut by_parts[0], of.sent, of.kept_back, of.add);
        }
        if !trained[1] {
            return;
        }
        let back = self.back.as_mut().expect("made for the backward pass");
        let Some(by_blocks) = &mut back.by_blocks else {
            return kernels::product_transposed_a(&mut by_parts[1], of.by_currents, of.kept, of.add);
        };
        kernels::product_transposed_a(by_blocks, of.by_currents, of.kept, of.add);
        let by_l = &mut by_parts[1];
        self.shape.each_entry(|unit, column, row| by_l.set(unit, column, by_blocks.get(row, column)));
    }
}
