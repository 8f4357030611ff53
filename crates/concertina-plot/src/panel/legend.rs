//! Legends: their size, where they fit, and how they are drawn.

use crate::{
    Colour, Theme,
    rich::Rich,
    scene::{Anchor, Item, Pen, Point, Rect, Scene, Shape},
};

/// Height of a legend's line, relative to its text size.
const LEADING: f64 = 1.22;
/// Length of the sample of a line, in points.
const SAMPLE: f64 = 11.0;
/// Between the sample and its name, in points.
const GAP: f64 = 2.5;
/// Between entries in the same row, in points.
const BETWEEN: f64 = 8.0;

/// The sign next to a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sign {
    Line { colour: Colour, width: f64, dash: Vec<f64>, marker: Option<f64> },
    Mark { colour: Colour, shape: Shape, radius: f64 },
}

/// A name and its sign.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) name: Rich,
    pub(crate) sign: Sign,
}

/// Entries under an optional title.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Group {
    pub(crate) title: Option<Rich>,
    pub(crate) entries: Vec<Entry>,
}

/// A whole legend: a list next to or inside the axes, or rows above them.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct LegendBlock {
    pub(crate) groups: Vec<Group>,
}

/// A title or an entry.
#[derive(Clone, Copy, Debug)]
enum Piece<'a> {
    Title(&'a Rich),
    Entry(&'a Entry),
}

impl Group {
    fn pieces(&self) -> impl Iterator<Item = Piece<'_>> + Clone {
        self.title.iter().map(Piece::Title).chain(self.entries.iter().map(Piece::Entry))
    }
}

impl Piece<'_> {
    fn width(self, theme: &Theme) -> f64 {
        match self {
            Self::Title(title) => title.width(theme.text.legend),
            Self::Entry(entry) => {
                let sample = match entry.sign {
                    Sign::Line { .. } => SAMPLE,
                    Sign::Mark { radius, .. } => 2.0 * radius,
                };
                sample + GAP + entry.name.width(theme.text.legend)
            }
        }
    }

    fn draw(self, scene: &mut Scene, corner: Point, theme: &Theme) {
        match self {
            Self::Title(title) => {
                let place = (corner.0, corner.1 + 0.78 * LEADING * theme.text.legend);
                scene.text(place, title.clone(), theme.text.legend, Anchor::Start, theme.text.colour);
            }
            Self::Entry(entry) => draw_entry(scene, corner, entry, theme),
        }
    }
}

fn row_width(row: &[Piece<'_>], theme: &Theme) -> f64 {
    row.iter().map(|piece| piece.width(theme)).sum::<f64>() + BETWEEN * row.len().saturating_sub(1) as f64
}

impl LegendBlock {
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.iter().all(|group| group.entries.is_empty())
    }

    fn line_height(theme: &Theme) -> f64 {
        LEADING * theme.text.legend
    }

    fn pieces(&self) -> impl Iterator<Item = Piece<'_>> + Clone {
        self.groups.iter().flat_map(Group::pieces)
    }

    /// The size as a list, with one entry per line.
    pub(crate) fn list_size(&self, theme: &Theme) -> (f64, f64) {
        let width = self.pieces().map(|piece| piece.width(theme)).fold(0.0, f64::max);
        (width, self.pieces().count() as f64 * Self::line_height(theme))
    }

    pub(crate) fn draw_list(&self, scene: &mut Scene, corner: Point, theme: &Theme) {
        for (index, piece) in self.pieces().enumerate() {
            piece.draw(scene, (corner.0, corner.1 + index as f64 * Self::line_height(theme)), theme);
        }
    }

    /// Rows of entries that are not wider than `width`: a single row if all entries fit, otherwise a new row
    /// for each group and whenever a row is full.
    fn rows(&self, width: f64, theme: &Theme) -> Vec<Vec<Piece<'_>>> {
        let all: Vec<Piece<'_>> = self.pieces().collect();
        if row_width(&all, theme) <= width {
            return vec![all];
        }
        let mut rows: Vec<Vec<Piece<'_>>> = Vec::new();
        for group in self.groups.iter().filter(|group| !group.entries.is_empty()) {
            let mut row: Vec<Piece<'_>> = Vec::new();
            for piece in group.pieces() {
                row.push(piece);
                if row.len() > 1 && row_width(&row, theme) > width {
                    row.pop();
                    rows.push(std::mem::replace(&mut row, vec![piece]));
                }
            }
            rows.push(row);
        }
        rows
    }

    /// Height when laid out in rows of at most `width`.
    pub(crate) fn rows_height(&self, width: f64, theme: &Theme) -> f64 {
        self.rows(width, theme).len() as f64 * Self::line_height(theme)
    }

    /// Width of the widest row when laid out in rows of at most `width`.
    pub(crate) fn rows_width(&self, width: f64, theme: &Theme) -> f64 {
        self.rows(width, theme).iter().map(|row| row_width(row, theme)).fold(0.0, f64::max)
    }

    pub(crate) fn draw_rows(&self, scene: &mut Scene, corner: Point, width: f64, theme: &Theme) {
        let mut top = corner.1;
        for row in self.rows(width, theme) {
            let mut left = corner.0;
            for piece in row {
                piece.draw(scene, (left, top), theme);
                left += piece.width(theme) + BETWEEN;
            }
            top += Self::line_height(theme);
        }
    }

    /// The place in `axes` where the list covers the fewest points of `occupied`, and how many it covers.
    /// Corners are tried first.
    pub(crate) fn best_place(&self, axes: Rect, occupied: &[Point], theme: &Theme) -> (Rect, usize) {
        let (width, height) = self.list_size(theme);
        let rim = 2.0;
        let (room_x, room_y) = (axes.width - width - 2.0 * rim, axes.height - height - 2.0 * rim);
        let at = |across: f64, down: f64| {
            Rect::new(axes.left + rim + across * room_x, axes.top + rim + down * room_y, width, height)
        };
        let mut best = (at(1.0, 0.0), usize::MAX);
        if room_x < 0.0 || room_y < 0.0 {
            return best;
        }
        let corners = [(1.0, 0.0), (0.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
        let steps = [0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0];
        // Places at the right and at an edge are preferred to places in the middle.
        let inner =
            [1.0, 0.0, 0.75, 0.5, 0.25].into_iter().flat_map(|x| steps.into_iter().map(move |y| (x, y)));
        for (across, down) in corners.into_iter().chain(inner) {
            let place = at(across, down);
            let covered = cover(place, occupied);
            if covered < best.1 {
                best = (place, covered);
            }
            if covered == 0 {
                break;
            }
        }
        best
    }

    /// The place of the list in a corner, where `across` and `down` are 0 or 1.
    pub(crate) fn corner(&self, axes: Rect, across: f64, down: f64, theme: &Theme) -> Rect {
        let (width, height) = self.list_size(theme);
        let rim = 2.0;
        Rect::new(
            axes.left + rim + across * (axes.width - width - 2.0 * rim),
            axes.top + rim + down * (axes.height - height - 2.0 * rim),
            width,
            height,
        )
    }
}

fn cover(place: Rect, occupied: &[Point]) -> usize {
    let air = 2.0;
    occupied
        .iter()
        .filter(|(x, y)| {
            *x > place.left - air
                && *x < place.right() + air
                && *y > place.top - air
                && *y < place.bottom() + air
        })
        .count()
}

fn draw_entry(scene: &mut Scene, corner: Point, entry: &Entry, theme: &Theme) {
    let size = theme.text.legend;
    let baseline = corner.1 + 0.78 * LEADING * size;
    let middle = baseline - 0.36 * size;
    let after = match &entry.sign {
        Sign::Line { colour, width, dash, marker } => {
            let (from, to) = ((corner.0, middle), (corner.0 + SAMPLE, middle));
            scene.line(from, to, &Pen::dashed(*colour, *width, dash));
            if let Some(radius) = marker {
                let centres = vec![(corner.0 + SAMPLE / 2.0, middle)];
                let (shape, radius, colour) = (Shape::Disc, *radius, *colour);
                scene.items.push(Item::Marks { centres, shape, radius, colour });
            }
            SAMPLE
        }
        Sign::Mark { colour, shape, radius } => {
            let centres = vec![(corner.0 + radius, middle)];
            let (shape, radius, colour) = (*shape, *radius, *colour);
            scene.items.push(Item::Marks { centres, shape, radius, colour });
            2.0 * radius
        }
    };
    let place = (corner.0 + after + GAP, baseline);
    scene.text(place, entry.name.clone(), size, Anchor::Start, theme.text.colour);
}
