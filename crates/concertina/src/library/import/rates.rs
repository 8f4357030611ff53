//! Networks of firing rates: the arrays of PsychRNN and of trainRNNbrain, under the names of these programs.
//!
//! Their units are leaky, and their rates, not their states, act on each other and are read out:
//!
//! ```text
//! v' = v + α (-v + φ(v) W + x U + b),   y = φ(v) R + c,   α = dt / tau
//! ```
//!
//! PsychRNN (Ehrlich, Stone, Brandfonbrener, Atanasov and Murray 2021, eNeuro 8(1)) stores matrices that act
//! from the left on columns, and three masks. The weights are the products of both. If `dale_ratio` is not
//! None, they are `|W_rec| Dale_rec`, `|W_in|` and `|W_out| Dale_out`, after the masks.

use concertina_model::network::Weights;
use concertina_model::params::Nonlinearity;
use ndarray::{Array1, Array2};

use super::file::File;
use crate::error::Result;

/// The names that a program gives its arrays.
struct Program {
    name: &'static str,
    input: &'static str,
    /// In the order in which they are looked for, as are the other lists.
    bias: &'static [&'static str],
    readout_bias: &'static [&'static str],
    /// Of the input, the recurrent weights and the readout.
    masks: [&'static str; 3],
    initial_state: &'static str,
}

const RECURRENT: &str = "W_rec";
const READOUT: &str = "W_out";

/// Input weights have different names in the two programs, which tells them apart.
const PROGRAMS: [Program; 2] = [
    Program {
        name: "PsychRNN",
        input: "W_in",
        bias: &["b_rec"],
        readout_bias: &["b_out"],
        masks: ["input_connectivity", "rec_connectivity", "output_connectivity"],
        initial_state: "init_state",
    },
    Program {
        name: "trainRNNbrain",
        input: "W_inp",
        bias: &["bias_rec", "b_rec", "bias"],
        readout_bias: &["bias_out", "b_out"],
        masks: ["input_mask", "recurrent_mask", "output_mask"],
        initial_state: "y_init",
    },
];

/// A network of rates.
pub(super) struct Rates {
    program: &'static str,
    /// As they act here: on rows, with masks and Dale's law applied.
    pub(super) weights: Weights,
    /// What input weights, recurrent weights, bias, readout weights and its bias, and the initial state are
    /// made of.
    made_of: [String; 6],
    /// The step in time constants, if the file says it.
    pub(super) alpha: Option<f64>,
    /// φ, if the file names it.
    pub(super) nonlinearity: Option<Nonlinearity>,
    /// Whether units are excitatory or inhibitory.
    is_dale: bool,
}

impl Rates {
    /// The network in a file with the names of one of the programs; `None` if it has other names.
    pub(super) fn of(file: &File<'_>) -> Result<Option<Self>> {
        if !file.has(RECURRENT) {
            return Ok(None);
        }
        // Without input weights, it is PsychRNN's name that is known better.
        let program = PROGRAMS.iter().find(|program| file.has(program.input)).unwrap_or(&PROGRAMS[0]);
        // Of trainRNNbrain, nothing says whether it is under Dale's law: its weights are.
        let is_dale = file.number("dale_ratio").is_some_and(|ratio| ratio != 0.0);
        let weights = |name: &str, mask: &str, dale: &str| -> Result<Option<(Array2<f32>, String)>> {
            if !file.has(name) {
                return Ok(None);
            }
            let (mut weights, mut origin) = (file.matrix(name, true)?.array, name.to_owned());
            if file.has(mask) {
                let numbers = of_shape(file, mask, name, weights.dim())?;
                weights = weights * numbers;
                origin = format!("{origin} ∘ {mask}");
            }
            if is_dale {
                weights.mapv_inplace(f32::abs);
                origin = format!("|{origin}|");
                if file.has(dale) {
                    // (|W| D)ᵀ = Dᵀ |W|ᵀ.
                    let units = weights.nrows();
                    weights = of_shape(file, dale, name, (units, units))?.dot(&weights);
                    origin = format!("{origin} {dale}");
                }
            }
            Ok(Some((weights, format!("{origin}, transposed"))))
        };
        let none = || "none".to_owned();
        let [of_input, of_recurrent, of_readout] = program.masks;
        let Some((recurrent, of_recurrent)) = weights(RECURRENT, of_recurrent, "Dale_rec")? else {
            return Ok(None);
        };
        let units = recurrent.nrows();
        let (input, of_input) =
            weights(program.input, of_input, "")?.unwrap_or_else(|| (Array2::zeros((0, units)), none()));
        let (readout, of_readout) =
            weights(READOUT, of_readout, "Dale_out")?.unwrap_or_else(|| (Array2::zeros((units, 0)), none()));
        let bias = |names: &[&str], length: usize| -> Result<(Array1<f32>, String)> {
            Ok(match names.iter().find(|name| file.has(name)) {
                Some(name) => (file.vector(name)?.array, (*name).to_owned()),
                None => (Array1::zeros(length), none()),
            })
        };
        let alpha = file.number("alpha").or_else(|| Some(file.number("dt")? / file.number("tau")?));
        let (bias, readout_bias) = (bias(program.bias, units)?, bias(program.readout_bias, readout.ncols())?);
        let state = match file.has(program.initial_state) {
            true => Some(file.state(program.initial_state, &[units])?),
            // Others than numbers, such as `None`, are reported as not used.
            false => None,
        };
        // A state of zeros is that of a network without an initial state.
        let state = state.filter(|state| state.array.iter().any(|number| *number != 0.0));
        let of_state = state.as_ref().map_or_else(none, |state| state.origin.clone());
        let initial_state = state.map(|state| state.array);
        let made_of = [of_input, of_recurrent, bias.1, of_readout, readout_bias.1, of_state];
        let (biases, readout_bias) = (vec![bias.0], readout_bias.0);
        let weights =
            Weights { input, recurrent: vec![recurrent], biases, readout, readout_bias, initial_state };
        let nonlinearity = nonlinearity(file)?;
        Ok(Some(Self { program: program.name, weights, made_of, alpha, nonlinearity, is_dale }))
    }

    /// Which of our arrays is made of which of theirs.
    pub(super) fn origins(&self) -> Vec<(&'static str, String)> {
        let ours = [
            Weights::INPUT,
            Weights::RECURRENT,
            Weights::BIAS,
            Weights::READOUT,
            Weights::READOUT_BIAS,
            Weights::INITIAL_STATE,
        ];
        ours.into_iter().zip(self.made_of.iter().cloned()).filter(|(_, origin)| origin != "none").collect()
    }

    /// What the file says about the network besides its arrays, and what it leaves open.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.is_dale {
            notes.push(format!(
                "units of this network of {} obey Dale's law, which the weights contain here; training here would not keep it",
                self.program
            ));
        }
        if self.program == "trainRNNbrain" {
            notes.push(
                "this network of trainRNNbrain is read with its `equation_type` h; s is another network"
                    .to_owned(),
            );
        }
        notes
    }
}

/// The name of φ in files of trainRNNbrain, and that of its factor.
const ACTIVATION: [&str; 2] = ["activation_name", "activation_slope"];

/// φ, if the file names it.
fn nonlinearity(file: &File<'_>) -> Result<Option<Nonlinearity>> {
    let [name, slope] = ACTIVATION;
    let Some(found) = file.text(name) else { return Ok(None) };
    let known = match found {
        "relu" => Some(Nonlinearity::Relu),
        "tanh" => Some(Nonlinearity::Tanh),
        "sigmoid" => Some(Nonlinearity::Sigmoid),
        "softplus" => Some(Nonlinearity::Softplus),
        "linear" | "identity" => Some(Nonlinearity::Linear),
        _ => None,
    };
    let Some(known) = known else {
        return Err(file.wrong(
            format!("`{name}`: expected relu, tanh, sigmoid, softplus or linear, found `{found}`"),
            "a network with another transfer function has other equations, and cannot be imported",
        ));
    };
    match file.number(slope) {
        Some(number) if number != 1.0 => Err(file.wrong(
            format!("`{slope}`: expected 1, because transfer functions have no slope here, found {number}"),
            "a network with another slope has other equations, and cannot be imported as it is",
        )),
        _ => Ok(Some(known)),
    }
}

/// A mask or a matrix of signs, transposed, which has to have this shape to act on an array.
fn of_shape(file: &File<'_>, name: &str, on: &str, expected: (usize, usize)) -> Result<Array2<f32>> {
    let matrix = file.matrix(name, true)?.array;
    match matrix.dim() == expected {
        true => Ok(matrix),
        false => Err(file.wrong(
            format!(
                "`{name}`: expected {:?}, because it acts on `{on}`, found {:?}",
                (expected.1, expected.0),
                matrix.t().dim()
            ),
            "save the arrays of one network together",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use concertina_arrays::{Arrays, Member};
    use ndarray::{Array1, Array2, ArrayD, IxDyn, arr1, arr2};

    use super::{File, Nonlinearity, Rates};

    fn psychrnn() -> Arrays {
        let numbers = |array: ArrayD<f64>| Member::Numbers(array);
        let arrays = [
            ("W_rec", arr2(&[[1.0, -2.0], [3.0, 4.0]]).into_dyn()),
            ("rec_connectivity", arr2(&[[1.0, 1.0], [0.0, 1.0]]).into_dyn()),
            ("Dale_rec", arr2(&[[1.0, 0.0], [0.0, -1.0]]).into_dyn()),
            ("W_in", arr2(&[[-1.0], [2.0]]).into_dyn()),
            ("W_out", arr2(&[[5.0, -6.0]]).into_dyn()),
            ("output_connectivity", arr2(&[[1.0, 0.5]]).into_dyn()),
            ("Dale_out", arr2(&[[1.0, 0.0], [0.0, 0.0]]).into_dyn()),
            ("b_rec", arr2(&[[0.5], [0.25]]).into_dyn()),
            ("init_state", arr2(&[[0.1, 0.0]]).into_dyn()),
        ];
        let mut arrays: Arrays = arrays.map(|(name, array)| (name.to_owned(), numbers(array))).into();
        arrays.insert("dale_ratio".to_owned(), Member::Other("Python objects".to_owned()));
        arrays
    }

    fn read(arrays: &Arrays) -> Rates {
        Rates::of(&File::new(Path::new("saved.npz"), false, arrays)).expect("read").expect("known names")
    }

    #[test]
    fn masks_and_dales_law_are_applied_and_matrices_act_on_rows() {
        let mut arrays = psychrnn();
        let rates = read(&arrays);
        assert_eq!(rates.weights.recurrent[0], arr2(&[[1.0, 0.0], [-2.0, 4.0]]));
        assert_eq!(rates.weights.input, arr2(&[[-1.0, 2.0]]));
        assert_eq!(rates.weights.readout, arr2(&[[5.0], [-3.0]]));
        assert_eq!(rates.weights.biases, [arr1(&[0.5, 0.25])]);
        assert_eq!((&rates.weights.readout_bias, rates.alpha), (&Array1::zeros(1), None));
        assert_eq!(rates.weights.initial_state, Some(arr1(&[0.1, 0.0])));
        assert!(!rates.is_dale);
        let of_recurrent = rates.origins().into_iter().find(|(name, _)| *name == "recurrent_weights");
        assert_eq!(of_recurrent.expect("made of two").1, "W_rec ∘ rec_connectivity, transposed");
        let scalar = |number: f64| Member::Numbers(ArrayD::from_elem(IxDyn(&[]), number));
        arrays.insert("dale_ratio".to_owned(), scalar(0.8));
        arrays.insert("dt".to_owned(), Member::Integers(ArrayD::from_elem(IxDyn(&[]), 10)));
        arrays.insert("tau".to_owned(), scalar(100.0));
        let rates = read(&arrays);
        assert_eq!(rates.weights.recurrent[0], arr2(&[[1.0, 0.0], [-2.0, -4.0]]), "|W| D, transposed");
        assert_eq!(rates.weights.input, arr2(&[[1.0, 2.0]]));
        assert_eq!(rates.weights.readout, arr2(&[[5.0], [0.0]]));
        assert_eq!(rates.alpha, Some(0.1));
        assert!(rates.is_dale && rates.notes()[0].contains("Dale"));
    }

    #[test]
    fn the_names_of_trainrnnbrain_are_known() {
        let numbers = |array: Array2<f64>| Member::Numbers(array.into_dyn());
        let arrays = Arrays::from([
            ("W_rec".to_owned(), numbers(arr2(&[[1.0, 2.0], [3.0, 4.0]]))),
            ("W_inp".to_owned(), numbers(arr2(&[[1.0], [2.0]]))),
            ("bias_rec".to_owned(), Member::Numbers(arr1(&[0.5, 0.25]).into_dyn())),
            ("dt".to_owned(), Member::Plain("1".to_owned())),
            ("tau".to_owned(), Member::Plain("10".to_owned())),
            ("activation_name".to_owned(), Member::Plain("'relu'".to_owned())),
            ("y_init".to_owned(), numbers(arr2(&[[0.0, 0.0]]))),
        ]);
        let rates = read(&arrays);
        assert_eq!((rates.program, rates.alpha), ("trainRNNbrain", Some(0.1)));
        assert_eq!(rates.nonlinearity, Some(Nonlinearity::Relu));
        assert_eq!(rates.weights.recurrent[0], arr2(&[[1.0, 3.0], [2.0, 4.0]]));
        assert_eq!(rates.weights.biases, [arr1(&[0.5, 0.25])]);
        assert!(!rates.weights.has_readout() && rates.weights.initial_state.is_none());

        let with = |name: &str, words: &str| {
            let mut arrays = arrays.clone();
            arrays.insert(name.to_owned(), Member::Plain(words.to_owned()));
            arrays
        };
        for (name, expected) in [
            ("tanh", Nonlinearity::Tanh),
            ("sigmoid", Nonlinearity::Sigmoid),
            ("softplus", Nonlinearity::Softplus),
            ("linear", Nonlinearity::Linear),
        ] {
            let rates = read(&with("activation_name", &format!("'{name}'")));
            assert_eq!(rates.nonlinearity, Some(expected));
        }
        for (name, words) in [("activation_name", "'leaky_relu'"), ("activation_slope", "2.0")] {
            let arrays = with(name, words);
            let error = Rates::of(&File::new(Path::new("saved.pt"), false, &arrays)).err().expect("refused");
            assert!(error.to_string().contains(words.trim_matches(['\'', '0', '.'])), "{error}");
        }
        let mut wrong = arrays.clone();
        wrong.insert("y_init".to_owned(), Member::Numbers(Array2::<f64>::zeros((3, 2)).into_dyn()));
        let error = Rates::of(&File::new(Path::new("saved.pt"), false, &wrong)).err().expect("refused");
        assert!(error.to_string().contains("one state of 2 numbers"), "{error}");
    }
}
