"""How states of different classes lie to each other, and what a linear readout can tell from them."""

from __future__ import annotations

import json
from typing import Literal

from numpy.typing import ArrayLike

from .. import _core
from .._given import array
from .._tables import Table
from .states import on_states, with_time


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
    return Table._of(_core.class_distances(with_time("states", states), array("labels", labels)))


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
            with_time("states", states),
            with_time("initial", initial),
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
            with_time("states", states),
            array("labels", labels),
            array("clusters", clusters),
            json.dumps(settings),
            seed,
        )
    )


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
    return on_states("decoding", states, labels, seed=seed, **settings)


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
    return on_states("manifold_capacity", states, labels, seed=seed, directions=directions)
