//! Obtains the checkpoints that are wanted of a run: loads them if the store has them, and trains the run if
//! not.
//!
//! Checkpoints are a cache: what is missing is computed again from the nearest earlier state, bit-for-bit. A
//! [`Plan`] says what to train of a run, given what the store has of it. A [`Session`] carries out the plan
//! of one run. A [`Cohort`] trains the epochs that sessions want, of one or several runs.

mod cohort;
mod comparison;
#[cfg(feature = "gpu")]
mod gpu;
#[cfg(not(feature = "gpu"))]
#[path = "no_gpu.rs"]
mod gpu;
mod plan;
mod publisher;
mod session;
mod witness;

use std::time::Duration;

use concertina_model::params::Arithmetic;
use concertina_model::trainer::{EpochRecord, Trainer};
use concertina_store::{Claim, Claimed, Keep as Packing, RunFolder};

pub(crate) use self::plan::RunRequest;
pub(crate) use self::session::Site;
pub(crate) use self::witness::{Needs, Witness};

use self::cohort::{Cohort, Member, TrainedEpoch};
use self::plan::Plan;
use self::session::{Next, Session, Trained};
use crate::error::{Error, Result};
use crate::event::EventKind;
use crate::hint::Hint;
use crate::library::known::Known;
use crate::record::{Comparison, Outcome, RunRecord, Source};
use crate::selection::End;

/// Time before the second look at a run that another process trains. Arbitrary: short compared with a run,
/// long compared with a look.
const PATIENCE: Duration = Duration::from_millis(50);
/// The longest such time; it doubles with every look.
const MOST_PATIENCE: Duration = Duration::from_secs(1);

/// The largest number of passes over a run for one request. A run needs at most two: one to find where it
/// diverges, and one for what is wanted before that. More happen only if files are deleted meanwhile.
const MOST_PASSES: usize = 5;

/// A run that was loaded or trained as it was asked for, or as far as that was possible.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) record: RunRecord,
    /// Epochs that were trained.
    pub(crate) trained_epochs: u64,
    /// The time they took.
    pub(crate) training: Duration,
}

/// How long to wait before looking again at a run that another process trains.
pub(crate) fn patience(looks: u32) -> Duration {
    (PATIENCE * 2_u32.saturating_pow(looks.min(8))).min(MOST_PATIENCE)
}

/// How many epochs are left to train of a run about which no questions are asked; `None` if the store has
/// everything that is to be kept.
pub(crate) fn epochs_left(folder: &RunFolder, request: &RunRequest<'_>) -> Result<Option<u64>> {
    let known = Known::read(folder, request.params)?;
    let plan = Plan::of(request, &known, &Needs::default(), request.rerun);
    let done = |plan: &Plan| {
        known.progress.as_ref().filter(|state| plan.continues_from(state)).map_or(0, |state| state.epoch)
    };
    Ok(plan.map(|plan| plan.epochs - done(&plan)))
}

/// A run that is asked for, and where and for whom it is made.
pub(crate) struct Asked<'a, 'w> {
    pub(crate) site: Site<'a>,
    pub(crate) request: &'a RunRequest<'a>,
    pub(crate) witness: &'w mut dyn Witness,
}

/// Makes a run as it is asked for: looks at the store, and trains what is missing. `None` if another process
/// is training it and the request does not want to wait.
pub(crate) fn make(
    site: Site<'_>,
    request: &RunRequest<'_>,
    witness: &mut dyn Witness,
) -> Result<Option<Made>> {
    let asked = Asked { site, request, witness };
    make_together(vec![asked]).pop().unwrap_or(Err(Error::Interrupted))
}

/// Makes runs as they are asked for, and trains those that a GPU trains together. They must have the same
/// shape. The results are in the order of the runs.
pub(crate) fn make_together(asked: Vec<Asked<'_, '_>>) -> Vec<Result<Option<Made>>> {
    let mut ongoing: Vec<(Making<'_, '_>, Option<Result<Option<Made>>>)> =
        asked.into_iter().map(|asked| (Making::of(asked), None)).collect();
    loop {
        let mut ready = Vec::new();
        for (making, result) in ongoing.iter_mut().filter(|(_, result)| result.is_none()) {
            match making.look() {
                Ok(Look::Train(pass)) => ready.push((making, result, pass)),
                Ok(Look::Again) => {}
                Ok(Look::Done(made)) => *result = Some(Ok(made.map(|made| *made))),
                Err(error) => *result = Some(Err(error)),
            }
        }
        if !ready.is_empty() {
            let mut passes: Vec<(&mut Making<'_, '_>, &mut Pass)> =
                ready.iter_mut().map(|(making, _, pass)| (&mut **making, &mut **pass)).collect();
            let trained = train_passes(&mut passes);
            for ((making, result, pass), trained) in ready.into_iter().zip(trained) {
                *result = match trained.map(|trained| making.settle(*pass, trained)) {
                    Ok(None) => None,
                    Ok(Some(made)) => Some(Ok(Some(made))),
                    Err(error) => Some(Err(error)),
                };
            }
        }
        if ongoing.iter().all(|(_, result)| result.is_some()) {
            return ongoing.into_iter().filter_map(|(_, result)| result).collect();
        }
    }
}

/// Trains runs in one pass, each by itself or, if they have the arithmetic of a GPU, together.
fn train_passes(passes: &mut [(&mut Making<'_, '_>, &mut Pass)]) -> Vec<Result<Trained>> {
    match passes.first().map(|(making, _)| making.request.params.train.arithmetic) {
        Some(Arithmetic::Gpu) => gpu::train_passes(passes),
        _ => passes.iter_mut().map(|(making, pass)| making.train_alone(pass)).collect(),
    }
}

/// What a look at the store shows of a run.
enum Look {
    /// There is something to train, and this process has the claim.
    Train(Box<Pass>),
    /// Another process is training it: look again.
    Again,
    /// The run is as it was asked for, or as far as that is possible now; `None` if another process is
    /// training it.
    Done(Option<Box<Made>>),
}

/// A pass over a run: what the store has, what to train, and the claim on the run.
struct Pass {
    known: Known,
    plan: Plan,
    claim: Claim,
}

/// A run that is being made, and what was done for it so far.
struct Making<'a, 'w> {
    site: Site<'a>,
    request: &'a RunRequest<'a>,
    witness: &'w mut dyn Witness,
    source: Source,
    trained_epochs: u64,
    training: Duration,
    comparison: Option<Comparison>,
    from_start: bool,
    looks: u32,
    passes: usize,
}

impl<'a, 'w> Making<'a, 'w> {
    fn of(asked: Asked<'a, 'w>) -> Self {
        let Asked { site, request, witness } = asked;
        Making {
            site,
            request,
            witness,
            source: Source::Loaded,
            trained_epochs: 0,
            training: Duration::ZERO,
            comparison: None,
            from_start: request.rerun,
            looks: 0,
            passes: 0,
        }
    }

    fn look(&mut self) -> Result<Look> {
        let known = Known::read(self.site.folder, self.request.params)?;
        if self.plan(&known).is_none() {
            return self.found(known).map(|made| Look::Done(Some(Box::new(made))));
        }
        if self.passes == MOST_PASSES {
            return Err(self.is_lost());
        }
        if !self.site.settings.has_time_for(self.request.epoch_work()) {
            return Ok(Look::Done(Some(Box::new(self.interrupted(known.history)))));
        }
        let claim = match self.site.folder.claim()? {
            Claimed::Mine(claim) => claim,
            Claimed::Held(_) if self.site.settings.cancelled() => {
                return Ok(Look::Done(Some(Box::new(self.interrupted(known.history)))));
            }
            Claimed::Held(_) if !self.request.wait && self.trained_epochs == 0 => {
                return Ok(Look::Done(None));
            }
            Claimed::Held(_) => {
                self.wait();
                return Ok(Look::Again);
            }
        };
        // Another process may have finished it in the meantime.
        let known = Known::read(self.site.folder, self.request.params)?;
        Ok(match self.plan(&known) {
            Some(plan) => Look::Train(Box::new(Pass { known, plan, claim })),
            None => Look::Again,
        })
    }

    /// What to train of the run; `None` if nothing is missing.
    fn plan(&self, known: &Known) -> Option<Plan> {
        Plan::of(self.request, known, &self.witness.needs(self.request.end(known)), self.from_start)
    }

    /// Trains the run in one pass on the CPU, as a cohort of one run.
    fn train_alone(&mut self, pass: &mut Pass) -> Result<Trained> {
        let session = self.session(pass);
        let mut trainer = trainer(&session)?;
        train(&mut trainer, vec![session]).pop().unwrap_or(Err(Error::Interrupted))
    }

    fn session<'s>(&'s mut self, pass: &'s mut Pass) -> Session<'s> {
        let Pass { known, plan, claim } = pass;
        Session::new(self.site, self.request, known, plan, self.witness, claim)
    }

    /// Takes the outcome of a pass. The run, if it is as it was asked for, or was interrupted.
    fn settle(&mut self, pass: Pass, trained: Trained) -> Option<Made> {
        let Pass { known, plan, claim } = pass;
        drop(claim);
        self.trained_epochs += trained.to_epoch - trained.from_epoch;
        self.training += trained.time;
        if plan.from_start {
            self.comparison = trained.comparison.clone();
        }
        if self.source == Source::Loaded {
            self.source = source_of(&known, &plan, &trained);
        }
        self.passes += 1;
        self.from_start = false;
        let Some(end) = trained.end else { return Some(self.interrupted(trained.history)) };
        let complete = self.is_complete(&known, &plan, end);
        complete.then(|| self.made(Outcome::Complete, end, trained.history))
    }

    /// Whether nothing is missing of a run that was trained, without looking at the store again.
    fn is_complete(&self, known: &Known, plan: &Plan, end: End) -> bool {
        let needs = self.witness.needs(end);
        let kept = self.request.kept(end, &needs);
        plan.to_the_end
            && !end.diverged
            && needs.all.iter().all(|one| known.checkpoints.contains(one) || kept.contains(one))
    }

    /// Waits for another process.
    fn wait(&mut self) {
        if self.looks == 0 {
            self.site.settings.tell(EventKind::Waiting { run: self.request.key });
        }
        std::thread::sleep(patience(self.looks));
        self.looks += 1;
    }

    /// The result if everything that is wanted is in the store.
    fn found(&mut self, known: Known) -> Result<Made> {
        let (folder, params) = (self.site.folder, self.request.params);
        if known.loose {
            folder.pack(Packing::All)?; // the process was killed between the last checkpoint and packing
        }
        known.restore(folder, params)?;
        let end = self.request.end(&known);
        let outcome = known.divergence(end).cloned().map_or(Outcome::Complete, Outcome::Diverged);
        let history = known.history.into_iter().take(end.epoch as usize).collect();
        Ok(self.made(outcome, end, history))
    }

    fn interrupted(&mut self, history: Vec<EpochRecord>) -> Made {
        let end = End::after(self.request.params, history.len() as u64);
        self.comparison = None;
        self.made(Outcome::Interrupted, end, history)
    }

    fn made(&mut self, outcome: Outcome, end: End, history: Vec<EpochRecord>) -> Made {
        let (request, comparison) = (self.request, self.comparison.take());
        let (key, params, source) = (request.key, request.params.clone(), self.source);
        let record = RunRecord { key, params, outcome, source, end, history, comparison };
        Made { record, trained_epochs: self.trained_epochs, training: self.training }
    }

    fn is_lost(&self) -> Error {
        Error::RunFailed {
            run: self.request.key.short(),
            message: format!("its checkpoints are not in the store after training it {MOST_PASSES} times"),
            hint: Some(Hint::VerifyStoreOrCompareMachines),
        }
    }
}

/// A trainer at the beginning of the session: at the stored state, or at the start of the run.
fn trainer(session: &Session<'_>) -> Result<Trainer> {
    let params = session.params();
    if let Some(state) = session.stored_state()? {
        match Trainer::resume(params, state) {
            Ok(trainer) => return Ok(trainer),
            Err(error) => session.begins_again(&error),
        }
    }
    Ok(Trainer::new(params)?)
}

/// Trains the runs of a cohort, each as its session wants. The outcomes are in the order of the sessions. If
/// the device fails, all runs that are still in training fail. What they published before is kept.
fn train(cohort: &mut dyn Cohort, sessions: Vec<Session<'_>>) -> Vec<Result<Trained>> {
    let mut open: Vec<Option<Session<'_>>> = sessions.into_iter().map(Some).collect();
    let mut results: Vec<Option<Result<Trained>>> = open.iter().map(|_| None).collect();
    let mut epochs: Vec<Option<TrainedEpoch>> = open.iter().map(|_| None).collect();
    loop {
        let mut wanted = Vec::with_capacity(open.len());
        for (run, epoch) in epochs.into_iter().enumerate() {
            let member = Member { cohort: &*cohort, run };
            let next = open[run].as_mut().map(|session| match epoch {
                Some(epoch) => session.epoch(epoch, member),
                None => session.begin(member),
            });
            wanted.push(match next {
                Some(Ok(Next::Epoch(updates))) => Some(updates),
                Some(ended) => {
                    let session = open[run].take();
                    results[run] = session.map(|session| ended.and_then(|_| session.close(member)));
                    None
                }
                None => None,
            });
        }
        if wanted.iter().all(Option::is_none) {
            return results.into_iter().flatten().collect();
        }
        epochs = match cohort.train_epoch(&wanted) {
            Ok(epochs) => epochs,
            Err(error) => {
                let message = error.to_string();
                let failed = || Err(Error::Device { message: message.clone() });
                return results.into_iter().map(|result| result.unwrap_or_else(failed)).collect();
            }
        };
    }
}

fn source_of(known: &Known, plan: &Plan, trained: &Trained) -> Source {
    let nothing_known = known.progress.is_none() && known.checkpoints.is_empty();
    if plan.from_start || nothing_known {
        Source::Trained
    } else if trained.to_epoch == trained.from_epoch {
        Source::Loaded
    } else if !plan.to_the_end || trained.from_epoch == 0 {
        Source::Recomputed
    } else if known.loose {
        Source::Resumed
    } else {
        Source::Extended
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use concertina_model::network::TrainedWeights;
    use concertina_model::params::{Params, ValidParams};
    use concertina_model::trainer::TrainingState;
    use concertina_model::{Checkpoint, Update};
    use concertina_store::{Batch, Store};

    use super::*;
    use crate::selection::after_epoch;
    use crate::settings::{Keep, Settings};

    fn small(epochs: u64) -> ValidParams {
        let mut params = Params::default();
        (params.network.units, params.task.input_dim, params.task.clusters) = (4, 3, 4);
        (params.task.train_samples, params.train.epochs) = (20, epochs);
        params.check().expect("valid")
    }

    /// A witness that needs an earlier checkpoint after each of `passes` passes. It counts the weights that
    /// it meets, and keeps none.
    struct Counter<'c> {
        params: &'c ValidParams,
        passes: usize,
        met: usize,
    }

    impl Witness for Counter<'_> {
        fn needs(&self, _: End) -> Needs {
            match self.passes - self.met {
                0 => Needs::default(),
                left => {
                    let all = BTreeSet::from([after_epoch(self.params, left as u64)]);
                    Needs { all, together: BTreeSet::new() }
                }
            }
        }

        fn meet(&mut self, _: Checkpoint, _: TrainedWeights, _: End) -> Result<()> {
            self.met += 1;
            Ok(())
        }

        fn hand_over(&mut self, _: &mut Batch<'_>) -> Result<()> {
            Ok(())
        }
    }

    /// Makes a run of which an earlier checkpoint is wanted after each of `passes` passes.
    fn after_passes(passes: usize) -> Result<usize> {
        let folder = tempfile::tempdir().expect("a folder");
        let params = small(9);
        let settings = Settings::default();
        let store = Store::open(folder.path())?;
        let request = RunRequest { keep: Keep::Needed, ..RunRequest::of(&params, &settings) };
        let site = Site { store: &store, folder: &store.run(&request.key), settings: &settings };
        let mut counter = Counter { params: &params, passes, met: 0 };
        make(site, &request, &mut counter)?.expect("no other process trains it");
        Ok(counter.met)
    }

    #[test]
    fn a_run_whose_last_pass_succeeds_does_not_fail() {
        assert_eq!(after_passes(1).expect("one pass"), 1);
        assert_eq!(after_passes(MOST_PASSES).expect("the last pass succeeds"), MOST_PASSES);
        let error = after_passes(MOST_PASSES + 1).expect_err("one too many");
        assert!(error.to_string().contains("after training it 5 times"), "{error}");
    }

    /// Two runs that are trained side by side.
    struct Pair([Trainer; 2]);

    impl Cohort for Pair {
        fn train_epoch(&mut self, wanted: &[Option<BTreeSet<Update>>]) -> Result<Vec<Option<TrainedEpoch>>> {
            let one = |(trainer, wanted): (&mut Trainer, &Option<BTreeSet<Update>>)| {
                Ok(Cohort::train_epoch(trainer, std::slice::from_ref(wanted))?.pop().flatten())
            };
            self.0.iter_mut().zip(wanted).map(one).collect()
        }

        fn checkpoint(&self, run: usize) -> Checkpoint {
            self.0[run].checkpoint()
        }

        fn history(&self, run: usize) -> &[EpochRecord] {
            self.0[run].history()
        }

        fn weights(&self, run: usize) -> Result<TrainedWeights> {
            Ok(self.0[run].trained_weights())
        }

        fn state(&self, run: usize) -> Result<TrainingState> {
            Ok(self.0[run].state())
        }
    }

    #[test]
    fn a_cohort_of_two_runs_stores_the_same_as_two_cohorts_of_one() {
        let mut other = Params::clone(&small(5));
        other.seed = 1;
        let runs = [small(2), other.check().expect("valid")];
        let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
        let settings = Settings::default();
        let [alone, together] = folders.each_ref().map(|folder| Store::open(folder.path()).expect("a store"));
        let requests =
            runs.each_ref().map(|params| RunRequest { train: true, ..RunRequest::of(params, &settings) });
        let undemanding = |params| Counter { params, passes: 0, met: 0 };
        for request in &requests {
            let folder = alone.run(&request.key);
            let site = Site { store: &alone, folder: &folder, settings: &settings };
            make(site, request, &mut undemanding(request.params)).expect("it trains");
        }
        let folders = requests.each_ref().map(|request| together.run(&request.key));
        let known = [0, 1].map(|run| Known::read(&folders[run], &runs[run]).expect("it is read"));
        let plan = |run: usize| Plan::of(&requests[run], &known[run], &Needs::default(), false);
        let plans = [0, 1].map(|run| plan(run).expect("everything is missing"));
        let mut witnesses = runs.each_ref().map(undemanding);
        let mut claims = folders.each_ref().map(|folder| match folder.claim().expect("a claim") {
            Claimed::Mine(claim) => claim,
            Claimed::Held(_) => panic!("no other process has a claim"),
        });
        let sessions = witnesses.iter_mut().zip(&mut claims).enumerate().map(|(run, (witness, claim))| {
            let site = Site { store: &together, folder: &folders[run], settings: &settings };
            Session::new(site, &requests[run], &known[run], &plans[run], witness, claim)
        });
        let mut pair = Pair(runs.each_ref().map(|params| Trainer::new(params).expect("it begins")));
        let trained = train(&mut pair, sessions.collect());
        let epochs = trained.into_iter().map(|one| one.expect("it trains").to_epoch);
        assert_eq!(epochs.collect::<Vec<_>>(), [2, 5]);
        for folder in &folders {
            let other = alone.run(folder.key());
            let ids = folder.checkpoint_ids().expect("checkpoints are listed");
            assert_eq!(ids, other.checkpoint_ids().expect("checkpoints are listed"));
            assert_eq!(folder.read_resume().expect("read"), other.read_resume().expect("read"));
            assert_eq!(
                folder.read_checkpoints(&ids).expect("read"),
                other.read_checkpoints(&ids).expect("read")
            );
        }
    }
}
