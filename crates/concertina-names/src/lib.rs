//! Suggestions for misspelt names: the nearest known name, and hints that suggest it.

/// The least similarity at which a known name is suggested. It is arbitrary: `gian` suggests `gain` (0.75),
/// `afer` suggests `after` (0.8), and `lr` suggests nothing.
const NEAR: f64 = 0.6;

/// The longest name, in characters, that is compared with others. No known name is half as long, and
/// comparing takes time and memory proportional to the product of both lengths.
const LONGEST: usize = 100;

/// The known name that is most similar to `name`, if any is similar enough. Upper and lower case do not
/// matter.
///
/// ```
/// use concertina_names::nearest;
/// assert_eq!(nearest("lyapunow", ["accuracy", "lyapunov"]), Some("lyapunov"));
/// assert_eq!(nearest("xyz", ["accuracy", "lyapunov"]), None);
/// ```
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_ascii_lowercase();
    let length = name.chars().take(LONGEST + 1).count();
    if length > LONGEST {
        return None;
    }
    let mut best: Option<(f64, &str)> = None;
    for candidate in known {
        // The ratio of the lengths is an upper bound on the similarity.
        let other = candidate.chars().take(LONGEST + 1).count();
        if other > LONGEST || (length.min(other) as f64) < NEAR * length.max(other) as f64 {
            continue;
        }
        let likeness = strsim::normalized_damerau_levenshtein(&name, &candidate.to_ascii_lowercase());
        // Among equally similar names the first is taken, so that the answer is well defined.
        if likeness >= NEAR && best.is_none_or(|(known, _)| likeness > known) {
            best = Some((likeness, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// ``did you mean `x`?``, or, if no name is near, all known names after a word: ``available: `x`, `y` ``.
pub fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone, word: &str) -> String {
    match nearest(name, known.clone()) {
        Some(found) => format!("did you mean `{found}`?"),
        None => format!("{word} {}", quoted(known)),
    }
}

/// Names in backticks, separated by commas.
pub fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_names_are_found_and_others_are_not() {
        assert_eq!(nearest("gian", ["gain", "units"]), Some("gain"));
        assert_eq!(nearest("GAIN", ["gain", "units"]), Some("gain"));
        assert_eq!(nearest("zebra", ["gain", "units"]), None);
        assert_eq!(nearest("", ["gain"]), None);
        assert_eq!(suggestion("unit", ["gain", "units"], "known:"), "did you mean `units`?");
        assert_eq!(suggestion("zebra", ["gain", "units"], "known:"), "known: `gain`, `units`");
    }

    #[test]
    fn long_names_are_not_compared() {
        let long = "a".repeat(1_000_000);
        assert_eq!(nearest(&long, ["gain", &long]), None);
        assert_eq!(nearest(&long, ["gain"]), None);
        assert_eq!(nearest("gain", [long.as_str()]), None);
    }
}
