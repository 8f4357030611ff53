//! The bounds on Jacobians from which the Lyapunov exponents tell what is above rounding.

use concertina_model::network::{Dynamics, Equations};
use concertina_model::params::{NetworkKind, Params};

/// Numbers between -1 and 1 that look random.
fn numbers(count: usize, seed: f64) -> Vec<f64> {
    (0..count).map(|place| (12.9898 * (place as f64 + 1.0) + seed).sin() * 0.99).collect()
}

/// Rows of the Jacobian of one step, and the bounds on the entries of `q J`, with this recurrent matrix.
fn jacobian_and_bounds(cell: &dyn Dynamics, units: usize, weights: &[f64]) -> (Vec<Vec<f64>>, Vec<f64>) {
    let (size, columns) = (cell.states() * units, cell.currents() * units);
    let product = |row: &[f64]| -> Vec<f64> {
        (0..columns)
            .map(|to| row.iter().enumerate().map(|(from, one)| one * weights[from * columns + to]).sum())
            .collect()
    };
    let mut state = numbers(size, 0.3);
    let (mut sent, mut slopes) = (state[..units].to_vec(), vec![1.0; units]);
    if cell.sends_rates() {
        cell.rates(&mut sent, &mut slopes);
    }
    let mut note = vec![0.0; cell.notes() * units];
    cell.step(&mut state, &product(&sent), &numbers(columns, 0.7), &mut note);
    let row = |from: usize| {
        let mut vector = vec![0.0; size];
        vector[from] = 1.0;
        let along: Vec<f64> = vector[..units].iter().zip(&slopes).map(|(one, slope)| one * slope).collect();
        cell.tangent(&mut vector, &product(&along), &note);
        vector
    };
    let length =
        |to: usize| weights.iter().skip(to).step_by(columns).map(|one| one * one).sum::<f64>().sqrt();
    let lengths: Vec<f64> = (0..columns).map(length).collect();
    let mut bounds = vec![0.0; size];
    assert!(cell.reach(&lengths, &slopes, &note, &mut bounds) <= size);
    ((0..size).map(row).collect(), bounds)
}

/// One current at a time has weights, so that a bound that leaves out a current is too low.
#[test]
fn no_entry_of_a_unit_vector_times_the_jacobian_exceeds_its_bound() {
    let units = 5;
    for kind in
        [NetworkKind::Vanilla, NetworkKind::Leaky, NetworkKind::Rate, NetworkKind::Gru, NetworkKind::Lstm]
    {
        let mut params = Params::default();
        (params.network.kind, params.network.dt, params.network.units) = (kind, 0.2, units);
        let cell = Equations::new(&params.check().expect("valid")).dynamics();
        for current in 0..cell.currents() {
            let columns = cell.currents() * units;
            let mut weights = numbers(units * columns, 1.1);
            for (place, weight) in weights.iter_mut().enumerate() {
                *weight *= if place % columns / units == current { 3.0 } else { 0.0 };
            }
            let (jacobian, bounds) = jacobian_and_bounds(&*cell, units, &weights);
            for (to, bound) in bounds.iter().enumerate() {
                // the largest entry of `q J` over unit vectors `q`
                let largest = jacobian.iter().map(|row| row[to] * row[to]).sum::<f64>().sqrt();
                assert!(largest <= bound * (1.0 + 1e-12), "{kind}, {current}: {largest} > {bound}");
            }
        }
    }
}
