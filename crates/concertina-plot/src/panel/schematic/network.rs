//! The network: input, recurrent units and readout.

use concertina_table::{Table, Values};

use super::{count, counted, few, shapes};
use crate::{
    Colour, Drawing, Result, Theme, font,
    panel::{axes::LABEL_GAP, look},
    rich::Rich,
    scene::{Anchor, Item, Pen, Point, Rect, Scene, Shape},
};

/// The most units drawn in a layer; three dots represent the others.
const MOST: usize = 4;
/// Units drawn in the recurrent pool.
const POOL: usize = 7;
/// Radius of the arrow from the pool to itself, relative to that of the pool.
const LOOP: f64 = 0.45;
/// Height of the centre of that arrow above the pool, as a share of the pool's radius.
const LOOP_RISE: f64 = 0.2;
/// Radius of a unit, in points.
const UNIT: f64 = 3.6;
/// Distance of units in a layer, in points.
const PITCH: f64 = 11.0;

/// The contents of the drawing.
#[derive(Debug)]
pub(super) struct Network {
    input_dim: usize,
    units: usize,
    /// Colours of the classes.
    classes: Vec<Colour>,
}

impl Network {
    /// Needs the columns `input_dim`, `units` and `classes`, with one value each.
    pub(super) fn new(table: &Table, drawing: &Drawing, theme: &Theme, panel: &str) -> Result<Self> {
        let number = |column: &str, example: &str| count(table, column, example, panel);
        let input_dim = number("input_dim", "task.input_dim = [2]")?;
        let units = number("units", "network.units = [200]")?;
        let classes = few(table, "classes", "task.classes = [2]", panel)?;
        let coloured = Drawing { hue: Some("class".to_owned()), ..drawing.clone() };
        let values: Vec<Option<String>> = (0..classes).map(|class| Some(class.to_string())).collect();
        Ok(Self { input_dim, units, classes: look::colours(theme, &coloured, &values, None) })
    }

    pub(super) fn data(&self) -> Result<Table> {
        let cell = |value: usize| Values::Integer(vec![Some(value as i64)]);
        let cells = [("input_dim", self.input_dim), ("units", self.units), ("classes", self.classes.len())];
        Ok(Table::from_columns(cells.map(|(name, value)| (name, cell(value))))?)
    }

    pub(super) fn draw(&self, scene: &mut Scene, place: Rect, theme: &Theme) {
        let line = font::ASCENT + font::DESCENT;
        let text = LABEL_GAP + line * (theme.text.title + theme.text.legend);
        // The pool with the arrow above it, between the upper edge and the texts.
        let free = place.height - text - 2.0 * UNIT - 4.0;
        let pool = (free / (2.0 + LOOP + LOOP_RISE)).min(0.17 * place.width).max(2.0 * UNIT);
        let used = (2.0 + LOOP + LOOP_RISE) * pool + 2.0 * UNIT;
        let level = place.top + 0.5 * (place.height - text - used) + (1.0 + LOOP + LOOP_RISE) * pool + UNIT;
        let at = |share: f64| (place.left + share * place.width, level);
        let (input, recurrent, readout) = (at(0.12), at(0.5), at(0.88));
        let pen = Pen::solid(theme.colour.neutral, theme.line.readout);
        let grey = theme.colour.reference.towards(Colour::WHITE, 0.7);

        let air = UNIT + 4.0;
        shapes::arrow(scene, (input.0 + air, level), (recurrent.0 - pool - air, level), &pen);
        shapes::arrow(scene, (recurrent.0 + pool + air, level), (readout.0 - air, level), &pen);
        let weights = |scene: &mut Scene, middle: Point, name: &str| {
            scene.text(middle, Rich::parse(name), theme.text.title, Anchor::Middle, theme.text.colour);
        };
        let between = |a: f64, b: f64| (0.5 * (a + b), level - 3.5);
        weights(scene, between(input.0 + air, recurrent.0 - pool - air), "*U*");
        weights(scene, between(recurrent.0 + pool + air, readout.0 - air), "*R*");

        layer(scene, input, &vec![grey; self.input_dim.min(MOST + 1)], self.input_dim, &pen);
        draw_pool(scene, recurrent, pool, grey, &pen);
        // From the pool back to itself, over its top.
        let loop_radius = LOOP * pool;
        let centre = (recurrent.0, level - pool - UNIT - LOOP_RISE * pool);
        shapes::arc_arrow(scene, centre, loop_radius, 150.0, 390.0, &pen);
        weights(scene, (recurrent.0 + loop_radius + 6.0, centre.1 - 0.5 * loop_radius), "*W*");
        layer(scene, readout, &self.classes, self.classes.len(), &pen);

        let size = theme.text.title;
        let baseline = place.bottom() - line * theme.text.legend - font::DESCENT * size - 0.5;
        let layers = [
            (input, "Input", counted(self.input_dim, "dimension", "dimensions")),
            (recurrent, "Recurrent network", counted(self.units, "unit", "units")),
            (readout, "Readout", counted(self.classes.len(), "class", "classes")),
        ];
        for (middle, name, number) in layers {
            // Inside the panel, however wide the text is.
            let inside = |text: &Rich, size: f64| {
                let half = 0.5 * text.width(size);
                middle.0.max(place.left + half).min(place.right() - half)
            };
            let (name, number) = (Rich::parse(name), Rich::parse(&number));
            let across = inside(&name, size);
            scene.text((across, baseline), name, size, Anchor::Middle, theme.text.colour);
            let size = theme.text.legend;
            let under = place.bottom() - font::DESCENT * size;
            let across = inside(&number, size);
            scene.text((across, under), number, size, Anchor::Middle, theme.text.colour);
        }
    }
}

/// Units one below the other; if there are many, the first ones, dots, and the last.
fn layer(scene: &mut Scene, middle: Point, fillings: &[Colour], count: usize, pen: &Pen) {
    let places = count.min(MOST);
    let top = middle.1 - 0.5 * PITCH * places.saturating_sub(1) as f64;
    for place in 0..places {
        let centre = (middle.0, top + PITCH * place as f64);
        // If there are many, dots replace the last unit but one.
        if count > MOST && place + 2 == places {
            let centres = [-3.0, 0.0, 3.0].map(|down| (centre.0, centre.1 + down)).to_vec();
            scene.items.push(Item::Marks { centres, shape: Shape::Disc, radius: 0.6, colour: pen.colour });
            continue;
        }
        let index = if place + 1 == places { fillings.len().saturating_sub(1) } else { place };
        shapes::circle(scene, centre, UNIT, fillings.get(index).copied().unwrap_or(Colour::WHITE), pen);
    }
}

/// Units in a ring, joined to all but their neighbours: a symbol of recurrence, not a count.
fn draw_pool(scene: &mut Scene, middle: Point, radius: f64, filling: Colour, pen: &Pen) {
    let at = |unit: usize| {
        let angle = std::f64::consts::TAU * unit as f64 / POOL as f64 - std::f64::consts::FRAC_PI_2;
        (middle.0 + radius * angle.cos(), middle.1 + radius * angle.sin())
    };
    let thin = Pen { width: 0.6 * pen.width, opacity: 0.7, ..pen.clone() };
    for unit in 0..POOL {
        for skip in [2, 3] {
            let (from, to) = (at(unit), at((unit + skip) % POOL));
            let length = (to.0 - from.0).hypot(to.1 - from.1).max(1e-9);
            let step = ((to.0 - from.0) / length, (to.1 - from.1) / length);
            let inset = |point: Point, by: f64| (point.0 + by * step.0, point.1 + by * step.1);
            scene.line(inset(from, UNIT), inset(to, -UNIT), &thin);
        }
    }
    for unit in 0..POOL {
        shapes::circle(scene, at(unit), UNIT, filling, pen);
    }
}
