//! Measures of kernels, and of changes of weights.

use concertina_numerics::linalg::{svd, symmetric_eigen};
use ndarray::{Array2, ArrayView2, Axis};

use crate::{Error, Result};

/// A centred kernel below this share of the kernel is rounding: all its entries were equal.
const ROUNDING: f64 = 1e-12;
/// Eigenvalues below this share of the largest count as zero. Rounding leaves about 1e-15 of it for each
/// trial.
const ZERO: f64 = 1e-12;

/// The kernel of labels: 1 for trials of the same class, else 0.
///
/// # Shapes
/// `labels`: (trials); returns (trials, trials).
pub fn label_kernel(labels: &[u32]) -> Array2<f64> {
    Array2::from_shape_fn((labels.len(), labels.len()), |(i, j)| f64::from(u8::from(labels[i] == labels[j])))
}

/// `H K H` with `H = I - 11ᵀ/n`: the kernel of features whose mean over trials is zero.
///
/// # Shapes
/// `kernel`: (trials, trials).
///
/// # Errors
/// [`Error::Shape`] unless the kernel is square; [`Error::NotFinite`].
pub fn centred_kernel(kernel: ArrayView2<f64>) -> Result<Array2<f64>> {
    check(kernel)?;
    let Some(means) = kernel.mean_axis(Axis(0)) else { return Ok(kernel.to_owned()) };
    let all = means.mean().unwrap_or_default();
    // Symmetric kernels have the same means of rows and of columns.
    let of_rows = kernel.mean_axis(Axis(1)).unwrap_or_default().insert_axis(Axis(1));
    Ok(&kernel - &means - &of_rows + all)
}

/// The alignment of two kernels, `⟨K, M⟩ / (‖K‖ ‖M‖)` in the Frobenius inner product. Of centred kernels, it
/// is the linear CKA of the features behind them.
///
/// # Shapes
/// Both kernels: (trials, trials).
///
/// # Returns
/// In [0, 1] for positive semidefinite kernels; `None` if one of them is zero.
///
/// # Errors
/// [`Error::Shape`], [`Error::NotFinite`].
///
/// # Source
/// `kornblith2019`, of centred kernels.
///
/// # Example
/// ```
/// use concertina_analysis::kernel::{kernel_alignment, label_kernel};
/// let labels = label_kernel(&[0, 0, 1, 1]);
/// let alignment = kernel_alignment(labels.view(), labels.view())?.expect("defined");
/// assert!((alignment - 1.0).abs() < 1e-12);
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn kernel_alignment(a: ArrayView2<f64>, b: ArrayView2<f64>) -> Result<Option<f64>> {
    same_shape(a, b)?;
    Ok(unit(a)?.zip(unit(b)?).map(|(a, b)| (&a * &b).sum()))
}

/// The alignment of two kernels after both are centred ([`centred_kernel`]).
///
/// # Returns
/// In [0, 1]; `None` if the entries of one of the kernels are equal up to rounding (1e-12 of it), so that
/// nothing remains when it is centred.
///
/// # Errors
/// As [`kernel_alignment`].
pub fn centred_alignment(a: ArrayView2<f64>, b: ArrayView2<f64>) -> Result<Option<f64>> {
    same_shape(a, b)?;
    Ok(centred_unit(a)?.zip(centred_unit(b)?).map(|(a, b)| (&a * &b).sum()))
}

/// The distance between two kernels, 1 minus their [`centred_alignment`]. It is computed from the difference
/// of the kernels, so that it is exact near zero.
///
/// # Errors
/// As [`kernel_alignment`].
///
/// # Source
/// `fort2020`.
pub fn kernel_distance(a: ArrayView2<f64>, b: ArrayView2<f64>) -> Result<Option<f64>> {
    same_shape(a, b)?;
    let half_square = |(a, b): (Array2<f64>, Array2<f64>)| {
        0.5 * a.iter().zip(&b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>()
    };
    Ok(centred_unit(a)?.zip(centred_unit(b)?).map(half_square))
}

/// Over how many dimensions values are spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranks {
    /// `exp(-Σ p ln p)` with `p` the values over their sum.
    pub effective_rank: f64,
    /// `(Σ l)² / Σ l²`.
    pub participation: f64,
}

/// The eigenvalues of a kernel, largest first, and their ranks. Eigenvalues below 1e-12 of the largest are
/// set to zero.
///
/// # Returns
/// The ranks are `None` for a kernel of zeros.
///
/// # Errors
/// [`Error::Shape`], [`Error::NotFinite`], [`Error::Numerics`] if the eigenvalues do not converge.
///
/// # Source
/// `roy2007` for the effective rank.
///
/// # Example
/// ```
/// use concertina_analysis::kernel::kernel_spectrum;
/// let (values, ranks) = kernel_spectrum(ndarray::Array2::eye(3).view())?;
/// assert_eq!(values, [1.0; 3]);
/// assert!((ranks.expect("not zero").effective_rank - 3.0).abs() < 1e-14);
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn kernel_spectrum(kernel: ArrayView2<f64>) -> Result<(Vec<f64>, Option<Ranks>)> {
    check(kernel)?;
    let (values, _) = symmetric_eigen(kernel)?;
    let least = ZERO * values.first().copied().unwrap_or_default().max(0.0);
    let values: Vec<f64> = values.iter().map(|value| if *value > least { *value } else { 0.0 }).collect();
    let ranks = ranks(&values, &values);
    Ok((values, ranks))
}

/// How the change of a matrix of weights is spread over directions.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightChange {
    /// `‖W - W_0‖ / ‖W_0‖` in the Frobenius norm; `None` if `W_0` is zero.
    pub relative: Option<f64>,
    /// The singular values of `W - W_0`, largest first.
    pub singular_values: Vec<f64>,
    /// The effective rank of the singular values, and the participation of their squares; `None` for no
    /// change.
    pub ranks: Option<Ranks>,
    /// `‖W - W_0‖² / σ_1²`; `None` for no change.
    pub stable_rank: Option<f64>,
}

/// How a matrix of weights has changed.
///
/// # Shapes
/// Both: (from, to).
///
/// # Errors
/// [`Error::Shape`] unless the shapes agree; [`Error::Numerics`] for weights that are NaN or infinite.
///
/// # Source
/// `schuesslerinterplay2020` and `flesch2022` for the measures; `roy2007` for the effective rank.
///
/// # Example
/// ```
/// use concertina_analysis::kernel::weight_change;
/// use ndarray::arr2;
/// let (before, after) = (arr2(&[[3.0, 0.0], [0.0, 4.0]]), arr2(&[[6.0, 0.0], [0.0, 4.0]]));
/// let change = weight_change(before.view(), after.view())?;
/// assert_eq!((change.relative, change.stable_rank), (Some(0.6), Some(1.0)));
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn weight_change(before: ArrayView2<f64>, after: ArrayView2<f64>) -> Result<WeightChange> {
    if before.dim() != after.dim() {
        let expected = format!("the shape before, {:?}", before.shape());
        return Err(Error::Shape { what: "weights", expected, found: after.shape().to_vec() });
    }
    let singular_values = svd((&after - &before).view())?.singular_values.to_vec();
    let norm = |values: &mut dyn Iterator<Item = &f64>| {
        values.fold(0.0, |norm: f64, value| libm::hypot(norm, *value))
    };
    let (changed, norm_before) = (norm(&mut singular_values.iter()), norm(&mut before.iter()));
    let largest = singular_values.first().copied().unwrap_or_default();
    let squares: Vec<f64> =
        singular_values.iter().map(|value| (value / largest.max(f64::MIN_POSITIVE)).powi(2)).collect();
    Ok(WeightChange {
        relative: (norm_before > 0.0).then(|| changed / norm_before),
        ranks: ranks(&singular_values, &squares),
        stable_rank: (largest > 0.0).then(|| (changed / largest).powi(2)),
        singular_values,
    })
}

/// The effective rank of some values, and the participation of others.
fn ranks(of_entropy: &[f64], of_squares: &[f64]) -> Option<Ranks> {
    let sum: f64 = of_entropy.iter().sum();
    if sum <= 0.0 {
        return None;
    }
    let terms = of_entropy.iter().map(|value| value / sum).filter(|share| *share > 0.0);
    let entropy: f64 = terms.map(|share| -share * libm::log(share)).sum();
    let largest = of_squares.iter().fold(0.0, |most: f64, value| most.max(*value));
    let (sum, squares) = of_squares
        .iter()
        .map(|value| value / largest)
        .fold((0.0, 0.0), |(sum, squares), one| (sum + one, squares + one * one));
    Some(Ranks { effective_rank: libm::exp(entropy), participation: sum * sum / squares })
}

/// A kernel divided by its Frobenius norm; `None` if it is zero.
fn unit(kernel: ArrayView2<f64>) -> Result<Option<Array2<f64>>> {
    check(kernel)?;
    let largest = kernel.iter().fold(0.0, |most: f64, entry| most.max(entry.abs()));
    if largest == 0.0 {
        return Ok(None);
    }
    let scaled = &kernel / largest;
    let norm = scaled.iter().map(|entry| entry * entry).sum::<f64>().sqrt();
    Ok(Some(scaled / norm))
}

/// A kernel, centred and divided by its Frobenius norm; `None` if nothing remains.
fn centred_unit(kernel: ArrayView2<f64>) -> Result<Option<Array2<f64>>> {
    let Some(kernel) = unit(kernel)? else { return Ok(None) };
    let centred = centred_kernel(kernel.view())?;
    let left = centred.iter().map(|entry| entry * entry).sum::<f64>().sqrt();
    if left <= ROUNDING { Ok(None) } else { unit(centred.view()) }
}

fn check(kernel: ArrayView2<f64>) -> Result<()> {
    let (rows, columns) = kernel.dim();
    if rows != columns {
        let expected = format!("(trials, trials) = ({rows}, {rows})");
        return Err(Error::Shape { what: "kernel", expected, found: vec![rows, columns] });
    }
    match kernel.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, column), value)) => {
            let place = format!("trials {row} and {column}");
            Err(Error::NotFinite { what: "kernel".to_owned(), place, value: *value })
        }
        None => Ok(()),
    }
}

fn same_shape(a: ArrayView2<f64>, b: ArrayView2<f64>) -> Result<()> {
    if a.dim() == b.dim() {
        return Ok(());
    }
    let expected = format!("(trials, trials) = {:?}, as the first", a.dim());
    Err(Error::Shape { what: "second kernel", expected, found: b.shape().to_vec() })
}
