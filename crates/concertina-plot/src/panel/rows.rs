//! Rows of a table by the values of their cells: which values exist, and which rows are kept.

use concertina_table::{Scalar, Table};

use crate::{Drawing, Error, Result};

/// The most values that a hint lists; arbitrary, a line or two.
const LISTED: usize = 12;

/// The first of the requested values that is not among the known ones.
pub fn first_unknown<'a>(
    wanted: impl IntoIterator<Item = &'a Scalar>,
    known: &[String],
) -> Option<&'a Scalar> {
    wanted.into_iter().find(|cell| !known.contains(&cell.key()))
}

/// A message about a value that no row has, and a hint on the values that exist.
pub fn no_such_value(column: &str, found: &str, known: &[String]) -> (String, String) {
    let hint = match concertina_names::nearest(found, known.iter().map(String::as_str)) {
        // For numbers, the nearest spelling is rarely what was meant.
        Some(name) if found.parse::<f64>().is_err() => format!("did you mean `{name}`?"),
        _ => format!("`{column}` has {}", listed(known)),
    };
    (format!("no row has `{found}` in column `{column}`"), hint)
}

/// `a`, `b` and 3 more.
pub(crate) fn listed(values: &[String]) -> String {
    let mut words: Vec<String> = values.iter().take(LISTED).map(|value| format!("`{value}`")).collect();
    match values.len().saturating_sub(LISTED) {
        0 if words.is_empty() => return "no values".to_owned(),
        0 => {}
        more => words.push(format!("{more} more")),
    }
    words.join(", ")
}

/// The rows that a drawing keeps; `panel` is the name of the panel in errors.
///
/// # Errors
/// [`Error::Panel`] for a value that no row has, or if no row fulfils all requirements.
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
                    format!(
                        "no row has one of the kept values in all of {} at the same time",
                        columns.join(", ")
                    ),
                    "each value occurs, but not together with the others: keep fewer columns".to_owned(),
                )
            }
            None => (
                format!("no row fulfils `{condition}`"),
                "weaken the condition, or look at the panel's CSV without `keep`".to_owned(),
            ),
        }));
    }
    Ok(kept)
}
