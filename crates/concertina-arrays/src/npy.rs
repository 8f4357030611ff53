//! One array as NumPy writes it: `.npy`, versions 1 to 3 (numpy.lib.format).

use ndarray::{ArrayD, IxDyn, ShapeBuilder};

use crate::bits::{brain, half};
use crate::{Error, Member, Result, elements};

const MAGIC: &[u8] = b"\x93NUMPY";
/// Most bytes of a header: arbitrary, a record array with a thousand fields has 75,000. NumPy itself asks
/// before it reads more than 10,000, because it evaluates them as Python; here they are only compared with
/// what a header can say.
const MAX_HEADER: usize = 1 << 20;
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
/// [`Error::Damaged`]; an array of something other than floating-point numbers is [`Member::Other`].
pub fn read_npy(bytes: &[u8]) -> Result<Member> {
    let (Header { kind, fortran_order, shape }, data) = opened(bytes)?;
    let Some(kind) = kind else { return Ok(Member::Other("a record array".to_owned())) };
    let Some(number) = Number::of(&kind) else { return Ok(Member::Other(in_words(&kind))) };
    let expected = elements(&shape).and_then(|count| count.checked_mul(number.size));
    if expected != Some(data.len()) {
        return Err(damaged(format!("shape {shape:?} of `{kind}`, but {} bytes of numbers", data.len())));
    }
    let values = data.chunks_exact(number.size).map(|bytes| number.decode(bytes)).collect();
    let array = ArrayD::from_shape_vec(IxDyn(&shape).set_f(fortran_order), values)
        .map_err(|error| damaged(format!("shape {shape:?}: {error}")))?;
    let array = if fortran_order { array.as_standard_layout().into_owned() } else { array };
    Ok(if number.is_guessed { Member::Guessed(array) } else { Member::Numbers(array) })
}

/// The header of an array, and the bytes after it.
fn opened(bytes: &[u8]) -> Result<(Header, &[u8])> {
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it does not begin as a .npy file does"))?;
    let (version, rest) =
        rest.split_at_checked(2).ok_or_else(|| damaged("it is cut off in its first bytes"))?;
    let (length, rest) = match version[0] {
        1 => rest
            .split_at_checked(2)
            .map(|(size, rest)| (usize::from(u16::from_le_bytes([size[0], size[1]])), rest)),
        2 | 3 => rest.split_at_checked(4).map(|(size, rest)| {
            let size = u32::from_le_bytes([size[0], size[1], size[2], size[3]]);
            (usize::try_from(size).unwrap_or(usize::MAX), rest)
        }),
        other => return Err(damaged(format!("version {other} of the format; 1 to 3 are known"))),
    }
    .ok_or_else(|| damaged("it is cut off in its first bytes"))?;
    if length > MAX_HEADER {
        return Err(damaged(format!("a header of {length} bytes, {MAX_HEADER} at most")));
    }
    let (header, data) =
        rest.split_at_checked(length).ok_or_else(|| damaged("it is cut off in its header"))?;
    let header = std::str::from_utf8(header).map_err(|_| damaged("its header is not text"))?;
    Ok((Header::read(header)?, data))
}

/// Reads one array of 64-bit integers with one axis, as NumPy on most machines and
/// [`Npz::vector`](crate::Npz::vector) write it.
///
/// # Errors
/// [`Error::Damaged`]; [`Error::Type`] if it holds something else.
pub fn read_integers(bytes: &[u8]) -> Result<Vec<i64>> {
    let (header, data) = opened(bytes)?;
    let (Some("<i8"), [length]) = (header.kind.as_deref(), &header.shape[..]) else {
        let found = header.kind.as_deref().map_or_else(|| "a record array".to_owned(), in_words);
        return Err(Error::Type { name: "integers".to_owned(), found });
    };
    if length.checked_mul(8) != Some(data.len()) {
        return Err(damaged(format!("{length} integers, but {} bytes of them", data.len())));
    }
    let eight = |bytes: &[u8]| i64::from_le_bytes(bytes.try_into().expect("chunks of eight bytes"));
    Ok(data.chunks_exact(8).map(eight).collect())
}

/// How floating-point numbers are written.
#[derive(Clone, Copy)]
struct Number {
    /// Bytes of each.
    size: usize,
    big_endian: bool,
    /// From the bytes in little-endian order, padded with zeros.
    from_bits: fn(u64) -> f64,
    /// Whether the file does not name the type.
    is_guessed: bool,
}

impl Number {
    /// The numbers of a type of NumPy's; `None` if it is another type. Without a byte order it is the
    /// machine's, as NumPy reads it: taken for little-endian. Two bytes without a type are what NumPy makes
    /// of bfloat16, which it does not know.
    fn of(kind: &str) -> Option<Self> {
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

    fn decode(self, bytes: &[u8]) -> f64 {
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        if self.big_endian {
            eight[..bytes.len()].reverse();
        }
        (self.from_bits)(u64::from_le_bytes(eight))
    }
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
        Some('V') => "bytes without a type",
        Some('f' | 'g') => "numbers of more than 64 bits",
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
    /// `None`: elements of several fields.
    kind: Option<String>,
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
                // A list of fields, or a type of one's own: what follows is Python at large.
                "descr" => return Ok(Self { kind: None, fortran_order: false, shape: Vec::new() }),
                "fortran_order" => {
                    let value = rest.begins("True");
                    (fortran_order, rest) = (Some(value), rest.after(if value { "True" } else { "False" })?);
                }
                "shape" => {
                    let (value, after) = rest.tuple()?;
                    (shape, rest) = (Some(value), after);
                }
                other => return Err(damaged(format!("its header has an unknown key `{other}`"))),
            }
            rest = if rest.begins(",") { rest.after(",")? } else { rest };
        }
        match (kind, fortran_order, shape) {
            (Some(kind), Some(fortran_order), Some(shape)) => {
                Ok(Self { kind: Some(kind), fortran_order, shape })
            }
            _ => Err(damaged("its header lacks the type, the order or the shape")),
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
        rest.map(Rest).ok_or_else(|| damaged(format!("its header lacks a `{sign}`")))
    }

    fn quoted(self) -> Result<(&'a str, Self)> {
        let text = self.0.trim_start();
        let quote = text.chars().next().filter(|sign| matches!(sign, '\'' | '"'));
        let found = quote.and_then(|quote| text[1..].split_once(quote));
        found
            .map(|(inside, rest)| (inside, Rest(rest)))
            .ok_or_else(|| damaged("its header lacks a text in quotes"))
    }

    fn tuple(self) -> Result<(Vec<usize>, Self)> {
        let Rest(text) = self.after("(")?;
        let (inside, rest) = text.split_once(')').ok_or_else(|| damaged("its shape does not end"))?;
        let axes = inside.split(',').map(str::trim).filter(|axis| !axis.is_empty());
        // Python 2 writes long integers as 10L.
        let shape: Option<Vec<usize>> =
            axes.map(|axis| axis.strip_suffix('L').unwrap_or(axis).parse().ok()).collect();
        match shape {
            Some(shape) if shape.len() <= MAX_AXES => Ok((shape, Rest(rest))),
            _ => Err(damaged("its shape is not a list of lengths")),
        }
    }
}
