//! The contents of a page: lines, areas, dots and text at known positions, in points from the upper left
//! corner.
//!
//! Panels draw into a scene, and the SVG writer writes it. In between, the layout can be checked, because the
//! box of every text is known.

use crate::{Error, colour::Colour, font, rich::Rich};

/// A point on the page: x to the right, y down, in points (1/72 inch).
pub(crate) type Point = (f64, f64);

/// A rectangle on the page, in points.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Rect {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Rect {
    pub(crate) const fn new(left: f64, top: f64, width: f64, height: f64) -> Self {
        Self { left, top, width, height }
    }

    /// Right edge.
    pub fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Lower edge.
    pub fn bottom(&self) -> f64 {
        self.top + self.height
    }

    /// Whether the two share more than an edge.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right()
            && other.left < self.right()
            && self.top < other.bottom()
            && other.top < self.bottom()
    }

    /// Whether `other` lies inside.
    pub fn contains(&self, other: &Self) -> bool {
        self.left <= other.left
            && other.right() <= self.right()
            && self.top <= other.top
            && other.bottom() <= self.bottom()
    }

    /// The largest rectangle inside whose width is `ratio` times its height; both have the same centre.
    pub(crate) fn with_ratio(&self, ratio: f64) -> Self {
        let (width, height) = (self.width.min(self.height * ratio), self.height.min(self.width / ratio));
        let (left, top) = (self.left + 0.5 * (self.width - width), self.top + 0.5 * (self.height - height));
        Self::new(left, top, width, height)
    }

    pub(crate) fn inset(&self, by: Margins) -> Self {
        Self::new(
            self.left + by.left,
            self.top + by.top,
            (self.width - by.left - by.right).max(1.0),
            (self.height - by.top - by.bottom).max(1.0),
        )
    }
}

/// Space around axes, in points.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub(crate) struct Margins {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}

impl Margins {
    /// The larger of both margins on each side.
    pub(crate) fn union(self, other: Self) -> Self {
        Self {
            left: self.left.max(other.left),
            right: self.right.max(other.right),
            top: self.top.max(other.top),
            bottom: self.bottom.max(other.bottom),
        }
    }
}

/// How a line is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pen {
    pub(crate) colour: Colour,
    pub(crate) width: f64,
    pub(crate) dash: Vec<f64>,
    pub(crate) opacity: f64,
}

impl Pen {
    pub(crate) fn solid(colour: Colour, width: f64) -> Self {
        Self { colour, width, dash: Vec::new(), opacity: 1.0 }
    }

    pub(crate) fn dashed(colour: Colour, width: f64, dash: &[f64]) -> Self {
        Self { colour, width, dash: dash.to_vec(), opacity: 1.0 }
    }
}

/// The shape of a mark. Filled and open shapes have the same outline, and both include the stroke of the
/// outline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A filled circle.
    #[default]
    Disc,
    /// An open circle.
    Ring,
    /// A filled square.
    Square,
    /// An open square.
    OpenSquare,
    /// A filled triangle, tip up.
    Triangle,
    /// An open triangle, tip up.
    OpenTriangle,
    /// A filled square on its corner.
    Diamond,
    /// An open square on its corner.
    OpenDiamond,
}

impl Shape {
    /// Whether only the outline is drawn.
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Self::Ring | Self::OpenSquare | Self::OpenTriangle | Self::OpenDiamond)
    }

    /// The corners around the origin, or none for circles. All shapes have about the area of a circle of
    /// radius 1, so that none looks heavier than another.
    pub(crate) fn corners(self) -> &'static [Point] {
        // Half the side of a square of area pi; half its diagonal; a triangle of area pi around its centre of
        // mass.
        const SQUARE: [Point; 4] = [(-0.886, -0.886), (0.886, -0.886), (0.886, 0.886), (-0.886, 0.886)];
        const DIAMOND: [Point; 4] = [(0.0, -1.253), (1.253, 0.0), (0.0, 1.253), (-1.253, 0.0)];
        const TRIANGLE: [Point; 3] = [(0.0, -1.555), (1.347, 0.778), (-1.347, 0.778)];
        match self {
            Self::Disc | Self::Ring => &[],
            Self::Square | Self::OpenSquare => &SQUARE,
            Self::Diamond | Self::OpenDiamond => &DIAMOND,
            Self::Triangle | Self::OpenTriangle => &TRIANGLE,
        }
    }
}

/// Which end of a text is at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// An item on the page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    /// Strokes with one pen; each stroke is a polyline.
    Lines { strokes: Vec<Vec<Point>>, pen: Pen },
    /// A filled polygon.
    Area { outline: Vec<Point>, colour: Colour, opacity: f64 },
    /// Marks of one shape, size and colour.
    Marks { centres: Vec<Point>, shape: Shape, radius: f64, colour: Colour },
    /// One line of text; `place` is on the baseline.
    Text { place: Point, rich: Rich, size: f64, anchor: Anchor, upright: bool, colour: Colour },
    /// Items of which only the part inside `window` is visible.
    Clipped { window: Rect, items: Vec<Item> },
}

/// A page with items.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scene {
    /// Width in points.
    pub(crate) width: f64,
    /// Height in points.
    pub(crate) height: f64,
    pub(crate) items: Vec<Item>,
}

/// A text on the page and its box.
#[derive(Clone, Debug, PartialEq)]
pub struct TextBox {
    /// The text without markup.
    pub text: String,
    /// Its box, in points, with ascent and descent.
    pub place: Rect,
}

impl Scene {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { width, height, items: Vec::new() }
    }

    /// The whole page.
    pub(crate) fn page(&self) -> Rect {
        Rect::new(0.0, 0.0, self.width, self.height)
    }

    pub(crate) fn line(&mut self, from: Point, to: Point, pen: &Pen) {
        self.items.push(Item::Lines { strokes: vec![vec![from, to]], pen: pen.clone() });
    }

    pub(crate) fn text(&mut self, place: Point, rich: Rich, size: f64, anchor: Anchor, colour: Colour) {
        self.items.push(Item::Text { place, rich, size, anchor, upright: false, colour });
    }

    /// The boxes of all texts, in the order of drawing.
    pub(crate) fn text_boxes(&self) -> Vec<TextBox> {
        fn collect(items: &[Item], boxes: &mut Vec<TextBox>) {
            for item in items {
                match item {
                    Item::Text { place, rich, size, anchor, upright, .. } => {
                        boxes.push(TextBox {
                            text: rich.text(),
                            place: text_box(*place, rich, *size, *anchor, *upright),
                        });
                    }
                    Item::Clipped { items, .. } => collect(items, boxes),
                    _ => {}
                }
            }
        }
        let mut boxes = Vec::new();
        collect(&self.items, &mut boxes);
        boxes
    }

    /// The first text with a formula that cannot be read, or a character that the typeface cannot draw.
    pub(crate) fn undrawable(&self) -> Option<Error> {
        fn first(items: &[Item]) -> Option<Error> {
            items.iter().find_map(|item| match item {
                Item::Text { rich, .. } => {
                    let unread = rich.unread.clone();
                    let formula = unread.map(|(formula, reason)| Error::Formula { formula, reason });
                    // A terminal need not have thin spaces.
                    let text = || rich.text().replace('\u{2009}', " ");
                    let glyph = || rich.missing().map(|character| Error::Glyph { character, text: text() });
                    formula.or_else(glyph)
                }
                Item::Clipped { items, .. } => first(items),
                _ => None,
            })
        }
        first(&self.items)
    }
}

/// The box of a text; `upright` text reads from bottom to top.
pub(crate) fn text_box(place: Point, rich: &Rich, size: f64, anchor: Anchor, upright: bool) -> Rect {
    let width = rich.width(size);
    let start = match anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => -width / 2.0,
        Anchor::End => -width,
    };
    let (ascent, height) = (font::ASCENT * size, (font::ASCENT + font::DESCENT) * size);
    if upright {
        Rect::new(place.0 - ascent, place.1 - start - width, height, width)
    } else {
        Rect::new(place.0 + start, place.1 - ascent, width, height)
    }
}
