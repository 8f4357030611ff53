//! Draws figures: from tables to pages, and to files.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use concertina_plot::Figure;
use concertina_recipe::Findings;
use concertina_table::Table;

use super::computation::Computed;
use super::judgement;
use super::plan::FigurePlan;
use crate::engine::{lock, pool};
use crate::error::{Error, Result};
use crate::request::write_table;
use crate::study::Study;

/// The outcome of drawing.
#[derive(Debug)]
#[non_exhaustive]
pub struct Drawn {
    /// The figures, in the order of the plan's recipes.
    pub figures: Vec<DrawnFigure>,
    /// What could not be drawn and why, by figure and panel.
    pub problems: Vec<String>,
    /// A table of the runs from which the figures are made, one row per run, including failed ones. `None` if
    /// no files were written.
    pub runs: Option<PathBuf>,
}

/// A figure that was drawn.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DrawnFigure {
    /// Its name, as in `fig2`.
    pub name: String,
    /// The figure; `None` if it could not be drawn because some of what it shows failed.
    pub figure: Option<Figure>,
    /// The files that were written, those of the composed page first.
    pub files: Vec<PathBuf>,
}

impl DrawnFigure {
    /// The composed page, if it could be drawn.
    pub fn svg(&self) -> Option<&str> {
        self.figure.as_ref().map(Figure::svg)
    }
}

impl Study {
    /// Trains and computes what figures need, and draws them into a folder: [`Study::compute`] and
    /// [`Study::draw`].
    ///
    /// # Errors
    /// As for these two.
    pub fn figures(&self, plan: &FigurePlan, folder: impl AsRef<Path>) -> Result<(Computed, Drawn)> {
        let computed = self.compute(plan)?;
        let drawn = self.draw(plan, &computed, folder)?;
        Ok((computed, drawn))
    }

    /// Draws figures from what was computed for the same plan, side by side, one thread per figure; and
    /// writes `runs.csv` beside them.
    ///
    /// # Errors
    /// [`Error::Recipe`] or [`Error::Plot`] if a figure cannot be drawn or written; [`Error::Write`].
    pub fn draw(&self, plan: &FigurePlan, computed: &Computed, folder: impl AsRef<Path>) -> Result<Drawn> {
        let folder = folder.as_ref();
        let mut drawn = self.drawn(plan, computed, &|figure| Ok(figure.save(folder)?))?;
        std::fs::create_dir_all(folder).map_err(|source| Error::Write { source, path: folder.to_owned() })?;
        let runs = folder.join("runs.csv");
        write_table(&computed.runs.table()?, &runs)?;
        drawn.runs = Some(runs);
        Ok(drawn)
    }

    /// Draws figures from what was computed for the same plan and writes no files: for a notebook, or
    /// [`Report::to_html`].
    ///
    /// # Errors
    /// [`Error::Recipe`] or [`Error::Plot`] if a figure cannot be drawn.
    ///
    /// [`Report::to_html`]: crate::Report::to_html
    pub fn draw_in_memory(&self, plan: &FigurePlan, computed: &Computed) -> Result<Drawn> {
        self.drawn(plan, computed, &|_| Ok(Vec::new()))
    }

    /// Draws figures side by side; `save` writes the files of each.
    fn drawn(
        &self,
        plan: &FigurePlan,
        computed: &Computed,
        save: &(dyn Fn(&Figure) -> Result<Vec<PathBuf>> + Sync),
    ) -> Result<Drawn> {
        let pages: Vec<Mutex<Option<Result<Page>>>> = plan.recipes.iter().map(|_| Mutex::new(None)).collect();
        pool::work(self.jobs(), (0..pages.len()).map(|number| (0.0, number)), |number, _| {
            let page = page(&judgement::Figure { plan, computed, number }, save);
            *lock(&pages[number]) = Some(page);
        });
        let mut drawn = Drawn { figures: Vec::new(), problems: Vec::new(), runs: None };
        for (number, (recipe, page)) in plan.recipes.iter().zip(pages).enumerate() {
            match page.into_inner().unwrap_or_else(PoisonError::into_inner) {
                Some(Ok(Page { figure, problems })) => {
                    drawn.figures.push(figure);
                    drawn.problems.extend(problems);
                }
                // Some of what it shows failed, which is reported elsewhere; any other reason is given here.
                Some(Err(error @ (Error::Plot(_) | Error::Recipe(_)))) if computed.is_incomplete() => {
                    let name = recipe.figure.clone();
                    let empty = computed.tables(number).iter().all(Table::is_empty);
                    let why = if empty { String::new() } else { format!(" ({error})") };
                    drawn.problems.push(format!("{name} is not drawn: some of what it shows failed{why}"));
                    drawn.figures.push(DrawnFigure { name, figure: None, files: Vec::new() });
                }
                Some(Err(error)) => return Err(error),
                None => {}
            }
        }
        Ok(drawn)
    }
}

struct Page {
    figure: DrawnFigure,
    problems: Vec<String>,
}

fn page(
    planned: &judgement::Figure<'_>,
    save: &(dyn Fn(&Figure) -> Result<Vec<PathBuf>> + Sync),
) -> Result<Page> {
    let (recipe, tables) = (planned.recipe(), planned.computed.tables(planned.number));
    let mut findings = Findings::new();
    for claim in recipe.shown_claims() {
        findings.insert(claim.name.as_ref().clone(), planned.judgement(claim)?.findings);
    }
    let figure = recipe.draw_with(&planned.plan.theme, tables, &findings)?;
    let problems =
        figure.problems().into_iter().map(|problem| format!("{}, {problem}", recipe.figure)).collect();
    let files = save(&figure)?;
    let figure = DrawnFigure { name: recipe.figure.clone(), figure: Some(figure), files };
    Ok(Page { figure, problems })
}
