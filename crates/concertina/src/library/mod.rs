//! The library: the store seen as runs, to be listed, read, imported, exported, merged and removed.

pub(crate) mod arrays;
pub(crate) mod export;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod listing;
pub(crate) mod merge;
pub(crate) mod progress;
pub(crate) mod provenance;
pub(crate) mod removal;
pub(crate) mod stored;
