//! One run: its parameters, its history, and what its networks do at the checkpoints that the store has.

use bytes::Bytes;
use concertina::analyses::{Analysis, FixedPoints, Lyapunov, Subject};
use concertina::model::Checkpoint;
use concertina::model::network::Network;
use concertina::model::params::{PARAMETERS, Params, ValidParams, Value as ParamValue};
use concertina::model::task;
use concertina::{Error, StoredRun, Study};
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::answer::{Refusal, Result};
use crate::cloud::{Basis, CloudMaker, Clouds};
use crate::playground::recurrent_eigenvalues;
use crate::routes::Query;
use crate::runs_page::by_columns;

/// The most trials in a cloud.
const MOST_SAMPLES: usize = 2000;
/// The numbers that the cloud of a run may have in all, at 12 bytes each.
const MOST_POINTS: usize = 4_000_000;

/// The run whose key begins with these digits.
pub(crate) fn stored(study: &Study, key: &str) -> Result<StoredRun> {
    if key.is_empty() || key.len() > 64 || !key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Refusal::wrong("expected the key of a run, or the beginning of one: hexadecimal digits"));
    }
    Ok(study.stored_run(key)?)
}

fn params_of(run: &StoredRun) -> Result<&ValidParams> {
    run.params.as_ref().ok_or_else(|| {
        Refusal::new(StatusCode::CONFLICT, "the parameters of this run are damaged, or of a newer version")
            .hint("`concertina store verify` says what is damaged; the run is computed again when it is next asked for")
    })
}

/// The checkpoints whose networks can be looked at: those that the store has, and that before training, which
/// the parameters determine.
fn checkpoints(run: &StoredRun) -> Vec<Checkpoint> {
    let mut all = run.checkpoints.clone();
    let drawn = run.params.as_ref().is_some_and(|params| params.network.weights.is_none());
    if drawn && all.first() != Some(&Checkpoint::START) {
        all.insert(0, Checkpoint::START);
    }
    all
}

/// The page of a run.
pub(crate) fn describe(run: &StoredRun) -> Value {
    // as checked: what is filled in of itself does not differ
    let usual = Params::default().check();
    let parameters: Vec<Value> = run
        .params
        .iter()
        .flat_map(|params| {
            PARAMETERS.iter().filter_map(|parameter| {
                let default =
                    usual.as_ref().map_or_else(|_| parameter.shown_default(), |usual| parameter.value(usual));
                let value = parameter.value(params);
                parameter.applies(params).then(|| {
                    json!({
                        "name": parameter.path,
                        "value": plain(&value),
                        "default": plain(&default),
                        "differs": value != default,
                        "unit": parameter.unit,
                        "meaning": parameter.meaning,
                    })
                })
            })
        })
        .collect();
    let point = |one: &Checkpoint| json!({ "epoch": one.epoch.0, "update": one.update.0 });
    json!({
        "key": run.key.to_string(),
        "folder": run.folder.display().to_string(),
        "status": run.status,
        "reached": run.reached.as_ref().map(point),
        "checkpoints": checkpoints(run).iter().map(point).collect::<Vec<_>>(),
        "parameters": parameters,
        "history": by_columns(&run.history),
        "provenance": run.provenance,
    })
}

/// A value as it is typed, without the marks of a message.
fn plain(value: &ParamValue) -> String {
    value.to_string().replace('`', "")
}

/// The network of a run at the update that a query names; the last one unless it does.
fn network(study: &Study, run: &StoredRun, query: &Query) -> Result<(Checkpoint, Network)> {
    let all = checkpoints(run);
    let chosen = match query.get("update") {
        None => all.last(),
        Some(text) => all.iter().find(|one| one.update.0.to_string() == text),
    };
    let checkpoint = *chosen.ok_or_else(|| no_checkpoint(query.get("update").unwrap_or("none")))?;
    let network = study.stored_network(run, checkpoint)?;
    Ok((checkpoint, network.ok_or_else(|| no_checkpoint(&checkpoint.update.0.to_string()))?))
}

fn no_checkpoint(update: &str) -> Refusal {
    Refusal::not_found(&format!("the store has no checkpoint at update {update}"))
        .hint("it may have been removed, or damaged; it is computed again when an analysis asks for it")
}

/// The eigenvalues of the recurrent weights.
pub(crate) fn spectrum(study: &Study, run: &StoredRun, query: &Query) -> Result<Value> {
    params_of(run)?;
    let (checkpoint, network) = network(study, run, query)?;
    Ok(json!({ "update": checkpoint.update.0, "eigenvalues": recurrent_eigenvalues(&network)? }))
}

/// The ten largest Lyapunov exponents.
pub(crate) fn lyapunov(study: &Study, run: &StoredRun, query: &Query) -> Result<Value> {
    let params = params_of(run)?;
    let exponents = Some(params.network.units.min(10));
    let analysis = Lyapunov { exponents, ..Lyapunov::default() };
    let checkpoint = network(study, run, query)?;
    let task = task::without_trials(params);
    let subject = Subject { params, task: &*task, checkpoints: std::slice::from_ref(&checkpoint) };
    analysis.check(params)?;
    Ok(json!({ "update": checkpoint.0.update.0, "table": by_columns(&analysis.run(&subject)?) }))
}

/// The fixed points that were found at checkpoints of this run, with the settings that are the defaults: at
/// which update, whether slow, in how many directions unstable, and the state as the clouds show it.
pub(crate) fn fixed_points(study: &Study, run: &StoredRun) -> Result<Value> {
    let units = params_of(run)?.network.units;
    let Some(table) = study.stored_results(run, &FixedPoints::default())? else {
        return Ok(json!({ "analysed": false, "points": [] }));
    };
    let wrong = |error: concertina::table::Error| Refusal::from(Error::from(error));
    let (updates, kinds) = (table.integers("update").map_err(wrong)?, table.texts("kind").map_err(wrong)?);
    let unstable = table.integers("unstable").map_err(wrong)?;
    let states = table.vectors("state").map_err(wrong)?;
    // rows without a state are checkpoints at which nothing was found
    let point = |row: usize| {
        let state = states[row].as_ref()?;
        Some(json!({
            "update": updates[row],
            "slow": kinds[row].as_deref() == Some("slow"),
            "unstable": unstable[row],
            "state": state.iter().take(units).map(|entry| *entry as f32).collect::<Vec<f32>>(),
        }))
    };
    let points: Vec<Value> = (0..table.row_count()).filter_map(point).collect();
    let analysed: std::collections::BTreeSet<i64> = updates.into_iter().flatten().collect();
    Ok(json!({ "analysed": true, "updates": analysed, "points": points }))
}

/// The clouds of all checkpoints of a run, one after the other.
#[derive(Debug)]
pub(crate) struct Album {
    maker: CloudMaker,
    checkpoints: std::vec::IntoIter<Checkpoint>,
    run: StoredRun,
    study: Study,
}

impl Album {
    /// Gets ready, and says what will come.
    pub(crate) fn open(study: Study, run: StoredRun, query: &Query) -> Result<(Self, Bytes)> {
        let params = params_of(&run)?;
        let samples: usize = query.get("samples").unwrap_or("500").parse().unwrap_or(0);
        if !(2..=MOST_SAMPLES).contains(&samples) {
            return Err(Refusal::wrong(format!("expected `samples` from 2 to {MOST_SAMPLES}")));
        }
        let basis = match query.get("basis") {
            None | Some("timestep") => Basis::EachTimestep,
            Some("trial") => Basis::WholeTrial,
            Some(other) => {
                return Err(Refusal::wrong(format!(
                    "expected `basis` `timestep` or `trial`, found `{other}`"
                )));
            }
        };
        let maker = CloudMaker::new(params, samples, basis)?;
        let all = thinned(checkpoints(&run), (samples + params.network.units) * maker.timesteps().len());
        let head = json!({
            "timesteps": maker.timesteps(),
            "samples": maker.samples(),
            "labels": maker.labels(),
            "conditions": maker.conditions(),
            "outputs": params.outputs(),
            "units": params.network.units,
            "checkpoints": all.iter().map(|one| [one.epoch.0, one.update.0]).collect::<Vec<_>>(),
            "of": checkpoints(&run).len(),
        });
        Ok((Self { maker, checkpoints: all.into_iter(), run, study }, part(&head, &[])))
    }

    /// The next checkpoint; `None` after the last.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        let checkpoint = self.checkpoints.next()?;
        let drawn = self.draw(checkpoint);
        Some(drawn.unwrap_or_else(|refusal| {
            part(&json!({ "update": checkpoint.update.0, "problem": refusal.message() }), &[])
        }))
    }

    fn draw(&mut self, checkpoint: Checkpoint) -> Result<Bytes> {
        let network = self.study.stored_network(&self.run, checkpoint)?;
        let network = network.ok_or_else(|| no_checkpoint(&checkpoint.update.0.to_string()))?;
        let clouds = self.maker.make(&network)?;
        let Clouds { points, dimension, explained, readout, views, accuracy, loss } = &clouds;
        let readout: Vec<Vec<f32>> =
            readout.iter().map(|readout| readout.iter().copied().collect()).collect();
        let head = json!({
            "epoch": checkpoint.epoch.0,
            "update": checkpoint.update.0,
            "dimension": dimension,
            "explained": explained,
            "readout": readout,
            "accuracy": accuracy,
            "loss": loss,
        });
        let numbers: Vec<f32> = points.iter().chain(views).flat_map(|part| part.iter().copied()).collect();
        Ok(part(&head, &numbers))
    }
}

/// At most as many checkpoints as a page can hold, spread evenly, with the first and the last.
fn thinned(all: Vec<Checkpoint>, points: usize) -> Vec<Checkpoint> {
    let most = (MOST_POINTS / points.max(1)).max(2);
    if all.len() <= most {
        return all;
    }
    let last = all.len() - 1;
    (0..most).map(|place| all[place * last / (most - 1)]).collect()
}

/// A part of the stream: the length of a head, the head as JSON filled up with spaces to a multiple of 4, the
/// number of numbers, the numbers in single precision; all little-endian.
fn part(head: &Value, numbers: &[f32]) -> Bytes {
    let mut head = head.to_string().into_bytes();
    head.resize(head.len().next_multiple_of(4), b' ');
    let mut bytes = Vec::with_capacity(8 + head.len() + 4 * numbers.len());
    bytes.extend((head.len() as u32).to_le_bytes());
    bytes.extend(head);
    bytes.extend((numbers.len() as u32).to_le_bytes());
    numbers.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    Bytes::from(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_checkpoints_are_thinned_and_the_first_and_last_stay() {
        let all: Vec<_> = (0..1000).map(|epoch| Checkpoint::new(epoch, epoch)).collect();
        let few = thinned(all.clone(), 22_000);
        assert_eq!((few.len(), few[0], few[few.len() - 1]), (181, all[0], all[999]));
        assert!(few.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(thinned(all.clone(), 10), all);
    }
}
