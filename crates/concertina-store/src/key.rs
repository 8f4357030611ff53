//! Names derived from content: keys of runs and of memoised analyses.

use std::fmt;
use std::str::FromStr;

use crate::{CheckpointId, Error, Result};

macro_rules! key {
    ($(#[$docs:meta])* $name:ident of $bytes:literal bytes) => {
        $(#[$docs])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Its bytes.
            pub fn bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// The first 12 hexadecimal digits, which are enough for people.
            pub fn short(&self) -> String {
                self.to_string()[..12].to_owned()
            }

        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// Reads two hexadecimal digits per byte, in lower case.
            fn from_str(text: &str) -> Result<Self> {
                let wrong = || Error::Key { found: text.chars().take(80).collect() };
                let digit = |byte: u8| match byte {
                    b'0'..=b'9' => Ok(byte - b'0'),
                    b'a'..=b'f' => Ok(byte - b'a' + 10),
                    _ => Err(wrong()),
                };
                if text.len() != 2 * $bytes {
                    return Err(wrong());
                }
                let mut bytes = [0; $bytes];
                for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                    *byte = digit(pair[0])? << 4 | digit(pair[1])?;
                }
                Ok(Self(bytes))
            }
        }
    };
}

key! {
    /// The name of a run: 256 bits over its parameters in canonical form.
    RunKey of 32 bytes
}

key! {
    /// The name of a memoised result: 256 bits over run, checkpoints, analysis, its version and its
    /// parameters.
    MemoKey of 32 bytes
}

key! {
    /// The name of trials that were made elsewhere: 128 bits over their content, given by the caller.
    TrialsKey of 16 bytes
}

impl RunKey {
    /// The first two hexadecimal digits, which name the folder above.
    pub(crate) fn shard(&self) -> String {
        format!("{:02x}", self.0[0])
    }
}

impl MemoKey {
    /// The first two hexadecimal digits, which name the folder above.
    pub(crate) fn shard(&self) -> String {
        format!("{:02x}", self.0[0])
    }
}

impl RunKey {
    /// The BLAKE3 hash of the parameters in canonical form.
    pub fn of(canonical: &str) -> Self {
        Self(*blake3::hash(canonical.as_bytes()).as_bytes())
    }
}

impl MemoKey {
    /// The key of one analysis of some checkpoints of one run.
    ///
    /// The key is the BLAKE3 hash of `concertina memo 1` followed by these parts, each preceded by its length
    /// in 8 little-endian bytes: the run's 32 bytes; the checkpoints in the order given, as text joined with
    /// commas; the analysis' name; its version as decimal text; its parameters. `parameters_json` is hashed
    /// as it is, so callers must give the same text for the same parameters.
    pub fn of(
        run: &RunKey,
        checkpoints: &[CheckpointId],
        analysis: &str,
        version: u32,
        parameters_json: &str,
    ) -> Self {
        let checkpoints: Vec<_> = checkpoints.iter().map(ToString::to_string).collect();
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"concertina memo 1");
        for part in [
            run.0.as_slice(),
            checkpoints.join(",").as_bytes(),
            analysis.as_bytes(),
            version.to_string().as_bytes(),
            parameters_json.as_bytes(),
        ] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
        Self(*hasher.finalize().as_bytes())
    }
}

/// A memoised result: its key, and a description of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memo {
    key: MemoKey,
    about: String,
}

impl Memo {
    /// One analysis of some checkpoints of one run, keyed as [`MemoKey::of`] says.
    ///
    /// Without checkpoints, it covers all checkpoints for which it has rows.
    pub fn of(
        run: &RunKey,
        checkpoints: &[CheckpointId],
        analysis: &str,
        version: u32,
        parameters_json: &str,
    ) -> Self {
        let key = MemoKey::of(run, checkpoints, analysis, version, parameters_json);
        Self { key, about: format!("{analysis} {version} of run {run}") }
    }

    /// The result with the description that was read from its file.
    pub(crate) fn read(key: MemoKey, about: &str) -> Self {
        Self { key, about: about.to_owned() }
    }

    /// Its name in the store.
    pub fn key(&self) -> &MemoKey {
        &self.key
    }

    /// The label that is written into the file, so that a file in the wrong place is found and its content
    /// can be identified.
    pub(crate) fn label(&self) -> String {
        format!("memo {}: {}", self.key, self.about)
    }
}
