"""Networks by themselves: from arrays, from PyTorch, or of a run at a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._errors import ParameterError, ShapeError
from ._parameters import Params
from ._runs import States, Weights

if TYPE_CHECKING:
    import torch

#: Names of the package for weights, and what files call them.
_IN_FILES = {"input": "input_weights", "recurrent": "recurrent_weights", "readout": "readout_weights"}

#: The rows of a recurrent matrix of PyTorch, in units, and what kind of network that is.
_KINDS = {1: "vanilla", 3: "gru"}


class Network:
    """A network: its equations and its weights. Calling it runs trials.

    Parameters
    ----------
    arrays : mapping of str to array
        Weights by name: ours (`recurrent`, `input`, `bias`, `readout`, `readout_bias`; matrices are (from,
        to)), those of a PyTorch state dict, or others that `names` explains. A recurrent matrix alone is a
        network, too: input weights and readout are optional, and what needs them says so.
    names : mapping of str to str, optional
        Which array is which, where its name does not say so: from our name to the name in `arrays`; `.T`
        after it means transposed.
    **parameters
        What the arrays do not say: `network="gru"`, `nonlinearity="relu"`, `dt=0.1`. Sizes are taken from the
        arrays. The defaults are those of the paper's network: `h' = tanh(h @ recurrent + x @ input + bias)`.

    Attributes
    ----------
    assumed : list of str
        What decides what the network computes, and was neither given nor in the arrays.
    not_used : list of str
        Arrays that nothing was made of.

    Raises
    ------
    ShapeError
        Arrays that are no network; the message says which, and why.

    Examples
    --------
    >>> import numpy as np
    >>> import concertina as ct
    >>> rng = np.random.default_rng(0)
    >>> network = ct.Network({
    ...     "input": rng.normal(size=(2, 30)),
    ...     "recurrent": 1.5 * rng.normal(size=(30, 30)) / np.sqrt(30),
    ...     "readout": rng.normal(size=(30, 3)),
    ... })
    >>> outputs, states = network(rng.normal(size=(5, 20, 2)))
    >>> outputs.shape, states.shape
    ((5, 20, 3), (5, 20, 30))
    """

    __slots__ = ("_given", "_inner", "_torch_names")

    def __init__(
        self, arrays: Mapping[str, ArrayLike], *, names: Mapping[str, str] | None = None, **parameters: Any
    ) -> None:
        self._set(
            {_IN_FILES.get(name, name): np.asarray(array) for name, array in arrays.items()},
            {_IN_FILES.get(ours, ours): theirs for ours, theirs in (names or {}).items()},
            parameters,
        )

    def _set(self, arrays: dict[str, NDArray[Any]], names: dict[str, str], parameters: dict[str, Any]) -> None:
        given = [(name, getattr(value, "_inner", value)) for name, value in parameters.items()]
        self._inner = _core.Network(arrays, given, names)
        #: How it can be made again in another process; None of a network of a run.
        self._given: tuple[Any, ...] | None = (arrays, names, parameters)
        self._torch_names = {"rnn": "rnn", "readout": "readout"}

    @classmethod
    def _of(cls, core: _core.Network) -> Network:
        network = cls.__new__(cls)
        network._inner = core
        network._given = None
        network._torch_names = {"rnn": "rnn", "readout": "readout"}
        return network

    @classmethod
    def from_torch(cls, source: Any, **parameters: Any) -> Network:
        """A network of PyTorch.

        Parameters
        ----------
        source : torch.nn.Module or state dict
            A module that is or contains one `nn.RNN` (tanh or relu) or `nn.GRU` of one layer in one
            direction, and perhaps one `nn.Linear` that reads it out; or its state dict.
        **parameters
            What a state dict does not say: `nonlinearity="relu"`.

        Raises
        ------
        ParameterError
            Something that is no such network, with the reason: several layers, both directions, an LSTM,
            projections.
        """
        names = {"rnn": "rnn", "readout": "readout"}
        if isinstance(source, Mapping):
            state = {str(name): _numpy(tensor) for name, tensor in source.items()}
            said: dict[str, Any] = {}
        else:
            state, said, names = _of_module(source)
        said = {**_said_by(state), **said, **parameters}
        network = cls.__new__(cls)
        network._set(state, {}, said)
        network._torch_names = names
        return network

    @property
    def params(self) -> Params:
        """Its parameters, sizes and equations among them."""
        return Params._of_core(self._inner.params())

    @property
    def weights(self) -> Weights:
        """Its weights by name."""
        return Weights(self._inner.weights())

    @property
    def assumed(self) -> list[str]:
        """What decides what the network computes, and was neither given nor in the arrays:
        `network.nonlinearity = tanh`.
        """
        return self._inner.assumed()

    @property
    def not_used(self) -> list[str]:
        """Arrays that nothing was made of."""
        return self._inner.not_used()

    def __call__(self, inputs: ArrayLike, *, timesteps: int | None = None) -> tuple[NDArray[np.float32] | None, States]:
        """Runs trials, from the state zero.

        Parameters
        ----------
        inputs : array (trials, time, inputs)
            What is shown.
        timesteps : int, optional
            For how long; past the end of the inputs these are zero. The length of the inputs unless given.

        Returns
        -------
        outputs : array (trials, time, outputs), float32
            None if the network has no readout.
        states : States (trials, time, units), float32
        """
        states = self._inner.states(inputs, timesteps)
        outputs = self._inner.outputs(states) if self._inner.has_readout() else None
        return outputs, States._of(states, {"inputs": np.asarray(inputs)})

    def to_torch(self, **names: str) -> dict[str, torch.Tensor]:
        """The weights as a PyTorch state dict, for `load_state_dict`.

        Parameters
        ----------
        rnn, readout : str, optional
            What the module calls its `nn.RNN` or `nn.GRU`, and its `nn.Linear`; `""` if it is the module
            itself. Those of the module that it was made of, else `rnn` and `readout`.

        Raises
        ------
        ParameterError
            PyTorch has no such network, as for a leaky one.
        ModuleNotFoundError
            PyTorch is not installed.
        """
        import torch

        unknown = set(names) - {"rnn", "readout"}
        if unknown:
            raise ParameterError(f"expected the names `rnn` and `readout`, found `{min(unknown)}`")
        arrays = self._state_dict({**self._torch_names, **names})
        return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}

    def _state_dict(self, names: Mapping[str, str]) -> dict[str, NDArray[np.float32]]:
        """The weights under PyTorch's names and in its shapes, (to, from)."""
        params = self.params
        kind = params["network.kind"]
        if kind not in _KINDS.values():
            raise ParameterError(
                f"a {kind} network has no counterpart in PyTorch, found `network.kind = {kind}`",
                "`weights` are its arrays",
            )
        if kind == "vanilla" and params.nonlinearity == "linear":
            raise ParameterError(
                "PyTorch's `nn.RNN` has tanh and relu, found `network.nonlinearity = linear`",
                "`weights` are its arrays",
            )
        weights = self.weights
        rnn = f"{names['rnn']}." if names["rnn"] else ""
        readout = f"{names['readout']}." if names["readout"] else ""
        recurrent_bias = weights.get("recurrent_bias", np.zeros_like(weights["bias"]))
        state = {
            f"{rnn}weight_ih_l0": weights["input"].T,
            f"{rnn}weight_hh_l0": weights["recurrent"].T,
            f"{rnn}bias_ih_l0": weights["bias"],
            f"{rnn}bias_hh_l0": recurrent_bias,
        }
        if self._inner.has_readout():
            state[f"{readout}weight"] = weights["readout"].T
            state[f"{readout}bias"] = weights["readout_bias"]
        return state

    def __repr__(self) -> str:
        params = self.params
        shapes = ", ".join(f"{name} {array.shape}" for name, array in self.weights.items() if array.size)
        return f"Network({params['network.kind']}, {params.nonlinearity}: {shapes})"

    def __reduce__(self) -> tuple[Any, ...]:
        given = self._given
        if given is None:
            params = self.params
            said = {name: params[f"network.{name}"] for name in ("kind", "nonlinearity", "dt", "leak")}
            arrays = {_IN_FILES.get(name, name): array for name, array in self.weights.items() if array.size}
            given = (arrays, {}, {f"network.{name}": value for name, value in said.items()})
        return _network_of, (given, self._torch_names)


def _network_of(given: tuple[Any, ...], torch_names: dict[str, str]) -> Network:
    network = Network.__new__(Network)
    network._set(*given)
    network._torch_names = torch_names
    return network


def _numpy(tensor: Any) -> NDArray[Any]:
    """A tensor as an array, wherever it is and whatever precision it has."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu().float()
    return np.asarray(tensor)


def _of_module(module: Any) -> tuple[dict[str, NDArray[Any]], dict[str, Any], dict[str, str]]:
    """The weights of a module under the names of its state dict, what it says of itself, and what it calls
    its parts.
    """
    import torch

    if not isinstance(module, torch.nn.Module):
        raise ParameterError(
            f"expected a `torch.nn.Module` or a state dict, found {type(module).__name__}",
            "`concertina.Network(arrays)` takes arrays by name",
        )
    parts = dict(module.named_modules())
    recurrent = {name: part for name, part in parts.items() if isinstance(part, torch.nn.RNNBase)}
    linear = {name: part for name, part in parts.items() if isinstance(part, torch.nn.Linear)}
    if len(recurrent) != 1 or len(linear) > 1:
        raise ParameterError(
            "expected one `nn.RNN` or `nn.GRU` and at most one `nn.Linear` in the module, found "
            f"{len(recurrent)} and {len(linear)}",
            'give the weights by name: `concertina.Network({"recurrent": ..., "input": ...})`',
        )
    ((rnn, part),) = recurrent.items()
    for wrong, reason in (
        (part.mode == "LSTM", "an LSTM"),
        (part.num_layers > 1, f"{part.num_layers} layers"),
        (part.bidirectional, "both directions"),
        (getattr(part, "proj_size", 0) > 0, "projections"),
    ):
        if wrong:
            raise _refused(reason)
    state = {f"rnn.{name}": _numpy(tensor) for name, tensor in part.state_dict().items()}
    readout = next(iter(linear), "readout")
    if linear:
        state |= {f"readout.{name}": _numpy(tensor) for name, tensor in linear[readout].state_dict().items()}
    said = {} if part.mode == "GRU" else {"network.nonlinearity": part.mode.removeprefix("RNN_").lower()}
    return state, said, {"rnn": rnn, "readout": readout}


def _said_by(state: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """What the names and shapes of a state dict say of the network."""
    recurrent = [name for name in state if name.rsplit(".", 1)[-1].startswith("weight_hh_l")]
    if any(name.endswith("_reverse") for name in recurrent):
        raise _refused("both directions")
    if len(recurrent) > 1:
        raise _refused(f"{len(recurrent)} layers")
    if not recurrent:
        return {}
    rows, units = state[recurrent[0]].shape
    if rows == 4 * units:
        raise _refused("an LSTM")
    kind = _KINDS.get(rows // units if units and rows % units == 0 else 0)
    if kind is None:
        raise ShapeError(f"`{recurrent[0]}`: expected (units, units) or (3 units, units), found {(rows, units)}")
    return {"network.kind": kind}


def _refused(found: str) -> ParameterError:
    return ParameterError(
        f"expected `nn.RNN` or `nn.GRU` of one layer in one direction, found {found}",
        "states of any network can be analysed as arrays: `concertina.effective_dimension(states)`",
    )
