//! The playground: networks that train while one looks. Nothing is stored until one is kept.

mod frame;
mod session;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use concertina::model::params::{Sweep, ValidParams};
use concertina::{Outcome, Study, key_of, one_of};
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use frame::recurrent_eigenvalues;
pub(crate) use session::Session;

use crate::answer::{Refusal, Result};

/// Networks that train at a time: each takes a core, and half of another for its picture.
const SESSIONS: usize = 4;
/// How long a network stays that no page looks at. A page that is loaded again needs a moment.
const ALONE: Duration = Duration::from_secs(10);
/// Limits of what trains here. Larger networks are for the command line, where memory and time are planned.
const MOST_UNITS: usize = 1000;
const MOST_SAMPLES: usize = 20_000;
const MOST_STEPS: usize = 200;

/// All networks that train, by their numbers.
#[derive(Debug)]
pub(crate) struct Playground {
    store: PathBuf,
    allow_training: bool,
    sessions: Mutex<Sessions>,
    keeping: Mutex<()>,
}

#[derive(Debug, Default)]
struct Sessions {
    all: BTreeMap<u64, Arc<Session>>,
    next: u64,
}

/// What a page tells a network.
#[derive(Debug, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Command {
    /// Train on.
    Play,
    /// Stop after the current picture.
    Pause,
    /// Train up to the next picture.
    Step,
    /// How many epochs are trained in a second; null for as many as possible.
    Pace {
        /// Epochs per second.
        epochs: Option<f64>,
    },
    /// Parameters that may change in training.
    Change {
        /// `train.learning_rate`.
        learning_rate: f64,
        /// `train.gradient_noise`.
        gradient_noise: f64,
    },
    /// End it.
    End,
}

/// The parameters that a page asks for, as on the command line: `["network.gain=20", ...]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    set: Vec<String>,
}

impl Wanted {
    /// The parameters, checked.
    fn params(&self) -> Result<ValidParams> {
        if let Some(text) = self.set.iter().find(|text| text.starts_with("task.file") || !text.contains('='))
        {
            return Err(Refusal::wrong(format!("`{text}` cannot be set in the playground")));
        }
        let sweep = Sweep::parse(Default::default(), self.set.iter().map(String::as_str))?;
        let params = one_of(sweep)?;
        if params.task.file.is_some() || params.network.weights.is_some() {
            return Err(Refusal::wrong("the playground draws its trials and initial weights itself"));
        }
        let params = params.check()?;
        let refuse = |what: &str, most: usize, found: usize| {
            Err(Refusal::wrong(format!("the playground has at most {most} {what}, found {found}"))
                .hint("train it with `concertina train`, and look at the run"))
        };
        if params.network.units > MOST_UNITS {
            return refuse("units", MOST_UNITS, params.network.units);
        }
        if params.train_samples() > MOST_SAMPLES {
            return refuse("training samples", MOST_SAMPLES, params.train_samples());
        }
        if params.trial_steps() > MOST_STEPS {
            return refuse("timesteps", MOST_STEPS, params.trial_steps());
        }
        Ok(params)
    }
}

impl Playground {
    pub(crate) fn new(store: PathBuf, allow_training: bool) -> Self {
        Self { store, allow_training, sessions: Mutex::default(), keeping: Mutex::new(()) }
    }

    /// Whether a network may be kept as a run.
    pub(crate) fn may_keep(&self) -> bool {
        self.allow_training
    }

    /// Starts a network. It trains when it is told to.
    pub(crate) fn start(&self, wanted: &Wanted) -> Result<Value> {
        let params = wanted.params()?;
        self.sweep();
        if self.lock().all.len() >= SESSIONS {
            return Err(Refusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!("{SESSIONS} networks train here already"),
            )
            .hint("close another page of the playground"));
        }
        let session = Arc::new(Session::start(params.clone())?);
        let mut sessions = self.lock();
        sessions.next += 1;
        let id = sessions.next;
        let mut answer = session.description();
        answer["id"] = json!(id);
        answer["key"] = json!(key_of(&params).to_string());
        sessions.all.insert(id, session);
        Ok(answer)
    }

    /// The network of this number.
    pub(crate) fn session(&self, id: &str) -> Result<Arc<Session>> {
        let found = id.parse().ok().and_then(|id: u64| self.lock().all.get(&id).cloned());
        found.ok_or_else(|| Refusal::not_found("this network has ended").hint("start it again"))
    }

    /// Tells a network what to do.
    pub(crate) fn tell(&self, id: &str, command: Command) -> Result<Value> {
        let session = self.session(id)?;
        if matches!(command, Command::End) {
            session.stop();
            if let Ok(id) = id.parse() {
                self.lock().all.remove(&id);
            }
        } else {
            session.tell(command)?;
        }
        Ok(json!({}))
    }

    /// Trains the same run into the store, and checks that it is the network that was looked at, bit for bit.
    pub(crate) fn keep(&self, id: &str) -> Result<Value> {
        if !self.allow_training {
            return Err(Refusal::forbidden("this viewer only reads the store").hint(
                "start `concertina view --allow-training`, or copy the command that trains the same run",
            ));
        }
        let (params, shown) = self.session(id)?.to_keep()?;
        let _one_at_a_time = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        let study = Study::open(&self.store)?;
        let runs = study.train(&params.into())?;
        let run = runs.first();
        match run.outcome() {
            Outcome::Complete => {}
            other => {
                return Err(Refusal::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    format!("the run was not kept: {}", other.name()),
                ));
            }
        }
        if run.trained_weights(run.last_checkpoint())?.tensors() != shown.tensors() {
            return Err(Refusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the run in the store differs from the network shown here",
            )
            .hint("`concertina doctor` says whether this machine computes as it should"));
        }
        Ok(json!({ "key": run.key().to_string(), "epochs": run.last_checkpoint().epoch.0 }))
    }

    /// Ends the networks that have trained to no one for a while.
    pub(crate) fn sweep(&self) {
        self.lock().all.retain(|_, session| {
            let stays = !session.is_alone_for(ALONE);
            if !stays {
                session.stop();
            }
            stays
        });
    }

    /// Ends all of them.
    pub(crate) fn stop(&self) {
        let all = std::mem::take(&mut self.lock().all);
        all.values().for_each(|session| session.stop());
    }

    /// How many networks train, or wait to.
    pub(crate) fn count(&self) -> usize {
        self.lock().all.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
