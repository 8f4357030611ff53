//! From a tidy table to the cells of matrices, one matrix per facet.

use std::collections::BTreeMap;

use concertina_table::{Table, Values};

use crate::{
    Axis, Drawing, Error, Result, Theme,
    panel::{along::Along, look},
    ticks::ScaleKind,
};

/// The most cells that are drawn: arbitrary, more than can be told apart on a page.
const MOST_CELLS: usize = 250_000;

/// The values along one side of a matrix.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Side {
    /// Where the values are; words are at 0, 1, and so on.
    pub(super) places: Vec<f64>,
    pub(super) words: Option<Vec<String>>,
    /// Where cells begin and end: one more than there are places.
    pub(super) edges: Vec<f64>,
}

impl Side {
    fn of(along: &Along, log: bool) -> Self {
        let places: Vec<f64> = match &along.words {
            Some(words) => (0..words.len()).map(|place| place as f64).collect(),
            None => {
                let usable = |place: &f64| place.is_finite() && (!log || *place > 0.0);
                let mut places: Vec<f64> = along.places.iter().flatten().copied().filter(usable).collect();
                places.sort_by(f64::total_cmp);
                places.dedup_by(|a, b| *a == *b);
                places
            }
        };
        let edges = edges(&places, log);
        Self { places, words: along.words.clone(), edges }
    }

    fn index(&self, place: f64) -> Option<usize> {
        self.places.iter().position(|known| *known == place)
    }
}

/// The edges of cells around sorted places: in the middle between neighbours, and as far outside of the first
/// and last as on their inner side. On a logarithmic scale, middles are those of logarithms.
fn edges(places: &[f64], log: bool) -> Vec<f64> {
    let to = |place: f64| if log { place.log10() } else { place };
    let from = |place: f64| if log { 10_f64.powf(place) } else { place };
    let places: Vec<f64> = places.iter().copied().map(to).collect();
    let (Some(first), Some(last)) = (places.first(), places.last()) else { return Vec::new() };
    // A single cell is as wide as one of neighbouring whole numbers.
    let before = places.get(1).map_or(0.5, |second| 0.5 * (second - first));
    let after = places.iter().rev().nth(1).map_or(0.5, |before| 0.5 * (last - before));
    let between = places.windows(2).map(|pair| 0.5 * pair[0] + 0.5 * pair[1]);
    let all = [first - before].into_iter().chain(between).chain([last + after]);
    all.map(from).collect()
}

/// A facet, and the places along y and x.
type CellPlace = (usize, usize, usize);

/// The seeds of a cell with their values.
type Realisations = Vec<(String, Option<f64>)>;

/// A cell of a matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    /// The mean over realisations; `None` if it is undefined.
    pub(super) value: Option<f64>,
    /// How many realisations have a value.
    pub(super) realisations: usize,
    /// How many have none.
    pub(super) undefined: usize,
}

/// The matrices of a panel.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Matrices {
    pub(super) facets: Vec<Option<String>>,
    pub(super) x: Side,
    pub(super) y: Side,
    /// By facet, place along y, and place along x.
    pub(super) cells: BTreeMap<CellPlace, Cell>,
    /// Rows without a place: undefined, or not on a logarithmic axis.
    pub(super) unplaced: usize,
    pub(super) rows: usize,
}

impl Matrices {
    /// # Errors
    /// [`Error::Table`] for unknown columns; [`Error::Panel`] for several values of one realisation in a
    /// cell, or too many cells.
    pub(super) fn of(
        table: &Table,
        (x, y, value): (&Axis, &Axis, &Axis),
        drawing: &Drawing,
        theme: &Theme,
        panel: &str,
    ) -> Result<Self> {
        let wrong = |message: String, hint: &str| {
            Err(Error::Panel { panel: panel.to_owned(), message, hint: Some(hint.to_owned()) })
        };
        let facets: Vec<Option<String>> = match &drawing.facet {
            Some(column) => {
                look::ranked(theme, column, table.distinct(column)?).into_iter().map(Some).collect()
            }
            None => vec![None],
        };
        let (across, up) = (Along::of(table, x, theme, panel)?, Along::of(table, y, theme, panel)?);
        let side = |along: &Along, axis: &Axis| Side::of(along, axis.scale == ScaleKind::Log);
        let (x_side, y_side) = (side(&across, x), side(&up, y));
        let most = x_side.places.len().saturating_mul(y_side.places.len()).saturating_mul(facets.len());
        if most > MOST_CELLS {
            let (wide, high) = (x_side.places.len(), y_side.places.len());
            return wrong(
                format!(
                    "expected at most {MOST_CELLS} cells, found {wide} × {high} in {} facets",
                    facets.len()
                ),
                "keep fewer rows with `keep`, or analyse fewer timesteps",
            );
        }
        let numbers = table.floats(&value.column)?;
        let mut found: BTreeMap<CellPlace, Realisations> = BTreeMap::new();
        let mut unplaced = 0;
        for (row, &number) in numbers.iter().enumerate() {
            let facet = match &drawing.facet {
                Some(column) => {
                    let key = table.scalar(row, column)?.key();
                    facets.iter().position(|facet| facet.as_deref() == Some(key.as_str()))
                }
                None => Some(0),
            };
            let place = |along: &Along, side: &Side| side.index(along.places[row]?);
            let (Some(facet), Some(i), Some(j)) = (facet, place(&up, &y_side), place(&across, &x_side))
            else {
                unplaced += 1;
                continue;
            };
            let seed =
                if table.has_column("seed") { table.scalar(row, "seed")?.to_string() } else { String::new() };
            let values = found.entry((facet, i, j)).or_default();
            if values.iter().any(|(known, _)| *known == seed) {
                let whose = if seed.is_empty() { String::new() } else { format!(" of seed {seed}") };
                return wrong(
                    format!(
                        "expected one `{}`{whose} in a cell of the heat map, found several",
                        value.column
                    ),
                    "tell them apart with `facet`, or keep some with `keep`",
                );
            }
            values.push((seed, number.filter(|number| number.is_finite())));
        }
        let mean = |values: Realisations| {
            let defined: Vec<f64> = values.iter().filter_map(|(_, value)| *value).collect();
            let count = defined.len();
            // Divided first: no sum can overflow.
            let value = (count > 0).then(|| defined.iter().map(|value| value / count as f64).sum());
            Cell { value, realisations: count, undefined: values.len() - count }
        };
        let cells = found.into_iter().map(|(place, values)| (place, mean(values))).collect();
        Ok(Self { facets, x: x_side, y: y_side, cells, unplaced, rows: table.row_count() })
    }

    /// The cells as they are drawn, one row each.
    pub(super) fn data(&self, (x, y, value): (&Axis, &Axis, &Axis), drawing: &Drawing) -> Result<Table> {
        let mut columns = Vec::new();
        if let Some(facet) = &drawing.facet {
            let level = |(at, _, _): &CellPlace| self.facets[*at].clone();
            columns.push((facet.clone(), Values::Text(self.cells.keys().map(level).collect())));
        }
        let along = |side: &Side, index: &dyn Fn(&CellPlace) -> usize| match &side.words {
            Some(words) => Values::Text(self.cells.keys().map(|at| words.get(index(at)).cloned()).collect()),
            None if side.places.iter().all(|place| place.fract() == 0.0 && place.abs() < 9e15) => {
                Values::Integer(self.cells.keys().map(|at| Some(side.places[index(at)] as i64)).collect())
            }
            None => Values::Float(self.cells.keys().map(|at| Some(side.places[index(at)])).collect()),
        };
        let mut push = |name: &str, values: Values| {
            if !columns.iter().any(|(known, _)| known == name) {
                columns.push((name.to_owned(), values));
            }
        };
        push(&y.column, along(&self.y, &|at| at.1));
        push(&x.column, along(&self.x, &|at| at.2));
        push(&value.column, Values::Float(self.cells.values().map(|cell| cell.value).collect()));
        let count = |cell: &Cell| Some(cell.realisations as i64);
        push("realisations", Values::Integer(self.cells.values().map(count).collect()));
        Ok(Table::from_columns(columns)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_meet_in_the_middle() {
        assert_eq!(edges(&[0.0, 1.0, 3.0], false), [-0.5, 0.5, 2.0, 4.0]);
        assert_eq!(edges(&[5.0], false), [4.5, 5.5]);
        assert_eq!(edges(&[], false), [0.0; 0]);
        let log = edges(&[1.0, 100.0], true);
        assert!((log[0] - 0.1).abs() < 1e-12 && (log[1] - 10.0).abs() < 1e-12, "{log:?}");
    }
}
