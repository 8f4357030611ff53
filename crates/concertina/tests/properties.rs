//! What holds for every run, tested on a few dozen random sets of parameters; `slow_properties` has
//! thousands.

#[path = "support/properties.rs"]
mod properties;
mod support;

#[test]
fn runs_come_back_from_the_store_bit_for_bit_and_every_number_is_explained() {
    properties::check(40, 1, 1);
}
