//! The networks in the golden fixtures of the dynamics.

use std::sync::Arc;

use concertina_analysis::lyapunov::{Autonomous, Driven, Rule};
use concertina_model::network::{Gru, Lstm, Rate};
use concertina_model::params::Nonlinearity;
use concertina_testing::golden::Fixture;
use ndarray::{Array1, Array2, Array3, Ix1, Ix2, Ix3};

pub(crate) fn vector(fixture: &Fixture, name: &str) -> Array1<f64> {
    fixture.f64(name).into_dimensionality::<Ix1>().expect("a vector")
}

pub(crate) fn matrix(fixture: &Fixture, name: &str) -> Array2<f64> {
    fixture.f64(name).into_dimensionality::<Ix2>().expect("a matrix")
}

pub(crate) fn cube(fixture: &Fixture, name: &str) -> Array3<f64> {
    fixture.f64(name).into_dimensionality::<Ix3>().expect("three axes")
}

/// The network of a case without input: a GRU and an LSTM are known by the blocks of their weights, a rate
/// network by its step, and linear networks by their names.
pub(crate) fn autonomous(fixture: &Fixture, net: &str) -> Autonomous {
    let of = |name: &str| format!("{net}.{name}");
    let weights = matrix(fixture, &of("W"));
    let blocks = weights.ncols() / weights.nrows();
    let zeros = || Array1::zeros(weights.ncols());
    let bias = if fixture.has(&of("b")) { vector(fixture, &of("b")) } else { zeros() };
    let gates = |dynamics| {
        Autonomous::with_dynamics(dynamics, weights.clone(), bias.clone(), vector(fixture, &of("d")))
    };
    let system = match blocks {
        3 => gates(Arc::new(Gru)),
        4 => gates(Arc::new(Lstm)),
        _ if fixture.has(&of("alpha")) => {
            let rate = Rate::new(Nonlinearity::Tanh, fixture.scalar(&of("alpha")));
            Autonomous::with_dynamics(Arc::new(rate), weights, bias, Array1::zeros(0))
        }
        _ => {
            let linear = ["line", "linear", "shear"].contains(&net);
            let nonlinearity = if linear { Nonlinearity::Linear } else { Nonlinearity::Tanh };
            Autonomous::new(weights, bias, nonlinearity, Rule::Map)
        }
    };
    system.expect("the fixture has sound weights")
}

/// The same with its input weights.
pub(crate) fn driven(fixture: &Fixture, net: &str) -> Driven {
    let weights = matrix(fixture, &format!("{net}.U"));
    Driven::new(autonomous(fixture, net), weights).expect("the fixture has sound weights")
}
