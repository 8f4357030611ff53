//! Paths that say nothing about the user.

use std::path::PathBuf;

/// A text in which paths below the user's home folder begin with `~`.
pub(super) fn without_home(text: &str) -> String {
    let home = std::env::home_dir().filter(|home| home.components().count() > 1);
    let real = home.as_ref().and_then(|home| home.canonicalize().ok());
    [real, home].into_iter().flatten().fold(text.to_owned(), |text, home: PathBuf| {
        shortened(&text, home.to_string_lossy().trim_end_matches(['/', '\\']))
    })
}

/// Replaces a folder by `~` wherever it is a whole path, or the beginning of one.
fn shortened(text: &str, home: &str) -> String {
    let mut short = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(home) {
        let (before, after) = (&rest[..at], &rest[at + home.len()..]);
        let in_name = |sign: char| sign.is_alphanumeric() || "._-".contains(sign);
        let starts = !before.chars().next_back().is_some_and(in_name);
        let ends = !after.chars().next().is_some_and(in_name);
        short.push_str(before);
        short.push_str(if starts && ends { "~" } else { home });
        rest = after;
    }
    short + rest
}

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn the_home_folder_is_shortened_where_it_is_a_whole_path() {
        for (text, expected) in [
            ("/home/ada", "~"),
            ("/home/ada/runs", "~/runs"),
            ("cannot read /home/ada/runs: /home/ada/x", "cannot read ~/runs: ~/x"),
            ("/home/adam/runs", "/home/adam/runs"),
            ("/mnt/home/ada/runs", "/mnt/home/ada/runs"),
            ("/home/ada.old", "/home/ada.old"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(shortened(text, "/home/ada"), expected);
        }
    }
}
