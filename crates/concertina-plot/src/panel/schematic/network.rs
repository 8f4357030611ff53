//! The network: input, recurrent units and readout.

use concertina_table::{Table, Values};

use super::{
    settings::{Settings, counted},
    shapes,
    weights::Connectivity,
};
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
    /// Number of outputs.
    outputs: usize,
    /// Whether the outputs are classes.
    named: bool,
    connectivity: Connectivity,
}

impl Network {
    /// Needs the columns `input_dim`, `units` and `classes`, with one value each; without the first or last,
    /// `inputs` and `outputs`.
    pub(super) fn new(settings: Settings<'_>, drawing: &Drawing, theme: &Theme) -> Result<Self> {
        let input_dim = match settings.count_if_any("task.input_dim", "2")? {
            None => settings.count_if_any("task.inputs", "2")?,
            known => known,
        };
        let input_dim = match input_dim {
            Some(count) => count,
            None => settings.count("task.input_dim", "2")?,
        };
        let units = settings.count("network.units", "200")?;
        let named = settings.count_if_any("task.classes", "2")?.is_some();
        let outputs = settings.count_if_any("task.outputs", "1")?;
        let classes = match outputs.filter(|_| !named) {
            Some(outputs) => vec![theme.colour.reference.towards(Colour::WHITE, 0.7); outputs.min(MOST + 1)],
            None => {
                let classes = settings.few("task.classes", "2")?;
                let coloured = Drawing { hue: Some("class".to_owned()), ..drawing.clone() };
                let values: Vec<Option<String>> = (0..classes).map(|class| Some(class.to_string())).collect();
                look::colours(theme, &coloured, &values, None)
            }
        };
        let outputs = outputs.filter(|_| !named).unwrap_or(classes.len());
        let connectivity = Connectivity::of(settings)?;
        Ok(Self { input_dim, units, classes, outputs, named, connectivity })
    }

    pub(super) fn data(&self) -> Result<Table> {
        let cell = |value: usize| Values::Integer(vec![Some(value as i64)]);
        let outputs = if self.named { "classes" } else { "outputs" };
        let cells = [("input_dim", self.input_dim), ("units", self.units), (outputs, self.outputs)];
        let cells = cells.map(|(name, value)| (name, cell(value)));
        Ok(Table::from_columns(cells.into_iter().chain(self.connectivity.columns()))?)
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
        let fixed =
            Pen { colour: theme.colour.reference, ..Pen::dashed(pen.colour, pen.width, &theme.line.dash) };
        let of = |trained: bool| if trained { &pen } else { &fixed };
        let [input_pen, pool_pen] =
            [self.connectivity.train_input, self.connectivity.train_recurrent].map(of);
        shapes::arrow(scene, (input.0 + air, level), (recurrent.0 - pool - air, level), input_pen);
        shapes::arrow(scene, (recurrent.0 + pool + air, level), (readout.0 - air, level), &pen);
        let weights = |scene: &mut Scene, middle: Point, name: &str| {
            scene.text(middle, Rich::parse(name), theme.text.title, Anchor::Middle, theme.text.colour);
        };
        let between = |a: f64, b: f64| (0.5 * (a + b), level - 3.5);
        weights(scene, between(input.0 + air, recurrent.0 - pool - air), "*U*");
        weights(scene, between(recurrent.0 + pool + air, readout.0 - air), "*R*");
        if !self.connectivity.train_recurrent {
            // Under the arrows: which weights are trained.
            let mut under = |place: Point, trained: bool| {
                let (name, colour) =
                    if trained { ("trained", theme.text.colour) } else { ("fixed", theme.colour.reference) };
                let below = (place.0, level + 3.0 + font::ASCENT * theme.text.legend);
                scene.text(below, Rich::parse(name), theme.text.legend, Anchor::Middle, colour);
            };
            under(between(input.0 + air, recurrent.0 - pool - air), self.connectivity.train_input);
            under(between(recurrent.0 + pool + air, readout.0 - air), true);
            let beside =
                (recurrent.0 + LOOP * pool + 12.0, level - (1.0 + LOOP_RISE + 0.5 * LOOP) * pool - UNIT);
            let (size, colour) = (theme.text.legend, theme.colour.reference);
            scene.text(beside, Rich::parse("fixed"), size, Anchor::Start, colour);
        }

        layer(scene, input, &vec![grey; self.input_dim.min(MOST + 1)], self.input_dim, &pen);
        self.draw_recurrent(scene, recurrent, pool, grey, theme, pool_pen);
        // From the pool back to itself, over its top.
        let loop_radius = LOOP * pool;
        let centre = (recurrent.0, level - pool - UNIT - LOOP_RISE * pool);
        shapes::arc_arrow(scene, centre, loop_radius, 150.0, 390.0, pool_pen);
        weights(scene, (recurrent.0 + loop_radius + 6.0, centre.1 - 0.5 * loop_radius), "*W*");
        layer(scene, readout, &self.classes, self.outputs, &pen);

        let size = theme.text.title;
        let baseline = place.bottom() - line * theme.text.legend - font::DESCENT * size - 0.5;
        let layers = [
            (input, "Input", counted(self.input_dim, "dimension", "dimensions")),
            (recurrent, "Recurrent network", self.connectivity.described(self.units)),
            (
                readout,
                "Readout",
                if self.named {
                    counted(self.outputs, "class", "classes")
                } else {
                    counted(self.outputs, "output", "outputs")
                },
            ),
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

impl Network {
    /// The pool, as its connectivity has it.
    fn draw_recurrent(
        &self,
        scene: &mut Scene,
        middle: Point,
        radius: f64,
        filling: Colour,
        theme: &Theme,
        pen: &Pen,
    ) {
        let connectivity = &self.connectivity;
        let pool = Pool { middle, radius, unit: UNIT };
        let solid = Pen::solid(theme.colour.neutral, theme.line.readout);
        if let Some(share) = connectivity.excitatory {
            pool.draw_signed(scene, share, connectivity.density, theme);
            return;
        }
        if connectivity.rank.is_none() || connectivity.random_part {
            let pen = if connectivity.rank.is_some() {
                Pen::dashed(theme.colour.reference, pen.width, &theme.line.dash)
            } else {
                pen.clone()
            };
            pool.draw_links(scene, connectivity.density, &pen);
        }
        if let Some(rank) = connectivity.rank {
            pool.draw_factors(scene, rank, theme, &solid);
        }
        pool.draw_units(scene, filling, &solid);
    }
}

/// A small pool, as a sign of a recurrent network.
pub(super) fn draw_icon(scene: &mut Scene, middle: Point, radius: f64, theme: &Theme) {
    let pool = Pool { middle, radius, unit: (0.2 * radius).clamp(1.2, UNIT) };
    let pen = Pen::solid(theme.colour.neutral, theme.line.readout);
    pool.draw_links(scene, None, &pen);
    pool.draw_units(scene, theme.colour.reference.towards(Colour::WHITE, 0.7), &pen);
}

/// Units in a ring.
struct Pool {
    middle: Point,
    radius: f64,
    /// Radius of a unit.
    unit: f64,
}

impl Pool {
    fn at(&self, unit: usize) -> Point {
        let angle = std::f64::consts::TAU * unit as f64 / POOL as f64 - std::f64::consts::FRAC_PI_2;
        (self.middle.0 + self.radius * angle.cos(), self.middle.1 + self.radius * angle.sin())
    }

    /// The pairs of units that are joined: all but neighbours, or a share of all pairs.
    fn pairs(density: Option<f64>) -> Vec<(usize, usize)> {
        let all: Vec<(usize, usize)> =
            (0..POOL).flat_map(|unit| [2, 3].map(|skip| (unit, (unit + skip) % POOL))).collect();
        let Some(density) = density else { return all };
        let count = ((density * all.len() as f64).round() as usize).clamp(5, all.len() - 1);
        // Spread over the ring: 5 has no factor in common with the number of pairs.
        (0..count).map(|index| all[5 * index % all.len()]).collect()
    }

    /// A line from the edge of a unit to the edge of another.
    fn ends(&self, from: Point, to: Point, gap: f64) -> (Point, Point) {
        let length = (to.0 - from.0).hypot(to.1 - from.1).max(1e-9);
        let step = ((to.0 - from.0) / length, (to.1 - from.1) / length);
        let inset = |point: Point, by: f64| (point.0 + by * step.0, point.1 + by * step.1);
        (inset(from, self.unit), inset(to, -self.unit - gap))
    }

    /// Units joined to all but their neighbours, or to some: a symbol of recurrence, not a count.
    fn draw_links(&self, scene: &mut Scene, density: Option<f64>, pen: &Pen) {
        let thin = Pen { width: 0.6 * pen.width, opacity: 0.7, ..pen.clone() };
        for (from, to) in Self::pairs(density) {
            let (from, to) = self.ends(self.at(from), self.at(to), 0.0);
            scene.line(from, to, &thin);
        }
    }

    fn draw_units(&self, scene: &mut Scene, filling: Colour, pen: &Pen) {
        for unit in 0..POOL {
            shapes::circle(scene, self.at(unit), self.unit, filling, pen);
        }
    }

    /// Excitatory units, whose connections end in arrows, and inhibitory ones, whose connections end in dots.
    fn draw_signed(&self, scene: &mut Scene, share: f64, density: Option<f64>, theme: &Theme) {
        let count = ((share * POOL as f64).floor() as usize).clamp(1, POOL);
        let count = if share < 1.0 { count.min(POOL - 1) } else { count };
        let [excitatory, inhibitory] = signs(theme);
        // Inhibitory units are next to each other at the bottom.
        let is_inhibitory = |unit: usize| {
            let first = POOL.div_ceil(2) - (POOL - count) / 2;
            (first..first + POOL - count).contains(&unit)
        };
        for (from, to) in Self::pairs(density) {
            let colour = if is_inhibitory(from) { inhibitory } else { excitatory };
            let pen = Pen { opacity: 0.8, ..Pen::solid(colour, 0.75 * theme.line.readout) };
            let (start, end) = self.ends(self.at(from), self.at(to), 1.0);
            if is_inhibitory(from) {
                scene.line(start, end, &pen);
                let (centres, radius) = (vec![end], 0.32 * self.unit);
                scene.items.push(Item::Marks { centres, shape: Shape::Disc, radius, colour });
            } else {
                shapes::small_arrow(scene, start, end, &pen);
            }
        }
        for unit in 0..POOL {
            let colour = if is_inhibitory(unit) { inhibitory } else { excitatory };
            let pen = Pen::solid(colour, theme.line.readout);
            shapes::circle(scene, self.at(unit), self.unit, colour.towards(Colour::WHITE, 0.6), &pen);
        }
    }

    /// A few factors in the middle, through which the units act on each other.
    fn draw_factors(&self, scene: &mut Scene, rank: usize, theme: &Theme, pen: &Pen) {
        const FACTORS: usize = 3;
        let shown = rank.clamp(1, FACTORS);
        let pitch = 0.52 * self.radius;
        let colour = theme.palette.categorical.get(1).copied().unwrap_or(pen.colour);
        let factor =
            |index: usize| (self.middle.0, self.middle.1 + pitch * (index as f64 - 0.5 * (shown - 1) as f64));
        let side = 0.62 * self.unit;
        let thin = Pen { width: 0.6 * pen.width, opacity: 0.7, ..pen.clone() };
        for unit in 0..POOL {
            for index in 0..shown {
                let (from, to) = self.ends(self.at(unit), factor(index), side - self.unit);
                scene.line(from, to, &thin);
            }
        }
        for index in 0..shown {
            let (x, y) = factor(index);
            let outline =
                vec![(x - side, y - side), (x + side, y - side), (x + side, y + side), (x - side, y + side)];
            let closed = outline.iter().copied().chain([outline[0]]).collect();
            scene.items.push(Item::Area {
                outline,
                colour: colour.towards(Colour::WHITE, 0.45),
                opacity: 1.0,
            });
            scene.items.push(Item::Lines { strokes: vec![closed], pen: Pen::solid(colour, pen.width) });
        }
    }
}

/// The colours of excitatory and inhibitory units: red and blue, as in the map with two colours.
pub(super) fn signs(theme: &Theme) -> [Colour; 2] {
    let stops = &theme.palette.diverging;
    [0.85, 0.15].map(|share| Colour::from_map(stops, share))
}
