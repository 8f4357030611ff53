//! A reader of pickles that describe data: containers, numbers, text, and PyTorch's tensors and storages.
//!
//! A pickle is a program for a stack machine, and Python's can call any function. This one has no such
//! instruction. The few functions in [`value::Known`] build a value of this module; every other function,
//! class and instruction is an error that names it. The instructions are those of protocol 2, in which
//! PyTorch writes, and those of protocols 3 to 5 that write the same values.
//!
//! Values live in a list and refer to each other by their place in it, so a value may contain itself. A
//! reader that follows the references has to limit how far.

mod machine;
mod outside;
mod value;

use self::machine::Machine;
pub(crate) use self::value::{Storage, Tensor, Value, Values};
use crate::error::Program;
use crate::{Error, Result};

/// Maximum size of a pickle, in bytes. Arbitrary: a state dict of ten thousand tensors takes 2 · 10^6.
pub(crate) const MAX_PICKLE: usize = 1 << 24;

pub(crate) fn damaged(reason: impl Into<String>) -> Error {
    Error::Damaged { format: "a file of PyTorch", reason: reason.into() }
}

fn refused(kind: Program, found: String) -> Error {
    Error::Program { kind, found }
}

/// The value that a pickle describes, the contents of it and its parts, and the number of bytes that were
/// read.
///
/// # Errors
/// [`Error::Program`] if it asks for anything but data; [`Error::Damaged`].
pub(crate) fn read(bytes: &[u8]) -> Result<(Value, Values, usize)> {
    if bytes.len() > MAX_PICKLE {
        return Err(damaged(format!("a pickle of {} bytes, more than {MAX_PICKLE}", bytes.len())));
    }
    let mut machine = Machine::new(bytes);
    let value = machine.run()?;
    Ok((value, machine.values, machine.at))
}
