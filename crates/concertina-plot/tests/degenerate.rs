//! Panels of tables with nulls, infinities, a single point or a single value are drawn with finite
//! coordinates, or refused with a reason.

use concertina_plot::{ErrorBar, Panel};
use concertina_table::{Table, Values};

const BARS: [ErrorBar; 6] = [
    ErrorBar::Gamma,
    ErrorBar::GammaReflected,
    ErrorBar::MeanCi { level: 0.95 },
    ErrorBar::MeanSd,
    ErrorBar::MedianIqr,
    ErrorBar::Lines,
];

/// Several realisations of a measurement over timesteps.
fn table(realisations: usize, values: &[Option<f64>]) -> Table {
    let (mut seeds, mut timesteps, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 0..realisations {
        for (timestep, value) in values.iter().enumerate() {
            seeds.push(seed as i64);
            timesteps.push(timestep as i64);
            numbers.push(*value);
        }
    }
    Table::from_columns([
        ("seed", Values::from(seeds)),
        ("timestep", Values::from(timesteps)),
        ("effective_dimension", Values::from(numbers)),
    ])
    .expect("equal lengths")
}

fn assert_drawable(what: &str, panel: Panel<'_>) {
    match panel.draw() {
        Ok(drawn) => {
            let svg = drawn.svg();
            for word in ["NaN", "inf\"", "inf ", "inf,"] {
                assert!(!svg.contains(word), "{what}: `{word}` in\n{svg}");
            }
        }
        Err(error) => assert!(error.hint().is_some(), "{what}: {error}"),
    }
}

#[test]
fn lines_and_scatters_of_any_values_have_finite_coordinates() {
    let infinity = f64::INFINITY;
    let cases: [&[Option<f64>]; 14] = [
        &[],
        &[None],
        &[None, None, None],
        &[Some(1.0)],
        &[Some(0.0), Some(0.0)],
        &[Some(2.5), None, Some(2.5)],
        &[Some(1.0), Some(1.0 + f64::EPSILON), Some(1.0)],
        &[Some(infinity), Some(1.0), Some(-infinity)],
        &[Some(infinity)],
        &[Some(5e-324), Some(1e-310)],
        &[Some(1e300), Some(-1e300), Some(f64::MAX)],
        &[Some(f64::MAX), Some(f64::MIN)],
        &[Some(1e-45), Some(1.0), Some(3e38)],
        &[Some(-1.0), Some(0.0), Some(1e30)],
    ];
    for values in cases {
        for realisations in [1, 2, 5] {
            let table = table(realisations, values);
            let what = format!("{realisations} of {values:?}");
            for bar in BARS {
                let lines = Panel::lines(&table).x("timestep").y("effective_dimension").band(bar);
                assert_drawable(&format!("{what}, {bar:?}"), lines.clone());
                assert_drawable(&format!("{what}, {bar:?}, log"), lines.log_y());
            }
            let scatter = Panel::scatter(&table).x("effective_dimension").y("timestep");
            assert_drawable(&format!("{what}, scatter"), scatter.clone());
            assert_drawable(&format!("{what}, scatter, log"), scatter.log_x());
            assert_drawable(
                &format!("{what}, hue"),
                Panel::lines(&table).x("timestep").y("effective_dimension").hue("effective_dimension"),
            );
        }
    }
}

#[test]
fn a_point_of_one_realisation_has_no_band_and_one_of_equal_values_has_no_visible_band() {
    for bar in BARS {
        let one = bar.summarise(&[3.0], 0).expect("one value is enough");
        assert_eq!(one.centre, 3.0, "{bar:?}");
        assert!(one.interval.is_none_or(|interval| interval == (3.0, 3.0)), "{bar:?}");
        for value in [0.5, 0.0, 1.0] {
            let equal = bar.summarise(&[value; 5], 0).expect("equal values are enough");
            assert!((equal.centre - value).abs() < 1e-15, "{bar:?}: {equal:?}");
            assert!(
                equal
                    .interval
                    .is_none_or(|(low, high)| (low - value).abs() < 1e-15 && (high - value).abs() < 1e-15),
                "{bar:?}: {equal:?}"
            );
        }
        assert!(bar.summarise(&[], 0).is_err(), "{bar:?}");
    }
}
