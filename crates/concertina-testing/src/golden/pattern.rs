//! Patterns of array names, with `*` for any run of characters.

/// Whether `name` matches `pattern`, where `*` matches any run of characters, including none.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_matches_any_run_of_characters() {
        for (pattern, name) in
            [("*", ""), ("*", "a.b"), ("a", "a"), ("*.X", "rnn.X"), ("a*c*", "abcd"), ("*a*a", "aa")]
        {
            assert!(matches(pattern, name), "{pattern} should match {name}");
        }
        for (pattern, name) in
            [("a", "ab"), ("a", ""), ("*.X", "rnn.X2"), ("a*c", "abd"), ("*a*a", "a"), ("ab*b", "ab")]
        {
            assert!(!matches(pattern, name), "{pattern} should not match {name}");
        }
    }
}
