//! What users type: overrides, seeds, checkpoints, conditions, analyses.

use concertina::{CheckpointSelection, Condition, RunColumns};
use concertina_model::Checkpoint;
use concertina_model::params::{Params, Sweep};
use concertina_recipe::SeedChoice;
use concertina_store::{CheckpointId, MemoKey, RunKey};
use concertina_table::{Table, Values};

use crate::{params, tell};

/// Each line is an override of one sweep, and the whole text is everything else that users type.
pub fn overrides(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut sweep = Sweep::of(Params::default());
    for line in text.lines() {
        if let Err(error) = sweep.assign(line) {
            tell(&error);
        }
    }
    match sweep.check() {
        Ok(runs) => runs.iter().step_by(1000).for_each(params::valid),
        Err(error) => tell(&error),
    }
    match concertina::seeds(text) {
        Ok(SeedChoice::These(seeds)) => assert!(!seeds.is_empty()),
        Ok(_) => unreachable!("seeds that are typed are explicit"),
        Err(error) => tell(&error),
    }
    match text.parse::<CheckpointSelection>() {
        Ok(CheckpointSelection::LastOf(count)) => assert!(count > 0),
        Ok(_) => {}
        Err(error) => tell(&error),
    }
    if let Ok(id) = text.parse::<CheckpointId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(checkpoint) = text.parse::<Checkpoint>() {
        assert_eq!(checkpoint.to_string().parse::<Checkpoint>().expect("its own spelling"), checkpoint);
    }
    if let Ok(key) = text.parse::<RunKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(key) = text.parse::<MemoKey>() {
        assert_eq!(key.to_string(), text);
    }
    condition(text);
    let mut words = text.split_whitespace();
    if let Err(error) = concertina::analysis(words.next().unwrap_or_default(), words) {
        tell(&error);
    }
}

fn condition(text: &str) {
    if let Err(error) = Condition::parse(text, &RunColumns) {
        tell(&error);
    }
    let Ok(condition) = text.parse::<Condition>() else { return };
    let again = format!("({text})").parse::<Condition>();
    // One more pair of parentheses may be one too many.
    assert!(again.is_err() || again.is_ok_and(|again| again == condition), "{text}");
    let table = Table::from_columns([
        ("gain", Values::Float(vec![Some(20.0), Some(f64::INFINITY), None])),
        ("seed", Values::Integer(vec![Some(i64::MIN), Some(i64::MAX), None])),
        ("loss", Values::Text(vec![Some("mse".to_owned()), Some(String::new()), None])),
        ("frozen", Values::Boolean(vec![Some(true), Some(false), None])),
    ])
    .expect("columns of one length");
    for row in 0..=table.row_count() {
        if let Err(error) = condition.holds(&table, row) {
            tell(&error);
        }
    }
}
