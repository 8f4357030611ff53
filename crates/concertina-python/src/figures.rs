//! Figures and reports.

use std::path::PathBuf;

use concertina::plot::{self, DrawnPanel, Panel, Theme};
use concertina::recipe::{PublishedTables, Recipe, SeedChoice};
use concertina::{self as facade, FigurePlan};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::OrRaise;
use crate::runs::Runs;
use crate::study::Study;
use crate::table::Table;
use crate::values::python_json;
use crate::work::work;

/// A drawing: one panel, or a page of panels.
#[pyclass(frozen, module = "concertina._core")]
pub(crate) struct Figure {
    drawn: Drawn,
}

enum Drawn {
    Panel(Box<DrawnPanel>),
    Page(Box<plot::Figure>),
}

#[pymethods]
impl Figure {
    /// The drawing as SVG.
    fn svg(&self) -> &str {
        match &self.drawn {
            Drawn::Panel(panel) => panel.svg(),
            Drawn::Page(page) => page.svg(),
        }
    }

    /// The drawing as PNG.
    fn png<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let rendered = match &self.drawn {
            Drawn::Panel(panel) => panel.render(),
            Drawn::Page(page) => page.render(),
        };
        Ok(PyBytes::new(py, &rendered.or_raise()?.png))
    }

    /// The data of the drawing: one table per panel, with the panel's letter.
    fn data(&self) -> Vec<(String, Table)> {
        match &self.drawn {
            Drawn::Panel(panel) => vec![(String::new(), panel.data().clone().into())],
            Drawn::Page(page) => page
                .panels()
                .map(|(letter, panel)| (letter.to_owned(), panel.data().clone().into()))
                .collect(),
        }
    }

    /// What could not be drawn, and why.
    fn problems(&self) -> Vec<String> {
        match &self.drawn {
            Drawn::Panel(panel) => panel.problems().to_vec(),
            Drawn::Page(page) => page.problems(),
        }
    }

    /// Writes PDF, SVG, PNG and CSV, and returns the paths. A page is written into a folder, with each panel
    /// separately.
    fn save(&self, stem: PathBuf) -> PyResult<Vec<PathBuf>> {
        match &self.drawn {
            Drawn::Panel(panel) => {
                let files = panel.files(&stem).or_raise()?;
                files.iter().try_for_each(plot::File::write).or_raise()?;
                Ok(files.into_iter().map(|file| file.path).collect())
            }
            Drawn::Page(page) => page.save(&stem).or_raise(),
        }
    }
}

/// Draws a table. The drawing is described in JSON, with the settings of a recipe's panel.
#[pyfunction]
pub(crate) fn draw(
    py: Python<'_>,
    table: &Table,
    drawing: &str,
    title: Option<&str>,
    size_mm: Option<(f64, f64)>,
) -> PyResult<Figure> {
    let drawing: plot::Drawing = serde_json::from_str(drawing).map_err(|error| {
        // the position in the text is of no use to a user who did not write it
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
        crate::errors::raised("ParameterError", &message, None)
    })?;
    let mut panel = Panel::of(&table.table, drawing);
    if let Some(title) = title {
        panel = panel.title(title);
    }
    if let Some((width, height)) = size_mm {
        panel = panel.size_mm(width, height);
    }
    let drawn = py.detach(|| panel.draw()).or_raise()?;
    Ok(Figure { drawn: Drawn::Panel(Box::new(drawn)) })
}

/// The names and titles of the figures that have recipes.
#[pyfunction]
pub(crate) fn recipes() -> PyResult<Vec<(String, String)>> {
    let recipes = facade::all_recipes().or_raise()?;
    Ok(recipes.into_iter().map(|recipe| (recipe.figure, recipe.title)).collect())
}

/// Which figures are requested, by name or from files, with which realisations, with which parameters for
/// every run, and for what they are drawn.
#[pyclass(frozen, module = "concertina._core")]
pub(crate) struct Asked {
    names: Vec<String>,
    files: Vec<PathBuf>,
    /// The realisations; `None` for as many as the recipe chooses for a quick look.
    seeds: Option<Vec<u64>>,
    full: bool,
    set: Vec<String>,
    theme: Theme,
}

#[pymethods]
impl Asked {
    #[new]
    #[pyo3(signature = (names, files, seeds, full, set, for_slides=false))]
    fn new(
        names: Vec<String>,
        files: Vec<PathBuf>,
        seeds: Option<Vec<u64>>,
        full: bool,
        set: Vec<String>,
        for_slides: bool,
    ) -> Self {
        let theme = if for_slides { Theme::talk() } else { Theme::default() };
        Self { names, files, seeds, full, set, theme }
    }
}

impl Asked {
    /// The methods of these figures; with `most`, of their reproduction until claims are decided.
    pub(crate) fn methods(&self, study: &facade::Study, most: Option<usize>) -> PyResult<facade::Methods> {
        Ok(facade::Methods::of_figures(&self.tested(most)?, Some(study)))
    }

    /// The plan with claims, which are tested until they are decided if `most` is given.
    fn tested(&self, most: Option<usize>) -> PyResult<FigurePlan> {
        let plan = self.plan(true)?;
        match most {
            Some(most) => plan.until_decided(most).or_raise(),
            None => Ok(plan),
        }
    }

    fn plan(&self, with_claims: bool) -> PyResult<FigurePlan> {
        let mut recipes = match self.names.is_empty() && !self.files.is_empty() {
            true => Vec::new(),
            false => facade::recipes(self.names.iter().map(String::as_str)).or_raise()?,
        };
        for file in &self.files {
            recipes.push(Recipe::from_path(file).or_raise()?);
        }
        let seeds = match (&self.seeds, self.full) {
            (Some(seeds), _) => SeedChoice::These(seeds.clone()),
            (None, true) => SeedChoice::Full,
            (None, false) => SeedChoice::Fast,
        };
        let set = self.set.iter().map(String::as_str);
        let plan = match with_claims {
            true => FigurePlan::with_claims(recipes, &seeds, set),
            false => FigurePlan::new(recipes, &seeds, set),
        };
        Ok(plan.or_raise()?.with_theme(self.theme.clone()))
    }
}

/// The report of a reproduction.
#[pyclass(frozen, module = "concertina._core")]
pub(crate) struct Report {
    report: facade::Report,
    html: String,
}

#[pymethods]
impl Report {
    fn html(&self) -> &str {
        &self.html
    }

    fn json(&self) -> String {
        self.report.to_json()
    }

    /// The whole report as dictionaries and lists.
    fn contents<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        python_json(py, &serde_json::json!(self.report))
    }
}

/// Draws figures, and first trains and computes what they need. Returns the figures, the runs, and what
/// failed.
pub(crate) fn figures(
    py: Python<'_>,
    study: &Study,
    asked: &Asked,
    report: Option<Py<PyAny>>,
) -> PyResult<(Vec<Figure>, Runs, Vec<String>)> {
    let plan = asked.plan(false)?;
    let (computed, drawn) = work(py, study.settings(), &plan.varied(), report, |settings| {
        let study = study.study.with_settings(settings);
        let computed = study.compute(&plan)?;
        let drawn = study.draw_in_memory(&plan, &computed)?;
        Ok((computed, drawn))
    })?;
    let failures = computed.failures.iter().map(ToString::to_string).chain(drawn.problems).collect();
    let pages = drawn.figures.into_iter().filter_map(|one| one.figure);
    let figures = pages.map(|page| Figure { drawn: Drawn::Page(Box::new(page)) }).collect();
    Ok((figures, Runs::new(computed.runs, study.jobs), failures))
}

/// Judges the claims of figures, and first trains and computes what they need. With `most`, realisations are
/// added to undecided claims until they are decided or have that many.
pub(crate) fn reproduce(
    py: Python<'_>,
    study: &Study,
    asked: &Asked,
    most: Option<usize>,
    command: &str,
    report: Option<Py<PyAny>>,
) -> PyResult<Report> {
    let mut plan = asked.tested(most)?;
    let published = PublishedTables::shipped();
    let (report, html) = work(py, study.settings(), &plan.varied(), report, |settings| {
        let study = study.study.with_settings(settings);
        let computed = study.compute_until_decided(&mut plan, &mut |_| ())?;
        let drawn = study.draw_in_memory(&plan, &computed)?;
        let report = study.judge(&plan, &computed, &drawn, &published, command)?;
        let html = report.to_html(&drawn);
        Ok((report, html))
    })?;
    Ok(Report { report, html })
}
