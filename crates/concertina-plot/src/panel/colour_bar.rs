//! A colour bar: values of a continuous quantity from bottom to top, one block of colour per value.

use crate::{
    Theme, font,
    panel::{
        axes::{LABEL_GAP, LEADING, TICK_GAP},
        look::Look,
    },
    rich::Rich,
    scene::{Anchor, Item, Pen, Rect, Scene},
};

/// Width of the blocks, in points.
const WIDTH: f64 = 6.0;
/// Greatest height of a block, in points, so that few blocks make a short bar.
const TALLEST: f64 = 22.0;

/// A bar with as many blocks as there are values, because only those values are drawn, and none between them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ColourBar {
    /// The name of the quantity.
    pub(crate) title: Rich,
    /// From the smallest value to the largest.
    pub(crate) looks: Vec<Look>,
}

impl ColourBar {
    /// Width with ticks, names and title.
    pub(crate) fn width(&self, theme: &Theme) -> f64 {
        let title = LABEL_GAP + (font::ASCENT + font::DESCENT) * theme.text.label;
        WIDTH + theme.line.tick_length + TICK_GAP + self.widest(theme) + title
    }

    fn widest(&self, theme: &Theme) -> f64 {
        self.looks.iter().map(|look| Rich::parse(&look.name).width(theme.text.tick)).fold(0.0, f64::max)
    }

    /// Draws the bar with its left edge at `left`, vertically centred on `axes`.
    pub(crate) fn draw(&self, scene: &mut Scene, left: f64, axes: Rect, theme: &Theme) {
        let count = self.looks.len().max(1);
        let block = (axes.height / count as f64).min(TALLEST);
        let bar = Rect::new(
            left,
            axes.top + 0.5 * (axes.height - block * count as f64),
            WIDTH,
            block * count as f64,
        );
        // Names must be at least one line apart. Where blocks are lower than that, only every second, third,
        // ... block has a name.
        let every = (LEADING * theme.text.tick / block).ceil().max(1.0) as usize;
        let mut ticks = Vec::new();
        for (index, look) in self.looks.iter().enumerate() {
            let bottom = bar.bottom() - index as f64 * block;
            let (right, top) = (bar.right(), bottom - block);
            let outline = vec![(left, bottom), (right, bottom), (right, top), (left, top)];
            scene.items.push(Item::Area { outline, colour: look.colour, opacity: 1.0 });
            if index % every == 0 {
                let middle = bottom - 0.5 * block;
                ticks.push(vec![(right, middle), (right + theme.line.tick_length, middle)]);
                let place = (
                    right + theme.line.tick_length + TICK_GAP,
                    middle + 0.5 * font::CAP_HEIGHT * theme.text.tick,
                );
                scene.text(place, Rich::parse(&look.name), theme.text.tick, Anchor::Start, theme.text.colour);
            }
        }
        let frame = vec![
            (bar.left, bar.top),
            (bar.right(), bar.top),
            (bar.right(), bar.bottom()),
            (bar.left, bar.bottom()),
            (bar.left, bar.top),
        ];
        let pen = Pen::solid(theme.colour.axis, theme.line.tick);
        scene.items.push(Item::Lines { strokes: vec![frame], pen: pen.clone() });
        scene.items.push(Item::Lines { strokes: ticks, pen });
        let baseline = bar.right()
            + theme.line.tick_length
            + TICK_GAP
            + self.widest(theme)
            + LABEL_GAP
            + font::ASCENT * theme.text.label;
        scene.items.push(Item::Text {
            place: (baseline, bar.top + 0.5 * bar.height),
            rich: self.title.clone(),
            size: theme.text.label,
            anchor: Anchor::Middle,
            upright: true,
            colour: theme.text.colour,
        });
    }
}
