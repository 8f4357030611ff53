//! Draws figure 2 from the tables of the published code, with made-up snapshots, to inspect changes of the
//! drawing.
//!
//! `cargo run -p concertina-recipe --example fig2_from_reference -- <folder of the tables> <folder to write
//! to>`

#![allow(clippy::print_stderr, reason = "it prints for the person who runs it")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{fs::File, path::Path};

use concertina_plot::Theme;
use concertina_recipe::Recipe;
use concertina_table::{Table, Values};

type Anyhow<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Anyhow<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(tables), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("expected two folders: tables, output".into());
    };
    let tables = Path::new(&tables);
    let read = |name: &str, rename: &[(&str, &str)]| -> Anyhow<Table> {
        let table = Table::read_csv(File::open(tables.join(name))?)?;
        let workers = table.integers("loader_workers")?;
        let table = table.filter(|row| workers[row] == Some(1));
        let mut columns: Vec<(String, Values)> = Vec::new();
        for (from, to) in rename {
            columns.push(((*to).to_owned(), table.column(from)?.clone()));
        }
        Ok(Table::from_columns(columns)?)
    };
    let keys = [("g_radius", "gain"), ("seed", "seed")];
    let with = |more: &[(&'static str, &'static str)]| [&keys[..], more].concat();

    let lyapunov = read(
        "fig2_lyapunov.csv",
        &with(&[
            ("epoch_requested", "epoch"),
            ("index", "index"),
            ("lyapunov_log2", "exponent"),
            ("call", "call"),
        ]),
    )?;
    let (seeds, calls, epochs) =
        (lyapunov.integers("seed")?, lyapunov.texts("call")?, lyapunov.integers("epoch")?);
    let lyapunov = lyapunov.filter(|row| {
        seeds[row] == Some(0)
            && calls[row].as_deref() == Some("extended")
            && epochs[row].is_some_and(|epoch| epoch < 100)
    });
    let lyapunov = shifted(&lyapunov, "index", 1)?;
    let accuracy = read("fig2d_accuracy.csv", &with(&[("epoch", "epoch"), ("accuracy", "accuracy")]))?;
    let stages = |table: Table| -> Anyhow<Table> {
        let table = shifted(&table, "timestep", -1)?;
        let epochs = table.integers("epoch")?;
        let stage = |epoch: &Option<i64>| Some(if *epoch == Some(0) { "before" } else { "after" }.to_owned());
        let mut table = table;
        table.push_column("stage", Values::Text(epochs.iter().map(stage).collect()))?;
        Ok(table)
    };
    let dimension = stages(read(
        "fig2_effective_dimension.csv",
        &with(&[
            ("num_epochs", "epoch"),
            ("layer", "timestep"),
            ("effective_dimension", "effective_dimension"),
        ]),
    )?)?;
    let holdout = stages(read(
        "fig2_cluster_holdout.csv",
        &with(&[
            ("num_epochs", "epoch"),
            ("layer", "timestep"),
            ("LR_training", "training_accuracy"),
            ("LR_testing", "testing_accuracy"),
        ]),
    )?)?;
    let recipe = Recipe::shipped("fig2")?;
    let figure =
        recipe.draw(&Theme::default(), &[lyapunov, support::snapshots(600), accuracy, dimension, holdout])?;
    for problem in figure.problems() {
        eprintln!("{problem}");
    }
    figure.save(out)?;
    Ok(())
}

fn shifted(table: &Table, column: &str, by: i64) -> Anyhow<Table> {
    let mut columns: Vec<(String, Values)> = Vec::new();
    for (name, values) in table.columns() {
        let values = match values {
            Values::Integer(values) if name == column => {
                Values::Integer(values.iter().map(|v| v.map(|v| v + by)).collect())
            }
            values => values.clone(),
        };
        columns.push((name.to_owned(), values));
    }
    Ok(Table::from_columns(columns)?)
}
