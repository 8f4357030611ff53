//! Checks the values that panels keep and claims are about against the runs, before these are trained.

use std::collections::{BTreeMap, BTreeSet};

use concertina_table::Scalar;

use concertina_plot::{first_unknown, no_such_value};

use crate::{Recipe, Result};

impl Recipe {
    /// Checks the values that the recipe names in columns that distinguish runs. Each must be the value of
    /// some run.
    ///
    /// `runs` are those of requirement number `requirement`, each given by its columns. Columns of the
    /// analysis are not known yet; they are checked when panels are drawn and claims are judged. Claims are
    /// checked only if `with_claims` is set.
    ///
    /// # Errors
    /// [`concertina_plot::Error::Panel`] or [`crate::Error::Claim`] for a value that no run has, with the
    /// available values.
    pub fn check_runs<'r>(
        &self,
        requirement: usize,
        runs: impl IntoIterator<Item = &'r [(String, Scalar)]>,
        with_claims: bool,
    ) -> Result<()> {
        let mut cells: BTreeMap<&str, Vec<&Scalar>> = BTreeMap::new();
        for (column, cell) in runs.into_iter().flatten() {
            let known = cells.entry(column).or_default();
            if !known.contains(&cell) {
                known.push(cell);
            }
        }
        let known = |column: &str| -> Option<Vec<String>> {
            let mut cells = cells.get(column)?.clone();
            cells.sort_by(|a, b| a.total_cmp(b));
            Some(cells.into_iter().map(Scalar::key).collect())
        };
        let requirements = self.requirements();
        let Some(required) = requirements.get(requirement) else { return Ok(()) };
        let letters: BTreeSet<&String> = required.panels.iter().collect();
        for panel in self.panels.iter().filter(|panel| letters.contains(panel.letter.as_ref())) {
            for (column, values) in panel.draw.keep.named() {
                let Some(known) = known(column) else { continue };
                if let Some(unknown) = first_unknown(values, &known) {
                    let (message, hint) = no_such_value(column, &unknown.word(), &known);
                    let (panel, message) = (panel.letter.as_ref().clone(), format!("`keep`: {message}"));
                    return Err(concertina_plot::Error::Panel { panel, message, hint: Some(hint) }.into());
                }
            }
        }
        let claims = self.claims.iter().filter(|_| with_claims);
        for claim in claims.filter(|claim| self.requirement_of(claim.table.as_ref()) == Some(requirement)) {
            for (column, cell) in claim.named() {
                let Some(known) = known(column) else { continue };
                if !known.contains(&cell.key()) {
                    return Err(claim.no_such_value(column, &cell.word(), &known));
                }
            }
        }
        Ok(())
    }
}
