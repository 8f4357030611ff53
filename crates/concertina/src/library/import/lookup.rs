//! Finds the weights of an imported network: under the key of its parameters, or of other parameters that
//! name the same weights.
//!
//! `network.weights` is a hash of the weights, so it identifies them whatever the other parameters of a run
//! are: they may have other trials, or parameters without effect that were part of the name in an earlier
//! version.

use std::collections::BTreeSet;

use concertina_model::params::{ImportedWeights, ValidParams};
use concertina_store::{RunFolder, RunKey, Store};

use crate::error::{Error, Result};
use crate::hint::Hint;
use crate::library::arrays::weights_of;
use crate::library::run_table;
use crate::library::stored;

/// Parameters that have to agree with the shapes of weights.
const SHAPES: [&str; 6] =
    ["network.kind", "network.units", "task.classes", "task.delay", "task.input_dim", "train.loss"];

/// The folder of a run: that of its key, or of an imported network with the same weights. `threads` threads
/// look at runs at the same time.
///
/// # Errors
/// [`Error::RunFailed`] if the store has the weights, but the parameters ask for other shapes;
/// [`Error::Store`].
pub(crate) fn folder_of(store: &Store, threads: usize, params: &ValidParams) -> Result<RunFolder> {
    let key = RunKey::of(&params.canonical());
    let own = store.run(&key);
    let Some(weights) = params.network.weights else { return Ok(own) };
    if !own.checkpoint_ids()?.is_empty() {
        return Ok(own);
    }
    let mut misfit = None;
    for other in with_weights(store, threads, weights)? {
        let folder = store.run(&other);
        let Some(first) = folder.checkpoint_ids()?.first().copied() else { continue };
        let Some(tensors) = folder.read_checkpoint(first)? else { continue };
        if weights_of(params, &tensors).is_ok() {
            return Ok(folder);
        }
        misfit.get_or_insert(other);
    }
    match misfit {
        Some(other) => Err(other_shapes(store, params, weights, other)?),
        None => Ok(own),
    }
}

/// The runs in the store with these weights, sorted.
fn with_weights(store: &Store, threads: usize, weights: ImportedWeights) -> Result<Vec<RunKey>> {
    let table = run_table::table(store, threads)?;
    if table.is_empty() {
        return Ok(Vec::new());
    }
    let name = weights.to_string();
    let rows = table.texts("key")?.into_iter().zip(table.texts("network.weights")?);
    let keys = rows.filter(|(_, weights)| weights.as_ref() == Some(&name));
    Ok(keys.filter_map(|(key, _)| key?.parse().ok()).collect())
}

/// The run in the store that has exactly these epochs of the same network under a key of an earlier version.
pub(super) fn earlier(
    store: &Store,
    threads: usize,
    params: &ValidParams,
    epochs: &BTreeSet<u64>,
) -> Result<Option<RunKey>> {
    let Some(weights) = params.network.weights else { return Ok(None) };
    let canonical = params.canonical();
    for key in with_weights(store, threads, weights)? {
        let run = stored::look(store, key)?;
        let same = run.params.is_some_and(|there| there.canonical() == canonical);
        if same && run.checkpoints.iter().map(|one| one.epoch.0).collect::<BTreeSet<_>>() == *epochs {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

fn other_shapes(store: &Store, params: &ValidParams, weights: ImportedWeights, key: RunKey) -> Result<Error> {
    let there = stored::look(store, key)?.params;
    let differs = SHAPES.iter().filter_map(|path| {
        let (here, there) = (params.get(path).ok()?, there.as_ref()?.get(path).ok()?);
        (here != there).then(|| format!("`{path} = {there}`, found {here}"))
    });
    Ok(Error::RunFailed {
        run: RunKey::of(&params.canonical()).short(),
        message: format!(
            "`{weights}` is in the store as run {}: expected {}",
            key.short(),
            differs.collect::<Vec<_>>().join("; ")
        ),
        hint: Some(Hint::GiveSizesOf { run: key.short() }),
    })
}

/// The error of clusters that cannot be placed, in the form for an imported network.
pub(crate) fn unplaced(params: &ValidParams, error: Error) -> Error {
    if params.network.weights.is_none() {
        return error;
    }
    Error::RunFailed {
        run: RunKey::of(&params.canonical()).short(),
        message: format!("its samples are drawn from clusters, but {error}"),
        hint: Some(Hint::Text(format!(
            "import it with fewer clusters (`clusters={}`) or narrower ones (`cluster_std`); `spectrum` and `lyapunov` need no samples",
            params.task.classes
        ))),
    }
}
