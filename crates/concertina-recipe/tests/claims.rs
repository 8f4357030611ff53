//! Claims: what a recipe may state, and how its statements are judged.

mod support;

use concertina_recipe::{
    Absent, Error, Evidence, Judgement, OriginKind, PublishedTables, RECIPES, Recipe, Result, Verdict,
};
use concertina_table::{Scalar, Table};
use support::Rows;

const RECIPE: &str = r#"
figure = "mine"

[runs.all]
sweep = { gain = [20, 250] }

[[panels]]
letter = "a"
runs = "all"
analysis = { analysis = "effective_dimension" }
checkpoints = "ends"
draw = { x = "timestep", y = "effective_dimension", hue = "gain", style = "stage", band = "gamma" }

[measurements.exponents]
runs = "all"
analysis = { analysis = "lyapunov" }

[[claims]]
name = "compression"
statement = "Training compresses."
table = "a"
value = "effective_dimension"
where = { timestep = 9 }
each = { gain = [20, 250] }
compare = { column = "stage", first = "after", second = "before" }
expect = "less"

[[published]]
table = "a"
file = "fig2_effective_dimension"
keys = ["gain", "stage", "timestep"]
values = { effective_dimension = { resolution = 0.01 } }
"#;

fn text_of(error: &Error) -> String {
    error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}\nhint: {hint}"))
}

fn recipe_with(from: &str, to: &str) -> Result<Recipe> {
    assert!(RECIPE.contains(from), "{from}");
    Recipe::from_toml("mine.toml", &RECIPE.replace(from, to))
}

/// The error for the recipe with `from` replaced by `to`.
#[track_caller]
fn wrong(from: &str, to: &str) -> String {
    text_of(&recipe_with(from, to).expect_err("it should not be read"))
}

/// Effective dimensions: before training, 30, and 20 at the first timestep; after training as given, for each
/// realisation.
fn table(after: impl Fn(u64, f64) -> Option<f64>, seeds: std::ops::Range<u64>) -> Table {
    let mut rows = Rows::default();
    for gain in [20.0, 250.0] {
        for seed in seeds.clone() {
            for stage in ["before", "after"] {
                for timestep in [0_i64, 9] {
                    let value = match (stage, timestep) {
                        (_, 0) => Some(20.0),
                        ("before", _) => Some(30.0 + seed as f64),
                        _ => after(seed, gain),
                    };
                    rows.push(&[
                        ("gain", gain.into()),
                        ("seed", (seed as i64).into()),
                        ("stage", stage.into()),
                        ("timestep", timestep.into()),
                        ("effective_dimension", value.map_or(Scalar::Null, Scalar::from)),
                    ]);
                }
            }
        }
    }
    rows.table()
}

#[track_caller]
fn judged_of(recipe: Result<Recipe>, table: &Table, seeds: &[u64], absent: &[Absent]) -> Judgement {
    let recipe = recipe.unwrap_or_else(|error| panic!("{}", text_of(&error)));
    let judgement = recipe.claims[0].judge(&Evidence { table, seeds, absent });
    judgement.unwrap_or_else(|error| panic!("{}", text_of(&error)))
}

#[track_caller]
fn judged(table: &Table, seeds: &[u64]) -> Judgement {
    judged_of(Recipe::from_toml("mine.toml", RECIPE), table, seeds, &[])
}

const FIVE: [u64; 5] = [0, 1, 2, 3, 4];

#[test]
fn what_holds_in_all_of_five_realisations_is_reproduced() {
    let judgement = judged(&table(|seed, _| Some(1.0 + 0.5 * seed as f64), 0..5), &FIVE);
    assert_eq!(judgement.verdict, Verdict::Reproduced);
    assert_eq!(judgement.findings.len(), 2);
    let finding = &judgement.findings[0];
    assert_eq!((finding.group[0].column.as_str(), finding.group[0].value.as_str()), ("gain", "20"));
    // differences -29, -29.5, -30, -30.5, -31
    assert_eq!((finding.mean, finding.p), (Some(-30.0), Some(1.0 / 32.0)));
    let deviation = 0.625_f64.sqrt();
    assert!((finding.effect_size.expect("they differ") + 30.0 / deviation).abs() < 1e-12);
    let half = 2.776_445_105 * deviation / 5.0_f64.sqrt();
    assert!((finding.low.expect("five") - (-30.0 - half)).abs() < 1e-8);
    assert!((finding.high.expect("five") - (-30.0 + half)).abs() < 1e-8);
}

#[test]
fn one_group_that_is_undecided_or_contradicted_decides_on_the_claim() {
    let verdicts = |judgement: &Judgement| -> Vec<Verdict> {
        judgement.findings.iter().map(|finding| finding.verdict).collect()
    };
    // One of five realisations differs: too little to say.
    let open_at_250 = |seed: u64, gain: f64| Some(if gain > 100.0 && seed == 2 { 60.0 } else { 1.0 });
    let judgement = judged(&table(open_at_250, 0..5), &FIVE);
    assert_eq!(judgement.verdict, Verdict::Undecided);
    assert_eq!(verdicts(&judgement), [Verdict::Reproduced, Verdict::Undecided]);
    // The opposite in one of two groups has p = 1/32 with five, which is above 0.05 / 2, and 1/64 with six.
    let fails_at_250 = |seed: u64, gain: f64| Some(if gain > 100.0 { 60.0 + seed as f64 } else { 1.0 });
    let judgement = judged(&table(fails_at_250, 0..5), &FIVE);
    assert_eq!(verdicts(&judgement), [Verdict::Reproduced, Verdict::Undecided]);
    let judgement = judged(&table(fails_at_250, 0..6), &[0, 1, 2, 3, 4, 5]);
    assert_eq!(judgement.verdict, Verdict::Contradicted);
    assert_eq!(verdicts(&judgement), [Verdict::Reproduced, Verdict::Contradicted]);
    assert_eq!(judgement.findings[1].p_opposite, Some(1.0 / 64.0));
}

#[test]
fn the_opposite_in_all_of_five_realisations_contradicts_a_claim_of_one_group() {
    let one = || recipe_with("gain = [20, 250] }\ncompare", "gain = [20] }\ncompare");
    let data = table(|seed, _| Some(50.0 + seed as f64), 0..5);
    let judgement = judged_of(one(), &data, &FIVE, &[]);
    assert_eq!(judgement.verdict, Verdict::Contradicted);
    let finding = &judgement.findings[0];
    assert_eq!((finding.p, finding.p_opposite), (Some(1.0), Some(1.0 / 32.0)));
    // Four of five agree, which says nothing yet.
    let mixed = table(|seed, _| Some(if seed == 2 { 10.0 } else { 50.0 + seed as f64 }), 0..5);
    assert_eq!(judged_of(one(), &mixed, &FIVE, &[]).verdict, Verdict::Undecided);
}

#[test]
fn the_power_of_the_test_is_reported() {
    let judgement = judged(&table(|seed, _| Some(1.0 + 0.5 * seed as f64), 0..5), &FIVE);
    let found = judgement.findings[0].detectable_effect.expect("five are enough");
    assert!((1.65..1.78).contains(&found), "{found}"); // Φ(1.71)^5 = 0.8
    let judgement = judged(&table(|_, _| Some(1.0), 0..4), &[0, 1, 2, 3]);
    assert_eq!(judgement.findings[0].detectable_effect, None);
}

#[test]
fn realisations_that_are_added_decide_a_claim_at_the_planned_looks() {
    let recipe = Recipe::from_toml("mine.toml", RECIPE).expect("a recipe");
    // The third of the first five is an exception; all later ones agree.
    let data = table(|seed, _| Some(if seed == 2 { 40.0 } else { 20.0 - 0.5 * seed as f64 }), 0..20);
    let looks = [5, 8, 12, 18, 20];
    let at = |count: u64| {
        let seeds: Vec<u64> = (0..count).collect();
        recipe.claims[0]
            .judge_at(&Evidence { table: &data, seeds: &seeds, absent: &[] }, &looks)
            .expect("judged")
    };
    let first = at(5);
    assert_eq!((first.verdict, first.findings[0].looks.as_slice()), (Verdict::Undecided, &looks[..1]));
    let decided = at(8);
    assert_eq!((decided.verdict, decided.findings[0].looks.as_slice()), (Verdict::Reproduced, &looks[..2]));
    // Realisations that are added for other claims change nothing.
    for count in [12, 18, 20] {
        let later = at(count);
        assert_eq!(later.verdict, Verdict::Reproduced);
        assert_eq!(
            (later.findings[0].p, &later.findings[0].looks),
            (decided.findings[0].p, &decided.findings[0].looks)
        );
    }
    // A planned test of a single look is the usual one.
    let seeds: Vec<u64> = (0..20).collect();
    let evidence = Evidence { table: &data, seeds: &seeds, absent: &[] };
    let once = recipe.claims[0].judge_at(&evidence, &[20]).expect("judged");
    assert_eq!(once, recipe.claims[0].judge(&evidence).expect("judged"));
}

#[test]
fn four_realisations_are_not_enough_however_clear_they_are() {
    let judgement = judged(&table(|_, _| Some(1.0), 0..4), &[0, 1, 2, 3]);
    assert_eq!(judgement.verdict, Verdict::Undecided);
    assert_eq!(judgement.findings[0].p, Some(1.0 / 16.0));
}

#[test]
fn no_difference_is_undecided() {
    let judgement = judged(&table(|seed, _| Some(30.0 + seed as f64), 0..5), &FIVE);
    assert_eq!(judgement.verdict, Verdict::Undecided);
    assert_eq!((judgement.findings[0].p, judgement.findings[0].effect_size), (Some(1.0), None));
}

#[test]
fn a_claim_about_nothing_is_never_reproduced() {
    for table in [Table::new(), table(|_, _| Some(1.0), 0..0), table(|_, _| None, 0..5)] {
        let judgement = judged(&table, &FIVE);
        assert_eq!(judgement.verdict, Verdict::Undecided);
        assert!(judgement.findings.iter().all(|one| one.left_out.len() == 5 && one.mean.is_none()));
    }
    let judgement = judged(&table(|_, _| Some(1.0), 0..5), &[]);
    assert_eq!(judgement.verdict, Verdict::Undecided);
    let every = recipe_with("expect = \"less\"", "expect = \"less\"\ntest = { every = 1 }");
    assert_eq!(judged_of(every, &Table::new(), &FIVE, &[]).verdict, Verdict::Undecided);
}

#[test]
fn what_has_no_value_is_left_out_and_the_reason_is_reported() {
    let table = table(|seed, _| (seed != 1).then_some(1.0), 0..7);
    let seed_3_at_250 = Absent {
        cells: vec![("gain".to_owned(), Scalar::Integer(250)), ("seed".to_owned(), Scalar::Integer(3))],
        reason: "diverged at epoch 2".to_owned(),
    };
    let seeds: Vec<u64> = (0..8).collect();
    let recipe = Recipe::from_toml("mine.toml", RECIPE);
    let judgement = judged_of(recipe, &table, &seeds, &[seed_3_at_250]);
    let left_out = |place: usize| -> Vec<(u64, &str)> {
        judgement.findings[place].left_out.iter().map(|one| (one.seed, one.reason.as_str())).collect()
    };
    assert_eq!(left_out(0), [(1, "undefined"), (7, "no such rows")]);
    assert_eq!(left_out(1), [(1, "undefined"), (3, "diverged at epoch 2"), (7, "no such rows")]);
    assert_eq!(judgement.verdict, Verdict::Reproduced);
    assert_eq!(judgement.findings[1].realisations.len(), 5);
}

#[test]
fn ratios_are_averaged_as_logarithms() {
    // 30 / 15, 31 / 15.5 ... are all 1/2, except one, which is 1/8
    let after = |seed: u64, _: f64| Some((30.0 + seed as f64) / if seed == 0 { 8.0 } else { 2.0 });
    let recipe = recipe_with("second = \"before\"", "second = \"before\", as = \"ratio\"");
    let finding = judged_of(recipe, &table(after, 0..5), &FIVE, &[]).findings[0].clone();
    let expected = 2.0_f64.powf(-(3.0 + 4.0) / 5.0);
    assert!((finding.mean.expect("five") - expected).abs() < 1e-12);
    assert!(finding.low.expect("five") < expected && finding.high.expect("five") > expected);
    let zero = recipe_with("second = \"before\"", "second = \"before\", as = \"ratio\"");
    let finding = judged_of(zero, &table(|_, _| Some(0.0), 0..5), &FIVE, &[]).findings[0].clone();
    assert_eq!(finding.left_out[0].reason, "not positive, so without a ratio");
}

#[test]
fn several_rows_become_one_number_or_are_refused() {
    let several = "each = { gain = [20, 250], stage = [\"after\"] }\nexpect = \"greater\"\n";
    let whole = RECIPE.split("where").next().expect("a beginning").to_owned() + several;
    let data = table(|seed, _| Some(22.0 + seed as f64), 0..5);
    let recipe = Recipe::from_toml("mine.toml", &whole).expect("a recipe");
    let error = recipe.claims[0].judge(&Evidence { table: &data, seeds: &FIVE, absent: &[] });
    insta::assert_snapshot!(text_of(&error.expect_err("two timesteps")), @r#"
        claim `compression`: expected one `effective_dimension` per realisation, found 2 of seed 0
        hint: tell them apart with `where` or `each`, or make one of them with `reduce`
    "#);
    let means = |take: &str| {
        let text = format!("{whole}reduce = {{ over = \"timestep\", take = \"{take}\" }}\n");
        judged_of(Recipe::from_toml("mine.toml", &text), &data, &FIVE, &[]).findings[0].mean.expect("five")
    };
    assert_eq!(means("max"), 24.0);
    assert_eq!(means("min"), 20.0);
    assert_eq!(means("mean"), 22.0);
    assert_eq!(means("last"), 24.0);
    assert_eq!(means("argmax"), 9.0);
    assert_eq!(means("count"), 2.0);
}

#[test]
fn no_row_counts_as_zero_only_where_the_realisation_was_analysed() {
    let text = RECIPE.split("where").next().expect("a beginning").to_owned()
        + "where = \"gain = 20 and stage = after and effective_dimension > 100\"\nexpect = \"less\"\nthan = 1\n"
        + "reduce = { over = \"timestep\", take = \"count\" }\n";
    let data = table(|seed, _| Some(22.0 + seed as f64), 0..4);
    let finding = judged_of(Recipe::from_toml("mine.toml", &text), &data, &FIVE, &[]).findings[0].clone();
    assert_eq!(finding.realisations.iter().map(|of| of.value).collect::<Vec<_>>(), [0.0; 4]);
    assert_eq!(finding.left_out.iter().map(|left| left.seed).collect::<Vec<_>>(), [4]);
}

#[test]
fn few_realisations_may_be_enough_where_the_paper_has_few() {
    let every = || recipe_with("expect = \"less\"", "expect = \"less\"\ntest = { every = 3 }");
    let data = table(|seed, _| Some(if seed == 4 { 50.0 } else { 1.0 }), 0..5);
    assert_eq!(judged_of(every(), &data, &[0, 1], &[]).verdict, Verdict::Undecided);
    assert_eq!(judged_of(every(), &data, &[0, 1, 2], &[]).verdict, Verdict::Reproduced);
    assert_eq!(judged_of(every(), &data, &FIVE, &[]).verdict, Verdict::Contradicted);
}

#[test]
fn a_claim_applies_to_tables_that_have_its_columns() {
    let recipe = Recipe::from_toml("mine.toml", RECIPE).expect("a recipe");
    assert!(recipe.claims[0].applies_to(&table(|_, _| None, 0..1)));
    assert!(!recipe.claims[0].applies_to(&Table::new()));
}

#[test]
fn measurements_are_computed_after_what_panels_draw_and_only_if_wanted() {
    let recipe = Recipe::from_toml("mine.toml", RECIPE).expect("a recipe");
    let requirements = recipe.requirements();
    assert_eq!(requirements.len(), 2);
    assert_eq!((requirements[1].panels.len(), requirements[1].run_set.as_str()), (0, "all"));
    assert_eq!((recipe.requirement_of("a"), recipe.requirement_of("exponents")), (Some(0), Some(1)));
    assert_eq!(recipe.requirement_of("b"), None);
    assert_eq!(recipe.without_claims().requirements().len(), 1);
    // A measurement that a panel draws already is computed only once.
    let same = "[measurements.same]\nruns = \"all\"\nanalysis = { analysis = \"effective_dimension\" }\ncheckpoints = \"ends\"\n\n[[published]]";
    let recipe = recipe_with("[[published]]", same).expect("a recipe");
    assert_eq!((recipe.requirements().len(), recipe.requirement_of("same")), (2, Some(0)));
}

#[test]
fn wrong_claims_are_reported_with_place_and_remedy() {
    insta::assert_snapshot!(wrong("table = \"a\"\nvalue", "table = \"exponent\"\nvalue"), @r#"
        unknown panel or measurement `exponent` at line 21, column 9 of mine.toml
        hint: did you mean `exponents`?
    "#);
    insta::assert_snapshot!(wrong("file = \"fig2_effective_dimension\"", "file = \"fig2_dimension\""), @r#"
        unknown published table `fig2_dimension` at line 30, column 8 of mine.toml
        hint: known: `fig2_accuracy`, `fig2_cluster_holdout`, `fig2_effective_dimension`, `fig2_lyapunov`, `fig2d_accuracy`, `fig3_accuracy`, `fig3_cluster_holdout`, `fig3_effective_dimension`, `fig3_lyapunov`, `fig3_saturation`, `fig4_accuracy`, `fig4_cluster_holdout`, `fig4_effective_dimension`, `fig4_lyapunov`, `ed1_effective_dimension`
    "#);
    insta::assert_snapshot!(wrong("expect = \"less\"", "expect = \"lower\""), @r#"
        unknown value `lower` at line 26, column 10 of mine.toml
        hint: known: `less`, `greater`
    "#);
    insta::assert_snapshot!(wrong("expect = \"less\"", "expects = \"less\""), @r#"
        unknown key `expects` at line 26, column 1 of mine.toml
        hint: did you mean `expect`?
    "#);
    insta::assert_snapshot!(wrong("expect = \"less\"", "expect = \"less\"\ntest = \"wilcox\""), @r#"
        unknown value `wilcox` at line 27, column 8 of mine.toml
        hint: did you mean `wilcoxon`?
    "#);
    insta::assert_snapshot!(wrong("expect = \"less\"", "expect = \"less\"\ntest = { every = 0 }"), @"expected a whole number of at least 1, found integer `0` at line 27, column 18 of mine.toml");
    insta::assert_snapshot!(wrong("name = \"compression\"", "name = \"Compression!\""), @"expected the name of a claim in lower case with `_`, found `Compression!` at line 19, column 8 of mine.toml");
    insta::assert_snapshot!(wrong("\"Training compresses.\"", "\" \""), @r#"
        claim `compression` states nothing at line 20, column 13 of mine.toml
        hint: say in a sentence what is claimed
    "#);
    insta::assert_snapshot!(wrong("gain = [20, 250] }\ncompare", "gain = [] }\ncompare"), @"expected at least one value, found none at line 24, column 17 of mine.toml");
    insta::assert_snapshot!(wrong("where = { timestep = 9 }", "where = { stage = \"after\" }"), @r#"
        claim `compression` uses the column `stage` twice at line 19, column 8 of mine.toml
        hint: `where`, `each` and `compare` must use different columns
    "#);
    insta::assert_snapshot!(wrong("second = \"before\"", "second = \"after\""), @r#"
        claim `compression` compares a number with itself at line 19, column 8 of mine.toml
        hint: `first` and `second` are two values of `column`
    "#);
    insta::assert_snapshot!(wrong("second = \"before\" }", "second = \"before\", as = \"ratio\" }\nthan = 0"), @"claim `compression`, `than`: expected a number above 0, for a ratio, found 0 at line 19, column 8 of mine.toml");
    insta::assert_snapshot!(wrong("resolution = 0.01", "resolution = 0"), @r#"
        `effective_dimension`: expected a resolution above 0 at line 30, column 8 of mine.toml
        hint: it is the limit to which a mean can be resolved, as a standard deviation: 0.001 for one sample in 1000
    "#);
    insta::assert_snapshot!(wrong("keys = [\"gain\", \"stage\", \"timestep\"]", "keys = []"), @"expected columns as `keys` and `values`, found none at line 30, column 8 of mine.toml");
    insta::assert_snapshot!(wrong("[measurements.exponents]", "[measurements.a]"), @r#"
        measurement `a` has the name of a panel at line 15, column 8 of mine.toml
        hint: give it another name
    "#);
    insta::assert_snapshot!(wrong("runs = \"all\"\nanalysis = { analysis = \"lyapunov\" }", "runs = \"al\"\nanalysis = { analysis = \"lyapunov\" }"), @r#"
        unknown set of runs `al` at line 15, column 8 of mine.toml
        hint: did you mean `all`?
    "#);
    insta::assert_snapshot!(wrong("{ analysis = \"lyapunov\" }", "{ exponents = 3 }"), @r#"
        expected the name of an analysis, found none at line 16, column 12 of mine.toml
        hint: analysis = { analysis = "effective_dimension" }
    "#);
    let again =
        &RECIPE[RECIPE.find("[[claims]]").expect("a claim")..RECIPE.find("[[published]]").expect("a table")];
    insta::assert_snapshot!(wrong("[[published]]", &format!("{again}[[published]]")), @"two claims have the name `compression` at line 29, column 8 of mine.toml");
}

#[test]
fn a_claim_about_a_value_that_no_row_has_is_an_error() {
    let data = table(|_, _| Some(1.0), 0..5);
    let judge = |from: &str, to: &str, absent: &[Absent]| {
        let recipe = recipe_with(from, to).expect("a recipe");
        recipe.claims[0].judge(&Evidence { table: &data, seeds: &FIVE, absent })
    };
    for (from, to, said) in [
        (
            "timestep = 9",
            "timestep = 8",
            "no row has `8` in column `timestep`\nhint: `timestep` has `0`, `9`",
        ),
        (
            "timestep = 9",
            "timestep = [9, 8]",
            "no row has `8` in column `timestep`\nhint: `timestep` has `0`, `9`",
        ),
        (
            "gain = [20, 250] }\ncompare",
            "gain = [20, 251] }\ncompare",
            "no row has `251` in column `gain`\nhint: `gain` has `20`, `250`",
        ),
        (
            "first = \"after\"",
            "first = \"afer\"",
            "no row has `afer` in column `stage`\nhint: did you mean `after`?",
        ),
    ] {
        assert_eq!(
            text_of(&judge(from, to, &[]).expect_err("no such row")),
            format!("claim `compression`: {said}")
        );
    }
    // A run that diverged may be the one that would have had the value.
    let diverged = |gain: i64| Absent {
        cells: vec![("gain".to_owned(), Scalar::Integer(gain)), ("seed".to_owned(), Scalar::Integer(0))],
        reason: "diverged at epoch 2".to_owned(),
    };
    let judgement = judge("gain = [20, 250] }\ncompare", "gain = [20, 251] }\ncompare", &[diverged(251)]);
    assert_eq!(judgement.expect("the run is known").verdict, Verdict::Undecided);
    assert!(judge("gain = [20, 250] }\ncompare", "gain = [20, 251] }\ncompare", &[diverged(20)]).is_err());
    assert!(
        judge("timestep = 9", "timestep = 8", &[diverged(20)]).is_ok(),
        "it might have had that timestep"
    );
}

#[test]
fn values_that_no_run_has_are_reported_before_runs_are_trained() {
    let runs = |gains: [i64; 2]| -> Vec<Vec<(String, Scalar)>> {
        gains.map(|gain| vec![("gain".to_owned(), gain.into()), ("seed".to_owned(), 0_i64.into())]).to_vec()
    };
    let check = |recipe: &Recipe, gains: [i64; 2], with_claims: bool| {
        recipe.check_runs(0, runs(gains).iter().map(Vec::as_slice), with_claims)
    };
    let recipe = Recipe::from_toml("mine.toml", RECIPE).expect("a recipe");
    assert!(check(&recipe, [20, 250], true).is_ok());
    let said = text_of(&check(&recipe, [20, 100], true).expect_err("no run of 250"));
    assert_eq!(said, "claim `compression`: no row has `250` in column `gain`\nhint: `gain` has `20`, `100`");
    assert!(check(&recipe, [20, 100], false).is_ok(), "claims do not matter for a figure");
    let keeping = recipe_with("draw = { x", "draw = { keep = { gain = [20, 21], stage = [\"after\"] }, x")
        .expect("a recipe");
    let said = text_of(&check(&keeping, [20, 250], false).expect_err("no run of 21"));
    assert_eq!(said, "panel `a`: `keep`: no row has `21` in column `gain`\nhint: `gain` has `20`, `250`");
}

#[test]
fn rows_are_chosen_by_conditions_as_on_the_command_line() {
    let data = table(|seed, _| Some(1.0 + 0.5 * seed as f64), 0..5);
    let lists = judged(&data, &FIVE);
    for text in ["timestep = 9", "timestep > 0 and not timestep = 8", "timestep != 0.0"] {
        let recipe = recipe_with("{ timestep = 9 }", &format!("\"{text}\""));
        assert_eq!(judged_of(recipe, &data, &FIVE, &[]), lists, "{text}");
    }
    let recipe = recipe_with("{ timestep = 9 }", "'timestep = 8 or timestep > 8'").expect("a recipe");
    let error = recipe.claims[0].judge(&Evidence { table: &data, seeds: &FIVE, absent: &[] });
    assert_eq!(
        text_of(&error.expect_err("no timestep 8")),
        "claim `compression`: no row has `8` in column `timestep`\nhint: `timestep` has `0`, `9`"
    );
    assert_eq!(
        wrong("{ timestep = 9 }", "\"timestep ==\""),
        "expected a number or a word, found the end, in the condition `timestep ==` at line 23, column 9 of mine.toml"
    );
    let said = wrong("{ timestep = 9 }", "\"gain = 20\"");
    assert!(said.starts_with("claim `compression` uses the column `gain` twice"), "{said}");
}

#[test]
fn rows_that_a_claim_does_not_distinguish_are_not_reduced_to_one_number() {
    let claim = "each = { stage = [\"after\"] }\nexpect = \"greater\"\nreduce = { over = \"timestep\", take = \"mean\" }\n";
    let whole = RECIPE.split("where").next().expect("a beginning").to_owned() + claim;
    let data = table(|_, _| Some(22.0), 0..5);
    let recipe = Recipe::from_toml("mine.toml", &whole).expect("a recipe");
    let error = recipe.claims[0].judge(&Evidence { table: &data, seeds: &FIVE, absent: &[] });
    assert_eq!(
        text_of(&error.expect_err("both gains")),
        "claim `compression`: expected one `effective_dimension` per realisation at each `timestep`, found several of seed 0 at 0\n\
         hint: tell them apart with `where` or `each`: `reduce` takes rows that differ only in its column"
    );
}

#[test]
fn a_claim_names_its_source() {
    let recipe = Recipe::from_toml("mine.toml", RECIPE).expect("a recipe");
    let source = &recipe.claims[0].source;
    assert_eq!((source.from, &source.detail), (OriginKind::OwnReading, &None), "the author of the recipe");
    let with = |source: &str| {
        recipe_with("table = \"a\"\nvalue", &format!("source = {source}\ntable = \"a\"\nvalue"))
    };
    for (written, from) in [
        ("paper", OriginKind::Paper),
        ("published_code", OriginKind::PublishedCode),
        ("own_reading", OriginKind::OwnReading),
    ] {
        let recipe = with(&format!("{{ {written} = \"figure 2e\" }}")).expect("a recipe");
        let source = &recipe.claims[0].source;
        assert_eq!((source.from, source.detail.as_deref()), (from, Some("figure 2e")));
    }
    let wrong = |source: &str| text_of(&with(source).expect_err("it says nothing"));
    assert!(
        wrong("{ paper = \" \" }").contains("expected a few words on the source of the claim, found none")
    );
    assert!(
        wrong("{ paper = \"a\", own_reading = \"b\" }")
            .contains("expected one of `paper`, `published_code`, `own_reading`")
    );
    assert!(wrong("{ papr = \"a\" }").contains("did you mean `paper`?"));
    assert!(wrong("\"paper\"").contains("expected `{ paper = "));
}

#[test]
fn claims_of_shipped_recipes_name_their_sources() {
    for (name, text) in RECIPES {
        for claim in Recipe::from_toml(name, text).expect("a recipe").claims {
            let detail =
                claim.source.detail.as_ref().unwrap_or_else(|| panic!("{name}, {}", claim.name.as_ref()));
            assert!(detail.len() > 20, "{name}, {}: {detail}", claim.name.as_ref());
        }
    }
}

/// A claim that is based on a table of the published code holds there, and so does every other claim that can
/// be judged on such a table.
#[test]
fn claims_hold_in_the_tables_of_the_published_code() {
    let tables = PublishedTables::shipped();
    let mut judged = 0;
    for (name, text) in RECIPES {
        let recipe = Recipe::from_toml(name, text).expect("a recipe");
        for claim in &recipe.claims {
            let computed = |table: &str| recipe.requirement_of(table);
            let mut held = Vec::new();
            for how in &recipe.published {
                let table = tables.read(how.file.as_ref()).expect("shipped").table;
                if computed(how.table.as_ref()) != computed(claim.table.as_ref()) || !claim.applies_to(&table)
                {
                    continue;
                }
                let findings = claim.findings(&Evidence { table: &table, seeds: &FIVE, absent: &[] });
                let verdict = Judgement::from(findings.expect("it has the columns")).verdict;
                assert_eq!(
                    verdict,
                    Verdict::Reproduced,
                    "{name}, {} in {}",
                    claim.name.as_ref(),
                    how.file.as_ref()
                );
                held.push(how.file.as_ref().clone());
                judged += 1;
            }
            if claim.source.from == OriginKind::PublishedCode {
                let detail = claim.source.detail.as_deref().unwrap_or_default();
                assert!(
                    held.iter().any(|file| detail.starts_with(file.as_str())),
                    "{name}: {detail} by {held:?}"
                );
            }
        }
    }
    assert!(judged > 30, "only {judged}");
}

#[test]
fn claims_of_shipped_recipes_are_sentences() {
    for (name, text) in RECIPES {
        let recipe =
            Recipe::from_toml(name, text).unwrap_or_else(|error| panic!("{name}: {}", text_of(&error)));
        for claim in &recipe.claims {
            let (claim_name, statement) = (claim.name.as_ref(), claim.statement.as_ref());
            assert!(statement.ends_with('.') && statement.len() > 30, "{name}, {claim_name}: {statement}");
        }
    }
}
