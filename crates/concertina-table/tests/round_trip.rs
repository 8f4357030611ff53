//! All three formats read back what was written, and hostile bytes are errors.

use concertina_table::{Error, Scalar, Table, Values};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn any_values(rows: usize) -> impl Strategy<Value = Values> {
    prop_oneof![
        vec(option::of(any::<f64>()), rows).prop_map(Values::from),
        vec(option::of(any::<i64>()), rows).prop_map(Values::from),
        vec(option::of(any::<String>()), rows).prop_map(Values::from),
        vec(option::of(any::<bool>()), rows).prop_map(Values::from),
    ]
}

/// Tables of 1 to 4 columns and 0 to 20 rows, with any names and cells.
fn any_table() -> impl Strategy<Value = Table> {
    (0_usize..20).prop_flat_map(|rows| vec((any::<String>(), any_values(rows)), 1..5)).prop_map(|columns| {
        let columns =
            columns.into_iter().enumerate().map(|(i, (name, values))| (format!("{i}{name}"), values));
        Table::from_columns(columns).expect("names are different and lengths equal")
    })
}

/// Without the kind of columns of nulls, which CSV and JSON do not store.
fn with_kindless_nulls(table: &Table) -> Table {
    let columns = table.columns().map(|(name, values)| {
        let values =
            if values.is_all_null() { Values::Float(vec![None; values.len()]) } else { values.clone() };
        (name.to_owned(), values)
    });
    Table::from_columns(columns).expect("same names and lengths")
}

/// With a word before every text, so that CSV reads none of them as null or as a number.
fn with_wordy_text(table: &Table) -> Table {
    let columns = table.columns().map(|(name, values)| {
        let values = match values {
            Values::Text(cells) => Values::Text(
                cells.iter().map(|cell| cell.as_ref().map(|cell| format!("word {cell}"))).collect(),
            ),
            other => other.clone(),
        };
        (name.to_owned(), values)
    });
    Table::from_columns(columns).expect("same names and lengths")
}

fn csv(table: &Table) -> Vec<u8> {
    let mut bytes = Vec::new();
    table.write_csv(&mut bytes).expect("writing to memory");
    bytes
}

proptest! {
    #[test]
    fn parquet_gives_back_the_table_bit_for_bit(table in any_table()) {
        let bytes = table.to_parquet().expect("small");
        let read = Table::from_parquet(&bytes).expect("just written");
        prop_assert_eq!(&read, &table);
        prop_assert_eq!(read.to_parquet().expect("small"), bytes, "the same table gives the same bytes");
    }

    #[test]
    fn csv_gives_back_the_table_up_to_its_inferred_kinds(table in any_table()) {
        let table = with_kindless_nulls(&with_wordy_text(&table));
        let bytes = csv(&table);
        let read = Table::read_csv(bytes.as_slice()).expect("just written");
        prop_assert_eq!(&read, &table);
        prop_assert_eq!(csv(&read), bytes);
    }

    #[test]
    fn json_gives_back_the_table_up_to_the_order_of_columns(table in any_table()) {
        let table = with_kindless_nulls(&with_wordy_text(&table));
        prop_assume!(table.row_count() > 0);
        let text = table.to_json().to_string();
        let read = Table::from_json(&serde_json::from_str(&text).expect("own json")).expect("just written");
        let names: Vec<_> = table.column_names().collect();
        prop_assert_eq!(&read.select(&names).expect("same names"), &table);
        let mut written = Vec::new();
        table.write_json(&mut written).expect("writing to memory");
        let value: serde_json::Value = serde_json::from_slice(&written).expect("valid json");
        prop_assert_eq!(value, table.to_json());
    }

    #[test]
    fn any_flipped_bit_of_a_parquet_file_is_detected(table in any_table(), place in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = table.to_parquet().expect("small");
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        prop_assert!(Table::from_parquet(&bytes).is_err());
    }

    #[test]
    fn any_truncated_parquet_file_is_detected(table in any_table(), length in any::<prop::sample::Index>()) {
        let bytes = table.to_parquet().expect("small");
        prop_assert!(Table::from_parquet(&bytes[..length.index(bytes.len())]).is_err());
    }

    /// An attacker can compute a valid checksum over invalid bytes.
    #[test]
    fn forged_checksums_do_not_panic(table in any_table(), places in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = table.to_parquet().expect("small");
        for (place, byte) in places {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        forge(&mut bytes);
        let _ = Table::from_parquet(&bytes);
    }

    #[test]
    fn reading_any_bytes_does_not_panic(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(Table::from_parquet(&bytes).is_err());
        let _ = Table::read_csv(bytes.as_slice());
    }
}

/// Puts a valid checksum into changed bytes, if its place still exists.
fn forge(bytes: &mut [u8]) {
    let mark = b"concertina.blake3\x18\x40";
    let Some(at) = bytes.windows(mark.len()).rposition(|window| window == mark) else { return };
    let at = at + mark.len();
    let Some(digits) = bytes.get_mut(at..at + 64) else { return };
    digits.fill(b'0');
    let hash = blake3::hash(bytes).to_hex();
    bytes[at..at + 64].copy_from_slice(hash.as_bytes());
}

#[test]
fn a_table_without_columns_survives_parquet_and_csv() {
    let table = Table::new();
    assert_eq!(Table::from_parquet(&table.to_parquet().expect("empty")).expect("just written"), table);
    assert_eq!(Table::read_csv(csv(&table).as_slice()).expect("just written"), table);
}

#[test]
fn csv_is_written_as_documented() {
    let table = Table::from_columns([
        ("epoch", Values::from(vec![Some(0), None, Some(-2)])),
        ("loss", Values::from(vec![2.0, 1e-7, f64::INFINITY])),
        ("note", Values::from(vec!["a,b", "007", "say \"so\""])),
        ("done", Values::from(vec![true, false, true])),
    ])
    .expect("equal lengths");
    let text = String::from_utf8(csv(&table)).expect("utf-8");
    assert_eq!(
        text,
        "epoch,loss,note,done\n0,2.0,\"a,b\",true\n,1e-7,007,false\n-2,inf,\"say \"\"so\"\"\",true\n"
    );
    assert_eq!(Table::read_csv(text.as_bytes()).expect("own csv"), table);
}

#[test]
fn keys_and_codes_stay_text_in_csv() {
    for code in ["007", "12e4", "+1", "1e999", "0x10", "1_000", "infinity", ".5", "5e"] {
        let table = Table::from_columns([("code", Values::from(vec![code]))]).expect("one column");
        assert_eq!(Table::read_csv(csv(&table).as_slice()).expect("own csv"), table, "{code}");
    }
}

#[test]
fn numbers_as_other_programs_spell_them_are_numbers_in_csv() {
    let table = Table::read_csv("x\n1.50\n1.5e-07\n2E+16\n-0.0\n3.\n".as_bytes()).expect("plain csv");
    assert_eq!(table.floats("x").expect("floats"), [1.5, 1.5e-7, 2e16, -0.0, 3.0].map(Some));
}

#[test]
fn mixed_kinds_in_json_are_an_error_that_names_the_column() {
    let json = serde_json::json!([{"x": 1}, {"x": "one"}]);
    let error = Table::from_json(&json).expect_err("mixed");
    assert_eq!(
        error.to_string(),
        "expected an array of records with plain values, found a number and a text in column `x`"
    );
    assert!(Table::from_json(&serde_json::json!({"x": 1})).is_err());
    assert!(Table::from_json(&serde_json::json!([[1]])).is_err());
}

#[test]
fn a_parquet_file_of_another_program_is_refused_with_a_hint() {
    let error = Table::from_parquet(b"PAR1 nothing of ours PAR1").expect_err("foreign");
    assert!(matches!(error, Error::ForeignParquet { .. }));
    assert!(error.hint().is_some());
}

#[test]
fn a_long_constant_table_is_small_on_disk() {
    let mut table =
        Table::from_columns([("epoch", Values::from((0..100_000).collect::<Vec<i32>>()))]).expect("one");
    table.set_constant("run", Scalar::from("0123456789abcdef".repeat(4)));
    table.set_constant("nothing", Scalar::Null);
    let bytes = table.to_parquet().expect("small");
    assert!(bytes.len() < 1_100_000, "{} bytes", bytes.len());
    assert_eq!(Table::from_parquet(&bytes).expect("just written"), table);
}

#[test]
fn a_labelled_table_is_read_only_under_its_label() {
    let table = Table::from_columns([("x", Values::from(vec![1.5]))]).expect("one");
    let bytes = table.to_labelled_parquet("run 1 history").expect("small");
    assert_eq!(Table::from_labelled_parquet(&bytes, "run 1 history").expect("same label"), table);
    assert_eq!(Table::from_parquet(&bytes).expect("any label"), table);
    let error = Table::from_labelled_parquet(&bytes, "run 2 history").expect_err("another label");
    assert_eq!(error.to_string(), "expected the table of `run 2 history`, found that of `run 1 history`");
}
