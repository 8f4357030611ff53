//! Tables for people and programs: runs, parameters, findings.

use concertina_model::params::{PARAMETERS, ValidParams};
use concertina_store::{Finding, FindingKind, RunKey, Usage};
use concertina_table::{Condition, Scalar, Table, Values};

use super::Library;
use super::columns;
use super::removal::Standing;
use super::stored::StoredRun;
use crate::error::Result;
use crate::params_table;

/// The key of a run: the hash of the parameters that name it, in 64 hexadecimal digits.
pub fn key_of(params: &ValidParams) -> RunKey {
    RunKey::of(&params.canonical())
}

/// A short label that distinguishes a run from others: `gain 250, seed 3`.
pub fn run_label(params: &ValidParams, varied: &[&'static str]) -> String {
    let cells = params_table::identity(params, varied);
    let cell = |cell: &Scalar| match cell {
        Scalar::Float(number) => number.to_string(),
        Scalar::Null => "none".to_owned(),
        other => other.to_string(),
    };
    cells.iter().map(|(name, value)| format!("{name} {}", cell(value))).collect::<Vec<_>>().join(", ")
}

impl Library<'_> {
    /// The run table as a [`RunListing`] asks for it. If `runs.csv` was removed because runs changed, it is
    /// written again.
    pub(crate) fn list(&self, listing: &RunListing) -> Result<Table> {
        let whole = self.run_table()?;
        self.report_incidents()?;
        self.warn_of_unreadable(&whole)?;
        self.restore_run_table(&whole)?;
        if whole.is_empty() {
            return Ok(whole);
        }
        let mut table = whole;
        if let Some(condition) = &listing.condition {
            table = condition.rows(&table)?;
        }
        for Sorting { column, falling } in listing.sort.iter().rev() {
            table = sorted(&table, column, *falling)?;
        }
        if !listing.columns.is_empty() {
            let names: Vec<&str> = listing.columns.iter().map(String::as_str).collect();
            table = table.select(&names)?;
        }
        if !listing.for_people {
            return Ok(table);
        }
        if listing.columns.is_empty() {
            let own = |name: &str| {
                let asked = listing.sort.iter().any(|sorting| sorting.column == name)
                    || listing.condition.as_ref().is_some_and(|condition| condition.is_about(name));
                asked || ["key", "status", "epochs", "seed"].contains(&name)
            };
            let too_much = |name: &str| {
                columns::TIMES.contains(&name)
                    || ["folder", "updates", "training_loss", "training_accuracy"].contains(&name)
            };
            let shown: Vec<&str> = table
                .columns()
                .filter(|(name, values)| own(name) || !(too_much(name) || is_constant(values)))
                .map(|(name, _)| name)
                .collect();
            table = table.select(&shown)?;
        }
        shortened(&table)
    }

    /// Warns of runs whose parameters this program cannot read. The table only shows that they exist.
    fn warn_of_unreadable(&self, table: &Table) -> Result<()> {
        if table.is_empty() {
            return Ok(());
        }
        let (seeds, keys) = (table.integers("seed")?, table.texts("key")?);
        let unreadable: Vec<&String> = seeds
            .iter()
            .zip(&keys)
            .filter_map(|(seed, key)| key.as_ref().filter(|_| seed.is_none()))
            .collect();
        if let Some(first) = unreadable.first() {
            self.settings.warn(&format!(
                "{} in the store cannot be read by this version, or the parameters are missing: {}{}; these parameters are empty here",
                amount(unreadable.len(), "run"),
                &first[..first.len().min(12)],
                if unreadable.len() > 1 { ", ..." } else { "" },
            ));
        }
        Ok(())
    }
}

/// What to show of the runs in a store.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RunListing {
    /// Shows only the runs that fulfil this condition; `None` shows all.
    pub condition: Option<Condition>,
    /// The columns, by their names in the run table; an empty list means all.
    pub columns: Vec<String>,
    /// The columns by which the rows are sorted, the most important first. Rows that are equal in these are
    /// sorted by key.
    pub sort: Vec<Sorting>,
    /// Whether to shorten the table: keys to 12 digits, parameters to the last part of their names, and,
    /// unless columns are asked for, to the columns that differ between the runs.
    pub for_people: bool,
}

/// A column to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sorting {
    /// The column of the run table.
    pub column: String,
    /// Whether the largest comes first.
    pub falling: bool,
}

/// Reads `validation_loss`, or `-validation_accuracy` for the largest first, in any spelling of the column.
impl std::str::FromStr for Sorting {
    type Err = crate::error::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, falling) = text.trim().strip_prefix('-').map_or((text.trim(), false), |name| (name, true));
        Ok(Self { column: columns::run_table_column(name)?, falling })
    }
}

/// Sorts the rows by a column. Empty cells come last either way, and equal rows keep their order.
fn sorted(table: &Table, column: &str, falling: bool) -> Result<Table> {
    let values = table.column(column)?;
    let cell = |row: usize| values.get(row).unwrap_or(Scalar::Null);
    let mut rows: Vec<(Scalar, usize)> = (0..table.row_count()).map(|row| (cell(row), row)).collect();
    rows.sort_by(|(left, _), (right, _)| match falling && !left.is_null() && !right.is_null() {
        true => right.total_cmp(left),
        false => left.total_cmp(right),
    });
    Ok(table.take(&rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>()))
}

/// A count with its noun: `1 run`, `2 runs`.
pub(crate) fn amount(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A table for people: keys are cut to their first 12 digits, and empty columns are left out.
///
/// # Errors
/// None in practice: the names of columns stay distinct.
pub fn concise(table: &Table) -> Result<Table> {
    let full = table.columns().filter(|(_, values)| !values.is_all_null()).map(|(name, _)| name);
    shortened(&table.select(&full.collect::<Vec<_>>())?)
}

/// Cuts keys to their first 12 digits, and names of parameters to their last part.
fn shortened(table: &Table) -> Result<Table> {
    let mut short = Table::new();
    for (name, values) in table.columns() {
        let values = match values {
            Values::Text(texts) if name == "key" || name == "run" => Values::Text(
                texts.iter().map(|key| key.as_ref().map(|key| key.chars().take(12).collect())).collect(),
            ),
            other => other.clone(),
        };
        short.push_column(name.rsplit('.').next().unwrap_or(name), values)?;
    }
    Ok(short)
}

/// Whether all values that are not null are the same.
fn is_constant(values: &Values) -> bool {
    let mut there = (0..values.len()).filter_map(|row| values.get(row)).filter(|value| !value.is_null());
    let first = there.next();
    there.all(|value| Some(value) == first)
}

impl StoredRun {
    /// The run as JSON: `key`, `folder`, `status`, `checkpoints` (each with its epoch and update), `params`,
    /// `history` (one object per epoch) and `provenance`.
    pub fn to_json(&self) -> serde_json::Value {
        let checkpoints: Vec<_> = self
            .checkpoints
            .iter()
            .map(|one| serde_json::json!({ "epoch": one.epoch.0, "update": one.update.0 }))
            .collect();
        serde_json::json!({
            "key": self.key.to_string(),
            "folder": self.folder.display().to_string(),
            "status": self.status,
            "checkpoints": checkpoints,
            "params": self.params,
            "history": self.history.to_json(),
            "provenance": self.provenance,
        })
    }
}

/// Every parameter: `parameter`, `published` (the published code's names), `default`, `other_defaults`
/// (those that other parameters bring about, in words), `values`, `unit`, `meaning`, `only_with`,
/// `part_of_key`. With the published names first, parameters without such a name are left out.
///
/// # Errors
/// None in practice: all columns have the same length.
pub fn parameter_table(published_first: bool) -> Result<Table> {
    let listed: Vec<_> =
        PARAMETERS.iter().filter(|parameter| !published_first || !parameter.published.is_empty()).collect();
    let texts = |of: &dyn Fn(&concertina_model::params::Parameter) -> String| {
        let text = |text: String| (!text.is_empty()).then_some(text);
        Values::Text(listed.iter().map(|parameter| text(of(parameter))).collect())
    };
    let mut names = vec![
        ("parameter", texts(&|parameter| parameter.path.to_owned())),
        ("published", texts(&|parameter| parameter.published.join(", "))),
    ];
    if published_first {
        names.reverse();
    }
    let rest = [
        ("default", texts(&|parameter| parameter.default_text())),
        ("other_defaults", texts(&|parameter| parameter.other_defaults.replace('`', ""))),
        ("values", texts(&|parameter| parameter.values_text().replace('`', ""))),
        ("unit", texts(&|parameter| parameter.unit.to_owned())),
        ("meaning", texts(&|parameter| parameter.meaning.to_owned())),
        (
            "only_with",
            texts(&|parameter| {
                parameter.condition.map_or(String::new(), |condition| condition.text.replace('`', ""))
            }),
        ),
        (
            "part_of_key",
            Values::Boolean(listed.iter().map(|parameter| Some(parameter.part_of_key)).collect()),
        ),
    ];
    Ok(Table::from_columns(names.into_iter().chain(rest))?)
}

/// How much space a store takes: `kind`, `analysis` and its `version`, `files`, `bytes`, and `superseded`,
/// which says whether this program computes a later version of the analysis (null if it does not know the
/// analysis, or does not know this version yet).
///
/// # Errors
/// None in practice: all columns have the same length.
pub fn usage_table(usage: &[Usage]) -> Result<Table> {
    let superseded = |usage: &Usage| {
        let (name, version) = usage.analysis.as_ref()?;
        match Standing::of(name, *version) {
            Standing::Current => Some(false),
            Standing::Superseded => Some(true),
            Standing::Unknown => None,
        }
    };
    let number =
        |of: fn(&Usage) -> u64| Values::Integer(usage.iter().map(|one| Some(of(one) as i64)).collect());
    let analysis = |one: &Usage| one.analysis.as_ref().map(|(name, _)| name.clone());
    let version = |one: &Usage| one.analysis.as_ref().map(|(_, version)| i64::from(*version));
    Ok(Table::from_columns([
        ("kind", Values::Text(usage.iter().map(|one| Some(one.kind.to_owned())).collect())),
        ("analysis", Values::Text(usage.iter().map(analysis).collect())),
        ("version", Values::Integer(usage.iter().map(version).collect())),
        ("files", number(|one| one.files)),
        ("bytes", number(|one| one.bytes)),
        ("superseded", Values::Boolean(usage.iter().map(superseded).collect())),
    ])?)
}

/// What is wrong with a store: `path`, `kind`, `reason`.
///
/// # Errors
/// None in practice: all columns have the same length.
pub fn findings_table(findings: &[Finding]) -> Result<Table> {
    let texts =
        |of: &dyn Fn(&Finding) -> String| Values::Text(findings.iter().map(|one| Some(of(one))).collect());
    let kind = |finding: &Finding| match finding.kind {
        FindingKind::Damaged => "damaged",
        FindingKind::LeftOver => "left over",
        FindingKind::Foreign => "foreign",
        _ => "other",
    };
    Ok(Table::from_columns([
        ("kind", texts(&|one| kind(one).to_owned())),
        ("path", texts(&|one| one.path.display().to_string())),
        ("reason", texts(&|one| one.reason.clone())),
    ])?)
}
