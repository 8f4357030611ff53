//! For tests: every reader of foreign bytes, called on bytes from strangers.
//!
//! A reader of foreign bytes returns a value or an error: no panic, no overflow of the stack, no hang, no
//! allocation past a limit, whatever it reads. Each function here is one such reader with what must hold of
//! what it accepts; it panics if that does not hold. Three things call them: the fuzzers in `fuzz/`, a quick
//! test over the corpus kept there, and a slow one over many mutations of it.

mod arrays;
mod overrides;
mod params;
mod recipe;
pub mod reseal;
mod store;
mod tables;
mod tensors;

pub use arrays::arrays;
pub use overrides::overrides;
pub use params::{params_json, params_toml};
pub use recipe::recipe;
pub use store::{Template, store, tidy};
pub use tables::{csv, json, parquet, published};
pub use tensors::tensors;

/// A reader of foreign bytes, and what must hold of what it accepts.
pub type Target = fn(&[u8]);

/// Every target by its name, which is that of its fuzzer and of its folder in `fuzz/corpus`.
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
];

/// An error is read: its text and those of its causes are made, and dropped.
pub(crate) fn tell(error: &dyn std::error::Error) {
    let mut next = Some(error);
    while let Some(error) = next {
        assert!(!error.to_string().is_empty(), "an error without words");
        next = error.source();
    }
}
