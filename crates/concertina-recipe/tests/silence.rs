//! Inputs that once silently left something out of a figure or drew it differently. Each is now drawn,
//! reported, or refused.

mod support;

use concertina_plot::{Drawing, DrawnPanel, ErrorBar, Panel, Schematic, Theme};
use concertina_recipe::{Error, RECIPES, Recipe};
use concertina_table::{Scalar, Table, Values};
use support::{Rows, assert_tidy};

fn text_of(error: &Error) -> String {
    error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}\nhint: {hint}"))
}

#[track_caller]
fn refused(panel: Panel<'_>) -> String {
    text_of(&panel.draw().expect_err("it should not draw").into())
}

#[track_caller]
fn drawn(panel: Panel<'_>) -> DrawnPanel {
    let drawn = panel.draw().unwrap_or_else(|error| panic!("{}", text_of(&error.into())));
    assert_tidy("panel", &drawn.text_boxes(), drawn.page());
    assert!(!drawn.svg().contains("NaN") && !drawn.svg().contains("inf"), "{}", drawn.svg());
    drawn
}

fn problems(panel: Panel<'_>) -> String {
    drawn(panel).problems().join("\n")
}

/// Losses of realisations at some gains: one row per gain, one number per realisation.
fn losses(rows: &[(f64, &[f64])]) -> Table {
    let mut all = Rows::default();
    for (gain, values) in rows {
        for (seed, value) in values.iter().enumerate() {
            let value = if value.is_nan() { Scalar::Null } else { Scalar::Float(*value) };
            all.push(&[("gain", (*gain).into()), ("seed", (seed as i64).into()), ("loss", value)]);
        }
    }
    all.table()
}

/// The areas of a drawing: the number of points of each outline.
fn areas(panel: &DrawnPanel) -> Vec<usize> {
    let path =
        |line: &str| line.split("d=\"").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned);
    let filled = panel.svg().lines().filter(|line| line.contains("fill-opacity"));
    filled.filter_map(path).map(|path| path.matches(['M', 'L', 'H', 'V', 'l', 'h', 'v']).count()).collect()
}

#[test]
fn a_band_below_zero_on_a_log_axis_is_drawn_to_the_edge() {
    let table = losses(&[(5.0, &[1.0, 1.1, 0.9]), (20.0, &[1e-3, 2e-3, 1e-1]), (60.0, &[0.5, 0.6, 0.4])]);
    for bar in [ErrorBar::MeanSd, ErrorBar::MeanCi { level: 0.95 }] {
        let panel = Panel::lines(&table).x("gain").y("loss").band(bar).log_y();
        let drawn = drawn(panel);
        assert_eq!(areas(&drawn).len(), 1, "one band without a gap, {bar:?}:\n{}", drawn.svg());
    }
    let panel = Panel::lines(&table).x("gain").y("loss").band(ErrorBar::MeanSd).log_y();
    assert_eq!(
        problems(panel),
        "the error bars of 1 of 3 points reach 0 or below: on the logarithmic axis they are drawn to its lower edge"
    );
}

#[test]
fn a_band_that_is_entirely_below_zero_on_a_log_axis_is_reported() {
    let table = losses(&[(5.0, &[1.0, 1.1]), (20.0, &[-1.0, -1.5]), (60.0, &[0.5, 0.6])]);
    let said = problems(Panel::lines(&table).x("gain").y("loss").band(ErrorBar::MeanSd).log_y());
    assert!(said.contains("1 of 3 values of loss are not above 0"), "{said}");
    assert!(said.contains("reach 0 or below"), "{said}");
}

#[test]
fn a_band_at_a_single_x_is_an_error_bar() {
    let table = losses(&[(20.0, &[1.0, 2.0, 3.0])]);
    let plain = drawn(Panel::lines(&table).x("gain").y("loss").band(ErrorBar::Lines));
    let with = drawn(Panel::lines(&table).x("gain").y("loss").band(ErrorBar::MeanSd));
    let bars = with.svg().lines().filter(|line| line.contains("#0072b2") && line.contains('L'));
    assert_eq!(bars.count(), 1, "a bar next to the mark:\n{}", with.svg());
    // Single realisations at one x are marks, because a line of one point shows nothing.
    let marks =
        plain.svg().lines().filter(|line| line.contains("#80b9d9")).map(|line| line.matches("h.001").count());
    assert_eq!(marks.sum::<usize>(), 3, "marks of the realisations:\n{}", plain.svg());
}

#[test]
fn a_band_between_two_gaps_is_an_error_bar() {
    let nan = f64::NAN;
    let table = losses(&[(1.0, &[1.0, nan]), (2.0, &[1.0, 2.0]), (3.0, &[nan, 2.0])]);
    let with = drawn(Panel::lines(&table).x("gain").y("loss").band(ErrorBar::MeanSd));
    // The line through all three, and a bar at the second.
    let strokes = with.svg().lines().filter(|line| line.contains("stroke=\"#0072b2\"")).count();
    assert!(strokes >= 2, "{}", with.svg());
    let said = with.problems().join("\n");
    assert!(said.contains("2 of 3 points have one realisation, and so no error bar"), "{said}");
    assert!(said.contains("`loss` is undefined in 2 of 6 rows, which are left out"), "{said}");
}

#[test]
fn a_value_that_no_row_has_is_not_silently_kept() {
    let table = losses(&[(5.0, &[1.0]), (20.0, &[2.0]), (60.0, &[3.0])]);
    let panel = || Panel::lines(&table).x("gain").y("loss");
    // None of the requested values exists, or one of two does not.
    for kept in [vec![21.0], vec![5.0, 21.0], vec![21.0, 5.0]] {
        assert_eq!(
            refused(panel().keep("gain", kept)),
            "panel `panel`: `keep`: no row has `21` in column `gain`\nhint: `gain` has `5`, `20`, `60`"
        );
    }
    assert_eq!(
        refused(panel().keep("gain", Vec::<f64>::new())),
        "panel `panel`: `keep`: expected at least one value of `gain`, found none\nhint: `gain` has `5`, `20`, `60`"
    );
    let stages = support::dimension(1);
    let said = refused(Panel::lines(&stages).x("timestep").y("effective_dimension").keep("stage", ["afer"]));
    assert_eq!(
        said,
        "panel `panel`: `keep`: no row has `afer` in column `stage`\nhint: did you mean `after`?"
    );
    let seeds = Panel::snapshots(&table).keep("gain", [7.5]);
    assert!(refused(seeds).contains("no row has `7.5` in column `gain`"));
    assert!(
        refused(Panel::schematic(&table, Schematic::Network).keep("gain", [7.5]))
            .contains("no row has `7.5`")
    );
    // Each value exists, but never together with the other.
    let mut apart = losses(&[(5.0, &[1.0])]);
    apart.set_constant("stage", "before".into());
    let mut other = losses(&[(20.0, &[1.0])]);
    other.set_constant("stage", "after".into());
    apart.append(&other).expect("the same columns");
    let said = refused(Panel::lines(&apart).x("gain").y("loss").keep("gain", [5]).keep("stage", ["after"]));
    assert!(
        said.contains("no row has one of the kept values in all of `gain`, `stage` at the same time"),
        "{said}"
    );
    assert!(panel().keep("gain", ["20.0", "5e0"]).draw().is_ok(), "in any spelling");
    // A condition as text can express more.
    let keeping = |text: &str| {
        let axis = |column: &str| Some(concertina_plot::Axis::of(column));
        let keep = text.parse().expect("a condition");
        Panel::of(&table, Drawing { x: axis("gain"), y: axis("loss"), keep, ..Drawing::default() })
    };
    assert_eq!(keeping("gain < 60").draw().expect("drawn").data().row_count(), 2);
    assert_eq!(
        refused(keeping("gain = 5 or gain = 21")),
        "panel `panel`: `keep`: no row has `21` in column `gain`\nhint: `gain` has `5`, `20`, `60`"
    );
    assert!(refused(keeping("gain > 60")).contains("`keep`: no row fulfils `gain > 60`"));
}

#[test]
fn a_facet_without_rows_is_reported() {
    let mut table = Rows::default();
    for (delay, rate) in [(6_i64, 1e-3), (10, 1e-3), (6, 1e-4)] {
        for t in 0..3_i64 {
            table.push(&[
                ("delay", delay.into()),
                ("learning_rate", rate.into()),
                ("timestep", t.into()),
                ("loss", 1.0.into()),
            ]);
        }
    }
    let table = table.table();
    let panel = Panel::lines(&table).x("timestep").y("loss").facet("delay").facet_rows("learning_rate");
    assert_eq!(problems(panel), "the axes of learning_rate 0.0001, delay 10 are empty: there are no values");
}

#[test]
fn a_group_without_values_is_reported() {
    let nan = f64::NAN;
    let table = losses(&[(5.0, &[1.0, 2.0]), (20.0, &[nan, nan])]);
    let said = problems(Panel::lines(&table).x("seed").y("loss").hue("gain"));
    assert_eq!(said, "`loss` is undefined in 2 of 4 rows, which are left out\ngain 20: there are no values");
    let nothing = losses(&[(5.0, &[nan, nan])]);
    let said = problems(Panel::lines(&nothing).x("seed").y("loss"));
    assert!(said.contains("there is nothing to draw"), "{said}");
}

#[test]
fn names_of_values_that_do_not_occur_are_reported() {
    let table = losses(&[(5.0, &[1.0, 2.0]), (20.0, &[1.0, 2.0])]);
    let panel = || Panel::lines(&table).x("seed").y("loss").hue("gain");
    assert_eq!(
        problems(panel().name("gain", 5, "Weak").name("gain", 21, "Strong")),
        "`names`: no row has `21` in column `gain`, which has `5`, `20`"
    );
    assert_eq!(
        problems(panel().name("seed", 0, "First")),
        "`names` of `seed` are not used: nothing in the panel distinguishes its values"
    );
    assert!(refused(panel().name("gian", 5, "Weak")).contains("unknown column `gian`"));
    // A name is found regardless of the spelling of its value.
    let mut drawing: Drawing = panel_drawing();
    drawing.names.entry("gain".to_owned()).or_default().insert("5.0".to_owned(), "Weak".to_owned());
    let boxes = drawn(Panel::of(&table, drawing)).text_boxes();
    assert!(boxes.iter().any(|one| one.text == "Weak"), "{boxes:?}");
}

fn panel_drawing() -> Drawing {
    let axis = |column: &str| Some(concertina_plot::Axis::of(column));
    Drawing { x: axis("seed"), y: axis("loss"), hue: Some("gain".to_owned()), ..Drawing::default() }
}

/// Optimizers with one loss per gain and realisation.
fn optimizers(names: &[&str]) -> Table {
    let mut rows = Rows::default();
    for (place, name) in names.iter().enumerate() {
        for gain in [20_i64, 250] {
            for seed in 0..4_i64 {
                let loss = 1.0 + place as f64 + 0.1 * seed as f64 + 0.001 * gain as f64;
                rows.push(&[
                    ("optimizer", (*name).into()),
                    ("gain", gain.into()),
                    ("seed", seed.into()),
                    ("loss", loss.into()),
                ]);
            }
        }
    }
    rows.table()
}

#[test]
fn words_along_an_axis_have_separate_places() {
    let table = optimizers(&["sgd", "rmsprop"]);
    let panel = Panel::lines(&table).x("optimizer").y("loss").hue("gain").band(ErrorBar::MeanSd);
    let drawn_panel = drawn(panel);
    let boxes = drawn_panel.text_boxes();
    let place =
        |text: &str| boxes.iter().find(|one| one.text == text).unwrap_or_else(|| panic!("no {text}")).place;
    assert!(place("sgd").left < place("rmsprop").left, "in the order of the table");
    let mut csv = Vec::new();
    drawn_panel.data().write_csv(&mut csv).expect("memory is writable");
    let csv = String::from_utf8(csv).expect("text");
    assert!(csv.starts_with("gain,optimizer,loss,low,high,realisations\n20,sgd,"), "{csv}");
    assert!(drawn_panel.problems().is_empty(), "{:?}", drawn_panel.problems());
    // In a scatter, words can also be along the vertical axis; lines have nothing to summarise there.
    let scatter = drawn(Panel::scatter(&table).x("loss").y("optimizer").hue("gain"));
    assert!(scatter.text_boxes().iter().any(|one| one.text == "rmsprop"));
    let said = refused(Panel::lines(&table).x("seed").y("optimizer").hue("gain"));
    assert!(said.contains("expected numbers in `optimizer` to summarise, found words"), "{said}");
    let said =
        refused(Panel::lines(&table).x("optimizer").y("loss").hue("gain").band(ErrorBar::Lines).log_x());
    assert!(said.contains("expected numbers in `optimizer`"), "{said}");
    // True and false are words.
    let frozen = Table::from_columns([
        ("train_readout", Values::from(vec![true, false])),
        ("loss", Values::from(vec![1.0, 2.0])),
    ]);
    let frozen = frozen.expect("columns of one length");
    assert!(
        drawn(Panel::lines(&frozen).x("train_readout").y("loss"))
            .text_boxes()
            .iter()
            .any(|one| one.text == "false")
    );
}

#[test]
fn long_words_along_an_axis_are_wrapped_or_upright_and_reported_if_there_is_no_room() {
    let long = ["cross-entropy, slow", "cross-entropy, fast", "squared error, slow", "squared error, fast"];
    for width in [40.0, 60.0, 90.0, 180.0] {
        let table = optimizers(&long);
        let panel = Panel::lines(&table).x("optimizer").y("loss").hue("gain").band(ErrorBar::MeanSd);
        assert_eq!(problems(panel.size_mm(width, 60.0)), "", "{width}");
    }
    let many: Vec<String> = (0..60).map(|number| format!("network {number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let table = optimizers(&many);
    let said = problems(Panel::lines(&table).x("optimizer").y("loss").hue("gain").band(ErrorBar::MeanSd));
    assert!(said.contains("of 60 words along `optimizer` have no room for a label"), "{said}");
}

#[test]
fn a_raised_minus_is_drawn() {
    let table = losses(&[(5.0, &[1.0, 2.0])]);
    let panel = |label: &str| drawn(Panel::lines(&table).x("seed").y("loss").y_label(label).title(label));
    for (typed, text) in [
        ("Rate 10⁻³", "Rate 10\u{2212}3"),
        ("Loss (10⁻¹² s⁻¹)", "Loss (10\u{2212}12 s\u{2212}1)"),
        ("h₀ and x²", "h0 and x2"),
        ("λ₁ × 10⁺⁴", "λ1 × 10+4"),
    ] {
        let boxes = panel(typed).text_boxes();
        assert!(boxes.iter().any(|one| one.text == text), "{typed}: {boxes:?}");
    }
}

#[test]
fn values_outside_fixed_limits_are_reported() {
    let table = losses(&[(1.0, &[0.5, 0.6]), (2.0, &[0.9, 1.4]), (3.0, &[2.0, 2.1])]);
    let panel = || Panel::lines(&table).x("gain").y("loss").band(ErrorBar::MeanSd);
    assert_eq!(
        problems(panel().y_limits(0.0, 1.0)),
        "2 of 3 values lie outside the axis of `loss`, 0 to 1\n2 of 3 error bars lie outside the axis of `loss`, 0 to 1"
    );
    assert!(
        problems(panel().x_limits(1.0, 2.0)).contains("1 of 3 values lie outside the axis of `gain`, 1 to 2")
    );
    assert!(
        problems(panel().y_limits(0.0, 1.0).reference_y(3.0))
            .contains("the reference line at y = 3 lies outside")
    );
    assert!(problems(panel().reference_y(0.0).log_y()).contains("the reference line at y = 0 lies outside"));
    // Values at a limit are drawn.
    assert_eq!(problems(panel().y_limits(0.0, 2.2)), "");
}

#[test]
fn impossible_limits_are_refused() {
    let table = losses(&[(1.0, &[0.5]), (2.0, &[0.9])]);
    let panel = || Panel::lines(&table).x("gain").y("loss");
    let said = refused(panel().y_limits(2.0, 1.0));
    assert!(said.contains("`y`: expected `from` below `to`, found 2 and 1"), "{said}");
    let said = refused(panel().y_limits(0.0, 1.0).log_y());
    assert!(said.contains("`y`: expected limits and ticks above 0 on a logarithmic axis, found 0"), "{said}");
    let said = refused(panel().x_limits(f64::NAN, 1.0));
    assert!(said.contains("`x`: expected finite limits and ticks, found NaN"), "{said}");
}

#[test]
fn undefined_and_infinite_values_are_reported() {
    let mut table = losses(&[(1.0, &[0.5, f64::INFINITY, 0.6]), (2.0, &[0.9, f64::NAN, 0.8])]);
    let panel = Panel::lines(&table).x("gain").y("loss").band(ErrorBar::MeanSd);
    assert_eq!(
        problems(panel),
        "`loss` is undefined in 1 of 6 rows, which are left out\n`loss` is infinite in 1 of 6 rows, which are left out"
    );
    let scatter = problems(Panel::scatter(&table).x("gain").y("loss"));
    assert!(scatter.contains("`loss` is undefined in 1 of 6 rows"), "{scatter}");
    let labels = Values::Text((0..6).map(|row| (row > 1).then(|| "a".to_owned())).collect());
    table.push_column("label", labels).expect("as long as the others");
    let said = problems(Panel::lines(&table).x("gain").y("loss").hue("label").band(ErrorBar::MeanSd));
    assert!(said.contains("`label` is undefined in 2 of 6 rows, which are left out"), "{said}");
}

#[test]
fn groups_of_a_single_realisation_are_reported() {
    let table = losses(&[(1.0, &[0.5]), (2.0, &[0.9, 1.0, 1.1])]);
    for bar in [ErrorBar::MeanSd, ErrorBar::MedianIqr] {
        let said = problems(Panel::lines(&table).x("gain").y("loss").band(bar));
        assert_eq!(said, "1 of 2 points have one realisation, and so no error bar", "{bar:?}");
    }
    assert_eq!(problems(Panel::lines(&table).x("gain").y("loss").band(ErrorBar::Lines)), "");
}

#[test]
fn a_bootstrap_of_so_few_that_it_gives_their_range_is_reported() {
    let of = |level: f64, values: &[f64]| {
        let table = losses(&[(1.0, values)]);
        problems(Panel::lines(&table).x("gain").y("loss").band(ErrorBar::MeanCi { level }))
    };
    let said = of(0.95, &[1.0, 2.0, 4.0]);
    assert_eq!(
        said,
        "1 of 1 points have too few realisations for an interval of 0.95: the bootstrap gives their range"
    );
    assert_eq!(of(0.95, &[1.0, 2.0, 4.0, 8.0]), "");
    assert_eq!(of(0.9, &[1.0, 2.0, 4.0]), "");
    assert!(of(0.999, &[1.0, 2.0, 4.0, 8.0]).contains("too few realisations"));
    // The bootstrap agrees with this rule.
    for (level, values) in [(0.95, &[1.0, 2.0, 4.0][..]), (0.95, &[1.0, 2.0, 4.0, 8.0])] {
        let summary = ErrorBar::MeanCi { level }.summarise(values, 0).expect("values");
        let range = summary.interval == Some((values[0], values[values.len() - 1]));
        assert_eq!(range, !of(level, values).is_empty(), "{summary:?}");
    }
}

#[test]
fn a_summary_that_is_not_finite_is_none() {
    for bar in [ErrorBar::MeanSd, ErrorBar::Lines, ErrorBar::MeanCi { level: 0.95 }] {
        assert!(bar.summarise(&[1e308, 1.7e308, -1e308, 1.7e308], 0).is_err(), "{bar:?}");
    }
}

#[test]
fn hundreds_of_fits_that_fail_are_counted_after_the_first() {
    let rows: Vec<(f64, &[f64])> = (0..200).map(|gain| (f64::from(gain), &[0.1, 0.2][..])).collect();
    let table = losses(&rows);
    let panel = Panel::lines(&table).x("gain").y("loss").band(ErrorBar::Gamma).draw().expect("drawn");
    let said = panel.problems();
    assert!(said.len() < 8, "{}", said.len());
    assert!(said.iter().any(|one| one.starts_with("197 more points have no error bar")), "{said:?}");
}

#[test]
fn a_line_of_one_realisation_does_not_run_across_a_gap() {
    let nan = f64::NAN;
    let table = losses(&[
        (1.0, &[1.0, 5.0]),
        (2.0, &[nan, 5.0]),
        (3.0, &[nan, 5.0]),
        (4.0, &[1.0, 5.0]),
        (5.0, &[1.0, 5.0]),
    ]);
    let panel = drawn(Panel::lines(&table).x("gain").y("loss").band(ErrorBar::Lines));
    // A realisation has a single value, 1, and then 4 to 5. Across the gap, there would be a line from 1 to
    // 5.
    let faint = panel
        .svg()
        .lines()
        .filter(|line| line.contains("stroke-opacity"))
        .map(|line| line.matches('M').count());
    let strokes: usize = faint.sum();
    assert_eq!(strokes, 2, "one of each realisation:\n{}", panel.svg());
    assert!(panel.problems().join("\n").contains("`loss` is undefined in 2 of 10 rows"));
}

#[test]
fn values_that_share_a_colour_or_a_dash_are_reported() {
    let names: Vec<String> = (0..9).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let table = optimizers(&names);
    let panel = |table| Panel::lines(table).x("gain").y("loss").band(ErrorBar::MeanSd).size_mm(120.0, 90.0);
    assert!(
        problems(panel(&table).hue("optimizer"))
            .contains("9 values of `optimizer` share 8 colours: some look the same")
    );
    let five = optimizers(&names[..5]);
    assert!(
        problems(panel(&five).style("optimizer"))
            .contains("5 values of `optimizer` share 4 dashes: some look the same")
    );
}

#[test]
fn snapshots_draw_one_realisation_and_report_it() {
    let mut table = support::snapshots(60);
    let mut other = table.clone();
    other.set_constant("seed", 1_i64.into());
    table.append(&other).expect("the same columns");
    let said = problems(Panel::snapshots(&table).facet("gain").size_mm(183.0, 60.0));
    assert_eq!(said, "snapshots show one realisation: seed 0 is drawn, 1 of 2 are not");
}

#[test]
fn snapshots_of_several_checkpoints_or_networks_in_one_square_are_refused() {
    let table = support::snapshots(60);
    let mut later = table.clone();
    later.set_constant("epoch", 24_i64.into());
    later.append(&table).expect("the same columns");
    let said = refused(Panel::snapshots(&later).facet("gain"));
    assert!(said.contains("expected one `epoch` in a row of snapshots, found `24` and `12`"), "{said}");
    let mut rows = Rows::default();
    for gain in [20_i64, 250] {
        for sample in 0..4_i64 {
            rows.push(&[
                ("gain", gain.into()),
                ("timestep", 0_i64.into()),
                ("sample", sample.into()),
                ("class", (sample % 2).into()),
                ("pc1", (sample as f64).into()),
                ("pc2", 0.5.into()),
            ]);
        }
    }
    let table = rows.table();
    assert!(
        refused(Panel::snapshots(&table))
            .contains("expected one row of sample 0 at timestep 0, found several")
    );
    assert_eq!(problems(Panel::snapshots(&table).facet("gain").size_mm(89.0, 60.0)), "");
}

#[test]
fn samples_without_coordinates_or_a_class_are_reported() {
    let mut rows = Rows::default();
    for sample in 0..5_i64 {
        rows.push(&[
            ("timestep", 0_i64.into()),
            ("class", if sample == 1 { Scalar::Null } else { (sample % 2).into() }),
            (
                "pc1",
                match sample {
                    2 => Scalar::Null,
                    3 => f64::INFINITY.into(),
                    other => (other as f64).into(),
                },
            ),
            ("pc2", 0.5.into()),
        ]);
    }
    let table = rows.table();
    let said = problems(Panel::snapshots(&table).size_mm(89.0, 60.0));
    assert_eq!(
        said,
        "`class` is undefined or infinite in 1 of 5 samples, which are left out\n`pc1` is undefined or infinite in 2 of 5 samples, which are left out"
    );
}

/// The recipe of a bug report: a band below zero on a logarithmic axis, a band at one gain, a gain that no
/// run has.
#[test]
fn the_recipe_of_a_log_band_is_drawn_or_refused_panel_by_panel() {
    let text = include_str!("data/log_band.toml");
    let recipe = Recipe::from_toml("log_band.toml", text).expect("a recipe");
    let table = losses(&[
        (5.0, &[0.3, 0.31, 0.29]),
        (20.0, &[1e-3, 2e-3, 5e-2]),
        (60.0, &[0.1, 0.12, 0.11]),
        (100.0, &[0.2, 0.21, 0.22]),
    ]);
    let error = recipe.draw(&Theme::default(), std::slice::from_ref(&table)).expect_err("panel c keeps 21");
    assert_eq!(
        text_of(&error),
        "panel `c`: `keep`: no row has `21` in column `gain`\nhint: `gain` has `5`, `20`, `60`, `100`"
    );
    let right = Recipe::from_toml("log_band.toml", &text.replace("[5, 21]", "[5, 20]")).expect("a recipe");
    let figure = right.draw(&Theme::default(), &[table]).expect("drawn");
    assert_eq!(
        figure.problems(),
        [
            "panel a: the error bars of 1 of 4 points reach 0 or below: on the logarithmic axis they are drawn to its lower edge"
        ]
    );
}

#[test]
fn a_reference_line_of_two_values_or_none_is_refused() {
    let table = losses(&[(5.0, &[1.0])]);
    let line = |x, y| concertina_plot::ReferenceLine { x, y, ..Default::default() };
    for (x, y) in [(Some(1.0), Some(1.0)), (None, None)] {
        let mut drawing = panel_drawing();
        drawing.reference.push(line(x, y));
        assert!(
            refused(Panel::of(&table, drawing))
                .contains("expected one of `x`, `y` and `circle` of a reference line")
        );
    }
}

#[test]
fn shipped_figures_of_one_realisation_report_it() {
    for (name, _) in RECIPES {
        let recipe = Recipe::shipped(name).expect("it is shipped");
        let seeds = concertina_recipe::SeedChoice::These(vec![0]);
        let figure =
            recipe.draw(&Theme::default(), &support::made_up::tables(&recipe, &seeds)).expect("drawn");
        let about_one = |problem: &String| problem.contains("points have one realisation");
        assert!(figure.problems().iter().all(about_one), "{name}: {:?}", figure.problems());
        let bands =
            recipe.panels.iter().filter(|panel| panel.draw.band.is_some_and(|band| band != ErrorBar::Lines));
        assert_eq!(figure.problems().len(), bands.count(), "{name}: {:?}", figure.problems());
    }
}

#[test]
fn a_panel_without_a_place_in_the_layout_is_reported() {
    let text = include_str!("data/log_band.toml").replace("[\"a\", \"b\", \"c\"]", "[\"a\", \"b\"]");
    let recipe = Recipe::from_toml("log_band.toml", &text.replace("[5, 21]", "[5, 20]")).expect("a recipe");
    let table = losses(&[(5.0, &[0.3, 0.31]), (20.0, &[0.3, 0.31]), (60.0, &[0.3, 0.31])]);
    let figure = recipe.draw(&Theme::default(), &[table]).expect("drawn");
    assert_eq!(
        figure.problems(),
        ["panel c: the layout has no place for it, so it is drawn only as a separate panel"]
    );
}

#[test]
fn snapshots_that_would_overwrite_each_other_are_refused() {
    let (_, text) = RECIPES.iter().find(|(name, _)| *name == "fig2").expect("shipped");
    let text = text.replace("snapshot_{timestep}_tanh_cce", "snapshot_tanh_cce");
    let recipe = Recipe::from_toml("fig2.toml", &text).expect("a recipe");
    let error = recipe.draw(&Theme::default(), &support::figure_two(2, 60)).expect_err("one name for all");
    assert!(
        text_of(&error).contains("several snapshots would be named `snapshots/Xdim_200_snapshot_tanh_cce`"),
        "{error}"
    );
}

#[test]
fn settings_that_only_snapshots_have_or_lack_are_refused() {
    let table = support::snapshots(60);
    let panel = || Panel::snapshots(&table).facet("gain");
    assert!(refused(panel().band(ErrorBar::MeanSd)).contains("snapshots have no `band`"));
    assert!(refused(panel().style("gain")).contains("snapshots have no `style`"));
    assert!(refused(panel().reference_y(0.0)).contains("snapshots have no `reference`"));
    let table = losses(&[(5.0, &[1.0])]);
    let drawing = Drawing { snapshot_file: Some("a".to_owned()), ..panel_drawing() };
    assert!(refused(Panel::of(&table, drawing)).contains("`snapshot_file` names the files of snapshots"));
}
