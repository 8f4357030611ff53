//! Untrained networks of the paper's size, compared with tables produced by the published code.
//!
//! Realisations differ in their random numbers, so the means over five of ours and five of theirs are
//! compared. With 8 degrees of freedom, a difference of more than five joint standard errors occurs by chance
//! with a probability of 1e-3. There are 118 comparisons, with fixed seeds.

mod common;

use concertina_analysis::lyapunov::Stopping;
use concertina_analysis::{
    Analysis, AnalysisSpec, ClusterHoldout, EffectiveDimension, Lyapunov, Saturation, Timestep, Timesteps,
};
use concertina_model::params::Params;
use concertina_numerics::statistics::{mean, standard_error};
use concertina_table::Table;
use concertina_testing::reference::{Record, table};

const GAINS: [f64; 2] = [20.0, 250.0];
const JOINT_ERRORS: f64 = 5.0;

/// The tables of five realisations at a gain, before training, with the inputs of Figure 2.
fn ours(gain: f64, analysis: impl Into<AnalysisSpec>) -> Vec<Table> {
    with_inputs(Params::default().task.input_dim, gain, analysis)
}

fn with_inputs(input_dim: usize, gain: f64, analysis: impl Into<AnalysisSpec>) -> Vec<Table> {
    let analysis = analysis.into();
    let tables = (0..5).map(|seed| {
        let mut params = Params { seed, ..Params::default() };
        params.task.input_dim = input_dim;
        params.network.gain = Some(gain);
        analysis.run(&common::Run::untrained(params).subject()).expect("it applies")
    });
    tables.collect()
}

/// One value of each realisation: in `column`, where `index_column` is `index`.
fn values(tables: &[Table], column: &str, index_column: &str, index: i64) -> Vec<f64> {
    let value = |table: &Table| {
        let indices = table.integers(index_column).expect("there");
        let row = indices.iter().position(|found| *found == Some(index)).expect("there");
        table.floats(column).expect("there")[row].expect("defined")
    };
    tables.iter().map(value).collect()
}

/// One value of each realisation in the reference: `column` of the rows selected by `is_meant`.
fn theirs(rows: &[Record], gain: f64, column: &str, is_meant: impl Fn(&Record) -> bool) -> Vec<f64> {
    let rows = rows.iter().filter(|row| row.f64("g_radius") == gain && row.i64("loader_workers") == 0);
    rows.filter(|row| is_meant(row)).map(|row| row.f64(column)).collect()
}

fn assert_same_mean(what: &str, ours: &[f64], theirs: &[f64]) {
    assert_eq!((ours.len(), theirs.len()), (5, 5), "{what}: realisations");
    let average = |values| mean(values).expect("five values");
    let error = |values| standard_error(values).expect("five values");
    let joint = error(ours).hypot(error(theirs)).max(1e-3);
    let off = (average(ours) - average(theirs)).abs();
    assert!(off < JOINT_ERRORS * joint, "{what}: ours {ours:?}, theirs {theirs:?}");
}

#[test]
fn effective_dimensions_before_training_are_those_of_the_published_code() {
    let Some(rows) = table("fig2_effective_dimension") else { return };
    for gain in GAINS {
        let ours = ours(gain, EffectiveDimension::default());
        for timestep in -1..10 {
            let is_meant = |row: &Record| row.i64("num_epochs") == 0 && row.i64("layer") == timestep + 1;
            let theirs = theirs(&rows, gain, "effective_dimension", is_meant);
            let ours = values(&ours, "effective_dimension", "timestep", timestep);
            assert_same_mean(&format!("gain {gain}, timestep {timestep}"), &ours, &theirs);
        }
    }
}

#[test]
fn cluster_holdout_before_training_is_that_of_the_published_code() {
    let Some(rows) = table("fig2_cluster_holdout") else { return };
    for gain in GAINS {
        let timesteps = [-1, 0, 4, 9]; // each takes some time
        let ours = ours(
            gain,
            ClusterHoldout { timesteps: Timesteps::these(timesteps), ..ClusterHoldout::default() },
        );
        for timestep in timesteps {
            for (column, published) in
                [("training_accuracy", "LR_training"), ("testing_accuracy", "LR_testing")]
            {
                let is_meant = |row: &Record| row.i64("num_epochs") == 0 && row.i64("layer") == timestep + 1;
                let theirs = theirs(&rows, gain, published, is_meant);
                let ours = values(&ours, column, "timestep", timestep);
                assert_same_mean(&format!("{column}, gain {gain}, timestep {timestep}"), &ours, &theirs);
            }
        }
    }
}

#[test]
fn lyapunov_exponents_by_the_paper_rule_before_training_are_those_of_the_published_code() {
    let Some(rows) = table("fig2_lyapunov") else { return };
    for gain in GAINS {
        let ours = ours(gain, Lyapunov { stopping: Stopping::Paper, ..Lyapunov::default() });
        for index in 0..10 {
            let is_meant = |row: &Record| {
                row.text("call") == "extended" && row.i64("epoch_loaded") == 0 && row.i64("index") == index
            };
            let theirs = theirs(&rows, gain, "lyapunov_log2", is_meant);
            let ours = values(&ours, "exponent", "index", index + 1);
            assert_same_mean(&format!("gain {gain}, exponent {}", index + 1), &ours, &theirs);
        }
    }
}

#[test]
fn saturation_before_training_is_that_of_the_published_code() {
    let Some(rows) = table("fig3_saturation") else { return };
    for gain in GAINS {
        let ours =
            with_inputs(2, gain, Saturation { extend_to: Some(Timestep(14)), ..Saturation::default() });
        for timestep in 0..15 {
            for (column, published) in [("saturation", "mean_abs_h"), ("saturation_sd", "std_abs_h")] {
                let is_meant = |row: &Record| row.i64("num_epochs") == 0 && row.i64("layer") == timestep + 1;
                let theirs = theirs(&rows, gain, published, is_meant);
                let ours = values(&ours, column, "timestep", timestep);
                assert_same_mean(&format!("{column}, gain {gain}, timestep {timestep}"), &ours, &theirs);
            }
        }
    }
}
