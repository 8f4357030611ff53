//! Fills a new store with made-up runs, to see what very many runs cost:
//!
//! ```sh
//! cargo run --release -p concertina --example many_runs -- FOLDER [RUNS]
//! ```

#[path = "../tests/support/many_runs.rs"]
mod many_runs;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let folder = words.next().ok_or("expected the folder of the new store, and perhaps how many runs")?;
    let runs = words.next().map_or(Ok(100_000), |text| text.parse())?;
    many_runs::fill(folder.as_ref(), runs);
    Ok(())
}
