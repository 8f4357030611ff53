//! `performance`: how well the network does in each condition of its task.

use std::collections::BTreeMap;

use concertina_model::network::Network;
use concertina_model::params::{LossKind, ValidParams};
use concertina_model::task::{self, Ask, Mask, Targets, Trials};
use concertina_table::{Table, Values};
use serde::{Deserialize, Serialize};

use crate::responses::Observations;
use crate::{Analysis, Error, Result, Subject, ranges};

/// The performance of the network in each condition of the task, at each checkpoint.
///
/// Dropout and noise of units are off. For classes, the table has the accuracy, and for two classes also how
/// often the network chooses class 1, the positive one. As a function of `coherence`, that is the
/// psychometric curve. For real targets, it has the mean squared error and the share of the variance that is
/// explained. Trials without conditions make up one row.
///
/// # Returns  One row per checkpoint and condition: `condition`, `trials`, what the condition consists of
/// (`attended`, `coherence`, `other_coherence`, `sample_item`, `test_item`, `frequency`, where the task has
/// them), `accuracy`, `chose_positive`, `mse` and `r2`.
/// # Undefined  What the task does not have is null. So is `r2` where targets do not vary, and everything in
/// a condition in which the loss counts nowhere.
/// # Errors   [`Error::NotFinite`](crate::Error::NotFinite) if outputs are NaN or infinite.
/// # Source   `roitman2002`, Fig. 3. Differs in: the choice is that of the readout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Performance {
    /// Trials, spread over the conditions as evenly as the task can.
    pub samples: usize,
}

impl Default for Performance {
    fn default() -> Self {
        Self { samples: 1000 }
    }
}

impl Performance {
    pub(crate) const NAME: &'static str = "performance";
}

impl Analysis for Performance {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn references(&self) -> &'static [&'static str] {
        &["roitman2002"]
    }

    fn per_checkpoint(&self) -> bool {
        true
    }

    fn check(&self, _params: &ValidParams) -> Result<()> {
        ranges::samples(Self::NAME, self.samples, 1)
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let params = with_loss(subject.params)?;
        let trials = subject.task.trials(Ask::Analysis { count: self.samples });
        let groups = groups(&trials);
        let (mut rows, mut found) = (Observations::default(), Columns::default());
        for (checkpoint, network) in subject.checkpoints {
            let network = Network::new(&params, network.weights().clone())?;
            for (condition, trials) in &groups {
                rows.push(*checkpoint);
                let what = condition.map(|condition| subject.task.condition(condition)).unwrap_or_default();
                let place = || match condition {
                    Some(condition) => format!("checkpoint {checkpoint}, condition {condition}"),
                    None => format!("checkpoint {checkpoint}"),
                };
                found.push(*condition, what, trials.len(), score(&params, &network, trials, place)?);
            }
        }
        rows.into_table(false, found.named())
    }
}

/// The parameters with a loss that depends on the outputs.
fn with_loss(params: &ValidParams) -> Result<ValidParams> {
    if params.shape().classes().is_some() || params.train.loss == LossKind::Mse {
        return Ok(params.clone());
    }
    let mut params = params.clone().into_params();
    params.train.loss = LossKind::Mse;
    Ok(params.check()?)
}

/// The trials of each condition; all together if there are none.
fn groups(trials: &Trials) -> Vec<(Option<u32>, Trials)> {
    if trials.conditions.is_empty() {
        return if trials.is_empty() { Vec::new() } else { vec![(None, trials.clone())] };
    }
    let mut places: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (place, condition) in trials.conditions.iter().enumerate() {
        places.entry(*condition).or_default().push(place);
    }
    places.into_iter().map(|(condition, places)| (Some(condition), trials.select(&places))).collect()
}

/// How well the network does in one condition.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    accuracy: Option<f64>,
    chose_positive: Option<f64>,
    mse: Option<f64>,
    r2: Option<f64>,
}

fn score(
    params: &ValidParams,
    network: &Network,
    trials: &Trials,
    place: impl Fn() -> String,
) -> Result<Score> {
    let counts = match &trials.mask {
        Mask::Last(timesteps) => *timesteps > 0,
        Mask::At(mask) => mask.iter().any(|counts| *counts),
    };
    if !counts {
        return Ok(Score::default());
    }
    let found = network.evaluate(trials)?;
    if !found.loss.is_finite() {
        return Err(Error::NotFinite { what: "loss".to_owned(), place: place(), value: found.loss });
    }
    let classes = params.shape().classes();
    let chose_positive = match classes {
        // The share of outputs that would be right if every trial were one of class 1.
        Some(2) => {
            let targets = Targets::Class(vec![1; trials.len()]);
            network.evaluate(&Trials { targets, ..trials.clone() })?.accuracy
        }
        _ => None,
    };
    let mse = classes.is_none().then_some(found.loss);
    Ok(Score { accuracy: found.accuracy, chose_positive, mse, r2: found.r2 })
}

/// The columns of the table after the checkpoint.
#[derive(Debug, Default)]
struct Columns {
    condition: Vec<Option<i64>>,
    trials: Vec<i64>,
    attended: Vec<Option<i64>>,
    coherence: Vec<Option<f64>>,
    other_coherence: Vec<Option<f64>>,
    sample: Vec<Option<i64>>,
    test: Vec<Option<i64>>,
    frequency: Vec<Option<f64>>,
    accuracy: Vec<Option<f64>>,
    chose_positive: Vec<Option<f64>>,
    mse: Vec<Option<f64>>,
    r2: Vec<Option<f64>>,
}

impl Columns {
    fn push(&mut self, condition: Option<u32>, what: task::Condition, trials: usize, score: Score) {
        self.condition.push(condition.map(i64::from));
        self.trials.push(trials as i64);
        self.attended.push(what.attended.map(i64::from));
        self.coherence.push(what.coherence);
        self.other_coherence.push(what.other_coherence);
        self.sample.push(what.sample.map(i64::from));
        self.test.push(what.test.map(i64::from));
        self.frequency.push(what.frequency);
        self.accuracy.push(score.accuracy);
        self.chose_positive.push(score.chose_positive);
        self.mse.push(score.mse);
        self.r2.push(score.r2);
    }

    fn named(self) -> impl IntoIterator<Item = (String, Values)> {
        let columns = [
            ("condition", Values::Integer(self.condition)),
            ("trials", Values::from(self.trials)),
            ("attended", Values::Integer(self.attended)),
            ("coherence", Values::Float(self.coherence)),
            ("other_coherence", Values::Float(self.other_coherence)),
            ("sample_item", Values::Integer(self.sample)),
            ("test_item", Values::Integer(self.test)),
            ("frequency", Values::Float(self.frequency)),
            ("accuracy", Values::Float(self.accuracy)),
            ("chose_positive", Values::Float(self.chose_positive)),
            ("mse", Values::Float(self.mse)),
            ("r2", Values::Float(self.r2)),
        ];
        columns.map(|(name, values)| (name.to_owned(), values))
    }
}
