"""Trials from arrays."""

from __future__ import annotations

import pickle
from pathlib import Path

import concertina as ct
import numpy as np
import pytest


def test_trials_are_named_by_their_content(task: ct.Trials) -> None:
    same = ct.Trials(
        np.concatenate([task.inputs, np.zeros((0, 8, 2))])[:51],
        task.targets.astype(np.int8),
        condition=task.condition,
        validation=None,
    )
    assert task.name.startswith("trials-")
    assert len(task) == 60
    assert same != task
    again = pickle.loads(pickle.dumps(task))
    assert again == task
    assert hash(again) == hash(task)
    assert task != "trials"


def test_arrays_come_out_as_they_went_in(rng: np.random.Generator) -> None:
    inputs = rng.normal(size=(10, 4, 2)).astype(np.float32)
    mask = rng.random((10, 4)) < 0.7
    mask[:, -1] = True
    targets = rng.integers(0, 3, size=(10, 4))
    validation = {"inputs": inputs[:3], "targets": targets[:3], "mask": mask[:3]}
    trials = ct.Trials(inputs, targets, mask, validation=validation)
    np.testing.assert_array_equal(trials.inputs, inputs)
    np.testing.assert_array_equal(trials.targets[mask], targets[mask])
    assert trials.mask is not None
    np.testing.assert_array_equal(trials.mask, mask)
    assert trials.condition is None
    assert repr(trials) == "Trials(10 to train on, 3 to validate with, 4 timesteps, 2 inputs, classes)"
    real = ct.Trials(inputs, inputs, validation={"inputs": inputs, "targets": inputs})
    np.testing.assert_array_equal(real.targets, inputs)
    assert real.mask is None
    assert "real targets" in repr(real)


def test_time_may_come_first(rng: np.random.Generator) -> None:
    inputs, targets = rng.normal(size=(10, 4, 2)), rng.integers(0, 3, size=(10, 4))
    turned = ct.Trials(inputs.swapaxes(0, 1), targets.T, time_major=True)
    assert turned == ct.Trials(inputs, targets)


def test_trials_are_read_from_a_file(task: ct.Trials, tmp_path: Path) -> None:
    inputs = np.concatenate([task.inputs, task.inputs[:9]])
    targets = np.concatenate([task.targets, task.targets[:9]])
    np.savez(tmp_path / "trials.npz", inputs=inputs, targets=targets)
    assert ct.Trials.read(tmp_path / "trials.npz") == ct.Trials(inputs, targets)


def test_validation_trials_have_the_same_names(rng: np.random.Generator) -> None:
    inputs = rng.normal(size=(10, 4, 2))
    with pytest.raises(ct.ParameterError, match="found `labels`"):
        ct.Trials(inputs, inputs, validation={"inputs": inputs, "labels": inputs})
    with pytest.raises(ct.ShapeError, match="val_targets"):
        ct.Trials(inputs, inputs, validation={"inputs": inputs, "targets": inputs[:, :2]})
