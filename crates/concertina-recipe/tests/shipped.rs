//! Every shipped recipe, drawn from made-up tables, fits the page of a journal, and nothing overlaps.

mod support;

use concertina_plot::{Figure, TextBox, Theme};
use concertina_recipe::{RECIPES, Recipe, SeedChoice};
use support::{assert_tidy, made_up};

/// Points per millimetre.
const MM: f64 = 72.0 / 25.4;

fn drawn(name: &str, seeds: u64) -> Figure {
    let recipe = Recipe::shipped(name).expect("it is shipped");
    let tables = made_up::tables(&recipe, &SeedChoice::These((0..seeds).collect()));
    recipe.draw(&Theme::default(), &tables).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn texts<'a>(boxes: &'a [TextBox], text: &str) -> Vec<&'a TextBox> {
    boxes.iter().filter(|one| one.text == text).collect()
}

#[test]
fn no_text_of_any_figure_leaves_its_page_or_overlaps_another() {
    for (name, _) in RECIPES {
        for seeds in [1, 4] {
            let figure = drawn(name, seeds);
            let what = format!("{name} of {seeds} seeds");
            assert_tidy(&what, &figure.text_boxes(), figure.page());
            for (letter, panel) in figure.panels() {
                assert_tidy(&format!("{what}, panel {letter}"), &panel.text_boxes(), panel.page());
            }
            let mut problems = figure.problems();
            // With one realisation there are no error bars.
            problems.retain(|problem| seeds > 1 || !problem.contains("points have one realisation"));
            assert_eq!(problems, Vec::<String>::new(), "{what}");
        }
    }
}

#[test]
fn every_figure_fits_the_page_of_a_journal() {
    for (name, _) in RECIPES {
        let page = drawn(name, 1).page();
        assert!(page.width <= 183.0 * MM + 0.01, "{name}: {} mm wide", page.width / MM);
        assert!(page.height <= 247.0 * MM, "{name}: {} mm high", page.height / MM);
    }
}

#[test]
fn figures_of_hundreds_of_checkpoints_stay_small() {
    for name in ["fig5b", "fig5d", "fig6b", "fig6c"] {
        let bytes = drawn(name, 3).svg().len();
        assert!(bytes < 500_000, "{name}: {bytes} bytes");
    }
}

#[test]
fn headings_are_once_above_their_columns_and_names_once_next_to_their_rows() {
    let figure = drawn("fig5d", 3);
    let boxes = figure.text_boxes();
    for head in ["Delay 2", "Delay 3", "Delay 4"] {
        assert_eq!(texts(&boxes, head).len(), 1, "{head}");
    }
    let [trained, ..] = texts(&boxes, "Readout trained")[..] else { panic!("no name next to the first row") };
    assert!(trained.place.height > trained.place.width, "it reads along its row");
    assert_eq!(texts(&boxes, "Number of updates").len(), 1);
}

#[test]
fn many_gains_get_a_colour_bar_once() {
    let figure = drawn("ed10", 2);
    let boxes = figure.text_boxes();
    for gain in ["20", "60", "100", "140", "180", "220", "260"] {
        let right = texts(&boxes, gain).into_iter().filter(|one| one.place.left > 0.9 * figure.page().width);
        assert_eq!(right.count(), 1, "{gain}");
    }
    assert_eq!(texts(&boxes, "Gain").len(), 1);
}

#[test]
fn the_schematic_shows_the_numbers_of_its_run() {
    let figure = drawn("fig1", 1);
    let boxes = figure.text_boxes();
    for text in ["Input", "Delay", "Evaluation", "200 units", "2 dimensions", "2 classes"] {
        assert!(!texts(&boxes, text).is_empty(), "{text}");
    }
    let (_, task) = figure.panels().next().expect("panel a");
    let mut csv = Vec::new();
    task.data().write_csv(&mut csv).expect("memory is writable");
    insta::assert_snapshot!(String::from_utf8_lossy(&csv), @r"
    delay,hold,evaluate,timesteps
    10,1,1,10
    ");
}

#[test]
fn no_text_of_any_figure_leaves_its_page_or_overlaps_another_in_a_talk() {
    for (name, _) in RECIPES {
        let recipe = Recipe::shipped(name).expect("it is shipped");
        let tables = made_up::tables(&recipe, &SeedChoice::Fast);
        let figure = recipe.draw(&Theme::talk(), &tables).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_tidy(name, &figure.text_boxes(), figure.page());
    }
}
