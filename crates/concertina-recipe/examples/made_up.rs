//! Draws shipped recipes, or recipes from files, from made-up tables, to inspect changes of the drawing.
//!
//! `cargo run -p concertina-recipe --example made_up -- <folder to write to> [fig5b ed1 mine.toml ...]`

#![allow(clippy::print_stderr, reason = "it prints for the person who runs it")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;

use concertina_plot::Theme;
use concertina_recipe::{RECIPES, Recipe, SeedChoice};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = arguments.next().ok_or("expected a folder to write to, and perhaps recipes")?;
    let mut names: Vec<String> = arguments.collect();
    if names.is_empty() {
        names = RECIPES.iter().map(|(name, _)| (*name).to_owned()).collect();
    }
    let mut theme = Theme::default();
    theme.page.dots_per_inch = 200.0;
    for name in names {
        let recipe = match name.ends_with(".toml") {
            true => Recipe::from_path(Path::new(&name))?,
            false => Recipe::shipped(&name)?,
        };
        let figure = recipe.draw(&theme, &support::made_up::tables(&recipe, &SeedChoice::Fast))?;
        for problem in figure.problems() {
            eprintln!("{name}, {problem}");
        }
        figure.save(&out)?;
        eprintln!("{name}");
    }
    Ok(())
}
