//! Finds and checks places in the store, which are never outside of it.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry, File, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::damage::Damage;
use crate::disk::Disk;
use crate::{Error, Result};

/// The identity of a file, independent of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileId {
    device: u64,
    number: u64,
    length: u64,
}

impl FileId {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let (device, number) = {
            use std::os::unix::fs::MetadataExt;
            (metadata.dev(), metadata.ino())
        };
        // On other systems the metadata have no such number. The time of the last change distinguishes files
        // of the same length.
        #[cfg(not(unix))]
        let (device, number) = (0, crate::index::times(metadata).0.cast_unsigned());
        Self { device, number, length: metadata.len() }
    }

    /// The file at a path (a link itself, not its target), if there is one.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        path.symlink_metadata().ok().map(|metadata| Self::of(&metadata))
    }
}

/// What was found at a file's place.
pub(crate) enum Found {
    Nothing,
    /// Something that is not a regular file of the store, with the reason.
    Wrong(String),
    File(File, u64, FileId),
}

/// A file's content if the file exists, or why it cannot be used and which file it was.
pub(crate) type Inspected<T> = std::result::Result<Option<T>, (String, Option<FileId>)>;

/// The entries of a folder, sorted by name. Names that are not UTF-8 are left out, because the store does not
/// write such names.
pub(crate) fn entries(folder: &Path) -> Result<Vec<(String, DirEntry)>> {
    let failed = |error| Error::io("list the folder", folder, error);
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(failed)?,
    };
    let mut entries = Vec::new();
    for entry in listing {
        let entry = entry.map_err(failed)?;
        if let Ok(name) = entry.file_name().into_string() {
            entries.push((name, entry));
        }
    }
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(entries)
}

/// What was found where a folder should be.
enum Step {
    Folder,
    Nothing,
    Wrong(&'static str),
}

impl Disk {
    /// The absolute path of a folder of the store, if it exists and is inside the store.
    ///
    /// A file or a dangling link in its place is set aside and reads as missing. A link that leads out is an
    /// error.
    pub(crate) fn folder(&self, relative: &Path) -> Result<Option<PathBuf>> {
        let mut below = PathBuf::new();
        for component in plain_components(relative) {
            below.push(component);
            match self.look(&self.root.join(&below))? {
                Step::Folder => {}
                Step::Nothing => return Ok(None),
                Step::Wrong(found) => {
                    self.set_aside_in_place_of_folder(&below, found)?;
                    return Ok(None);
                }
            }
        }
        Ok(Some(self.root.join(below)))
    }

    /// Makes a folder of the store and all folders above it. Remembers in `dirty` which folders got new
    /// entries.
    pub(crate) fn make_folder(&self, relative: &Path, dirty: &mut BTreeSet<PathBuf>) -> Result<()> {
        let mut below = PathBuf::new();
        for component in plain_components(relative) {
            below.push(component);
            let path = self.root.join(&below);
            match self.look(&path)? {
                Step::Folder => continue,
                Step::Nothing => {}
                Step::Wrong(found) => self.set_aside_in_place_of_folder(&below, found)?,
            }
            self.make_one_folder(&path, dirty)?;
        }
        Ok(())
    }

    fn set_aside_in_place_of_folder(&self, relative: &Path, found: &'static str) -> Result<()> {
        // Damage at the top level cannot be moved within the store, which needs its own folders for that.
        if relative.components().count() == 1 {
            return Err(Error::NotAFolder { path: self.root.join(relative), found });
        }
        self.set_aside(relative, &format!("expected a folder, found {found}"), None)
    }

    fn look(&self, path: &Path) -> Result<Step> {
        let metadata = match path.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Step::Nothing),
            Err(error) => return Err(Error::io("look at", path, error)),
        };
        if metadata.is_dir() {
            return Ok(Step::Folder);
        }
        if !metadata.is_symlink() {
            return Ok(Step::Wrong("a file"));
        }
        match path.canonicalize() {
            Ok(target) if !target.starts_with(&self.root) => {
                Err(Error::LeadsOut { path: path.to_owned(), target })
            }
            Ok(target) if target.is_dir() => Ok(Step::Folder),
            Ok(_) => Ok(Step::Wrong("a link to a file")),
            Err(_) => Ok(Step::Wrong("a link to nothing")),
        }
    }

    /// Opens a file of the store for reading.
    pub(crate) fn open(&self, relative: &Path) -> Result<Found> {
        if let Some(parent) = relative.parent()
            && self.folder(parent)?.is_none()
        {
            return Ok(Found::Nothing);
        }
        let path = self.root.join(relative);
        let failed = |error| Error::io("read", &path, error);
        let metadata = match path.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(failed(error)),
        };
        if metadata.is_symlink() {
            match path.canonicalize() {
                Ok(target) if !target.starts_with(&self.root) => {
                    return Ok(Found::Wrong(format!(
                        "a link that leads out of the store, to {}",
                        target.display()
                    )));
                }
                Ok(target) if target.is_file() => {}
                Ok(_) => return Ok(Found::Wrong("a link to something that is not a file".to_owned())),
                Err(_) => return Ok(Found::Wrong("a link to nothing".to_owned())),
            }
        } else if metadata.is_dir() {
            return Ok(Found::Wrong("a folder in place of a file".to_owned()));
        } else if !metadata.is_file() {
            return Ok(Found::Wrong("neither a file nor a folder".to_owned()));
        }
        // On a network file system, the handle of a file that is replaced meanwhile becomes stale. The new
        // file is read then.
        let mut attempts = 0;
        loop {
            match File::open(&path).and_then(|file| file.metadata().map(|metadata| (file, metadata))) {
                Ok((file, opened)) => {
                    // The identity is that of the link itself, so that the link is set aside and not its
                    // target.
                    let id = if metadata.is_symlink() { FileId::of(&metadata) } else { FileId::of(&opened) };
                    return Ok(Found::File(file, opened.len(), id));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
                Err(error) if error.kind() == io::ErrorKind::StaleNetworkFileHandle && attempts < 3 => {
                    attempts += 1
                }
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Reads a file without changing anything: `Ok(Err(reason))` if it is damaged.
    pub(crate) fn inspect<T>(
        &self,
        relative: &Path,
        parse: impl FnOnce(File, u64) -> std::result::Result<T, Damage>,
    ) -> Result<Inspected<T>> {
        Ok(match self.open(relative)? {
            Found::Nothing => Ok(None),
            Found::Wrong(reason) => Err((reason, FileId::at(&self.root.join(relative)))),
            Found::File(file, length, id) => match parse(file, length) {
                Ok(value) => Ok(Some(value)),
                Err(Damage::Content(reason)) => Err((reason, Some(id))),
                Err(Damage::Io(error)) => return Err(Error::io("read", &self.root.join(relative), error)),
            },
        })
    }

    /// Reads a file. A damaged file is set aside and reads as missing.
    pub(crate) fn read<T>(
        &self,
        relative: &Path,
        parse: impl FnOnce(File, u64) -> std::result::Result<T, Damage>,
    ) -> Result<Option<T>> {
        match self.inspect(relative, parse)? {
            Ok(value) => Ok(value),
            Err((reason, id)) => {
                self.set_aside(relative, &reason, id)?;
                Ok(None)
            }
        }
    }

    /// Sets aside anything but a file that is in the place where a file is to be written.
    pub(crate) fn clear(&self, relative: &Path) -> Result<()> {
        let path = self.root.join(relative);
        match path.symlink_metadata() {
            Ok(metadata) if !metadata.is_file() => match self.open(relative)? {
                Found::Wrong(reason) => self.set_aside(relative, &reason, Some(FileId::of(&metadata))),
                Found::Nothing | Found::File(..) => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

/// The components of a path that the store made itself, which are only names.
fn plain_components(relative: &Path) -> impl Iterator<Item = Component<'_>> {
    debug_assert!(relative.components().all(|component| matches!(component, Component::Normal(_))));
    relative.components()
}
