//! How values look: colours, dashes and names, from the theme and the drawing.

use concertina_table::Scalar;

use crate::{Colour, Drawing, Theme, drawing::Palette, scene::Shape, ticks};

/// How one value looks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Look {
    pub(crate) name: String,
    pub(crate) colour: Colour,
    pub(crate) dash: Vec<f64>,
    /// The shape of marks.
    pub(crate) shape: Shape,
}

/// The name of `value` of `column`.
pub(crate) fn name(theme: &Theme, drawing: &Drawing, column: &str, value: &str) -> String {
    let own = own_name(drawing, column, value).cloned();
    let named = own.or_else(|| theme.value(column, value).and_then(|look| look.name.clone()));
    named.unwrap_or_else(|| ticks::value_name(value))
}

/// The drawing's own name for `value` of `column`, regardless of how it spells the value: `1e-3` is 0.001.
fn own_name<'d>(drawing: &'d Drawing, column: &str, value: &str) -> Option<&'d String> {
    let names = drawing.names.get(column)?;
    names.get(value).or_else(|| {
        names.iter().find(|(named, _)| Scalar::from(named.as_str()).key() == value).map(|(_, name)| name)
    })
}

/// The values of a column in the order of their ranks.
pub(crate) fn ranked(theme: &Theme, column: &str, mut values: Vec<String>) -> Vec<String> {
    // The sort is stable: values without a rank keep their order.
    values.sort_by_key(|value| theme.value(column, value).and_then(|look| look.rank).unwrap_or(u32::MAX));
    values
}

/// With more numbers than this, colours come from a perceptual map, because only a few colours can be told
/// apart individually.
const MOST_NAMED: usize = 4;

/// The colours of the values of the hue column, within the facet `facet`.
pub(crate) fn colours(
    theme: &Theme,
    drawing: &Drawing,
    hues: &[Option<String>],
    facet: Option<&str>,
) -> Vec<Colour> {
    let categorical = &theme.palette.categorical;
    let in_turn =
        |index: usize| categorical.get(index % categorical.len().max(1)).copied().unwrap_or(Colour::BLACK);
    let of_facet = || {
        let column = drawing.facet.as_deref()?;
        theme.value(column, facet?).and_then(|look| look.colour)
    };
    let Some(column) = drawing.hue.as_deref() else {
        return vec![of_facet().unwrap_or_else(|| in_turn(0)); hues.len()];
    };
    let palette = palette(theme, drawing, column, hues);
    let count = hues.len();
    let rank = |index: usize| if count < 2 { 0.0 } else { index as f64 / (count - 1) as f64 };
    (0..count)
        .map(|index| match palette {
            Palette::Shade => of_facet().unwrap_or_else(|| in_turn(0)).shade(index, count),
            Palette::Continuous => Colour::from_map(&theme.palette.continuous, rank(index)),
            Palette::Categorical => in_turn(index),
            Palette::Auto => fixed(theme, column, &hues[index]).unwrap_or_else(|| in_turn(index)),
        })
        .collect()
}

fn fixed(theme: &Theme, column: &str, hue: &Option<String>) -> Option<Colour> {
    theme.value(column, hue.as_deref()?).and_then(|look| look.colour)
}

/// Where the colours of these values come from; `auto` only if the theme has a colour for each of them.
fn palette(theme: &Theme, drawing: &Drawing, column: &str, hues: &[Option<String>]) -> Palette {
    let number = |hue: &Option<String>| hue.as_ref().is_some_and(|hue| hue.parse::<f64>().is_ok());
    match drawing.palette {
        Palette::Auto if hues.iter().all(|hue| fixed(theme, column, hue).is_some()) => Palette::Auto,
        Palette::Auto if hues.len() > MOST_NAMED && hues.iter().all(number) => Palette::Continuous,
        Palette::Auto => Palette::Categorical,
        chosen => chosen,
    }
}

/// The number of distinct colours that the values of the hue column have, if colours are assigned one after
/// another; `None` if every value has a distinct colour.
pub(crate) fn colours_in_turn(theme: &Theme, drawing: &Drawing, hues: &[Option<String>]) -> Option<usize> {
    let palette = palette(theme, drawing, drawing.hue.as_deref()?, hues);
    (palette == Palette::Categorical).then(|| theme.palette.categorical.len().max(1))
}

/// Whether colours come from a perceptual map, which a bar shows better than a list.
pub(crate) fn mapped(theme: &Theme, drawing: &Drawing, hues: &[Option<String>]) -> bool {
    let column = drawing.hue.as_deref();
    column.is_some_and(|column| palette(theme, drawing, column, hues) == Palette::Continuous)
}

/// The looks of the values of the hue column, within the facet `facet`; all are solid.
pub(crate) fn hues(
    theme: &Theme,
    drawing: &Drawing,
    values: &[Option<String>],
    facet: Option<&str>,
) -> Vec<Look> {
    let colours = colours(theme, drawing, values, facet);
    let column = drawing.hue.as_deref().unwrap_or_default();
    // The theme's names are used only if it has all of them: "Edge of chaos, 60, 100" makes no sense.
    let own = |value: &str| own_name(drawing, column, value).is_some();
    let known =
        |value: &str| own(value) || theme.value(column, value).is_some_and(|look| look.name.is_some());
    let all = values.iter().flatten().all(|value| known(value));
    let name = |value: &str| {
        if all || own(value) { name(theme, drawing, column, value) } else { ticks::value_name(value) }
    };
    values
        .iter()
        .zip(colours)
        .map(|(value, colour)| Look {
            name: value.as_deref().map_or(String::new(), name),
            colour,
            dash: Vec::new(),
            shape: Shape::Disc,
        })
        .collect()
}

/// The looks of the values of the style column, all in the neutral colour.
pub(crate) fn styles(theme: &Theme, drawing: &Drawing, values: &[Option<String>]) -> Vec<Look> {
    let Some(column) = drawing.style.as_deref() else {
        return vec![
            Look {
                name: String::new(),
                colour: theme.colour.neutral,
                dash: Vec::new(),
                shape: Shape::Disc
            };
            values.len()
        ];
    };
    let (dashes, shapes) = (&theme.line.styles, &theme.marker.styles);
    values
        .iter()
        .enumerate()
        .map(|(index, value)| {
            let value = value.as_deref().unwrap_or_default();
            let known = theme.value(column, value);
            let dash = known
                .and_then(|look| look.dash.clone())
                .unwrap_or_else(|| dashes.get(index % dashes.len().max(1)).cloned().unwrap_or_default());
            let shape = known
                .and_then(|look| look.marker)
                .unwrap_or_else(|| shapes.get(index % shapes.len().max(1)).copied().unwrap_or_default());
            Look { name: name(theme, drawing, column, value), colour: theme.colour.neutral, dash, shape }
        })
        .collect()
}
