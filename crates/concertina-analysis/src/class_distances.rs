//! `class_distances`: how far states of the same class and of different classes lie apart.

use concertina_model::task::Trials;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::numbers::{Precision, one_over_largest};
use crate::pairs::each_pair;
use crate::responses::{Responses, StateVariable, check_finite, labels};
use crate::state_measure::{StateMeasure, States};
use crate::{Error, Result, Subject, Timestep, Timesteps};

/// Mean distances within classes and between classes, at each timestep: see [`class_distances`].
///
/// # Returns  The columns `within_class_distance` and `across_class_distance`, with one row per checkpoint
/// and timestep; null where no such pair exists.
/// # Source   `farrell2022`. Differs in: the published code uses only classes 0 and 1, whereas here all
/// classes count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClassDistances {
    /// Samples, spread evenly over the clusters; at least 2.
    pub samples: usize,
    /// The timesteps to analyse.
    pub timesteps: Timesteps,
    /// Continue the trials to this timestep, with zero input.
    pub extend_to: Option<Timestep>,
    /// The variable to analyse in place of the state of the units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<StateVariable>,
}

impl Default for ClassDistances {
    fn default() -> Self {
        Self { samples: 1000, timesteps: Timesteps::All, extend_to: None, state: None }
    }
}

impl StateMeasure for ClassDistances {
    const NAME: &'static str = "class_distances";
    const VERSION: u32 = 1;
    const REFERENCES: &'static [&'static str] = &["farrell2022"];
    const COLUMNS: &'static [&'static str] = &["within_class_distance", "across_class_distance"];
    const LEAST_SAMPLES: usize = 2;
    const NEEDS_CLASSES: bool = true;

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
        _: &Subject,
        samples: &Trials,
        _: &[Timestep],
    ) -> Result<impl FnMut(&Responses, Timestep) -> Result<Vec<Option<f64>>>> {
        let labels = labels(Self::NAME, samples)?;
        Ok(move |responses: &Responses, timestep| {
            let Distances { within, across } = mean_distances(responses.at(timestep)?, &labels);
            Ok(vec![within, across])
        })
    }
}

/// Mean Euclidean distances between states.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distances {
    /// Over all pairs of the same class, with the pairs of all classes pooled; `None` without such a pair.
    pub within: Option<f64>,
    /// Over all pairs of different classes; `None` without such a pair.
    pub across: Option<f64>,
}

/// Mean Euclidean distances between states of the same class, and between states of different classes.
///
/// The means are over all pairs. Each distance is computed from the differences themselves, in f64, and not
/// from a matrix product (`a² - 2ab + b²`), in which a narrow cloud far from the origin would lose its
/// digits. Both means are invariant under rotations and shifts of the cloud and under the order of its
/// samples. They scale with the cloud, and grow with the square root of the number of units.
///
/// # Shapes
/// `states`: (samples, units); `labels`: (samples).
///
/// # Errors
/// [`Error::Shape`] unless there is one label per sample; [`Error::NotFinite`] names the sample and unit of
/// the first NaN or infinite value.
///
/// # Source
/// `farrell2022`. Differs in: nothing for two classes.
///
/// # Example
/// A square whose opposite corners belong to the same class:
/// ```
/// use concertina_analysis::class_distances;
/// use ndarray::arr2;
///
/// let square = arr2(&[[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]);
/// let found = class_distances(square.view(), &[0, 1, 0, 1])?;
/// assert_eq!((found.within, found.across), (Some(2.0_f64.sqrt()), Some(1.0)));
/// # Ok::<(), concertina_analysis::Error>(())
/// ```
pub fn class_distances<T: Precision>(states: ArrayView2<T>, labels: &[u32]) -> Result<Distances> {
    if labels.len() != states.nrows() {
        let expected = format!("(samples) = ({})", states.nrows());
        return Err(Error::Shape { what: "labels", expected, found: vec![labels.len()] });
    }
    check_finite(states, || "states".to_owned())?;
    Ok(mean_distances(states, labels))
}

/// The mean distances of finite states, each with a label.
fn mean_distances<T: Precision>(states: ArrayView2<T>, labels: &[u32]) -> Distances {
    // Near 1, squares neither overflow nor underflow, and scaling by a power of two is exact.
    let scale = one_over_largest(states).unwrap_or(1.0);
    let mut totals = [Total::default(); 2]; // of different classes, of the same class
    each_pair(states, scale, |sample, other, square| {
        totals[usize::from(labels[sample] == labels[other])].add(square.sqrt());
    });
    let [across, within] = totals.map(|total| total.mean().map(|mean| mean / scale));
    Distances { within, across }
}

/// The sum of some distances, and their number.
#[derive(Debug, Clone, Copy, Default)]
struct Total {
    distance: f64,
    pairs: u64,
}

impl Total {
    fn add(&mut self, distance: f64) {
        self.distance += distance;
        self.pairs += 1;
    }

    fn mean(self) -> Option<f64> {
        (self.pairs > 0).then(|| self.distance / self.pairs as f64)
    }
}
