//! Keyed streams of random numbers. A number depends only on the seed and on its purpose.
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
