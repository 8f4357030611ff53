"""Networks converted from PyTorch and back, compared with PyTorch itself."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import concertina as ct
import numpy as np
import pytest
import torch
from torch import nn

#: PyTorch computes in single precision; so do we, but in a different order.
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
INPUTS, UNITS, OUTPUTS = 3, 16, 2

KINDS = {
    "tanh": lambda **given: nn.RNN(INPUTS, UNITS, nonlinearity="tanh", **given),
    "relu": lambda **given: nn.RNN(INPUTS, UNITS, nonlinearity="relu", **given),
    "gru": lambda **given: nn.GRU(INPUTS, UNITS, **given),
}


class Model(nn.Module):
    """A module as a user writes it."""

    def __init__(self, rnn: nn.RNNBase, readout: nn.Linear | None) -> None:
        super().__init__()
        self.cortex = rnn
        if readout is not None:
            self.muscles = readout

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor]:
        states, _ = self.cortex(inputs)
        return (self.muscles(states) if hasattr(self, "muscles") else None), states


class Nested(nn.Module):
    """The same, two levels down."""

    def __init__(self, rnn: nn.RNNBase, readout: nn.Linear | None) -> None:
        super().__init__()
        parts: dict[str, nn.Module] = {"core": nn.Sequential(rnn)}
        if readout is not None:
            parts["head"] = nn.Sequential(nn.Dropout(0.0), readout)
        self.parts = nn.ModuleDict(parts)

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor]:
        states, _ = self.parts["core"](inputs)
        return (self.parts["head"](states) if "head" in self.parts else None), states


class Bare(nn.Module):
    """Gives a bare `nn.RNN` the interface of the other modules."""

    def __init__(self, rnn: nn.RNNBase) -> None:
        super().__init__()
        self.rnn = rnn

    def forward(self, inputs: torch.Tensor) -> tuple[None, torch.Tensor]:
        return None, self.rnn(inputs)[0]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def inputs() -> torch.Tensor:
    return torch.randn(5, 11, INPUTS)


def in_torch(module: Any, inputs: torch.Tensor, batch_first: bool) -> tuple[Any, Any]:
    """Outputs and states of a module, (trials, time, ...)."""
    with torch.no_grad():
        outputs, states = module(inputs if batch_first else inputs.transpose(0, 1))
    if not batch_first:
        states = states.transpose(0, 1)
        outputs = None if outputs is None else outputs.transpose(0, 1)
    return (None if outputs is None else outputs.float().numpy()), states.float().numpy()


def assert_close(network: ct.Network, expected: tuple[Any, Any], inputs: Any) -> None:
    outputs, states = network(inputs)
    np.testing.assert_allclose(states, expected[1], **CLOSE)
    assert (outputs is None) == (expected[0] is None)
    if outputs is not None:
        np.testing.assert_allclose(outputs, expected[0], **CLOSE)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrapper", [Model, Nested])
@pytest.mark.parametrize("readout", [True, False], ids=["readout", "no readout"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("batch_first", [True, False], ids=["batch first", "time first"])
@pytest.mark.parametrize("as_state", [True, False], ids=["state dict", "module"])
def test_outputs_and_states_are_those_of_pytorch_and_weights_go_back(
    kind: str, wrapper: Any, readout: bool, bias: bool, batch_first: bool, as_state: bool, inputs: torch.Tensor
) -> None:
    rnn = KINDS[kind](bias=bias, batch_first=batch_first)
    module = wrapper(rnn, nn.Linear(UNITS, OUTPUTS, bias=bias) if readout else None)
    expected = in_torch(module, inputs, batch_first)
    if as_state:
        said = {} if kind == "gru" else {"nonlinearity": kind}
        network = ct.Network.from_torch(module.state_dict(), **said)
    else:
        network = ct.Network.from_torch(module)
    assert network.not_used == []
    assert_close(network, expected, inputs)
    # into another module of the same kind, where all keys match
    other = copy.deepcopy(module)
    for parameter in other.parameters():
        nn.init.zeros_(parameter)
    other.load_state_dict(network.to_torch())
    np.testing.assert_allclose(in_torch(other, inputs, batch_first)[1], expected[1], **CLOSE)
    # and in another process
    assert_close(pickle.loads(pickle.dumps(network)), expected, inputs)
    other.load_state_dict(pickle.loads(pickle.dumps(network)).to_torch())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("as_state", [True, False], ids=["state dict", "module"])
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_a_bare_module_is_a_network(kind: str, as_state: bool, bias: bool, inputs: torch.Tensor) -> None:
    rnn = KINDS[kind](batch_first=True, bias=bias)
    if as_state:
        network = ct.Network.from_torch(rnn.state_dict(), **({} if kind == "gru" else {"nonlinearity": kind}))
    else:
        network = ct.Network.from_torch(rnn)
        assert not any("nonlinearity" in one for one in network.assumed)
    assert network.params["network.kind"] == ("gru" if kind == "gru" else "vanilla")
    assert_close(network, in_torch(Bare(rnn), inputs, True), inputs)
    rnn.load_state_dict(network.to_torch())


def test_a_cells_state_dict_is_a_network(inputs: torch.Tensor) -> None:
    cell = nn.GRUCell(INPUTS, UNITS)
    state, states = torch.zeros(5, UNITS), []
    with torch.no_grad():
        for shown in inputs.transpose(0, 1):
            state = cell(shown, state)
            states.append(state)
    network = ct.Network.from_torch(cell.state_dict())
    assert_close(network, (None, torch.stack(states, dim=1).numpy()), inputs)
    cell.load_state_dict(network.to_torch())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_other_precisions_are_converted(kind: str, precision: torch.dtype, inputs: torch.Tensor) -> None:
    module = Model(KINDS[kind](batch_first=True), nn.Linear(UNITS, OUTPUTS)).to(precision)
    network = ct.Network.from_torch(module)
    # what PyTorch computes with the same weights in single precision
    assert_close(network, in_torch(module.float(), inputs, True), inputs)
    module.to(precision).load_state_dict(network.to_torch())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("norm", ["weight norm", "orthogonal"])
def test_parametrised_weights_are_those_in_use(kind: str, norm: str, inputs: torch.Tensor) -> None:
    rnn = KINDS[kind](batch_first=True)
    if norm == "weight norm":
        nn.utils.parametrizations.weight_norm(rnn, "weight_hh_l0")
    else:
        nn.utils.parametrizations.orthogonal(rnn, "weight_hh_l0")
    network = ct.Network.from_torch(rnn)
    used = rnn.weight_hh_l0.detach().numpy()
    np.testing.assert_array_equal(network.weights["recurrent"], used.T)
    if norm == "weight norm":
        said = {} if kind == "gru" else {"nonlinearity": kind}
        state = ct.Network.from_torch(rnn.state_dict(), **said)
        np.testing.assert_allclose(state.weights["recurrent"], used.T, rtol=1e-6)


def test_arrays_of_a_module_that_are_not_used_are_named(inputs: torch.Tensor) -> None:
    class Normed(Model):
        def __init__(self) -> None:
            super().__init__(nn.GRU(INPUTS, UNITS, batch_first=True), nn.Linear(UNITS, OUTPUTS))
            self.norm = nn.LayerNorm(UNITS)

    with pytest.warns(ct.ConcertinaWarning, match=r"the network does not use `norm\.weight`, `norm\.bias`") as caught:
        network = ct.Network.from_torch(Normed())
    assert network.not_used == ["norm.weight", "norm.bias"]
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (lambda: nn.LSTM(INPUTS, UNITS, proj_size=4), "found projections"),
        (lambda: nn.RNN(INPUTS, UNITS, num_layers=3), "found 3 layers"),
        (lambda: nn.GRU(INPUTS, UNITS, bidirectional=True), "found both directions"),
        (
            lambda: nn.ModuleDict({"one": nn.RNN(INPUTS, UNITS), "two": nn.GRU(UNITS, UNITS)}),
            "one `nn.RNN`, `nn.GRU` or `nn.LSTM` in the module, found `one`, an `nn.RNN` and `two`, an `nn.GRU`",
        ),
        (lambda: nn.Linear(INPUTS, UNITS), "one `nn.RNN`, `nn.GRU` or `nn.LSTM` in the module, found none"),
        (lambda: nn.ModuleDict({"cell": nn.GRUCell(INPUTS, UNITS)}), "found `cell`, an `nn.GRUCell`"),
        (
            lambda: nn.ModuleDict(
                {"before": nn.Linear(9, INPUTS), "rnn": nn.RNN(INPUTS, UNITS), "after": nn.Linear(UNITS, OUTPUTS)}
            ),
            "at most one `nn.Linear` in the module, found `before`, an `nn.Linear` and `after`",
        ),
        (
            lambda: nn.ModuleDict({"before": nn.Linear(9, INPUTS), "rnn": nn.RNN(INPUTS, UNITS)}),
            "expected `before` to read out 16 units, found 9 inputs",
        ),
    ],
)
def test_an_unsupported_module_is_refused_with_a_reason(module: Any, reason: str) -> None:
    with pytest.raises(ct.ParameterError) as caught:
        ct.Network.from_torch(module())
    assert reason in caught.value.message


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (lambda: nn.LSTM(INPUTS, UNITS, proj_size=4), "found projections"),
        (lambda: nn.RNN(INPUTS, UNITS, num_layers=3), "found 3 layers"),
        (lambda: nn.GRU(INPUTS, UNITS, bidirectional=True), "found both directions"),
        (
            lambda: nn.ModuleDict({"one": nn.RNN(INPUTS, UNITS), "two": nn.GRU(UNITS, UNITS)}),
            "found two networks, `one`, `two`",
        ),
    ],
)
def test_an_unsupported_state_dict_is_refused_with_a_reason(module: Any, reason: str) -> None:
    with pytest.raises(ct.ParameterError) as caught:
        ct.Network.from_torch(module().state_dict())
    assert reason in caught.value.message


def test_something_else_is_not_a_module() -> None:
    with pytest.raises(ct.ParameterError, match=r"expected a `torch\.nn\.Module` or a state dict, found Tensor"):
        ct.Network.from_torch(torch.zeros(3, 3))


@pytest.mark.parametrize("network", ["vanilla", "gru"])
@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_a_trained_run_can_be_loaded_into_a_module(network: Any, nonlinearity: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shown = rng.normal(size=(60, 8, INPUTS)).astype(np.float32)
    task = ct.Trials(shown, (shown.sum(axis=(1, 2)) > 0).astype(int))
    study = ct.Study(tmp_path, progress=False)
    given = {} if network == "gru" else {"nonlinearity": nonlinearity}
    run = study.train(task=task, network=network, units=UNITS, gain=1, epochs=3, batch=10, train_input=True, **given)[0]
    kind = "gru" if network == "gru" else nonlinearity
    module = Model(KINDS[kind](batch_first=True), nn.Linear(UNITS, OUTPUTS))
    for at in ("first", "last"):
        module.load_state_dict(run.to_torch(at, rnn="cortex", readout="muscles"))
        outputs, states = in_torch(module, torch.from_numpy(shown), True)
        np.testing.assert_allclose(states, run.states(at, shown), **CLOSE)
        np.testing.assert_allclose(states, run.states(at, torch.from_numpy(shown)), **CLOSE)  # type: ignore[arg-type]
        np.testing.assert_allclose(outputs, run.network(at)(shown)[0], **CLOSE)
    bare = KINDS[kind](batch_first=True)
    state = run.to_torch("last", rnn="", readout="out")
    bare.load_state_dict({name: tensor for name, tensor in state.items() if not name.startswith("out.")})
    assert set(run.to_torch()) >= {"rnn.weight_hh_l0", "readout.weight"}


def test_a_pytorch_network_is_kept_and_analysed(tmp_path: Path, inputs: torch.Tensor) -> None:
    module = Model(nn.GRU(INPUTS, UNITS, batch_first=True), nn.Linear(UNITS, OUTPUTS))
    network = ct.Network.from_torch(module)
    study = ct.Study(tmp_path, progress=False)
    run = study.keep(network)
    np.testing.assert_array_equal(run.states("last", inputs), network(inputs)[1])  # type: ignore[arg-type]
    states = network(inputs)[1]
    assert len(ct.fixed_points(network, states, max_iterations=50)) >= 0
    assert ct.lyapunov(network, exponents=2, max_iterations=500).largest < 1


def test_tensors_are_arrays(inputs: torch.Tensor) -> None:
    needs_gradient = inputs.clone().requires_grad_()
    module = Model(nn.RNN(INPUTS, UNITS, batch_first=True), nn.Linear(UNITS, OUTPUTS))
    network = ct.Network.from_torch(module)
    outputs, states = network(needs_gradient)
    plain_outputs, plain_states = network(inputs.numpy())
    np.testing.assert_array_equal(states, plain_states)
    np.testing.assert_array_equal(outputs, plain_outputs)
    in_graph = module(needs_gradient)[1]
    assert in_graph.requires_grad
    assert ct.effective_dimension(in_graph[:, -1]) == ct.effective_dimension(in_graph[:, -1].detach().numpy())
    labels = torch.arange(5) % 2
    assert len(ct.class_distances(in_graph, labels)) == 11
    assert len(ct.fixed_points(network, in_graph, max_iterations=5)) >= 0
    assert ct.lyapunov(0.5 * torch.eye(4)).largest == pytest.approx(-1.0, abs=1e-6)
    assert ct.loss(torch.zeros(4, 2, requires_grad=True), torch.tensor([0, 1, 1, 0])) == pytest.approx(np.log(2))
    for precision in (torch.float16, torch.bfloat16):
        rounded = states[:, -1].astype(np.float32)
        tensor = torch.from_numpy(np.array(rounded)).to(precision)
        assert ct.effective_dimension(tensor) == ct.effective_dimension(tensor.float().numpy())


def test_trials_are_made_of_tensors() -> None:
    inputs = torch.randn(40, 7, INPUTS, requires_grad=True)
    targets = torch.randint(0, 2, (40,))
    task = ct.Trials(inputs, targets, mask=torch.ones(40, 7, dtype=torch.bool), condition=targets)
    assert task == ct.Trials(inputs.detach().numpy(), targets.numpy(), np.ones((40, 7), bool), targets.numpy())
    time_first = ct.Trials(inputs.transpose(0, 1), targets, time_major=True)
    np.testing.assert_array_equal(time_first.inputs, task.inputs)
    real = ct.Trials(inputs, inputs.cumsum(dim=1))
    assert real.targets.shape == (34, 7, INPUTS)


def test_a_dictionary_of_tensors_is_a_network(inputs: torch.Tensor) -> None:
    arrays = {
        "input": torch.randn(INPUTS, UNITS, requires_grad=True),
        "recurrent": (torch.randn(UNITS, UNITS) / 4).requires_grad_(),
        "bias": torch.randn(UNITS, dtype=torch.float64),
        "readout": torch.randn(UNITS, OUTPUTS).bfloat16(),
    }
    outputs, states = ct.Network(arrays)(inputs)
    state = torch.zeros(5, UNITS)
    with torch.no_grad():
        for time in range(11):
            state = torch.tanh(state @ arrays["recurrent"] + inputs[:, time] @ arrays["input"] + arrays["bias"].float())
            np.testing.assert_allclose(states[:, time], state, **CLOSE)
    assert outputs is not None
    np.testing.assert_allclose(outputs[:, -1], state @ arrays["readout"].float(), **CLOSE)
