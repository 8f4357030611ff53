//! The network without input, as a map of its state, and the action of its Jacobian.

use concertina_model::network::Network;
use concertina_model::params::{NetworkKind, Nonlinearity};
use ndarray::{Array1, Array2};

use crate::{Error, Result};

/// A network without input: a map from its state to its next state, in f64.
///
/// Row vectors throughout, so a tangent vector `q` at `h` becomes the row `q J` with `J[i, j] = ∂h'[j] /
/// ∂h[i]`:
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
    /// `h' = kept h + dt (φ(h) W + b)`: one Euler step of the leaky network; `kept` is `1 - dt`, or 1 without
    /// leak.
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
    pub fn new(
        weights: Array2<f64>,
        bias: Array1<f64>,
        nonlinearity: Nonlinearity,
        rule: Rule,
    ) -> Result<Self> {
        let units = bias.len();
        if weights.dim() != (units, units) || units == 0 {
            let expected = format!("(units, units) = ({units}, {units}), with at least one unit");
            return Err(Error::Shape {
                what: "recurrent weights",
                expected,
                found: weights.shape().to_vec(),
            });
        }
        if let Some(((from, to), value)) = weights.indexed_iter().find(|(_, value)| !value.is_finite()) {
            let place = format!("from unit {from} to unit {to}");
            return Err(Error::NotFinite { what: "recurrent weights".to_owned(), place, value: *value });
        }
        if let Some((unit, value)) = bias.indexed_iter().find(|(_, value)| !value.is_finite()) {
            return Err(Error::NotFinite {
                what: "bias".to_owned(),
                place: format!("unit {unit}"),
                value: *value,
            });
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

#[cfg(test)]
mod tests {
    use ndarray::{arr1, arr2};

    use super::*;

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
