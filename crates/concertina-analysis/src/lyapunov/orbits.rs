//! Orbits with tangent frames: one timestep of Benettin's method for several initial conditions at once.

use concertina_model::params::Nonlinearity;
use ndarray::{Array2, Array3, ArrayView2, Axis};

use super::activation::activate;
use super::dynamics::{Autonomous, Rule};
use super::frame::orthonormalise;
use super::product::{Panels, product};
use crate::{Error, Result};

/// Orbits of one [`Autonomous`] network from several initial conditions, each with a frame of tangent vectors.
///
/// All states and all tangent vectors advance together, as the rows of one matrix product a timestep. The Jacobian is taken
/// at the state that it maps from.
///
/// ```
/// use concertina_analysis::lyapunov::{Autonomous, Orbits, Rule};
/// use concertina_model::params::Nonlinearity;
/// use ndarray::{Array2, arr1, arr2, s};
///
/// let halving = Autonomous::new(arr2(&[[0.5, 0.0], [0.0, 0.25]]), arr1(&[0.0, 0.0]), Nonlinearity::Linear, Rule::Map)?;
/// let mut orbits = Orbits::new(&halving, Array2::zeros((1, 2)).view(), Array2::eye(2).slice(s![.., ..]))?;
/// assert_eq!(orbits.step(), arr2(&[[-1.0, -2.0]])); // bits
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Orbits<'a> {
    system: &'a Autonomous,
    weights: Panels,
    /// (orbits, units), then (orbits × vectors, units): what stands here is at `h_t`.
    rows: Vec<f64>,
    /// The left side of the product, where it is not `rows` themselves.
    operand: Vec<f64>,
    /// `operand · W`, of the same shape.
    image: Vec<f64>,
    /// (units): `φ'` of the orbit at hand.
    slopes: Vec<f64>,
    /// (orbits, vectors).
    log2_stretches: Array2<f64>,
}

impl<'a> Orbits<'a> {
    /// Orbits that start at these states, all with the same frame.
    ///
    /// # Shapes
    /// `states`: (orbits, units); `frame`: (vectors, units), its rows orthonormal.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn new(system: &'a Autonomous, states: ArrayView2<f64>, frame: ArrayView2<f64>) -> Result<Self> {
        let (vectors, units) = frame.dim();
        let frames = frame.broadcast((states.nrows(), vectors, units)).expect("one frame for each orbit");
        Self::with_frames(system, states, frames.to_owned())
    }

    /// Orbits that start at these states, each with a frame of its own.
    ///
    /// # Shapes
    /// `states`: (orbits, units); `frames`: (orbits, vectors, units), the rows of each orthonormal.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn with_frames(system: &'a Autonomous, states: ArrayView2<f64>, frames: Array3<f64>) -> Result<Self> {
        let (orbits, units) = (states.nrows(), system.units());
        if states.ncols() != units {
            let expected = format!("(orbits, units) = (any, {units})");
            return Err(Error::Shape { what: "initial states", expected, found: states.shape().to_vec() });
        }
        let vectors = frames.dim().1;
        if frames.dim() != (orbits, vectors, units) || vectors > units {
            let expected = format!("(orbits, vectors, units) = ({orbits}, at most {units}, {units})");
            return Err(Error::Shape { what: "tangent frames", expected, found: frames.shape().to_vec() });
        }
        let rows: Vec<f64> = states.iter().chain(&frames).copied().collect();
        let operand = if system.rule == Rule::Map { Vec::new() } else { vec![0.0; rows.len()] };
        let image = vec![0.0; rows.len()];
        let log2_stretches = Array2::zeros((orbits, vectors));
        let weights = Panels::from_row_major(system.weights.view());
        Ok(Self { system, weights, rows, operand, image, slopes: vec![0.0; units], log2_stretches })
    }

    /// The states now, (orbits, units).
    pub fn states(&self) -> ArrayView2<'_, f64> {
        let (orbits, units) = (self.log2_stretches.nrows(), self.system.units());
        ArrayView2::from_shape((orbits, units), &self.rows[..orbits * units]).expect("states come first")
    }

    /// The tangent vectors of an orbit now, (vectors, units).
    ///
    /// # Panics
    /// If there is no such orbit.
    pub fn frame(&self, orbit: usize) -> ArrayView2<'_, f64> {
        let ((orbits, vectors), units) = (self.log2_stretches.dim(), self.system.units());
        assert!(orbit < orbits, "orbit {orbit} of {orbits}");
        let frame = &self.rows[(orbits + orbit * vectors) * units..][..vectors * units];
        ArrayView2::from_shape((vectors, units), frame).expect("frames come after the states")
    }

    /// Puts every orbit at another state and leaves its frame: to follow an orbit that is known.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn move_to(&mut self, states: ArrayView2<f64>) -> Result<()> {
        let expected = self.states().dim();
        if states.dim() != expected {
            let expected = format!("(orbits, units) = {expected:?}");
            return Err(Error::Shape { what: "states", expected, found: states.shape().to_vec() });
        }
        self.rows.iter_mut().zip(states).for_each(|(row, state)| *row = *state);
        Ok(())
    }

    /// Keeps these orbits only, in this order.
    pub(super) fn keep(&mut self, orbits: &[usize]) {
        let (all, units) = (self.log2_stretches.nrows(), self.system.units());
        let (states, frames) = self.rows.split_at(all * units);
        let frame = frames.len() / all.max(1);
        self.rows = orbits
            .iter()
            .flat_map(|orbit| &states[orbit * units..][..units])
            .chain(orbits.iter().flat_map(|orbit| &frames[orbit * frame..][..frame]))
            .copied()
            .collect();
        self.operand.truncate(self.rows.len());
        self.image.truncate(self.rows.len());
        self.log2_stretches = self.log2_stretches.select(Axis(0), orbits);
    }

    /// One timestep: every state goes on, every frame is carried along by the Jacobian at the state it was at, and is made
    /// orthonormal again.
    ///
    /// # Returns
    /// (orbits, vectors): by how many bits each tangent vector was stretched, orthogonally to those before it; `-∞` for one
    /// whose image depends on those before it.
    pub fn step(&mut self) -> ArrayView2<'_, f64> {
        match self.system.rule {
            Rule::Map => self.step_map(),
            Rule::Euler { dt, kept } => self.step_euler(dt, kept),
        }
        self.log2_stretches.view()
    }

    /// `h' = φ(h W + b)`, `q' = (q W) ∘ φ'(h W + b)`.
    fn step_map(&mut self) {
        let (system, units) = (self.system, self.system.units());
        product(&self.rows, &self.weights, &mut self.image);
        let (orbits, vectors) = self.log2_stretches.dim();
        let (currents, images) = self.image.split_at(orbits * units); // h W and q W
        let (states, frames) = self.rows.split_at_mut(orbits * units);
        let frame = vectors * units;
        for (orbit, mut stretches) in self.log2_stretches.outer_iter_mut().enumerate() {
            let currents = currents[orbit * units..][..units].iter().zip(&system.bias);
            let state = &mut states[orbit * units..][..units];
            if system.nonlinearity != Nonlinearity::Linear {
                state.iter_mut().zip(currents).for_each(|(state, (current, bias))| *state = current + bias);
            } // a linear network has the same Jacobian everywhere, and its state may overflow: it stays
            activate(system.nonlinearity, state, &mut self.slopes);
            let images = images[orbit * frame..][..frame].chunks_exact(units);
            let frame = &mut frames[orbit * frame..][..frame];
            for (vector, image) in frame.chunks_exact_mut(units).zip(images) {
                for ((entry, image), slope) in vector.iter_mut().zip(image).zip(&self.slopes) {
                    *entry = image * slope;
                }
            }
            orthonormalise(frame, units, stretches.as_slice_mut().expect("row-major"));
        }
    }

    /// `h' = kept h + dt (φ(h) W + b)`, `q' = kept q + dt (q ∘ φ'(h)) W`.
    fn step_euler(&mut self, dt: f64, kept: f64) {
        let (system, units) = (self.system, self.system.units());
        let (orbits, vectors) = self.log2_stretches.dim();
        let frame = vectors * units;
        let (states, frames) = self.rows.split_at_mut(orbits * units);
        let (rates, bent) = self.operand.split_at_mut(orbits * units); // φ(h) and q ∘ φ'(h)
        for orbit in 0..orbits {
            let rates = &mut rates[orbit * units..][..units];
            rates.copy_from_slice(&states[orbit * units..][..units]);
            activate(system.nonlinearity, rates, &mut self.slopes);
            let vectors = frames[orbit * frame..][..frame].chunks_exact(units);
            for (bent, vector) in bent[orbit * frame..][..frame].chunks_exact_mut(units).zip(vectors) {
                for ((bent, entry), slope) in bent.iter_mut().zip(vector).zip(&self.slopes) {
                    *bent = entry * slope;
                }
            }
        }
        product(&self.operand, &self.weights, &mut self.image);
        let (currents, images) = self.image.split_at(orbits * units);
        for (orbit, mut stretches) in self.log2_stretches.outer_iter_mut().enumerate() {
            if system.nonlinearity != Nonlinearity::Linear {
                let currents = currents[orbit * units..][..units].iter().zip(&system.bias);
                for (state, (current, bias)) in states[orbit * units..][..units].iter_mut().zip(currents) {
                    *state = kept * *state + dt * (current + bias);
                }
            }
            let images = &images[orbit * frame..][..frame];
            let frame = &mut frames[orbit * frame..][..frame];
            for (entry, image) in frame.iter_mut().zip(images) {
                *entry = kept * *entry + dt * image;
            }
            orthonormalise(frame, units, stretches.as_slice_mut().expect("row-major"));
        }
    }
}
