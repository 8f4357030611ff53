//! Matrix products.

use super::{Panels, RowsMut, RowsRef};

/// Terms of a sum that are chained before they are added to the output; part of the definition of a product.
///
/// 256 rows of a panel are 32 kB, a first-level cache.
pub const BLOCK: usize = 256;

/// `out = a B`, or `out += a B` if `accumulate`: (m, n) from (m, k) and (k, n).
///
/// # Panics
/// If the shapes do not fit.
pub fn product(mut out: RowsMut<'_>, a: RowsRef<'_>, b: &Panels, accumulate: bool) {
    assert_eq!(a.column_count(), b.row_count(), "inner dimensions of a product");
    assert_eq!(
        (out.row_count(), out.column_count()),
        (a.row_count(), b.column_count()),
        "output and factors of a product"
    );
    let inner = a.column_count();
    for i in 0..out.row_count() {
        let row = a.row(i);
        for (j, to) in out.row_mut(i).iter_mut().enumerate() {
            *to = sum(if accumulate { Some(*to) } else { None }, inner, |k| (row[k], b.get(k, j)));
        }
    }
}

/// `out = aᵀ b`, or `out += aᵀ b` if `accumulate`: (m, n) from (k, m) and (k, n).
///
/// With the states of all timesteps and trials as rows of `a`, and the backward signals as rows of `b`, this is
/// the gradient of the weights.
///
/// # Panics
/// If the shapes do not fit.
pub fn product_transposed_a(out: &mut Panels, a: RowsRef<'_>, b: RowsRef<'_>, accumulate: bool) {
    assert_eq!(a.row_count(), b.row_count(), "inner dimensions of a product");
    assert_eq!(
        (out.row_count(), out.column_count()),
        (a.column_count(), b.column_count()),
        "output and factors of a product"
    );
    for i in 0..out.row_count() {
        for j in 0..out.column_count() {
            let start = if accumulate { Some(out.get(i, j)) } else { None };
            out.set(i, j, sum(start, a.row_count(), |k| (a.row(k)[i], b.row(k)[j])));
        }
    }
}

fn sum(mut total: Option<f32>, inner: usize, term: impl Fn(usize) -> (f32, f32)) -> f32 {
    for first in (0..inner).step_by(BLOCK) {
        let block = (first..inner.min(first + BLOCK)).map(&term).fold(0.0, |sum, (x, y)| x.mul_add(y, sum));
        total = Some(total.map_or(block, |total| total + block));
    }
    total.unwrap_or(0.0)
}
