//! Prints the seconds of one update here, the fastest of five slices, as a line of JSON, for comparison with
//! the peers in `benches/peers/compare.py`.
//!
//! `update paper BATCH UPDATES` measures the paper's network. The others have inputs and losses at every one
//! of 100 timesteps: `vanilla`, `gru`, `lstm`, `rate`, and `low_rank` and `dale`, which are rate networks.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use concertina::model::network::TrainedWeights;
use concertina::model::params::{NetworkKind, OptimizerKind, Params, TaskKind};
use concertina::model::task::{self, Ask};
use concertina::model::trainer::Updater;

/// Batches that are used in turn, as in an epoch; the same number as for the peers.
const BATCHES: usize = 80;

/// The number of slices into which the updates are divided, as for the peers.
const SLICES: usize = 5;

/// The networks and tasks that the peers also have.
fn parameters(network: &str) -> Result<Params> {
    let mut params = Params::default();
    params.network.kind = match network {
        "paper" => return Ok(params),
        "vanilla" => NetworkKind::Vanilla,
        "gru" => NetworkKind::Gru,
        "lstm" => NetworkKind::Lstm,
        "rate" | "low_rank" | "dale" => NetworkKind::Rate,
        other => {
            bail!("expected `paper`, `vanilla`, `gru`, `lstm`, `rate`, `low_rank` or `dale`, found `{other}`")
        }
    };
    match network {
        "low_rank" => params.network.rank = Some(2),
        "dale" => params.network.excitatory = Some(0.8),
        _ => {}
    }
    params.task.kind = TaskKind::FlipFlop;
    (params.network.units, params.network.gain) = (128, Some(1.0));
    params.network.dt = if params.network.kind == NetworkKind::Rate { 0.1 } else { 1.0 };
    params.network.train_input = true;
    params.train.optimizer = OptimizerKind::Adam;
    Ok(params)
}

#[expect(clippy::print_stdout, reason = "the output of a benchmark is its text")]
fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let network = arguments.next().context("expected a network, a batch and a number of updates")?;
    let mut number = |what: &str| -> Result<usize> {
        let text = arguments.next().with_context(|| format!("expected {what}, found none"))?;
        text.parse().with_context(|| format!("expected a number for {what}, found `{text}`"))
    };
    let (batch, updates) = (number("the batch")?, number("the updates")?);
    let mut params = parameters(&network)?;
    params.train.batch = batch;
    params.task.train_samples = BATCHES * batch;
    let params = params.check()?;
    let trials = task::of(&params)?.trials(Ask::Training(0));
    let mut updater = Updater::from_params(&params, &TrainedWeights::draw(&params)?);
    let mut go = |count: usize| -> Result<f64> {
        let start = Instant::now();
        for update in 0..count {
            let first = update % BATCHES * batch;
            let rate = params.train.learning_rate;
            black_box(updater.update_on_trials(&trials, first..first + batch, rate)?);
        }
        Ok(start.elapsed().as_secs_f64() / count as f64)
    };
    go(updates / 10 + 1)?;
    let mut fastest = f64::INFINITY;
    for _ in 0..SLICES {
        fastest = fastest.min(go((updates / SLICES).max(1))?);
    }
    println!("{{\"seconds\": {fastest:e}}}");
    Ok(())
}
