//! Snapshots: the clouds of states at some timesteps, each in a square, with one row (or several) per facet.

use std::collections::{BTreeMap, BTreeSet};

use concertina_table::Table;

use crate::{
    Colour, Drawing, Error, Result, Theme,
    drawing::Legend,
    font,
    panel::{
        Context,
        legend::{Entry, Group, LegendBlock, Sign},
        look, rows,
    },
    rich::Rich,
    scene::{Anchor, Item, Margins, Pen, Point, Rect, Scene, Shape},
    ticks,
};

/// Between squares, as a share of their side.
const GAP: f64 = 0.09;
/// Share of a square's half side that the farthest sample reaches.
const REACH: f64 = 0.90;
/// Share of a square's half side that the longest readout vector reaches.
const READOUT_REACH: f64 = 0.82;
/// Samples drawn in one go. Classes take turns, so that none hides the other.
const TURN: usize = 25;
/// Side of a square among others, in points. Up to this size, dots have the theme's size.
const USUAL_SIDE: f64 = 28.0;
/// Height of a timestep's label, relative to its text size.
const LEADING: f64 = 1.2;

/// The cloud of one timestep: points in the plane, by class.
#[derive(Clone, Debug, Default, PartialEq)]
struct Cloud {
    timestep: i64,
    /// The class of each sample (in the order of the looks), and its position.
    samples: Vec<(usize, Point)>,
    /// The directions of the readout, by class.
    readouts: Vec<(usize, Point)>,
}

/// A panel of snapshots, measured and ready to be drawn.
#[derive(Debug)]
pub(crate) struct SnapshotsPanel<'a> {
    theme: &'a Theme,
    title: Option<Rich>,
    facets: Vec<(Option<String>, Rich, Vec<Cloud>)>,
    colours: Vec<Colour>,
    legend: LegendBlock,
    kept: Table,
    letter: bool,
    problems: Vec<String>,
    pub(crate) margins: Margins,
}

impl<'a> SnapshotsPanel<'a> {
    pub(crate) fn new(
        table: &Table,
        drawing: &'a Drawing,
        theme: &'a Theme,
        context: &Context<'_>,
    ) -> Result<Self> {
        if drawing.facet_rows.is_some() {
            return Err(Error::Panel {
                panel: context.name.to_owned(),
                message: "snapshots have one row per value of `facet`, and no `facet_rows`".to_owned(),
                hint: Some("use only `facet`, and `keep` one value of the other column".to_owned()),
            });
        }
        let ignored = [
            ("band", drawing.band.is_some()),
            ("style", drawing.style.is_some()),
            ("reference", !drawing.reference.is_empty()),
            ("value", drawing.value.is_some()),
            ("centre", drawing.centre.is_some()),
            ("square", drawing.square),
        ];
        if let Some((name, _)) = ignored.iter().find(|(_, given)| *given) {
            return Err(Error::Panel {
                panel: context.name.to_owned(),
                message: format!("snapshots have no `{name}`"),
                hint: Some("leave it out, or draw `lines` or a `scatter`".to_owned()),
            });
        }
        let kept = rows::kept(table, drawing, context.name)?;
        let hue = drawing.hue.clone().unwrap_or_else(|| "class".to_owned());
        let with_hue = Drawing { hue: Some(hue.clone()), ..drawing.clone() };
        let mut problems = Vec::new();
        let kept = one_realisation(kept, &mut problems)?;
        one_cloud(&kept, drawing, context.name)?;
        let classes: Vec<Option<String>> = kept.distinct(&hue)?.into_iter().map(Some).collect();
        let looks = look::hues(theme, &with_hue, &classes, None);
        problems.extend(left_out(&kept, drawing, &hue)?);
        let facets = match &drawing.facet {
            Some(column) => kept
                .distinct(column)?
                .into_iter()
                .map(|value| {
                    let name = Rich::parse(&look::name(theme, drawing, column, &value));
                    Ok((
                        Some(value.clone()),
                        name,
                        clouds(&kept, drawing, &hue, &classes, Some((column, &value)))?,
                    ))
                })
                .collect::<Result<Vec<_>>>()?,
            None => vec![(None, Rich::default(), clouds(&kept, drawing, &hue, &classes, None)?)],
        };
        let mut entries: Vec<Entry> = looks
            .iter()
            .map(|look| Entry {
                name: Rich::parse(&look.name),
                sign: Sign::Mark { colour: look.colour, shape: Shape::Disc, radius: theme.marker.radius },
            })
            .collect();
        if facets.iter().any(|(_, _, clouds)| clouds.iter().any(|cloud| !cloud.readouts.is_empty())) {
            let (colour, width) = (theme.colour.neutral, theme.line.readout);
            entries.push(Entry {
                name: Rich::parse("Readout"),
                sign: Sign::Line { colour, width, dash: Vec::new(), marker: None },
            });
        }
        let legend = if drawing.legend == Legend::None {
            LegendBlock::default()
        } else {
            LegendBlock { groups: vec![Group { title: None, entries }] }
        };
        let mut panel = Self {
            theme,
            title: context.title.map(Rich::parse),
            facets,
            colours: looks.into_iter().map(|look| look.colour).collect(),
            legend,
            kept,
            letter: context.letter,
            problems,
            margins: Margins::default(),
        };
        panel.margins = panel.needed_margins();
        Ok(panel)
    }

    /// What is not drawn, and why.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = self.problems.clone();
        for (value, _, clouds) in &self.facets {
            if clouds.iter().all(|cloud| cloud.samples.is_empty()) {
                let whose = value.as_ref().map_or_else(String::new, |value| format!("{value}: "));
                problems.push(format!("{whose}there is nothing to draw: no row has coordinates"));
            }
        }
        problems
    }

    /// The rows that are drawn.
    pub(crate) fn data(&self) -> Table {
        self.kept.clone()
    }

    fn needed_margins(&self) -> Margins {
        // The heading of the first group is where the title would be; the letter is to its left.
        let title = if self.title.is_some() { 1.3 * self.theme.text.title } else { 0.0 };
        let left = if self.letter { self.theme.text.letter * 1.25 } else { 0.0 };
        Margins { left, right: 0.0, top: title, bottom: 0.0 }
    }

    fn heading(&self) -> f64 {
        let named = self.facets.iter().any(|(value, _, _)| value.is_some());
        if named || !self.legend.is_empty() { 1.5 * self.theme.text.title } else { 0.0 }
    }

    fn label(&self) -> f64 {
        LEADING * self.theme.text.tick
    }

    /// The number of squares in a line and their side, which is as large as possible.
    fn grid(&self, place: Rect) -> (usize, f64) {
        let most = self.facets.iter().map(|(_, _, clouds)| clouds.len()).max().unwrap_or(0).max(1);
        let groups = self.facets.len().max(1) as f64;
        let mut best = (most, 0.0);
        for columns in 1..=most {
            let lines = groups * most.div_ceil(columns) as f64;
            let wide = place.width / (columns as f64 * (1.0 + GAP) - GAP);
            let high =
                (place.height - groups * self.heading() - lines * self.label()) / (lines * (1.0 + 0.5 * GAP));
            let side = wide.min(high).max(1.0);
            if side > best.1 + 1e-9 {
                best = (columns, side);
            }
        }
        best
    }

    /// Draws into `outer`. The squares need not be aligned with neighbours, so only the panel's own margins
    /// count.
    pub(crate) fn draw(&self, scene: &mut Scene, outer: Rect) {
        let theme = self.theme;
        let place = outer.inset(self.margins);
        let (columns, side) = self.grid(place);
        if let Some(title) = &self.title {
            let middle = (place.left + place.width / 2.0, outer.top + theme.text.title);
            scene.text(middle, title.clone(), theme.text.title, Anchor::Middle, theme.text.colour);
        }
        // The space that the squares leave goes between the groups, up to a limit.
        let lines: usize = self.facets.iter().map(|(_, _, clouds)| clouds.len().div_ceil(columns)).sum();
        let groups = self.facets.len();
        let used = groups as f64 * self.heading() + lines as f64 * (side * (1.0 + 0.5 * GAP) + self.label());
        let between =
            if groups > 1 { ((place.height - used) / (groups - 1) as f64).clamp(0.0, 7.0) } else { 0.0 };
        let mut top = place.top;
        for (index, (_, name, clouds)) in self.facets.iter().enumerate() {
            let baseline = top + font::ASCENT * theme.text.title;
            scene.text(
                (place.left, baseline),
                name.clone(),
                theme.text.title,
                Anchor::Start,
                theme.text.colour,
            );
            if index == 0 && !self.legend.is_empty() {
                let free = place.width - name.width(theme.text.title) - 10.0;
                let width = self.legend.rows_width(f64::INFINITY, theme);
                let used = (columns as f64 * (1.0 + GAP) - GAP) * side;
                if width <= free {
                    let left =
                        (place.left + used - width).max(place.left + name.width(theme.text.title) + 10.0);
                    self.legend.draw_rows(scene, (left, top - 0.3), f64::INFINITY, theme);
                }
            }
            top += self.heading();
            for (position, cloud) in clouds.iter().enumerate() {
                let (line, column) = (position / columns, position % columns);
                let left = place.left + column as f64 * side * (1.0 + GAP);
                let cell_top = top + line as f64 * (side * (1.0 + 0.5 * GAP) + self.label());
                self.draw_square(scene, cloud, Rect::new(left, cell_top, side, side));
            }
            top +=
                clouds.len().div_ceil(columns) as f64 * (side * (1.0 + 0.5 * GAP) + self.label()) + between;
            if clouds.is_empty() {
                let middle = (place.left + place.width / 2.0, top + 0.5 * side);
                scene.text(
                    middle,
                    Rich::parse("no data"),
                    theme.text.legend,
                    Anchor::Middle,
                    theme.colour.reference,
                );
            }
        }
    }

    fn draw_square(&self, scene: &mut Scene, cloud: &Cloud, square: Rect) {
        let theme = self.theme;
        let (mut low, mut high) = ((f64::INFINITY, f64::INFINITY), (f64::NEG_INFINITY, f64::NEG_INFINITY));
        for (_, (x, y)) in &cloud.samples {
            low = (low.0.min(*x), low.1.min(*y));
            high = (high.0.max(*x), high.1.max(*y));
        }
        let centre = (0.5 * (low.0 + high.0), 0.5 * (low.1 + high.1));
        let half = (0.5 * (high.0 - low.0)).max(0.5 * (high.1 - low.1));
        let scale = if half > 0.0 && half.is_finite() { 0.5 * square.width * REACH / half } else { 0.0 };
        let middle = (square.left + 0.5 * square.width, square.top + 0.5 * square.height);
        let at = |(x, y): Point| (middle.0 + scale * (x - centre.0), middle.1 - scale * (y - centre.1));

        let frame = Pen::solid(theme.colour.frame, theme.line.tick);
        let (right, bottom) = (square.right(), square.bottom());
        let outline = vec![
            (square.left, square.top),
            (right, square.top),
            (right, bottom),
            (square.left, bottom),
            (square.left, square.top),
        ];
        scene.items.push(Item::Lines { strokes: vec![outline], pen: frame });

        let mut waiting: Vec<Vec<Point>> = self
            .colours
            .iter()
            .enumerate()
            .map(|(class, _)| {
                cloud
                    .samples
                    .iter()
                    .filter(|(of, _)| *of == class)
                    .map(|(_, place)| at(*place))
                    .rev()
                    .collect()
            })
            .collect();
        // Dots grow with the square, but less.
        let radius = theme.marker.sample_radius * (square.width / USUAL_SIDE).sqrt().max(1.0);
        while waiting.iter().any(|points| !points.is_empty()) {
            for (points, &colour) in waiting.iter_mut().zip(&self.colours) {
                let centres = points.split_off(points.len().saturating_sub(TURN));
                scene.items.push(Item::Marks { centres, shape: Shape::Disc, radius, colour });
            }
        }
        let longest = cloud.readouts.iter().map(|(_, (x, y))| x.hypot(*y)).fold(0.0, f64::max);
        if longest > 0.0 {
            for &(class, (x, y)) in &cloud.readouts {
                let length = 0.5 * square.width * READOUT_REACH / longest;
                let tip = (middle.0 + length * x, middle.1 - length * y);
                let colour = self
                    .colours
                    .get(class)
                    .copied()
                    .unwrap_or(theme.colour.neutral)
                    .towards(Colour::BLACK, 0.35);
                scene.line(middle, tip, &Pen::solid(colour, theme.line.readout));
            }
        }
        let label = format!("*t* = {}", ticks::plain(cloud.timestep as f64));
        let baseline = square.bottom() + 1.0 + font::ASCENT * theme.text.tick;
        scene.text(
            (middle.0, baseline),
            Rich::parse(&label),
            theme.text.tick,
            Anchor::Middle,
            theme.text.colour,
        );
    }

    /// Single snapshots on separate pages, `side` points wide: value of the facet, timestep, page.
    pub(crate) fn singles(&self, side: f64) -> Vec<(Option<String>, i64, Scene)> {
        let edge = 1.5;
        let mut pages = Vec::new();
        for (value, _, clouds) in &self.facets {
            for cloud in clouds {
                let mut scene = Scene::new(side, side + self.label() + 1.0);
                self.draw_square(
                    &mut scene,
                    cloud,
                    Rect::new(edge, edge, side - 2.0 * edge, side - 2.0 * edge),
                );
                pages.push((value.clone(), cloud.timestep, scene));
            }
        }
        pages
    }
}

fn clouds(
    table: &Table,
    drawing: &Drawing,
    hue: &str,
    classes: &[Option<String>],
    facet: Option<(&String, &String)>,
) -> Result<Vec<Cloud>> {
    let column = |axis: &Option<crate::Axis>, otherwise: &str| {
        axis.as_ref().map_or(otherwise.to_owned(), |a| a.column.clone())
    };
    let (xs, ys) = (table.floats(&column(&drawing.x, "pc1"))?, table.floats(&column(&drawing.y, "pc2"))?);
    let timesteps = table.integers("timestep")?;
    let mut clouds: Vec<Cloud> = Vec::new();
    for row in 0..table.row_count() {
        if let Some((column, value)) = facet
            && table.scalar(row, column)?.key() != *value
        {
            continue;
        }
        let (Some(x), Some(timestep)) = (finite(xs[row]), timesteps[row]) else { continue };
        // A cloud on a line has no second component.
        let place = (x, finite(ys[row]).unwrap_or(0.0));
        let key = table.scalar(row, hue)?.key();
        let class = classes.iter().position(|class| class.as_deref() == Some(key.as_str()));
        let kind = if table.has_column("kind") {
            table.scalar(row, "kind")?.to_string()
        } else {
            "sample".to_owned()
        };
        let index = clouds.iter().position(|cloud| cloud.timestep == timestep).unwrap_or_else(|| {
            clouds.push(Cloud { timestep, ..Cloud::default() });
            clouds.len() - 1
        });
        match (kind.as_str(), class) {
            ("sample", Some(class)) => clouds[index].samples.push((class, place)),
            ("readout", class) => clouds[index].readouts.push((class.unwrap_or(usize::MAX), place)),
            _ => {}
        }
    }
    clouds.sort_by_key(|cloud| cloud.timestep);
    Ok(clouds)
}

fn finite(number: Option<f64>) -> Option<f64> {
    number.filter(|number| number.is_finite())
}

/// The rows of the first realisation. Clouds of several networks in one square would have no meaning.
fn one_realisation(kept: Table, problems: &mut Vec<String>) -> Result<Table> {
    if !kept.has_column("seed") {
        return Ok(kept);
    }
    let seeds = kept.distinct("seed")?;
    let [first, others @ ..] = seeds.as_slice() else { return Ok(kept) };
    if others.is_empty() {
        return Ok(kept);
    }
    problems.push(format!(
        "snapshots show one realisation: seed {first} is drawn, {} of {} are not",
        others.len(),
        seeds.len()
    ));
    let rows: Vec<bool> = (0..kept.row_count())
        .map(|row| Ok(kept.scalar(row, "seed")?.key() == *first))
        .collect::<Result<_>>()?;
    Ok(kept.filter(|row| rows[row]))
}

/// Columns that distinguish the clouds of a network from each other; none may have two values in one square.
const CHECKPOINT: [&str; 3] = ["stage", "epoch", "update"];

/// Checks that each square has one cloud per timestep. Rows of several checkpoints or networks in a square
/// would have no meaning.
fn one_cloud(kept: &Table, drawing: &Drawing, panel: &str) -> Result<()> {
    let wrong = |message: String| {
        let hint = "tell them apart with `facet`, or keep some with `keep`".to_owned();
        Err(Error::Panel { panel: panel.to_owned(), message, hint: Some(hint) })
    };
    let facet = |row: usize| -> Result<String> {
        drawing.facet.as_ref().map_or(Ok(String::new()), |column| Ok(kept.scalar(row, column)?.key()))
    };
    for column in CHECKPOINT.into_iter().filter(|column| kept.has_column(column)) {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for row in 0..kept.row_count() {
            let value = kept.scalar(row, column)?.key();
            let first = seen.entry(facet(row)?).or_insert_with(|| value.clone());
            if *first != value {
                return wrong(format!(
                    "expected one `{column}` in a row of snapshots, found `{first}` and `{value}`"
                ));
            }
        }
    }
    if kept.has_column("sample") && kept.has_column("timestep") {
        let mut seen = BTreeSet::new();
        for row in 0..kept.row_count() {
            let (sample, timestep) = (kept.scalar(row, "sample")?, kept.scalar(row, "timestep")?);
            if !sample.is_null() && !seen.insert((facet(row)?, timestep.to_string(), sample.to_string())) {
                return wrong(format!(
                    "expected one row of sample {sample} at timestep {timestep}, found several"
                ));
            }
        }
    }
    Ok(())
}

/// Samples that are not drawn, by what is missing.
fn left_out(kept: &Table, drawing: &Drawing, hue: &str) -> Result<Vec<String>> {
    let x = drawing.x.as_ref().map_or("pc1", |axis| &axis.column);
    let mut lacking: BTreeMap<&str, usize> = BTreeMap::new();
    let mut all = 0;
    for row in 0..kept.row_count() {
        if kept.has_column("kind") && kept.scalar(row, "kind")?.to_string() != "sample" {
            continue;
        }
        all += 1;
        let numbers = [x, "timestep"];
        let groups = [Some(hue), drawing.facet.as_deref()];
        for column in numbers.into_iter().chain(groups.into_iter().flatten()) {
            let cell = kept.scalar(row, column)?;
            if cell.is_null() || cell.as_float().is_some_and(|number| !number.is_finite()) {
                *lacking.entry(column).or_default() += 1;
                break;
            }
        }
    }
    let told = |(column, count): (&str, usize)| {
        format!("`{column}` is undefined or infinite in {count} of {all} samples, which are left out")
    };
    Ok(lacking.into_iter().map(told).collect())
}
