//! The purpose of random numbers.

use std::fmt;

/// The purpose of a stream of numbers: up to 16 ASCII characters, which are part of the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Purpose([u8; 16]);

impl Purpose {
    /// A purpose with this name. Meant for constants, where an invalid name is an error at compile time.
    ///
    /// # Panics
    /// If the name is longer than 16 bytes, or contains characters other than printable ASCII.
    #[must_use]
    pub const fn new(name: &str) -> Self {
        let name = name.as_bytes();
        assert!(name.len() <= 16, "a purpose has at most 16 characters");
        let mut bytes = [0; 16];
        let mut i = 0;
        while i < name.len() {
            assert!(name[i].is_ascii_graphic() || name[i] == b' ', "a purpose is printable ASCII");
            bytes[i] = name[i];
            i += 1;
        }
        Self(bytes)
    }

    /// The bytes of the name, padded with zeros.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        std::str::from_utf8(&self.0[..end]).unwrap_or_default()
    }
}

impl fmt::Debug for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Purpose").field(&self.name()).finish()
    }
}
