"""Measures of a cloud of states."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._given import array
from .._tables import Table
from .states import on_states, with_time


def effective_dimension(states: ArrayLike) -> Any:
    """The effective dimension (participation ratio) of a cloud of states.

    `D = (Σ λ)² / Σ λ²`, with `λ` the eigenvalues of the covariance of the states. It does not change under
    rotations, scalings and shifts of the cloud. It is biased low for few samples.

    Parameters
    ----------
    states : array (samples, units) or (trials, time, units)
        One row per sample. float32 and float64 arrays are read without a copy; others are converted.

    Returns
    -------
    float or array (time,)
        Between 1 and `min(samples - 1, units)`, for each timestep if there is a time axis. NaN where all
        states are equal up to rounding, so that the dimension is undefined.

    Raises
    ------
    ShapeError
        There are fewer than 2 samples, the number of axes is wrong, or numbers are NaN or infinite; the
        message names the first such number.

    References
    ----------
    Gao et al. (2017), "A theory of multineuronal dimensionality, dynamics and measurement"; Farrell et al.
    (2022), Methods.

    Examples
    --------
    Four points at the ends of two equal axes have dimension 2:

    >>> import concertina as ct
    >>> ct.effective_dimension([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    2.0
    """
    given = array("states", states)
    if given.ndim == 3:
        return np.array([np.nan if one is None else one for one in _core.effective_dimensions(given)])
    found = _core.effective_dimension(given)
    return float("nan") if found is None else found


def intrinsic_dimension(states: ArrayLike, *, discarded: float = 0.1, k_min: int = 10, k_max: int = 20) -> Table:
    """The dimension of the surface on which the states lie, by several estimators.

    Parameters
    ----------
    states : array (samples, units) or (trials, time, units)
        The states. Those that repeat an earlier one are left out by the estimators that use neighbours.
    discarded : float, default 0.1
        The share of the ratios of distances, the largest, that TwoNN discards.
    k_min, k_max : int, default 10 and 20
        The numbers of neighbours of the Levina-Bickel estimate, and of the radii of the correlation
        dimension.

    Returns
    -------
    Table
        One row per timestep: `timestep`, `duplicates`, `twonn` and its standard error `twonn_se`,
        `levina_bickel`, `correlation_dimension`, `components_90` (principal components that have 90% of the
        variance), `participation_ratio`, and the same without its bias for few samples,
        `participation_ratio_corrected`, and for few samples and units, `participation_ratio_corrected_both`.
        Undefined values are null.

    Raises
    ------
    ShapeError
        There are too few samples, or numbers are NaN or infinite.
    ParameterError
        A setting is invalid.

    References
    ----------
    Facco et al. (2017); Levina and Bickel (2004); Grassberger and Procaccia (1983); Chun et al. (2025).

    Examples
    --------
    A spiral in the plane is a line:

    >>> import numpy as np
    >>> import concertina as ct
    >>> angle = np.sqrt(np.random.default_rng(0).uniform(0, 400, size=500))
    >>> spiral = np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1)
    >>> table = ct.intrinsic_dimension(spiral)
    >>> bool(0.9 < table["twonn"][0] < 1.1), bool(table["participation_ratio"][0] > 1.8)
    (True, True)
    """
    return on_states("intrinsic_dimension", states, discarded=discarded, k_min=k_min, k_max=k_max)


class TwoNN(NamedTuple):
    """The dimension of a cloud of states from the distances to two neighbours: numbers, or arrays (time,). NaN
    where the dimension is undefined.
    """

    #: The slope of a line through the origin, without the largest ratios.
    dimension: Any
    #: Its standard error, if the ratios of different states were independent.
    standard_error: Any
    #: The maximum likelihood estimate from all ratios.
    ml: Any
    #: The same without its bias.
    ml_unbiased: Any
    #: The unbiased estimate in which the discarded ratios only count as larger than the others.
    ml_censored: Any


def twonn(states: ArrayLike, *, discarded: float = 0.1) -> TwoNN:
    """The dimension of the surface on which the states lie, from the distances to the two nearest neighbours.

    The ratio of the two distances has a distribution that depends only on the dimension, if the density of the
    states hardly changes from one neighbour to the next. States that repeat an earlier one are left out.

    Parameters
    ----------
    states : array (samples, units) or (trials, time, units)
        The states.
    discarded : float, default 0.1
        The share of the ratios, the largest, that the line leaves out; at least 0 and below 1.

    Returns
    -------
    TwoNN
        A named tuple of five estimates: `dimension` and its `standard_error`, and by maximum likelihood `ml`,
        `ml_unbiased` and `ml_censored`. Each is a float, or an array (time,) if there is a time axis, and NaN
        where fewer than 3 states differ.

    Raises
    ------
    ShapeError
        The number of axes is wrong, or numbers are NaN or infinite.
    ParameterError
        The share is out of range.

    References
    ----------
    Facco et al. (2017), "Estimating the intrinsic dimension of datasets by a minimal neighborhood
    information".

    Examples
    --------
    States on a circle have one dimension:

    >>> import numpy as np
    >>> import concertina as ct
    >>> angles = np.random.default_rng(0).uniform(0, 2 * np.pi, size=2000)
    >>> bool(abs(ct.twonn(np.stack([np.cos(angles), np.sin(angles)], axis=1)).dimension - 1) < 0.1)
    True
    """
    given = array("states", states)
    if given.ndim == 3:
        found = [_core.twonn(given[:, time], discarded) for time in range(given.shape[1])]
        rows = [(np.nan,) * 5 if one is None else one for one in found]
        return TwoNN(*np.array(rows, dtype=np.float64).reshape(-1, 5).T)
    return TwoNN(*(_core.twonn(given, discarded) or (float("nan"),) * 5))


class PrincipalComponents(NamedTuple):
    """Principal components of states, timestep by timestep. Values are NaN where the states have no such
    component.
    """

    #: The states minus their mean, along the components, (trials, time, components).
    scores: NDArray[np.float64]
    #: Directions of unit length, (time, units, components).
    components: NDArray[np.float64]
    #: The mean state, (time, units).
    mean: NDArray[np.float64]
    #: The share of the variance along each component, (time, components).
    explained_variance_ratio: NDArray[np.float64]


def pca_snapshots(states: ArrayLike, components: int = 2) -> PrincipalComponents:
    """The states in the plane of their first principal components, timestep by timestep.

    Signs are aligned along time, so that the cloud does not flip from timestep to timestep.

    Parameters
    ----------
    states : array (samples, units) or (trials, time, units)
        The states.
    components : int, default 2
        The number of components, largest variance first.

    Returns
    -------
    PrincipalComponents
        A named tuple of float64 arrays: `scores` (trials, time, components), the states minus their mean,
        along the components; `components` (time, units, components), directions of unit length; `mean` (time,
        units), the mean state; `explained_variance_ratio` (time, components). Values are NaN where the states
        have no such component.

    Raises
    ------
    ShapeError
        There are fewer than 2 samples, or numbers are NaN or infinite.

    References
    ----------
    Jolliffe (2002), "Principal component analysis"; Farrell et al. (2022), Fig. 2c.

    Examples
    --------
    >>> import concertina as ct
    >>> found = ct.pca_snapshots([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> found.explained_variance_ratio.round(2)
    array([[0.9, 0.1]])
    """
    given = with_time("states", states)
    scores, directions, ratio = _core.principal_components(given, components)
    return PrincipalComponents(scores, directions, given.mean(axis=0, dtype=np.float64), ratio)


def saturation(rates: ArrayLike) -> Table:
    """How large rates are: the mean and standard deviation of their magnitude over samples and units.

    With tanh, a mean near 1 means that the units are saturated, so that gradients hardly pass them.

    Parameters
    ----------
    rates : array (samples, units) or (trials, time, units)
        The values of the nonlinearity: the states of a vanilla network, `np.tanh(states)` of a leaky one.

    Returns
    -------
    Table
        One row per timestep: `timestep`, `saturation`, `saturation_sd` (over n).

    Raises
    ------
    ShapeError
        The number of axes is wrong, or numbers are NaN or infinite.

    References
    ----------
    Farrell et al. (2022), Fig. 3g.

    Examples
    --------
    >>> import concertina as ct
    >>> ct.saturation([[1.0, -0.5], [0.0, 0.5]])["saturation"]
    array([0.5])
    """
    return Table._of(_core.saturation(with_time("rates", rates)))


def autocorrelation(states: ArrayLike) -> Table:
    """How much a trial still resembles its first state: the cosine of the angle between the two.

    Parameters
    ----------
    states : array (trials, time, units)
        The states. They are not centred.

    Returns
    -------
    Table
        One row per timestep: `timestep`, `autocorrelation` (the mean over trials), `autocorrelation_sd` (over
        n - 1), `samples` (the number of trials; trials with a state of zero have no angle and are left out).

    Raises
    ------
    ShapeError
        The number of axes is wrong, or numbers are NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> import concertina as ct
    >>> ct.autocorrelation(np.ones((4, 3, 2)))["autocorrelation"]
    array([1., 1., 1.])
    """
    return Table._of(_core.autocorrelation(array("states", states)))
