//! Checks that keep malicious files away from the Parquet library.
//!
//! The library trusts the counts in a file before it has seen what they count. A dictionary of two billion
//! entries in a file of 300 bytes ends the process, and so do endlessly nested groups. Therefore the headers
//! are checked first. A file is passed on only if its headers have the fields that
//! [`Table::to_parquet`](crate::Table::to_parquet) writes, with the types that it writes, and with counts for
//! which the file has room.

use parquet::file::metadata::ColumnChunkMetaData;

/// The type of a value in a header, in Thrift's compact protocol.
enum Shape {
    /// A whole number of any width.
    Whole,
    /// True or false.
    Boolean,
    /// Bytes, preceded by their length.
    Binary,
    /// Elements of the same shape, each of at least this many bytes.
    List(&'static Shape, usize),
    /// Fields, identified by their numbers.
    Struct(&'static [(i16, Shape)]),
}

use Shape::{Binary, Boolean, List, Struct, Whole};

/// `FileMetaData`, with numbers as in `parquet.thrift`. The minimum lengths of elements are those of their
/// required fields.
const FOOTER: Shape = Struct(&[
    (1, Whole),
    (2, List(&SCHEMA_ELEMENT, 4)),
    (3, Whole),
    (4, List(&ROW_GROUP, 8)),
    (5, List(&Struct(&[(1, Binary), (2, Binary)]), 5)),
    (6, Binary),
    (7, List(&Struct(&[(1, EMPTY), (2, EMPTY)]), 3)),
]);
const EMPTY: Shape = Struct(&[]);
const SCHEMA_ELEMENT: Shape = Struct(&[
    (1, Whole),
    (2, Whole),
    (3, Whole),
    (4, Binary),
    (5, Whole),
    (6, Whole),
    (10, Struct(&[(1, EMPTY), (3, EMPTY)])),
]);
const ROW_GROUP: Shape =
    Struct(&[(1, List(&COLUMN_CHUNK, 16)), (2, Whole), (3, Whole), (5, Whole), (6, Whole), (7, Whole)]);
const COLUMN_CHUNK: Shape = Struct(&[(2, Whole), (3, COLUMN)]);
const COLUMN: Shape = Struct(&[
    (1, Whole),
    (2, List(&Whole, 1)),
    (3, List(&Binary, 1)),
    (4, Whole),
    (5, Whole),
    (6, Whole),
    (7, Whole),
    (9, Whole),
    (11, Whole),
    (13, List(&Struct(&[(1, Whole), (2, Whole), (3, Whole)]), 7)),
    (16, Struct(&[(1, Whole), (2, List(&Whole, 1)), (3, List(&Whole, 1))])),
]);
/// `PageHeader`, for data pages of the first version and for dictionaries.
const PAGE: Shape = Struct(&[
    (1, Whole),
    (2, Whole),
    (3, Whole),
    (5, Struct(&[(1, Whole), (2, Whole), (3, Whole), (4, Whole)])),
    (7, Struct(&[(1, Whole), (2, Whole), (3, Boolean)])),
]);

/// Takes the place of a field number and marks the end of a struct.
const END: i16 = 0;

/// Kinds of pages.
const DATA_PAGE: i64 = 0;
const DICTIONARY_PAGE: i64 = 2;
/// Plain, plain dictionary, run-length, and run-length of dictionary indices.
const ENCODINGS: [i64; 4] = [0, 2, 3, 8];
/// Maximum number of rows of a page, or of numbers and nulls of a list. The library ends a page at 20,000
/// rows plus what it was given with the last of them. A page, which takes 20 bytes or more, can therefore
/// claim no more nulls than this.
const MOST_ROWS: i64 = 1 << 16;
/// Minimum size of a dictionary entry, in bytes: the length of a text.
const LEAST_ENTRY: i64 = 4;

/// Checks that the library can handle the footer of a file. The error is the reason why not.
pub(crate) fn footer(bytes: &[u8]) -> Result<(), &'static str> {
    const TAIL: usize = 8; // the footer's length, and `PAR1`
    let before = bytes.len().checked_sub(TAIL).ok_or("too few bytes for a file")?;
    let length = u32::from_le_bytes([bytes[before], bytes[before + 1], bytes[before + 2], bytes[before + 3]]);
    let start = before.checked_sub(length as usize).ok_or("a footer longer than the file")?;
    let mut elements: Vec<i64> = Vec::new(); // the number of children of each element of the schema
    let mut children = 0;
    let mut walk = Walk { rest: &bytes[start..before], path: Vec::new() };
    walk.one(&FOOTER, &mut |path, number| match path {
        [2, 5] => children = number,
        [2, END] => elements.push(std::mem::take(&mut children)),
        _ => {}
    })
    .ok_or("a footer that concertina does not write")?;
    let Some((columns, rest)) = elements.split_first() else { return Ok(()) };
    schema(*columns, rest)
}

/// Checks that a schema is a flat sequence of columns, each of single values or a list, given the number of
/// children of its elements. The error is the reason why not.
fn schema(columns: i64, elements: &[i64]) -> Result<(), &'static str> {
    const MISSING: &str = "more columns than the footer names";
    if columns > elements.len() as i64 {
        return Err(MISSING);
    }
    let mut rest = elements;
    for _ in 0..columns {
        rest = match rest {
            [] | [1] | [1, 1] => return Err(MISSING),
            [0, rest @ ..] | [1, 1, 0, rest @ ..] => rest,
            _ => return Err("columns inside columns"),
        };
    }
    match rest {
        [] => Ok(()),
        _ => Err("fewer columns than the footer names"),
    }
}

/// Checks that the library can handle the pages of a column, and returns how many numbers and nulls they
/// claim to have. The error is the reason why it cannot.
pub(crate) fn pages(bytes: &[u8], column: &ColumnChunkMetaData) -> Result<usize, &'static str> {
    let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
    let place = |number: i64| usize::try_from(number).ok();
    let end = start.checked_add(column.compressed_size()).and_then(place);
    let range = place(start).zip(end).and_then(|(start, end)| bytes.get(start..end));
    let mut walk = Walk { rest: range.ok_or("a column outside the file")?, path: Vec::new() };
    let mut found = 0_usize;
    while !walk.rest.is_empty() {
        let (mut kind, mut size, mut whole_size, mut entries) = (None, -1, -1, 0);
        let mut known = true;
        walk.one(&PAGE, &mut |path, number| match path {
            [1] => kind = Some(number),
            [2] => whole_size = number,
            [3] => size = number,
            [7, 1] => entries = number,
            [5, 1] => {
                known &= (0..=MOST_ROWS).contains(&number);
                found = found.saturating_add(place(number).unwrap_or(0));
            }
            [5 | 7, 2] | [5, 3 | 4] => known &= ENCODINGS.contains(&number),
            _ => {}
        })
        .ok_or("a page that concertina does not write")?;
        if !known || !matches!(kind, Some(DATA_PAGE | DICTIONARY_PAGE)) || size != whole_size {
            return Err("a kind of page that concertina does not write");
        }
        if entries < 0 || entries > size / LEAST_ENTRY {
            return Err("a dictionary with more entries than it has room for");
        }
        let length = place(size).filter(|size| *size <= walk.rest.len()).ok_or("a page that ends early")?;
        walk.rest = &walk.rest[length..];
    }
    Ok(found)
}

/// A walk through a header. `path` holds the numbers of the enclosing fields.
struct Walk<'a> {
    rest: &'a [u8],
    path: Vec<i16>,
}

impl Walk<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut number = 0;
        for place in 0..10 {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(7 * place)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.unsigned()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64)) // zigzag
    }

    /// Walks over a value. Calls `see` with whole numbers, with the lengths of lists, and at the [end](END)
    /// of structs. `None` if the value has another shape.
    fn one(&mut self, shape: &Shape, see: &mut dyn FnMut(&[i16], i64)) -> Option<()> {
        match shape {
            Whole => {
                let number = self.signed()?;
                see(&self.path, number);
            }
            Boolean => {} // contained in the header of the field
            Binary => {
                let length = usize::try_from(self.unsigned()?).ok()?;
                self.rest = self.rest.get(length..)?;
            }
            List(element, least) => {
                let head = self.byte()?;
                let count = if head >> 4 == 15 { self.unsigned()? } else { u64::from(head >> 4) };
                let count = usize::try_from(count).ok()?;
                if !is_of(head & 15, element) || count > self.rest.len() / least {
                    return None;
                }
                see(&self.path, count as i64);
                for _ in 0..count {
                    self.one(element, see)?;
                }
            }
            Struct(fields) => {
                let mut number = 0_i16;
                loop {
                    let head = self.byte()?;
                    if head == 0 {
                        self.path.push(END);
                        see(&self.path, 0);
                        self.path.pop();
                        break;
                    }
                    number = match head >> 4 {
                        0 => i16::try_from(self.signed()?).ok()?,
                        step => number.checked_add(i16::from(step))?,
                    };
                    let (_, shape) = fields.iter().find(|(known, _)| *known == number)?;
                    if !is_of(head & 15, shape) {
                        return None;
                    }
                    self.path.push(number);
                    self.one(shape, see)?;
                    self.path.pop();
                }
            }
        }
        Some(())
    }
}

/// Whether a value of this type, given by its number in the protocol, has this shape.
fn is_of(kind: u8, shape: &Shape) -> bool {
    match shape {
        Boolean => matches!(kind, 1 | 2),
        Whole => matches!(kind, 4..=6),
        Binary => kind == 8,
        List(..) => kind == 9,
        Struct(_) => kind == 12,
    }
}
