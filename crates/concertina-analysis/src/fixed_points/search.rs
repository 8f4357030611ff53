//! The search from many starts for fixed and slow points, and the merging of points that are the same.

use concertina_numerics::double::{Panels, product};
use concertina_numerics::linalg::{Elimination, solve_positive_definite};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, s};

use crate::lyapunov::Autonomous;
use crate::{Error, Result};

/// The kind of point at which a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A fixed point, at which the network stays: `F(h) = h`.
    Fixed,
    /// A slow point, which the network passes slowly: a local minimum of the speed that is not zero.
    Slow,
}

impl Kind {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Slow => "slow",
        }
    }
}

/// The settings of a search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    /// A point is fixed where the speed is below this.
    pub tolerance: f64,
    /// A local minimum of the speed is a slow point where the speed is at most this.
    pub slow: f64,
    /// Points closer together than this count as the same point.
    pub unique: f64,
    /// Maximum number of steps from each start.
    pub max_iterations: usize,
}

/// A point at which the search from one or several starts ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Fixed or slow.
    pub kind: Kind,
    /// The state, (units), or more numbers per unit ([`Autonomous::dimension`]).
    pub state: Array1<f64>,
    /// `q = ½ ‖F(h) - h‖²`.
    pub speed: f64,
    /// The start that ended nearest to it: the one with the lowest speed.
    pub start: usize,
    /// Number of steps from that start.
    pub iterations: usize,
    /// How many starts ended here.
    pub hits: usize,
}

/// The outcome of all starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Fixed points, then slow points, both in order of their distance from zero.
    pub points: Vec<Point>,
    /// How many starts reached none of them.
    pub unconverged: usize,
}

/// A step is good if it leaves at most a quarter of the speed, that is, half of the residual.
const GOOD: f64 = 0.25;
/// After a step that leaves at most this share of the speed, that is, a tenth of the residual, the same
/// Jacobian is used again. In a network of 200 units, such a step costs a twentieth of one with a new
/// Jacobian.
const AGAIN: f64 = 0.01;
/// Initial damping, in units of `‖J - I‖²`: the `τ` of Madsen, Nielsen and Tingleff.
const FIRST_DAMPING: f64 = 1e-3;
/// Least damping, in the same units. Below it, rounding dominates.
const LEAST_DAMPING: f64 = 1e-13;
/// Number of consecutive steps that may be rejected. The damping grows by factors of 2, 4, 8, ..., and after
/// that many it exceeds any scale.
const MOST_REFUSALS: usize = 30;
/// At a minimum the gradient is at most this share of the product of the lengths of its factors,
/// `‖J - I‖ ‖F(h) - h‖`. Arbitrary, between rounding and the value of about 1e-7 next to a fixed point at
/// which `J` has the eigenvalue 1.
const FLAT: f64 = 1e-9;
/// After every so many steps, the rate at which they lowered the speed is considered. The search ends if at
/// that rate the speed would still be above `slow` after [`HOPELESS`] further steps: it approaches a minimum
/// that is no slow point. Both are arbitrary. In a chaotic network of 200 units, 60 starts take 40 steps on
/// average instead of 109, and find the same points.
const PATIENCE: usize = 8;
const HOPELESS: f64 = 500.0;
/// A residual within this many machine epsilons of the state counts as rounding.
const ROUNDINGS: f64 = 8.0;

impl Search {
    /// Searches from each of the given states.
    ///
    /// # Shapes
    /// `starts`: (starts, units).
    ///
    /// # Errors
    /// [`Error::Shape`] for starts of the wrong length; [`Error::NotFinite`] for a start that is NaN or
    /// infinite.
    pub fn run(&self, system: &Autonomous, starts: ArrayView2<f64>) -> Result<Found> {
        if starts.ncols() != system.dimension() {
            let expected = format!("(starts, {}) = (any, {})", system.width(), system.dimension());
            return Err(Error::Shape { what: "starts", expected, found: starts.shape().to_vec() });
        }
        crate::responses::check_finite(starts, || "starts".to_owned())?;
        let mut ended = Vec::new();
        for (start, state) in starts.outer_iter().enumerate() {
            ended.extend(self.descend(system, start, state)?);
        }
        let unconverged = starts.nrows() - ended.len();
        // Of points that are the same, the one with the lowest speed is kept, and fixed points take
        // precedence.
        ended.sort_by(|a, b| {
            a.kind.cmp(&b.kind).then(a.speed.total_cmp(&b.speed)).then(a.start.cmp(&b.start))
        });
        let mut points: Vec<Point> = Vec::new();
        for point in ended {
            let near = |known: &&mut Point| length((&known.state - &point.state).view()) < self.unique;
            match points.iter_mut().find(near) {
                Some(known) => known.hits += 1,
                None => points.push(point),
            }
        }
        let order = |point: &Point| (point.kind, length(point.state.view()));
        points.sort_by(|a, b| {
            let ((kind, length), (other_kind, other)) = (order(a), order(b));
            kind.cmp(&other_kind).then(length.total_cmp(&other)).then(a.start.cmp(&b.start))
        });
        for point in points.iter_mut().filter(|point| point.kind == Kind::Fixed) {
            polish(system, point)?;
        }
        Ok(Found { points, unconverged })
    }

    /// Descends from one start, with Newton steps while they are good and Levenberg-Marquardt steps
    /// otherwise; `None` if it reaches no point.
    fn descend(&self, system: &Autonomous, start: usize, state: ArrayView1<f64>) -> Result<Option<Point>> {
        let mut at = Place::at(system, state.to_owned());
        if !at.speed.is_finite() {
            return Ok(None);
        }
        let (mut damping, mut newton, mut iterations) = (FIRST_DAMPING, true, 0);
        let mut before = (0, at.speed);
        while iterations <= self.max_iterations {
            if at.speed < self.tolerance || at.is_rounding() {
                return Ok(at.into_point(system, Kind::Fixed, start, iterations));
            }
            if iterations >= before.0 + PATIENCE {
                let per_step = libm::log(before.1 / at.speed) / (iterations - before.0) as f64;
                if libm::log(at.speed / self.slow) > HOPELESS * per_step {
                    return Ok(None);
                }
                before = (iterations, at.speed);
            }
            let slope = Slope::at(system, &at);
            let good = |next: &Steps| next.to.speed <= GOOD * at.speed;
            let next = match newton {
                true => slope.newton(system, &at, self.tolerance)?.filter(good),
                false => None,
            };
            let next = match next {
                None if !slope.is_flat(&at) => slope.damped(system, &at, &mut damping)?,
                next => next,
            };
            // If no step lowers the speed, rounding hides how flat it is.
            let Some(next) = next else {
                let slow = at.speed <= self.slow;
                return Ok(at.into_point(system, Kind::Slow, start, iterations).filter(|_| slow));
            };
            newton = good(&next);
            iterations += next.count;
            at = next.to;
        }
        Ok(None)
    }
}

/// The speed `½ ‖F(h) - h‖²` at a state.
///
/// # Errors
/// [`Error::Shape`] for a state of the wrong length.
pub fn speed(system: &Autonomous, state: ArrayView1<f64>) -> Result<f64> {
    let residual = system.next(state)? - state;
    Ok(0.5 * residual.dot(&residual))
}

/// Takes one more Newton step, if it lowers the speed. A state whose residual is within the tolerance may
/// still be far from the point in directions along which the speed hardly rises.
fn polish(system: &Autonomous, point: &mut Point) -> Result<()> {
    let at = Place::at(system, point.state.clone());
    let next = Slope::at(system, &at).newton(system, &at, f64::INFINITY)?.map(|steps| steps.to);
    if let Some(next) = next.filter(|next| next.speed < at.speed) {
        (point.state, point.speed) = (next.state, next.speed);
    }
    Ok(())
}

fn length(vector: ArrayView1<f64>) -> f64 {
    vector.iter().map(|entry| entry * entry).sum::<f64>().sqrt()
}

/// A state, and how fast the network moves away from it.
struct Place {
    state: Array1<f64>,
    /// `F(h) - h`.
    residual: Array1<f64>,
    /// `½ ‖F(h) - h‖²`.
    speed: f64,
}

impl Place {
    fn at(system: &Autonomous, state: Array1<f64>) -> Self {
        let residual = system.next_of(&state) - &state;
        let speed = 0.5 * residual.iter().map(|entry| entry * entry).sum::<f64>();
        Self { state, residual, speed }
    }

    /// The point at which the search ended; `None` if no orbit can reach it.
    fn into_point(self, system: &Autonomous, kind: Kind, start: usize, iterations: usize) -> Option<Point> {
        let Self { state, speed, .. } = self;
        system.is_reachable(&state).then_some(Point { kind, state, speed, start, iterations, hits: 1 })
    }

    /// Whether the residual does not exceed the rounding of the state.
    fn is_rounding(&self) -> bool {
        (2.0 * self.speed).sqrt() <= ROUNDINGS * f64::EPSILON * length(self.state.view())
    }
}

/// Several steps, and where they lead.
struct Steps {
    to: Place,
    count: usize,
}

/// How the residual changes around a place.
struct Slope {
    /// `J - I`, with rows indexed by the earlier state: a small step `d` adds the row `d (J - I)` to the
    /// residual.
    matrix: Array2<f64>,
    /// `(J - I) (F(h) - h)ᵀ`, the gradient of the speed.
    gradient: Array1<f64>,
    /// Frobenius norm of the matrix.
    size: f64,
}

impl Slope {
    fn at(system: &Autonomous, place: &Place) -> Self {
        let mut matrix = system.jacobian_of(&place.state);
        matrix.diag_mut().mapv_inplace(|entry| entry - 1.0);
        let gradient = matrix.dot(&place.residual);
        let size = matrix.iter().map(|entry| entry * entry).sum::<f64>().sqrt();
        Self { matrix, gradient, size }
    }

    fn is_flat(&self, place: &Place) -> bool {
        length(self.gradient.view()) <= FLAT * self.size * (2.0 * place.speed).sqrt()
    }

    /// Where the Newton step `d (J - I) = h - F(h)` leads, and further steps with the same Jacobian as long
    /// as each greatly lowers the speed and the speed is not yet below `enough`; `None` if the matrix is
    /// singular.
    fn newton(&self, system: &Autonomous, place: &Place, enough: f64) -> Result<Option<Steps>> {
        let Some(factors) = Elimination::of(self.matrix.t())? else { return Ok(None) };
        let step = |from: &Place| -> Result<Option<Place>> {
            let step = factors.solve((-&from.residual).view())?;
            Ok(step.map(|step| Place::at(system, &from.state + &step)))
        };
        let Some(to) = step(place)? else { return Ok(None) };
        let mut steps = Steps { to, count: 1 };
        while steps.to.speed.is_finite() && steps.to.speed >= enough {
            match step(&steps.to)?.filter(|next| next.speed < AGAIN * steps.to.speed) {
                Some(to) => steps = Steps { to, count: steps.count + 1 },
                None => break,
            }
        }
        Ok(Some(steps))
    }

    /// Where the first damped step `-d ((J - I) (J - I)ᵀ + λ I) = gradient` that lowers the speed leads.
    /// Updates the damping `λ` for the next step. `None` if no such step lowers the speed.
    fn damped(&self, system: &Autonomous, place: &Place, damping: &mut f64) -> Result<Option<Steps>> {
        let normal = lower_gram(&self.matrix);
        let scale = self.size * self.size;
        let mut growth = 2.0;
        for _ in 0..MOST_REFUSALS {
            let mut matrix = normal.clone();
            matrix.diag_mut().mapv_inplace(|entry| entry + *damping * scale);
            if let Some(step) = solve_positive_definite(matrix.view(), (-&self.gradient).view())? {
                let next = Place::at(system, &place.state + &step);
                // The reduction of the speed that the linear model predicts.
                let promised = 0.5 * step.dot(&(&step * (*damping * scale) - &self.gradient));
                let ratio = (place.speed - next.speed) / promised;
                if next.speed < place.speed {
                    let share = 2.0 * ratio - 1.0;
                    *damping = (*damping * (1.0 - share * share * share).max(1.0 / 3.0)).max(LEAST_DAMPING);
                    return Ok(Some(Steps { to: next, count: 1 }));
                }
            }
            *damping *= growth;
            growth *= 2.0;
        }
        Ok(None)
    }
}

/// Number of columns that are multiplied together, a multiple of the width of a panel.
const COLUMNS: usize = 48;

/// The lower triangle of `M Mᵀ`, and some entries above it.
fn lower_gram(matrix: &Array2<f64>) -> Array2<f64> {
    let (size, inner) = matrix.dim();
    let entries = matrix.as_slice().expect("in row-major order");
    let mut gram = Array2::zeros((size, size));
    for first in (0..size).step_by(COLUMNS) {
        let last = size.min(first + COLUMNS);
        let columns = Panels::from_transposed(matrix.slice(s![first..last, ..]));
        let mut block = Array2::zeros((size - first, last - first));
        let out = block.as_slice_mut().expect("in row-major order");
        product(&entries[first * inner..], &columns, out);
        gram.slice_mut(s![first.., first..last]).assign(&block);
    }
    gram
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_triangle_holds_the_products_of_rows() {
        for size in [1, 7, 48, 101] {
            let matrix = Array2::from_shape_fn((size, size), |(i, j)| ((37 * i + j) as f64 * 0.7).sin());
            let gram = lower_gram(&matrix);
            for i in 0..size {
                for j in 0..=i {
                    let expected = matrix.row(i).dot(&matrix.row(j));
                    assert!((gram[[i, j]] - expected).abs() < 1e-12, "{i}, {j} of {size}");
                }
            }
        }
    }
}
