//! A limit on the time of a request, which is kept by starting nothing that would pass it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The time that is kept free for the last publications. Arbitrary: publishing the state of a run takes
/// milliseconds on a local disk, and may take a second on a network.
const RESERVE: Duration = Duration::from_secs(2);
/// The reserve is at most one part in this many of the whole limit, so that a short limit leaves time to
/// work.
const RESERVE_SHARE: u32 = 5;
/// An epoch is assumed to take this many times as long as the slowest of its kind so far.
const CAUTION: f64 = 1.25;

/// A limit on the time of a request. It knows how long epochs take from those that were trained under it.
#[derive(Debug)]
pub(crate) struct TimeLimit {
    end: Instant,
    reserve: Duration,
    /// The time of the slowest epoch, by the bits of its work. Epochs of the same shape have the same work.
    slowest: Mutex<BTreeMap<u64, Duration>>,
}

impl TimeLimit {
    /// A limit that begins now.
    pub(crate) fn new(limit: Duration) -> Self {
        let reserve = RESERVE.min(limit / RESERVE_SHARE);
        // a limit beyond what a clock can show is none
        let end = Instant::now()
            .checked_add(limit)
            .unwrap_or_else(|| Instant::now() + Duration::from_secs(1 << 31));
        Self { end, reserve, slowest: Mutex::default() }
    }

    /// Whether only the reserve is left.
    pub(crate) fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// The time before the reserve.
    fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now()).saturating_sub(self.reserve)
    }

    fn slowest(&self) -> MutexGuard<'_, BTreeMap<u64, Duration>> {
        self.slowest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how long an epoch of this work took, with its analyses and publications.
    pub(crate) fn note(&self, work: f64, time: Duration) {
        let mut slowest = self.slowest();
        let known = slowest.entry(work.to_bits()).or_default();
        *known = time.max(*known);
    }

    /// Whether an epoch of this work can be trained and published in time. The first epoch of a kind is
    /// allowed as long as there is time at all: otherwise a limit that is too short would never train any.
    pub(crate) fn allows(&self, work: f64) -> bool {
        let left = self.left();
        let needs = self.slowest().get(&work.to_bits()).map(|time| time.mul_f64(CAUTION));
        !left.is_zero() && needs.is_none_or(|needs| needs <= left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_that_would_pass_the_limit_is_not_begun() {
        let limit = TimeLimit::new(Duration::from_secs(100));
        assert!(limit.allows(1.0) && !limit.is_over());
        limit.note(1.0, Duration::from_secs(70));
        limit.note(1.0, Duration::from_secs(50));
        assert!(limit.allows(1.0), "an epoch of 70 s fits into 98 s, even with caution");
        limit.note(1.0, Duration::from_secs(90));
        assert!(!limit.allows(1.0));
        assert!(limit.allows(2.0), "nothing is known about other epochs");
        let over = TimeLimit::new(Duration::ZERO);
        assert!(over.is_over() && !over.allows(2.0));
        assert!(!TimeLimit::new(Duration::MAX).is_over());
    }
}
