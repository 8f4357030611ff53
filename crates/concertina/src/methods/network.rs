//! The network: its equations, its connectivity, its initial weights.

use concertina_model::params::{
    InitialState, InitialWeights, InputWeights, NetworkKind, Nonlinearity, ValidParams,
};

use super::text::{Block, equation, prose, values};

/// The networks of runs, one kind after the other.
pub(super) fn describe(runs: &[&ValidParams]) -> Vec<Block> {
    let mut blocks = Vec::new();
    for kind in super::text::distinct(runs, |params| params.network.kind) {
        let of: Vec<&ValidParams> =
            runs.iter().copied().filter(|params| params.network.kind == kind).collect();
        blocks.extend(dynamics(kind, &of));
    }
    blocks.extend(noise(runs));
    blocks
}

/// The state before the first timestep, in words.
fn start(kind: NetworkKind, runs: &[&ValidParams]) -> String {
    let state = match kind {
        NetworkKind::Rate => "v_0",
        NetworkKind::Lstm => "(h_0, c_0)",
        _ => "h_0",
    };
    let from = |params: &ValidParams| match params.network.initial_state {
        InitialState::Zero => format!("${state} = 0$"),
        InitialState::Trained => format!("a trained ${state}$"),
    };
    let noise = |params: &ValidParams| match params.network.initial_noise {
        0.0 => String::new(),
        size => {
            format!(" with normal noise of standard deviation {size} in every unit, drawn for each trial")
        }
    };
    super::text::distinct(runs, |params| from(params) + &noise(params)).join(" or from ")
}

fn dynamics(kind: NetworkKind, runs: &[&ValidParams]) -> Vec<Block> {
    let units = values(runs, |params| params.network.units);
    let dt = values(runs, |params| params.network.dt);
    let start = start(kind, runs);
    let (text, tex) = match kind {
        NetworkKind::Vanilla => (
            format!(
                "Networks were discrete-time recurrent networks of {units} units. The state $h_t$, a row vector, started from {start} and followed"
            ),
            r"h_t = \varphi(h_{t-1} W + x_t U + b), \qquad y_t = h_t R + c",
        ),
        NetworkKind::Leaky => {
            let leak = runs.iter().all(|params| params.network.leak);
            let without = if leak {
                ""
            } else {
                " In networks with `network.leak = false`, the term $-h_{t-1}$ was left out."
            };
            (
                format!(
                    "Networks were leaky rate networks [@sompolinsky1988] of {units} units, integrated by the forward Euler method with a step of $\\Delta t = {dt}$ time constants and started from {start}; the state itself was read out.{without} They followed"
                ),
                r"h_t = h_{t-1} + \Delta t \left( -h_{t-1} + \varphi(h_{t-1}) W + x_t U + b \right), \qquad y_t = h_t R + c",
            )
        }
        NetworkKind::Rate => (
            format!(
                "Networks had {units} leaky firing rates, integrated by the forward Euler method with a step of $\\Delta t = {dt}$ time constants and started from {start}; the rates were read out:"
            ),
            r"v_t = v_{t-1} + \Delta t \left( -v_{t-1} + r_{t-1} W + x_t U + b \right), \qquad r_t = \varphi(v_t), \qquad y_t = r_t R + c",
        ),
        NetworkKind::Feedforward => (
            format!(
                "Networks were feedforward networks with as many layers as a trial has timesteps, each of {units} units with weights of its own, which all started from the same matrix:"
            ),
            r"h_1 = \varphi(x U + b_1), \qquad h_l = \varphi(h_{l-1} W_l + b_l), \qquad y = h_T R + c",
        ),
        NetworkKind::Gru => (
            format!(
                "Networks were gated recurrent units [@cho2014] of {units} units, started from {start}, with the reset gate applied after the recurrent product, as in PyTorch:"
            ),
            r"\begin{aligned}
r_t &= \sigma(x_t U_r + b_r + h_{t-1} W_r + b^{\prime}_r) \\
z_t &= \sigma(x_t U_z + b_z + h_{t-1} W_z + b^{\prime}_z) \\
n_t &= \tanh(x_t U_n + b_n + r_t \odot (h_{t-1} W_n + b^{\prime}_n)) \\
h_t &= (1 - z_t) \odot n_t + z_t \odot h_{t-1}, \qquad y_t = h_t R + c
\end{aligned}",
        ),
        NetworkKind::Lstm => (
            format!(
                "Networks were long short-term memories [@hochreiter1997] of {units} units, started from {start}, in the form of PyTorch:"
            ),
            r"\begin{aligned}
i_t &= \sigma(x_t U_i + b_i + h_{t-1} W_i + b^{\prime}_i), & f_t &= \sigma(x_t U_f + b_f + h_{t-1} W_f + b^{\prime}_f) \\
g_t &= \tanh(x_t U_g + b_g + h_{t-1} W_g + b^{\prime}_g), & o_t &= \sigma(x_t U_o + b_o + h_{t-1} W_o + b^{\prime}_o) \\
c_t &= f_t \odot c_{t-1} + i_t \odot g_t, & h_t &= o_t \odot \tanh(c_t), \qquad y_t = h_t R + c
\end{aligned}",
        ),
    };
    let mut blocks = vec![prose(text), equation(tex)];
    let shapes = "with input $x_t$, output $y_t$, input weights $U$, recurrent weights $W$, readout weights $R$ and biases";
    let shapes = match kind.is_gated() {
        true => format!("{shapes}, the logistic function $\\sigma$, and products $\\odot$ entry by entry."),
        false => format!(
            "{shapes}. The transfer function was {}.",
            super::text::distinct(runs, |params| params.network.nonlinearity)
                .into_iter()
                .map(transfer)
                .collect::<Vec<_>>()
                .join(" or ")
        ),
    };
    blocks.push(prose(shapes));
    blocks.extend(recurrent(kind, runs));
    blocks.extend(input_and_readout(kind, runs));
    blocks.push(trained(runs));
    blocks
}

fn transfer(nonlinearity: Nonlinearity) -> &'static str {
    match nonlinearity {
        Nonlinearity::Tanh => r"$\varphi(a) = \tanh(a)$",
        Nonlinearity::Relu => r"$\varphi(a) = \max(a, 0)$",
        Nonlinearity::Linear => r"$\varphi(a) = a$",
        Nonlinearity::Softplus => r"$\varphi(a) = \ln(1 + e^a)$",
        Nonlinearity::Sigmoid => r"$\varphi(a) = 1 / (1 + e^{-a})$",
    }
}

/// The recurrent weights before training, and what restricts them.
fn recurrent(kind: NetworkKind, runs: &[&ValidParams]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let with = |keep: &dyn Fn(&ValidParams) -> bool| -> Vec<&ValidParams> {
        runs.iter().copied().filter(|params| keep(params)).collect()
    };
    if runs.iter().any(|params| params.network.weights.is_some()) {
        blocks.push(prose("The weights were imported, and not trained here."));
    }
    for (ranked, which) in [(false, "$W$, $U$, $R$ and the biases"), (true, "$U$, $R$ and the biases")] {
        let pytorch = with(&|params| {
            params.network.init == InitialWeights::Pytorch && params.network.rank.is_some() == ranked
        });
        if !pytorch.is_empty() {
            blocks.push(prose(format!(
                r"Before training, all entries of {which} were independent and uniform in $[-1/\sqrt{{N}}, 1/\sqrt{{N}}]$ for $N$ units, as in PyTorch."
            )));
        }
    }
    let standard = with(&|params| {
        let network = &params.network;
        network.init == InitialWeights::Standard
            && network.weights.is_none()
            && network.excitatory.is_none()
            && (network.rank.is_none() || network.random_part)
    });
    if !standard.is_empty() {
        let gain = values(&standard, |params| params.gain());
        let draw = format!(
            r"Before training, the random part $J^{{\ast}}$ of the recurrent weights was a matrix $J$ of independent standard normal entries, divided by its spectral radius and multiplied by a gain of {gain}, so that its spectral radius was exactly the gain:"
        );
        let tex = match kind {
            NetworkKind::Vanilla | NetworkKind::Feedforward => {
                r"W = (1 - \Delta t) I + \Delta t J^{\ast}, \qquad J^{\ast} = \mathrm{gain} \cdot J / \lvert \lambda_{\max}(J) \rvert"
            }
            NetworkKind::Leaky => {
                r"W = f J^{\ast} + (1 - f) \, \mathrm{gain} \, Q, \qquad J^{\ast} = \mathrm{gain} \cdot J / \lvert \lambda_{\max}(J) \rvert"
            }
            NetworkKind::Rate | NetworkKind::Gru | NetworkKind::Lstm => {
                r"W = J^{\ast} = \mathrm{gain} \cdot J / \lvert \lambda_{\max}(J) \rvert"
            }
        };
        blocks.extend([prose(draw), equation(tex)]);
        blocks.extend(match kind {
            NetworkKind::Vanilla | NetworkKind::Feedforward => Some(prose(format!(r"with $\Delta t = {}$.", values(&standard, |params| params.network.dt)))),
            NetworkKind::Leaky => Some(prose(format!("with a random orthogonal matrix $Q$ and $f = {}$.", values(&standard, |params| params.network.random_fraction)))),
            NetworkKind::Rate => None,
            NetworkKind::Gru | NetworkKind::Lstm => Some(prose(format!(
                "The blocks of the gates were drawn in the same way, and scaled to a spectral radius of {}. The bias of the gate that keeps the state ({}) started at {}, and all other biases at zero.",
                values(&standard, |params| params.network.gate_gain),
                if kind == NetworkKind::Gru { "the update gate" } else { "the forget gate" },
                values(&standard, |params| params.gate_bias()),
            ))),
        });
    }
    let ranked = with(&|params| params.network.rank.is_some());
    if !ranked.is_empty() {
        let rank = values(&ranked, |params| params.network.rank.unwrap_or(0));
        let part = if ranked.iter().any(|params| params.network.random_part) {
            r"$W_0$, the random recurrent weights above, stayed as they were [@schuessler2020]"
        } else {
            r"$W_0$ was zero"
        };
        let gates = if kind.is_gated() { ", separately in each gate's block" } else { "" };
        blocks.extend([
            prose(format!("The trained part of the recurrent weights had rank {rank}{gates} [@mastrogiuseppe2018]:")),
            equation(r"W = W_0 + \frac{1}{N} M L^{\mathsf T}"),
            prose(format!("The entries of $M$ and $L$, (units, rank), were standard normal before training and were trained; {part}.")),
        ]);
    }
    let dale = with(&|params| params.network.excitatory.is_some());
    if !dale.is_empty() {
        let excitatory = values(&dale, |params| params.excitatory_units().unwrap_or(0));
        let readout = if dale.iter().any(|params| params.network.excitatory_readout) {
            " Only excitatory units were read out."
        } else {
            ""
        };
        blocks.extend([
            prose(format!("The recurrent weights obeyed Dale's law [@song2016]: the first {excitatory} units were excitatory, $D_i = 1$, and the others inhibitory, $D_i = -1$, without connections from a unit to itself:")),
            equation(r"W_{ij} = D_i \, \lvert V_{ij} \rvert \quad (i \ne j), \qquad W_{ii} = 0"),
            prose(format!(r"$V$ was trained. Before training, its entries were normal with variance $1/N$, inhibitory weights of each column were scaled such that excitation and inhibition of each unit balanced, and all weights were scaled to a spectral radius of {}.{readout}", values(&dale, |params| params.gain()))),
        ]);
    }
    let sparse = with(&|params| params.network.density < 1.0);
    if !sparse.is_empty() {
        let density = values(&sparse, |params| params.network.density);
        blocks.push(prose(format!("Each recurrent connection existed with probability {density}, drawn once before the weights were scaled; connections were neither added nor removed.")));
    }
    blocks
}

fn input_and_readout(kind: NetworkKind, runs: &[&ValidParams]) -> Option<Block> {
    let drawn: Vec<&ValidParams> = runs
        .iter()
        .copied()
        .filter(|params| params.network.init == InitialWeights::Standard && params.network.weights.is_none())
        .collect();
    if drawn.is_empty() {
        return None;
    }
    let scale = values(&drawn, |params| params.network.input_scale);
    let inputs: Vec<&str> = super::text::distinct(&drawn, |params| params.network.input_weights)
        .into_iter()
        .map(|input| match input {
            InputWeights::Orthogonal => r"$U = s O / (\sqrt{d} \, m)$ for $d$ inputs, with a random matrix $O$ of orthonormal rows (columns, if there were more inputs than units) and the mean $m$ of its absolute entries",
            InputWeights::Diagonal => "$U = s I$, so that unit $i$ received only input $i$",
        })
        .collect();
    let which = if kind.is_gated() {
        "The input weights of the gates were normal with variance $1/d$; those of the candidate were"
    } else {
        "The input weights were"
    };
    let biases = if kind.is_gated() { "" } else { " All biases started at zero." };
    let readout = values(&drawn, |params| params.network.readout_scale);
    Some(prose(format!(
        r"{which} {}, with $s = {scale}$. Readout weights were independent and normal with standard deviation $0.3 s_R / \sqrt{{N}}$, with $s_R = {readout}$.{biases}",
        inputs.join("; or ")
    )))
}

/// Which weights were trained.
fn trained(runs: &[&ValidParams]) -> Block {
    let some = |which: &dyn Fn(&ValidParams) -> bool| match (
        runs.iter().all(|params| which(params)),
        runs.iter().any(|params| which(params)),
    ) {
        (true, _) => "were trained",
        (false, true) => "were trained in some runs",
        (false, false) => "were not trained",
    };
    prose(format!(
        "The recurrent weights {}, the biases {}, the input weights {}, and the readout weights {}.",
        some(&|params| params.network.train_recurrent),
        some(&|params| params.network.biases && params.network.train_recurrent),
        some(&|params| params.network.train_input && params.network.train_recurrent),
        some(&|params| params.network.train_readout),
    ))
}

fn noise(runs: &[&ValidParams]) -> Option<Block> {
    let noisy = |params: &&ValidParams| params.network.unit_noise > 0.0 || params.network.dropout > 0.0;
    runs.iter().any(noisy).then(|| {
        let noise = values(runs, |params| params.network.unit_noise);
        let dropout = values(runs, |params| params.network.dropout);
        prose(format!(r"In training, normal noise of standard deviation {noise} was added to the state of every unit at every timestep (times $\sqrt{{2 \Delta t}}$ in networks of rates), and units were dropped with probability {dropout}. Validation and analyses had neither noise nor dropout."))
    })
}
