//! What holds of every run, on a few dozen sets of parameters at random; `slow_properties` has thousands.

#[path = "support/properties.rs"]
mod properties;
mod support;

#[test]
fn runs_come_back_from_the_store_to_the_bit_and_every_number_is_explained() {
    properties::check(40, 1, 1);
}
