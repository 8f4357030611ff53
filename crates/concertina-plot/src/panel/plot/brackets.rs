//! Marks of significance: brackets above the data, from word to word.

use super::PlotPanel;
use crate::{
    drawing::Bracket,
    panel::axes::Axes,
    rich::Rich,
    scene::{Anchor, Item, Pen, Scene},
};

/// How far the ends of a bracket point down, in points.
const END: f64 = 2.0;
/// Between a bracket and what is below it, in points.
const GAP: f64 = 2.5;
/// Height of a line of text above a bracket, relative to its size; asterisks are in its upper part.
const LEADING: f64 = 1.0;

/// A bracket with its place.
#[derive(Debug)]
pub(super) struct Placed {
    /// The words, as places along the axis, from left to right.
    ends: (usize, usize),
    /// The colour, as a place among the hues, if the bracket is about one of them.
    hue: Option<usize>,
    /// From below: brackets that would overlap are at different levels.
    level: usize,
    text: &'static str,
}

/// What a p-value is shown as.
fn stars(p: f64) -> &'static str {
    match p {
        p if p < 0.001 => "***",
        p if p < 0.01 => "**",
        p if p < 0.05 => "*",
        _ => "n.s.",
    }
}

impl PlotPanel<'_> {
    /// The brackets of each pair of axes: short ones below long ones.
    pub(super) fn placed_brackets(&self) -> Vec<Vec<Placed>> {
        let cells = 0..self.split.levels.cells();
        cells
            .map(|cell| levelled(self.drawing.brackets.iter().filter_map(|one| self.placed(cell, one))))
            .collect()
    }

    /// The bracket in a pair of axes; `None` if it does not belong there, or nothing was tested.
    pub(super) fn placed(&self, cell: usize, bracket: &Bracket) -> Option<Placed> {
        let levels = &self.split.levels;
        let words = self.split.x_words.as_ref()?;
        let lines = self.split.series.get(cell)?;
        let mut hue = None;
        for (column, value) in &bracket.group {
            let split = |by: &Option<String>| by.as_ref() == Some(column);
            let has = |level: Option<&Option<String>>| level.and_then(Option::as_ref) == Some(value);
            let (facet, row) =
                (levels.facets.get(levels.column_of(cell)), levels.rows.get(levels.row_of(cell)));
            let [by_facet, by_row, by_hue] =
                [&self.drawing.facet, &self.drawing.facet_rows, &self.drawing.hue].map(split);
            if (by_facet && !has(facet)) || (by_row && !has(row)) || !(by_facet || by_row || by_hue) {
                return None;
            }
            if by_hue {
                let level = levels.hues.iter().position(|level| level.as_ref() == Some(value))?;
                hue = Some(lines.iter().find(|line| line.hue == level)?.hue);
            }
        }
        let place = |word: &String| words.iter().position(|known| known == word);
        let (one, other) = (place(&bracket.between[0])?, place(&bracket.between[1])?);
        Some(Placed { ends: (one.min(other), one.max(other)), hue, level: 0, text: stars(bracket.p?) })
    }

    /// The height of a level, in points.
    fn level_height(&self) -> f64 {
        GAP + END + LEADING * self.theme.text.tick
    }

    /// The upper end of a scale so that the brackets of its axes are above the data.
    pub(super) fn above_data(&self, group: usize, (low, high): (f64, f64), height: f64, log: bool) -> f64 {
        let of_group = self.brackets.iter().enumerate().filter(|(cell, _)| self.scale_of(*cell) == group);
        let levels = of_group.flat_map(|(_, all)| all).map(|one| one.level + 1).max().unwrap_or(0);
        let space = (levels as f64 * self.level_height() + GAP).min(0.8 * height);
        if levels == 0 || high <= low {
            return high;
        }
        let more = space / (height - space);
        if log { high * (high / low).powf(more) } else { high + more * (high - low) }
    }

    pub(super) fn draw_brackets(&self, scene: &mut Scene, cell: usize, pair: &Axes<'_>) {
        let theme = self.theme;
        let placed = self.brackets.get(cell).map_or(&[][..], Vec::as_slice);
        let levels = placed.iter().map(|one| one.level + 1).max().unwrap_or(0);
        let lines = self.split.series.get(cell).map_or(&[][..], Vec::as_slice);
        for one in placed {
            let line = one.hue.and_then(|hue| lines.iter().find(|line| line.hue == hue));
            let colour = line.map_or(theme.text.colour, |line| self.colour(cell, line));
            let across = |word: usize| {
                let x = word as f64;
                let x = line.map_or(x, |line| self.across(cell, line, x));
                pair.x.position(x).map(|share| pair.place.left + share * pair.place.width)
            };
            let Some((left, right)) = across(one.ends.0).zip(across(one.ends.1)) else { continue };
            let height = self.level_height();
            let y = pair.place.top + (levels - one.level) as f64 * height - GAP - END;
            let stroke = vec![(left, y + END), (left, y), (right, y), (right, y + END)];
            let pen = Pen::solid(colour, theme.line.reference);
            scene.items.push(Item::Lines { strokes: vec![stroke], pen });
            let middle = ((left + right) / 2.0, y - if one.text.starts_with('*') { 0.0 } else { 1.2 });
            scene.text(middle, Rich::parse(one.text), theme.text.tick, Anchor::Middle, colour);
        }
    }
}

/// Brackets at levels: each at the lowest one that is free, short ones first.
fn levelled(brackets: impl Iterator<Item = Placed>) -> Vec<Placed> {
    let mut all: Vec<Placed> = brackets.collect();
    all.sort_by_key(|one| (one.ends.1 - one.ends.0, one.ends.0, one.hue));
    for index in 0..all.len() {
        let (before, rest) = all.split_at_mut(index);
        let taken = |level: usize, ends: (usize, usize)| {
            before
                .iter()
                .any(|other| other.level == level && other.ends.0 <= ends.1 && ends.0 <= other.ends.1)
        };
        let mut level = 0;
        while taken(level, rest[0].ends) {
            level += 1;
        }
        rest[0].level = level;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_that_share_a_word_are_above_each_other_and_others_side_by_side() {
        let bracket = |from, to| Placed { ends: (from, to), hue: None, level: 9, text: "*" };
        let placed = levelled([bracket(0, 3), bracket(0, 1), bracket(2, 3), bracket(1, 2)].into_iter());
        let found: Vec<_> = placed.iter().map(|one| (one.ends, one.level)).collect();
        assert_eq!(found, [((0, 1), 0), ((1, 2), 1), ((2, 3), 0), ((0, 3), 2)]);
    }

    #[test]
    fn asterisks_follow_the_usual_limits() {
        let found = [0.0009, 0.001, 0.0099, 0.01, 0.049, 0.05, 1.0].map(stars);
        assert_eq!(found, ["***", "**", "**", "*", "*", "n.s.", "n.s."]);
    }
}
