//! The files of the pages, which are part of the program.

use hyper::StatusCode;

use crate::answer::{Answer, Refusal, Result, with_type};

macro_rules! assets {
    ($($name:literal: $media:literal,)*) => {
        /// Every file with its name and media type. The first is shown at the address itself.
        pub(crate) const ALL: &[(&str, &str, &[u8])] =
            &[$(($name, $media, include_bytes!(concat!("../assets/", $name)))),*];
    };
}

assets! {
    "index.html": "text/html; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "album.js": "text/javascript; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "chart.js": "text/javascript; charset=utf-8",
    "cloud.js": "text/javascript; charset=utf-8",
    "common.js": "text/javascript; charset=utf-8",
    "compare.js": "text/javascript; charset=utf-8",
    "controls.js": "text/javascript; charset=utf-8",
    "course.js": "text/javascript; charset=utf-8",
    "figures.js": "text/javascript; charset=utf-8",
    "filter.js": "text/javascript; charset=utf-8",
    "overview.js": "text/javascript; charset=utf-8",
    "parameters.js": "text/javascript; charset=utf-8",
    "playground.js": "text/javascript; charset=utf-8",
    "run.js": "text/javascript; charset=utf-8",
    "runs.js": "text/javascript; charset=utf-8",
    "stories.js": "text/javascript; charset=utf-8",
    "strip.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

/// A file by its name, which is compared as it is: no path is decoded or opened.
pub(crate) fn file(name: &str) -> Result<Answer> {
    let name = if name.is_empty() { "index.html" } else { name };
    let found = ALL.iter().find(|(known, ..)| *known == name);
    let (_, media, bytes) = found.ok_or_else(|| Refusal::not_found("the viewer has no such page"))?;
    Ok(with_type(StatusCode::OK, media, *bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_loads_anything_from_elsewhere() {
        for (name, _, bytes) in ALL {
            let text = std::str::from_utf8(bytes).expect("text");
            for found in text.match_indices("//").map(|(place, _)| &text[..place]) {
                let names_a_host = found.ends_with("http:") || found.ends_with("https:");
                let is_a_namespace = text[found.len()..].starts_with("//www.w3.org/");
                assert!(!names_a_host || is_a_namespace, "{name}: {}", &text[found.len()..][..40]);
            }
            for mark in [" from \"", "import(\""] {
                for (place, _) in text.match_indices(mark) {
                    let module = &text[place + mark.len()..];
                    assert!(
                        module.starts_with("./"),
                        "{name}: {}",
                        module.lines().next().unwrap_or_default()
                    );
                }
            }
        }
    }

    #[test]
    fn all_files_together_are_small() {
        let bytes: usize = ALL.iter().map(|(_, _, bytes)| bytes.len()).sum();
        assert!(bytes < 400_000, "{bytes} bytes, before they are zipped");
    }

    #[test]
    fn every_file_of_the_folder_is_part_of_the_program() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder exists")
            .map(|entry| entry.expect("readable").file_name().into_string().expect("plain letters"))
            .filter(|name| name != "jsconfig.json" && !name.ends_with(".d.ts"))
            .collect();
        let mut known: Vec<&str> = ALL.iter().map(|(name, ..)| *name).collect();
        found.sort();
        known.sort_unstable();
        assert_eq!(found, known);
    }
}
