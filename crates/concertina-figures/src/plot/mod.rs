//! Plots: tables to drawings. Knows nothing of runs, recipes and claims.

mod colour;
mod drawing;
mod error_bar;
pub(crate) mod files;
pub(crate) mod font;
pub(crate) mod panel;
pub(crate) mod render;
pub(crate) mod rich;
pub(crate) mod scene;
pub(crate) mod svg;
mod theme;
pub(crate) mod ticks;

pub use colour::Colour;
pub use drawing::{Axis, Channel, Drawing, Kind, Legend, Palette, ReferenceLine, Schematic, Share};
pub use error_bar::{ErrorBar, NoSummary, Summary};
pub use files::{DrawnPanel, File};
pub use panel::Panel;
pub use render::Rendered;
pub use scene::{Rect, Shape, TextBox};
pub use theme::{
    BandTheme, ColourTheme, DEFAULT_THEME, LineTheme, MarkerTheme, PageTheme, PaletteTheme, TextTheme, Theme,
    ValueTheme,
};
pub use ticks::ScaleKind;

pub(crate) use crate::{Error, Result, syntax};
