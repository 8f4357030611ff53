//! What to train of a run, given what the store has of it. The functions here are pure: they neither read nor
//! write.

use std::collections::BTreeSet;

use concertina_model::params::ValidParams;
use concertina_model::{Checkpoint, Update};
use concertina_store::RunKey;

use super::witness::Needs;
use crate::library::known::Known;
use crate::library::progress::Progress;
use crate::selection::{CheckpointSelection, End};
use crate::settings::{Keep, Settings};

/// A request for one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunRequest<'a> {
    pub(crate) params: &'a ValidParams,
    /// The key of these parameters. The folder of an imported network may have another key.
    pub(crate) key: RunKey,
    /// Whether the trained run itself is wanted: then the store must have everything that is to be kept.
    pub(crate) train: bool,
    /// Which checkpoints to keep.
    pub(crate) keep: Keep,
    /// Whether to train again and compare.
    pub(crate) rerun: bool,
    /// Whether to wait for another process that trains it, rather than do something else first.
    pub(crate) wait: bool,
    /// What all its epochs count for in progress reports.
    pub(crate) work: f64,
}

impl<'a> RunRequest<'a> {
    /// A request with these settings that does not want anything yet.
    pub(crate) fn of(params: &'a ValidParams, settings: &Settings) -> Self {
        let (key, keep) = (RunKey::of(&params.canonical()), settings.keep.unwrap_or_default());
        Self { params, key, train: false, keep, rerun: settings.rerun, wait: false, work: 0.0 }
    }

    /// The checkpoints that the store is to keep of a run with this end and these needs.
    pub(crate) fn kept(&self, end: End, needs: &Needs) -> BTreeSet<Checkpoint> {
        let mut kept = match self.keep {
            Keep::All => {
                let mut kept = CheckpointSelection::All.resolve(self.params, end);
                kept.extend(&needs.all);
                kept
            }
            // What is analysed during training need not be kept for that.
            Keep::Needed if !self.train => BTreeSet::new(),
            Keep::Needed | Keep::Ends => CheckpointSelection::Ends.resolve(self.params, end),
        };
        kept.extend(&needs.together);
        kept
    }

    /// What one of its epochs counts for.
    pub(crate) fn epoch_work(&self) -> f64 {
        self.work / self.params.train.epochs.max(1) as f64
    }

    /// Where the run ends, as far as is known before it is trained.
    pub(crate) fn end(&self, known: &Known) -> End {
        known.end(self.params).unwrap_or(End::after(self.params, self.params.train.epochs))
    }
}

/// What to train of a run in one pass.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    /// The last epoch to train.
    pub(crate) epochs: u64,
    /// Whether the run ends there as far as is known, so that early stopping applies.
    pub(crate) to_the_end: bool,
    /// Where the run ends, as far as is known.
    pub(crate) end: End,
    /// The checkpoints at which weights are wanted.
    pub(crate) wanted: BTreeSet<Checkpoint>,
    /// Those that the store is to keep of a run with this end.
    pub(crate) kept: BTreeSet<Checkpoint>,
    /// Those that the witness is to see of a run with this end.
    pub(crate) needed: BTreeSet<Checkpoint>,
    /// Whether to train from the start, whatever the store has, and compare.
    pub(crate) from_start: bool,
}

impl Plan {
    /// What to train of a run, given what the store has and what is needed of a run with [this
    /// end](RunRequest::end); `None` if nothing is missing.
    pub(crate) fn of(
        request: &RunRequest<'_>,
        known: &Known,
        needs: &Needs,
        from_start: bool,
    ) -> Option<Self> {
        let params = request.params;
        let end = request.end(known);
        let kept = request.kept(end, needs);
        let is_missing = |one: &Checkpoint| from_start || !known.checkpoints.contains(one);
        let mut wanted = needs.all.clone();
        if known.end(params).is_none() {
            wanted.extend(&kept);
            wanted.retain(is_missing);
            let (epochs, needed) = (params.train.epochs, needs.all.clone());
            return Some(Self { epochs, to_the_end: true, end, wanted, kept, needed, from_start });
        }
        if request.train {
            wanted.extend(&kept);
        }
        wanted.retain(is_missing);
        let epochs = if from_start {
            wanted.extend(known.checkpoints.iter().filter(|one| one.update <= end.update));
            end.epoch
        } else {
            wanted.last()?.update.0.div_ceil(params.updates_per_epoch())
        };
        Some(Self { epochs, to_the_end: false, end, wanted, kept, needed: needs.all.clone(), from_start })
    }

    /// Whether training can continue from a stored state, which must not be past the first checkpoint that is
    /// wanted.
    pub(crate) fn continues_from(&self, state: &Progress) -> bool {
        let first = self.wanted.first().map(|one| one.update.0);
        !self.from_start
            && state.diverged.is_none()
            && state.epoch <= self.epochs
            && first.is_none_or(|first| state.update <= first)
    }

    /// The updates at which weights are wanted in the epoch that follows a checkpoint.
    pub(crate) fn updates_after(&self, from: Checkpoint, updates_per_epoch: u64) -> BTreeSet<Update> {
        let until = Update(from.update.0 + updates_per_epoch);
        let wanted = self.wanted.iter().map(|one| one.update);
        wanted.filter(|&update| update > from.update && update <= until).collect()
    }
}

#[cfg(test)]
mod tests {
    use concertina_model::params::Params;
    use concertina_model::trainer::EpochRecord;

    use super::*;
    use crate::record::Divergence;
    use crate::selection::after_epoch;

    /// A run of this many epochs, with every second epoch on its schedule.
    fn params(epochs: u64) -> ValidParams {
        let mut params = Params::default();
        params.train.epochs = epochs;
        params.set("saves_per_epoch", "0.5").expect("a rate");
        params.check().expect("valid")
    }

    fn request(params: &ValidParams, keep: Keep, train: bool) -> RunRequest<'_> {
        let key = RunKey::of(&params.canonical());
        RunRequest { params, key, train, keep, rerun: false, wait: false, work: 0.0 }
    }

    fn after(params: &ValidParams, epochs: &[u64]) -> BTreeSet<Checkpoint> {
        epochs.iter().map(|&epoch| after_epoch(params, epoch)).collect()
    }

    fn epochs(checkpoints: &BTreeSet<Checkpoint>) -> Vec<u64> {
        checkpoints.iter().map(|one| one.epoch.0).collect()
    }

    fn record(epoch: u64, validation_loss: f64) -> EpochRecord {
        EpochRecord {
            epoch,
            update: epoch,
            learning_rate: 1e-3,
            training_loss: 1.0,
            training_accuracy: Some(0.5),
            gradient_norm: 1.0,
            validation_loss,
            validation_accuracy: Some(0.5),
            validation_r2: None,
        }
    }

    /// A store that has these checkpoints of a run, and a state and a history of `progress` epochs.
    fn known(params: &ValidParams, checkpoints: &[u64], progress: u64) -> Known {
        let state =
            Progress { epoch: progress, update: after_epoch(params, progress).update.0, diverged: None };
        Known {
            checkpoints: after(params, checkpoints),
            loose: false,
            progress: (progress > 0).then_some(state),
            noted: true,
            history: (1..=progress).map(|epoch| record(epoch, 1.0 / epoch as f64)).collect(),
        }
    }

    fn needs(params: &ValidParams, all: &[u64], together: &[u64]) -> Needs {
        Needs { all: after(params, all), together: after(params, together) }
    }

    #[test]
    fn what_is_kept_follows_from_the_policy_and_from_what_is_needed() {
        let params = params(6);
        let end = End::after(&params, 6);
        let kept = |keep, train, needs: &Needs| epochs(&request(&params, keep, train).kept(end, needs));
        let none = Needs::default();
        assert_eq!(kept(Keep::All, false, &none), [0, 2, 4, 6]);
        assert_eq!(kept(Keep::All, false, &needs(&params, &[3], &[])), [0, 2, 3, 4, 6]);
        assert_eq!(kept(Keep::Ends, false, &needs(&params, &[3], &[])), [0, 6]);
        assert_eq!(kept(Keep::Needed, true, &none), [0, 6]);
        assert_eq!(kept(Keep::Needed, false, &none), [0; 0]);
        assert_eq!(kept(Keep::Needed, false, &needs(&params, &[3, 5], &[3])), [3], "looked at together");
    }

    #[test]
    fn a_run_that_the_store_lacks_is_trained_to_its_end() {
        let params = params(6);
        let request = request(&params, Keep::Needed, false);
        let plan = Plan::of(&request, &known(&params, &[], 0), &needs(&params, &[3], &[]), false);
        let plan = plan.expect("everything is missing");
        assert_eq!((plan.epochs, plan.to_the_end, plan.end), (6, true, End::after(&params, 6)));
        assert_eq!(
            (epochs(&plan.wanted), epochs(&plan.kept), epochs(&plan.needed)),
            (vec![3], vec![], vec![3])
        );
    }

    #[test]
    fn a_stored_run_is_trained_only_for_what_is_missing() {
        let params = params(6);
        let there = known(&params, &[0, 2, 4, 6], 6);
        let of = |request: &RunRequest<'_>, all: &[u64]| {
            Plan::of(request, &there, &needs(&params, all, &[]), false)
        };
        assert_eq!(of(&request(&params, Keep::All, true), &[2, 4]), None);
        let plan = of(&request(&params, Keep::All, false), &[2, 3]).expect("epoch 3 is missing");
        assert_eq!((plan.epochs, plan.to_the_end, epochs(&plan.wanted)), (3, false, vec![3]));
        let lost = known(&params, &[0, 2, 6], 6);
        let plan = Plan::of(&request(&params, Keep::All, true), &lost, &Needs::default(), false);
        assert_eq!(epochs(&plan.expect("one that is to be kept is missing").wanted), [4]);
        assert_eq!(Plan::of(&request(&params, Keep::All, false), &lost, &Needs::default(), false), None);
    }

    #[test]
    fn a_longer_run_continues_from_the_state_of_the_shorter_one_unless_an_earlier_checkpoint_is_wanted() {
        let (short, long) = (params(4), params(8));
        let there = known(&short, &[0, 2, 4], 4);
        let state = there.progress.clone().expect("a state");
        let of = |all: &[u64]| {
            let plan = Plan::of(&request(&long, Keep::All, true), &there, &needs(&long, all, &[]), false);
            plan.expect("more epochs are asked for")
        };
        let plan = of(&[]);
        assert_eq!((plan.epochs, plan.to_the_end, epochs(&plan.wanted)), (8, true, vec![6, 8]));
        assert!(plan.continues_from(&state));
        assert!(!of(&[3]).continues_from(&state), "epoch 3 is reached only from the start");
        let divergence = Divergence {
            epoch: 5,
            update: 1,
            loss: String::new(),
            largest_weight: String::new(),
            learning_rate: 0.1,
        };
        assert!(!plan.continues_from(&Progress { diverged: Some(divergence), ..state }));
    }

    #[test]
    fn a_run_that_is_trained_again_meets_every_checkpoint_in_the_store() {
        let params = params(6);
        let there = known(&params, &[0, 2, 4, 6], 6);
        let plan = Plan::of(&request(&params, Keep::All, false), &there, &Needs::default(), true);
        let plan = plan.expect("the run is trained again");
        assert_eq!((plan.epochs, plan.to_the_end, epochs(&plan.wanted)), (6, false, vec![0, 2, 4, 6]));
        assert!(!plan.continues_from(&there.progress.expect("a state")));
    }

    #[test]
    fn a_run_that_stopped_early_stops_at_the_same_epoch_when_more_are_asked_for() {
        let mut stopping = Params::clone(&params(8));
        stopping.train.stop_after = Some(2);
        let stopping = stopping.check().expect("valid");
        let mut there = known(&stopping, &[0, 2, 4, 5], 5);
        there.history[3..].iter_mut().for_each(|record| record.validation_loss = 2.0);
        let request = request(&stopping, Keep::All, true);
        assert_eq!(request.end(&there), End::after(&stopping, 5));
        assert_eq!(Plan::of(&request, &there, &Needs::default(), false), None);
    }

    #[test]
    fn the_updates_of_an_epoch_follow_its_first_checkpoint_and_include_its_last() {
        let params = params(6);
        let per_epoch = params.updates_per_epoch();
        let plan =
            Plan::of(&request(&params, Keep::All, true), &known(&params, &[], 0), &Needs::default(), false);
        let plan = plan.expect("everything is missing");
        let updates = |from: u64| plan.updates_after(after_epoch(&params, from), per_epoch);
        assert_eq!(
            updates(0),
            BTreeSet::new(),
            "a checkpoint at the start of an epoch does not belong to it"
        );
        assert_eq!(updates(1), BTreeSet::from([Update(2 * per_epoch)]));
        assert_eq!(updates(2), BTreeSet::new());
    }
}
