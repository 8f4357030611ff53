//! Which checkpoints are kept: `train.saves_per_epoch`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How often a checkpoint is kept: several times per epoch, or once every few epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SaveRate {
    /// This many times per epoch, evenly spaced in updates, the last at the end of the epoch; 0 is never.
    PerEpoch(u64),
    /// At the end of every epoch whose number is a multiple of this (at least 2). Written as 1/k.
    EveryEpochs(u64),
}

/// Which checkpoints are kept. The first and the last always are.
///
/// Written as a number (`1`, `10`), a fraction (`0.25`, or `"1/4"`), or a list with one entry per epoch (`[2,
/// 1, 0.5]`). A single rate means the same as a list that repeats it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SavesPerEpoch {
    /// The same rate in every epoch.
    Same(SaveRate),
    /// A rate for every epoch: the first entry is the first epoch's.
    Each(Vec<SaveRate>),
}

impl Default for SavesPerEpoch {
    fn default() -> Self {
        Self::Same(SaveRate::PerEpoch(1))
    }
}

impl SaveRate {
    /// The rate as a number: `k`, or `1/k`.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::PerEpoch(times) => times as f64,
            Self::EveryEpochs(epochs) => 1.0 / epochs as f64,
        }
    }

    /// The rate for a number; `None` unless it is whole or, within 2%, one over a whole number.
    ///
    /// The published code rounds `1 / number` in any case. A tolerance of 2% accepts 0.33 as a third and
    /// refuses 0.3.
    pub fn from_f64(number: f64) -> Option<Self> {
        const LIMIT: f64 = 1e9; // as for every count: sums and products of counts stay exact
        if !(0.0..=LIMIT).contains(&number) {
            return None;
        }
        if number.fract() == 0.0 {
            return Some(Self::PerEpoch(number as u64));
        }
        let epochs = (1.0 / number).round();
        let near = (number * epochs - 1.0).abs() <= 0.02;
        (near && (2.0..=LIMIT).contains(&epochs)).then_some(Self::EveryEpochs(epochs as u64))
    }
}

/// The numbers as they are written in a file.
#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    Number(f64),
    List(Vec<f64>),
}

impl Serialize for SavesPerEpoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = |rate: SaveRate| rate.as_f64();
        match self {
            Self::Same(SaveRate::PerEpoch(times)) => serializer.serialize_u64(*times),
            Self::Same(rate) => serializer.serialize_f64(number(*rate)),
            Self::Each(rates) => serializer.collect_seq(rates.iter().copied().map(number)),
        }
    }
}

impl<'de> Deserialize<'de> for SavesPerEpoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rate = |number: f64| {
            SaveRate::from_f64(number).ok_or_else(|| {
                serde::de::Error::custom(format!(
                    "expected a whole number or one over a whole number, found {number}"
                ))
            })
        };
        match Raw::deserialize(deserializer)? {
            Raw::Number(number) => rate(number).map(Self::Same),
            Raw::List(numbers) => numbers.into_iter().map(rate).collect::<Result<_, _>>().map(Self::Each),
        }
    }
}
