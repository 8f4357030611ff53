//! Removing runs, and what nobody will ask for again.

use std::collections::BTreeSet;

use concertina_analysis::{Analysis, AnalysisSpec};
use concertina_model::params::ValidParams;
use concertina_store::{CheckpointId, Holder, Removal, Removed, RunKey, RunRemoval, Thinning};
use concertina_table::{Scalar, Table};

use crate::condition::Condition;
use crate::error::Result;
use crate::params_table;
use crate::selection::{CheckpointSelection, End};
use crate::stored::{self, Status};
use crate::study::Study;
use crate::training::id_of;

/// What nobody will ask for again, and what can be computed again.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Garbage {
    /// Of finished runs, all checkpoints but these; `None` keeps all. What is asked for later is computed again, to the bit.
    pub all_checkpoints_but: Option<CheckpointSelection>,
    /// Damaged files that were set aside.
    pub set_aside: bool,
}

/// Something that was removed, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collected {
    /// What kind of thing: `run`, `checkpoints`, `superseded analysis`, `analysis of no run`, `empty folder`, `left over`, `set aside`.
    pub kind: &'static str,
    /// Of which run, if of one.
    pub run: Option<RunKey>,
    /// Of which analysis, and its version.
    pub analysis: Option<(String, u32)>,
    /// How many: files, or checkpoints.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Why it stays, if it does.
    pub stays: Option<String>,
}

impl Collected {
    fn of(kind: &'static str, count: u64, bytes: u64) -> Self {
        Self { kind, run: None, analysis: None, count, bytes, stays: None }
    }
}

/// Whoever trains a run keeps it.
fn held(holder: &Holder) -> String {
    format!("process {} on {} trains it just now", holder.pid, holder.host)
}

impl Study {
    /// The runs in the store that fulfil a condition, by key.
    ///
    /// # Errors
    /// [`crate::Error::Store`]; a column that the run table does not have.
    pub fn keys_where(&self, condition: &Condition) -> Result<Vec<RunKey>> {
        let table = self.run_table()?;
        if table.is_empty() {
            return Ok(Vec::new());
        }
        let keys = table.texts("key")?;
        let mut chosen = Vec::new();
        for (row, key) in keys.into_iter().enumerate() {
            if condition.holds(&table, row)? {
                chosen.extend(key.and_then(|key| key.parse::<RunKey>().ok()));
            }
        }
        Ok(chosen)
    }

    /// The run in the store whose key begins so.
    ///
    /// # Errors
    /// [`crate::Error::UnknownRun`], [`crate::Error::AmbiguousRun`], [`crate::Error::Store`].
    pub fn key_of_run(&self, beginning: &str) -> Result<RunKey> {
        stored::key(&self.shared.store, beginning)
    }

    /// Removes runs, and what analyses found of them. Runs that somebody trains just now stay.
    ///
    /// # Errors
    /// [`crate::Error::Store`]: what was removed before that is gone.
    pub fn remove(&self, runs: &[RunKey], removal: Removal) -> Result<Vec<Collected>> {
        let store = &self.shared.store;
        let mut collected = Vec::new();
        let mut gone = BTreeSet::new();
        for key in runs.iter().copied().collect::<BTreeSet<RunKey>>() {
            let mut one = Collected::of("run", 0, 0);
            match store.run(&key).remove(removal)? {
                RunRemoval::Done(removed) => {
                    (one.count, one.bytes) = (removed.files, removed.bytes);
                    gone.insert(key);
                }
                RunRemoval::Held(holder) => one.stays = Some(held(&holder)),
            }
            collected.push(Collected { run: Some(key), ..one });
        }
        for memo in store.memos()?.into_iter().filter(|memo| gone.contains(&memo.run)) {
            let Removed { files, bytes, .. } = store.remove_memo(&memo.key, removal)?;
            let one = collected.iter_mut().find(|one| one.run == Some(memo.run));
            if let Some(one) = one {
                one.count += files;
                one.bytes += bytes;
            }
        }
        self.after_removal(removal)?;
        Ok(collected)
    }

    /// Removes what nobody will ask for again: results of analyses in versions that this program does not compute, or of runs that
    /// are gone; empty folders of runs; what killed processes left. And what `garbage` says.
    ///
    /// # Errors
    /// [`crate::Error::Store`]: what was removed before that is gone.
    pub fn collect(&self, garbage: &Garbage, removal: Removal) -> Result<Vec<Collected>> {
        let store = &self.shared.store;
        let mut collected = Vec::new();
        let keys: BTreeSet<RunKey> = store.keys()?.into_iter().collect();
        for memo in store.memos()? {
            let computed = AnalysisSpec::named(&memo.analysis).map(|analysis| analysis.version());
            let kind = match computed {
                _ if !keys.contains(&memo.run) => "analysis of no run",
                Ok(version) if version == memo.version => continue,
                _ => "superseded analysis",
            };
            let Removed { files, bytes, .. } = store.remove_memo(&memo.key, removal)?;
            let one = Collected::of(kind, files, bytes);
            let analysis = Some((memo.analysis, memo.version));
            collected.push(Collected { run: Some(memo.run), analysis, ..one });
        }
        if let Some(selection) = &garbage.all_checkpoints_but {
            for key in &keys {
                collected.extend(self.thin(key, selection, removal)?);
            }
        }
        let left = store.remove_left_over(removal)?;
        if left.files > 0 {
            collected.push(Collected::of("left over", left.files, left.bytes));
        }
        if garbage.set_aside {
            let aside = store.remove_set_aside(removal)?;
            if aside.files > 0 {
                collected.push(Collected::of("set aside", aside.files, aside.bytes));
            }
        }
        let empty = store.remove_empty_runs(removal)?;
        if empty > 0 {
            collected.push(Collected::of("empty folder", empty as u64, 0));
        }
        self.after_removal(removal)?;
        Ok(collected)
    }

    /// Forgets checkpoints of a finished run. One that goes on would miss them, and imported ones cannot be computed again.
    fn thin(
        &self,
        key: &RunKey,
        selection: &CheckpointSelection,
        removal: Removal,
    ) -> Result<Option<Collected>> {
        let run = stored::look(&self.shared.store, *key)?;
        let (Some(params), Some(end)) = (&run.params, run.reached) else { return Ok(None) };
        if run.status == Status::Unfinished.name() || params.network.weights.is_some() {
            return Ok(None);
        }
        let params = long_enough(params, end.epoch.0)?;
        let end =
            End { epoch: end.epoch.0, update: end.update, diverged: run.status == Status::Diverged.name() };
        let keep: BTreeSet<CheckpointId> = selection.resolve(&params, end).into_iter().map(id_of).collect();
        let mut one = Collected { run: Some(*key), ..Collected::of("checkpoints", 0, 0) };
        match self.shared.store.run(key).thin(&keep, removal)? {
            Thinning::Done { checkpoints: 0, .. } => return Ok(None),
            Thinning::Done { checkpoints, bytes } => (one.count, one.bytes) = (checkpoints as u64, bytes),
            Thinning::Held(holder) => one.stays = Some(held(&holder)),
        }
        Ok(Some(one))
    }

    fn after_removal(&self, removal: Removal) -> Result<()> {
        if removal == Removal::Now { self.write_run_table() } else { Ok(()) }
    }
}

/// The parameters of a run that came so far: how far it is to go is no part of what the store has of it.
pub(crate) fn long_enough(params: &ValidParams, epochs: u64) -> Result<ValidParams> {
    Ok(params.with_epochs(epochs)?)
}

/// What was removed, a row each: `kind`, `run`, `analysis`, `version`, `count`, `bytes`, `stays`.
///
/// # Errors
/// None in practice: columns have one length.
pub fn collected_table(collected: &[Collected]) -> Result<Table> {
    let text = |text: Option<String>| text.map_or(Scalar::Null, Scalar::Text);
    let rows = collected.iter().map(|one| {
        params_table::row([
            ("kind".to_owned(), one.kind.into()),
            ("run".to_owned(), text(one.run.map(|key| key.to_string()))),
            ("analysis".to_owned(), text(one.analysis.as_ref().map(|(name, _)| name.clone()))),
            (
                "version".to_owned(),
                one.analysis.as_ref().map_or(Scalar::Null, |(_, version)| Scalar::Integer((*version).into())),
            ),
            ("count".to_owned(), Scalar::Integer(one.count as i64)),
            ("bytes".to_owned(), Scalar::Integer(one.bytes as i64)),
            ("stays".to_owned(), text(one.stays.clone())),
        ])
    });
    params_table::stack(rows.collect::<Result<_>>()?)
}
