//! Tensors in the files of `torch.save`.
//!
//! Since PyTorch 1.6 such a file is a zip archive with a pickle, `data.pkl`, and one member per storage.
//! Before, it was a row of pickles, followed by the storages. The pickles are read as data
//! ([`crate::pickle`]).

mod elements;
mod flat;
mod storages;

pub(crate) use self::elements::{Elements, elements_of_dtype, elements_of_storage};
use self::storages::Content;
use crate::pickle::damaged;
use crate::{Arrays, Error, Result, check_size};

/// Reads the tensors of a file of `torch.save`: of a state dict, or of containers of state dicts and other
/// values. The names of nested entries are joined by dots: `model_state_dict.rnn.weight_hh_l0`. A tensor by
/// itself has the name `tensor`.
///
/// Numbers, text and other values that are not tensors become [`Member::Plain`](crate::Member::Plain). A
/// tensor that cannot be read becomes [`Member::Other`](crate::Member::Other) with the reason, and does not
/// prevent the others from being read. Nothing in the file is run.
///
/// # Errors
/// [`Error::Program`] if the file contains a function or class other than those of tensors and containers, a
/// whole module, or a TorchScript archive; [`Error::Pickle`] if it is a pickle by another program;
/// [`Error::Damaged`]; [`Error::TooLarge`].
pub fn read_torch(bytes: &[u8]) -> Result<Arrays> {
    check_size(bytes.len() as u64)?;
    let Some(content) = Content::of(bytes)? else {
        return Err(match bytes {
            [0x80, 2..=5, ..] => Error::Pickle,
            _ => damaged("it begins neither like a zip archive nor like a pickle of PyTorch"),
        });
    };
    flat::arrays(content, bytes.len())
}
