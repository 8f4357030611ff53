"""Stand-ins for the parts of PyTorch and neurogym that the package uses, so that it can be tested without them.

`python/tests/run_slow` tests with the libraries themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest


class Tensor:
    """A tensor, which NumPy cannot read until it is detached."""

    def __init__(self, values: Any, bytes_each: int = 4, detached: bool = False) -> None:
        self.values = np.asarray(values)
        self.bytes_each, self.detached = bytes_each, detached

    def detach(self) -> Tensor:
        return Tensor(self.values, self.bytes_each, detached=True)

    def cpu(self) -> Tensor:
        return self

    def is_floating_point(self) -> bool:
        return self.values.dtype.kind == "f"

    def element_size(self) -> int:
        return self.bytes_each

    def float(self) -> Tensor:
        return Tensor(self.values.astype(np.float32), detached=self.detached)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if not self.detached or (self.is_floating_point() and self.bytes_each < 4):
            raise TypeError("NumPy cannot read this tensor")
        return np.array(self.values, dtype=dtype)


class Module:
    """A module. Its parts and tensors are its attributes."""

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        yield prefix, self
        for name, part in vars(self).items():
            if isinstance(part, Module):
                yield from part.named_modules(f"{prefix}.{name}" if prefix else name)

    def state_dict(self) -> dict[str, Tensor]:
        return {
            f"{module}.{name}" if module else name: tensor
            for module, part in self.named_modules()
            for name, tensor in vars(part).items()
            if isinstance(tensor, Tensor)
        }


class RNNBase(Module):
    gates, mode = 1, "RNN_TANH"

    def __init__(self, inputs: int, units: int, *, bias: bool = True, num_layers: int = 1, **given: Any) -> None:
        rng = np.random.default_rng(0)
        rows = self.gates * units
        self.hidden_size, self.num_layers, self.bias = units, num_layers, bias
        self.bidirectional, self.proj_size = given.get("bidirectional", False), given.get("proj_size", 0)
        self.mode = f"RNN_{given['nonlinearity'].upper()}" if "nonlinearity" in given else self.mode
        self.weight_ih_l0 = Tensor(rng.normal(size=(rows, inputs)))
        self.weight_hh_l0 = Tensor(rng.normal(size=(rows, units)))
        if bias:
            self.bias_ih_l0, self.bias_hh_l0 = Tensor(rng.normal(size=rows)), Tensor(rng.normal(size=rows))


class RNN(RNNBase):
    pass


class GRU(RNNBase):
    gates, mode = 3, "GRU"


class LSTM(RNNBase):
    gates, mode = 4, "LSTM"


class RNNCellBase(Module):
    pass


class GRUCell(RNNCellBase):
    pass


class Linear(Module):
    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        rng = np.random.default_rng(1)
        self.in_features = inputs
        self.weight = Tensor(rng.normal(size=(outputs, inputs)))
        self.bias = Tensor(rng.normal(size=outputs)) if bias else None


class Model(Module):
    """A module as a user writes it."""

    def __init__(self, **parts: Any) -> None:
        vars(self).update(parts)


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A stand-in for PyTorch."""
    layers = (Module, RNNBase, RNNCellBase, RNN, GRU, LSTM, GRUCell, Linear)
    module: Any = ModuleType("torch")
    module.nn = SimpleNamespace(**{layer.__name__: layer for layer in layers})
    module.from_numpy = lambda array: Tensor(array, detached=True)
    monkeypatch.setitem(sys.modules, "torch", module)
    return module.nn  # type: ignore[no-any-return]


class Env:
    """An environment: trials of one or two timesteps, and whether to go."""

    action_space = SimpleNamespace(n=2)
    has_truth, is_wrong, is_real = True, False, False

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        self.rng = np.random.default_rng()

    @property
    def unwrapped(self) -> Env:
        return self

    def seed(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def reset(self, seed: int | None = None) -> None:
        self.new_trial()

    def new_trial(self) -> dict[str, Any]:
        go, time = int(self.rng.integers(2)), int(self.rng.integers(1, 3))
        self.ob = self.scale * self.rng.normal(size=(time, 2))
        if self.has_truth:
            self.gt = np.full(time, go + 2 * self.is_wrong)
        if self.is_real:
            self.gt = self.rng.normal(size=(time, 1))
        return {"go": np.int64(go), "place": (np.int64(go), "left"), "how": lambda: self}


class WithoutTruth(Env):
    has_truth = False


class Wrong(Env):
    is_wrong = True


class Continuous(Env):
    is_real = True


class SeededByReset:
    """An environment as future versions of neurogym may have it: without `seed`."""

    action_space = SimpleNamespace(n=2)

    @property
    def unwrapped(self) -> SeededByReset:
        return self

    def reset(self, seed: int | None = None) -> None:
        if seed is not None:
            self.rng = np.random.default_rng(seed)

    def new_trial(self) -> None:
        self.ob, self.gt = self.rng.normal(size=(3, 1)), np.full(3, self.rng.integers(2))


class Noise:
    """A wrapper that acts step by step."""

    def __init__(self, env: Any) -> None:
        self.env = env

    @property
    def unwrapped(self) -> Any:
        return self.env.unwrapped

    def reset(self) -> None:
        self.env.reset()

    def step(self, action: int) -> None:
        raise NotImplementedError


class UnregisteredEnv(Exception):
    pass


@pytest.fixture
def neurogym(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for neurogym and for gymnasium, on which it is built."""

    def make(name: str, **settings: Any) -> Env:
        known = {env.__name__: env for env in (Env, WithoutTruth, Wrong, Continuous)}
        if name not in known:
            raise UnregisteredEnv(f"Environment `{name}` doesn't exist.")
        return known[name](**settings)

    gymnasium: Any = ModuleType("gymnasium")
    gymnasium.error = SimpleNamespace(UnregisteredEnv=UnregisteredEnv)
    module: Any = ModuleType("neurogym")
    module.make = make
    monkeypatch.setitem(sys.modules, "gymnasium", gymnasium)
    monkeypatch.setitem(sys.modules, "neurogym", module)
