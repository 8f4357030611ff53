//! What holds of every run, on thousands of sets of parameters at random: `cargo test --release -p concertina
//! --test slow_properties`.
//!
//! `CONCERTINA_CASES` is how many (default 2000), `CONCERTINA_SEED` where the sequence begins (default 2).

#[path = "support/properties.rs"]
mod properties;
mod support;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a whole number"))
}

#[test]
fn runs_come_back_from_the_store_to_the_bit_and_every_number_is_explained() {
    let cases = u32::try_from(number("CONCERTINA_CASES", 2000)).expect("not so many");
    properties::check(cases, number("CONCERTINA_SEED", 2), 12);
}
