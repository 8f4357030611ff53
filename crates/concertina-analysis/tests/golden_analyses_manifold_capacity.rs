//! Manifold capacity compared with reference numbers at their stated tolerances, and with the theory of
//! balls.

use concertina_analysis::{Anchored, Capacity, ManifoldGeometry, anchor_points};
use concertina_testing::compare::{assert_close, assert_number};
use concertina_testing::golden::{Fixture, analyses};
use ndarray::{Array1, Array2, Axis, Ix1, Ix2, Ix3, s};

/// The tolerances that the fixture states.
const F: f64 = 1e-8;
const GEOMETRY: f64 = 1e-6;
const THEORY: f64 = 1e-7;

fn matrix(fixture: &Fixture, name: &str) -> Array2<f64> {
    fixture.f64(name).into_dimensionality::<Ix2>().expect("a matrix")
}

fn vector(fixture: &Fixture, name: &str) -> Array1<f64> {
    fixture.f64(name).into_dimensionality::<Ix1>().expect("a vector")
}

/// Compares the measures of the manifold at this place with those of the fixture, as far as it has them.
fn check(fixture: &Fixture, case: &str, place: usize, found: &Anchored) {
    for (name, found, tolerance) in [
        ("capacity", found.capacity, F),
        ("capacity_error", found.capacity_error, F),
        ("radius", Some(found.radius), GEOMETRY),
        ("radius_centred", Some(found.radius_centred), GEOMETRY),
        ("dimension", Some(found.dimension), GEOMETRY),
        ("dimension_cosine", Some(found.dimension_cosine), GEOMETRY),
    ] {
        let name = format!("{case}.{name}");
        if fixture.has(&name) {
            let expected = vector(fixture, &name)[place];
            assert_number(&name, found.expect("defined"), expected, tolerance * expected.abs().max(1.0));
        }
    }
    let span = format!("{case}.span");
    if fixture.has(&span) {
        assert_eq!(found.span as i64, fixture.i64(&span)[[place]], "{span}");
    }
    assert_eq!(found.unconverged, 0, "{case}");
}

/// Capacity, radius and dimension of a ball, by integration over the length of the direction. The integral
/// over `t_0` is in closed form.
fn theory_of_ball(dimensions: f64, radius: f64) -> [f64; 3] {
    let density = |x: f64| libm::exp(-x * x / 2.0) / (2.0 * std::f64::consts::PI).sqrt();
    let below = |x: f64| 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
    let log_scale = (dimensions / 2.0 - 1.0) * std::f64::consts::LN_2 + libm::lgamma(dimensions / 2.0);
    let weight = |r: f64| libm::exp((dimensions - 1.0) * libm::log(r) - r * r / 2.0 - log_scale);
    let f = |r: f64| {
        let (a, b) = (-r * radius, r / radius);
        let zeroth = below(b) - below(a);
        let first = density(a) - density(b);
        let second = zeroth + a * density(a) - b * density(b);
        let on_surface = second + 2.0 * r * radius * first + (r * radius).powi(2) * zeroth;
        on_surface / (1.0 + radius * radius) + below(-b) + b * density(b) + r * r * below(-b)
    };
    let square = |r: f64| {
        let b = r / radius;
        radius * radius * below(b) + r * r * (density(b) / b - below(-b))
    };
    // Simpson's rule with the substitution r = u², which makes the integrand smooth at zero in one dimension
    let top = (14.0 + dimensions.sqrt()).sqrt();
    let steps = 40_000;
    let integral = |of: &dyn Fn(f64) -> f64| {
        let at = |step: usize| {
            let u = top * step as f64 / steps as f64;
            if u == 0.0 { 0.0 } else { 2.0 * u * weight(u * u) * of(u * u) }
        };
        let inner: f64 =
            (1..steps).map(|step| if step % 2 == 1 { 4.0 * at(step) } else { 2.0 * at(step) }).sum();
        (at(0) + inner + at(steps)) * top / steps as f64 / 3.0
    };
    let mean = std::f64::consts::SQRT_2
        * libm::exp(libm::lgamma((dimensions + 1.0) / 2.0) - libm::lgamma(dimensions / 2.0));
    [1.0 / integral(&f), integral(&square).sqrt(), mean * mean]
}

/// `F` of a ball.
fn f_of_ball(direction: &Array1<f64>, radius: f64) -> f64 {
    let (last, length) = (direction.len() - 1, direction.slice(s![..-1]).mapv(|one| one * one).sum().sqrt());
    let t0 = direction[last];
    if t0 + length * radius <= 0.0 {
        0.0
    } else if t0 * radius >= length {
        t0 * t0 + length * length
    } else {
        (t0 + length * radius).powi(2) / (1.0 + radius * radius)
    }
}

#[test]
fn golden_analyses_manifold_capacity_and_geometry() {
    let Some(fixture) = analyses::open("manifold_capacity", &["*"]) else { return };
    // sets of clouds
    for case in fixture.cases(".X") {
        let points = matrix(&fixture, &format!("{case}.X"));
        let labels: Vec<i64> = fixture.i64(&format!("{case}.y")).iter().copied().collect();
        let three = |name: &str| {
            fixture.f64(&format!("{case}.{name}")).into_dimensionality::<Ix3>().expect("three axes")
        };
        let (directions, anchors) = (three("directions"), three("anchors"));
        let (f, norms) =
            (matrix(&fixture, &format!("{case}.F")), vector(&fixture, &format!("{case}.centre_norms")));
        let clouds: Vec<Array2<f64>> = (0..norms.len() as i64)
            .map(|label| {
                let rows: Vec<usize> = (0..labels.len()).filter(|row| labels[*row] == label).collect();
                points.select(Axis(0), &rows)
            })
            .collect();
        let centres: Vec<Array1<f64>> =
            clouds.iter().map(|cloud| cloud.mean_axis(Axis(0)).expect("points")).collect();
        let mean = centres.iter().fold(Array1::<f64>::zeros(points.ncols()), |sum, one| sum + one)
            / centres.len() as f64;
        let mut manifolds = Vec::new();
        for (place, (cloud, centre)) in clouds.iter().zip(&centres).enumerate() {
            let norm = (centre - &mean).mapv(|entry| entry * entry).sum().sqrt();
            assert_number(&format!("{case}: centre"), norm, norms[place], 1e-12 * norm);
            let scaled = (cloud - centre) / norm;
            let along = directions.index_axis(Axis(0), place);
            let found = anchor_points(scaled.view(), along, 0.0).expect("finite");
            let what = format!("{case}, {place}");
            assert_close(&what, Array1::from(found.f.clone()).view(), f.row(place), F);
            let expected = anchors.index_axis(Axis(0), place);
            assert!(expected.column(expected.ncols() - 1).iter().all(|last| (last - 1.0).abs() < 1e-12));
            assert_close(&what, found.anchors.view(), expected.slice(s![.., ..-1]), GEOMETRY);
            check(&fixture, &case, place, &found);
            manifolds.push(ManifoldGeometry {
                label: place as u32,
                samples: cloud.nrows(),
                centre_norm: norm,
                anchored: Some(found),
            });
        }
        let all = Capacity::of(manifolds);
        for (name, found) in [("capacity_all", all.capacity), ("capacity_all_error", all.capacity_error)] {
            let name = format!("{case}.{name}");
            assert_number(&name, found.expect("defined"), fixture.scalar(&name), F);
        }
    }
    // single manifolds that are centred and scaled already
    for case in fixture.cases(".S") {
        let points = matrix(&fixture, &format!("{case}.S"));
        let directions = matrix(&fixture, &format!("{case}.directions"));
        let found = anchor_points(points.view(), directions.view(), 0.0).expect("finite");
        let expected = vector(&fixture, &format!("{case}.F"));
        assert_close(&case, Array1::from(found.f.clone()).view(), expected.view(), F);
        let anchors = format!("{case}.anchors");
        if fixture.has(&anchors) {
            let expected = matrix(&fixture, &anchors);
            assert_close(&anchors, found.anchors.view(), expected.slice(s![.., ..-1]), GEOMETRY);
        }
        let ball = format!("{case}.F_ball");
        if fixture.has(&ball) {
            let radius = points.row(0).mapv(|entry| entry * entry).sum().sqrt();
            for ((direction, expected), f) in
                directions.outer_iter().zip(vector(&fixture, &ball)).zip(&found.f)
            {
                assert_number(
                    &ball,
                    f_of_ball(&direction.to_owned(), radius),
                    expected,
                    1e-12 * expected.max(1.0),
                );
                assert!(*f <= expected + 1e-10, "{case}: {f} above {expected} of the full ball");
            }
        }
        check(&fixture, &case, 0, &found);
        if case == "point" {
            let theory = fixture.scalar("point.theory_capacity");
            assert_number("points", theory, 2.0, 1e-12);
        }
    }
    // the theory of full balls
    for case in fixture.cases(".theory_radius") {
        let number = |mark: &str| -> Option<f64> {
            let text = case.split('_').find_map(|part| part.strip_prefix(mark))?;
            text.replace('p', ".").parse().ok()
        };
        let radius = number("R").expect("the name has a radius");
        let found = theory_of_ball(number("D").unwrap_or(1.0), radius);
        for (name, found) in ["theory_capacity", "theory_radius", "theory_dimension"].iter().zip(found) {
            let name = format!("{case}.{name}");
            let expected = fixture.scalar(&name);
            assert_number(&name, found, expected, THEORY * expected.max(1.0));
        }
    }
    fixture.finish();
}
