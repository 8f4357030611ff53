//! The recipes that come with the program.

/// Name and text of every shipped recipe, in the order of the paper.
pub const RECIPES: &[(&str, &str)] = &[("fig2", include_str!("../../../../recipes/fig2.toml"))];
