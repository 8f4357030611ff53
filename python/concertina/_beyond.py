"""Analyses of plain arrays beyond those of the paper: similarity, dimension, decoding, capacity, and dynamics
along trials.
"""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._arrays import _network, _with_time
from ._given import array
from ._networks import Network
from ._tables import Table

Distance = Literal["euclidean", "sqeuclidean", "correlation"]


def _on_states(
    name: str,
    states: ArrayLike,
    labels: ArrayLike | None = None,
    conditions: ArrayLike | None = None,
    seed: int = 0,
    **settings: Any,
) -> Table:
    """An analysis of states, (samples, units) or (trials, time, units), as a table."""
    return Table._of(
        _core.on_states(
            name,
            json.dumps(settings),
            _with_time("states", states),
            None if labels is None else array("labels", labels),
            None if conditions is None else array("conditions", conditions),
            seed,
        )
    )


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
    return Table._of(_core.representation_similarity(_with_time("x", x), _with_time("y", y), distance))


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
    return _on_states("intrinsic_dimension", states, discarded=discarded, k_min=k_min, k_max=k_max)


def decoding(
    states: ArrayLike,
    labels: ArrayLike,
    *,
    testing: Literal["same", "across"] = "same",
    folds: int = 5,
    classifier: Literal["logistic", "svm"] = "logistic",
    c: float = 1.0,
    seed: int = 0,
) -> Table:
    """How well a cross-validated linear classifier reads the class of a trial from its state.

    Parameters
    ----------
    states : array (samples, units) or (trials, time, units)
        The states. They are not scaled.
    labels : array of int (samples,)
        The class of each trial, numbered from 0.
    testing : {"same", "across"}, default "same"
        Whether a classifier is tested at the timestep at which it was trained, or at every timestep
        (temporal generalisation).
    folds : int, default 5
        The number of folds, each with the same share of every class.
    classifier : {"logistic", "svm"}, default "logistic"
        Logistic regression with a squared penalty, or a linear support vector machine.
    c : float, default 1.0
        Inverse strength of the penalty, as in scikit-learn.
    seed : int, default 0
        Seeds the folds.

    Returns
    -------
    Table
        One row per timestep of training, or per pair of timesteps: `timestep`, `test_timestep` if
        `testing="across"`, `accuracy` (the mean over folds, in [0, 1]), `accuracy_sd` (over folds),
        `converged`.

    Raises
    ------
    ShapeError
        Shapes do not match, or numbers are NaN or infinite.
    ParameterError
        A setting is invalid, or a class has too few trials.

    References
    ----------
    King and Dehaene (2014), "Characterizing the dynamics of mental representations: the temporal
    generalization method".

    Examples
    --------
    >>> import numpy as np
    >>> import concertina as ct
    >>> labels = np.arange(40) % 2
    >>> states = labels[:, None] + 0.1 * np.random.default_rng(0).normal(size=(40, 3))
    >>> float(ct.decoding(states, labels, c=100)["accuracy"][0])
    1.0
    """
    settings = {"testing": testing, "folds": folds, "classifier": classifier, "c": c}
    return _on_states("decoding", states, labels, seed=seed, **settings)


def manifold_capacity(states: ArrayLike, labels: ArrayLike, *, directions: int = 300, seed: int = 0) -> Table:
    """How many manifolds, such as the clouds of conditions, a linear readout could separate.

    Parameters
    ----------
    states : array (samples, units) or (trials, time, units)
        The states.
    labels : array of int (samples,)
        The manifold of each state, numbered from 0.
    directions : int, default 300
        The number of random directions for each manifold.
    seed : int, default 0
        Seeds the directions.

    Returns
    -------
    Table
        One row per timestep and manifold, and one for the whole set, in which `manifold` is null:
        `timestep`, `manifold`, `samples`, `capacity` (manifolds per unit; 2 for points) and its standard error
        `capacity_error`, `radius` and `dimension` of the points that matter for the separation,
        `radius_centred`, `dimension_cosine`, `span`, `centre_norm`, `unconverged`.

    Raises
    ------
    ShapeError
        Shapes do not match, or numbers are NaN or infinite.
    ParameterError
        A setting is invalid.

    References
    ----------
    Chung, Lee and Sompolinsky (2018), "Classification and geometry of general perceptual manifolds".

    Examples
    --------
    Single points have capacity 2, up to the error of the random directions:

    >>> import numpy as np
    >>> import concertina as ct
    >>> table = ct.manifold_capacity(np.eye(10), np.arange(10), directions=2000)
    >>> bool(abs(table["capacity"][0] - 2) < 4 * table["capacity_error"][0])
    True
    """
    return _on_states("manifold_capacity", states, labels, seed=seed, directions=directions)


class FiniteTimeRates(NamedTuple):
    """How fast small differences grow along trials."""

    #: Bits per timestep, (trials, time, exponents), largest first; NaN where a singular value is zero or lost
    #: to rounding.
    rates: NDArray[np.float64]
    #: Whether the values have converged, (trials, time).
    converged: NDArray[np.bool_]


def finite_time(
    network: Network | ArrayLike,
    inputs: ArrayLike,
    *,
    exponents: int | None = None,
    start: Literal[0, 1] = 0,
    method: Literal["singular_values", "qr"] = "singular_values",
) -> FiniteTimeRates:
    """How much a network stretches or squeezes small differences along trials.

    With `J_t` the Jacobian of a step and `σ_i` the singular values of the product `J_t ... J_1`, the rates are
    `log2(σ_i) / t`.

    Parameters
    ----------
    network : Network or array (units, units)
        The network, or the recurrent weights, (from, to), of a network with tanh units and without biases.
    inputs : array (trials, time, inputs)
        The inputs of the trials.
    exponents : int, optional
        The number of rates, largest first. If not given, 5, or the dimension of a state if that is smaller.
    start : {0, 1}, default 0
        Products begin with the first step, or with the second, which leaves out the first stimulus.
    method : {"singular_values", "qr"}, default "singular_values"
        `qr` gives the accumulated diagonals of QR factorisations, for comparison.

    Returns
    -------
    FiniteTimeRates
        A named tuple of `rates`, (trials, time, exponents), in bits per timestep, and `converged`, (trials,
        time).

    Raises
    ------
    ShapeError
        The inputs are not those of the network, or states grow out of range.
    ParameterError
        A setting is invalid, or the network is feedforward.

    References
    ----------
    Engelken et al. (2023), "Lyapunov spectra of chaotic recurrent neural networks".

    Examples
    --------
    Near zero, this network halves every difference in every timestep:

    >>> import numpy as np
    >>> import concertina as ct
    >>> network = ct.Network({"recurrent": 0.5 * np.eye(3), "input": np.zeros((1, 3))})
    >>> ct.finite_time(network, np.zeros((2, 4, 1))).rates[0, -1]
    array([-1., -1., -1.])
    """
    settings = {"exponents": exponents, "from": start, "method": method}
    rates, converged = _core.finite_time(_network(network)._inner, array("inputs", inputs), json.dumps(settings))
    return FiniteTimeRates(rates, converged)


def covariant_vectors(
    network: Network | ArrayLike,
    *,
    vectors: int | None = None,
    settle: int = 500,
    forward: int = 500,
    window: int = 100,
    backward: int = 500,
    seed: int = 0,
) -> Table:
    """Angles between the covariant Lyapunov vectors of a network without input.

    Parameters
    ----------
    network : Network or array (units, units)
        The network, or the recurrent weights, (from, to), of a network with tanh units and without biases.
    vectors : int, optional
        The number of vectors, those of the largest exponents. If not given, the default of the analysis, or
        the dimension of a state if that is smaller.
    settle : int, default 500
        Timesteps in which the state settles.
    forward, window, backward : int, default 500, 100 and 500
        Timesteps in which the frames converge, in which vectors are measured, and in which they converge on
        the way back.
    seed : int, default 0
        Seeds the initial state.

    Returns
    -------
    Table
        One row per pair of vectors, `first` and `second`, with their exponents in bits per timestep, the
        `mean_angle` and `smallest_angle` over the window in radians (0 to π/2), the smallest principal angle
        between the unstable and the stable space, and whether the vectors have converged.

    Raises
    ------
    ParameterError
        A setting is invalid, the network is feedforward, or its states grow without bound.

    References
    ----------
    Ginelli et al. (2007), "Characterizing dynamics with covariant Lyapunov vectors".

    Examples
    --------
    The vectors at the fixed point of a symmetric network are orthogonal:

    >>> import numpy as np
    >>> import concertina as ct
    >>> table = ct.covariant_vectors(np.diag([0.9, 0.5]), window=10)
    >>> round(float(table["mean_angle"][0]), 6) == round(np.pi / 2, 6)
    True
    """
    settings = {"vectors": vectors, "settle": settle, "forward": forward, "window": window, "backward": backward}
    return Table._of(_core.covariant_vectors(_network(network)._inner, json.dumps(settings), seed))


def lyapunov_driven(
    network: Network | ArrayLike,
    inputs: ArrayLike,
    *,
    exponents: int | None = None,
    burn_in_trials: int | None = None,
    initial_conditions: int = 10,
    tolerance: float = 0.002,
    seed: int = 0,
) -> Table:
    """The largest Lyapunov exponents of a network that is driven by trials, in bits per timestep.

    The trials follow one another, and the state carries over from each to the next. Input may suppress chaos,
    so these exponents can be negative where those without input (`concertina.lyapunov`) are
    positive.

    Parameters
    ----------
    network : Network or array (units, units)
        The network, or the recurrent weights, (from, to), of a network with tanh units and without biases.
    inputs : array (trials, time, inputs)
        The inputs of the trials.
    exponents : int, optional
        The number of exponents, largest first. If not given, 10, or the dimension of a state if that is
        smaller.
    burn_in_trials : int, optional
        Trials before the estimate begins; none if not given.
    initial_conditions : int, default 10
        The number of orbits, which all receive the same inputs; at least 2.
    tolerance : float, default 0.002
        The standard error over initial conditions, in bits per timestep, below which an exponent counts as
        converged.
    seed : int, default 0
        Seeds the initial conditions.

    Returns
    -------
    Table
        One row per exponent: `index`, `exponent`, `standard_error`, `converged`, `reason` and others.

    Raises
    ------
    ShapeError
        The inputs are not those of the network.
    ParameterError
        A setting is invalid, or the network is feedforward.

    References
    ----------
    Engelken et al. (2023), "Lyapunov spectra of chaotic recurrent neural networks".

    Examples
    --------
    Strong input saturates this unit, and the exponent falls:

    >>> import numpy as np
    >>> import concertina as ct
    >>> network = ct.Network({"recurrent": [[2.0]], "input": [[1.0]]})
    >>> weak, strong = (ct.lyapunov_driven(network, np.full((3, 20, 1), size)) for size in (0.5, 3.0))
    >>> bool(strong["exponent"][0] < weak["exponent"][0])
    True
    """
    settings: dict[str, Any] = {
        "exponents": exponents,
        "initial_conditions": initial_conditions,
        "tolerance": tolerance,
        "drive": "input",
    }
    if burn_in_trials is not None:
        settings["burn_in_trials"] = burn_in_trials
    return Table._of(
        _core.lyapunov_driven(_network(network)._inner, array("inputs", inputs), json.dumps(settings), seed)
    )
