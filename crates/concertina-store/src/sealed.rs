//! Text and JSON that contain a checksum, so that a changed file is found.

use std::fs::File;
use std::io::Read;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::damage::Damage;

/// The largest size of a sealed file in bytes: 2^24. Arbitrary, because parameters and provenance take a few
/// thousand.
const MAX_BYTES: u64 = 1 << 24;
/// The beginning of a sealed text's last line: a comment in TOML.
const SEAL: &str = "# blake3 ";

/// Reads a whole file, if it has at most `limit` bytes.
pub(crate) fn read_all(mut file: File, length: u64, limit: u64) -> Result<Vec<u8>, Damage> {
    if length > limit {
        return Err(Damage::content(format!("expected at most {limit} bytes, found {length}")));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.by_ref().take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn hash(subject: &str, text: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(subject.len() as u64).to_le_bytes()).update(subject.as_bytes()).update(text.as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// The text, terminated by a newline, and a comment line `# blake3 <hash>` with the hash of subject and text.
pub(crate) fn seal_text(subject: &str, text: &str) -> Vec<u8> {
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let text = format!("{text}{end}");
    let hash = hash(subject, &text);
    format!("{text}{SEAL}{hash}\n").into_bytes()
}

/// The text without the last line, after checking the hash.
pub(crate) fn unseal_text(subject: &str, file: File, length: u64) -> Result<String, Damage> {
    let bytes = read_all(file, length, MAX_BYTES)?;
    let mut text = String::from_utf8(bytes).map_err(|_| Damage::content("not utf-8"))?;
    let start = text.rfind(SEAL).ok_or_else(|| Damage::content("no checksum"))?;
    let seal = text.split_off(start);
    let found = hash(subject, &text);
    if seal != format!("{SEAL}{found}\n") {
        return Err(Damage::content(format!(
            "expected checksum {}, found {found}",
            seal[SEAL.len()..].trim_end()
        )));
    }
    Ok(text)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedJson {
    blake3: String,
    subject: String,
    value: Value,
}

/// The value in an object with subject and checksum, on several lines for people.
pub(crate) fn seal_json(subject: &str, value: &Value) -> Vec<u8> {
    let sealed = SealedJson {
        blake3: hash(subject, &value.to_string()),
        subject: subject.to_owned(),
        value: value.clone(),
    };
    let mut bytes = serde_json::to_vec_pretty(&sealed).expect("a value is always json");
    bytes.push(b'\n');
    bytes
}

/// The value that was sealed for this subject.
pub(crate) fn unseal_json(subject: &str, file: File, length: u64) -> Result<Value, Damage> {
    let bytes = read_all(file, length, MAX_BYTES)?;
    let sealed: SealedJson =
        serde_json::from_slice(&bytes).map_err(|error| Damage::content(format!("json: {error}")))?;
    if sealed.subject != subject {
        return Err(Damage::content(format!("expected `{subject}`, found `{}`", sealed.subject)));
    }
    // The bytes are those that would be written, including the checksum, so no byte can have changed.
    if seal_json(subject, &sealed.value) != bytes {
        return Err(Damage::content("not as it was written"));
    }
    Ok(sealed.value)
}
