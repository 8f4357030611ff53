//! Stands in for training on GPUs where that was not compiled.

use super::session::Trained;
use super::{Making, Pass};
use crate::device::NOT_COMPILED;
use crate::error::{Error, Result};

/// Refuses to train.
pub(super) fn train_passes(passes: &mut [(&mut Making<'_, '_>, &mut Pass)]) -> Vec<Result<Trained>> {
    let refuse = |_| Err(Error::Device { message: NOT_COMPILED.to_owned() });
    passes.iter().map(refuse).collect()
}
