//! What claims, measurements and published tables of a recipe refer to, and whether it exists.

use super::{Claim, Measurement, Test};
use concertina_plot::{
    Axis, Kind,
    syntax::{Place, SyntaxError},
};
use toml::Spanned;

use crate::{Error, PUBLISHED, PanelRecipe, Recipe, Requirement, Result, RunSet};

impl Measurement {
    /// Whether a requirement's table is the one that this measurement needs.
    pub(crate) fn needs(&self, requirement: &Requirement) -> bool {
        requirement.run_set == *self.runs.as_ref()
            && requirement.analysis == self.analysis
            && requirement.checkpoints == self.checkpoints
    }
}

/// The text and name of a recipe, for errors that tell the place.
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn wrong<T, U>(&self, message: String, at: &Spanned<T>, hint: Option<&str>) -> Result<U> {
        let (place, name) = (Some(Place::of(self.text, at.span().start)), self.name.to_owned());
        Err(SyntaxError { message, place, name, hint: hint.map(str::to_owned) }.into())
    }

    fn known<'k>(
        &self,
        what: &'static str,
        found: &Spanned<String>,
        known: impl Iterator<Item = &'k str> + Clone,
    ) -> Result<()> {
        if known.clone().any(|one| one == found.as_ref()) {
            return Ok(());
        }
        Err(Error::Unknown {
            what,
            found: found.as_ref().clone(),
            known: known.map(str::to_owned).collect(),
            place: Some(Place::of(self.text, found.span().start)),
            name: self.name.to_owned(),
        })
    }
}

impl Recipe {
    /// The recipe without measurements and claims, so that only what panels draw is computed.
    pub fn without_claims(mut self) -> Self {
        self.measurements.clear();
        let shown: Vec<String> = self.shown_claims().map(|claim| claim.name.as_ref().clone()).collect();
        self.claims.retain(|claim| shown.contains(claim.name.as_ref()));
        self.published.clear();
        self
    }

    /// The claims whose significance panels show.
    pub fn shown_claims(&self) -> impl Iterator<Item = &Claim> {
        let is_shown = |claim: &&Claim| {
            let names = self.panels.iter().flat_map(|panel| &panel.significance);
            names.into_iter().any(|name| name.as_ref() == claim.name.as_ref())
        };
        self.claims.iter().filter(is_shown)
    }

    /// The index of a table in [`Recipe::requirements`], by the letter of a panel or the name of a
    /// measurement.
    ///
    /// `None` if the table does not exist, or a panel is drawn from several tables.
    pub fn requirement_of(&self, table: &str) -> Option<usize> {
        let requirements = self.requirements();
        if let Some(panel) = self.panel(table) {
            let [analysis] = panel.analysis.as_ref().0.as_slice() else { return None };
            return requirements.iter().position(|requirement| panel.needs(analysis, requirement));
        }
        let measurement = self.measurements.get(table)?;
        requirements.iter().position(|requirement| measurement.needs(requirement))
    }

    pub(crate) fn required(&self, measurement: &Measurement) -> Requirement {
        let run_set: &String = measurement.runs.as_ref();
        Requirement {
            run_set: run_set.clone(),
            base: self.parameters.clone(),
            runs: self.runs.get(run_set).cloned().unwrap_or_else(RunSet::default),
            analysis: measurement.analysis.clone(),
            checkpoints: measurement.checkpoints.clone(),
            panels: Vec::new(),
        }
    }

    pub(crate) fn check_claims(&self, name: &str, text: &str) -> Result<()> {
        let source = Source { name, text };
        for (name, measurement) in &self.measurements {
            if self.panel(name).is_some() {
                let message = format!("measurement `{name}` has the name of a panel");
                return source.wrong(message, &measurement.runs, Some("give it another name"));
            }
            source.known("set of runs", &measurement.runs, self.runs.keys().map(String::as_str))?;
        }
        let panels = self.panels.iter().map(|panel| panel.letter.as_ref().as_str());
        let tables = panels.chain(self.measurements.keys().map(String::as_str));
        for (index, claim) in self.claims.iter().enumerate() {
            source.known("panel or measurement", &claim.table, tables.clone())?;
            if self.claims[..index].iter().any(|other| other.name.as_ref() == claim.name.as_ref()) {
                let message = format!("two claims have the name `{}`", claim.name.as_ref());
                return source.wrong(message, &claim.name, None);
            }
            check_claim(&source, claim)?;
        }
        for panel in &self.panels {
            self.check_significance(&source, panel)?;
        }
        for published in &self.published {
            source.known("panel or measurement", &published.table, tables.clone())?;
            source.known("published table", &published.file, PUBLISHED.iter().map(|(name, _)| *name))?;
            if published.keys.is_empty() || published.values.is_empty() {
                let message = "expected columns as `keys` and `values`, found none".to_owned();
                return source.wrong(message, &published.file, None);
            }
            let resolved = |value: f64| value > 0.0 && value.is_finite();
            if let Some((column, _)) = published.values.iter().find(|(_, one)| !resolved(one.resolution)) {
                let message = format!("`{column}`: expected a resolution above 0");
                let hint = "it is the limit to which a mean can be resolved, as a standard deviation: 0.001 for one sample in 1000";
                return source.wrong(message, &published.file, Some(hint));
            }
        }
        let tables = self.claims.iter().map(|claim| &claim.table);
        for table in tables.chain(self.published.iter().map(|published| &published.table)) {
            let letter: &String = table.as_ref();
            if self.panel(letter).is_some_and(|panel| panel.analysis.as_ref().0.len() > 1) {
                let message = format!("panel `{letter}` has a table for each of its analyses");
                let hint = "make a measurement of the analysis that you mean: it is still computed only once";
                return source.wrong(message, table, Some(hint));
            }
        }
        Ok(())
    }

    /// Checks that brackets above the data of a panel can show the claims that it names.
    fn check_significance(&self, source: &Source<'_>, panel: &PanelRecipe) -> Result<()> {
        let letter: &String = panel.letter.as_ref();
        let names = self.claims.iter().map(|claim| claim.name.as_ref().as_str());
        for name in &panel.significance {
            source.known("claim", name, names.clone())?;
            let Some(claim) = self.claims.iter().find(|claim| claim.name.as_ref() == name.as_ref()) else {
                continue;
            };
            let wrong = |why: String, hint: &str| {
                let message =
                    format!("panel `{letter}` cannot show the significance of `{}`: {why}", name.as_ref());
                source.wrong(message, name, Some(hint))
            };
            let along =
                |axis: &Option<Axis>| axis.as_ref().map(|axis| axis.column.clone()).unwrap_or_default();
            let (x, y) = (along(&panel.draw.x), along(&panel.draw.y));
            if !matches!(panel.draw.kind, Kind::Lines | Kind::Spectrum) {
                return wrong("only lines over words have brackets".to_owned(), "use `kind = \"lines\"`");
            }
            if claim.table.as_ref() != letter {
                let why = format!("the claim is about `{}`", claim.table.as_ref());
                return wrong(why, "a panel shows claims about itself: `table` is its letter");
            }
            if claim.value != y {
                let why = format!("the claim is about `{}`, and the panel draws `{y}`", claim.value);
                return wrong(why, "draw the column of the claim's `value` along `y`");
            }
            if claim.compare.as_ref().map(|contrast| &contrast.column) != Some(&x) {
                let why = format!("the claim does not compare values of `{x}`, which is along the axis");
                return wrong(why, "`compare` must have the column that is along `x`");
            }
            if claim.reduce.is_some() {
                return wrong(
                    "the claim is about what `reduce` makes of several rows, which the panel does not draw"
                        .to_owned(),
                    "show a claim about the rows themselves, without `reduce`",
                );
            }
            if claim.test != Test::Wilcoxon {
                return wrong("its test has no p-value".to_owned(), "use `test = \"wilcoxon\"`");
            }
            let told_apart = [&panel.draw.facet, &panel.draw.facet_rows, &panel.draw.hue];
            let is_told = |column: &&String| told_apart.iter().any(|known| known.as_ref() == Some(*column));
            if let Some(column) = claim.each.keys().find(|column| !is_told(column)) {
                let why = format!("nothing in the panel distinguishes values of `{column}`, as `each` does");
                return wrong(why, "give the panel a `facet` or a `hue` of this column");
            }
        }
        Ok(())
    }
}

fn check_claim(source: &Source<'_>, claim: &Claim) -> Result<()> {
    let name: &String = claim.name.as_ref();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(plain) {
        let message = format!("expected the name of a claim in lower case with `_`, found `{name}`");
        return source.wrong(message, &claim.name, None);
    }
    if claim.statement.as_ref().trim().is_empty() {
        let message = format!("claim `{name}` states nothing");
        return source.wrong(message, &claim.statement, Some("say in a sentence what is claimed"));
    }
    // A column has only one use. Two would leave no rows, or select other rows than the claim says.
    let contrast = claim.compare.as_ref().map(|contrast| &contrast.column);
    let reduced = claim.reduce.as_ref().map(|reduction| &reduction.over);
    let rows = claim.rows.columns();
    let mut used: Vec<&str> = rows.iter().copied().collect();
    used.extend(claim.each.keys().chain(contrast).map(String::as_str));
    used.extend(reduced.map(String::as_str).filter(|column| !rows.contains(column)));
    used.sort();
    if let Some(twice) = used.windows(2).find(|pair| pair[0] == pair[1]) {
        let message = format!("claim `{name}` uses the column `{}` twice", twice[0]);
        return source.wrong(
            message,
            &claim.name,
            Some("`where`, `each` and `compare` must use different columns"),
        );
    }
    if claim.compare.as_ref().is_some_and(|contrast| contrast.first == contrast.second) {
        let message = format!("claim `{name}` compares a number with itself");
        return source.wrong(message, &claim.name, Some("`first` and `second` are two values of `column`"));
    }
    let (than, ratio) = (claim.than(), claim.is_ratio());
    if !than.is_finite() || (ratio && than <= 0.0) {
        let expected = if ratio { "a number above 0, for a ratio" } else { "a finite number" };
        let message = format!("claim `{name}`, `than`: expected {expected}, found {than}");
        return source.wrong(message, &claim.name, None);
    }
    Ok(())
}
