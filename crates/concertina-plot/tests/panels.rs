//! Separate scatters, facets in rows, colour bars and schematics.

mod support;

use concertina_plot::{
    Axis, Bracket, Drawing, DrawnPanel, Error, ErrorBar, Legend, Panel, Schematic, Share, TextBox,
};
use concertina_table::{Scalar, Table, Values};
use support::{Rows, assert_tidy};

fn text_of(error: &Error) -> String {
    error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}\nhint: {hint}"))
}

fn csv(table: &Table) -> String {
    let mut bytes = Vec::new();
    table.write_csv(&mut bytes).expect("memory is writable");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A few networks after training, one row per network.
fn networks() -> Table {
    Table::from_columns([
        ("batch", Values::from(vec![1, 1, 50, 50])),
        ("train_readout", Values::from(vec![true, false, true, false])),
        ("seed", Values::from(vec![0, 1, 0, 1])),
        ("variance", Values::from(vec![Some(1e-3), Some(0.0), Some(1e-6), None])),
        ("effective_dimension", Values::from(vec![1.5, 2.0, 4.0, 4.5])),
    ])
    .expect("equal lengths")
}

#[test]
fn a_scatter_has_one_mark_per_row_and_its_rows_as_data() {
    let table = networks();
    let panel =
        Panel::scatter(&table).x("variance").y("effective_dimension").hue("batch").style("train_readout");
    let drawn = panel.draw().expect("it is complete");
    insta::assert_snapshot!(csv(drawn.data()), @r"
    batch,train_readout,seed,variance,effective_dimension
    1,true,0,0.001,1.5
    1,false,1,0.0,2.0
    50,true,0,1e-6,4.0
    50,false,1,,4.5
    ");
    // Discs are round ends of strokes, rings are outlines. One of the two rings has no position.
    let rings = drawn.svg().lines().filter(|line| line.contains("0 1 0") && line.contains("fill=\"none\""));
    assert_eq!(rings.count(), 2, "one in the data and one in the legend:\n{}", drawn.svg());
    assert_eq!(drawn.problems(), ["`variance` is undefined in 1 of 4 rows, which are left out"]);
    assert_tidy("scatter", &drawn.text_boxes(), drawn.page());
}

#[test]
fn what_a_logarithmic_axis_cannot_show_is_reported() {
    let table = networks();
    let drawn = Panel::scatter(&table).x("variance").y("effective_dimension").log_x().draw().expect("drawn");
    insta::assert_snapshot!(drawn.problems().join("\n"), @r"
    `variance` is undefined in 1 of 4 rows, which are left out
    1 of 3 values of variance are not above 0, so a logarithmic axis leaves them out
    ");
}

#[test]
fn a_scatter_without_rows_says_no_data() {
    let table = networks().filter(|_| false);
    let drawn = Panel::scatter(&table).x("variance").y("effective_dimension").draw().expect("drawn");
    assert!(drawn.svg().contains("no data"));
}

#[test]
fn panels_refuse_what_has_no_meaning_for_them() {
    let table = networks();
    let of = |panel: Panel<'_>| text_of(&panel.draw().expect_err("it should not draw"));
    let scatter = Panel::scatter(&table).x("variance").y("effective_dimension");
    insta::assert_snapshot!(of(scatter.clone().band(ErrorBar::Gamma)), @r#"
    panel `panel`: a scatter draws every row and has no `band`
    hint: use `kind = "lines"` to summarise
    "#);
    insta::assert_snapshot!(of(scatter.legend(Legend::ColourBar)), @r#"
    panel `panel`: expected a `hue` for the colour bar, found none
    hint: name the column: hue = "gain"
    "#);
    insta::assert_snapshot!(of(Panel::snapshots(&table).facet_rows("batch")), @r"
    panel `panel`: snapshots have one row per value of `facet`, and no `facet_rows`
    hint: use only `facet`, and `keep` one value of the other column
    ");
    insta::assert_snapshot!(of(Panel::schematic(&table, Schematic::Network)), @r"
    panel `panel`: expected a column `input_dim` for the schematic, found none
    hint: make it an axis of the sweep with one value, as in sweep = { task.input_dim = [2] }
    ");
}

/// A line for each gain, in each of two rows and three columns.
fn grid(gains: i64) -> Table {
    let mut rows = Rows::default();
    for gain in 0..gains {
        for (rate, scale) in [(1e-3, 1.0), (1e-4, 10.0)] {
            for delay in [6_i64, 10, 14] {
                for t in 0..delay {
                    rows.push(&[
                        ("gain", (20.0 + 40.0 * gain as f64).into()),
                        ("learning_rate", rate.into()),
                        ("delay", delay.into()),
                        ("timestep", t.into()),
                        ("effective_dimension", (scale * (5.0 + gain as f64 - 0.2 * t as f64)).into()),
                    ]);
                }
            }
        }
    }
    rows.table()
}

fn gridded(table: &Table) -> Panel<'_> {
    Panel::lines(table)
        .x("timestep")
        .y("effective_dimension")
        .hue("gain")
        .facet("delay")
        .facet_rows("learning_rate")
        .size_mm(120.0, 80.0)
}

/// The tick labels at the leftmost axes of the upper and the lower row.
fn up_the_axes(drawn: &DrawnPanel) -> [Vec<String>; 2] {
    let boxes = drawn.text_boxes();
    let numbers = || boxes.iter().filter(|one| one.text.parse::<f64>().is_ok());
    // They end at the same edge, where no other numbers end.
    let edge = numbers().map(|one| one.place.right()).fold(f64::INFINITY, f64::min);
    let number = |one: &&TextBox| one.text.parse::<f64>().is_ok() && one.place.right() < edge + 0.01;
    let half = 0.5 * drawn.page().height;
    let of = |upper: bool| {
        let mine = boxes.iter().filter(number).filter(|one| (one.place.bottom() < half) == upper);
        mine.map(|one| one.text.clone()).collect()
    };
    [of(true), of(false)]
}

#[test]
fn rows_of_facets_share_scales_as_requested() {
    let table = grid(3);
    let drawn = |share: Share| {
        let drawn = gridded(&table).share_y(share).draw().expect("drawn");
        assert_tidy(&format!("{share:?}"), &drawn.text_boxes(), drawn.page());
        drawn
    };
    let [upper, lower] = up_the_axes(&drawn(Share::All));
    assert_eq!(upper, lower, "one scale for all");
    let [upper, lower] = up_the_axes(&drawn(Share::Rows));
    assert!(upper.contains(&"60".to_owned()) && !lower.contains(&"60".to_owned()), "{upper:?}, {lower:?}");
    let labels = |share: Share| drawn(share).text_boxes().len();
    assert!(labels(Share::None) > labels(Share::Rows), "each facet has separate labels");
}

#[test]
fn many_numbers_get_a_bar_or_a_list_if_requested() {
    let table = grid(7);
    let bar = gridded(&table).draw().expect("drawn");
    let list = gridded(&table).legend(Legend::Right).draw().expect("drawn");
    for (what, drawn) in [("bar", &bar), ("list", &list)] {
        assert_tidy(what, &drawn.text_boxes(), drawn.page());
        assert!(drawn.text_boxes().iter().any(|one| one.text == "260"), "{what} names the last gain");
    }
    let title =
        |boxes: Vec<TextBox>| boxes.into_iter().find(|one| one.text == "Gain").expect("a title").place;
    let (beside, over) = (title(bar.text_boxes()), title(list.text_boxes()));
    assert!(beside.height > beside.width, "the title of a bar is next to it");
    assert!(over.width > over.height, "the title of a list is above it");
    // For few values a list, unless a bar is requested.
    let few = grid(3);
    let asked = gridded(&few).legend(Legend::ColourBar).draw().expect("drawn");
    assert!(title(asked.text_boxes()).height > title(asked.text_boxes()).width);
    let usual = gridded(&few).draw().expect("drawn");
    assert!(title(usual.text_boxes()).width > title(usual.text_boxes()).height);
}

#[test]
fn a_bar_of_many_values_names_as_many_as_fit() {
    let table = grid(60);
    let drawn = gridded(&table).draw().expect("drawn");
    assert_tidy("sixty gains", &drawn.text_boxes(), drawn.page());
}

/// A trial, and the clusters of its input.
fn trial(delay: i64, hold: i64, evaluate: i64) -> Table {
    let mut rows = Rows::default();
    for sample in 0..20_i64 {
        rows.push(&[
            ("delay", delay.into()),
            ("hold", hold.into()),
            ("evaluate", evaluate.into()),
            ("input_dim", (delay * delay).into()),
            ("units", (100 * delay).into()),
            ("classes", (1 + delay).into()),
            ("timestep", (-1_i64).into()),
            ("kind", "sample".into()),
            ("class", (sample % 2).into()),
            ("pc1", (sample as f64).sin().into()),
            ("pc2", if sample == 7 { Scalar::Null } else { (sample as f64).cos().into() }),
        ]);
    }
    rows.table()
}

#[test]
fn schematics_of_any_trial_and_network_are_tidy() {
    for (delay, hold, evaluate) in
        [(1, 1, 1), (2, 1, 1), (3, 2, 2), (10, 1, 1), (10, 3, 4), (14, 1, 1), (60, 5, 10)]
    {
        let table = trial(delay, hold, evaluate);
        for what in [Schematic::Task, Schematic::Network] {
            for (width, height) in [(89.0, 40.0), (120.0, 44.0), (183.0, 60.0)] {
                let drawn = Panel::schematic(&table, what).size_mm(width, height).draw().expect("drawn");
                let named = format!("{what:?} of {delay}, {hold}, {evaluate}, {width} by {height} mm");
                assert_tidy(&named, &drawn.text_boxes(), drawn.page());
                assert!(!drawn.svg().contains("NaN"), "{named}");
            }
        }
    }
}

#[test]
fn a_schematic_needs_columns_of_one_value_and_samples_of_the_input() {
    let of = |table: &Table| {
        text_of(&Panel::schematic(table, Schematic::Task).draw().expect_err("it should not draw"))
    };
    let mut two = trial(10, 1, 1);
    two.append(&trial(14, 1, 1)).expect("the same columns");
    insta::assert_snapshot!(of(&two), @r"
    panel `panel`: expected one value of `delay` for the schematic, found 2
    hint: make it an axis of the sweep with one value, as in sweep = { task.delay = [10] }
    ");
    let mut later = trial(10, 1, 1);
    later.set_constant("timestep", 3_i64.into());
    insta::assert_snapshot!(of(&later), @r"
    panel `panel`: expected samples of the input (`timestep` -1) for the clusters, found none
    hint: use `pca_snapshots` with -1 among its `timesteps`
    ");
}

#[test]
fn formulas_in_labels_are_set_or_refused() {
    let table = networks();
    let scatter = Panel::scatter(&table).x("batch").y("effective_dimension");
    let drawn = scatter.clone().y_label(r"Dimension, $\Delta_{\max} \times 10^{-2}$").draw().expect("drawn");
    assert!(drawn.text_boxes().iter().any(|one| one.text == "Dimension, Δmax\u{2009}×\u{2009}10−2"));
    assert!(!drawn.svg().contains('$'));
    let refused = |panel: Panel<'_>| text_of(&panel.draw().expect_err("it should not draw"));
    insta::assert_snapshot!(refused(scatter.clone().title(r"At $\gmma$")), @r"
    the formula `$\gmma$` cannot be read: found `\gmma`, which is not known
    hint: formulas have letters, `_`, `^`, Greek letters (`\alpha`), operators (`\times`, `\le`), functions (`\tanh`) and `\mathrm{...}`; a dollar is `\$`
    ");
    insta::assert_snapshot!(refused(scatter.title(r"$x \in X$")), @r"
    no glyph for `∈` in the text `x ∈ X`
    hint: figures are set in Liberation Sans, which has Latin, Greek and Cyrillic letters; write superscripts and subscripts as `^{...}` and `_{...}`
    ");
}

/// Three networks before and after training, at two gains.
fn before_and_after() -> Table {
    let mut rows: Vec<(i64, &str, i64, f64)> = Vec::new();
    for (gain, base) in [(20, 4.0), (250, 9.0)] {
        for seed in 0..3 {
            rows.push((gain, "before", seed, base + 0.5 * seed as f64));
            rows.push((gain, "after", seed, base - 2.0 - 0.25 * seed as f64));
        }
    }
    Table::from_columns([
        ("gain", Values::from(rows.iter().map(|row| row.0).collect::<Vec<_>>())),
        ("stage", Values::from(rows.iter().map(|row| row.1.to_owned()).collect::<Vec<_>>())),
        ("seed", Values::from(rows.iter().map(|row| row.2).collect::<Vec<_>>())),
        ("effective_dimension", Values::from(rows.iter().map(|row| row.3).collect::<Vec<_>>())),
    ])
    .expect("equal lengths")
}

#[test]
fn a_bracket_is_only_where_its_colour_is_and_untested_ones_are_reported() {
    let words = |values: [&str; 6]| Values::from(values.map(str::to_owned).to_vec());
    let table = Table::from_columns([
        ("gain", words(["20", "20", "20", "20", "250", "250"])),
        ("network", words(["gru", "gru", "lstm", "lstm", "gru", "gru"])),
        ("stage", words(["before", "after", "before", "after", "before", "after"])),
        ("seed", Values::from(vec![0; 6])),
        ("effective_dimension", Values::from(vec![4.0, 2.0, 5.0, 3.0, 9.0, 8.0])),
    ])
    .expect("equal lengths");
    let bracket = |network: &str, p: Option<f64>| Bracket {
        between: ["before".to_owned(), "after".to_owned()],
        p,
        group: [("network".to_owned(), network.to_owned())].into(),
    };
    let drawing = Drawing {
        x: Some(Axis::of("stage")),
        y: Some(Axis::of("effective_dimension")),
        facet: Some("gain".to_owned()),
        hue: Some("network".to_owned()),
        brackets: vec![bracket("lstm", Some(0.03)), bracket("gru", Some(0.004)), bracket("gru", None)],
        ..Drawing::default()
    };
    let drawn = Panel::of(&table, drawing).draw().expect("drawn");
    let count = |text: &str| drawn.svg().matches(text).count();
    assert_eq!((count(">*<"), count(">**<")), (1, 2), "no LSTM has a gain of 250");
    assert_eq!(
        drawn.problems(),
        ["1 of 3 marks of significance are not drawn: no realisation could be tested"]
    );
}

#[test]
fn paired_realisations_are_joined_from_word_to_word() {
    let table = before_and_after();
    let panel = Panel::lines(&table).x("stage").y("effective_dimension").facet("gain");
    let lines = panel.clone().band(ErrorBar::Lines).draw().expect("drawn");
    let paired = panel.band(ErrorBar::Paired).draw().expect("drawn");
    let faint = |drawn: &DrawnPanel| drawn.svg().matches("stroke-opacity").count();
    assert_eq!((faint(&lines), faint(&paired)), (0, 2), "one group of strokes in each facet");
    assert_eq!(csv(paired.data()), csv(lines.data()));
    assert_tidy("paired", &paired.text_boxes(), paired.page());
}

#[test]
fn a_box_has_quartiles_whiskers_and_every_realisation() {
    let table = before_and_after();
    let panel = Panel::lines(&table).x("stage").y("effective_dimension").hue("gain").band(ErrorBar::Box);
    let drawn = panel.draw().expect("drawn");
    insta::assert_snapshot!(csv(drawn.data()), @r"
    gain,stage,effective_dimension,low,high,realisations
    20,before,4.5,4.25,4.75,3
    20,after,1.75,1.625,1.875,3
    250,before,9.5,9.25,9.75,3
    250,after,6.75,6.625,6.875,3
    ");
    assert_tidy("box", &drawn.text_boxes(), drawn.page());
    let alone = panel.keep("seed", ["0"]).draw().expect("drawn");
    assert_eq!(alone.problems(), ["4 of 4 points have one realisation, and so no error bar"]);
}

#[test]
fn brackets_are_above_the_data_and_those_without_a_place_are_reported() {
    let table = before_and_after();
    let panel = Panel::lines(&table).x("stage").y("effective_dimension").facet("gain").band(ErrorBar::Box);
    let plain = panel.draw().expect("drawn");
    let marked = panel.clone().bracket("before", "after", 0.004).draw().expect("drawn");
    assert_eq!(marked.svg().matches(">**<").count(), 2, "{}", marked.svg());
    assert!(!plain.svg().contains(">**<"));
    assert_eq!(marked.problems(), plain.problems());
    assert_tidy("brackets", &marked.text_boxes(), marked.page());
    let drawing = Drawing {
        x: Some(Axis::of("stage")),
        y: Some(Axis::of("effective_dimension")),
        facet: Some("gain".to_owned()),
        hue: Some("gain".to_owned()),
        band: Some(ErrorBar::Paired),
        brackets: vec![Bracket {
            between: ["after".to_owned(), "before".to_owned()],
            p: Some(0.03),
            group: [("gain".to_owned(), "20".to_owned())].into(),
        }],
        ..Drawing::default()
    };
    let of_one = Panel::of(&table, drawing).draw().expect("drawn");
    assert_eq!(of_one.svg().matches(">*<").count(), 1, "facets and colours by the same column");
    let nowhere = panel.clone().bracket("before", "during", 0.004).draw().expect("drawn");
    assert_eq!(
        nowhere.problems(),
        ["1 of 1 marks of significance are not drawn: what they compare is not in the panel"]
    );
    let numbers = Panel::lines(&table).x("gain").y("effective_dimension").hue("stage");
    insta::assert_snapshot!(text_of(&numbers.clone().band(ErrorBar::Box).draw().expect_err("numbers")), @r"
    panel `panel`: expected words along the horizontal axis for this `band`, found numbers
    hint: `words = true` for the axis places numbers like words
    ");
    let numbers = numbers.band(ErrorBar::MeanSd).bracket(20, 250, 0.5);
    insta::assert_snapshot!(text_of(&numbers.draw().expect_err("numbers")), @r"
    panel `panel`: expected words along the horizontal axis for marks of significance, found numbers
    hint: `words = true` for the axis places numbers like words
    ");
}
