//! Figures and reports that were drawn from the store.

use std::path::Path;
use std::time::UNIX_EPOCH;

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal, Result, to_save, with_type};

/// The endings that are listed, and their media types.
const ENDINGS: [(&str, &str); 6] = [
    ("svg", "image/svg+xml"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("csv", "text/csv"),
    ("json", "application/json"),
    ("html", "text/html"),
];
/// Larger files are for other programs.
const LARGEST: u64 = 64 << 20;

fn media(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, media)| *media)
}

/// The files in the folder itself, sorted by name, with their sizes and times. Links are left out.
fn names(folder: &Path) -> Vec<(String, u64, u64)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut all: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok().filter(|name| media(name).is_some())?;
            let data = entry.metadata().ok()?;
            let changed = data.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            Some((name, data.len(), changed))
        })
        .collect();
    all.sort();
    all
}

/// What was drawn, and the report if there is one.
pub(crate) fn list(folder: &Path) -> Value {
    let files: Vec<Value> = names(folder)
        .into_iter()
        .map(|(name, bytes, changed)| json!({ "name": name, "bytes": bytes, "changed": changed }))
        .collect();
    let report = std::fs::read(folder.join("report.json")).ok();
    let report: Option<Value> = report.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let shown = std::path::absolute(folder);
    json!({
        "folder": shown.as_deref().unwrap_or(folder).display().to_string(),
        "files": files,
        "report": report,
    })
}

/// One of the files. Only names that the folder has are read, so no path leads elsewhere. A page is saved and
/// not shown: it must not run beside this one.
pub(crate) fn file(folder: &Path, name: &str, save: bool) -> Result<Answer> {
    let not_found = || Refusal::not_found("the folder of figures has no such file");
    let (found, bytes, _) =
        names(folder).into_iter().find(|(known, ..)| known == name).ok_or_else(not_found)?;
    if bytes > LARGEST {
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the file is too large to be shown here"));
    }
    let content = std::fs::read(folder.join(&found)).map_err(|_| not_found())?;
    let media = media(&found).ok_or_else(not_found)?;
    let answer = with_type(StatusCode::OK, media, content);
    Ok(if save || media == "text/html" { to_save(answer) } else { answer })
}
