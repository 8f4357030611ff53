//! The parameters of an imported network: those that were given, those that follow from the weights, and
//! those that are assumed.

use std::collections::BTreeSet;
use std::path::Path;

use concertina_model::network::Weights;
use concertina_model::params::{
    InitialState, LossKind, NetworkKind, Nonlinearity, PARAMETERS, Parameter, Params, ValidParams,
};
use concertina_model::task::Target;

use super::Import;
use super::reading::GATED;
use crate::error::{Error, Result};
use crate::hint::Hint;

/// Parameters on which the equations of an imported network depend but that a file of weights does not
/// contain.
const EQUATIONS: [&str; 4] = ["network.kind", "network.nonlinearity", "network.dt", "network.leak"];

/// Parameters of an imported network.
pub(super) struct Fitted {
    pub(super) params: Params,
    given: BTreeSet<&'static str>,
    /// Whether the parameters come from an exported run, so that nothing is assumed.
    from_run: bool,
    /// Parameters that the file says.
    of_file: BTreeSet<&'static str>,
}

fn wrong(path: &Path, reason: String, hint: String) -> Error {
    Error::Import { reason, hint: Some(Hint::Text(hint)), path: path.to_owned() }
}

impl Fitted {
    /// The parameters that were given for an import, which override those of an exported run if it is one.
    ///
    /// A parameter counts as given if it is named in [`Import::given`] or differs from its default.
    pub(super) fn of(import: &Import, exported: Option<Params>) -> Result<Self> {
        let from_run = exported.is_some();
        let mut params = exported.unwrap_or_default();
        params.network.weights = None;
        let mut given = BTreeSet::new();
        for parameter in PARAMETERS {
            let value = parameter.value(&import.params);
            if import.given.contains(parameter.path) || value != parameter.default_value() {
                parameter.set(&mut params, &value)?;
                given.insert(parameter.path);
            }
        }
        Ok(Self { params, given, from_run, of_file: BTreeSet::new() })
    }

    /// The parameters, if they are valid as they are.
    pub(super) fn checked(&self) -> Option<ValidParams> {
        self.params.clone().check().ok()
    }

    pub(super) fn is_given(&self, parameter: &str) -> bool {
        self.given.contains(parameter)
    }

    /// Takes the equations of a network of rates, whose step in time constants is `step`, if the file says
    /// it. A given kind of another network is an error.
    ///
    /// φ is that which the file names. If it names none, it is relu unless given, as in the programs that
    /// write such files.
    pub(super) fn take_rates(
        &mut self,
        step: Option<f64>,
        nonlinearity: Option<Nonlinearity>,
        path: &Path,
    ) -> Result<()> {
        let network = &mut self.params.network;
        if self.given.contains("network.kind") && network.kind != NetworkKind::Rate {
            let reason = format!(
                "`network.kind`: expected rate, because the rates of the units are read out, found {}",
                network.kind
            );
            return Err(wrong(path, reason, "leave `network.kind` out".to_owned()));
        }
        network.kind = NetworkKind::Rate;
        self.of_file.insert("network.kind");
        match (nonlinearity, self.given.contains("network.nonlinearity")) {
            (Some(named), true) if named != network.nonlinearity => {
                let found = network.nonlinearity;
                let reason =
                    format!("`network.nonlinearity`: expected {named}, as in the file, found {found}");
                return Err(wrong(path, reason, "leave `network.nonlinearity` out".to_owned()));
            }
            (Some(named), _) => {
                network.nonlinearity = named;
                self.of_file.insert("network.nonlinearity");
            }
            (None, true) => {}
            (None, false) => network.nonlinearity = Nonlinearity::Relu,
        }
        match (self.given.contains("network.dt"), step) {
            (true, _) => {}
            (false, Some(step)) => {
                network.dt = step;
                self.of_file.insert("network.dt");
            }
            (false, None) => {
                let reason =
                    "expected the step of the network in time constants, which its arrays do not say";
                return Err(wrong(path, reason.to_owned(), "give `dt`, which is dt / tau there".to_owned()));
            }
        }
        Ok(())
    }

    /// Takes from the weights whether they have an initial state. A given one that contradicts them is an
    /// error.
    pub(super) fn take_initial_state(&mut self, weights: &Weights, path: &Path) -> Result<()> {
        let found = match weights.initial_state {
            Some(_) => InitialState::Trained,
            None => InitialState::Zero,
        };
        let network = &mut self.params.network;
        if self.given.contains("network.initial_state") && network.initial_state != found {
            let given = network.initial_state;
            let reason =
                format!("`network.initial_state`: expected {given}, as given, found {found} in the weights");
            return Err(wrong(path, reason, "leave `network.initial_state` out".to_owned()));
        }
        network.initial_state = found;
        Ok(())
    }

    /// Takes from the weights whether the network is gated. A given kind that contradicts them is an error.
    fn take_kind(&mut self, weights: &Weights, path: &Path) -> Result<()> {
        let shape = weights.recurrent.first().map(|recurrent| recurrent.dim());
        let has_gates = |(currents, _): &&(usize, NetworkKind)| {
            shape.is_some_and(|(rows, columns)| columns == currents * rows)
        };
        let gated = GATED.iter().find(has_gates).map(|(_, kind)| *kind);
        let kind = self.params.network.kind;
        let is_given = self.given.contains("network.kind");
        match (kind, gated) {
            (kind, Some(gated)) if kind == gated => {}
            (NetworkKind::Vanilla | NetworkKind::Leaky | NetworkKind::Rate, None) => {}
            (_, Some(gated)) if !is_given => self.params.network.kind = gated,
            (NetworkKind::Feedforward, _) => {
                let reason =
                    format!("expected `network.kind` of vanilla, leaky, rate, gru or lstm, found {kind}");
                let hint = "layers of a feedforward network cannot be imported".to_owned();
                return Err(wrong(path, reason, hint));
            }
            (_, Some(gated)) => {
                let reason = match kind.is_gated() {
                    true => format!(
                        "`network.kind`: expected {gated}, because of the number of its gates, found {kind}"
                    ),
                    false => format!(
                        "`network.kind`: expected {gated}, because the weights have gates, found {kind}"
                    ),
                };
                return Err(wrong(path, reason, "leave `network.kind` out".to_owned()));
            }
            (_, None) => {
                let reason = format!(
                    "`network.kind`: expected vanilla, leaky or rate, because the weights have no gates, found {kind}"
                );
                return Err(wrong(path, reason, "leave `network.kind` out".to_owned()));
            }
        }
        Ok(())
    }

    /// Takes sizes from the weights. A given size that contradicts them is an error.
    pub(super) fn take_sizes(&mut self, weights: &Weights, path: &Path) -> Result<()> {
        self.take_kind(weights, path)?;
        let (input_dim, units) = (weights.input.nrows(), weights.units());
        let given = &self.given;
        let check = |name: &str, value: usize, found: usize| match !given.contains(name) || value == found {
            true => Ok(found),
            false => Err(wrong(
                path,
                format!("`{name}`: expected {value}, as given, found {found} in the weights"),
                format!("leave `{name}` out: it is taken from the weights"),
            )),
        };
        let has_one_real_target = self.has_one_real_target();
        let (network, task, train) =
            (&mut self.params.network, &mut self.params.task, &mut self.params.train);
        network.units = check("network.units", network.units, units)?;
        if weights.has_input() {
            task.input_dim = check("task.input_dim", task.input_dim, input_dim)?;
        }
        match weights.readout.ncols() {
            0 => {}
            1 => {
                if !has_one_real_target {
                    // The sign of a single output stands for one of two classes.
                    task.classes = check("task.classes", task.classes, 2)?;
                    train.loss = LossKind::MseScalar;
                }
            }
            outputs => {
                if given.contains("train.loss") && train.loss == LossKind::MseScalar {
                    return Err(wrong(
                        path,
                        format!(
                            "`train.loss = mse_scalar`: expected one output, found {outputs} in the weights"
                        ),
                        "leave `train.loss` out".to_owned(),
                    ));
                }
                train.loss = LossKind::default();
                task.classes = check("task.classes", task.classes, outputs)?;
            }
        }
        if !given.contains("task.clusters") {
            task.clusters = task.clusters.max(task.classes);
        }
        Ok(())
    }

    /// Whether the task has one real number as its target, which is possible for trials that were made
    /// elsewhere.
    fn has_one_real_target(&self) -> bool {
        self.params.clone().check().is_ok_and(|params| params.shape().target == Target::Real(1))
    }

    /// The parameters that were not given and affect what the network computes, then those that affect the
    /// trials that analyses show it.
    pub(super) fn assumed(&self, weights: &Weights) -> (Vec<String>, Vec<String>) {
        let (mut equations, mut trials) = (Vec::new(), Vec::new());
        for parameter in PARAMETERS.iter().filter(|one| one.part_of_key && one.applies(&self.params)) {
            let said = |parameter: &Parameter| {
                format!("{} = {}", parameter.path, parameter.value(&self.params)).replace('`', "")
            };
            let of_weights = match parameter.path {
                "task.input_dim" => true,
                "task.classes" => weights.has_readout(),
                "network.kind" => self.params.network.kind.is_gated(),
                _ => false,
            };
            let is_said = self.given.contains(parameter.path) || self.of_file.contains(parameter.path);
            if self.from_run || is_said || of_weights {
                continue;
            }
            if EQUATIONS.contains(&parameter.path) {
                equations.push(said(parameter));
            } else if parameter.section() == "task" {
                trials.push(said(parameter));
            }
        }
        (equations, trials)
    }

    /// The parameters that were given but have no effect.
    pub(super) fn without_effect(&self, has_before: bool) -> Vec<&'static str> {
        let idle = |parameter: &&Parameter| match parameter.path {
            "train.epochs" => !has_before,
            "train.saves_per_epoch" | "train.stop_after" => true,
            _ => !parameter.applies(&self.params),
        };
        let given = PARAMETERS.iter().filter(|parameter| self.given.contains(parameter.path));
        given.filter(idle).map(|parameter| parameter.path).collect()
    }
}
