//! Weights that come from elsewhere, by what they are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Error;

/// What the name of imported weights begins with: so no name reads as a number.
const PREFIX: &str = "imported-";

/// The name of weights that come from elsewhere: `imported-` and 32 hexadecimal digits, which are a hash of their bits.
///
/// A run of such weights is what was imported, and nothing else: they cannot be drawn, and are not trained.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImportedWeights([u8; 16]);

impl ImportedWeights {
    /// The name of weights with this hash.
    pub fn of(hash: [u8; 16]) -> Self {
        Self(hash)
    }
}

impl fmt::Display for ImportedWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ImportedWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImportedWeights({self})")
    }
}

impl FromStr for ImportedWeights {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parse = || {
            let digits = text.strip_prefix(PREFIX)?.as_bytes();
            let mut hash = [0; 16];
            if digits.len() != 2 * hash.len() {
                return None;
            }
            for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
                let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
                *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
            }
            Some(Self(hash))
        };
        parse().ok_or_else(|| Error::Parameter {
            parameter: "network.weights".to_owned(),
            expected: super::Kind::Imported.to_string(),
            found: format!("`{text}`"),
            hint: None,
        })
    }
}

impl Serialize for ImportedWeights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ImportedWeights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
