//! The run store: keys, atomic publishing, checksums.
