//! Orbits with tangent frames: one timestep of Benettin's method for several initial conditions at the same
//! time.

use concertina_model::network::Dynamics;
use concertina_model::params::Nonlinearity;
use concertina_numerics::double::{Panels, product};
use ndarray::{Array2, Array3, ArrayView2, Axis};

use super::dynamics::Autonomous;
use super::frame::{Factors, Fate};
use crate::{Error, Result};

/// A positive entry of the state of a relu network that is smaller than this would soon underflow to zero,
/// and its unit would fall silent.
const SMALL: f64 = power_of_two(-500);
/// In that case every entry smaller than this is multiplied by [`UP`]. Both before and after, such entries
/// are far below any bias in single precision (at least 2⁻¹⁴⁹). Units without bias behave in the same way at
/// every scale, because relu is homogeneous.
const NEGLIGIBLE: f64 = power_of_two(-250);
const UP: f64 = power_of_two(100);

const fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// Orbits of one [`Autonomous`] network from several initial conditions, each with a frame of tangent
/// vectors.
///
/// `numbers` is the dimension of a state ([`Autonomous::dimension`]): the number of units, or a multiple of
/// it.
///
/// All states and all tangent vectors advance together, as the rows of a single matrix product per timestep.
/// The Jacobian is taken at the state that it maps from.
///
/// ```
/// use concertina_analysis::lyapunov::{Autonomous, Orbits, Rule};
/// use concertina_model::params::Nonlinearity;
/// use ndarray::{Array2, arr1, arr2};
///
/// let (weights, bias) = (arr2(&[[0.5, 0.0], [0.0, 0.25]]), arr1(&[0.0, 0.0]));
/// let shrinking = Autonomous::new(weights, bias, Nonlinearity::Linear, Rule::Map)?;
/// let (states, frame) = (Array2::zeros((1, 2)), Array2::eye(2));
/// let mut orbits = Orbits::new(&shrinking, states.view(), frame.view())?;
/// assert_eq!(orbits.step(), arr2(&[[-1.0, -2.0]])); // bits
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Orbits<'a> {
    system: &'a Autonomous,
    weights: Panels,
    /// (currents × units): the Euclidean length of each column of the weights.
    columns: Vec<f64>,
    /// (orbits, numbers), then (orbits × vectors, numbers): the states, then the tangent vectors at them.
    rows: Vec<f64>,
    /// (orbits × (1 + vectors), units): the left factor of the product, where it differs from `rows`.
    operand: Vec<f64>,
    /// `operand · W`, with currents × units columns.
    image: Vec<f64>,
    /// (orbits, units): `φ'(h)`, where rates are transmitted.
    slopes: Vec<f64>,
    /// (orbits, notes × units): intermediate values that the dynamics recorded in the timestep.
    notes: Vec<f64>,
    /// (numbers): the next state of a linear network, which is not used.
    next: Vec<f64>,
    /// (numbers): a bound on the entries of a tangent vector of the current orbit.
    scales: Vec<f64>,
    factors: Factors,
    /// (orbits, vectors): the stretches of the last timestep.
    log2_stretches: Array2<f64>,
    /// (orbits).
    tallies: Vec<Tally>,
    /// (orbits): the base-2 logarithm of the largest entry of each state.
    log2_sizes: Vec<f64>,
    /// (orbits): the correction to `log2_sizes` for states that were scaled up.
    log2_offsets: Vec<f64>,
}

/// Sums over the timesteps of an orbit since the last [`Orbits::forget`], one per tangent vector.
///
/// A vector that is lost moves to the end of its frame, and its sums move with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    /// Stretches in bits. Timesteps in which the vector was unresolved contribute upper bounds. Timesteps in
    /// which it was gone are left out.
    pub bits: Vec<f64>,
    /// Number of timesteps in which the vector was [`Fate::Gone`].
    pub gone: Vec<u32>,
    /// Number of timesteps in which the vector was [`Fate::Unresolved`].
    pub unresolved: Vec<u32>,
    /// Timesteps.
    pub timesteps: usize,
}

impl Tally {
    pub(super) fn zero(vectors: usize) -> Self {
        Self { bits: vec![0.0; vectors], gone: vec![0; vectors], unresolved: vec![0; vectors], timesteps: 0 }
    }

    /// Bits per timestep; `-∞` for a vector that was gone in any timestep.
    pub fn means(&self) -> Vec<f64> {
        let timesteps = self.timesteps.max(1) as f64;
        let mean = |(bits, gone): (&f64, &u32)| if *gone > 0 { f64::NEG_INFINITY } else { bits / timesteps };
        self.bits.iter().zip(&self.gone).map(mean).collect()
    }

    /// The number of timesteps in which each vector was lost, for either reason.
    pub fn losses(&self) -> impl Iterator<Item = u32> {
        self.gone.iter().zip(&self.unresolved).map(|(gone, unresolved)| gone + unresolved)
    }

    /// Whether any vector was lost.
    pub fn has_losses(&self) -> bool {
        self.losses().any(|count| count > 0)
    }

    fn add(&mut self, factors: &Factors) {
        self.timesteps += 1;
        if !factors.was.is_sorted() {
            self.bits = factors.was.iter().map(|before| self.bits[*before]).collect();
            self.gone = factors.was.iter().map(|before| self.gone[*before]).collect();
            self.unresolved = factors.was.iter().map(|before| self.unresolved[*before]).collect();
        }
        for (vector, (fate, length)) in factors.fates.iter().zip(&factors.log2_lengths).enumerate() {
            match fate {
                Fate::Kept => self.bits[vector] += length,
                Fate::Gone => self.gone[vector] += 1,
                Fate::Unresolved => {
                    self.bits[vector] += length;
                    self.unresolved[vector] += 1;
                }
            }
        }
    }
}

impl<'a> Orbits<'a> {
    /// Orbits that start at these states, all with the same frame.
    ///
    /// # Shapes
    /// `states`: (orbits, numbers); `frame`: (vectors, numbers), its rows orthonormal.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn new(system: &'a Autonomous, states: ArrayView2<f64>, frame: ArrayView2<f64>) -> Result<Self> {
        let (vectors, numbers) = frame.dim();
        let frames = frame.broadcast((states.nrows(), vectors, numbers)).expect("one frame for each orbit");
        Self::with_frames(system, states, frames.to_owned())
    }

    /// Orbits that start at these states, each with its own frame.
    ///
    /// # Shapes
    /// `states`: (orbits, numbers); `frames`: (orbits, vectors, numbers), the rows of each orthonormal.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn with_frames(system: &'a Autonomous, states: ArrayView2<f64>, frames: Array3<f64>) -> Result<Self> {
        let (orbits, units, numbers) = (states.nrows(), system.units(), system.dimension());
        let width = system.width();
        if states.ncols() != numbers {
            let expected = format!("(orbits, {width}) = (any, {numbers})");
            return Err(Error::Shape { what: "initial states", expected, found: states.shape().to_vec() });
        }
        let vectors = frames.dim().1;
        if frames.dim() != (orbits, vectors, numbers) || vectors > numbers {
            let expected = format!("(orbits, vectors, {width}) = ({orbits}, at most {numbers}, {numbers})");
            return Err(Error::Shape { what: "tangent frames", expected, found: frames.shape().to_vec() });
        }
        let rows: Vec<f64> = states.iter().chain(&frames).copied().collect();
        let dynamics = &*system.dynamics;
        let sent = if dynamics.sends_rates() { orbits } else { 0 };
        let products = orbits * (1 + vectors);
        let columns = system
            .weights
            .columns()
            .into_iter()
            .map(|column| column.iter().fold(0.0, |length: f64, weight| libm::hypot(length, *weight)));
        Ok(Self {
            system,
            weights: Panels::from_row_major(system.weights.view()),
            columns: columns.collect(),
            image: vec![0.0; products * dynamics.currents() * units],
            operand: vec![0.0; if has_operand(dynamics) { products * units } else { 0 }],
            rows,
            slopes: vec![0.0; sent * units],
            notes: vec![0.0; orbits * dynamics.notes() * units],
            next: vec![0.0; numbers],
            scales: vec![0.0; numbers],
            factors: Factors::new(vectors, numbers),
            log2_stretches: Array2::zeros((orbits, vectors)),
            tallies: vec![Tally::zero(vectors); orbits],
            log2_sizes: states.outer_iter().map(|state| libm::log2(largest(state.iter()))).collect(),
            log2_offsets: vec![0.0; orbits],
        })
    }

    /// The current states, (orbits, numbers).
    ///
    /// Entries of relu networks that would underflow are scaled up by a power of two.
    pub fn states(&self) -> ArrayView2<'_, f64> {
        let (orbits, numbers) = (self.log2_stretches.nrows(), self.system.dimension());
        ArrayView2::from_shape((orbits, numbers), &self.rows[..orbits * numbers]).expect("states come first")
    }

    /// The base-2 logarithm of the largest absolute entry of each current state, (orbits).
    pub fn log2_sizes(&self) -> &[f64] {
        &self.log2_sizes
    }

    /// The current tangent vectors of an orbit, (vectors, numbers).
    ///
    /// # Panics
    /// If there is no such orbit.
    pub fn frame(&self, orbit: usize) -> ArrayView2<'_, f64> {
        let ((orbits, vectors), numbers) = (self.log2_stretches.dim(), self.system.dimension());
        assert!(orbit < orbits, "orbit {orbit} of {orbits}");
        let frame = &self.rows[(orbits + orbit * vectors) * numbers..][..vectors * numbers];
        ArrayView2::from_shape((vectors, numbers), frame).expect("frames come after the states")
    }

    /// The sums of each orbit since they were last [forgotten](Self::forget).
    pub fn tallies(&self) -> &[Tally] {
        &self.tallies
    }

    /// Resets the sums of an orbit.
    ///
    /// # Panics
    /// If there is no such orbit.
    pub fn forget(&mut self, orbit: usize) {
        self.tallies[orbit] = Tally::zero(self.log2_stretches.ncols());
    }

    /// Moves every orbit to another state without changing its frame, in order to follow a known orbit.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn move_to(&mut self, states: ArrayView2<f64>) -> Result<()> {
        let expected = self.states().dim();
        if states.dim() != expected {
            let expected = format!("(orbits, {}) = {expected:?}", self.system.width());
            return Err(Error::Shape { what: "states", expected, found: states.shape().to_vec() });
        }
        self.rows.iter_mut().zip(states).for_each(|(row, state)| *row = *state);
        Ok(())
    }

    /// Gives an orbit another frame without changing its state.
    ///
    /// # Panics
    /// If there is no such orbit, or the frame does not have the shape of the previous one.
    pub(super) fn set_frame(&mut self, orbit: usize, frame: ArrayView2<f64>) {
        assert_eq!(frame.dim(), self.frame(orbit).dim(), "(vectors, numbers)");
        let first = (self.tallies.len() + orbit * frame.nrows()) * frame.ncols();
        self.rows[first..].iter_mut().zip(frame).for_each(|(row, entry)| *row = *entry);
    }

    /// Keeps only these orbits, in this order.
    pub(super) fn keep(&mut self, orbits: &[usize]) {
        let (all, vectors) = self.log2_stretches.dim();
        let (units, numbers) = (self.system.units(), self.system.dimension());
        let (states, frames) = self.rows.split_at(all * numbers);
        let frame = vectors * numbers;
        self.rows = orbits
            .iter()
            .flat_map(|orbit| &states[orbit * numbers..][..numbers])
            .chain(orbits.iter().flat_map(|orbit| &frames[orbit * frame..][..frame]))
            .copied()
            .collect();
        let dynamics = &self.system.dynamics;
        let products = orbits.len() * (1 + vectors);
        self.operand.truncate(products * units);
        self.image.truncate(products * dynamics.currents() * units);
        self.slopes.truncate(orbits.len() * units);
        self.notes.truncate(orbits.len() * dynamics.notes() * units);
        self.log2_stretches = self.log2_stretches.select(Axis(0), orbits);
        self.tallies = orbits.iter().map(|orbit| self.tallies[*orbit].clone()).collect();
        self.log2_sizes = orbits.iter().map(|orbit| self.log2_sizes[*orbit]).collect();
        self.log2_offsets = orbits.iter().map(|orbit| self.log2_offsets[*orbit]).collect();
    }

    /// One timestep: every state advances, and every frame is mapped by the Jacobian at the state before the
    /// step and made orthonormal again.
    ///
    /// # Returns
    /// (orbits, vectors): by how many bits the part of each tangent vector orthogonal to those before it was
    /// stretched; `-∞` where the Jacobian leaves no further direction, and an upper bound where only rounding
    /// error is left ([`Fate`]). Vectors that were lost come after those that were kept.
    pub fn step(&mut self) -> ArrayView2<'_, f64> {
        let system = self.system;
        self.step_with(system.bias.as_slice().expect("one contiguous vector"))
    }

    /// One timestep with these currents from the inputs, which include the bias
    /// ([`Driven::currents`](super::Driven::currents)), the same for every orbit.
    ///
    /// # Shapes
    /// `currents`: (currents × units); returns as [`step`](Self::step).
    ///
    /// # Panics
    /// If there are more or fewer currents.
    pub fn step_with(&mut self, currents: &[f64]) -> ArrayView2<'_, f64> {
        assert_eq!(currents.len(), self.system.bias.len(), "currents from the inputs");
        self.send();
        self.advance(currents);
        for orbit in 0..self.log2_sizes.len() {
            self.orthonormalise(orbit);
            self.watch_size(orbit);
        }
        self.log2_stretches.view()
    }

    /// Computes what is transmitted: `φ(h)` and `q ∘ φ'(h)`, or the part of states and tangent vectors that
    /// belongs to `h`.
    fn send(&mut self) {
        let dynamics = &*self.system.dynamics;
        let ((orbits, vectors), units) = (self.log2_stretches.dim(), self.system.units());
        if !dynamics.sends_rates() {
            let numbers = self.system.dimension();
            for (sent, row) in self.operand.chunks_exact_mut(units).zip(self.rows.chunks_exact(numbers)) {
                sent.copy_from_slice(&row[..units]);
            }
            return;
        }
        // cells that send rates have one number per unit
        let frame = vectors * units;
        let (states, frames) = self.rows.split_at(orbits * units);
        let (rates, bent) = self.operand.split_at_mut(orbits * units);
        for (orbit, slopes) in self.slopes.chunks_exact_mut(units).enumerate() {
            let rates = &mut rates[orbit * units..][..units];
            rates.copy_from_slice(&states[orbit * units..][..units]);
            dynamics.rates(rates, slopes);
            let vectors = frames[orbit * frame..][..frame].chunks_exact(units);
            for (bent, vector) in bent[orbit * frame..][..frame].chunks_exact_mut(units).zip(vectors) {
                for ((bent, entry), slope) in bent.iter_mut().zip(vector).zip(&*slopes) {
                    *bent = entry * slope;
                }
            }
        }
    }

    /// Computes the next state of every orbit, and the images of its frame.
    fn advance(&mut self, input: &[f64]) {
        let (system, units, numbers) = (self.system, self.system.units(), self.system.dimension());
        let dynamics = &*system.dynamics;
        let sent = if has_operand(dynamics) { &self.operand } else { &self.rows };
        product(sent, &self.weights, &mut self.image);
        let (orbits, vectors) = self.log2_stretches.dim();
        let (columns, noted, frame) =
            (dynamics.currents() * units, dynamics.notes() * units, vectors * numbers);
        let (currents, images) = self.image.split_at_mut(orbits * columns);
        let (states, frames) = self.rows.split_at_mut(orbits * numbers);
        for orbit in 0..orbits {
            let recurrent = &mut currents[orbit * columns..][..columns];
            for (current, bias) in recurrent.iter_mut().zip(&system.recurrent_bias) {
                *current += bias;
            }
            let mut state = &mut states[orbit * numbers..][..numbers];
            if dynamics.nonlinearity() == Some(Nonlinearity::Linear) {
                state = &mut self.next; // its Jacobian is constant, and it may overflow: it stays
            }
            let note = &mut self.notes[orbit * noted..][..noted];
            dynamics.step(state, recurrent, input, note);
            let vectors = frames[orbit * frame..][..frame].chunks_exact_mut(numbers);
            let images = images[orbit * vectors.len() * columns..].chunks_exact(columns);
            for (vector, image) in vectors.zip(images) {
                dynamics.tangent(vector, image, note);
            }
        }
    }

    /// Makes the images of an orbit's frame orthonormal, and counts how many were lost.
    fn orthonormalise(&mut self, orbit: usize) {
        let ((orbits, vectors), units) = (self.log2_stretches.dim(), self.system.units());
        let numbers = self.system.dimension();
        let dynamics = &*self.system.dynamics;
        let slopes = if dynamics.sends_rates() { &self.slopes[orbit * units..][..units] } else { &[] };
        let noted = dynamics.notes() * units;
        let note = &self.notes[orbit * noted..][..noted];
        let rank = dynamics.reach(&self.columns, slopes, note, &mut self.scales);
        let frame = &mut self.rows[(orbits + orbit * vectors) * numbers..][..vectors * numbers];
        self.factors.orthonormalise(frame, &self.scales, rank);
        let mut stretches = self.log2_stretches.row_mut(orbit);
        stretches.iter_mut().zip(&self.factors.log2_lengths).for_each(|(bits, length)| *bits = *length);
        self.tallies[orbit].add(&self.factors);
    }

    /// Records the size of a state, and scales up entries that would underflow.
    fn watch_size(&mut self, orbit: usize) {
        let numbers = self.system.dimension();
        let state = &mut self.rows[orbit * numbers..][..numbers];
        let mut size = largest(state.iter());
        let underflows = |entry: &f64| *entry != 0.0 && entry.abs() < SMALL;
        if self.system.dynamics.nonlinearity() == Some(Nonlinearity::Relu) && state.iter().any(underflows) {
            let negligible = state.iter_mut().filter(|entry| entry.abs() < NEGLIGIBLE);
            negligible.for_each(|entry| *entry *= UP);
            if size < NEGLIGIBLE {
                size *= UP;
                self.log2_offsets[orbit] -= UP.log2();
            }
        }
        self.log2_sizes[orbit] = libm::log2(size) + self.log2_offsets[orbit];
    }
}

/// Whether the left factor of the product with the weights differs from the states and tangent vectors.
fn has_operand(dynamics: &dyn Dynamics) -> bool {
    dynamics.sends_rates() || dynamics.states() > 1
}

/// The largest absolute value; NaN if any entry is NaN.
fn largest<'a>(entries: impl Iterator<Item = &'a f64>) -> f64 {
    entries.fold(
        0.0,
        |largest: f64, entry| {
            if entry.abs() > largest || entry.is_nan() { entry.abs() } else { largest }
        },
    )
}
