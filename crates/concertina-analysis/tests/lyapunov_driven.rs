//! Lyapunov exponents of driven networks: closed forms, settings, and names of settings in other programs.

mod common;

use concertina_analysis::lyapunov::{Autonomous, Drive, Driven, Outcome, Rule, initial_states};
use concertina_analysis::{Analysis, AnalysisSpec, FixedPoints, Lyapunov, lyapunov_driven};
use concertina_model::params::{NetworkKind, Nonlinearity};
use ndarray::{Array1, Array2, Array3, arr1, arr2, s};

fn driven() -> Lyapunov {
    Lyapunov { drive: Some(Drive::Input), ..Lyapunov::default() }
}

fn bits(settings: &Lyapunov, system: &Driven, starts: &Array2<f64>, inputs: &Array3<f64>) -> Vec<f64> {
    let (spectrum, _) = lyapunov_driven(settings, system, starts.view(), inputs.view()).expect("it applies");
    spectrum.exponents.iter().map(|exponent| exponent.bits_per_timestep).collect()
}

/// The mean of `log2 |w φ'|`, with the input of the same step.
#[test]
fn one_unit_has_the_mean_of_its_slopes() {
    let (weight, input_weight, bias) = (1.7, 0.6, 0.1);
    let system = Autonomous::new(arr2(&[[weight]]), arr1(&[bias]), Nonlinearity::Tanh, Rule::Map);
    let system = Driven::new(system.expect("sound"), arr2(&[[input_weight]])).expect("sound");
    let inputs =
        Array3::from_shape_fn((4, 25, 1), |(trial, step, _)| ((trial * 25 + step) as f64 * 1.3).sin());
    let slopes = |left_out: usize| {
        let (mut state, mut total) = (0.3_f64, 0.0);
        for (step, input) in inputs.iter().enumerate() {
            let current = state * weight + input * input_weight + bias;
            if step >= left_out {
                total += weight.log2() - 2.0 * current.cosh().log2();
            }
            state = current.tanh();
        }
        total / (inputs.len() - left_out) as f64
    };
    let starts = arr2(&[[0.3], [0.3]]);
    let found = bits(&driven(), &system, &starts, &inputs);
    assert!((found[0] - slopes(0)).abs() < 1e-13);
    let without = Lyapunov { burn_in_trials: Some(1), ..driven() };
    assert!((bits(&without, &system, &starts, &inputs)[0] - slopes(25)).abs() < 1e-13);
}

#[test]
fn an_input_that_stays_is_a_constant_input() {
    let weights = Array2::from_shape_fn((5, 5), |(i, j)| 0.8 * (((i * 5 + j) * (i * 5 + j)) as f64).sin());
    let system = Autonomous::new(weights, Array1::zeros(5), Nonlinearity::Tanh, Rule::Map).expect("sound");
    let input_weights = Array2::from_shape_fn((2, 5), |(i, j)| ((i + 2 * j) as f64).cos());
    let input = arr1(&[0.4, -0.3]);
    let constant = system.clone().with_input(input_weights.view(), input.view()).expect("shapes agree");
    let (one, none) = (Driven::new(system, input_weights).expect("sound"), Array2::zeros((0, 5)));
    let nothing = Driven::new(constant, none).expect("sound");
    let starts = initial_states(3, 2, 5);
    let inputs = Array3::from_shape_fn((6, 10, 2), |(_, _, k)| input[k]);
    let same = bits(&driven(), &nothing, &starts, &Array3::zeros((6, 10, 0)));
    for (a, b) in bits(&driven(), &one, &starts, &inputs).iter().zip(same) {
        assert!((a - b).abs() < 1e-12, "{a} and {b}");
    }
}

#[test]
fn every_recurrent_network_can_be_driven_and_its_table_repeats() {
    for params in common::each_kind() {
        let run = common::Run::trained(params);
        let analysis = Lyapunov { exponents: Some(2), samples: Some(6), ..driven() };
        if run.params.network.kind == NetworkKind::Feedforward {
            assert!(analysis.run(&run.subject()).is_err());
            continue;
        }
        assert!(analysis.shows_samples() && !Lyapunov::default().shows_samples());
        let table = analysis.run(&run.subject()).expect("it applies");
        assert_eq!(table, analysis.run(&run.subject()).expect("it applies"));
        assert_eq!(
            table.integers("iterations").expect("there")[0],
            Some(6 * 5),
            "{}",
            run.params.network.kind
        );
        let (_, network) = &run.checkpoints[0];
        let system = Driven::of(network).expect("finite").expect("recurrent");
        assert_eq!(system.inputs(), run.params.inputs());
    }
}

#[test]
fn a_spread_over_initial_conditions_is_a_reason() {
    let system = Autonomous::new(arr2(&[[3.0]]), arr1(&[0.0]), Nonlinearity::Tanh, Rule::Map).expect("sound");
    let system = Driven::new(system, arr2(&[[1.0]])).expect("sound");
    let inputs = Array3::from_elem((1, 5, 1), 0.4);
    let starts = arr2(&[[2.0], [-0.2], [-2.0]]);
    let (spectrum, _) =
        lyapunov_driven(&driven(), &system, starts.view(), inputs.view()).expect("it applies");
    assert_eq!(spectrum.outcome, Outcome::TrialLimit);
    let reason = spectrum.reason(&spectrum.exponents[0]).expect("not converged");
    assert_eq!(reason, "the standard error is above `tolerance` after all trials");
    let one = starts.slice(s![..1, ..]);
    let (spectrum, _) = lyapunov_driven(&driven(), &system, one, inputs.view()).expect("it applies");
    assert_eq!((spectrum.outcome, spectrum.exponents[0].standard_error), (Outcome::Converged, None));
}

#[test]
fn the_default_has_the_text_that_it_always_had() {
    let text = AnalysisSpec::from(Lyapunov::default()).canonical();
    assert!(!text.contains("drive") && !text.contains("samples"), "{text}");
    let given = AnalysisSpec::from(Lyapunov { samples: Some(7), ..driven() }).canonical();
    assert!(given.ends_with(r#""drive":"input","samples":7}"#), "{given}");
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    let run = common::Run::untrained(common::small());
    let refused = |analysis: Lyapunov| analysis.check(&run.params).expect_err("refused").to_string();
    assert_eq!(
        refused(Lyapunov { samples: Some(5), ..Lyapunov::default() }),
        "`lyapunov.samples`: expected none, because it belongs to `drive = input`, found 5"
    );
    assert_eq!(
        refused(Lyapunov { samples: Some(5), burn_in_trials: Some(5), ..driven() }),
        "`lyapunov.burn_in_trials`: expected fewer than the 5 trials (`samples`), found 5"
    );
    assert_eq!(
        refused(Lyapunov { burn_in: 100, ..driven() }),
        "`lyapunov.burn_in`: expected the default, 500, because with `drive` the trials determine how long \
         it takes (`samples`, `burn_in_trials`), found 100"
    );
    let paper = concertina_analysis::lyapunov::Stopping::Paper;
    assert!(refused(Lyapunov { stopping: paper, ..driven() }).contains("for networks without input"));
    let system = Autonomous::new(arr2(&[[0.5]]), arr1(&[0.0]), Nonlinearity::Tanh, Rule::Map).expect("sound");
    assert!(driven().spectrum(&system, 0).is_err());
    assert!(Driven::new(system.clone(), arr2(&[[0.5, 1.0]])).is_err());
    assert!(Driven::new(system.clone(), arr2(&[[f64::NAN]])).is_err());
    let system = Driven::new(system, arr2(&[[0.5]])).expect("sound");
    let starts = arr2(&[[0.1]]);
    for inputs in [Array3::zeros((0, 3, 1)), Array3::zeros((2, 3, 2)), Array3::from_elem((2, 3, 1), f64::NAN)]
    {
        assert!(lyapunov_driven(&driven(), &system, starts.view(), inputs.view()).is_err());
    }
}

#[test]
fn the_names_of_fixed_point_finder_mean_the_same() {
    let read = |text: &str| AnalysisSpec::from_table(toml(text));
    let expected: AnalysisSpec =
        FixedPoints { tolerance: 1e-20, unique: 0.01, max_iterations: 7, ..FixedPoints::default() }.into();
    let names = "analysis = 'fixed_points'\ntol_q = 1e-20\ntol_unique = 0.01\nmax_iters = 7";
    assert_eq!(read(names).expect("known"), expected);
    let json = r#"{"analysis": "fixed_points", "tol_q": 1e-20, "tol_unique": 0.01, "max_iters": 7}"#;
    assert_eq!(serde_json::from_str::<AnalysisSpec>(json).expect("known"), expected);
    let both = read("analysis = 'fixed_points'\ntol_q = 1e-20\ntolerance = 1e-20").expect_err("twice");
    assert_eq!(
        both.to_string(),
        "analysis `fixed_points`: `tol_q` and `tolerance` are two names of one setting"
    );
    let wrong = read("analysis = 'fixed_points'\nmax_iters = 'many'").expect_err("a word");
    assert!(wrong.to_string().contains("`max_iterations`: expected a whole number, found `many`"), "{wrong}");
}

fn toml(text: &str) -> toml::Table {
    text.parse().expect("valid TOML")
}
