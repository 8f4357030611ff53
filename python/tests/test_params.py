"""Parameters and sweeps."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path

import concertina as ct
import numpy as np
import pytest


def test_defaults_are_the_papers() -> None:
    params = ct.Params()
    assert (params.units, params.gain, params.input_dim) == (200, 20.0, 200)
    assert params["network.kind"] == params.kind == "vanilla"
    assert params["task.kind"] == params.task == "clusters"


def test_published_names_are_the_same_parameters() -> None:
    ours = ct.Params(input_dim=2, gain=250, units=100, seed=3)
    published = ct.Params(X_dim=2, g_radius=2.5e2, N=100, model_seed=3)
    assert ours == published
    assert ours.key == published.key
    assert hash(ours) == hash(published)
    assert ours != ct.Params(input_dim=2)
    assert ours != "parameters"


def test_the_key_is_the_command_lines(command) -> None:  # type: ignore[no-untyped-def]
    printed = command("train", "gain=250", "input_dim=2", "seed=3", "--print")
    assert ct.Params(gain=250, input_dim=2, seed=3).key in printed


def test_numpy_numbers_are_numbers() -> None:
    assert ct.Params(gain=np.float32(250), units=np.int64(50)) == ct.Params(gain=250, units=50)
    assert ct.Params(milestones=np.array([3, 6]), scheduler="multistep").milestones == [3, 6]


def test_parameters_are_immutable_and_replace_makes_others() -> None:
    params = ct.Params(gain=250)
    with pytest.raises(AttributeError, match=r"params\.replace\(gain=\.\.\.\)"):
        params.gain = 20  # type: ignore[misc]
    other = params.replace(g_radius=20, units=30)
    assert (other.gain, other.units, params.gain) == (20.0, 30, 250.0)
    assert repr(other) == "Params(gain=20, units=30)"


def test_unknown_attributes_raise() -> None:
    with pytest.raises(AttributeError, match="no attribute 'gian'"):
        _ = ct.Params().gian  # type: ignore[attr-defined]
    assert {"gain", "units", "replace"} <= set(dir(ct.Params()))


def test_parameters_print_as_toml_and_are_read_again(tmp_path: Path) -> None:
    params = ct.Params(gain=250, epochs=3, saves_per_epoch=[1, 0, 2])
    assert "gain = 250" in str(params)
    assert ct.Params.read(str(params)) == params
    file = tmp_path / "run.toml"
    file.write_text(params.to_toml(), encoding="utf-8")
    assert ct.Params.read(file) == params == ct.Params.read(str(file))
    json = tmp_path / "run.json"
    json.write_text('{"g_radius": 250, "num_epochs": 3}', encoding="utf-8")
    assert ct.Params.read(json) == ct.Params(gain=250, epochs=3)


def test_every_parameter_is_in_the_dictionary() -> None:
    values = ct.Params(gain=250).to_dict()
    assert values["network.gain"] == 250.0
    assert set(values) == set(ct.parameters()["path"])


def test_parameters_can_be_pickled_with_their_trials(task: ct.Trials) -> None:
    for params in (ct.Params(gain=250), ct.Params(task=task, network="gru")):
        again = pickle.loads(pickle.dumps(params))
        assert again == params
        assert again.key == params.key
    assert ct.Params(task=task).trials == task
    assert ct.Params().trials is None


def test_lists_and_ranges_are_crossed_and_the_last_varies_fastest() -> None:
    runs = ct.sweep(gain=(20, 250), seed=range(2), units=30)
    assert [(run.gain, run.seed, run.units) for run in runs] == [
        (20.0, 0, 30),
        (20.0, 1, 30),
        (250.0, 0, 30),
        (250.0, 1, 30),
    ]
    assert len(ct.sweep(gain=np.linspace(1, 2, 5), learning_rate=[1e-3, 1e-4])) == 10
    assert len(ct.sweep(optimizer="adam")) == 1


def test_a_parameter_that_is_a_list_is_swept_by_a_list_of_lists() -> None:
    one = ct.sweep(scheduler="multistep", milestones=[3, 6])
    assert [run.milestones for run in one] == [[3, 6]]
    two = ct.sweep(scheduler="multistep", milestones=[[3, 6], [4]])
    assert [run.milestones for run in two] == [[3, 6], [4]]


def test_zipped_parameters_change_together_and_are_crossed_with_the_rest() -> None:
    runs = ct.sweep(ct.zip(gain=[20, 250], learning_rate=[1e-3, 1e-4]), seed=range(2))
    assert [(run.gain, run.learning_rate, run.seed) for run in runs] == [
        (20.0, 1e-3, 0),
        (20.0, 1e-3, 1),
        (250.0, 1e-4, 0),
        (250.0, 1e-4, 1),
    ]
    assert repr(ct.zip(gain=[20, 250])) == "zip(gain=[20, 250])"


def test_later_values_override_earlier_ones(task: ct.Trials) -> None:
    base = ct.Params(gain=250, units=30)
    assert [(run.gain, run.units) for run in ct.sweep(base, g_radius=[1, 2])] == [(1.0, 30), (2.0, 30)]
    assert [run.gain for run in ct.sweep(ct.zip(gain=[1, 2], seed=[0, 1]), gain=5)] == [5.0]
    runs = ct.sweep(task=[task, ct.Trials(task.inputs[:20], task.targets[:20])], network="gru")
    assert [run.trials == task for run in runs] == [True, False]


def test_a_list_of_parameters_is_used_unchanged() -> None:
    wanted = [ct.Params(gain=20), ct.Params(units=30, seed=4)]
    assert ct.sweep(wanted) == wanted
    assert ct.sweep(iter(wanted)) == wanted


def test_signatures_name_every_parameter() -> None:
    for function in (ct.Params, ct.sweep, ct.zip, ct.Study.train):
        names = set(inspect.signature(function).parameters)
        assert {"gain", "units", "learning_rate", "seed", "task"} <= names, function


def test_the_list_of_parameters_explains_each() -> None:
    row = ct.parameters().where("name = units")[0]
    assert row["published"] == "N"
    assert row["default"] == "200"
    assert row["only_with"] is None
    dt = ct.parameters().where("name = leak")[0]
    assert "network.kind = leaky" in dt["only_with"]
    gain = ct.parameters().where("name = gain")[0]
    assert (row["other_defaults"], gain["default"]) == (None, "20.0")
    assert gain["other_defaults"] == "1.5 with network.kind = rate or network.excitatory"
