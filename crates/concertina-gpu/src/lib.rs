//! Training of many small networks at once on a GPU.
//!
//! A single network of 200 units cannot fill a GPU, but hundreds of them can. A [`Cohort`] trains runs of the
//! same [`Shape`] in step, one work group for each network. Random numbers, trials, losses and schedules are
//! those of the CPU; the kernels (`shader/`) compute states, gradients and steps of the optimizer.
//!
//! Every sum is taken by one work group in a fixed order, so the bits of a run do not depend on the other
//! runs of its cohort, nor on the number of updates in a launch. They differ from those of the CPU, and may
//! differ from device to device.

mod benchmark;
mod cohort;
mod device;
mod epoch;
mod error;
#[doc(hidden)]
pub mod faults;
mod memory;
mod pack;
mod shape;
mod sizes;
mod source;

pub use benchmark::updates_per_second;
pub use cohort::{Beginning, Cohort, EpochOutcome};
pub use device::{Device, DeviceInfo, devices};
pub use error::{Error, Result};
pub use shape::Shape;
