//! Gamma fits, compared with stored maximum-likelihood fits.

use concertina_numerics::statistics::gamma::{AnchoredGamma, GammaFit};
use concertina_testing::compare::assert_number_relative;
use concertina_testing::golden::Fixture;

/// The fixtures' tolerance for this file.
const TOLERANCE: f64 = 1e-8;
/// The level of the stored intervals, which is not in the file itself.
const LEVEL: f64 = 0.75;

#[test]
fn golden_gamma_fits_medians_and_intervals_agree() {
    let Some(fixture) = Fixture::open("gamma") else { return };
    for case in fixture.cases(".samples") {
        let name = |array: &str| format!("{case}.{array}");
        let samples = fixture.f64(&name("samples")).iter().copied().collect::<Vec<f64>>();
        let all_equal = samples.windows(2).all(|pair| pair[0] == pair[1]);
        let setting =
            |array: &str| if fixture.has(&name(array)) { fixture.scalar(&name(array)) } else { 0.0 };
        let (location, shift, mirrored) = (setting("loc"), setting("shift"), setting("reflect") != 0.0);
        let fit = AnchoredGamma::fit(&samples, location, shift, mirrored).expect("a fit");
        let (low, high) = fit.central_interval(LEVEL).expect("an interval");
        let stored = |array: &str| fixture.f64(&name(array)).iter().copied().collect::<Vec<f64>>();

        let GammaFit::Distribution { shape, scale, .. } = fit.gamma() else {
            assert!(all_equal, "{case}: the samples differ, and were not fitted");
            for (what, found, expected) in [
                ("median", fit.median(), stored("median")[0]),
                ("interval, low", low, stored("interval")[0]),
                ("interval, high", high, stored("interval")[1]),
            ] {
                assert_number_relative(&format!("{case}, {what}"), found, expected, TOLERANCE);
            }
            continue;
        };
        assert_number_relative(&format!("{case}, shape"), shape, fixture.scalar(&name("shape")), TOLERANCE);
        assert_number_relative(&format!("{case}, scale"), scale, fixture.scalar(&name("scale")), TOLERANCE);

        // Our quantiles are taken with the location of the fit. Stored intervals of mirrored samples have the
        // upper end first.
        let interval = if mirrored { [high, low] } else { [low, high] };
        let consistent = stored("interval_consistent");
        let what = format!("{case}, consistent median");
        assert_number_relative(&what, fit.median(), fixture.scalar(&name("median_consistent")), TOLERANCE);
        assert_number_relative(
            &format!("{case}, consistent interval, first"),
            interval[0],
            consistent[0],
            TOLERANCE,
        );
        assert_number_relative(
            &format!("{case}, consistent interval, second"),
            interval[1],
            consistent[1],
            TOLERANCE,
        );

        // For mirrored samples the original takes them with the location `loc`, without the shift of the fit.
        let original = |value: f64| if mirrored { value + shift } else { value };
        let reported = stored("interval");
        let what = format!("{case}, original median");
        assert_number_relative(&what, original(fit.median()), fixture.scalar(&name("median")), TOLERANCE);
        assert_number_relative(
            &format!("{case}, original interval, first"),
            original(interval[0]),
            reported[0],
            TOLERANCE,
        );
        assert_number_relative(
            &format!("{case}, original interval, second"),
            original(interval[1]),
            reported[1],
            TOLERANCE,
        );
    }
    fixture.finish();
}
