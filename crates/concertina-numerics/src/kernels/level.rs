//! Instruction sets, and the compilation of a loop for each of them.

use std::cell::Cell;
use std::fmt;

use pulp::{Scalar, Simd, WithSimd};

/// An instruction set that this processor has.
///
/// Only speed depends on it, results do not.
#[derive(Clone, Copy)]
pub struct Level(Set);

#[derive(Clone, Copy)]
enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
    #[cfg(target_arch = "aarch64")]
    Neon(pulp::aarch64::Neon),
}

thread_local! {
    static FORCED: Cell<Option<Level>> = const { Cell::new(None) };
}

impl Level {
    /// Plain Rust, which works everywhere but is slow.
    pub const PORTABLE: Self = Self(Set::Portable);

    /// The widest instruction set of this processor.
    #[must_use]
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(token) = pulp::x86::V4::try_new() {
                return Self(Set::Avx512(token));
            }
            if let Some(token) = pulp::x86::V3::try_new() {
                return Self(Set::Avx2(token));
            }
        }
        #[cfg(target_arch = "aarch64")]
        if let Some(token) = pulp::aarch64::Neon::try_new() {
            return Self(Set::Neon(token));
        }
        Self::PORTABLE
    }

    /// All instruction sets of this processor, narrowest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut levels = vec![Self::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            levels.extend(pulp::x86::V3::try_new().map(|token| Self(Set::Avx2(token))));
            levels.extend(pulp::x86::V4::try_new().map(|token| Self(Set::Avx512(token))));
        }
        #[cfg(target_arch = "aarch64")]
        levels.extend(pulp::aarch64::Neon::try_new().map(|token| Self(Set::Neon(token))));
        levels
    }

    /// The level that the kernels use on this thread: [`Level::best`], or that set by [`with_level`].
    #[must_use]
    #[inline]
    pub fn current() -> Self {
        FORCED.get().unwrap_or_else(Self::best)
    }

    /// `portable`, `avx2`, `avx512` or `neon`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(_) => "avx512",
            #[cfg(target_arch = "aarch64")]
            Set::Neon(_) => "neon",
        }
    }

    /// The instruction set for 8 columns: AVX2 in place of AVX-512, otherwise the same.
    #[inline]
    pub(super) fn narrow(self) -> Self {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(token) => Self(Set::Avx2(*token)),
            _ => self,
        }
    }

    /// The token for using AVX2, if this level allows it.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    pub(super) fn avx2(self) -> Option<pulp::x86::V3> {
        match self.0 {
            Set::Portable => None,
            Set::Avx2(token) => Some(token),
            Set::Avx512(token) => Some(*token),
        }
    }

    /// Runs code that is generic over the vectors of an instruction set.
    #[inline]
    pub(crate) fn vectorize<O: WithSimd>(self, operation: O) -> O::Output {
        match self.0 {
            Set::Portable => Scalar.vectorize(operation),
            #[cfg(target_arch = "x86_64")]
            Set::Avx2(token) => Simd::vectorize(token, operation),
            #[cfg(target_arch = "x86_64")]
            Set::Avx512(token) => Simd::vectorize(token, operation),
            #[cfg(target_arch = "aarch64")]
            Set::Neon(token) => Simd::vectorize(token, operation),
        }
    }
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Level").field(&self.name()).finish()
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Calls `run` with all kernels of this thread using one instruction set, for tests and benchmarks.
///
/// Threads that `run` starts are not affected.
pub fn with_level<R>(level: Level, run: impl FnOnce() -> R) -> R {
    struct Restore(Option<Level>);
    impl Drop for Restore {
        fn drop(&mut self) {
            FORCED.set(self.0);
        }
    }
    let _restore = Restore(FORCED.replace(Some(level)));
    run()
}

/// A loop to be compiled for every instruction set; see [`dispatch`].
///
/// Closures implement it. Implement the trait (with `#[inline(always)]` on `run`) where a closure is not
/// sufficient.
pub trait Operation {
    /// What the loop returns.
    type Output;

    /// Runs the loop. Mark the implementation `#[inline(always)]`.
    fn run(self) -> Self::Output;
}

impl<R, F: FnOnce() -> R> Operation for F {
    type Output = R;

    #[inline(always)]
    fn run(self) -> R {
        self()
    }
}

/// Runs a plain loop compiled for the widest instruction set of this processor.
///
/// The compiler vectorises the loop but never reassociates floats, and `f32::mul_add` is fused on every
/// level, so the result is the same everywhere. Keep reductions out of the loop, since they stay sequential
/// and therefore slow. Iterate over slices of equal length or `chunks_exact`. The closure and all functions
/// called in the loop must be `#[inline(always)]`, or they are compiled without the wide instructions:
///
/// ```
/// use concertina_numerics::kernels::dispatch;
///
/// let (mut weights, gradient, rate) = (vec![1.0_f32; 100], vec![0.5_f32; 100], 0.1_f32);
/// dispatch(
///     #[inline(always)]
///     || {
///         for (weight, slope) in weights.iter_mut().zip(&gradient) {
///             *weight = (-rate).mul_add(*slope, *weight);
///         }
///     },
/// );
/// assert_eq!(weights[99], 0.95);
/// ```
#[inline]
pub fn dispatch<O: Operation>(operation: O) -> O::Output {
    struct Compiled<O>(O);
    impl<O: Operation> WithSimd for Compiled<O> {
        type Output = O::Output;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> O::Output {
            self.0.run()
        }
    }
    Level::current().vectorize(Compiled(operation))
}
