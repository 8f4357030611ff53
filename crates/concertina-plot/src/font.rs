//! The shipped typeface: its metrics for the layout, its files for the renderers.
//!
//! Only these three files are ever loaded, so a figure is the same on every machine and no text can silently
//! fall back to a font that happens to be installed.

use std::sync::{Arc, LazyLock};

use usvg::fontdb;

/// A style of the shipped typeface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) enum Cut {
    /// Upright, normal weight.
    #[default]
    Regular,
    /// Upright, bold: panel letters.
    Bold,
    /// Italic: the symbols of variables.
    Italic,
}

const FILES: [&[u8]; 3] = [
    include_bytes!("../assets/fonts/LiberationSans-Regular.ttf"),
    include_bytes!("../assets/fonts/LiberationSans-Bold.ttf"),
    include_bytes!("../assets/fonts/LiberationSans-Italic.ttf"),
];

static FACES: LazyLock<Vec<ttf_parser::Face<'static>>> = LazyLock::new(|| {
    FILES
        .iter()
        .map(|file| ttf_parser::Face::parse(file, 0).expect("the shipped fonts parse, as a test ensures"))
        .collect()
});

static DATABASE: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut database = fontdb::Database::new();
    for file in FILES {
        database.load_font_data(file.to_vec());
    }
    database.set_sans_serif_family(FAMILY);
    Arc::new(database)
});

/// Family name inside the shipped files.
pub(crate) const FAMILY: &str = "Liberation Sans";

/// Height of capitals over the font size, from the files' OS/2 table (1409 of 2048 units).
pub(crate) const CAP_HEIGHT: f64 = 0.688;
/// Space that the layout leaves above a baseline, as a share of the font size, so that brackets and accents
/// fit.
pub(crate) const ASCENT: f64 = 0.76;
/// Space that the layout leaves below a baseline, as a share of the font size.
pub(crate) const DESCENT: f64 = 0.22;

/// The shipped fonts, for usvg.
pub(crate) fn database() -> Arc<fontdb::Database> {
    Arc::clone(&DATABASE)
}

fn face(cut: Cut) -> &'static ttf_parser::Face<'static> {
    &FACES[cut as usize]
}

/// The width of `text` at `size`, in the unit of `size`: the sum of advances without kerning, which is
/// slightly too wide.
pub(crate) fn width(text: &str, cut: Cut, size: f64) -> f64 {
    let face = face(cut);
    let units: u32 = text
        .chars()
        .filter_map(|c| face.glyph_index(c))
        .filter_map(|glyph| face.glyph_hor_advance(glyph))
        .map(u32::from)
        .sum();
    f64::from(units) * size / f64::from(face.units_per_em())
}

/// The first character of `text` that the typeface cannot draw.
pub(crate) fn missing(text: &str, cut: Cut) -> Option<char> {
    text.chars().find(|&c| face(cut).glyph_index(c).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_fonts_parse_and_bear_the_family_name() {
        assert_eq!(FACES.len(), 3);
        assert!(DATABASE.faces().all(|face| face.families.iter().any(|(name, _)| name == FAMILY)));
        assert_eq!(FACES[0].capital_height(), Some(1409));
    }

    #[test]
    fn every_sign_a_figure_uses_has_a_glyph() {
        for cut in [Cut::Regular, Cut::Bold, Cut::Italic] {
            assert_eq!(missing("az AZ 09 \u{2212}\u{00d7}\u{2013}\u{03b1}\u{03bb}|()±·", cut), None);
        }
        assert_eq!(missing("a漢", Cut::Regular), Some('漢'));
    }

    #[test]
    fn width_grows_with_size_and_text() {
        let one = width("n", Cut::Regular, 7.0);
        assert!((width("nn", Cut::Regular, 7.0) - 2.0 * one).abs() < 1e-12);
        assert!((width("n", Cut::Regular, 14.0) - 2.0 * one).abs() < 1e-12);
        // Liberation Sans has Arial's metrics: the digits are 1139/2048 em wide.
        assert!((width("0", Cut::Regular, 2048.0) - 1139.0).abs() < 1e-9);
    }
}
