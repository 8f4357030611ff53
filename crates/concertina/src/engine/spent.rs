//! Where the time goes.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use super::pool::lock;

/// The time that computing took, summed over threads.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Spent {
    /// Updates and validation.
    pub training: Duration,
    /// Epochs that were trained.
    pub epochs: u64,
    /// By analysis: at how many checkpoints it was computed, and how long that took.
    pub analyses: BTreeMap<&'static str, (u64, Duration)>,
    /// The wall time from the first look at the store to the last answer.
    pub wall: Duration,
}

impl Spent {
    /// Adds the time of an earlier request.
    pub(crate) fn add(&mut self, other: &Spent) {
        self.training += other.training;
        self.epochs += other.epochs;
        self.wall += other.wall;
        for (analysis, (count, time)) in &other.analyses {
            let sum = self.analyses.entry(analysis).or_default();
            *sum = (sum.0 + count, sum.1 + *time);
        }
    }
}

/// Collects the time that threads have spent.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Spent>);

impl Ledger {
    pub(super) fn trained(&self, epochs: u64, time: Duration) {
        let mut spent = lock(&self.0);
        spent.epochs += epochs;
        spent.training += time;
    }

    pub(super) fn analysed(&self, analysis: &'static str, time: Duration) {
        let mut spent = lock(&self.0);
        let (count, total) = spent.analyses.entry(analysis).or_default();
        *count += 1;
        *total += time;
    }

    pub(super) fn close(&self, wall: Duration) -> Spent {
        Spent { wall, ..lock(&self.0).clone() }
    }
}
