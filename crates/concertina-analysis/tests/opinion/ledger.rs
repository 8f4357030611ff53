//! A record of comparisons: how often each was made, and the largest difference between the opinions.

use std::collections::BTreeMap;

/// Comparisons of one kind.
#[derive(Debug, Default)]
struct Row {
    count: u64,
    undefined: u64,
    undecided: u64,
    largest: f64,
    place: String,
}

/// Every comparison of a series of cases.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    rows: BTreeMap<&'static str, Row>,
    failures: Vec<String>,
}

impl Ledger {
    /// Enters a number and its expected value, with their difference divided by `scale`, which may be up to
    /// `tolerance`.
    pub(crate) fn compare(
        &mut self,
        kind: &'static str,
        place: &str,
        found: Option<f64>,
        expected: Option<f64>,
        scale: f64,
        tolerance: f64,
    ) {
        let row = self.rows.entry(kind).or_default();
        row.count += 1;
        let (Some(found), Some(expected)) = (found, expected) else {
            row.undefined += 1;
            if found.is_some() != expected.is_some() {
                self.failures.push(format!("{kind}: {found:?}, not {expected:?}, in {place}"));
            }
            return;
        };
        let difference = if found == expected { 0.0 } else { (found - expected).abs() / scale };
        if difference > row.largest || row.place.is_empty() {
            row.largest = difference;
            row.place = format!("{found:e} and {expected:e} in {place}");
        }
        if difference.is_nan() || difference > tolerance {
            self.failures
                .push(format!("{kind}: {found:e}, not {expected:e} (by {difference:.1e}), in {place}"));
        }
    }

    /// Enters whether a condition without a magnitude holds.
    pub(crate) fn holds(
        &mut self,
        kind: &'static str,
        place: &str,
        holds: bool,
        what: impl FnOnce() -> String,
    ) {
        self.rows.entry(kind).or_default().count += 1;
        if !holds {
            self.failures.push(format!("{kind}: {}, in {place}", what()));
        }
    }

    /// Enters a comparison that rounding decides, so that both opinions are equally valid.
    pub(crate) fn undecided(&mut self, kind: &'static str) {
        self.rows.entry(kind).or_default().undecided += 1;
    }

    /// Adds the entries of another ledger, for later cases.
    pub(crate) fn append(&mut self, later: Self) {
        for (kind, other) in later.rows {
            let row = self.rows.entry(kind).or_default();
            row.count += other.count;
            row.undefined += other.undefined;
            row.undecided += other.undecided;
            if other.largest > row.largest || row.place.is_empty() {
                (row.largest, row.place) = (other.largest, other.place);
            }
        }
        self.failures.extend(later.failures);
    }

    /// Prints every kind with its numbers.
    ///
    /// # Panics
    /// If a comparison failed.
    pub(crate) fn close(self) {
        println!(
            "{:<34} {:>9} {:>9} {:>9} {:>9}  where",
            "", "compared", "undefined", "undecided", "largest"
        );
        for (kind, row) in &self.rows {
            let Row { count, undefined, undecided, largest, place } = row;
            println!("{kind:<34} {count:>9} {undefined:>9} {undecided:>9} {largest:>9.1e}  {place}");
        }
        let first: Vec<&String> = self.failures.iter().take(20).collect();
        assert!(self.failures.is_empty(), "{} of them differ: {first:#?}", self.failures.len());
    }
}
