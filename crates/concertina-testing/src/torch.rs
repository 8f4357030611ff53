//! Writes files as `torch.save` does, for tests without PyTorch.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A value to be saved.
#[derive(Debug, Clone)]
pub enum Value {
    /// A tensor of float32, row-major.
    Tensor(Vec<usize>, Vec<f32>),
    /// A dict with keys of text.
    Dict(Vec<(String, Value)>),
    /// A list.
    List(Vec<Value>),
    /// A whole number of 32 bits.
    Whole(i32),
    /// A real number.
    Real(f64),
    /// Text.
    Text(String),
    /// None.
    None,
}

/// A dict of these entries.
pub fn dict<'n>(entries: impl IntoIterator<Item = (&'n str, Value)>) -> Value {
    Value::Dict(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// The bytes of a file of `torch.save`.
pub fn file(value: &Value) -> Vec<u8> {
    let (mut pickle, mut storages) = (vec![0x80, 2], Vec::new());
    append(value, &mut pickle, &mut storages);
    pickle.push(b'.');
    archive(&pickle, &storages)
}

/// The same of a pickle and the bytes of the storages, whose keys are `0`, `1` and so on.
///
/// # Panics
/// If there is too much to write.
pub fn archive(pickle: &[u8], storages: &[Vec<u8>]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, bytes: &[u8]| {
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file(format!("archive/{name}"), stored).expect("a member");
        zip.write_all(bytes).expect("written");
    };
    add("data.pkl", pickle);
    add("byteorder", b"little");
    for (key, bytes) in storages.iter().enumerate() {
        add(&format!("data/{key}"), bytes);
    }
    add("version", b"3\n");
    zip.finish().expect("an archive").into_inner()
}

/// The instructions that leave a text on the stack.
pub fn text(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).expect("a short text").to_le_bytes();
    [b"X", &length[..], text.as_bytes()].concat()
}

/// The instructions that leave a whole number on the stack.
pub fn whole(number: i32) -> Vec<u8> {
    [b"J", &number.to_le_bytes()[..]].concat()
}

/// The instructions that leave a tuple of whole numbers on the stack.
pub fn wholes(numbers: &[i32]) -> Vec<u8> {
    [b"(".to_vec(), numbers.iter().copied().flat_map(whole).collect(), b"t".to_vec()].concat()
}

/// The instructions that leave a storage on the stack: its type, as in `torch\nFloatStorage`, its key, and
/// the number of its elements.
pub fn storage(kind: &str, key: usize, count: i32) -> Vec<u8> {
    let kind = format!("c{kind}\n").into_bytes();
    [b"(".to_vec(), text("storage"), kind, text(&key.to_string()), text("cpu"), whole(count), b"tQ".to_vec()]
        .concat()
}

/// The instructions that leave a tensor on the stack, of a storage that other instructions leave there.
pub fn tensor(storage: &[u8], offset: i32, shape: &[i32], strides: &[i32]) -> Vec<u8> {
    let function = b"ctorch._utils\n_rebuild_tensor_v2\n(".to_vec();
    let hooks = b"\x89ccollections\nOrderedDict\n)RtR".to_vec();
    [function, storage.to_vec(), whole(offset), wholes(shape), wholes(strides), hooks].concat()
}

fn append(value: &Value, pickle: &mut Vec<u8>, storages: &mut Vec<Vec<u8>>) {
    match value {
        Value::Tensor(shape, numbers) => {
            let shape: Vec<i32> = shape.iter().map(|length| i32::try_from(*length).expect("short")).collect();
            let after = |axis: usize| shape[axis + 1..].iter().product();
            let strides: Vec<i32> = (0..shape.len()).map(after).collect();
            let count = i32::try_from(numbers.len()).expect("few");
            let storage = storage("torch\nFloatStorage", storages.len(), count);
            storages.push(numbers.iter().flat_map(|number| number.to_le_bytes()).collect());
            pickle.extend(tensor(&storage, 0, &shape, &strides));
        }
        Value::Dict(entries) => {
            pickle.extend(b"}(");
            for (key, value) in entries {
                pickle.extend(text(key));
                append(value, pickle, storages);
            }
            pickle.push(b'u');
        }
        Value::List(values) => {
            pickle.extend(b"](");
            values.iter().for_each(|value| append(value, pickle, storages));
            pickle.push(b'e');
        }
        Value::Whole(number) => pickle.extend(whole(*number)),
        Value::Real(number) => {
            pickle.push(b'G');
            pickle.extend(number.to_be_bytes());
        }
        Value::Text(words) => pickle.extend(text(words)),
        Value::None => pickle.push(b'N'),
    }
}
