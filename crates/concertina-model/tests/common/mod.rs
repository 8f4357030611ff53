//! Shared by the tests of the networks: conversion between the weights of the fast path and the parameters of
//! the reference.
#![allow(dead_code, reason = "each test target uses its own part")]

use concertina_model::network::Weights;
use concertina_model::reference::Parameters;
use ndarray::{ArrayD, ArrayViewD, ArrayViewMutD};

/// Parameters in f64 that equal weights in f32 exactly.
pub(crate) fn widened(weights: &Weights) -> Parameters {
    Parameters {
        input: weights.input.mapv(f64::from),
        recurrent: weights.recurrent.iter().map(|matrix| matrix.mapv(f64::from)).collect(),
        biases: weights.biases.iter().map(|bias| bias.mapv(f64::from)).collect(),
        readout: weights.readout.mapv(f64::from),
        readout_bias: weights.readout_bias.mapv(f64::from),
        initial_state: weights.initial_state.as_ref().map(|state| state.mapv(f64::from)),
    }
}

/// The weights in f32 that are nearest to parameters in f64.
pub(crate) fn narrowed(parameters: &Parameters) -> Weights {
    Weights {
        input: parameters.input.mapv(|value| value as f32),
        recurrent: parameters.recurrent.iter().map(|matrix| matrix.mapv(|value| value as f32)).collect(),
        biases: parameters.biases.iter().map(|bias| bias.mapv(|value| value as f32)).collect(),
        readout: parameters.readout.mapv(|value| value as f32),
        readout_bias: parameters.readout_bias.mapv(|value| value as f32),
        initial_state: parameters.initial_state.as_ref().map(|state| state.mapv(|value| value as f32)),
    }
}

/// The arrays of parameters with their names in files, in the order of [`Weights::tensors`].
pub(crate) fn arrays(parameters: &Parameters) -> Vec<(String, ArrayD<f64>)> {
    let names = narrowed(parameters).tensors().into_iter().map(|(name, _)| name);
    names.zip(views(parameters)).map(|(name, view)| (name, view.to_owned())).collect()
}

fn views(parameters: &Parameters) -> Vec<ArrayViewD<'_, f64>> {
    let mut views = vec![parameters.input.view().into_dyn()];
    views.extend(parameters.recurrent.iter().map(|matrix| matrix.view().into_dyn()));
    views.extend(parameters.biases.iter().map(|bias| bias.view().into_dyn()));
    views.push(parameters.readout.view().into_dyn());
    views.push(parameters.readout_bias.view().into_dyn());
    views.extend(parameters.initial_state.iter().map(|state| state.view().into_dyn()));
    views
}

/// Mutable views of the arrays of parameters, in the same order.
pub(crate) fn views_mut(parameters: &mut Parameters) -> Vec<ArrayViewMutD<'_, f64>> {
    let mut views = vec![parameters.input.view_mut().into_dyn()];
    views.extend(parameters.recurrent.iter_mut().map(|matrix| matrix.view_mut().into_dyn()));
    views.extend(parameters.biases.iter_mut().map(|bias| bias.view_mut().into_dyn()));
    views.push(parameters.readout.view_mut().into_dyn());
    views.push(parameters.readout_bias.view_mut().into_dyn());
    views.extend(parameters.initial_state.iter_mut().map(|state| state.view_mut().into_dyn()));
    views
}
