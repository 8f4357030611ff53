//! Tables as Parquet: one row group, optional columns, no compression, a checksum inside.
//!
//! The footer's key-value metadata holds `concertina.blake3`: the BLAKE3, in 64 hexadecimal digits, of the whole file
//! with these 64 digits read as zeros. It is checked before anything is parsed, so a damaged file costs nothing and
//! never reaches the Parquet reader. Beside it, `concertina.label` says what the table is of, where the writer said so.

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
use parquet::schema::types::{Type, TypePtr};

use crate::{Error, Result, Table, Values, fence};

/// Where the checksum stands in the key-value metadata.
const CHECKSUM: &str = "concertina.blake3";
/// Where the label stands in the key-value metadata.
const LABEL: &str = "concertina.label";
/// How many hexadecimal digits it has.
const DIGITS: usize = 64;
/// What stands there while the checksum is computed.
const ZEROS: [u8; DIGITS] = [b'0'; DIGITS];

/// Most cells of one table: 2^26, a gigabyte in memory. Arbitrary, because a study's largest table has about a million;
/// run-length coding lets a few bytes claim billions of nulls, so there must be a limit.
const MAX_CELLS: usize = 1 << 26;
/// Most columns of one table: 2^14. Arbitrary, because a study's have less than a hundred; each name is compared with all others.
const MAX_COLUMNS: usize = 1 << 14;
/// Most bytes of text in one table: 2^28. Arbitrary, for the same reason (dictionary coding).
const MAX_TEXT_BYTES: usize = 1 << 28;

impl Table {
    /// The table as a Parquet file: the same table gives the same bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`] past 2^14 columns, 2^26 cells or 2^28 bytes of text.
    pub fn to_parquet(&self) -> Result<Vec<u8>> {
        self.to_labelled_parquet("")
    }

    /// The same with a label inside that says what the table is of, so that files which changed places are found.
    ///
    /// # Errors
    /// [`Error::TooLarge`] past 2^14 columns, 2^26 cells or 2^28 bytes of text.
    pub fn to_labelled_parquet(&self, label: &str) -> Result<Vec<u8>> {
        check_size(self.row_count(), self.column_count())?;
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
    /// Safe for bytes from strangers: no panic, and no allocation past 2^14 columns, 2^26 cells and 2^28 bytes of text.
    ///
    /// # Errors
    /// [`Error::Checksum`] if any byte changed, [`Error::Parquet`] and [`Error::ForeignParquet`] for what others wrote,
    /// [`Error::TooLarge`].
    pub fn from_parquet(bytes: &[u8]) -> Result<Table> {
        fenced(bytes, None)
    }

    /// Reads what [`Table::to_labelled_parquet`] wrote with this label, or with this label, `: ` and more words.
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
        let properties: WriterPropertiesPtr = Arc::new(
            WriterProperties::builder()
                .set_created_by("concertina".to_owned())
                .set_compression(Compression::UNCOMPRESSED)
                .set_statistics_enabled(EnabledStatistics::None)
                .set_offset_index_disabled(true)
                .set_key_value_metadata(Some(vec![
                    KeyValue::new(LABEL.to_owned(), label.to_owned()),
                    KeyValue::new(CHECKSUM.to_owned(), zeros),
                ]))
                .build(),
        );
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

fn text_bytes(values: &Values) -> usize {
    match values {
        Values::Text(cells) => cells.iter().flatten().map(String::len).sum(),
        _ => 0,
    }
}

/// Whether a table of this size may be made.
pub(crate) fn check_size(rows: usize, columns: usize) -> Result<()> {
    if columns > MAX_COLUMNS {
        return Err(Error::TooLarge { unit: "columns", limit: MAX_COLUMNS, found: columns });
    }
    match rows.checked_mul(columns) {
        Some(cells) if cells <= MAX_CELLS => Ok(()),
        cells => Err(Error::TooLarge { unit: "cells", limit: MAX_CELLS, found: cells.unwrap_or(usize::MAX) }),
    }
}

/// Where the 64 digits stand: after the key comes the value's field header (0x18) and its length in compact Thrift (0x40).
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
    };
    Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
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

fn fenced(bytes: &[u8], label: Option<&str>) -> Result<Table> {
    check(bytes)?;
    fence::footer(bytes).map_err(foreign)?;
    let bytes = Bytes::copy_from_slice(bytes);
    // The checksum keeps accidents out, but a stranger can compute one: a panic in the library stays an error.
    catch_unwind(AssertUnwindSafe(|| decoded(bytes, label))).unwrap_or_else(|_| Err(unbearable()))
}

fn unbearable() -> Error {
    foreign("bytes that the parquet library cannot bear")
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
    let mut text_left = MAX_TEXT_BYTES;
    let mut table = Table::new();
    for index in 0..schema.num_columns() {
        let column = schema.column(index);
        if column.max_def_level() != 1 || column.max_rep_level() != 0 {
            return Err(foreign(format!("a nested or required column `{}`", column.path().string())));
        }
        let mut cells = empty(column.physical_type(), column.name())?;
        for group in 0..metadata.num_row_groups() {
            let count = metadata.row_group(group).num_rows();
            let count = usize::try_from(count).map_err(|_| foreign("a negative number of rows"))?;
            if cells.len().saturating_add(count) > rows {
                return Err(foreign("more rows in its groups than in all"));
            }
            fence::pages(&bytes, metadata.row_group(group).column(index)).map_err(foreign)?;
            let group = reader.get_row_group(group).map_err(failed)?;
            let column = group.get_column_reader(index).map_err(failed)?;
            read_cells(&mut cells, column, count, &mut text_left)?;
        }
        if cells.len() != rows {
            return Err(foreign("fewer rows in its groups than in all"));
        }
        table.push_column(column.name(), cells)?;
    }
    Ok(table)
}

fn empty(physical: Physical, name: &str) -> Result<Values> {
    match physical {
        Physical::DOUBLE => Ok(Values::Float(Vec::new())),
        Physical::INT64 => Ok(Values::Integer(Vec::new())),
        Physical::BYTE_ARRAY => Ok(Values::Text(Vec::new())),
        Physical::BOOLEAN => Ok(Values::Boolean(Vec::new())),
        other => Err(foreign(format!("a column `{name}` of type {other}"))),
    }
}

fn read_cells(cells: &mut Values, column: ColumnReader, count: usize, text_left: &mut usize) -> Result<()> {
    match (cells, column) {
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
                *text_left = text_left.checked_sub(value.len()).ok_or(Error::TooLarge {
                    unit: "bytes of text",
                    limit: MAX_TEXT_BYTES,
                    found: MAX_TEXT_BYTES.saturating_add(value.len()),
                })?;
                let text =
                    std::str::from_utf8(value.data()).map_err(|_| foreign("text that is not utf-8"))?;
                Ok(text.to_owned())
            })
        }
        _ => Err(foreign("a column of another type than its schema says")),
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
        // In pieces, so that a wrong count cannot make the library reserve more than it finds.
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
