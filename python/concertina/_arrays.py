"""Analyses of plain arrays: states, weights and outputs from any source."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._errors import ParameterError, ShapeError
from ._given import array
from ._networks import Network
from ._tables import LyapunovSpectrum, Table


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
    return Table._of(_core.saturation(_with_time("rates", rates)))


def class_distances(states: ArrayLike, labels: ArrayLike) -> Table:
    """Mean Euclidean distances between states of the same class, and of different classes.

    Parameters
    ----------
    states : array (samples, units) or (trials, time, units)
        The states.
    labels : array of int (samples,)
        The class of each sample, numbered from 0.

    Returns
    -------
    Table
        One row per timestep: `timestep`, `within_class_distance`, `across_class_distance`. A distance is null
        if there is no such pair.

    Raises
    ------
    ShapeError
        Shapes do not match, or numbers are NaN or infinite.

    Examples
    --------
    >>> import concertina as ct
    >>> table = ct.class_distances([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
    >>> float(table["within_class_distance"][0]), float(table["across_class_distance"][0])
    (1.0, 5.0)
    """
    return Table._of(_core.class_distances(_with_time("states", states), array("labels", labels)))


def orthogonal_compression(
    states: ArrayLike,
    initial: ArrayLike,
    labels: ArrayLike,
    *,
    readout: ArrayLike | None = None,
    components: int | None = None,
) -> Table:
    """How much the part of the states that a readout does not see has shrunk.

    Parameters
    ----------
    states, initial : array (samples, units) or (trials, time, units)
        States after and before training, for the same trials.
    labels : array of int (samples,)
        The class of each sample, numbered from 0.
    readout : array (units, outputs), optional
        What the part is orthogonal to. If not given, the differences of the class means of `states`.
    components : int, optional
        With a readout, the number of principal components of each cloud that are used; all of them if not
        given. The analysis of runs uses as many as the input has dimensions.

    Returns
    -------
    Table
        One row per timestep: `timestep`, `orthogonal_compression`. This is a ratio, below 1 if the part has
        shrunk, and the mean over outputs.

    Raises
    ------
    ShapeError
        Shapes do not match, or numbers are NaN or infinite.

    References
    ----------
    Farrell et al. (2022).

    Examples
    --------
    >>> import numpy as np
    >>> import concertina as ct
    >>> before = np.random.default_rng(0).normal(size=(100, 3))
    >>> after = before * [1, 0.5, 0.5]                      # shrunk in the axes that the readout does not see
    >>> readout = [[1.0, -1.0], [0, 0], [0, 0]]             # (units, outputs)
    >>> table = ct.orthogonal_compression(after, before, np.arange(100) % 2, readout=readout)
    >>> bool(0.4 < table["orthogonal_compression"][0] < 1)
    True
    """
    return Table._of(
        _core.orthogonal_compression(
            _with_time("states", states),
            _with_time("initial", initial),
            array("labels", labels),
            None if readout is None else array("readout", readout),
            components,
        )
    )


def cluster_holdout(
    states: ArrayLike,
    labels: ArrayLike,
    clusters: ArrayLike,
    *,
    splits: int = 5,
    training_share: float = 0.8,
    classifier: Literal["logistic", "svm"] = "logistic",
    c: float = 1.0,
    seed: int = 0,
) -> Table:
    """How well a linear classifier of the states generalises to clusters that it has not seen.

    Parameters
    ----------
    states : array (samples, units) or (trials, time, units)
        The states.
    labels : array of int (samples,)
        The class of each sample, numbered from 0.
    clusters : array of int (samples,)
        The cluster, or another condition, of each sample, numbered from 0. All samples of a cluster have the
        same class.
    splits : int, default 5
        The number of independent splits of the clusters.
    training_share : float, default 0.8
        The share of the clusters of each class that the classifier sees.
    classifier : {"logistic", "svm"}, default "logistic"
        Logistic regression with a squared penalty, or a linear support vector machine.
    c : float, default 1.0
        Inverse strength of the penalty, as in scikit-learn.
    seed : int, default 0
        Seeds the splits.

    Returns
    -------
    Table
        One row per timestep: `timestep`; `training_accuracy` and `testing_accuracy`, means over splits in [0,
        1]; `training_accuracy_sd` and `testing_accuracy_sd`, standard deviations over splits, null for a
        single split; `converged`, whether every fit reached its optimum.

    Raises
    ------
    ShapeError
        Shapes do not match.
    ParameterError
        A setting is invalid, or a class has fewer than two clusters.

    References
    ----------
    Farrell et al. (2022), Fig. 2f and g.

    Examples
    --------
    >>> import numpy as np
    >>> import concertina as ct
    >>> clusters = np.arange(40) % 8
    >>> labels = clusters % 2
    >>> states = labels[:, None] + 0.01 * np.random.default_rng(0).normal(size=(40, 3))
    >>> float(ct.cluster_holdout(states, labels, clusters, c=100)["testing_accuracy"][0])
    1.0
    """
    settings = {"splits": splits, "training_share": training_share, "classifier": classifier, "c": c}
    return Table._of(
        _core.cluster_holdout(
            _with_time("states", states),
            array("labels", labels),
            array("clusters", clusters),
            json.dumps(settings),
            seed,
        )
    )


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
    given = _with_time("states", states)
    scores, directions, ratio = _core.principal_components(given, components)
    return PrincipalComponents(scores, directions, given.mean(axis=0, dtype=np.float64), ratio)


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


def spectrum(weights: ArrayLike) -> Table:
    """Eigenvalues and singular values of recurrent weights, and how far the weights are from normal.

    Parameters
    ----------
    weights : array (units, units)
        The matrix.

    Returns
    -------
    Table
        One row per index: `index`; `real`, `imaginary` and `modulus` of that eigenvalue (largest modulus
        first); `singular_value` (largest first); and, the same in every row, `spectral_radius`,
        `departure_from_normality` (Henrici's) and `relative_departure_from_normality`.

    Raises
    ------
    ShapeError
        The matrix is not square, or numbers are NaN or infinite.

    References
    ----------
    Henrici (1962); Trefethen and Embree (2005), "Spectra and pseudospectra".

    Examples
    --------
    >>> import concertina as ct
    >>> ct.spectrum([[0.0, 1.0], [-1.0, 0.0]])["imaginary"]
    array([ 1., -1.])
    """
    return Table._of(_core.spectrum(array("weights", weights)))


def lyapunov(
    network: Network | ArrayLike,
    *,
    exponents: int | None = None,
    stopping: Literal["converged", "paper"] = "converged",
    tolerance: float = 0.002,
    burn_in: int = 500,
    max_iterations: int = 10000,
    initial_conditions: int = 10,
    seed: int = 0,
) -> LyapunovSpectrum:
    """The largest Lyapunov exponents of a network without input, in bits per timestep.

    Parameters
    ----------
    network : Network or array (units, units)
        The network, or the recurrent weights, (from, to), of a network with tanh units and without biases.
    exponents : int, optional
        The number of exponents, largest first. If not given, 10, or the number of units if that is smaller.
    stopping : {"converged", "paper"}, default "converged"
        The rule that ends the estimate: when every standard error is below `tolerance`, or, as in the
        published code, when the last ten running averages agree.
    tolerance : float, default 0.002
        The standard error over initial conditions, in bits per timestep, that every exponent must fall below.
    burn_in : int, default 500
        Timesteps in which the states settle, followed by as many in which the frames turn.
    max_iterations : int, default 10000
        Timesteps after the burn-in at which the estimate ends in any case.
    initial_conditions : int, default 10
        The number of orbits that are followed in parallel, at least 2.
    seed : int, default 0
        Seeds the initial conditions.

    Returns
    -------
    LyapunovSpectrum
        A table with one row per exponent: `index`, `exponent`, `standard_error`, `converged`, `reason` and
        others. `.largest` is the largest exponent, and `.standard_error` is its error.

    Raises
    ------
    ParameterError
        A setting is invalid, or the network is feedforward and has no dynamics.

    References
    ----------
    Benettin et al. (1980), "Lyapunov characteristic exponents for smooth dynamical systems".

    Examples
    --------
    Near its fixed point at zero, a contracting network halves every distance in every timestep:

    >>> import numpy as np
    >>> import concertina as ct
    >>> round(ct.lyapunov(0.5 * np.eye(4)).largest, 6)
    -1.0
    """
    settings = {
        "exponents": exponents,
        "stopping": stopping,
        "tolerance": tolerance,
        "burn_in": burn_in,
        "max_iterations": max_iterations,
        "initial_conditions": initial_conditions,
    }
    return LyapunovSpectrum._of(_core.lyapunov(_network(network)._inner, json.dumps(settings), seed))


def fixed_points(
    network: Network | ArrayLike,
    states: ArrayLike,
    *,
    starts: int | None = 200,
    noise: float = 0.0,
    tolerance: float = 1e-24,
    slow: float = 1e-6,
    unique: float = 1e-3,
    max_iterations: int = 500,
    input: ArrayLike | None = None,
    seed: int = 0,
) -> Table:
    """Fixed points and slow points of a network without input, or with constant input.

    The speed `q(h) = ½ ‖F(h) - h‖²` is minimised from each start, where `F` maps a state to the next. A point
    where it falls below `tolerance` is a fixed point, at which the network stays. A local minimum of the
    speed between that and `slow` is a slow point, which states pass slowly. More starts, or some `noise`, may
    find more points.

    Parameters
    ----------
    network : Network or array (units, units)
        The network, or the recurrent weights, (from, to), of a network with tanh units and without biases.
    states : array (starts, units) or (trials, time, units)
        States to search from, for example the states along trials.
    starts : int or None, default 200
        The number of states to search from, drawn at random if there are more. None searches from all of
        them.
    noise : float, default 0.0
        The standard deviation of normal noise that is added to every unit of a start.
    tolerance : float, default 1e-24
        The speed below which a point is fixed.
    slow : float, default 1e-6
        The speed up to which a local minimum is a slow point.
    unique : float, default 1e-3
        The Euclidean distance below which two points are the same.
    max_iterations : int, default 500
        The number of steps after which the search from a start ends in any case.
    input : array (inputs,), optional
        The constant input; zero if not given.
    seed : int, default 0
        Seeds the choice of starts, and the noise.

    Returns
    -------
    Table
        One row per point: `index`, `kind` (`fixed` or `slow`), `speed`, `unstable` (how many eigenvalues of
        the Jacobian have a modulus above 1), `hits`, `start` (the row of `states`, with all timesteps of a
        trial one after the other), `iterations`, the vectors `state`, `eigenvalue_real` and
        `eigenvalue_imaginary`, and, the same in every row, `starts` and `unconverged`.

    Raises
    ------
    ShapeError
        The states do not have the shape of the network's states.
    ParameterError
        A setting is invalid, or the network is feedforward.

    References
    ----------
    Sussillo and Barak (2013), "Opening the black box"; Golub and Sussillo (2018).

    Examples
    --------
    Two units that excite each other have two stable states, and a saddle between them:

    >>> import numpy as np
    >>> import concertina as ct
    >>> starts = np.random.default_rng(0).uniform(-1, 1, size=(50, 2))
    >>> points = ct.fixed_points([[0.0, 2.0], [2.0, 0.0]], starts)
    >>> len(points.where("kind = fixed and unstable = 0"))
    2
    """
    given = array("states", states).astype(np.float64)
    given = given.reshape(-1, given.shape[-1]) if given.ndim == 3 else given
    rng = np.random.default_rng(seed)
    chosen: NDArray[np.int64] = np.arange(len(given))
    if starts is not None and given.ndim == 2 and starts < len(given):
        chosen = np.sort(rng.choice(len(given), starts, replace=False))
        given = given[chosen]
    if noise:
        given = given + noise * rng.normal(size=given.shape)
    settings = {
        "tolerance": tolerance,
        "slow": slow,
        "unique": unique,
        "max_iterations": max_iterations,
        "input": None if input is None else array("input", input).astype(np.float64).tolist(),
    }
    found = Table._of(_core.fixed_points(_network(network)._inner, given, json.dumps(settings)))
    columns = found.to_dict()
    columns["start"] = [None if start is None else int(chosen[start]) for start in columns["start"]]
    return Table(columns)


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
    given, wanted = _with_time("outputs", outputs), array("targets", targets)
    if wanted.ndim == 2 and wanted.dtype.kind == "f" and given.shape[:2] == (wanted.shape[0], 1):
        wanted = wanted[:, None]  # real targets have no time axis if outputs have none
    counts = None if mask is None else array("mask", mask)
    if counts is None and wanted.ndim == 1:
        # with one class per trial, the last output counts
        counts = np.zeros(given.shape[:2], dtype=bool)
        counts[:, -1:] = True
    return _core.evaluate(given, wanted, counts, kind)


def analyses() -> Table:
    """All analyses and their settings.

    Returns
    -------
    Table
        One row per analysis, followed by one row per setting: `analysis`, `setting`, `default`, `values`,
        `meaning`. In the row of an analysis, `setting`, `default` and `values` are null, and `meaning` is
        what the analysis measures.

    Examples
    --------
    >>> import concertina as ct
    >>> "lyapunov" in ct.analyses()["analysis"]
    True
    """
    rows: list[tuple[Any, ...]] = []
    for one in _core.analyses():
        rows.append((one["name"], None, None, None, one["summary"]))
        for setting in one["settings"]:
            values = setting["values"].replace("`", "")
            rows.append((one["name"], setting["name"], str(setting["default"]), values, setting["meaning"]))
    names = ("analysis", "setting", "default", "values", "meaning")
    return Table({name: [row[place] for row in rows] for place, name in enumerate(names)})


def _with_time(name: str, given: Any) -> NDArray[Any]:
    """An array with a time axis; one timestep is added if it has none."""
    found = array(name, given)
    return found[:, None] if found.ndim == 2 else found


def _network(given: Any) -> Network:
    """The given network, or a network of the given recurrent weights alone."""
    if isinstance(given, Network):
        return given
    if isinstance(given, Mapping) or hasattr(given, "state_dict"):
        raise ParameterError(
            f"`network`: expected a `Network` or recurrent weights, found {type(given).__name__}",
            "`concertina.Network(arrays)` and `concertina.Network.from_torch(module)` make a network",
        )
    return Network({"recurrent": array("network", given)})
