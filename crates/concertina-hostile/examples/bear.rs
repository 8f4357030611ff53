//! Calls a target with files, to inspect what one of them does:
//!
//! `cargo run -p concertina-hostile --example bear -- TARGET FILE ...`

#![allow(clippy::print_stdout, reason = "it prints for the person who runs it")]

use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or("expected a target and files")?;
    let known = concertina_hostile::TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = known.ok_or_else(|| format!("unknown target `{name}`"))?;
    for path in arguments {
        let bytes = std::fs::read(&path)?;
        let start = Instant::now();
        target(&bytes);
        println!("{path}: {} bytes, {:.3} s", bytes.len(), start.elapsed().as_secs_f64());
    }
    Ok(())
}
