//! Fixed points: known ones, reference numbers, and results without any.

mod common;

use common::golden::{autonomous, matrix, vector};
use concertina_analysis::fixed_points::{Found, Kind, Search, speed};
use concertina_analysis::lyapunov::{Autonomous, Rule, initial_states};
use concertina_analysis::{Analysis, Error, FixedPoints, PcaSnapshot, fixed_points};
use concertina_model::params::{NetworkKind, Nonlinearity};
use concertina_numerics::linalg::{Complex64, eigenvalues};
use concertina_table::Table;
use concertina_testing::compare::{assert_close, assert_number};
use concertina_testing::golden::{Fixture, analyses};
use ndarray::{Array1, Array2, ArrayView1, arr1, arr2};

/// The tolerances that the fixture states for positions, for spectra, and for next states and speeds.
const POSITION: f64 = 1e-10;
const SPECTRUM: f64 = 1e-8;
const MAP: f64 = 1e-13;

fn search() -> Search {
    FixedPoints::default().search()
}

fn distance(a: ArrayView1<f64>, b: ArrayView1<f64>) -> f64 {
    (&a - &b).iter().map(|entry| entry * entry).sum::<f64>().sqrt()
}

/// The network of a case, with its input.
fn system(fixture: &Fixture, net: &str) -> Autonomous {
    let of = |name: &str| format!("{net}.{name}");
    let (system, inputs) = (autonomous(fixture, net), matrix(fixture, &of("U")));
    if !fixture.has(&of("x")) {
        return system;
    }
    system.with_input(inputs.view(), vector(fixture, &of("x")).view()).expect("shapes agree")
}

/// Compares spectra as sets.
fn assert_spectrum(what: &str, found: &[Complex64], expected: &[Complex64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let mut left = expected.to_vec();
    for value in found {
        let nearest = left
            .iter()
            .enumerate()
            .min_by(|(_, a), (_, b)| (*a - value).norm().total_cmp(&(*b - value).norm()));
        let place = nearest.expect("as many").0;
        assert!((left[place] - value).norm() < SPECTRUM, "{what}: {value} is not in {expected:?}");
        left.swap_remove(place);
    }
}

fn complex(re: ArrayView1<f64>, im: ArrayView1<f64>) -> Vec<Complex64> {
    re.iter().zip(im).map(|(re, im)| Complex64::new(*re, *im)).collect()
}

/// Checks that every point found is listed, with its spectrum, and that the points reached from many starts
/// are found.
fn compare_points(fixture: &Fixture, net: &str, system: &Autonomous, found: &Found) {
    let of = |name: &str| format!("{net}.{name}");
    let listed = matrix(fixture, &of("fixed_points"));
    let (re, im) = (matrix(fixture, &of("eig_re")), matrix(fixture, &of("eig_im")));
    let (unstable, starts) = (fixture.i64(&of("unstable")), matrix(fixture, &of("starts")).nrows());
    let hits = fixture.i64(&of("hits_lm")) + fixture.i64(&of("hits_newton"));
    let mut reached = vec![false; listed.nrows()];
    for point in found.points.iter().filter(|point| point.kind == Kind::Fixed) {
        let near = |row: usize| distance(listed.row(row), point.state.view());
        let row = (0..listed.nrows()).min_by(|&a, &b| near(a).total_cmp(&near(b))).expect("a point");
        let what = format!("{net}: point {row}");
        assert_close(&what, point.state.view(), listed.row(row), POSITION);
        let values = eigenvalues(system.jacobian(point.state.view()).expect("its state").view());
        let values = values.expect("finite");
        assert_spectrum(&what, &values, &complex(re.row(row), im.row(row)));
        let above = values.iter().filter(|value| value.norm() > 1.0).count();
        assert_eq!(above as i64, unstable[[row]], "{what}");
        assert!(!reached[row], "{what} is found twice");
        reached[row] = true;
    }
    for (row, reached) in reached.iter().enumerate() {
        let often = 10 * hits[[row]] as usize >= starts;
        assert!(*reached || !often, "{net}: point {row}, reached from {} starts, is not found", hits[[row]]);
    }
}

#[test]
fn golden_analyses_fixed_points_are_those_of_other_solvers() {
    let Some(fixture) = analyses::open("fixed_points", &["*"]) else { return };
    for net in &fixture.cases(".fixed_points") {
        let of = |name: &str| format!("{net}.{name}");
        let system = system(&fixture, net);
        let (states, next) = (matrix(&fixture, &of("states")), matrix(&fixture, &of("next")));
        let speeds = vector(&fixture, &of("speed"));
        for ((state, next), expected) in states.rows().into_iter().zip(next.rows()).zip(&speeds) {
            assert_close(net, system.next(state).expect("a state").view(), next, MAP);
            assert_number(net, speed(&system, state).expect("a state"), *expected, MAP * expected.max(1.0));
        }
        let known = if fixture.has(&of("slow_speed")) { fixture.scalar(&of("slow_speed")) } else { 0.0 };
        let found = Search { slow: search().slow.max(2.0 * known), ..search() }
            .run(&system, matrix(&fixture, &of("starts")).view());
        let found = found.expect("sound starts");
        compare_points(&fixture, net, &system, &found);
        let slow: Vec<_> = found.points.iter().filter(|point| point.kind == Kind::Slow).collect();
        if fixture.has(&of("slow_point")) {
            assert_eq!(slow.len(), 1, "{net}");
            assert_close(net, slow[0].state.view(), vector(&fixture, &of("slow_point")).view(), 1e-3);
            assert_number(net, slow[0].speed, fixture.scalar(&of("slow_speed")), 1e-7);
        }
    }
    line(&fixture);
    fixture.finish();
}

/// On a line of fixed points, each start finds the point directly below it.
fn line(fixture: &Fixture) {
    let system = system(fixture, "line");
    assert_eq!(matrix(fixture, "line.U").ncols(), system.units());
    let (starts, ends) = (matrix(fixture, "line.starts"), matrix(fixture, "line.ends"));
    let found = search().run(&system, starts.view()).expect("sound starts");
    assert_eq!((found.points.len(), found.unconverged), (starts.nrows(), 0));
    let (direction, offset) = (vector(fixture, "line.direction"), vector(fixture, "line.offset"));
    for point in &found.points {
        assert_close("line", point.state.view(), ends.row(point.start), POSITION);
        let along = (&point.state - &offset).dot(&direction);
        assert_close("line", point.state.view(), (&offset + &(&direction * along)).view(), 1e-9);
    }
    let expected = vector(fixture, "line.eig_re");
    let values = eigenvalues(system.jacobian(starts.row(0)).expect("a state").view()).expect("finite");
    assert_spectrum("line", &values, &complex(expected.view(), Array1::zeros(expected.len()).view()));
}

/// `h = tanh(g h)` has one solution up to `g = 1`, and three beyond.
#[test]
fn one_unit_has_the_solutions_of_its_equation() {
    let starts = arr2(&[[-0.9], [-0.2], [0.0], [0.1], [0.8]]);
    for (gain, positive) in
        [(0.5, None), (1.5, Some(0.858_559_586_350_407)), (3.0, Some(0.994_849_215_680_917))]
    {
        let system =
            Autonomous::new(arr2(&[[gain]]), arr1(&[0.0]), Nonlinearity::Tanh, Rule::Map).expect("sound");
        let found = search().run(&system, starts.view()).expect("sound starts");
        assert!(found.points.iter().all(|point| point.kind == Kind::Fixed && point.speed < 1e-24));
        assert_eq!((found.points.len(), found.unconverged), (if positive.is_some() { 3 } else { 1 }, 0));
        assert!(found.points[0].state[0].abs() < 1e-12, "{found:?}");
        let slope = system.jacobian(found.points[0].state.view()).expect("a state")[[0, 0]];
        assert!((slope - gain).abs() < 1e-12);
        let Some(_) = positive else { continue };
        for point in &found.points[1..] {
            let state = point.state[0];
            assert!((state - (gain * state).tanh()).abs() < 1e-14 && state.abs() > 0.5, "{state}");
            let slope = system.jacobian(point.state.view()).expect("a state")[[0, 0]];
            assert!((slope - gain * (1.0 - state * state)).abs() < 1e-12 && slope < 1.0);
        }
        assert_eq!(found.points.iter().map(|point| point.hits).sum::<usize>(), starts.nrows());
    }
}

/// With weights `g u uᵀ` of equal entries, the network along `u` is a single unit with gain `g`.
#[test]
fn a_symmetric_network_has_the_fixed_points_of_one_unit() {
    let (units, gain) = (9, 1.8);
    let share = 1.0 / units as f64;
    let weights = Array2::from_elem((units, units), gain * share);
    let system =
        Autonomous::new(weights, Array1::zeros(units), Nonlinearity::Tanh, Rule::Map).expect("sound weights");
    let found = search().run(&system, (initial_states(1, 40, units) * 5.0).view()).expect("sound starts");
    let one = found.points.iter().map(|point| point.state[0]).fold(0.0, f64::max);
    assert!((one - (gain * one).tanh()).abs() < 1e-14 && one > 0.5, "{one}");
    for point in &found.points {
        let side = point.state[0];
        let known = [0.0, one, -one].iter().any(|known| (side - known).abs() < 1e-12);
        assert!(known && point.state.iter().all(|entry| (entry - side).abs() < 1e-12), "{point:?}");
    }
}

#[test]
fn equal_starts_find_one_point_and_a_network_without_points_has_none() {
    let system = |weight: f64, bias: f64| {
        Autonomous::new(arr2(&[[weight]]), arr1(&[bias]), Nonlinearity::Linear, Rule::Map).expect("sound")
    };
    let found = search().run(&system(0.5, 1.0), Array2::from_elem((7, 1), 0.3).view()).expect("sound starts");
    assert_eq!((found.points.len(), found.points[0].hits, found.unconverged), (1, 7, 0));
    assert!((found.points[0].state[0] - 2.0).abs() < 1e-12 && found.points[0].start == 0);
    // A step of 1 forever: the speed is the same everywhere, and there is no slow point.
    let found = search().run(&system(1.0, 1.0), arr2(&[[0.3], [4.0]]).view()).expect("sound starts");
    assert_eq!((found.points.len(), found.unconverged), (0, 2));
    // A network that stays wherever it is.
    let found = search().run(&system(1.0, 0.0), arr2(&[[0.3], [4.0]]).view()).expect("sound starts");
    assert_eq!((found.points.len(), found.unconverged), (2, 0));
    let none = search().run(&system(0.5, 1.0), Array2::zeros((0, 1)).view()).expect("no starts");
    assert_eq!((none.points.len(), none.unconverged), (0, 0));
}

#[test]
fn starts_of_wrong_length_and_starts_that_are_nan_are_refused() {
    let system = Autonomous::new(arr2(&[[0.5]]), arr1(&[0.0]), Nonlinearity::Tanh, Rule::Map).expect("sound");
    let error = search().run(&system, Array2::zeros((3, 2)).view()).expect_err("two units");
    assert_eq!(error.to_string(), "starts: expected (starts, units) = (any, 1), found [3, 2]");
    let error = search().run(&system, arr2(&[[0.1], [f64::NAN]]).view()).expect_err("NaN");
    assert_eq!(error.to_string(), "starts: expected finite numbers, found NaN at sample 1, unit 0");
    assert!(system.next(arr1(&[1.0, 2.0]).view()).is_err() && system.jacobian(arr1(&[]).view()).is_err());
    assert!(system.with_input(arr2(&[[1.0]]).view(), arr1(&[1.0, 2.0]).view()).is_err());
}

#[test]
fn every_recurrent_network_is_searched_and_the_same_subject_gives_the_same_table() {
    for params in common::each_kind() {
        let run = common::Run::trained(params);
        let analysis = FixedPoints { starts: 12, noise: 0.1, ..FixedPoints::default() };
        if run.params.network.kind == NetworkKind::Feedforward {
            let error = analysis.run(&run.subject()).expect_err("no dynamics");
            assert!(matches!(error, Error::NotApplicable { .. }) && error.hint().is_some());
            continue;
        }
        let table = analysis.run(&run.subject()).expect("it applies");
        assert_eq!(analysis.run(&run.subject()).expect("it applies"), table);
        let units = match run.params.network.kind {
            NetworkKind::Lstm => 2 * run.params.network.units,
            _ => run.params.network.units,
        };
        for (index, state) in
            table.integers("index").expect("there").iter().zip(table.vectors("state").expect("there"))
        {
            assert_eq!(index.is_some(), state.is_some());
            assert!(state.is_none_or(|state| state.len() == units));
        }
        let (hits, lost) =
            (table.floats("hits").expect("there"), table.floats("unconverged").expect("there"));
        for update in [0, 4] {
            let rows: Vec<usize> = (0..table.row_count())
                .filter(|row| table.integers("update").expect("there")[*row] == Some(update))
                .collect();
            let total: f64 = rows.iter().filter_map(|row| hits[*row]).sum();
            assert_eq!(total + lost[rows[0]].expect("a number"), 12.0);
        }
        let input = Some(vec![0.5; run.params.inputs()]);
        let driven = FixedPoints { input, ..analysis.clone() }.run(&run.subject()).expect("it applies");
        let states = |table: &Table| table.vectors("state").expect("there");
        let none = [&driven, &table].iter().all(|table| states(table).iter().all(Option::is_none));
        assert!(none || states(&driven) != states(&table), "{}", run.params.network.kind);
    }
}

#[test]
fn settings_out_of_range_are_refused() {
    let run = common::Run::trained(common::small());
    let refused = |analysis: FixedPoints| analysis.check(&run.params).expect_err("refused").to_string();
    let default = FixedPoints::default;
    assert_eq!(
        refused(FixedPoints { starts: 0, ..default() }),
        "`fixed_points.starts`: expected at least 1, found 0"
    );
    assert_eq!(
        refused(FixedPoints { noise: -1.0, ..default() }),
        "`fixed_points.noise`: expected zero or a positive number, found -1"
    );
    assert_eq!(
        refused(FixedPoints { slow: 1e-30, ..default() }),
        "`fixed_points.slow`: expected at least the tolerance, 0.000000000000000000000001, found 0.000000000000000000000000000001"
    );
    let inputs = run.params.inputs();
    assert_eq!(
        refused(FixedPoints { input: Some(vec![0.0; inputs + 1]), ..default() }),
        format!(
            "`fixed_points.input`: expected {inputs} numbers, one for each input, found {} numbers",
            inputs + 1
        )
    );
}

/// Along a line attractor, one eigenvalue is 1, and the others say how fast states return to the line.
#[test]
fn the_largest_moduli_are_those_of_the_eigenvalues() {
    let line = Autonomous::new(
        arr2(&[[1.0, 0.0, 0.0], [0.0, 0.0, 0.5], [0.0, -0.5, 0.0]]),
        arr1(&[0.0, 0.0, 0.0]),
        Nonlinearity::Linear,
        Rule::Map,
    );
    let line = line.expect("sound");
    let starts = arr2(&[[-1.0, 0.3, 0.0], [0.5, 0.0, 0.2]]);
    let table = fixed_points(&FixedPoints::default(), &line, starts.view()).expect("sound starts");
    assert_eq!(table.row_count(), 2);
    for (column, expected) in [("leading_modulus", 1.0), ("next_modulus", 0.5)] {
        for found in table.floats(column).expect("there") {
            assert_number(column, found.expect("a number"), expected, 1e-12);
        }
    }
    let unit = Autonomous::new(arr2(&[[0.5]]), arr1(&[0.0]), Nonlinearity::Tanh, Rule::Map).expect("sound");
    let table = fixed_points(&FixedPoints::default(), &unit, arr2(&[[0.1]]).view()).expect("sound starts");
    let cell = |column: &str| table.floats(column).expect("there")[0];
    assert_number("one unit", cell("leading_modulus").expect("a number"), 0.5, 1e-12);
    assert_eq!((cell("next_modulus"), cell("pc1"), cell("pc2")), (None, None, None), "of one start");
}

#[test]
fn points_lie_in_the_plane_of_the_components_of_the_starts() {
    let weights = arr2(&[[1.5, 0.2, 0.0], [0.0, 1.4, 0.1], [0.3, 0.0, 0.5]]);
    let system = Autonomous::new(weights, Array1::zeros(3), Nonlinearity::Tanh, Rule::Map).expect("sound");
    let starts = initial_states(3, 40, 3) * 5.0;
    let table = fixed_points(&FixedPoints::default(), &system, starts.view()).expect("sound starts");
    assert!(table.row_count() > 2);
    let plane = PcaSnapshot::of(starts.view(), 2, None).expect("two components");
    let mean = starts.mean_axis(ndarray::Axis(0)).expect("starts");
    for (direction, name) in ["pc1", "pc2"].into_iter().enumerate() {
        let (found, states) = (table.floats(name).expect("there"), table.vectors("state").expect("there"));
        for (found, state) in found.iter().zip(states) {
            let state = Array1::from(state.expect("a state"));
            let expected = (&state - &mean).dot(&plane.components.column(direction));
            assert_number(name, found.expect("a number"), expected, 1e-12);
        }
    }
}

#[test]
fn starts_on_a_line_leave_the_second_component_empty() {
    let unit =
        Autonomous::new(arr2(&[[0.5, 0.0], [0.0, 0.5]]), arr1(&[0.0; 2]), Nonlinearity::Tanh, Rule::Map);
    let starts = arr2(&[[-0.5, -0.5], [0.25, 0.25], [0.75, 0.75]]);
    let table = fixed_points(&FixedPoints::default(), &unit.expect("sound"), starts.view()).expect("sound");
    assert!(table.floats("pc1").expect("there").iter().all(Option::is_some));
    assert!(table.floats("pc2").expect("there").iter().all(Option::is_none));
}
