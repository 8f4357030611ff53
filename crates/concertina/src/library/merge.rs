//! Merges two stores into one.

use std::collections::{BTreeMap, BTreeSet};

use concertina_store::{Claimed, MemoEntry, RunKey, Store};
use concertina_table::{Scalar, Table};

use super::incoming::{self, Gain, Incoming};
use super::listing::amount;
use super::{Library, UPDATE, trials};
use crate::error::Result;
use crate::params_table;

/// The outcome of merging a run of another store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Merged {
    /// The run.
    pub run: RunKey,
    /// What was done with it.
    pub fate: MergeFate,
    /// How many checkpoints were added.
    pub checkpoints: usize,
    /// How many results of analyses were taken, or added to existing ones.
    pub analyses: usize,
}

/// The outcome of merging a run of another store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergeFate {
    /// This store did not have it.
    Added,
    /// This store had it, and now has it trained further or with more checkpoints.
    Extended,
    /// This store had all of it.
    Same,
    /// A checkpoint that both stores have differs between them, so the run was left as it is.
    Differs,
    /// Its parameters are damaged or missing, so it was left out.
    Damaged,
    /// It is being trained in the store into which it should be merged, so it was left out.
    Held,
}

impl MergeFate {
    /// The outcome in one word: `added`, `extended`, `same`, `differs`, `damaged` or `held`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Extended => "extended",
            Self::Same => "same",
            Self::Differs => "differs",
            Self::Damaged => "damaged",
            Self::Held => "held",
        }
    }
}

impl Library<'_> {
    /// Takes every run and every result of another store that this one does not have. What both have is
    /// compared, bit-for-bit. The other store is only read.
    pub(crate) fn merge(&self, other: &Library<'_>) -> Result<Vec<Merged>> {
        let (ours, theirs) = (self.store, other.store);
        let mut memos = memos_by_run(theirs)?;
        let mut merged = Vec::new();
        let mut without_update = BTreeSet::new();
        for run in theirs.keys()? {
            if self.settings.cancelled() {
                return Err(crate::Error::Interrupted);
            }
            let memos = memos.remove(&run).unwrap_or_default();
            merged.push(take(ours, theirs, run, &memos, &mut without_update)?);
        }
        self.write_run_table()?;
        other.report_incidents()?;
        self.report_incidents()?;
        let left =
            |what: String| self.settings.warn(&format!("not taken from {}: {what}", theirs.root().display()));
        if !memos.is_empty() {
            let count = memos.values().map(Vec::len).sum();
            left(format!("{} of runs that it does not have", amount(count, "result")));
        }
        for analysis in without_update {
            left(format!("results of `{analysis}`, whose rows do not say to which `{UPDATE}` they belong"));
        }
        Ok(merged)
    }
}

/// The results that a store remembers, by run.
pub(crate) fn memos_by_run(store: &Store) -> Result<BTreeMap<RunKey, Vec<MemoEntry>>> {
    let mut memos: BTreeMap<RunKey, Vec<MemoEntry>> = BTreeMap::new();
    for memo in store.memos()? {
        memos.entry(memo.run).or_default().push(memo);
    }
    Ok(memos)
}

/// Takes one run, unless another process is training it.
fn take(
    ours: &Store,
    theirs: &Store,
    run: RunKey,
    memos: &[MemoEntry],
    without_update: &mut BTreeSet<String>,
) -> Result<Merged> {
    match ours.run(&run).claim()? {
        Claimed::Mine(_claim) => take_claimed(ours, theirs, run, memos, without_update),
        Claimed::Held(_) => Ok(Merged { run, fate: MergeFate::Held, checkpoints: 0, analyses: 0 }),
    }
}

/// Takes one run, which this process has claimed in our store.
pub(crate) fn take_claimed(
    ours: &Store,
    theirs: &Store,
    run: RunKey,
    memos: &[MemoEntry],
    without_update: &mut BTreeSet<String>,
) -> Result<Merged> {
    let (from, to) = (theirs.run(&run), ours.run(&run));
    let fate = |fate| Ok(Merged { run, fate, checkpoints: 0, analyses: 0 });
    let Some(incoming) = Incoming::of(&from)? else { return fate(MergeFate::Damaged) };
    let checkpoints = from.checkpoint_ids()?.into_iter().filter_map(|id| {
        Some(from.read_checkpoint(id).transpose()?.map(|tensors| (id, tensors)).map_err(Into::into))
    });
    let Ok(news) = incoming::news(&to, checkpoints)? else { return fate(MergeFate::Differs) };
    trials::take(ours, theirs, &incoming.params)?;
    let mut batch = ours.batch();
    let Gain { was_there, further } = incoming.add(&mut batch, &to, &news)?;
    let mut analyses = 0;
    for memo in memos {
        let Some(table) = theirs.memo(&memo.key)? else { continue };
        let Ok(updates) = table.integers(UPDATE) else {
            without_update.insert(memo.analysis.clone());
            continue;
        };
        let known: BTreeSet<i64> = match ours.memo(&memo.key)? {
            Some(own) => own.integers(UPDATE)?.into_iter().flatten().collect(),
            None => BTreeSet::new(),
        };
        if updates.into_iter().flatten().any(|update| !known.contains(&update)) {
            analyses += 1;
            batch.memo(&memo.memo(), table, UPDATE);
        }
    }
    let fate = match (was_there, further || !news.is_empty() || analyses > 0) {
        (false, _) => MergeFate::Added,
        (true, true) => MergeFate::Extended,
        (true, false) => MergeFate::Same,
    };
    let checkpoints = news.len();
    if !batch.is_empty() {
        batch.publish()?;
    }
    Ok(Merged { run, fate, checkpoints, analyses })
}

/// The outcome of a merge, one row per run: `run`, `fate`, `checkpoints`, `analyses`.
///
/// # Errors
/// None in practice: all columns have the same length.
pub fn merged_table(merged: &[Merged]) -> Result<Table> {
    let rows = merged.iter().map(|one| {
        params_table::row([
            ("run".to_owned(), one.run.to_string().into()),
            ("fate".to_owned(), one.fate.name().into()),
            ("checkpoints".to_owned(), Scalar::Integer(one.checkpoints as i64)),
            ("analyses".to_owned(), Scalar::Integer(one.analyses as i64)),
        ])
    });
    params_table::stack(rows.collect::<Result<_>>()?)
}
