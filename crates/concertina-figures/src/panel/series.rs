//! From a tidy table to lines: rows split by facet, hue and style, realisations summarised at each x.

use std::collections::BTreeMap;

use concertina_table::{Scalar, Table, Values};

use crate::{Drawing, Error, ErrorBar, NoSummary, Result, Theme, error_bar::Summary, panel::look};

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

/// One line with its band.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// Which hue, in the order of [`Split::hues`].
    pub(crate) hue: usize,
    /// Which style, in the order of [`Split::styles`].
    pub(crate) style: usize,
    pub(crate) points: Vec<SeriesPoint>,
    /// Each realisation by itself, for [`ErrorBar::Lines`].
    pub(crate) singles: Vec<Vec<(f64, f64)>>,
}

/// A table split into lines.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Split {
    /// Values of the facet column; one without a name if there is none.
    pub(crate) facets: Vec<Option<String>>,
    pub(crate) hues: Vec<Option<String>>,
    pub(crate) styles: Vec<Option<String>>,
    /// Lines of each facet.
    pub(crate) series: Vec<Vec<Series>>,
}

impl Split {
    /// Splits `table` as `drawing` says; `panel` is what errors call it.
    pub(crate) fn of(table: &Table, drawing: &Drawing, theme: &Theme, panel: &str) -> Result<Self> {
        let (Some(x_axis), Some(y_axis)) = (&drawing.x, &drawing.y) else {
            let (missing, example) =
                if drawing.x.is_none() { ("x", "timestep") } else { ("y", "effective_dimension") };
            return Err(Error::Panel {
                panel: panel.to_owned(),
                message: format!("expected a column for `{missing}`, found none"),
                hint: Some(format!(
                    "say `.{missing}(\"{example}\")`, or in a recipe `{missing} = \"{example}\"`"
                )),
            });
        };
        let levels = |column: &Option<String>| -> Result<Vec<Option<String>>> {
            match column {
                Some(column) => {
                    let values = look::ranked(theme, column, distinct(table, column)?);
                    Ok(values.into_iter().map(Some).collect())
                }
                None => Ok(vec![None]),
            }
        };
        let (facets, hues, styles) =
            (levels(&drawing.facet)?, levels(&drawing.hue)?, levels(&drawing.style)?);
        let (xs, ys) = (table.floats(&x_axis.column)?, table.floats(&y_axis.column)?);
        let seeds = table.has_column("seed").then_some("seed");

        // (facet, hue, style) -> x (by its bits, in order) -> (seed, y)
        type Column = BTreeMap<OrderedX, Vec<(String, f64)>>;
        let mut groups: BTreeMap<(usize, usize, usize), Column> = BTreeMap::new();
        for row in 0..table.row_count() {
            let level = |column: &Option<String>, levels: &[Option<String>]| -> Result<Option<usize>> {
                let Some(column) = column else { return Ok(Some(0)) };
                let key = key(&table.scalar(row, column)?);
                Ok(levels.iter().position(|level| level.as_deref() == Some(key.as_str())))
            };
            let place = (
                level(&drawing.facet, &facets)?,
                level(&drawing.hue, &hues)?,
                level(&drawing.style, &styles)?,
            );
            let ((Some(facet), Some(hue), Some(style)), Some(x)) = (place, xs[row].filter(|x| x.is_finite()))
            else {
                continue;
            };
            let seed = match seeds {
                Some(column) => table.scalar(row, column)?.to_string(),
                None => row.to_string(),
            };
            let values = groups.entry((facet, hue, style)).or_default().entry(OrderedX(x)).or_default();
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
        let mut series: Vec<Vec<Series>> = vec![Vec::new(); facets.len()];
        let mut index = 0;
        for ((facet, hue, style), column) in groups {
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
            series[facet].push(Series { hue, style, points, singles: singles.into_values().collect() });
        }
        Ok(Self { facets, hues, styles, series })
    }

    /// All lines with their facet's number.
    pub(crate) fn all(&self) -> impl Iterator<Item = (usize, &Series)> {
        self.series.iter().enumerate().flat_map(|(facet, lines)| lines.iter().map(move |line| (facet, line)))
    }

    /// The drawn numbers as a table: what the CSV beside a panel holds.
    pub(crate) fn to_table(&self, drawing: &Drawing) -> Result<Table> {
        let name = |axis: &Option<crate::Axis>, otherwise: &str| {
            axis.as_ref().map_or(otherwise.to_owned(), |a| a.column.clone())
        };
        let mut labels: Vec<(String, Vec<Option<String>>)> = Vec::new();
        for column in [&drawing.facet, &drawing.hue, &drawing.style].into_iter().flatten() {
            if !labels.iter().any(|(known, _)| known == column) {
                labels.push((column.clone(), Vec::new()));
            }
        }
        let (mut x, mut centre, mut low, mut high) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut realisations, mut problem) = (Vec::new(), Vec::new());
        for (facet, line) in self.all() {
            for point in &line.points {
                for (column, level) in [
                    (&drawing.facet, &self.facets[facet]),
                    (&drawing.hue, &self.hues[line.hue]),
                    (&drawing.style, &self.styles[line.style]),
                ] {
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
