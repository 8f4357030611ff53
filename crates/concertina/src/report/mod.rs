//! Executes and judges recipes: from recipes to runs and analyses, and from their tables to figures and to a
//! verdict on every claim.

mod computation;
mod contents;
mod decision;
mod drawing;
mod html;
mod judgement;
mod outlook;
mod plan;
mod words;

use std::path::Path;

use concertina_recipe::{RECIPES, Recipe};

pub use computation::Computed;
pub use contents::{
    AnalysisTime, ClaimReport, ComparedPoint, Counts, FigureReport, Made, PublishedReport, PublishedValue,
    Report, RunReport, RunsReport, TimeSpent,
};
pub use decision::Round;
pub use drawing::{Drawn, DrawnFigure};
pub use outlook::{Outlook, Share};
pub use plan::FigurePlan;

use crate::error::Result;

/// The figures that are drawn if none are named.
const USUAL: [&str; 5] = ["fig1", "fig2", "fig3", "fig4", "fig5a"];

/// Recipes by the names of their figures, or from files, whose names end in `.toml`; Figures 1 to 5a if none
/// are named.
///
/// # Errors
/// [`Error::Recipe`](crate::Error::Recipe) for an unknown figure, with the nearest name, and for a file that
/// cannot be read or is no recipe.
pub fn recipes<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Vec<Recipe>> {
    let mut recipes: Vec<Recipe> = Vec::new();
    for name in names {
        if is_recipe_file(name) {
            recipes.push(Recipe::from_path(Path::new(name))?);
            continue;
        }
        let recipe = Recipe::shipped(name)?;
        if !recipes.iter().any(|known| known.figure == recipe.figure) {
            recipes.push(recipe);
        }
    }
    if recipes.is_empty() {
        let usual = RECIPES.iter().filter(|(name, _)| USUAL.contains(name));
        recipes = usual.map(|(name, _)| Recipe::shipped(name)).collect::<Result<_, _>>()?;
    }
    Ok(recipes)
}

/// Whether a name is that of a file of a recipe, and not that of a figure.
pub(crate) fn is_recipe_file(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"))
}

/// Every recipe that comes with the program.
///
/// # Errors
/// None in practice: they are tested.
pub fn all_recipes() -> Result<Vec<Recipe>> {
    Ok(RECIPES.iter().map(|(name, _)| Recipe::shipped(name)).collect::<Result<_, _>>()?)
}
