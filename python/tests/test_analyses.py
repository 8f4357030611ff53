"""Every analysis: on runs, the same as on the command line; on plain arrays, the same as on runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import concertina as ct
import numpy as np
import pytest
from concertina import _core
from small import SMALL

NAMES = [one["name"] for one in _core.analyses()]

#: Settings with which each analysis takes a moment.
QUICK: dict[str, dict[str, Any]] = {
    "lyapunov": {"exponents": 3, "max_iterations": 1000, "burn_in": 100},
    "fixed_points": {"starts": 20},
    "weight_variance": {"window": 2},
    "effective_dimension": {"samples": 40, "extend_to": 12},
    "pca_snapshots": {"samples": 30, "components": 3},
}


def test_three_runs_have_the_bits_of_the_command_line(
    empty: ct.Study, command: Callable[..., str], tmp_path: Any
) -> None:
    store = tmp_path / "command"
    small = [f"{name}={value}" for name, value in SMALL.items()]
    command("--store", str(store), "train", "gain=1.5", "seed=0..3", *small)
    theirs = ct.Study(store, progress=False).runs()
    ours = empty.train(gain=1.5, seed=range(3), **SMALL)
    assert {run.key for run in ours} == {run.key for run in theirs}
    by_key = {run.key: run for run in theirs}
    for run in ours:
        for at in ("first", 1, "last"):
            weights, others = run.weights(at), by_key[run.key].weights(at)
            assert set(weights) == set(others)
            for name, array in weights.items():
                assert array.tobytes() == others[name].tobytes(), (run.key, at, name)
        assert run.history == by_key[run.key].history


@pytest.mark.parametrize("name", NAMES)
def test_every_analysis_has_the_bits_of_the_command_line(
    name: str, study: ct.Study, runs: ct.Runs, command: Callable[..., str]
) -> None:
    settings = QUICK.get(name, {})
    at = "all" if name == "weight_variance" else "ends"
    ours = getattr(runs, name)(at=at, **settings)
    small = [f"{name}={value}" for name, value in SMALL.items()]
    given = [f"--with={setting}={value}" for setting, value in settings.items()]
    printed = command(
        "--store",
        study.folder,
        "analyse",
        name,
        "gain=1.5,20",
        "seed=0..2",
        *small,
        *given,
        "--checkpoints",
        at,
        "--json",
    )
    theirs = json.loads(printed)
    assert ours.columns == list(theirs[0])
    assert [row for row in ours] == theirs


@pytest.mark.parametrize("name", NAMES)
def test_one_run_is_analysed_like_several(name: str, runs: ct.Runs) -> None:
    settings = QUICK.get(name, {})
    assert getattr(runs[1], name)(at="last", **settings)["epoch"].tolist()[0] == 2
    assert runs[1].analyse(name, at=2, **settings).columns == getattr(runs[1], name)(at=[2], **settings).columns


def test_a_spectrum_knows_its_largest_exponent(runs: ct.Runs) -> None:
    found = runs[2].lyapunov(at="last", **QUICK["lyapunov"])
    assert isinstance(found, ct.LyapunovSpectrum)
    assert found.largest == found.exponents[0] == found["exponent"][0]
    assert found.standard_error == found["standard_error"][0]
    assert found.converged == bool(found["converged"].all())
    assert np.isnan(found[:0].largest) if isinstance(found[:0], ct.LyapunovSpectrum) else True
    gone = runs[0].lyapunov(at="last", **QUICK["lyapunov"])
    assert gone.largest < 0


def test_settings_are_python_values(runs: ct.Runs) -> None:
    few = runs[0].effective_dimension(at="last", timesteps=range(3), samples=np.int64(20))
    assert few["timestep"].tolist() == [0, 1, 2]
    assert runs[0].effective_dimension(at="last", timesteps="last")["timestep"].tolist() == [9]
    assert len(runs[0].fixed_points(at="last", starts=5, input=np.zeros(6))) > 0


def test_the_list_of_analyses() -> None:
    table = ct.analyses()
    assert set(table["analysis"]) == set(NAMES)
    assert table.where("analysis = lyapunov and setting = exponents")["default"].tolist() == ["None"]
    for name in NAMES:
        assert callable(getattr(ct, name)), name
        assert getattr(ct.Runs, name).__doc__, name


# ---- plain arrays: analyses of states and weights give the numbers of the analyses of their runs


def states_of(run: ct.Run, at: str, samples: int) -> ct.States:
    return run.states(at, samples=samples)


def column(table: ct.Table, name: str) -> Any:
    """A column of a run's analysis without the timestep of the input."""
    kept = table["timestep"] >= 0
    return table[name][kept]


@pytest.mark.parametrize("at", ["first", "last"])
def test_states_as_arrays_give_the_results_of_the_run(runs: ct.Runs, at: str) -> None:
    run = runs[3]
    samples = 40
    states = states_of(run, at, samples)
    labels, clusters = states.labels, states.conditions
    assert labels is not None
    assert clusters is not None
    np.testing.assert_array_equal(
        ct.effective_dimension(states), column(run.effective_dimension(at=at, samples=samples), "effective_dimension")
    )
    assert ct.effective_dimension(states[:, 4]) == ct.effective_dimension(states)[4]
    for function, arguments in (
        ("autocorrelation", ()),
        ("saturation", ()),
        ("class_distances", (labels,)),
        ("cluster_holdout", (labels, clusters)),
    ):
        extra = {"seed": run.params.seed} if function == "cluster_holdout" else {}
        found = getattr(ct, function)(states, *arguments, **extra)
        theirs = getattr(run, function)(at=at, samples=samples)
        for name in found.columns:
            np.testing.assert_array_equal(found[name], column(theirs, name), err_msg=f"{function}: {name}")


def test_principal_components_give_the_results_of_the_run(runs: ct.Runs) -> None:
    run = runs[3]
    found = ct.pca_snapshots(run.states("last", samples=30), components=3)
    theirs = run.pca_snapshots(at="last", samples=30, components=3)
    rows = theirs.where("kind = sample and timestep = 9")
    first = ct.pca_snapshots(run.states("last", samples=30)[:, 9], components=3)
    np.testing.assert_allclose(np.abs(first.scores[:, 0, 0]), np.abs(rows["pc1"]), rtol=1e-9)
    ratio = theirs.where("kind = explained_variance_ratio and timestep >= 0")
    np.testing.assert_allclose(found.explained_variance_ratio[:, 0], ratio["pc1"])
    assert found.components.shape == (10, 12, 3)


def test_orthogonal_compression_gives_the_results_of_the_run(runs: ct.Runs) -> None:
    run = runs[3]
    now, before = run.states("last", samples=40), run.states("first", samples=40)
    theirs = run.orthogonal_compression(samples=40).where("stage = after")
    found = ct.orthogonal_compression(
        now, before, now.labels, readout=run.weights()["readout"], components=run.params.input_dim
    )
    np.testing.assert_array_equal(found["orthogonal_compression"], column(theirs, "orthogonal_compression"))
    theirs = run.orthogonal_compression(samples=40, reference="class_means").where("stage = after")
    found = ct.orthogonal_compression(now, before, now.labels)
    np.testing.assert_array_equal(found["orthogonal_compression"], column(theirs, "orthogonal_compression"))
    doubled = ct.orthogonal_compression(now.astype(np.float64), before, now.labels)
    np.testing.assert_allclose(doubled["orthogonal_compression"], found["orthogonal_compression"], rtol=1e-5)


def test_weights_as_arrays_give_the_results_of_the_run(runs: ct.Runs) -> None:
    run = runs[3]
    theirs = run.spectrum(at="last")
    found = ct.spectrum(run.weights()["recurrent"])
    for name in found.columns:
        if name != "timestep":
            np.testing.assert_array_equal(found[name], theirs[name], err_msg=name)
    weights = np.stack([run.weights(epoch)["readout"] for epoch, _ in run.checkpoints if epoch in (0, 1, 2)])
    variance = run.weight_variance(at=[0, 1, 2], window=2)["weight_variance"]
    np.testing.assert_array_equal(ct.weight_variance(weights[: len(variance)], window=2), variance)


def test_networks_give_the_results_of_the_run(runs: ct.Runs) -> None:
    run = runs[3]
    network = run.network("last")
    settings = QUICK["lyapunov"]
    found, theirs = ct.lyapunov(network, seed=run.params.seed, **settings), run.lyapunov(at="last", **settings)
    for name in found.columns:
        assert found[name].tolist() == theirs[name].tolist(), name
    assert found.largest == theirs.largest
    points = ct.fixed_points(network, run.states("last", samples=20), starts=20, noise=0.01)
    assert points["starts"].tolist()[0] == 20
    assert {"index", "kind", "state", "eigenvalue_real", "start"} <= set(points.columns)


def test_outputs_as_arrays_give_the_results_of_the_run(runs: ct.Runs) -> None:
    run = runs[3]
    states = run.states("last", samples=40)
    weights = run.weights("last")
    outputs = np.asarray(states) @ weights["readout"] + weights["readout_bias"]
    assert states.labels is not None
    assert ct.accuracy(outputs, states.labels) == run.accuracy(at="last", samples=40)["accuracy"][0]
    np.testing.assert_allclose(ct.loss(outputs, states.labels), run.loss(at="last", samples=40)["loss"][0], rtol=1e-5)


def test_losses_of_every_kind_of_target(rng: np.random.Generator) -> None:
    outputs = rng.normal(size=(5, 4, 3)).astype(np.float32)
    targets = rng.normal(size=(5, 4, 3)).astype(np.float32)
    assert ct.loss(outputs, targets) == pytest.approx(float(np.mean((outputs - targets) ** 2)), rel=1e-5)
    mask = np.zeros((5, 4), dtype=bool)
    mask[:, 1] = True
    expected = float(np.mean((outputs[:, 1] - targets[:, 1]) ** 2))
    assert ct.loss(outputs, targets, mask) == pytest.approx(expected, rel=1e-5)
    assert ct.loss(outputs[:, 1], targets[:, 1]) == pytest.approx(expected, rel=1e-5)
    classes = outputs.argmax(axis=2)
    assert ct.accuracy(outputs, classes) == 1.0
    assert ct.accuracy(outputs, classes[:, 2], mask=np.arange(4)[None] == np.full((5, 1), 2)) == 1.0
    with pytest.raises(ct.ShapeError, match="expected classes"):
        ct.accuracy(outputs, targets)


def test_states_are_compared_at_each_timestep(runs: ct.Runs) -> None:
    before, after = runs[3].states("first", samples=40), runs[3].states("last", samples=40)
    similarity = ct.cka(before, after)
    assert similarity.shape == (10,)
    assert similarity[4] == ct.cka(before[:, 4], after[:, 4])
    x = before[:, 4] - before[:, 4].mean(axis=0, dtype=np.float64)
    y = after[:, 4] - after[:, 4].mean(axis=0, dtype=np.float64)
    expected = np.linalg.norm(x.T @ y) ** 2 / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y)
    assert similarity[4] == pytest.approx(expected)
    assert ct.cka(before[:, 4], after[:, 4], debiased=True) < similarity[4]
    assert np.isnan(ct.cka(np.ones((5, 2)), before[:5, 4]))
    with pytest.raises(ct.ShapeError, match="timesteps as in `x`"):
        ct.cka(before, after[:, :5])


def test_undefined_numbers_are_nan() -> None:
    assert np.isnan(ct.effective_dimension(np.ones((5, 3))))
    np.testing.assert_array_equal(ct.effective_dimension(np.ones((5, 2, 3))), [np.nan, np.nan])


def test_other_types_are_converted_and_views_are_read(rng: np.random.Generator) -> None:
    states = rng.normal(size=(50, 6))
    expected = ct.effective_dimension(states)
    assert ct.effective_dimension(states.tolist()) == expected
    assert ct.effective_dimension(np.asfortranarray(states)) == expected
    assert ct.effective_dimension(states[::-1]) == pytest.approx(expected)
    assert ct.effective_dimension(states.astype(">f8")) == expected
    assert ct.effective_dimension(states.astype(np.float16)) == pytest.approx(expected, rel=1e-2)
    assert ct.effective_dimension((states * 100).astype(np.int32)) == pytest.approx(expected, rel=1e-3)
    unaligned = np.frombuffer(b"x" + states.tobytes(), dtype=np.uint8)[1:].view(np.float64).reshape(50, 6)
    assert ct.effective_dimension(unaligned) == expected


def test_starts_of_fixed_points_are_rows_of_the_states(rng: np.random.Generator) -> None:
    states = rng.uniform(-1, 1, size=(30, 20, 2))  # (trials, time, units)
    points = ct.fixed_points([[0.0, 2.0], [2.0, 0.0]], states, starts=40)
    stable = points.where("kind = fixed and unstable = 0")
    assert points["starts"].tolist()[0] == 40
    # a start and the point found from it are in the same half of the plane
    began = states.reshape(-1, 2)[stable["start"]]
    assert (np.sign(began.sum(axis=1)) == np.sign(stable["state"].sum(axis=1))).all()
    everything = ct.fixed_points([[0.0, 2.0], [2.0, 0.0]], states, starts=None)
    assert everything["starts"].tolist()[0] == 600


def test_performance_of_one_output_and_of_classes_that_do_not_exist() -> None:
    table = ct.performance([[[0.5]], [[-0.5]]], [[1], [1]], conditions=[0, 1])
    assert table["accuracy"].tolist() == [1.0, 0.0]
    with pytest.raises(ct.ShapeError, match="classes from 0 to 1"):
        ct.performance([[[0.5, 0.1]]], [[2]])
