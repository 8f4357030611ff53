//! Loss, optimizer, learning rate and realisations.

use concertina_model::params::{LossKind, OptimizerKind, SchedulerKind, ValidParams};

use super::text::{Block, distinct, equation, prose, values};

/// How runs were trained.
pub(super) fn describe(runs: &[&ValidParams]) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (loss, real) in distinct(runs, |params| (params.train.loss, params.shape().classes().is_none())) {
        blocks.extend(self::loss(loss, real));
    }
    let batch = values(runs, |params| params.train.batch);
    let epochs = values(runs, |params| params.train.epochs);
    blocks.push(prose(format!(
        "Gradients were exact, by backpropagation through time, in single precision. Networks were trained for {epochs} epochs in batches of {batch} trials."
    )));
    for kind in distinct(runs, |params| params.train.optimizer) {
        let of: Vec<&ValidParams> =
            runs.iter().copied().filter(|params| params.train.optimizer == kind).collect();
        blocks.extend(optimizer(kind, &of));
    }
    if runs.iter().any(|params| params.train.weight_decay > 0.0) {
        let decay = values(runs, |params| params.train.weight_decay);
        blocks.push(prose(format!(r"Weight decay was coupled: $g \leftarrow g + \lambda \theta$ with $\lambda = {decay}$, before the update.")));
    }
    let noisy: Vec<&ValidParams> =
        runs.iter().copied().filter(|params| params.train.gradient_noise > 0.0).collect();
    if !noisy.is_empty() {
        let scale = if noisy.iter().any(|params| params.train.gradient_noise_scaled) {
            ", rescaled to the norm of the gradient"
        } else {
            ""
        };
        blocks.push(prose(format!(
            r"Normal noise of standard deviation {} was added to the gradient of {} weights{scale}.",
            values(&noisy, |params| params.train.gradient_noise),
            values(&noisy, |params| params.train.gradient_noise_on),
        )));
    }
    for kind in distinct(runs, |params| params.train.scheduler) {
        let of: Vec<&ValidParams> =
            runs.iter().copied().filter(|params| params.train.scheduler == kind).collect();
        blocks.push(schedule(kind, &of));
    }
    if runs.iter().any(|params| params.train.stop_after.is_some()) {
        let after = values(runs, |params| {
            params.train.stop_after.map_or("no limit".to_owned(), |after| after.to_string())
        });
        blocks
            .push(prose(format!("Training stopped after {after} epochs without a better validation loss.")));
    }
    let seeds: Vec<u64> = distinct(runs, |params| params.seed);
    blocks.push(prose(format!(
        "Runs had {} ({}). All random numbers came from ChaCha8 streams keyed by the seed and the purpose, so that networks of one seed that differ in other parameters saw the same trials and started from the same random numbers. Training that became infinite or NaN was stopped, and such runs were left out of all averages and tests.",
        super::text::counted(seeds.len(), "realisation", "realisations"),
        if seeds.len() == 1 { format!("seed {}", seeds[0]) } else { format!("seeds {}", super::text::ranges(seeds)) },
    )));
    blocks
}

fn loss(kind: LossKind, real: bool) -> Vec<Block> {
    let (text, tex) = match (kind, real) {
        (LossKind::Zero, _) => ("The loss was zero, as a control without learning:", r"\mathcal L = 0"),
        (_, true) => (
            "The loss was the mean squared error over trials, outputs and the timesteps that count:",
            r"\mathcal L = \left\langle (y - y^{\ast})^2 \right\rangle",
        ),
        (LossKind::CrossEntropy, _) => (
            "The loss was the cross-entropy of the class $k$ of the trial, averaged over trials and the timesteps that count:",
            r"\mathcal L = -\left\langle \log \frac{e^{y_k}}{\sum_j e^{y_j}} \right\rangle",
        ),
        (LossKind::Mse, _) => (
            "The loss was the mean squared distance from 0.7 for the output of the class $k$ of the trial, and from 0 for the others:",
            r"\mathcal L = \left\langle (y_j - 0.7 \, \delta_{jk})^2 \right\rangle",
        ),
        (LossKind::MseScalar, _) => (
            "There was one output, and the loss was its squared distance from 0.7 for class 1 and from -0.7 for class 0:",
            r"\mathcal L = \left\langle (y \mp 0.7)^2 \right\rangle",
        ),
    };
    vec![prose(text), equation(tex)]
}

fn optimizer(kind: OptimizerKind, runs: &[&ValidParams]) -> Vec<Block> {
    let rate = values(runs, |params| params.train.learning_rate);
    let momentum = values(runs, |params| params.train.momentum);
    let (text, tex) = match kind {
        OptimizerKind::Sgd => (
            format!(
                r"The optimizer was stochastic gradient descent with momentum $\mu = {momentum}$ and an initial learning rate of {rate}:"
            ),
            r"v \leftarrow \mu v + g, \qquad \theta \leftarrow \theta - \eta v",
        ),
        OptimizerKind::Rmsprop => (
            format!(
                r"The optimizer was RMSprop [@tieleman2012] with momentum $\mu = {momentum}$ and an initial learning rate of {rate}:"
            ),
            r"s \leftarrow 0.9 s + 0.1 g^2, \qquad m \leftarrow \mu m + \frac{g}{\sqrt{s} + 10^{-8}}, \qquad \theta \leftarrow \theta - \eta m",
        ),
        OptimizerKind::Adam => (
            format!(
                "The optimizer was Adam [@kingma2015] with an initial learning rate of {rate}. At update $k$:"
            ),
            r"\begin{aligned}
m &\leftarrow 0.9 m + 0.1 g, & s &\leftarrow 0.999 s + 0.001 g^2 \\
\hat m &= \frac{m}{1 - 0.9^k}, & \hat s &= \frac{s}{1 - 0.999^k}, \qquad \theta \leftarrow \theta - \eta \frac{\hat m}{\sqrt{\hat s} + 10^{-8}}
\end{aligned}",
        ),
        OptimizerKind::SgdRmsprop => (
            format!(
                r"The optimizer was a mixture of RMSprop [@tieleman2012], with share $\rho = {}$ and momentum $\mu = {momentum}$, and plain gradient descent, with an initial learning rate of {rate}:",
                values(runs, |params| params.train.mix)
            ),
            r"s \leftarrow 0.9 s + 0.1 g^2, \qquad m \leftarrow \mu m + \frac{g}{\sqrt{s} + 10^{-8}}, \qquad \theta \leftarrow \theta - \rho \eta m - (1 - \rho) \eta g",
        ),
    };
    vec![prose(text), equation(tex)]
}

fn schedule(kind: SchedulerKind, runs: &[&ValidParams]) -> Block {
    let patience = values(runs, |params| params.train.scheduler_patience);
    let factor = values(runs, |params| params.train.scheduler_factor);
    prose(match kind {
        SchedulerKind::None => "The learning rate was constant.".to_owned(),
        SchedulerKind::Plateau => format!(
            "The learning rate was multiplied by {factor} after more than {patience} epochs in which the validation loss did not fall below its best value by more than $10^{{-7}}$."
        ),
        SchedulerKind::Step => {
            format!("The learning rate was multiplied by {factor} every {patience} epochs.")
        }
        SchedulerKind::Multistep => format!(
            "The learning rate was multiplied by {factor} after epochs {}.",
            values(runs, |params| format!("{:?}", params.train.milestones))
        ),
        SchedulerKind::Cyclic => format!(
            "The learning rate followed triangles between {factor} of its highest value and this value, {patience} epochs up and {patience} epochs down."
        ),
        SchedulerKind::CyclicHalving => format!(
            "The learning rate followed triangles from {factor} of its highest value, {patience} epochs up and {patience} epochs down, each half as high as the one before."
        ),
        SchedulerKind::Onecycle => format!(
            "The learning rate followed one cycle of half cosines: up from 1/25 of its highest value within {patience} epochs, then down to $1/250{{,}}000$ of it at the end of {} epochs.",
            values(runs, |params| params.train.cycle_epochs.unwrap_or(params.train.epochs))
        ),
    })
}
