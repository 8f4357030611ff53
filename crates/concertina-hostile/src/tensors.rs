//! Weights in safetensors.

use concertina_store::Tensors;
use ndarray::{ArrayD, IxDyn};

use crate::reseal;

const SUBJECT: &str = "run 0 checkpoint 1_80";

/// A safetensors file of the store, unchanged and with a corrected checksum; then arrays whose names, shapes
/// and values are taken from the bytes.
pub fn tensors(bytes: &[u8]) {
    if let Err(reason) = read(bytes)
        && let Some(resealed) = reseal::by_reason(bytes, &reason)
    {
        let _ = read(&resealed);
    }
    let made = made(bytes);
    let file = made.to_safetensors(SUBJECT);
    let read = Tensors::from_safetensors(&file, SUBJECT).expect("what is written is read");
    assert_eq!(read.to_safetensors(SUBJECT), file);
    assert!(Tensors::from_safetensors(&file, "another").is_err());
}

fn read(bytes: &[u8]) -> Result<(), String> {
    let tensors = Tensors::from_safetensors(bytes, SUBJECT)?;
    assert_eq!(tensors.to_safetensors(SUBJECT), bytes, "the same content is always written in the same way");
    Ok(())
}

/// Arrays with names, shapes and values from these bytes.
fn made(bytes: &[u8]) -> Tensors {
    let mut tensors = Tensors::default();
    for piece in bytes.chunks(24) {
        let (name, rest) = piece.split_at(piece.len().min(8));
        let (axes, values) = rest.split_at(rest.len().min(4));
        // Few different sizes, so that shapes with a zero are as frequent as others.
        let shape: Vec<usize> = axes.iter().map(|axis| usize::from(axis % 3)).collect();
        let value = |place: usize| {
            let byte = values.get(place % values.len().max(1)).copied().unwrap_or(0);
            f32::from_bits(u32::from_le_bytes([byte, byte.rotate_left(3), byte, byte.rotate_left(1)]))
        };
        let count: usize = shape.iter().product();
        let array = ArrayD::from_shape_vec(IxDyn(&shape), (0..count).map(value).collect());
        let name = String::from_utf8_lossy(name).into_owned();
        if name != "__metadata__" {
            tensors.arrays.insert(name, array.expect("as many values as the shape has"));
        }
    }
    let note = String::from_utf8_lossy(bytes).into_owned();
    tensors.metadata.insert("note".to_owned(), note.into());
    tensors
}
