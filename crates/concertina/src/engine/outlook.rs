//! An outlook on the work: what the store lacks of a request, and how long that takes here, estimated from a
//! short measurement.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use concertina_analysis::Subject;
use concertina_model::Checkpoint;
use concertina_model::network::Network;
use concertina_model::params::{Params, ValidParams};
use concertina_model::task;
use concertina_model::trainer::Trainer;
use concertina_store::{RunKey, Store};

use super::pool::{self, lock};
use super::question::{Demand, Question};
use super::spent::Ledger;
use super::work::RunWork;
use crate::error::Result;
use crate::library::import;
use crate::library::known::Known;
use crate::selection::End;
use crate::settings::Settings;

/// What a demand still needs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ahead {
    /// Epochs to train.
    pub(crate) epochs: u64,
    /// Checkpoints to analyse, by question.
    pub(crate) analyses: BTreeMap<usize, usize>,
}

impl Ahead {
    /// What the store lacks of a demand. This looks at the store as the engine does, but computes nothing.
    pub(crate) fn of(store: &Store, settings: &Settings, demand: &Demand<'_>) -> Result<Self> {
        let params = demand.params;
        let key = RunKey::of(&params.canonical());
        let folder = import::folder_of(store, settings.jobs, params).unwrap_or_else(|_| store.run(&key));
        let known = Known::read(&folder, params)?;
        let ledger = Ledger::default();
        let work = RunWork::recall(store, settings, &ledger, demand, &key, folder)?;
        let done = known.progress.as_ref().map_or(0, |progress| progress.epoch);
        let (end, mut epochs) = match known.end(params) {
            Some(end) => {
                work.recall_joint(end)?;
                let last = end.last(params);
                let there =
                    |one: &Checkpoint| known.checkpoints.contains(one) || (*one == last && done == end.epoch);
                let needs = work.needs(end).all;
                (end, needs.iter().filter(|one| !there(one)).map(|one| one.epoch.0).max().unwrap_or(0))
            }
            None => (End::after(params, params.train.epochs), params.train.epochs.saturating_sub(done)),
        };
        let missing = work.missing(end);
        if known.end(params).is_none() && missing.single.keys().any(|one| (1..done).contains(&one.epoch.0)) {
            epochs = params.train.epochs; // a checkpoint asked about lies before the state to resume from
        }
        let mut analyses = BTreeMap::new();
        for question in missing.single.into_values().flatten() {
            *analyses.entry(question).or_default() += 1;
        }
        analyses.extend(missing.joint.into_iter().map(|(question, about)| (question, about.len())));
        Ok(Self { epochs, analyses })
    }

    /// Whether nothing is missing.
    pub(crate) fn is_nothing(&self) -> bool {
        self.epochs == 0 && self.analyses.is_empty()
    }
}

/// How long an epoch and an analysis take on this machine.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Seconds per epoch, by [`shape`].
    epochs: Mutex<BTreeMap<String, f64>>,
    /// Seconds per checkpoint, divided by [`size`], by name and settings.
    analyses: Mutex<BTreeMap<String, f64>>,
}

impl Pace {
    /// Trains one epoch of every shape of run that needs training, and runs each missing analysis once, on an
    /// untrained network.
    pub(crate) fn measure(jobs: usize, demands: &[Demand<'_>], ahead: &[Ahead]) -> Result<Self> {
        enum Job<'a> {
            Epoch(String, &'a ValidParams),
            Analysis(String, &'a Question<'a>, &'a ValidParams),
        }
        let mut measurements = BTreeMap::new();
        for (demand, ahead) in demands.iter().zip(ahead) {
            if ahead.epochs > 0 {
                let shape = shape(demand.params)?;
                measurements
                    .entry(format!("epoch {shape}"))
                    .or_insert_with(|| Job::Epoch(shape, demand.params));
            }
            for &number in ahead.analyses.keys() {
                let question = demand.questions[number];
                let name = question.computation();
                measurements
                    .entry(format!("analysis {name}"))
                    .or_insert_with(|| Job::Analysis(name, question, demand.params));
            }
        }
        let pace = Self::default();
        // What cannot be measured also fails in the actual work, which reports it. Here it counts as 0.
        pool::work(jobs, measurements.into_values().map(|job| (0.0, job)), |job, _| match job {
            Job::Epoch(shape, params) => {
                if let Ok(time) = epoch(params) {
                    lock(&pace.epochs).insert(shape, time.as_secs_f64());
                }
            }
            Job::Analysis(name, question, params) => {
                if let Ok(time) = analysis(question, params) {
                    lock(&pace.analyses).insert(name, time.as_secs_f64() / size(params));
                }
            }
        });
        Ok(pace)
    }

    /// How many seconds the missing work of a demand takes on one thread.
    pub(crate) fn seconds(&self, demand: &Demand<'_>, ahead: &Ahead) -> Result<f64> {
        let epoch = match ahead.epochs {
            0 => 0.0,
            _ => lock(&self.epochs).get(&shape(demand.params)?).copied().unwrap_or(0.0),
        };
        let analyses = lock(&self.analyses);
        let of_question = |(&number, &count): (&usize, &usize)| {
            let per_unit = analyses.get(&demand.questions[number].computation()).copied().unwrap_or(0.0);
            per_unit * size(demand.params) * count as f64
        };
        Ok(epoch * ahead.epochs as f64 + ahead.analyses.iter().map(of_question).sum::<f64>())
    }
}

/// What the time of an epoch depends on: everything but the seed, the gain and the rate.
fn shape(params: &ValidParams) -> Result<String> {
    let mut params = Params::clone(params);
    let usual = Params::default();
    params.seed = usual.seed;
    params.network.gain = usual.network.gain;
    params.train.learning_rate = usual.train.learning_rate;
    params.network.weights = None;
    Ok(params.check()?.canonical())
}

/// What the time of an analysis is roughly proportional to: the multiplications of a trial.
fn size(params: &ValidParams) -> f64 {
    let units = params.network.units as f64;
    params.trial_steps() as f64 * units * units
}

/// The same parameters with weights drawn from the seed, which are as good for a measurement as any.
fn drawn(params: &ValidParams) -> Result<ValidParams> {
    let mut params = Params::clone(params);
    params.network.weights = None;
    Ok(params.check()?)
}

fn epoch(params: &ValidParams) -> Result<Duration> {
    let mut trainer = Trainer::new(&drawn(params)?)?;
    let begin = Instant::now();
    trainer.train_epoch(&Default::default(), &mut |_, _| {})?;
    Ok(begin.elapsed())
}

fn analysis(question: &Question<'_>, params: &ValidParams) -> Result<Duration> {
    let params = &drawn(params)?;
    let task = task::of(params)?;
    let checkpoints = [(Checkpoint::START, Network::initial(params)?)];
    let begin = Instant::now();
    question.compute(&Subject { params, task: &*task, checkpoints: &checkpoints })?;
    Ok(begin.elapsed())
}

/// The wall time that jobs of these lengths in seconds take on `threads` threads, the longest first.
pub(crate) fn wall_seconds(mut jobs: Vec<f64>, threads: usize) -> f64 {
    jobs.sort_by(|a, b| b.total_cmp(a));
    let mut busy = vec![0.0_f64; threads.max(1)];
    for job in jobs {
        if let Some(first) = busy.iter_mut().min_by(|a, b| a.total_cmp(b)) {
            *first += job;
        }
    }
    busy.into_iter().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_jobs_go_first_to_the_next_free_thread() {
        assert_eq!(wall_seconds(vec![1.0, 2.0, 3.0], 2), 3.0);
        assert_eq!(wall_seconds(vec![4.0, 1.0, 1.0], 2), 4.0);
        assert_eq!(wall_seconds(vec![1.0; 4], 1), 4.0);
        assert_eq!(wall_seconds(Vec::new(), 2), 0.0);
    }

    #[test]
    fn runs_that_differ_only_in_what_costs_no_time_have_one_shape() {
        let shape_of = |change: fn(&mut Params)| {
            let mut params = Params::default();
            change(&mut params);
            shape(&params.check().expect("valid")).expect("valid")
        };
        let usual = shape_of(|_| {});
        assert_eq!(usual, shape_of(|params| (params.seed, params.network.gain) = (7, Some(250.0))));
        assert_ne!(usual, shape_of(|params| params.network.units = 300));
        assert_ne!(usual, shape_of(|params| params.train.batch = 1));
    }
}
