//! The look of all figures: colours, sizes, line widths and names of values, from one TOML file.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use crate::{Colour, Result, scene::Shape, syntax};

/// The shipped theme, as a file from which to start a custom theme.
pub const DEFAULT_THEME: &str = include_str!("../assets/theme.toml");

/// For a talk: from two columns, 183 mm, to the width of a slide, 338 mm.
const TALK_SCALE: f64 = 1.85;
/// For a talk: how much larger text, lines and marks are in relation to panels. Arbitrary: the largest with
/// which no text of the shipped figures overlaps another.
const TALK_ENLARGED: f64 = 1.25;
/// Resolution of a slide: about 2,600 dots across.
const TALK_DOTS_PER_INCH: f64 = 200.0;

static DEFAULT: LazyLock<Theme> = LazyLock::new(|| {
    Theme::from_toml("theme.toml", DEFAULT_THEME).expect("the shipped theme parses, as a test ensures")
});

/// Colours, fonts, sizes and line widths of every figure. Lengths are in points unless the name says
/// otherwise.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theme {
    /// Paper.
    pub page: PageTheme,
    /// Text.
    pub text: TextTheme,
    /// Lines.
    pub line: LineTheme,
    /// Dots.
    pub marker: MarkerTheme,
    /// Bands around lines.
    pub band: BandTheme,
    /// Colours without a meaning.
    pub colour: ColourTheme,
    /// Colours with a meaning.
    pub palette: PaletteTheme,
    /// Values that always look the same: column, value as text, look.
    #[serde(default)]
    pub values: BTreeMap<String, BTreeMap<String, ValueTheme>>,
    /// Axis labels by column.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// Sizes of the page.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageTheme {
    /// Width of one column of text, in millimetres.
    pub single_column_mm: f64,
    /// Width of both columns, in millimetres.
    pub double_column_mm: f64,
    /// Resolution of PNG files.
    pub dots_per_inch: f64,
    /// Between panels.
    pub gutter: f64,
    /// The white border of the page.
    pub edge: f64,
    /// How many times larger the finished page is than all lengths above and in recipes say.
    #[serde(default = "one")]
    pub scale: f64,
}

fn one() -> f64 {
    1.0
}

/// Typeface and sizes.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextTheme {
    /// The shipped family; no other family is loaded.
    pub family: String,
    /// The family for SVG readers that do not have it.
    pub fallback: String,
    /// Panel titles.
    pub title: f64,
    /// Axis labels.
    pub label: f64,
    /// Tick labels.
    pub tick: f64,
    /// Legends.
    pub legend: f64,
    /// Panel letters.
    pub letter: f64,
    /// Colour of all text.
    pub colour: Colour,
}

/// Widths of lines.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineTheme {
    /// Spines.
    pub axis: f64,
    /// Ticks.
    pub tick: f64,
    /// Length of ticks.
    pub tick_length: f64,
    /// Length of ticks without a label.
    pub minor_tick_length: f64,
    /// Data.
    pub data: f64,
    /// One realisation among several.
    pub single: f64,
    /// Reference lines.
    pub reference: f64,
    /// Readout vectors.
    pub readout: f64,
    /// The dash of reference lines.
    pub dash: Vec<f64>,
    /// Dashes of values without a look in the theme, one after another.
    pub styles: Vec<Vec<f64>>,
}

/// Sizes of dots.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkerTheme {
    /// On lines.
    pub radius: f64,
    /// A sample in a snapshot.
    pub sample_radius: f64,
    /// Shapes of values without a look in the theme, one after another.
    pub styles: Vec<Shape>,
}

/// Bands.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandTheme {
    /// From 0 (invisible) to 1.
    pub opacity: f64,
}

/// Colours without a meaning.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColourTheme {
    /// Spines and ticks.
    pub axis: Colour,
    /// Reference lines.
    pub reference: Colour,
    /// Legend entries that show a line style; lines without a hue.
    pub neutral: Colour,
    /// Frames of snapshots.
    pub frame: Colour,
}

/// Colours for values without a look in the theme.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaletteTheme {
    /// For distinct values, one after another.
    pub categorical: Vec<Colour>,
    /// Equally spaced stops of a perceptual map.
    pub continuous: Vec<Colour>,
    /// Equally spaced stops of a map with two colours, light in its middle.
    #[serde(default = "diverging")]
    pub diverging: Vec<Colour>,
}

/// The map of the shipped theme, for themes that were written before there was one.
fn diverging() -> Vec<Colour> {
    DEFAULT.palette.diverging.clone()
}

/// How one value of one column always looks.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueTheme {
    /// Its colour.
    #[serde(default)]
    pub colour: Option<Colour>,
    /// Its dash, empty for solid.
    #[serde(default)]
    pub dash: Option<Vec<f64>>,
    /// The shape of its marks.
    #[serde(default)]
    pub marker: Option<Shape>,
    /// Its name in legends and titles.
    #[serde(default)]
    pub name: Option<String>,
    /// Its rank among the column's values. Values without a rank follow: numbers in rising order, texts in
    /// order of appearance.
    #[serde(default)]
    pub rank: Option<u32>,
}

impl Theme {
    /// The shipped theme for a talk: a figure of two columns is as wide as a slide, its text has 14 to 16
    /// points, and text, lines and marks are larger in relation to the panels.
    pub fn talk() -> Self {
        let mut theme = Self::default();
        theme.page.scale = TALK_SCALE;
        theme.page.dots_per_inch = TALK_DOTS_PER_INCH;
        let (text, line, marker) = (&mut theme.text, &mut theme.line, &mut theme.marker);
        let sizes = [&mut text.title, &mut text.label, &mut text.tick, &mut text.legend, &mut text.letter];
        let widths = [
            &mut line.axis,
            &mut line.tick,
            &mut line.tick_length,
            &mut line.minor_tick_length,
            &mut line.data,
            &mut line.single,
            &mut line.reference,
            &mut line.readout,
        ];
        let radii = [&mut marker.radius, &mut marker.sample_radius];
        sizes.into_iter().chain(widths).chain(radii).for_each(|length| *length *= TALK_ENLARGED);
        theme
    }

    /// Reads a theme; `name` is the name of the file in errors.
    ///
    /// # Errors
    /// [`crate::Error::Syntax`] with line, column and a hint.
    pub fn from_toml(name: &str, text: &str) -> Result<Self> {
        Ok(syntax::toml(name, text)?)
    }

    /// The look of `value` in `column`, if it has one.
    pub(crate) fn value(&self, column: &str, value: &str) -> Option<&ValueTheme> {
        self.values.get(column)?.get(value)
    }
}

impl Default for Theme {
    /// The shipped theme.
    fn default() -> Self {
        DEFAULT.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_theme_parses_and_has_the_colours_of_the_paper() {
        let theme = Theme::default();
        assert_eq!(theme.value("gain", "20").and_then(|look| look.colour), Some(Colour::new(0, 160, 160)));
        assert_eq!(theme.value("gain", "250").and_then(|look| look.colour), Some(Colour::new(233, 38, 41)));
        assert_eq!(theme.value("class", "0").and_then(|look| look.colour), Some(Colour::new(90, 100, 170)));
        assert_eq!(theme.value("class", "1").and_then(|look| look.colour), Some(Colour::new(250, 171, 62)));
    }

    #[test]
    fn text_has_the_size_that_journals_ask_for() {
        let text = Theme::default().text;
        for size in [text.title, text.label, text.tick, text.legend] {
            assert!((5.0..=7.0).contains(&size), "{size}");
        }
        assert_eq!(text.letter, 8.0);
    }
}
