//! Removes runs, and what will not be asked for again.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use concertina_analysis::{Analysis, AnalysisSpec};
use concertina_model::params::ValidParams;
use concertina_store::{CheckpointId, Holder, Removal, Removed, RunKey, RunRemoval, Thinning};
use concertina_table::{Condition, Scalar, Table};

use super::Library;
use super::progress::Status;
use super::progress::id_of;
use super::{stored, trials};
use crate::error::Result;
use crate::params_table;
use crate::selection::{CheckpointSelection, End};

/// What to remove beyond what will not be asked for again.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Garbage {
    /// All checkpoints of finished runs except these; `None` keeps all. What is asked for later is computed
    /// again, bit-for-bit.
    pub all_checkpoints_but: Option<CheckpointSelection>,
    /// Damaged files that were set aside.
    pub set_aside: bool,
    /// Results of analyses that this program does not know: a user's own analyses, or those of a newer
    /// version.
    pub unknown_analyses: bool,
}

/// What this program knows about the analysis of a stored result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It computes this version.
    Current,
    /// It computes a later version.
    Superseded,
    /// It does not know an analysis of this name, or knows only earlier versions: the analysis is the user's
    /// own, or comes from a newer program.
    Unknown,
}

impl Standing {
    pub(crate) fn of(analysis: &str, version: u32) -> Self {
        match AnalysisSpec::named(analysis).map(|analysis| analysis.version().cmp(&version)) {
            Ok(Ordering::Equal) => Self::Current,
            Ok(Ordering::Greater) => Self::Superseded,
            Ok(Ordering::Less) | Err(_) => Self::Unknown,
        }
    }
}

/// Something that was removed, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collected {
    /// What kind of thing: `run`, `checkpoints`, `superseded analysis`, `analysis of no run`, `trials of no
    /// run`, `unknown analysis`, `empty folder`, `left over`, `set aside`.
    pub kind: &'static str,
    /// The run it belongs to, if any.
    pub run: Option<RunKey>,
    /// The analysis it belongs to, and the version.
    pub analysis: Option<(String, u32)>,
    /// The number of files or checkpoints.
    pub count: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Why it stays, if it does.
    pub stays: Option<String>,
}

impl Collected {
    fn of(kind: &'static str, count: u64, bytes: u64) -> Self {
        Self { kind, run: None, analysis: None, count, bytes, stays: None }
    }
}

/// Results of an analysis that this program does not know.
const UNKNOWN: &str = "unknown analysis";
/// Why these results stay.
const NOT_KNOWN: &str = "this version does not know the analysis";

/// Counts results that stay, summed over runs for each analysis and version.
fn add_kept(collected: &mut Vec<Collected>, one: Collected) {
    let same = |other: &&mut Collected| other.stays == one.stays && other.analysis == one.analysis;
    match collected.iter_mut().find(same) {
        Some(other) => (other.count, other.bytes) = (other.count + one.count, other.bytes + one.bytes),
        None => collected.push(one),
    }
}

/// The reason why a run that is being trained stays.
fn held(holder: &Holder) -> String {
    format!("process {} on {} is training it", holder.pid, holder.host)
}

impl Library<'_> {
    /// The runs in the store that fulfil a condition, by key.
    pub(crate) fn keys_where(&self, condition: &Condition) -> Result<Vec<RunKey>> {
        let table = self.run_table()?;
        if table.is_empty() {
            return Ok(Vec::new());
        }
        let keys = condition.rows(&table)?.texts("key")?;
        Ok(keys.into_iter().flatten().filter_map(|key| key.parse().ok()).collect())
    }

    /// The run in the store whose key begins with these digits.
    pub(crate) fn key_of_run(&self, beginning: &str) -> Result<RunKey> {
        stored::key(self.store, beginning)
    }

    /// Removes runs and the results of their analyses. Runs that are being trained stay.
    pub(crate) fn remove(&self, runs: &[RunKey], removal: Removal) -> Result<Vec<Collected>> {
        let store = self.store;
        let mut collected = Vec::new();
        let mut gone = BTreeSet::new();
        for key in runs.iter().copied().collect::<BTreeSet<RunKey>>() {
            let mut one = Collected::of("run", 0, 0);
            match store.run(&key).remove(removal)? {
                RunRemoval::Done(removed) => {
                    (one.count, one.bytes) = (removed.files, removed.bytes);
                    gone.insert(key);
                    let folder = store.run(&key).path();
                    if removal == Removal::Now && folder.exists() {
                        self.settings.warn(&format!(
                            "run {} is removed, but files that the store did not write remain: {}",
                            key.short(),
                            folder.display()
                        ));
                    }
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

    /// Removes what will not be asked for again: results of analyses in earlier versions than this program
    /// computes, or of runs that are gone; empty folders of runs; what killed processes left; and what
    /// `garbage` names.
    pub(crate) fn collect(&self, garbage: &Garbage, removal: Removal) -> Result<Vec<Collected>> {
        let store = self.store;
        let mut collected = Vec::new();
        let keys: BTreeSet<RunKey> = store.keys()?.into_iter().collect();
        for memo in store.memos()? {
            let kind = match Standing::of(&memo.analysis, memo.version) {
                Standing::Unknown => UNKNOWN,
                _ if !keys.contains(&memo.run) => "analysis of no run",
                Standing::Superseded => "superseded analysis",
                Standing::Current => continue,
            };
            let stays = kind == UNKNOWN && !garbage.unknown_analyses;
            let removal = if stays { Removal::DryRun } else { removal };
            let Removed { files, bytes, .. } = store.remove_memo(&memo.key, removal)?;
            let one = Collected::of(kind, files, bytes);
            let (run, analysis) = (Some(memo.run), Some((memo.analysis, memo.version)));
            match stays {
                true => {
                    add_kept(&mut collected, Collected { analysis, stays: Some(NOT_KNOWN.to_owned()), ..one })
                }
                false => collected.push(Collected { run, analysis, ..one }),
            }
        }
        let kept = store.trials_keys()?;
        // if there are no trials, no run has to be read
        let in_use = if kept.is_empty() { BTreeSet::new() } else { trials::in_use(store)? };
        for key in kept.into_iter().filter(|key| !in_use.contains(key)) {
            let Removed { files, bytes, .. } = store.remove_trials(&key, removal)?;
            if files > 0 {
                collected.push(Collected::of("trials of no run", files, bytes));
            }
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

    /// Removes checkpoints of a finished run. An unfinished run still needs its checkpoints, and imported
    /// checkpoints cannot be computed again.
    fn thin(
        &self,
        key: &RunKey,
        selection: &CheckpointSelection,
        removal: Removal,
    ) -> Result<Option<Collected>> {
        let run = stored::look(self.store, *key)?;
        let (Some(params), Some(end)) = (&run.params, run.reached) else { return Ok(None) };
        if run.status == Status::Unfinished.name() || params.network.weights.is_some() {
            return Ok(None);
        }
        let params = long_enough(params, end.epoch.0)?;
        let end =
            End { epoch: end.epoch.0, update: end.update, diverged: run.status == Status::Diverged.name() };
        let keep: BTreeSet<CheckpointId> = selection.resolve(&params, end).into_iter().map(id_of).collect();
        if let Some(epoch) = selection.largest_epoch().filter(|epoch| *epoch > end.epoch) {
            let (run, last) = (key.short(), end.epoch);
            self.settings.warn(&format!(
                "run {run} ended at epoch {last} and has no epoch {epoch}: all of its checkpoints stay"
            ));
            return Ok(None);
        }
        let mut one = Collected { run: Some(*key), ..Collected::of("checkpoints", 0, 0) };
        match self.store.run(key).thin(&keep, removal)? {
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

/// The parameters of a run that was trained this far. The store does not keep how far a run is to be trained.
pub(crate) fn long_enough(params: &ValidParams, epochs: u64) -> Result<ValidParams> {
    Ok(params.with_epochs(epochs)?)
}

/// What was removed, one row per item: `kind`, `run`, `analysis`, `version`, `count`, `bytes`, `stays`.
///
/// # Errors
/// None in practice: all columns have the same length.
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
