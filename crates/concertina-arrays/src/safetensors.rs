//! Arrays in the safetensors format.

use ndarray::{ArrayD, IxDyn};
use safetensors::{Dtype, SafeTensors};

use crate::bits::{brain, half};
use crate::{Arrays, Error, Member, Result, check_size};

fn damaged(reason: impl Into<String>) -> Error {
    Error::Damaged { format: "safetensors", reason: reason.into() }
}

/// Reads the arrays of floating-point numbers of a safetensors file. Other arrays become [`Member::Other`].
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
            Dtype::BF16 => (2, |bytes| brain(u16::from_le_bytes([bytes[0], bytes[1]]))),
            Dtype::F16 => (2, |bytes| half(u16::from_le_bytes([bytes[0], bytes[1]]))),
            other => {
                arrays.insert(name.to_owned(), Member::Other(format!("elements of type {other:?}")));
                continue;
            }
        };
        // Empty tensors may share their place, so the file does not limit their number. The library checks
        // that other tensors do not overlap.
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
