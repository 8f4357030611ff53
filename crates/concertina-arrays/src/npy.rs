//! A single array in NumPy's format `.npy`, versions 1 to 3 (numpy.lib.format).

use ndarray::{ArrayD, IxDyn, ShapeBuilder};

use crate::encoding::{Integer, Number};
use crate::{Error, INTEGERS, MAX_BYTES, Member, Result, TRUTHS, elements};

const MAGIC: &[u8] = b"\x93NUMPY";
/// Maximum size of a header, in bytes. Arbitrary: a record array with a thousand fields has 75,000. NumPy
/// itself refuses more than 10,000 by default, because it evaluates the header as Python. Here a header is
/// only parsed.
const MAX_HEADER: usize = 1 << 20;
/// NumPy's limit (`NPY_MAXDIMS`, version 2).
const MAX_AXES: usize = 64;

/// An element type of arrays that can be written.
pub trait Element: Copy {
    /// NumPy's name for the type, little-endian.
    const TYPE: &'static str;

    /// Appends its bytes.
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

impl Element for bool {
    const TYPE: &'static str = "|b1";

    fn append(self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(self));
    }
}

fn damaged(reason: impl Into<String>) -> Error {
    Error::Damaged { format: ".npy", reason: reason.into() }
}

/// Reads one array.
///
/// # Errors
/// [`Error::Damaged`]. An array of anything but numbers and truth values is [`Member::Other`].
pub fn read_npy(bytes: &[u8]) -> Result<Member> {
    let (Header { kind, fortran_order, shape }, data) = opened(bytes)?;
    let Some(kind) = kind else { return Ok(Member::Other("a record array".to_owned())) };
    let file = Data { kind: &kind, fortran_order, shape: &shape, bytes: data };
    if let Some(number) = Number::of(&kind) {
        let array = file.array(number.size, |bytes| number.decode(bytes))?;
        return Ok(if number.is_guessed { Member::Guessed(array) } else { Member::Numbers(array) });
    }
    if let Some(integer) = Integer::of(&kind) {
        // Expanded to eight bytes each, they must not take more memory than any other array.
        if elements(&shape).is_some_and(|count| count as u64 > MAX_BYTES / 8) {
            return Ok(Member::Other(format!("more than {} integers", MAX_BYTES / 8)));
        }
        let array = file.array(integer.size, |bytes| integer.decode(bytes))?;
        let all = array.iter().all(Option::is_some);
        return Ok(match all {
            true => Member::Integers(array.mapv(Option::unwrap_or_default)),
            false => Member::Other("integers above 2^63".to_owned()),
        });
    }
    if matches!(kind.trim_start_matches(['<', '>', '=', '|']), "b1" | "?" | "bool") {
        return Ok(Member::Truths(file.array(1, |bytes| bytes[0] != 0)?));
    }
    if let ([], Some(text)) = (&*shape, scalar_text(&kind, data)) {
        return Ok(Member::Plain(format!("'{}'", text.escape_debug())));
    }
    Ok(Member::Other(in_words(&kind)))
}

/// The longest text that is read. Arbitrary: it is for names.
const MAX_TEXT: usize = 1000;

/// A text by itself, of NumPy's type `<U5`: characters of four bytes, and zeros at its end.
fn scalar_text(kind: &str, bytes: &[u8]) -> Option<String> {
    let (order, length) = kind.split_once('U')?;
    if bytes.len() > 4 * MAX_TEXT || length.parse::<usize>().ok()?.checked_mul(4)? != bytes.len() {
        return None;
    }
    let character = |four: &[u8]| {
        let four = four.try_into().ok()?;
        char::from_u32(if order == ">" { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    };
    let text: String = bytes.chunks_exact(4).map(character).collect::<Option<_>>()?;
    Some(text.trim_end_matches('\0').to_owned())
}

/// The header of a file, and the bytes of the elements.
struct Data<'a> {
    kind: &'a str,
    fortran_order: bool,
    shape: &'a [usize],
    bytes: &'a [u8],
}

impl Data<'_> {
    /// The array, row-major, with elements of `size` bytes.
    fn array<T: Clone>(&self, size: usize, decode: impl Fn(&[u8]) -> T) -> Result<ArrayD<T>> {
        let Self { kind, shape, bytes, fortran_order } = self;
        let expected = elements(shape).and_then(|count| count.checked_mul(size));
        if expected != Some(bytes.len()) {
            return Err(damaged(format!(
                "shape {shape:?} of `{kind}`, but {} bytes of numbers",
                bytes.len()
            )));
        }
        let values = bytes.chunks_exact(size).map(decode).collect();
        let array = ArrayD::from_shape_vec(IxDyn(shape).set_f(*fortran_order), values)
            .map_err(|error| damaged(format!("shape {shape:?}: {error}")))?;
        Ok(if *fortran_order { array.as_standard_layout().into_owned() } else { array })
    }
}

/// Splits a file into its header and the bytes after it.
fn opened(bytes: &[u8]) -> Result<(Header, &[u8])> {
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| damaged("it does not begin like a .npy file"))?;
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
        other => return Err(damaged(format!("version {other} of the format, only 1 to 3 are supported"))),
    }
    .ok_or_else(|| damaged("it is cut off in its first bytes"))?;
    if length > MAX_HEADER {
        return Err(damaged(format!("a header of {length} bytes, more than {MAX_HEADER}")));
    }
    let (header, data) =
        rest.split_at_checked(length).ok_or_else(|| damaged("it is cut off in its header"))?;
    let header = std::str::from_utf8(header).map_err(|_| damaged("its header is not text"))?;
    Ok((Header::read(header)?, data))
}

/// A description of a NumPy type.
fn in_words(kind: &str) -> String {
    let letter = kind.trim_start_matches(['<', '>', '=', '|']).chars().next();
    match letter {
        Some('i' | 'u') => INTEGERS,
        Some('b' | '?') => TRUTHS,
        Some('c') => "complex numbers",
        Some('U' | 'S' | 'a') => "text",
        Some('O') => "Python objects",
        Some('V') => "bytes without a type",
        Some('f' | 'g') => "numbers of more than 64 bits",
        _ => "something else",
    }
    .to_owned()
}

/// The bytes of a file with an array of this shape, with these elements in row-major order.
pub(crate) fn write_npy<T: Element>(shape: &[usize], values: impl Iterator<Item = T>) -> Vec<u8> {
    let axes: Vec<String> = shape.iter().map(|axis| format!("{axis}, ")).collect();
    let mut header = format!(
        "{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
        T::TYPE,
        axes.concat().trim_end()
    );
    // Padded with spaces to a multiple of 64, including the newline, so that the numbers are aligned.
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
    /// Parses a header, which is a Python dict with three keys in any order. It does not parse Python in
    /// general.
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
                // A list of fields or a custom type: what follows may be arbitrary Python.
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

/// The rest of a header that has not been read yet.
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
            .ok_or_else(|| damaged("its header lacks a quoted text"))
    }

    fn tuple(self) -> Result<(Vec<usize>, Self)> {
        let Rest(text) = self.after("(")?;
        let (inside, rest) = text.split_once(')').ok_or_else(|| damaged("its shape does not end"))?;
        let axes = inside.split(',').map(str::trim).filter(|axis| !axis.is_empty());
        // Python 2 writes long integers with an L, as in 10L.
        let shape: Option<Vec<usize>> =
            axes.map(|axis| axis.strip_suffix('L').unwrap_or(axis).parse().ok()).collect();
        match shape {
            Some(shape) if shape.len() <= MAX_AXES => Ok((shape, Rest(rest))),
            _ => Err(damaged("its shape is not a list of lengths")),
        }
    }
}
