//! The angular Procrustes distance between two sets of states of the same trials.

use concertina_numerics::linalg::{product, singular_values, svd};
use ndarray::{Array2, ArrayView2};

use crate::Result;
use crate::cka::centred_pair;
use crate::numbers::Precision;

/// The angle between two sets of states of the same trials, after the best rotation or reflection of one onto
/// the other.
///
/// The columns of both sets are centred, and both are divided by their Frobenius norm. The narrower set is
/// padded with units that are always 0. With the orthogonal matrix `Q` that minimises the distance
/// `d = ‖X - Y Q‖`, the angle is `2 arcsin(d / 2)`, which equals `arccos ‖Xᵀ Y‖_*` (the nuclear norm). Near
/// 0, where the arccosine loses half of the digits, it is computed from the distance. It is 0 if one set is a
/// rotated, reflected, scaled and shifted copy of the other, and π/2 if no direction of one is correlated
/// with a direction of the other. It satisfies the triangle inequality.
///
/// # Shapes
/// `x`: (samples, units); `y`: (samples, its own number of units). Rows of the same index belong to the same
/// trial.
///
/// # Returns
/// Radians, in `[0, π/2]`. `None` if all states of one set are equal up to rounding, as in
/// [`cka`](fn@crate::cka).
///
/// # Errors
/// As [`cka`](fn@crate::cka); [`Error::Numerics`](crate::Error::Numerics) if the singular values are not
/// found.
///
/// # Source
/// `williams2021`, Eq. 5 and 6 with the group of orthogonal transformations. Differs in: nothing.
///
/// # Example
/// ```
/// use concertina_analysis::procrustes_angle;
/// use ndarray::arr2;
///
/// let x = arr2(&[[1.0, 0.0], [-1.0, 0.5], [0.0, 2.0]]);
/// let mirrored = x.dot(&arr2(&[[0.0, 3.0], [3.0, 0.0]]));
/// assert!(procrustes_angle(x.view(), mirrored.view())?.expect("defined") < 1e-15);
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn procrustes_angle<A: Precision, B: Precision>(
    x: ArrayView2<A>,
    y: ArrayView2<B>,
) -> Result<Option<f64>> {
    let Some((x, y)) = centred_pair(x, y, "Procrustes distance", 2)? else { return Ok(None) };
    angle(&normalised(x), &normalised(y)).map(Some)
}

/// Centred states of Frobenius norm 1.
pub(super) fn normalised(mut centred: Array2<f64>) -> Array2<f64> {
    let norm = centred.iter().map(|entry| entry * entry).sum::<f64>().sqrt();
    centred /= norm;
    centred
}

/// The cosine below which the arccosine loses few digits. Its error is that of the cosine divided by the
/// sine, so the relative error of an angle above 0.1 is at most a hundred times that of the cosine. Singular
/// values alone take a fraction of the time of the rotation.
const FAR: f64 = 0.995;

/// The angle between two normalised sets.
pub(super) fn angle(x: &Array2<f64>, y: &Array2<f64>) -> Result<f64> {
    let (wide, narrow) = if x.ncols() >= y.ncols() { (x, y) } else { (y, x) };
    let between = product(narrow.t(), wide.view());
    let cosine = singular_values(between.view())?.sum();
    if cosine < FAR {
        return Ok(libm::acos(cosine));
    }
    // The rows of the thin factors map the units of the narrow set into those of the wide one.
    let factors = svd(between.view())?;
    let rotated =
        product(product(narrow.view(), factors.left.view()).view(), factors.right_transposed.view());
    let squares: f64 = wide.iter().zip(&rotated).map(|(x, y)| (x - y) * (x - y)).sum();
    let angle = 2.0 * libm::asin((squares.sqrt() / 2.0).min(1.0));
    Ok(angle.min(std::f64::consts::FRAC_PI_2)) // rounding can take it out of the range
}
