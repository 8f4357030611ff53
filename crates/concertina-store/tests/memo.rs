//! Memoised results that grow.

mod common;

use std::sync::Barrier;

use common::{contents, fresh, key};
use concertina_store::Memo;
use concertina_table::{Table, Values};

fn memo() -> Memo {
    Memo::of(&key("a"), &[], "accuracy", 1, "{}")
}

/// Two rows per update.
fn rows(updates: &[i64]) -> Table {
    let updates: Vec<i64> = updates.iter().flat_map(|&update| [update, update]).collect();
    let values: Vec<f64> =
        updates.iter().zip(0..).map(|(&update, row)| (10 * update + row % 2) as f64).collect();
    Table::from_columns([("update", Values::from(updates)), ("accuracy", Values::from(values))])
        .expect("equal lengths")
}

#[test]
fn rows_are_added_in_the_order_of_updates_whatever_the_order_of_writing() {
    let (_one, in_one_call) = fresh();
    in_one_call.publish_memo(&memo(), rows(&[0, 80, 160, 240]), "update").expect("published");
    let (_other, in_parts) = fresh();
    for updates in [&[160][..], &[0, 160], &[240, 80]] {
        in_parts.publish_memo(&memo(), rows(updates), "update").expect("published");
    }
    assert_eq!(in_one_call.memo(memo().key()).expect("read"), Some(rows(&[0, 80, 160, 240])));
    assert_eq!(contents(in_one_call.root()), contents(in_parts.root()));
}

/// One row per update, with an undefined vector at every other update.
fn vectors(updates: &[i64]) -> Table {
    let state = |update: &i64| (update % 160 == 0).then(|| vec![*update as f64, 0.5, -1.0]);
    let states: Vec<_> = updates.iter().map(state).collect();
    Table::from_columns([("update", Values::from(updates.to_vec())), ("state", Values::from(states))])
        .expect("equal lengths")
}

#[test]
fn vectors_are_merged_like_numbers() {
    let (_one, in_one_call) = fresh();
    in_one_call.publish_memo(&memo(), vectors(&[0, 80, 160, 240]), "update").expect("published");
    let (_other, in_parts) = fresh();
    for updates in [&[80][..], &[160], &[0, 160], &[240, 80]] {
        in_parts.publish_memo(&memo(), vectors(updates), "update").expect("published");
    }
    assert_eq!(in_one_call.memo(memo().key()).expect("read"), Some(vectors(&[0, 80, 160, 240])));
    assert_eq!(contents(in_one_call.root()), contents(in_parts.root()));
}

#[test]
fn existing_rows_are_kept() {
    let (_folder, store) = fresh();
    store.publish_memo(&memo(), rows(&[80]), "update").expect("published");
    let mut other = rows(&[80]);
    other.set_constant("accuracy", 0.5.into());
    store.publish_memo(&memo(), other, "update").expect("published");
    assert_eq!(store.memo(memo().key()).expect("read"), Some(rows(&[80])));
}

#[test]
fn concurrent_writers_damage_nothing_and_lost_rows_are_added_again() {
    let (_folder, store) = fresh();
    let add_all = |thread: i64| {
        for number in 0..5 {
            store.publish_memo(&memo(), rows(&[4 * number + thread]), "update").expect("published");
        }
    };
    let start = Barrier::new(4);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (add_all, start) = (&add_all, &start);
            scope.spawn(move || {
                start.wait();
                add_all(thread);
            });
        }
    });
    assert!(store.verify().expect("verified").is_empty());
    (0..4).for_each(add_all);
    assert_eq!(store.memo(memo().key()).expect("read"), Some(rows(&(0..20).collect::<Vec<_>>())));
}
