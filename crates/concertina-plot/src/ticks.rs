//! Scales of axes: limits, ticks at round numbers, and their labels.

/// How values are placed along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScaleKind {
    /// Equal steps, equal lengths.
    #[default]
    Linear,
    /// Equal ratios, equal lengths.
    Log,
}

/// A scale with its limits and labelled ticks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) kind: ScaleKind,
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) ticks: Vec<(f64, String)>,
    /// Ticks without a label.
    pub(crate) minor: Vec<f64>,
    /// Whether labels under the axis read upwards, because they are too long to fit next to each other.
    pub(crate) upright: bool,
}

/// What a user has fixed in a scale.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Wishes {
    pub(crate) kind: ScaleKind,
    pub(crate) from: Option<f64>,
    pub(crate) to: Option<f64>,
    pub(crate) ticks: Option<Vec<f64>>,
    /// Only whole numbers are labelled (timesteps, epochs, indices).
    pub(crate) whole: bool,
    /// Space left on both sides of the data, as a share of their range; none where a limit is fixed.
    pub(crate) pad: f64,
}

/// Ranges that are narrower than this share of their ends are a single value with rounding errors: labels
/// cannot distinguish their ends.
const NARROW: f64 = 1e-8;
/// Neither end of a scale is farther from 0 than this, so that no length overflows; nor is an end, unless it
/// is 0 on a linear scale, nearer to 0 than the inverse. Apart from that, the number is arbitrary.
pub(crate) const FARTHEST: f64 = 1e300;

impl Scale {
    /// A scale for data between `low` and `high` on an axis of `length` points, with ticks about `spacing`
    /// points apart.
    pub(crate) fn new(low: f64, high: f64, length: f64, spacing: f64, wishes: &Wishes) -> Self {
        // A limit that is NaN or infinite is ignored: on a logarithmic axis, it would have two billion
        // decades.
        let finite = |wish: Option<f64>| wish.filter(|limit| limit.is_finite());
        let wishes = &Wishes { from: finite(wishes.from), to: finite(wishes.to), ..wishes.clone() };
        let most = (length / spacing).floor().clamp(2.0, 12.0) as usize;
        match wishes.kind {
            ScaleKind::Linear => Self::linear(low, high, most, wishes),
            ScaleKind::Log => Self::log(low, high, most, wishes),
        }
    }

    fn linear(low: f64, high: f64, most: usize, wishes: &Wishes) -> Self {
        let within = |end: f64| end.clamp(-FARTHEST, FARTHEST);
        let (mut from, mut to) = (wishes.from.unwrap_or(low), wishes.to.unwrap_or(high));
        let given = from;
        (from, to) = (within(from), within(to));
        if to - from <= (NARROW * from.abs().max(to.abs())).max(1.0 / FARTHEST) {
            // A single value, or limits the wrong way round: make room on the side that is not fixed.
            let value =
                wishes.from.or(wishes.to).map(within).unwrap_or(if given.is_finite() { from } else { 0.0 });
            let window = if value.abs() < 1.0 / FARTHEST { 1.0 } else { 0.2 * value.abs() };
            (from, to) = match (wishes.from, wishes.to) {
                (Some(from), _) => (from, from + window),
                (None, Some(to)) => (to - window, to),
                (None, None) => (value - 0.5 * window, value + 0.5 * window),
            };
        }
        let pad = wishes.pad * (to - from);
        if wishes.from.is_none() {
            from -= pad;
        }
        if wishes.to.is_none() {
            to += pad;
        }
        let values = match &wishes.ticks {
            Some(ticks) => ticks.iter().copied().filter(|&tick| tick >= from && tick <= to).collect(),
            None => round_ticks(from, to, most, wishes.whole && to - from >= 2.0),
        };
        let labels = spell(&values);
        Self {
            kind: ScaleKind::Linear,
            from,
            to,
            ticks: values.into_iter().zip(labels).collect(),
            minor: Vec::new(),
            upright: false,
        }
    }

    fn log(low: f64, high: f64, most: usize, wishes: &Wishes) -> Self {
        let positive = |value: Option<f64>| value.filter(|&v| v > 0.0);
        let mut from = positive(wishes.from).or(positive(Some(low))).unwrap_or(0.1).log10();
        let mut to = positive(wishes.to).or(positive(Some(high))).unwrap_or(10.0).log10();
        let farthest = 0.8 * FARTHEST.log10(); // the rest is for the padding
        (from, to) = (from.clamp(-farthest, farthest), to.clamp(-farthest, farthest));
        if to - from <= NARROW {
            (from, to) = (from - 0.5, from + 0.5);
        }
        let pad = wishes.pad * (to - from);
        if wishes.from.is_none() {
            from -= pad;
        }
        if wishes.to.is_none() {
            to += pad;
        }
        let decades: Vec<i32> = ((from - 1e-9).ceil() as i32..=(to + 1e-9).floor() as i32).collect();
        let mut ticks = Vec::new();
        let mut minor = Vec::new();
        if let Some(fixed) = &wishes.ticks {
            let inside: Vec<f64> = fixed
                .iter()
                .copied()
                .filter(|&t| t > 0.0 && t.log10() >= from - 1e-9 && t.log10() <= to + 1e-9)
                .collect();
            let labels = inside.iter().map(|&tick| plain(tick));
            ticks = inside.iter().copied().zip(labels).collect();
        } else if decades.len() >= 2 {
            let every = decades.len().div_ceil(most.max(1)) as i32;
            for &decade in &decades {
                let value = 10f64.powi(decade);
                if decade.rem_euclid(every) == decades[0].rem_euclid(every) {
                    ticks.push((value, power(decade)))
                } else {
                    minor.push(value)
                }
            }
        } else {
            // Little more than a decade, or less: round numbers in between.
            for decade in (from.floor() as i32)..=(to.ceil() as i32) {
                for digit in [1.0, 2.0, 5.0] {
                    // Parsed, not computed: 5 × 10^-240 is not five times the computed power.
                    let value = format!("{digit}e{decade}").parse().unwrap_or(digit * 10f64.powi(decade));
                    if value.log10() >= from - 1e-9 && value.log10() <= to + 1e-9 {
                        ticks.push((value, value_name(&value.to_string())));
                    }
                }
            }
            // So narrow that it contains none of 1, 2 and 5: use steps as on a linear axis, which it
            // resembles.
            if ticks.len() < 2 {
                let values = round_ticks(10f64.powf(from), 10f64.powf(to), most.max(2), false);
                let labels = spell(&values);
                ticks = values.into_iter().zip(labels).collect();
            }
        }
        if to - from <= 6.0 {
            for decade in (from.floor() as i32)..=(to.ceil() as i32) {
                for digit in 2..10 {
                    let value = f64::from(digit) * 10f64.powi(decade);
                    let inside = value.log10() > from && value.log10() < to;
                    if inside && !ticks.iter().any(|(tick, _)| (tick / value - 1.0).abs() < 1e-9) {
                        minor.push(value);
                    }
                }
            }
        }
        Self {
            kind: ScaleKind::Log,
            from: 10f64.powf(from),
            to: 10f64.powf(to),
            ticks,
            minor,
            upright: false,
        }
    }

    /// The position of a finite `value` between the limits: 0 at the first, 1 at the last; `None` where the
    /// logarithm does not exist.
    pub(crate) fn position(&self, value: f64) -> Option<f64> {
        match self.kind {
            ScaleKind::Linear => Some(((value - self.from) / (self.to - self.from)).clamp(-OUTSIDE, OUTSIDE)),
            ScaleKind::Log if value > 0.0 => {
                let decades = |value: f64| {
                    let ratio = value / self.from;
                    if ratio.is_normal() { ratio.log10() } else { value.log10() - self.from.log10() }
                };
                Some((decades(value) / decades(self.to)).clamp(-OUTSIDE, OUTSIDE))
            }
            ScaleKind::Log => None,
        }
    }
}

/// Positions farther outside are replaced by this one.
const OUTSIDE: f64 = 1e6;

/// Multiples of 1, 2 or 5 times a power of ten inside `[from, to]`, with the finest step that gives at most
/// `most` of them.
pub(crate) fn round_ticks(from: f64, to: f64, most: usize, whole: bool) -> Vec<f64> {
    let range = to - from;
    if !(range > 0.0 && range.is_finite()) {
        return vec![from];
    }
    let smallest = if whole { 0 } else { (range.log10().floor() as i32) - 3 };
    for decade in smallest..=smallest + 40 {
        for digit in [1.0, 2.0, 5.0] {
            // Divides by an exact power of ten instead of multiplying by an inexact one: 3 * 0.1 is not 0.3.
            let tick = |k: f64| {
                if decade < 0 { k * digit / 10f64.powi(-decade) } else { k * digit * 10f64.powi(decade) }
            };
            let step = tick(1.0);
            let slack = 1e-9 * range;
            let first = ((from - slack) / step).ceil();
            let last = ((to + slack) / step).floor();
            if last - first < most as f64 {
                let count = (last - first).max(-1.0) as i64 + 1;
                let ticks: Vec<f64> = (0..count).map(|k| tick(first + k as f64) + 0.0).collect();
                // Fewer than two ticks tell nothing about the scale. Then the limits themselves are best.
                return if ticks.len() >= 2 { ticks } else { previous(from, to, &tick, most) };
            }
        }
    }
    vec![from, to]
}

/// The previous step was too fine: keep only every n-th of its ticks.
fn previous(from: f64, to: f64, coarse: &dyn Fn(f64) -> f64, most: usize) -> Vec<f64> {
    let step = coarse(1.0) / 5.0;
    let (first, last) = ((from / step).ceil(), (to / step).floor());
    let every = (((last - first) / (most.max(2) - 1) as f64).ceil()).max(1.0);
    // Counted, not summed: where numbers are so large that adding a step does not change them, a sum would
    // never reach the end.
    let count = ((last - first) / every).floor().clamp(0.0, most as f64) as usize + 1;
    (0..count)
        .map(|place| (first + place as f64 * every) * step)
        .filter(|&tick| tick / step <= last)
        .collect()
}

/// All values with the same number of decimals, the smallest number that distinguishes them exactly (at most
/// 12), with true minus signs; with powers of ten if all are small or one is very large.
pub(crate) fn spell(values: &[f64]) -> Vec<String> {
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    if largest > 0.0 && !PLAIN.contains(&largest) {
        // Seven digits: the rest is rounding.
        let rounded = |value: f64| format!("{value:.6e}").parse().unwrap_or(value);
        return values
            .iter()
            .map(|&value| if value == 0.0 { "0".to_owned() } else { scientific(rounded(value)) })
            .collect();
    }
    let exact = |decimals: usize| {
        values.iter().all(|&value| {
            let written: f64 = format!("{value:.decimals$}").parse().unwrap_or(f64::NAN);
            (written - value).abs() <= 1e-9 * value.abs().max(1e-300)
        })
    };
    let decimals = (0..12).find(|&decimals| exact(decimals)).unwrap_or(6);
    values.iter().map(|&value| dress(&format!("{value:.decimals$}"))).collect()
}

/// A single value.
pub(crate) fn plain(value: f64) -> String {
    let mut texts = spell(&[value]);
    texts.pop().unwrap_or_default()
}

fn power(decade: i32) -> String {
    format!("10^{{{}}}", dress(&decade.to_string()))
}

/// A number as it is printed: with a true minus sign, and commas between thousands from 10,000 on.
fn dress(text: &str) -> String {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (rest.bytes().any(|b| (b'1'..=b'9').contains(&b)), rest),
        None => (false, text),
    };
    let (whole, decimals) =
        digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut out = String::new();
    if negative {
        out.push('\u{2212}');
    }
    for (index, digit) in whole.chars().enumerate() {
        if whole.len() > 4 && index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(decimals) = decimals {
        out.push('.');
        out.push_str(decimals);
    }
    out
}

/// A cell of a table as it appears in a legend: numbers are formatted, texts are unchanged.
pub(crate) fn value_name(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(value) if value != 0.0 && value.is_finite() && !PLAIN.contains(&value.abs()) => scientific(value),
        Ok(value) if value.is_finite() => dress(&value.to_string()),
        _ => text.to_owned(),
    }
}

/// Numbers outside this range are written with a power of ten: `0.005` can still be read at a glance, but
/// `0.00005` or a number of 16 digits cannot. Apart from that, the limits are arbitrary.
const PLAIN: std::ops::Range<f64> = 1e-3..1e15;

/// A number with a power of ten, `2 × 10^{−5}`, with all its digits.
fn scientific(value: f64) -> String {
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let power = format!("10^{{{}}}", dress(exponent));
    match digits {
        "1" => power,
        "-1" => format!("\u{2212}{power}"),
        digits => format!("{} × {power}", dress(digits)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_are_where_a_reader_expects_them() {
        assert_eq!(round_ticks(0.0, 10.0, 6, false), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(round_ticks(-1.0, 10.0, 7, true), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(round_ticks(0.43, 1.02, 4, false), [0.6, 0.8, 1.0]);
        assert_eq!(round_ticks(0.0, 0.3, 4, false), [0.0, 0.1, 0.2, 0.3]);
    }

    #[test]
    fn labels_share_their_decimals_and_have_true_minus_signs() {
        assert_eq!(spell(&[-1.0, -0.5, 0.0]), ["\u{2212}1.0", "\u{2212}0.5", "0.0"]);
        assert_eq!(spell(&[0.0, 10_000.0, 25_000.0]), ["0", "10,000", "25,000"]);
        assert_eq!(spell(&[1000.0]), ["1000"]);
        assert_eq!(spell(&[0.0, 2e-8, 3.0 * 1e-8]), ["0", "2 × 10^{\u{2212}8}", "3 × 10^{\u{2212}8}"]);
    }

    #[test]
    fn values_in_legends_keep_all_their_digits() {
        for (value, name) in [
            ("20", "20"),
            ("0.0125", "0.0125"),
            ("0.05", "0.05"),
            ("51200", "51,200"),
            ("0.0001", "10^{\u{2212}4}"),
            ("-0.00025", "\u{2212}2.5 × 10^{\u{2212}4}"),
            ("0", "0"),
            ("linear", "linear"),
        ] {
            assert_eq!(value_name(value), name, "{value}");
        }
    }

    #[test]
    fn a_log_axis_labels_powers_of_ten() {
        let wishes = Wishes { kind: ScaleKind::Log, ..Wishes::default() };
        let scale = Scale::new(1e-8, 1.0, 100.0, 20.0, &wishes);
        let labels: Vec<&str> = scale.ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(
            labels,
            ["10^{\u{2212}8}", "10^{\u{2212}6}", "10^{\u{2212}4}", "10^{\u{2212}2}", "10^{0}"]
        );
        assert_eq!(scale.position(0.0), None);
        assert!((scale.position(1.0).expect("inside") - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_narrow_log_axis_has_at_least_two_ticks() {
        let wishes = Wishes { kind: ScaleKind::Log, ..Wishes::default() };
        for (low, high) in
            [(0.16, 0.24), (3.0, 4.0), (2.1e-5, 3.9e-5), (4e-9, 6e-9), (950.0, 1050.0), (1.0, 9.0)]
        {
            let scale = Scale::new(low, high, 100.0, 20.0, &wishes);
            assert!(scale.ticks.len() >= 2, "{low} to {high}: {:?}", scale.ticks);
            let labels: std::collections::BTreeSet<&String> =
                scale.ticks.iter().map(|(_, label)| label).collect();
            assert_eq!(labels.len(), scale.ticks.len(), "{:?}", scale.ticks);
        }
    }

    #[test]
    fn limits_that_are_nan_or_infinite_are_ignored() {
        for limit in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            for kind in [ScaleKind::Log, ScaleKind::Linear] {
                for (from, to) in [(Some(limit), None), (None, Some(limit)), (Some(limit), Some(limit))] {
                    let scale =
                        Scale::new(1.0, 100.0, 100.0, 20.0, &Wishes { kind, from, to, ..Wishes::default() });
                    let free = Scale::new(1.0, 100.0, 100.0, 20.0, &Wishes { kind, ..Wishes::default() });
                    assert_eq!(scale, free, "{kind:?} {from:?} {to:?}");
                }
            }
        }
    }

    #[test]
    fn ticks_beyond_all_whole_numbers_come_to_an_end() {
        for from in [1e15, 5e15, 9.1e15, 1e16, 3.3e16, 5e16, 1e17, 1e300, 1e308] {
            let mut to: f64 = from;
            for _ in 0..200 {
                to = to.next_up();
                for most in 2..=12 {
                    for whole in [false, true] {
                        let ticks = round_ticks(from, to, most, whole);
                        assert!(ticks.len() <= most + 1, "{from} {to} {most}: {}", ticks.len());
                    }
                }
            }
        }
    }

    #[test]
    fn one_value_gets_a_window() {
        let scale = Scale::new(1.0, 1.0, 100.0, 20.0, &Wishes::default());
        assert!(scale.from < 1.0 && scale.to > 1.0);
        let scale = Scale::new(
            f64::INFINITY,
            f64::NEG_INFINITY,
            100.0,
            20.0,
            &Wishes { from: Some(0.0), ..Wishes::default() },
        );
        assert!(scale.to > scale.from && scale.to.is_finite());
    }

    proptest! {
        #[test]
        fn ticks_lie_inside_rise_evenly_and_are_not_too_many(from in -1e4f64..1e4, log_range in -4f64..5.0, most in 3usize..10) {
            let to = from + 10f64.powf(log_range);
            let ticks = round_ticks(from, to, most, false);
            let range = to - from;
            prop_assert!(ticks.len() >= 2 && ticks.len() <= most, "{ticks:?}");
            let tolerance = 1e-6 * range + 1e-9 * from.abs();
            for tick in &ticks {
                prop_assert!(*tick >= from - tolerance && *tick <= to + tolerance, "{tick} outside [{from}, {to}]");
            }
            let step = ticks[1] - ticks[0];
            for pair in ticks.windows(2) {
                prop_assert!((pair[1] - pair[0] - step).abs() < tolerance);
            }
        }

        #[test]
        fn labels_of_ticks_tell_them_apart(from in -100f64..100.0, range in 0.01f64..100.0) {
            let labels = spell(&round_ticks(from, from + range, 6, false));
            let decimals: Vec<usize> = labels.iter().map(|l| l.split_once('.').map_or(0, |(_, d)| d.len())).collect();
            prop_assert!(decimals.windows(2).all(|pair| pair[0] == pair[1]));
            for pair in labels.windows(2) {
                prop_assert_ne!(&pair[0], &pair[1]);
            }
        }
    }

    #[test]
    fn values_a_rounding_error_apart_are_one_value() {
        for value in [1.0_f64, 0.1, -37.5, 1e-200, 1e15] {
            let next = f64::from_bits(value.to_bits() + 2);
            let (low, high) = (next.min(value), next.max(value));
            let found = scale(low, high, ScaleKind::Linear);
            assert!(found.to - found.from > 1e-3 * value.abs(), "{value}: {found:?}");
            assert_distinct(&found);
        }
    }

    #[test]
    fn every_range_has_a_few_distinct_ticks() {
        let ends = [0.0, 5e-324, 1e-310, 1e-40, 1e-9, 1.0, 1.0 + 1e-9, 3.5e7, 1e16, 1e30, 1e300, f64::MAX];
        for low in ends.into_iter().flat_map(|end| [-end, end]) {
            for high in ends.into_iter().flat_map(|end| [-end, end]).filter(|high| *high >= low) {
                for kind in [ScaleKind::Linear, ScaleKind::Log] {
                    let found = scale(low, high, kind);
                    assert!(
                        found.from.is_finite() && found.to.is_finite() && found.to > found.from,
                        "{low} to {high}: {found:?}"
                    );
                    assert!(
                        found.ticks.len() + found.minor.len() <= 4000,
                        "{low} to {high}: {} ticks",
                        found.ticks.len()
                    );
                    assert!(
                        found.ticks.len() <= 14,
                        "{low} to {high}, {kind:?}: {} ticks",
                        found.ticks.len()
                    );
                    assert_distinct(&found);
                    for tick in found.ticks.iter().map(|(tick, _)| tick).chain(&found.minor) {
                        assert!(
                            found.position(*tick).is_some_and(f64::is_finite),
                            "{low} to {high}, {kind:?}: {tick}"
                        );
                    }
                    assert!(
                        found.ticks.iter().all(|(_, label)| label.chars().count() <= 24),
                        "{low} to {high}: {:?}",
                        found.ticks
                    );
                }
            }
        }
    }

    fn scale(low: f64, high: f64, kind: ScaleKind) -> Scale {
        Scale::new(low, high, 100.0, 20.0, &Wishes { kind, pad: 0.04, ..Wishes::default() })
    }

    fn assert_distinct(scale: &Scale) {
        for pair in scale.ticks.windows(2) {
            assert!(pair[0].0 < pair[1].0 && pair[0].1 != pair[1].1, "{:?}", scale.ticks);
        }
    }
}
