"""What the tests share: the command, small parameters, and a study of small runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import concertina as ct
import numpy as np
import pytest
from small import SMALL


@pytest.fixture(scope="session")
def command() -> Callable[..., str]:
    """Runs the command with arguments and returns what it prints."""
    program = os.environ.get("CONCERTINA_COMMAND")
    assert program, "CONCERTINA_COMMAND names the built command: `python/tests/run` sets it"

    def run(*arguments: str) -> str:
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> ct.Study:
    """A study that the tests share."""
    return ct.Study(tmp_path_factory.mktemp("study"), progress=False)


@pytest.fixture(scope="session")
def runs(study: ct.Study) -> ct.Runs:
    """Four small runs of that study."""
    return study.train(gain=[1.5, 20], seed=range(2), **SMALL)


@pytest.fixture
def empty(tmp_path: Path) -> ct.Study:
    """A study without runs."""
    return ct.Study(tmp_path / "store", progress=False)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def task(rng: np.random.Generator) -> ct.Trials:
    """Trials with a class at the end of each."""
    inputs = rng.normal(size=(60, 8, 2)).astype(np.float32)
    return ct.Trials(inputs, (inputs.sum(axis=(1, 2)) > 0).astype(int), condition=np.arange(60) % 3)


@pytest.fixture
def quiet_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which the test runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
