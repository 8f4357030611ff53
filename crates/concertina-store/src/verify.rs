//! Reads every byte of a store, and repairs what can be repaired.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::content::{ANALYSES, CHECKPOINTS, Content, TABLE_ENDING, TENSORS_ENDING, TRIALS, run_path};
use crate::disk::INCOMING;
use crate::place::entries;
use crate::{Keep, MemoKey, Result, Store};

/// Something in a store that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The path, below the store's root.
    pub path: PathBuf,
    /// The kind of finding.
    pub kind: FindingKind,
    /// What is wrong, as a text.
    pub reason: String,
}

/// The kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// A file of the store whose content has changed. Repairing sets it aside.
    Damaged,
    /// A file left by a killed process. Repairing removes it.
    LeftOver,
    /// Something that the store did not write. Repairing leaves it.
    Foreign,
}

struct Search<'a> {
    store: &'a Store,
    damaged: Vec<(Content, Finding)>,
    others: Vec<Finding>,
}

pub(crate) fn verify(store: &Store) -> Result<Vec<Finding>> {
    let search = Search::run(store)?;
    let mut findings: Vec<_> =
        search.damaged.into_iter().map(|(_, finding)| finding).chain(search.others).collect();
    findings.sort();
    Ok(findings)
}

pub(crate) fn repair(store: &Store) -> Result<Vec<Finding>> {
    store.disk.check_writable()?;
    let search = Search::run(store)?;
    store.disk.sweep()?;
    let mut findings = search.others;
    for (content, finding) in search.damaged {
        match content {
            Content::Pack(run) => drop(store.run(&run).pack(Keep::All)?),
            content => drop(store.disk.read(&content.path(), |file, length| content.check(file, length))?),
        }
        findings.push(finding);
    }
    findings.sort();
    Ok(findings)
}

impl<'a> Search<'a> {
    fn run(store: &'a Store) -> Result<Self> {
        let mut search = Self { store, damaged: Vec::new(), others: Vec::new() };
        for key in store.keys()? {
            let folder = run_path(&key);
            let contents = Content::of_run(key);
            for content in contents {
                search.check(content)?;
            }
            let known = |path: &Path| {
                path.ends_with(CHECKPOINTS) || contents.iter().any(|content| content.path() == path)
            };
            search.foreign(&folder, known)?;
            let checkpoints = folder.join(CHECKPOINTS);
            search.each(&checkpoints, |name| {
                Some(Content::Checkpoint(key, name.strip_suffix(TENSORS_ENDING)?.parse().ok()?))
            })?;
        }
        for shard in store.shards(ANALYSES)? {
            let folder = Path::new(ANALYSES).join(shard.file_name().unwrap_or_default());
            search.each(&folder, |name| {
                let key: MemoKey = name.strip_suffix(TABLE_ENDING)?.parse().ok()?;
                shard.ends_with(key.shard()).then_some(Content::Memo(key))
            })?;
        }
        search.each(Path::new(TRIALS), |name| {
            Some(Content::Trials(name.strip_suffix(TENSORS_ENDING)?.parse().ok()?))
        })?;
        for path in store.disk.left_over()? {
            let name = path.file_name().unwrap_or_default();
            search.note(Path::new(INCOMING).join(name), FindingKind::LeftOver, "left by a killed process");
        }
        Ok(search)
    }

    fn note(&mut self, path: PathBuf, kind: FindingKind, reason: &str) {
        self.others.push(Finding { path, kind, reason: reason.to_owned() });
    }

    fn check(&mut self, content: Content) -> Result<()> {
        let path = content.path();
        if let Err((reason, _)) =
            self.store.disk.inspect(&path, |file, length| content.check(file, length))?
        {
            self.damaged.push((content, Finding { path, kind: FindingKind::Damaged, reason }));
        }
        Ok(())
    }

    /// Checks each file of a folder. Files that `content` does not know are foreign.
    fn each(&mut self, folder: &Path, content: impl Fn(&str) -> Option<Content>) -> Result<()> {
        let Some(absolute) = self.store.disk.folder(folder)? else { return Ok(()) };
        for (name, _) in entries(&absolute)? {
            match content(&name) {
                Some(content) => self.check(content)?,
                None => self.note(folder.join(name), FindingKind::Foreign, "not a file of the store"),
            }
        }
        Ok(())
    }

    fn foreign(&mut self, folder: &Path, known: impl Fn(&Path) -> bool) -> Result<()> {
        let Some(absolute) = self.store.disk.folder(folder)? else { return Ok(()) };
        for (name, _) in entries(&absolute)? {
            let path = folder.join(name);
            if !known(&path) {
                self.note(path, FindingKind::Foreign, "not a file of the store");
            }
        }
        Ok(())
    }
}
