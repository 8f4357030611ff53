//! Names of imported content. A name is a prefix, which keeps it from being read as a number, and a hash of
//! the content.

use std::fmt;

/// A hash of 16 bytes.
pub(super) type Hash = [u8; 16];

/// Writes the prefix and 32 hexadecimal digits.
pub(super) fn write(f: &mut fmt::Formatter<'_>, prefix: &str, hash: &Hash) -> fmt::Result {
    f.write_str(prefix)?;
    hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// The hash in a name with this prefix; `None` if the text is not such a name. Digits must be lower case, so
/// that content has only one name.
pub(super) fn read(text: &str, prefix: &str) -> Option<Hash> {
    let digits = text.strip_prefix(prefix)?.as_bytes();
    let mut hash = Hash::default();
    if digits.len() != 2 * hash.len() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |byte: u8| char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
        *byte = (digit(pair[0])? << 4 | digit(pair[1])?) as u8;
    }
    Some(hash)
}

const TRIALS: &str = "trials-";

/// The name of imported trials: `trials-` and 32 hexadecimal digits, a hash of their content. It is part of
/// the key of a run, in place of the file that the trials came from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrialsName(Hash);

impl TrialsName {
    /// The name of trials with this hash.
    pub(crate) fn of(hash: Hash) -> Self {
        Self(hash)
    }

    /// The hexadecimal digits of the hash.
    pub fn digits(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads a name; `None` if the text is something else, such as the path of a file.
    pub fn parse(text: &str) -> Option<Self> {
        read(text, TRIALS).map(Self)
    }
}

impl fmt::Display for TrialsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, TRIALS, &self.0)
    }
}

impl fmt::Debug for TrialsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrialsName({self})")
    }
}
