//! Products and elementwise maps in `f32` for the training loop, and one product in `f64` for analyses. They
//! give the same bits on every instruction set.
//!
//! # Storage
//!
//! * [`Rows`]: a row-major matrix with padded rows. States are rows: a timestep of a batch is a block of
//!   rows, and the timesteps of a trial are consecutive blocks.
//! * [`Panels`]: a matrix in panels of [`Panels::WIDTH`] columns. Weights are stored in this form, and so are
//!   their gradients and the optimiser's state, so that an update is a single pass over flat slices.
//!
//! # Order of summation
//!
//! Every element of a product is a sum over the inner index, taken in blocks of [`BLOCK`] terms. Each block
//! is a chain of fused multiply-adds that starts at zero and goes through the block in order. The first block
//! is stored (or added to the output, if the product accumulates), and the later ones are added to it, in
//! order. Vectors run only across columns. Therefore neither the instruction set nor the tiling nor the
//! number of threads changes a bit. Threads are started only for large products, and only where
//! [`with_threads`] allows it.
//!
//! Elementwise maps use additions, multiplications, divisions, square roots and explicit fused multiply-adds,
//! all of which are correctly rounded everywhere. Nothing is reassociated.
//!
//! # Dispatch
//!
//! The instruction set is chosen at run time ([`Level`]). [`dispatch`] compiles a plain loop for all of them.

mod buffer;
mod elementwise;
mod gram;
mod level;
mod panels;
mod product;
mod rows;
mod softplus;
mod tanh;
mod team;
mod tile;
mod transpose;

pub use elementwise::{
    add_row, all_finite, column_sums, relu_derivative_mul, relu_in_place, scale_in_place, scaled_add,
    squared_norm, tanh_derivative_mul,
};
pub use gram::Columns;
pub use level::{Level, Operation, dispatch, with_level};
pub use panels::Panels;
pub use product::{BLOCK, prefetch, product, product_transposed_a};
pub use rows::{Rows, RowsMut, RowsRef};
pub use softplus::{logistic_derivative_mul, logistic_in_place, softplus_derivative_mul, softplus_in_place};
pub use tanh::{logistic, tanh, tanh_in_place};
pub use team::with_threads;
