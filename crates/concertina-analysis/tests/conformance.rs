//! Properties that every analysis guarantees, tested for all of them on every kind of network.

mod common;

use std::collections::BTreeSet;

use concertina_analysis::finite_time::Method;
use concertina_analysis::lyapunov::Drive;
use concertina_analysis::{
    Accuracy, Analysis, AnalysisSpec, Autocorrelation, Between, ClassDistances, Classifier, ClusterHoldout,
    CovariantVectors, Decoding, DecodingTarget, DecodingTest, EffectiveDimension, Error, FiniteTime,
    FixedPoints, IntrinsicDimension, Kernel, Loss, Lyapunov, ManifoldCapacity, OrthogonalCompression,
    PcaSnapshots, Performance, Reference, RepresentationSimilarity, Saturation, Spectrum, Subject, Timestep,
    Timesteps, VaryingWeights, WeightVariance,
};
use concertina_model::network::Network;
use concertina_model::params::{LossKind, NetworkKind, Nonlinearity};

/// Every analysis, with parameters for a small network.
fn every_analysis() -> Vec<AnalysisSpec> {
    let all: Vec<AnalysisSpec> = vec![
        EffectiveDimension { samples: 20, ..EffectiveDimension::default() }.into(),
        Accuracy { samples: 20 }.into(),
        Loss { samples: 20 }.into(),
        PcaSnapshots { samples: 20, drawn: 10, ..PcaSnapshots::default() }.into(),
        Lyapunov { exponents: Some(3), burn_in: 10, max_iterations: 60, ..Lyapunov::default() }.into(),
        ClusterHoldout { samples: 20, splits: 2, ..ClusterHoldout::default() }.into(),
        Saturation { samples: 20, ..Saturation::default() }.into(),
        ClassDistances { samples: 20, ..ClassDistances::default() }.into(),
        OrthogonalCompression { samples: 20, ..OrthogonalCompression::default() }.into(),
        WeightVariance { window: 2, ..WeightVariance::default() }.into(),
        Autocorrelation { samples: 20, ..Autocorrelation::default() }.into(),
        Spectrum::default().into(),
        FixedPoints { starts: 20, ..FixedPoints::default() }.into(),
        Performance { samples: 20 }.into(),
        RepresentationSimilarity { samples: 20, ..RepresentationSimilarity::default() }.into(),
        IntrinsicDimension { samples: 20, k_min: 5, k_max: 10, ..IntrinsicDimension::default() }.into(),
        Decoding { samples: 20, folds: 3, ..Decoding::default() }.into(),
        Kernel { samples: 20 }.into(),
        ManifoldCapacity { samples: 20, directions: 10, ..ManifoldCapacity::default() }.into(),
        FiniteTime { samples: 6, ..FiniteTime::default() }.into(),
        short_covariant_vectors().into(),
    ];
    let names: Vec<&str> = all.iter().map(Analysis::name).collect();
    assert_eq!(names, AnalysisSpec::NAMES, "an analysis is missing here");
    all
}

fn short_covariant_vectors() -> CovariantVectors {
    CovariantVectors { settle: 20, forward: 40, window: 5, backward: 40, ..Default::default() }
}

/// Every analysis, and additional variants whose parameters make them compute something entirely different.
fn every_variant() -> Vec<AnalysisSpec> {
    let mut all = every_analysis();
    all.push(ClusterHoldout { samples: 20, classifier: Classifier::Svm, ..ClusterHoldout::default() }.into());
    let beside_class_means = Reference::ClassMeans;
    all.push(
        OrthogonalCompression { samples: 20, reference: beside_class_means, ..Default::default() }.into(),
    );
    all.push(WeightVariance { window: 2, of: VaryingWeights::Product }.into());
    let timesteps =
        RepresentationSimilarity { samples: 20, between: Between::Timestep, ..Default::default() };
    all.push(timesteps.into());
    let across = Decoding { samples: 20, folds: 2, testing: DecodingTest::Across, ..Default::default() };
    all.push(Decoding { target: DecodingTarget::Condition, classifier: Classifier::Svm, ..across }.into());
    let drive = Some(Drive::Input);
    all.push(Lyapunov { exponents: Some(3), drive, samples: Some(8), ..Lyapunov::default() }.into());
    all.push(FiniteTime { samples: 6, from: 1, method: Method::Qr, ..FiniteTime::default() }.into());
    all
}

/// The analyses that apply to the network of this run.
fn applicable(run: &common::Run) -> Vec<AnalysisSpec> {
    let mut all = every_variant();
    let every = all.len();
    all.retain(|analysis| !matches!(analysis.check(&run.params), Err(Error::NotApplicable { .. })));
    let kind = run.params.network.kind;
    let left_out = match kind {
        NetworkKind::Feedforward => 6, // Lyapunov spectra and vectors, finite-time rates and fixed points
        _ if kind.is_gated() => 2, // the spectrum, and the variance of products with the recurrent weights
        _ => 0,
    };
    assert_eq!(all.len(), every - left_out, "{kind}");
    all
}

/// Rates and cells are analysed as states are, and refused where a network has none.
#[test]
fn every_analysis_of_states_can_look_at_another_variable() {
    for params in common::each_kind() {
        let run = common::Run::untrained(params);
        let kind = run.params.network.kind;
        let mut seen = 0;
        for analysis in every_variant() {
            if !analysis.settings().iter().any(|setting| setting.name == "state") {
                continue;
            }
            seen += 1;
            let with = |state: &str| -> AnalysisSpec {
                let mut fields = serde_json::to_value(&analysis).expect("plain data");
                fields["state"] = state.into();
                serde_json::from_value(fields).expect("a setting")
            };
            for (state, exists) in [
                ("rates", matches!(kind, NetworkKind::Leaky | NetworkKind::Rate)),
                ("cell", kind == NetworkKind::Lstm),
            ] {
                let other = with(state);
                assert_ne!(other.canonical(), analysis.canonical());
                match other.run(&run.subject()) {
                    Ok(table) => {
                        assert!(exists, "{other:?} of {kind}");
                        let of_states = analysis.run(&run.subject()).expect("it applies");
                        assert!(table.column_names().eq(of_states.column_names()));
                        let is_linear = run.params.network.nonlinearity == Nonlinearity::Linear;
                        let same = is_linear || analysis.name() != "effective_dimension";
                        assert!(same || table != of_states, "{other:?} of {kind}");
                    }
                    Err(error) => {
                        assert!(!exists, "{other:?} of {kind}: {error}");
                        let text = error.to_string();
                        assert!(
                            text.contains(&format!("`state = {state}` of a network of kind `{kind}`")),
                            "{text}"
                        );
                    }
                }
            }
        }
        assert!(seen >= 6, "{seen} analyses of states");
    }
}

#[test]
fn every_analysis_works_on_every_kind_of_network() {
    for params in common::each_kind() {
        let run = common::Run::trained(params);
        for analysis in applicable(&run) {
            let table = analysis.run(&run.subject()).expect("it applies");
            let columns: Vec<&str> = table.column_names().collect();
            assert_eq!(columns[..2], ["epoch", "update"], "{analysis:?}");
            let updates: BTreeSet<_> = table.integers("update").expect("there").into_iter().collect();
            assert_eq!(updates, BTreeSet::from([Some(0), Some(4)]), "{analysis:?}");
            for (name, _) in table.columns() {
                for value in table.floats(name).unwrap_or_default().into_iter().flatten() {
                    assert!(value.is_finite(), "{analysis:?}: {value} in `{name}`");
                }
            }
        }
    }
}

#[test]
fn the_same_subject_gives_the_same_table_and_is_unchanged() {
    let run = common::Run::trained(common::small());
    let weights: Vec<_> = run.checkpoints.iter().map(|(_, network)| network.weights().clone()).collect();
    for analysis in every_variant() {
        let once = analysis.run(&run.subject()).expect("it applies");
        assert_eq!(once, analysis.run(&run.subject()).expect("it applies"), "{analysis:?}");
    }
    for ((_, network), weights) in run.checkpoints.iter().zip(&weights) {
        assert_eq!(network.weights(), weights);
    }
}

#[test]
fn no_checkpoints_give_no_rows_but_the_same_columns() {
    let run = common::Run::trained(common::small());
    for analysis in every_variant() {
        let nothing = analysis.run(&Subject { checkpoints: &[], ..run.subject() }).expect("it applies");
        assert!(nothing.is_empty(), "{analysis:?}");
        let something = analysis.run(&run.subject()).expect("it applies");
        assert!(nothing.column_names().eq(something.column_names()), "{analysis:?}");
    }
}

#[test]
fn a_checkpoint_analysed_separately_has_the_same_rows_whichever_others_are_requested() {
    let run = common::Run::trained(common::small());
    let mut together = Vec::new();
    for analysis in every_variant() {
        if !analysis.per_checkpoint() {
            together.push(analysis.name());
            continue;
        }
        let mut one_by_one =
            analysis.run(&Subject { checkpoints: &[], ..run.subject() }).expect("it applies");
        for checkpoint in run.checkpoints.chunks(1) {
            let rows =
                analysis.run(&Subject { checkpoints: checkpoint, ..run.subject() }).expect("it applies");
            one_by_one.append(&rows).expect("the same columns");
        }
        assert_eq!(one_by_one, analysis.run(&run.subject()).expect("it applies"), "{analysis:?}");
    }
    let expected = [
        "orthogonal_compression",
        "weight_variance",
        "representation_similarity",
        "orthogonal_compression",
        "weight_variance",
    ];
    assert_eq!(together, expected, "analyses of several checkpoints together have tests of their own");
}

#[test]
fn a_silent_network_has_results_and_undefined_values_are_null() {
    let run = common::Run::untrained(common::small()).with_weights(|weights| {
        weights.input.fill(0.0);
        weights.biases[0].fill(0.3);
    });
    for analysis in every_variant() {
        let table = analysis.run(&run.subject()).expect("equal states are no error");
        if analysis.name() == "effective_dimension" {
            let found = table.floats("effective_dimension").expect("there");
            assert!(found[0].is_some(), "the inputs differ");
            assert!(found[1..].iter().all(Option::is_none), "the states do not: {found:?}");
        }
    }
}

#[test]
fn states_that_grow_out_of_range_are_named() {
    let mut params = common::small();
    params.network.nonlinearity = concertina_model::params::Nonlinearity::Linear;
    let run = common::Run::untrained(params).with_weights(|weights| weights.recurrent[0].fill(1e9));
    for analysis in every_variant() {
        let outcome = analysis.run(&run.subject());
        match analysis.name() {
            "lyapunov" | "weight_variance" | "spectrum" | "finite_time" | "covariant_vectors" => {
                assert!(outcome.is_ok(), "only the weights are used, and these are finite")
            }
            "accuracy" => {} // outputs can still be compared
            name => {
                let error = outcome.expect_err(name);
                let text = error.to_string();
                assert!(text.contains("expected finite numbers, found"), "{name}: {text}");
                if !["loss", "performance"].contains(&name) {
                    assert!(
                        text.starts_with("states at timestep 4: ") && text.contains("sample 0, unit 0"),
                        "{name}: {text}"
                    );
                }
                assert!(error.hint().is_some(), "{name}");
            }
        }
    }
}

#[test]
fn weights_that_are_nan_are_refused_before_any_analysis() {
    let run = common::Run::untrained(common::small());
    let mut weights = run.checkpoints[0].1.weights().clone();
    weights.recurrent[0][[2, 5]] = f32::NAN;
    let error = Network::new(&run.params, weights).expect_err("refused");
    assert_eq!(error.to_string(), "`recurrent_weights`: expected finite numbers, found NaN at [2, 5]");
}

#[test]
fn one_sample_is_refused_where_it_is_not_enough() {
    let run = common::Run::untrained(common::small());
    for name in AnalysisSpec::NAMES {
        let text = format!(r#"{{"analysis": "{name}", "samples": 1}}"#);
        let Ok(analysis) = serde_json::from_str::<AnalysisSpec>(&text) else {
            let without = ["weight_variance", "spectrum", "fixed_points", "covariant_vectors"];
            assert!(without.contains(name), "{name} takes no samples");
            continue;
        };
        match analysis.run(&run.subject()) {
            Ok(_) => assert!(
                {
                    let enough =
                        ["accuracy", "loss", "saturation", "autocorrelation", "performance", "finite_time"];
                    enough.contains(name)
                },
                "{name}"
            ),
            Err(error) => assert!(
                error.to_string().starts_with(&format!("`{name}.samples`: expected at least"))
                    || *name == "lyapunov" && error.to_string().contains("belongs to `drive = input`"),
                "{error}"
            ),
        }
    }
}

#[test]
fn no_default_is_refused_for_the_smallest_networks_and_tasks() {
    for (units, input_dim, clusters, delay, loss) in [
        (1, 1, 2, 1, LossKind::CrossEntropy),
        (1, 3, 4, 3, LossKind::MseScalar),
        (2, 1, 3, 2, LossKind::MseScalar),
        (2, 5, 10, 1, LossKind::Mse),
        (3, 1, 4, 10, LossKind::CrossEntropy),
    ] {
        for mut params in common::each_kind() {
            params.network.units = units;
            params.task.input_dim = input_dim;
            params.task.clusters = clusters;
            params.task.delay = delay;
            params.train.loss = loss;
            let run = common::Run::trained(params);
            for name in AnalysisSpec::NAMES.iter().filter(|name| **name != "lyapunov") {
                let analysis = AnalysisSpec::named(name).expect("known");
                match analysis.run(&run.subject()) {
                    Ok(table) => assert!(!table.is_empty(), "{name}, {units} units"),
                    Err(Error::NotApplicable { .. }) => {
                        let few_clusters = *name == "cluster_holdout" && clusters < 4;
                        let no_loop = run.params.network.kind == NetworkKind::Feedforward;
                        let dynamics = ["fixed_points", "finite_time", "covariant_vectors"];
                        let no_state = dynamics.contains(name) && no_loop;
                        let no_weights = *name == "spectrum" && delay == 1;
                        let gates = run.params.network.kind.is_gated() && *name == "spectrum";
                        assert!(few_clusters || no_state || no_weights || gates, "{name}, {units} units")
                    }
                    Err(error) => panic!("{name}, {units} units, {clusters} clusters: {error}"),
                }
            }
        }
    }
}

#[test]
fn layers_take_the_place_of_timesteps_and_there_is_none_past_the_last() {
    let mut params = common::small();
    params.network.kind = NetworkKind::Feedforward;
    let run = common::Run::untrained(params);
    let table = EffectiveDimension { samples: 20, ..EffectiveDimension::default() }
        .run(&run.subject())
        .expect("valid");
    assert_eq!(table.integers("timestep").expect("there"), (-1..5).map(Some).collect::<Vec<_>>());
    let beyond: [AnalysisSpec; 10] = [
        EffectiveDimension { extend_to: Some(Timestep(5)), ..EffectiveDimension::default() }.into(),
        PcaSnapshots { timesteps: Timesteps::these([5]), ..PcaSnapshots::default() }.into(),
        ClusterHoldout { extend_to: Some(Timestep(9)), ..ClusterHoldout::default() }.into(),
        Saturation { extend_to: Some(Timestep(5)), ..Saturation::default() }.into(),
        ClassDistances { timesteps: Timesteps::these([7]), ..ClassDistances::default() }.into(),
        OrthogonalCompression { extend_to: Some(Timestep(5)), ..OrthogonalCompression::default() }.into(),
        Autocorrelation { timesteps: Timesteps::these([5]), ..Autocorrelation::default() }.into(),
        RepresentationSimilarity { extend_to: Some(Timestep(5)), ..Default::default() }.into(),
        IntrinsicDimension { timesteps: Timesteps::these([5]), ..Default::default() }.into(),
        Decoding { extend_to: Some(Timestep(9)), ..Decoding::default() }.into(),
    ];
    for analysis in beyond {
        let error = analysis.run(&run.subject()).expect_err("refused");
        assert!(matches!(error, Error::NotApplicable { .. }), "{error}");
        assert!(error.to_string().contains("there is none past the last"), "{error}");
    }
}

#[test]
fn every_analysis_reads_what_it_writes_and_has_one_canonical_text() {
    for name in AnalysisSpec::NAMES {
        let by_name = AnalysisSpec::named(name).expect("known");
        let short: AnalysisSpec =
            serde_json::from_str(&format!(r#"{{"analysis": "{name}"}}"#)).expect("known");
        let written = serde_json::to_string(&short).expect("plain data");
        let long: AnalysisSpec = serde_json::from_str(&written).expect("known");
        assert_eq!((&by_name, &short), (&short, &long));
        assert_eq!(by_name.canonical(), long.canonical());
        assert!(by_name.canonical().starts_with(&format!("{name} {} {{", by_name.version())));
    }
    let canonical = |text| serde_json::from_str::<AnalysisSpec>(text).expect("known").canonical();
    assert_eq!(
        canonical(r#"{"timesteps": [9, -1, 9], "samples": 500, "analysis": "cluster_holdout"}"#),
        canonical(r#"{"analysis": "cluster_holdout", "c": 1.0, "timesteps": [-1, 9]}"#)
    );
}

/// Names, versions and settings in the order of their fields, which identify results in stores.
#[test]
fn canonical_texts_are_frozen() {
    let all: Vec<String> = AnalysisSpec::NAMES
        .iter()
        .map(|name| AnalysisSpec::named(name).expect("known").canonical())
        .collect();
    assert_eq!(all.join("\n"), FROZEN);
}

const FROZEN: &str = r#"effective_dimension 3 {"samples":500,"timesteps":"all","extend_to":null}
accuracy 2 {"samples":1000}
loss 1 {"samples":1000}
pca_snapshots 2 {"samples":800,"drawn":600,"components":2,"timesteps":"all","extend_to":null}
lyapunov 2 {"exponents":null,"stopping":"converged","tolerance":0.002,"burn_in":500,"max_iterations":10000,"initial_conditions":10}
cluster_holdout 2 {"samples":500,"timesteps":"all","extend_to":null,"splits":5,"training_share":0.8,"classifier":"logistic","c":1.0}
saturation 1 {"samples":1000,"timesteps":"all","extend_to":null}
class_distances 1 {"samples":1000,"timesteps":"all","extend_to":null}
orthogonal_compression 2 {"samples":1000,"timesteps":"all","extend_to":null,"reference":"readout"}
weight_variance 1 {"of":"readout","window":10}
autocorrelation 2 {"samples":1000,"timesteps":"all","extend_to":null}
spectrum 2 {}
fixed_points 2 {"starts":200,"noise":0.0,"tolerance":1e-24,"slow":1e-6,"unique":0.001,"max_iterations":500,"input":null}
performance 1 {"samples":1000}
representation_similarity 2 {"samples":200,"timesteps":"all","extend_to":null,"between":"checkpoint","reference":"first","measure":"all","distance":"euclidean"}
intrinsic_dimension 1 {"samples":500,"timesteps":"all","extend_to":null,"discarded":0.1,"k_min":10,"k_max":20}
decoding 1 {"samples":500,"timesteps":"all","extend_to":null,"target":"class","testing":"same","folds":5,"classifier":"logistic","c":1.0}
kernel 1 {"samples":200}
manifold_capacity 1 {"samples":500,"timesteps":"all","extend_to":null,"manifolds":"condition","directions":300}
finite_time 2 {"samples":100,"exponents":null,"from":0,"method":"singular_values"}
covariant_vectors 1 {"vectors":null,"settle":500,"forward":500,"window":100,"backward":500,"tolerance":0.001}"#;

#[test]
fn analyses_of_different_types_can_be_used_together() {
    let run = common::Run::trained(common::small());
    let (loss, dimension) = (Loss { samples: 20 }, EffectiveDimension { samples: 20, ..Default::default() });
    let analyses: [&dyn Analysis; 2] = [&loss, &dimension];
    for (analysis, spec) in
        analyses.into_iter().zip([AnalysisSpec::from(loss.clone()), dimension.clone().into()])
    {
        let canonical = format!(
            "{} {} {}",
            analysis.name(),
            analysis.version(),
            analysis.settings_json().expect("plain")
        );
        assert_eq!(canonical, spec.canonical());
        assert_eq!(
            analysis.run(&run.subject()).expect("a table"),
            spec.run(&run.subject()).expect("a table")
        );
    }
}

#[test]
fn an_unknown_parameter_is_refused_with_the_list_of_known_ones() {
    for name in AnalysisSpec::NAMES {
        let text = format!(r#"{{"analysis": "{name}", "sampels": 500}}"#);
        let error = serde_json::from_str::<AnalysisSpec>(&text).expect_err("refused").to_string();
        let others = if *name == "spectrum" { "there are no fields" } else { "expected" };
        assert!(error.starts_with(&format!("unknown field `sampels`, {others}")), "{error}");
    }
}

#[test]
fn every_reference_is_in_the_bibliography() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../references.bib");
    let text = std::fs::read_to_string(path).expect("the bibliography");
    let keys: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with('@'))
        .filter_map(|line| line.split_once('{')?.1.strip_suffix(','))
        .collect();
    let entries: BTreeSet<&str> = keys.iter().copied().collect();
    assert_eq!(entries.len(), keys.len(), "two entries have one key");
    for analysis in every_variant() {
        assert!(!analysis.references().is_empty(), "{}", analysis.name());
        for key in analysis.references() {
            assert!(entries.contains(key), "`{key}` of `{}` is not in references.bib", analysis.name());
        }
    }
}

/// The page of the analyses.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/analyses.md");

/// The first cell of each row of the first table.
fn first_cells(text: &str) -> Vec<String> {
    let rows = text.lines().skip_while(|line| !line.starts_with("| analysis |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').nth(1).expect("a cell").trim().to_owned()).collect()
}

#[test]
fn the_tables_of_the_documentation_are_the_list_of_analyses() {
    let page = std::fs::read_to_string(PAGE).expect("the page");
    let names = AnalysisSpec::NAMES.iter().map(|name| format!("[`{name}`](#{name})"));
    assert_eq!(first_cells(&page), names.collect::<Vec<_>>());

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs");
    let crate_docs = std::fs::read_to_string(path).expect("the crate").replace("//! ", "");
    macro_rules! links {
        ($($name:ident: $analysis:ident,)*) => { [$(concat!("[`", stringify!($analysis), "`]")),*] };
    }
    let links = concertina_analysis::each_analysis!(links);
    assert_eq!(first_cells(&crate_docs).join(", "), links.join(", "));
}

#[test]
fn the_page_of_the_analyses_names_every_column_setting_and_source() {
    let path = PAGE;
    let page = std::fs::read_to_string(path).expect("the page");
    let mut sections = page.split("\n## ");
    let introduction = sections.next().into_iter().chain(sections.next()).collect::<String>();
    let sections: Vec<&str> = sections.collect();
    let run = common::Run::trained(common::small());
    let mut missing = Vec::new();
    for analysis in every_variant() {
        let name = analysis.name();
        let heading = format!("`{name}`\n");
        let section = sections.iter().find(|section| section.starts_with(&heading));
        let section = section.unwrap_or_else(|| panic!("{path} has no section on `{name}`"));
        let table = analysis.run(&run.subject()).expect("a table");
        let columns = table.columns().map(|(column, _)| format!("`{column}`"));
        let known = |word: &String| section.contains(word.as_str()) || introduction.contains(word.as_str());
        missing
            .extend(columns.filter(|column| !known(column)).map(|column| format!("{name}: column {column}")));
        for key in analysis.references() {
            if !section.contains(&format!("`{key}`")) {
                missing.push(format!("{name}: source `{key}`"));
            }
        }
        let default = AnalysisSpec::named(name).expect("its own name");
        let settings = serde_json::to_value(default).expect("plain data");
        for (setting, value) in settings.as_object().expect("named fields") {
            let default = match value {
                serde_json::Value::Null => "none".to_owned(),
                serde_json::Value::String(text) => format!("`{text}`"),
                number => match number.as_f64().expect("a number") {
                    tiny if tiny.abs() < 1e-5 && tiny != 0.0 => format!("{tiny:e}"),
                    number => number.to_string(),
                },
            };
            let says = |line: &str| {
                line.starts_with('|') && line.contains(&format!("`{setting}`")) && line.contains(&default)
            };
            if setting != "analysis" && !section.lines().any(says) {
                missing.push(format!("{name}: setting `{setting}`, default {default}"));
            }
        }
    }
    assert!(missing.is_empty(), "docs/reference/analyses.md does not name\n{}", missing.join("\n"));
}

/// Entries say where a reader finds the source, and who wrote it when.
#[test]
fn every_entry_of_the_bibliography_is_complete() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../references.bib");
    let text = std::fs::read_to_string(path).expect("the bibliography");
    for entry in text.split("\n@").skip(1) {
        let (kind, rest) = entry.split_once('{').expect("an entry");
        let needed: &[&str] = match kind {
            "article" => &["author", "title", "journal", "year"],
            "inproceedings" | "incollection" => &["author", "title", "booktitle", "year"],
            "book" => &["author", "title", "publisher", "year"],
            "techreport" => &["author", "title", "institution", "year"],
            "misc" => &["author", "title", "year"],
            other => panic!("an entry of the kind `{other}`"),
        };
        let has = |field: &str| rest.lines().any(|line| line.trim_start().starts_with(field));
        let missing: Vec<_> = needed.iter().filter(|field| !has(field)).collect();
        assert!(missing.is_empty(), "{}: {missing:?}", rest.lines().next().expect("a key"));
    }
}
