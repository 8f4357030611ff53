//! Non-negative least squares.

use ndarray::{Array1, ArrayView1, ArrayView2};

/// A direction counts as a descent direction only if its slope exceeds this share of the product of the
/// lengths involved: a thousand roundings.
const SLOPE: f64 = 1e3 * f64::EPSILON;
/// A column counts as dependent on others if less than this share of its length remains beside them.
const DEPENDENT: f64 = 1e-10;

/// The solution of a non-negative least squares problem.
#[derive(Debug, Clone, PartialEq)]
pub struct NonNegative {
    /// `a ≥ 0`, one per row of the problem.
    pub coefficients: Array1<f64>,
    /// The point of the cone, `Σ a_j s_j`.
    pub point: Array1<f64>,
    /// Whether the conditions of the optimum were reached. They are, except after rounding so severe that the
    /// active set repeats itself.
    pub converged: bool,
}

/// The point of the cone `{Σ a_j s_j, a ≥ 0}` that is nearest to a target, by the active-set method.
///
/// The rows in the active set have a QR decomposition, to which rows are added by Gram-Schmidt steps, done
/// twice. Nothing is squared, so the result is as accurate as the problem.
///
/// # Shapes
/// `rows`: (count, dimensions), the `s_j`; `target`: (dimensions).
///
/// # Source
/// Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23.
pub fn non_negative_least_squares(rows: ArrayView2<f64>, target: ArrayView1<f64>) -> NonNegative {
    let rows = rows.as_standard_layout();
    let entries = rows.as_slice().expect("row-major");
    let (count, dimensions) = rows.dim();
    let target = target.to_vec();
    let row = |index: usize| &entries[index * dimensions..][..dimensions];
    let lengths: Vec<f64> = (0..count).map(|index| norm(row(index))).collect();
    let reach = norm(&target);
    let mut active = Active::new(dimensions);
    let mut coefficients = vec![0.0; count];
    let mut rest = target.clone();
    // After a step that failed only because of rounding, a row is not tried again before another enters.
    let mut barred = vec![false; count];
    let mut converged = false;
    for _ in 0..3 * count.max(dimensions) + 10 {
        let slope = |index: usize| dot(row(index), &rest);
        let best = (0..count)
            .filter(|index| !barred[*index] && !active.rows.contains(index))
            .map(|index| (index, slope(index)))
            .filter(|(index, slope)| *slope > SLOPE * lengths[*index] * reach)
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((entering, _)) = best else {
            converged = true;
            break;
        };
        if !active.push(entering, row(entering), &target) {
            barred[entering] = true;
            continue;
        }
        let mut solution = active.solve();
        if solution.last().is_none_or(|last| *last <= 0.0) {
            active.truncate(active.rows.len() - 1);
            barred[entering] = true;
            continue;
        }
        // Rows whose coefficient would become negative leave the set, the first to reach zero first.
        while solution.iter().any(|value| *value <= 0.0) {
            let share = |place: usize| {
                let now = coefficients[active.rows[place]];
                now / (now - solution[place])
            };
            let (first, step) = (0..solution.len())
                .filter(|place| solution[*place] <= 0.0)
                .map(|place| (place, share(place)))
                .min_by(|a, b| a.1.total_cmp(&b.1))
                .expect("one is not positive");
            for (place, value) in solution.iter().enumerate() {
                let coefficient = &mut coefficients[active.rows[place]];
                *coefficient += step * (value - *coefficient);
            }
            coefficients[active.rows[first]] = 0.0;
            let leaving: Vec<usize> =
                active.rows.iter().copied().filter(|index| coefficients[*index] <= 0.0).collect();
            leaving.iter().for_each(|index| coefficients[*index] = 0.0);
            let kept: Vec<usize> =
                active.rows.iter().copied().filter(|index| !leaving.contains(index)).collect();
            let same = kept.iter().zip(&active.rows).take_while(|(kept, was)| kept == was).count();
            active.truncate(same);
            for index in &kept[same..] {
                active.push(*index, row(*index), &target);
            }
            solution = active.solve();
        }
        coefficients.fill(0.0);
        active.rows.iter().zip(&solution).for_each(|(index, value)| coefficients[*index] = *value);
        rest = active.rest(&target);
        barred.fill(false);
    }
    let mut point = vec![0.0; dimensions];
    for (index, coefficient) in coefficients.iter().enumerate().filter(|(_, value)| **value > 0.0) {
        point.iter_mut().zip(row(index)).for_each(|(sum, entry)| *sum += coefficient * entry);
    }
    NonNegative { coefficients: coefficients.into(), point: point.into(), converged }
}

/// The QR decomposition of the active rows, taken as columns.
struct Active {
    dimensions: usize,
    rows: Vec<usize>,
    /// Orthonormal vectors, one after the other.
    basis: Vec<f64>,
    /// The columns of the upper factor, each up to its diagonal.
    upper: Vec<Vec<f64>>,
    /// The products of the basis with the target.
    of_target: Vec<f64>,
}

impl Active {
    fn new(dimensions: usize) -> Self {
        let (rows, basis, upper, of_target) = Default::default();
        Self { dimensions, rows, basis, upper, of_target }
    }

    /// Adds a row; false if it depends on the others.
    fn push(&mut self, index: usize, row: &[f64], target: &[f64]) -> bool {
        let mut left = row.to_vec();
        let mut column = vec![0.0; self.rows.len() + 1];
        for _ in 0..2 {
            for (unit, entry) in self.basis.chunks_exact(self.dimensions).zip(&mut column) {
                let share = dot(unit, &left);
                *entry += share;
                left.iter_mut().zip(unit).for_each(|(left, unit)| *left -= share * unit);
            }
        }
        let length = norm(&left);
        if self.rows.len() == self.dimensions || length <= DEPENDENT * norm(row) {
            return false;
        }
        left.iter_mut().for_each(|entry| *entry /= length);
        *column.last_mut().expect("one for the row") = length;
        self.of_target.push(dot(&left, target));
        self.basis.extend(left);
        self.upper.push(column);
        self.rows.push(index);
        true
    }

    /// Keeps the first rows.
    fn truncate(&mut self, count: usize) {
        self.rows.truncate(count);
        self.basis.truncate(count * self.dimensions);
        self.upper.truncate(count);
        self.of_target.truncate(count);
    }

    /// The least squares solution without bounds.
    fn solve(&self) -> Vec<f64> {
        let mut solution = self.of_target.clone();
        for place in (0..solution.len()).rev() {
            solution[place] /= self.upper[place][place];
            let value = solution[place];
            for (earlier, entry) in solution[..place].iter_mut().zip(&self.upper[place]) {
                *earlier -= entry * value;
            }
        }
        solution
    }

    /// The part of the target outside the span of the rows.
    fn rest(&self, target: &[f64]) -> Vec<f64> {
        let mut rest = target.to_vec();
        for _ in 0..2 {
            for unit in self.basis.chunks_exact(self.dimensions) {
                let share = dot(unit, &rest);
                rest.iter_mut().zip(unit).for_each(|(rest, unit)| *rest -= share * unit);
            }
        }
        rest
    }
}

/// The inner product, in eight lanes: a fixed order that can be vectorised.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut lanes = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        lanes.iter_mut().zip(a.iter().zip(b)).for_each(|(lane, (a, b))| *lane += a * b);
    }
    lanes.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, arr1, arr2};

    use super::*;

    fn entry(index: usize) -> f64 {
        libm::sin((index * index % 1009) as f64 * 0.7 + index as f64)
    }

    /// The conditions of the optimum: `a ≥ 0`, `rows · rest ≤ 0`, and equality where `a > 0`.
    fn assert_optimal(rows: &Array2<f64>, target: &Array1<f64>, what: &str) {
        let found = non_negative_least_squares(rows.view(), target.view());
        assert!(found.converged, "{what}");
        let rest = target - &found.point;
        assert!((rows.t().dot(&found.coefficients) - &found.point).iter().all(|off| off.abs() < 1e-12));
        for (row, coefficient) in rows.outer_iter().zip(&found.coefficients) {
            let slope = row.dot(&rest);
            assert!(*coefficient >= 0.0 && slope < 1e-10, "{what}: {coefficient}, {slope}");
            assert!(*coefficient == 0.0 || slope.abs() < 1e-10, "{what}: {coefficient}, {slope}");
        }
    }

    #[test]
    fn the_conditions_of_the_optimum_hold_for_every_shape() {
        for (count, dimensions) in [(1, 1), (3, 2), (2, 6), (12, 16), (50, 8), (240, 3), (60, 60)] {
            for problem in 0..20 {
                let at = |i: usize| entry(i + 1000 * problem);
                let rows = Array2::from_shape_fn((count, dimensions), |(i, j)| at(i * dimensions + j));
                let target = Array1::from_shape_fn(dimensions, |j| 2.0 * at(5000 + 3 * j));
                assert_optimal(&rows, &target, &format!("{count} by {dimensions}"));
            }
        }
    }

    #[test]
    fn repeated_and_dependent_rows_do_no_harm() {
        let rows = arr2(&[[1.0, 0.0], [1.0, 0.0], [2.0, 0.0], [0.0, 0.0], [1.0, 1.0], [1.0, 1.0 + 1e-14]]);
        for target in [[3.0, 1.0], [1.0, 3.0], [-1.0, -1.0], [1.0, -1.0], [0.0, 0.0]] {
            assert_optimal(&rows, &arr1(&target), &format!("{target:?}"));
        }
    }

    #[test]
    fn the_projection_on_a_quadrant_drops_the_negative_part() {
        let found = non_negative_least_squares(Array2::eye(3).view(), arr1(&[2.0, -1.0, 0.5]).view());
        assert_eq!(found.point, arr1(&[2.0, 0.0, 0.5]));
        assert_eq!(found.coefficients, found.point);
    }

    #[test]
    fn no_rows_have_the_cone_of_zero() {
        let found = non_negative_least_squares(Array2::zeros((0, 2)).view(), arr1(&[1.0, 2.0]).view());
        assert_eq!((found.point, found.converged), (arr1(&[0.0, 0.0]), true));
    }
}
