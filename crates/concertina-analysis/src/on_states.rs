//! Analyses of states that are given, in place of those of a run's network.

use concertina_model::Checkpoint;
use concertina_table::{Table, Values};
use ndarray::{Array2, ArrayView2, Axis, stack};

use crate::numbers::Precision;
use crate::responses::check_finite;
use crate::*;

/// States that are analysed as they are, whatever they come from.
#[derive(Debug, Clone)]
pub struct GivenStates {
    /// The timesteps of the states, in increasing order; a single one for states without time.
    pub timesteps: Vec<Timestep>,
    /// The states at each timestep, (trials, units).
    pub states: StatesAt,
    /// The class of each trial, if known.
    pub classes: Option<Vec<u32>>,
    /// The condition of each trial, if known: a small number that groups trials, such as the cluster.
    pub conditions: Option<Vec<u32>>,
    /// What keys the random numbers of analyses that draw some.
    pub seed: u64,
}

/// States at each timestep, in the precision in which they were computed.
#[derive(Debug, Clone)]
pub enum StatesAt {
    /// In single precision, as those of networks.
    Single(Vec<Array2<f32>>),
    /// In double precision.
    Double(Vec<Array2<f64>>),
}

/// [`GivenStates`] at the timesteps that are analysed.
struct Given<'a, T> {
    all: &'a GivenStates,
    timesteps: Vec<Timestep>,
    states: Vec<ArrayView2<'a, T>>,
    /// The states at the first timestep of all.
    first: ArrayView2<'a, T>,
}

/// An analysis that needs nothing but states, and perhaps their classes and conditions.
trait OnStates: Analysis {
    /// The columns after `timestep`. The table has one row or several for each timestep.
    fn on_states<T: Precision>(&self, given: &Given<'_, T>) -> Result<Table>;

    /// The timesteps that the settings select.
    fn selected(&self) -> &Timesteps;
}

/// Implements everything that depends on the list of these analyses.
macro_rules! on_states {
    ($($name:ident: $analysis:ident,)*) => {
        impl AnalysisSpec {
            /// The analyses that [`AnalysisSpec::run_on_states`] can run, in the order of the documentation.
            pub const ON_STATES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// Analyses states that are given, all of them: `samples`, `extend_to` and `state` choose what a
            /// network is shown, and must be left out.
            ///
            /// # Returns
            /// The columns of the analysis from `timestep` on.
            ///
            /// # Errors
            /// [`Error::NotApplicable`] for an analysis that needs a network, and for states without what it
            /// needs; [`Error::Setting`] for settings that have no effect on given states;
            /// [`Error::Parameter`]; [`Error::GivenStates`] with [`Error::Shape`], [`Error::TooFewSamples`],
            /// or [`Error::NotFinite`], which names the first NaN or infinite state.
            pub fn run_on_states(&self, given: &GivenStates) -> Result<Table> {
                match self {
                    $(Self::$analysis(analysis) => run(self, analysis, given).map_err(of_given),)*
                    #[allow(unreachable_patterns, reason = "the list may become complete")]
                    other => Err(Error::NotApplicable {
                        analysis: other.name(),
                        subject: "states without their network".to_owned(),
                        reason: "it uses the weights, the outputs or the task of a run",
                        hint: "analyse the run itself; a network that was trained elsewhere can be imported as a run",
                    }),
                }
            }
        }
    };
}

// One line for each analysis that implements the trait below.
on_states! {
    effective_dimension: EffectiveDimension,
    pca_snapshots: PcaSnapshots,
    cluster_holdout: ClusterHoldout,
    saturation: Saturation,
    class_distances: ClassDistances,
    autocorrelation: Autocorrelation,
    representation_similarity: RepresentationSimilarity,
    intrinsic_dimension: IntrinsicDimension,
    decoding: Decoding,
    manifold_capacity: ManifoldCapacity,
}

/// Settings that say what a network is shown, and have no effect on states that are given.
const OF_TRIALS: [&str; 3] = ["samples", "extend_to", "state"];

/// What is wrong with states that were given has other remedies than states of a network.
fn of_given(error: Error) -> Error {
    match error {
        Error::Shape { .. } | Error::TooFewSamples { .. } | Error::NotFinite { .. } => {
            Error::GivenStates(Box::new(error))
        }
        other => other,
    }
}

fn run<A: OnStates>(spec: &AnalysisSpec, analysis: &A, given: &GivenStates) -> Result<Table> {
    let default = AnalysisSpec::named(spec.name())?;
    let [ours, defaults] =
        [spec, &default].map(|one| serde_json::to_value(one).unwrap_or(serde_json::Value::Null));
    if let Some(setting) = OF_TRIALS.iter().find(|setting| ours.get(setting) != defaults.get(setting)) {
        return Err(Error::Setting {
            analysis: spec.name().to_owned(),
            reason: format!("`{setting}` has no effect on states that are given: all of them are analysed"),
            hint: format!("leave out `{setting}`, and give only the states to be analysed"),
        });
    }
    given.check()?;
    match &given.states {
        StatesAt::Single(states) => on_selected(analysis, given, states),
        StatesAt::Double(states) => on_selected(analysis, given, states),
    }
}

fn on_selected<A: OnStates, T: Precision>(
    analysis: &A,
    all: &GivenStates,
    states: &[Array2<T>],
) -> Result<Table> {
    let wanted = match analysis.selected() {
        Timesteps::All => all.timesteps.clone(),
        Timesteps::Last => all.timesteps.last().copied().into_iter().collect(),
        Timesteps::These(these) => these.iter().copied().collect(),
    };
    let mut chosen = Vec::with_capacity(wanted.len());
    for timestep in &wanted {
        let Some(place) = all.timesteps.iter().position(|one| one == timestep) else {
            let last = all.timesteps.last().map_or(0, |last| last.0);
            let first = all.timesteps.first().map_or(0, |first| first.0);
            let expected = format!("timesteps of the states, from {first} to {last}");
            return crate::ranges::refuse(analysis.name(), "timesteps", expected, timestep);
        };
        let view = states[place].view();
        check_finite(view, || crate::responses::Responses::name_of(*timestep))?;
        chosen.push(view);
    }
    let first = states[0].view();
    analysis.on_states(&Given { all, timesteps: wanted, states: chosen, first })
}

impl GivenStates {
    fn check(&self) -> Result<()> {
        let shapes: Vec<(usize, usize)> = match &self.states {
            StatesAt::Single(states) => states.iter().map(Array2::dim).collect(),
            StatesAt::Double(states) => states.iter().map(Array2::dim).collect(),
        };
        let Some(&(trials, units)) = shapes.first() else {
            let expected = "states at one timestep or more".to_owned();
            return Err(Error::Shape { what: "states", expected, found: vec![0] });
        };
        if shapes.len() != self.timesteps.len() || shapes.iter().any(|shape| *shape != (trials, units)) {
            let expected =
                format!("{} timesteps of (trials, units) = ({trials}, {units})", self.timesteps.len());
            return Err(Error::Shape { what: "states", expected, found: vec![shapes.len(), trials, units] });
        }
        if trials == 0 || units == 0 {
            let expected = "(trials, units) with at least one of each".to_owned();
            return Err(Error::Shape { what: "states", expected, found: vec![trials, units] });
        }
        for (what, numbers) in [("classes", &self.classes), ("conditions", &self.conditions)] {
            if let Some(numbers) = numbers.as_ref().filter(|numbers| numbers.len() != trials) {
                let expected = format!("(trials) = ({trials}), one for each state");
                return Err(Error::Shape { what, expected, found: vec![numbers.len()] });
            }
        }
        Ok(())
    }
}

impl<T: Precision> Given<'_, T> {
    /// The classes, which the analysis needs.
    fn classes(&self, analysis: &'static str) -> Result<&[u32]> {
        self.all.classes.as_deref().ok_or_else(|| Error::NotApplicable {
            analysis,
            subject: "states without labels".to_owned(),
            reason: "it uses the class of each state",
            hint: "give an array `labels` with one whole number for each trial",
        })
    }

    /// The conditions, which the analysis needs for this reason.
    fn conditions(&self, analysis: &'static str, reason: &'static str) -> Result<&[u32]> {
        self.all.conditions.as_deref().ok_or_else(|| Error::NotApplicable {
            analysis,
            subject: "states without conditions".to_owned(),
            reason,
            hint: "give an array `conditions` with one whole number for each trial",
        })
    }

    /// A table with these columns, and a row for each timestep.
    fn table(&self, columns: impl IntoIterator<Item = (String, Values)>) -> Result<Table> {
        let timesteps: Vec<i64> = self.timesteps.iter().map(|timestep| timestep.0).collect();
        let timesteps = [("timestep".to_owned(), Values::from(timesteps))];
        Ok(Table::from_columns(timesteps.into_iter().chain(columns))?)
    }

    /// A table of numbers that are measured at each timestep.
    fn measured(
        &self,
        columns: &[&str],
        measure: impl Fn(ArrayView2<'_, T>) -> Result<Vec<Option<f64>>>,
    ) -> Result<Table> {
        let mut numbers = vec![Vec::new(); columns.len()];
        for states in &self.states {
            let row = measure(*states)?;
            numbers.iter_mut().zip(row).for_each(|(column, number)| column.push(number));
        }
        let named = columns.iter().map(|name| (*name).to_owned());
        self.table(named.zip(numbers.into_iter().map(Values::from)))
    }
}

/// The selection in a field of this name.
macro_rules! selected {
    () => {
        fn selected(&self) -> &Timesteps {
            &self.timesteps
        }
    };
}

impl OnStates for EffectiveDimension {
    selected!();

    fn on_states<T: Precision>(&self, given: &Given<'_, T>) -> Result<Table> {
        given.measured(&["effective_dimension"], |states| Ok(vec![effective_dimension(states)?]))
    }
}

/// The states are the rates.
impl OnStates for Saturation {
    selected!();

    fn on_states<T: Precision>(&self, given: &Given<'_, T>) -> Result<Table> {
        given.measured(&["saturation", "saturation_sd"], |states| {
            let Magnitudes { mean, standard_deviation } = saturation(states)?;
            Ok(vec![Some(mean), Some(standard_deviation)])
        })
    }
}

impl OnStates for ClassDistances {
    selected!();

    fn on_states<T: Precision>(&self, given: &Given<'_, T>) -> Result<Table> {
        let classes = given.classes("class_distances")?;
        given.measured(&["within_class_distance", "across_class_distance"], |states| {
            let Distances { within, across } = class_distances(states, classes)?;
            Ok(vec![within, across])
        })
    }
}

impl OnStates for Autocorrelation {
    selected!();

    fn on_states<T: Precision>(&self, given: &Given<'_, T>) -> Result<Table> {
        check_finite(given.first, || "states at the first timestep".to_owned())?;
        let mut found = Vec::with_capacity(given.states.len());
        for states in &given.states {
            let both = stack(Axis(1), &[given.first, *states]).expect("states of one shape");
            found.push(autocorrelation(both.view())?[1]);
        }
        let numbers = |of: fn(&Resemblance) -> Option<f64>| -> Values {
            found.iter().map(of).collect::<Vec<_>>().into()
        };
        let samples: Vec<i64> = found.iter().map(|one| one.samples as i64).collect();
        let columns = [
            ("autocorrelation", numbers(|one| one.mean)),
            ("autocorrelation_sd", numbers(|one| one.standard_deviation)),
            ("samples", Values::from(samples)),
        ];
        given.table(columns.map(|(name, values)| (name.to_owned(), values)))
    }
}

impl OnStates for ClusterHoldout {
    selected!();

    fn on_states<T: Precision>(&self, given: &Given<'_, T>) -> Result<Table> {
        let classes = given.classes(Self::NAME)?;
        let reason = "it trains a classifier on some conditions and tests it on the others";
        let conditions = given.conditions(Self::NAME, reason)?;
        let mut columns = cluster_holdout::Columns::default();
        for states in &given.states {
            columns.push(cluster_holdout(self, *states, classes, conditions, given.all.seed)?);
        }
        given.table(columns.named())
    }
}

impl OnStates for IntrinsicDimension {
    selected!();

    fn on_states<T: Precision>(&self, given: &Given<'_, T>) -> Result<Table> {
        let columns = Self::columns();
        given.measured(columns, |states| Ok(intrinsic_dimension(self, states)?.row()))
    }
}

/// Only between timesteps: there are no checkpoints.
impl OnStates for RepresentationSimilarity {
    selected!();

    fn on_states<T: Precision>(&self, given: &Given<'_, T>) -> Result<Table> {
        without_checkpoint(self.of_timesteps(&given.timesteps, &given.states)?)
    }
}

impl OnStates for Decoding {
    selected!();

    fn on_states<T: Precision>(&self, given: &Given<'_, T>) -> Result<Table> {
        let targets = match self.target {
            DecodingTarget::Class => given.classes("decoding")?,
            DecodingTarget::Condition => {
                given.conditions("decoding", "it predicts the condition of each state")?
            }
        };
        let states: Vec<Array2<f64>> = given.states.iter().map(|states| states.mapv(Into::into)).collect();
        without_checkpoint(self.of_states(&given.timesteps, &states, targets, given.all.seed)?)
    }
}

/// The rows of the readout are left out.
impl OnStates for PcaSnapshots {
    selected!();

    fn on_states<T: Precision>(&self, given: &Given<'_, T>) -> Result<Table> {
        let (classes, conditions) = (given.all.classes.as_deref(), given.all.conditions.as_deref());
        let at = |timestep: &Timestep| (Checkpoint::START, *timestep);
        let mut rows = pca_snapshots::Rows::new(self.components);
        let mut before = None;
        for (timestep, states) in given.timesteps.iter().zip(&given.states) {
            let snapshot = PcaSnapshot::of(*states, self.components, before.as_ref())?;
            rows.push_cloud(at(timestep), &snapshot, self.drawn, classes, conditions);
            rows.push_summary(at(timestep), &snapshot);
            before = Some(snapshot);
        }
        without_checkpoint(rows.into_table()?)
    }
}

impl OnStates for ManifoldCapacity {
    selected!();

    fn on_states<T: Precision>(&self, given: &Given<'_, T>) -> Result<Table> {
        self.check_directions()?;
        let members = match (self.manifolds, &given.all.conditions) {
            (Manifolds::Condition, Some(conditions)) => conditions,
            _ => given.classes(Self::NAME)?,
        };
        let mut whole: Option<Table> = None;
        for (timestep, states) in given.timesteps.iter().zip(&given.states) {
            let found = manifold_capacity(*states, members, self.directions, given.all.seed)?.table()?;
            let timesteps = Values::from(vec![timestep.0; found.row_count()]);
            let mut rows = Table::from_columns([("timestep", timesteps)])?;
            for (name, values) in found.columns() {
                rows.push_column(name, values.clone())?;
            }
            match &mut whole {
                Some(whole) => whole.append(&rows)?,
                None => whole = Some(rows),
            }
        }
        Ok(whole.unwrap_or_default())
    }
}

/// A table without the columns of a checkpoint, which states that are given do not have.
fn without_checkpoint(table: Table) -> Result<Table> {
    let names: Vec<&str> = table.column_names().filter(|name| !["epoch", "update"].contains(name)).collect();
    Ok(table.select(&names)?)
}
