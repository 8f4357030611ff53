//! How the time of an update grows with timesteps, batch size and units.

use std::hint::black_box;
use std::thread;

use anyhow::Result;
use concertina::model::network::initial;
use concertina::model::params::Params;
use concertina::model::task::{self, Ask};
use concertina::model::trainer::Updater;
use concertina_benches::{Session, Work};
use concertina_numerics::kernels::with_threads;

fn main() -> Result<()> {
    let mut session = Session::from_args("growth")?;
    for timesteps in [10, 30, 100, 300, 1000] {
        case(&mut session, &format!("{timesteps} timesteps"), |params| params.task.delay = timesteps)?;
    }
    for batch in [1, 2, 4, 8, 16, 32, 64, 128, 512, 2048, 8192] {
        case(&mut session, &format!("batch {batch}"), |params| {
            params.train.batch = batch;
            params.task.train_samples = batch.max(800);
        })?;
    }
    for units in [50, 100, 200, 400, 800, 1000, 1400, 2000] {
        case(&mut session, &format!("{units} units"), |params| {
            params.network.units = units;
            params.task.input_dim = 50;
        })?;
    }
    for units in [400, 1000, 2000] {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let name = format!("{units} units, {cores} threads");
        case_on(&mut session, &name, cores, |params| {
            params.network.units = units;
            params.task.input_dim = 50;
        })?;
    }
    session.finish()
}

fn case(session: &mut Session<'_>, name: &str, set: impl FnOnce(&mut Params)) -> Result<()> {
    case_on(session, name, 1, set)
}

/// An update at the paper's size, except for what `set` changes, on up to `threads` threads.
fn case_on(
    session: &mut Session<'_>,
    name: &str,
    threads: usize,
    set: impl FnOnce(&mut Params),
) -> Result<()> {
    let name = format!("update, {name}");
    if !session.wants(&name) {
        return Ok(());
    }
    let mut params = Params::default();
    params.network.gain = Some(1.0); // long trials stay finite
    set(&mut params);
    let params = params.check()?;
    let samples = task::of(&params)?.trials(Ask::Training(0));
    let mut updater = Updater::from_params(&params, &initial::draw(&params)?);
    let (batch, steps) = (params.train.batch, params.trial_steps());
    let (units, input_dim) = (params.network.units, params.task.input_dim);
    // forward and backward through every step but the first, and the gradient
    let products = batch * ((3 * steps - 3) * units * units + input_dim * units);
    session.case(name, Work::Flops(2.0 * products as f64), move || {
        let update = || updater.update_on_trials(&samples, 0..batch, 1e-6);
        black_box(with_threads(threads, update).expect("shapes agree"));
    });
    Ok(())
}
