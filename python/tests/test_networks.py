"""Networks from arrays and state dicts, and conversion back."""

from __future__ import annotations

import pickle

import concertina as ct
import numpy as np
import pytest
from numpy.typing import NDArray
from small import SMALL


def state_dict(kind: str, rng: np.random.Generator, prefix: str = "rnn.") -> dict[str, NDArray[np.float32]]:
    """A PyTorch state dict with 5 units, 2 inputs and 3 outputs."""
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[kind]
    shapes = {
        f"{prefix}weight_ih_l0": (5 * gates, 2),
        f"{prefix}weight_hh_l0": (5 * gates, 5),
        f"{prefix}bias_ih_l0": (5 * gates,),
        f"{prefix}bias_hh_l0": (5 * gates,),
        "readout.weight": (3, 5),
        "readout.bias": (3,),
    }
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def test_a_network_from_arrays_runs_trials(rng: np.random.Generator) -> None:
    arrays = {
        "input": rng.normal(size=(2, 5)),
        "recurrent": rng.normal(size=(5, 5)),
        "bias": rng.normal(size=5),
        "readout": rng.normal(size=(5, 3)),
    }
    network = ct.Network(arrays)
    inputs = rng.normal(size=(4, 6, 2))
    outputs, states = network(inputs, timesteps=7)
    state = np.zeros((4, 5))
    for time in range(7):
        shown = inputs[:, time] if time < 6 else np.zeros((4, 2))
        state = np.tanh(state @ arrays["recurrent"] + shown @ arrays["input"] + arrays["bias"])
        np.testing.assert_allclose(states[:, time], state, atol=1e-5)
        assert outputs is not None
        np.testing.assert_allclose(outputs[:, time], state @ arrays["readout"], atol=1e-4)
    assert repr(network).startswith("Network(vanilla, tanh: input (2, 5), recurrent (5, 5)")
    assert any("nonlinearity" in one for one in network.assumed)


def test_a_recurrent_matrix_alone_is_a_network(rng: np.random.Generator) -> None:
    network = ct.Network({"recurrent": 0.5 * np.eye(4)})
    assert ct.lyapunov(network).largest == pytest.approx(-1.0, abs=1e-6)
    with pytest.raises(ct.Error, match="input weights"):
        network(rng.normal(size=(2, 3, 1)))
    relu = ct.Network({"recurrent": -np.eye(3)}, nonlinearity="relu")
    assert relu.params.nonlinearity == "relu"
    assert not any("nonlinearity" in one for one in relu.assumed)


def test_names_tell_which_array_is_which(rng: np.random.Generator) -> None:
    recurrent = rng.normal(size=(4, 4))
    network = ct.Network({"J": recurrent, "other": np.zeros(3)}, names={"recurrent": "J.T"})
    np.testing.assert_allclose(network.weights["recurrent"], recurrent.T, rtol=1e-6)
    assert any("other" in one for one in network.not_used)


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
@pytest.mark.parametrize("prefix", ["rnn.", "", "encoder.gru."])
def test_state_dicts_are_converted_and_back(kind: str, prefix: str, rng: np.random.Generator) -> None:
    state = state_dict(kind, rng, prefix)
    if not prefix:
        state = {name: array for name, array in state.items() if not name.startswith("readout")}
    network = ct.Network.from_torch(state)
    assert network.params["network.kind"] == {"rnn": "vanilla"}.get(kind, kind)
    back = network._state_dict()
    for name, array in state.items():
        if "bias_" in name and kind == "rnn":
            continue  # the two biases of `nn.RNN` are added
        np.testing.assert_allclose(back[name], array, err_msg=name)
    if kind == "rnn":
        both = state[f"{prefix}bias_ih_l0"] + state[f"{prefix}bias_hh_l0"]
        np.testing.assert_allclose(back[f"{prefix}bias_ih_l0"] + back[f"{prefix}bias_hh_l0"], both, rtol=1e-6)


def test_networks_that_only_pytorch_has_are_refused_with_a_reason(rng: np.random.Generator) -> None:
    two = {**state_dict("rnn", rng), "rnn.weight_hh_l1": np.zeros((5, 5))}
    with pytest.raises(ct.ParameterError, match="found 2 layers"):
        ct.Network.from_torch(two)
    both = {**state_dict("rnn", rng), "rnn.weight_hh_l0_reverse": np.zeros((5, 5))}
    with pytest.raises(ct.ParameterError, match="found both directions"):
        ct.Network.from_torch(both)
    odd = {**state_dict("rnn", rng), "rnn.weight_hh_l0": np.zeros((7, 5))}
    with pytest.raises(ct.ShapeError, match="weight_hh_l0"):
        ct.Network.from_torch(odd)


def test_networks_are_kept_as_runs_and_analysed(empty: ct.Study, rng: np.random.Generator) -> None:
    network = ct.Network.from_torch(state_dict("gru", rng))
    run = empty.keep(network)
    assert run.params["network.weights"].startswith("imported-")
    np.testing.assert_array_equal(run.weights("last")["recurrent"], network.weights["recurrent"])
    assert run.lyapunov(exponents=2, max_iterations=1000).largest < 1
    assert empty.keep(network).key == run.key
    with pytest.raises(ct.ParameterError, match="found the network of a run"):
        empty.keep(run.network())


def test_networks_can_be_pickled(runs: ct.Runs, rng: np.random.Generator) -> None:
    for network in (runs[0].network("last"), ct.Network.from_torch(state_dict("gru", rng))):
        again = pickle.loads(pickle.dumps(network))
        inputs = rng.normal(size=(2, 4, network.weights["input"].shape[0]))
        np.testing.assert_array_equal(again(inputs)[1], network(inputs)[1])


def test_networks_of_runs_give_the_states_of_the_runs(runs: ct.Runs) -> None:
    states = runs[0].states("last", samples=10)
    assert states.inputs is not None
    inputs = np.zeros((10, 10, 6))
    inputs[:, 0] = states.inputs
    np.testing.assert_array_equal(runs[0].network("last")(inputs)[1], states)


def test_a_leaky_network_has_no_counterpart_in_pytorch(empty: ct.Study) -> None:
    leaky = empty.train(network="leaky", dt=0.1, **SMALL)[0].network()
    with pytest.raises(ct.ParameterError, match="a leaky network has no counterpart"):
        leaky._state_dict()
    linear = empty.train(nonlinearity="linear", gain=1, **SMALL)[0].network()
    with pytest.raises(ct.ParameterError, match="nonlinearity = linear"):
        linear._state_dict()
