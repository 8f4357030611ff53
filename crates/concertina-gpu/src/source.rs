//! The source of the kernels for a shape.

use std::fmt::Write;

use concertina_model::network::Weights;
use concertina_model::optimizer::{Adam, Rmsprop};
use concertina_model::params::{LossKind, NetworkKind, Nonlinearity, OptimizerKind};

use crate::shape::Shape;

const MATHEMATICS: &str = include_str!("shader/mathematics.wgsl");
const NETWORK: &str = include_str!("shader/network.wgsl");

/// Rows of a weight gradient that a thread computes together.
const ROWS: usize = 8;

/// Bits of the flag that stops a network: outputs or weights that are NaN or infinite.
pub(crate) const WILD_OUTPUT: u32 = 1;
pub(crate) const WILD_WEIGHT: u32 = 2;

/// Where the parts of the scratch memory of a network begin, in vectors.
struct Scratch {
    text: String,
    end: usize,
}

impl Scratch {
    fn place(&mut self, name: &str, vectors: usize) {
        let _ = writeln!(self.text, "const {name}: u32 = {}u;", self.end);
        self.end += vectors;
    }

    fn of(shape: &Shape) -> Self {
        let (states, lanes) = (shape.state_vectors(), shape.lanes());
        let currents = shape.currents() * lanes;
        let gated = |vectors: usize| if shape.is_gated() { vectors } else { 0 };
        let mut scratch = Scratch { text: String::new(), end: 0 };
        scratch.place("STATES", states);
        scratch.place("RATES", if shape.keeps_rates() { states } else { 0 });
        scratch.place("GATES", gated(shape.steps * currents));
        scratch.place("INNER", gated(states));
        scratch.place("OWN", gated(currents));
        scratch.place("BY_CURRENT", shape.steps * currents);
        scratch.place("BY_LAST", gated(states));
        scratch.place("BY_STATE", shape.units * lanes);
        scratch.place("BY_RATE", if shape.sends_rates() { shape.units * lanes } else { 0 });
        scratch.place("OUT", shape.output_vectors());
        scratch.place("BY_OUT", shape.output_vectors());
        scratch
    }
}

/// Vectors of scratch memory of a network.
pub(crate) fn scratch_vectors(shape: &Shape) -> usize {
    Scratch::of(shape).end
}

/// The kernels for a shape, in WGSL.
pub(crate) fn source(shape: &Shape) -> String {
    let mut text = constants(shape);
    let scratch = Scratch::of(shape);
    text.push_str(&scratch.text);
    let _ = writeln!(text, "const SCRATCH: u32 = {}u;", scratch.end);
    text.push_str(MATHEMATICS);
    text.push_str(&unrolled(shape));
    text
}

fn constants(shape: &Shape) -> String {
    let mut text = String::new();
    let mut whole = |name: &str, value: usize| {
        let _ = writeln!(text, "const {name}: u32 = {value}u;");
    };
    whole("UNITS", shape.units);
    whole("INPUTS", shape.inputs);
    whole("OUTPUTS", shape.outputs);
    whole("STEPS", shape.steps);
    whole("EVALUATED", shape.evaluated);
    whole("HOLD", shape.hold.unwrap_or(0));
    whole("CURRENTS", shape.currents());
    whole("LANES", shape.lanes());
    whole("TILE_LANES", shape.tile_lanes());
    whole("PARTS", shape.parts());
    whole("GROUP", shape.threads());
    whole("GROUP_POWER", shape.threads().next_power_of_two());
    whole("CHUNK", shape.chunk());
    whole("TILE", shape.chunk() * shape.tile_lanes());
    whole("ROWS", ROWS);
    whole("PARAMETERS", shape.parameters());
    whole("WEIGHTS", shape.weights());
    whole("MOMENTS", shape.moments());
    whole("DRAWN", shape.drawn());
    whole("RESULTS", shape.result_vectors());
    whole("OF_TRANSPOSED", shape.parameters());
    whole("OF_TARGET", shape.input_vectors());
    whole("OF_SHARE", shape.input_vectors() + shape.target_vectors());
    let noise = shape.input_vectors() + shape.target_vectors() + shape.evaluated * shape.lanes();
    whole("OF_NOISE", noise);
    whole("OF_DROPOUT", noise + if shape.unit_noise { shape.state_vectors() } else { 0 });
    for array in &shape.arrays {
        whole(offset_of(&array.name), array.offset);
    }
    if !shape.is_gated() {
        whole("OF_RECURRENT_BIAS", 0);
    }
    whole("NO_NOISE", u32::MAX as usize);
    whole("WILD_OUTPUT", WILD_OUTPUT as usize);
    whole("WILD_WEIGHT", WILD_WEIGHT as usize);
    for (place, name) in ["TANH", "RELU", "LINEAR"].into_iter().enumerate() {
        whole(name, place);
    }
    for (place, name) in ["CROSS_ENTROPY", "MSE", "MSE_SCALAR", "ZERO"].into_iter().enumerate() {
        whole(name, place);
    }
    for (place, name) in ["SGD", "RMSPROP", "ADAM"].into_iter().enumerate() {
        whole(name, place);
    }
    let chosen = |name: &str, value: &str| format!("const {name}: u32 = {value};\n");
    let flag = |name: &str, value: bool| format!("const {name}: bool = {value};\n");
    let trained = |name: &str| shape.arrays.iter().any(|array| array.name == name && array.trained);
    let goes_back = shape.arrays.iter().any(|array| array.trained && !array.name.starts_with("readout"));
    text += &chosen(
        "NONLINEARITY",
        match shape.nonlinearity {
            Nonlinearity::Relu => "RELU",
            Nonlinearity::Linear => "LINEAR",
            _ => "TANH",
        },
    );
    text += &chosen(
        "LOSS",
        match shape.loss {
            LossKind::CrossEntropy => "CROSS_ENTROPY",
            LossKind::Mse => "MSE",
            LossKind::MseScalar => "MSE_SCALAR",
            LossKind::Zero => "ZERO",
        },
    );
    text += &chosen(
        "OPTIMIZER",
        match shape.optimizer {
            OptimizerKind::Sgd => "SGD",
            OptimizerKind::Rmsprop | OptimizerKind::SgdRmsprop => "RMSPROP",
            OptimizerKind::Adam => "ADAM",
        },
    );
    text += &flag("GATED", shape.is_gated());
    text += &flag("TIMED", shape.hold.is_none());
    text += &flag("REAL", shape.real);
    text += &flag("SENDS_RATES", shape.sends_rates());
    text += &flag("READS_RATES", shape.kind == NetworkKind::Rate);
    text += &flag("KEEPS_RATES", shape.keeps_rates());
    text += &flag("KEEPS_MEAN", shape.keeps_mean);
    text += &flag("UNIT_NOISE", shape.unit_noise);
    text += &flag("DROPOUT", shape.dropout);
    text += &flag("GOES_BACK", goes_back);
    text += &flag("TRAINS_INPUT", trained(Weights::INPUT));
    text += &flag("TRAINS_RECURRENT", trained(Weights::RECURRENT));
    text += &flag("TRAINS_BIAS", trained(Weights::BIAS));
    text += &flag("TRAINS_RECURRENT_BIAS", trained(Weights::RECURRENT_BIAS));
    text += &flag("TRAINS_READOUT", trained(Weights::READOUT));
    text += &flag("TRAINS_READOUT_BIAS", trained(Weights::READOUT_BIAS));
    let (rmsprop, adam) = (Rmsprop::default(), Adam::default());
    for (name, value) in [
        ("RMSPROP_MEMORY", rmsprop.memory),
        ("RMSPROP_FRESH", 1.0 - rmsprop.memory),
        ("MEAN_MEMORY", adam.mean_memory),
        ("MEAN_FRESH", 1.0 - adam.mean_memory),
        ("SQUARE_MEMORY", adam.square_memory),
        ("SQUARE_FRESH", 1.0 - adam.square_memory),
        ("EPSILON", adam.epsilon),
    ] {
        let _ = writeln!(text, "const {name}: f32 = {:e};", value as f32);
    }
    text
}

fn offset_of(name: &str) -> &'static str {
    match name {
        Weights::INPUT => "OF_INPUT",
        Weights::RECURRENT => "OF_RECURRENT",
        Weights::BIAS => "OF_BIAS",
        Weights::RECURRENT_BIAS => "OF_RECURRENT_BIAS",
        Weights::READOUT => "OF_READOUT",
        _ => "OF_READOUT_BIAS",
    }
}

/// The kernels, with their sums in registers and the steps of their arrays written out.
fn unrolled(shape: &Shape) -> String {
    let each =
        |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<Vec<_>>().join("\n");
    let lanes = shape.tile_lanes();
    let begin = each(lanes, &|v| {
        format!("var sum{v} = vec4<f32>(0.0); if (add) {{ sum{v} = scratch[place + {v}u]; }}")
    });
    let add =
        each(lanes, &|v| format!("sum{v} = fma(tile[k * TILE_LANES + {v}u], vec4<f32>(weight), sum{v});"));
    let store = each(lanes, &|v| format!("scratch[place + {v}u] = sum{v};"));
    let begin_rows = each(ROWS, &|row| format!("var sum{row} = 0.0;"));
    let add_rows =
        each(ROWS, &|row| format!("sum{row} += dot(scratch[origin + {row}u * LANES + lane], by_current);"));
    let store_rows = each(ROWS, &|row| {
        format!(
            "if (row + {row}u < UNITS) {{ put(network, OF_RECURRENT + (row + {row}u) * CURRENTS + column, sum{row}, add); }}"
        )
    });
    let (mut norms, mut steps) = (String::new(), String::new());
    for array in shape.arrays.iter().filter(|array| array.trained) {
        let (offset, length) = (format!("{}u", array.offset), format!("{}u", array.len()));
        let norm = format!("norm{}", array.offset);
        let _ = writeln!(norms, "let {norm} = squared_norm_of(network, lid, {offset}, {length});");
        let _ = writeln!(norms, "squared_norm += {norm};");
        let mut size = "network.gradient_noise".to_owned();
        if array.noisy && shape.scaled_noise {
            size = format!("size{}", array.offset);
            let drawn = format!("squared_norm_of_drawn(lid, noise + {offset}, {length})");
            let _ = writeln!(norms, "let {size} = network.gradient_noise * sqrt({norm} / {drawn});");
        }
        let noise = if array.noisy { format!("noise + {offset}") } else { "NO_NOISE".to_owned() };
        let _ = writeln!(steps, "step_array(network, lid, rates, {offset}, {length}, {noise}, {size});");
    }
    NETWORK
        .replace("$BEGIN_SUMS", &begin)
        .replace("$ADD_TO_SUMS", &add)
        .replace("$STORE_SUMS", &store)
        .replace("$BEGIN_ROWS", &begin_rows)
        .replace("$ADD_TO_ROWS", &add_rows)
        .replace("$STORE_ROWS", &store_rows)
        .replace("$NORMS", &norms)
        .replace("$STEPS", &steps)
}
