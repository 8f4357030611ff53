//! Times and words as shells and schedulers read them.

use std::time::Duration;

/// A word, quoted for a shell where necessary.
pub fn shell_word(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_=./,:+".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// A time as in `90s`, `55m`, `1h30m`, `2d`, or as Slurm writes it: `MM:SS`, `HH:MM:SS`, `D-HH:MM:SS`.
///
/// # Errors
/// What was expected, if it is something else or zero.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let seconds = if text.contains(':') { clock_time(text) } else { units(text) };
    match seconds {
        Some(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err("expected a time as in `55m`, `1h30m`, `90s` or `1-12:00:00`".to_owned()),
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

/// A time as Slurm writes it: `01:30:00`, `1-12:00:00`.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let day = if days > 0 { format!("{days}-") } else { String::new() };
    format!("{day}{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_units_and_as_slurm_writes_them() {
        let read = |text| parse_duration(text).ok().map(|time| time.as_secs());
        assert_eq!(["90s", "55m", "1h30m", "2d"].map(read), [90, 3300, 5400, 172_800].map(Some));
        assert_eq!(
            ["30:00", "1:00:00", "1-12:00:00", "1-06:30"].map(read),
            [1800, 3600, 129_600, 109_800].map(Some)
        );
        for wrong in ["", "55", "m", "-5m", "5x", "1:2:3:4", "0s", "99999999999999999999d", "1h 30m"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_written_as_slurm_does_is_read() {
        for (seconds, text) in [(90, "00:01:30"), (5400, "01:30:00"), (129_600, "1-12:00:00")] {
            assert_eq!(clock(Duration::from_secs(seconds)), text);
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)));
        }
    }

    #[test]
    fn a_shell_reads_a_quoted_word_as_it_was() {
        assert_eq!(shell_word("a/b-c=1,2"), "a/b-c=1,2");
        assert_eq!(shell_word("two words"), "'two words'");
        assert_eq!(shell_word("it's"), "'it'\\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
