//! The program itself, as `CITATION.cff` names it.

/// What to cite for the program: read here, so that there is one place to change.
const CITATION: &str = include_str!("../../../../CITATION.cff");

/// BibTeX for the program: version, year, address and, once it has one, the identifier of its archive.
pub(super) fn entry() -> String {
    let citation = Citation(CITATION);
    let version = env!("CARGO_PKG_VERSION");
    let fields = [
        ("author", Some(citation.authors().join(" and "))),
        ("title", citation.field("title").map(|title| format!("{{{title}}}"))),
        ("version", Some(version.to_owned())),
        ("year", citation.field("date-released").map(|date| date.chars().take(4).collect())),
        ("license", Some(env!("CARGO_PKG_LICENSE").to_owned())),
        ("url", Some(env!("CARGO_PKG_REPOSITORY").to_owned())),
        ("doi", citation.field("doi").map(str::to_owned)),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let lines: Vec<String> = fields.map(|(name, value)| format!("  {name:<7} = {{{value}}}")).collect();
    format!("@software{{concertina,\n{}\n}}", lines.join(",\n"))
}

/// A text in the Citation File Format, of which only what this repository's file uses is read: one value per
/// line, and authors in block style.
struct Citation<'a>(&'a str);

impl<'a> Citation<'a> {
    /// The value of a key at the top level.
    fn field(&self, name: &str) -> Option<&'a str> {
        self.0.lines().find_map(|line| value(line, name))
    }

    /// The authors, as BibTeX has them: entities in braces, persons by family name.
    fn authors(&self) -> Vec<String> {
        let block = self.0.lines().skip_while(|line| *line != "authors:").skip(1);
        let mut authors: Vec<Vec<&str>> = Vec::new();
        for line in block.take_while(|line| line.starts_with([' ', '-'])) {
            let line = line.trim_start();
            if let Some(first) = line.strip_prefix("- ") {
                authors.push(vec![first.trim_start()]);
            } else if let Some(author) = authors.last_mut() {
                author.push(line);
            }
        }
        let name = |author: Vec<&str>| {
            let part = |name: &str| author.iter().find_map(|line| value(line, name));
            match (part("name"), part("family-names"), part("given-names")) {
                (Some(entity), ..) => Some(format!("{{{entity}}}")),
                (None, Some(family), Some(given)) => Some(format!("{family}, {given}")),
                (None, family, given) => family.or(given).map(str::to_owned),
            }
        };
        authors.into_iter().filter_map(name).collect()
    }
}

/// The value in a line `name: value`, without quotes.
fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let value = line.strip_prefix(name)?.strip_prefix(':')?.trim();
    let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let unquoted = unquoted.or_else(|| value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')));
    Some(unquoted.unwrap_or(value)).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{CITATION, Citation, entry};

    #[test]
    fn the_entry_and_the_citation_file_agree() {
        let (entry, citation) = (entry(), Citation(CITATION));
        assert_eq!(citation.field("version"), Some(env!("CARGO_PKG_VERSION")));
        for name in ["title", "version", "doi"] {
            if let Some(value) = citation.field(name) {
                assert!(entry.contains(value), "{name}: {entry}");
            }
        }
        assert!(!citation.authors().is_empty() && entry.contains(&citation.authors().join(" and ")));
        let year = citation.field("date-released").and_then(|date| date.split('-').next());
        assert_eq!(entry.contains("year"), year.is_some());
        assert!(year.is_none_or(|year| entry.contains(&format!("year    = {{{year}}}"))), "{entry}");
        for address in ["repository-code", "url"].into_iter().filter_map(|name| citation.field(name)) {
            assert_eq!(address, env!("CARGO_PKG_REPOSITORY"));
        }
        assert_eq!(entry.contains("doi"), citation.field("doi").is_some(), "no identifier is made up");
    }

    #[test]
    fn persons_entities_and_quotes_are_read() {
        let citation = Citation(
            "title: 'A: b'\nauthors:\n  - family-names: Lovelace\n    given-names: Ada\n  - name: \"The others\"\ndoi: 10.1/x\n",
        );
        assert_eq!(citation.field("title"), Some("A: b"));
        assert_eq!(citation.field("doi"), Some("10.1/x"));
        assert_eq!(citation.field("name"), None);
        assert_eq!(citation.authors(), ["Lovelace, Ada", "{The others}"]);
    }
}
