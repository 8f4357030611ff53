//! What a plot does not show, or does not show as requested, and why.

use std::collections::BTreeSet;

use concertina_table::{Scalar, Table};

use super::PlotPanel;
use crate::{
    Drawing, ErrorBar, NoSummary, Result,
    drawing::Bracket,
    error_bar::Summary,
    panel::{
        along::spelled,
        look,
        rows::listed,
        series::{Series, SeriesPoint, Split},
    },
    ticks::{Scale, ScaleKind},
};

/// The number of similar cases that are reported individually; the others are counted. Arbitrary, but enough
/// to see the pattern.
const TOLD: usize = 3;
/// How far beyond a limit a value is still drawn, as a share of the axis, so that lines at a limit are not
/// cut in half.
pub(super) const SLACK: f64 = 0.01;

/// The series of a panel with the numbers of their axes.
type Lines<'a> = Vec<(usize, &'a Series)>;

/// A point with its summary, and the number of its axes.
type Summarised<'a> = (usize, &'a SeriesPoint, &'a Summary);

impl PlotPanel<'_> {
    /// What is not drawn, or not drawn as requested, and why.
    pub(crate) fn problems(&self) -> Vec<String> {
        let lines: Lines<'_> = self.split.all().collect();
        let mut problems = self.of_rows();
        problems.extend(self.of_gaps(&lines));
        problems.extend(self.of_empty_axes());
        problems.extend(self.of_error_bars(&lines));
        problems.extend(self.of_logarithms(&lines));
        problems.extend(self.of_limits(&lines));
        problems.extend(self.of_references());
        problems.extend(self.of_looks());
        problems.extend(self.of_labels());
        problems.extend(self.of_brackets());
        problems.extend(self.idle_names.iter().cloned());
        problems
    }

    /// Rows that are left out.
    fn of_rows(&self) -> Vec<String> {
        let all = self.kept.row_count();
        let of = |what: &str, (column, count): (&String, &usize)| {
            format!("`{column}` is {what} in {count} of {all} rows, which are left out")
        };
        let passed_over = &self.split.passed_over;
        let undefined = passed_over.undefined.iter().map(|one| of("undefined", one));
        undefined.chain(passed_over.infinite.iter().map(|one| of("infinite", one))).collect()
    }

    /// Points whose error bars cannot be computed.
    fn of_gaps(&self, lines: &Lines<'_>) -> Vec<String> {
        let x = self.drawing.x.as_ref().map_or("x", |axis| &axis.column);
        let mut failed = Vec::new();
        for (cell, line) in lines {
            for point in &line.points {
                let Err(error) = &point.summary else { continue };
                if *error == NoSummary::Empty {
                    continue; // rows without values are counted elsewhere
                }
                let place = spelled(self.split.x_words.as_deref(), point.x);
                let group: String =
                    self.group(*cell, line).iter().map(|level| format!("{level}, ")).collect();
                failed.push(format!("{group}{x} {place}: {error}"));
            }
        }
        let more = failed.len().saturating_sub(TOLD);
        failed.truncate(TOLD);
        if more > 0 {
            failed.push(format!(
                "{more} more points have no error bar for similar reasons; the CSV next to the panel lists them"
            ));
        }
        failed
    }

    /// The values that distinguish a series from others.
    fn group(&self, cell: usize, line: &Series) -> Vec<String> {
        let named = self.split.levels.named(self.drawing, cell, line);
        named
            .iter()
            .filter_map(|(column, level)| Some(format!("{} {}", column.as_ref()?, level.as_ref()?)))
            .collect()
    }

    /// Axes and series without anything on them.
    fn of_empty_axes(&self) -> Vec<String> {
        if self.split.all().all(|(_, line)| line.is_empty()) {
            return vec!["there is nothing to draw: no row has values along both axes".to_owned()];
        }
        let levels = &self.split.levels;
        let mut empty = Vec::new();
        for (cell, lines) in self.split.series.iter().enumerate() {
            if lines.iter().all(Series::is_empty) {
                let row = (&self.drawing.facet_rows, &levels.rows[levels.row_of(cell)]);
                let column = (&self.drawing.facet, &levels.facets[levels.column_of(cell)]);
                let named: Vec<String> = [row, column]
                    .into_iter()
                    .filter_map(|(column, value)| Some(format!("{} {}", column.as_ref()?, value.as_ref()?)))
                    .collect();
                empty.push(format!("the axes of {} are empty: there are no values", named.join(", ")));
                continue;
            }
            let nothing = lines.iter().filter(|line| line.is_empty());
            empty.extend(
                nothing.map(|line| format!("{}: there are no values", self.group(cell, line).join(", "))),
            );
        }
        let more = empty.len().saturating_sub(TOLD);
        empty.truncate(TOLD);
        if more > 0 {
            empty.push(format!("{more} more groups have no values"));
        }
        empty
    }

    fn summaries<'a>(&self, lines: &Lines<'a>) -> Vec<Summarised<'a>> {
        let of = |(cell, line): &(usize, &'a Series)| {
            let cell = *cell;
            line.points.iter().filter_map(move |point| Some((cell, point, point.summary.as_ref().ok()?)))
        };
        lines.iter().flat_map(of).collect()
    }

    /// Points with too few realisations for the requested error bar.
    fn of_error_bars(&self, lines: &Lines<'_>) -> Vec<String> {
        let Some(bar) = self.drawing.band.filter(|bar| !matches!(bar, ErrorBar::Lines | ErrorBar::Paired))
        else {
            return Vec::new();
        };
        let points = self.summaries(lines);
        let all = points.len();
        let count = |few: &dyn Fn(usize) -> bool| {
            points.iter().filter(|(_, point, _)| few(point.realisations)).count()
        };
        let mut problems = Vec::new();
        let alone = count(&|realisations| realisations == 1);
        if alone > 0 {
            problems.push(format!("{alone} of {all} points have one realisation, and so no error bar"));
        }
        let ranges = count(&|realisations| realisations > 1 && bar.is_range(realisations));
        if let (1.., ErrorBar::MeanCi { level }) = (ranges, bar) {
            problems.push(format!(
                "{ranges} of {all} points have too few realisations for an interval of {level}: the bootstrap gives their range"
            ));
        }
        problems
    }

    /// What a logarithmic axis cannot show.
    fn of_logarithms(&self, lines: &Lines<'_>) -> Vec<String> {
        let drawn: Vec<(f64, f64)> = lines.iter().flat_map(|(_, line)| line.drawn()).collect();
        let along = [
            (&self.drawing.x, drawn.iter().map(|drawn| drawn.0).collect::<Vec<_>>()),
            (&self.drawing.y, drawn.iter().map(|drawn| drawn.1).collect()),
        ];
        let mut problems = Vec::new();
        for (axis, values) in along {
            let Some(axis) = axis.as_ref().filter(|axis| axis.scale == ScaleKind::Log) else { continue };
            let lost = values.iter().filter(|value| **value <= 0.0).count();
            if lost > 0 {
                let (all, column) = (values.len(), &axis.column);
                problems.push(format!(
                    "{lost} of {all} values of {column} are not above 0, so a logarithmic axis leaves them out"
                ));
            }
        }
        if self.drawing.y.as_ref().is_some_and(|axis| axis.scale == ScaleKind::Log) {
            let points = self.summaries(lines);
            let reaches =
                |(_, _, summary): &&Summarised<'_>| summary.interval.is_some_and(|(low, _)| low <= 0.0);
            let count = points.iter().filter(reaches).count();
            if count > 0 {
                problems.push(format!(
                    "the error bars of {count} of {} points reach 0 or below: on the logarithmic axis they are drawn to its lower edge",
                    points.len()
                ));
            }
        }
        problems
    }

    /// What lies outside fixed limits.
    fn of_limits(&self, lines: &Lines<'_>) -> Vec<String> {
        let mut problems = Vec::new();
        let drawn = || lines.iter().flat_map(|(cell, line)| line.drawn().map(move |point| (*cell, point)));
        let mut outside = |column: &str, scale: &Scale, what: &str, count: usize, all: usize| {
            if count > 0 {
                let limits = format!("{} to {}", scale.from, scale.to);
                problems
                    .push(format!("{count} of {all} {what} lie outside the axis of `{column}`, {limits}"));
            }
        };
        if let Some(axis) = self.drawing.x.as_ref().filter(|axis| axis.from.is_some() || axis.to.is_some()) {
            let count = drawn().filter(|(_, (x, _))| is_outside(&self.x, *x)).count();
            outside(&axis.column, &self.x, "values", count, drawn().count());
        }
        if let Some(axis) = self.drawing.y.as_ref().filter(|axis| axis.from.is_some() || axis.to.is_some()) {
            let scale = self.y_scale(0);
            let count = drawn().filter(|(cell, (_, y))| is_outside(self.y_scale(*cell), *y)).count();
            outside(&axis.column, scale, "values", count, drawn().count());
            let points = self.summaries(lines);
            let ends = |(cell, _, summary): &&Summarised<'_>| {
                let scale = self.y_scale(*cell);
                summary.interval.is_some_and(|(low, high)| is_outside(scale, low) || is_outside(scale, high))
            };
            outside(&axis.column, scale, "error bars", points.iter().filter(ends).count(), points.len());
        }
        problems
    }

    /// Reference lines that are not on the axes.
    fn of_references(&self) -> Vec<String> {
        let hidden = |scale: &Scale, value: f64| scale.position(value).is_none() || is_outside(scale, value);
        let mut problems = Vec::new();
        for line in &self.drawing.reference {
            let x = line.x.filter(|&x| hidden(&self.x, x)).map(|x| ("x", x));
            let y = line.y.filter(|&y| self.y.iter().any(|scale| hidden(scale, y))).map(|y| ("y", y));
            if let Some((axis, value)) = x.or(y) {
                problems.push(format!("the reference line at {axis} = {value} lies outside the axis"));
            }
            let cut = |radius: f64| {
                let ends = [-radius, radius];
                ends.into_iter()
                    .any(|end| hidden(&self.x, end) || self.y.iter().any(|scale| hidden(scale, end)))
            };
            if let Some(radius) = line.circle.filter(|&radius| cut(radius)) {
                problems.push(format!("a part of the circle of radius {radius} lies outside the axes"));
            }
        }
        problems
    }

    /// Values that cannot be distinguished.
    fn of_looks(&self) -> Vec<String> {
        let levels = &self.split.levels;
        let mut problems = Vec::new();
        let mut same = |column: &Option<String>, values: usize, looks: usize, what: &str| {
            if let Some(column) = column.as_ref().filter(|_| values > looks) {
                problems
                    .push(format!("{values} values of `{column}` share {looks} {what}: some look the same"));
            }
        };
        if let Some(colours) = look::colours_in_turn(self.theme, self.drawing, &levels.hues) {
            same(&self.drawing.hue, levels.hues.len(), colours, "colours");
        }
        let mut looks: Vec<String> = Vec::new();
        for look in &self.styles {
            let look =
                if self.has_marks() { format!("{:?}", look.shape) } else { format!("{:?}", look.dash) };
            if !looks.contains(&look) {
                looks.push(look);
            }
        }
        let what = if self.has_marks() { "shapes" } else { "dashes" };
        same(&self.drawing.style, self.styles.len(), looks.len(), what);
        problems
    }

    /// Ticks and words that have no place.
    fn of_labels(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let axes = [
            (&self.drawing.x, &self.split.x_words, &self.x),
            (&self.drawing.y, &self.split.y_words, self.y_scale(0)),
        ];
        for (axis, words, scale) in axes {
            let Some(axis) = axis else { continue };
            let (shown, column) = (scale.ticks.len(), &axis.column);
            if let Some(words) = words.as_ref().filter(|words| words.len() > shown) {
                problems.push(format!(
                    "{} of {} words along `{column}` have no room for a label",
                    words.len() - shown,
                    words.len()
                ));
            }
            let asked = axis.ticks.as_ref().map_or(0, Vec::len);
            if asked > shown {
                problems
                    .push(format!("{} of {asked} ticks lie outside the axis of `{column}`", asked - shown));
            }
        }
        problems
    }
}

impl PlotPanel<'_> {
    /// Marks of significance that have no place.
    fn of_brackets(&self) -> Vec<String> {
        let cells = 0..self.split.levels.cells();
        let brackets = &self.drawing.brackets;
        let is_untested = |one: &&Bracket| one.p.is_none();
        let is_lost =
            |one: &&Bracket| one.p.is_some() && cells.clone().all(|cell| self.placed(cell, one).is_none());
        let missing = [
            (brackets.iter().filter(is_lost).count(), "what they compare is not in the panel"),
            (brackets.iter().filter(is_untested).count(), "no realisation could be tested"),
        ];
        let missing = missing.into_iter().filter(|(count, _)| *count > 0);
        let message = |(count, why)| {
            format!("{count} of {} marks of significance are not drawn: {why}", brackets.len())
        };
        missing.map(message).collect()
    }
}

/// Whether a value is so far outside a scale that it is clipped. Values that cannot be on the scale at all
/// are reported elsewhere.
fn is_outside(scale: &Scale, value: f64) -> bool {
    scale.position(value).is_some_and(|place| !(-SLACK..=1.0 + SLACK).contains(&place))
}

/// Names of values that do not occur in the table, and of columns whose values nothing in the drawing
/// distinguishes.
///
/// # Errors
/// [`Error::Table`](crate::Error::Table) for a column that the table does not have.
pub(super) fn idle_names(table: &Table, drawing: &Drawing, split: &Split) -> Result<Vec<String>> {
    let mut idle = Vec::new();
    if table.is_empty() {
        return Ok(idle);
    }
    let words = [(&drawing.x, &split.x_words), (&drawing.y, &split.y_words)];
    let along = words.iter().filter(|(_, words)| words.is_some()).filter_map(|(axis, _)| axis.as_ref());
    let told_apart = [&drawing.hue, &drawing.style, &drawing.facet, &drawing.facet_rows];
    let shown: BTreeSet<&String> =
        told_apart.into_iter().flatten().chain(along.map(|axis| &axis.column)).collect();
    for (column, names) in &drawing.names {
        let known = table.distinct(column)?;
        if !shown.contains(column) {
            idle.push(format!(
                "`names` of `{column}` are not used: nothing in the panel distinguishes its values"
            ));
            continue;
        }
        let unknown: Vec<String> = names
            .keys()
            .filter(|value| !known.contains(&Scalar::from(value.as_str()).key()))
            .cloned()
            .collect();
        if !unknown.is_empty() {
            idle.push(format!(
                "`names`: no row has {} in column `{column}`, which has {}",
                listed(&unknown),
                listed(&known)
            ));
        }
    }
    Ok(idle)
}
