//! `representation_similarity`: how similar the states at one checkpoint or timestep are to those at another.

mod features;
mod procrustes;
mod rdm;

pub use procrustes::procrustes_angle;
pub use rdm::{RdmDistance, RdmSimilarity, rdm, rdm_similarity};

use concertina_model::Checkpoint;
use concertina_model::network::Network;
use concertina_model::params::ValidParams;
use concertina_model::task::{Ask, Trials};
use concertina_table::{Table, Values};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::numbers::Precision;
use crate::ranges;
use crate::responses::{Observations, Responses, StateVariable};
use crate::{Analysis, Result, Subject, Timestep, Timesteps};
use features::{Features, Similarity};

/// How similar the states are to those at another checkpoint, or at another timestep: centred kernel
/// alignment, Procrustes distance, and correlation of dissimilarity matrices.
///
/// All three compare two sets of states of the same trials, and do not change when a set is rotated,
/// reflected, scaled or shifted (the correlation of dissimilarity matrices with `distance = "correlation"`
/// changes under rotations and shifts). None of them says in what the sets differ.
///
/// With `between = "checkpoint"`, the states at a checkpoint are compared with those of the same trials and
/// timestep at the `reference`, which is one of the requested checkpoints. With `between = "timestep"`, the
/// states at each timestep are compared with those at every other timestep of the same checkpoint.
///
/// # Returns
/// One row per checkpoint and timestep, or per checkpoint and pair of timesteps. First come
/// * with `between = "checkpoint"`, `reference_epoch` and `reference_update`: the checkpoint with which the
///   states are compared; null for the first checkpoint with `reference = "previous"`;
/// * with `between = "timestep"`, `other_timestep`: the matrix of all pairs, in rows.
///
/// Then come the measures that were requested:
/// * `cka` and `cka_debiased`: see [`cka`](fn@crate::cka) and [`cka_debiased`](crate::cka_debiased);
/// * `procrustes`: see [`procrustes_angle`];
/// * `rdm_pearson` and `rdm_spearman`: see [`rdm_similarity`].
///
/// A measure is null where there is no reference, and where it is undefined: if the states of either set are
/// all equal up to rounding. The debiased alignment is null for fewer than 4 samples, too.
///
/// # Source
/// `kornblith2019` and `song2012` for `cka` and `cka_debiased`; `williams2021` for `procrustes`;
/// `kriegeskorte2008` for the dissimilarity matrices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RepresentationSimilarity {
    /// Samples, spread evenly over the clusters; at least 4.
    pub samples: usize,
    /// The timesteps to analyse.
    pub timesteps: Timesteps,
    /// Continue the trials to this timestep, with zero input.
    pub extend_to: Option<Timestep>,
    /// The variable to analyse in place of the state of the units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateVariable>,
    /// What is compared with each other.
    pub between: Between,
    /// The checkpoint with which the others are compared, if `between` is `checkpoint`.
    pub reference: ReferenceCheckpoint,
    /// The measures to compute.
    pub measure: SimilarityMeasure,
    /// The distance between trials, for the dissimilarity matrices.
    pub distance: RdmDistance,
}

/// The states that are compared with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Between {
    /// Those at each checkpoint with those at a reference, timestep by timestep.
    #[default]
    Checkpoint,
    /// Those at each timestep with those at every other, checkpoint by checkpoint.
    Timestep,
}

/// A checkpoint among those requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceCheckpoint {
    /// The earliest.
    #[default]
    First,
    /// The latest.
    Last,
    /// The latest before the checkpoint itself.
    Previous,
}

/// Measures of similarity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SimilarityMeasure {
    /// All of them.
    #[default]
    All,
    /// Centred kernel alignment, the fastest.
    Cka,
    /// The angular Procrustes distance.
    Procrustes,
    /// The correlations of dissimilarity matrices.
    Rdm,
}

impl SimilarityMeasure {
    fn has(self, one: Self) -> bool {
        self == Self::All || self == one
    }

    /// The columns of the measures.
    fn columns(self) -> Vec<&'static str> {
        let columns: [(Self, &[&'static str]); 3] = [
            (Self::Cka, &["cka", "cka_debiased"]),
            (Self::Procrustes, &["procrustes"]),
            (Self::Rdm, &["rdm_pearson", "rdm_spearman"]),
        ];
        columns.into_iter().filter(|(one, _)| self.has(*one)).flat_map(|(_, names)| names).copied().collect()
    }
}

impl Default for RepresentationSimilarity {
    fn default() -> Self {
        Self {
            samples: 200,
            timesteps: Timesteps::All,
            extend_to: None,
            state: None,
            between: Between::Checkpoint,
            reference: ReferenceCheckpoint::First,
            measure: SimilarityMeasure::All,
            distance: RdmDistance::Euclidean,
        }
    }
}

impl RepresentationSimilarity {
    const NAME: &'static str = "representation_similarity";

    /// Checks which settings go together.
    fn check_settings(&self) -> Result<()> {
        let default = Self::default();
        let text = |value| serde_json::to_string(&value).unwrap_or_default().replace('"', "");
        if self.between == Between::Timestep && self.reference != default.reference {
            let expected = "no `reference`, because timesteps are compared with each other".to_owned();
            return ranges::refuse(
                Self::NAME,
                "reference",
                expected,
                text(serde_json::json!(self.reference)),
            );
        }
        if !self.measure.has(SimilarityMeasure::Rdm) && self.distance != default.distance {
            let expected = "no `distance`, because `measure` has no dissimilarity matrix".to_owned();
            return ranges::refuse(Self::NAME, "distance", expected, text(serde_json::json!(self.distance)));
        }
        Ok(())
    }

    /// The features of the states at each timestep.
    fn features(&self, network: &Network, samples: &Trials, timesteps: &[Timestep]) -> Result<Vec<Features>> {
        let responses = Responses::run(network, samples, timesteps, self.state)?;
        let of =
            |timestep: &Timestep| Ok(Features::of(responses.at(*timestep)?, self.measure, self.distance));
        timesteps.iter().map(of).collect()
    }

    /// The checkpoint with which another is compared, as places in the subject.
    fn reference_of(&self, checkpoints: &[(Checkpoint, Network)], place: usize) -> Option<usize> {
        let update = |place: &usize| checkpoints[*place].0.update;
        let all = 0..checkpoints.len();
        match self.reference {
            ReferenceCheckpoint::First => all.min_by_key(update),
            ReferenceCheckpoint::Last => all.max_by_key(update),
            ReferenceCheckpoint::Previous => {
                all.filter(|other| update(other) < update(&place)).max_by_key(update)
            }
        }
    }

    /// Every checkpoint compared with its reference.
    fn between_checkpoints(
        &self,
        subject: &Subject,
        samples: &Trials,
        timesteps: &[Timestep],
    ) -> Result<Table> {
        let mut rows = Observations::default();
        let mut measured = Columns::new(self.measure);
        let mut references: [Vec<Option<i64>>; 2] = Default::default();
        // The features of the reference, and of the checkpoint before, with their places.
        let mut known: Vec<(usize, Vec<Features>)> = Vec::new();
        for (place, (checkpoint, network)) in subject.checkpoints.iter().enumerate() {
            let reference = self.reference_of(subject.checkpoints, place);
            known.retain(|(known, _)| Some(*known) == reference);
            for needed in reference.into_iter().chain([place]) {
                if !known.iter().any(|(known, _)| *known == needed) {
                    let network = if needed == place { network } else { &subject.checkpoints[needed].1 };
                    known.push((needed, self.features(network, samples, timesteps)?));
                }
            }
            let of = |wanted: usize| known.iter().find(|(place, _)| *place == wanted).map(|(_, all)| all);
            for (index, &timestep) in timesteps.iter().enumerate() {
                rows.push_at(*checkpoint, timestep);
                let pair = of(place).zip(reference.and_then(of));
                measured.push(match pair {
                    Some((own, other)) => own[index].similarity(&other[index])?,
                    None => Similarity::default(),
                });
                let other = reference.map(|reference| subject.checkpoints[reference].0);
                references[0].push(other.map(|other| other.epoch.0 as i64));
                references[1].push(other.map(|other| other.update.0 as i64));
            }
        }
        let names = ["reference_epoch", "reference_update"].map(str::to_owned);
        let columns = names.into_iter().zip(references.map(Values::from));
        rows.into_table(true, columns.chain(measured.named()))
    }

    /// Every timestep compared with every other.
    fn between_timesteps(
        &self,
        subject: &Subject,
        samples: &Trials,
        timesteps: &[Timestep],
    ) -> Result<Table> {
        let mut pairs = Pairs::new(self.measure);
        for (checkpoint, network) in subject.checkpoints {
            pairs.add(*checkpoint, timesteps, &self.features(network, samples, timesteps)?)?;
        }
        pairs.into_table()
    }

    /// The table for states that are given at each timestep, as of a single checkpoint.
    pub(crate) fn of_timesteps<T: Precision>(
        &self,
        timesteps: &[Timestep],
        states: &[ArrayView2<T>],
    ) -> Result<Table> {
        if self.between != Between::Timestep {
            let expected = "`timestep`, because states that are given have no checkpoints".to_owned();
            return ranges::refuse(Self::NAME, "between", expected, "checkpoint");
        }
        self.check_settings()?;
        let features: Vec<Features> =
            states.iter().map(|states| Features::of(*states, self.measure, self.distance)).collect();
        let mut pairs = Pairs::new(self.measure);
        pairs.add(Checkpoint::START, timesteps, &features)?;
        pairs.into_table()
    }
}

impl Analysis for RepresentationSimilarity {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn references(&self) -> &'static [&'static str] {
        match self.measure {
            SimilarityMeasure::All => &["kornblith2019", "song2012", "williams2021", "kriegeskorte2008"],
            SimilarityMeasure::Cka => &["kornblith2019", "song2012"],
            SimilarityMeasure::Procrustes => &["williams2021"],
            SimilarityMeasure::Rdm => &["kriegeskorte2008"],
        }
    }

    fn per_checkpoint(&self) -> bool {
        self.between == Between::Timestep
    }

    fn check(&self, params: &ValidParams) -> Result<()> {
        StateVariable::check(self.state, Self::NAME, params)?;
        ranges::samples(Self::NAME, self.samples, 4)?;
        self.check_settings()?;
        self.timesteps.resolve(Self::NAME, self.extend_to, params).map(drop)
    }
    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let timesteps = self.timesteps.resolve(Self::NAME, self.extend_to, subject.params)?;
        let samples = subject.task.trials(Ask::Analysis { count: self.samples });
        match self.between {
            Between::Checkpoint => self.between_checkpoints(subject, &samples, &timesteps),
            Between::Timestep => self.between_timesteps(subject, &samples, &timesteps),
        }
    }
}

/// The rows that compare timesteps with each other.
#[derive(Debug)]
struct Pairs {
    observations: Observations,
    others: Vec<i64>,
    measured: Columns,
}

impl Pairs {
    fn new(measure: SimilarityMeasure) -> Self {
        Self { observations: Observations::default(), others: Vec::new(), measured: Columns::new(measure) }
    }

    /// Adds all pairs of timesteps of a checkpoint.
    fn add(&mut self, checkpoint: Checkpoint, timesteps: &[Timestep], features: &[Features]) -> Result<()> {
        let mut pairs: Vec<Vec<Similarity>> = Vec::new();
        for (one, of_one) in features.iter().enumerate() {
            let mut row: Vec<Similarity> = pairs.iter().map(|earlier| earlier[one]).collect();
            for of_other in &features[one..] {
                row.push(of_one.similarity(of_other)?);
            }
            pairs.push(row);
        }
        for (&timestep, row) in timesteps.iter().zip(pairs) {
            for (other, similarity) in timesteps.iter().zip(row) {
                self.observations.push_at(checkpoint, timestep);
                self.others.push(other.0);
                self.measured.push(similarity);
            }
        }
        Ok(())
    }

    fn into_table(self) -> Result<Table> {
        let other = ("other_timestep".to_owned(), Values::from(self.others));
        self.observations.into_table(true, std::iter::once(other).chain(self.measured.named()))
    }
}

/// The columns of the measures.
#[derive(Debug)]
struct Columns {
    names: Vec<&'static str>,
    values: Vec<Vec<Option<f64>>>,
}

impl Columns {
    fn new(measure: SimilarityMeasure) -> Self {
        let names = measure.columns();
        Self { values: vec![Vec::new(); names.len()], names }
    }

    fn push(&mut self, found: Similarity) {
        for (name, values) in self.names.iter().zip(&mut self.values) {
            values.push(found.column(name));
        }
    }

    fn named(self) -> impl Iterator<Item = (String, Values)> {
        self.names.into_iter().map(str::to_owned).zip(self.values.into_iter().map(Values::from))
    }
}
