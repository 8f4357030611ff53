//! Linear algebra in plain loops: rows of numbers, one-sided Jacobi rotations, shifted QR steps, Cholesky
//! factorisation.

pub(crate) type Matrix = Vec<Vec<f64>>;

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(crate) fn length(a: &[f64]) -> f64 {
    let largest = a.iter().fold(0.0, |largest: f64, entry| largest.max(entry.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    largest * a.iter().map(|entry| (entry / largest).powi(2)).sum::<f64>().sqrt()
}

pub(crate) fn transposed(a: &Matrix) -> Matrix {
    (0..a.first().map_or(0, Vec::len)).map(|column| a.iter().map(|row| row[column]).collect()).collect()
}

/// `row M`.
pub(crate) fn through(row: &[f64], matrix: &Matrix) -> Vec<f64> {
    let width = matrix.first().map_or(0, Vec::len);
    (0..width).map(|to| row.iter().zip(matrix).map(|(entry, from)| entry * from[to]).sum()).collect()
}

/// Singular values in decreasing order, each with its right singular vector (of length 1; empty if the value
/// is zero).
///
/// Uses Hestenes' rotations of the rows or columns, whichever are fewer, until they are orthogonal.
pub(crate) fn singular(a: &Matrix) -> Vec<(f64, Vec<f64>)> {
    let (rows, columns) = (a.len(), a.first().map_or(0, Vec::len));
    if columns <= rows {
        let mut rotated = transposed(a);
        let mut basis: Matrix = (0..columns).map(|one| unit(columns, one)).collect();
        rotate_apart(&mut rotated, Some(&mut basis));
        let lengths = rotated.iter().map(|column| length(column));
        return falling(lengths.zip(basis).collect());
    }
    let mut rotated = a.clone();
    rotate_apart(&mut rotated, None);
    let with_direction = |row: Vec<f64>| {
        let whole = length(&row);
        let direction =
            if whole > 0.0 { row.iter().map(|entry| entry / whole).collect() } else { Vec::new() };
        (whole, direction)
    };
    falling(rotated.into_iter().map(with_direction).collect())
}

fn unit(size: usize, one: usize) -> Vec<f64> {
    (0..size).map(|entry| f64::from(u8::from(entry == one))).collect()
}

fn falling(mut pairs: Vec<(f64, Vec<f64>)>) -> Vec<(f64, Vec<f64>)> {
    pairs.sort_by(|one, other| other.0.total_cmp(&one.0));
    pairs
}

/// Rotates vectors in pairs until they are orthogonal, and applies the same rotations to `basis`.
fn rotate_apart(vectors: &mut Matrix, mut basis: Option<&mut Matrix>) {
    for _ in 0..60 {
        let mut settled = true;
        for one in 0..vectors.len() {
            for other in one + 1..vectors.len() {
                let (a, b) = (dot(&vectors[one], &vectors[one]), dot(&vectors[other], &vectors[other]));
                let c = dot(&vectors[one], &vectors[other]);
                if c == 0.0 || c.abs() <= 1e-15 * (a * b).sqrt() {
                    continue;
                }
                settled = false;
                let slope = (b - a) / (2.0 * c);
                let tangent = slope.signum() / (slope.abs() + slope.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                turn(vectors, one, other, cosine, tangent * cosine);
                if let Some(basis) = basis.as_deref_mut() {
                    turn(basis, one, other, cosine, tangent * cosine);
                }
            }
        }
        if settled {
            return;
        }
    }
}

fn turn(vectors: &mut Matrix, one: usize, other: usize, cosine: f64, sine: f64) {
    let (before, after) = vectors.split_at_mut(other);
    for (a, b) in before[one].iter_mut().zip(&mut after[0]) {
        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    }
}

/// Solves `matrix x = right` for a symmetric positive definite matrix; `None` if it is not.
pub(crate) fn solve(matrix: &Matrix, right: &[f64]) -> Option<Vec<f64>> {
    let size = right.len();
    let mut lower: Matrix = vec![Vec::new(); size];
    for row in 0..size {
        for column in 0..=row {
            let rest = matrix[row][column] - dot(&lower[row][..column], &lower[column][..column.min(row)]);
            let entry = if column == row { rest.sqrt() } else { rest / lower[column][column] };
            if !entry.is_finite() || (column == row && entry <= 0.0) {
                return None;
            }
            lower[row].push(entry);
        }
    }
    let mut x = right.to_vec();
    for row in 0..size {
        x[row] = (x[row] - dot(&lower[row][..row], &x[..row])) / lower[row][row];
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|later| lower[later][row] * x[later]).sum();
        x[row] = (x[row] - known) / lower[row][row];
    }
    Some(x)
}

/// Eigenvalues of a real matrix as (real, imaginary), unordered.
///
/// Eliminates to Hessenberg form, then applies QR steps with complex shifts.
pub(crate) fn eigenvalues(a: &Matrix) -> Vec<(f64, f64)> {
    let size = a.len();
    let mut h: Vec<Vec<Complex>> =
        hessenberg(a).iter().map(|row| row.iter().map(|entry| (*entry, 0.0)).collect()).collect();
    let negligible =
        f64::EPSILON * f64::EPSILON * a.iter().flatten().fold(0.0, |sum: f64, entry| sum + entry.abs());
    let mut last = size;
    let mut steps = 0;
    while last > 1 {
        let end = last - 1;
        let start = (1..=end).rev().find(|&row| {
            let around = modulus(h[row][row]) + modulus(h[row - 1][row - 1]);
            modulus(h[row][row - 1]) <= f64::EPSILON * around + negligible
        });
        let start = start.unwrap_or(0);
        if start == end {
            last -= 1;
            steps = 0;
            continue;
        }
        steps += 1;
        assert!(steps < 500, "the eigenvalues of the second opinion do not converge");
        let shift = if steps % 11 == 0 {
            plus(h[end][end], (modulus(h[end][end - 1]), 0.0))
        } else {
            wilkinson(&h, end)
        };
        qr_step(&mut h, start, end, shift);
    }
    (0..size).map(|row| h[row][row]).collect()
}

fn hessenberg(a: &Matrix) -> Matrix {
    let (mut h, size) = (a.clone(), a.len());
    for column in 0..size.saturating_sub(2) {
        let pivot =
            (column + 1..size).max_by(|one, other| h[*one][column].abs().total_cmp(&h[*other][column].abs()));
        let Some(pivot) = pivot.filter(|pivot| h[*pivot][column] != 0.0) else { continue };
        h.swap(column + 1, pivot);
        h.iter_mut().for_each(|row| row.swap(column + 1, pivot));
        for row in column + 2..size {
            let factor = h[row][column] / h[column + 1][column];
            for entry in 0..size {
                h[row][entry] -= factor * h[column + 1][entry];
            }
            h.iter_mut().for_each(|other| other[column + 1] += factor * other[row]);
        }
    }
    h
}

type Complex = (f64, f64);

fn modulus(a: Complex) -> f64 {
    a.0.hypot(a.1)
}

fn plus(a: Complex, b: Complex) -> Complex {
    (a.0 + b.0, a.1 + b.1)
}

fn minus(a: Complex, b: Complex) -> Complex {
    (a.0 - b.0, a.1 - b.1)
}

fn times(a: Complex, b: Complex) -> Complex {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

fn root(a: Complex) -> Complex {
    let real = ((modulus(a) + a.0) / 2.0).max(0.0).sqrt();
    let imaginary = ((modulus(a) - a.0) / 2.0).max(0.0).sqrt();
    (real, imaginary.copysign(a.1))
}

/// The eigenvalue of the block of the last two rows and columns that is closer to the last entry.
fn wilkinson(h: &[Vec<Complex>], end: usize) -> Complex {
    let (a, d) = (h[end - 1][end - 1], h[end][end]);
    let half = times(minus(a, d), (0.5, 0.0));
    let spread = root(plus(times(half, half), times(h[end - 1][end], h[end][end - 1])));
    let middle = times(plus(a, d), (0.5, 0.0));
    let (one, other) = (plus(middle, spread), minus(middle, spread));
    if modulus(minus(one, d)) < modulus(minus(other, d)) { one } else { other }
}

fn qr_step(h: &mut [Vec<Complex>], start: usize, end: usize, shift: Complex) {
    for row in start..=end {
        h[row][row] = minus(h[row][row], shift);
    }
    let mut rotations = Vec::new();
    for row in start..end {
        let (a, b) = (h[row][row], h[row + 1][row]);
        let whole = modulus(a).hypot(modulus(b));
        let (c, s) = if whole == 0.0 {
            ((1.0, 0.0), (0.0, 0.0))
        } else {
            ((a.0 / whole, -a.1 / whole), (b.0 / whole, -b.1 / whole))
        };
        for column in row..=end {
            let (upper, lower) = (h[row][column], h[row + 1][column]);
            h[row][column] = plus(times(c, upper), times(s, lower));
            h[row + 1][column] = minus(times((c.0, -c.1), lower), times((s.0, -s.1), upper));
        }
        rotations.push((c, s));
    }
    for (row, (c, s)) in (start..).zip(rotations) {
        for entries in h.iter_mut().take(row + 2).skip(start) {
            let (left, right) = (entries[row], entries[row + 1]);
            entries[row] = plus(times(left, (c.0, -c.1)), times(right, (s.0, -s.1)));
            entries[row + 1] = minus(times(right, c), times(left, s));
        }
    }
    for row in start..=end {
        h[row][row] = plus(h[row][row], shift);
    }
}
