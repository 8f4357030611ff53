"""How similar two sets of states are."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._errors import ShapeError
from .._given import array
from .._tables import Table
from .states import with_time

Distance = Literal["euclidean", "sqeuclidean", "correlation"]


def cka(x: ArrayLike, y: ArrayLike, *, debiased: bool = False) -> Any:
    """How similar two sets of states of the same trials are: the linear centred kernel alignment.

    It is 1 if one set is the other, rotated, scaled and shifted. It is 0 if no direction of one set covaries
    with a direction of the other.

    Parameters
    ----------
    x, y : array (samples, units) or (trials, time, units)
        States of the same trials, row by row; the numbers of units may differ.
    debiased : bool
        Whether to correct the bias for few samples and many units. Independent states then have 0 on average,
        and some pairs are below 0. Needs 4 samples.

    Returns
    -------
    float or array (time,)
        At most 1, for each timestep if there is a time axis. NaN where all states of one set are equal up to
        rounding.

    Raises
    ------
    ShapeError
        The sets differ in samples or timesteps, there are too few samples, or numbers are NaN or infinite.

    References
    ----------
    Kornblith et al. (2019), "Similarity of neural network representations revisited"; Song et al. (2012) for the
    debiased estimator.

    Examples
    --------
    >>> import numpy as np
    >>> import concertina as ct
    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(ct.cka(x, 2 * x[:, ::-1] + 1), 6)
    1.0
    """
    first, second = array("x", x), array("y", y)
    if first.ndim == second.ndim == 3:
        if first.shape[1] != second.shape[1]:
            raise ShapeError(f"`y`: expected {first.shape[1]} timesteps as in `x`, found {second.shape[1]}")
        pairs = [_core.cka(first[:, time], second[:, time], debiased) for time in range(first.shape[1])]
        return np.array([np.nan if one is None else one for one in pairs])
    found = _core.cka(first, second, debiased)
    return float("nan") if found is None else found


def representation_similarity(x: ArrayLike, y: ArrayLike, *, distance: Distance = "euclidean") -> Table:
    """How similar two sets of states of the same trials are, by every measure.

    Parameters
    ----------
    x, y : array (samples, units) or (trials, time, units)
        States of the same trials, row by row; the numbers of units may differ.
    distance : {"euclidean", "sqeuclidean", "correlation"}, default "euclidean"
        The distance of two trials in the dissimilarity matrices.

    Returns
    -------
    Table
        One row per timestep: `timestep`; `cka`, in [0, 1], and `cka_debiased`, which needs 4 samples;
        `procrustes`, an angle in radians, 0 if one set is the other rotated, scaled and shifted;
        `rdm_pearson` and `rdm_spearman`, the correlations of the dissimilarity matrices. Undefined values are
        null.

    Raises
    ------
    ShapeError
        The sets differ in samples or timesteps, there are fewer than 2 samples, or numbers are NaN or
        infinite.
    ParameterError
        The distance does not exist.

    References
    ----------
    Kornblith et al. (2019); Song et al. (2012); Williams et al. (2021), "Generalized shape metrics on neural
    representations"; Kriegeskorte et al. (2008), "Representational similarity analysis".

    Examples
    --------
    A rotation changes nothing:

    >>> import numpy as np
    >>> import concertina as ct
    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> table = ct.representation_similarity(x, x[:, ::-1])
    >>> round(float(table["rdm_pearson"][0]), 6), bool(table["procrustes"][0] < 1e-6)
    (1.0, True)
    """
    return Table._of(_core.representation_similarity(with_time("x", x), with_time("y", y), distance))


def rdm(states: ArrayLike, *, distance: Distance = "euclidean") -> NDArray[np.float64]:
    """The representational dissimilarity matrix: the distance of every pair of trials.

    Parameters
    ----------
    states : array (samples, units)
        The states.
    distance : {"euclidean", "sqeuclidean", "correlation"}, default "euclidean"
        `correlation` is 1 minus the Pearson correlation over units.

    Returns
    -------
    array (samples × (samples - 1) / 2,)
        The upper triangle, row by row, as `scipy.spatial.distance.squareform` reads it. NaN where the
        distance is undefined: with `correlation`, for a state whose units are all equal.

    Raises
    ------
    ShapeError
        There are fewer than 2 samples, or numbers are NaN or infinite.

    References
    ----------
    Kriegeskorte et al. (2008), "Representational similarity analysis".

    Examples
    --------
    >>> import concertina as ct
    >>> ct.rdm([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    array([5.        , 1.        , 4.24264069])
    """
    given = array("states", states)
    found = _core.rdm(given, distance)
    if found is None:
        count = len(given)
        return np.full(count * (count - 1) // 2, np.nan)
    return found
