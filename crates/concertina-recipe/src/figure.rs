//! Draws a recipe and its tables as a figure.

use concertina_plot::{Figure, Kind, Page, PagePanel, PageRow, Theme};
use concertina_table::Table;

use crate::{Error, PanelRecipe, Recipe, Result, Row, RunSet, join::joined, schematic};

impl Recipe {
    /// Draws the figure from one table per requirement, in the order of [`Recipe::requirements`]. Tables that
    /// are not drawn may be left out.
    ///
    /// # Errors
    /// [`Error::Tables`] for fewer tables than panels need, or more than there are requirements; the errors
    /// of drawing a panel.
    pub fn draw(&self, theme: &Theme, tables: &[Table]) -> Result<Figure> {
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
        let panels = self.panels.iter().zip(&of_panels).map(|(panel, table)| panel.on_page(table));
        let page = Page {
            name: &self.figure,
            width_mm: self.layout.width_mm,
            rows: self.layout.rows.iter().map(Row::on_page).collect(),
            panels: panels.collect(),
        };
        Ok(page.draw(theme)?)
    }
}

impl PanelRecipe {
    fn on_page<'a>(&'a self, table: &'a Table) -> PagePanel<'a> {
        PagePanel {
            letter: self.letter.as_ref(),
            title: self.title.as_deref(),
            size_mm: self.size_mm,
            table,
            drawing: &self.draw,
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
