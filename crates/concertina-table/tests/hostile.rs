//! Untrusted bytes that once ended the process, or took a disproportionate amount of memory.

use concertina_table::{Error, Table, Values};

/// The key of the checksum, and the head of its value in compact Thrift.
const MARK: &[u8] = b"concertina.blake3\x18\x40";

/// Computes the checksum, as an attacker can.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let place = bytes.windows(MARK.len()).rposition(|window| window == MARK).expect("a mark") + MARK.len();
    bytes[place..place + 64].fill(b'0');
    let checksum = blake3::hash(&bytes).to_hex();
    bytes[place..place + 64].copy_from_slice(checksum.as_bytes());
    bytes
}

fn refused(bytes: &[u8]) -> String {
    let error = Table::from_parquet(bytes).expect_err("not a file that concertina wrote");
    assert!(Table::from_labelled_parquet(bytes, "").is_err());
    assert!(matches!(error, Error::ForeignParquet { .. }), "{error}");
    error.to_string()
}

/// Replaces the bytes after a mark.
fn replaced(bytes: &[u8], mark: &[u8], old: usize, new: &[u8]) -> Vec<u8> {
    let place = bytes.windows(mark.len()).position(|window| window == mark).expect("the mark") + mark.len();
    [&bytes[..place], new, &bytes[place + old..]].concat()
}

/// 2^31 - 1 as a whole number of compact Thrift.
const BILLIONS: [u8; 5] = [0xfe, 0xff, 0xff, 0xff, 0x0f];

fn names() -> Vec<u8> {
    let table = Table::from_columns([("name", Values::from(vec!["a", "b", "a", "b"]))]).expect("one column");
    table.to_parquet().expect("a small table")
}

/// A file that consists only of a footer: these elements of its schema, and the checksum.
fn footer(elements: usize, schema: &[u8]) -> Vec<u8> {
    let mut footer = vec![0x15, 0x04, 0x19, 0xfc];
    let mut count = elements;
    while count >= 0x80 {
        footer.push(count as u8 | 0x80);
        count >>= 7;
    }
    footer.push(count as u8);
    footer.extend_from_slice(schema);
    footer.extend_from_slice(&[0x16, 0x00, 0x19, 0x0c, 0x19, 0x1c, 0x18, 17]);
    footer.extend_from_slice(MARK);
    footer.extend_from_slice(&[b'0'; 64]);
    footer.extend_from_slice(&[0, 0]);
    resealed([b"PAR1", &*footer, &(footer.len() as u32).to_le_bytes(), b"PAR1"].concat())
}

#[test]
fn a_dictionary_of_two_billion_entries_is_not_allocated() {
    // In the header of a dictionary page: its kind and sizes; field 7, a struct; field 1, the number of
    // entries.
    let bytes = names();
    let mark: &[u8] = &[0x4c, 0x15];
    assert_eq!(bytes[4..6], [0x15, 0x04], "the first page is a dictionary");
    let reason = refused(&resealed(replaced(&bytes, mark, 1, &BILLIONS)));
    assert!(reason.contains("a dictionary with more entries"), "{reason}");
}

#[test]
fn a_schema_of_two_billion_columns_is_not_allocated() {
    let bytes = replaced(&names(), b"table\x15", 1, &BILLIONS);
    let tail = bytes.len() - 8;
    let length = u32::from_le_bytes(bytes[tail..tail + 4].try_into().expect("four bytes")) + 4;
    let bytes = [&bytes[..tail], &length.to_le_bytes(), b"PAR1"].concat();
    let reason = refused(&resealed(bytes));
    assert!(reason.contains("more columns than the footer names"), "{reason}");
}

#[test]
fn a_page_of_two_billion_nulls_is_not_read() {
    // In the header of a data page: its kind and sizes; field 5, a struct; field 1, the number of rows.
    let table = Table::from_columns([("loss", Values::from(vec![f64::NAN; 4]))]).expect("one column");
    let bytes = table.to_parquet().expect("a small table");
    let reason = refused(&resealed(replaced(&bytes, &[0x2c, 0x15], 1, &BILLIONS)));
    assert!(reason.contains("a kind of page"), "{reason}");
}

#[test]
fn long_columns_of_one_value_or_of_nulls_are_read() {
    let rows = 300_000;
    let columns = [
        ("none", Values::from(vec![f64::NAN; rows])),
        ("same", Values::from(vec![1.5; rows])),
        ("word", Values::from(vec!["a"; rows])),
        ("true", Values::from(vec![true; rows])),
        ("other", Values::from((0..rows as i64).collect::<Vec<_>>())),
    ];
    let table = Table::from_columns(columns).expect("columns of one length");
    assert_eq!(
        Table::from_parquet(&table.to_parquet().expect("not too large")).expect("just written"),
        table
    );
}

#[test]
fn nested_groups_do_not_overflow_the_stack() {
    let group = [0x35, 0x02, 0x18, 0x01, b'g', 0x15, 0x02, 0x00]; // repeated, `g`, one child
    let deep = 200_000;
    let mut schema = group.repeat(deep);
    schema.extend_from_slice(&[0x15, 0x0a, 0x25, 0x02, 0x18, 0x01, b'x', 0x00]); // a number `x`
    // The library may also refuse them, but only after it has recursed into all of them.
    let bytes = footer(deep + 1, &schema);
    assert!(Table::from_parquet(&bytes).is_err() && Table::parquet_label(&bytes).is_err());
}

#[test]
fn many_columns_without_a_name_are_not_allocated() {
    let reason = refused(&footer(1_000_000, &[0; 1_000_000]));
    assert!(reason.contains("concertina does not write"), "{reason}");
}

#[test]
fn records_that_each_have_a_different_name_do_not_fill_the_memory() {
    let records: Vec<_> = (0..16_000).map(|row| serde_json::json!({ format!("x{row}"): row })).collect();
    let error = Table::from_json(&records.into()).expect_err("hundreds of millions of cells");
    assert!(matches!(error, Error::TooLarge { found: 256_000_000, .. }), "{error}");
}

#[test]
fn names_of_many_columns_are_not_compared_pairwise() {
    let names: Vec<String> = (0..300_000).map(|number| format!("x{number}")).collect();
    let error = Table::read_csv(names.join(",").as_bytes()).expect_err("too many");
    assert!(matches!(error, Error::TooLarge { unit: "columns", found: 300_000, .. }), "{error}");
    let record: serde_json::Map<_, _> = names.into_iter().map(|name| (name, 1.into())).collect();
    let error = Table::from_json(&vec![serde_json::Value::from(record)].into()).expect_err("too many");
    assert!(matches!(error, Error::TooLarge { unit: "columns", found: 300_000, .. }), "{error}");
}
