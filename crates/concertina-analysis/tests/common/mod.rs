//! Small runs for the tests.
#![allow(dead_code, reason = "every test crate uses its own part")]

pub(crate) mod golden;
mod samples;

use concertina_analysis::Subject;
use concertina_model::Checkpoint;
use concertina_model::network::{Network, Weights};
use concertina_model::params::{NetworkKind, Nonlinearity, Params, ValidParams};
use concertina_model::task::{self, Task};
use concertina_model::trainer::Trainer;

pub(crate) use samples::Samples;

/// A run that is small enough for any test: its parameters, task and networks.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) params: ValidParams,
    pub(crate) task: Box<dyn Task>,
    pub(crate) checkpoints: Vec<(Checkpoint, Network)>,
}

impl Run {
    /// The network before training.
    pub(crate) fn untrained(params: Params) -> Self {
        let params = params.check().expect("valid parameters");
        let task = task::of(&params).expect("the clusters fit");
        let network = Network::initial(&params).expect("finite weights");
        Self { params, task, checkpoints: vec![(Checkpoint::START, network)] }
    }

    /// The network before and after an epoch.
    pub(crate) fn trained(params: Params) -> Self {
        let mut run = Self::untrained(params);
        let mut trainer = Trainer::new(&run.params).expect("the clusters fit");
        trainer.train_epoch(&Default::default(), &mut |_, _| {}).expect("it does not diverge");
        let network = Network::new(&run.params, trainer.weights()).expect("finite weights");
        run.checkpoints.push((trainer.checkpoint(), network));
        run
    }

    /// Samples of its task.
    pub(crate) fn samples(&self, count: usize) -> Samples {
        Samples::of(&*self.task, count)
    }

    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject { params: &self.params, task: &*self.task, checkpoints: &self.checkpoints }
    }

    /// The same run with other weights.
    pub(crate) fn with_weights(self, change: impl FnOnce(&mut Weights)) -> Self {
        let mut weights = self.checkpoints[0].1.weights().clone();
        change(&mut weights);
        let network = Network::new(&self.params, weights).expect("finite weights");
        Self { checkpoints: vec![(Checkpoint::START, network)], ..self }
    }
}

/// Parameters of a small network.
pub(crate) fn small() -> Params {
    let mut params = Params::default();
    params.task.input_dim = 12;
    params.task.clusters = 10;
    params.task.delay = 5;
    params.task.train_samples = 40;
    params.task.val_samples = Some(10);
    params.network.units = 16;
    params.seed = 3;
    params
}

/// A small network of each kind and nonlinearity.
pub(crate) fn each_kind() -> Vec<Params> {
    let mut all = Vec::new();
    let of_phi = [NetworkKind::Vanilla, NetworkKind::Leaky, NetworkKind::Feedforward, NetworkKind::Rate];
    for kind in of_phi {
        for nonlinearity in [
            Nonlinearity::Tanh,
            Nonlinearity::Relu,
            Nonlinearity::Linear,
            Nonlinearity::Softplus,
            Nonlinearity::Sigmoid,
        ] {
            let mut params = small();
            params.network.kind = kind;
            params.network.nonlinearity = nonlinearity;
            all.push(params);
        }
    }
    for kind in [NetworkKind::Gru, NetworkKind::Lstm] {
        let mut params = small();
        params.network.kind = kind;
        all.push(params);
    }
    all
}
