"""How a network moves its states: exponents, fixed points, stretching, and the spectrum of its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._errors import ParameterError
from .._given import array
from .._networks import Network
from .._tables import LyapunovSpectrum, Table


def lyapunov(
    network: Network | ArrayLike,
    *,
    inputs: ArrayLike | None = None,
    exponents: int | None = None,
    stopping: Literal["converged", "paper"] | None = None,
    tolerance: float = 0.002,
    burn_in: int | None = None,
    burn_in_trials: int | None = None,
    max_iterations: int | None = None,
    initial_conditions: int = 10,
    seed: int = 0,
) -> LyapunovSpectrum:
    """The largest Lyapunov exponents of a network, in bits per timestep: without input, or along trials.

    With `inputs`, the trials follow one another, and the state carries over from each to the next. Input may
    suppress chaos, so these exponents can be negative where those without input are positive.

    Parameters
    ----------
    network : Network or array (units, units)
        The network, or the recurrent weights, (from, to), of a network with tanh units and without biases.
    inputs : array (trials, time, inputs), optional
        The inputs of the trials that drive the network. If not given, there is no input.
    exponents : int, optional
        The number of exponents, largest first. If not given, 10, or the dimension of a state if that is
        smaller.
    stopping : {"converged", "paper"}, optional
        The rule that ends the estimate without input: when every standard error is below `tolerance`, which is
        the default, or, as in the published code, when the last ten running averages agree.
    tolerance : float, default 0.002
        The standard error over initial conditions, in bits per timestep, below which an exponent counts as
        converged.
    burn_in : int, optional
        Without input, timesteps in which the states settle, followed by as many in which the frames turn. If
        not given, 500.
    burn_in_trials : int, optional
        With inputs, trials before the estimate begins. If not given, none.
    max_iterations : int, optional
        Without input, timesteps after the burn-in at which the estimate ends in any case. If not given, 10000.
    initial_conditions : int, default 10
        The number of orbits that are followed in parallel, at least 2. All receive the same inputs.
    seed : int, default 0
        Seeds the initial conditions.

    Returns
    -------
    LyapunovSpectrum
        A table with one row per exponent: `index`, `exponent`, `standard_error`, `converged`, `reason` and
        others. `.largest` is the largest exponent, and `.standard_error` is its error.

    Raises
    ------
    ShapeError
        The inputs are not those of the network.
    ParameterError
        A setting is invalid or belongs to the other case, or the network is feedforward and has no dynamics.

    References
    ----------
    Benettin et al. (1980), "Lyapunov characteristic exponents for smooth dynamical systems"; Engelken et al.
    (2023), "Lyapunov spectra of chaotic recurrent neural networks", for networks with input.

    Examples
    --------
    Near its fixed point at zero, a contracting network halves every distance in every timestep:

    >>> import numpy as np
    >>> import concertina as ct
    >>> round(ct.lyapunov(0.5 * np.eye(4)).largest, 6)
    -1.0

    Strong input saturates a unit, and its exponent falls:

    >>> network = ct.Network({"recurrent": [[2.0]], "input": [[1.0]]})
    >>> weak, strong = (ct.lyapunov(network, inputs=np.full((3, 20, 1), size)) for size in (0.5, 3.0))
    >>> strong.largest < weak.largest
    True
    """
    asked = {
        "exponents": exponents,
        "stopping": stopping,
        "tolerance": tolerance,
        "burn_in": burn_in,
        "burn_in_trials": burn_in_trials,
        "max_iterations": max_iterations,
        "initial_conditions": initial_conditions,
    }
    refused = ("burn_in_trials",) if inputs is None else ("stopping", "burn_in", "max_iterations")
    for name in refused:
        if asked[name] is not None:
            case = "without `inputs`" if inputs is None else "with `inputs`"
            raise ParameterError(f"`{name}`: expected no such setting {case}, found {asked[name]!r}")
    settings = json.dumps({name: value for name, value in asked.items() if value is not None})
    driving = None if inputs is None else array("inputs", inputs)
    return LyapunovSpectrum._of(_core.lyapunov(_network(network)._inner, driving, settings, seed))


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
