//! Cluster holdout in cases where its outcome is known.

mod common;

use concertina_analysis::{Analysis, Classifier, ClusterHoldout, Error, Timesteps};
use concertina_model::params::Params;
use concertina_model::task::Clusters;
use concertina_table::Table;

fn holdout() -> ClusterHoldout {
    ClusterHoldout { samples: 100, splits: 3, ..ClusterHoldout::default() }
}

fn column(table: &Table, name: &str) -> Vec<f64> {
    table.floats(name).expect("there").into_iter().map(|value| value.expect("defined")).collect()
}

#[test]
fn separated_classes_are_classified_correctly_in_unseen_clusters() {
    // The only input determines the class, with enough room on both sides of zero for a boundary between any
    // two clusters.
    let mut params = common::small();
    params.task.input_dim = 1;
    params.task.clusters = 4;
    let apart = |run: &common::Run| {
        Clusters::new(&run.params)
            .expect("the clusters fit")
            .centres()
            .iter()
            .zip(0_u32..)
            .all(|(centre, cluster)| centre.abs() > 1.2 && (*centre > 0.0) == (cluster % 2 == 1))
    };
    let run = (0..20_000)
        .map(|seed| common::Run::untrained(Params { seed, ..params.clone() }))
        .find(apart)
        .expect("about one seed in 600");
    for classifier in [Classifier::Logistic, Classifier::Svm] {
        let analysis = ClusterHoldout {
            classifier,
            timesteps: Timesteps::these([-1]),
            training_share: 0.5,
            ..holdout()
        };
        let table = analysis.run(&run.subject()).expect("valid");
        for name in ["training_accuracy", "testing_accuracy"] {
            assert_eq!(column(&table, name), [1.0], "{classifier:?} {name}");
        }
    }
}

#[test]
fn random_labels_are_learnt_and_do_not_generalise() {
    // 60 clusters in 200 dimensions are separable with any labels, and a new cluster may have either label.
    let mut testing = Vec::new();
    for seed in 0..4 {
        let run = common::Run::untrained(Params { seed, ..Params::default() });
        let analysis = ClusterHoldout { timesteps: Timesteps::these([-1]), ..ClusterHoldout::default() };
        let table = analysis.run(&run.subject()).expect("valid");
        assert!(column(&table, "training_accuracy")[0] == 1.0, "seed {seed}");
        assert_eq!(table.booleans("converged").expect("there"), [Some(true)]);
        testing.extend(column(&table, "testing_accuracy"));
    }
    // 4 seeds, 5 splits of 12 clusters from 60: a standard deviation of 0.5 / sqrt(4 * 12) or less.
    let mean = testing.iter().sum::<f64>() / testing.len() as f64;
    assert!((mean - 0.5).abs() < 0.25, "{mean}: {testing:?}");
}

#[test]
fn one_split_has_no_standard_deviation_and_several_have() {
    let run = common::Run::untrained(common::small());
    for (splits, defined) in [(1, false), (3, true)] {
        let analysis = ClusterHoldout { splits, timesteps: Timesteps::Last, ..holdout() };
        let table = analysis.run(&run.subject()).expect("valid");
        for name in ["training_accuracy_sd", "testing_accuracy_sd"] {
            assert_eq!(table.floats(name).expect("there")[0].is_some(), defined, "{name} of {splits}");
        }
        for name in ["training_accuracy", "testing_accuracy"] {
            assert!((0.0..=1.0).contains(&column(&table, name)[0]));
        }
    }
}

#[test]
fn a_class_of_one_cluster_cannot_be_held_out() {
    let mut params = common::small();
    params.task.clusters = 5;
    params.task.classes = 3;
    let run = common::Run::untrained(params);
    let error = holdout().run(&run.subject()).expect_err("refused");
    assert!(matches!(error, Error::NotApplicable { .. }));
    assert_eq!(
        error.to_string(),
        "`cluster_holdout` does not apply to 5 clusters of 3 classes: every class needs one cluster to train on and one to test on"
    );
}

#[test]
fn parameters_out_of_range_are_refused_and_named() {
    let run = common::Run::untrained(common::small());
    let refused = |analysis: ClusterHoldout| analysis.check(&run.params).expect_err("refused").to_string();
    assert_eq!(
        refused(ClusterHoldout { samples: 9, ..holdout() }),
        "`cluster_holdout.samples`: expected at least 10, found 9"
    );
    assert_eq!(
        refused(ClusterHoldout { training_share: 1.0, ..holdout() }),
        "`cluster_holdout.training_share`: expected a share between 0 and 1, found 1"
    );
    assert_eq!(
        refused(ClusterHoldout { c: f64::NAN, ..holdout() }),
        "`cluster_holdout.c`: expected a positive number, found NaN"
    );
}

#[test]
fn with_more_clusters_than_default_samples_each_cluster_has_one_sample() {
    let mut params = common::small();
    params.task.clusters = 600;
    let run = common::Run::untrained(params);
    let analysis =
        ClusterHoldout { splits: 1, timesteps: Timesteps::these([-1]), ..ClusterHoldout::default() };
    let table = analysis.run(&run.subject()).expect("500 samples are the default");
    assert_eq!(table.row_count(), 1);
    let refused = ClusterHoldout { samples: 501, ..analysis }.run(&run.subject()).expect_err("refused");
    assert_eq!(refused.to_string(), "`cluster_holdout.samples`: expected at least 600, found 501");
}
