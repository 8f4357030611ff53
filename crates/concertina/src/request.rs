//! Reads what a user types: files, overrides, seeds, analyses.

use std::path::Path;

use concertina_model::params::{Params, Sweep, parameter};
use concertina_recipe::SeedChoice;
use concertina_table::Table;

use crate::error::{Error, Result};

/// A sweep from the arguments of a command: a parameter file if the first argument is not an override, then
/// overrides, then seeds.
///
/// The file is TOML with sections as in [`Params::from_toml`] and optionally a section `[sweep]`, or JSON
/// with the published code's names.
///
/// # Errors
/// [`Error::Read`]; [`Error::InFile`] around what is wrong with the file; [`Error::Seeds`]; seeds that are
/// given twice; what is wrong with an override.
pub fn sweep<'a>(arguments: impl IntoIterator<Item = &'a str>, seeds: Option<&str>) -> Result<Sweep> {
    let mut arguments = arguments.into_iter().peekable();
    let mut sweep = match arguments.next_if(|first| !first.contains('=') || Path::new(first).is_file()) {
        Some(file) => read_sweep(Path::new(file))?,
        None => Sweep::of(Params::default()),
    };
    let mut varies_seed = false;
    for text in arguments {
        sweep.assign(text)?;
        let name = text.split_once('=').map_or(text, |(name, _)| name);
        varies_seed |= parameter(name).is_ok_and(|parameter| parameter.path == "seed");
    }
    if let Some(seeds) = seeds {
        if varies_seed {
            return Err(concertina_model::Error::GivenTwice { parameter: "seed".to_owned() }.into());
        }
        sweep.assign(&format!("seed={seeds}")).map_err(|_| Error::Seeds { text: seeds.to_owned() })?;
    }
    Ok(sweep)
}

/// The parameters of a sweep's only run, not checked yet.
///
/// # Errors
/// [`Error::OneRun`], and what is wrong with the parameters.
pub fn one_of(sweep: Sweep) -> Result<Params> {
    match sweep.only()? {
        Some(params) => Ok(params),
        None => Err(Error::OneRun { found: sweep.check()?.len() }),
    }
}

/// Reads a sweep from a file: JSON if its name ends in `.json`, TOML otherwise.
///
/// # Errors
/// As [`sweep`].
pub fn read_sweep(path: &Path) -> Result<Sweep> {
    let text =
        std::fs::read_to_string(path).map_err(|source| Error::Read { source, path: path.to_owned() })?;
    let json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    let sweep = if json { Sweep::from_json(&text) } else { Sweep::from_toml(&text) };
    sweep.map_err(|error| Error::from(error).in_file(path))
}

/// Seeds for figures: `0..10`, `0..=4`, `0,3,7`.
///
/// # Errors
/// [`Error::Seeds`].
pub fn seeds(text: &str) -> Result<SeedChoice> {
    let seeds = concertina_model::params::seeds(text).map_err(|_| Error::Seeds { text: text.to_owned() })?;
    Ok(SeedChoice::These(seeds))
}

/// Writes a new file, completely or not at all.
///
/// # Errors
/// [`Error::Write`], also if the path exists.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    let failed = |source| Error::Write { source, path: path.to_owned() };
    let mut file = std::fs::File::create_new(path).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|source| {
        // Half a file could be mistaken for a whole one.
        let _ = std::fs::remove_file(path);
        failed(source)
    })
}

/// Writes a table in the format that the file name asks for: .csv, .json or .parquet.
///
/// # Errors
/// [`Error::TableFormat`], [`Error::Write`].
pub fn write_table(table: &Table, path: &Path) -> Result<()> {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let bytes = match ending.as_deref() {
        Some("csv") => {
            let mut bytes = Vec::new();
            table.write_csv(&mut bytes)?;
            bytes
        }
        Some("json") => {
            let mut bytes = Vec::new();
            table.write_json(&mut bytes)?;
            bytes
        }
        Some("parquet") => table.to_parquet()?,
        _ => return Err(Error::TableFormat { path: path.to_owned() }),
    };
    std::fs::write(path, bytes).map_err(|source| Error::Write { source, path: path.to_owned() })
}

/// Checks, before anything is computed, that [`write_table`] knows the format.
///
/// # Errors
/// [`Error::TableFormat`].
pub fn check_table_format(path: &Path) -> Result<()> {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    match ending.as_deref() {
        Some("csv" | "json" | "parquet") => Ok(()),
        _ => Err(Error::TableFormat { path: path.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::{seeds, sweep};
    use crate::error::Error;
    use concertina_recipe::SeedChoice;

    #[test]
    fn overrides_and_seeds_make_a_sweep() {
        let runs = sweep(["gain=20,250"], Some("0..3")).and_then(|sweep| Ok(sweep.check()?)).expect("valid");
        assert_eq!(runs.len(), 6);
        assert_eq!(runs.varied(), ["network.gain", "seed"]);
        assert!(matches!(sweep([], Some("0..x")), Err(Error::Seeds { .. })));
        assert!(matches!(sweep(["nowhere.toml"], None), Err(Error::Read { .. })));
        assert!(matches!(sweep(["gain=20", "seed"], None), Err(Error::Model(_))));
        assert!(matches!(sweep(["model_seed=7"], Some("0..3")), Err(Error::Model(_))), "which of them?");
    }

    #[test]
    fn seeds_of_figures_are_read_as_elsewhere() {
        assert_eq!(seeds("0..=2").expect("a range"), SeedChoice::These(vec![0, 1, 2]));
        assert_eq!(seeds("4,7").expect("a list"), SeedChoice::These(vec![4, 7]));
        assert!(matches!(seeds("-1"), Err(Error::Seeds { .. })));
        assert!(matches!(seeds("3..3"), Err(Error::Seeds { .. })));
    }
}
