//! Golden numbers of more analyses: which crate reads which parts of each file, and which parts are for
//! features that do not exist yet.

use std::path::PathBuf;

use super::Fixture;
use super::networks::{Part, open_in, read, unbuilt};
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
    read("representation_similarity", "*.X", "concertina-analysis"),
    read("representation_similarity", "*.Y", "concertina-analysis"),
    read("representation_similarity", "time.cka*", "concertina-analysis"),
    read("representation_similarity", "time.states", "concertina-analysis"),
    read("representation_similarity", "*.cka", "concertina-analysis"),
    read("representation_similarity", "*.cka_debiased", "concertina-analysis"),
    unbuilt("representation_similarity", "*", "the analysis `representation_similarity`"),
    unbuilt("intrinsic_dimension", "*", "the analysis `intrinsic_dimension`"),
    unbuilt("kernel", "*", "the analysis `kernel`"),
    unbuilt("decoding", "*", "the analysis `decoding`"),
    unbuilt("manifold_capacity", "*", "the analysis `manifold_capacity`"),
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
