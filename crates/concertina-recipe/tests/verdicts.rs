//! The error rates of verdicts, over a few hundred simulated claims; `slow_verdicts` has thousands.

mod support;

use support::simulated::{planned, rates};

#[test]
fn claims_without_an_effect_are_rarely_decided_and_clear_effects_are_found() {
    let looks = planned(5);
    for law in ["normal", "cauchy", "ties"] {
        rates(law, 0.0, &looks, 400).check_errors();
    }
    let found = rates("normal", 1.0, &looks, 200);
    assert!(found.reproduced > 0.97 && found.contradicted < 0.01, "{found}");
    let opposite = rates("normal", -1.0, &looks, 200);
    assert!(opposite.contradicted > 0.97 && opposite.reproduced < 0.01, "{opposite}");
}
