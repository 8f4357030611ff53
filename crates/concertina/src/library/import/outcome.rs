//! The outcome of reading networks from elsewhere and of keeping them.

use std::path::PathBuf;

use concertina_model::Checkpoint;
use concertina_model::network::{Network, Weights};
use concertina_model::params::ValidParams;
use concertina_store::RunKey;
use concertina_table::{Scalar, Table};

use super::same::SameRun;
use crate::error::Result;

/// A network that was read, possibly together with the network before training. It can be kept in a store, or
/// used without one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReadImport {
    pub(super) params: ValidParams,
    pub(super) networks: Vec<(Checkpoint, PathBuf, Weights)>,
    pub(super) arrays: Vec<(&'static str, String)>,
    pub(super) not_used: Vec<String>,
    pub(super) not_read: Vec<String>,
    pub(super) assumed: Vec<String>,
    pub(super) trials: Vec<String>,
    pub(super) without_effect: Vec<&'static str>,
    pub(super) notes: Vec<String>,
    /// The run, if it is an exported one that is imported as the same run.
    pub(super) run: Option<SameRun>,
}

impl ReadImport {
    /// Its parameters, which name it: `network.weights` is a hash of the weights, unless it is an exported
    /// run that is imported as the same run.
    pub fn params(&self) -> &ValidParams {
        &self.params
    }

    /// The network after training, or the only one.
    ///
    /// # Errors
    /// None in practice: it was made once when it was read.
    pub fn network(&self) -> Result<Network> {
        let (.., weights) = &self.networks[self.networks.len() - 1];
        Ok(Network::new(&self.params, weights.clone())?)
    }

    /// The network before training, if there is one.
    ///
    /// # Errors
    /// As [`ReadImport::network`].
    pub fn network_before(&self) -> Result<Option<Network>> {
        match self.networks.as_slice() {
            [(.., before), _, ..] => Ok(Some(Network::new(&self.params, before.clone())?)),
            _ => Ok(None),
        }
    }

    /// As [`Imported::arrays`].
    pub fn arrays(&self) -> &[(&'static str, String)] {
        &self.arrays
    }

    /// As [`Imported::not_used`].
    pub fn not_used(&self) -> &[String] {
        &self.not_used
    }

    /// As [`Imported::not_read`].
    pub fn not_read(&self) -> &[String] {
        &self.not_read
    }

    /// As [`Imported::assumed`].
    pub fn assumed(&self) -> &[String] {
        &self.assumed
    }

    /// As [`Imported::trials`].
    pub fn trials(&self) -> &[String] {
        &self.trials
    }

    /// As [`Imported::without_effect`].
    pub fn without_effect(&self) -> &[&'static str] {
        &self.without_effect
    }

    /// As [`Imported::notes`].
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// The outcome of an import.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Imported {
    /// The key of the run.
    pub run: RunKey,
    /// Its parameters, which name it: `network.weights` is a hash of the weights, unless it is an exported
    /// run that was imported as the same run.
    pub params: ValidParams,
    /// How each array was made: our name for it, and the given arrays from which it comes.
    pub arrays: Vec<(&'static str, String)>,
    /// The given arrays that were not used, with their shapes.
    pub not_used: Vec<String>,
    /// What else was given but could not be read, with the reason.
    pub not_read: Vec<String>,
    /// Parameters that affect what the network computes, but were neither given nor follow from the arrays:
    /// `network.nonlinearity = tanh`.
    pub assumed: Vec<String>,
    /// Parameters that affect the trials that analyses show the network, but were not given:
    /// `task.delay = 10`.
    pub trials: Vec<String>,
    /// Parameters that were given but have no effect on an imported network.
    pub without_effect: Vec<&'static str>,
    /// Other things that the user should know.
    pub notes: Vec<String>,
    /// Whether the store had it already, or all of it in case of an exported run.
    pub was_there: bool,
}

/// What was imported, in one row: `run`, `weights`, `was_there`, each array of ours with the arrays from
/// which it was made, then `not_used`, `not_read`, `assumed`, `without_effect` and `notes`, which are null if
/// there is nothing to report.
///
/// # Errors
/// None in practice: all columns have the same length.
pub fn imported_table(imported: &Imported) -> Result<Table> {
    let name = imported.params.network.weights.map(|name| name.to_string());
    let mut cells: Vec<(String, Scalar)> = vec![
        ("run".to_owned(), imported.run.to_string().into()),
        ("weights".to_owned(), name.map_or(Scalar::Null, Scalar::Text)),
        ("was_there".to_owned(), Scalar::Boolean(imported.was_there)),
    ];
    cells.extend(imported.arrays.iter().map(|(ours, theirs)| ((*ours).to_owned(), theirs.clone().into())));
    let assumed: Vec<String> = imported.assumed.iter().chain(&imported.trials).cloned().collect();
    let without_effect: Vec<String> = imported.without_effect.iter().map(|&path| path.to_owned()).collect();
    for (column, said) in [
        ("not_used", &imported.not_used),
        ("not_read", &imported.not_read),
        ("assumed", &assumed),
        ("without_effect", &without_effect),
        ("notes", &imported.notes),
    ] {
        let cell = if said.is_empty() { Scalar::Null } else { Scalar::Text(said.join("; ")) };
        cells.push((column.to_owned(), cell));
    }
    crate::params_table::row(cells)
}
