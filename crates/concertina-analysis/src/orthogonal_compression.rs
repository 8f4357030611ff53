//! `orthogonal_compression`: how much training shrinks what the readout does not see.

use std::collections::BTreeMap;

use concertina_model::Checkpoint;
use concertina_model::network::Network;
use concertina_model::task::Trials;
use concertina_numerics::linalg::{Pca, centre, product, symmetric_eigen};
use concertina_numerics::statistics::mean;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use crate::numbers::{Precision, Rounding};
use crate::responses::{Responses, StateVariable, check_finite, labels};
use crate::state_measure::{StateMeasure, States};
use crate::{Error, Result, Subject, Timestep, Timesteps};

/// How much the part of the states orthogonal to the readout has shrunk since before training, at each
/// timestep.
///
/// A value below 1 means that training compresses what the task does not need. The states of a checkpoint are
/// compared with those of the untrained network at the same timestep. The untrained network is drawn again
/// from the parameters, so checkpoint 0 need not be requested.
///
/// The readout is the same for all rows. It is the mean of the readout weights over the requested checkpoints
/// of the last requested epoch (an epoch may be saved several times). A row therefore depends on the last
/// checkpoints requested as well as on its own. Include the end of training, or the readout is not the
/// trained one.
///
/// # Returns
/// The column `orthogonal_compression`, the mean over outputs, with one row per checkpoint and timestep. Null
/// where it is undefined for any output ([`orthogonal_compression`], [`compression_beside_class_means`]),
/// and, with `reference = "readout"`, at the input, timestep -1, which has no readout.
///
/// # Source
/// `farrell2022`. Differs in: the published code projects the initial states of the second class onto the
/// components of the trained states, so its value depends on arbitrary signs; and its variant over timesteps
/// fails for recurrent networks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OrthogonalCompression {
    /// Samples, spread evenly over the clusters; at least 2.
    pub samples: usize,
    /// The timesteps to analyse.
    pub timesteps: Timesteps,
    /// Continue the trials to this timestep, with zero input.
    pub extend_to: Option<Timestep>,
    /// The variable to analyse in place of the state of the units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateVariable>,
    /// The directions whose orthogonal complement is analysed.
    pub reference: Reference,
}

/// The directions whose orthogonal complement is analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// The readout weights: see [`orthogonal_compression`]. There are as many components as the input has
    /// dimensions.
    #[default]
    Readout,
    /// The differences of the class means of the states: see [`compression_beside_class_means`].
    ClassMeans,
}

impl Default for OrthogonalCompression {
    fn default() -> Self {
        Self {
            samples: 1000,
            timesteps: Timesteps::All,
            extend_to: None,
            state: None,
            reference: Reference::Readout,
        }
    }
}

impl StateMeasure for OrthogonalCompression {
    const NAME: &'static str = "orthogonal_compression";
    const VERSION: u32 = 2;
    const REFERENCES: &'static [&'static str] = &["farrell2022"];
    const COLUMNS: &'static [&'static str] = &["orthogonal_compression"];
    const LEAST_SAMPLES: usize = 2;
    const NEEDS_CLASSES: bool = true;
    const PER_CHECKPOINT: bool = false;

    fn states(&self) -> States<'_> {
        States {
            samples: self.samples,
            timesteps: &self.timesteps,
            extend_to: self.extend_to,
            state: self.state,
        }
    }

    fn measure(
        &self,
        subject: &Subject,
        samples: &Trials,
        timesteps: &[Timestep],
    ) -> Result<impl FnMut(&Responses, Timestep) -> Result<Vec<Option<f64>>>> {
        // Drawn only if it is not among the checkpoints: a network trained elsewhere cannot be drawn.
        let at_start = subject.checkpoints.iter().find(|(checkpoint, _)| *checkpoint == Checkpoint::START);
        let before = match at_start {
            Some((_, network)) => Responses::run(network, samples, timesteps, self.state)?,
            None => Responses::run(&Network::initial(subject.params)?, samples, timesteps, self.state)?,
        };
        let readout = match self.reference {
            Reference::Readout => last_readout(subject)?,
            Reference::ClassMeans => None,
        };
        let labels = labels(Self::NAME, samples)?;
        let components = subject.params.inputs();
        let mut earlier: BTreeMap<Timestep, Cloud> = BTreeMap::new(); // at timesteps that have a readout
        if self.reference == Reference::Readout {
            for &timestep in timesteps.iter().filter(|timestep| **timestep != Timestep::INPUT) {
                earlier.insert(timestep, Cloud::of(before.at(timestep)?, components)?);
            }
        }
        Ok(move |responses: &Responses, timestep| {
            let states = responses.at(timestep)?;
            let ratio = match (self.reference, &readout, earlier.get(&timestep)) {
                (Reference::ClassMeans, ..) => beside_class_means(states, before.at(timestep)?, &labels)?,
                (Reference::Readout, Some(readout), Some(earlier)) => {
                    let later = Cloud::of(states, components)?;
                    let ratios = beside_readout(&later, earlier, readout.view(), &labels);
                    ratios.into_iter().collect::<Option<Vec<f64>>>().and_then(|ratios| mean(&ratios))
                }
                (Reference::Readout, ..) => None,
            };
            Ok(vec![ratio])
        })
    }
}

/// The mean readout weights, (units, outputs), over the checkpoints in the last epoch; `None` without
/// checkpoints.
fn last_readout(subject: &Subject) -> Result<Option<Array2<f64>>> {
    let per_epoch = subject.params.updates_per_epoch();
    let epoch = |update: u64| update.div_ceil(per_epoch); // counted from 1; 0 before training
    let last = subject.checkpoints.iter().map(|(checkpoint, _)| epoch(checkpoint.update.0)).max();
    let Some(last) = last else { return Ok(None) };
    let of_last = subject.checkpoints.iter().filter(|(checkpoint, _)| epoch(checkpoint.update.0) == last);
    let readouts: Vec<Array2<f64>> =
        of_last.map(|(_, network)| Ok(network.readout()?.mapv(f64::from))).collect::<Result<_>>()?;
    let count = readouts.len() as f64;
    Ok(readouts.into_iter().reduce(|sum, readout| sum + readout).map(|sum| sum / count))
}

/// How much the part of a cloud of states orthogonal to the readout has shrunk, for each output.
///
/// The centred states of each cloud are projected onto the first principal components of that cloud: `c` are
/// the coordinates along `V`, and `c⁰` those along `V⁰`. With `P(v)` the projection that removes the part
/// along `v`, and `r` the readout vector of the output, the value is the mean of `‖c P(r V)‖ / ‖c⁰ P(r V⁰)‖`
/// over the samples of the output's class, or over all samples for a scalar output. A readout vector without
/// a part in the span of the components removes nothing. The analysis [`OrthogonalCompression`] returns the
/// mean over outputs. For two classes it is the published measure, and for more classes its natural
/// extension.
///
/// Components that consist only of rounding error are left out, unless as many components are requested as
/// there are units, since these span all of state space.
///
/// A mean of ratios is dominated by samples whose initial value is small. With two components the orthogonal
/// part is a single number, which is near zero for some samples. Use many samples, and several realisations.
///
/// # Shapes
/// `states`, `initial`: (samples, units), the same samples in both; `readout`: (units, outputs); `labels`:
/// (samples).
///
/// # Returns
/// One ratio per output, at least 0. `None` if the output's class has no sample, or if the initial state of
/// one of them has no orthogonal part: if that part is below 8 machine epsilons of the root mean square of
/// the initial states, with the epsilon of the precision in which they are given (or below 8 times its
/// smallest number in each unit).
///
/// # Errors
/// [`Error::TooFewSamples`] for fewer than 2 samples; [`Error::Shape`]; [`Error::NotFinite`] names the sample
/// and unit, or the unit and output, of the first NaN or infinite value.
///
/// # Source
/// `farrell2022`. Differs in: the initial states of every class are projected onto their own components.
pub fn orthogonal_compression<T: Precision>(
    states: ArrayView2<T>,
    initial: ArrayView2<T>,
    readout: ArrayView2<f64>,
    labels: &[u32],
    components: usize,
) -> Result<Vec<Option<f64>>> {
    check_clouds(states, initial, labels)?;
    if readout.nrows() != states.ncols() {
        let expected = format!("(units, outputs) = ({}, any)", states.ncols());
        return Err(Error::Shape { what: "readout", expected, found: readout.shape().to_vec() });
    }
    if let Some(((unit, output), value)) = readout.indexed_iter().find(|(_, value)| !value.is_finite()) {
        let place = format!("unit {unit}, output {output}");
        return Err(Error::NotFinite { what: "readout".to_owned(), place, value: *value });
    }
    let (later, earlier) = (Cloud::of(states, components)?, Cloud::of(initial, components)?);
    Ok(beside_readout(&later, &earlier, readout, labels))
}

/// How much the part of a cloud of states orthogonal to the differences of its class means has shrunk.
///
/// The mean over samples of `‖h P‖ / ‖h⁰ P‖`, with `P` the projection that removes the differences between
/// the class means of the later states: one direction for two classes, up to k - 1 directions for k classes.
/// The states are not centred, and all of their components count. Class means that differ only by the
/// rounding of the states (8 machine epsilons of their root mean square) count as equal, so that their
/// difference is not removed.
///
/// # Shapes, returns, errors
/// As [`orthogonal_compression`], but a single number, which is also `None` if there are fewer than two
/// classes.
///
/// # Source
/// `farrell2022`. Differs in: nothing for two classes.
pub fn compression_beside_class_means<T: Precision>(
    states: ArrayView2<T>,
    initial: ArrayView2<T>,
    labels: &[u32],
) -> Result<Option<f64>> {
    check_clouds(states, initial, labels)?;
    beside_class_means(states, initial, labels)
}

/// Checks that both clouds have at least two states each, all finite, of the same samples, and that there is
/// one label per sample.
fn check_clouds<T: Precision>(states: ArrayView2<T>, initial: ArrayView2<T>, labels: &[u32]) -> Result<()> {
    let (samples, units) = states.dim();
    if samples < 2 {
        let quantity = "orthogonal compression";
        return Err(Error::TooFewSamples { quantity, expected: 2, found: samples });
    }
    if initial.dim() != states.dim() {
        let expected = format!("(samples, units) = ({samples}, {units}), as the states");
        return Err(Error::Shape { what: "initial states", expected, found: initial.shape().to_vec() });
    }
    if labels.len() != samples {
        let expected = format!("(samples) = ({samples})");
        return Err(Error::Shape { what: "labels", expected, found: vec![labels.len()] });
    }
    check_finite(states, || "states".to_owned())?;
    check_finite(initial, || "initial states".to_owned())
}

/// A cloud of states along its first principal components.
struct Cloud {
    /// Centred, (samples, k).
    coordinates: Array2<f64>,
    /// Columns of length 1, (units, k); `None` if they span all of state space, where the axes serve just as
    /// well.
    components: Option<Array2<f64>>,
    /// The rounding error of the length of a state.
    rounding: f64,
}

impl Cloud {
    /// Projects at least two states onto at most `count` components, leaving out those without variance
    /// beyond rounding.
    fn of<T: Precision>(states: ArrayView2<T>, count: usize) -> Result<Self> {
        let (samples, units) = states.dim();
        let states = states.mapv(Into::into);
        let (_, centred) = centre(states.view());
        let of_rounding = Rounding::of_states::<T>(states.view());
        let rounding = of_rounding.length(units);
        if count >= units {
            return Ok(Self { coordinates: centred, components: None, rounding });
        }
        // Only the span matters, so the covariance is sufficient. It resolves about 1e-7 of the largest
        // singular value.
        let (variances, components) = symmetric_eigen(product(centred.t(), centred.view()).view())?;
        let unresolved = samples.max(units) as f64 * f64::EPSILON * variances[0];
        let negligible = unresolved.max(of_rounding.singular_value(samples, units).powi(2));
        let kept = variances.iter().take(count).filter(|variance| **variance > negligible).count();
        let components = components.slice_move(s![.., ..kept]); // (units, k)
        Ok(Self {
            coordinates: product(centred.view(), components.view()),
            components: Some(components),
            rounding,
        })
    }

    /// The length of each state minus its part along a vector in state space, (units) → (samples).
    fn lengths_beside(&self, vector: ArrayView1<f64>) -> Vec<f64> {
        let within = match &self.components {
            Some(components) => components.t().dot(&vector), // (k)
            None => vector.to_owned(),
        };
        let (length, whole) = (norm(&within), norm(vector));
        let is_there = length > vector.len() as f64 * f64::EPSILON * whole;
        let direction = if is_there { within / length } else { Array1::zeros(within.len()) };
        lengths_beside(self.coordinates.view(), direction.insert_axis(Axis(1)).view())
    }
}

/// For each output, the mean ratio over the samples of its class.
fn beside_readout(
    later: &Cloud,
    earlier: &Cloud,
    readout: ArrayView2<f64>,
    labels: &[u32],
) -> Vec<Option<f64>> {
    let scalar = readout.ncols() == 1;
    let of_output = |(output, vector): (u32, ArrayView1<f64>)| {
        let lengths = later.lengths_beside(vector).into_iter().zip(earlier.lengths_beside(vector));
        let own = lengths.zip(labels).filter(|(_, label)| scalar || **label == output);
        mean_ratio(own.map(|(lengths, _)| lengths), earlier.rounding)
    };
    (0..).zip(readout.columns()).map(of_output).collect()
}

/// See [`compression_beside_class_means`]. The states have been checked.
fn beside_class_means<T: Precision>(
    states: ArrayView2<T>,
    initial: ArrayView2<T>,
    labels: &[u32],
) -> Result<Option<f64>> {
    let (states, initial) = (states.mapv(Into::into), initial.mapv(Into::into));
    let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (sample, label) in labels.iter().enumerate() {
        members.entry(*label).or_default().push(sample);
    }
    if members.len() < 2 {
        return Ok(None);
    }
    let mut means: Array2<f64> = Array2::zeros((members.len(), states.ncols()));
    for (mut mean, samples) in means.rows_mut().into_iter().zip(members.values()) {
        samples.iter().for_each(|sample| mean += &states.row(*sample));
        mean /= samples.len() as f64;
    }
    let apart = Pca::fit(means.view(), means.nrows() - 1)?;
    let nothing = rounding_of_means::<T>(states.view());
    let kept = apart.singular_values.iter().filter(|distance| **distance > nothing).count();
    let differences = apart.components.slice(s![.., ..kept.min(apart.components.ncols())]); // (units, up to classes - 1)
    let later = lengths_beside(states.view(), differences);
    let earlier = lengths_beside(initial.view(), differences);
    let rounding = Rounding::of_states::<T>(initial.view()).length(initial.ncols());
    Ok(mean_ratio(later.into_iter().zip(earlier), rounding))
}

/// The largest distance between means of these states that rounding can cause, whether of the states or of
/// the sum over them.
fn rounding_of_means<T: Precision>(states: ArrayView2<f64>) -> f64 {
    let (samples, units) = states.dim();
    let of_sums = samples as f64 * f64::EPSILON * norm(states) / (samples as f64).sqrt();
    Rounding::of_states::<T>(states).length(units).max(of_sums)
}

/// The lengths of rows minus their parts along these directions, which are orthonormal or zero.
///
/// `rows`: (samples, k); `directions`: (k, any) → (samples).
fn lengths_beside(rows: ArrayView2<f64>, directions: ArrayView2<f64>) -> Vec<f64> {
    let along = product(rows, directions); // (samples, directions)
    let rest = &rows - &product(along.view(), directions.t()); // (samples, k)
    rest.outer_iter().map(norm).collect()
}

/// The mean ratio of later to earlier lengths; `None` if there are none, or if an earlier length is no more
/// than rounding.
fn mean_ratio(lengths: impl Iterator<Item = (f64, f64)>, rounding: f64) -> Option<f64> {
    let ratio = |(later, earlier): (f64, f64)| (earlier > rounding).then(|| later / earlier);
    mean(&lengths.map(ratio).collect::<Option<Vec<f64>>>()?)
}

fn norm<'a>(entries: impl IntoIterator<Item = &'a f64>) -> f64 {
    entries.into_iter().map(|entry| entry * entry).sum::<f64>().sqrt()
}
