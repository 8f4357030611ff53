//! The parts of trials of the clusters.

use concertina_model::task::{Ask, Inputs, Task};
use ndarray::Array2;

/// Samples for an analysis: held stimuli, (samples, input_dim), with their class and cluster.
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) shown: Inputs,
    pub(crate) inputs: Array2<f32>,
    pub(crate) labels: Vec<u32>,
    pub(crate) clusters: Vec<u32>,
}

impl Samples {
    pub(crate) fn of(task: &dyn Task, count: usize) -> Self {
        let trials = task.trials(Ask::Analysis { count });
        let inputs = trials.inputs.stimuli().expect("the clusters' stimuli are held").to_owned();
        let labels = trials.labels().expect("the clusters have classes").into_owned();
        Self { shown: trials.inputs, inputs, labels, clusters: trials.conditions }
    }
}
