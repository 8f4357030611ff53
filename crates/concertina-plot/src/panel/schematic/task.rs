//! The task: clusters in the space of inputs, and a trial along time.

use concertina_table::{Table, Values};

use super::{
    settings::{Settings, counted},
    shapes,
};
use crate::{
    Colour, Drawing, Error, Result, Theme, font,
    panel::{
        axes::{LABEL_GAP, TICK_GAP},
        look::{self, Look},
    },
    rich::Rich,
    scene::{Anchor, Item, Pen, Point, Rect, Scene, Shape},
};

/// The most samples drawn, so that clusters are visible and not covered by dots.
const SAMPLES: usize = 240;
/// Share of the width that the clusters take.
const CLUSTERS: f64 = 0.30;
/// Between the clusters and the trial, in points: room for an arrow.
const BETWEEN: f64 = 20.0;
/// Share of a square's half side that the farthest sample reaches.
const REACH: f64 = 0.88;
/// Greatest radius of a state's circle, in points.
const STATE: f64 = 6.0;
/// Length of the arrows into and out of a state, in points.
const REACH_OUT: f64 = 12.0;
/// Height of a bracket's feet, in points.
const FOOT: f64 = 2.2;

/// The contents of the drawing.
#[derive(Debug)]
pub(super) struct Task {
    delay: usize,
    hold: usize,
    evaluate: usize,
    /// Samples of the input in their plane, by class.
    samples: Vec<(usize, Point)>,
    classes: Vec<Look>,
}

impl Task {
    /// Needs the columns `delay`, `hold` and `evaluate`, with one value each, and the samples of the input
    /// (`timestep` -1): `pc1`, `pc2`, `class`.
    pub(super) fn new(settings: Settings<'_>, drawing: &Drawing, theme: &Theme) -> Result<Self> {
        let Settings { table, panel } = settings;
        let delay = settings.few("task.delay", "10")?;
        let (hold, evaluate) = (settings.few("task.hold", "1")?, settings.few("task.evaluate", "1")?);
        let hue = drawing.hue.clone().unwrap_or_else(|| "class".to_owned());
        let values: Vec<Option<String>> = table.distinct(&hue)?.into_iter().map(Some).collect();
        let coloured = Drawing { hue: Some(hue.clone()), ..drawing.clone() };
        let classes = look::hues(theme, &coloured, &values, None);
        let (timesteps, kinds) = (table.integers("timestep")?, table.texts("kind")?);
        let (across, up) = (table.floats("pc1")?, table.floats("pc2")?);
        let mut samples = Vec::new();
        for row in 0..table.row_count() {
            let input = timesteps[row] == Some(-1) && kinds[row].as_deref() == Some("sample");
            let key = table.scalar(row, &hue)?.key();
            let class = values.iter().position(|value| value.as_deref() == Some(key.as_str()));
            if let (true, Some(class), Some(x)) = (input && samples.len() < SAMPLES, class, across[row]) {
                // Inputs on a line have no second component.
                samples.push((class, (x, up[row].unwrap_or(0.0))));
            }
        }
        if samples.is_empty() {
            return Err(Error::Panel {
                panel: panel.to_owned(),
                message: "expected samples of the input (`timestep` -1) for the clusters, found none"
                    .to_owned(),
                hint: Some("use `pca_snapshots` with -1 among its `timesteps`".to_owned()),
            });
        }
        Ok(Self { delay, hold, evaluate, samples, classes })
    }

    /// The number of timesteps of a trial.
    fn steps(&self) -> usize {
        (self.delay + self.hold).saturating_sub(1).max(1)
    }

    pub(super) fn data(&self) -> Result<Table> {
        let cell = |value: usize| Values::Integer(vec![Some(value as i64)]);
        Ok(Table::from_columns([
            ("delay", cell(self.delay)),
            ("hold", cell(self.hold)),
            ("evaluate", cell(self.evaluate)),
            ("timesteps", cell(self.steps())),
        ])?)
    }

    pub(super) fn draw(&self, scene: &mut Scene, place: Rect, theme: &Theme) {
        let head = 1.5 * theme.text.title;
        let foot = 1.5 * theme.text.legend;
        let side = (place.height - head - foot).min(CLUSTERS * place.width).max(1.0);
        let top = place.top + head + 0.5 * (place.height - head - foot - side);
        let square = Rect::new(place.left, top, side, side);
        self.draw_clusters(scene, square, theme);
        let left = square.right() + BETWEEN;
        let trial = Rect::new(left, place.top, (place.right() - left).max(1.0), place.height);
        let (middle, radius) = self.draw_trial(scene, trial, theme, square.top + 0.5 * square.height);
        let pen = Pen::solid(theme.colour.neutral, theme.line.readout);
        let from = (square.right() + 3.0, square.top + 0.5 * square.height);
        shapes::arrow(scene, from, (middle.0 - radius - 1.5, middle.1), &pen);
    }

    /// A square with the samples of the input, its name above and the classes below.
    fn draw_clusters(&self, scene: &mut Scene, square: Rect, theme: &Theme) {
        let half = self.samples.iter().map(|(_, (x, y))| x.abs().max(y.abs())).fold(0.0, f64::max);
        let scale = if half > 0.0 { 0.5 * square.width * REACH / half } else { 0.0 };
        let middle = (square.left + 0.5 * square.width, square.top + 0.5 * square.height);
        let frame = vec![
            (square.left, square.top),
            (square.right(), square.top),
            (square.right(), square.bottom()),
            (square.left, square.bottom()),
            (square.left, square.top),
        ];
        let pen = Pen::solid(theme.colour.frame, theme.line.tick);
        scene.items.push(Item::Lines { strokes: vec![frame], pen });
        for (class, look) in self.classes.iter().enumerate() {
            let of_class = self.samples.iter().filter(|(of, _)| *of == class);
            let centres = of_class.map(|(_, (x, y))| (middle.0 + scale * x, middle.1 - scale * y)).collect();
            let (radius, colour) = (0.75 * theme.marker.radius, look.colour);
            scene.items.push(Item::Marks { centres, shape: Shape::Disc, radius, colour });
        }
        let head = (middle.0, square.top - 4.0);
        scene.text(head, Rich::parse("Input clusters"), theme.text.title, Anchor::Middle, theme.text.colour);
        // The classes in a line, centred.
        let size = theme.text.legend;
        let names: Vec<Rich> = self.classes.iter().map(|look| Rich::parse(&look.name)).collect();
        let (dot, gap, between) = (2.0 * theme.marker.radius, 2.5, 7.0);
        let used = |name: &Rich| dot + gap + name.width(size);
        let width = names.iter().map(used).sum::<f64>() + between * names.len().saturating_sub(1) as f64;
        let baseline = square.bottom() + 1.4 * size;
        let mut left = middle.0 - 0.5 * width;
        for (name, look) in names.into_iter().zip(&self.classes) {
            let (radius, colour) = (theme.marker.radius, look.colour);
            let centres = vec![(left + radius, baseline - 0.36 * size)];
            scene.items.push(Item::Marks { centres, shape: Shape::Disc, radius, colour });
            let width = used(&name);
            scene.text((left + dot + gap, baseline), name, size, Anchor::Start, theme.text.colour);
            left += width + between;
        }
    }

    /// Draws states as circles along time, input into the first, and the evaluation of the last. Returns the
    /// centre and radius of the first circle.
    fn draw_trial(&self, scene: &mut Scene, place: Rect, theme: &Theme, level: f64) -> (Point, f64) {
        let steps = self.steps();
        let column = place.width / steps as f64;
        let radius = (0.34 * column).min(STATE);
        let at = |step: usize| (place.left + (step as f64 + 0.5) * column, level);
        let pen = Pen::solid(theme.colour.neutral, theme.line.readout);
        let evaluated = steps.saturating_sub(self.evaluate);
        let tint = |colour: Colour| colour.towards(Colour::WHITE, 0.7);
        for step in 0..steps {
            let (input, output) = (step < self.hold, step >= evaluated);
            let filling = match (input, output) {
                (_, true) => tint(theme.colour.neutral),
                (true, false) => tint(theme.colour.reference),
                _ => Colour::WHITE,
            };
            shapes::circle(scene, at(step), radius, filling, &pen);
            if step + 1 < steps {
                let (from, to) = (at(step), at(step + 1));
                shapes::arrow(scene, (from.0 + radius + 1.0, level), (to.0 - radius - 1.0, level), &pen);
            }
            // The first input comes from the clusters next to it.
            if input && step > 0 {
                shapes::arrow(
                    scene,
                    (at(step).0, level + radius + REACH_OUT),
                    (at(step).0, level + radius + 1.0),
                    &pen,
                );
            }
            if output {
                shapes::arrow(
                    scene,
                    (at(step).0, level - radius - 1.0),
                    (at(step).0, level - radius - REACH_OUT),
                    &pen,
                );
            }
        }
        self.draw_phases(scene, place, theme, level - radius - REACH_OUT, column);
        self.draw_timesteps(
            scene,
            place,
            theme,
            level + radius + if self.hold > 1 { REACH_OUT } else { 0.0 },
            column,
        );
        (at(0), radius)
    }

    /// Brackets with names over the phases of the trial.
    fn draw_phases(&self, scene: &mut Scene, place: Rect, theme: &Theme, floor: f64, column: f64) {
        let steps = self.steps();
        let (hold, evaluated) = (self.hold.min(steps), steps.saturating_sub(self.evaluate));
        let pen = Pen::solid(theme.colour.axis, theme.line.axis);
        let top = floor - 5.0 - FOOT;
        let edge = |step: usize| place.left + step as f64 * column;
        let rim = 0.12 * column;
        let phases = [(0, hold, "Input"), (hold, evaluated, "Delay"), (evaluated, steps, "Evaluation")];
        let size = theme.text.title;
        let mut taken = f64::NEG_INFINITY;
        let mut names = Vec::new();
        for (from, to, name) in phases {
            if to <= from {
                continue;
            }
            let (left, right) = (edge(from) + rim, edge(to) - rim);
            shapes::bracket(scene, left, right, top, FOOT, &pen);
            let half = 0.5 * Rich::parse(name).width(size);
            // Centred on its bracket, inside the panel, and to the right of the previous name.
            let middle = (0.5 * (left + right)).min(place.right() - half).max(place.left + half);
            let middle = middle.max(taken + half + 4.0);
            taken = middle + half;
            names.push((middle, name));
        }
        for (middle, name) in names {
            let place = (middle, top - 3.0);
            scene.text(place, Rich::parse(name), size, Anchor::Middle, theme.text.colour);
        }
    }

    /// As many numbers of timesteps under the states as fit, and a label.
    fn draw_timesteps(&self, scene: &mut Scene, place: Rect, theme: &Theme, ceiling: f64, column: f64) {
        let steps = self.steps();
        let size = theme.text.tick;
        let widest = Rich::parse(&(steps - 1).to_string()).width(size) + 4.0;
        let every = (widest / column).ceil().max(1.0) as usize;
        let baseline = ceiling + 2.5 + TICK_GAP + font::CAP_HEIGHT * size;
        for step in (0..steps).step_by(every) {
            let middle = (place.left + (step as f64 + 0.5) * column, baseline);
            scene.text(middle, Rich::parse(&step.to_string()), size, Anchor::Middle, theme.text.colour);
        }
        let size = theme.text.label;
        let middle = (place.left + 0.5 * place.width, baseline + LABEL_GAP + font::ASCENT * size);
        let label = format!("Timestep, *t* ({} per trial)", counted(steps, "timestep", "timesteps"));
        scene.text(middle, Rich::parse(&label), size, Anchor::Middle, theme.text.colour);
    }
}
