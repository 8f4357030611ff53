//! From a tidy table to lines: rows split by facet, hue and style, realisations summarised at each x.

use std::collections::BTreeMap;

use concertina_table::{Scalar, Table, Values};

use crate::{Axis, Drawing, Error, ErrorBar, NoSummary, Result, Theme, error_bar::Summary, panel::look};

/// The text by which a cell is known in themes and recipes: `20` for 20 and 20.0.
pub(crate) fn key(cell: &Scalar) -> String {
    let text = cell.to_string();
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => number.to_string(),
        _ => text,
    }
}

/// Distinct values of a column: numbers in rising order, everything else as it comes.
pub(crate) fn distinct(table: &Table, column: &str) -> Result<Vec<String>> {
    let mut found: Vec<(Scalar, String)> = Vec::new();
    for row in 0..table.row_count() {
        let cell = table.scalar(row, column)?;
        let key = key(&cell);
        if !cell.is_null() && !found.iter().any(|(_, known)| *known == key) {
            found.push((cell, key));
        }
    }
    if matches!(table.column(column)?, Values::Float(_) | Values::Integer(_)) {
        found.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    }
    Ok(found.into_iter().map(|(_, key)| key).collect())
}

/// The rows that a drawing keeps.
pub(crate) fn kept(table: &Table, drawing: &Drawing) -> Result<Table> {
    let mut keep = vec![true; table.row_count()];
    for (column, values) in &drawing.keep {
        let wanted: Vec<String> = values.iter().map(|value| key(&Scalar::Text(value.0.clone()))).collect();
        for (row, kept) in keep.iter_mut().enumerate() {
            *kept &= wanted.contains(&key(&table.scalar(row, column)?));
        }
    }
    Ok(table.filter(|row| keep[row]))
}

/// A point of a line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SeriesPoint {
    pub(crate) x: f64,
    pub(crate) summary: Result<Summary, NoSummary>,
    pub(crate) realisations: usize,
}

/// One line with its band, or the marks of one look.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Series {
    /// Which hue, in the order of [`Levels::hues`].
    pub(crate) hue: usize,
    /// Which style, in the order of [`Levels::styles`].
    pub(crate) style: usize,
    pub(crate) points: Vec<SeriesPoint>,
    /// Each realisation by itself, for [`ErrorBar::Lines`].
    pub(crate) singles: Vec<Vec<(f64, f64)>>,
    /// Rows by themselves, for a scatter.
    pub(crate) marks: Vec<(f64, f64)>,
}

impl Series {
    /// Points with a summary, and marks.
    pub(crate) fn drawn(&self) -> impl Iterator<Item = (f64, f64)> {
        let points =
            self.points.iter().filter_map(|point| Some((point.x, point.summary.as_ref().ok()?.centre)));
        points.chain(self.marks.iter().copied())
    }
}

/// The values by which a drawing splits a table; a single one without a name where it does not.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Levels {
    /// Of the facets, side by side.
    pub(crate) facets: Vec<Option<String>>,
    /// Of the rows of facets, one below the other.
    pub(crate) rows: Vec<Option<String>>,
    pub(crate) hues: Vec<Option<String>>,
    pub(crate) styles: Vec<Option<String>>,
}

impl Levels {
    fn of(table: &Table, drawing: &Drawing, theme: &Theme) -> Result<Self> {
        let levels = |column: &Option<String>| -> Result<Vec<Option<String>>> {
            match column {
                Some(column) => {
                    let values = look::ranked(theme, column, distinct(table, column)?);
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

    /// Pair of axes, hue and style of a row of the table; none if one of its cells is null.
    fn place(&self, table: &Table, drawing: &Drawing, row: usize) -> Result<Option<(usize, usize, usize)>> {
        let level = |column: &Option<String>, levels: &[Option<String>]| -> Result<Option<usize>> {
            let Some(column) = column else { return Ok(Some(0)) };
            let key = key(&table.scalar(row, column)?);
            Ok(levels.iter().position(|level| level.as_deref() == Some(key.as_str())))
        };
        let (facet, facet_row) =
            (level(&drawing.facet, &self.facets)?, level(&drawing.facet_rows, &self.rows)?);
        let (hue, style) = (level(&drawing.hue, &self.hues)?, level(&drawing.style, &self.styles)?);
        let cell = facet.zip(facet_row).map(|(facet, row)| row * self.facets.len() + facet);
        Ok(cell.zip(hue.zip(style)).map(|(cell, (hue, style))| (cell, hue, style)))
    }

    /// Columns by which the drawing splits, with the values of one series.
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

/// A table split into lines, or into marks.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Split {
    pub(crate) levels: Levels,
    /// The series of each pair of axes.
    pub(crate) series: Vec<Vec<Series>>,
}

/// The columns along the axes.
fn columns_along<'a>(drawing: &'a Drawing, panel: &str) -> Result<(&'a Axis, &'a Axis)> {
    let (missing, example) = match (&drawing.x, &drawing.y) {
        (Some(x), Some(y)) => return Ok((x, y)),
        (None, _) => ("x", "timestep"),
        (_, None) => ("y", "effective_dimension"),
    };
    Err(Error::Panel {
        panel: panel.to_owned(),
        message: format!("expected a column for `{missing}`, found none"),
        hint: Some(format!("say `.{missing}(\"{example}\")`, or in a recipe `{missing} = \"{example}\"`")),
    })
}

impl Split {
    /// Splits `table` into marks, one a row, as `drawing` says; `panel` is what errors call it.
    pub(crate) fn marks(table: &Table, drawing: &Drawing, theme: &Theme, panel: &str) -> Result<Self> {
        let (x_axis, y_axis) = columns_along(drawing, panel)?;
        let levels = Levels::of(table, drawing, theme)?;
        let (xs, ys) = (table.floats(&x_axis.column)?, table.floats(&y_axis.column)?);
        let mut groups: BTreeMap<(usize, usize, usize), Vec<(f64, f64)>> = BTreeMap::new();
        for (row, (x, y)) in xs.into_iter().zip(ys).enumerate() {
            let finite = x.zip(y).filter(|(x, y)| x.is_finite() && y.is_finite());
            if let (Some(place), Some(mark)) = (levels.place(table, drawing, row)?, finite) {
                groups.entry(place).or_default().push(mark);
            }
        }
        let mut series: Vec<Vec<Series>> = vec![Vec::new(); levels.cells()];
        for ((cell, hue, style), marks) in groups {
            series[cell].push(Series { hue, style, marks, ..Series::default() });
        }
        Ok(Self { levels, series })
    }

    /// Splits `table` into lines as `drawing` says; `panel` is what errors call it.
    pub(crate) fn lines(table: &Table, drawing: &Drawing, theme: &Theme, panel: &str) -> Result<Self> {
        let (x_axis, y_axis) = columns_along(drawing, panel)?;
        let levels = Levels::of(table, drawing, theme)?;
        let (xs, ys) = (table.floats(&x_axis.column)?, table.floats(&y_axis.column)?);
        let seeds = table.has_column("seed").then_some("seed");

        // (axes, hue, style) -> x (by its bits, in order) -> (seed, y)
        type Column = BTreeMap<OrderedX, Vec<(String, f64)>>;
        let mut groups: BTreeMap<(usize, usize, usize), Column> = BTreeMap::new();
        for row in 0..table.row_count() {
            let place = levels.place(table, drawing, row)?;
            let (Some(place), Some(x)) = (place, xs[row].filter(|x| x.is_finite())) else { continue };
            let seed = match seeds {
                Some(column) => table.scalar(row, column)?.to_string(),
                None => row.to_string(),
            };
            let values = groups.entry(place).or_default().entry(OrderedX(x)).or_default();
            let Some(y) = ys[row].filter(|y| y.is_finite()) else { continue };
            if values.iter().any(|(known, _)| *known == seed) {
                return Err(Error::Panel {
                    panel: panel.to_owned(),
                    message: format!(
                        "expected one `{}` a realisation at `{}` {x}, found several of seed {seed}",
                        y_axis.column, x_axis.column
                    ),
                    hint: Some(
                        "tell them apart with `hue`, `style` or `facet`, or keep some with `keep`".to_owned(),
                    ),
                });
            }
            values.push((seed, y));
        }

        let bar = drawing.band.unwrap_or(ErrorBar::MeanSd).for_column(&y_axis.column);
        let mut series: Vec<Vec<Series>> = vec![Vec::new(); levels.cells()];
        let mut index = 0;
        for ((cell, hue, style), column) in groups {
            let mut points = Vec::new();
            let mut singles: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
            for (OrderedX(x), values) in &column {
                let numbers: Vec<f64> = values.iter().map(|(_, y)| *y).collect();
                if drawing.band.is_none() && numbers.len() > 1 {
                    return Err(Error::Panel {
                        panel: panel.to_owned(),
                        message: format!(
                            "{} realisations at `{}` {x} and no error bar",
                            numbers.len(),
                            x_axis.column
                        ),
                        hint: Some("choose a band: gamma, mean_ci, mean_sd, median_iqr or lines".to_owned()),
                    });
                }
                points.push(SeriesPoint {
                    x: *x,
                    summary: bar.summarise(&numbers, index),
                    realisations: numbers.len(),
                });
                index += 1;
                if bar == ErrorBar::Lines && numbers.len() > 1 {
                    for (seed, y) in values {
                        singles.entry(seed.clone()).or_default().push((*x, *y));
                    }
                }
            }
            let singles = singles.into_values().collect();
            series[cell].push(Series { hue, style, points, singles, ..Series::default() });
        }
        Ok(Self { levels, series })
    }

    /// All series with the number of their axes.
    pub(crate) fn all(&self) -> impl Iterator<Item = (usize, &Series)> {
        self.series.iter().enumerate().flat_map(|(cell, lines)| lines.iter().map(move |line| (cell, line)))
    }

    /// The lines as a table: what the CSV beside a panel holds.
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
        columns.push((name(&drawing.x, "x"), whole_or_float(x)));
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

/// The columns of a scatter, all rows: what the CSV beside it holds.
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

/// Texts that are all numbers as numbers.
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
