//! The analysis that `docs/guides/which-analysis.md` adds compiles and measures what it says.

#[allow(unreachable_pub, reason = "the guide shows the file as it stands in the crate")]
mod radius;

use concertina_model::Checkpoint;
use concertina_model::network::Network;
use concertina_model::params::Params;
use concertina_model::task::{self, Ask};
use ndarray::Axis;

use crate::{Analysis, Subject};
use radius::Radius;

#[test]
fn the_guide_shows_the_file_that_is_tested_here() {
    let guide = include_str!("../../../../docs/guides/which-analysis.md");
    assert!(guide.contains(include_str!("radius.rs")), "tests/guide/radius.rs differs from the guide");
}

#[test]
fn the_radius_of_the_guide_is_the_mean_distance_from_the_mean() {
    let mut params = Params::default();
    (params.network.units, params.task.input_dim) = (20, 4);
    let params = params.check().expect("valid");
    let task = task::of(&params).expect("the clusters fit");
    let network = Network::initial(&params).expect("finite weights");
    let checkpoints = [(Checkpoint::START, network.clone())];
    let subject = Subject { params: &params, task: &*task, checkpoints: &checkpoints };
    let radius = Radius { samples: 50, ..Radius::default() };
    let table = radius.run(&subject).expect("it applies");
    let found = table.floats("radius").expect("a column of numbers");

    let trials = task.trials(Ask::Analysis { count: 50 });
    let states = network.states(&trials.inputs, params.trial_steps()).expect("shapes agree");
    let last = states.index_axis(Axis(1), params.trial_steps() - 1).mapv(f64::from);
    let mean = last.mean_axis(Axis(0)).expect("samples");
    let lengths = last.outer_iter().map(|state| (&state - &mean).mapv(|x| x * x).sum().sqrt());
    let expected = lengths.sum::<f64>() / 50.0;
    assert!((found.last().copied().flatten().expect("defined") - expected).abs() < 1e-12 * expected);
}
