//! Draws tables: panels, error bars, figures of several panels; as PDF, SVG, PNG and CSV.
//!
//! A [`Panel`] draws one table as described by a [`Drawing`]; a [`Page`] combines several of them. This crate
//! knows nothing of runs, analyses and recipes: any table can be drawn.
//!
//! # Columns
//! Lines and scatters are drawn from any tidy table: any numeric column over any other, split by any columns.
//! `seed` distinguishes realisations. Schematics take their numbers from columns with a single value.
//! Snapshots need `timestep`, `class`, `pc1` and `pc2`. They may have `kind`, of which `sample` and `readout`
//! are drawn and others are left out; readout rows are directions in the plane of the components.
//!
//! # Guarantees
//! The same tables and theme give the same bytes in all formats. Text remains text in SVG and PDF, the PDF
//! contains no bitmaps, and only the shipped typeface is used, so that a figure looks the same on every
//! machine.

mod colour;
mod drawing;
mod error;
mod error_bar;
mod figure;
mod files;
mod font;
mod panel;
mod render;
mod rich;
mod scene;
pub mod schema;
mod svg;
pub mod syntax;
mod theme;
mod ticks;

pub use colour::Colour;
pub use drawing::{Axis, Bracket, Channel, Drawing, Kind, Legend, Palette, ReferenceLine, Schematic, Share};
pub use error::{Error, Result};
pub use error_bar::{ErrorBar, NoSummary, Summary};
pub use figure::{Figure, Page, PagePanel, PageRow};
pub use files::{DrawnPanel, File};
pub use panel::{Panel, first_unknown, no_such_value};
pub use render::{Rendered, pdf_of_svg};
pub use scene::{Rect, Shape, TextBox};
pub use theme::{
    BandTheme, ColourTheme, DEFAULT_THEME, LineTheme, MarkerTheme, PageTheme, PaletteTheme, TextTheme, Theme,
    ValueTheme,
};
pub use ticks::ScaleKind;
