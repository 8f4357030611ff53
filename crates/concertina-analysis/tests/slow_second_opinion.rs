//! Thousands of random networks, each analysed twice: see [`opinion`].
//!
//! Run it with `cargo test --release -p concertina-analysis --test slow_second_opinion -- --nocapture`.
//! `CONCERTINA_CASES` is the number of networks (default 2000), and `CONCERTINA_SEED` is where the sequence
//! begins (default 2).

mod opinion;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a whole number"))
}

#[test]
fn analyses_agree_with_plain_loops_on_thousands_of_random_networks() {
    opinion::check(0..number("CONCERTINA_CASES", 2000), number("CONCERTINA_SEED", 2), 60);
}
