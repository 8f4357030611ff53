//! Claims about simulated realisations, to count how often verdicts err.

use std::fmt;

use concertina_numerics::random::{Purpose, Stream};
use concertina_numerics::statistics::{sequential, signed_rank};
use concertina_recipe::{Evidence, Recipe, Verdict};

use super::Rows;

/// The claims of the slow test.
#[allow(dead_code, reason = "for the slow test")]
pub const CLAIMS_SLOW: u64 = 10_000;

const RECIPE: &str = r#"
figure = "simulated"

[runs.all]

[[panels]]
letter = "a"
runs = "all"
analysis = { analysis = "loss" }
draw = { x = "epoch", y = "loss" }

[[claims]]
name = "above"
statement = "The values lie above zero."
table = "a"
value = "value"
expect = "greater"
"#;

/// The looks of `--until-decided` that starts with so many realisations.
pub fn planned(first: usize) -> Vec<usize> {
    sequential::looks(first, 100)
}

/// How often claims got which verdict.
pub struct Rates {
    pub reproduced: f64,
    pub contradicted: f64,
    /// The mean number of realisations at the end.
    realisations: f64,
    claims: u64,
}

impl Rates {
    /// Checks that neither verdict is more frequent than in 5% of claims without an effect, given that the
    /// rates have a sampling error: by three standard errors of a rate of 5%.
    pub fn check_errors(&self) {
        let most = 0.05 + 3.0 * (0.05 * 0.95 / self.claims as f64).sqrt();
        assert!(self.reproduced <= most && self.contradicted <= most, "{self}");
    }

    /// Those of a test at each look, without a plan.
    #[allow(dead_code, reason = "for the slow test")]
    pub fn without_a_plan(looks: &[usize], claims: u64) -> Self {
        let mut found = 0;
        for claim in 0..claims {
            let values = values("normal", 0.0, claim, looks[looks.len() - 1]);
            let below = |look: &usize| signed_rank::p_above(&values[..*look]).is_some_and(|p| p < 0.05);
            found += u64::from(looks.iter().any(below));
        }
        Self { reproduced: found as f64 / claims as f64, contradicted: 0.0, realisations: f64::NAN, claims }
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.2}% reproduced, {:.2}% contradicted, {:.1} realisations on average, {} claims",
            100.0 * self.reproduced,
            100.0 * self.contradicted,
            self.realisations,
            self.claims
        )
    }
}

fn values(law: &str, effect: f64, claim: u64, count: usize) -> Vec<f64> {
    const PURPOSE: Purpose = Purpose::new("simulated claims");
    let mut stream = Stream::new(1, PURPOSE, claim);
    let mut one = || match law {
        "normal" => stream.normal(),
        "cauchy" => stream.normal() / stream.normal(),
        "uniform" => stream.uniform() - 0.5,
        // few values, with zeros
        "ties" => (2.0 * stream.normal()).round(),
        _ => panic!("no such law: {law}"),
    };
    (0..count).map(|_| effect + one()).collect()
}

/// The verdicts on claims about independent realisations, to which realisations are added until they are
/// decided.
pub fn rates(law: &str, effect: f64, looks: &[usize], claims: u64) -> Rates {
    let recipe = Recipe::from_toml("simulated.toml", RECIPE).expect("a recipe");
    let (mut reproduced, mut contradicted, mut realisations) = (0, 0, 0);
    for claim in 0..claims {
        let values = values(law, effect, claim, looks[looks.len() - 1]);
        for (place, &look) in looks.iter().enumerate() {
            let mut rows = Rows::default();
            for (seed, &value) in values[..look].iter().enumerate() {
                rows.push(&[("seed", (seed as i64).into()), ("value", value.into())]);
            }
            let (table, seeds): (_, Vec<u64>) = (rows.table(), (0..look as u64).collect());
            let evidence = Evidence { table: &table, seeds: &seeds, absent: &[] };
            let judgement = recipe.claims[0].judge_at(&evidence, looks).expect("judged");
            let decided = judgement.verdict != Verdict::Undecided;
            reproduced += u64::from(judgement.verdict == Verdict::Reproduced);
            contradicted += u64::from(judgement.verdict == Verdict::Contradicted);
            if decided || place + 1 == looks.len() {
                realisations += look;
                break;
            }
        }
    }
    let share = |count: u64| count as f64 / claims as f64;
    Rates {
        reproduced: share(reproduced),
        contradicted: share(contradicted),
        realisations: realisations as f64 / claims as f64,
        claims,
    }
}
