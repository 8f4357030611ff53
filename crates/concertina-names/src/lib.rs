//! Names as people misspell them: the nearest known one, and hints that say so.

/// Likeness from which a name may be what was meant. Arbitrary: `gian` is `gain` (0.75), `afer` is `after`
/// (0.8), `lr` is nothing.
const NEAR: f64 = 0.6;

/// Longest name, in characters, that is compared with others: no name is half as long, and comparing takes
/// time and room of both lengths' product.
const LONGEST: usize = 100;

/// The known name most like `name`, if any is near enough; upper and lower case do not matter.
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
        // As unlike as their lengths are, at least.
        let other = candidate.chars().take(LONGEST + 1).count();
        if other > LONGEST || (length.min(other) as f64) < NEAR * length.max(other) as f64 {
            continue;
        }
        let likeness = strsim::normalized_damerau_levenshtein(&name, &candidate.to_ascii_lowercase());
        // The first of the best, so that the answer does not depend on how ties are broken.
        if likeness >= NEAR && best.is_none_or(|(known, _)| likeness > known) {
            best = Some((likeness, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// ``did you mean `x`?``, or all that are known, after a word: ``available: `x`, `y` ``.
pub fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone, word: &str) -> String {
    match nearest(name, known.clone()) {
        Some(found) => format!("did you mean `{found}`?"),
        None => format!("{word} {}", quoted(known)),
    }
}

/// Names in backticks with commas.
pub fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_strangers_are_not() {
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
