//! From what is wanted of a run to its checkpoints: loaded if the store has them, trained if not.
//!
//! Checkpoints are a cache: what is missing is computed again from the nearest earlier state, to the bit.

mod comparison;
mod pass;
mod publisher;

use std::collections::BTreeSet;
use std::time::Duration;

use concertina_model::Checkpoint;
use concertina_model::network::Weights;
use concertina_model::params::ValidParams;
use concertina_model::trainer::EpochRecord;
use concertina_store::{Batch, Claim, Claimed, Keep as Packing, RunFolder, Store};

use self::comparison::Comparer;
use self::pass::{Goal, Pass, Passed};
use self::publisher::Publisher;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::library::known::Known;
use crate::library::parameters::params_toml;
use crate::library::provenance::Clock;
use crate::record::{Comparison, Outcome, Source};
use crate::selection::{CheckpointSelection, End};
use crate::settings::{Keep, Settings};

/// Time before the second look at a run that another process trains. Arbitrary: short against a run, long against a look.
const PATIENCE: Duration = Duration::from_millis(50);
/// Most of that time, which doubles with every look.
const MOST_PATIENCE: Duration = Duration::from_secs(1);

/// Most passes over a run for one order. Two are the most that a run needs (to find where it diverges, then for what is wanted before
/// that); more happen only if somebody deletes what is written.
const MOST_PASSES: usize = 5;

/// What is wanted of a run.
pub(crate) struct Order<'a> {
    pub(crate) params: &'a ValidParams,
    /// The run, for messages.
    pub(crate) name: &'a str,
    /// The checkpoints that somebody still needs of a run that ends so; the [`Witness`] sees them as training passes by.
    pub(crate) needs: &'a dyn Fn(End) -> BTreeSet<Checkpoint>,
    /// Those that are needed all at once when the run has ended, so that the store must hold them.
    pub(crate) needs_together: &'a dyn Fn(End) -> BTreeSet<Checkpoint>,
    /// Whether the run is wanted for itself: all that is to be kept must be there.
    pub(crate) train: bool,
    /// What to keep.
    pub(crate) keep: Keep,
    /// Whether to train anew and compare.
    pub(crate) rerun: bool,
    /// Whether to wait for another process that trains it, rather than do something else first.
    pub(crate) wait: bool,
    /// What all its epochs count for in progress.
    pub(crate) work: f64,
}

/// What came of an order.
#[derive(Debug)]
pub(crate) struct Fulfilled {
    pub(crate) outcome: Outcome,
    pub(crate) source: Source,
    pub(crate) end: End,
    pub(crate) history: Vec<EpochRecord>,
    pub(crate) comparison: Option<Comparison>,
    /// Epochs that were trained.
    pub(crate) trained_epochs: u64,
    /// What they took.
    pub(crate) training: Duration,
}

/// Sees the weights that training meets and somebody needs.
pub(crate) trait Witness {
    /// Weights at a checkpoint of a run that ends so, as far as is known.
    fn meet(&mut self, checkpoint: Checkpoint, weights: Weights, end: End) -> Result<()>;

    /// Adds what came of all that was met to a batch. A state to resume from that is past it may be published with it.
    fn hand_over(&mut self, batch: &mut Batch<'_>) -> Result<()>;
}

fn nothing(_: End) -> BTreeSet<Checkpoint> {
    BTreeSet::new()
}

impl<'a> Order<'a> {
    /// An order for nothing yet, as the settings say.
    pub(crate) fn of(params: &'a ValidParams, name: &'a str, settings: &Settings) -> Self {
        Self {
            params,
            name,
            needs: &nothing,
            needs_together: &nothing,
            train: false,
            keep: settings.keep.unwrap_or_default(),
            rerun: settings.rerun,
            wait: false,
            work: 0.0,
        }
    }

    /// The checkpoints that the store is to keep of a run that ends there.
    fn kept(&self, end: End) -> BTreeSet<Checkpoint> {
        let mut kept = match self.keep {
            Keep::All => {
                let mut kept = CheckpointSelection::All.resolve(self.params, end);
                kept.extend((self.needs)(end));
                kept
            }
            // What is analysed on the way need not be kept for it.
            Keep::Needed if !self.train => BTreeSet::new(),
            Keep::Needed | Keep::Ends => CheckpointSelection::Ends.resolve(self.params, end),
        };
        kept.extend((self.needs_together)(end));
        kept
    }

    /// The checkpoints without which the order is not fulfilled.
    fn required(&self, end: End) -> BTreeSet<Checkpoint> {
        let mut required = (self.needs)(end);
        if self.train {
            required.extend(self.kept(end));
        }
        required
    }

    /// What is to be trained for, given what the store has; `None` if nothing is missing.
    fn goal(&self, known: &Known, anew: bool) -> Option<Goal> {
        let there = |one: &Checkpoint| !anew && known.checkpoints.contains(one);
        if let Some(end) = known.end(self.params) {
            let required = self.required(end).into_iter();
            if anew {
                let stored = known.checkpoints.iter().copied().filter(|one| one.update <= end.update);
                return Some(Goal {
                    epochs: end.epoch,
                    to_the_end: false,
                    wanted: required.chain(stored).collect(),
                });
            }
            let missing: BTreeSet<Checkpoint> = required.filter(|one| !there(one)).collect();
            let epochs = missing.last()?.update.0.div_ceil(self.params.updates_per_epoch());
            return Some(Goal { epochs, to_the_end: false, wanted: missing });
        }
        let epochs = self.params.train.epochs;
        let end = End::after(self.params, epochs);
        let wanted = self.kept(end).into_iter().chain((self.needs)(end)).filter(|one| !there(one)).collect();
        Some(Goal { epochs, to_the_end: true, wanted })
    }
}

/// How long to wait before looking again at a run that another process trains.
pub(crate) fn patience(looks: u32) -> Duration {
    (PATIENCE * 2_u32.saturating_pow(looks.min(8))).min(MOST_PATIENCE)
}

/// Fulfils an order: looks, and trains what is missing; `None` if somebody else is at it and the order does not want to wait.
pub(crate) fn fulfil(
    settings: &Settings,
    store: &Store,
    folder: &RunFolder,
    order: &Order<'_>,
    witness: &mut dyn Witness,
) -> Result<Option<Fulfilled>> {
    let mut source = Source::Loaded;
    let mut comparison = None;
    let mut trained_epochs = 0;
    let mut training = Duration::ZERO;
    let mut anew = order.rerun;
    let mut looks = 0;
    let mut passes = 0;
    loop {
        let known = Known::read(folder, order.params)?;
        if order.goal(&known, anew).is_none() {
            let end = known.end(order.params).unwrap_or(End::after(order.params, order.params.train.epochs));
            if known.loose {
                folder.pack(Packing::All)?; // a kill came between the last checkpoint and packing
            }
            known.mend(folder, order.params)?;
            let outcome = known.divergence(end).cloned().map_or(Outcome::Complete, Outcome::Diverged);
            let history = known.history.into_iter().take(end.epoch as usize).collect();
            return Ok(Some(Fulfilled {
                outcome,
                source,
                end,
                history,
                comparison,
                trained_epochs,
                training,
            }));
        }
        if passes == MOST_PASSES {
            return Err(Error::RunFailed {
                run: order.name.to_owned(),
                message: format!(
                    "its checkpoints are not in the store after training it {MOST_PASSES} times"
                ),
                hint: Some(
                    "`concertina store verify` looks for damage; `--rerun` compares with this machine"
                        .to_owned(),
                ),
            });
        }
        let mut claim = match folder.claim()? {
            Claimed::Mine(claim) => claim,
            Claimed::Held(_) => {
                if settings.cancelled() {
                    return Ok(Some(interrupted(order, known.history, source, trained_epochs, training)));
                }
                if !order.wait && trained_epochs == 0 {
                    return Ok(None);
                }
                if looks == 0 {
                    settings.tell(&Event::Waiting { run: order.name });
                }
                std::thread::sleep(patience(looks));
                looks += 1;
                continue;
            }
        };
        // Somebody may have finished it just now.
        let known = Known::read(folder, order.params)?;
        let Some(goal) = order.goal(&known, anew) else { continue };
        let work = Work { settings, store, folder, order, known: &known, goal: &goal, anew };
        let passed = work.pass(witness, &mut comparison, &mut claim)?;
        drop(claim);
        passes += 1;
        trained_epochs += passed.to_epoch - passed.from_epoch;
        training += passed.training;
        if source == Source::Loaded {
            source = source_of(&known, &goal, &passed, anew);
        }
        let Some(end) = passed.end else {
            return Ok(Some(interrupted(order, passed.history, source, trained_epochs, training)));
        };
        anew = false;
        let kept = order.kept(end);
        let there = |one: &Checkpoint| known.checkpoints.contains(one) || kept.contains(one);
        if goal.to_the_end && !end.diverged && (order.needs)(end).iter().all(there) {
            let outcome = Outcome::Complete;
            let history = passed.history;
            return Ok(Some(Fulfilled {
                outcome,
                source,
                end,
                history,
                comparison,
                trained_epochs,
                training,
            }));
        }
    }
}

/// What is to become of weights that a pass meets.
struct Wishes<'a> {
    order: &'a Order<'a>,
    /// Where the run ends, as far as is known before the pass.
    end: End,
    kept: BTreeSet<Checkpoint>,
    needed: BTreeSet<Checkpoint>,
}

impl Wishes<'_> {
    /// Whether the store is to keep a checkpoint of a run that ends so.
    fn keeps(&self, checkpoint: Checkpoint, end: End) -> bool {
        if end == self.end {
            self.kept.contains(&checkpoint)
        } else {
            self.order.kept(end).contains(&checkpoint)
        }
    }

    /// Whether the witness is to see it.
    fn needs(&self, checkpoint: Checkpoint, end: End) -> bool {
        if end == self.end {
            self.needed.contains(&checkpoint)
        } else {
            (self.order.needs)(end).contains(&checkpoint)
        }
    }
}

/// What a pass works with.
struct Work<'a> {
    settings: &'a Settings,
    store: &'a Store,
    folder: &'a RunFolder,
    order: &'a Order<'a>,
    known: &'a Known,
    goal: &'a Goal,
    anew: bool,
}

impl Work<'_> {
    /// Trains once through.
    fn pass(
        &self,
        witness: &mut dyn Witness,
        comparison: &mut Option<Comparison>,
        claim: &mut Claim,
    ) -> Result<Passed> {
        let Self { settings, store, folder, order, known, goal, anew } = *self;
        let end = known.end(order.params).unwrap_or(End::after(order.params, goal.epochs));
        let wishes = Wishes { order, end, kept: order.kept(end), needed: (order.needs)(end) };
        let mut publisher = Publisher::new(
            store,
            folder,
            params_toml(order.params),
            known.checkpoints.clone(),
            known.loose,
            anew.then(|| Comparer::new(folder)),
        );
        let pass = Pass {
            settings,
            params: order.params,
            name: order.name,
            folder,
            known,
            goal,
            wishes: &wishes,
            anew,
            epoch_work: order.work / order.params.train.epochs.max(1) as f64,
            clock: &Clock::start(),
        };
        let passed = pass.run(witness, &mut publisher, claim)?;
        if let Some(comparer) = publisher.comparer.take() {
            let both = known.history.len().min(passed.history.len());
            *comparison = comparer.finish(&known.history[..both], &passed.history[..both])?;
        }
        Ok(passed)
    }
}

fn interrupted(
    order: &Order<'_>,
    history: Vec<EpochRecord>,
    source: Source,
    trained_epochs: u64,
    training: Duration,
) -> Fulfilled {
    let end = End::after(order.params, history.len() as u64);
    let (outcome, comparison) = (Outcome::Interrupted, None);
    Fulfilled { outcome, source, end, history, comparison, trained_epochs, training }
}

fn source_of(known: &Known, goal: &Goal, passed: &Passed, anew: bool) -> Source {
    let nothing_known = known.progress.is_none() && known.checkpoints.is_empty();
    if anew || nothing_known {
        Source::Trained
    } else if passed.to_epoch == passed.from_epoch {
        Source::Loaded
    } else if !goal.to_the_end || passed.from_epoch == 0 {
        Source::Recomputed
    } else if known.loose {
        Source::Resumed
    } else {
        Source::Extended
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::BTreeSet;

    use concertina_model::Checkpoint;
    use concertina_model::network::Weights;
    use concertina_model::params::Params;
    use concertina_store::{Batch, RunKey, Store};

    use super::{Keep, MOST_PASSES, Order, Witness, fulfil};
    use crate::Result;
    use crate::selection::{End, after_epoch};
    use crate::settings::Settings;

    /// Counts the weights that it meets, and keeps none.
    struct Counter<'c>(&'c Cell<usize>);

    impl Witness for Counter<'_> {
        fn meet(&mut self, _: Checkpoint, _: Weights, _: End) -> Result<()> {
            self.0.set(self.0.get() + 1);
            Ok(())
        }

        fn hand_over(&mut self, _: &mut Batch<'_>) -> Result<()> {
            Ok(())
        }
    }

    /// What comes of a run of which an earlier checkpoint is wanted after each of so many passes.
    fn after_passes(passes: usize) -> Result<usize> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut params = Params::default();
        (params.network.units, params.task.input_dim, params.task.clusters) = (4, 3, 4);
        (params.task.train_samples, params.train.epochs) = (20, 9);
        let params = params.check().expect("valid");
        let settings = Settings::new(folder.path().to_owned());
        let store = Store::open(folder.path())?;
        let met = Cell::new(0);
        let needs = |_: End| match passes - met.get() {
            0 => BTreeSet::new(),
            left => BTreeSet::from([after_epoch(&params, left as u64)]),
        };
        let order = Order { needs: &needs, keep: Keep::Needed, ..Order::of(&params, "this one", &settings) };
        let run = store.run(&RunKey::of(&params.canonical()));
        fulfil(&settings, &store, &run, &order, &mut Counter(&met))?.expect("no other process trains it");
        Ok(met.get())
    }

    #[test]
    fn a_run_whose_last_pass_succeeds_does_not_fail() {
        assert_eq!(after_passes(1).expect("one pass"), 1);
        assert_eq!(after_passes(MOST_PASSES).expect("the last pass succeeds"), MOST_PASSES);
        let error = after_passes(MOST_PASSES + 1).expect_err("one too many");
        assert!(error.to_string().contains("after training it 5 times"), "{error}");
    }
}
