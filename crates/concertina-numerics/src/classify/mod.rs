//! Linear classifiers, fitted to convergence.
//!
//! Both are convex problems with a single optimum, found by Newton's method. The results do not depend on a
//! tolerance, on the order of samples or on random numbers. With more features than samples, the optimum lies
//! in the span of the samples and the problem is solved there, so the cost grows with the square of the
//! smaller of the two numbers.

mod design;
mod linear;
mod logistic;
mod newton;
mod svm;

pub use linear::LinearClassifier;
pub use logistic::LogisticRegression;
pub use svm::LinearSvm;

use crate::{Error, Result};

/// Checks that the inverse penalty is a positive number.
fn check_c(c: f64) -> Result<()> {
    if c.is_finite() && c > 0.0 {
        return Ok(());
    }
    Err(Error::OutOfRange { name: "c", range: "above 0", value: c })
}
