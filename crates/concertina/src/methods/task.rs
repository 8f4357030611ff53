//! The task, in sentences and equations.

use concertina_model::params::{TaskKind, ValidParams};

use super::text::{Block, distinct, equation, prose, values};

/// The tasks of runs, one kind after the other.
pub(super) fn describe(runs: &[&ValidParams]) -> Vec<Block> {
    let mut blocks = Vec::new();
    for kind in distinct(runs, |params| params.task.kind) {
        let of: Vec<&ValidParams> = runs.iter().copied().filter(|params| params.task.kind == kind).collect();
        blocks.extend(one(kind, &of));
        let samples = values(&of, |params| params.train_samples());
        let validation = values(&of, |params| params.val_samples());
        let fresh = match (of.iter().any(|params| params.task.frozen), kind) {
            (_, TaskKind::Trials) => "The same trials were shown in every epoch, in random order",
            (true, _) => "Every epoch had the same trials",
            (false, _) => "Every epoch had fresh trials",
        };
        blocks.push(prose(format!("{fresh}: {samples} for training, and {validation} for validation.")));
    }
    blocks
}

fn one(kind: TaskKind, runs: &[&ValidParams]) -> Vec<Block> {
    let of = |value: &dyn Fn(&ValidParams) -> String| values(runs, value);
    match kind {
        TaskKind::Clusters => vec![
            prose(format!(
                "The task was delayed classification of Gaussian clusters [@farrell2022]. The centres of {} clusters were drawn one after the other, uniformly in the hypercube $[-2, 2]^d$ with $d = {}$, and redrawn until the distance from every earlier centre was at least",
                of(&|params| params.task.clusters.to_string()),
                of(&|params| params.task.input_dim.to_string()),
            )),
            equation(r"\sigma_c \left( 0.59943537 \, (d - 1)^{0.57832581} + 4.891638480163717 \right)"),
            prose(format!(
                r"Cluster $i$ belonged to class $i \bmod {}$. A sample was the centre of a random cluster plus normal noise of standard deviation $\sigma_c = {}$ in each coordinate. A trial had {} timesteps. The sample was shown in the first{} of them, with zero input afterwards, and the loss counted in the last{}.",
                of(&|params| params.task.classes.to_string()),
                of(&|params| params.task.cluster_std.to_string()),
                of(&|params| params.trial_steps().to_string()),
                several(of(&|params| params.task.hold.to_string())),
                several(of(&|params| params.task.evaluate.to_string())),
            )),
        ],
        TaskKind::FlipFlop => vec![
            prose(format!(
                "The task was a {}-bit flip-flop [@sussillo2013]. At each of {} timesteps, each input line had a pulse with probability {}, -1 or 1 with equal probability, and was 0 otherwise. The target of each line was its most recent pulse, and 0 before the first:",
                of(&|params| params.task.bits.to_string()),
                of(&|params| params.task.timesteps.to_string()),
                of(&|params| params.task.pulse.to_string()),
            )),
            equation(
                r"y^{\ast}_{t,i} = \begin{cases} x_{t,i} & \text{if } x_{t,i} \ne 0 \\ y^{\ast}_{t-1,i} & \text{otherwise} \end{cases}, \qquad y^{\ast}_{-1,i} = 0",
            ),
        ],
        TaskKind::Integration | TaskKind::Context => {
            let lines = match kind {
                TaskKind::Context => {
                    "The task was context-dependent integration [@mante2013]: each of two input lines had evidence of its own coherence, and two further lines, one of which was 1 throughout the trial, named the line that counted. The class was the sign of the coherence of that line."
                }
                _ => {
                    "The task was integration of noisy evidence [@roitman2002]: the class was the sign of the coherence $c$ of the trial."
                }
            };
            vec![
                prose(format!(
                    "{lines} Evidence was shown for {} timesteps, followed by a delay of {} timesteps and a response of {} timesteps, in which the loss counted:",
                    of(&|params| params.task.stimulus.to_string()),
                    of(&|params| params.task.delay.to_string()),
                    of(&|params| params.task.response.to_string()),
                )),
                equation(r"x_t = c + \sigma \xi_t, \qquad \xi_t \sim \mathcal{N}(0, 1)"),
                prose(format!(
                    r"with $\sigma = {}$ and coherences drawn uniformly from {}.",
                    of(&|params| params.task.noise.to_string()),
                    of(&|params| format!("{:?}", params.task.coherences)),
                )),
            ]
        }
        TaskKind::Match => vec![
            prose(format!(
                "The task was delayed match to sample. Each of {} items had an input line, which was 1 while the item was shown. A first item was shown for {} timesteps and, after {} timesteps without input, a second for {} timesteps, in which the loss counted. With probability 1/2 the second was the same. The class was",
                of(&|params| params.task.stimuli.to_string()),
                of(&|params| params.task.sample.to_string()),
                of(&|params| params.task.delay.to_string()),
                of(&|params| params.task.test.to_string()),
            )),
            equation(
                r"k = \begin{cases} 1 & \text{if both items are the same} \\ 0 & \text{otherwise} \end{cases}",
            ),
        ],
        TaskKind::Sine => vec![
            prose(format!(
                "The task was to produce a sine wave of a cued frequency [@sussillo2013], for {} timesteps. With $m = {}$ frequencies, input and target of frequency $j$ were",
                of(&|params| params.task.timesteps.to_string()),
                of(&|params| params.task.frequencies.to_string()),
            )),
            equation(
                r"\omega_j = 0.1 + 0.5 \, \frac{j}{m - 1}, \qquad x_t = \frac{j + 1}{m} + 0.25, \qquad y^{\ast}_t = \sin(\omega_j t)",
            ),
        ],
        TaskKind::Trials => vec![prose(format!(
            "Trials came from a file ({}), with {} inputs and {} timesteps.",
            of(&|params| params.task.file.as_ref().map_or("none".to_owned(), |file| format!("`{file}`"))),
            of(&|params| params.inputs().to_string()),
            of(&|params| params.trial_steps().to_string()),
        ))],
    }
}

/// A number after "the first" or "the last", which needs none if it is one.
fn several(count: String) -> String {
    if count == "1" { String::new() } else { format!(" {count}") }
}
