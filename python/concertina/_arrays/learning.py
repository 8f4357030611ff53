"""What training has changed: weights, and the tangent kernel."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._given import array
from .._networks import IN_FILES, Network
from .._tables import Table


def weight_variance(weights: ArrayLike, window: int = 10) -> NDArray[np.float64]:
    """The variance of weights over a window of checkpoints: the mean unbiased variance of the entries.

    Parameters
    ----------
    weights : array (checkpoints, from, to)
        The weights at evenly spaced checkpoints.
    window : int, default 10
        The number of checkpoints in the window, including the last; at least 2.

    Returns
    -------
    array (checkpoints,)
        In squared units of the weights. NaN for checkpoints that have fewer than `window - 1` before them.

    Raises
    ------
    ShapeError
        The number of axes is wrong, or numbers are NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> import concertina as ct
    >>> ct.weight_variance(np.arange(4.0).reshape(4, 1, 1), window=2)
    array([nan, 0.5, 0.5, 0.5])
    """
    found = _core.weight_variance(array("weights", weights), window)
    return np.array([np.nan if one is None else one for one in found])


def kernel(
    network: Network,
    inputs: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    before: Network | None = None,
    trained: Iterable[str] | None = None,
    read_at: ArrayLike | None = None,
) -> Table:
    """How lazily a network has learned: its neural tangent kernel, and the change of its weights.

    The tangent kernel of two trials is the inner product of the gradients of the outputs by all trained
    parameters, summed over outputs. In lazy learning it stays as it was before training. In rich learning it
    moves towards the kernel of the labels.

    Parameters
    ----------
    network : Network
        The network after training, with a readout.
    inputs : array (trials, time, inputs)
        The inputs of the trials. Time and memory grow with the square of the number of trials.
    labels : array of int (trials,), optional
        The class of each trial, numbered from 0.
    before : Network, optional
        The same network before training, for the distance of the kernels and the change of the weights.
    trained : iterable of str, optional
        The names of the arrays that are trained, as in `network.weights`. If not given, those that the
        parameters of the network train; for a network that was made from arrays, these are the defaults, which
        do not train the input weights.
    read_at : array of int (trials,), optional
        The timestep of each trial whose output counts, from 0; the last if not given.

    Returns
    -------
    Table
        One row for all trained arrays together, `all` in the column `block`, and one for each array:
        `trained`; `mean_kernel`; `label_alignment`, `label_alignment_centred` and, for two classes,
        `label_alignment_signed`; `kernel_distance` and `kernel_alignment`, with the kernel before training;
        `effective_rank` and `participation` of the kernel; and of the change of the array, `relative_change`,
        `change_effective_rank`, `change_participation`, `change_stable_rank` and `change_singular_values`.
        Null where undefined, and without labels or a network before training.

    Raises
    ------
    ShapeError
        Shapes do not match, or numbers are NaN or infinite.
    ParameterError
        The network has no readout, or an array does not exist.

    References
    ----------
    Jacot et al. (2018), "Neural tangent kernel"; Flesch et al. (2022), "Orthogonal representations for robust
    context-dependent task performance in brains and neural networks".

    Examples
    --------
    Only the readout has changed, so the features are the same:

    >>> import numpy as np
    >>> import concertina as ct
    >>> rng = np.random.default_rng(0)
    >>> weights = {"recurrent": 0.3 * rng.normal(size=(5, 5)), "input": rng.normal(size=(2, 5))}
    >>> before = ct.Network({**weights, "readout": rng.normal(size=(5, 2))})
    >>> after = ct.Network({**weights, "readout": rng.normal(size=(5, 2))})
    >>> inputs = rng.normal(size=(20, 4, 2))
    >>> table = ct.kernel(after, inputs, before=before, trained=["readout"])
    >>> abs(float(table["kernel_distance"][0])) < 1e-6
    True
    """
    return Table._of(
        _core.kernel(
            network._inner,
            array("inputs", inputs),
            None if labels is None else array("labels", labels),
            None if before is None else before._inner,
            None if trained is None else {IN_FILES.get(name, name) for name in trained},
            None if read_at is None else array("read_at", read_at),
        )
    )
