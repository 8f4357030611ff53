//! Every target on many mutated inputs, with a record of allocations. Run it by naming it, in release mode:
//!
//! `cargo test --release -p concertina-hostile --test slow_mutations -- --nocapture`
//!
//! `CONCERTINA_MUTATIONS` sets the number of inputs per target (20,000 by default), and `CONCERTINA_TARGET`
//! selects a single target.

#![allow(unsafe_code, reason = "an allocator is unsafe by nature")]
#![allow(clippy::print_stderr, reason = "it says how much it did")]

#[path = "common/mod.rs"]
mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Counts allocations, and records the largest.
struct Counting;

static LARGEST: AtomicUsize = AtomicUsize::new(0);
static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: as above.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

fn note(size: usize) {
    LARGEST.fetch_max(size, Ordering::Relaxed);
    COUNT.fetch_add(1, Ordering::Relaxed);
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that an input may make a reader allocate in one call: 64 MiB plus 16 times the input.
fn limit(input: &[u8]) -> usize {
    (64 << 20) + 16 * input.len()
}

#[test]
fn no_mutation_of_the_corpus_makes_a_reader_panic_or_allocate_beyond_the_limit() {
    let setting = |name: &str| std::env::var(name).ok();
    let count = setting("CONCERTINA_MUTATIONS").map_or(20_000, |count| count.parse().expect("a number"));
    let only = setting("CONCERTINA_TARGET");
    let last = std::env::temp_dir().join("concertina-hostile-last");
    std::fs::create_dir_all(&last).expect("a folder for the last input of each target");
    for (name, target) in concertina_hostile::TARGETS {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let count = if matches!(*name, "store" | "recipe") { count / 5 } else { count };
        let corpus = common::corpus(name);
        let mut inputs = common::Mutations::new(name, &corpus);
        let (start, mut largest, mut slowest) = (Instant::now(), 0, 0.0_f64);
        let before = COUNT.load(Ordering::Relaxed);
        for number in 0..corpus.len() + count {
            let input = corpus.get(number).cloned().unwrap_or_else(|| inputs.next());
            // Whatever ends the process can then be inspected.
            std::fs::write(last.join(name), &input).expect("a file in the folder for temporary files");
            LARGEST.store(0, Ordering::Relaxed);
            let begun = Instant::now();
            common::run(name, *target, &input);
            slowest = slowest.max(begun.elapsed().as_secs_f64());
            let allocated = LARGEST.load(Ordering::Relaxed);
            largest = largest.max(allocated);
            if allocated > limit(&input) {
                let path = std::env::temp_dir().join(format!("concertina-hostile-{name}.large"));
                std::fs::write(&path, &input).expect("a file in the folder for temporary files");
                panic!(
                    "{name}: {} bytes make it allocate {allocated} in one call: {}",
                    input.len(),
                    path.display()
                );
            }
        }
        eprintln!(
            "{name}: {} executions in {:.1} s, slowest {:.3} s, {} allocations, largest {largest} bytes",
            corpus.len() + count,
            start.elapsed().as_secs_f64(),
            slowest,
            COUNT.load(Ordering::Relaxed) - before,
        );
    }
    concertina_hostile::tidy();
}
