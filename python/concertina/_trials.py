"""Trials that were made elsewhere: arrays, or a neurogym environment."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._errors import ParameterError, ShapeError
from ._given import array

_PARTS = ("inputs", "targets", "mask", "condition")


class Trials:
    """Trials for training and for validation, as NumPy arrays. They can be given as the `task` of a run.

    Parameters
    ----------
    inputs : array (trials, time, inputs)
        What the network is shown at every timestep.
    targets : array
        Either classes numbered from 0, (trials,) for one class per trial or (trials, time), or real numbers,
        (trials, time, outputs).
    mask : array of bool (trials, time), optional
        Where the loss counts. If not given, it counts at every timestep, also where there is one class per
        trial.
    condition : array of int (trials,), optional
        Groups of trials, numbered from 0. Analyses use trials that are spread evenly over conditions.
    validation : mapping, optional
        Trials for validation, which analyses also use: a dictionary with `inputs`, `targets` and optionally
        `mask` and `condition`. If not given, the last 15% of the trials.
    time_major : bool, default False
        Whether the arrays are (time, trials, ...) instead, as with PyTorch's `batch_first=False`.

    Raises
    ------
    ShapeError
        The shapes or types of the arrays do not match, or numbers are NaN or infinite. The message names the
        argument.
    ParameterError
        `validation` has a name that is none of the four.

    Notes
    -----
    Arrays are copied once, to single precision. Two objects with the same numbers are the same trials,
    because runs are named by a hash of the content.

    Examples
    --------
    >>> import numpy as np
    >>> import concertina as ct
    >>> rng = np.random.default_rng(0)
    >>> inputs = rng.normal(size=(40, 12, 2)).astype(np.float32)
    >>> task = ct.Trials(inputs, targets=(inputs.sum(axis=(1, 2)) > 0).astype(int))
    >>> task
    Trials(34 to train on, 6 to validate with, 12 timesteps, 2 inputs, classes)
    """

    __slots__ = ("_inner",)
    _inner: _core.Trials

    def __init__(
        self,
        inputs: ArrayLike,
        targets: ArrayLike,
        mask: ArrayLike | None = None,
        condition: ArrayLike | None = None,
        *,
        validation: Mapping[str, ArrayLike] | None = None,
        time_major: bool = False,
    ) -> None:
        given: dict[str, Any] = {"inputs": inputs, "targets": targets, "mask": mask, "condition": condition}
        for name in ("inputs", "targets"):
            if given[name] is None:
                raise ShapeError(f"`{name}`: expected an array, found None")
        arrays = _named(given, "", time_major)
        if validation is not None:
            unknown = set(validation) - set(_PARTS)
            if unknown:
                raise ParameterError(
                    f"`validation`: expected `inputs`, `targets`, `mask` and `condition`, found `{min(unknown)}`"
                )
            arrays.update(_named(validation, "val_", time_major))
        if not time_major:
            _check_axes(arrays)
        self._inner = _core.Trials(arrays)

    @classmethod
    def _of(cls, core: _core.Trials) -> Trials:
        trials = cls.__new__(cls)
        trials._inner = core
        return trials

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Trials:
        """Reads trials from a file.

        Parameters
        ----------
        path : str or path
            A `.npz` file with arrays `inputs`, `targets` and optionally `mask`, `condition`, and arrays for
            validation under the same names with the prefix `val_`; `docs/guides/your-own-task.md` describes
            it.

        Raises
        ------
        ShapeError
            The shapes or types of the arrays do not match.
        OSError
            The file cannot be read.
        """
        with np.load(Path(path), allow_pickle=False) as file:
            return cls._of(_core.Trials({name: file[name] for name in file.files}))

    @classmethod
    def from_neurogym(cls, env: Any, trials: int = 1000, seed: int = 0, **settings: Any) -> Trials:
        """Draws trials from a neurogym environment.

        Parameters
        ----------
        env : str or environment
            Its name, such as `"PerceptualDecisionMaking-v0"`, or the environment itself, which is reset.
            Wrappers that draw trials are used. Those that act step by step, such as `Noise`, are left out
            with a warning.
        trials : int, default 1000
            The number of trials.
        seed : int, default 0
            Seeds the environment: the same seed gives the same trials. The exceptions are environments that
            draw something while they are made, such as `HierarchicalReasoning-v0`.
        **settings
            Passed to the environment if a name is given: `dt=20`.

        Returns
        -------
        Trials
            Inputs are observations, and targets are the classes of the ground truth, (trials, time), or real
            numbers where the environment acts in continuous space. Trials that are shorter than the longest
            end in zeros, at which the loss does not count. Conditions number the combinations of what the
            environment draws per trial.

        Raises
        ------
        ParameterError
            The environment does not exist, cannot be made with these settings, or has no ground truth.
        ModuleNotFoundError
            neurogym is not installed, or PyTorch, which it needs.

        Examples
        --------
        >>> import concertina as ct
        >>> task = ct.Trials.from_neurogym("GoNogo-v0", trials=100, dt=50)              # doctest: +SKIP
        >>> task                                                                        # doctest: +SKIP
        Trials(85 to train on, 15 to validate with, 30 timesteps, 3 inputs, classes)
        """
        from ._neurogym import arrays_of

        arrays = arrays_of(env, trials, seed, settings)
        return cls(arrays["inputs"], arrays["targets"], arrays["mask"], arrays["condition"])

    @property
    def name(self) -> str:
        """`trials-` and 32 hexadecimal digits: a hash of the content."""
        return self._inner.name()

    @property
    def inputs(self) -> NDArray[np.float32]:
        """Inputs of the training trials, (trials, time, inputs)."""
        return self._inner.tensors()["inputs"]

    @property
    def targets(self) -> NDArray[Any]:
        """Targets of the training trials: classes as whole numbers, (trials,) or (trials, time), or real
        numbers, (trials, time, outputs).
        """
        targets = self._inner.tensors()["targets"]
        return targets.astype(np.int64) if self._inner.are_classes() else targets

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """Where the loss counts, (trials, time); None if it counts everywhere."""
        mask = self._inner.tensors().get("mask")
        return None if mask is None else mask.astype(bool)

    @property
    def condition(self) -> NDArray[np.int64] | None:
        """The condition of each trial, (trials,); None if there are none."""
        condition = self._inner.tensors().get("condition")
        return None if condition is None else condition.astype(np.int64)

    def __len__(self) -> int:
        training, validation, _, _ = self._inner.sizes()
        return training + validation

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trials) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        training, validation, time, inputs = self._inner.sizes()
        targets = "classes" if self._inner.are_classes() else "real targets"
        sizes = f"{training} to train on, {validation} to validate with, {time} timesteps, {inputs} inputs"
        return f"Trials({sizes}, {targets})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _trials_of, (self._inner.tensors(),)


def _trials_of(tensors: dict[str, NDArray[np.float32]]) -> Trials:
    return Trials._of(_core.Trials.from_tensors(tensors))


def _named(given: Mapping[str, Any], prefix: str, time_major: bool) -> dict[str, Any]:
    """Arrays by name, with trials as the first axis."""
    arrays: dict[str, Any] = {}
    for name, one in given.items():
        if one is None:
            continue
        name = prefix + name
        found = array(name, one)
        arrays[name] = np.swapaxes(found, 0, 1) if time_major and found.ndim > 1 else found
    return arrays


def _check_axes(arrays: Mapping[str, Any]) -> None:
    """Refuses arrays that match only if time is their first axis."""
    inputs, targets = arrays["inputs"], arrays["targets"]
    if inputs.ndim != 3 or targets.ndim < 2 or inputs.shape[:2] == targets.shape[:2]:
        return
    if inputs.shape[:2] == targets.shape[1::-1]:
        raise ShapeError(
            f"`targets`: expected trials and timesteps as in `inputs`, {inputs.shape[:2]}, found {targets.shape[:2]}",
            "their first axes are the other way round: one of them is (time, trials, ...). "
            "`np.swapaxes(x, 0, 1)` turns it",
        )
