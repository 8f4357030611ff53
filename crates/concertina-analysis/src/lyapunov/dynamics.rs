//! The network without input, as a map of its state, and the action of its Jacobian.

use concertina_model::network::Network;
use concertina_model::params::{NetworkKind, Nonlinearity};
use ndarray::{Array1, Array2};

use crate::{Error, Result};

/// A network without input: a map from its state to its next state, in f64.
///
/// Row vectors throughout, so a tangent vector `q` at `h` becomes the row `q J` with `J[i, j] = ∂h'[j] / ∂h[i]`:
///
/// ```text
/// map    h' = φ(h W + b)                    q J = (q W) ∘ φ'(h W + b)
/// Euler  h' = h + dt (-h + φ(h) W + b)      q J = (1 - dt) q + dt (q ∘ φ'(h)) W      (without leak: 1 for 1 - dt)
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Autonomous {
    pub(super) weights: Array2<f64>,
    pub(super) bias: Array1<f64>,
    pub(super) nonlinearity: Nonlinearity,
    pub(super) rule: Rule,
}

/// How the next state follows from the input current.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// `h' = φ(h W + b)`: the vanilla network.
    Map,
    /// `h' = kept h + dt (φ(h) W + b)`: one Euler step of the leaky network; `kept` is `1 - dt`, or 1 without leak.
    Euler {
        /// The step, in time constants.
        dt: f64,
        /// The share of the state that stays.
        kept: f64,
    },
}

impl Autonomous {
    /// The dynamics with these weights.
    ///
    /// # Shapes
    /// `weights`: (units, units), (from, to); `bias`: (units).
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`].
    pub fn new(weights: Array2<f64>, bias: Array1<f64>, nonlinearity: Nonlinearity, rule: Rule) -> Result<Self> {
        let units = bias.len();
        if weights.dim() != (units, units) || units == 0 {
            let expected = format!("(units, units) = ({units}, {units}), with at least one unit");
            return Err(Error::Shape { what: "recurrent weights", expected, found: weights.shape().to_vec() });
        }
        if let Some(((from, to), value)) = weights.indexed_iter().find(|(_, value)| !value.is_finite()) {
            let place = format!("from unit {from} to unit {to}");
            return Err(Error::NotFinite { what: "recurrent weights".to_owned(), place, value: *value });
        }
        if let Some((unit, value)) = bias.indexed_iter().find(|(_, value)| !value.is_finite()) {
            return Err(Error::NotFinite { what: "bias".to_owned(), place: format!("unit {unit}"), value: *value });
        }
        Ok(Self { weights: weights.as_standard_layout().into_owned(), bias, nonlinearity, rule })
    }

    /// The dynamics of a recurrent network; `None` for a feedforward one, which has none.
    ///
    /// # Errors
    /// [`Error::NotFinite`].
    pub fn of(network: &Network) -> Result<Option<Self>> {
        let rule = match network.kind() {
            NetworkKind::Vanilla => Rule::Map,
            NetworkKind::Leaky => Rule::Euler { dt: network.dt(), kept: network.equations().kept() },
            NetworkKind::Feedforward => return Ok(None),
        };
        let weights = network.weights();
        let (recurrent, bias) = (weights.recurrent[0].mapv(f64::from), weights.biases[0].mapv(f64::from));
        Self::new(recurrent, bias, network.nonlinearity(), rule).map(Some)
    }

    /// Number of units.
    pub fn units(&self) -> usize {
        self.bias.len()
    }
}

/// `φ(a)` and `φ'(a)`; relu has slope 0 at 0.
pub(super) fn value_and_slope(nonlinearity: Nonlinearity, a: f64) -> (f64, f64) {
    match nonlinearity {
        Nonlinearity::Tanh => tanh_and_slope(a),
        Nonlinearity::Relu => (a.max(0.0), f64::from(u8::from(a > 0.0))),
        Nonlinearity::Linear => (a, 1.0),
    }
}

/// `tanh a` and `1 / cosh² a`, both to a few ulp for every `a`.
///
/// `1 - tanh²` has no digits left where the unit saturates, and there the Jacobian needs them: with `e = exp(-2|a|)`,
/// `tanh|a| = (1 - e) / (1 + e)` and the slope is `4 e / (1 + e)²`. Below one half it is the other way round.
fn tanh_and_slope(a: f64) -> (f64, f64) {
    let size = a.abs();
    if size < 0.5 {
        let value = libm::tanh(a);
        return (value, 1.0 - value * value);
    }
    let e = libm::exp(-2.0 * size);
    let above = 1.0 + e;
    (((1.0 - e) / above).copysign(a), 4.0 * e / (above * above))
}

#[cfg(test)]
mod tests {
    use ndarray::{arr1, arr2};

    use super::*;

    #[test]
    fn the_slope_of_tanh_keeps_its_digits_where_the_unit_saturates() {
        for step in -4000..4000 {
            let a = f64::from(step) / 100.0; // slopes down to 1e-34
            let (value, slope) = tanh_and_slope(a);
            let cosh = a.cosh();
            assert!((value - a.tanh()).abs() <= 4.0 * f64::EPSILON * a.tanh().abs(), "tanh {a}");
            assert!((slope * cosh * cosh - 1.0).abs() <= 16.0 * f64::EPSILON, "slope at {a}");
        }
    }

    #[test]
    fn relu_has_slope_zero_at_zero() {
        assert_eq!(value_and_slope(Nonlinearity::Relu, 0.0), (0.0, 0.0));
        assert_eq!(value_and_slope(Nonlinearity::Relu, 2.0), (2.0, 1.0));
    }

    #[test]
    fn weights_that_cannot_be_are_refused_by_name() {
        let new = |weights, bias| {
            Autonomous::new(weights, bias, Nonlinearity::Tanh, Rule::Map).expect_err("refused").to_string()
        };
        assert_eq!(
            new(arr2(&[[1.0, 2.0]]), arr1(&[0.0, 0.0])),
            "recurrent weights: expected (units, units) = (2, 2), with at least one unit, found [1, 2]"
        );
        assert_eq!(
            new(arr2(&[[1.0, 2.0], [f64::NAN, 0.0]]), arr1(&[0.0, 0.0])),
            "recurrent weights: expected finite numbers, found NaN at from unit 1 to unit 0"
        );
    }
}
