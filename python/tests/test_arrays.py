"""Analyses of plain arrays beyond the paper's: the same numbers as the analyses of the runs they come from."""

from __future__ import annotations

from typing import Any

import concertina as ct
import numpy as np
import pytest

#: The number of trials.
COUNT = 40


@pytest.fixture(scope="module")
def run(runs: ct.Runs) -> ct.Run:
    """A run, whose seed is not 0."""
    return runs[3]


@pytest.fixture(scope="module")
def states(run: ct.Run) -> ct.States:
    """Its states after training, with the trials."""
    return run.states("last", samples=COUNT)


@pytest.fixture(scope="module")
def inputs(states: ct.States) -> Any:
    """The inputs of these trials, (trials, time, inputs): the stimulus is shown in the first timestep."""
    shown = np.zeros((COUNT, states.shape[1], states.inputs.shape[1]), dtype=np.float32)
    shown[:, 0] = states.inputs
    return shown


def assert_same(found: ct.Table, theirs: ct.Table, close: float | None = None) -> None:
    """Columns of a table of arrays are those of the run, without the timestep of the input."""
    if "timestep" in theirs.columns:
        kept = theirs["timestep"] >= 0
        if "test_timestep" in theirs.columns:
            kept &= theirs["test_timestep"] >= 0
        theirs = theirs[kept]
    assert len(found) == len(theirs)
    for name in found.columns:
        if close is None or found[name].dtype.kind != "f":
            np.testing.assert_array_equal(found[name], theirs[name], err_msg=name)
        else:
            np.testing.assert_allclose(found[name], theirs[name], rtol=close, atol=close, err_msg=name)


def test_dimensions_of_the_surface(run: ct.Run, states: ct.States) -> None:
    theirs = run.intrinsic_dimension(at="last", samples=COUNT, k_min=5, k_max=10)
    assert_same(ct.intrinsic_dimension(states, k_min=5, k_max=10), theirs)
    found = ct.twonn(states)
    np.testing.assert_array_equal(found.dimension, theirs["twonn"][theirs["timestep"] >= 0])
    np.testing.assert_array_equal(found.standard_error, theirs["twonn_se"][theirs["timestep"] >= 0])
    assert ct.twonn(states[:, 3]).dimension == found.dimension[3]
    assert ct.twonn(states, discarded=0.3).dimension[3] != found.dimension[3]
    assert np.isnan(ct.twonn(np.ones((5, 3))).dimension)
    assert np.isnan(ct.twonn(np.ones((5, 2, 3))).ml).tolist() == [True, True]
    with pytest.raises(ct.ParameterError, match="discarded"):
        ct.twonn(states, discarded=1.5)


@pytest.mark.parametrize("testing", ["same", "across"])
def test_decoding(run: ct.Run, states: ct.States, testing: Any) -> None:
    theirs = run.decoding(at="last", samples=COUNT, folds=3, testing=testing)
    assert states.labels is not None
    assert_same(ct.decoding(states, states.labels, folds=3, testing=testing, seed=run.params.seed), theirs)


def test_manifold_capacity(run: ct.Run, states: ct.States) -> None:
    theirs = run.manifold_capacity(at="last", samples=COUNT, directions=20)
    assert states.conditions is not None
    assert_same(ct.manifold_capacity(states, states.conditions, directions=20, seed=run.params.seed), theirs)


def test_similarity_to_the_network_before_training(run: ct.Run, states: ct.States) -> None:
    theirs = run.representation_similarity(at="ends", samples=COUNT).where("stage = after")
    before = run.states("first", samples=COUNT)
    assert_same(ct.representation_similarity(states, before), theirs)
    np.testing.assert_array_equal(ct.cka(states, before), theirs["cka"][theirs["timestep"] >= 0])


def test_dissimilarities_are_distances(states: ct.States) -> None:
    found = ct.rdm(states[:, 4])
    rows, columns = np.triu_indices(COUNT, 1)
    wide = states[:, 4].astype(np.float64)
    np.testing.assert_allclose(found, np.linalg.norm(wide[rows] - wide[columns], axis=1))


@pytest.mark.parametrize("start", [0, 1])
def test_stretching_along_trials(run: ct.Run, inputs: Any, start: Any) -> None:
    theirs = run.finite_time(at="last", samples=COUNT, start=start, exponents=3)
    rates, converged = ct.finite_time(run.network("last"), inputs, start=start, exponents=3)
    np.testing.assert_allclose(rates.mean(axis=0).ravel(), theirs["rate"], rtol=1e-9)
    assert converged.all(axis=0).repeat(3).tolist() == theirs["converged"].tolist()


def test_covariant_vectors(run: ct.Run) -> None:
    settings: dict[str, int] = {"vectors": 2, "settle": 50, "forward": 50, "window": 10, "backward": 50}
    theirs = run.covariant_vectors(at="last", **settings)
    assert_same(ct.covariant_vectors(run.network("last"), seed=run.params.seed, **settings), theirs)


def test_exponents_of_a_network_that_trials_drive(run: ct.Run, inputs: Any) -> None:
    theirs = run.lyapunov(at="last", drive="input", samples=COUNT, exponents=3)
    found = ct.lyapunov(run.network("last"), inputs=inputs, exponents=3, seed=run.params.seed)
    assert isinstance(found, ct.LyapunovSpectrum)
    assert_same(found, theirs)
    assert found.largest == theirs.largest != ct.lyapunov(run.network("last"), exponents=3).largest
    with pytest.raises(ct.ShapeError, match="trials of 6 inputs"):
        ct.lyapunov(run.network("last"), inputs=inputs[:, :, :2])


@pytest.mark.parametrize(("given", "name"), [(True, "burn_in"), (True, "stopping"), (False, "burn_in_trials")])
def test_settings_of_the_other_case_are_refused(run: ct.Run, inputs: Any, given: bool, name: str) -> None:
    value: Any = "paper" if name == "stopping" else 5
    with pytest.raises(ct.ParameterError, match=f"`{name}`: expected no such setting with"):
        ct.lyapunov(run.network("last"), inputs=inputs if given else None, **{name: value})


def test_the_kernel_and_what_it_needs(run: ct.Run, states: ct.States, inputs: Any) -> None:
    theirs = run.kernel(at="last", samples=COUNT)
    now, before = run.network("last"), run.network("first")
    assert states.labels is not None
    found = ct.kernel(now, inputs, states.labels, before=before)
    assert found["block"].tolist() == theirs["block"].tolist()
    assert_same(found, theirs, close=1e-9)
    alone = ct.kernel(now, inputs)
    np.testing.assert_array_equal(alone["mean_kernel"], found["mean_kernel"])
    for column in ("label_alignment", "kernel_distance", "relative_change"):
        assert np.isnan(alone[column]).all()
        assert not np.isnan(found[column][0]) or column == "relative_change"


def test_the_kernel_of_some_arrays_and_of_other_timesteps(run: ct.Run, inputs: Any) -> None:
    network = run.network("last")
    of_readout = ct.kernel(network, inputs, trained=["readout"])
    assert of_readout["block"][of_readout["trained"]].tolist() == ["all", "readout_weights"]
    # the kernel of the readout weights is the sum over outputs of the products of states
    read = network(inputs)[1][:, 4].astype(np.float64)
    expected = run.params.classes * np.mean(np.sum(read**2, axis=1))
    found = ct.kernel(network, inputs, trained=["readout"], read_at=np.full(COUNT, 4))
    assert found["mean_kernel"][0] == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ct.ParameterError, match=r"expected names of arrays, .*found `weights`"):
        ct.kernel(network, inputs, trained=["weights"])
    with pytest.raises(ct.ShapeError, match="`read_at`: expected 40 timesteps, each below 10, found 10"):
        ct.kernel(network, inputs, read_at=np.full(COUNT, 10))
    with pytest.raises(ct.ShapeError, match="`read_at`: expected 40 timesteps, each below 10, found 3 of them"):
        ct.kernel(network, inputs, read_at=[1, 2, 3])
    with pytest.raises(ct.ShapeError, match="labels: expected one for each of 40 trials"):
        ct.kernel(network, inputs, [0, 1])
    with pytest.raises(ct.ParameterError, match="readout"):
        ct.kernel(ct.Network({"recurrent": np.eye(6), "input": np.eye(6)}), inputs)


def test_the_kernel_knows_the_trained_arrays_of_a_network_from_arrays(rng: np.random.Generator) -> None:
    shapes = {"recurrent": (5, 5), "input": (2, 5), "readout": (5, 3)}
    network = ct.Network({name: 0.3 * rng.normal(size=shape) for name, shape in shapes.items()})
    table = ct.kernel(network, rng.normal(size=(8, 4, 2)))
    trained = dict(zip(table["block"].tolist(), table["trained"].tolist(), strict=True))
    assert trained["recurrent_weights"]
    assert trained["readout_weights"]
    assert not trained["input_weights"]
    everything = ct.kernel(network, rng.normal(size=(8, 4, 2)), trained=["recurrent", "input", "readout"])
    assert int(everything["trained"].sum()) == 4
