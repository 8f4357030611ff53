//! Prints the seconds of one analysis of plain arrays here, the fastest of five calls, and its value, as a
//! line of JSON, for comparison with the peers in `benches/peers/analyses.py`.
//!
//! `arrays ANALYSIS ROWS COLUMNS FILE` reads ROWS × COLUMNS numbers in f64, little endian, row by row.
//! Analyses of two clouds take the first and the second half of the rows. For `decoding`, each 500 rows are a
//! timestep, rows alternate between two classes, and folds are consecutive rows. For `fixed_points`, the
//! first rows are the weights and the others are starts, and the value is the number of stable points.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use concertina::analyses::lyapunov::{Autonomous, Rule};
use concertina::analyses::{
    Decoding, FixedPoints, RdmDistance, cka, decoding, fixed_points, levina_bickel, procrustes_angle, rdm,
    twonn, with_threads,
};
use concertina::model::params::Nonlinearity;
use ndarray::{Array1, Array2, ArrayView2, Axis};

/// How often the analysis is called, as for the peers.
const CALLS: usize = 5;
/// Trials and folds of `decoding`, as for the peers.
const TRIALS: usize = 500;
const FOLDS: usize = 5;

/// One number from the result of an analysis, which the peers also have.
fn value(analysis: &str, states: ArrayView2<f64>) -> Result<Option<f64>> {
    let (x, y) = states.split_at(Axis(0), states.nrows() / 2);
    Ok(match analysis {
        "twonn" => twonn(states, 0.1)?.map(|found| found.dimension),
        "levina_bickel" => {
            levina_bickel(states, 10, 20)?.and_then(|found| found.by_neighbours.last().copied())
        }
        "rdm" => rdm(states, RdmDistance::Sqeuclidean)?.map(|found| found.sum()),
        "procrustes" => procrustes_angle(x, y)?,
        "cka" => cka(x, y)?,
        "decoding" => {
            let timesteps = states.nrows() / TRIALS;
            let states = states.into_shape_with_order((timesteps, TRIALS, states.ncols()))?;
            let labels: Vec<u32> = (0..TRIALS as u32).map(|trial| trial % 2).collect();
            let folds: Vec<usize> = (0..TRIALS).map(|trial| trial * FOLDS / TRIALS).collect();
            let found = decoding(&Decoding::default(), states, &labels, Some(&folds), 0)?.across();
            found.diag().mean()
        }
        "fixed_points" => {
            let (weights, starts) = states.split_at(Axis(0), states.ncols());
            let (weights, zero) = (weights.to_owned(), Array1::zeros(states.ncols()));
            let system = Autonomous::new(weights, zero, Nonlinearity::Tanh, Rule::Map)?;
            let found = fixed_points(&FixedPoints::default(), &system, starts)?;
            let kinds = found.texts("kind")?;
            let stable = found.integers("unstable")?.into_iter().zip(kinds);
            let stable =
                stable.filter(|(unstable, kind)| *unstable == Some(0) && kind.as_deref() == Some("fixed"));
            Some(stable.count() as f64)
        }
        other => bail!("expected an analysis that the peers also have, found `{other}`"),
    })
}

#[expect(clippy::print_stdout, reason = "the output of a benchmark is its text")]
fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().with_context(|| format!("expected {what}, found none"));
    let analysis = next("an analysis")?;
    let (rows, columns) = (next("a number of rows")?.parse()?, next("a number of columns")?.parse()?);
    let file = next("a file")?;
    let bytes = std::fs::read(&file).with_context(|| format!("{file} cannot be read"))?;
    let (chunks, rest) = bytes.as_chunks::<8>();
    let numbers: Vec<f64> = chunks.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    ensure!(rest.is_empty(), "{file}: expected numbers of 8 bytes, found {} bytes", bytes.len());
    let states = Array2::from_shape_vec((rows, columns), numbers).with_context(|| file.clone())?;
    with_threads(1, || {
        let (mut fastest, mut found) = (f64::INFINITY, None);
        for _ in 0..CALLS {
            let start = Instant::now();
            found = black_box(value(&analysis, black_box(states.view()))?);
            fastest = fastest.min(start.elapsed().as_secs_f64());
        }
        let found = found.context("the analysis is undefined for these numbers")?;
        println!("{{\"seconds\": {fastest:e}, \"value\": {found:e}}}");
        Ok(())
    })
}
