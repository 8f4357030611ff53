//! Gram matrices of gradients that are sums of outer products, without the gradients themselves.

use concertina_numerics::double::{Panels, product};
use ndarray::{Array2, ArrayView2, Axis, s};

use crate::numbers::contiguous;

/// The gradients of `n` trials, `Σ_t a_t ⊗ b_t` of each, multiplied entry by entry by a factor if there is
/// one.
#[derive(Debug)]
pub(super) struct OuterProducts<'a> {
    /// `a_t` of every trial, (trials, p), for each term.
    pub(super) left: Vec<ArrayView2<'a, f64>>,
    /// `b_t` of every trial, (trials, q), for each term.
    pub(super) right: Vec<ArrayView2<'a, f64>>,
    /// (p, q), or (p, 1) for the same factor in every column.
    pub(super) factor: Option<ArrayView2<'a, f64>>,
}

/// Number of trials of a block of the Gram matrix: the blocks above the diagonal are not computed. Arbitrary,
/// between few blocks (long products) and little waste on the diagonal.
const BLOCK: usize = 48;
/// Number of terms of the products of gradients: a panel of 16 columns then fills a quarter of a second-level
/// cache of 512 kB.
const TERMS: usize = 1024;

impl OuterProducts<'_> {
    /// Adds the inner products of the gradients of all pairs of trials, (trials, trials).
    pub(super) fn add_gram(&self, into: &mut Array2<f64>) {
        let (Some(left), Some(right)) = (self.left.first(), self.right.first()) else { return };
        let (n, p, q, terms) = (left.nrows(), left.ncols(), right.ncols(), self.left.len());
        let by_pairs = terms * terms * n * (p + q); // twice the multiplications, but for a factor n
        let by_rows = n * p * q + 2 * terms * p * q;
        match self.factor.is_none() && by_pairs < by_rows {
            true => self.add_by_pairs(into),
            false => self.add_by_rows(into),
        }
    }

    /// `Σ_{t, t'} (a_t · a'_t') (b_t · b'_t')`: two products for each pair of terms.
    fn add_by_pairs(&self, into: &mut Array2<f64>) {
        let pack = |all: &[ArrayView2<f64>]| all.iter().map(|one| Panels::from_transposed(*one)).collect();
        let packed: [Vec<Panels>; 2] = [pack(&self.left), pack(&self.right)];
        let n = into.nrows();
        let mut products = [Array2::zeros((n, n)), Array2::zeros((n, n))];
        for (later, (left, right)) in self.left.iter().zip(&self.right).enumerate() {
            let (left, right) = (left.as_standard_layout(), right.as_standard_layout());
            for earlier in 0..=later {
                for (out, (rows, packed)) in products.iter_mut().zip([&left, &right].iter().zip(&packed)) {
                    multiply(rows.view(), &packed[earlier], out);
                }
                let [of_left, of_right] = &products;
                let both = of_left * of_right;
                *into += &both;
                if earlier < later {
                    *into += &both.t();
                }
            }
        }
    }

    /// The gradients themselves, some rows of their matrices at a time.
    fn add_by_rows(&self, into: &mut Array2<f64>) {
        let (n, p) = self.left[0].dim();
        let q = self.right[0].ncols();
        let rows = TERMS.div_ceil(q.max(1)).clamp(1, p.max(1));
        for first in (0..p).step_by(rows) {
            let rows = rows.min(p - first);
            let mut gradients = Array2::<f64>::zeros((n, rows * q));
            for (left, right) in self.left.iter().zip(&self.right) {
                for ((left, right), mut gradient) in
                    left.outer_iter().zip(right.outer_iter()).zip(gradients.outer_iter_mut())
                {
                    let gradient = gradient.as_slice_mut().expect("row-major");
                    let right = contiguous(&right);
                    for (row, gradient) in gradient.chunks_exact_mut(q).enumerate() {
                        let factor = left[first + row];
                        if factor != 0.0 {
                            gradient.iter_mut().zip(&*right).for_each(|(to, from)| *to += factor * from);
                        }
                    }
                }
            }
            if let Some(factor) = self.factor {
                let factor = factor.slice(s![first..first + rows, ..]);
                let factor = factor.broadcast((rows, q)).expect("one column, or one for each");
                let factor: Vec<f64> = factor.iter().copied().collect();
                for mut gradient in gradients.outer_iter_mut() {
                    gradient.iter_mut().zip(&factor).for_each(|(to, factor)| *to *= factor);
                }
            }
            add_gram(gradients.view(), into);
        }
    }
}

/// Adds `rows rowsᵀ`.
pub(super) fn add_gram(rows: ArrayView2<f64>, into: &mut Array2<f64>) {
    let rows = rows.as_standard_layout();
    let n = rows.nrows();
    for first in (0..n).step_by(BLOCK) {
        let end = n.min(first + BLOCK);
        let packed = Panels::from_transposed(rows.slice(s![first..end, ..]));
        let mut block = Array2::zeros((n - first, end - first));
        multiply(rows.slice(s![first.., ..]), &packed, &mut block);
        for ((row, column), value) in block.indexed_iter() {
            if row > column {
                into[[first + row, first + column]] += value;
                into[[first + column, first + row]] += value;
            } else if row == column {
                into[[first + row, first + column]] += value;
            }
        }
    }
}

/// The product of rows with packed columns.
pub(super) fn multiply(rows: ArrayView2<f64>, packed: &Panels, out: &mut Array2<f64>) {
    if rows.len_of(Axis(1)) == 0 {
        return out.fill(0.0);
    }
    product(rows.as_slice().expect("row-major"), packed, out.as_slice_mut().expect("row-major"));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A way to add the inner products.
    type Way = fn(&OuterProducts<'_>, &mut Array2<f64>);

    fn entries(rows: usize, columns: usize, seed: usize) -> Array2<f64> {
        Array2::from_shape_fn((rows, columns), |(i, j)| {
            libm::sin((7 * i + 13 * j + 29 * seed + i * j) as f64)
        })
    }

    #[test]
    fn both_ways_give_the_inner_products_of_the_gradients() {
        for (n, p, q, terms) in [(1, 1, 1, 1), (5, 3, 4, 2), (60, 7, 2, 3), (101, 2, 40, 1), (9, 30, 50, 4)] {
            let left: Vec<_> = (0..terms).map(|term| entries(n, p, term)).collect();
            let right: Vec<_> = (0..terms).map(|term| entries(n, q, 100 + term)).collect();
            let factor = entries(p, q, 7).mapv(|entry| if entry > 0.0 { 1.0 } else { -0.5 });
            let column = factor.slice(s![.., ..1]).to_owned();
            for factor in [None, Some(factor.view()), Some(column.view())] {
                let gradient = |trial: usize| {
                    let mut sum = Array2::<f64>::zeros((p, q));
                    for (left, right) in left.iter().zip(&right) {
                        for ((i, j), entry) in sum.indexed_iter_mut() {
                            *entry += left[[trial, i]] * right[[trial, j]];
                        }
                    }
                    match factor {
                        Some(factor) => sum * factor,
                        None => sum,
                    }
                };
                let gradients: Vec<_> = (0..n).map(gradient).collect();
                let expected = Array2::from_shape_fn((n, n), |(i, j)| (&gradients[i] * &gradients[j]).sum());
                let outer = OuterProducts {
                    left: left.iter().map(|one| one.view()).collect(),
                    right: right.iter().map(|one| one.view()).collect(),
                    factor,
                };
                let mut ways: Vec<(&str, Way)> = vec![
                    ("either", |outer, into| outer.add_gram(into)),
                    ("rows", |outer, into| outer.add_by_rows(into)),
                ];
                if factor.is_none() {
                    ways.push(("pairs", |outer, into| outer.add_by_pairs(into)));
                }
                for (way, add) in ways {
                    let mut found = Array2::zeros((n, n));
                    add(&outer, &mut found);
                    let largest = expected.iter().fold(0.0, |most: f64, entry| most.max(entry.abs()));
                    let off = (&found - &expected).iter().fold(0.0, |most: f64, off| most.max(off.abs()));
                    assert!(off <= 1e-13 * largest, "{way}, {n} trials, {p} by {q}: {off}");
                    let uneven = (&found - &found.t()).iter().fold(0.0, |most: f64, off| most.max(off.abs()));
                    assert!(uneven <= 1e-13 * largest, "{way}, {n} trials: {uneven}");
                }
            }
        }
    }
}
