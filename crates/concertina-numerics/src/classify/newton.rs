//! Damped Newton's method for a convex function.

use faer::linalg::solvers::{Llt, Solve as _};
use faer::{Mat, MatMut, Side};

/// Number of steps after which the search fails. Convergence takes about 10; a line search that must shorten
/// every step, as for separable classes under a weak penalty, takes a few dozen.
const MAX_STEPS: usize = 200;
/// A full step below this share of the largest coordinate (or of 1) is the last, since the next step would be
/// about its square.
const LAST_STEP: f64 = 1e-10;
/// A last step changes no score by more than this share of it (or of 1). The second derivative depends only
/// on the scores, so the next step would change them by about the square. A small step in the weights does
/// not imply this if the features are large.
const LAST_CHANGE: f64 = 1e-6;
/// Share of the decrease predicted by the linear model that a step must achieve (Armijo's rule; the usual
/// value).
const SUFFICIENT: f64 = 1e-4;
/// Relative differences of the function below this, some hundred machine epsilons, are rounding errors. The
/// terms of the function are not negative and have full relative precision, so this also holds if the
/// function itself is far below 1.
const NOISE: f64 = 1e-13;
/// Number of halvings after which no step is taken.
const MAX_HALVINGS: usize = 60;

/// A convex, once continuously differentiable function with a positive (generalised) second derivative.
pub(super) trait Objective {
    /// The value at a point.
    fn value(&self, point: &[f64]) -> f64;
    /// The gradient at a point.
    fn gradient(&self, point: &[f64]) -> Vec<f64>;
    /// Writes the lower triangle of the second derivative at a point.
    fn hessian(&self, point: &[f64], out: MatMut<'_, f64>);
    /// The scores of the samples at a point, which are linear in it.
    fn all_scores(&self, point: &[f64]) -> Vec<f64>;
}

/// Where the search ended.
#[derive(Debug)]
pub(super) struct Optimum {
    pub(super) point: Vec<f64>,
    pub(super) converged: bool,
    pub(super) iterations: usize,
    pub(super) gradient_norm: f64,
}

/// Minimises the function from a start.
pub(super) fn minimise(objective: &impl Objective, start: Vec<f64>) -> Optimum {
    let dimension = start.len();
    let mut point = start;
    let mut value = objective.value(&point);
    let mut gradient = objective.gradient(&point);
    let mut hessian = Mat::zeros(dimension, dimension);
    let mut previous_length = f64::INFINITY;
    let mut converged = false;
    let mut iterations = 0;
    while iterations < MAX_STEPS {
        objective.hessian(&point, hessian.as_mut());
        let Some(step) = newton_step(&mut hessian, &gradient) else { break };
        let promised: f64 = gradient.iter().zip(&step).map(|(gradient, step)| gradient * step).sum();
        let noise = NOISE * value.abs();
        let Some((share, moved, reached)) = line_search(objective, &point, &step, value, promised, noise)
        else {
            converged = is_settled(objective, &point, &step); // only rounding prevents a step
            break;
        };
        iterations += 1;
        let size = largest(&moved).max(1.0);
        let length = share * largest(&step);
        (point, value) = (moved, reached);
        gradient = objective.gradient(&point);
        // Also ends if steps at the level of rounding errors no longer shrink: nothing more can be gained.
        let at_rounding = promised <= noise && length >= 0.5 * previous_length;
        let is_last = share == 1.0 && (length <= LAST_STEP * size || at_rounding);
        if is_last && is_settled(objective, &point, &step) {
            converged = true;
            break;
        }
        previous_length = length;
    }
    Optimum { gradient_norm: largest(&gradient), point, converged, iterations }
}

/// Whether a step leaves every score practically unchanged, so that it may be the last.
fn is_settled(objective: &impl Objective, point: &[f64], step: &[f64]) -> bool {
    let (scores, changes) = (objective.all_scores(point), objective.all_scores(step));
    scores.iter().zip(changes).all(|(score, change)| change.abs() <= LAST_CHANGE * score.abs().max(1.0))
}

/// Halves the step until the function decreases enough. Returns the share of the step, the point there, and
/// its value.
fn line_search(
    objective: &impl Objective,
    point: &[f64],
    step: &[f64],
    value: f64,
    promised: f64,
    noise: f64,
) -> Option<(f64, Vec<f64>, f64)> {
    let mut share = 1.0;
    for _ in 0..MAX_HALVINGS {
        let moved: Vec<f64> = point.iter().zip(step).map(|(point, step)| point - share * step).collect();
        let reached = objective.value(&moved);
        if reached <= value - SUFFICIENT * share * promised + noise {
            return Some((share, moved, reached));
        }
        share *= 0.5;
    }
    None
}

/// Solves for the Newton step. If the second derivative is singular up to rounding, its diagonal is increased
/// until it is not.
fn newton_step(hessian: &mut Mat<f64>, gradient: &[f64]) -> Option<Vec<f64>> {
    let dimension = gradient.len();
    let trace: f64 = (0..dimension).map(|k| hessian[(k, k)]).sum();
    let mut raise = 1e-14 * trace / dimension.max(1) as f64;
    for _ in 0..8 {
        if let Ok(factor) = Llt::new(hessian.as_ref(), Side::Lower) {
            let mut step = gradient.to_vec();
            factor.solve_in_place(MatMut::from_column_major_slice_mut(&mut step, dimension, 1));
            if step.iter().all(|entry| entry.is_finite()) {
                return Some(step);
            }
        }
        for k in 0..dimension {
            hessian[(k, k)] += raise;
        }
        raise *= 100.0;
    }
    None
}

/// The largest magnitude.
fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}
