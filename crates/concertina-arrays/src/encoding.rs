//! How numbers are written in bytes, from NumPy's name for their type.

use crate::bits::{brain, half};

/// The encoding of floating-point numbers.
#[derive(Clone, Copy)]
pub(crate) struct Number {
    /// Bytes of each.
    pub(crate) size: usize,
    big_endian: bool,
    /// Decodes the bytes in little-endian order, padded with zeros.
    from_bits: fn(u64) -> f64,
    /// Whether the file does not name the type.
    pub(crate) is_guessed: bool,
}

impl Number {
    /// The encoding of a NumPy type; `None` if the type is not one of floating-point numbers. Without a byte
    /// order, NumPy uses that of the machine, which is taken to be little-endian. NumPy does not know
    /// bfloat16 and writes it as two bytes without a type.
    pub(crate) fn of(kind: &str) -> Option<Self> {
        let big_endian = kind.starts_with('>');
        let (size, from_bits, is_guessed): (usize, fn(u64) -> f64, bool) =
            match kind.trim_start_matches(['<', '>', '=', '|']) {
                "f8" | "d" | "float64" => (8, f64::from_bits, false),
                "f4" | "f" | "float32" => (4, |bits| f64::from(f32::from_bits(bits as u32)), false),
                "f2" | "e" | "float16" => (2, |bits| half(bits as u16), false),
                "bfloat16" => (2, |bits| brain(bits as u16), false),
                "V2" => (2, |bits| brain(bits as u16), true),
                _ => return None,
            };
        Some(Self { size, big_endian, from_bits, is_guessed })
    }

    pub(crate) fn decode(self, bytes: &[u8]) -> f64 {
        (self.from_bits)(bits(bytes, self.big_endian))
    }
}

/// The encoding of integers.
#[derive(Clone, Copy)]
pub(crate) struct Integer {
    /// Bytes of each.
    pub(crate) size: usize,
    big_endian: bool,
    is_signed: bool,
}

impl Integer {
    /// The encoding of a NumPy type; `None` if the type is not one of integers.
    pub(crate) fn of(kind: &str) -> Option<Self> {
        let (is_signed, size) = match kind.trim_start_matches(['<', '>', '=', '|']) {
            "i1" | "int8" => (true, 1),
            "i2" | "int16" => (true, 2),
            "i4" | "int32" => (true, 4),
            "i8" | "int64" => (true, 8),
            "u1" | "uint8" => (false, 1),
            "u2" | "uint16" => (false, 2),
            "u4" | "uint32" => (false, 4),
            "u8" | "uint64" => (false, 8),
            _ => return None,
        };
        Some(Self { size, big_endian: kind.starts_with('>'), is_signed })
    }

    /// `None` above 2^63 - 1.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<i64> {
        let bits = bits(bytes, self.big_endian);
        if !self.is_signed {
            return i64::try_from(bits).ok();
        }
        let unused = 64 - 8 * self.size as u32;
        Some((bits << unused) as i64 >> unused)
    }
}

/// The bits of at most eight bytes.
fn bits(bytes: &[u8], big_endian: bool) -> u64 {
    let mut eight = [0; 8];
    eight[..bytes.len()].copy_from_slice(bytes);
    if big_endian {
        eight[..bytes.len()].reverse();
    }
    u64::from_le_bytes(eight)
}
