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

mod claim;
mod colour;
mod error;
mod error_bar;
mod figure;
mod files;
mod font;
mod joined;
mod panel;
mod parse;
mod published;
mod recipe;
mod render;
mod rich;
mod scene;
mod svg;
mod theme;
mod ticks;

pub use claim::{
    Absent, Evidence, Finding, Judgement, LEVEL, LeftOut, Level, Realisation, SIGNIFICANCE, Verdict,
};
pub use colour::Colour;
pub use error::{Error, Result};
pub use error_bar::{ErrorBar, NoSummary, Summary};
pub use figure::Figure;
pub use files::{DrawnPanel, File};
pub use panel::Panel;
pub use parse::Place;
pub use published::{Moments, PUBLISHED, PointComparison, PublishedTable, PublishedTables, compare};
pub use recipe::{
    Analyses, Assignment, Axis, Cell, Cells, Channel, Checkpoints, Claim, Contrast, Drawing, FigureSeeds,
    Kind, Layout, Legend, Measure, Measurement, Origin, OriginKind, Palette, PanelRecipe, Point, Published,
    RECIPES, Recipe, Reduction, ReferenceLine, Requirement, Resolved, Row, RunSet, Schematic, SeedChoice,
    SeedRule, Seeds, Share, Side, Take, Test,
};
pub use render::Rendered;
pub use scene::{Rect, Shape, TextBox};
pub use theme::{
    BandTheme, ColourTheme, DEFAULT_THEME, LineTheme, MarkerTheme, PageTheme, PaletteTheme, TextTheme, Theme,
    ValueTheme,
};
pub use ticks::ScaleKind;
