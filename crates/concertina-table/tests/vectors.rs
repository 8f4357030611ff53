//! Columns of vectors, in every operation of a table.

use concertina_table::{AnyColumn, Condition, Error, Scalar, Table, Values};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Two fixed points, and one that was not found.
fn states() -> Table {
    let table = Table::from_columns([
        ("index", Values::from(vec![0, 1, 2])),
        ("state", Values::from(vec![Some(vec![0.5, -2.0]), None, Some(vec![f64::INFINITY, 1e-7])])),
        ("stable", Values::from(vec![true, false, true])),
    ]);
    table.expect("columns of one length")
}

fn csv(table: &Table) -> Result<String, Error> {
    let mut bytes = Vec::new();
    table.write_csv(&mut bytes)?;
    Ok(String::from_utf8(bytes).expect("utf-8"))
}

proptest! {
    #[test]
    fn parquet_and_json_give_back_vectors_bit_for_bit(
        (width, cells) in (0_usize..5).prop_flat_map(|width| (Just(width), vec(option::of(vec(any::<f64>(), width)), 1..40))),
        label in "[a-z ]{0,9}",
    ) {
        let table = Table::from_columns([
            ("row", Values::from((0..cells.len() as i64).collect::<Vec<_>>())),
            ("v", Values::from(cells.clone())),
            ("after", Values::from(vec!["text"; cells.len()])),
        ])?;
        let known = table.vectors("v")?;
        for (cell, known) in cells.iter().zip(&known) {
            let undefined = cell.iter().flatten().any(|number| number.is_nan());
            prop_assert_eq!(known, if undefined { &None } else { cell });
        }
        prop_assert!(table.column("v")?.width().is_none_or(|found| found == width));
        let bytes = table.to_labelled_parquet(&label)?;
        let read = Table::from_labelled_parquet(&bytes, &label)?;
        prop_assert_eq!(&read, &table);
        prop_assert_eq!(read.to_labelled_parquet(&label)?, bytes, "the same table gives the same bytes");
        if !table.column("v")?.is_all_null() {
            let json: serde_json::Value = serde_json::from_str(&table.to_json().to_string()).expect("json");
            prop_assert_eq!(Table::from_json(&json)?.select(&["row", "v", "after"])?, table.clone());
            let mut text = Vec::new();
            table.write_json(&mut text)?;
            prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&text).expect("json"), json);
        }
    }
}

#[test]
fn csv_has_a_column_for_each_number() -> Result<(), Error> {
    let text = csv(&states())?;
    assert_eq!(text, "index,state[0],state[1],stable\n0,0.5,-2.0,true\n1,,,false\n2,inf,1e-7,true\n");
    let read = Table::read_csv(text.as_bytes())?;
    assert_eq!(read.floats("state[1]")?, [Some(-2.0), None, Some(1e-7)]);
    let nothing = states().filter(|row| row == 1);
    assert_eq!(csv(&nothing)?, "index,state,stable\n1,,false\n");

    let mut twice = states();
    twice.push_column("state[1]", Values::from(vec![1.0; 3]))?;
    let error = csv(&twice).expect_err("two columns with the same name");
    assert_eq!(error.to_string(), "column `state[1]` occurs twice");
    Ok(())
}

#[test]
fn json_has_arrays() -> Result<(), Error> {
    let mut text = Vec::new();
    states().write_json(&mut text)?;
    let text = String::from_utf8(text).expect("utf-8");
    assert!(text.contains(r#"{"index": 0, "state": [0.5,-2.0], "stable": true}"#), "{text}");
    assert!(text.contains(r#""state": null"#) && text.contains(r#""state": ["inf",1e-7]"#), "{text}");
    for wrong in [r#"[{"x": [1]}, {"x": [1, 2]}]"#, r#"[{"x": [1, "a"]}]"#, r#"[{"x": [1]}, {"x": 1}]"#] {
        assert!(Table::from_json(&serde_json::from_str(wrong).expect("json")).is_err(), "{wrong}");
    }
    Ok(())
}

#[test]
fn rows_are_chosen_sorted_grouped_and_stacked() -> Result<(), Error> {
    let table = states();
    assert_eq!(table.take(&[2, 0]).vectors("state")?[1], Some(vec![0.5, -2.0]));
    assert_eq!(table.scalar(0, "state")?, Scalar::Vector(vec![0.5, -2.0]));
    assert_eq!(table.scalar(0, "state")?.to_string(), "[0.5, -2.0]");
    let sorted = table.sort_by(&["state"])?;
    assert_eq!(sorted.integers("index")?, [0, 2, 1].map(Some), "by the first number, null last");
    assert_eq!(table.group_by(&["state"])?.len(), 3);

    let mut stacked = table.clone();
    stacked.append(&table)?;
    stacked.append(&table.select(&["index"])?)?;
    assert_eq!(stacked.vectors("state")?[5..7], [Some(vec![f64::INFINITY, 1e-7]), None]);
    let joined = table.select(&["index", "stable"])?.join(&table.select(&["index", "state"])?, &["index"])?;
    assert_eq!(joined.vectors("state")?, table.vectors("state")?);
    let mut constant = table.clone();
    constant.set_constant("x", Scalar::Vector(vec![1.0, 2.0]));
    assert_eq!(constant.column("x")?.width(), Some(2));
    Ok(())
}

#[test]
fn vectors_of_different_lengths_are_refused_and_named() {
    let refused = Table::from_columns([("state", Values::from(vec![vec![1.0], vec![1.0, 2.0]]))]);
    let error = refused.expect_err("two lengths");
    assert_eq!(error.to_string(), "column `state`: expected vectors of 1 numbers, found one of 2");
    let mut table = states();
    let wider =
        Table::from_columns([("state", Values::from(vec![vec![1.0, 2.0, 3.0]]))]).expect("one column");
    let error = table.append(&wider).expect_err("two lengths");
    assert_eq!(error.to_string(), "column `state`: expected vectors of 2 numbers, found one of 3");
    assert!(error.hint().is_some());
    assert_eq!(table, states(), "the table is unchanged");
    let text = Table::from_columns([("state", Values::from(vec!["a"]))]).expect("one column");
    assert_eq!(
        table.append(&text).expect_err("another kind").to_string(),
        "column `state`: expected vector values, found text"
    );
}

#[test]
fn a_vector_is_not_a_number_and_conditions_cannot_compare_it() -> Result<(), Error> {
    let error = states().floats("state").expect_err("vectors");
    assert_eq!(error.to_string(), "column `state`: expected float values, found vector");
    assert!(error.hint().is_some_and(|hint| hint.contains("`state[0]`")));
    for condition in ["state = 3", "state > 0.5", "not state = none", "index = 1 or state = 2"] {
        let condition = Condition::parse(condition, &AnyColumn)?;
        let error = condition.rows(&states()).expect_err("it compares vectors");
        assert_eq!(error.to_string(), "column `state`: expected single values to compare, found vectors");
        assert!(error.hint().is_some());
    }
    assert_eq!(Condition::parse("stable = true", &AnyColumn)?.rows(&states())?.row_count(), 2);
    Ok(())
}

#[test]
fn long_and_wide_columns_are_read_and_wider_ones_refused() -> Result<(), Error> {
    let number = |row: usize, place: usize| (row * 7 + place) as f64;
    for (rows, width) in [(300_000, 1), (2_000, 200), (40, 1 << 14), (100_000, 0)] {
        let vector = |row: usize| {
            (row % 5 != 3).then(|| (0..width).map(|place| number(row, place)).collect::<Vec<f64>>())
        };
        let table = Table::from_columns([("v", Values::from((0..rows).map(vector).collect::<Vec<_>>()))])?;
        let read = Table::from_parquet(&table.to_parquet()?)?;
        assert!(read == table, "{rows} vectors of {width} numbers");
    }
    let nulls = Table::from_columns([("v", Values::Vector(vec![None; 200_000]))])?;
    assert_eq!(Table::from_parquet(&nulls.to_parquet()?)?, nulls);
    let wide = Table::from_columns([("v", Values::from(vec![vec![0.0; (1 << 14) + 1]]))])?;
    let error = wide.to_parquet().expect_err("too wide");
    assert_eq!(error.to_string(), "table too large: at most 16384 numbers in a vector, found 16385");
    assert!(matches!(csv(&wide), Err(Error::TooLarge { unit: "columns", .. })));
    Ok(())
}

/// Changes any byte of a file with vectors and puts in the valid checksum.
#[test]
fn forged_lists_do_not_panic() -> Result<(), Error> {
    let bytes = states().to_parquet()?;
    let mark = b"concertina.blake3\x18\x40";
    let seal = bytes.windows(mark.len()).rposition(|window| window == mark).expect("a mark") + mark.len();
    for place in (0..bytes.len()).filter(|place| !(seal..seal + 64).contains(place)) {
        for change in [1, 2, 4, 0x10, 0x80, 0xff] {
            let mut forged = bytes.clone();
            forged[place] ^= change;
            forged[seal..seal + 64].fill(b'0');
            let hash = blake3::hash(&forged).to_hex();
            forged[seal..seal + 64].copy_from_slice(hash.as_bytes());
            if let Ok(table) = Table::from_parquet(&forged) {
                let again = Table::from_parquet(&table.to_parquet()?)?;
                assert_eq!(again, table, "byte {place}");
            }
        }
    }
    Ok(())
}
