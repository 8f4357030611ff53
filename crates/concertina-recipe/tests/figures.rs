//! Figures as readers see them: nothing is clipped or overlaps, text is text, the same bytes every time.

mod support;

use std::{io::Read as _, path::Path};

use concertina_plot::{ErrorBar, Figure, Panel, Theme};
use concertina_recipe::{Error, Recipe};
use concertina_table::{Scalar, Table};
use support::assert_tidy;

fn theme() -> Theme {
    let mut theme = Theme::default();
    // Enough to inspect, and fast.
    theme.page.dots_per_inch = 150.0;
    theme
}

fn figure_two(seeds: i64) -> Figure {
    let recipe = Recipe::shipped("fig2").expect("the shipped recipe parses");
    recipe.draw(&theme(), &support::figure_two(seeds, 60)).expect("made-up tables have all columns")
}

#[test]
fn no_text_of_figure_two_leaves_its_page_or_overlaps_another() {
    for seeds in [1, 2, 5] {
        let figure = figure_two(seeds);
        assert_tidy("the page", &figure.text_boxes(), figure.page());
        for (letter, panel) in figure.panels() {
            assert_tidy(letter, &panel.text_boxes(), panel.page());
        }
        // With one realisation there are no error bars; with a few made-up ones, an error bar may be as long
        // as the axis.
        let expected = |problem: &String| {
            problem.contains("one realisation") || problem.contains("error bars lie outside")
        };
        assert!(figure.problems().iter().all(expected), "{:?}", figure.problems());
    }
}

#[test]
fn drawing_twice_gives_the_same_bytes() {
    let folder = Path::new("figures");
    let (first, second) =
        (figure_two(3).files(folder).expect("renders"), figure_two(3).files(folder).expect("renders"));
    assert_eq!(first.len(), second.len());
    for (one, other) in first.iter().zip(&second) {
        assert_eq!(one.path, other.path);
        assert!(one.bytes == other.bytes, "{} differs", one.path.display());
    }
}

#[test]
fn files_have_the_names_users_know() {
    let files = figure_two(1).files(Path::new("figures")).expect("renders");
    let has = |path: &str| files.iter().any(|file| file.path == Path::new(path));
    for letter in ["b", "c", "d", "e", "f", "g"] {
        for ending in ["pdf", "svg", "png", "csv"] {
            assert!(has(&format!("figures/fig2/{letter}.{ending}")), "{letter}.{ending}");
        }
    }
    for path in [
        "figures/fig2.pdf",
        "figures/fig2.png",
        "figures/fig2.svg",
        "figures/fig2/snapshots/Xdim_200_snapshot_-1_tanh_cce.pdf",
        "figures/fig2/snapshots/Xdim_200_snapshot_31_tanh_cce.pdf",
        "figures/fig2/snapshots/gain_250/Xdim_200_snapshot_0_tanh_cce.pdf",
    ] {
        assert!(has(path), "{path}");
    }
    assert!(!has("figures/fig2/snapshots/Xdim_200_snapshot_12_tanh_cce.pdf"), "12 is not in the recipe");
}

/// All streams of a PDF, decompressed.
fn streams(pdf: &[u8]) -> Vec<String> {
    let find = |from: usize, what: &[u8]| {
        pdf[from..].windows(what.len()).position(|w| w == what).map(|at| from + at)
    };
    let mut texts = Vec::new();
    let mut from = 0;
    while let Some(start) = find(from, b"stream\n") {
        let Some(end) = find(start, b"endstream") else { break };
        let mut text = Vec::new();
        let packed = &pdf[start + 7..end];
        if flate2::read::ZlibDecoder::new(packed).read_to_end(&mut text).is_err() {
            text = packed.to_vec();
        }
        texts.push(String::from_utf8_lossy(&text).into_owned());
        from = end + 9;
    }
    texts
}

#[test]
fn the_pdf_has_text_in_embedded_fonts_and_no_bitmap() {
    let files = figure_two(2).files(Path::new("")).expect("renders");
    let pdf = &files.iter().find(|file| file.path == Path::new("fig2.pdf")).expect("the PDF").bytes;
    let plain = String::from_utf8_lossy(pdf);
    assert!(
        plain.contains("/ToUnicode") && plain.contains("/FontFile2"),
        "no embedded font with readable text"
    );
    assert!(!plain.contains("/Subtype /Image") && !plain.contains("/Subtype/Image"), "a bitmap");
    let maps: String = streams(pdf).into_iter().filter(|text| text.contains("beginbfchar")).collect();
    for letter in "Effectivdmsonbcg−λ".chars().filter(|c| *c != 'λ') {
        let code = format!("<{:04X}>", u32::from(letter));
        assert!(maps.to_uppercase().contains(&code), "`{letter}` cannot be selected");
    }
    assert!(pdf.len() < 400_000, "fonts are not subset: {} bytes", pdf.len());
}

#[test]
fn text_of_the_svg_is_text() {
    let figure = figure_two(1);
    for text in ["Effective dimension", "Edge of chaos", "Strongly chaotic", "Lyapunov exponent", ">b</text>"]
    {
        assert!(figure.svg().contains(text), "{text}");
    }
    assert!(!figure.svg().contains("<image"));
}

#[test]
fn a_png_states_its_resolution() {
    let files = figure_two(1).files(Path::new("")).expect("renders");
    let png = &files.iter().find(|file| file.path == Path::new("fig2.png")).expect("the PNG").bytes;
    assert!(png.windows(4).any(|bytes| bytes == b"pHYs"));
}

fn tiny() -> Table {
    let mut rows = support::Rows::default();
    for seed in 0..3_i64 {
        for t in 0..3_i64 {
            let value = 2.0 + t as f64 + 0.25 * seed as f64;
            rows.push(&[
                ("seed", seed.into()),
                ("timestep", t.into()),
                ("effective_dimension", value.into()),
            ]);
        }
    }
    rows.table()
}

#[test]
fn a_tiny_panel_is_written_like_this() {
    let table = tiny();
    let panel = Panel::lines(&table)
        .x("timestep")
        .y("effective_dimension")
        .band(ErrorBar::MeanSd)
        .size_mm(40.0, 30.0);
    let drawn = panel.draw().expect("it is complete");
    insta::assert_snapshot!(drawn.svg());
    let mut csv = Vec::new();
    drawn.data().write_csv(&mut csv).expect("memory is writable");
    insta::assert_snapshot!(String::from_utf8_lossy(&csv), @r#"
        timestep,effective_dimension,low,high,realisations
        0,2.25,2.0,2.5,3
        1,3.25,3.0,3.5,3
        2,4.25,4.0,4.5,3
    "#);
}

#[test]
fn saving_writes_four_files_for_any_extension() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = tiny();
    let panel = Panel::lines(&table).x("timestep").y("effective_dimension").band(ErrorBar::Gamma);
    panel.save(folder.path().join("deep/dimension.pdf")).expect("the folder is made");
    let mut names: Vec<String> = std::fs::read_dir(folder.path().join("deep"))
        .expect("the folder")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["dimension.csv", "dimension.pdf", "dimension.png", "dimension.svg"]);
}

#[test]
fn a_fit_that_fails_leaves_a_gap_and_is_reported() {
    let mut rows = support::Rows::default();
    for seed in 0..2_i64 {
        for t in 0..3_i64 {
            let value = if t == 1 && seed == 0 { 0.5 } else { 2.0 + seed as f64 };
            rows.push(&[
                ("seed", seed.into()),
                ("timestep", t.into()),
                ("effective_dimension", value.into()),
            ]);
        }
    }
    let table = rows.table();
    let drawn = Panel::lines(&table)
        .x("timestep")
        .y("effective_dimension")
        .band(ErrorBar::Gamma)
        .draw()
        .expect("drawn");
    insta::assert_snapshot!(drawn.problems().join("\n"), @"timestep 1: gamma fit: expected samples above the location 0.9999, found 0.5 at 0");
    assert_eq!(drawn.data().scalar(1, "effective_dimension").expect("a column"), Scalar::Null);
    assert!(drawn.data().has_column("problem"));
}

#[test]
fn undefined_values_leave_a_gap_and_are_reported() {
    let mut rows = support::Rows::default();
    for t in 0..4_i64 {
        let value = if t == 1 { Scalar::Null } else { Scalar::Float(2.0) };
        rows.push(&[("timestep", t.into()), ("effective_dimension", value)]);
    }
    let table = rows.table();
    let drawn = Panel::lines(&table).x("timestep").y("effective_dimension").draw().expect("drawn");
    assert_eq!(drawn.problems(), ["`effective_dimension` is undefined in 1 of 4 rows, which are left out"]);
    assert!(!drawn.svg().contains("NaN"));
}

#[test]
fn an_empty_table_says_no_data() {
    let table = tiny().filter(|_| false);
    let drawn = Panel::lines(&table).x("timestep").y("effective_dimension").draw().expect("drawn");
    assert!(drawn.svg().contains("no data"));
}

#[test]
fn legends_of_any_panel_stay_clear_of_text() {
    let table = support::dimension(3);
    for (width, height) in [(45.0, 35.0), (60.0, 45.0), (89.0, 60.0)] {
        for bar in [ErrorBar::Gamma, ErrorBar::MeanCi { level: 0.95 }, ErrorBar::Lines, ErrorBar::MedianIqr] {
            let panel = Panel::lines(&table)
                .x("timestep")
                .y("effective_dimension")
                .hue("gain")
                .style("stage")
                .band(bar);
            let drawn = panel.size_mm(width, height).draw().expect("drawn");
            assert_tidy(&format!("{width} by {height} mm, {bar:?}"), &drawn.text_boxes(), drawn.page());
        }
    }
}

fn text_of(error: &Error) -> String {
    error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}\nhint: {hint}"))
}

#[test]
fn panels_report_what_is_missing() {
    let table = support::dimension(2);
    let of = |panel: Panel<'_>| text_of(&panel.draw().expect_err("it should not draw").into());
    insta::assert_snapshot!(of(Panel::lines(&table).x("timestep")), @r#"
        panel `panel`: expected a column for `y`, found none
        hint: add `.y("effective_dimension")`, or in a recipe `y = "effective_dimension"`
    "#);
    insta::assert_snapshot!(of(Panel::lines(&table).x("timestep").y("effective_dimesion")), @r#"
        unknown column `effective_dimesion`, the table has `gain`, `seed`, `epoch`, `update`, `stage`, `timestep`, `effective_dimension`
        hint: did you mean `effective_dimension`?
    "#);
    insta::assert_snapshot!(of(Panel::lines(&table).x("timestep").y("effective_dimension")), @r#"
        panel `panel`: expected one `effective_dimension` per realisation at `timestep` -1, found several of seed 0
        hint: tell them apart with `hue`, `style` or `facet`, or keep some with `keep`
    "#);
    let one = table.filter(|row| table.integers("seed").is_ok_and(|seeds| seeds[row] == Some(0)));
    insta::assert_snapshot!(of(Panel::lines(&one).x("timestep").y("effective_dimension")), @r#"
        panel `panel`: expected one `effective_dimension` per realisation at `timestep` -1, found several of seed 0
        hint: tell them apart with `hue`, `style` or `facet`, or keep some with `keep`
    "#);
    let two = Panel::lines(&table).x("timestep").y("effective_dimension").hue("gain").style("stage");
    insta::assert_snapshot!(of(two.clone()), @r#"
        panel `panel`: 2 realisations at `timestep` -1 and no error bar
        hint: choose a band: gamma, gamma_reflected, mean_ci, mean_sd, median_iqr, lines, paired, box
    "#);
    insta::assert_snapshot!(of(two.band(ErrorBar::Gamma).title("維度")), @r#"
        no glyph for `維` in the text `維度`
        hint: figures are set in Liberation Sans, which has Latin, Greek and Cyrillic letters; write superscripts and subscripts as `^{...}` and `_{...}`
    "#);
}
