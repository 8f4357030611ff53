//! From a tidy table to lines: rows are split by facet, hue and style, and realisations are summarised at
//! each x.

use std::collections::BTreeMap;

use concertina_table::{Table, Values};

use super::along::{Along, spelled};
use crate::{Axis, Drawing, Error, ErrorBar, NoSummary, Result, Theme, error_bar::Summary, panel::look};

/// A point of a line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SeriesPoint {
    pub(crate) x: f64,
    pub(crate) summary: Result<Summary, NoSummary>,
    pub(crate) realisations: usize,
}

/// A line with its band, or the marks with the same look.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Series {
    /// The index of the hue in [`Levels::hues`].
    pub(crate) hue: usize,
    /// The index of the style in [`Levels::styles`].
    pub(crate) style: usize,
    pub(crate) points: Vec<SeriesPoint>,
    /// Single realisations, where the error bar shows them, with a gap where a value is undefined.
    pub(crate) singles: Vec<Vec<(f64, Option<f64>)>>,
    /// Single rows, for a scatter.
    pub(crate) marks: Vec<(f64, f64)>,
}

impl Series {
    /// Points with a summary, single realisations, and marks.
    pub(crate) fn drawn(&self) -> impl Iterator<Item = (f64, f64)> {
        let points =
            self.points.iter().filter_map(|point| Some((point.x, point.summary.as_ref().ok()?.centre)));
        let singles = self.singles.iter().flatten().filter_map(|&(x, y)| Some((x, y?)));
        points.chain(singles).chain(self.marks.iter().copied())
    }

    /// Whether no part of it can be seen.
    pub(crate) fn is_empty(&self) -> bool {
        self.drawn().next().is_none()
    }
}

/// The values by which a drawing splits a table; a single value without a name where it does not.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Levels {
    /// The values of the columns of facets, from left to right.
    pub(crate) facets: Vec<Option<String>>,
    /// The values of the rows of facets, from top to bottom.
    pub(crate) rows: Vec<Option<String>>,
    pub(crate) hues: Vec<Option<String>>,
    pub(crate) styles: Vec<Option<String>>,
}

impl Levels {
    fn of(table: &Table, drawing: &Drawing, theme: &Theme) -> Result<Self> {
        let levels = |column: &Option<String>| -> Result<Vec<Option<String>>> {
            match column {
                Some(column) => {
                    let values = look::ranked(theme, column, table.distinct(column)?);
                    Ok(values.into_iter().map(Some).collect())
                }
                None => Ok(vec![None]),
            }
        };
        Ok(Self {
            facets: levels(&drawing.facet)?,
            rows: levels(&drawing.facet_rows)?,
            hues: levels(&drawing.hue)?,
            styles: levels(&drawing.style)?,
        })
    }

    /// Pairs of axes, row by row.
    pub(crate) fn cells(&self) -> usize {
        self.facets.len() * self.rows.len()
    }

    /// The column of a pair of axes.
    pub(crate) fn column_of(&self, cell: usize) -> usize {
        cell % self.facets.len().max(1)
    }

    /// The row of a pair of axes.
    pub(crate) fn row_of(&self, cell: usize) -> usize {
        cell / self.facets.len().max(1)
    }

    /// The pair of axes, hue and style of a row of the table; `None` if one of its cells is null.
    fn place(&self, table: &Table, drawing: &Drawing, row: usize) -> Result<Option<SeriesPlace>> {
        let level = |column: &Option<String>, levels: &[Option<String>]| -> Result<Option<usize>> {
            let Some(column) = column else { return Ok(Some(0)) };
            let key = table.scalar(row, column)?.key();
            Ok(levels.iter().position(|level| level.as_deref() == Some(key.as_str())))
        };
        let (facet, facet_row) =
            (level(&drawing.facet, &self.facets)?, level(&drawing.facet_rows, &self.rows)?);
        let (hue, style) = (level(&drawing.hue, &self.hues)?, level(&drawing.style, &self.styles)?);
        let cell = facet.zip(facet_row).map(|(facet, row)| row * self.facets.len() + facet);
        Ok(cell.zip(hue.zip(style)).map(|(cell, (hue, style))| (cell, hue, style)))
    }

    /// The columns by which the drawing splits, with the values of one series.
    pub(crate) fn named<'a>(
        &'a self,
        drawing: &'a Drawing,
        cell: usize,
        series: &Series,
    ) -> [(&'a Option<String>, &'a Option<String>); 4] {
        [
            (&drawing.facet_rows, &self.rows[self.row_of(cell)]),
            (&drawing.facet, &self.facets[self.column_of(cell)]),
            (&drawing.hue, &self.hues[series.hue]),
            (&drawing.style, &self.styles[series.style]),
        ]
    }
}

/// A pair of axes, a hue and a style.
type SeriesPlace = (usize, usize, usize);

/// Rows that are not drawn, by the column whose cell is the reason.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct PassedOver {
    pub(crate) undefined: BTreeMap<String, usize>,
    pub(crate) infinite: BTreeMap<String, usize>,
}

impl PassedOver {
    /// Where a row belongs; otherwise records the column that has no value.
    fn placed(
        &mut self,
        levels: &Levels,
        table: &Table,
        drawing: &Drawing,
        row: usize,
    ) -> Result<Option<SeriesPlace>> {
        let place = levels.place(table, drawing, row)?;
        if place.is_none() {
            let split = [&drawing.facet, &drawing.facet_rows, &drawing.hue, &drawing.style];
            for column in split.into_iter().flatten() {
                if table.scalar(row, column)?.is_null() {
                    *self.undefined.entry(column.clone()).or_default() += 1;
                    break;
                }
            }
        }
        Ok(place)
    }

    /// A finite number; otherwise records why there is none.
    fn finite(&mut self, column: &str, number: Option<f64>) -> Option<f64> {
        match number {
            Some(number) if number.is_finite() => return Some(number),
            Some(_) => *self.infinite.entry(column.to_owned()).or_default() += 1,
            None => *self.undefined.entry(column.to_owned()).or_default() += 1,
        }
        None
    }
}

/// A table split into lines, or into marks.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Split {
    pub(crate) levels: Levels,
    /// The series of each pair of axes.
    pub(crate) series: Vec<Vec<Series>>,
    /// The words along the horizontal axis, if it does not have numbers.
    pub(crate) x_words: Option<Vec<String>>,
    /// The words along the vertical axis, if it does not have numbers.
    pub(crate) y_words: Option<Vec<String>>,
    pub(crate) passed_over: PassedOver,
}

/// The values of a line: x (in order) -> (seed, y), including undefined ones.
type Column = BTreeMap<OrderedX, Vec<(String, Option<f64>)>>;

/// The points of a line, and its single realisations.
type Summarised = (Vec<SeriesPoint>, Vec<Vec<(f64, Option<f64>)>>);

/// Summarises a line at each x; `index` counts points, for the bootstrap. Without an error bar, several
/// realisations at the same x are an error, which tells how many and where.
fn summarised(
    column: &Column,
    bar: Option<ErrorBar>,
    index: &mut u64,
) -> std::result::Result<Summarised, (usize, f64)> {
    let mut points = Vec::new();
    let mut singles: BTreeMap<String, Vec<(f64, Option<f64>)>> = BTreeMap::new();
    for (OrderedX(x), values) in column {
        let numbers: Vec<f64> = values.iter().filter_map(|(_, y)| *y).collect();
        if bar.is_none() && numbers.len() > 1 {
            return Err((numbers.len(), *x));
        }
        let summary = bar.unwrap_or(ErrorBar::MeanSd).summarise(&numbers, *index);
        points.push(SeriesPoint { x: *x, summary, realisations: numbers.len() });
        *index += 1;
        let shown = bar.filter(|bar| bar.shows_realisations());
        if shown.is_some_and(|bar| numbers.len() > 1 || bar.needs_words()) {
            for (seed, y) in values {
                singles.entry(seed.clone()).or_default().push((*x, *y));
            }
        }
    }
    Ok((points, singles.into_values().collect()))
}

/// The columns of the axes.
fn columns_along<'a>(drawing: &'a Drawing, panel: &str) -> Result<(&'a Axis, &'a Axis)> {
    let (missing, example) = match (&drawing.x, &drawing.y) {
        (Some(x), Some(y)) => return Ok((x, y)),
        (None, _) => ("x", "timestep"),
        (_, None) => ("y", "effective_dimension"),
    };
    Err(Error::Panel {
        panel: panel.to_owned(),
        message: format!("expected a column for `{missing}`, found none"),
        hint: Some(format!("add `.{missing}(\"{example}\")`, or in a recipe `{missing} = \"{example}\"`")),
    })
}

impl Split {
    /// Splits `table` into marks, one per row, as described by `drawing`; `panel` is its name in errors.
    pub(crate) fn marks(table: &Table, drawing: &Drawing, theme: &Theme, panel: &str) -> Result<Self> {
        let (x_axis, y_axis) = columns_along(drawing, panel)?;
        let levels = Levels::of(table, drawing, theme)?;
        let across = Along::of(table, x_axis, theme, panel)?;
        let up = Along::of(table, y_axis, theme, panel)?;
        let mut passed_over = PassedOver::default();
        let mut groups: BTreeMap<SeriesPlace, Vec<(f64, f64)>> = BTreeMap::new();
        for (row, (x, y)) in across.places.into_iter().zip(up.places).enumerate() {
            let Some(place) = passed_over.placed(&levels, table, drawing, row)? else { continue };
            let Some(x) = passed_over.finite(&x_axis.column, x) else { continue };
            if let Some(y) = passed_over.finite(&y_axis.column, y) {
                groups.entry(place).or_default().push((x, y));
            }
        }
        let mut series: Vec<Vec<Series>> = vec![Vec::new(); levels.cells()];
        for ((cell, hue, style), marks) in groups {
            series[cell].push(Series { hue, style, marks, ..Series::default() });
        }
        Ok(Self { levels, series, x_words: across.words, y_words: up.words, passed_over })
    }

    /// Splits `table` into lines, as described by `drawing`; `panel` is its name in errors.
    pub(crate) fn lines(table: &Table, drawing: &Drawing, theme: &Theme, panel: &str) -> Result<Self> {
        let (x_axis, y_axis) = columns_along(drawing, panel)?;
        let levels = Levels::of(table, drawing, theme)?;
        let across = Along::of(table, x_axis, theme, panel)?;
        let up = Along::of(table, y_axis, theme, panel)?;
        if up.words.is_some() {
            return Err(Error::Panel {
                panel: panel.to_owned(),
                message: format!("expected numbers in `{}` to summarise, found words", y_axis.column),
                hint: Some("`kind = \"scatter\"` draws words along either axis".to_owned()),
            });
        }
        let (x_name, words) = (&x_axis.column, across.words.as_deref());
        let seeds = table.has_column("seed").then_some("seed");
        let mut passed_over = PassedOver::default();
        let mut groups: BTreeMap<SeriesPlace, Column> = BTreeMap::new();
        for row in 0..table.row_count() {
            let Some(place) = passed_over.placed(&levels, table, drawing, row)? else { continue };
            let Some(x) = passed_over.finite(x_name, across.places[row]) else { continue };
            let seed = match seeds {
                Some(column) => table.scalar(row, column)?.to_string(),
                None => row.to_string(),
            };
            let values = groups.entry(place).or_default().entry(OrderedX(x)).or_default();
            let y = passed_over.finite(&y_axis.column, up.places[row]);
            if y.is_some() && values.iter().any(|(known, value)| *known == seed && value.is_some()) {
                return Err(Error::Panel {
                    panel: panel.to_owned(),
                    message: format!(
                        "expected one `{}` per realisation at `{x_name}` {}, found several of seed {seed}",
                        y_axis.column,
                        spelled(words, x)
                    ),
                    hint: Some(
                        "tell them apart with `hue`, `style` or `facet`, or keep some with `keep`".to_owned(),
                    ),
                });
            }
            values.push((seed, y));
        }

        let bar = drawing.band.map(|band| band.for_column(&y_axis.column));
        let mut series: Vec<Vec<Series>> = vec![Vec::new(); levels.cells()];
        let mut index = 0;
        for ((cell, hue, style), column) in groups {
            let (points, singles) =
                summarised(&column, bar, &mut index).map_err(|(count, x)| Error::Panel {
                    panel: panel.to_owned(),
                    message: format!(
                        "{count} realisations at `{x_name}` {} and no error bar",
                        spelled(words, x)
                    ),
                    hint: Some(format!("choose a band: {}", ErrorBar::NAMES.join(", "))),
                })?;
            series[cell].push(Series { hue, style, points, singles, ..Series::default() });
        }
        Ok(Self { levels, series, x_words: across.words, y_words: None, passed_over })
    }

    /// All series with the numbers of their axes.
    pub(crate) fn all(&self) -> impl Iterator<Item = (usize, &Series)> {
        self.series.iter().enumerate().flat_map(|(cell, lines)| lines.iter().map(move |line| (cell, line)))
    }

    /// The lines as a table: the contents of the CSV file of a panel.
    pub(crate) fn to_table(&self, drawing: &Drawing) -> Result<Table> {
        let name = |axis: &Option<crate::Axis>, otherwise: &str| {
            axis.as_ref().map_or(otherwise.to_owned(), |a| a.column.clone())
        };
        let mut labels: Vec<(String, Vec<Option<String>>)> = Vec::new();
        let split = [&drawing.facet_rows, &drawing.facet, &drawing.hue, &drawing.style];
        for column in split.into_iter().flatten() {
            if !labels.iter().any(|(known, _)| known == column) {
                labels.push((column.clone(), Vec::new()));
            }
        }
        let (mut x, mut centre, mut low, mut high) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut realisations, mut problem) = (Vec::new(), Vec::new());
        for (cell, line) in self.all() {
            for point in &line.points {
                for (column, level) in self.levels.named(drawing, cell, line) {
                    let target = labels.iter_mut().find(|(known, _)| Some(known) == column.as_ref());
                    if let Some((_, values)) = target
                        && values.len() == x.len()
                    {
                        values.push(level.clone());
                    }
                }
                x.push(Some(point.x));
                let summary = point.summary.as_ref().ok();
                centre.push(summary.map(|s| s.centre));
                low.push(summary.and_then(|s| s.interval).map(|(low, _)| low));
                high.push(summary.and_then(|s| s.interval).map(|(_, high)| high));
                realisations.push(Some(point.realisations as i64));
                problem.push(
                    point.summary.as_ref().err().filter(|e| **e != NoSummary::Empty).map(ToString::to_string),
                );
            }
        }
        let mut columns: Vec<(String, Values)> =
            labels.into_iter().map(|(name, texts)| (name, narrowed(texts))).collect();
        let across = match &self.x_words {
            Some(words) => Values::Text(x.into_iter().map(|x| Some(spelled(Some(words), x?))).collect()),
            None => whole_or_float(x),
        };
        columns.push((name(&drawing.x, "x"), across));
        columns.push((name(&drawing.y, "y"), Values::Float(centre)));
        columns.push(("low".to_owned(), Values::Float(low)));
        columns.push(("high".to_owned(), Values::Float(high)));
        columns.push(("realisations".to_owned(), Values::Integer(realisations)));
        if problem.iter().any(Option::is_some) {
            columns.push(("problem".to_owned(), Values::Text(problem)));
        }
        Ok(Table::from_columns(columns)?)
    }
}

/// The columns of a scatter, with all rows: the contents of its CSV file.
pub(crate) fn scattered(kept: &Table, drawing: &Drawing) -> Result<Table> {
    let split = [&drawing.facet_rows, &drawing.facet, &drawing.hue, &drawing.style].into_iter().flatten();
    let along = [&drawing.x, &drawing.y].into_iter().flatten().map(|axis| &axis.column);
    let seed = "seed".to_owned();
    let mut names: Vec<&str> = Vec::new();
    for name in split.chain(kept.has_column("seed").then_some(&seed)).chain(along) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    Ok(kept.select(&names)?)
}

/// Converts texts to numbers if all of them are numbers.
fn narrowed(texts: Vec<Option<String>>) -> Values {
    let numbers: Option<Vec<Option<f64>>> = texts
        .iter()
        .map(|text| text.as_ref().map(|text| text.parse::<f64>().ok()).map_or(Some(None), |n| n.map(Some)))
        .collect();
    match numbers {
        Some(numbers) if !numbers.is_empty() => whole_or_float(numbers),
        _ => Values::Text(texts),
    }
}

fn whole_or_float(values: Vec<Option<f64>>) -> Values {
    if values.iter().flatten().all(|value| value.fract() == 0.0 && value.abs() < 9e15) {
        Values::Integer(values.into_iter().map(|value| value.map(|v| v as i64)).collect())
    } else {
        Values::Float(values)
    }
}

/// A finite number as a key.
#[derive(Clone, Copy, Debug, PartialEq)]
struct OrderedX(f64);

impl Eq for OrderedX {}

impl PartialOrd for OrderedX {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OrderedX {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // Adding zero makes -0 and 0 the same place.
        (self.0 + 0.0).total_cmp(&(other.0 + 0.0))
    }
}
