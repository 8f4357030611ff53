//! How fast Concertina is: `cargo bench -p concertina-benches`, or a single benchmark with `--bench
//! training`.
//!
//! The speed of shared machines drifts, so every benchmark runs in rounds. In each round, the machine's peak
//! (a loop of fused multiply-adds in registers) and every case are timed, one after the other. The printed
//! values are medians over the rounds; a share of the peak is the median of the shares within a round.
//!
//! `-- --rounds 9` sets the number of rounds, `-- --only batch` leaves out cases whose names do not contain
//! the word, and `-- --save FILE` writes every single measurement as JSON.

mod machine;
mod peak;
mod session;
mod summary;

pub use machine::Machine;
pub use peak::peak;
pub use session::{Session, Work};
pub use summary::Summary;
