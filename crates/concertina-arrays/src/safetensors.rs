//! Arrays in the safetensors format.

use std::collections::HashMap;

use ndarray::{ArrayD, IxDyn};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::bits::{brain, half};
use crate::{Arrays, Element, Error, Member, Result, check_size};

fn damaged(reason: impl Into<String>) -> Error {
    Error::Damaged { format: "safetensors", reason: reason.into() }
}

/// Reads the arrays of numbers and truth values of a safetensors file. Other arrays become
/// [`Member::Other`].
///
/// # Errors
/// [`Error::Damaged`], [`Error::TooLarge`].
pub fn read_safetensors(bytes: &[u8]) -> Result<Arrays> {
    check_size(bytes.len() as u64)?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| damaged(error.to_string()))?;
    let mut arrays = Arrays::new();
    let mut left = crate::MAX_BYTES;
    for (name, tensor) in tensors.iter() {
        let decode = match tensor.dtype() {
            Dtype::F64 => {
                Decode::Number(8, |bytes| f64::from_le_bytes(bytes.try_into().expect("eight bytes")))
            }
            Dtype::F32 => {
                Decode::Number(4, |bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes")).into())
            }
            Dtype::BF16 => Decode::Number(2, |bytes| brain(u16::from_le_bytes([bytes[0], bytes[1]]))),
            Dtype::F16 => Decode::Number(2, |bytes| half(u16::from_le_bytes([bytes[0], bytes[1]]))),
            Dtype::I64 => {
                Decode::Integer(8, |bytes| i64::from_le_bytes(bytes.try_into().expect("eight bytes")))
            }
            Dtype::I32 => {
                Decode::Integer(4, |bytes| i32::from_le_bytes(bytes.try_into().expect("four bytes")).into())
            }
            Dtype::U32 => {
                Decode::Integer(4, |bytes| u32::from_le_bytes(bytes.try_into().expect("four bytes")).into())
            }
            Dtype::I16 => Decode::Integer(2, |bytes| i16::from_le_bytes([bytes[0], bytes[1]]).into()),
            Dtype::U16 => Decode::Integer(2, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]).into()),
            Dtype::I8 => Decode::Integer(1, |bytes| i8::from_le_bytes([bytes[0]]).into()),
            Dtype::U8 => Decode::Integer(1, |bytes| bytes[0].into()),
            Dtype::BOOL => Decode::Truth,
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
        let (data, shape) = (tensor.data(), tensor.shape());
        let member = match decode {
            Decode::Number(size, decode) => {
                Member::Numbers(shaped(name, shape, data.chunks_exact(size).map(decode).collect())?)
            }
            Decode::Integer(size, decode) => {
                Member::Integers(shaped(name, shape, data.chunks_exact(size).map(decode).collect())?)
            }
            Decode::Truth => {
                Member::Truths(shaped(name, shape, data.iter().map(|byte| *byte != 0).collect())?)
            }
        };
        arrays.insert(name.to_owned(), member);
    }
    Ok(arrays)
}

/// How the elements of a tensor are read: the size of one in bytes, and its value.
enum Decode {
    Number(usize, fn(&[u8]) -> f64),
    Integer(usize, fn(&[u8]) -> i64),
    Truth,
}

fn shaped<T>(name: &str, shape: &[usize], values: Vec<T>) -> Result<ArrayD<T>> {
    ArrayD::from_shape_vec(IxDyn(shape), values)
        .map_err(|error| damaged(format!("`{name}`, shape {shape:?}: {error}")))
}

/// A safetensors file that is being written. The same content gives the same bytes.
#[derive(Debug, Default)]
pub struct Safetensors {
    tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>,
    texts: Vec<(String, String)>,
}

impl Safetensors {
    /// Adds an array of floating-point numbers or integers, row-major.
    pub fn array<T: Element>(&mut self, name: &str, array: &ArrayD<T>) {
        let mut bytes = Vec::new();
        array.iter().for_each(|entry| entry.append(&mut bytes));
        let kind = match T::TYPE {
            "<f4" => Dtype::F32,
            "<f8" => Dtype::F64,
            "<i8" => Dtype::I64,
            _ => Dtype::BOOL,
        };
        self.tensors.push((name.to_owned(), kind, array.shape().to_vec(), bytes));
    }

    /// Sets the text that the file's metadata have under a name. The format does not keep the order of
    /// several texts, so one is the most that gives the same bytes again.
    pub fn text(&mut self, name: &str, text: &str) {
        self.texts = vec![(name.to_owned(), text.to_owned())];
    }

    /// The bytes of the file.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn finish(self) -> Result<Vec<u8>> {
        let failed = |error: safetensors::SafeTensorError| Error::Write {
            name: "tensors".to_owned(),
            source: std::io::Error::other(error.to_string()),
        };
        let views = self.tensors.iter().map(|(name, kind, shape, bytes)| {
            TensorView::new(*kind, shape.clone(), bytes).map(|view| (name.as_str(), view))
        });
        let views = views.collect::<std::result::Result<Vec<_>, _>>().map_err(failed)?;
        let texts: HashMap<String, String> = self.texts.into_iter().collect();
        safetensors::serialize(views, Some(texts)).map_err(failed)
    }
}
