//! A whole figure: panels with letters on a page, and each panel separately.

use std::path::{Path, PathBuf};

use concertina_table::Table;

use crate::{
    Drawing, Error, Result, Theme,
    files::{self, DrawnPanel, File},
    font::Cut,
    panel::{self, Context, Prepared},
    render::{self, Rendered},
    rich::Rich,
    scene::{Anchor, Margins, Rect, Scene, TextBox},
    svg::POINTS_PER_MM,
};

/// Side of a single snapshot on a separate page, in millimetres: a third of a text column.
const SNAPSHOT_MM: f64 = 29.0;
/// Height of rows if the layout gives none, in millimetres.
const ROW_MM: f64 = 45.0;
/// Panels in such a row.
const ROW_PANELS: usize = 3;

/// The panels of a figure and their arrangement on its page.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// The name of the figure and of its files.
    pub name: &'a str,
    /// Width in millimetres; two text columns if not given.
    pub width_mm: Option<f64>,
    /// Rows from top to bottom. If there are none, three panels per row.
    pub rows: Vec<PageRow<'a>>,
    /// Panels, in the order of their letters.
    pub panels: Vec<PagePanel<'a>>,
}

/// A row of panels.
#[derive(Clone, Debug)]
pub struct PageRow<'a> {
    /// Letters, from left to right.
    pub letters: Vec<&'a str>,
    /// Shares of the width, one per panel; equal if there are none.
    pub widths: &'a [f64],
    /// Height in millimetres.
    pub height_mm: f64,
}

/// A panel of a figure.
#[derive(Clone, Copy, Debug)]
pub struct PagePanel<'a> {
    /// Its letter, which is also the name of its files.
    pub letter: &'a str,
    /// The text above it.
    pub title: Option<&'a str>,
    /// Width and height of the separate panel, in millimetres; its size in the figure if not given.
    pub size_mm: Option<[f64; 2]>,
    /// The data.
    pub table: &'a Table,
    /// How the data are drawn.
    pub drawing: &'a Drawing,
}

/// A drawn figure: the composed page and every panel separately.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    name: String,
    scene: Scene,
    svg: String,
    dots_per_inch: f64,
    panels: Vec<(String, DrawnPanel)>,
    /// Single snapshots: path without extension, drawing.
    singles: Vec<(PathBuf, String)>,
    /// Panels without a place on the page.
    unplaced: Vec<String>,
}

impl Page<'_> {
    /// Draws the figure.
    ///
    /// # Errors
    /// A panel's drawing does not fit its table, or a character has no glyph.
    pub fn draw(&self, theme: &Theme) -> Result<Figure> {
        let cells = self.cells(theme);
        let scene = self.compose(theme, &cells)?;
        let mut panels = Vec::new();
        let mut singles = Vec::new();
        for panel in &self.panels {
            let PagePanel { letter, title, table, drawing, .. } = *panel;
            let placed = cells.iter().find(|cell| cell.letter == *letter);
            let in_figure = placed.map_or([60.0, ROW_MM], |cell| {
                [cell.place.width / POINTS_PER_MM, cell.place.height / POINTS_PER_MM]
            });
            let size = panel.size_mm.unwrap_or(in_figure);
            panels.push((letter.to_owned(), panel::alone(table, drawing, theme, letter, title, size)?));
            if let Some(template) = &drawing.snapshot_file {
                singles.extend(snapshot_files(table, drawing, template, theme, letter)?);
            }
        }
        let svg = files::spelled(&scene, theme)?;
        let dots_per_inch = theme.page.dots_per_inch;
        let placed = |letter: &String| cells.iter().any(|cell| cell.letter == *letter);
        let unplaced =
            panels.iter().map(|(letter, _)| letter).filter(|letter| !placed(letter)).cloned().collect();
        Ok(Figure { name: self.name.to_owned(), scene, svg, dots_per_inch, panels, singles, unplaced })
    }

    /// The place of each panel on the page.
    fn cells(&self, theme: &Theme) -> Vec<CellPlace> {
        let edge = theme.page.edge;
        let width = self.width_mm.unwrap_or(theme.page.double_column_mm) * POINTS_PER_MM - 2.0 * edge;
        let usual: Vec<PageRow<'_>> = self
            .panels
            .chunks(ROW_PANELS)
            .map(|panels| PageRow {
                letters: panels.iter().map(|panel| panel.letter).collect(),
                widths: &[],
                height_mm: ROW_MM,
            })
            .collect();
        let rows = if self.rows.is_empty() { &usual } else { &self.rows };
        let mut cells = Vec::new();
        let mut top = edge;
        for (number, row) in rows.iter().enumerate() {
            let shares: Vec<f64> =
                if row.widths.is_empty() { vec![1.0; row.letters.len()] } else { row.widths.to_vec() };
            let total: f64 = shares.iter().sum();
            let free = width - theme.page.gutter * row.letters.len().saturating_sub(1) as f64;
            let mut left = edge;
            for (&letter, share) in row.letters.iter().zip(&shares) {
                let place = Rect::new(left, top, free * share / total, row.height_mm * POINTS_PER_MM);
                cells.push(CellPlace { letter: letter.to_owned(), row: number, place });
                left += place.width + theme.page.gutter;
            }
            top += row.height_mm * POINTS_PER_MM + theme.page.gutter;
        }
        cells
    }

    fn compose(&self, theme: &Theme, cells: &[CellPlace]) -> Result<Scene> {
        let edge = theme.page.edge;
        let right = cells.iter().map(|cell| cell.place.right()).fold(0.0, f64::max);
        let bottom = cells.iter().map(|cell| cell.place.bottom()).fold(0.0, f64::max);
        let mut scene = Scene::new(right + edge, bottom + edge);
        let mut prepared = Vec::new();
        for cell in cells {
            let Some(panel) = self.panels.iter().find(|panel| panel.letter == cell.letter) else {
                continue;
            };
            let context = Context {
                name: &cell.letter,
                title: panel.title,
                size: (cell.place.width, cell.place.height),
                letter: true,
                in_figure: true,
            };
            prepared.push((cell, Prepared::new(panel.table, panel.drawing, theme, &context)?));
        }
        for (cell, panel) in &prepared {
            // Axes in the same row start and end at the same height; axes at the same left edge start at the
            // same distance from it.
            let own = panel.margins().unwrap_or_default();
            let mut margins = own;
            for (other, theirs) in &prepared {
                let Some(theirs) = theirs.margins() else { continue };
                if other.row == cell.row {
                    margins = margins.union(Margins { left: 0.0, right: 0.0, ..theirs });
                }
                if (other.place.left - cell.place.left).abs() < 0.5 {
                    margins = margins.union(Margins { left: theirs.left, ..Margins::default() });
                }
            }
            panel.draw(&mut scene, cell.place, margins);
            let letter = Rich::plain(&cell.letter, Cut::Bold);
            let place = (cell.place.left, cell.place.top + 0.76 * theme.text.letter);
            scene.text(place, letter, theme.text.letter, Anchor::Start, theme.text.colour);
        }
        Ok(scene)
    }
}

#[derive(Clone, Debug, PartialEq)]
struct CellPlace {
    letter: String,
    row: usize,
    place: Rect,
}

/// Single snapshots: those of the first facet are named by the template, and those of other facets are in a
/// folder that is named by the facet's value.
fn snapshot_files(
    table: &Table,
    drawing: &Drawing,
    template: &str,
    theme: &Theme,
    letter: &str,
) -> Result<Vec<(PathBuf, String)>> {
    let side = SNAPSHOT_MM * POINTS_PER_MM;
    let context = Context { name: letter, title: None, size: (side, side), letter: false, in_figure: false };
    let prepared = Prepared::new(table, drawing, theme, &context)?;
    let pages = prepared.singles(side);
    let first = pages.first().map(|(value, _, _)| value.clone());
    let files: Vec<(PathBuf, String)> = pages
        .into_iter()
        .map(|(value, timestep, scene)| {
            let mut path = PathBuf::from(fill(template, table, timestep, letter)?);
            if Some(&value) != first.as_ref()
                && let (Some(column), Some(value), Some(name)) = (&drawing.facet, &value, path.file_name())
            {
                path = path.with_file_name(format!("{column}_{value}")).join(name);
            }
            Ok((path, files::spelled(&scene, theme)?))
        })
        .collect::<Result<_>>()?;
    let mut names: Vec<&PathBuf> = files.iter().map(|(path, _)| path).collect();
    names.sort();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(files),
        Some(pair) => Err(Error::Panel {
            panel: letter.to_owned(),
            message: format!("`snapshot_file`: several snapshots would be named `{}`", pair[0].display()),
            hint: Some("`{timestep}` in the name tells them apart".to_owned()),
        }),
    }
}

/// Fills in `{timestep}` and the columns that have a single value in the whole table.
fn fill(template: &str, table: &Table, timestep: i64, letter: &str) -> Result<String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((column, after)) = after.split_once('}') else { break };
        out.push_str(before);
        if column == "timestep" {
            out.push_str(&timestep.to_string());
        } else {
            let values = table.distinct(column)?;
            let [value] = values.as_slice() else {
                return Err(Error::Panel {
                    panel: letter.to_owned(),
                    message: format!("file name: expected one value of `{column}`, found {}", values.len()),
                    hint: Some("`{timestep}` and columns with one value can be filled in".to_owned()),
                });
            };
            out.push_str(value);
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

impl Figure {
    /// The figure's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The composed page as SVG.
    pub fn svg(&self) -> &str {
        &self.svg
    }

    /// Letters and panels, each drawn separately.
    pub fn panels(&self) -> impl Iterator<Item = (&str, &DrawnPanel)> {
        self.panels.iter().map(|(letter, panel)| (letter.as_str(), panel))
    }

    /// The boxes of all texts on the composed page.
    pub fn text_boxes(&self) -> Vec<TextBox> {
        self.scene.text_boxes()
    }

    /// The composed page.
    pub fn page(&self) -> Rect {
        self.scene.page()
    }

    /// What could not be drawn, and why, by panel.
    pub fn problems(&self) -> Vec<String> {
        let of_panel = |(letter, panel): &(String, DrawnPanel)| {
            panel.problems().iter().map(|problem| format!("panel {letter}: {problem}")).collect::<Vec<_>>()
        };
        let unplaced = self.unplaced.iter().map(|letter| {
            format!("panel {letter}: the layout has no place for it, so it is drawn only as a separate panel")
        });
        self.panels.iter().flat_map(of_panel).chain(unplaced).collect()
    }

    /// The composed page as SVG, PDF and PNG.
    ///
    /// # Errors
    /// [`Error::Svg`], [`Error::Pdf`], [`Error::Png`].
    pub fn render(&self) -> Result<Rendered> {
        render::render(self.svg.clone(), self.dots_per_inch)
    }

    /// All files, under `folder`: `fig2.pdf`, `fig2/b.pdf`, `fig2/b.csv`, `fig2/snapshots/...`.
    ///
    /// # Errors
    /// [`Error::Svg`], [`Error::Pdf`], [`Error::Png`].
    pub fn files(&self, folder: &Path) -> Result<Vec<File>> {
        let mut all = files::drawing_files(&folder.join(&self.name), self.render()?);
        let inside = folder.join(&self.name);
        for (letter, panel) in &self.panels {
            all.extend(panel.files(&inside.join(letter))?);
        }
        for (path, svg) in &self.singles {
            all.extend(files::drawing_files(
                &inside.join(path),
                render::render(svg.clone(), self.dots_per_inch)?,
            ));
        }
        Ok(all)
    }

    /// Writes all files under `folder` and returns their paths, the composed page's first.
    ///
    /// # Errors
    /// The errors of [`Figure::files`]; [`Error::File`] if a file cannot be written.
    pub fn save(&self, folder: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
        let files = self.files(folder.as_ref())?;
        files.iter().try_for_each(File::write)?;
        Ok(files.into_iter().map(|file| file.path).collect())
    }
}
