//! Figures as data: which runs they need, what is computed from them, how the results are drawn, and what
//! they are claimed to show.
//!
//! A [`Recipe`], which is read from a TOML file, defines what a whole figure needs ([`Recipe::requirements`],
//! pure data) and how it is drawn ([`Recipe::draw`], which turns tables into a
//! [`Figure`](concertina_plot::Figure)). Its [claims](Claim) are judged on the same tables
//! ([`Claim::judge`]), which are also compared with the [published ones](PublishedTables) ([`compare`]).
//! Nothing is trained or computed here: the caller, who has the runs, makes the tables.

mod analyses;
mod claim;
mod error;
mod figure;
mod join;
mod judgement;
mod parameters;
mod published;
mod recipe;
mod run_set;
mod schema;
mod schematic;
mod shipped;

pub use analyses::Analyses;
pub use claim::{
    Claim, Contrast, Measure, Measurement, Origin, OriginKind, Published, Reduction, Resolved, Side, Take,
    Test,
};
pub use error::{Error, Result};
pub use figure::Findings;
pub use judgement::{
    Absent, Evidence, Finding, Judgement, LEVEL, LeftOut, Level, Realisation, SIGNIFICANCE, Verdict,
};
pub use published::{Moments, PUBLISHED, PointComparison, PublishedTable, PublishedTables, compare};
pub use recipe::{Layout, PanelRecipe, Recipe, Row};
pub use run_set::{Assignment, FigureSeeds, Point, Requirement, RunSet, SeedChoice, SeedRule, Seeds};
pub use shipped::{OTHER_RECIPES, RECIPES};
