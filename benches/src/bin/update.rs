//! Seconds of one update here, the fastest of five slices, as a line of JSON: the other side of `benches/peers/compare.py`.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result};
use concertina::model::network::initial;
use concertina::model::params::Params;
use concertina::model::task::{self, Ask};
use concertina::model::trainer::Updater;

/// Batches that are gone through in turn, as an epoch would; the same number as the peer has.
const BATCHES: usize = 80;

/// Slices that the updates are measured in, as by the peer.
const SLICES: usize = 5;

#[expect(clippy::print_stdout, reason = "the output of a benchmark is its text")]
fn main() -> Result<()> {
    let mut numbers = std::env::args().skip(1);
    let mut number = |what: &str| -> Result<usize> {
        let text = numbers
            .next()
            .with_context(|| format!("expected two numbers, the batch and the updates; {what} is missing"))?;
        text.parse().with_context(|| format!("expected a number for {what}, found `{text}`"))
    };
    let (batch, updates) = (number("the batch")?, number("the updates")?);
    let mut params = Params::default();
    params.train.batch = batch;
    params.task.train_samples = BATCHES * batch;
    let params = params.check()?;
    let samples = task::of(&params)?.trials(Ask::Training(0));
    let mut updater = Updater::from_params(&params, &initial::draw(&params)?);
    let mut go = |count: usize| -> Result<f64> {
        let start = Instant::now();
        for update in 0..count {
            let first = update % BATCHES * batch;
            let rate = params.train.learning_rate;
            black_box(updater.update_on_trials(&samples, first..first + batch, rate)?);
        }
        Ok(start.elapsed().as_secs_f64() / count as f64)
    };
    go(updates / 10 + 1)?;
    let mut fastest = f64::INFINITY;
    for _ in 0..SLICES {
        fastest = fastest.min(go(updates / SLICES)?);
    }
    println!("{{\"seconds\": {fastest:e}}}");
    Ok(())
}
