//! Similarity between checkpoints and timesteps: laws, plain implementations, and undefined cases.

mod common;

use concertina_analysis::{
    Analysis, Between, RdmDistance, ReferenceCheckpoint, RepresentationSimilarity, SimilarityMeasure,
    Subject, Timesteps, cka, cka_debiased, procrustes_angle, rdm, rdm_similarity,
};
use concertina_model::Checkpoint;
use concertina_model::network::Network;
use concertina_numerics::linalg::orthogonal_factor;
use concertina_numerics::random::{Purpose, Stream};
use concertina_table::Table;
use concertina_testing::compare::assert_number;
use ndarray::{Array2, ArrayView2, s};

fn normal(samples: usize, units: usize, number: u64) -> Array2<f64> {
    let mut stream = Stream::new(number, Purpose::new("similar clouds"), 0);
    Array2::from_shape_simple_fn((samples, units), || stream.normal())
}

fn column(table: &Table, name: &str) -> Vec<Option<f64>> {
    table.floats(name).expect("a column of numbers")
}

fn small() -> RepresentationSimilarity {
    RepresentationSimilarity { samples: 20, ..RepresentationSimilarity::default() }
}

#[test]
fn a_rotation_leaves_the_shape_and_the_distances_as_they_are() {
    let x = normal(40, 6, 1);
    let rotation = orthogonal_factor(normal(6, 6, 2).view()).expect("a rotation");
    let y = x.dot(&rotation) * -3.0 + 5.0;
    assert_number("cka", cka(x.view(), y.view()).expect("finite").expect("defined"), 1.0, 1e-12);
    let angle = procrustes_angle(x.view(), y.view()).expect("finite").expect("defined");
    assert_number("angle", angle, 0.0, 1e-13); // an arccosine would give 1e-8
    for distance in [RdmDistance::Euclidean, RdmDistance::Sqeuclidean] {
        let found = rdm_similarity(x.view(), y.view(), distance).expect("finite").expect("defined");
        assert_number("pearson", found.pearson, 1.0, 1e-12);
        assert_number("spearman", found.spearman, 1.0, 1e-6);
    }
}

#[test]
fn the_angle_is_symmetric_and_satisfies_the_triangle_inequality() {
    for number in 0..20 {
        let clouds = [0, 1, 2].map(|one| normal(12, 2 + one as usize, 3 * number + one));
        let angle = |a: usize, b: usize| {
            procrustes_angle(clouds[a].view(), clouds[b].view()).expect("finite").expect("defined")
        };
        assert_number("both ways", angle(0, 2), angle(2, 0), 1e-13);
        assert!(angle(0, 2) <= angle(0, 1) + angle(1, 2) + 1e-12);
    }
}

#[test]
fn dissimilarity_matrices_agree_with_plain_loops() {
    let (x, y) = (normal(9, 4, 5), normal(9, 3, 6));
    let plain = |states: &Array2<f64>, distance| -> Vec<f64> {
        let mut all = Vec::new();
        for one in 0..states.nrows() {
            for other in one + 1..states.nrows() {
                let (a, b) = (states.row(one), states.row(other));
                let square: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
                all.push(match distance {
                    RdmDistance::Euclidean => square.sqrt(),
                    RdmDistance::Sqeuclidean => square,
                    RdmDistance::Correlation => 1.0 - pearson(&a.to_vec(), &b.to_vec()),
                });
            }
        }
        all
    };
    let rank = |values: &[f64]| -> Vec<f64> {
        let below = |value: &f64| values.iter().filter(|other| *other < value).count() as f64;
        let equal = |value: &f64| values.iter().filter(|other| *other == value).count() as f64;
        values.iter().map(|value| below(value) + (equal(value) + 1.0) / 2.0).collect()
    };
    for distance in [RdmDistance::Euclidean, RdmDistance::Sqeuclidean, RdmDistance::Correlation] {
        let (of_x, of_y) = (plain(&x, distance), plain(&y, distance));
        let matrix = rdm(x.view(), distance).expect("finite").expect("defined");
        matrix
            .iter()
            .zip(&of_x)
            .for_each(|(found, expected)| assert_number("entry", *found, *expected, 1e-13));
        let found = rdm_similarity(x.view(), y.view(), distance).expect("finite").expect("defined");
        assert_number("pearson", found.pearson, pearson(&of_x, &of_y), 1e-12);
        assert_number("spearman", found.spearman, pearson(&rank(&of_x), &rank(&of_y)), 1e-12);
    }
}

fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (of_a, of_b) = (mean(a), mean(b));
    let product = |x: &[f64], at_x: f64, y: &[f64], at_y: f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - at_x) * (y - at_y)).sum()
    };
    product(a, of_a, b, of_b) / (product(a, of_a, a, of_a) * product(b, of_b, b, of_b)).sqrt()
}

#[test]
fn undefined_similarities_are_none() {
    let (x, point) = (normal(6, 3, 7), Array2::from_elem((6, 2), 0.3));
    assert_eq!(procrustes_angle(x.view(), point.view()).expect("finite"), None);
    let compared =
        |x: ArrayView2<f64>, y: ArrayView2<f64>, distance| rdm_similarity(x, y, distance).expect("finite");
    assert_eq!(compared(x.view(), point.view(), RdmDistance::Euclidean), None);
    // two samples have one distance, a simplex has equal ones, and a single unit has no correlation
    let two = x.slice(s![..2, ..]);
    assert_eq!(compared(two, two, RdmDistance::Euclidean), None);
    assert_eq!(compared(Array2::eye(6).view(), x.view(), RdmDistance::Sqeuclidean), None);
    assert_eq!(compared(x.slice(s![.., ..1]), x.view(), RdmDistance::Correlation), None);
    assert_eq!(rdm(point.view(), RdmDistance::Correlation).expect("finite"), None);
}

/// The run of the other tests with a third network, whose weights lie between those of the others.
fn three_checkpoints() -> common::Run {
    let mut run = common::Run::trained(common::small());
    let mut weights = run.checkpoints[0].1.weights().clone();
    weights.recurrent[0] *= 1.5;
    let network = Network::new(&run.params, weights).expect("finite weights");
    run.checkpoints.push((Checkpoint::new(2, 8), network));
    run
}

#[test]
fn every_checkpoint_is_compared_with_its_reference_by_the_functions_of_arrays() {
    let run = three_checkpoints();
    let samples = run.samples(20);
    let states = |place: usize, step| {
        run.checkpoints[place].1.states_at(&samples.shown, &[step]).expect("ok").remove(0)
    };
    let cases = [
        (ReferenceCheckpoint::First, [Some(0), Some(0), Some(0)]),
        (ReferenceCheckpoint::Last, [Some(2), Some(2), Some(2)]),
        (ReferenceCheckpoint::Previous, [None, Some(0), Some(1)]),
    ];
    for (reference, expected) in cases {
        let analysis = RepresentationSimilarity { reference, timesteps: Timesteps::these([0, 3]), ..small() };
        let table = analysis.run(&run.subject()).expect("it applies");
        let update = table.integers("reference_update").expect("there");
        for (row, (place, step)) in [(0, 0), (0, 3), (1, 0), (1, 3), (2, 0), (2, 3)].into_iter().enumerate() {
            let other: Option<usize> = expected[place];
            assert_eq!(update[row], other.map(|other| run.checkpoints[other].0.update.0 as i64));
            let Some(other) = other else {
                assert_eq!(column(&table, "cka")[row], None);
                continue;
            };
            let (x, y) = (states(place, step), states(other, step));
            let rdm =
                rdm_similarity(x.view(), y.view(), RdmDistance::Euclidean).expect("finite").expect("ok");
            let numbers = [
                ("cka", cka(x.view(), y.view()).expect("finite")),
                ("cka_debiased", cka_debiased(x.view(), y.view()).expect("finite")),
                ("procrustes", procrustes_angle(x.view(), y.view()).expect("finite")),
                ("rdm_pearson", Some(rdm.pearson)),
                ("rdm_spearman", Some(rdm.spearman)),
            ];
            for (name, expected) in numbers {
                let found = column(&table, name)[row].expect("defined");
                assert_number(name, found, expected.expect("defined"), 1e-12);
            }
        }
    }
}

#[test]
fn rows_do_not_depend_on_the_order_of_checkpoints() {
    let mut run = three_checkpoints();
    for reference in [ReferenceCheckpoint::First, ReferenceCheckpoint::Last, ReferenceCheckpoint::Previous] {
        let analysis = RepresentationSimilarity { reference, timesteps: Timesteps::Last, ..small() };
        let forwards = column(&analysis.run(&run.subject()).expect("it applies"), "procrustes");
        run.checkpoints.reverse();
        let mut backwards = column(&analysis.run(&run.subject()).expect("it applies"), "procrustes");
        run.checkpoints.reverse();
        backwards.reverse();
        assert_eq!(forwards, backwards);
    }
}

#[test]
fn the_matrix_of_timesteps_is_symmetric_and_has_the_similarity_of_a_timestep_with_itself() {
    let run = common::Run::untrained(common::small());
    let analysis = RepresentationSimilarity { between: Between::Timestep, ..small() };
    let table = analysis.run(&run.subject()).expect("it applies");
    let (now, then) =
        (table.integers("timestep").expect("there"), table.integers("other_timestep").expect("there"));
    assert_eq!(now.len(), 36, "the input and five timesteps");
    let procrustes = column(&table, "procrustes");
    let alignment = column(&table, "cka");
    for row in 0..now.len() {
        let mirrored = (0..now.len()).find(|&other| now[other] == then[row] && then[other] == now[row]);
        assert_eq!(procrustes[row], procrustes[mirrored.expect("all pairs")]);
        if now[row] == then[row] {
            assert_number("angle", procrustes[row].expect("defined"), 0.0, 1e-13);
            assert_number("cka", alignment[row].expect("defined"), 1.0, 1e-13);
        }
    }
}

#[test]
fn a_measure_has_its_own_columns_only_and_settings_without_effect_are_refused() {
    let run = common::Run::untrained(common::small());
    let nothing = Subject { checkpoints: &[], ..run.subject() };
    for (measure, columns) in [
        (SimilarityMeasure::Cka, &["cka", "cka_debiased"][..]),
        (SimilarityMeasure::Procrustes, &["procrustes"]),
        (SimilarityMeasure::Rdm, &["rdm_pearson", "rdm_spearman"]),
    ] {
        let table = RepresentationSimilarity { measure, ..small() }.run(&nothing).expect("it applies");
        assert_eq!(table.column_names().skip(5).collect::<Vec<_>>(), columns);
    }
    let refused =
        |analysis: RepresentationSimilarity| analysis.check(&run.params).expect_err("refused").to_string();
    let (between, reference) = (Between::Timestep, ReferenceCheckpoint::Last);
    assert_eq!(
        refused(RepresentationSimilarity { between, reference, ..small() }),
        "`representation_similarity.reference`: expected no `reference`, because timesteps are compared with each other, found last"
    );
    let (measure, distance) = (SimilarityMeasure::Cka, RdmDistance::Correlation);
    assert_eq!(
        refused(RepresentationSimilarity { measure, distance, ..small() }),
        "`representation_similarity.distance`: expected no `distance`, because `measure` has no dissimilarity matrix, found correlation"
    );
}
