//! One network that trains: a thread that trains, and a thread that makes its pictures.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use concertina::model::network::TrainedWeights;
use concertina::model::params::{Params, ValidParams, Value as ParamValue, parameter};
use concertina::model::trainer::{EpochRecord, Trainer};
use concertina::model::{Checkpoint, Error as ModelError, Update};
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::Command;
use super::frame::Painter;
use crate::answer::{Refusal, Result};

/// Pictures per second that are aimed at. More than a screen shows at ease would only slow the training.
const PICTURES: f64 = 15.0;
/// A network is trained up to this many epochs, and then pauses.
const MOST_EPOCHS: u64 = 1_000_000;
/// Epochs per second, at least.
const SLOWEST: f64 = 1e-3;

/// What the threads of a network share.
#[derive(Debug)]
struct Common {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    playing: bool,
    /// Pictures to go on to while not playing.
    steps: u64,
    /// Epochs per second; infinite for as many as possible.
    pace: f64,
    change: Option<(f64, f64)>,
    /// Whether parameters have changed since the beginning.
    altered: bool,
    ended: bool,
    /// Why training cannot go on.
    problem: Option<String>,
    /// The newest network that waits for its picture.
    waiting: Option<Moment>,
    /// The record of the last whole epoch.
    last: Option<EpochRecord>,
    /// The weights after the last whole epoch.
    kept: Option<(u64, TrainedWeights)>,
    lookers: usize,
    alone_since: Instant,
}

/// A network at a moment of training.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) checkpoint: Checkpoint,
    pub(super) weights: TrainedWeights,
}

/// A network that trains, as the server sees it.
#[derive(Debug)]
pub(crate) struct Session {
    params: ValidParams,
    common: Arc<Common>,
    pictures: watch::Receiver<Arc<str>>,
    description: Value,
}

/// A looker: while there is one, the network stays.
#[derive(Debug)]
pub(crate) struct Looker(Arc<Common>);

impl Drop for Looker {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.lookers -= 1;
        state.alone_since = Instant::now();
    }
}

impl Common {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until training may go on; `false` if it has ended.
    fn may_go_on(&self) -> bool {
        let mut state = self.lock();
        while !(state.ended || state.playing || state.steps > 0) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        !state.ended
    }

    /// Waits for a moment of the clock; a change of the pace ends the wait.
    fn wait_until(&self, moment: Instant) {
        let mut state = self.lock();
        let pace = state.pace;
        while state.playing && !state.ended && state.pace == pace {
            let left = moment.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Session {
    /// A network before training.
    pub(crate) fn start(params: ValidParams) -> Result<Self> {
        let trainer = Trainer::new(&params)?;
        let state = State {
            playing: false,
            steps: 0,
            pace: f64::INFINITY,
            change: None,
            altered: false,
            ended: false,
            problem: None,
            waiting: Some(Moment { checkpoint: Checkpoint::START, weights: trainer.trained_weights() }),
            last: None,
            kept: None,
            lookers: 0,
            alone_since: Instant::now(),
        };
        let common = Arc::new(Common { state: Mutex::new(state), changed: Condvar::new() });
        let painter = Painter::new(&params)?;
        let mut description = painter.description();
        description["params"] = json!(params);
        description["updates_per_epoch"] = json!(params.train_samples().div_ceil(params.train.batch));
        let (show, pictures) = watch::channel(Arc::from(""));
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop).map_err(|error| {
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, format!("no thread for the network: {error}"))
            })
        };
        let (for_painting, for_training) = (Arc::clone(&common), Arc::clone(&common));
        spawn("pictures", Box::new(move || paint(&for_painting, painter, &show)))?;
        if let Err(refusal) = spawn("playground", Box::new(move || train(&for_training, trainer))) {
            common.lock().ended = true;
            common.changed.notify_all();
            return Err(refusal);
        }
        Ok(Self { params, common, pictures, description })
    }

    /// What does not change while it trains.
    pub(crate) fn description(&self) -> Value {
        self.description.clone()
    }

    /// Its pictures, as long as the looker is there.
    pub(crate) fn look(&self) -> (watch::Receiver<Arc<str>>, Looker) {
        self.common.lock().lookers += 1;
        (self.pictures.clone(), Looker(Arc::clone(&self.common)))
    }

    pub(crate) fn is_alone_for(&self, time: Duration) -> bool {
        let state = self.common.lock();
        state.lookers == 0 && state.alone_since.elapsed() > time
    }

    pub(crate) fn stop(&self) {
        self.common.lock().ended = true;
        self.common.changed.notify_all();
    }

    pub(crate) fn tell(&self, command: Command) -> Result<()> {
        let mut state = self.common.lock();
        match command {
            Command::Play => (state.playing, state.steps) = (true, 0),
            Command::Pause => (state.playing, state.steps) = (false, 0),
            Command::Step => (state.playing, state.steps) = (false, 1),
            Command::Pace { epochs } => match epochs {
                Some(pace) if !(pace.is_finite() && pace >= SLOWEST) => {
                    return Err(Refusal::wrong(format!(
                        "expected at least {SLOWEST} epochs per second, found {pace}"
                    )));
                }
                pace => state.pace = pace.unwrap_or(f64::INFINITY),
            },
            Command::Change { learning_rate, gradient_noise } => {
                altered(&self.params, learning_rate, gradient_noise)?;
                state.change = Some((learning_rate, gradient_noise));
            }
            Command::End => state.ended = true,
        }
        drop(state);
        self.common.changed.notify_all();
        Ok(())
    }

    /// The parameters of the run that this network is after its last whole epoch, and its weights there.
    pub(crate) fn to_keep(&self) -> Result<(ValidParams, TrainedWeights)> {
        let state = self.common.lock();
        if state.altered {
            return Err(Refusal::new(
                StatusCode::CONFLICT,
                "the learning rate or the noise was changed in training, so no parameters describe this network",
            )
            .hint("start again with the new values, and keep that run"));
        }
        match &state.kept {
            Some((epoch, weights)) => Ok((self.params.with_epochs(*epoch)?, weights.clone())),
            None => Err(Refusal::new(StatusCode::CONFLICT, "train it for at least one epoch first")),
        }
    }
}

/// The parameters with another learning rate and noise.
fn altered(params: &ValidParams, learning_rate: f64, gradient_noise: f64) -> Result<ValidParams> {
    let mut open: Params = params.clone().into_params();
    for (name, value) in [("train.learning_rate", learning_rate), ("train.gradient_noise", gradient_noise)] {
        parameter(name)?.set(&mut open, &ParamValue::Real(value))?;
    }
    Ok(open.check()?)
}

/// Trains, epoch by epoch, until the network has ended.
fn train(common: &Common, mut trainer: Trainer) {
    let updates = trainer.params().train_samples().div_ceil(trainer.params().train.batch) as u64;
    let mut epoch_took = Duration::from_millis(100);
    while common.may_go_on() {
        let change = common.lock().change.take();
        let (epoch, pace) = (trainer.checkpoint().epoch.0, common.lock().pace);
        if let Some((learning_rate, gradient_noise)) = change {
            match continued(&trainer, learning_rate, gradient_noise) {
                Ok(continued) => (trainer, common.lock().altered) = (continued, true),
                Err(problem) => return end_with(common, problem),
            }
        }
        if epoch >= MOST_EPOCHS {
            return end_with(common, format!("{MOST_EPOCHS} epochs are trained"));
        }
        let seconds = epoch_took.as_secs_f64().max(1.0 / pace);
        let pictures = ((seconds * PICTURES).ceil() as u64).clamp(1, updates);
        let first = trainer.checkpoint().update.0;
        let wanted: BTreeSet<Update> =
            (1..=pictures).map(|picture| Update(first + (updates * picture).div_ceil(pictures))).collect();
        let start = Instant::now();
        let mut idle = Duration::ZERO;
        let result = trainer.train_epoch(&wanted, &mut |checkpoint, weights| {
            let done = (checkpoint.update.0 - first) as f64 / updates as f64;
            let waits = Instant::now();
            {
                let mut state = common.lock();
                if checkpoint.update.0 - first == updates {
                    state.kept = Some((checkpoint.epoch.0, weights.clone()));
                }
                state.waiting = Some(Moment { checkpoint, weights });
                state.steps = state.steps.saturating_sub(1);
            }
            common.changed.notify_all();
            if pace.is_finite() {
                common.wait_until(start + Duration::from_secs_f64(done / pace));
            }
            if checkpoint.update.0 - first < updates {
                common.may_go_on();
            }
            idle += waits.elapsed();
        });
        epoch_took = start.elapsed().saturating_sub(idle);
        match result {
            Ok(record) => common.lock().last = Some(record),
            Err(ModelError::Diverged { epoch, .. }) => {
                return end_with(
                    common,
                    format!("training diverged in epoch {epoch}: choose a smaller learning rate"),
                );
            }
            Err(error) => return end_with(common, error.to_string()),
        }
    }
}

/// The same network with another learning rate and noise from here on.
fn continued(trainer: &Trainer, learning_rate: f64, gradient_noise: f64) -> Result<Trainer, String> {
    let params =
        altered(trainer.params(), learning_rate, gradient_noise).map_err(|refusal| refusal.message())?;
    let mut state = trainer.state();
    if let Some(scheduler) = state.metadata.get_mut("scheduler").and_then(Value::as_object_mut) {
        scheduler.insert("learning_rate".to_owned(), json!(learning_rate));
    }
    Trainer::resume(&params, state).map_err(|error| error.to_string())
}

/// Training cannot go on; the last picture stays.
fn end_with(common: &Common, problem: String) {
    let mut state = common.lock();
    (state.problem, state.playing) = (Some(problem), false);
    drop(state);
    common.changed.notify_all();
}

/// Makes a picture of the newest network whenever there is one.
fn paint(common: &Common, mut painter: Painter, show: &watch::Sender<Arc<str>>) {
    let mut told = None;
    loop {
        let mut state = common.lock();
        while !state.ended && state.waiting.is_none() && state.problem == told {
            state = common.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.ended {
            return;
        }
        let waiting = state.waiting.take();
        let last = state.last.clone();
        told = state.problem.clone();
        drop(state);
        let painted = match waiting {
            Some(moment) => painter.paint(&moment, last.as_ref()),
            None => Ok(()),
        };
        let problem = painted.err().map(|refusal| refusal.message()).or_else(|| told.clone());
        show.send_replace(painter.text(problem.as_deref()));
    }
}
