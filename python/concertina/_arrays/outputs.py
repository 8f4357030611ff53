"""How well outputs meet their targets."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from .. import _core
from .._errors import ShapeError
from .._given import array
from .._tables import Table
from .states import with_time


def performance(
    outputs: ArrayLike,
    targets: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    conditions: ArrayLike | None = None,
) -> Table:
    """How well outputs meet their targets, in each condition.

    Parameters
    ----------
    outputs : array (trials, time, outputs)
        The outputs. For classes, the largest is the choice; of a single output it is the sign, and a positive one
        means class 1.
    targets : array of int (trials, time), or of float (trials, time, outputs)
        Classes, numbered from 0, or real numbers.
    mask : array of bool (trials, time), optional
        The timesteps that count. Default: all.
    conditions : array of int (trials,), optional
        The condition of each trial. Default: all trials together.

    Returns
    -------
    Table
        One row per condition: `condition`, `trials`, `accuracy`, `mse` and `r2`. Accuracy is for classes; the
        others are for real numbers. The mean of `r2` is that of each output. What is undefined is null.

    Raises
    ------
    ShapeError
        Shapes do not match, or numbers are NaN or infinite.

    Examples
    --------
    >>> import concertina as ct
    >>> ct.performance([[[0.1, 0.9]], [[0.8, 0.2]]], [[1], [1]], conditions=[3, 7])["accuracy"].tolist()
    [1.0, 0.0]
    """
    found = np.asarray(array("outputs", outputs), dtype=np.float64)
    if found.ndim != 3:
        raise ShapeError(f"`outputs`: expected (trials, time, outputs), found {found.shape}")
    wanted = array("targets", targets)
    of_classes = np.issubdtype(wanted.dtype, np.integer)
    trials, timesteps = found.shape[:2]
    counts = np.ones((trials, timesteps), bool) if mask is None else array("mask", mask).astype(bool)
    groups = np.zeros(trials, int) if conditions is None else array("conditions", conditions)
    for name, given, expected in [
        ("targets", wanted, found.shape[:2] if of_classes else found.shape),
        ("mask", counts, (trials, timesteps)),
        ("conditions", groups, (trials,)),
    ]:
        if given.shape != expected:
            raise ShapeError(f"`{name}`: expected {expected}, found {given.shape}")
    for name, given in [("outputs", found), ("targets", wanted)]:
        if not np.isfinite(given).all():
            raise ShapeError(f"`{name}`: expected finite numbers, found one that is NaN or infinite")
    classes = max(2, found.shape[2])
    if of_classes and counts.any() and not 0 <= wanted[counts].min() <= wanted[counts].max() < classes:
        raise ShapeError(f"`targets`: expected classes from 0 to {classes - 1}, as there are {found.shape[2]} outputs")
    chosen = (found[..., 0] > 0) if found.shape[2] == 1 else found.argmax(axis=2)
    rows: dict[str, list[Any]] = {name: [] for name in ("condition", "trials", "accuracy", "mse", "r2")}
    for condition in np.unique(groups):
        of_it = (groups == condition)[:, np.newaxis] & counts
        accuracy = mse = r2 = None
        if of_it.any() and of_classes:
            accuracy = float(np.mean(chosen[of_it] == wanted[of_it]))
        elif of_it.any():
            residuals = found[of_it] - wanted[of_it]
            spread = wanted[of_it] - wanted[of_it].mean(axis=0)
            mse = float(np.mean(residuals**2))
            r2 = float(1 - np.sum(residuals**2) / np.sum(spread**2)) if spread.any() else None
        values = (None if conditions is None else int(condition), int(np.sum(groups == condition)), accuracy, mse, r2)
        for name, value in zip(rows, values, strict=True):
            rows[name].append(value)
    return Table(rows)


def accuracy(outputs: ArrayLike, targets: ArrayLike, mask: ArrayLike | None = None) -> float:
    """The share of trials, or of timesteps, whose class has the largest output.

    Parameters
    ----------
    outputs : array (trials, outputs) or (trials, time, outputs)
        The outputs. A single output is read by its sign.
    targets : array of int (trials,) or (trials, time)
        The classes, numbered from 0.
    mask : array of bool (trials, time), optional
        The timesteps that count. If not given, the last with one class per trial, otherwise all.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    ShapeError
        Shapes do not match, targets are real numbers, or outputs are NaN or infinite.

    Examples
    --------
    >>> import concertina as ct
    >>> ct.accuracy([[2.0, 0.0], [0.0, 1.0], [3.0, 1.0], [1.0, 4.0]], [0, 1, 1, 1])
    0.75
    """
    _, found, _ = _evaluated(outputs, targets, mask, "cross_entropy")
    if found is None:
        raise ShapeError("`targets`: expected classes, whole numbers of at least 0, found real numbers")
    return found


def loss(
    outputs: ArrayLike,
    targets: ArrayLike,
    mask: ArrayLike | None = None,
    *,
    kind: Literal["cross_entropy", "mse", "mse_scalar"] | None = None,
) -> float:
    """The loss of outputs: the mean over the trials and timesteps that count.

    Parameters
    ----------
    outputs : array (trials, outputs) or (trials, time, outputs)
        The outputs.
    targets : array (trials,), (trials, time) or (trials, time, outputs)
        Classes, numbered from 0, or real numbers.
    mask : array of bool (trials, time), optional
        The timesteps that count. If not given, the last with one class per trial, otherwise all.
    kind : {"cross_entropy", "mse", "mse_scalar"}, optional
        The loss: softmax cross-entropy in nats; mean squared error, which for classes is the distance from
        0.7 times the one-hot label; or the mean squared error of a single output from -0.7 or 0.7. If not
        given, cross-entropy for classes and mean squared error for real targets.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    ShapeError
        Shapes do not match, or numbers are NaN or infinite.

    Examples
    --------
    >>> import concertina as ct
    >>> round(ct.loss([[0.0, 0.0]], [1]), 4)                # log 2
    0.6931
    """
    if kind is None:
        kind = "mse" if array("targets", targets).dtype.kind == "f" else "cross_entropy"
    return _evaluated(outputs, targets, mask, kind)[0]


def _evaluated(
    outputs: ArrayLike, targets: ArrayLike, mask: ArrayLike | None, kind: str
) -> tuple[float, float | None, float | None]:
    given, wanted = with_time("outputs", outputs), array("targets", targets)
    if wanted.ndim == 2 and wanted.dtype.kind == "f" and given.shape[:2] == (wanted.shape[0], 1):
        wanted = wanted[:, None]  # real targets have no time axis if outputs have none
    counts = None if mask is None else array("mask", mask)
    if counts is None and wanted.ndim == 1:
        # with one class per trial, the last output counts
        counts = np.zeros(given.shape[:2], dtype=bool)
        counts[:, -1:] = True
    return _core.evaluate(given, wanted, counts, kind)
