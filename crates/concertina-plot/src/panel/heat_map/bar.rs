//! The colours of a heat map: from values to colours, and the bar that shows them.

use super::cells::Matrices;
use crate::{
    Axis, Colour, Drawing, Theme, font,
    panel::axes::{self, LABEL_GAP, TICK_GAP},
    panel::plot::measure::TICK_SPACING,
    rich::Rich,
    scene::{Anchor, Item, Pen, Rect, Scene},
    ticks::{Scale, Wishes},
};

/// Width of the bar, in points.
const WIDTH: f64 = 6.0;
/// Steps of colour in the bar: so many that none is visible.
const STEPS: usize = 128;

/// The scale of the colours.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bar {
    pub(super) scale: Scale,
    title: Rich,
    limits: (f64, f64),
    wishes: Wishes,
    centre: Option<f64>,
}

impl Bar {
    pub(super) fn of(matrices: &Matrices, value: &Axis, drawing: &Drawing, theme: &Theme) -> Self {
        let log = value.scale == crate::ScaleKind::Log;
        let usable = |value: &f64| !log || *value > 0.0;
        let values = matrices.cells.values().filter_map(|cell| cell.value).filter(usable);
        let (low, high) = values
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let limits = if low <= high { (low, high) } else { (0.0, 1.0) };
        let wishes = Wishes {
            kind: value.scale,
            from: value.from,
            to: value.to,
            ticks: value.ticks.clone(),
            whole: false,
            pad: 0.0,
        };
        // A bar has room for one line.
        let title = Rich::parse(&axes::label_of(theme, value).replace('\n', " "));
        let scale = Scale::new(limits.0, limits.1, 100.0, TICK_SPACING, &wishes);
        Self { scale, title, limits, wishes, centre: drawing.centre }
    }

    /// Determines ticks for a bar of this height.
    pub(super) fn fit(&mut self, height: f64) {
        self.scale = Scale::new(self.limits.0, self.limits.1, height, TICK_SPACING, &self.wishes);
    }

    /// The position of a value in the map of colours, from 0 to 1.
    pub(super) fn position(&self, value: f64) -> f64 {
        let at = |value: f64| self.scale.position(value).unwrap_or(0.0);
        let place = at(value).clamp(0.0, 1.0);
        match self.centre {
            None => place,
            Some(centre) => {
                let middle = at(centre);
                let half = middle.abs().max((1.0 - middle).abs()).max(1e-9);
                0.5 + 0.5 * (place - middle) / half
            }
        }
    }

    pub(super) fn stops<'t>(&self, theme: &'t Theme) -> &'t [Colour] {
        match self.centre {
            None => &theme.palette.continuous,
            Some(_) => &theme.palette.diverging,
        }
    }

    /// Whether a value has the colour of the end of the map in place of its own.
    pub(super) fn is_outside(&self, value: f64) -> bool {
        const SLACK: f64 = 1e-9;
        self.scale.position(value).is_none_or(|place| !(-SLACK..=1.0 + SLACK).contains(&place))
    }

    /// Width with ticks, numbers and title.
    pub(super) fn width(&self, theme: &Theme) -> f64 {
        let title = LABEL_GAP + (font::ASCENT + font::DESCENT) * theme.text.label;
        WIDTH + theme.line.tick_length + TICK_GAP + axes::widest(&self.scale, theme) + title
    }

    /// Draws the bar with its left edge at `left`, as high as `place`, within `outer`.
    pub(super) fn draw(&self, scene: &mut Scene, left: f64, place: Rect, outer: Rect, theme: &Theme) {
        let bar = Rect::new(left, place.top, WIDTH, place.height);
        let step = bar.height / STEPS as f64;
        let stops = self.stops(theme);
        for index in 0..STEPS {
            let share = (index as f64 + 0.5) / STEPS as f64;
            let value = match self.scale.kind {
                crate::ScaleKind::Linear => self.scale.from + share * (self.scale.to - self.scale.from),
                crate::ScaleKind::Log => {
                    let (from, to) = (self.scale.from.log10(), self.scale.to.log10());
                    10_f64.powf(from + share * (to - from))
                }
            };
            // Each step reaches up to the end, so that no gap shows between it and the next one.
            let bottom = bar.bottom() - index as f64 * step;
            let outline =
                vec![(bar.left, bottom), (bar.right(), bottom), (bar.right(), bar.top), (bar.left, bar.top)];
            let colour = Colour::from_map(stops, self.position(value));
            scene.items.push(Item::Area { outline, colour, opacity: 1.0 });
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
        let size = theme.text.tick;
        let mut ticks = Vec::new();
        for (value, label) in &self.scale.ticks {
            let Some(share) = self.scale.position(*value) else { continue };
            let at = bar.bottom() - share * bar.height;
            ticks.push(vec![(bar.right(), at), (bar.right() + theme.line.tick_length, at)]);
            let text = (bar.right() + theme.line.tick_length + TICK_GAP, at + 0.5 * font::CAP_HEIGHT * size);
            scene.text(text, Rich::parse(label), size, Anchor::Start, theme.text.colour);
        }
        scene.items.push(Item::Lines { strokes: ticks, pen });
        let size = theme.text.label;
        let across = bar.right()
            + theme.line.tick_length
            + TICK_GAP
            + axes::widest(&self.scale, theme)
            + LABEL_GAP
            + font::ASCENT * size;
        let half = 0.5 * self.title.width(size);
        let middle = (bar.top + 0.5 * bar.height).min(outer.bottom() - half).max(outer.top + half);
        scene.items.push(Item::Text {
            place: (across, middle),
            rich: self.title.clone(),
            size,
            anchor: Anchor::Middle,
            upright: true,
            colour: theme.text.colour,
        });
    }
}
