//! What runs along an axis: numbers, or words next to each other.

use concertina_table::{Table, Values};

use crate::{
    Axis, Error, Result, Theme,
    panel::{look, rows},
    ticks::ScaleKind,
};

/// The values of a column as positions along an axis.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Along {
    /// One position per row: the number itself, or the position of its word; `None` for an empty cell.
    pub(crate) places: Vec<Option<f64>>,
    /// The words in the order of their positions; `None` if the column holds numbers.
    pub(crate) words: Option<Vec<String>>,
}

impl Along {
    /// Words are in the order of the axis; otherwise in the order of their ranks in the theme, and then in
    /// order of appearance. `panel` is the name of the panel in errors.
    ///
    /// # Errors
    /// [`Error::Table`](crate::Error::Table) for an unknown column; [`Error::Panel`] for words along an axis
    /// with limits, ticks or a logarithmic scale, or an order that has not exactly the values of the column.
    pub(crate) fn of(table: &Table, axis: &Axis, theme: &Theme, panel: &str) -> Result<Self> {
        let column = &axis.column;
        let words = match table.column(column)? {
            Values::Text(cells) => cells.iter().any(Option::is_some),
            Values::Boolean(cells) => cells.iter().any(Option::is_some),
            Values::Float(_) | Values::Integer(_) => axis.words || axis.order.is_some(),
            Values::Vector(_) => false, // refused below
        };
        if !words {
            return Ok(Self { places: table.floats(column)?, words: None });
        }
        let limited = axis.from.is_some() || axis.to.is_some() || axis.ticks.is_some();
        if limited || axis.scale == ScaleKind::Log {
            return Err(Error::Panel {
                panel: panel.to_owned(),
                message: format!(
                    "expected numbers in `{column}`, whose axis has limits, ticks or a scale, found words"
                ),
                hint: Some(format!("give only the column, without limits, ticks or scale: \"{column}\"")),
            });
        }
        let words = in_order(axis, look::ranked(theme, column, table.distinct(column)?), panel)?;
        let place = |row: usize| -> Result<Option<f64>> {
            let key = table.scalar(row, column)?.key();
            Ok(words.iter().position(|word| *word == key).map(|place| place as f64))
        };
        let places = (0..table.row_count()).map(place).collect::<Result<_>>()?;
        Ok(Self { places, words: Some(words) })
    }
}

/// The words in the order that the axis requests.
fn in_order(axis: &Axis, words: Vec<String>, panel: &str) -> Result<Vec<String>> {
    let Some(order) = &axis.order else { return Ok(words) };
    let column = &axis.column;
    let wrong = |message: String, hint: String| {
        Err(Error::Panel { panel: panel.to_owned(), message, hint: Some(hint) })
    };
    if let Some(unknown) = rows::first_unknown(order, &words) {
        let (message, hint) = rows::no_such_value(column, &unknown.word(), &words);
        return wrong(format!("`order`: {message}"), hint);
    }
    let order: Vec<String> = order.iter().map(concertina_table::Scalar::key).collect();
    if let Some((_, twice)) = order.iter().enumerate().find(|(place, word)| order[..*place].contains(word)) {
        return wrong(format!("`order` has `{twice}` twice"), "leave one of them out".to_owned());
    }
    if let Some(lacking) = words.iter().find(|word| !order.contains(word)) {
        let hint = format!(
            "add it, or leave it out of the panel with `keep`: `{column}` has {}",
            rows::listed(&words)
        );
        return wrong(format!("`order` of `{column}` lacks `{lacking}`"), hint);
    }
    Ok(order)
}

/// A position along an axis as it appears in the table.
pub(crate) fn spelled(words: Option<&[String]>, place: f64) -> String {
    match words.and_then(|words| words.get(place as usize)) {
        Some(word) => word.clone(),
        None => place.to_string(),
    }
}
