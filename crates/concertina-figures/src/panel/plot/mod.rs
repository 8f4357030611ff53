//! Lines over a column, with bands over realisations, or marks, in one pair of axes a facet.

mod draw;
mod measure;
mod place;

use concertina_table::Table;
use place::Place;

use crate::{
    Drawing, Error, Result, Theme,
    panel::{
        Context,
        colour_bar::ColourBar,
        legend::LegendBlock,
        look::{self, Look},
        series::{self, Split},
    },
    recipe::{Axis, Kind, Legend, Share},
    rich::Rich,
    scene::Margins,
    ticks::{Scale, ScaleKind, Wishes},
};

/// A panel of lines or marks, measured and ready to be drawn.
#[derive(Debug)]
pub(crate) struct PlotPanel<'a> {
    theme: &'a Theme,
    drawing: &'a Drawing,
    title: Option<Rich>,
    /// The rows drawn.
    kept: Table,
    split: Split,
    /// Names of the facets side by side, in lines.
    heads: Vec<Vec<Rich>>,
    /// Names of the rows of facets, in lines.
    row_names: Vec<Vec<Rich>>,
    /// Looks of the hues in each facet.
    hues: Vec<Vec<Look>>,
    styles: Vec<Look>,
    x: Scale,
    /// One a facet, a row or for all.
    y: Vec<Scale>,
    x_label: Vec<Rich>,
    y_label: Vec<Rich>,
    legend: LegendBlock,
    bar: Option<ColourBar>,
    place: Place,
    /// Width and height of one facet's axes, as measured.
    facet_size: (f64, f64),
    /// Added on top of the data for the legend, as a share of their range.
    headroom: f64,
    pub(crate) margins: Margins,
}

impl<'a> PlotPanel<'a> {
    pub(crate) fn new(
        table: &Table,
        drawing: &'a Drawing,
        theme: &'a Theme,
        context: &Context<'_>,
    ) -> Result<Self> {
        check(drawing, context.name)?;
        let kept = series::kept(table, drawing)?;
        let split = if drawing.kind == Kind::Scatter {
            Split::marks(&kept, drawing, theme, context.name)?
        } else {
            Split::lines(&kept, drawing, theme, context.name)?
        };
        let levels = &split.levels;
        let hues =
            levels.facets.iter().map(|facet| look::hues(theme, drawing, &levels.hues, facet.as_deref()));
        let mut panel = Self {
            theme,
            drawing,
            title: context.title.map(Rich::parse),
            kept,
            heads: Vec::new(),
            row_names: Vec::new(),
            hues: hues.collect(),
            styles: look::styles(theme, drawing, &levels.styles),
            x: Scale::new(0.0, 1.0, 1.0, 1.0, &Wishes::default()),
            y: Vec::new(),
            x_label: Vec::new(),
            y_label: Vec::new(),
            legend: LegendBlock::default(),
            bar: None,
            place: Place::None,
            facet_size: (0.0, 0.0),
            headroom: 0.0,
            margins: Margins::default(),
            split,
        };
        panel.bar = panel.colour_bar(context);
        panel.legend = panel.legend_block(context);
        panel.measure(context);
        Ok(panel)
    }

    /// Numbers as drawn.
    pub(crate) fn data(&self) -> Result<Table> {
        if self.is_scatter() {
            series::scattered(&self.kept, self.drawing)
        } else {
            self.split.to_table(self.drawing)
        }
    }

    /// What is not drawn, and why: points without a summary, and values that a logarithmic axis does not have.
    pub(crate) fn problems(&self) -> Vec<String> {
        let x = self.drawing.x.as_ref().map_or("x", |axis| &axis.column);
        let mut problems = Vec::new();
        for (cell, line) in self.split.all() {
            for point in &line.points {
                if let Err(error) = &point.summary
                    && *error != crate::NoSummary::Empty
                {
                    let group: String = self
                        .split
                        .levels
                        .named(self.drawing, cell, line)
                        .iter()
                        .filter_map(|(column, level)| {
                            Some(format!("{} {}, ", column.as_ref()?, level.as_ref()?))
                        })
                        .collect();
                    problems.push(format!("{group}{x} {}: {error}", point.x));
                }
            }
        }
        let drawn: Vec<(f64, f64)> = self.split.all().flat_map(|(_, line)| line.drawn()).collect();
        let along = [
            (&self.drawing.x, drawn.iter().map(|drawn| drawn.0).collect::<Vec<_>>()),
            (&self.drawing.y, drawn.iter().map(|drawn| drawn.1).collect()),
        ];
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
        problems
    }

    fn is_scatter(&self) -> bool {
        self.drawing.kind == Kind::Scatter
    }

    fn axis_label(&self, axis: Option<&Axis>) -> String {
        let Some(axis) = axis else { return String::new() };
        let known = || self.theme.labels.get(&axis.column).cloned();
        axis.label.clone().or_else(known).unwrap_or_else(|| place::capitalised(&axis.column))
    }

    /// Whether lines have marks at their points.
    fn markers(&self) -> bool {
        self.drawing.markers.unwrap_or(self.drawing.kind == Kind::Spectrum)
    }

    /// The number of facets side by side, and of rows of them.
    fn grid(&self) -> (usize, usize) {
        (self.split.levels.facets.len().max(1), self.split.levels.rows.len().max(1))
    }

    /// Whether facets side by side share their vertical scale.
    fn shared_y(&self) -> bool {
        self.drawing.share_y != Share::None || self.grid().0 < 2
    }

    /// Which of the vertical scales a facet has.
    fn scale_of(&self, cell: usize) -> usize {
        match self.drawing.share_y {
            Share::All => 0,
            Share::Rows => self.split.levels.row_of(cell),
            Share::None => cell,
        }
    }

    fn y_scale(&self, cell: usize) -> &Scale {
        &self.y[self.scale_of(cell).min(self.y.len() - 1)]
    }
}

/// What a drawing asks for must have a meaning for its kind.
fn check(drawing: &Drawing, panel: &str) -> Result<()> {
    let wrong = |message: &str, hint: &str| {
        let (panel, message, hint) = (panel.to_owned(), message.to_owned(), Some(hint.to_owned()));
        Err(Error::Panel { panel, message, hint })
    };
    if drawing.kind == Kind::Scatter && drawing.band.is_some() {
        return wrong("a scatter draws every row and has no `band`", "take `kind = \"lines\"` to summarise");
    }
    if drawing.legend == Legend::ColourBar && drawing.hue.is_none() {
        return wrong("expected a `hue` for the colour bar, found none", "name the column: hue = \"gain\"");
    }
    Ok(())
}
