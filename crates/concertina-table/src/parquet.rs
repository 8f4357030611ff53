//! Tables as Parquet: one row group, optional columns, no compression, and a checksum inside the file.
//!
//! The footer's key-value metadata holds `concertina.blake3`: the BLAKE3, in 64 hexadecimal digits, of the
//! whole file with these 64 digits read as zeros. It is checked before anything is parsed, so a damaged file
//! costs nothing and never reaches the Parquet reader. The metadata may also hold `concertina.label`, which
//! says what the table is of.
//!
//! A column of vectors is a list of doubles in the three levels that Parquet prescribes
//! (`state.list.element`), so that other programs read it as a column of lists.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnDescriptor, ColumnPath, Type, TypePtr};

use crate::{Error, Result, Table, Values, fence};

/// The key of the checksum in the key-value metadata.
const CHECKSUM: &str = "concertina.blake3";
/// The key of the label in the key-value metadata.
const LABEL: &str = "concertina.label";
/// The number of hexadecimal digits of the checksum.
const DIGITS: usize = 64;
/// The placeholder for the digits while the checksum is computed.
const ZEROS: [u8; DIGITS] = [b'0'; DIGITS];

/// Maximum number of cells of a table: 2^26, a gigabyte in memory. There must be a limit, because run-length
/// coding lets a few bytes claim billions of nulls. Its value is arbitrary: the largest table of a study has
/// about a million cells.
const MAX_CELLS: usize = 1 << 26;
/// Maximum number of columns of a table: 2^14. There must be a limit, because each name is compared with all
/// others. Its value is arbitrary: the tables of a study have fewer than a hundred columns.
const MAX_COLUMNS: usize = 1 << 14;
/// Maximum size of the text in a table, in bytes: 2^28. Arbitrary; there must be a limit because of
/// dictionary coding.
const MAX_TEXT_BYTES: usize = 1 << 28;

/// Maximum length of a vector: the maximum number of columns, since each number has its own column in CSV.
const MAX_WIDTH: usize = MAX_COLUMNS;
/// The levels of a list below its column.
const LIST: [&str; 2] = ["list", "element"];
/// Size at which the writer ends a page of vectors, in bytes: 2^15 numbers. The writer checks the size after
/// 1024 rows, or after the vector that begins there. A page therefore has fewer than 2^16 numbers and nulls,
/// the limit of [`fence::pages`].
const VECTOR_PAGE_BYTES: usize = 1 << 18;
/// Number of rows at which the writer ends a page of vectors.
const VECTOR_PAGE_ROWS: usize = 1 << 13;

impl Table {
    /// The table as a Parquet file. The same table gives the same bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for more than 2^14 columns, 2^14 numbers in a vector, 2^26 cells (or numbers in
    /// vectors) or 2^28 bytes of text.
    pub fn to_parquet(&self) -> Result<Vec<u8>> {
        self.to_labelled_parquet("")
    }

    /// The table as a Parquet file with a label that says what the table is of, so that swapped files are
    /// detected.
    ///
    /// # Errors
    /// As [`Table::to_parquet`].
    pub fn to_labelled_parquet(&self, label: &str) -> Result<Vec<u8>> {
        check_size(self.row_count(), self.column_count())?;
        let mut numbers_left = MAX_CELLS;
        for values in self.columns.iter().map(|(_, values)| values) {
            check_width(values.width().unwrap_or(0))?;
            spend(&mut numbers_left, numbers(values), "numbers in vectors", MAX_CELLS)?;
        }
        let text = self.columns.iter().map(|(_, values)| text_bytes(values)).sum();
        if text > MAX_TEXT_BYTES {
            return Err(Error::TooLarge { unit: "bytes of text", limit: MAX_TEXT_BYTES, found: text });
        }
        let mut bytes = self.encoded(label).map_err(failed)?;
        let place = checksum_place(&bytes).ok_or_else(|| Error::ForeignParquet {
            found: "a parquet library that moved the checksum".to_owned(),
        })?;
        let checksum = blake3::hash(&bytes).to_hex();
        bytes[place..place + DIGITS].copy_from_slice(checksum.as_bytes());
        Ok(bytes)
    }

    /// Reads what [`Table::to_parquet`] wrote.
    ///
    /// Safe for untrusted bytes: it does not panic, and does not allocate more than 2^14 columns, 2^26 cells
    /// and 2^28 bytes of text.
    ///
    /// # Errors
    /// [`Error::Checksum`] if any byte changed, [`Error::Parquet`] and [`Error::ForeignParquet`] for files of
    /// other programs, [`Error::TooLarge`].
    pub fn from_parquet(bytes: &[u8]) -> Result<Table> {
        fenced(bytes, None)
    }

    /// Reads what [`Table::to_labelled_parquet`] wrote with this label, or with this label followed by `: `
    /// and more words.
    ///
    /// # Errors
    /// [`Error::Label`] if it was written with another label, and all those of [`Table::from_parquet`].
    pub fn from_labelled_parquet(bytes: &[u8], label: &str) -> Result<Table> {
        fenced(bytes, Some(label))
    }

    /// The label that [`Table::to_labelled_parquet`] wrote, whatever it is.
    ///
    /// # Errors
    /// As [`Table::from_parquet`].
    pub fn parquet_label(bytes: &[u8]) -> Result<String> {
        check(bytes)?;
        fence::footer(bytes).map_err(foreign)?;
        let bytes = Bytes::copy_from_slice(bytes);
        let read = || Ok(label_of(&SerializedFileReader::new(bytes).map_err(failed)?));
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(unbearable()))
    }

    fn encoded(&self, label: &str) -> parquet::errors::Result<Vec<u8>> {
        let zeros = String::from_utf8_lossy(&ZEROS).into_owned();
        let mut properties = WriterProperties::builder()
            .set_created_by("concertina".to_owned())
            .set_compression(Compression::UNCOMPRESSED)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true)
            .set_key_value_metadata(Some(vec![
                KeyValue::new(LABEL.to_owned(), label.to_owned()),
                KeyValue::new(CHECKSUM.to_owned(), zeros),
            ]));
        for (name, _) in self.columns.iter().filter(|(_, values)| matches!(values, Values::Vector(_))) {
            let path = ColumnPath::new([name, LIST[0], LIST[1]].map(str::to_owned).to_vec());
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false) // states hardly ever repeat a number
                .set_column_data_page_size_limit(path.clone(), VECTOR_PAGE_BYTES)
                .set_column_data_page_row_count_limit(path, VECTOR_PAGE_ROWS);
        }
        let properties: WriterPropertiesPtr = Arc::new(properties.build());
        let fields = self
            .columns
            .iter()
            .map(|(name, values)| field(name, values))
            .collect::<parquet::errors::Result<_>>()?;
        let schema = Arc::new(Type::group_type_builder("table").with_fields(fields).build()?);
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties)?;
        if self.column_count() > 0 {
            let mut group = writer.next_row_group()?;
            for (_, values) in &self.columns {
                match values {
                    Values::Float(cells) => write_cells::<DoubleType, _>(&mut group, cells, |&cell| cell)?,
                    Values::Integer(cells) => write_cells::<Int64Type, _>(&mut group, cells, |&cell| cell)?,
                    Values::Text(cells) => {
                        write_cells::<ByteArrayType, _>(&mut group, cells, |cell| {
                            ByteArray::from(cell.as_str())
                        })?;
                    }
                    Values::Boolean(cells) => write_cells::<BoolType, _>(&mut group, cells, |&cell| cell)?,
                    Values::Vector(cells) => write_vectors(&mut group, cells)?,
                }
            }
            group.close()?;
        }
        writer.into_inner()
    }
}

fn failed(source: ParquetError) -> Error {
    Error::Parquet { source }
}

fn foreign(found: impl Into<String>) -> Error {
    Error::ForeignParquet { found: found.into() }
}

/// Subtracts `count` from the amount that may still be read or written.
fn spend(left: &mut usize, count: usize, unit: &'static str, limit: usize) -> Result<()> {
    let found = limit.saturating_add(count);
    *left = left.checked_sub(count).ok_or(Error::TooLarge { unit, limit, found })?;
    Ok(())
}

fn check_width(width: usize) -> Result<()> {
    if width <= MAX_WIDTH {
        return Ok(());
    }
    Err(Error::TooLarge { unit: "numbers in a vector", limit: MAX_WIDTH, found: width })
}

fn numbers(values: &Values) -> usize {
    match values {
        Values::Vector(cells) => cells.iter().flatten().map(Vec::len).sum(),
        _ => 0,
    }
}

fn text_bytes(values: &Values) -> usize {
    match values {
        Values::Text(cells) => cells.iter().flatten().map(String::len).sum(),
        _ => 0,
    }
}

/// Checks that a table of this size is allowed.
pub(crate) fn check_size(rows: usize, columns: usize) -> Result<()> {
    if columns > MAX_COLUMNS {
        return Err(Error::TooLarge { unit: "columns", limit: MAX_COLUMNS, found: columns });
    }
    match rows.checked_mul(columns) {
        Some(cells) if cells <= MAX_CELLS => Ok(()),
        cells => Err(Error::TooLarge { unit: "cells", limit: MAX_CELLS, found: cells.unwrap_or(usize::MAX) }),
    }
}

/// The place of the 64 digits: the key is followed by the field header of the value (0x18) and its length in
/// compact Thrift (0x40).
fn checksum_place(bytes: &[u8]) -> Option<usize> {
    let mark = [CHECKSUM.as_bytes(), &[0x18, DIGITS as u8]].concat();
    let start = bytes.windows(mark.len()).rposition(|window| window == mark)? + mark.len();
    (start + DIGITS <= bytes.len()).then_some(start)
}

fn check(bytes: &[u8]) -> Result<()> {
    let Some(place) = checksum_place(bytes) else {
        return Err(foreign(if bytes.is_empty() { "no bytes" } else { "no checksum `concertina.blake3`" }));
    };
    let (before, rest) = bytes.split_at(place);
    let (written, after) = rest.split_at(DIGITS);
    let mut hasher = blake3::Hasher::new();
    hasher.update(before).update(&ZEROS).update(after);
    let found = hasher.finalize().to_hex();
    if written == found.as_bytes() {
        return Ok(());
    }
    Err(Error::Checksum { expected: String::from_utf8_lossy(written).into_owned(), found: found.to_string() })
}

fn field(name: &str, values: &Values) -> parquet::errors::Result<TypePtr> {
    let (physical, logical) = match values {
        Values::Float(_) => (Physical::DOUBLE, None),
        Values::Integer(_) => (Physical::INT64, None),
        Values::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Values::Boolean(_) => (Physical::BOOLEAN, None),
        Values::Vector(_) => return list_field(name),
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()
        .map(Arc::new)
}

/// A list of doubles. The list may be null, but its numbers may not.
fn list_field(name: &str) -> parquet::errors::Result<TypePtr> {
    let element = Type::primitive_type_builder(LIST[1], Physical::DOUBLE)
        .with_repetition(Repetition::REQUIRED)
        .build()?;
    let list = Type::group_type_builder(LIST[0])
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![Arc::new(element)])
        .build()?;
    Type::group_type_builder(name)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(Some(LogicalType::List))
        .with_fields(vec![Arc::new(list)])
        .build()
        .map(Arc::new)
}

fn write_cells<K: DataType, T>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    cells: &[Option<T>],
    encode: impl Fn(&T) -> K::T,
) -> parquet::errors::Result<()> {
    let mut column = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("fewer columns than the schema has".to_owned()))?;
    let present: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
    let values: Vec<K::T> = cells.iter().flatten().map(encode).collect();
    column.typed::<K>().write_batch(&values, Some(&present), None)?;
    column.close()
}

/// Parquet's definition levels are 0 for null, 1 for a vector without numbers and 2 for a number. The
/// repetition level is 1 for a number that is not the first of its vector.
fn write_vectors(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    cells: &[Option<Vec<f64>>],
) -> parquet::errors::Result<()> {
    let mut column = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("fewer columns than the schema has".to_owned()))?;
    let (mut present, mut repeated) = (Vec::new(), Vec::new());
    for cell in cells {
        match cell.as_deref() {
            None | Some([]) => {
                present.push(i16::from(cell.is_some()));
                repeated.push(0);
            }
            Some(numbers) => {
                present.extend(numbers.iter().map(|_| 2));
                repeated.extend((0..numbers.len()).map(|place| i16::from(place > 0)));
            }
        }
    }
    let numbers: Vec<f64> = cells.iter().flatten().flatten().copied().collect();
    column.typed::<DoubleType>().write_batch(&numbers, Some(&present), Some(&repeated))?;
    column.close()
}

fn fenced(bytes: &[u8], label: Option<&str>) -> Result<Table> {
    check(bytes)?;
    fence::footer(bytes).map_err(foreign)?;
    let bytes = Bytes::copy_from_slice(bytes);
    // The checksum detects accidental damage, but anyone can compute one for malicious bytes, so a panic in
    // the library is turned into an error.
    catch_unwind(AssertUnwindSafe(|| decoded(bytes, label))).unwrap_or_else(|_| Err(unbearable()))
}

fn unbearable() -> Error {
    foreign("bytes that the parquet library cannot handle")
}

fn label_of(reader: &SerializedFileReader<Bytes>) -> String {
    let pairs = reader.metadata().file_metadata().key_value_metadata().map_or(&[][..], Vec::as_slice);
    pairs.iter().find(|pair| pair.key == LABEL).and_then(|pair| pair.value.clone()).unwrap_or_default()
}

fn decoded(bytes: Bytes, label: Option<&str>) -> Result<Table> {
    let reader = SerializedFileReader::new(bytes.clone()).map_err(failed)?;
    let metadata = reader.metadata();
    if let Some(expected) = label {
        let found = label_of(&reader);
        if found.split_once(": ").map_or(&*found, |(label, _)| label) != expected {
            return Err(Error::Label { expected: expected.to_owned(), found });
        }
    }
    let schema = metadata.file_metadata().schema_descr();
    let rows = usize::try_from(metadata.file_metadata().num_rows())
        .map_err(|_| foreign("a negative number of rows"))?;
    check_size(rows, schema.num_columns())?;
    let mut left = Left { text: MAX_TEXT_BYTES, numbers: MAX_CELLS };
    let mut table = Table::new();
    for index in 0..schema.num_columns() {
        let column = schema.column(index);
        let mut cells = empty(&column)?;
        for group in 0..metadata.num_row_groups() {
            let count = metadata.row_group(group).num_rows();
            let count = usize::try_from(count).map_err(|_| foreign("a negative number of rows"))?;
            if cells.len().saturating_add(count) > rows {
                return Err(foreign("more rows in its groups than in total"));
            }
            let entries = fence::pages(&bytes, metadata.row_group(group).column(index)).map_err(foreign)?;
            if matches!(cells, Values::Vector(_)) {
                spend(&mut left.numbers, entries, "numbers in vectors", MAX_CELLS)?;
            }
            let group = reader.get_row_group(group).map_err(failed)?;
            let column = group.get_column_reader(index).map_err(failed)?;
            read_cells(&mut cells, column, count, &mut left)?;
        }
        if cells.len() != rows {
            return Err(foreign("fewer rows in its groups than in total"));
        }
        table.push_column(column.path().parts()[0].clone(), cells)?;
    }
    Ok(table)
}

/// The amounts that may still be read.
struct Left {
    /// Bytes of text.
    text: usize,
    /// Numbers in vectors.
    numbers: usize,
}

/// An empty column of the kind stated in the file.
fn empty(column: &ColumnDescriptor) -> Result<Values> {
    let (name, parts) = (column.path().string(), column.path().parts());
    match (column.physical_type(), column.max_def_level(), column.max_rep_level()) {
        (Physical::DOUBLE, 2, 1) if parts.get(1..).is_some_and(|levels| levels == LIST) => {
            return Ok(Values::Vector(Vec::new()));
        }
        (_, 1, 0) if parts.len() == 1 => {}
        _ => return Err(foreign(format!("a nested or required column `{name}`"))),
    }
    match column.physical_type() {
        Physical::DOUBLE => Ok(Values::Float(Vec::new())),
        Physical::INT64 => Ok(Values::Integer(Vec::new())),
        Physical::BYTE_ARRAY => Ok(Values::Text(Vec::new())),
        Physical::BOOLEAN => Ok(Values::Boolean(Vec::new())),
        other => Err(foreign(format!("a column `{name}` of type {other}"))),
    }
}

fn read_cells(cells: &mut Values, column: ColumnReader, count: usize, left: &mut Left) -> Result<()> {
    match (cells, column) {
        (Values::Vector(cells), ColumnReader::DoubleColumnReader(column)) => {
            read_vectors(cells, column, count)
        }
        (Values::Float(cells), ColumnReader::DoubleColumnReader(column)) => {
            read_kind(cells, column, count, Ok)
        }
        (Values::Integer(cells), ColumnReader::Int64ColumnReader(column)) => {
            read_kind(cells, column, count, Ok)
        }
        (Values::Boolean(cells), ColumnReader::BoolColumnReader(column)) => {
            read_kind(cells, column, count, Ok)
        }
        (Values::Text(cells), ColumnReader::ByteArrayColumnReader(column)) => {
            read_kind(cells, column, count, |value: ByteArray| {
                spend(&mut left.text, value.len(), "bytes of text", MAX_TEXT_BYTES)?;
                let text =
                    std::str::from_utf8(value.data()).map_err(|_| foreign("text that is not utf-8"))?;
                Ok(text.to_owned())
            })
        }
        _ => Err(foreign("a column of another type than in its schema")),
    }
}

fn read_kind<K: DataType, T>(
    cells: &mut Vec<Option<T>>,
    mut column: ColumnReaderImpl<K>,
    count: usize,
    mut decode: impl FnMut(K::T) -> Result<T>,
) -> Result<()> {
    let mut left = count;
    while left > 0 {
        let (mut present, mut values) = (Vec::new(), Vec::new());
        // In pieces, so that a wrong count cannot make the library allocate more than there is.
        let (read, _, _) =
            column.read_records(left.min(1 << 16), Some(&mut present), None, &mut values).map_err(failed)?;
        if read == 0 || present.len() != read {
            return Err(foreign("a column that ends early"));
        }
        left -= read;
        let mut values = values.into_iter();
        for level in present {
            let cell = if level == 0 { None } else { values.next().map(&mut decode).transpose()? };
            cells.push(cell);
        }
    }
    Ok(())
}

fn read_vectors(
    cells: &mut Vec<Option<Vec<f64>>>,
    mut column: ColumnReaderImpl<DoubleType>,
    count: usize,
) -> Result<()> {
    let mut left = count;
    while left > 0 {
        let (mut present, mut repeated, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        // In pieces, as above, of about as many numbers if the vectors are as long as the last one.
        let width = cells.last().and_then(Option::as_ref).map_or(1 << 8, Vec::len).max(1);
        let piece = left.min((1 << 16) / width).max(1);
        let (read, _, _) = column
            .read_records(piece, Some(&mut present), Some(&mut repeated), &mut numbers)
            .map_err(failed)?;
        if read == 0 || present.len() != repeated.len() {
            return Err(foreign("a column that ends early"));
        }
        left -= read;
        let before = cells.len();
        let mut numbers = numbers.into_iter();
        for levels in present.into_iter().zip(repeated) {
            let misplaced = || foreign("levels of a list that concertina does not write");
            match levels {
                (0, 0) => cells.push(None),
                (1, 0) => cells.push(Some(Vec::new())),
                (2, 0) => cells.push(Some(vec![numbers.next().ok_or_else(misplaced)?])),
                (2, 1) if cells.len() > before => {
                    let vector =
                        cells.last_mut().and_then(Option::as_mut).filter(|vector| !vector.is_empty());
                    vector.ok_or_else(misplaced)?.push(numbers.next().ok_or_else(misplaced)?);
                }
                _ => return Err(misplaced()),
            }
        }
        if cells.len() != before + read {
            return Err(foreign("a column that ends early"));
        }
        check_width(cells[before..].iter().flatten().map(Vec::len).max().unwrap_or(0))?;
    }
    Ok(())
}
