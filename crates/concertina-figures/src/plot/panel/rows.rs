//! Rows of a table by the values of their cells: how a cell is known, which values there are, which rows are
//! kept.

use concertina_table::{Scalar, Table, Values};

use crate::plot::{Cell, Drawing, Error, Result, syntax};

/// Values that a hint lists at most; arbitrary, a line or two.
const LISTED: usize = 12;

/// The text by which a cell is known in themes and recipes: `20` for 20 and 20.0.
pub(crate) fn key(cell: &Scalar) -> String {
    text_key(&cell.to_string())
}

/// The same for a value as a recipe spells it.
pub(crate) fn text_key(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => number.to_string(),
        _ => text.to_owned(),
    }
}

/// Distinct values of a column: numbers in rising order, everything else as it comes.
pub(crate) fn distinct(table: &Table, column: &str) -> Result<Vec<String>> {
    let mut found: Vec<(Scalar, String)> = Vec::new();
    for row in 0..table.row_count() {
        let cell = table.scalar(row, column)?;
        let key = key(&cell);
        if !cell.is_null() && !found.iter().any(|(_, known)| *known == key) {
            found.push((cell, key));
        }
    }
    if matches!(table.column(column)?, Values::Float(_) | Values::Integer(_)) {
        found.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    }
    Ok(found.into_iter().map(|(_, key)| key).collect())
}

/// The first of the values asked for that is not among the known ones.
pub(crate) fn first_unknown<'a>(
    wanted: impl IntoIterator<Item = &'a Cell>,
    known: &[String],
) -> Option<&'a Cell> {
    wanted.into_iter().find(|cell| !known.contains(&text_key(&cell.0)))
}

/// What there is to say of a value that no row has: the message, and what there is instead.
pub(crate) fn no_such_value(column: &str, found: &str, known: &[String]) -> (String, String) {
    let hint = match syntax::nearest(found, known.iter().map(String::as_str)) {
        // Of numbers the nearest spelling is rarely what was meant.
        Some(name) if found.parse::<f64>().is_err() => format!("did you mean `{name}`?"),
        _ => format!("`{column}` has {}", listed(known)),
    };
    (format!("no row has `{found}` in column `{column}`"), hint)
}

/// `a`, `b` and so many more.
pub(crate) fn listed(values: &[String]) -> String {
    let mut words: Vec<String> = values.iter().take(LISTED).map(|value| format!("`{value}`")).collect();
    match values.len().saturating_sub(LISTED) {
        0 if words.is_empty() => return "no values".to_owned(),
        0 => {}
        more => words.push(format!("{more} more")),
    }
    words.join(", ")
}

/// The rows that a drawing keeps; `panel` is what errors call the panel.
///
/// # Errors
/// [`Error::Panel`] for a value that no row has, and where no row has all that is asked for.
pub(crate) fn kept(table: &Table, drawing: &Drawing, panel: &str) -> Result<Table> {
    let wrong = |(message, hint): (String, String)| Error::Panel {
        panel: panel.to_owned(),
        message: format!("`keep`: {message}"),
        hint: Some(hint),
    };
    if drawing.keep.is_empty() || table.is_empty() {
        return Ok(table.clone());
    }
    let mut keep = vec![true; table.row_count()];
    for (column, values) in &drawing.keep {
        let known = distinct(table, column)?;
        if values.is_empty() {
            let hint = format!("`{column}` has {}", listed(&known));
            return Err(wrong((format!("expected at least one value of `{column}`, found none"), hint)));
        }
        if let Some(unknown) = first_unknown(values, &known) {
            return Err(wrong(no_such_value(column, &unknown.0, &known)));
        }
        let wanted: Vec<String> = values.iter().map(|value| text_key(&value.0)).collect();
        for (row, kept) in keep.iter_mut().enumerate() {
            *kept &= wanted.contains(&key(&table.scalar(row, column)?));
        }
    }
    if !keep.contains(&true) {
        let columns: Vec<String> = drawing.keep.keys().map(|column| format!("`{column}`")).collect();
        return Err(wrong((
            format!("no row has one of the values of each of {} at once", columns.join(", ")),
            "each value occurs, but not together with the others: keep fewer columns".to_owned(),
        )));
    }
    Ok(table.filter(|row| keep[row]))
}
