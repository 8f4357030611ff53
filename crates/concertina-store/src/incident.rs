//! Damaged files, which are set aside with a reason and never deleted.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::disk::{Disk, Mode, NewFile};
use crate::place::{FileId, entries};
use crate::process::token;

/// Where damaged files are moved: one folder per file, with the file and [`NOTE`].
pub(crate) const SET_ASIDE: &str = "set-aside";
/// The file with the reason.
const NOTE: &str = "incident.json";

/// A file that was found damaged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Incident {
    /// Where it was, below the store's root.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
    /// Where it is now, below the store's root; `None` if it could not be moved and is still in its place.
    pub set_aside: Option<PathBuf>,
}

impl Disk {
    /// Moves a damaged file to `set-aside/` with the reason.
    ///
    /// If that is not allowed (the store is opened for reading only, or the file system is read-only), the
    /// incident is remembered and the file is left in place. If the file is no longer the one that was found
    /// damaged (`id`), another process has repaired it already, and nothing is done.
    pub(crate) fn set_aside(&self, relative: &Path, reason: &str, id: Option<FileId>) -> Result<()> {
        let from = self.root.join(relative);
        if id.is_some() && FileId::at(&from) != id {
            return Ok(());
        }
        let mut incident = Incident { path: relative.to_owned(), reason: reason.to_owned(), set_aside: None };
        if self.read_only || self.move_aside(&mut incident).is_err() {
            incident.set_aside = None;
            let mut in_place = self.in_place.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if !in_place.contains(&incident) {
                in_place.push(incident);
            }
        }
        Ok(())
    }

    fn move_aside(&self, incident: &mut Incident) -> Result<()> {
        let folder = Path::new(SET_ASIDE).join(token());
        let name = incident.path.file_name().unwrap_or_default();
        let to = folder.join(name);
        incident.set_aside = Some(to.clone());
        let note = serde_json::to_vec_pretty(&incident).expect("an incident is plain text");
        self.publish(&[NewFile { path: folder.join(NOTE), parts: vec![note], mode: Mode::Replace }])?;
        let from = self.root.join(&incident.path);
        let moved = self.rename(&from, &self.root.join(&to));
        if !matches!(moved, Ok(true)) {
            // Another process was faster, or the file cannot be moved: then there is nothing to report here.
            self.remove(&self.root.join(folder.join(NOTE)))?;
            self.remove_empty_folder(&self.root.join(&folder));
        }
        moved.map_err(|error| crate::Error::io("set aside", &from, error))?;
        self.flush_folders(&BTreeSet::from([self.root.join(&folder)]))
    }

    /// All damaged files that were found so far, by path.
    pub(crate) fn incidents(&self) -> Result<Vec<Incident>> {
        let mut incidents = self.in_place.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        if let Some(folder) = self.folder(Path::new(SET_ASIDE))? {
            for (name, _) in entries(&folder)? {
                let note = Path::new(SET_ASIDE).join(name).join(NOTE);
                let parse = |file: File, _| {
                    let mut bytes = Vec::new();
                    // A note is a few hundred bytes long; anything longer is not ours.
                    file.take(1 << 16).read_to_end(&mut bytes)?;
                    Ok(serde_json::from_slice::<Incident>(&bytes).ok())
                };
                if let Ok(Some(Some(incident))) = self.inspect(&note, parse)? {
                    incidents.push(incident);
                }
            }
        }
        incidents.sort();
        Ok(incidents)
    }
}
