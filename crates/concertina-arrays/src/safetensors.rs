//! Arrays as safetensors, whoever wrote them.

use ndarray::{ArrayD, IxDyn};
use safetensors::{Dtype, SafeTensors};

use crate::{Arrays, Error, Member, Result, check_size};

fn damaged(reason: impl Into<String>) -> Error {
    Error::Damaged { format: "safetensors", reason: reason.into() }
}

/// Reads the arrays of a safetensors file. Those of integers and the like are [`Member::Other`].
///
/// # Errors
/// [`Error::Damaged`], [`Error::TooLarge`].
pub fn read_safetensors(bytes: &[u8]) -> Result<Arrays> {
    check_size(bytes.len() as u64)?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| damaged(error.to_string()))?;
    let mut arrays = Arrays::new();
    let mut left = crate::MAX_BYTES;
    for (name, tensor) in tensors.iter() {
        let (size, decode): (usize, fn(&[u8]) -> f64) = match tensor.dtype() {
            Dtype::F64 => (8, |bytes| f64::from_le_bytes(bytes.try_into().expect("eight bytes"))),
            Dtype::F32 => (4, |bytes| f64::from(f32::from_le_bytes(bytes.try_into().expect("four bytes")))),
            Dtype::BF16 => (2, |bytes| f64::from(f32::from_le_bytes([0, 0, bytes[0], bytes[1]]))),
            Dtype::F16 => (2, |bytes| half(u16::from_le_bytes([bytes[0], bytes[1]]))),
            other => {
                arrays.insert(name.to_owned(), Member::Other(format!("{other:?}")));
                continue;
            }
        };
        // Empty tensors may share places, so their number says nothing; full ones may not, says the library's check.
        left = left
            .checked_sub(tensor.data().len() as u64)
            .ok_or(Error::TooLarge { limit: crate::MAX_BYTES, found: crate::MAX_BYTES + 1 })?;
        let values = tensor.data().chunks_exact(size).map(decode).collect();
        let array = ArrayD::from_shape_vec(IxDyn(tensor.shape()), values)
            .map_err(|error| damaged(format!("`{name}`, shape {:?}: {error}", tensor.shape())))?;
        arrays.insert(name.to_owned(), Member::Numbers(array));
    }
    Ok(arrays)
}

/// A number of 16 bits (IEEE 754 binary16).
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff) / 1024.0;
    sign * match exponent {
        0 => fraction * 2_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2_f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn numbers_of_16_bits_are_read_as_the_standard_has_them() {
        let known = [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 2_f64.powi(-24)),
            (0x3555, 0.333_251_953_125),
        ];
        for (bits, number) in known {
            assert_eq!(half(bits), number, "{bits:04x}");
        }
        assert_eq!(half(0xfc00), f64::NEG_INFINITY);
        assert!(half(0x7e00).is_nan());
    }
}
