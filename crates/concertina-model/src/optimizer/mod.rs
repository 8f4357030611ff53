//! Optimizers: how one update changes the weights (`docs/reference/model.md#optimizers`).
//!
//! An optimizer works element by element, so the order of a weight matrix in memory does not matter, and the
//! trainer passes it the packed storage of its kernels. The same code runs in f32 (training) and in f64 (the
//! reference), as plain loops that the compiler vectorises.

mod adam;
mod rmsprop;
mod sgd;
mod sgd_rmsprop;

pub use adam::Adam;
pub use rmsprop::Rmsprop;
pub use sgd::Sgd;
pub use sgd_rmsprop::SgdRmsprop;

use crate::params::{OptimizerKind, TrainParams};

/// f32 or f64: the operations on numbers that an elementwise update needs.
pub trait Real:
    Copy
    + Default
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
{
    /// The nearest number of this precision.
    fn of(value: f64) -> Self;
    /// The square root, correctly rounded.
    fn square_root(self) -> Self;
}

impl Real for f32 {
    fn of(value: f64) -> Self {
        value as f32
    }
    fn square_root(self) -> Self {
        self.sqrt()
    }
}

impl Real for f64 {
    fn of(value: f64) -> Self {
        value
    }
    fn square_root(self) -> Self {
        self.sqrt()
    }
}

/// The buffers that an optimizer keeps for one parameter array. A buffer that it does not use is empty.
///
/// `mean` is the velocity (momentum) or the running mean of the gradient (adam), `square` the running mean of
/// its square.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buffers<S> {
    /// Velocity or first moment.
    pub mean: S,
    /// Second moment.
    pub square: S,
}

/// What changes from update to update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepContext {
    /// The current learning rate.
    pub learning_rate: f64,
    /// The number of this update, counted from 1 over the whole of training.
    pub update: u64,
}

/// An optimizer with its constants.
#[derive(Clone, Debug, PartialEq)]
pub enum Optimizer {
    /// Gradient descent with optional momentum.
    Sgd(Sgd),
    /// RMSprop with optional momentum.
    Rmsprop(Rmsprop),
    /// Adam, bias corrected.
    Adam(Adam),
    /// A mixture of RMSprop and plain gradient steps.
    SgdRmsprop(SgdRmsprop),
}

impl Optimizer {
    /// The optimizer that the parameters specify.
    pub fn from_params(train: &TrainParams) -> Self {
        let (momentum, weight_decay) = (train.momentum, train.weight_decay);
        let rmsprop = Rmsprop { momentum, weight_decay, ..Rmsprop::default() };
        match train.optimizer {
            OptimizerKind::Sgd => Optimizer::Sgd(Sgd { momentum, weight_decay }),
            OptimizerKind::Rmsprop => Optimizer::Rmsprop(rmsprop),
            OptimizerKind::Adam => Optimizer::Adam(Adam { weight_decay, ..Adam::default() }),
            OptimizerKind::SgdRmsprop => Optimizer::SgdRmsprop(SgdRmsprop { mix: train.mix, rmsprop }),
        }
    }

    /// Which of the two buffers are kept: (`mean`, `square`).
    pub fn keeps(&self) -> (bool, bool) {
        match self {
            Optimizer::Sgd(sgd) => (sgd.momentum != 0.0, false),
            Optimizer::Rmsprop(rmsprop) | Optimizer::SgdRmsprop(SgdRmsprop { rmsprop, .. }) => {
                (rmsprop.momentum != 0.0, true)
            }
            Optimizer::Adam(_) => (true, true),
        }
    }

    /// One update of one parameter array, in place.
    ///
    /// # Shapes
    /// `weights`, `gradient` and the buffers that are kept: the same length; other buffers are empty.
    #[inline(always)] // so that it is compiled with the instructions of the caller's dispatch
    pub fn step<T: Real>(
        &self,
        weights: &mut [T],
        gradient: &[T],
        buffers: Buffers<&mut [T]>,
        context: StepContext,
    ) {
        match self {
            Optimizer::Sgd(sgd) => sgd.step(weights, gradient, buffers.mean, context),
            Optimizer::Rmsprop(rmsprop) => rmsprop.step(weights, gradient, buffers, context),
            Optimizer::Adam(adam) => adam.step(weights, gradient, buffers, context),
            Optimizer::SgdRmsprop(mixture) => mixture.step(weights, gradient, buffers, context),
        }
    }
}
