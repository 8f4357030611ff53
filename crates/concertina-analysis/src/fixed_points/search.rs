//! From many starts down to fixed and slow points, and which of them are the same.

use concertina_numerics::linalg::{Elimination, product, solve_positive_definite};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use crate::lyapunov::Autonomous;
use crate::{Error, Result};

/// What a search has ended at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The network stays: `F(h) = h`.
    Fixed,
    /// A local minimum of the speed that is not zero: the network passes slowly.
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

/// How far and how exactly to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    /// A point is fixed where the speed is lower.
    pub tolerance: f64,
    /// A local minimum of the speed is a slow point where the speed is at most this.
    pub slow: f64,
    /// Points that lie nearer to each other than this are one.
    pub unique: f64,
    /// Steps from each start.
    pub max_iterations: usize,
}

/// A point at which the search has ended, from one or several starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Fixed or slow.
    pub kind: Kind,
    /// The state, (units).
    pub state: Array1<f64>,
    /// `q = ½ ‖F(h) - h‖²`.
    pub speed: f64,
    /// Which of the starts ended nearest to it: the one with the lowest speed.
    pub start: usize,
    /// Steps from that start.
    pub iterations: usize,
    /// How many starts ended here.
    pub hits: usize,
}

/// What came of all starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Fixed points, then slow ones, each by their distance from zero.
    pub points: Vec<Point>,
    /// How many starts ended at none of them.
    pub unconverged: usize,
}

/// A step that leaves a quarter of the speed, half of the residual, or less is a good one.
const GOOD: f64 = 0.25;
/// After a step that leaves this share of the speed, a tenth of the residual, or less, the same Jacobian is
/// used again: a step then costs a twentieth of one with its own in a network of 200 units.
const AGAIN: f64 = 0.01;
/// Damping at first, in units of `‖J - I‖²`, as in Madsen, Nielsen and Tingleff's `τ`.
const FIRST_DAMPING: f64 = 1e-3;
/// Least damping, in the same units: under it rounding decides.
const LEAST_DAMPING: f64 = 1e-13;
/// Steps that may be refused one after the other; the damping grows by 2, 4, 8, ... and is then beyond any
/// scale.
const MOST_REFUSALS: usize = 30;
/// At a minimum the gradient is this small a share of the lengths of its factors, `‖J - I‖ ‖F(h) - h‖`.
/// Arbitrary, between rounding and the 1e-7 or so that it is next to a fixed point at which `J` has the
/// eigenvalue 1.
const FLAT: f64 = 1e-9;
/// A search that takes this many steps to lower a speed above [`HOPELESS`] times `slow` by less than one in a
/// hundred ([`STALLED`]) ends: at that rate it would need thousands of steps more. Arbitrary.
const PATIENCE: usize = 20;
const HOPELESS: f64 = 100.0;
const STALLED: f64 = 0.99;
/// Machine epsilons of the state within which a residual is rounding.
const ROUNDINGS: f64 = 8.0;

impl Search {
    /// Searches from each of these states.
    ///
    /// # Shapes
    /// `starts`: (starts, units).
    ///
    /// # Errors
    /// [`Error::Shape`] for states of another length, [`Error::NotFinite`] for a start that is NaN or
    /// infinite.
    pub fn run(&self, system: &Autonomous, starts: ArrayView2<f64>) -> Result<Found> {
        if starts.ncols() != system.units() {
            let expected = format!("(starts, units) = (any, {})", system.units());
            return Err(Error::Shape { what: "starts", expected, found: starts.shape().to_vec() });
        }
        crate::responses::check_finite(starts, || "starts".to_owned())?;
        let mut ended = Vec::new();
        for (start, state) in starts.outer_iter().enumerate() {
            ended.extend(self.descend(system, start, state)?);
        }
        let unconverged = starts.nrows() - ended.len();
        // The lowest of those that are one is taken for all, and fixed points count before slow ones.
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

    /// Goes down from one start: Newton's steps while they are good, Levenberg's and Marquardt's otherwise.
    /// `None` if that ends nowhere.
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
                if at.speed > HOPELESS * self.slow && at.speed > STALLED * before.1 {
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
            // Where no step lowers the speed, rounding hides how flat it is.
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
/// [`Error::Shape`] for a state of another length.
pub fn speed(system: &Autonomous, state: ArrayView1<f64>) -> Result<f64> {
    let residual = system.next(state)? - state;
    Ok(0.5 * residual.dot(&residual))
}

/// One more step of Newton's, if it lowers the speed: what the tolerance leaves of the residual may be far
/// from the point in directions along which the speed hardly rises.
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

/// A state, and how fast the network leaves it.
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

    /// The point that the search has ended at; `None` if no orbit comes there.
    fn into_point(self, system: &Autonomous, kind: Kind, start: usize, iterations: usize) -> Option<Point> {
        let Self { state, speed, .. } = self;
        system.is_reachable(&state).then_some(Point { kind, state, speed, start, iterations, hits: 1 })
    }

    /// Whether the residual is no more than the rounding of the state.
    fn is_rounding(&self) -> bool {
        (2.0 * self.speed).sqrt() <= ROUNDINGS * f64::EPSILON * length(self.state.view())
    }
}

/// Some steps, and where they lead.
struct Steps {
    to: Place,
    count: usize,
}

/// How the residual changes around a place.
struct Slope {
    /// `J - I`, rows by the state before: a small step `d` adds the row `d (J - I)` to the residual.
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

    /// Where Newton's step leads, `d (J - I) = h - F(h)`, and more steps with the same Jacobian as long as
    /// each leaves little of the speed and that is not `enough`; `None` where the matrix is singular.
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

    /// Where the damped step `-d ((J - I) (J - I)ᵀ + λ I) = gradient` leads that lowers the speed, with the
    /// damping `λ` for the next; `None` if none does.
    fn damped(&self, system: &Autonomous, place: &Place, damping: &mut f64) -> Result<Option<Steps>> {
        let normal = product(self.matrix.view(), self.matrix.t());
        let scale = self.size * self.size;
        let mut growth = 2.0;
        for _ in 0..MOST_REFUSALS {
            let mut matrix = normal.clone();
            matrix.diag_mut().mapv_inplace(|entry| entry + *damping * scale);
            if let Some(step) = solve_positive_definite(matrix.view(), (-&self.gradient).view())? {
                let next = Place::at(system, &place.state + &step);
                // What the linear model promises to take off the speed.
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
