//! Draws a recipe and its tables as a figure.

use std::collections::BTreeMap;

use concertina_plot::{Bracket, Drawing, Figure, Kind, Page, PagePanel, PageRow, Theme};
use concertina_table::Table;

use crate::{
    Claim, Error, Evidence, Finding, PanelRecipe, Recipe, Result, Row, RunSet, join::joined, schematic,
};

/// What was found about claims, by their names.
pub type Findings = BTreeMap<String, Vec<Finding>>;

impl Recipe {
    /// Draws the figure from one table per requirement, in the order of [`Recipe::requirements`]. Tables that
    /// are not drawn may be left out. Claims whose significance panels show are judged on all realisations of
    /// their tables.
    ///
    /// # Errors
    /// As [`Recipe::draw_with`], and those of [`Claim::judge`].
    pub fn draw(&self, theme: &Theme, tables: &[Table]) -> Result<Figure> {
        let mut findings = Findings::new();
        for claim in self.shown_claims() {
            let place = self.requirement_of(claim.table.as_ref());
            let Some(table) = place.and_then(|place| tables.get(place)).filter(|table| !table.is_empty())
            else {
                continue;
            };
            let seeds = table.integers("seed")?.into_iter().flatten();
            let mut seeds: Vec<u64> = seeds.filter_map(|seed| seed.try_into().ok()).collect();
            seeds.sort_unstable();
            seeds.dedup();
            let judged = claim.judge(&Evidence { table, seeds: &seeds, absent: &[] })?;
            findings.insert(claim.name.as_ref().clone(), judged.findings);
        }
        self.draw_with(theme, tables, &findings)
    }

    /// Draws the figure as [`Recipe::draw`] does, with what was already found about the claims whose
    /// significance panels show.
    ///
    /// # Errors
    /// [`Error::Tables`] for fewer tables than panels need, or more than there are requirements; the errors
    /// of drawing a panel.
    pub fn draw_with(&self, theme: &Theme, tables: &[Table], findings: &Findings) -> Result<Figure> {
        let requirements = self.requirements();
        let drawn = requirements.iter().filter(|requirement| requirement.is_drawn()).count();
        if !(drawn..=requirements.len()).contains(&tables.len()) {
            let (figure, expected, found) = (self.figure.clone(), drawn, tables.len());
            return Err(Error::Tables { figure, expected, found });
        }
        let mut of_panels = Vec::new();
        for panel in &self.panels {
            let analyses = &panel.analysis.as_ref().0;
            let own: Vec<&Table> = analyses
                .iter()
                .filter_map(|analysis| requirements.iter().position(|known| panel.needs(analysis, known)))
                .map(|index| &tables[index])
                .collect();
            let runs = self.runs.get(panel.runs.as_ref());
            let named = runs.map(RunSet::columns).unwrap_or_default();
            let mut table = joined(&own, &named, panel.letter.as_ref())?;
            if panel.draw.kind == Kind::Schematic
                && let Some(first) = analyses.first()
                && let Some(requirement) = requirements.iter().find(|known| panel.needs(first, known))
            {
                table = schematic::with_parameters(table, requirement, &panel.draw);
            }
            of_panels.push(table);
        }
        let drawings = self.panels.iter().zip(&of_panels);
        let drawings: Vec<Drawing> = drawings
            .map(|(panel, table)| self.with_brackets(panel, table, findings))
            .collect::<Result<_>>()?;
        let panels = self.panels.iter().zip(&of_panels).zip(&drawings);
        let panels = panels.map(|((panel, table), drawing)| panel.on_page(table, drawing));
        let page = Page {
            name: &self.figure,
            width_mm: self.layout.width_mm,
            rows: self.layout.rows.iter().map(Row::on_page).collect(),
            panels: panels.collect(),
        };
        Ok(page.draw(theme)?)
    }

    /// How a panel is drawn, with the brackets of its claims.
    fn with_brackets(&self, panel: &PanelRecipe, table: &Table, findings: &Findings) -> Result<Drawing> {
        let mut drawing = panel.draw.clone();
        for name in &panel.significance {
            let claim = self.claims.iter().find(|claim| claim.name.as_ref() == name.as_ref());
            if let Some(claim) = claim {
                panel.check_rows(claim, table)?;
            }
            let found = findings.get(name.as_ref()).map_or(&[][..], Vec::as_slice);
            drawing.brackets.extend(found.iter().filter_map(|finding| bracket(claim?, finding)));
        }
        Ok(drawing)
    }
}

/// The bracket of a group of a claim; `None` for a claim that compares nothing.
fn bracket(claim: &Claim, finding: &Finding) -> Option<Bracket> {
    let contrast = claim.compare.as_ref()?;
    Some(Bracket {
        between: [contrast.first.key(), contrast.second.key()],
        p: finding.p,
        group: finding.group.iter().map(|level| (level.column.clone(), level.value.clone())).collect(),
    })
}

impl PanelRecipe {
    /// Checks that a claim is about the rows that are drawn, so that its bracket is not about others.
    fn check_rows(&self, claim: &Claim, table: &Table) -> Result<()> {
        for row in 0..table.row_count() {
            if claim.rows.holds(table, row)? != self.draw.keep.holds(table, row)? {
                let name = claim.name.as_ref().clone();
                return Err(Error::Claim {
                    message: format!(
                        "panel `{}` cannot show its significance: the claim is about other rows than the panel draws",
                        self.letter.as_ref()
                    ),
                    hint: Some(
                        "`where` of the claim and `keep` of the panel must select the same rows".to_owned(),
                    ),
                    claim: name,
                });
            }
        }
        Ok(())
    }

    fn on_page<'a>(&'a self, table: &'a Table, drawing: &'a Drawing) -> PagePanel<'a> {
        PagePanel {
            letter: self.letter.as_ref(),
            title: self.title.as_deref(),
            size_mm: self.size_mm,
            table,
            drawing,
        }
    }
}

impl Row {
    fn on_page(&self) -> PageRow<'_> {
        PageRow {
            letters: self.panels.iter().map(|letter| letter.as_ref().as_str()).collect(),
            widths: &self.widths,
            height_mm: self.height_mm,
        }
    }
}
