//! How fast Concertina is: `cargo bench -p concertina-benches`, or one of them with `--bench training`.
//!
//! Shared machines drift, so every benchmark goes round and round: in each round the machine's peak (a loop
//! of fused multiply-adds in registers) and every case are timed, one after the other. What is printed are
//! medians over the rounds; a share of the peak is the median of the shares within a round.
//!
//! `-- --rounds 9` sets the number of rounds, `-- --only batch` leaves out the cases whose name does not
//! contain the word, `-- --save FILE` writes every single measurement as JSON.

mod machine;
mod peak;
mod session;
mod summary;

pub use machine::Machine;
pub use peak::peak;
pub use session::{Session, Work};
pub use summary::Summary;
