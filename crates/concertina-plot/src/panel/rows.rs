//! Rows of a table by the values of their cells: which there are, which are kept.

use concertina_table::{Scalar, Table};

use crate::{Drawing, Error, Result};

/// Values that a hint lists at most; arbitrary, a line or two.
const LISTED: usize = 12;

/// The first of the values asked for that is not among the known ones.
pub fn first_unknown<'a>(
    wanted: impl IntoIterator<Item = &'a Scalar>,
    known: &[String],
) -> Option<&'a Scalar> {
    wanted.into_iter().find(|cell| !known.contains(&cell.key()))
}

/// What there is to say of a value that no row has: the message, and what there is instead.
pub fn no_such_value(column: &str, found: &str, known: &[String]) -> (String, String) {
    let hint = match concertina_names::nearest(found, known.iter().map(String::as_str)) {
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
    let condition = &drawing.keep;
    if condition.is_empty() || table.is_empty() {
        return Ok(table.clone());
    }
    for (column, values) in condition.named() {
        let known = table.distinct(column)?;
        if values.is_empty() {
            let hint = format!("`{column}` has {}", listed(&known));
            return Err(wrong((format!("expected at least one value of `{column}`, found none"), hint)));
        }
        if let Some(unknown) = first_unknown(values, &known) {
            return Err(wrong(no_such_value(column, &unknown.word(), &known)));
        }
    }
    let kept = condition.rows(table)?;
    if kept.is_empty() {
        return Err(wrong(match condition.lists() {
            Some(lists) => {
                let columns: Vec<String> = lists.iter().map(|(column, _)| format!("`{column}`")).collect();
                (
                    format!("no row has one of the values of each of {} at once", columns.join(", ")),
                    "each value occurs, but not together with the others: keep fewer columns".to_owned(),
                )
            }
            None => (
                format!("no row fulfils `{condition}`"),
                "ask for less, or look at the table in the panel's CSV without `keep`".to_owned(),
            ),
        }));
    }
    Ok(kept)
}
