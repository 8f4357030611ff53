//! One fixture file, with a record of the arrays that a test has read.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use ndarray::ArrayD;
use ndarray_npy::{NpzReader, ReadNpyError, ReadNpzError, ReadableElement};

use super::known::{KNOWN, Known, Part};
use super::pattern::matches;

/// A fixture file opened by a test.
///
/// A test must call [`finish`](Self::finish) at the end. Dropping a fixture without it fails the test.
#[must_use = "a fixture checks nothing until `finish` is called"]
pub struct Fixture {
    file: String,
    /// Patterns of the arrays that this test is responsible for.
    responsible: Vec<String>,
    names: BTreeSet<String>,
    used: RefCell<BTreeSet<String>>,
    ignored: RefCell<Vec<(String, String)>>,
    reader: RefCell<NpzReader<File>>,
    finished: bool,
}

impl Fixture {
    /// Opens a fixture and takes responsibility for all its arrays. `None` if the file is missing, which is
    /// reported.
    ///
    /// # Panics
    /// If [`KNOWN`] does not list the file or lists it in several parts; if the file cannot be read.
    pub fn open(file: &str) -> Option<Self> {
        let known = listed(file);
        assert!(
            known.parts.len() == 1,
            "`{file}` is listed in {} parts: open one of them, or borrow the file",
            known.parts.len()
        );
        Self::open_in_folder(file, known.parts[0].arrays)
    }

    /// Opens a fixture and takes responsibility for one part of it, as listed in [`KNOWN`].
    ///
    /// # Panics
    /// If [`KNOWN`] lists no such part; if the file cannot be read.
    pub fn open_part(file: &str, part: &str) -> Option<Self> {
        let known = listed(file);
        let found: Option<&Part> = known.parts.iter().find(|listed| listed.name == part);
        let part = found.unwrap_or_else(|| panic!("`{file}` is not listed with a part `{part}`"));
        Self::open_in_folder(file, part.arrays)
    }

    /// Opens a fixture to read from it without taking responsibility for any array: another test has it.
    ///
    /// # Panics
    /// If the file cannot be read.
    pub fn borrow(file: &str) -> Option<Self> {
        Self::open_in_folder(file, &[])
    }

    fn open_in_folder(file: &str, responsible: &[&str]) -> Option<Self> {
        let path =
            super::folder().map(|folder| folder.join(format!("{file}.npz"))).filter(|path| path.is_file());
        let Some(path) = path else {
            crate::folder::missing(&format!("golden/{file}.npz"));
            return None;
        };
        Some(Self::from_path(&path, responsible))
    }

    /// Opens the file at `path`, and takes responsibility for the arrays that match a pattern (`*` for any
    /// run of characters).
    ///
    /// # Panics
    /// If the file cannot be read.
    pub fn from_path(path: &Path, responsible: &[&str]) -> Self {
        let shown = path.display();
        let opened = File::open(path).unwrap_or_else(|error| panic!("cannot open {shown}: {error}"));
        let mut reader =
            NpzReader::new(opened).unwrap_or_else(|error| panic!("cannot read {shown}: {error}"));
        let names = reader.names().unwrap_or_else(|error| panic!("cannot list {shown}: {error}"));
        Self {
            file: PathBuf::from(path)
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            responsible: responsible.iter().map(ToString::to_string).collect(),
            names: names.into_iter().collect(),
            used: RefCell::default(),
            ignored: RefCell::default(),
            reader: RefCell::new(reader),
            finished: false,
        }
    }

    /// The names of all arrays, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether the file has an array of this name. Asking does not count as using it.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The parts before `suffix` of the names that end in it, sorted: the cases of a test.
    ///
    /// # Panics
    /// If there are none, because a test without cases would pass without testing anything.
    pub fn cases(&self, suffix: &str) -> Vec<String> {
        let cases: Vec<String> =
            self.names().filter_map(|name| name.strip_suffix(suffix).map(String::from)).collect();
        assert!(!cases.is_empty(), "{} has no array ending in `{suffix}`", self.file);
        cases
    }

    /// An array of floating-point numbers. Float32 is widened.
    ///
    /// # Panics
    /// If there is no such array, or it has integers.
    pub fn f64(&self, name: &str) -> ArrayD<f64> {
        self.try_read::<f64>(name)
            .or_else(|| self.try_read::<f32>(name).map(|array| array.mapv(f64::from)))
            .unwrap_or_else(|| panic!("array `{name}` of {} is neither float64 nor float32", self.file))
    }

    /// An array stored as float32, not widened.
    ///
    /// # Panics
    /// If there is no such array, or it is of another type.
    pub fn f32(&self, name: &str) -> ArrayD<f32> {
        self.try_read(name).unwrap_or_else(|| panic!("array `{name}` of {} is not float32", self.file))
    }

    /// An array of integers.
    ///
    /// # Panics
    /// If there is no such array, or it is of another type.
    pub fn i64(&self, name: &str) -> ArrayD<i64> {
        self.try_read(name).unwrap_or_else(|| panic!("array `{name}` of {} is not int64", self.file))
    }

    /// The one number of an array of shape (1,), of any type.
    ///
    /// # Panics
    /// If there is no such array, or it does not hold one number.
    pub fn scalar(&self, name: &str) -> f64 {
        let array = match self.try_read::<i64>(name) {
            Some(integers) => integers.mapv(|value| value as f64),
            None => self.f64(name),
        };
        assert!(
            array.len() == 1,
            "array `{name}` of {}: expected one number, found shape {:?}",
            self.file,
            array.shape()
        );
        array.sum()
    }

    /// Leaves out the arrays whose names match the pattern (a name, or with `*` for any run of characters),
    /// for a reason.
    pub fn ignore(&self, pattern: &str, reason: &str) {
        self.ignored.borrow_mut().push((pattern.to_owned(), reason.to_owned()));
    }

    /// The arrays that this test is responsible for, but has neither read nor left out.
    pub fn unread(&self) -> Vec<&str> {
        let (used, ignored) = (self.used.borrow(), self.ignored.borrow());
        self.names()
            .filter(|name| self.responsible.iter().any(|pattern| matches(pattern, name)))
            .filter(|name| {
                !used.contains(*name) && !ignored.iter().any(|(pattern, _)| matches(pattern, name))
            })
            .collect()
    }

    /// Ends the test's use of the file.
    ///
    /// # Panics
    /// If an array that this test is responsible for was not read, or a pattern given to
    /// [`ignore`](Self::ignore) matches nothing.
    pub fn finish(mut self) {
        self.finished = true;
        let unread: Vec<String> = self
            .unread()
            .iter()
            .map(|name| format!("array `{name}` of `{}` is not known to any test", self.file))
            .collect();
        assert!(unread.is_empty(), "{}", unread.join("\n"));
        for (pattern, reason) in self.ignored.borrow().iter() {
            let found = self.names().any(|name| matches(pattern, name));
            assert!(found, "`{}` has no array `{pattern}`, which is left out because {reason}", self.file);
        }
    }

    /// Reads an array and marks it as used; `None` if its elements are of another type.
    fn try_read<T: ReadableElement>(&self, name: &str) -> Option<ArrayD<T>> {
        assert!(self.has(name), "{} has no array `{name}`", self.file);
        self.used.borrow_mut().insert(name.to_owned());
        match self.reader.borrow_mut().by_name::<ndarray::OwnedRepr<T>, ndarray::IxDyn>(name) {
            Ok(array) => Some(array),
            Err(ReadNpzError::Npy(ReadNpyError::WrongDescriptor(_))) => None,
            Err(error) => panic!("array `{name}` of {} cannot be read: {error}", self.file),
        }
    }
}

impl std::fmt::Debug for Fixture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fixture")
            .field("file", &self.file)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let owes = !self.finished && !self.responsible.is_empty();
        assert!(!owes || std::thread::panicking(), "{} was opened, but `finish` was never called", self.file);
    }
}

/// The entry of the central list for a file.
fn listed(file: &str) -> &'static Known {
    KNOWN
        .iter()
        .find(|known| known.file == file)
        .unwrap_or_else(|| panic!("`{file}` is not listed in concertina-testing/src/golden/known.rs"))
}
