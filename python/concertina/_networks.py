"""Single networks: from arrays, from PyTorch, or of a run at a checkpoint."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._errors import ConcertinaWarning, ParameterError, ShapeError
from ._given import array
from ._parameters import Params
from ._runs import States, Weights

if TYPE_CHECKING:
    import torch

#: Names of weights in the package, and in files.
IN_FILES = {"input": "input_weights", "recurrent": "recurrent_weights", "readout": "readout_weights"}

#: The number of rows of PyTorch's recurrent matrix, divided by the number of units, and the kind of network.
_KINDS = {1: "vanilla", 3: "gru", 4: "lstm"}

#: PyTorch's names of recurrent weights, in a layer and direction or in a cell.
_RECURRENT = re.compile(r"weight_hh(_l\d+)?(_reverse)?")


@dataclass(frozen=True)
class _InTorch:
    """The names of a network's parts in PyTorch."""

    #: The names of its parts in their module; empty if a part is the module itself.
    rnn: str = "rnn"
    readout: str = "readout"
    #: The suffix of the names of its weights; empty in a cell.
    layer: str = "_l0"
    #: Whether the network has biases, and whether its readout has one.
    bias: bool = True
    readout_bias: bool = True
    #: Arrays of the module that were not used.
    others: tuple[str, ...] = ()


class Network:
    """A network: its equations and its weights. Calling it runs trials.

    Parameters
    ----------
    arrays : mapping of str to array
        Weights by name: our names (`recurrent`, `input`, `bias`, `readout`, `readout_bias`; matrices are
        (from, to)), those of a PyTorch state dict, or others that `names` explains. A recurrent matrix alone
        is a network, too: input weights and readout are optional, and functions that need them raise an
        error.
    names : mapping of str to str, optional
        Which array is which, where its name does not tell: a mapping from our name to the name in `arrays`. A
        suffix `.T` means that the array is transposed.
    **parameters
        What the arrays do not tell: `network="gru"`, `nonlinearity="relu"`, `dt=0.1`. Sizes are taken from
        the arrays. The defaults are those of the paper's network: `h' = tanh(h @ recurrent + x @ input +
        bias)`.

    Attributes
    ----------
    assumed : list of str
        Parameters that determine what the network computes, and that were neither given nor found in the
        arrays.
    not_used : list of str
        Arrays that were not used.

    Raises
    ------
    ShapeError
        The arrays do not form a network; the message says which arrays, and why.

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

    __slots__ = ("_given", "_in_torch", "_inner")

    def __init__(
        self, arrays: Mapping[str, ArrayLike], *, names: Mapping[str, str] | None = None, **parameters: Any
    ) -> None:
        if not isinstance(arrays, Mapping):
            raise ParameterError(
                f"`arrays`: expected arrays by name, found {type(arrays).__name__}",
                'as in `concertina.Network({"recurrent": matrix})`; `concertina.Network.from_torch` takes modules',
            )
        self._set(
            {IN_FILES.get(name, name): array(name, one) for name, one in arrays.items()},
            {IN_FILES.get(ours, ours): theirs for ours, theirs in (names or {}).items()},
            parameters,
        )

    def _set(self, arrays: dict[str, NDArray[Any]], names: dict[str, str], parameters: dict[str, Any]) -> None:
        given = [(name, getattr(value, "_inner", value)) for name, value in parameters.items()]
        self._inner = _core.Network(arrays, given, names)
        #: The arguments with which it can be made again in another process; None for a network of a run.
        self._given: tuple[Any, ...] | None = (arrays, names, parameters)
        self._in_torch = _InTorch()

    @classmethod
    def _of(cls, core: _core.Network) -> Network:
        network = cls.__new__(cls)
        network._inner = core
        network._given = None
        network._in_torch = _InTorch()
        return network

    @classmethod
    def from_torch(cls, source: Any, **parameters: Any) -> Network:
        """Makes a network from a PyTorch module or state dict.

        Parameters
        ----------
        source : torch.nn.Module or state dict
            A module that is or contains one `nn.RNN` (tanh or relu), `nn.GRU` or `nn.LSTM` of one layer in
            one direction, and optionally one `nn.Linear` as readout; or its state dict. Anything else that
            the module's `forward` does is not known here. Inputs of the network are (trials, time, inputs),
            regardless of `batch_first`.
        **parameters
            What a state dict does not tell: `nonlinearity="relu"`.

        Raises
        ------
        ParameterError
            `source` is not such a network; the message says why: several layers, both directions,
            projections, or a second network.

        Examples
        --------
        >>> import concertina as ct
        >>> import torch                                                                # doctest: +SKIP
        >>> network = ct.Network.from_torch(torch.nn.GRU(2, 30, batch_first=True))      # doctest: +SKIP
        >>> network(torch.zeros(5, 20, 2))[1].shape                                     # doctest: +SKIP
        (5, 20, 30)
        """
        is_state = isinstance(source, Mapping)
        state, said, in_torch = _of_state(source) if is_state else _of_module(source)
        network = cls.__new__(cls)
        network._set(state, {}, {**said, **parameters})
        if is_state:
            in_torch = _with_readout(in_torch, state, network._inner)
        network._in_torch = in_torch
        if network.not_used:
            names = ", ".join(f"`{name}`" for name in network.not_used)
            warnings.warn(
                f"the network does not use {names}: if these matter, it computes something else",
                ConcertinaWarning,
                stacklevel=2,
            )
        return network

    @property
    def params(self) -> Params:
        """Its parameters, including sizes and equations."""
        return Params._of_core(self._inner.params())

    @property
    def weights(self) -> Weights:
        """Its weights by name."""
        return Weights(self._inner.weights())

    @property
    def assumed(self) -> list[str]:
        """Parameters that determine what the network computes, and that were neither given nor found in the
        arrays, such as `network.nonlinearity = tanh`.
        """
        return self._inner.assumed()

    @property
    def not_used(self) -> list[str]:
        """Arrays that were not used."""
        return [*self._inner.not_used(), *self._in_torch.others]

    def __call__(self, inputs: ArrayLike, *, timesteps: int | None = None) -> tuple[NDArray[np.float32] | None, States]:
        """Runs trials, starting from the zero state.

        Parameters
        ----------
        inputs : array (trials, time, inputs)
            The inputs to run it on.
        timesteps : int, optional
            The number of timesteps. Past the end of the inputs, the inputs are zero. If not given, the length
            of the inputs.

        Returns
        -------
        outputs : array (trials, time, outputs), float32
            None if the network has no readout.
        states : States (trials, time, units), float32
        """
        shown = array("inputs", inputs)
        states = self._inner.states(shown, timesteps)
        outputs = self._inner.outputs(states) if self._inner.has_readout() else None
        return outputs, States._of(states, {"inputs": shown})

    def to_torch(self, *, rnn: str | None = None, readout: str | None = None) -> dict[str, torch.Tensor]:
        """The weights as a PyTorch state dict, for `load_state_dict`.

        Parameters
        ----------
        The module's names of its `nn.RNN` or `nn.GRU` and its `nn.Linear`; `""` if it is the module itself.
        If not given, the names in the module that the network was made from, or else `rnn` and `readout`.
            itself. Those of the module that it was made of, else `rnn` and `readout`.

        Returns
        -------
        Tensors of float32, on the CPU. `nn.RNN` has two biases, one of which is zero here. Biases are left
        out if the module that the network was made from has none.
            the module that it was made of has none.

        Raises
        ------
        ParameterError
            PyTorch has no such network, for example no leaky one.
        ModuleNotFoundError
            PyTorch is not installed.
        """
        import torch

        arrays = self._state_dict(rnn, readout)
        return {name: torch.from_numpy(np.ascontiguousarray(one)) for name, one in arrays.items()}

    def _state_dict(self, rnn: str | None = None, readout: str | None = None) -> dict[str, NDArray[np.float32]]:
        """The weights under PyTorch's names and in its shapes, (to, from)."""
        params = self.params
        kind = params["network.kind"]
        if kind not in _KINDS.values():
            raise ParameterError(
                f"a {kind} network has no counterpart in PyTorch, found `network.kind = {kind}`",
                "`weights` has its arrays",
            )
        if kind == "vanilla" and params.nonlinearity not in ("tanh", "relu"):
            raise ParameterError(
                f"PyTorch's `nn.RNN` has tanh and relu, found `network.nonlinearity = {params.nonlinearity}`",
                "`weights` has its arrays",
            )
        weights, names = self.weights, self._in_torch
        before = _prefix(names.rnn if rnn is None else rnn)
        state = {
            f"{before}weight_ih{names.layer}": weights["input"].T,
            f"{before}weight_hh{names.layer}": weights["recurrent"].T,
        }
        if names.bias:
            recurrent_bias = weights.get("recurrent_bias", np.zeros_like(weights["bias"]))
            state |= {f"{before}bias_ih{names.layer}": weights["bias"], f"{before}bias_hh{names.layer}": recurrent_bias}
        if self._inner.has_readout():
            before = _prefix(names.readout if readout is None else readout)
            state[f"{before}weight"] = weights["readout"].T
            if names.readout_bias:
                state[f"{before}bias"] = weights["readout_bias"]
        return state

    def __repr__(self) -> str:
        params = self.params
        shapes = ", ".join(f"{name} {array.shape}" for name, array in self.weights.items() if array.size)
        return f"Network({params['network.kind']}, {params.nonlinearity}: {shapes})"

    def __reduce__(self) -> tuple[Any, ...]:
        given = self._given
        if given is None:
            params = self.params
            if params["network.kind"] == "feedforward":
                raise ParameterError(
                    "a feedforward network of a run cannot be pickled",
                    "pickle the study, and get the network there: `study.run(key).network()`",
                )
            said = {name: params[f"network.{name}"] for name in ("kind", "nonlinearity", "dt", "leak")}
            arrays = {IN_FILES.get(name, name): array for name, array in self.weights.items() if array.size}
            given = (arrays, {}, {f"network.{name}": value for name, value in said.items()})
        return _network_of, (given, self._in_torch)


def _network_of(given: tuple[Any, ...], in_torch: _InTorch) -> Network:
    network = Network.__new__(Network)
    network._set(*given)
    network._in_torch = in_torch
    return network


def _prefix(module: str) -> str:
    return f"{module}." if module else ""


#: Weights of PyTorch under the names of its state dicts, the parameters that follow from them, and the names
#: of the parts.
_Told = tuple[dict[str, NDArray[Any]], dict[str, Any], _InTorch]


def _of_module(module: Any) -> _Told:
    """The network in a module."""
    import torch

    if not isinstance(module, torch.nn.Module):
        raise ParameterError(
            f"expected a `torch.nn.Module` or a state dict, found {type(module).__name__}",
            "`concertina.Network(arrays)` takes arrays by name",
        )
    parts = dict(module.named_modules())
    recurrent = {name: part for name, part in parts.items() if isinstance(part, torch.nn.RNNBase)}
    linear = {name: part for name, part in parts.items() if isinstance(part, torch.nn.Linear)}
    if len(recurrent) != 1:
        cells = {name: part for name, part in parts.items() if isinstance(part, torch.nn.RNNCellBase)}
        raise _refused_module("one `nn.RNN`, `nn.GRU` or `nn.LSTM`", recurrent or cells)
    ((rnn, part),) = recurrent.items()
    for wrong, reason in (
        (part.proj_size > 0, "projections"),
        (part.num_layers > 1, f"{part.num_layers} layers"),
        (part.bidirectional, "both directions"),
    ):
        if wrong:
            raise _refused(reason)
    if len(linear) > 1:
        raise _refused_module("at most one `nn.Linear`", linear)
    readout, line = next(iter(linear.items()), ("readout", None))
    if line is not None and line.in_features != part.hidden_size:
        raise ParameterError(
            f"expected `{readout}` to read out {part.hidden_size} units, found {line.in_features} inputs",
            "give the part of the module that is the network, or its weights by name: "
            '`concertina.Network({"recurrent": ..., "input": ...})`',
        )
    # by attribute, because a parametrised weight has other names in the state dict
    state = {f"rnn.weight_{kind}_l0": array(rnn, getattr(part, f"weight_{kind}_l0")) for kind in ("ih", "hh")}
    if part.bias:
        state |= {f"rnn.bias_{kind}_l0": array(rnn, getattr(part, f"bias_{kind}_l0")) for kind in ("ih", "hh")}
    if line is not None:
        state["readout.weight"] = array(readout, line.weight)
        if line.bias is not None:
            state["readout.bias"] = array(readout, line.bias)
    kind = {"GRU": "gru", "LSTM": "lstm"}.get(part.mode, "vanilla")
    said = {"network.kind": kind}
    if kind == "vanilla":
        said["network.nonlinearity"] = part.mode.removeprefix("RNN_").lower()
    ours = (_prefix(rnn), _prefix(readout)) if line is not None else (_prefix(rnn),)
    others = tuple(name for name in module.state_dict() if not name.startswith(ours))
    has_bias = line is None or line.bias is not None
    in_torch = _InTorch(rnn, readout, bias=part.bias, readout_bias=has_bias, others=others)
    return state, said, in_torch


def _of_state(source: Mapping[Any, Any]) -> _Told:
    """The network in a state dict, as far as names and shapes tell."""
    state = {str(name): array(str(name), tensor) for name, tensor in source.items()}
    recurrent = [name for name in state if _RECURRENT.fullmatch(name.rpartition(".")[2])]
    if any(name.endswith("_reverse") for name in recurrent):
        raise _refused("both directions")
    if any(name.rsplit(".", 1)[-1].startswith("weight_hr") for name in state):
        raise _refused("projections")
    modules = {name.rpartition(".")[0] for name in recurrent}
    if len(modules) > 1:
        raise _refused("two networks, `" + "`, `".join(sorted(modules)) + "`")
    if len(recurrent) > 1:
        raise _refused(f"{len(recurrent)} layers")
    if not recurrent:
        return state, {}, _InTorch()
    (name,) = recurrent
    shape = state[name].shape
    rows, units = shape if len(shape) == 2 else (0, 0)
    kind = _KINDS.get(rows // units if units and rows % units == 0 else 0)
    if kind is None:
        raise ShapeError(f"`{name}`: expected (units, units), (3 units, units) or (4 units, units), found {shape}")
    rnn, _, last = name.rpartition(".")
    layer = last.removeprefix("weight_hh")
    has_bias = f"{_prefix(rnn)}bias_hh{layer}" in state
    return state, {"network.kind": kind}, _InTorch(rnn, layer=layer, bias=has_bias)


def _with_readout(in_torch: _InTorch, state: Mapping[str, Any], read: _core.Network) -> _InTorch:
    """Adds the name of the readout that was found in a state dict."""
    used = set(state) - set(read.not_used())
    names = [name.rpartition(".")[0] for name in used if name.rpartition(".")[2] == "weight"]
    if not read.has_readout() or len(names) != 1:
        return in_torch
    return replace(in_torch, readout=names[0], readout_bias=f"{_prefix(names[0])}bias" in used)


def _refused_module(expected: str, found: Mapping[str, Any]) -> ParameterError:
    """The error for a module with the wrong number of parts."""
    parts = " and ".join(f"`{name}`, an `nn.{type(part).__name__}`" for name, part in found.items())
    return ParameterError(
        f"expected {expected} in the module, found {parts or 'none'}",
        "give the part of the module that is the network, or its weights by name: "
        '`concertina.Network({"recurrent": ..., "input": ...})`',
    )


def _refused(found: str) -> ParameterError:
    return ParameterError(
        f"expected `nn.RNN`, `nn.GRU` or `nn.LSTM` of one layer in one direction, found {found}",
        "states of any network can be analysed as arrays: `concertina.effective_dimension(states)`",
    )
