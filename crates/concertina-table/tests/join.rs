//! Two tables side by side.

use concertina_table::{Error, Table, Values};

fn dimensions() -> Table {
    Table::from_columns([
        ("seed", Values::from(vec![0, 0, 1, 1])),
        ("epoch", Values::from(vec![0, 1, 0, 1])),
        ("effective_dimension", Values::from(vec![9.0, 3.0, 8.0, 2.0])),
    ])
    .expect("equal lengths")
}

fn variances() -> Table {
    Table::from_columns([
        ("epoch", Values::from(vec![1, 1, 2])),
        ("seed", Values::from(vec![1, 0, 0])),
        ("variance", Values::from(vec![0.2, 0.1, 0.3])),
    ])
    .expect("equal lengths")
}

#[test]
fn rows_are_matched_by_key_in_any_order() {
    let joined = dimensions().join(&variances(), &["seed", "epoch"]).expect("one row per name");
    let names: Vec<&str> = joined.column_names().collect();
    assert_eq!(names, ["seed", "epoch", "effective_dimension", "variance"]);
    assert_eq!(joined.integers("seed").expect("integers"), [0, 0, 1, 1, 0].map(Some));
    assert_eq!(joined.integers("epoch").expect("integers"), [0, 1, 0, 1, 2].map(Some));
    assert_eq!(
        joined.floats("effective_dimension").expect("floats"),
        [Some(9.0), Some(3.0), Some(8.0), Some(2.0), None]
    );
    assert_eq!(joined.floats("variance").expect("floats"), [None, Some(0.1), None, Some(0.2), Some(0.3)]);
}

#[test]
fn a_single_row_is_repeated_beside_each_of_several() {
    let gains =
        Table::from_columns([("seed", Values::from(vec![0, 1])), ("gain", Values::from(vec![20, 250]))])
            .expect("equal lengths");
    let joined = dimensions().join(&gains, &["seed"]).expect("one row per seed on the right");
    assert_eq!(joined.integers("gain").expect("integers"), [20, 20, 250, 250].map(Some));
    let turned = gains.join(&dimensions(), &["seed"]).expect("one row per seed on the left");
    assert_eq!(turned.row_count(), 4);
    assert_eq!(turned.floats("effective_dimension").expect("floats"), [9.0, 3.0, 8.0, 2.0].map(Some));
}

#[test]
fn integers_match_equal_floats() {
    let other =
        Table::from_columns([("seed", Values::from(vec![1.0, 0.0])), ("x", Values::from(vec![1, 0]))])
            .expect("equal lengths");
    let joined = dimensions().join(&other, &["seed"]).expect("numbers are numbers");
    assert_eq!(joined.integers("x").expect("integers"), [0, 0, 1, 1].map(Some));
}

#[test]
fn an_empty_table_leaves_nulls() {
    let joined =
        dimensions().join(&variances().filter(|_| false), &["seed", "epoch"]).expect("nothing to add");
    assert_eq!(joined.row_count(), 4);
    assert_eq!(joined.floats("variance").expect("nulls"), vec![None; 4]);
}

#[test]
fn tables_that_cannot_be_joined_are_errors() {
    let said = |on: &[&str], other: &Table| dimensions().join(other, on).expect_err("no join").to_string();
    let twice = Table::from_columns([("seed", Values::from(vec![0])), ("epoch", Values::from(vec![9]))])
        .expect("equal lengths");
    assert_eq!(said(&["seed"], &twice), "column `epoch` occurs twice");
    let steps =
        Table::from_columns([("seed", Values::from(vec![0, 0])), ("index", Values::from(vec![1, 2]))])
            .expect("equal lengths");
    assert_eq!(
        said(&["seed"], &steps),
        "cannot join the tables by `seed`: both have several rows for seed 0"
    );
    let elsewhere = Table::from_columns([("seed", Values::from(vec![7])), ("x", Values::from(vec![1]))])
        .expect("equal lengths");
    assert_eq!(
        said(&["seed"], &elsewhere),
        "cannot join the tables by `seed`: no row of one matches a row of the other"
    );
    assert!(matches!(dimensions().join(&elsewhere, &["epoch"]), Err(Error::UnknownColumn { .. })));
}
