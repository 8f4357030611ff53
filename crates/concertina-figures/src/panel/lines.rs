//! Lines over a column, with bands over realisations, in one pair of axes a facet.

use concertina_table::Table;

use crate::{
    Drawing, Result, Theme,
    panel::{
        Context,
        axes::{self, Axes, LABEL_GAP, TICK_GAP},
        legend::{Entry, LegendBlock, Sign},
        look::{self, Look},
        series::{self, Series, Split},
    },
    recipe::{Axis, Channel, Kind, Legend},
    rich::Rich,
    font,
    scene::{Anchor, Item, Margins, Pen, Point, Rect, Scene},
    ticks::{Scale, ScaleKind, Wishes},
};

/// Least distance of labelled ticks, in points: a label of three or four digits and air.
const TICK_SPACING: (f64, f64) = (21.0, 13.0);
/// Between facets that share their vertical scale, in points.
const FACET_GAP: f64 = 8.0;
/// Share of the range left free beside lines, so that they do not run into the spines.
const PAD: f64 = 0.04;
/// Between the axes and a legend to their right, in points.
const LEGEND_GAP: f64 = 6.0;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    None,
    Inside,
    Corner(f64, f64),
    Right,
    Above,
}

/// A panel of lines, measured and ready to be drawn.
#[derive(Debug)]
pub(crate) struct LinesPanel<'a> {
    theme: &'a Theme,
    drawing: &'a Drawing,
    title: Option<Rich>,
    split: Split,
    facet_names: Vec<Rich>,
    /// Looks of the hues in each facet.
    hues: Vec<Vec<Look>>,
    styles: Vec<Look>,
    x: Scale,
    /// One a facet, or one for all.
    y: Vec<Scale>,
    x_label: Vec<Rich>,
    y_label: Vec<Rich>,
    legend: LegendBlock,
    place: Place,
    /// Width of one facet's axes, as measured.
    facet_width: f64,
    pub(crate) margins: Margins,
}

impl<'a> LinesPanel<'a> {
    pub(crate) fn new(table: &Table, drawing: &'a Drawing, theme: &'a Theme, context: &Context<'_>) -> Result<Self> {
        let split = Split::of(&series::kept(table, drawing)?, drawing, context.name)?;
        let facet = |index: usize| split.facets[index].as_deref();
        let hues: Vec<Vec<Look>> =
            (0..split.facets.len()).map(|index| look::hues(theme, drawing, &split.hues, facet(index))).collect();
        let facet_names = match &drawing.facet {
            Some(column) => split
                .facets
                .iter()
                .map(|value| Rich::parse(&look::name(theme, drawing, column, value.as_deref().unwrap_or_default())))
                .collect(),
            None => Vec::new(),
        };
        let mut panel = Self {
            theme,
            drawing,
            title: context.title.map(Rich::parse),
            facet_names,
            styles: look::styles(theme, drawing, &split.styles),
            hues,
            x: Scale::new(0.0, 1.0, 1.0, 1.0, &Wishes::default()),
            y: Vec::new(),
            x_label: Vec::new(),
            y_label: Vec::new(),
            legend: LegendBlock::default(),
            place: Place::None,
            facet_width: 0.0,
            margins: Margins::default(),
            split,
        };
        panel.legend = panel.legend_block(context);
        panel.measure(context);
        Ok(panel)
    }

    /// Numbers as drawn.
    pub(crate) fn data(&self) -> Result<Table> {
        self.split.to_table(self.drawing)
    }

    /// Points without a summary, in words.
    pub(crate) fn problems(&self) -> Vec<String> {
        let x = self.drawing.x.as_ref().map_or("x", |axis| &axis.column);
        let mut problems = Vec::new();
        for (facet, line) in self.split.all() {
            for point in &line.points {
                if let Err(error) = &point.summary
                    && *error != crate::NoSummary::Empty
                {
                    let levels = [
                        (&self.drawing.facet, &self.split.facets[facet]),
                        (&self.drawing.hue, &self.split.hues[line.hue]),
                        (&self.drawing.style, &self.split.styles[line.style]),
                    ];
                    let group: String = levels
                        .iter()
                        .filter_map(|(column, level)| Some(format!("{} {}, ", column.as_ref()?, level.as_ref()?)))
                        .collect();
                    problems.push(format!("{group}{x} {}: {error}", point.x));
                }
            }
        }
        problems
    }

    fn axis_label(&self, axis: Option<&Axis>) -> String {
        let Some(axis) = axis else { return String::new() };
        let known = || self.theme.labels.get(&axis.column).cloned();
        axis.label.clone().or_else(known).unwrap_or_else(|| axis.column.replace('_', " "))
    }

    fn markers(&self) -> bool {
        self.drawing.markers.unwrap_or(self.drawing.kind == Kind::Spectrum)
    }

    fn shared_y(&self) -> bool {
        self.drawing.share_y.unwrap_or(true) || self.split.facets.len() < 2
    }

    fn facet_count(&self) -> usize {
        self.split.facets.len().max(1)
    }

    fn y_scale(&self, facet: usize) -> &Scale {
        &self.y[if self.y.len() > 1 { facet.min(self.y.len() - 1) } else { 0 }]
    }

    /// Scales, labels, legend place and margins for a panel of the context's size.
    fn measure(&mut self, context: &Context<'_>) {
        let theme = self.theme;
        let (width, height) = context.size;
        // Axes as large as they come out with usual labels; then once more with the labels that gave.
        let mut axes = Rect::new(0.0, 0.0, (width - 28.0).max(10.0), (height - 26.0).max(10.0));
        self.place = self.wanted_place();
        for round in 0..3 {
            let count = self.facet_count() as f64;
            let between = self.between();
            let facet_width = ((axes.width - (count - 1.0) * between) / count).max(5.0);
            self.facet_width = facet_width;
            self.scales(facet_width, axes.height);
            let x_text = self.axis_label(self.drawing.x.as_ref());
            let y_text = self.axis_label(self.drawing.y.as_ref());
            self.x_label = axes::broken(&x_text, theme.text.label, axes.width + 12.0);
            self.y_label = axes::broken(&y_text, theme.text.label, axes.height + 4.0);
            self.margins = self.needed_margins(context);
            axes = Rect::new(0.0, 0.0, width, height).inset(self.margins);
            if round == 1 && self.place == Place::Inside {
                let (_, _, covered) = self.inside_place(axes);
                if covered > 0 {
                    self.place = Place::Above;
                }
            }
        }
    }

    fn wanted_place(&self) -> Place {
        if self.legend.is_empty() {
            return Place::None;
        }
        match self.drawing.legend {
            Legend::Auto => Place::Inside,
            Legend::None => Place::None,
            Legend::Right => Place::Right,
            Legend::Above => Place::Above,
            Legend::TopLeft => Place::Corner(0.0, 0.0),
            Legend::TopRight => Place::Corner(1.0, 0.0),
            Legend::BottomLeft => Place::Corner(0.0, 1.0),
            Legend::BottomRight => Place::Corner(1.0, 1.0),
        }
    }

    /// Distance of one facet's axes from the next's.
    fn between(&self) -> f64 {
        if self.shared_y() {
            FACET_GAP
        } else {
            let labels = self.y.iter().skip(1).map(|scale| axes::widest(scale, self.theme)).fold(0.0, f64::max);
            FACET_GAP + labels + TICK_GAP + self.theme.line.tick_length
        }
    }

    fn scales(&mut self, width: f64, height: f64) {
        let lines: Vec<(usize, &Series)> = self.split.all().collect();
        let wishes = |axis: Option<&Axis>, whole: bool| Wishes {
            kind: axis.map_or(ScaleKind::Linear, |axis| axis.scale),
            from: axis.and_then(|axis| axis.from),
            to: axis.and_then(|axis| axis.to),
            ticks: axis.and_then(|axis| axis.ticks.clone()),
            whole,
            pad: PAD,
        };
        let log = |axis: Option<&Axis>| axis.is_some_and(|axis| axis.scale == ScaleKind::Log);
        let (x_axis, y_axis) = (self.drawing.x.as_ref(), self.drawing.y.as_ref());
        let xs: Vec<f64> = lines
            .iter()
            .flat_map(|(_, line)| line.points.iter().map(|point| point.x))
            .chain(self.drawing.reference.iter().filter_map(|line| line.x))
            .collect();
        let whole = |values: &[f64]| values.iter().all(|value| value.fract() == 0.0);
        let (low, high) = range(&xs, log(x_axis));
        let x = Scale::new(low, high, width, TICK_SPACING.0, &wishes(x_axis, whole(&xs)));
        let groups: Vec<Option<usize>> = if self.shared_y() { vec![None] } else { (0..self.facet_count()).map(Some).collect() };
        let y = groups
            .into_iter()
            .map(|group| {
                let mut ys: Vec<f64> = self.drawing.reference.iter().filter_map(|line| line.y).collect();
                for (_, line) in lines.iter().filter(|(facet, _)| group.is_none_or(|group| group == *facet)) {
                    for summary in line.points.iter().filter_map(|point| point.summary.as_ref().ok()) {
                        ys.push(summary.centre);
                        ys.extend(summary.interval.into_iter().flat_map(|(low, high)| [low, high]));
                    }
                    ys.extend(line.singles.iter().flatten().map(|(_, y)| *y));
                }
                let (low, high) = range(&ys, log(y_axis));
                Scale::new(low, high, height, TICK_SPACING.1, &wishes(y_axis, !ys.is_empty() && whole(&ys)))
            })
            .collect();
        (self.x, self.y) = (x, y);
    }

    fn needed_margins(&self, context: &Context<'_>) -> Margins {
        let theme = self.theme;
        let tick = theme.line.tick_length + TICK_GAP;
        let text = font::ASCENT + font::DESCENT;
        let label = |lines: usize| if lines == 0 { 0.0 } else { LABEL_GAP + axes::label_height(lines, theme) };
        let half_last = |scale: &Scale| {
            let over = |(value, text): &(f64, String)| {
                let left_over = (1.0 - scale.position(*value).unwrap_or(0.0)) * self.facet_width;
                (0.5 * Rich::parse(text).width(theme.text.tick) - left_over).max(0.0)
            };
            scale.ticks.iter().map(over).fold(0.0, f64::max)
        };
        let mut top: f64 = 0.5 * theme.text.tick;
        let mut lines = 0.0;
        if self.title.is_some() {
            lines += 1.2 * theme.text.title;
        }
        if !self.facet_names.is_empty() {
            lines += 1.2 * theme.text.title;
        }
        if lines > 0.0 {
            top = lines + 2.5;
        }
        if context.letter {
            top = top.max(1.15 * theme.text.letter);
        }
        let mut right = half_last(&self.x).max(1.5);
        let left = label(self.y_label.len()) + axes::widest(self.y_scale(0), theme) + tick;
        match self.place {
            Place::Above => top += self.legend.rows_height(self.above_width(context.size.0, left), theme) + 2.0,
            Place::Right => right += LEGEND_GAP + self.legend.list_size(theme).0,
            _ => {}
        }
        Margins { left, right, top, bottom: tick + font::CAP_HEIGHT * theme.text.tick + 0.1 * text + label(self.x_label.len()) }
    }

    fn above_width(&self, width: f64, left: f64) -> f64 {
        width - left
    }

    fn facet_rects(&self, axes: Rect) -> Vec<Rect> {
        let count = self.facet_count();
        let between = self.between();
        let width = ((axes.width - (count - 1) as f64 * between) / count as f64).max(1.0);
        (0..count).map(|index| Rect::new(axes.left + index as f64 * (width + between), axes.top, width, axes.height)).collect()
    }

    /// The facet and place where the legend covers least, and how much.
    fn inside_place(&self, axes: Rect) -> (usize, Rect, usize) {
        let mut best = (0, axes, usize::MAX);
        for (facet, place) in self.facet_rects(axes).into_iter().enumerate() {
            let pair = Axes { place, x: &self.x, y: self.y_scale(facet) };
            let (place, covered) = self.legend.best_place(place, &self.occupied(facet, &pair), self.theme);
            if covered < best.2 {
                best = (facet, place, covered);
            }
        }
        best
    }

    /// Points on the page that data take, close enough together that nothing fits between them.
    fn occupied(&self, facet: usize, pair: &Axes<'_>) -> Vec<Point> {
        const STEP: f64 = 1.5;
        let mut points = Vec::new();
        let mut along = |from: Point, to: Point| {
            let steps = ((to.0 - from.0).hypot(to.1 - from.1) / STEP).ceil().max(1.0);
            for k in 0..=steps as usize {
                let share = k as f64 / steps;
                points.push((from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1)));
            }
        };
        for line in self.split.series.get(facet).into_iter().flatten() {
            for path in runs(line, |point| point.summary.as_ref().ok().and_then(|s| pair.at(point.x, s.centre))) {
                path.windows(2).for_each(|ends| along(ends[0], ends[1]));
                path.iter().for_each(|&point| along(point, point));
            }
            let edges = runs(line, |point| {
                let (low, high) = point.summary.as_ref().ok()?.interval?;
                Some((pair.at(point.x, low)?, pair.at(point.x, high)?))
            });
            for path in edges {
                for ends in path.windows(2) {
                    for k in 0..=8 {
                        let share = f64::from(k) / 8.0;
                        let mix = |a: Point, b: Point| (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1));
                        along(mix(ends[0].0, ends[1].0), mix(ends[0].1, ends[1].1));
                    }
                }
            }
            for single in &line.singles {
                let path: Vec<Point> = single.iter().filter_map(|&(x, y)| pair.at(x, y)).collect();
                path.windows(2).for_each(|ends| along(ends[0], ends[1]));
            }
        }
        for reference in &self.drawing.reference {
            if let Some((from, to)) = ends(reference, pair) {
                along(from, to);
            }
        }
        points
    }

    fn legend_block(&self, context: &Context<'_>) -> LegendBlock {
        let theme = self.theme;
        let shown = |channel: Channel| match &self.drawing.legend_in_figure {
            Some(channels) if context.in_figure => channels.contains(&channel),
            _ => true,
        };
        let width = theme.line.data;
        let mut groups = Vec::new();
        if self.drawing.hue.is_some() && shown(Channel::Hue) && self.split.hues.len() > 1 {
            // With shades that differ by facet, grey ones stand for all.
            let same = self.hues.windows(2).all(|pair| pair[0] == pair[1]);
            let marker = self.markers().then_some(theme.marker.radius);
            let count = self.split.hues.len();
            let colour = |index: usize, look: &Look| if same { look.colour } else { theme.colour.reference.shade(index, count) };
            let looks = self.hues.first().into_iter().flatten().enumerate();
            groups.push(
                looks
                    .map(|(index, look)| Entry {
                        name: Rich::parse(&look.name),
                        sign: Sign::Line { colour: colour(index, look), width, dash: Vec::new(), marker },
                    })
                    .collect(),
            );
        }
        if self.drawing.style.is_some() && shown(Channel::Style) && self.split.styles.len() > 1 {
            let entry = |look: &Look| Entry {
                name: Rich::parse(&look.name),
                sign: Sign::Line { colour: look.colour, width, dash: look.dash.clone(), marker: None },
            };
            groups.push(self.styles.iter().map(entry).collect());
        }
        let references = self.drawing.reference.iter().filter_map(|line| Some((line, line.label.as_ref()?)));
        let entries: Vec<Entry> = references
            .map(|(line, label)| Entry {
                name: Rich::parse(label),
                sign: Sign::Line {
                    colour: theme.colour.reference,
                    width: theme.line.reference,
                    dash: if line.solid { Vec::new() } else { theme.line.dash.clone() },
                    marker: None,
                },
            })
            .collect();
        if shown(Channel::Reference) && !entries.is_empty() {
            groups.push(entries);
        }
        LegendBlock { title: self.drawing.legend_title.as_deref().map(Rich::parse), groups }
    }

    /// Draws into `outer`, the axes inset by `margins` (at least its own).
    pub(crate) fn draw(&self, scene: &mut Scene, outer: Rect, margins: Margins) {
        let theme = self.theme;
        let axes = outer.inset(margins);
        let rects = self.facet_rects(axes);
        for (facet, place) in rects.iter().enumerate() {
            let pair = Axes { place: *place, x: &self.x, y: self.y_scale(facet) };
            self.draw_data(scene, facet, &pair);
            pair.draw(scene, theme, facet == 0 || !self.shared_y());
        }
        self.draw_texts(scene, outer, axes, &rects);
        match self.place {
            Place::None => {}
            Place::Inside => {
                let (_, place, _) = self.inside_place(axes);
                self.legend.draw_list(scene, (place.left, place.top), theme);
            }
            Place::Corner(across, down) => {
                let place = self.legend.corner(*rects.last().unwrap_or(&axes), across, down, theme);
                self.legend.draw_list(scene, (place.left, place.top), theme);
            }
            Place::Right => self.legend.draw_list(scene, (axes.right() + LEGEND_GAP, axes.top), theme),
            Place::Above => {
                let width = self.above_width(outer.width, self.margins.left);
                let top = axes.top - 2.0 - self.legend.rows_height(width, theme);
                let left = axes.left.min(outer.right() - self.legend.rows_width(width, theme));
                self.legend.draw_rows(scene, (left, top), width, theme);
            }
        }
    }

    fn draw_texts(&self, scene: &mut Scene, outer: Rect, axes: Rect, rects: &[Rect]) {
        let theme = self.theme;
        let colour = theme.text.colour;
        let size = theme.text.label;
        let below = axes.bottom() + theme.line.tick_length + TICK_GAP + font::CAP_HEIGHT * theme.text.tick + LABEL_GAP;
        for (index, line) in self.x_label.iter().enumerate() {
            let baseline = below + size * (font::ASCENT + index as f64 * axes::LEADING);
            scene.text((axes.left + axes.width / 2.0, baseline), line.clone(), size, Anchor::Middle, colour);
        }
        let labels = axes::widest(self.y_scale(0), theme) + theme.line.tick_length + TICK_GAP;
        let count = self.y_label.len();
        for (index, line) in self.y_label.iter().enumerate() {
            let across = axes.left - labels - LABEL_GAP - size * (font::DESCENT + (count - 1 - index) as f64 * axes::LEADING);
            let length = line.width(size);
            // Centred on the axes, but never beyond the panel.
            let middle = axes.top + axes.height / 2.0;
            let middle = middle.min(outer.bottom() - length / 2.0).max(outer.top + length / 2.0);
            let place = (across, middle);
            let rich = line.clone();
            scene.items.push(Item::Text { place, rich, size, anchor: Anchor::Middle, upright: true, colour });
        }
        let legend = if self.place == Place::Above {
            2.0 + self.legend.rows_height(self.above_width(outer.width, self.margins.left), theme)
        } else {
            0.0
        };
        let mut baseline = axes.top - legend - 3.5;
        for (name, place) in self.facet_names.iter().zip(rects) {
            let middle = (place.left + place.width / 2.0, baseline);
            scene.text(middle, name.clone(), theme.text.title, Anchor::Middle, colour);
        }
        if !self.facet_names.is_empty() {
            baseline -= 1.2 * theme.text.title;
        }
        if let Some(title) = &self.title {
            let middle = (axes.left + axes.width / 2.0, baseline);
            scene.text(middle, title.clone(), theme.text.title, Anchor::Middle, colour);
        }
        if self.split.all().all(|(_, line)| line.points.iter().all(|point| point.summary.is_err())) {
            let middle = (axes.left + axes.width / 2.0, axes.top + axes.height / 2.0);
            scene.text(middle, Rich::parse("no data"), theme.text.legend, Anchor::Middle, theme.colour.reference);
        }
    }

    fn draw_data(&self, scene: &mut Scene, facet: usize, pair: &Axes<'_>) {
        let theme = self.theme;
        let mut items = Vec::new();
        for reference in &self.drawing.reference {
            if let Some((from, to)) = ends(reference, pair) {
                let dash: &[f64] = if reference.solid { &[] } else { &theme.line.dash };
                let pen = Pen::dashed(theme.colour.reference, theme.line.reference, dash);
                items.push(Item::Lines { strokes: vec![vec![from, to]], pen });
            }
        }
        let lines = self.split.series.get(facet).map_or(&[][..], Vec::as_slice);
        let look = |line: &Series| (self.hues[facet][line.hue].colour, &self.styles[line.style].dash);
        for line in lines {
            let edges = runs(line, |point| {
                let (low, high) = point.summary.as_ref().ok()?.interval?;
                Some((pair.at(point.x, low)?, pair.at(point.x, high)?))
            });
            for path in edges.into_iter().filter(|path| path.len() > 1) {
                let upper = path.iter().map(|(_, high)| *high);
                let outline: Vec<Point> = path.iter().map(|(low, _)| *low).chain(upper.rev()).collect();
                if path.iter().any(|(low, high)| (low.1 - high.1).abs() > 1e-3) {
                    items.push(Item::Area { outline, colour: look(line).0, opacity: theme.band.opacity });
                }
            }
        }
        for line in lines {
            let (colour, dash) = look(line);
            let strokes: Vec<Vec<Point>> =
                line.singles.iter().map(|single| single.iter().filter_map(|&(x, y)| pair.at(x, y)).collect()).collect();
            if !strokes.is_empty() {
                let pen = Pen { opacity: 0.5, ..Pen::dashed(colour, theme.line.single, dash) };
                items.push(Item::Lines { strokes, pen });
            }
        }
        for line in lines {
            let (colour, dash) = look(line);
            let paths = runs(line, |point| point.summary.as_ref().ok().and_then(|s| pair.at(point.x, s.centre)));
            let alone = paths.iter().filter(|path| path.len() == 1).flatten().copied();
            let dots: Vec<Point> = if self.markers() { paths.iter().flatten().copied().collect() } else { alone.collect() };
            items.push(Item::Lines { strokes: paths, pen: Pen::dashed(colour, theme.line.data, dash) });
            items.push(Item::Dots { centres: dots, radius: theme.marker.radius, colour });
        }
        // Lines at a limit are not cut in half; only what lies well outside is cut off.
        let slack = 0.01;
        let inside = Rect::new(
            pair.place.left - slack * pair.place.width,
            pair.place.top - slack * pair.place.height,
            (1.0 + 2.0 * slack) * pair.place.width,
            (1.0 + 2.0 * slack) * pair.place.height,
        );
        if items.iter().all(|item| within(item, inside)) {
            scene.items.extend(items);
        } else {
            scene.items.push(Item::Clipped { window: pair.place, items });
        }
    }
}

fn within(item: &Item, window: Rect) -> bool {
    let inside = |&(x, y): &Point| x >= window.left && x <= window.right() && y >= window.top && y <= window.bottom();
    match item {
        Item::Lines { strokes, .. } => strokes.iter().flatten().all(inside),
        Item::Area { outline, .. } => outline.iter().all(inside),
        Item::Dots { centres, .. } => centres.iter().all(inside),
        Item::Text { .. } | Item::Clipped { .. } => true,
    }
}

/// The ends of a reference line on the page.
fn ends(line: &crate::recipe::ReferenceLine, pair: &Axes<'_>) -> Option<(Point, Point)> {
    if let Some(y) = line.y {
        return Some((pair.at(pair.x.from, y)?, pair.at(pair.x.to, y)?));
    }
    let x = line.x?;
    Some((pair.at(x, pair.y.from)?, pair.at(x, pair.y.to)?))
}

/// Stretches of a line without a gap.
fn runs<T>(line: &Series, place: impl Fn(&series::SeriesPoint) -> Option<T>) -> Vec<Vec<T>> {
    let mut paths = vec![Vec::new()];
    for point in &line.points {
        match (place(point), paths.last_mut()) {
            (Some(place), Some(path)) => path.push(place),
            _ => paths.push(Vec::new()),
        }
    }
    paths.retain(|path| !path.is_empty());
    paths
}

/// Least and largest value; only positive ones count on a logarithmic scale.
fn range(values: &[f64], log: bool) -> (f64, f64) {
    let usable = values.iter().copied().filter(|&value| value.is_finite() && (!log || value > 0.0));
    let (low, high) = usable.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low <= high { (low, high) } else if log { (0.1, 10.0) } else { (0.0, 1.0) }
}
