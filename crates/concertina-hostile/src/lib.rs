//! For tests: calls every reader of foreign bytes with untrusted input.
//!
//! Whatever it reads, a reader of foreign bytes must return a value or an error, without a panic, a stack
//! overflow, a hang or an allocation beyond a limit. Each function here calls one such reader and checks
//! properties of what it accepts; it panics if they do not hold. The functions are called by the fuzzers in
//! `fuzz/`, by a quick test over the corpus there, and by a slow test over many mutations of the corpus.

mod arrays;
mod overrides;
mod params;
mod recipe;
pub mod reseal;
mod store;
mod tables;
mod tensors;
mod torch;

pub use arrays::arrays;
pub use overrides::overrides;
pub use params::{params_json, params_toml};
pub use recipe::recipe;
pub use store::{Template, store, tidy};
pub use tables::{csv, json, parquet, published};
pub use tensors::tensors;
pub use torch::torch;

/// A call of a reader of foreign bytes, with checks of what it accepts.
pub type Target = fn(&[u8]);

/// All targets by name. A target's name is also that of its fuzzer and of its folder in `fuzz/corpus`.
pub const TARGETS: &[(&str, Target)] = &[
    ("params_toml", params_toml),
    ("params_json", params_json),
    ("overrides", overrides),
    ("recipe", recipe),
    ("tensors", tensors),
    ("parquet", parquet),
    ("csv", csv),
    ("json", json),
    ("published", published),
    ("store", store),
    ("arrays", arrays),
    ("torch", torch),
];

/// Formats an error and its causes, and drops the texts.
pub(crate) fn tell(error: &dyn std::error::Error) {
    let mut next = Some(error);
    while let Some(error) = next {
        assert!(!error.to_string().is_empty(), "an error without words");
        next = error.source();
    }
}
