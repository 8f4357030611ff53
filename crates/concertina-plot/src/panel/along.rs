//! What runs along an axis: numbers, or words next to each other.

use concertina_table::{Table, Values};

use crate::{Axis, Error, Result, Theme, panel::look, ticks::ScaleKind};

/// The values of a column as positions along an axis.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Along {
    /// One position per row: the number itself, or the position of its word; `None` for an empty cell.
    pub(crate) places: Vec<Option<f64>>,
    /// The words in the order of their positions; `None` if the column holds numbers.
    pub(crate) words: Option<Vec<String>>,
}

impl Along {
    /// Words are in the order of their ranks in the theme, and then in order of appearance. `panel` is the
    /// name of the panel in errors.
    ///
    /// # Errors
    /// [`Error::Table`](crate::Error::Table) for an unknown column; [`Error::Panel`] for words along an axis
    /// with limits, ticks or a logarithmic scale.
    pub(crate) fn of(table: &Table, axis: &Axis, theme: &Theme, panel: &str) -> Result<Self> {
        let column = &axis.column;
        let words = match table.column(column)? {
            Values::Text(cells) => cells.iter().any(Option::is_some),
            Values::Boolean(cells) => cells.iter().any(Option::is_some),
            Values::Float(_) | Values::Integer(_) | Values::Vector(_) => false, // vectors are refused below
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
        let words = look::ranked(theme, column, table.distinct(column)?);
        let place = |row: usize| -> Result<Option<f64>> {
            let key = table.scalar(row, column)?.key();
            Ok(words.iter().position(|word| *word == key).map(|place| place as f64))
        };
        let places = (0..table.row_count()).map(place).collect::<Result<_>>()?;
        Ok(Self { places, words: Some(words) })
    }
}

/// A position along an axis as it appears in the table.
pub(crate) fn spelled(words: Option<&[String]>, place: f64) -> String {
    match words.and_then(|words| words.get(place as usize)) {
        Some(word) => word.clone(),
        None => place.to_string(),
    }
}
