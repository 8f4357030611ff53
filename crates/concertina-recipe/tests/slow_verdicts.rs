//! The error rates of verdicts, over thousands of simulated claims.
//!
//! `cargo test --release -p concertina-recipe --test slow_verdicts -- --nocapture` prints the rates that
//! `docs/reference/recipes.md` gives.

mod support;

use concertina_numerics::statistics::power;
use support::simulated::{CLAIMS_SLOW, Rates, planned, rates};

#[test]
#[allow(clippy::print_stdout, reason = "its numbers are its result")]
fn verdicts_err_no_more_often_than_they_say() {
    for first in [5, 10] {
        let looks = planned(first);
        println!("looks at {looks:?}");
        for (law, effect) in [("normal", 0.0), ("cauchy", 0.0), ("uniform", 0.0), ("ties", 0.0)] {
            let found = rates(law, effect, &looks, CLAIMS_SLOW);
            println!("{law}, no effect: {found}");
            found.check_errors();
        }
        for effect in [0.2, 0.5, 1.0, 1.5] {
            println!("normal, effect {effect}: {}", rates("normal", effect, &looks, CLAIMS_SLOW));
        }
    }
    for count in [5, 10, 30] {
        let effect = power::detectable(count, 0.05).expect("enough");
        println!("{count} realisations, tested once, find an effect of {effect:.3} in 80% of cases");
    }
    // What looking without a plan does: stopping at the first p-value below 0.05.
    let naive = Rates::without_a_plan(&planned(5), CLAIMS_SLOW);
    println!("normal, no effect, p < 0.05 at any look: {naive}");
    assert!(naive.reproduced > 0.07, "{naive}");
}
