//! Untrusted input that once took disproportionate time or memory.

use std::time::{Duration, Instant};

use super::*;

/// Long compared with what each of these takes now (milliseconds), and short compared with what it once took
/// (seconds, or all memory).
const SOON: Duration = Duration::from_secs(5);

fn soon<T>(what: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = what();
    assert!(start.elapsed() < SOON, "it took {:?}", start.elapsed());
    result
}

#[test]
fn many_lines_are_counted_once() {
    let text: String = (0..200_000).map(|number| format!("x{number}=1\n")).collect();
    assert!(matches!(soon(|| Params::from_toml(&text)), Err(Error::AtLine { line: 1, .. })));
}

#[test]
fn a_long_name_is_not_compared_with_every_parameter() {
    let name = "g".repeat(4_000_000);
    let mut params = Params::default();
    let Err(Error::UnknownParameter { hint, .. }) = soon(|| params.set(&name, "1")) else {
        panic!("unknown")
    };
    assert_eq!(hint, "`concertina params` lists every parameter");
    let text = format!("[train]\nloss = \"{name}\"\n");
    assert!(soon(|| Params::from_toml(&text)).is_err());
}

#[test]
fn many_axes_without_values_are_refused_at_the_first() {
    let axes: String = (0..20_000).map(|number| format!("x{number}=[]\n")).collect();
    let refused = soon(|| Sweep::from_toml(&format!("[sweep]\n{axes}")));
    assert_eq!(
        refused.expect_err("no values").to_string(),
        "line 2: `x0`: expected at least one value, found none"
    );
}

#[test]
fn many_ranges_in_one_axis_do_not_fill_the_memory() {
    let text = format!("seed={}", "0..100000,".repeat(20_000));
    let refused = soon(|| Sweep::of(Params::default()).assign(&text));
    assert!(matches!(refused, Err(Error::TooManyRuns { most: 100_000, found: 200_000 })));
}

#[test]
fn long_lists_in_many_runs_do_not_fill_the_memory() {
    let list = vec!["1"; 50_000].join(",");
    let overrides =
        ["epochs=50000".to_owned(), format!("saves_per_epoch=[{list}]"), "seed=0..100000".to_owned()];
    let sweep = Sweep::parse(Params::default(), overrides.iter().map(String::as_str)).expect("each is valid");
    assert!(matches!(soon(|| sweep.check()), Err(Error::TooManyRuns { most: 200, found: 100_000 })));
}

#[test]
fn a_list_of_saves_is_not_lengthened_to_a_billion_entries() {
    let params =
        Sweep::parse(Params::default(), ["epochs=3", "saves_per_epoch=[2,1,0.5]"]).and_then(Sweep::check);
    let params = &params.expect("valid")[0];
    let Err(Error::Parameter { parameter, .. }) = params.with_epochs(1_000_000_000) else {
        panic!("too long")
    };
    assert_eq!(parameter, "train.saves_per_epoch");
    assert_eq!(params.with_epochs(1000).expect("few epochs").train.epochs, 1000);
}
