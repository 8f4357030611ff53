//! Panels: a table, how to draw it, and the resulting files.

mod along;
mod axes;
mod colour_bar;
mod context;
mod heat_map;
mod legend;
mod look;
mod plot;
mod rows;
mod schematic;
mod series;
mod snapshots;
mod vectors;

use std::path::Path;

use concertina_table::{Condition, Scalar, Table};

use crate::{
    Axis, Bracket, Drawing, ErrorBar, Result, Theme,
    drawing::{Kind, Legend, Palette, ReferenceLine, Schematic, Share},
    files::{self, DrawnPanel},
    scene::{Margins, Rect, Scene},
    svg::POINTS_PER_MM,
    ticks::ScaleKind,
};
use {heat_map::HeatMapPanel, plot::PlotPanel, schematic::SchematicPanel, snapshots::SnapshotsPanel};

pub(crate) use context::Context;
pub use rows::{first_unknown, no_such_value};

/// A panel of any kind, measured and ready to be drawn.
#[derive(Debug)]
pub(crate) enum Prepared<'a> {
    Plot(Box<PlotPanel<'a>>),
    HeatMap(Box<HeatMapPanel<'a>>),
    Snapshots(Box<SnapshotsPanel<'a>>),
    Schematic(Box<SchematicPanel<'a>>),
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(
        table: &Table,
        drawing: &'a Drawing,
        theme: &'a Theme,
        context: &Context<'_>,
    ) -> Result<Self> {
        Ok(match drawing.kind {
            Kind::Lines | Kind::Spectrum | Kind::Scatter => {
                Self::Plot(Box::new(PlotPanel::new(table, drawing, theme, context)?))
            }
            Kind::HeatMap => Self::HeatMap(Box::new(HeatMapPanel::new(table, drawing, theme, context)?)),
            Kind::Snapshots => {
                Self::Snapshots(Box::new(SnapshotsPanel::new(table, drawing, theme, context)?))
            }
            Kind::Schematic => {
                Self::Schematic(Box::new(SchematicPanel::new(table, drawing, theme, context)?))
            }
        })
    }

    /// Margins that neighbours should share, if the panel has axes to align.
    pub(crate) fn margins(&self) -> Option<Margins> {
        match self {
            Self::Plot(panel) => Some(panel.margins),
            Self::HeatMap(panel) => Some(panel.margins),
            Self::Snapshots(_) | Self::Schematic(_) => None,
        }
    }

    pub(crate) fn draw(&self, scene: &mut Scene, outer: Rect, margins: Margins) {
        match self {
            Self::Plot(panel) => panel.draw(scene, outer, margins),
            Self::HeatMap(panel) => panel.draw(scene, outer, margins),
            Self::Snapshots(panel) => panel.draw(scene, outer),
            Self::Schematic(panel) => panel.draw(scene, outer),
        }
    }

    pub(crate) fn data(&self) -> Result<Table> {
        match self {
            Self::Plot(panel) => panel.data(),
            Self::HeatMap(panel) => panel.data(),
            Self::Snapshots(panel) => Ok(panel.data()),
            Self::Schematic(panel) => panel.data(),
        }
    }

    pub(crate) fn problems(&self) -> Vec<String> {
        match self {
            Self::Plot(panel) => panel.problems(),
            Self::HeatMap(panel) => panel.problems(),
            Self::Snapshots(panel) => panel.problems(),
            Self::Schematic(_) => Vec::new(),
        }
    }

    /// Single snapshots: value of the facet, timestep, page.
    pub(crate) fn singles(&self, side: f64) -> Vec<(Option<String>, i64, Scene)> {
        match self {
            Self::Plot(_) | Self::HeatMap(_) | Self::Schematic(_) => Vec::new(),
            Self::Snapshots(panel) => panel.singles(side),
        }
    }
}

/// A panel on a separate page.
pub(crate) fn alone(
    table: &Table,
    drawing: &Drawing,
    theme: &Theme,
    name: &str,
    title: Option<&str>,
    size_mm: [f64; 2],
) -> Result<DrawnPanel> {
    let edge = theme.page.edge;
    let (width, height) = (size_mm[0] * POINTS_PER_MM, size_mm[1] * POINTS_PER_MM);
    let outer = Rect::new(edge, edge, width - 2.0 * edge, height - 2.0 * edge);
    let context = Context { name, title, size: (outer.width, outer.height), letter: false, in_figure: false };
    let panel = Prepared::new(table, drawing, theme, &context)?;
    let mut scene = Scene::new(width, height);
    panel.draw(&mut scene, outer, panel.margins().unwrap_or_default());
    DrawnPanel::new(scene, panel.data()?, panel.problems(), theme)
}

/// A panel made from Rust: a table and how to draw it.
///
/// ```no_run
/// # fn main() -> concertina_plot::Result<()> {
/// # let dimension = concertina_table::Table::new();
/// use concertina_plot::{ErrorBar, Panel};
///
/// Panel::lines(&dimension)
///     .x("timestep")
///     .y("effective_dimension")
///     .hue("gain")
///     .style("stage")
///     .band(ErrorBar::Gamma)
///     .save("dimension.pdf") // dimension.svg, .png and .csv are written alongside
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "a panel is drawn by `save` or `draw`"]
pub struct Panel<'a> {
    table: &'a Table,
    drawing: Drawing,
    title: Option<String>,
    theme: Theme,
    size_mm: [f64; 2],
}

impl<'a> Panel<'a> {
    /// A panel drawn as described by `drawing`.
    pub fn of(table: &'a Table, drawing: Drawing) -> Self {
        let theme = Theme::default();
        let width = theme.page.single_column_mm;
        let height = if drawing.kind == Kind::Snapshots { 0.4 * width } else { 0.68 * width };
        Self { table, drawing, title: None, theme, size_mm: [width, height] }
    }

    fn of_kind(table: &'a Table, kind: Kind) -> Self {
        Self::of(table, Drawing { kind, ..Drawing::default() })
    }

    /// Lines over a column.
    pub fn lines(table: &'a Table) -> Self {
        Self::of_kind(table, Kind::Lines)
    }

    /// Lines with dots over an index.
    pub fn spectrum(table: &'a Table) -> Self {
        Self::of_kind(table, Kind::Spectrum)
    }

    /// One mark per row.
    pub fn scatter(table: &'a Table) -> Self {
        Self::of_kind(table, Kind::Scatter)
    }

    /// A cell for each value of `x` and `y`, with the colour of the value in `column`.
    pub fn heat_map(table: &'a Table, column: &str) -> Self {
        let value = Some(Axis::of(column));
        Self::of(table, Drawing { kind: Kind::HeatMap, value, ..Drawing::default() })
    }

    /// An explanatory drawing, with numbers from the table.
    pub fn schematic(table: &'a Table, what: Schematic) -> Self {
        let drawing = Drawing { kind: Kind::Schematic, schematic: Some(what), ..Drawing::default() };
        Self::of(table, drawing)
    }

    /// One cloud of states per timestep.
    pub fn snapshots(table: &'a Table) -> Self {
        Self::of_kind(table, Kind::Snapshots)
    }

    /// The column of the horizontal axis.
    pub fn x(mut self, column: &str) -> Self {
        self.drawing.x.get_or_insert_default().column = column.to_owned();
        self
    }

    /// The column of the vertical axis.
    pub fn y(mut self, column: &str) -> Self {
        self.drawing.y.get_or_insert_default().column = column.to_owned();
        self
    }

    /// All settings of the horizontal axis.
    pub fn x_axis(mut self, axis: Axis) -> Self {
        self.drawing.x = Some(axis);
        self
    }

    /// All settings of the vertical axis.
    pub fn y_axis(mut self, axis: Axis) -> Self {
        self.drawing.y = Some(axis);
        self
    }

    /// The label of the horizontal axis, with the unit in parentheses.
    pub fn x_label(mut self, label: &str) -> Self {
        self.drawing.x.get_or_insert_default().label = Some(label.to_owned());
        self
    }

    /// The label of the vertical axis, with the unit in parentheses.
    pub fn y_label(mut self, label: &str) -> Self {
        self.drawing.y.get_or_insert_default().label = Some(label.to_owned());
        self
    }

    /// First and last value on the horizontal axis.
    pub fn x_limits(mut self, from: f64, to: f64) -> Self {
        let axis = self.drawing.x.get_or_insert_default();
        (axis.from, axis.to) = (Some(from), Some(to));
        self
    }

    /// First and last value on the vertical axis.
    pub fn y_limits(mut self, from: f64, to: f64) -> Self {
        let axis = self.drawing.y.get_or_insert_default();
        (axis.from, axis.to) = (Some(from), Some(to));
        self
    }

    /// A logarithmic vertical axis.
    pub fn log_y(mut self) -> Self {
        self.drawing.y.get_or_insert_default().scale = ScaleKind::Log;
        self
    }

    /// A logarithmic horizontal axis.
    pub fn log_x(mut self) -> Self {
        self.drawing.x.get_or_insert_default().scale = ScaleKind::Log;
        self
    }

    /// All settings of the colours of a heat map.
    pub fn value_axis(mut self, axis: Axis) -> Self {
        self.drawing.value = Some(axis);
        self
    }

    /// The value in the middle of a map with two colours.
    pub fn centre(mut self, value: f64) -> Self {
        self.drawing.centre = Some(value);
        self
    }

    /// The same length for a unit along both axes.
    pub fn square(mut self) -> Self {
        self.drawing.square = true;
        self
    }

    /// A circle around 0.
    pub fn circle(mut self, radius: f64) -> Self {
        self.drawing.reference.push(ReferenceLine { circle: Some(radius), ..ReferenceLine::default() });
        self
    }

    /// The column that colours distinguish.
    pub fn hue(mut self, column: &str) -> Self {
        self.drawing.hue = Some(column.to_owned());
        self
    }

    /// The column that dashes distinguish, or the shapes of marks.
    pub fn style(mut self, column: &str) -> Self {
        self.drawing.style = Some(column.to_owned());
        self
    }

    /// The column whose values get separate axes.
    pub fn facet(mut self, column: &str) -> Self {
        self.drawing.facet = Some(column.to_owned());
        self
    }

    /// The column whose values get separate rows of axes.
    pub fn facet_rows(mut self, column: &str) -> Self {
        self.drawing.facet_rows = Some(column.to_owned());
        self
    }

    /// Which facets have the same vertical scale.
    pub fn share_y(mut self, share: Share) -> Self {
        self.drawing.share_y = share;
        self
    }

    /// Keeps only rows with one of these values in `column`, among those that are kept already.
    pub fn keep<T: ToString>(mut self, column: &str, values: impl IntoIterator<Item = T>) -> Self {
        let values = values.into_iter().map(|value| Scalar::Text(value.to_string()));
        self.drawing.keep = self.drawing.keep.and(Condition::one_of(column, values));
        self
    }

    /// How realisations are summarised as a point and a band.
    pub fn band(mut self, bar: ErrorBar) -> Self {
        self.drawing.band = Some(bar);
        self
    }

    /// A mark of significance between two words along the horizontal axis: see [`Bracket`].
    pub fn bracket(mut self, first: impl ToString, second: impl ToString, p: f64) -> Self {
        let between = [first.to_string(), second.to_string()];
        self.drawing.brackets.push(Bracket { between, p: Some(p), ..Bracket::default() });
        self
    }

    /// Where colours come from.
    pub fn palette(mut self, palette: Palette) -> Self {
        self.drawing.palette = palette;
        self
    }

    /// A horizontal reference line.
    pub fn reference_y(mut self, y: f64) -> Self {
        self.drawing.reference.push(ReferenceLine { y: Some(y), ..ReferenceLine::default() });
        self
    }

    /// The name of `value` of `column` in legends.
    pub fn name(mut self, column: &str, value: impl ToString, name: &str) -> Self {
        let key = Scalar::Text(value.to_string()).key();
        self.drawing.names.entry(column.to_owned()).or_default().insert(key, name.to_owned());
        self
    }

    /// Where the legend goes.
    pub fn legend(mut self, legend: Legend) -> Self {
        self.drawing.legend = legend;
        self
    }

    /// The text above the panel.
    pub fn title(mut self, title: &str) -> Self {
        self.title = Some(title.to_owned());
        self
    }

    /// A different theme.
    pub fn theme(mut self, theme: Theme) -> Self {
        self.theme = theme;
        self
    }

    /// Width and height in millimetres.
    pub fn size_mm(mut self, width: f64, height: f64) -> Self {
        self.size_mm = [width, height];
        self
    }

    /// The drawing with its data, in memory.
    ///
    /// # Errors
    /// A column is unknown, there are several values where one is expected, or a character has no glyph.
    pub fn draw(&self) -> Result<DrawnPanel> {
        alone(self.table, &self.drawing, &self.theme, "panel", self.title.as_deref(), self.size_mm)
    }

    /// Writes PDF, SVG, PNG and CSV; the extension of `path` does not matter.
    ///
    /// # Errors
    /// The errors of [`Panel::draw`]; [`crate::Error::File`] if a file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let endings = ["pdf", "svg", "png", "csv"];
        let known = path
            .extension()
            .and_then(|ending| ending.to_str())
            .is_some_and(|ending| endings.contains(&ending));
        let stem = if known { path.with_extension("") } else { path.to_owned() };
        self.draw()?.files(&stem)?.iter().try_for_each(files::File::write)
    }
}
