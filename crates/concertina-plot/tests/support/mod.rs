//! Made-up tables with the columns of the analyses, for tests of drawing, not of science.

#![allow(unreachable_pub, dead_code, reason = "a module of several tests")]

use concertina_numerics::random::{Purpose, Stream};
use concertina_plot::{Rect, TextBox};
use concertina_table::{Scalar, Table, Values};

/// Asserts that every text is on the page, and that none overlaps another.
#[track_caller]
pub fn assert_tidy(what: &str, boxes: &[TextBox], page: Rect) {
    assert!(!boxes.is_empty(), "{what} has no text");
    for (index, text) in boxes.iter().enumerate() {
        assert!(page.contains(&text.place), "{what}: {text:?} leaves the page {page:?}");
        for other in &boxes[index + 1..] {
            assert!(!text.place.overlaps(&other.place), "{what}: {text:?} overlaps {other:?}");
        }
    }
}

/// Columns that grow row by row.
#[derive(Default)]
pub struct Rows {
    columns: Vec<(String, Vec<Scalar>)>,
}

impl Rows {
    pub fn push(&mut self, cells: &[(&str, Scalar)]) {
        self.push_owned(cells.iter().map(|(name, cell)| ((*name).to_owned(), cell.clone())).collect());
    }

    pub fn push_owned(&mut self, cells: Vec<(String, Scalar)>) {
        if self.columns.is_empty() {
            self.columns = cells.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
        }
        for (name, cell) in cells {
            let column = self.columns.iter_mut().find(|(known, _)| *known == name);
            column.expect("rows of the same columns").1.push(cell);
        }
    }

    pub fn table(self) -> Table {
        Table::from_columns(self.columns.into_iter().map(|(name, cells)| {
            let values = if cells.iter().any(|cell| matches!(cell, Scalar::Boolean(_))) {
                Values::Boolean(
                    cells
                        .iter()
                        .map(|cell| if let Scalar::Boolean(b) = cell { Some(*b) } else { None })
                        .collect(),
                )
            } else if cells.iter().any(|cell| matches!(cell, Scalar::Text(_))) {
                Values::Text(cells.iter().map(|cell| cell.as_text().map(str::to_owned)).collect())
            } else if cells.iter().any(|cell| matches!(cell, Scalar::Float(_))) {
                Values::Float(cells.iter().map(Scalar::as_float).collect())
            } else {
                Values::Integer(cells.iter().map(Scalar::as_integer).collect())
            };
            (name, values)
        }))
        .expect("columns of equal length")
    }
}

const GAINS: [f64; 2] = [20.0, 250.0];

pub(crate) fn stream(index: u64) -> Stream {
    Stream::new(7, Purpose::new("made up"), index)
}

/// Lyapunov exponents that fall during training.
pub fn lyapunov() -> Table {
    let mut rows = Rows::default();
    for gain in GAINS {
        for epoch in [0_i64, 1, 5, 10, 12] {
            for index in 1..=10_i64 {
                let fall = if gain < 100.0 { 0.08 * epoch as f64 } else { 0.004 * epoch as f64 };
                let top = if gain < 100.0 { 0.04 } else { 0.32 };
                let exponent = top - fall - 0.012 * (index - 1) as f64 * (1.0 + 0.1 * epoch as f64);
                rows.push(&[
                    ("gain", gain.into()),
                    ("seed", 0_i64.into()),
                    ("epoch", epoch.into()),
                    ("update", (80 * epoch).into()),
                    ("index", index.into()),
                    ("exponent", exponent.into()),
                    ("standard_error", 0.003.into()),
                ]);
            }
        }
    }
    rows.table()
}

/// Clouds of two classes that separate and contract.
pub fn snapshots(samples: usize) -> Table {
    let mut rows = Rows::default();
    let timesteps: Vec<i64> = (-1..=11).chain([16, 21, 26, 31]).collect();
    for gain in GAINS {
        let mut stream = stream(gain as u64);
        let centres: Vec<(f64, f64)> = (0..60).map(|_| (stream.normal(), stream.normal())).collect();
        for &t in &timesteps {
            let contraction = if gain < 100.0 {
                (-0.35 * (t + 1) as f64).exp()
            } else {
                0.25 + 0.75 * (-0.2 * (t + 1) as f64).exp()
            };
            let apart = 2.0 * (1.0 - contraction);
            for sample in 0..samples {
                let cluster = sample % 60;
                let class = (cluster % 2) as i64;
                let side = if class == 0 { -apart } else { apart };
                let noise = 0.02 + 0.05 * contraction;
                rows.push(&[
                    ("gain", gain.into()),
                    ("seed", 0_i64.into()),
                    ("epoch", 12_i64.into()),
                    ("update", 960_i64.into()),
                    ("timestep", t.into()),
                    ("kind", "sample".into()),
                    ("class", class.into()),
                    ("cluster", (cluster as i64).into()),
                    ("pc1", (side + contraction * centres[cluster].0 + noise * stream.normal()).into()),
                    ("pc2", (contraction * centres[cluster].1 + noise * stream.normal()).into()),
                ]);
            }
            if t < 0 {
                continue;
            }
            for class in 0..2_i64 {
                let side = if class == 0 { -1.0 } else { 1.0 };
                rows.push(&[
                    ("gain", gain.into()),
                    ("seed", 0_i64.into()),
                    ("epoch", 12_i64.into()),
                    ("update", 960_i64.into()),
                    ("timestep", t.into()),
                    ("kind", "readout".into()),
                    ("class", class.into()),
                    ("cluster", Scalar::Null),
                    ("pc1", (0.5 * side).into()),
                    ("pc2", (0.1 * side).into()),
                ]);
            }
        }
    }
    rows.table()
}

/// Accuracies that reach the ceiling.
pub fn accuracy(seeds: i64) -> Table {
    let mut rows = Rows::default();
    for gain in GAINS {
        for seed in 0..seeds {
            let mut stream = stream(100 + 10 * seed as u64 + gain as u64);
            for epoch in 0..=10_i64 {
                let gap = 0.5 * (-(if gain < 100.0 { 3.0 } else { 0.9 }) * epoch as f64).exp();
                let accuracy = (1.0 - gap * (1.0 + 0.15 * stream.normal())).clamp(0.0, 1.0);
                rows.push(&[
                    ("gain", gain.into()),
                    ("seed", seed.into()),
                    ("epoch", epoch.into()),
                    ("update", (40 * epoch).into()),
                    ("accuracy", ((accuracy * 1000.0).round() / 1000.0).into()),
                ]);
            }
        }
    }
    rows.table()
}

/// Effective dimensions over timesteps, before and after training.
pub fn dimension(seeds: i64) -> Table {
    let mut rows = Rows::default();
    each_end(
        seeds,
        |rows, base, after, gain, t, noise| {
            let rate = match (after, gain < 100.0) {
                (false, true) => 0.04,
                (false, false) => 0.07,
                (true, true) => 0.5,
                (true, false) => 0.3,
            };
            let dimension = 1.0 + 44.5 * (-rate * f64::from(t + 1)).exp() * (1.0 + 0.04 * noise);
            let mut cells = base.to_vec();
            cells.push(("effective_dimension", dimension.into()));
            rows.push(&cells);
        },
        &mut rows,
    );
    rows.table()
}

/// Accuracies of a classifier over timesteps, before and after training.
pub fn holdout(seeds: i64) -> Table {
    let mut rows = Rows::default();
    each_end(
        seeds,
        |rows, base, after, gain, t, noise| {
            let up = if after { 1.0 - 0.5 * (-0.6 * f64::from(t + 1)).exp() } else { 0.52 };
            let testing = (up
                + if gain < 100.0 { 0.04 } else { 0.05 } * noise * if after { 1.0 - up } else { 1.0 })
            .clamp(0.3, 1.0);
            let mut cells = base.to_vec();
            cells.push(("training_accuracy", 1.0.into()));
            cells.push(("testing_accuracy", testing.into()));
            rows.push(&cells);
        },
        &mut rows,
    );
    rows.table()
}

fn each_end(seeds: i64, add: impl Fn(&mut Rows, &[(&str, Scalar)], bool, f64, i32, f64), rows: &mut Rows) {
    for gain in GAINS {
        for seed in 0..seeds {
            for after in [false, true] {
                let mut stream = stream(1000 + 100 * seed as u64 + 10 * u64::from(after) + gain as u64);
                for t in -1..=9_i32 {
                    let base: [(&str, Scalar); 6] = [
                        ("gain", gain.into()),
                        ("seed", seed.into()),
                        ("epoch", if after { 12_i64 } else { 0 }.into()),
                        ("update", if after { 960_i64 } else { 0 }.into()),
                        ("stage", if after { "after" } else { "before" }.into()),
                        ("timestep", i64::from(t).into()),
                    ];
                    add(rows, &base, after, gain, t, stream.normal());
                }
            }
        }
    }
}

/// Tables for the shipped figure 2, in the order of its requirements.
pub fn figure_two(seeds: i64, samples: usize) -> Vec<Table> {
    vec![lyapunov(), snapshots(samples), accuracy(seeds), dimension(seeds), holdout(seeds)]
}
