//! Figures as data.

use std::sync::OnceLock;

use concertina::FigurePlan;
use concertina_plot::Theme;
use concertina_recipe::{Evidence, Recipe, SeedChoice};
use concertina_table::{Table, Values};

use crate::tell;

/// The most requirements of a recipe that is drawn here, so that an input does not take seconds.
const MOST_DRAWN: usize = 3;

/// A recipe is read, planned, and drawn from a made-up table. The same bytes are also read as a theme.
pub fn recipe(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(error) = Theme::from_toml("theme.toml", text) {
        tell(&error);
        let _ = error.hint();
    }
    let recipe = match Recipe::from_toml("recipe.toml", text) {
        Ok(recipe) => recipe,
        Err(error) => {
            tell(&error);
            let _ = error.hint();
            return;
        }
    };
    let requirements = recipe.requirements();
    for requirement in &requirements {
        assert!(!requirement.points().is_empty(), "a set of runs without a run");
        let _ = requirement.runs.columns();
    }
    if let Err(error) = FigurePlan::with_claims(vec![recipe.clone()], &SeedChoice::These(vec![0]), []) {
        tell(&error);
    }
    if requirements.len() > MOST_DRAWN {
        return;
    }
    static THEME: OnceLock<Theme> = OnceLock::new();
    // Texts of odd length are drawn from a table with huge numbers.
    let table = made_up(text.len() % 2 == 1);
    match recipe.draw(THEME.get_or_init(Theme::default), &vec![table.clone(); requirements.len()]) {
        Ok(figure) => assert!(figure.svg().starts_with('<')),
        Err(error) => tell(&error),
    }
    for claim in &recipe.claims {
        let evidence = Evidence { table, seeds: &[0, 1], absent: &[] };
        if let Err(error) = claim.judge(&evidence) {
            tell(&error);
        }
    }
}

/// A table with the columns that recipes name, and with unexpected cells.
fn made_up(huge: bool) -> &'static Table {
    static TABLES: [OnceLock<Table>; 2] = [const { OnceLock::new() }; 2];
    TABLES[usize::from(huge)].get_or_init(|| {
        let or_huge = |usual: i64| if huge { 1_000_000_000 } else { usual };
        let whole = |cells: [i64; 6]| Values::from(cells.to_vec());
        let real = |cells: [f64; 6]| Values::from(cells.to_vec());
        let text = |cells: [&str; 6]| Values::from(cells.to_vec());
        Table::from_columns([
            ("seed", whole([0, 0, 0, 1, 1, 1])),
            ("timestep", whole([0, 1, 2, 0, 1, 2])),
            ("epoch", whole([0, 1, i64::MAX, 0, 1, i64::MIN])),
            ("index", whole([1, 2, 3, 1, 2, 3])),
            ("gain", real([20.0, 20.0, 20.0, 250.0, 250.0, 250.0])),
            ("stage", text(["before", "after", "before", "after", "before", "after"])),
            ("kind", text(["sample", "readout", "sample", "sample", "readout", "other"])),
            ("class", whole([0, 1, 0, 1, 0, 1])),
            ("pc1", real([0.5, -0.5, 0.1, f64::INFINITY, f64::NAN, 1e300])),
            ("pc2", real([0.5, -0.5, 0.1, 1e-310, 0.0, -1e300])),
            ("effective_dimension", real([1.0, 2.0, 3.0, 4.0, f64::NAN, f64::NEG_INFINITY])),
            ("exponent", real([-1.0, -2.0, 0.0, 1e-300, 1e308, -1e308])),
            ("accuracy", real([0.0, 0.5, 1.0, 0.5, 1.0, f64::NAN])),
            ("loss", real([1.0, 1e-8, 0.0, -1.0, f64::INFINITY, 5e-324])),
            ("delay", whole([or_huge(10); 6])),
            ("hold", whole([or_huge(1); 6])),
            ("evaluate", whole([or_huge(1); 6])),
            ("input_dim", whole([or_huge(2); 6])),
            ("units", whole([or_huge(200); 6])),
            ("classes", whole([or_huge(2); 6])),
        ])
        .expect("columns of one length")
    })
}
