//! Golden numbers of more analyses: which crate reads which parts of each file.

use std::path::PathBuf;

use super::Fixture;
use super::networks::{Part, open_in, read};
use super::pattern::matches;

/// The folder with the fixtures: `CONCERTINA_GOLDEN_ANALYSES`, or `../shared/golden-analyses` beside the
/// project.
pub fn folder() -> Option<PathBuf> {
    let root = crate::folder::workspace_root();
    crate::folder::first_of("CONCERTINA_GOLDEN_ANALYSES", &[root.join("../shared/golden-analyses")])
}

/// The parts of the files in the folder. If several match an array, the first counts.
pub const PARTS: &[Part] = &[
    read("fixed_points", "*", "concertina-analysis"),
    read("finite_time", "*", "concertina-analysis"),
    read("lyapunov_driven", "*", "concertina-analysis"),
    read("covariant_vectors", "*", "concertina-analysis"),
    read("representation_similarity", "*", "concertina-analysis"),
    read("intrinsic_dimension", "*", "concertina-analysis"),
    read("kernel", "*", "concertina-analysis"),
    read("decoding", "*", "concertina-analysis"),
    read("manifold_capacity", "*", "concertina-analysis"),
];

/// The part that an array belongs to.
pub fn part_of(file: &str, array: &str) -> Option<&'static Part> {
    PARTS.iter().find(|part| matches(part.files, file) && matches(part.arrays, array))
}

/// Opens a fixture and takes responsibility for the arrays that match these patterns. `None` if the file is
/// missing, which is reported.
///
/// # Panics
/// If the file cannot be read.
pub fn open(file: &str, arrays: &[&str]) -> Option<Fixture> {
    open_in(folder(), "golden-analyses", file, arrays)
}
