//! Several threads for a single product that is large enough to gain from them.

use std::cell::Cell;
use std::ops::Range;

use super::Level;
use super::level::with_level;
use super::panels::Layout;

thread_local! {
    static THREADS: Cell<usize> = const { Cell::new(1) };
}

/// Number of multiply-adds that are worth a separate thread. Arbitrary, but long compared with the start of a
/// thread: 0.15 ms at a peak of 115 GFLOP/s. Updates at 1,000 units, products of 10 million, gain from it
/// (`docs/performance.md`).
const WORTH: usize = 1 << 23;

/// Calls `run` with up to this number of threads, including this one, for each large product of this thread.
/// No result depends on the number of threads, since each computes different columns.
pub fn with_threads<R>(threads: usize, run: impl FnOnce() -> R) -> R {
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            THREADS.set(self.0);
        }
    }
    let _restore = Restore(THREADS.replace(threads.max(1)));
    run()
}

/// The number of threads that this number of multiply-adds is worth: at least one, and at most the number of
/// panels.
pub(super) fn threads(multiply_adds: usize, panels: usize) -> usize {
    THREADS.get().min(multiply_adds / WORTH).clamp(1, panels.max(1))
}

/// The panels of each thread, in order.
pub(super) fn shares(
    threads: usize,
    layout: &Layout,
) -> impl DoubleEndedIterator<Item = Range<usize>> + use<> {
    let panels = layout.panel_count();
    (0..threads).map(move |index| index * panels / threads..(index + 1) * panels / threads)
}

/// The same closure with the instruction set of this thread, to be run by another thread.
pub(super) fn at_this_level<R>(run: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let level = Level::current();
    move || with_level(level, run)
}
