//! Commands for work on many machines.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Listing;

#[derive(Debug, Args)]
pub(crate) struct Worker {
    /// Plans, which `--plan FILE` of `train`, `analyse`, `figures`, `reproduce` and `plot` writes
    #[arg(value_name = "PLAN", required = true)]
    pub(crate) plans: Vec<PathBuf>,
    /// Stop after this time: `55m`, `1h30m`, `90s`, or as in Slurm, `1-12:00:00`. No epoch begins that cannot
    /// be published before
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) time_limit: Option<Duration>,
    /// Print one line per minute: runs done, running, rate, expected end
    #[arg(long)]
    pub(crate) summary: bool,
    /// Work in a folder on a local disk, and merge what is finished into the store
    #[arg(long, value_name = "DIR")]
    pub(crate) scratch: Option<PathBuf>,
    /// Print what is missing, one row per run, and change nothing
    #[arg(long, conflicts_with_all = ["time_limit", "summary", "scratch"])]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

/// A time as in `90s`, `55m`, `1h30m`, `2d`, or as Slurm writes it: `MM:SS`, `HH:MM:SS`, `D-HH:MM:SS`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a time as in `55m`, `1h30m`, `90s` or `1-12:00:00`".to_owned();
    let text = text.trim();
    let seconds = if text.contains(':') { clock_time(text) } else { units(text) };
    match seconds {
        Some(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err(wrong()),
    }
}

/// Seconds of numbers that are each followed by a unit.
fn units(text: &str) -> Option<u64> {
    let (mut seconds, mut digits) = (0_u64, String::new());
    for sign in text.chars() {
        if sign.is_ascii_digit() {
            digits.push(sign);
            continue;
        }
        let unit = match sign {
            'd' => 86_400,
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        let number: u64 = digits.parse().ok()?;
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        digits.clear();
    }
    digits.is_empty().then_some(seconds)
}

/// Seconds of a time as Slurm writes it.
fn clock_time(text: &str) -> Option<u64> {
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (days.parse::<u64>().ok()?, rest),
        None => (0, text),
    };
    let parts: Vec<u64> = rest.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let seconds = match parts[..] {
        [minutes, seconds] if days == 0 => minutes.checked_mul(60)?.checked_add(seconds),
        [hours, minutes] => hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?),
        [hours, minutes, seconds] => {
            hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)
        }
        _ => None,
    };
    days.checked_mul(86_400)?.checked_add(seconds?)
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn times_are_read_with_units_and_as_slurm_writes_them() {
        let read = |text| duration(text).ok().map(|time| time.as_secs());
        assert_eq!(["90s", "55m", "1h30m", "2d"].map(read), [90, 3300, 5400, 172_800].map(Some));
        assert_eq!(
            ["30:00", "1:00:00", "1-12:00:00", "1-06:30"].map(read),
            [1800, 3600, 129_600, 109_800].map(Some)
        );
        for wrong in ["", "55", "m", "-5m", "5x", "1:2:3:4", "0s", "99999999999999999999d", "1h 30m"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
