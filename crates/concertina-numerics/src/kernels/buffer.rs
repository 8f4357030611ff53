//! Flat `f32` storage aligned to cache lines.
#![allow(unsafe_code)] // two marker traits, below

use pulp::bytemuck::{Pod, Zeroable, cast_slice, cast_slice_mut};

/// Number of floats in a cache line, and in the widest vector.
pub(super) const LINE: usize = 16;

/// One cache line of floats.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, PartialEq)]
struct Line([f32; LINE]);

// SAFETY: `Line` is 64 bytes of `f32` without padding, for which all zeros is a value.
unsafe impl Zeroable for Line {}
// SAFETY: `repr(C)` around a `Pod` array of exactly its size: no padding, every bit pattern is a value,
// `Copy`, `'static`.
unsafe impl Pod for Line {}

/// Floats in whole cache lines, aligned to 64 bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Buffer(Vec<Line>);

impl Buffer {
    /// `floats` zeros, rounded up to whole lines.
    pub(super) fn zeros(floats: usize) -> Self {
        Self(vec![Line([0.0; LINE]); floats.div_ceil(LINE)])
    }

    pub(super) fn as_slice(&self) -> &[f32] {
        cast_slice(&self.0)
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [f32] {
        cast_slice_mut(&mut self.0)
    }
}
