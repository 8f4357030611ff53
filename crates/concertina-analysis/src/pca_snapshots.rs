//! `pca_snapshots`: the states in the plane of their first principal components, at each timestep.

use concertina_model::Checkpoint;
use concertina_model::network::Network;
use concertina_model::params::ValidParams;
use concertina_model::task::{Ask, Trials};
use concertina_numerics::linalg::{Pca, product};
use concertina_table::{Table, Values};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, ArrayView3, Axis, s};
use serde::{Deserialize, Serialize};

use crate::numbers::{Precision, Rounding};
use crate::ranges::{self, at_least, refuse};
use crate::responses::{Observations, Responses, StateVariable, check_finite};
use crate::{Analysis, Error, Result, Subject, Timestep, Timesteps};

/// The states along their first principal components, at each timestep, with the readout in the same plane.
///
/// The principal components are those of the covariance of `samples` states at that timestep. The sign of a
/// component is arbitrary. At the first timestep its entry of largest magnitude is positive. At every later
/// timestep its scores correlate positively with those of the same component at the previous requested
/// timestep, so that the cloud does not flip from picture to picture. Only signs are aligned: two components
/// with nearly the same variance may rotate in their plane or change places.
///
/// # Returns
/// For each checkpoint and timestep, rows of four kinds (column `kind`), with their coordinates in `pc1`,
/// `pc2`, ...:
/// * `sample`: the state of a sample minus the mean state, for the first `drawn` samples (columns `sample`,
///   `class`, `cluster`);
/// * `readout`: the direction of the readout weights, with one row per output and the `class` of that output
///   (class 1 for a scalar output); none at the input, where the readout is not defined;
/// * `mean`: the mean state along the components. Added to a sample's coordinates, it gives those of the
///   state itself; its negative is the position of zero activity in the plane;
/// * `explained_variance_ratio`: the share of the variance along each component.
///
/// A component that does not exist (the second one of one-dimensional inputs, for example) is null: one along
/// which the states vary by no more than their rounding to f32. States that are equal up to rounding have no
/// components, just as they have no effective dimension.
///
/// # Source
/// `farrell2022`, Fig. 2c. Differs in: only the choice of sign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PcaSnapshots {
    /// Samples that the components are computed from, spread evenly over the clusters; at least 2.
    pub samples: usize,
    /// Number of samples whose coordinates are in the table. The default, 600, means all of them if `samples`
    /// is lower.
    pub drawn: usize,
    /// Number of components, largest variance first; at most the number of units. The default, 2, is also
    /// allowed for one unit: the second component is then null.
    pub components: usize,
    /// The timesteps to analyse.
    pub timesteps: Timesteps,
    /// Continue the trials to this timestep, with zero input.
    pub extend_to: Option<Timestep>,
    /// The variable to analyse in place of the state of the units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateVariable>,
}

impl Default for PcaSnapshots {
    fn default() -> Self {
        Self {
            samples: 800,
            drawn: 600,
            components: 2,
            timesteps: Timesteps::All,
            extend_to: None,
            state: None,
        }
    }
}

impl PcaSnapshots {
    pub(crate) const NAME: &'static str = "pca_snapshots";

    fn add_checkpoint(
        &self,
        table: &mut Rows,
        checkpoint: Checkpoint,
        network: &Network,
        samples: &Trials,
        timesteps: &[Timestep],
    ) -> Result<()> {
        let responses = Responses::run(network, samples, timesteps, self.state)?;
        let readout = network.weights().readout.mapv(f64::from); // (units, outputs)
        let labels = samples.labels();
        let mut before: Option<PcaSnapshot> = None;
        for &timestep in timesteps {
            let snapshot = PcaSnapshot::of(responses.at(timestep)?, self.components, before.as_ref())?;
            let at = (checkpoint, timestep);
            table.push_cloud(at, &snapshot, self.drawn, labels.as_deref(), Some(&samples.conditions));
            if timestep != Timestep::INPUT {
                let directions = product(readout.t(), snapshot.components.view()); // (outputs, k)
                let scalar = directions.nrows() == 1;
                for (output, direction) in (0..).zip(directions.outer_iter()) {
                    let class = if scalar { 1 } else { output };
                    table.push(at, "readout", None, Some(class), None, direction);
                }
            }
            table.push_summary(at, &snapshot);
            before = Some(snapshot);
        }
        Ok(())
    }
}

impl Analysis for PcaSnapshots {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn references(&self) -> &'static [&'static str] {
        &["farrell2022", "jolliffe2002"]
    }

    fn per_checkpoint(&self) -> bool {
        true
    }

    fn check(&self, params: &ValidParams) -> Result<()> {
        StateVariable::check(self.state, Self::NAME, params)?;
        ranges::samples(Self::NAME, self.samples, 2)?;
        at_least(Self::NAME, "components", self.components, 1)?;
        let default = Self::default();
        if self.drawn > self.samples && self.drawn != default.drawn {
            return refuse(Self::NAME, "drawn", format!("at most {}, the samples", self.samples), self.drawn);
        }
        if self.components > params.network.units && self.components != default.components {
            let expected = format!("at most {}, the number of units", params.network.units);
            return refuse(Self::NAME, "components", expected, self.components);
        }
        self.timesteps.resolve(Self::NAME, self.extend_to, params).map(drop)
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let timesteps = self.timesteps.resolve(Self::NAME, self.extend_to, subject.params)?;
        let samples = subject.task.trials(Ask::Analysis { count: self.samples });
        let mut rows = Rows::new(self.components);
        for (checkpoint, network) in subject.checkpoints {
            self.add_checkpoint(&mut rows, *checkpoint, network, &samples, &timesteps)?;
        }
        rows.into_table()
    }
}

/// The states of a timestep along their first principal components.
///
/// Here k is the number of components requested, or [`resolved`](Self::resolved) if that is smaller.
#[derive(Debug, Clone, PartialEq)]
pub struct PcaSnapshot {
    /// The states minus their mean, along the components, (samples, k).
    pub scores: Array2<f64>,
    /// The components as columns of length 1, (units, k), largest variance first.
    pub components: Array2<f64>,
    /// The mean state along the components, (k).
    pub mean: Array1<f64>,
    /// The share of the variance along each component, (k).
    pub explained_variance_ratio: Array1<f64>,
    /// Number of components, out of all of them, along which the states vary by more than their rounding.
    pub resolved: usize,
}

/// The states of each timestep along their first principal components, with signs aligned from timestep to
/// timestep.
///
/// At the first timestep the entry of largest magnitude of each component is positive. At every later
/// timestep the scores correlate positively with those of the same component at the previous timestep.
///
/// # Undefined
/// A component is left out if the states vary along it by no more than the rounding of their precision (8
/// machine epsilons of their root mean square): [`PcaSnapshot::resolved`] is the number of components that
/// exist.
///
/// # Shapes
/// `states`: (trials, timesteps, units).
///
/// # Returns
/// One snapshot per timestep. Scores and means are in the unit of the states.
///
/// # Errors
/// As [`PcaSnapshot::of`].
///
/// # Source
/// `jolliffe2002`; `farrell2022`, Fig. 2c. Differs in: only the choice of sign.
///
/// # Example
/// Two points that change places keep their scores:
/// ```
/// use concertina_analysis::pca_snapshots;
/// use ndarray::arr3;
///
/// let states = arr3(&[[[1.0, 0.0], [-1.0, 0.0]], [[-1.0, 0.0], [1.0, 0.0]]]);
/// let snapshots = pca_snapshots(states.view(), 2)?;
/// assert_eq!(snapshots[0].scores, snapshots[1].scores);
/// assert_eq!((snapshots[1].components[[0, 0]], snapshots[1].resolved), (-1.0, 1));
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn pca_snapshots<T: Precision>(states: ArrayView3<T>, components: usize) -> Result<Vec<PcaSnapshot>> {
    let mut snapshots: Vec<PcaSnapshot> = Vec::with_capacity(states.dim().1);
    for (timestep, states) in (0..).map(Timestep).zip(states.axis_iter(Axis(1))) {
        check_finite(states, || Responses::name_of(timestep))?;
        snapshots.push(PcaSnapshot::of(states, components, snapshots.last())?);
    }
    Ok(snapshots)
}

impl PcaSnapshot {
    /// The snapshot of one timestep, with signs such that the scores correlate positively with those of
    /// `before`, which has the same samples.
    ///
    /// # Shapes
    /// `states`: (samples, units). The number of units may differ from that of `before`.
    ///
    /// # Errors
    /// [`Error::TooFewSamples`] for fewer than 2 samples; [`Error::Parameter`] for no components;
    /// [`Error::Shape`] if `before` has a different number of samples; [`Error::NotFinite`] names the sample
    /// and unit of the first NaN or infinite value.
    pub fn of<T: Precision>(
        states: ArrayView2<T>,
        components: usize,
        before: Option<&PcaSnapshot>,
    ) -> Result<Self> {
        let (samples, units) = states.dim();
        if samples < 2 {
            let quantity = "principal components";
            return Err(Error::TooFewSamples { quantity, expected: 2, found: samples });
        }
        at_least(PcaSnapshots::NAME, "components", components, 1)?;
        if let Some(before) = before.filter(|before| before.scores.nrows() != samples) {
            let expected = format!("(samples, units) = ({}, {units}), as before", before.scores.nrows());
            return Err(Error::Shape { what: "states", expected, found: vec![samples, units] });
        }
        check_finite(states, || "states".to_owned())?;
        let states = states.mapv(Into::into);
        let mut pca = Pca::fit(states.view(), components)?;
        let resolved = beyond_rounding::<T>(states.view(), &pca.singular_values);
        let kept = resolved.min(pca.components.ncols());
        pca.components = pca.components.slice_move(s![.., ..kept]);
        let mut scores = pca.project(states.view())?;
        let mut components = pca.components;
        if let Some(before) = before {
            let columns = scores.columns_mut().into_iter().zip(components.columns_mut());
            for ((mut scores, mut component), before) in columns.zip(before.scores.columns()) {
                if scores.dot(&before) < 0.0 {
                    scores.mapv_inplace(|score| -score);
                    component.mapv_inplace(|entry| -entry);
                }
            }
        }
        let mean = product(pca.mean.view().insert_axis(Axis(0)), components.view()).row(0).to_owned();
        let explained_variance_ratio = pca.explained_variance_ratio.slice(s![..kept]).to_owned();
        Ok(Self { scores, components, mean, explained_variance_ratio, resolved })
    }
}

/// How many of these singular values of the centred states, in decreasing order, exceed the rounding of the
/// states, which were given in the precision `T`.
fn beyond_rounding<T: Precision>(states: ArrayView2<f64>, singular_values: &Array1<f64>) -> usize {
    let (samples, units) = states.dim();
    let rounding = Rounding::of_states::<T>(states);
    let whole = singular_values.iter().map(|value| value * value).sum::<f64>().sqrt();
    if whole <= rounding.whole(samples, units) {
        return 0;
    }
    let nothing = rounding.singular_value(samples, units);
    singular_values.iter().filter(|value| **value > nothing).count()
}

/// The rows of the result.
#[derive(Debug)]
pub(crate) struct Rows {
    observations: Observations,
    kind: Vec<&'static str>,
    sample: Vec<Option<i64>>,
    class: Vec<Option<u32>>,
    cluster: Vec<Option<u32>>,
    coordinates: Vec<Vec<Option<f64>>>,
}

impl Rows {
    pub(crate) fn new(components: usize) -> Self {
        Self {
            observations: Observations::default(),
            kind: Vec::new(),
            sample: Vec::new(),
            class: Vec::new(),
            cluster: Vec::new(),
            coordinates: vec![Vec::new(); components],
        }
    }

    /// Adds a row for each of the first `drawn` states.
    pub(crate) fn push_cloud(
        &mut self,
        at: (Checkpoint, Timestep),
        snapshot: &PcaSnapshot,
        drawn: usize,
        classes: Option<&[u32]>,
        clusters: Option<&[u32]>,
    ) {
        for (sample, score) in snapshot.scores.outer_iter().enumerate().take(drawn) {
            let class = classes.map(|classes| classes[sample]);
            let cluster = clusters.and_then(|clusters| clusters.get(sample)).copied();
            self.push(at, "sample", Some(sample), class, cluster, score);
        }
    }

    /// Adds the rows of the mean and of the explained variance.
    pub(crate) fn push_summary(&mut self, at: (Checkpoint, Timestep), snapshot: &PcaSnapshot) {
        self.push(at, "mean", None, None, None, snapshot.mean.view());
        let explained = snapshot.explained_variance_ratio.view();
        self.push(at, "explained_variance_ratio", None, None, None, explained);
    }

    fn push(
        &mut self,
        (checkpoint, timestep): (Checkpoint, Timestep),
        kind: &'static str,
        sample: Option<usize>,
        class: Option<u32>,
        cluster: Option<u32>,
        coordinates: ArrayView1<f64>,
    ) {
        self.observations.push_at(checkpoint, timestep);
        self.kind.push(kind);
        self.sample.push(sample.map(|sample| sample as i64));
        self.class.push(class);
        self.cluster.push(cluster);
        for (index, column) in self.coordinates.iter_mut().enumerate() {
            column.push(coordinates.get(index).copied());
        }
    }

    pub(crate) fn into_table(self) -> Result<Table> {
        let mut columns = vec![
            ("kind".to_owned(), Values::from(self.kind)),
            ("sample".to_owned(), Values::from(self.sample)),
            ("class".to_owned(), Values::from(self.class)),
            ("cluster".to_owned(), Values::from(self.cluster)),
        ];
        columns.extend(
            (1..).zip(self.coordinates).map(|(number, column)| (format!("pc{number}"), Values::from(column))),
        );
        self.observations.into_table(true, columns)
    }
}
