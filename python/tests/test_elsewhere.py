"""PyTorch networks and neurogym trials, tested with stand-ins; `slow` tests with the libraries themselves."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import concertina as ct
import numpy as np
import pytest
from small import SMALL
from stand_ins import Continuous, Env, Model, Module, Noise, SeededByReset, Tensor, WithoutTruth, Wrong, neurogym, torch

__all__ = ["neurogym", "torch"]


def numbers(state: dict[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    return {name: np.asarray(tensor.detach()) for name, tensor in state.items()}


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("bias", [True, False])
def test_modules_are_converted_and_back(torch: SimpleNamespace, kind: str, bias: bool) -> None:
    module = Model(cortex=getattr(torch, kind)(2, 5, bias=bias), muscles=torch.Linear(5, 3, bias=bias))
    network = ct.Network.from_torch(module)
    assert network.params["network.kind"] == ("vanilla" if kind == "RNN" else kind.lower())
    assert network.not_used == []
    wanted = numbers(module.state_dict())
    for one in (network, pickle.loads(pickle.dumps(network)), ct.Network.from_torch(module.state_dict())):
        found = numbers(one.to_torch())
        assert set(found) == set(wanted)
        for name in (name for name in wanted if kind != "RNN" or "bias_" not in name):
            np.testing.assert_allclose(found[name], wanted[name], rtol=1e-6, err_msg=name)
    named = network.to_torch(rnn="", readout="out")
    assert {"weight_hh_l0", "out.weight"} <= set(named)


def test_a_bare_module_tells_its_nonlinearity(torch: SimpleNamespace) -> None:
    network = ct.Network.from_torch(torch.RNN(2, 5, nonlinearity="relu"))
    assert network.params.nonlinearity == "relu"
    assert set(network.to_torch()) == {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}


def test_a_trained_run_is_a_state_dict(torch: SimpleNamespace, runs: ct.Runs) -> None:
    state = numbers(runs[0].to_torch("first", rnn="", readout="out"))
    np.testing.assert_array_equal(state["weight_hh_l0"], runs[0].weights("first")["recurrent"].T)
    assert state["out.bias"].shape == (2,)


def test_other_arrays_of_a_module_are_named(torch: SimpleNamespace) -> None:
    module = Model(rnn=torch.RNN(2, 5), norm=Model(weight=Tensor(np.ones(5))))
    with pytest.warns(ct.ConcertinaWarning, match=r"the network does not use `norm\.weight`") as caught:
        network = ct.Network.from_torch(module)
    assert network.not_used == ["norm.weight"]
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda nn: nn.LSTM(2, 5, proj_size=3), "found projections"),
        (lambda nn: nn.RNN(2, 5, num_layers=2), "found 2 layers"),
        (lambda nn: nn.GRU(2, 5, bidirectional=True), "found both directions"),
        (lambda nn: Model(a=nn.RNN(2, 5), b=nn.GRU(5, 5)), "found `a`, an `nn.RNN` and `b`, an `nn.GRU`"),
        (lambda nn: Model(cell=nn.GRUCell()), "`nn.GRU` or `nn.LSTM` in the module, found `cell`, an `nn.GRUCell`"),
        (lambda nn: Module(), "one `nn.RNN`, `nn.GRU` or `nn.LSTM` in the module, found none"),
        (lambda nn: Model(r=nn.RNN(2, 5), a=nn.Linear(5, 5), b=nn.Linear(5, 1)), "at most one `nn.Linear`"),
        (lambda nn: Model(a=nn.Linear(9, 2), r=nn.RNN(2, 5)), "expected `a` to read out 5 units, found 9 inputs"),
        (lambda nn: 3, "expected a `torch.nn.Module` or a state dict, found int"),
        (lambda nn: {"weight_hh_l0": np.zeros((5, 5)), "weight_hr_l0": np.zeros((5, 5))}, "found projections"),
        (lambda nn: {"a.weight_hh": np.eye(5), "b.weight_hh": np.eye(5)}, "found two networks, `a`, `b`"),
    ],
)
def test_what_is_not_a_network_is_refused_with_a_reason(
    torch: SimpleNamespace, made: Callable[[Any], Any], reason: str
) -> None:
    with pytest.raises(ct.ParameterError) as caught:
        ct.Network.from_torch(made(torch))
    assert reason in caught.value.message


def test_a_state_dict_may_have_none_of_the_names() -> None:
    network = ct.Network.from_torch({"recurrent_weights": np.eye(3)})
    np.testing.assert_array_equal(network.weights["recurrent"], np.eye(3))


def test_arrays_must_be_given_by_name() -> None:
    with pytest.raises(ct.ParameterError, match="`arrays`: expected arrays by name, found ndarray"):
        ct.Network(np.eye(3))  # type: ignore[arg-type]


def test_a_feedforward_network_of_a_run_is_not_pickled(empty: ct.Study) -> None:
    network = empty.train(network="feedforward", **SMALL)[0].network()
    with pytest.raises(ct.ParameterError, match="a feedforward network of a run cannot be pickled"):
        pickle.dumps(network)


def test_tensors_are_arrays_wherever_they_are(rng: np.random.Generator) -> None:
    states = rng.normal(size=(20, 3)).astype(np.float32)
    expected = ct.effective_dimension(states)
    assert ct.effective_dimension(Tensor(states)) == expected  # type: ignore[arg-type]
    assert ct.effective_dimension(Tensor(states, bytes_each=2)) == expected  # type: ignore[arg-type]
    labels = Tensor(np.arange(20) % 2, bytes_each=1)
    assert len(ct.class_distances(states, labels)) == 1  # type: ignore[arg-type]
    network = ct.Network({"recurrent": Tensor(np.eye(3)), "input": Tensor(rng.normal(size=(2, 3)))})  # type: ignore[dict-item]
    inputs = rng.normal(size=(4, 5, 2))
    np.testing.assert_array_equal(network(Tensor(inputs))[1], network(inputs)[1])  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [[[1.0], [1.0, 2.0]], ct.Table({"a": [1.0]})])
def test_what_is_not_an_array_is_refused_by_name(given: Any) -> None:
    with pytest.raises(ct.ShapeError, match="`states`: expected an array, found"):
        ct.effective_dimension(given)
    with pytest.raises(ct.ShapeError, match="`inputs`: expected an array, found"):
        ct.Trials(given, [0, 1])
    with pytest.raises(ct.ShapeError, match="`targets`: expected an array, found None"):
        ct.Trials(np.zeros((2, 3, 1)), None)  # type: ignore[arg-type]


@pytest.mark.usefixtures("neurogym")
def test_trials_of_environments_are_seeded_and_masked() -> None:
    task = ct.Trials.from_neurogym("Env", trials=40, seed=1, scale=2.0)
    assert task == ct.Trials.from_neurogym(Env(scale=2.0), trials=40, seed=1)
    assert task != ct.Trials.from_neurogym("Env", trials=40, seed=2, scale=2.0)
    assert task.mask is not None
    assert set(task.mask.sum(axis=1)) == {1, 2}
    assert task.condition is not None
    np.testing.assert_array_equal(task.condition, task.targets[:, 0])
    real = ct.Trials.from_neurogym(Continuous(), trials=40)
    assert real.targets.dtype == np.float32
    seeded = ct.Trials.from_neurogym(SeededByReset(), trials=20, seed=3)
    assert seeded == ct.Trials.from_neurogym(SeededByReset(), trials=20, seed=3)
    with pytest.warns(ct.ConcertinaWarning, match="`Noise` acts step by step") as caught:
        assert ct.Trials.from_neurogym(Noise(Env(scale=2.0)), trials=40, seed=1) == task
    assert caught[0].filename == __file__


@pytest.mark.usefixtures("neurogym")
@pytest.mark.parametrize(
    ("env", "given", "message"),
    [
        ("Nothing", {}, "expected the name of a neurogym environment, found 'Nothing': Environment `Nothing`"),
        ("Env", {"nonsense": 1}, "Env cannot be made with these settings"),
        (Env(), {"scale": 1}, "expected settings with the name of an environment, found `scale`"),
        (7, {}, "expected a neurogym environment, which draws trials, found int"),
        (WithoutTruth(), {}, "gives the ground truth of its trials, found WithoutTruth"),
        (Wrong(), {}, "expected a ground truth among the actions of Wrong, 0 to 1, found"),
        ("Env", {"trials": 0}, "`trials`: expected a whole number of at least 1, found 0"),
        ("Env", {"seed": -1}, "`seed`: expected a whole number from 0 to 2³² − 1, found -1"),
    ],
)
def test_environments_without_trials_to_learn_from_are_refused(env: Any, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ct.ParameterError) as caught:
        ct.Trials.from_neurogym(env, **given)
    assert message in caught.value.message
