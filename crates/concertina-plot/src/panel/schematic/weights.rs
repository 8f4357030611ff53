//! The recurrent weights: a matrix, or the matrices that it is made of.

use concertina_numerics::random::{Purpose, Stream};
use concertina_table::{Table, Values};

use super::{network::signs, settings::Settings, shapes};
use crate::{
    Colour, Result, Theme, font,
    panel::axes::LABEL_GAP,
    rich::Rich,
    scene::{Anchor, Item, Pen, Rect, Scene},
    ticks,
};

/// Rows and columns drawn of the matrix: enough to see its structure.
const CELLS: usize = 14;
/// The most columns drawn of a matrix of low rank.
const MOST_FACTORS: usize = 4;
/// Between matrices and signs, in points.
const GAP: f64 = 7.0;
/// The random numbers of the drawings.
const PURPOSE: Purpose = Purpose::new("schematic W");

/// How the recurrent weights are restricted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Connectivity {
    pub(super) rank: Option<usize>,
    pub(super) random_part: bool,
    /// The share of excitatory units.
    pub(super) excitatory: Option<f64>,
    /// The probability of a connection, if it is below 1.
    pub(super) density: Option<f64>,
    pub(super) train_recurrent: bool,
    /// Whether the input weights are trained; also true where it is not shown.
    pub(super) train_input: bool,
}

impl Connectivity {
    pub(super) fn of(settings: Settings<'_>) -> Result<Self> {
        let train_recurrent = settings.flag("network.train_recurrent", true)?;
        Ok(Self {
            rank: settings.count_if_any("network.rank", "2")?.filter(|rank| *rank > 0),
            random_part: settings.flag("network.random_part", false)?,
            excitatory: settings.number("network.excitatory", "0.8")?.map(|share| share.min(1.0)),
            density: settings.number("network.density", "0.1")?.filter(|density| *density < 1.0),
            train_recurrent,
            train_input: train_recurrent || settings.flag("network.train_input", false)?,
        })
    }

    /// The columns of what is restricted.
    pub(super) fn columns(&self) -> Vec<(&'static str, Values)> {
        let mut columns = Vec::new();
        if let Some(rank) = self.rank {
            columns.push(("rank", Values::Integer(vec![Some(rank as i64)])));
        }
        for (name, share) in [("excitatory", self.excitatory), ("density", self.density)] {
            columns.extend(share.map(|share| (name, Values::Float(vec![Some(share)]))));
        }
        if !self.train_recurrent {
            columns.push(("train_recurrent", Values::Boolean(vec![Some(false)])));
        }
        columns
    }

    /// `200 units`, with what is special about them.
    pub(super) fn described(&self, units: usize) -> String {
        let mut parts = Vec::new();
        match self.excitatory {
            Some(share) => {
                // Halves are rounded up, as in the model.
                let excitatory = (share * units as f64 + 0.5).floor() as usize;
                let [e, i] = [excitatory, units.saturating_sub(excitatory)].map(|n| ticks::plain(n as f64));
                parts.push(format!("{e} excitatory, {i} inhibitory"));
            }
            None => parts.push(super::settings::counted(units, "unit", "units")),
        }
        parts.extend(self.rank.map(|rank| format!("rank {rank}")));
        parts.extend(self.density.map(|density| format!("density {}", ticks::plain(density))));
        parts.join(", ")
    }
}

/// The contents of the drawing.
#[derive(Debug)]
pub(super) struct Weights {
    units: Option<usize>,
    connectivity: Connectivity,
}

/// A matrix of numbers between -1 and 1; `None` where there is no connection.
type Matrix = Vec<Vec<Option<f64>>>;

/// A part of the equation.
enum Part {
    Sign(&'static str),
    /// A matrix with its name and size, and whether it is trained.
    Matrix {
        cells: Matrix,
        name: &'static str,
        size: String,
        trained: bool,
    },
}

impl Weights {
    pub(super) fn new(settings: Settings<'_>) -> Result<Self> {
        let units = settings.count_if_any("network.units", "200")?;
        Ok(Self { units, connectivity: Connectivity::of(settings)? })
    }

    pub(super) fn data(&self) -> Result<Table> {
        let units = ("units", Values::Integer(vec![self.units.map(|units| units as i64)]));
        Ok(Table::from_columns([units].into_iter().chain(self.connectivity.columns()))?)
    }

    /// The matrices and signs from left to right.
    fn parts(&self) -> Vec<Part> {
        let Connectivity { rank, random_part, train_recurrent, .. } = self.connectivity;
        let many = self.units.map_or_else(|| "*N*".to_owned(), |units| ticks::plain(units as f64));
        let square = format!("{many} × {many}");
        let Some(rank) = rank else {
            let cells = self.square();
            return vec![Part::Matrix { cells, name: "*W*", size: square, trained: train_recurrent }];
        };
        let factors = rank.clamp(1, MOST_FACTORS);
        let mut stream = Stream::new(3, PURPOSE, 0);
        let mut drawn = |rows: usize, columns: usize| -> Vec<Vec<f64>> {
            (0..rows).map(|_| (0..columns).map(|_| stream.normal()).collect()).collect()
        };
        let (left, right) = (drawn(CELLS, factors), drawn(CELLS, factors));
        let random = random_part.then(|| drawn(CELLS, CELLS));
        // The product of what is shown, so that the picture is true.
        let entry = |row: usize, column: usize| {
            let product: f64 = left[row].iter().zip(&right[column]).map(|(m, l)| m * l).sum();
            let scale = (factors as f64).sqrt();
            product / scale + random.as_ref().map_or(0.0, |random| 0.6 * random[row][column])
        };
        let whole = (0..CELLS).map(|row| (0..CELLS).map(|column| Some(0.5 * entry(row, column))).collect());
        let small = |matrix: &[Vec<f64>]| -> Matrix {
            matrix.iter().map(|row| row.iter().map(|value| Some(0.5 * value)).collect()).collect()
        };
        let across: Vec<Vec<f64>> =
            (0..factors).map(|factor| right.iter().map(|row| row[factor]).collect()).collect();
        let mut parts = vec![
            Part::Matrix { cells: whole.collect(), name: "*W*", size: square.clone(), trained: true },
            Part::Sign(if random_part { "=" } else { "= *N*^{−1}" }),
        ];
        if let Some(random) = &random {
            let cells = small(random);
            parts.push(Part::Matrix { cells, name: "*W*_{0}", size: square, trained: false });
            parts.push(Part::Sign("+ *N*^{−1}"));
        }
        let name = "*M*";
        parts.push(Part::Matrix {
            cells: small(&left),
            name,
            size: format!("{many} × {rank}"),
            trained: true,
        });
        parts.push(Part::Sign("×"));
        let (name, size) = ("*L*^{T}", format!("{rank} × {many}"));
        parts.push(Part::Matrix { cells: small(&across), name, size, trained: true });
        parts
    }

    /// The matrix itself, with signs and gaps.
    fn square(&self) -> Matrix {
        let Connectivity { excitatory, density, .. } = self.connectivity;
        let mut stream = Stream::new(4, PURPOSE, 0);
        let boundary = excitatory.map(|share| (share * CELLS as f64).round() as usize);
        let mut entry = |row: usize, column: usize| {
            let (value, chance) = (0.5 * stream.normal(), stream.uniform());
            let missing = density.is_some_and(|density| chance >= density);
            // Under Dale's law, rows have one sign, and no unit is connected to itself.
            match boundary {
                _ if missing => None,
                Some(_) if row == column => None,
                Some(boundary) => {
                    let strength = 0.3 + 0.7 * value.abs().min(1.0);
                    Some(if row < boundary { strength } else { -strength })
                }
                None => Some(value),
            }
        };
        (0..CELLS).map(|row| (0..CELLS).map(|column| entry(row, column)).collect()).collect()
    }

    pub(super) fn draw(&self, scene: &mut Scene, place: Rect, theme: &Theme) {
        let parts = self.parts();
        let size = theme.text.title;
        let texts = LABEL_GAP + 1.3 * theme.text.title + 1.3 * theme.text.legend;
        let fixed = parts.iter().any(|part| matches!(part, Part::Matrix { trained: false, .. }));
        let texts = texts + if fixed { 1.3 * theme.text.legend } else { 0.0 };
        let columns: usize = parts
            .iter()
            .map(|part| if let Part::Matrix { cells, .. } = part { cells[0].len() } else { 0 })
            .sum();
        let sides = if self.connectivity.excitatory.is_some() { 50.0 } else { 0.0 };
        let sign = |text: &str| Rich::parse(text).width(size) + 2.0 * GAP;
        let signs_width: f64 =
            parts.iter().map(|part| if let Part::Sign(text) = part { sign(text) } else { 0.0 }).sum();
        let cell = ((place.width - 12.0 - signs_width - 2.0 * sides) / columns.max(1) as f64)
            .min((place.height - texts) / CELLS as f64)
            .max(0.5);
        let height = cell * CELLS as f64;
        let used = signs_width + cell * columns as f64;
        let top = place.top + 0.5 * (place.height - texts - height);
        let mut left = place.left + 0.5 * (place.width - used);
        for part in &parts {
            match part {
                Part::Sign(text) => {
                    let width = sign(text);
                    let middle = (left + 0.5 * width, top + 0.5 * height + 0.5 * font::CAP_HEIGHT * size);
                    scene.text(middle, Rich::parse(text), size, Anchor::Middle, theme.text.colour);
                    left += width;
                }
                Part::Matrix { cells, name, size: dimensions, trained } => {
                    let (wide, high) = (cell * cells[0].len() as f64, cell * cells.len() as f64);
                    let area = Rect::new(left, top + 0.5 * (height - high), wide, high);
                    draw_cells(scene, cells, area, theme);
                    let middle = left + 0.5 * wide;
                    let mut baseline = top + height + LABEL_GAP + font::ASCENT * size;
                    scene.text(
                        (middle, baseline),
                        Rich::parse(name),
                        size,
                        Anchor::Middle,
                        theme.text.colour,
                    );
                    let small = theme.text.legend;
                    baseline += 1.3 * small;
                    let colour = theme.text.colour;
                    scene.text((middle, baseline), Rich::parse(dimensions), small, Anchor::Middle, colour);
                    if fixed && parts.len() == 1 || !trained {
                        let colour = theme.colour.reference.towards(Colour::BLACK, 0.3);
                        let place = (middle, baseline + 1.3 * small);
                        scene.text(place, Rich::parse("not trained"), small, Anchor::Middle, colour);
                    }
                    left += wide;
                }
            }
        }
        if let Some(share) = self.connectivity.excitatory {
            let area = Rect::new(place.left + 0.5 * (place.width - used), top, height, height);
            let boundary = (share * CELLS as f64).round();
            let [excitatory, inhibitory] = signs(theme);
            let rows = [
                (0.0, boundary, "excitatory", excitatory),
                (boundary, CELLS as f64, "inhibitory", inhibitory),
            ];
            for (from, to, name, colour) in rows {
                if to > from {
                    let level =
                        area.top + cell * 0.5 * (from + to) + 0.5 * font::CAP_HEIGHT * theme.text.legend;
                    let right = (area.left - 4.0, level);
                    scene.text(right, Rich::parse(name), theme.text.legend, Anchor::End, colour);
                }
            }
        }
    }
}

/// The cells of a matrix, with a frame.
fn draw_cells(scene: &mut Scene, cells: &Matrix, area: Rect, theme: &Theme) {
    let cell = area.width / cells[0].len().max(1) as f64;
    let stops = &theme.palette.diverging;
    for (row, values) in cells.iter().enumerate() {
        for (column, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            // Cells leave a line between them, so that their number can be seen.
            let (left, top) = (area.left + column as f64 * cell, area.top + row as f64 * cell);
            let (right, bottom) = (left + 0.92 * cell, top + 0.92 * cell);
            let outline = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
            let colour = Colour::from_map(stops, 0.5 + 0.42 * value.clamp(-1.0, 1.0));
            scene.items.push(Item::Area { outline, colour, opacity: 1.0 });
        }
    }
    let pen = Pen::solid(theme.colour.neutral, theme.line.axis);
    shapes::frame(scene, area, &pen);
}
