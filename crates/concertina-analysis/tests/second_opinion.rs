//! A few random networks, each analysed twice: see [`opinion`]. `slow_second_opinion` does the same with
//! thousands.

mod opinion;

#[test]
fn analyses_agree_with_plain_loops_on_random_networks_of_every_regime() {
    opinion::check(0..120, 1, 24);
}
