//! The operations in f64 for the dynamics of networks: fast, and with the same bits on every instruction set.
//!
//! An orbit of a chaotic network depends on the last bit of every product and of every tangent.

mod product;
mod softplus;
mod tanh;

pub use product::{Panels, product, squared_distances};
pub use softplus::{logistic_and_slopes, softplus_and_slopes};
pub use tanh::tanh_and_slopes;
