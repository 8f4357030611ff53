//! Several threads for one product, where it is large enough to gain from them.

use std::cell::Cell;
use std::ops::Range;

use super::Level;
use super::level::with_level;
use super::panels::Layout;

thread_local! {
    static THREADS: Cell<usize> = const { Cell::new(1) };
}

/// Multiply-adds that are worth a thread of their own. Arbitrary, long against starting one: 0.15 ms at a
/// peak of 115 GFLOP/s. Updates at 1,000 units, products of 10 million, gain from it (`docs/performance.md`).
const WORTH: usize = 1 << 23;

/// Runs `run` with up to so many threads for each large product of this thread, itself included. Nothing that
/// is computed depends on their number: each has columns of its own.
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

/// How many threads so many multiply-adds are worth: one at least, and no more than there are panels.
pub(super) fn threads(multiply_adds: usize, panels: usize) -> usize {
    THREADS.get().min(multiply_adds / WORTH).clamp(1, panels.max(1))
}

/// The panels of each of these threads, in order.
pub(super) fn shares(
    threads: usize,
    layout: &Layout,
) -> impl DoubleEndedIterator<Item = Range<usize>> + use<> {
    let panels = layout.panel_count();
    (0..threads).map(move |index| index * panels / threads..(index + 1) * panels / threads)
}

/// The same with the instruction set of this thread, for another one to run.
pub(super) fn alike<R>(run: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let level = Level::current();
    move || with_level(level, run)
}
