//! `cluster_holdout`: how well a linear classifier generalises to clusters it has not seen.

use std::collections::BTreeSet;

use concertina_model::params::{TaskKind, ValidParams};
use concertina_model::task::{Ask, TaskShape};
use concertina_numerics::random::{Purpose, Stream};
use concertina_numerics::statistics::{mean, variance};
use concertina_table::{Table, Values};
use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use crate::classifier::{Classifier, numbered};
use crate::numbers::Precision;
use crate::ranges::{self, MOST_REPETITIONS, at_least, at_most, needs_classes, positive, refuse};
use crate::responses::{Observations, Responses, StateVariable, check_finite, labels};
use crate::{Analysis, Error, Result, Subject, Timestep, Timesteps};

const SPLITS: Purpose = Purpose::new("cluster holdout");

/// Training and testing accuracy of a linear classifier that sees some of the clusters and is tested on the
/// rest.
///
/// At each timestep the classifier is fitted to its optimum on the states of samples from the training
/// clusters, and then predicts the class of the states from the other clusters. High training accuracy shows
/// that the clusters are linearly separable with their class labels. High testing accuracy shows that the
/// *classes* are separated, since the classifier has seen no state of a test cluster.
///
/// The penalty acts on the weights, so it is stronger for small states. With the same `c`, states far below 1
/// are separated less well, and in the limit every sample is assigned to the more frequent class, however
/// separable the states are.
///
/// Each split draws its own training clusters, a share `training_share` of the clusters of each class. The
/// same splits are used at every timestep and every checkpoint of a run.
///
/// # Returns
/// One row per checkpoint and timestep, with the columns
/// * `training_accuracy` and `testing_accuracy`: means over splits, in [0, 1];
/// * `training_accuracy_sd` and `testing_accuracy_sd`: standard deviations over splits, null for a single
///   split;
/// * `converged`: whether every fit reached its optimum. If not, the accuracies are those of the best
///   classifiers found.
///
/// # Source
/// `farrell2022`, Fig. 2f and g. Differs in: the published code's shuffling undoes itself, so that its five
/// repeats all train on clusters 0 to 48 (49 of 60 clusters rather than 48) and test on clusters 49 to 59;
/// and its fits stop after 100 iterations of L-BFGS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterHoldout {
    /// Samples, spread evenly over the clusters; at least one per cluster. The default, 500, is raised to the
    /// number of clusters if there are more.
    pub samples: usize,
    /// The timesteps to analyse.
    pub timesteps: Timesteps,
    /// Continue the trials to this timestep, with zero input.
    pub extend_to: Option<Timestep>,
    /// The variable to analyse in place of the state of the units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateVariable>,
    /// Number of independent splits of the clusters.
    pub splits: usize,
    /// Share of the clusters of each class that the classifier is trained on, rounded to whole clusters; at
    /// least one, and not all.
    pub training_share: f64,
    /// The classifier.
    pub classifier: Classifier,
    /// Inverse strength of the classifier's penalty on the weights, as in scikit-learn.
    pub c: f64,
}

impl Default for ClusterHoldout {
    fn default() -> Self {
        Self {
            samples: 500,
            timesteps: Timesteps::All,
            extend_to: None,
            state: None,
            splits: 5,
            training_share: 0.8,
            classifier: Classifier::Logistic,
            c: 1.0,
        }
    }
}

impl ClusterHoldout {
    pub(crate) const NAME: &'static str = "cluster_holdout";

    /// The number of samples requested; the default is raised to one per condition.
    fn samples_of(&self, shape: &TaskShape) -> usize {
        if self.samples == Self::default().samples {
            self.samples.max(shape.conditions)
        } else {
            self.samples
        }
    }

    /// Checks the settings of splits and fits.
    fn check_fit(&self) -> Result<()> {
        at_least(Self::NAME, "splits", self.splits, 1)?;
        at_most(Self::NAME, "splits", self.splits, MOST_REPETITIONS)?;
        positive(Self::NAME, "c", self.c)?;
        if !(self.training_share > 0.0 && self.training_share < 1.0) {
            let expected = "a share between 0 and 1".to_owned();
            return refuse(Self::NAME, "training_share", expected, self.training_share);
        }
        Ok(())
    }

    fn splits(&self, known: &Known<'_>, seed: u64) -> Vec<Split> {
        (0..self.splits).map(|number| Split::draw(known, self.training_share, seed, number)).collect()
    }

    /// The accuracies on these states, whose classes are part of the splits.
    fn accuracies(
        &self,
        states: ArrayView2<f64>,
        classes: usize,
        splits: &[Split],
    ) -> Result<HoldoutAccuracy> {
        let (mut training, mut testing, mut converged) = (Vec::new(), Vec::new(), true);
        let mut first = None;
        for split in splits {
            let seen = split.training.of(states);
            let labels = &split.training.labels;
            let classifier = self.classifier.fit(self.c, seen.view(), labels, classes, first.as_ref())?;
            training.push(classifier.accuracy(seen.view(), labels)?);
            let unseen = split.testing.of(states);
            testing.push(classifier.accuracy(unseen.view(), &split.testing.labels)?);
            converged &= classifier.converged;
            first.get_or_insert(classifier); // most training clusters are the same as in the first split
        }
        let over_splits = |accuracies: &[f64]| mean(accuracies).expect("at least one split");
        let deviation = |accuracies: &[f64]| variance(accuracies).map(f64::sqrt);
        Ok(HoldoutAccuracy {
            training_accuracy: over_splits(&training),
            testing_accuracy: over_splits(&testing),
            training_accuracy_sd: deviation(&training),
            testing_accuracy_sd: deviation(&testing),
            converged,
        })
    }
}

impl Analysis for ClusterHoldout {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn references(&self) -> &'static [&'static str] {
        match self.classifier {
            Classifier::Logistic => &["farrell2022", "bishop2006", "pedregosa2011"],
            Classifier::Svm => &["farrell2022", "cortes1995", "pedregosa2011"],
        }
    }

    fn per_checkpoint(&self) -> bool {
        true
    }

    fn check(&self, params: &ValidParams) -> Result<()> {
        StateVariable::check(self.state, Self::NAME, params)?;
        let classes = needs_classes(Self::NAME, params)?;
        let shape = params.shape();
        ranges::samples(Self::NAME, self.samples_of(shape), shape.conditions)?;
        self.check_fit()?;
        if params.task.kind == TaskKind::Clusters && shape.conditions / classes < 2 {
            return Err(Error::NotApplicable {
                analysis: Self::NAME,
                subject: format!("{} clusters of {classes} classes", shape.conditions),
                reason: "every class needs one cluster to train on and one to test on",
                hint: "raise `task.clusters` to at least twice `task.classes`",
            });
        }
        if shape.conditions == 0 {
            return Err(Error::NotApplicable {
                analysis: Self::NAME,
                subject: "a task whose trials have no conditions".to_owned(),
                reason: "it trains a classifier on some conditions and tests it on the others",
                hint: "number the conditions of the trials in the array `condition` of the file, or leave this analysis out",
            });
        }
        self.timesteps.resolve(Self::NAME, self.extend_to, params).map(drop)
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let timesteps = self.timesteps.resolve(Self::NAME, self.extend_to, subject.params)?;
        let samples = subject.task.trials(Ask::Analysis { count: self.samples_of(subject.params.shape()) });
        let classes = needs_classes(Self::NAME, subject.params)?;
        let labels = labels(Self::NAME, &samples)?;
        let splits = self.splits(&Known::of(&labels, &samples.conditions, classes)?, subject.params.seed);
        let mut rows = Observations::default();
        let mut columns = Columns::default();
        for (checkpoint, network) in subject.checkpoints {
            let responses = Responses::run(network, &samples, &timesteps, self.state)?;
            for &timestep in &timesteps {
                let states = responses.at(timestep)?.mapv(f64::from);
                rows.push_at(*checkpoint, timestep);
                columns.push(self.accuracies(states.view(), classes, &splits)?);
            }
        }
        rows.into_table(true, columns.named())
    }
}

/// How often a classifier predicts the right class, over splits of the clusters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HoldoutAccuracy {
    /// Accuracy on samples of the clusters that it was fitted to: the mean over splits, in [0, 1].
    pub training_accuracy: f64,
    /// Accuracy on samples of the other clusters: the mean over splits, in [0, 1].
    pub testing_accuracy: f64,
    /// The standard deviation over splits (with n - 1 in the denominator); `None` for a single split.
    pub training_accuracy_sd: Option<f64>,
    /// The standard deviation over splits (with n - 1 in the denominator); `None` for a single split.
    pub testing_accuracy_sd: Option<f64>,
    /// Whether every fit reached its optimum. If not, the accuracies are those of the best classifiers found.
    pub converged: bool,
}

/// Training and testing accuracy of a linear classifier that sees the states of some of the clusters.
///
/// Of `settings`, only the splits, the training share, the classifier and its `c` are used. The samples are
/// those given. The splits depend only on the seed and on the clusters of each class, so they are the same at
/// every timestep.
///
/// # Shapes
/// `states`: (samples, units); `labels` and `clusters`: (samples), arbitrary whole numbers that identify the
/// class and the cluster of each sample.
///
/// # Errors
/// [`Error::Parameter`]; [`Error::Shape`] unless there is one label and one cluster per sample, and at least
/// one unit; [`Error::NotApplicable`] for fewer than two classes, a class with fewer than two clusters, or a
/// cluster with several classes; [`Error::NotFinite`] names the sample and unit of the first NaN or infinite
/// value.
///
/// # Source
/// `farrell2022`, Fig. 2f and g. Differs in: see [`ClusterHoldout`].
///
/// # Example
/// Classes on either side of zero are also separated in clusters that were left out:
/// ```
/// use concertina_analysis::{ClusterHoldout, cluster_holdout};
/// use ndarray::arr2;
///
/// let states = arr2(&[[-2.0], [-1.0], [1.0], [2.0]]);
/// let settings = ClusterHoldout { training_share: 0.5, c: 100.0, ..ClusterHoldout::default() };
/// let found = cluster_holdout(&settings, states.view(), &[0, 0, 1, 1], &[0, 1, 2, 3], 1)?;
/// assert_eq!((found.training_accuracy, found.testing_accuracy), (1.0, 1.0));
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn cluster_holdout<T: Precision>(
    settings: &ClusterHoldout,
    states: ArrayView2<T>,
    labels: &[u32],
    clusters: &[u32],
    seed: u64,
) -> Result<HoldoutAccuracy> {
    settings.check_fit()?;
    let (samples, units) = states.dim();
    if units == 0 {
        let expected = format!("(samples, units) = ({samples}, any), with at least one unit");
        return Err(Error::Shape { what: "states", expected, found: vec![samples, units] });
    }
    for (what, numbers) in [("labels", labels), ("clusters", clusters)] {
        if numbers.len() != samples {
            let expected = format!("(samples) = ({samples})");
            return Err(Error::Shape { what, expected, found: vec![numbers.len()] });
        }
    }
    check_finite(states, || "states".to_owned())?;
    let (labels, classes) = numbered(ClusterHoldout::NAME, labels)?;
    let splits = settings.splits(&Known::of(&labels, clusters, classes)?, seed);
    settings.accuracies(states.mapv(Into::into).view(), classes, &splits)
}

/// The labels of the samples: class and condition of each sample, and the conditions of each class.
#[derive(Debug, Clone, PartialEq)]
struct Known<'a> {
    labels: &'a [u32],
    conditions: &'a [u32],
    of_class: Vec<Vec<usize>>,
}

impl<'a> Known<'a> {
    /// Collects the conditions and classes of the samples.
    ///
    /// # Errors
    /// [`Error::NotApplicable`] if a class has fewer than two conditions, or shares one with another class.
    fn of(labels: &'a [u32], conditions: &'a [u32], classes: usize) -> Result<Self> {
        let mut of_class = vec![BTreeSet::<usize>::new(); classes];
        for (label, condition) in labels.iter().zip(conditions) {
            of_class[*label as usize].insert(*condition as usize);
        }
        let refuse = |subject: String, reason: &'static str| {
            let hint = "give each class conditions with numbers that no other class uses, at least two of them among the validation trials, or leave this analysis out";
            Err(Error::NotApplicable { analysis: ClusterHoldout::NAME, subject, reason, hint })
        };
        let conditions_in_all: BTreeSet<&usize> = of_class.iter().flatten().collect();
        if conditions_in_all.len() < of_class.iter().map(BTreeSet::len).sum() {
            let subject = "trials of one condition and several classes".to_owned();
            return refuse(subject, "a condition that is left out must not occur in another class");
        }
        if let Some(class) = of_class.iter().position(|own| own.len() < 2) {
            let subject =
                format!("trials in which class {class} has {} of the conditions", of_class[class].len());
            return refuse(subject, "every class needs one condition to train on and one to test on");
        }
        let of_class = of_class.into_iter().map(|own| own.into_iter().collect()).collect();
        Ok(Self { labels, conditions, of_class })
    }
}

/// A part of the samples.
#[derive(Debug, Clone, Default, PartialEq)]
struct Part {
    rows: Vec<usize>,
    labels: Vec<u32>,
}

impl Part {
    /// The states of this part, (samples of the part, features).
    fn of(&self, states: ArrayView2<f64>) -> Array2<f64> {
        states.select(Axis(0), &self.rows)
    }
}

/// A division of the samples by cluster.
#[derive(Debug, Clone, PartialEq)]
struct Split {
    training: Part,
    testing: Part,
}

impl Split {
    /// Draws the training clusters of each class.
    fn draw(known: &Known<'_>, training_share: f64, seed: u64, number: usize) -> Self {
        let mut stream = Stream::new(seed, SPLITS, number as u64);
        let mut seen = BTreeSet::new();
        for own in &known.of_class {
            let count = (training_share * own.len() as f64).round() as usize;
            for position in stream.choose(own.len(), count.clamp(1, own.len() - 1)) {
                seen.insert(own[position]);
            }
        }
        let (mut training, mut testing) = (Part::default(), Part::default());
        for (row, (label, cluster)) in known.labels.iter().zip(known.conditions).enumerate() {
            let part = if seen.contains(&(*cluster as usize)) { &mut training } else { &mut testing };
            part.rows.push(row);
            part.labels.push(*label);
        }
        Self { training, testing }
    }
}

/// The columns of the result.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    training: Vec<f64>,
    testing: Vec<f64>,
    training_sd: Vec<Option<f64>>,
    testing_sd: Vec<Option<f64>>,
    converged: Vec<bool>,
}

impl Columns {
    pub(crate) fn push(&mut self, found: HoldoutAccuracy) {
        self.training.push(found.training_accuracy);
        self.testing.push(found.testing_accuracy);
        self.training_sd.push(found.training_accuracy_sd);
        self.testing_sd.push(found.testing_accuracy_sd);
        self.converged.push(found.converged);
    }

    pub(crate) fn named(self) -> [(String, Values); 5] {
        [
            ("training_accuracy", Values::from(self.training)),
            ("testing_accuracy", Values::from(self.testing)),
            ("training_accuracy_sd", Values::from(self.training_sd)),
            ("testing_accuracy_sd", Values::from(self.testing_sd)),
            ("converged", Values::from(self.converged)),
        ]
        .map(|(name, values)| (name.to_owned(), values))
    }
}

#[cfg(test)]
mod tests {
    use concertina_model::params::Params;
    use concertina_model::task::{self, Trials};

    use super::*;

    fn split(number: usize) -> (Split, Trials) {
        let mut params = Params::default();
        params.task.input_dim = 10;
        params.task.classes = 3;
        params.task.clusters = 31; // 11, 10 and 10
        let params = params.check().expect("valid");
        let task = task::of(&params).expect("there is room in ten dimensions");
        let samples = task.trials(Ask::Analysis { count: 100 });
        let labels = samples.labels().expect("classes");
        let known = Known::of(&labels, &samples.conditions, 3).expect("the clusters have classes");
        let split = Split::draw(&known, 0.8, 7, number);
        drop(labels);
        (split, samples)
    }

    fn clusters_of(part: &Part, samples: &Trials) -> Vec<u32> {
        let mut clusters: Vec<u32> = part.rows.iter().map(|row| samples.conditions[*row]).collect();
        clusters.sort_unstable();
        clusters.dedup();
        clusters
    }

    #[test]
    fn training_and_testing_share_no_cluster_and_each_class_contributes_its_share() {
        let (split, samples) = split(0);
        let (training, testing) =
            (clusters_of(&split.training, &samples), clusters_of(&split.testing, &samples));
        let mut all = [training.clone(), testing.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..31).collect::<Vec<u32>>());
        for (class, expected) in [(0, 9), (1, 8), (2, 8)] {
            assert_eq!(
                training.iter().filter(|cluster| *cluster % 3 == class).count(),
                expected,
                "class {class}"
            );
        }
        for part in [&split.training, &split.testing] {
            for (row, label) in part.rows.iter().zip(&part.labels) {
                assert_eq!(*label, samples.labels().expect("classes")[*row]);
            }
        }
    }

    #[test]
    fn every_split_differs_and_is_the_same_when_drawn_again() {
        let splits: Vec<Split> = (0..5).map(|number| split(number).0).collect();
        for (number, one) in splits.iter().enumerate() {
            assert_eq!(*one, split(number).0);
            assert!(splits[..number].iter().all(|other| other.training.rows != one.training.rows));
        }
    }
}
