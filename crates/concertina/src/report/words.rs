//! What a report says about tests, in words.

use concertina_recipe::{Claim, Finding, Measure, Side, Take, Test};
use concertina_table::Scalar;

/// The quantity of a claim and its test, in words: `last of effective_dimension over timestep, stage after
/// less before; less than 0; ...`.
pub(super) fn test(claim: &Claim) -> String {
    let mut words = claim.value.clone();
    if let Some(reduction) = &claim.reduce {
        let take = match reduction.take {
            Take::Max => "largest",
            Take::Min => "smallest",
            Take::Mean => "mean",
            Take::Last => "last",
            Take::Argmax => "place of the largest",
            Take::Count => "number of",
        };
        words = format!("{take} {words} over {}", reduction.over);
    }
    if !claim.rows.is_empty() {
        let list = |(column, values): (&str, &[Scalar])| {
            let values: Vec<String> = values.iter().map(Scalar::word).collect();
            format!("{column} {}", values.join(" or "))
        };
        let rows = match claim.rows.lists() {
            Some(lists) => lists.into_iter().map(list).collect::<Vec<_>>().join(", "),
            None => claim.rows.to_string(),
        };
        words.push_str(&format!(" at {rows}"));
    }
    if let Some(contrast) = &claim.compare {
        let how = match contrast.measure {
            Measure::Difference => "minus",
            Measure::Ratio => "over",
        };
        let (first, second) = (contrast.first.word(), contrast.second.word());
        words.push_str(&format!(", {} {first} {how} {second}", contrast.column));
    }
    let side = match claim.expect {
        Side::Less => "below",
        Side::Greater => "above",
    };
    words.push_str(&format!("; expected {side} {}", claim.than()));
    match claim.test {
        Test::Wilcoxon => words.push_str("; one-sided signed-rank test over realisations, p < 0.05"),
        Test::Every(fewest) => {
            words.push_str(&format!("; in every realisation, of which there are at least {fewest}"))
        }
    }
    words
}

/// What the test of a claim could have found, in a sentence: that of the group in which it could find least.
/// `None` for claims without such a test.
pub(super) fn power(findings: &[Finding]) -> Option<String> {
    let tested = || findings.iter().filter(|finding| finding.p.is_some() || finding.realisations.is_empty());
    let weakest = tested().max_by(|a, b| {
        let least = |finding: &Finding| finding.detectable_effect.unwrap_or(f64::INFINITY);
        least(a).total_cmp(&least(b))
    })?;
    // A claim without any realisation has no p-value either: nothing says how it is tested.
    weakest.p?;
    let count = weakest.realisations.len();
    let with = match (count, weakest.looks.len()) {
        (1, 0 | 1) => "one realisation".to_owned(),
        (count, 0 | 1) => format!("{} realisations", number(count)),
        (count, looks) => format!("{} looks, at up to {count} realisations", number(looks)),
    };
    Some(match weakest.detectable_effect {
        Some(effect) => {
            format!(
                "With {with}, an effect of {effect:.1} standard deviations would have been found 80% of the time."
            )
        }
        None => format!("With {with}, no effect would have been found, however large."),
    })
}

/// Small numbers in words.
fn number(number: usize) -> String {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    WORDS.get(number).map_or_else(|| number.to_string(), |&word| word.to_owned())
}
