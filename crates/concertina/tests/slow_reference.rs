//! Figure 2 against tables computed with the published code, panel by panel: `cargo test --release -p concertina --test slow_reference`.
//!
//! Five realisations here and five there, from other random numbers. For every point of every panel the means must agree within the
//! joint sampling error: Welch's t-test, `|a - b| / √(s_a²/n_a + s_b²/n_b)`, with two-sided p-values corrected by Holm's method over all
//! comparisons, so that the whole test gives a false alarm in one of twenty repetitions. The squared error of each mean includes what the
//! measurement itself cannot resolve ([`Quantity::resolution`]): without it two columns of ones, one of them with a single wrong
//! sample, would be infinitely far apart. `--nocapture` shows the counts.

use std::collections::BTreeMap;

use concertina::analyses::lyapunov::Stopping;
use concertina::analyses::{Analysis, ClusterHoldout};
use concertina::prelude::*;
use concertina_testing::reference::{self, Record};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The chance of a false alarm over the whole test.
const FALSE_ALARM_RATE: f64 = 0.05;

/// A point of a panel: quantity, gain, epoch, and timestep or index of the exponent.
type Point = (&'static str, i64, i64, i64);

/// What a panel shows.
#[derive(Clone, Copy)]
struct Quantity {
    name: &'static str,
    /// What the mean over realisations cannot resolve, as a standard deviation.
    resolution: f64,
}

/// An accuracy on 1000 samples is known to a sample.
const ACCURACY: Quantity = Quantity { name: "accuracy", resolution: 1e-3 };
/// A cloud of 500 samples gives a dimension of one to about one part in a hundred.
const DIMENSION: Quantity = Quantity { name: "effective dimension", resolution: 1e-2 };
/// About 400 samples train, and the published fits stop before they have converged: two samples.
const TRAINING: Quantity = Quantity { name: "holdout, training", resolution: 5e-3 };
/// The published test has 11 clusters, the same in every repeat: half a cluster in one of five realisations is 0.01.
const TESTING: Quantity = Quantity { name: "holdout, testing", resolution: 1e-2 };
/// The published rule's two calls on the same networks differ by up to 5e-3 (README of the tables).
const EXPONENT: Quantity = Quantity { name: "Lyapunov exponent", resolution: 5e-3 };

struct Samples {
    resolution: f64,
    ours: Vec<f64>,
    published: Vec<f64>,
}

#[derive(Default)]
struct Comparisons(BTreeMap<Point, Samples>);

impl Comparisons {
    fn samples(&mut self, quantity: Quantity, gain: i64, epoch: i64, place: i64) -> &mut Samples {
        let new = || Samples { resolution: quantity.resolution, ours: Vec::new(), published: Vec::new() };
        self.0.entry((quantity.name, gain, epoch, place)).or_insert_with(new)
    }

    /// Runs an analysis over runs and notes its columns by gain, epoch and `place`.
    fn measure(
        &mut self,
        runs: &Runs,
        analysis: &(impl Analysis + Sync),
        at: &CheckpointSelection,
        place: Option<&str>,
        quantities: &[(&str, Quantity)],
    ) {
        let table = runs.analyse_at(analysis, at).expect("the analysis runs");
        let whole = |column: &str| -> Vec<i64> {
            let values = table.floats(column).expect("the column is there");
            values.iter().map(|value| value.expect("the column has no gaps") as i64).collect()
        };
        let (gains, epochs) = (whole("gain"), whole("epoch"));
        let places = place.map_or_else(|| vec![0; gains.len()], whole);
        for (column, quantity) in quantities {
            for (row, value) in table.floats(column).expect("the column is there").iter().enumerate() {
                self.samples(*quantity, gains[row], epochs[row], places[row]).ours.extend(*value);
            }
        }
    }

    /// Reads published values. The other data loader's rows are the same networks trained on other samples, and are left out.
    fn read(
        &mut self,
        name: &str,
        keep: impl Fn(&Record) -> bool,
        epoch_and_place: impl Fn(&Record) -> (i64, i64),
        quantities: &[(&str, Quantity)],
    ) -> Option<()> {
        for record in reference::table(name)?.iter().filter(|one| one.i64("loader_workers") == 0 && keep(one))
        {
            let (epoch, place) = epoch_and_place(record);
            for (column, quantity) in quantities {
                self.samples(*quantity, record.i64("g_radius"), epoch, place)
                    .published
                    .extend(record.number(column));
            }
        }
        Some(())
    }

    /// Everything there is for figure 2; `None` if the tables are not there.
    fn read_figure_2(&mut self) -> Option<()> {
        let extended = |one: &Record| {
            one.text("call") == "extended" && one.i64("epoch_requested") == one.i64("epoch_loaded")
        };
        let exponent = |one: &Record| (one.i64("epoch_loaded"), one.i64("index") + 1);
        self.read("fig2_lyapunov", extended, exponent, &[("lyapunov_log2", EXPONENT)])?;
        let every = |_: &Record| true;
        self.read("fig2d_accuracy", every, |one| (one.i64("epoch"), 0), &[("accuracy", ACCURACY)])?;
        let over_time = |one: &Record| (one.i64("num_epochs"), one.i64("layer") - 1);
        self.read("fig2_effective_dimension", every, over_time, &[("effective_dimension", DIMENSION)])?;
        self.read(
            "fig2_cluster_holdout",
            every,
            over_time,
            &[("LR_training", TRAINING), ("LR_testing", TESTING)],
        )
    }
}

fn train(study: &Study, train_samples: usize, epochs: u64) -> Runs {
    let mut base = Params::default();
    base.task.train_samples = train_samples;
    base.task.val_samples = Some(100);
    base.train.epochs = epochs;
    let sweep =
        Sweep::of(base).gain([20.0, 250.0]).seeds(0..5).check().expect("the paper's parameters are valid");
    study.train(&sweep).expect("the store can be written")
}

fn mean_and_squared_error(values: &[f64], resolution: f64) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, variance / count + resolution * resolution)
}

/// The two-sided p-value of Welch's test.
fn p_value(samples: &Samples) -> f64 {
    let (a, squared_a) = mean_and_squared_error(&samples.ours, samples.resolution);
    let (b, squared_b) = mean_and_squared_error(&samples.published, samples.resolution);
    let squared = squared_a + squared_b;
    let freedom = |squared: f64, count: usize| squared * squared / (count as f64 - 1.0);
    let freedom = squared * squared
        / (freedom(squared_a, samples.ours.len()) + freedom(squared_b, samples.published.len()));
    let law = StudentsT::new(0.0, 1.0, freedom).expect("there is some freedom");
    2.0 * law.cdf(-(a - b).abs() / squared.sqrt())
}

fn describe(p: f64, (quantity, gain, epoch, place): &Point, samples: &Samples) -> String {
    let (ours, ours_squared) = mean_and_squared_error(&samples.ours, 0.0);
    let (published, published_squared) = mean_and_squared_error(&samples.published, 0.0);
    format!(
        "{quantity}, gain {gain}, epoch {epoch}, at {place}: {ours:.4} ± {:.4} here, {published:.4} ± {:.4} published, p = {p:.1e}",
        ours_squared.sqrt(),
        published_squared.sqrt()
    )
}

#[test]
fn figure_2_agrees_with_the_published_code_within_the_joint_sampling_error() {
    let mut comparisons = Comparisons::default();
    if comparisons.read_figure_2().is_none() {
        return; // not there: it said so
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let study = Study::open(folder.path().join("store")).expect("a new store");
    let (long, short) = (train(&study, 800, 12), train(&study, 400, 10));

    let paper = Lyapunov { exponents: 10, stopping: Stopping::Paper, ..Default::default() };
    let epochs = CheckpointSelection::Epochs(vec![0, 1, 5, 10, 12]);
    comparisons.measure(&long, &paper, &epochs, Some("index"), &[("exponent", EXPONENT)]);
    let accuracy = Accuracy { samples: 1000 };
    comparisons.measure(&short, &accuracy, &CheckpointSelection::All, None, &[("accuracy", ACCURACY)]);
    let dimension = EffectiveDimension { samples: 500, ..Default::default() };
    let columns = [("effective_dimension", DIMENSION)];
    comparisons.measure(&long, &dimension, &CheckpointSelection::Ends, Some("timestep"), &columns);
    let holdout = ClusterHoldout { samples: 500, ..Default::default() };
    let columns = [("training_accuracy", TRAINING), ("testing_accuracy", TESTING)];
    comparisons.measure(&long, &holdout, &CheckpointSelection::Ends, Some("timestep"), &columns);

    let mut tested = Vec::new();
    for (point, samples) in comparisons.0.iter().filter(|(_, samples)| !samples.published.is_empty()) {
        assert!(samples.ours.len() > 1, "{point:?}: no values here where the published code has some");
        tested.push((p_value(samples), point, samples));
    }
    tested.sort_by(|a, b| a.0.total_cmp(&b.0));
    let count = tested.len();
    let uncorrected = tested.iter().filter(|(p, ..)| *p < FALSE_ALARM_RATE).count();
    // Holm: the smallest p against rate / count, the next against rate / (count - 1), until one passes
    let rates = (1..=count).rev().map(|left| FALSE_ALARM_RATE / left as f64);
    let disagree = tested.iter().zip(rates).take_while(|((p, ..), rate)| p < rate).count();
    let lines: Vec<String> =
        tested.iter().take(uncorrected).map(|(p, point, samples)| describe(*p, point, samples)).collect();
    println!(
        "{count} comparisons, {disagree} disagree; {uncorrected} have p < {FALSE_ALARM_RATE} before correction:"
    );
    println!("{}", lines.join("\n"));
    assert!(count > 200, "only {count} comparisons: a table or a column was not read");
    assert!(disagree == 0, "{disagree} of {count} disagree:\n{}", lines[..disagree].join("\n"));
}

#[test]
fn a_planted_difference_is_seen() {
    let published = vec![22.1, 23.4, 21.9, 24.0, 22.6];
    let agreeing =
        Samples { resolution: 1e-2, ours: vec![22.9, 21.8, 23.1, 22.2, 23.6], published: published.clone() };
    let planted = Samples { resolution: 1e-2, ours: vec![32.9, 31.8, 33.1, 32.2, 33.6], published };
    assert!(p_value(&agreeing) > FALSE_ALARM_RATE);
    assert!(p_value(&planted) < FALSE_ALARM_RATE / 300.0);
    let ones = Samples { resolution: 1e-3, ours: vec![1.0; 5], published: vec![1.0, 1.0, 0.999, 1.0, 1.0] };
    assert!(p_value(&ones) > FALSE_ALARM_RATE);
}
