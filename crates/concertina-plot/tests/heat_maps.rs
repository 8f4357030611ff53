//! Heat maps, marks from vectors, circles, and words in a given order.

mod support;

use concertina_plot::{Axis, Drawing, Error, ErrorBar, Panel, ScaleKind};
use concertina_table::{Scalar, Table, Values};
use support::{Rows, assert_tidy};

fn text_of(error: &Error) -> String {
    error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}\nhint: {hint}"))
}

fn refused(panel: &Panel<'_>) -> String {
    text_of(&panel.draw().expect_err("it should not draw"))
}

fn csv(table: &Table) -> String {
    let mut bytes = Vec::new();
    table.write_csv(&mut bytes).expect("memory is writable");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Similarities of timesteps, of two realisations before and after training; undefined at the last timestep
/// of one of them, and of both.
fn similarities(timesteps: &[i64]) -> Table {
    let mut rows = Rows::default();
    let last = timesteps.last().copied();
    for seed in 0..2_i64 {
        for stage in ["before", "after"] {
            for &t in timesteps {
                for &other in timesteps {
                    let far = (t - other) as f64;
                    let undefined = Some(t) == last && (seed == 0 || other == 0);
                    let cka = (-far * far / 50.0).exp() + 0.1 * seed as f64;
                    rows.push(&[
                        ("seed", seed.into()),
                        ("stage", stage.into()),
                        ("timestep", t.into()),
                        ("other_timestep", other.into()),
                        ("cka", if undefined { Scalar::Null } else { cka.into() }),
                    ]);
                }
            }
        }
    }
    rows.table()
}

fn similar(table: &Table) -> Panel<'_> {
    Panel::heat_map(table, "cka").x("timestep").y("other_timestep")
}

#[test]
fn cells_are_means_of_realisations_and_what_is_undefined_is_hatched() {
    let table = similarities(&[0, 5]);
    let drawn = similar(&table).facet("stage").draw().expect("drawn");
    insta::assert_snapshot!(csv(drawn.data()), @r"
    stage,other_timestep,timestep,cka,realisations
    before,0,0,1.05,2
    before,0,5,,0
    before,5,0,0.6565306597126335,2
    before,5,5,1.1,1
    after,0,0,1.05,2
    after,0,5,,0
    after,5,0,0.6565306597126335,2
    after,5,5,1.1,1
    ");
    insta::assert_snapshot!(drawn.problems().join("\n"), @r"
    `cka` is undefined in 2 of 8 cells, which are hatched
    `cka` is undefined in some realisations of 2 of 8 cells, which show the mean of the others
    ");
    assert_tidy("two stages", &drawn.text_boxes(), drawn.page());
}

#[test]
fn heat_maps_of_any_size_are_tidy() {
    let many: Vec<i64> = (0..60).collect();
    for timesteps in [&[0][..], &[0, 1], &[-1, 0, 1, 2, 5, 9], &many] {
        let table = similarities(timesteps);
        for (square, (width, height)) in [(false, (60.0, 45.0)), (true, (60.0, 45.0)), (true, (183.0, 60.0))]
        {
            let mut panel = similar(&table).facet("stage").title("Similarity").size_mm(width, height);
            if square {
                panel = panel.square();
            }
            for panel in [panel.clone(), panel.centre(0.5)] {
                let drawn = panel.draw().expect("drawn");
                let what = format!("{} timesteps, square: {square}, {width} mm", timesteps.len());
                assert_tidy(&what, &drawn.text_boxes(), drawn.page());
                assert!(!drawn.svg().contains("NaN"), "{what}");
            }
        }
    }
}

/// The widths and heights of the filled rectangles of a drawing, without what reaches under neighbours.
fn cells(svg: &str, colour: &str) -> usize {
    svg.lines().filter(|line| line.contains(&format!("fill=\"{colour}\""))).count()
}

#[test]
fn the_centre_of_a_diverging_map_is_neutral() {
    let table = Table::from_columns([
        ("timestep", Values::from(vec![0, 1, 2])),
        ("other_timestep", Values::from(vec![0, 0, 0])),
        ("change", Values::from(vec![-1.0, 0.0, 3.0])),
    ])
    .expect("equal lengths");
    let panel = Panel::heat_map(&table, "change").x("timestep").y("other_timestep").centre(0.0);
    let drawn = panel.draw().expect("drawn");
    // White in the middle, the end of the map at the value that is farthest from it.
    assert_eq!(cells(drawn.svg(), "#f7f7f7"), 1, "{}", drawn.svg());
    assert!(cells(drawn.svg(), "#67001f") >= 1, "{}", drawn.svg());
    assert_eq!(cells(drawn.svg(), "#053061"), 0, "-1 is only a third of the way to the other end");
}

#[test]
fn values_outside_the_colours_and_cells_without_rows_are_reported() {
    let table = similarities(&[0, 5, 10]);
    let lacking = table.filter(|row| row % 9 != 1);
    let colours = Axis { from: Some(0.9), to: Some(1.0), ..Axis::of("cka") };
    let drawn = similar(&lacking).keep("stage", ["after"]).value_axis(colours).draw().expect("drawn");
    insta::assert_snapshot!(drawn.problems().join("\n"), @r"
    `cka` is undefined in 1 of 8 cells, which are hatched
    `cka` is undefined in some realisations of 2 of 8 cells, which show the mean of the others
    7 of 8 values lie outside the colours of `cka`, 0.9 to 1, and have the last one
    1 of 9 cells have no row, and are left white
    ");
}

#[test]
fn heat_maps_refuse_what_has_no_meaning_for_them() {
    let table = similarities(&[0, 5]);
    insta::assert_snapshot!(refused(&similar(&table)), @r"
    panel `panel`: expected one `cka` of seed 0 in a cell of the heat map, found several
    hint: tell them apart with `facet`, or keep some with `keep`
    ");
    insta::assert_snapshot!(refused(&similar(&table).facet("stage").hue("seed")), @r"
    panel `panel`: a heat map has no such `hue`
    hint: it has `x`, `y`, `value`, `centre`, `square` and `facet`; realisations are averaged
    ");
    insta::assert_snapshot!(refused(&similar(&table).facet("stage").band(ErrorBar::MeanSd)), @r"
    panel `panel`: a heat map has no such `band`
    hint: it has `x`, `y`, `value`, `centre`, `square` and `facet`; realisations are averaged
    ");
    insta::assert_snapshot!(refused(&Panel::heat_map(&table, "cka").x("timestep")), @r#"
    panel `panel`: expected a column for `y` of the heat map, found none
    hint: in a recipe, `y = "other_timestep"`
    "#);
    insta::assert_snapshot!(refused(&similar(&table).facet("stage").centre(f64::NAN)), @r"
    panel `panel`: expected a `centre` that is finite, found NaN
    hint: centre = 0.5
    ");
    insta::assert_snapshot!(refused(&Panel::lines(&table).x("timestep").y("cka").centre(0.0)), @r#"
    panel `panel`: only a heat map has `value` and `centre`
    hint: use `kind = "heat_map"`, or leave them out
    "#);
}

/// Eigenvalues of two fixed points, and a checkpoint without any.
fn eigenvalues() -> Table {
    Table::from_columns([
        ("index", Values::from(vec![Some(1), Some(2), None])),
        ("eigenvalue_real", Values::from(vec![Some(vec![0.9, 0.2]), Some(vec![1.1, -0.3]), None])),
        ("eigenvalue_imaginary", Values::from(vec![Some(vec![0.0, 0.4]), Some(vec![0.0, -0.4]), None])),
    ])
    .expect("equal lengths")
}

#[test]
fn eigenvalues_are_drawn_one_by_one_with_the_unit_circle() {
    let table = eigenvalues();
    let panel = Panel::scatter(&table).x("eigenvalue_real").y("eigenvalue_imaginary").hue("index");
    let panel = panel.circle(1.0).square();
    let drawn = panel.clone().size_mm(60.0, 40.0).draw().expect("drawn");
    insta::assert_snapshot!(csv(drawn.data()), @r"
    index,eigenvalue_real,eigenvalue_imaginary
    1,0.9,0.0
    1,0.2,0.4
    2,1.1,0.0
    2,-0.3,-0.4
    ,,
    ");
    insta::assert_snapshot!(drawn.problems().join("\n"), @"`index` is undefined in 1 of 5 rows, which are left out");
    // The circle is as wide as it is high.
    let circle = drawn.svg().lines().max_by_key(|line| line.len()).expect("a line");
    let path = circle.split("d=\"M").nth(1).and_then(|rest| rest.split('"').next()).expect("a path");
    let points: Vec<(f64, f64)> = path
        .split('L')
        .filter_map(|point| point.split_once(' '))
        .map(|(x, y)| (x.parse().expect("a number"), y.parse().expect("a number")))
        .collect();
    assert_eq!(points.len(), 121);
    let range = |of: fn(&(f64, f64)) -> f64| {
        points.iter().map(of).fold(f64::NEG_INFINITY, f64::max)
            - points.iter().map(of).fold(f64::INFINITY, f64::min)
    };
    let (wide, high) = (range(|point| point.0), range(|point| point.1));
    assert!((wide - high).abs() < 0.01, "{wide} by {high}");
    insta::assert_snapshot!(refused(&Panel::scatter(&table).x("eigenvalue_real").y("index")), @r"
    panel `panel`: `eigenvalue_real` has vectors, and `index` has single values
    hint: draw a column of vectors over another one, as `eigenvalue_imaginary` over `eigenvalue_real`
    ");
    insta::assert_snapshot!(refused(&panel.circle(-1.0)), @r"
    panel `panel`: expected a radius above 0 of the circle, found -1
    hint: circle = 1
    ");
}

#[test]
fn numbers_can_be_words_and_words_have_an_order() {
    let mut rows = Rows::default();
    for (place, kind) in ["vanilla", "gru", "lstm"].into_iter().enumerate() {
        for units in [50_i64, 100, 800] {
            let accuracy = 0.5 + 0.1 * place as f64 + 1e-4 * units as f64;
            rows.push(&[("network", kind.into()), ("units", units.into()), ("accuracy", accuracy.into())]);
        }
    }
    let table = rows.table();
    let labels = |axis: Axis, hue: &str| -> Vec<String> {
        let panel = Panel::lines(&table).x_axis(axis).y("accuracy").hue(hue);
        let drawn = panel.draw().expect("drawn");
        assert_tidy(hue, &drawn.text_boxes(), drawn.page());
        let bottom = drawn.text_boxes().iter().map(|one| one.place.bottom()).fold(0.0, f64::max);
        let row = |place: f64| (bottom - 20.0..bottom - 7.0).contains(&place);
        let boxes = drawn.text_boxes().into_iter();
        boxes.filter(|one| row(one.place.bottom()) && one.place.left > 25.0).map(|one| one.text).collect()
    };
    assert_eq!(labels(Axis { words: true, ..Axis::of("units") }, "network"), ["50", "100", "800"]);
    assert_eq!(labels(Axis::of("network"), "units"), ["vanilla", "gru", "lstm"]);
    let order = |words: &[&str]| Axis {
        order: Some(words.iter().map(|word| Scalar::from(*word)).collect()),
        ..Axis::of("network")
    };
    assert_eq!(labels(order(&["lstm", "vanilla", "gru"]), "units"), ["lstm", "vanilla", "gru"]);
    let wrong = |axis: Axis| refused(&Panel::lines(&table).x_axis(axis).y("accuracy").hue("units"));
    insta::assert_snapshot!(wrong(order(&["lstm", "vanila", "gru"])), @r"
    panel `panel`: `order`: no row has `vanila` in column `network`
    hint: did you mean `vanilla`?
    ");
    insta::assert_snapshot!(wrong(order(&["lstm", "gru"])), @r"
    panel `panel`: `order` of `network` lacks `vanilla`
    hint: add it, or leave it out of the panel with `keep`: `network` has `vanilla`, `gru`, `lstm`
    ");
    insta::assert_snapshot!(wrong(order(&["lstm", "gru", "gru", "vanilla"])), @r"
    panel `panel`: `order` has `gru` twice
    hint: leave one of them out
    ");
    let log = Axis { words: true, scale: ScaleKind::Log, ..Axis::of("units") };
    insta::assert_snapshot!(refused(&Panel::lines(&table).x_axis(log).y("accuracy").hue("network")), @r#"
    panel `panel`: expected numbers in `units`, whose axis has limits, ticks or a scale, found words
    hint: give only the column, without limits, ticks or scale: "units"
    "#);
}

/// Exponents along a trial: a line per index, whose spread over trials is in a column of its own.
#[test]
fn exponents_along_a_trial_are_lines_over_timesteps() {
    let mut rows = Rows::default();
    for index in 1..=6_i64 {
        for timestep in 0..10_i64 {
            let mean = 0.1 - 0.05 * index as f64 - 0.01 * timestep as f64;
            rows.push(&[
                ("timestep", timestep.into()),
                ("index", index.into()),
                ("mean", mean.into()),
                ("spread", 0.02.into()),
            ]);
        }
    }
    let table = rows.table();
    let drawn = Panel::lines(&table).x("timestep").y("mean").hue("index").draw().expect("drawn");
    assert_eq!(drawn.problems(), [""; 0]);
    assert_eq!(drawn.data().row_count(), 60);
    assert_tidy("six exponents", &drawn.text_boxes(), drawn.page());
}

#[test]
fn drawings_are_read_from_recipes() {
    let text = r#"
kind = "heat_map"
x = "train_timestep"
y = { column = "network", order = ["gru", "lstm"] }
value = { column = "accuracy", from = 0.5, to = 1 }
centre = 0.75
square = true
"#;
    let drawing: Drawing = concertina_plot::syntax::toml("mine.toml", text).expect("it is valid");
    assert!(drawing.square && drawing.centre == Some(0.75));
    let order = drawing.y.and_then(|axis| axis.order).expect("an order");
    assert_eq!(order, [Scalar::from("gru"), Scalar::from("lstm")]);
}
