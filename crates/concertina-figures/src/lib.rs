//! Figures as data: recipes, panels, error bars; PDF, SVG, PNG and CSV.
//!
//! Two ways in. [`Panel`] draws a table at once. A [`Recipe`] (a TOML file) says what a whole figure needs
//! ([`Recipe::requirements`]: pure data) and how it is drawn ([`Recipe::draw`]: tables in, a [`Figure`] out). This crate
//! knows tables and recipes, but no model and no analysis: whoever holds those computes the tables in between.
//!
//! # Columns
//! Lines and scatters are drawn from any tidy table: any numeric column over any other, split by any columns. `seed` tells
//! realisations apart. Schematics take their numbers from columns with a single value. Snapshots need `timestep`, `class`, `pc1`, `pc2` and may have `kind` (`sample`, `readout`;
//! others are left out), the readout rows being directions in the plane of the components.
//!
//! # What is promised
//! The same tables and theme give the same bytes, in all formats. Text stays text in SVG and PDF, there are no bitmaps in
//! the PDF, and only the shipped typeface is used, so a figure looks the same on every machine.

mod error;
mod plot;
mod recipe;
mod syntax;

pub use error::{Error, Result};
pub use plot::{
    Axis, BandTheme, Channel, Colour, ColourTheme, DEFAULT_THEME, Drawing, DrawnPanel, ErrorBar, File, Kind,
    Legend, LineTheme, MarkerTheme, NoSummary, PageTheme, Palette, PaletteTheme, Panel, Rect, ReferenceLine,
    Rendered, ScaleKind, Schematic, Shape, Share, Summary, TextBox, TextTheme, Theme, ValueTheme,
};
pub use recipe::{
    Absent, Analyses, Assignment, Checkpoints, Claim, Contrast, Evidence, Figure, FigureSeeds, Finding,
    Judgement, LEVEL, Layout, LeftOut, Level, Measure, Measurement, Moments, Origin, OriginKind, PUBLISHED,
    PanelRecipe, Point, PointComparison, Published, PublishedTable, PublishedTables, RECIPES, Realisation,
    Recipe, Reduction, Requirement, Resolved, Row, RunSet, SIGNIFICANCE, SeedChoice, SeedRule, Seeds, Side,
    Take, Test, Verdict, compare,
};
pub use syntax::Place;
