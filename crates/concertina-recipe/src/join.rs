//! The table of a panel that is drawn from several analyses.

use std::{borrow::Cow, collections::BTreeSet};

use concertina_table::Table;

use crate::{Error, Result};

/// Columns that identify a row in the tables of all analyses, in addition to those of the sweep.
const NAMING: [&str; 5] = ["seed", "stage", "epoch", "update", "timestep"];

/// Joins several tables into one: rows for the same run, checkpoint and timestep are combined. `named` are
/// the columns by which the sweep distinguishes runs, and `panel` is the name of the panel in errors.
///
/// # Errors
/// [`concertina_plot::Error::Panel`] if rows cannot be matched: no column identifies them, several rows of
/// both tables have the same identity, or both have a column that does not identify rows.
pub(crate) fn joined<'t>(
    tables: &[&'t Table],
    named: &BTreeSet<String>,
    panel: &str,
) -> Result<Cow<'t, Table>> {
    let wrong = |message: String, hint: String| {
        Error::from(concertina_plot::Error::Panel { panel: panel.to_owned(), message, hint: Some(hint) })
    };
    let mut all: Option<Cow<'t, Table>> = None;
    for &table in tables {
        let Some(left) = all else {
            all = Some(Cow::Borrowed(table));
            continue;
        };
        let shared: Vec<&str> = left.column_names().filter(|name| table.has_column(name)).collect();
        let names = |name: &&str| NAMING.contains(name) || named.contains(*name);
        if let Some(other) = shared.iter().find(|name| !names(name)) {
            return Err(wrong(
                format!("two of its analyses have a column `{other}`, which does not identify rows"),
                "if it is a swept parameter, give the axis the name of the column; otherwise, draw the \
                 analyses in two panels"
                    .to_owned(),
            ));
        }
        if shared.is_empty() {
            return Err(wrong(
                "its analyses share no column that identifies rows".to_owned(),
                "tables are matched by swept parameters, seed, checkpoint and timestep".to_owned(),
            ));
        }
        let joined = left.join(table, &shared).map_err(|error| {
            let alone = |one: &Table, other: &Table| -> Vec<String> {
                let own = one.columns().filter(|(name, _)| !other.has_column(name));
                own.map(|(name, _)| format!("`{name}`")).collect()
            };
            let (left, right) = (alone(&left, table).join(", "), alone(table, &left).join(", "));
            wrong(
                error.to_string(),
                format!(
                    "unmatched are {left} of one and {right} of the other; keep one row per checkpoint, as with \
                     timesteps = \"last\""
                ),
            )
        })?;
        all = Some(Cow::Owned(joined));
    }
    Ok(all.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use concertina_table::Values;

    use super::*;

    fn table(columns: &[(&str, &[f64])]) -> Table {
        Table::from_columns(columns.iter().map(|(name, cells)| (*name, Values::from(cells.to_vec()))))
            .expect("columns of equal length")
    }

    fn join(left: &Table, right: &Table) -> Result<Table, String> {
        let named = BTreeSet::from(["gain".to_owned()]);
        joined(&[left, right], &named, "b").map(Cow::into_owned).map_err(|error| {
            error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}\nhint: {hint}"))
        })
    }

    #[test]
    fn one_table_stays_what_it_is() {
        let only = table(&[("seed", &[0.0])]);
        let same = joined(&[&only], &BTreeSet::new(), "b").expect("nothing to join");
        assert!(matches!(same, Cow::Borrowed(_)));
    }

    #[test]
    fn rows_meet_by_run_and_checkpoint() {
        let dimension = table(&[
            ("gain", &[20.0, 250.0]),
            ("seed", &[0.0, 0.0]),
            ("update", &[80.0, 80.0]),
            ("timestep", &[9.0, 9.0]),
            ("effective_dimension", &[1.5, 4.0]),
        ]);
        let variance = table(&[
            ("gain", &[250.0, 20.0]),
            ("seed", &[0.0, 0.0]),
            ("update", &[80.0, 80.0]),
            ("weight_variance", &[0.4, 0.1]),
        ]);
        let joined = join(&dimension, &variance).expect("one row each");
        assert_eq!(joined.floats("weight_variance").expect("floats"), [Some(0.1), Some(0.4)]);
    }

    #[test]
    fn what_cannot_be_matched_is_reported() {
        let dimension =
            table(&[("seed", &[0.0, 0.0]), ("timestep", &[0.0, 1.0]), ("dimension", &[9.0, 3.0])]);
        let spectrum = table(&[("seed", &[0.0, 0.0]), ("index", &[1.0, 2.0]), ("exponent", &[0.2, 0.1])]);
        insta::assert_snapshot!(join(&dimension, &spectrum).expect_err("two rows per seed in both"), @r#"
        panel `b`: cannot join the tables by `seed`: both have several rows for seed 0.0
        hint: unmatched are `timestep`, `dimension` of one and `index`, `exponent` of the other; keep one row per checkpoint, as with timesteps = "last"
        "#);
        let other = table(&[("seed", &[0.0]), ("dimension", &[9.0])]);
        insta::assert_snapshot!(join(&dimension, &other).expect_err("a number in both"), @r"
        panel `b`: two of its analyses have a column `dimension`, which does not identify rows
        hint: if it is a swept parameter, give the axis the name of the column; otherwise, draw the analyses in two panels
        ");
        insta::assert_snapshot!(join(&dimension, &table(&[("x", &[1.0])])).expect_err("strangers"), @r"
        panel `b`: its analyses share no column that identifies rows
        hint: tables are matched by swept parameters, seed, checkpoint and timestep
        ");
    }
}
