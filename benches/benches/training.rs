//! One update, one epoch, one run, on one thread: rates, and their shares of this core's peak.

use std::collections::BTreeSet;
use std::hint::black_box;

use anyhow::Result;
use concertina::model::network::TrainedWeights;
use concertina::model::params::{
    GradientMethod, LossKind, NetworkParams, Nonlinearity, Params, SchedulerKind, ValidParams,
};
use concertina::model::task::{self, Ask};
use concertina::model::trainer::{Trainer, Updater};
use concertina_benches::{Session, Work};

/// Small enough that the losses of two updates hardly differ, so that the network stays as it is.
const LEARNING_RATE: f64 = 1e-6;

fn main() -> Result<()> {
    let params = Params::default().check()?;
    let task = task::of(&params)?;
    let mut epoch = 0;
    let mut session = Session::from_args("training")?;
    for batch in [1, 2, 4, 10, 16, 50, 800] {
        let mut params = Params::default();
        params.train.batch = batch;
        updates(&mut session, &format!("update, batch {batch}"), &params.check()?, general_flops(batch))?;
    }
    for batch in [1, 10, 50, 800] {
        for gradients in [GradientMethod::Split, GradientMethod::Condensed] {
            let params = linear(batch, gradients).check()?;
            let name = format!("linear network, batch {batch}, {}", params.train.gradients);
            updates(&mut session, &name, &params, Work::Whole)?;
        }
    }
    let noisy = Params {
        network: NetworkParams { unit_noise: 0.05, ..linear(800, GradientMethod::Condensed).network },
        ..linear(800, GradientMethod::Condensed)
    };
    updates(&mut session, "linear network, batch 800, condensed, unit noise", &noisy.check()?, Work::Whole)?;
    let full_batches = linear(800, GradientMethod::Condensed).check()?;
    session.case("linear network, epoch of one update, condensed, validation", Work::Whole, {
        let mut trainer = Trainer::new(&full_batches)?;
        move || {
            black_box(trainer.train_epoch(&BTreeSet::new(), &mut |_, _| {}).expect("it does not diverge"));
        }
    });
    session.case("epoch of 80 updates, validation", Work::Flops(epoch_flops()), {
        let mut trainer = Trainer::new(&params)?;
        move || {
            black_box(trainer.train_epoch(&BTreeSet::new(), &mut |_, _| {}).expect("it does not diverge"));
        }
    });
    session.case("run of 12 epochs", Work::Flops(12.0 * epoch_flops()), || {
        let mut trainer = Trainer::new(&params).expect("the clusters fit");
        for _ in 0..12 {
            trainer.train_epoch(&BTreeSet::new(), &mut |_, _| {}).expect("it does not diverge");
        }
        black_box(trainer.weights());
    });
    session.case("samples of an epoch, 800 and 100", Work::Each(900 * params.task.input_dim), || {
        black_box((task.trials(Ask::Training(epoch)), task.trials(Ask::Validation(epoch))));
        epoch += 1;
    });
    session.finish()
}

/// Updates on the same batch again and again, so that samples cost nothing.
fn updates(session: &mut Session<'_>, name: &str, params: &ValidParams, work: Work) -> Result<()> {
    if !session.wants(name) {
        return Ok(());
    }
    let samples = task::of(params)?.trials(Ask::Training(0));
    let batch = params.train.batch;
    let mut updater = Updater::from_params(params, &TrainedWeights::draw(params)?);
    session.case(name, work, move || {
        let record = updater.update_on_trials(&samples, 0..batch, LEARNING_RATE);
        black_box(record.expect("shapes agree"));
    });
    Ok(())
}

/// As in Figure 5b.
fn linear(batch: usize, gradients: GradientMethod) -> Params {
    let mut params = Params::default();
    params.network.nonlinearity = Nonlinearity::Linear;
    params.train.loss = LossKind::MseScalar;
    params.train.learning_rate = LEARNING_RATE;
    params.train.scheduler = SchedulerKind::None;
    (params.train.batch, params.train.gradients) = (batch, gradients);
    params
}

/// Ten products in the forward pass, nine in the backward pass, and nine for the gradient.
fn general_flops(batch: usize) -> Work {
    Work::Flops(28.0 * 2.0 * (batch * 200 * 200) as f64)
}

fn epoch_flops() -> f64 {
    2.0 * (200 * 200) as f64 * (28.0 * 800.0 + 10.0 * 100.0)
}
