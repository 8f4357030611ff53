//! `kernel`: how far training has moved the network's tangent kernel and its weights.

mod gram;
mod measures;
mod tangent;

use std::collections::BTreeSet;

use concertina_model::network::{Connectivity, Equations, Network, TrainedWeights, Weights, is_trained};
use concertina_model::params::{NetworkKind, ValidParams};
use concertina_model::task::{Ask, Inputs, Trials};
use concertina_table::{Table, Values};
use ndarray::{Array2, ArrayD, ArrayView2, Ix2};
use serde::{Deserialize, Serialize};

pub use measures::{
    Ranks, WeightChange, centred_alignment, centred_kernel, kernel_alignment, kernel_distance,
    kernel_spectrum, label_kernel, weight_change,
};
pub use tangent::{TangentKernels, Tangents};

use crate::ranges;
use crate::responses::{Observations, Responses};
use crate::{Analysis, Error, Result, Subject, Timestep};

/// How lazily the network has learned: its neural tangent kernel, and how far kernel and weights have moved
/// since before training.
///
/// The tangent kernel of two trials is the inner product of the gradients of the outputs by all trained
/// parameters, summed over outputs. The output is that of the last timestep at which the loss counts in the
/// trial. In the lazy regime, the kernel hardly moves and training is a linear regression with its features.
/// In the rich regime, it moves towards the kernel of the labels. What is trained are the factors of weights
/// of low rank, the magnitudes under Dale's law, the connections of sparse weights, and the readout of a
/// reservoir.
///
/// # Returns
/// For each checkpoint one row for all trained parameters together, with `all` in the column `block`; then a
/// row for each array of the network, named as in files, and where recurrent weights are made of other
/// arrays, also one for the product, `recurrent_weights`. The columns are
/// * `trained`: whether the array is trained. If it is not, the columns of kernels are null;
/// * `mean_kernel`: the mean over trials of the kernel of a trial with itself;
/// * `label_alignment`: the alignment `⟨K, L⟩ / (‖K‖ ‖L‖)` of the kernel with that of the labels, which is 1
///   for trials of the same class, else 0; `label_alignment_centred`, after both are centred;
///   `label_alignment_signed`, for two classes, with +1 for the same class and -1 otherwise. They are null
///   where targets are real numbers;
/// * `kernel_distance`: 1 minus the centred alignment with the kernel before training; `kernel_alignment`:
///   the alignment with it without centring. Null for a network that was trained elsewhere, whose weights
///   before training cannot be drawn;
/// * `effective_rank`: the exponential of the entropy of the kernel's eigenvalues; `participation`: their
///   participation ratio;
/// * of the arrays, the change from before training: `relative_change`, `‖W - W_0‖ / ‖W_0‖`, null where `W_0`
///   is zero; `change_effective_rank`, `change_participation` and `change_stable_rank`, null without a
///   change; `change_singular_values`, a vector, which is filled up with zeros to the length of the longest.
///
/// Measures of a kernel of zeros are null, and so are centred ones of a kernel whose entries are all equal,
/// such as that of the readout bias.
///
/// # Source
/// `jacot2018` for the kernel; `fort2020` for its distance; `flesch2022` and `schuesslerinterplay2020` for
/// the changes; `roy2007` for the effective rank. Differs in: the kernel is that of the last evaluated
/// timestep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Kernel {
    /// Samples, spread evenly over the clusters; at least 2. Time and memory grow with their square.
    pub samples: usize,
}

impl Default for Kernel {
    fn default() -> Self {
        Self { samples: 200 }
    }
}

/// The largest number of samples: arbitrary, a kernel of them takes 0.8 GB.
const MOST_SAMPLES: usize = 10_000;

impl Kernel {
    pub(crate) const NAME: &'static str = "kernel";
}

impl Analysis for Kernel {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn references(&self) -> &'static [&'static str] {
        &["jacot2018", "fort2020", "flesch2022", "schuesslerinterplay2020", "roy2007"]
    }

    fn per_checkpoint(&self) -> bool {
        true
    }

    fn check(&self, _params: &ValidParams) -> Result<()> {
        ranges::samples(Self::NAME, self.samples, 2)?;
        ranges::at_most(Self::NAME, "samples", self.samples, MOST_SAMPLES)
    }

    fn run(&self, subject: &Subject) -> Result<Table> {
        self.check(subject.params)?;
        let params = subject.params;
        let trials = subject.task.trials(Ask::Analysis { count: self.samples });
        let shown = ShownTrials::of(&trials, params.trial_steps());
        let (equations, trained) = (Equations::new(params), |name: &str| is_trained(params, name));
        let state = |weights: &TrainedWeights| State::of(&equations, &trained, weights, &shown);
        let mut before = None;
        let mut rows = Observations::default();
        let mut columns = Columns::default();
        for (checkpoint, network) in subject.checkpoints {
            network.readout()?;
            // Names the first state that is NaN or infinite, in the numbers of the fast path.
            let last = Timestep(shown.read_at.iter().max().copied().unwrap_or_default() as i64);
            Responses::run(network, &trials, &[last], None)?.at(last)?;
            if before.is_none() && params.network.weights.is_none() {
                before = Some(state(&TrainedWeights::draw(params)?)?);
            }
            let now = state(&weights_of(params, network)?)?;
            let labels = shown.labels.as_ref();
            let pushed = columns.push_checkpoint(&now, before.as_ref(), labels)?;
            (0..pushed).for_each(|_| rows.push(*checkpoint));
        }
        rows.into_table(false, columns.named())
    }
}

/// The weights of a network in the form in which they are trained.
fn weights_of(params: &ValidParams, network: &Network) -> Result<TrainedWeights> {
    if let Some(weights) = network.trained_weights() {
        return Ok(weights.clone());
    }
    let (connectivity, mut arrays) = (Connectivity::of(params), network.weights().clone());
    if connectivity.rank().is_some() {
        return Err(Error::NotApplicable {
            analysis: Kernel::NAME,
            subject: "recurrent weights of low rank whose factors are not known".to_owned(),
            reason: "the factors are trained, and do not follow from their product",
            hint: "make the network with `Network::of_trained`",
        });
    }
    if !connectivity.is_plain() {
        arrays.recurrent.iter_mut().for_each(|matrix| matrix.mapv_inplace(f32::abs)); // Dale's magnitudes
    }
    Ok(TrainedWeights::new(connectivity, arrays))
}

/// The measures of the analysis [`Kernel`] for a network and trials from anywhere, as a table.
///
/// `params` are those of the network; they say how its recurrent weights are made. `before` is the same
/// network before training. `trained` says which arrays are trained, by their names in files. None means
/// those that the parameters train.
///
/// # Returns
/// One row for all trained arrays together and one for each array, with the columns of the analysis
/// [`Kernel`] from `block` on. Without `before`, distances and changes are null; without labels, alignments
/// are.
///
/// # Errors
/// [`Error::Shape`] if trials, timesteps and labels do not go together, or `before` has other arrays;
/// [`Error::NotFinite`] if the network's outputs are; [`Error::NotApplicable`] for a network without a
/// readout.
///
/// # Source
/// As [`Kernel`].
pub fn kernel(
    params: &ValidParams,
    network: &Network,
    before: Option<&Network>,
    trained: Option<&BTreeSet<String>>,
    shown: &ShownTrials,
) -> Result<Table> {
    network.readout()?;
    if let Some(labels) = shown.labels.as_ref().filter(|labels| labels.len() != shown.inputs.len()) {
        let expected = format!("one for each of {} trials", shown.inputs.len());
        return Err(Error::Shape { what: "labels", expected, found: vec![labels.len()] });
    }
    let steps = shown.read_at.iter().max().map_or(0, |last| last + 1);
    let of_params = network.equations();
    let equations = match of_params.kind {
        NetworkKind::Feedforward => *of_params,
        _ => Equations { steps: of_params.steps.max(steps), ..*of_params },
    };
    let is_trained = |name: &str| trained.map_or_else(|| is_trained(params, name), |all| all.contains(name));
    let state = |network: &Network| State::of(&equations, &is_trained, &weights_of(params, network)?, shown);
    let now = state(network)?;
    let before =
        before.map(|before| same_arrays(network, before).and_then(|()| state(before))).transpose()?;
    let mut columns = Columns::default();
    columns.push_checkpoint(&now, before.as_ref(), shown.labels.as_ref())?;
    Ok(Table::from_columns(columns.named())?)
}

/// Refuses a network before training that has other arrays than afterwards.
fn same_arrays(now: &Network, before: &Network) -> Result<()> {
    let (now, before) = (now.weights().tensors(), before.weights().tensors());
    for (place, (name, array)) in now.iter().enumerate() {
        let other = before.get(place).map(|(other, array)| (other, array.shape()));
        if other != Some((name, array.shape())) {
            let expected = format!("`{name}` of shape {:?}, as after training", array.shape());
            let found = other.map_or_else(Vec::new, |(_, shape)| shape.to_vec());
            return Err(Error::Shape { what: "arrays before training", expected, found });
        }
    }
    Ok(())
}

/// Trials for a kernel.
#[derive(Debug, Clone)]
pub struct ShownTrials {
    /// The inputs.
    pub inputs: Inputs<f64>,
    /// The timestep of each trial whose output is differentiated, from 0.
    pub read_at: Vec<usize>,
    /// The class of each trial.
    pub labels: Option<Vec<u32>>,
}

impl ShownTrials {
    /// Trials of a task of this many timesteps, read at the last timestep at which the loss counts.
    pub fn of(trials: &Trials, steps: usize) -> Self {
        let inputs = match &trials.inputs {
            Inputs::Held { stimuli, hold } => {
                Inputs::Held { stimuli: tangent::widened(stimuli), hold: *hold }
            }
            Inputs::Timed(inputs) => Inputs::Timed(tangent::widened(inputs)),
        };
        let read_at = tangent::last_evaluated(&trials.mask, trials.len(), steps);
        Self { inputs, read_at, labels: trials.labels().map(|labels| labels.into_owned()) }
    }
}

/// The arrays and kernels of a network.
struct State {
    /// The name of each array, and the array as a matrix.
    arrays: Vec<(String, Array2<f64>)>,
    kernels: TangentKernels,
    /// The recurrent weights, if they are made of the arrays.
    product: Option<Array2<f64>>,
}

impl State {
    fn of(
        equations: &Equations,
        is_trained: &dyn Fn(&str) -> bool,
        weights: &TrainedWeights,
        shown: &ShownTrials,
    ) -> Result<Self> {
        let tensors = weights.tensors();
        let connectivity = weights.connectivity();
        let parts = connectivity.parts();
        let frozen = |name: &str| parts.iter().any(|part| part.name == name && !part.trained);
        let trained: Vec<bool> = tensors.iter().map(|(name, _)| is_trained(name) && !frozen(name)).collect();
        let recurrent: Vec<Array2<f64>> = weights.arrays().recurrent.iter().map(tangent::widened).collect();
        let product = (!connectivity.is_plain()).then(|| connectivity.weights(&recurrent).remove(0));
        let arrays = tangent::in_double(weights.arrays(), recurrent);
        let tangents = Tangents { equations, connectivity, arrays: &arrays, trained: &trained };
        let kernels = tangents.kernels(&shown.inputs, &shown.read_at)?;
        let arrays = tensors.into_iter().map(|(name, array)| (name, as_matrix(&array))).collect();
        Ok(Self { arrays, kernels, product })
    }
}

/// A matrix, or a vector as a matrix of one row.
fn as_matrix(array: &ArrayD<f32>) -> Array2<f64> {
    let wide = array.mapv(f64::from);
    let length = wide.len();
    match wide.clone().into_dimensionality::<Ix2>() {
        Ok(matrix) => matrix,
        Err(_) => Array2::from_shape_vec((1, length), wide.into_iter().collect()).expect("a row"),
    }
}

/// The columns of the result.
#[derive(Debug, Default)]
struct Columns {
    block: Vec<String>,
    trained: Vec<bool>,
    numbers: [Vec<Option<f64>>; NUMBERS.len()],
    singular_values: Vec<Option<Vec<f64>>>,
}

/// The columns with one number.
const NUMBERS: [&str; 12] = [
    "mean_kernel",
    "label_alignment",
    "label_alignment_centred",
    "label_alignment_signed",
    "kernel_distance",
    "kernel_alignment",
    "effective_rank",
    "participation",
    "relative_change",
    "change_effective_rank",
    "change_participation",
    "change_stable_rank",
];

impl Columns {
    /// Adds the rows of a checkpoint, and returns their number.
    fn push_checkpoint(
        &mut self,
        now: &State,
        before: Option<&State>,
        labels: Option<&Vec<u32>>,
    ) -> Result<usize> {
        let matrices = now.arrays.iter().map(|(_, array)| array).chain(&now.product);
        let width = matrices.map(|matrix| matrix.nrows().min(matrix.ncols())).max().unwrap_or_default();
        let labels = labels.map(|labels| Labels::of(labels));
        let labels = labels.as_ref();
        let kernels_before = before.map(|before| before.kernels.total());
        let all = of_kernel(&now.kernels.total(), kernels_before.as_ref(), labels)?;
        self.push("all".to_owned(), now.kernels.blocks.iter().any(Option::is_some), Some(all), None, width);
        for (index, ((name, array), kernel)) in now.arrays.iter().zip(&now.kernels.blocks).enumerate() {
            let kernel_before = before.and_then(|before| before.kernels.blocks[index].as_ref());
            let of_kernel = kernel.as_ref().map(|kernel| of_kernel(kernel, kernel_before, labels));
            let change = before.map(|before| weight_change(before.arrays[index].1.view(), array.view()));
            self.push(name.clone(), kernel.is_some(), of_kernel.transpose()?, change.transpose()?, width);
        }
        let products =
            now.product.as_ref().map(|now| (now, before.and_then(|before| before.product.as_ref())));
        if let Some((now, before)) = products {
            let change = before.map(|before| weight_change(before.view(), now.view())).transpose()?;
            self.push(Weights::RECURRENT.to_owned(), false, None, change, width);
        }
        Ok(1 + now.arrays.len() + usize::from(products.is_some()))
    }

    fn push(
        &mut self,
        block: String,
        trained: bool,
        of_kernel: Option<[Option<f64>; 8]>,
        change: Option<WeightChange>,
        width: usize,
    ) {
        self.block.push(block);
        self.trained.push(trained);
        let ranks = change.as_ref().and_then(|change| change.ranks);
        let of_change = [
            change.as_ref().and_then(|change| change.relative),
            ranks.map(|ranks| ranks.effective_rank),
            ranks.map(|ranks| ranks.participation),
            change.as_ref().and_then(|change| change.stable_rank),
        ];
        let numbers = of_kernel.unwrap_or_default().into_iter().chain(of_change);
        self.numbers.iter_mut().zip(numbers).for_each(|(column, number)| column.push(number));
        self.singular_values.push(change.map(|change| {
            let mut values = change.singular_values;
            values.resize(width, 0.0);
            values
        }));
    }

    fn named(self) -> impl Iterator<Item = (String, Values)> {
        let before = [("block", Values::from(self.block)), ("trained", Values::from(self.trained))];
        let numbers = NUMBERS.into_iter().zip(self.numbers.into_iter().map(Values::from));
        let after = [("change_singular_values", Values::from(self.singular_values))];
        let all = before.into_iter().chain(numbers).chain(after);
        all.map(|(name, values)| (name.to_owned(), values))
    }
}

/// The kernels of labels.
struct Labels {
    same: Array2<f64>,
    /// +1 for the same class and -1 otherwise, if there are two classes.
    signed: Option<Array2<f64>>,
}

impl Labels {
    fn of(labels: &[u32]) -> Self {
        let same = label_kernel(labels);
        let classes: BTreeSet<&u32> = labels.iter().collect();
        let signed = (classes.len() == 2).then(|| same.mapv(|same| 2.0 * same - 1.0));
        Self { same, signed }
    }
}

/// A measure of two kernels.
type Measure = for<'a> fn(ArrayView2<'a, f64>, ArrayView2<'a, f64>) -> Result<Option<f64>>;

/// The measures of a kernel, in the order of their columns.
fn of_kernel(
    kernel: &Array2<f64>,
    before: Option<&Array2<f64>>,
    labels: Option<&Labels>,
) -> Result<[Option<f64>; 8]> {
    let view = kernel.view();
    let aligned = |measure: Measure, other: Option<&Array2<f64>>| {
        other.map_or(Ok(None), |other| measure(view, other.view()))
    };
    let same = labels.map(|labels| &labels.same);
    let (_, ranks) = kernel_spectrum(view)?;
    Ok([
        kernel.diag().mean(),
        aligned(kernel_alignment, same)?,
        aligned(centred_alignment, same)?,
        aligned(kernel_alignment, labels.and_then(|labels| labels.signed.as_ref()))?,
        aligned(kernel_distance, before)?,
        aligned(kernel_alignment, before)?,
        ranks.map(|ranks| ranks.effective_rank),
        ranks.map(|ranks| ranks.participation),
    ])
}
