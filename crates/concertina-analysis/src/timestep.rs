//! Timesteps of a trial, and the selection of timesteps for an analysis.

use std::collections::BTreeSet;
use std::fmt;

use concertina_model::params::{NetworkKind, ValidParams};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ranges::refuse;
use crate::{Error, Result};

/// A timestep of a trial: 0 is after the first step, and -1 is the input itself. In a feedforward network,
/// layers take the place of timesteps.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct Timestep(pub i64);

impl Timestep {
    /// The input itself, before the network has seen it.
    pub const INPUT: Self = Self(-1);

    /// The number of steps of the network that lead to it; none for the input.
    pub fn steps(self) -> usize {
        usize::try_from(self.0 + 1).unwrap_or_default()
    }
}

impl fmt::Display for Timestep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The timesteps to analyse: `"all"`, `"last"`, or a list such as `[-1, 0, 9]`.
///
/// A list is a set, so its order does not matter. It may extend past the end of the trial, in which case the
/// trial continues with zero input.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Timesteps {
    /// The input and every timestep of the trial, or up to `extend_to`.
    #[default]
    All,
    /// The last timestep of the trial, or `extend_to`.
    Last,
    /// The timesteps of a list.
    These(BTreeSet<Timestep>),
}

impl Timesteps {
    /// A list of timesteps.
    pub fn these(timesteps: impl IntoIterator<Item = i64>) -> Self {
        Self::These(timesteps.into_iter().map(Timestep).collect())
    }

    /// The timesteps, in increasing order, for networks with these parameters.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a timestep that does not exist, or an empty list; [`Error::NotApplicable`]
    /// for a timestep past the last layer of a feedforward network.
    pub(crate) fn resolve(
        &self,
        analysis: &'static str,
        extend_to: Option<Timestep>,
        params: &ValidParams,
    ) -> Result<Vec<Timestep>> {
        let end_of_trial = Timestep(params.trial_steps() as i64 - 1);
        let refuse = |parameter, expected: &str, found: String| {
            refuse(analysis, parameter, expected.to_owned(), found)
        };
        if let Some(extended) = extend_to {
            if matches!(self, Self::These(_)) {
                let found = format!("{extended} and a list of `timesteps`");
                return refuse("extend_to", "none, because a list of timesteps needs no end", found);
            }
            if !(end_of_trial..=LATEST).contains(&extended) {
                let expected = format!("a timestep from {end_of_trial}, the last of the trial, to {LATEST}");
                return refuse("extend_to", &expected, extended.to_string());
            }
        }
        let last = extend_to.unwrap_or(end_of_trial);
        let first = if params.has_stimulus() { Timestep::INPUT } else { Timestep(0) };
        let timesteps: Vec<Timestep> = match self {
            Self::All => (first.0..=last.0).map(Timestep).collect(),
            Self::Last => vec![last],
            Self::These(timesteps) => timesteps.iter().copied().collect(),
        };
        let (Some(&earliest), Some(&last)) = (timesteps.first(), timesteps.last()) else {
            return refuse("timesteps", "at least one timestep", "an empty list".to_owned());
        };
        for timestep in [earliest, last] {
            if !(first..=LATEST).contains(&timestep) {
                let expected = match params.has_stimulus() {
                    true => format!("timesteps from -1, the input, to {LATEST}"),
                    false => format!("timesteps from 0 to {LATEST}, as there is an input at every timestep"),
                };
                return refuse("timesteps", &expected, timestep.to_string());
            }
        }
        if last > end_of_trial && params.network.kind == NetworkKind::Feedforward {
            return Err(Error::NotApplicable {
                analysis,
                subject: format!(
                    "timestep {last} of a feedforward network of {} layers",
                    params.trial_steps()
                ),
                reason: "its timesteps are its layers, and there is none past the last",
                hint: "leave out `extend_to`, and choose timesteps below the number of layers",
            });
        }
        Ok(timesteps)
    }
}

/// The latest timestep that may be requested: at the paper's size, 1000 samples up to there take 8 GB
/// (otherwise arbitrary).
const LATEST: Timestep = Timestep(9_999);

/// `"all"` and `"last"`, or a list.
impl Serialize for Timesteps {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("all"),
            Self::Last => serializer.serialize_str("last"),
            Self::These(timesteps) => serializer.collect_seq(timesteps),
        }
    }
}

impl<'de> Deserialize<'de> for Timesteps {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Timesteps;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("`all`, `last` or a list of timesteps")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timesteps, E> {
                match text {
                    "all" => Ok(Timesteps::All),
                    "last" => Ok(Timesteps::Last),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Timesteps, A::Error> {
                let mut timesteps = BTreeSet::new();
                while let Some(timestep) = list.next_element()? {
                    timesteps.insert(timestep);
                }
                Ok(Timesteps::These(timesteps))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use concertina_model::params::Params;

    use super::*;

    fn resolve(timesteps: &Timesteps, extend_to: Option<i64>, kind: NetworkKind) -> Result<Vec<i64>> {
        let mut params = Params::default();
        params.task.delay = 4;
        params.network.kind = kind;
        let params = params.check()?;
        let resolved = timesteps.resolve("accuracy", extend_to.map(Timestep), &params)?;
        Ok(resolved.into_iter().map(|timestep| timestep.0).collect())
    }

    #[test]
    fn a_trial_of_four_steps_has_timesteps_from_minus_one_to_three() {
        let resolve =
            |timesteps, extend_to| resolve(&timesteps, extend_to, NetworkKind::Vanilla).expect("valid");
        assert_eq!(resolve(Timesteps::All, None), [-1, 0, 1, 2, 3]);
        assert_eq!(resolve(Timesteps::Last, None), [3]);
        assert_eq!(resolve(Timesteps::All, Some(5)), [-1, 0, 1, 2, 3, 4, 5]);
        assert_eq!(resolve(Timesteps::Last, Some(5)), [5]);
        assert_eq!(resolve(Timesteps::these([21, -1, 3, 3]), None), [-1, 3, 21]);
        assert_eq!(Timestep::INPUT.steps(), 0);
        assert_eq!(Timestep(3).steps(), 4);
    }

    #[test]
    fn timesteps_that_do_not_exist_are_refused() {
        let refused = |timesteps: &Timesteps, extend_to, kind| {
            resolve(timesteps, extend_to, kind).expect_err("refused").to_string()
        };
        use NetworkKind::{Feedforward, Vanilla};
        assert_eq!(
            refused(&Timesteps::All, Some(2), Vanilla),
            "`accuracy.extend_to`: expected a timestep from 3, the last of the trial, to 9999, found 2"
        );
        assert_eq!(
            refused(&Timesteps::these([-2, 0]), None, Vanilla),
            "`accuracy.timesteps`: expected timesteps from -1, the input, to 9999, found -2"
        );
        assert_eq!(
            refused(&Timesteps::these([]), None, Vanilla),
            "`accuracy.timesteps`: expected at least one timestep, found an empty list"
        );
        assert_eq!(
            refused(&Timesteps::these([1]), Some(5), Vanilla),
            "`accuracy.extend_to`: expected none, because a list of timesteps needs no end, found 5 and a list of `timesteps`"
        );
        for (timesteps, extend_to) in [(Timesteps::these([4]), None), (Timesteps::All, Some(4))] {
            assert_eq!(
                refused(&timesteps, extend_to, Feedforward),
                "`accuracy` does not apply to timestep 4 of a feedforward network of 4 layers: \
                 its timesteps are its layers, and there is none past the last"
            );
        }
    }

    #[test]
    fn a_selection_is_the_same_however_it_is_spelled() {
        let read = |text: &str| serde_json::from_str::<Timesteps>(text).expect("valid");
        assert_eq!(read("[3, -1, 3]"), read("[-1, 3]"));
        for selection in [Timesteps::All, Timesteps::Last, Timesteps::these([3, -1])] {
            let text = serde_json::to_string(&selection).expect("plain data");
            assert_eq!(read(&text), selection, "{text}");
        }
        let error = serde_json::from_str::<Timesteps>("\"first\"").expect_err("no such selection");
        assert!(error.to_string().contains("expected `all`, `last` or a list of timesteps"), "{error}");
    }
}
