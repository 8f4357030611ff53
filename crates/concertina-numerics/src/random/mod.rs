//! Keyed streams of random numbers: what a number is depends on the seed and on what it is for, and on
//! nothing else.
//!
//! ```
//! use concertina_numerics::random::{Purpose, Stream};
//!
//! const CENTRES: Purpose = Purpose::new("centres");
//! let mut stream = Stream::new(3, CENTRES, 0);
//! let again = Stream::new(3, CENTRES, 0).uniform();
//! assert_eq!(stream.uniform(), again);
//! ```

mod normal;
mod purpose;
mod stream;

pub use purpose::Purpose;
pub use stream::Stream;
