//! What publishing a finished run costs, compared with plainly writing the same bytes.
//!
//! `cargo run --release -p concertina-store --example publishing_cost -- <folder>`
#![allow(clippy::print_stdout, reason = "prints a table")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use concertina_store::{CheckpointId, Durability, Keep, RunKey, StoreOptions, Tensors};
use ndarray::ArrayD;

const RUNS: usize = 40;

/// The shortest of the times in milliseconds, because other work on the machine only adds to it.
fn timed(mut work: impl FnMut(usize) -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let mut times = Vec::new();
    for run in 0..RUNS {
        let start = Instant::now();
        work(run)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(times.into_iter().fold(f64::INFINITY, f64::min))
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("expected a folder")?);
    let tensors = |epoch: u64| {
        let array = |shape: &[usize], salt: f32| {
            let mut value = salt;
            ArrayD::from_shape_simple_fn(shape, || {
                value = (value * 1.37 + 0.11).fract();
                value
            })
        };
        let arrays = BTreeMap::from([
            ("input_weights".to_owned(), array(&[2, 200], 0.5)),
            ("readout_weights".to_owned(), array(&[200, 2], 0.1 + epoch as f32)),
            ("recurrent_bias".to_owned(), array(&[200], 0.2 + epoch as f32)),
            ("recurrent_weights".to_owned(), array(&[200, 200], 0.3 + epoch as f32)),
        ]);
        Tensors { arrays, metadata: serde_json::Map::new() }
    };
    let all: Vec<_> =
        (0..13).map(|epoch| (CheckpointId { epoch, update: 80 * epoch }, tensors(epoch))).collect();
    let all: Vec<_> = all.iter().map(|(id, tensors)| (*id, tensors)).collect();
    let mut bytes = 0;
    for durability in [Durability::Process, Durability::PowerFailure] {
        let root = folder.join(format!("{durability:?}"));
        let store = StoreOptions::new().durability(durability).open(&root)?;
        let run = |index: usize| store.run(&RunKey::of(&index.to_string()));
        let packed = timed(|index| Ok(run(index).publish_packed(&all).map(drop)?))?;
        let path = run(0).path().join("checkpoints.safetensors");
        let content = fs::read(&path)?;
        bytes = content.len();
        let plain = timed(|index| Ok(fs::write(folder.join(format!("{index}.plain")), &content)?))?;
        let flushed = timed(|index| {
            let path = folder.join(format!("{index}.flushed"));
            fs::write(&path, &content)?;
            Ok(fs::File::open(path)?.sync_all()?)
        })?;
        let whole = timed(|index| {
            let run = store.run(&RunKey::of(&format!("whole {index}")));
            let table = concertina_table::Table::new();
            let mut batch = store.batch();
            batch.params(&run, "gain = 20.0\n");
            batch.history(&run, &table)?;
            batch.resume(&run, all[12].1)?;
            batch.provenance(&run, &serde_json::json!({}));
            batch.packed(&run, &all, Keep::All);
            Ok(batch.publish().map(drop)?)
        })?;
        let many = Instant::now();
        let runs: Vec<_> = (0..RUNS).map(|index| store.run(&RunKey::of(&format!("many {index}")))).collect();
        let mut batch = store.batch();
        for run in &runs {
            batch.params(run, "gain = 20.0\n");
            batch.resume(run, all[12].1)?;
            batch.packed(run, &all, Keep::All);
        }
        batch.publish()?;
        let many = many.elapsed().as_secs_f64() * 1e3 / RUNS as f64;
        let one = timed(|index| match run(index).read_checkpoint(all[5].0)? {
            Some(_) => Ok(()),
            None => Err("the checkpoint is missing".into()),
        })?;
        println!(
            "{durability:?}: packed {packed:.2} ms, plain write {plain:.2} ms (x{:.2}), flushed write {flushed:.2} ms (x{:.2})",
            packed / plain,
            packed / flushed
        );
        println!(
            "  five files of a run in a batch {whole:.2} ms, {RUNS} runs in one batch {many:.2} ms per run, read one of 13 {one:.2} ms"
        );
    }
    println!("{bytes} bytes");
    Ok(())
}
