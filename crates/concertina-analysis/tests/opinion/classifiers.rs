//! Cluster holdout, with separately written folds and fits.

use concertina_analysis::{Analysis, Classifier, ClusterHoldout, Timesteps};
use concertina_numerics::classify::{LinearClassifier, LinearSvm, LogisticRegression};
use concertina_numerics::random::{Purpose, Stream};
use ndarray::Array2;

use super::algebra::{Matrix, dot};
use super::fit::Fit;
use super::ledger::Ledger;
use super::{Subject, deviation, mean};

const SPLITS: usize = 2;

/// The samples of a fold, as row numbers.
struct Fold {
    training: Vec<usize>,
    testing: Vec<usize>,
}

pub(crate) fn check(subject: &Subject, ledger: &mut Ledger) {
    let case = subject.case;
    let mut dice = case.dice.clone();
    let last = case.params.trial_steps() as i64 - 1;
    let analysis = ClusterHoldout {
        samples: case.samples,
        timesteps: Timesteps::these([-1, last]),
        extend_to: None,
        splits: SPLITS,
        training_share: dice.one_of(&[0.5, 0.8]),
        classifier: dice.one_of(&[Classifier::Logistic, Classifier::Svm]),
        c: dice.one_of(&[1.0, 1.0, 0.01, 100.0]),
        state: None,
    };
    let size = case.params.network.units * case.params.task.classes;
    if analysis.check(&case.params).is_err() || size > 130 {
        return;
    }
    let table = subject.of(&analysis);
    let column = |name| table.floats(name).expect("there");
    let columns =
        ["training_accuracy", "testing_accuracy", "training_accuracy_sd", "testing_accuracy_sd"].map(column);
    let converged = table.booleans("converged").expect("there");
    let folds: Vec<Fold> = (0..SPLITS).map(|number| fold(subject, analysis.training_share, number)).collect();
    let wanted = subject.each_cloud().filter(|(timestep, ..)| [-1, last].contains(timestep));
    for (row, (_, place, cloud)) in wanted.enumerate() {
        let widest = cloud.iter().flatten().fold(0.0, |widest: f64, entry| widest.max(entry.abs()));
        if converged[row] == Some(false) && widest > 1e6 {
            ledger.undecided("holdout, converged"); // the fit reports this
        } else {
            ledger.holds("holdout, converged", &place, converged[row] == Some(true), || {
                format!("{analysis:?}")
            });
        }
        let found = columns.each_ref().map(|column| column[row]);
        compare(subject, &analysis, cloud, &folds, &found, &place, ledger);
    }
}

/// The fold of a split, with clusters drawn as the project draws them and samples assigned by their cluster.
fn fold(subject: &Subject, share: f64, number: usize) -> Fold {
    let task = &subject.case.params.task;
    let mut stream = Stream::new(subject.case.params.seed, Purpose::new("cluster holdout"), number as u64);
    let mut seen = Vec::new();
    for class in 0..task.classes {
        let own: Vec<usize> = (class..task.clusters).step_by(task.classes).collect();
        let rounded = (share * own.len() as f64 + 0.5).floor() as usize;
        let count = rounded.max(1).min(own.len() - 1);
        seen.extend(stream.choose(own.len(), count).into_iter().map(|position| own[position]));
    }
    let is_seen = |sample: &usize| seen.contains(&(subject.samples.clusters[*sample] as usize));
    let (training, testing) = (0..subject.samples.clusters.len()).partition(is_seen);
    Fold { training, testing }
}

fn compare(
    subject: &Subject,
    analysis: &ClusterHoldout,
    cloud: &Matrix,
    folds: &[Fold],
    found: &[Option<f64>; 4],
    place: &str,
    ledger: &mut Ledger,
) {
    let (mut training, mut testing, mut decided) = (Vec::new(), Vec::new(), true);
    for (number, fold) in folds.iter().enumerate() {
        let Some(scorer) = fitted(subject, analysis, cloud, fold) else {
            return ledger.undecided("holdout, accuracies");
        };
        if number == 0 {
            compare_scores(subject, analysis, cloud, fold, &scorer, place, ledger);
        }
        for (rows, into) in [(&fold.training, &mut training), (&fold.testing, &mut testing)] {
            let (least, most) = scorer.correct(subject, cloud, rows);
            decided &= least == most;
            into.push(least as f64 / rows.len() as f64);
        }
    }
    if !decided {
        return ledger.undecided("holdout, accuracies");
    }
    let expected = [mean(&training), mean(&testing), deviation(&training), deviation(&testing)];
    for (found, expected) in found.iter().zip(expected) {
        ledger.compare("holdout, accuracies", place, *found, expected, 1.0, 1e-12);
    }
}

/// For each score, weights that end in the intercept.
struct Scorer(Matrix);

impl Scorer {
    /// Scores minus their mean over classes, which has no effect.
    fn scores(&self, state: &[f64]) -> Vec<f64> {
        let with_one = [state, &[1.0]].concat();
        let scores: Vec<f64> = self.0.iter().map(|weights| dot(weights, &with_one)).collect();
        let common = if scores.len() > 1 { scores.iter().sum::<f64>() / scores.len() as f64 } else { 0.0 };
        scores.iter().map(|score| score - common).collect()
    }

    /// How many of these samples are certainly classified correctly, and how many might be.
    fn correct(&self, subject: &Subject, cloud: &Matrix, samples: &[usize]) -> (usize, usize) {
        let (mut least, mut most) = (0, 0);
        for sample in samples {
            let scores = self.scores(&cloud[*sample]);
            let label = subject.samples.labels[*sample] as usize;
            let (own, others) = match scores[..] {
                [score] if label == 1 => (score, 0.0),
                [score] => (0.0, score),
                _ => {
                    let others = (0..scores.len()).filter(|class| *class != label).map(|class| scores[class]);
                    (scores[label], others.fold(f64::NEG_INFINITY, f64::max))
                }
            };
            let rounding = 1e-7 * (1.0 + own.abs().max(others.abs()));
            least += usize::from(own - others > rounding);
            most += usize::from(own - others >= -rounding);
        }
        (least, most)
    }
}

fn fitted(subject: &Subject, analysis: &ClusterHoldout, cloud: &Matrix, fold: &Fold) -> Option<Scorer> {
    let rows: Matrix = fold.training.iter().map(|sample| [&cloud[*sample][..], &[1.0]].concat()).collect();
    let labels: Vec<u32> = fold.training.iter().map(|sample| subject.samples.labels[*sample]).collect();
    let fit = Fit { rows: &rows, labels: &labels, classes: subject.case.params.task.classes, c: analysis.c };
    Some(Scorer(match analysis.classifier {
        Classifier::Logistic => fit.logistic()?,
        Classifier::Svm => fit.svm()?,
    }))
}

/// Compares with the classifier of the numerics on the same fold: every score, of seen and unseen samples.
fn compare_scores(
    subject: &Subject,
    analysis: &ClusterHoldout,
    cloud: &Matrix,
    fold: &Fold,
    scorer: &Scorer,
    place: &str,
    ledger: &mut Ledger,
) {
    let width = cloud[0].len();
    let x =
        Array2::from_shape_fn((fold.training.len(), width), |(row, unit)| cloud[fold.training[row]][unit]);
    let labels: Vec<u32> = fold.training.iter().map(|sample| subject.samples.labels[*sample]).collect();
    let classes = subject.case.params.task.classes;
    let (kind, found) = match analysis.classifier {
        Classifier::Logistic => (
            "holdout, scores of logistic",
            LogisticRegression { c: analysis.c }.fit(x.view(), &labels, classes),
        ),
        Classifier::Svm => {
            ("holdout, scores of svm", LinearSvm { c: analysis.c }.fit(x.view(), &labels, classes))
        }
    };
    let found = found.expect("a fit");
    let LinearClassifier { coefficients, intercepts, converged, .. } = found;
    let with_intercept =
        |(row, intercept): (ndarray::ArrayView1<f64>, &f64)| [&row.to_vec()[..], &[*intercept]].concat();
    let found = Scorer(coefficients.outer_iter().zip(&intercepts).map(with_intercept).collect());
    if analysis.classifier == Classifier::Svm {
        let rows: Matrix =
            fold.training.iter().map(|sample| [&cloud[*sample][..], &[1.0]].concat()).collect();
        let fit = Fit { rows: &rows, labels: &labels, classes, c: analysis.c };
        let [theirs, own] = [&found.0, &scorer.0].map(|weights| fit.objective_of_svm(weights));
        let lower = theirs <= own * (1.0 + 1e-9) || !converged;
        ledger.holds("holdout, objective of svm", place, lower, || format!("{theirs:e}, own {own:e}"));
        if theirs < own * (1.0 - 1e-12) {
            return ledger.undecided(kind); // the second opinion is the less accurate one
        }
    }
    let pairs: Vec<(f64, f64)> =
        cloud.iter().flat_map(|state| found.scores(state).into_iter().zip(scorer.scores(state))).collect();
    let largest = pairs.iter().fold(1.0, |largest: f64, (_, expected)| largest.max(expected.abs()));
    let (found, expected) = pairs
        .into_iter()
        .max_by(|one, other| (one.0 - one.1).abs().total_cmp(&(other.0 - other.1).abs()))
        .expect("samples");
    // If one direction outweighs all others, rounding leaves fewer digits for the scores along the others.
    let tolerance = if x.iter().any(|entry| entry.abs() > 1e5) { 1e-6 } else { 1e-8 };
    ledger.compare(kind, place, Some(found), Some(expected), largest, tolerance);
}
