//! What holds for every run, tested on thousands of random sets of parameters:
//! `cargo test --release -p concertina --test slow_properties`.
//!
//! `CONCERTINA_CASES` sets how many (default 2000), and `CONCERTINA_SEED` which random sequence (default 2).

#[path = "support/properties.rs"]
mod properties;
mod support;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a whole number"))
}

#[test]
fn runs_come_back_from_the_store_bit_for_bit_and_every_number_is_explained() {
    let cases = u32::try_from(number("CONCERTINA_CASES", 2000)).expect("fewer cases");
    properties::check(cases, number("CONCERTINA_SEED", 2), 12);
}
