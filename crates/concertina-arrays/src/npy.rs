//! One array as NumPy writes it: `.npy`, versions 1 to 3 (numpy.lib.format).

use ndarray::{ArrayD, IxDyn, ShapeBuilder};

use crate::{Error, Member, Result, elements};

const MAGIC: &[u8] = b"\x93NUMPY";
/// NumPy's own limit for headers that are not trusted (numpy.lib.format, `max_header_size`).
const MAX_HEADER: usize = 10_000;
/// NumPy's limit (`NPY_MAXDIMS`, version 2).
const MAX_AXES: usize = 64;

/// What an array's elements can be when it is written.
pub trait Element: Copy {
    /// NumPy's name for the type, little-endian.
    const TYPE: &'static str;

    /// Adds its bytes.
    fn append(self, bytes: &mut Vec<u8>);
}

macro_rules! element {
    ($($kind:ty = $name:literal),*) => {$(
        impl Element for $kind {
            const TYPE: &'static str = $name;

            fn append(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}
element!(f32 = "<f4", f64 = "<f8", i64 = "<i8");

fn damaged(reason: impl Into<String>) -> Error {
    Error::Damaged { format: ".npy", reason: reason.into() }
}

/// Reads one array.
///
/// # Errors
/// [`Error::Damaged`]; an array of something else than floating-point numbers is [`Member::Other`].
pub fn read_npy(bytes: &[u8]) -> Result<Member> {
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it does not begin as one"))?;
    let (version, rest) = rest.split_at_checked(2).ok_or_else(|| damaged("it ends in its beginning"))?;
    let (length, rest) = match version[0] {
        1 => rest
            .split_at_checked(2)
            .map(|(size, rest)| (usize::from(u16::from_le_bytes([size[0], size[1]])), rest)),
        2 | 3 => rest.split_at_checked(4).map(|(size, rest)| {
            let size = u32::from_le_bytes([size[0], size[1], size[2], size[3]]);
            (usize::try_from(size).unwrap_or(usize::MAX), rest)
        }),
        other => return Err(damaged(format!("version {other}"))),
    }
    .ok_or_else(|| damaged("it ends in its beginning"))?;
    if length > MAX_HEADER {
        return Err(damaged(format!("a header of {length} bytes, {MAX_HEADER} at most")));
    }
    let (header, data) = rest.split_at_checked(length).ok_or_else(|| damaged("it ends in its header"))?;
    let header = std::str::from_utf8(header).map_err(|_| damaged("a header that is no text"))?;
    let Header { kind, fortran_order, shape } = Header::read(header)?;
    let decode: fn(&[u8]) -> f64 = match &*kind {
        "<f4" | "=f4" => |bytes| f64::from(f32::from_le_bytes(four(bytes))),
        ">f4" => |bytes| f64::from(f32::from_be_bytes(four(bytes))),
        "<f8" | "=f8" => |bytes| f64::from_le_bytes(eight(bytes)),
        ">f8" => |bytes| f64::from_be_bytes(eight(bytes)),
        _ => return Ok(Member::Other(in_words(&kind))),
    };
    let size = if kind.ends_with('4') { 4 } else { 8 };
    let expected = elements(&shape).and_then(|count| count.checked_mul(size));
    if expected != Some(data.len()) {
        return Err(damaged(format!("shape {shape:?} of `{kind}`, but {} bytes of them", data.len())));
    }
    let values = data.chunks_exact(size).map(decode).collect();
    let array = ArrayD::from_shape_vec(IxDyn(&shape).set_f(fortran_order), values)
        .map_err(|error| damaged(format!("shape {shape:?}: {error}")))?;
    Ok(Member::Numbers(if fortran_order { array.as_standard_layout().into_owned() } else { array }))
}

fn four(bytes: &[u8]) -> [u8; 4] {
    bytes.try_into().expect("chunks have the size of an element")
}

fn eight(bytes: &[u8]) -> [u8; 8] {
    bytes.try_into().expect("chunks have the size of an element")
}

/// A type of NumPy's in words.
fn in_words(kind: &str) -> String {
    let letter = kind.trim_start_matches(['<', '>', '=', '|']).chars().next();
    match letter {
        Some('i' | 'u') => "integers",
        Some('b' | '?') => "truth values",
        Some('c') => "complex numbers",
        Some('U' | 'S' | 'a') => "text",
        Some('O') => "Python objects",
        Some('f' | 'e') => "numbers of another width than 32 or 64 bits",
        _ => "something else",
    }
    .to_owned()
}

/// An array of one kind of elements, with these elements in row-major order.
pub(crate) fn write_npy<T: Element>(shape: &[usize], values: impl Iterator<Item = T>) -> Vec<u8> {
    let axes: Vec<String> = shape.iter().map(|axis| format!("{axis}, ")).collect();
    let mut header = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
        T::TYPE,
        axes.concat().trim_end()
    );
    // Spaces up to a multiple of 64 and a newline, so that the numbers are aligned.
    while !(MAGIC.len() + 4 + header.len() + 1).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&[1, 0]);
    let length = u16::try_from(header.len()).expect("at most 64 axes of 20 digits");
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    values.for_each(|value| value.append(&mut bytes));
    bytes
}

struct Header {
    kind: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Reads the Python dict that a header is: three keys, in any order. Not Python at large.
    fn read(text: &str) -> Result<Self> {
        let (mut kind, mut fortran_order, mut shape) = (None, None, None);
        let mut rest = Rest(text).after("{")?;
        while !rest.begins("}") {
            let (key, after) = rest.quoted()?;
            rest = after.after(":")?;
            match key {
                "descr" if rest.begins("'") || rest.begins("\"") => {
                    let (value, after) = rest.quoted()?;
                    (kind, rest) = (Some(value.to_owned()), after);
                }
                // A list of fields: structured elements.
                "descr" => return Err(damaged("elements of several fields")),
                "fortran_order" => {
                    let value = rest.begins("True");
                    (fortran_order, rest) = (Some(value), rest.after(if value { "True" } else { "False" })?);
                }
                "shape" => {
                    let (value, after) = rest.tuple()?;
                    (shape, rest) = (Some(value), after);
                }
                _ => return Err(damaged("a key in its header that none has")),
            }
            rest = if rest.begins(",") { rest.after(",")? } else { rest };
        }
        match (kind, fortran_order, shape) {
            (Some(kind), Some(fortran_order), Some(shape)) => Ok(Self { kind, fortran_order, shape }),
            _ => Err(damaged("a header without type, order or shape")),
        }
    }
}

/// What is left of a header to be read.
#[derive(Clone, Copy)]
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn begins(self, sign: &str) -> bool {
        self.0.trim_start().starts_with(sign)
    }

    fn after(self, sign: &str) -> Result<Self> {
        let rest = self.0.trim_start().strip_prefix(sign);
        rest.map(Rest).ok_or_else(|| damaged(format!("no `{sign}` where its header needs one")))
    }

    fn quoted(self) -> Result<(&'a str, Self)> {
        let text = self.0.trim_start();
        let quote = text.chars().next().filter(|sign| matches!(sign, '\'' | '"'));
        let found = quote.and_then(|quote| text[1..].split_once(quote));
        found
            .map(|(inside, rest)| (inside, Rest(rest)))
            .ok_or_else(|| damaged("no text where its header needs one"))
    }

    fn tuple(self) -> Result<(Vec<usize>, Self)> {
        let Rest(text) = self.after("(")?;
        let (inside, rest) = text.split_once(')').ok_or_else(|| damaged("a shape without end"))?;
        let axes = inside.split(',').map(str::trim).filter(|axis| !axis.is_empty());
        let shape: Option<Vec<usize>> = axes.map(|axis| axis.parse().ok()).collect();
        match shape {
            Some(shape) if shape.len() <= MAX_AXES => Ok((shape, Rest(rest))),
            _ => Err(damaged("a shape that is none")),
        }
    }
}
