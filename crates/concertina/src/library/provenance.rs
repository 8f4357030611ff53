//! The provenance of a run: what is worth knowing about its training but is not part of its result.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::progress::Progress;

/// A clock of wall and processor time.
#[derive(Debug)]
pub(crate) struct Clock {
    start: std::time::Instant,
    cpu_start: Option<Duration>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: std::time::Instant::now(), cpu_start: thread_time() }
    }

    fn wall_seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    fn cpu_seconds(&self) -> Option<f64> {
        Some((thread_time()?.checked_sub(self.cpu_start?)?).as_secs_f64())
    }
}

/// The processor time of this thread, if the system reports it.
fn thread_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_ascii_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Adds a session of training to the provenance of a run.
pub(crate) fn extended(
    before: Option<Value>,
    progress: &Progress,
    (from_epoch, to_epoch): (u64, u64),
    jobs: usize,
    device: Option<&str>,
    clock: &Clock,
) -> Value {
    let mut sessions = sessions_of(before);
    let rounded = |seconds: f64| (seconds * 1e6).round() / 1e6;
    let mut session = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "commit": commit(),
        "clean_tree": clean_tree(),
        "from_epoch": from_epoch,
        "to_epoch": to_epoch,
        "finished": now(),
        "wall_seconds": rounded(clock.wall_seconds()),
        "cpu_seconds": clock.cpu_seconds().map(rounded),
        "jobs": jobs,
        "architecture": std::env::consts::ARCH,
        "operating_system": std::env::consts::OS,
        "cpu_features": cpu_features(),
    });
    if let Some(device) = device {
        session["device"] = json!(device);
    }
    sessions.push(session);
    json!({ "progress": progress, "training": sessions })
}

/// The provenance of a run, with how far it has been trained.
pub(crate) fn noted(before: Option<Value>, progress: &Progress) -> Value {
    json!({ "progress": progress, "training": sessions_of(before) })
}

fn sessions_of(before: Option<Value>) -> Vec<Value> {
    before
        .and_then(|mut before| before.get_mut("training").map(Value::take))
        .and_then(|sessions| if let Value::Array(sessions) = sessions { Some(sessions) } else { None })
        .unwrap_or_default()
}

/// The commit from which the program was built, if it was built in its repository.
pub(crate) fn commit() -> Option<&'static str> {
    Some(env!("CONCERTINA_BUILT_FROM")).filter(|commit| !commit.is_empty())
}

/// Whether the program was built from that commit without changes.
pub(crate) fn clean_tree() -> Option<bool> {
    commit().map(|_| env!("CONCERTINA_TREE") == "clean")
}

/// The time, in UTC.
pub(crate) fn now() -> String {
    utc(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

/// The features of the processor that change the order of sums.
pub(crate) fn cpu_features() -> Vec<&'static str> {
    let mut features = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        let known = [
            ("avx2", std::arch::is_x86_feature_detected!("avx2")),
            ("fma", std::arch::is_x86_feature_detected!("fma")),
            ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
        ];
        features.extend(known.iter().filter(|(_, there)| *there).map(|(name, _)| *name));
    }
    #[cfg(target_arch = "aarch64")]
    features.push("neon");
    features
}

/// Seconds since 1970 as `2026-11-24T02:48:24Z`.
fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days to a date in the Gregorian calendar, in eras of 400 years from 1 March of year 0 (H. Hinnant,
    // "chrono-compatible low-level date algorithms", civil_from_days).
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn seconds_become_dates() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(utc(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(utc(1_795_488_504), "2026-11-24T02:48:24Z");
    }
}
