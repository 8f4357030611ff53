//! Faults for tests: devices that are lost, and memory that does not suffice; and a software device that
//! looks like a card.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

static LOSE_AFTER: AtomicU64 = AtomicU64::new(u64::MAX);
static MOST_NETWORKS: AtomicU64 = AtomicU64::new(u64::MAX);
static LOOKS_LIKE_A_CARD: AtomicBool = AtomicBool::new(false);
static RATE: AtomicU64 = AtomicU64::new(0);

/// The device that makes the launch after this many is lost; once.
pub fn lose_after(launches: u64) {
    LOSE_AFTER.store(launches, Ordering::SeqCst);
}

/// Devices have no memory for more networks than this.
pub fn limit_networks(networks: u64) {
    MOST_NETWORKS.store(networks, Ordering::SeqCst);
}

/// Software devices count as cards. If `rate` is not 0, measurements of devices give this many updates per
/// second.
pub fn pretend(card: bool, rate: u64) {
    LOOKS_LIKE_A_CARD.store(card, Ordering::SeqCst);
    RATE.store(rate, Ordering::SeqCst);
}

pub(crate) fn looks_like_a_card() -> bool {
    LOOKS_LIKE_A_CARD.load(Ordering::SeqCst)
}

pub(crate) fn rate() -> Option<f64> {
    match RATE.load(Ordering::SeqCst) {
        0 => None,
        rate => Some(rate as f64),
    }
}

/// Counts a launch; whether it is the one that loses the device.
pub(crate) fn loses_now() -> bool {
    let count = |left: u64| match left {
        u64::MAX => None,
        0 => Some(u64::MAX),
        left => Some(left - 1),
    };
    LOSE_AFTER.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count) == Ok(0)
}

pub(crate) fn has_memory_for(networks: usize) -> bool {
    networks as u64 <= MOST_NETWORKS.load(Ordering::SeqCst)
}
