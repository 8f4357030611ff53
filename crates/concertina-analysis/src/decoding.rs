//! `decoding`: how well a linear classifier reads the class or the condition of trials it has not seen.

use concertina_model::params::ValidParams;
use concertina_model::task::{Ask, Trials};
use concertina_numerics::classify::LinearClassifier;
use concertina_numerics::random::{Purpose, Stream};
use concertina_numerics::statistics::{mean, variance};
use concertina_table::{Table, Values};
use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis};
use serde::{Deserialize, Serialize};

use crate::classifier::{Classifier, numbered};
use crate::numbers::Precision;
use crate::ranges::{self, at_least, at_most, needs_classes, positive};
use crate::responses::{Observations, Responses, StateVariable, check_finite, labels};
use crate::{Analysis, Error, Result, Subject, Timestep, Timesteps};

const FOLDS: Purpose = Purpose::new("decoding");
/// Largest number of folds: arbitrary, twenty times the default.
const MOST_FOLDS: usize = 100;
/// Largest number of parameters of a logistic regression of several classes, all of which are fitted
/// together: the second derivative then takes 128 MB, and a step about a second.
const MOST_PARAMETERS: usize = 4000;

/// Accuracy of a cross-validated linear classifier of the class or the condition of a trial, trained on the
/// states at one timestep and tested at the same or at every timestep.
///
/// Trials are divided into folds, with the same share of each class in every fold. For each fold, the
/// classifier is fitted to its optimum on the states of all other folds, and then predicts the class of the
/// trials of the fold. A classifier that is trained at one timestep and works at another shows that the code
/// has not changed in between.
///
/// Trials of one condition may be nearly equal, so a classifier of classes may learn the conditions one by
/// one. `cluster_holdout` tests on conditions that the classifier has not seen.
///
/// The folds depend only on the seed of the run and on the classes of the trials. They are the same at every
/// timestep and checkpoint of a run. States are not scaled, and the penalty acts on the weights, so it is
/// stronger for small states.
///
/// # Returns
/// One row per checkpoint and timestep of training, or per checkpoint and pair of timesteps, with the columns
/// * `test_timestep`, with `testing = "across"`: the timestep of testing;
/// * `accuracy`: the mean over folds, in [0, 1]; null between the input and a later timestep, because the
///   units of the input are not those of the network;
/// * `accuracy_sd`: the standard deviation over folds; null where `accuracy` is;
/// * `converged`: whether every fit reached its optimum. If not, the accuracy is that of the best classifiers
///   found.
///
/// # Source
/// `king2014` for `testing = "across"`. Differs in: states are not scaled, and accuracy is reported instead
/// of the area under the curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Decoding {
    /// Samples, spread evenly over the clusters; at least 2 per class or condition, and one per fold. The
    /// default, 500, is raised to 2 per class or condition if there are more.
    pub samples: usize,
    /// The timesteps to analyse.
    pub timesteps: Timesteps,
    /// Continue the trials to this timestep, with zero input.
    pub extend_to: Option<Timestep>,
    /// The variable to analyse in place of the state of the units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateVariable>,
    /// What is predicted.
    pub target: DecodingTarget,
    /// The timesteps at which a classifier is tested.
    pub testing: DecodingTest,
    /// Number of folds; at least 2.
    pub folds: usize,
    /// The classifier.
    pub classifier: Classifier,
    /// Inverse strength of the classifier's penalty on the weights, as in scikit-learn.
    pub c: f64,
}

/// What a classifier predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecodingTarget {
    /// The class of the trial.
    #[default]
    Class,
    /// The condition of the trial: in `clusters`, the cluster.
    Condition,
}

/// The timesteps at which a classifier is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecodingTest {
    /// The timestep of training.
    #[default]
    Same,
    /// Every timestep: temporal generalisation.
    Across,
}

impl Default for Decoding {
    fn default() -> Self {
        Self {
            samples: 500,
            timesteps: Timesteps::All,
            extend_to: None,
            state: None,
            target: DecodingTarget::Class,
            testing: DecodingTest::Same,
            folds: 5,
            classifier: Classifier::Logistic,
            c: 1.0,
        }
    }
}

impl Decoding {
    const NAME: &'static str = "decoding";

    /// Checks the settings of folds and fits.
    fn check_fit(&self) -> Result<()> {
        at_least(Self::NAME, "folds", self.folds, 2)?;
        at_most(Self::NAME, "folds", self.folds, MOST_FOLDS)?;
        positive(Self::NAME, "c", self.c)
    }

    /// The number of classes or conditions of a task.
    fn targets(&self, params: &ValidParams) -> Result<usize> {
        match self.target {
            DecodingTarget::Class => needs_classes(Self::NAME, params),
            DecodingTarget::Condition if params.shape().conditions < 2 => Err(Error::NotApplicable {
                analysis: Self::NAME,
                subject: format!("a task of {} conditions", params.shape().conditions),
                reason: "a classifier separates at least two conditions",
                hint: "set `target` to `class`, number the conditions of the trials in the array `condition` of the file, or leave this analysis out",
            }),
            DecodingTarget::Condition => Ok(params.shape().conditions),
        }
    }

    /// The number of samples requested; the default is raised to two per class or condition.
    fn samples_of(&self, targets: usize) -> usize {
        if self.samples == Self::default().samples { self.samples.max(2 * targets) } else { self.samples }
    }

    /// Refuses a problem whose second derivative does not fit in memory.
    fn check_size(&self, samples: usize, units: usize, classes: usize) -> Result<()> {
        let parameters = classes * (samples.min(units) + 1);
        if self.classifier == Classifier::Svm || classes == 2 || parameters <= MOST_PARAMETERS {
            return Ok(());
        }
        Err(Error::NotApplicable {
            analysis: Self::NAME,
            subject: format!("{classes} classes or conditions with {parameters} weights and intercepts"),
            reason: "a logistic regression fits all of them together, at most 4000",
            hint: "use `classifier = svm`, which separates each class from the rest",
        })
    }
}

impl Analysis for Decoding {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn references(&self) -> &'static [&'static str] {
        match self.classifier {
            Classifier::Logistic => &["king2014", "bishop2006", "pedregosa2011"],
            Classifier::Svm => &["king2014", "cortes1995", "pedregosa2011"],
        }
    }

    fn per_checkpoint(&self) -> bool {
        true
    }

    fn check(&self, params: &ValidParams) -> Result<()> {
        StateVariable::check(self.state, Self::NAME, params)?;
        self.check_fit()?;
        let targets = self.targets(params)?;
        let samples = self.samples_of(targets);
        ranges::samples(Self::NAME, samples, self.folds.max(2 * targets))?;
        self.check_size(samples, params.network.units, targets)?;
        self.timesteps.resolve(Self::NAME, self.extend_to, params).map(drop)
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let timesteps = self.timesteps.resolve(Self::NAME, self.extend_to, subject.params)?;
        let count = self.samples_of(self.targets(subject.params)?);
        let samples = subject.task.trials(Ask::Analysis { count });
        let targets = self.labels(&samples)?;
        let folds = Folds::draw(&targets, self.folds, subject.params.seed)?;
        let mut rows = Observations::default();
        let mut tested_at = Vec::new();
        let mut columns = Columns::default();
        for (checkpoint, network) in subject.checkpoints {
            let responses = Responses::run(network, &samples, &timesteps, self.state)?;
            let states: Vec<Array2<f64>> = timesteps
                .iter()
                .map(|timestep| Ok(responses.at(*timestep)?.mapv(f64::from)))
                .collect::<Result<_>>()?;
            let views: Vec<_> = states.iter().map(|states| states.view()).collect();
            let fitted = self.fitted(&views, &folds)?;
            for (trained, &timestep) in timesteps.iter().enumerate() {
                for (tested, &other) in timesteps.iter().enumerate() {
                    if self.testing == DecodingTest::Across || tested == trained {
                        rows.push_at(*checkpoint, timestep);
                        tested_at.push(other.0);
                        // the input has units of its own
                        let comparable = (timestep == Timestep::INPUT) == (other == Timestep::INPUT);
                        let accuracies =
                            comparable.then(|| folds.accuracies(&fitted, trained, views[tested]));
                        columns.push(accuracies.transpose()?);
                        columns.converged.push(fitted.iter().all(|of_fold| of_fold[trained].converged));
                    }
                }
            }
        }
        let across = self.testing == DecodingTest::Across;
        let tested = across.then(|| ("test_timestep".to_owned(), Values::from(tested_at)));
        rows.into_table(true, tested.into_iter().chain(columns.named()))
    }
}

impl Decoding {
    /// What is predicted of each trial.
    fn labels(&self, samples: &Trials) -> Result<Vec<u32>> {
        match self.target {
            DecodingTarget::Class => Ok(labels(Self::NAME, samples)?.into_owned()),
            DecodingTarget::Condition => Ok(samples.conditions.clone()),
        }
    }

    /// The classifiers of each fold at each timestep.
    fn fitted(&self, states: &[ArrayView2<f64>], folds: &Folds) -> Result<Vec<Vec<LinearClassifier>>> {
        let mut all: Vec<Vec<LinearClassifier>> = Vec::with_capacity(folds.count);
        for fold in 0..folds.count {
            let (rows, labels) = folds.rows(|other| other != fold);
            let mut of_fold = Vec::with_capacity(states.len());
            for (timestep, states) in states.iter().enumerate() {
                let start = all.first().map(|first| &first[timestep]); // most trials are the same
                let states = states.select(Axis(0), &rows);
                of_fold.push(self.classifier.fit(self.c, states.view(), &labels, folds.classes, start)?);
            }
            all.push(of_fold);
        }
        Ok(all)
    }
}

/// The test fold of each trial.
#[derive(Debug, Clone, PartialEq)]
struct Folds {
    /// (trials).
    of: Vec<usize>,
    count: usize,
    /// The class of each trial, from 0.
    labels: Vec<u32>,
    classes: usize,
}

impl Folds {
    /// Draws stratified folds: the trials of each class are shuffled and dealt to the folds in turn, one
    /// class after the other.
    ///
    /// # Errors
    /// [`Error::NotApplicable`] for fewer than two classes, or fewer trials than folds, or a class with a
    /// single trial.
    fn draw(labels: &[u32], count: usize, seed: u64) -> Result<Self> {
        let (labels, classes) = numbered(Decoding::NAME, labels)?;
        let mut stream = Stream::new(seed, FOLDS, 0);
        let mut of = vec![0; labels.len()];
        let mut next = 0;
        for class in 0..classes {
            let mut own: Vec<usize> =
                (0..labels.len()).filter(|&trial| labels[trial] as usize == class).collect();
            stream.shuffle(&mut own);
            for trial in own {
                of[trial] = next % count;
                next += 1;
            }
        }
        Self::given(&labels, &of, count)
    }

    /// Folds that are given, with the checks of [`draw`](Self::draw).
    fn given(labels: &[u32], of: &[usize], count: usize) -> Result<Self> {
        let (labels, classes) = numbered(Decoding::NAME, labels)?;
        let refuse = |subject: String, reason| {
            let hint = "use more trials, or fewer folds";
            Err(Error::NotApplicable { analysis: Decoding::NAME, subject, reason, hint })
        };
        let folds = Self { of: of.to_vec(), count, labels, classes };
        for fold in 0..count {
            if !of.contains(&fold) {
                let subject = format!("{} trials in {count} folds", of.len());
                return refuse(subject, "every fold needs a trial to test on");
            }
            let (_, seen) = folds.rows(|other| other != fold);
            if let Some(class) = (0..classes as u32).find(|class| !seen.contains(class)) {
                let subject = format!("trials of which all of class {class} are in one fold");
                return refuse(subject, "every class needs a trial outside each fold to train on");
            }
        }
        Ok(folds)
    }

    /// The trials in the folds for which this holds, and their classes.
    fn rows(&self, wanted: impl Fn(usize) -> bool) -> (Vec<usize>, Vec<u32>) {
        let trials = (0..self.of.len()).filter(|&trial| wanted(self.of[trial]));
        trials.map(|trial| (trial, self.labels[trial])).unzip()
    }

    /// The accuracy in each fold of classifiers that were trained at one timestep and tested at another.
    fn accuracies(
        &self,
        fitted: &[Vec<LinearClassifier>],
        trained: usize,
        tested: ArrayView2<f64>,
    ) -> Result<Vec<f64>> {
        let of_fold = |(fold, classifiers): (usize, &Vec<LinearClassifier>)| {
            let (rows, labels) = self.rows(|other| other == fold);
            Ok(classifiers[trained].accuracy(tested.select(Axis(0), &rows).view(), &labels)?)
        };
        fitted.iter().enumerate().map(of_fold).collect()
    }
}

/// The columns of the result.
#[derive(Debug, Default)]
struct Columns {
    accuracy: Vec<Option<f64>>,
    sd: Vec<Option<f64>>,
    converged: Vec<bool>,
}

impl Columns {
    /// Adds the accuracies of all folds.
    fn push(&mut self, accuracies: Option<Vec<f64>>) {
        self.accuracy.push(accuracies.as_deref().and_then(mean));
        self.sd.push(accuracies.as_deref().and_then(variance).map(f64::sqrt));
    }

    fn named(self) -> [(String, Values); 3] {
        [
            ("accuracy", Values::from(self.accuracy)),
            ("accuracy_sd", Values::from(self.sd)),
            ("converged", Values::from(self.converged)),
        ]
        .map(|(name, values)| (name.to_owned(), values))
    }
}

/// The accuracies of a cross-validated classifier over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// In each fold, trained at one timestep and tested at another: (folds, timesteps of training, timesteps
    /// of testing).
    pub accuracy: Array3<f64>,
    /// The classifiers, (folds)(timesteps of training). Their classes are numbered in the order of the
    /// labels.
    pub classifiers: Vec<Vec<LinearClassifier>>,
    /// Whether every fit reached its optimum.
    pub converged: bool,
}

impl Decoded {
    /// The mean over folds: (timesteps of training, timesteps of testing). Its diagonal has the accuracies
    /// at the same timestep.
    pub fn across(&self) -> Array2<f64> {
        self.accuracy.mean_axis(Axis(0)).expect("at least two folds")
    }
}

/// How well a cross-validated linear classifier reads the class of a trial from its state, trained at each
/// timestep and tested at every timestep.
///
/// Of `settings`, only `folds`, `classifier` and `c` are used. The folds are drawn from the seed, unless
/// `folds` gives the test fold of each trial, numbered from 0; there are then as many as the largest number
/// plus 1. States are not scaled.
///
/// # Shapes
/// `states`: (timesteps, trials, units); `labels` and `folds`: (trials). Labels are arbitrary whole numbers
/// that identify classes.
///
/// # Errors
/// [`Error::Parameter`]; [`Error::Shape`] unless there is one label, and one fold if they are given, per
/// trial, and at least one unit; [`Error::NotApplicable`] for fewer than two classes, an empty fold, a class
/// whose trials are all in one fold, or more than 4000 parameters of a logistic regression of more than two
/// classes; [`Error::NotFinite`] names the timestep, sample and unit of the first NaN or infinite value.
///
/// # Source
/// See [`Decoding`].
///
/// # Example
/// ```
/// use concertina_analysis::{Decoding, decoding};
/// use ndarray::Array3;
///
/// // the sign of the only unit is the class at the first timestep, and is reversed at the second
/// let states = Array3::from_shape_fn((2, 20, 1), |(timestep, trial, _)| {
///     let sign = if trial % 2 == timestep { -1.0 } else { 1.0 };
///     sign * (1.0 + trial as f64 / 20.0)
/// });
/// let labels: Vec<u32> = (0..20).map(|trial| trial % 2).collect();
/// let found = decoding(&Decoding::default(), states.view(), &labels, None, 0)?;
/// assert_eq!(found.across(), ndarray::arr2(&[[1.0, 0.0], [0.0, 1.0]]));
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn decoding<T: Precision>(
    settings: &Decoding,
    states: ArrayView3<T>,
    labels: &[u32],
    folds: Option<&[usize]>,
    seed: u64,
) -> Result<Decoded> {
    settings.check_fit()?;
    let (timesteps, trials, units) = states.dim();
    if units == 0 {
        let expected =
            format!("(timesteps, trials, units) = ({timesteps}, {trials}, any), with at least one unit");
        return Err(Error::Shape { what: "states", expected, found: vec![timesteps, trials, units] });
    }
    let lengths = [("labels", Some(labels.len())), ("folds", folds.map(<[usize]>::len))];
    for (what, length) in lengths {
        if let Some(found) = length.filter(|length| *length != trials) {
            return Err(Error::Shape {
                what,
                expected: format!("(trials) = ({trials})"),
                found: vec![found],
            });
        }
    }
    for (timestep, states) in states.outer_iter().enumerate() {
        check_finite(states, || format!("states at timestep {timestep}"))?;
    }
    let folds = match folds {
        Some(folds) => {
            let count = folds.iter().max().map_or(0, |last| last.saturating_add(1));
            at_least(Decoding::NAME, "folds", count, 2)?;
            at_most(Decoding::NAME, "folds", count, MOST_FOLDS)?;
            Folds::given(labels, folds, count)?
        }
        None => Folds::draw(labels, settings.folds, seed)?,
    };
    settings.check_size(trials, units, folds.classes)?;
    let states: Vec<Array2<f64>> = states.outer_iter().map(|states| states.mapv(Into::into)).collect();
    let views: Vec<_> = states.iter().map(|states| states.view()).collect();
    let classifiers = settings.fitted(&views, &folds)?;
    let mut accuracy = Array3::zeros((folds.count, timesteps, timesteps));
    for trained in 0..timesteps {
        for (tested, states) in views.iter().enumerate() {
            let found = folds.accuracies(&classifiers, trained, *states)?;
            found.into_iter().enumerate().for_each(|(fold, found)| accuracy[[fold, trained, tested]] = found);
        }
    }
    let converged = classifiers.iter().flatten().all(|classifier| classifier.converged);
    Ok(Decoded { accuracy, classifiers, converged })
}
