//! Columns, rows, groups and order.

use concertina_table::{Error, Scalar, Table, Values};

fn losses() -> Table {
    Table::from_columns([
        ("gain", Values::from(vec![250.0, 20.0, 250.0, 20.0])),
        ("seed", Values::from(vec![1, 0, 0, 1])),
        ("loss", Values::from(vec![Some(0.5), None, Some(0.25), Some(0.125)])),
    ])
    .expect("equal lengths")
}

#[test]
fn nan_becomes_null_and_infinity_stays() {
    let table =
        Table::from_columns([("x", Values::Float(vec![Some(f64::NAN), Some(f64::INFINITY)]))]).expect("one");
    assert_eq!(table.floats("x").expect("floats"), [None, Some(f64::INFINITY)]);
    assert_eq!(Scalar::from(f64::NAN), Scalar::Null);
}

#[test]
fn an_unknown_column_gives_the_names_of_the_columns_that_exist() {
    let error = losses().column("los").expect_err("no such column");
    assert_eq!(error.to_string(), "unknown column `los`, the table has `gain`, `seed`, `loss`");
    let error = Table::new().column("loss").expect_err("no columns");
    assert_eq!(error.to_string(), "unknown column `loss`, the table has no columns");
}

#[test]
fn a_wrong_kind_and_a_wrong_length_are_errors() {
    assert_eq!(
        losses().texts("seed").expect_err("integers").to_string(),
        "column `seed`: expected text values, found integer"
    );
    let mut table = losses();
    let error = table.push_column("short", Values::from(vec![1])).expect_err("too short");
    assert_eq!(error.to_string(), "column `short`: expected 4 rows, found 1");
    assert!(matches!(
        table.push_column("seed", Values::from(vec![1; 4])),
        Err(Error::DuplicateColumn { .. })
    ));
    assert!(matches!(table.scalar(4, "seed"), Err(Error::Row { row: 4, rows: 4 })));
}

#[test]
fn integers_are_converted_and_a_column_of_nulls_has_every_kind() {
    assert_eq!(losses().floats("seed").expect("widened"), [1.0, 0.0, 0.0, 1.0].map(Some));
    let mut table = losses();
    table.set_constant("nothing", Scalar::Null);
    assert_eq!(table.texts("nothing").expect("nulls"), vec![None; 4]);
    assert_eq!(table.booleans("nothing").expect("nulls"), vec![None; 4]);
}

#[test]
fn a_constant_replaces_in_place_or_comes_last() {
    let mut table = losses();
    table.set_constant("seed", Scalar::from("all"));
    table.set_constant("stage", Scalar::from("before"));
    assert_eq!(table.column_names().collect::<Vec<_>>(), ["gain", "seed", "loss", "stage"]);
    assert_eq!(table.scalar(3, "seed").expect("there"), Scalar::from("all"));
}

#[test]
fn appending_matches_by_name_converts_and_fills_with_null() {
    let mut table = losses();
    let more = Table::from_columns([
        ("seed", Values::from(vec![0.5])),
        ("loss", Values::Text(vec![None])),
        ("note", Values::from(vec!["half"])),
    ])
    .expect("equal lengths");
    table.append(&more).expect("compatible kinds");
    assert_eq!(table.row_count(), 5);
    assert_eq!(table.floats("seed").expect("floats")[4], Some(0.5));
    assert_eq!(table.floats("gain").expect("floats")[4], None);
    assert_eq!(table.texts("note").expect("texts"), [None, None, None, None, Some("half".to_owned())]);
    let before = table.clone();
    let wrong = Table::from_columns([("seed", Values::from(vec!["zero"]))]).expect("one");
    assert!(matches!(table.append(&wrong), Err(Error::Kind { .. })));
    assert_eq!(table, before);
    let mut empty = Table::new();
    empty.append(&before).expect("into nothing");
    assert_eq!(empty, before);
}

#[test]
fn a_column_of_nulls_takes_the_kind_of_the_appended_column() {
    let mut table = Table::from_columns([("x", Values::Float(vec![None]))]).expect("one");
    let more = Table::from_columns([("x", Values::from(vec!["word"]))]).expect("one");
    table.append(&more).expect("nulls have no kind");
    assert_eq!(table.texts("x").expect("texts"), [None, Some("word".to_owned())]);
    let mut table = Table::from_columns([("x", Values::from(vec![1]))]).expect("one");
    table.append(&Table::from_columns([("x", Values::Float(vec![None]))]).expect("one")).expect("nulls");
    assert_eq!(table.integers("x").expect("still integers"), [Some(1), None]);
}

#[test]
fn groups_come_in_order_of_first_appearance() {
    let groups = losses().group_by(&["gain"]).expect("known");
    let keys: Vec<_> = groups.iter().map(|(key, _)| key[0].clone()).collect();
    assert_eq!(keys, [Scalar::Float(250.0), Scalar::Float(20.0)]);
    assert_eq!(groups[1].1.integers("seed").expect("integers"), [Some(0), Some(1)]);
    assert_eq!(losses().group_by(&["loss"]).expect("known").len(), 4, "null is a separate group");
    assert_eq!(losses().group_by(&[]).expect("all").len(), 1);
    assert!(losses().filter(|_| false).group_by(&[]).expect("none").is_empty());
}

#[test]
fn sorting_is_stable_with_nulls_last() {
    let sorted = losses().sort_by(&["gain", "seed"]).expect("known");
    assert_eq!(sorted.floats("loss").expect("floats"), [None, Some(0.125), Some(0.25), Some(0.5)]);
    let sorted = losses().sort_by(&["loss"]).expect("known");
    assert_eq!(sorted.floats("loss").expect("floats"), [Some(0.125), Some(0.25), Some(0.5), None]);
    let sorted = losses().sort_by(&["gain"]).expect("known");
    assert_eq!(sorted.integers("seed").expect("integers"), [0, 1, 1, 0].map(Some));
}

#[test]
fn filter_and_select_keep_order() {
    let table = losses().filter(|row| row % 2 == 1).select(&["loss", "gain"]).expect("known");
    assert_eq!(table.column_names().collect::<Vec<_>>(), ["loss", "gain"]);
    assert_eq!(table.floats("gain").expect("floats"), [Some(20.0), Some(20.0)]);
}

#[test]
fn scalars_print_as_csv_does() {
    for (scalar, text) in [
        (Scalar::from(2.0), "2.0"),
        (Scalar::from(2_i64), "2"),
        (Scalar::from(true), "true"),
        (Scalar::from(None::<f64>), ""),
        (Scalar::from("a b"), "a b"),
    ] {
        assert_eq!(scalar.to_string(), text);
    }
}
