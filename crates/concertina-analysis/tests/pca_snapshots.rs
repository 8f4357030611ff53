//! Snapshots, compared with the principal components that they consist of.

mod common;

use concertina_analysis::{Analysis, PcaSnapshots, Timesteps};
use concertina_model::params::{LossKind, Nonlinearity};
use concertina_numerics::linalg::Pca;
use concertina_table::Table;
use ndarray::{Array2, s};

fn snapshots(timesteps: Timesteps) -> PcaSnapshots {
    PcaSnapshots { samples: 40, drawn: 30, components: 3, timesteps, extend_to: None, state: None }
}

/// The rows of one kind at one timestep, with their first `k` coordinates.
fn coordinates(table: &Table, kind: &str, timestep: i64, k: usize) -> Vec<Vec<Option<f64>>> {
    let (kinds, timesteps) =
        (table.texts("kind").expect("there"), table.integers("timestep").expect("there"));
    let columns: Vec<_> =
        (1..=k).map(|number| table.floats(&format!("pc{number}")).expect("there")).collect();
    (0..table.row_count())
        .filter(|row| kinds[*row].as_deref() == Some(kind) && timesteps[*row] == Some(timestep))
        .map(|row| columns.iter().map(|column| column[row]).collect())
        .collect()
}

#[test]
fn rows_are_the_drawn_samples_the_readouts_the_mean_and_the_share_of_variance() {
    let run = common::Run::untrained(common::small());
    let table = snapshots(Timesteps::these([-1, 2, 8])).run(&run.subject()).expect("valid");
    for (timestep, readouts) in [(-1, 0), (2, 2), (8, 2)] {
        let count = |kind| coordinates(&table, kind, timestep, 3).len();
        assert_eq!(count("sample"), 30);
        assert_eq!(count("readout"), readouts, "outputs have no direction in input space");
        assert_eq!((count("mean"), count("explained_variance_ratio")), (1, 1));
    }
    let samples = run.samples(40);
    let (classes, clusters) =
        (table.integers("class").expect("there"), table.integers("cluster").expect("there"));
    assert_eq!(
        classes[..30],
        samples.labels[..30].iter().map(|label| Some(i64::from(*label))).collect::<Vec<_>>()
    );
    assert_eq!(
        clusters[..30],
        samples.clusters[..30].iter().map(|cluster| Some(i64::from(*cluster))).collect::<Vec<_>>()
    );
    assert_eq!(table.integers("sample").expect("there")[..30], (0..30).map(Some).collect::<Vec<_>>());
}

#[test]
fn coordinates_are_the_scores_of_all_samples_components_and_readouts_in_one_plane() {
    let run = common::Run::untrained(common::small());
    let (timestep, network) = (2, &run.checkpoints[0].1);
    let table = snapshots(Timesteps::these([timestep])).run(&run.subject()).expect("valid");
    let states = network.states(&run.samples(40).shown, 3).expect("shapes agree");
    let states: Array2<f64> = states.slice(s![.., timestep as usize, ..]).mapv(f64::from);
    let pca = Pca::fit(states.view(), 3).expect("finite");
    let scores = pca.project(states.view()).expect("same features");
    let readout = network.weights().readout.mapv(f64::from).t().dot(&pca.components);
    let mean = pca.mean.dot(&pca.components);
    let check = |kind, expected: Vec<Vec<f64>>| {
        for (found, expected) in coordinates(&table, kind, timestep, 3).iter().zip(&expected) {
            for (found, expected) in found.iter().zip(expected) {
                assert!((found.expect("three components") - expected).abs() < 1e-12, "{kind}");
            }
        }
    };
    check("sample", scores.outer_iter().map(|row| row.to_vec()).collect());
    check("readout", readout.outer_iter().map(|row| row.to_vec()).collect());
    check("mean", vec![mean.to_vec()]);
    check("explained_variance_ratio", vec![pca.explained_variance_ratio.to_vec()]);
}

#[test]
fn scores_never_flip_relative_to_the_previous_timestep() {
    let run = common::Run::trained(common::small());
    let table = PcaSnapshots { drawn: 40, ..snapshots(Timesteps::All) }.run(&run.subject()).expect("valid");
    let first = table.filter(|row| table.integers("update").expect("there")[row] == Some(0));
    for timestep in 0..5 {
        for component in 0..3 {
            let scores = |timestep| {
                let rows = coordinates(&first, "sample", timestep, 3);
                rows.into_iter().map(|row| row[component].expect("three components")).collect::<Vec<f64>>()
            };
            let correlation: f64 =
                scores(timestep).iter().zip(scores(timestep - 1)).map(|(a, b)| a * b).sum();
            assert!(correlation >= 0.0, "component {component} at timestep {timestep}: {correlation}");
        }
    }
}

#[test]
fn a_component_that_does_not_exist_is_null() {
    let mut params = common::small();
    params.task.input_dim = 1;
    params.task.clusters = 4;
    params.network.units = 3;
    params.network.input_weights = concertina_model::params::InputWeights::Diagonal;
    let run = common::Run::untrained(params);
    let table = snapshots(Timesteps::these([-1])).run(&run.subject()).expect("valid");
    for row in coordinates(&table, "sample", -1, 3) {
        assert!(row[0].is_some() && row[1].is_none() && row[2].is_none(), "{row:?}");
    }
}

#[test]
fn a_component_of_mere_rounding_is_null() {
    // A linear network spreads one-dimensional inputs along a single direction, except for the rounding of
    // its states.
    let mut params = common::small();
    params.task.input_dim = 1;
    params.task.clusters = 4;
    params.network.nonlinearity = Nonlinearity::Linear;
    let run = common::Run::untrained(params.clone());
    let table = snapshots(Timesteps::All).run(&run.subject()).expect("valid");
    for timestep in 0..5 {
        for kind in ["sample", "readout", "mean", "explained_variance_ratio"] {
            for row in coordinates(&table, kind, timestep, 3) {
                let defined = row.iter().map(Option::is_some).collect::<Vec<_>>();
                assert_eq!(defined, [true, false, false], "{kind} at timestep {timestep}: {row:?}");
            }
        }
    }
    // States that are equal up to rounding have no component at all, just as they have no dimension.
    let run = run.with_weights(|weights| {
        weights.recurrent[0].fill(0.0);
        weights.biases[0].iter_mut().enumerate().for_each(|(unit, bias)| *bias = 0.3 + unit as f32 / 7.0);
        weights.input *= 1e-8;
    });
    let table = snapshots(Timesteps::these([0])).run(&run.subject()).expect("valid");
    for row in coordinates(&table, "sample", 0, 3) {
        assert_eq!(row, [None; 3]);
    }
}

#[test]
fn if_there_are_fewer_samples_than_the_default_all_are_drawn() {
    let run = common::Run::untrained(common::small());
    let table = PcaSnapshots { samples: 20, timesteps: Timesteps::Last, ..PcaSnapshots::default() }
        .run(&run.subject())
        .expect("the default is reduced");
    assert_eq!(coordinates(&table, "sample", 4, 2).len(), 20);
}

#[test]
fn a_network_of_one_unit_has_one_component_by_default_and_the_other_is_null() {
    let mut params = common::small();
    params.task.input_dim = 1;
    params.task.clusters = 4;
    params.network.units = 1;
    let run = common::Run::untrained(params);
    let table = PcaSnapshots { samples: 20, timesteps: Timesteps::Last, ..PcaSnapshots::default() }
        .run(&run.subject())
        .expect("the default is reduced");
    for row in coordinates(&table, "sample", 4, 2) {
        assert!(row[0].is_some() && row[1].is_none(), "{row:?}");
    }
    let refused = PcaSnapshots { components: 3, ..PcaSnapshots::default() }.check(&run.params);
    assert_eq!(
        refused.expect_err("refused").to_string(),
        "`pca_snapshots.components`: expected at most 1, the number of units, found 3"
    );
}

#[test]
fn a_scalar_readout_belongs_to_the_second_class() {
    let mut params = common::small();
    params.train.loss = LossKind::MseScalar;
    let run = common::Run::untrained(params);
    let table = snapshots(Timesteps::Last).run(&run.subject()).expect("valid");
    let kinds = table.texts("kind").expect("there");
    let readouts: Vec<_> =
        (0..table.row_count()).filter(|row| kinds[*row].as_deref() == Some("readout")).collect();
    assert_eq!(readouts.len(), 1);
    assert_eq!(table.integers("class").expect("there")[readouts[0]], Some(1));
}

#[test]
fn parameters_out_of_range_are_refused_and_named() {
    let run = common::Run::untrained(common::small());
    let refused = |analysis: PcaSnapshots| analysis.check(&run.params).expect_err("refused").to_string();
    assert_eq!(
        refused(PcaSnapshots { samples: 20, drawn: 21, ..PcaSnapshots::default() }),
        "`pca_snapshots.drawn`: expected at most 20, the samples, found 21"
    );
    assert_eq!(
        refused(PcaSnapshots { components: 17, ..PcaSnapshots::default() }),
        "`pca_snapshots.components`: expected at most 16, the number of units, found 17"
    );
}
