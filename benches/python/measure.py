"""What the Python package costs: training compared with the command, and the effective dimension with NumPy.

`python benches/python/measure.py target/release/concertina` with the package installed prints
medians and ratios of paired turns.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import concertina as ct
import numpy as np

TURNS = 11
RUNS = 100
TINY = {"units": 20, "input_dim": 10, "clusters": 8, "train_samples": 100, "epochs": 3}


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def paired(ours: Callable[[], object], theirs: Callable[[], object], turns: int) -> dict[str, float]:
    """The medians of both, and the median and quartiles of the ratio of theirs to ours in the same turn."""
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(turns)]
    ratios = [other / own for own, other in pairs]
    low, middle, high = statistics.quantiles(ratios, n=4)
    return {
        "ours_seconds": statistics.median(own for own, _ in pairs),
        "theirs_seconds": statistics.median(other for _, other in pairs),
        "ratio": middle,
        "ratio_low": low,
        "ratio_high": high,
    }


def training(command: str) -> dict[str, float]:
    """`study.train` of tiny runs, compared with the command `train`, each into a new store; without the start of a process."""
    with tempfile.TemporaryDirectory() as scratch:
        stores = iter(Path(scratch) / str(number) for number in range(10_000))
        arguments = [f"{name}={value}" for name, value in TINY.items()]
        start = [seconds(lambda: subprocess.run([command, "--version"], check=True, capture_output=True)) for _ in range(TURNS)]

        def package() -> None:
            ct.Study(next(stores), progress=False).train(seed=range(RUNS), **TINY)

        def program() -> None:
            store = ["--store", str(next(stores)), "--quiet"]
            subprocess.run([command, *store, "train", f"seed=0..{RUNS}", *arguments], check=True, capture_output=True)

        package()
        program()
        found = paired(package, program, TURNS)
    return {**found, "start_of_the_command": statistics.median(start)}


def dimension() -> dict[str, float]:
    """The effective dimension of (5000, 200) float32, compared with NumPy's `cov` and `trace`."""
    states = np.random.default_rng(0).normal(size=(5000, 200)).astype(np.float32)

    def numpy() -> float:
        covariance = np.cov(states.T)
        return float(np.trace(covariance) ** 2 / np.trace(covariance @ covariance))

    assert abs(ct.effective_dimension(states) - numpy()) < 1e-3
    return paired(lambda: ct.effective_dimension(states), numpy, 101)


if __name__ == "__main__":
    results = {"cores": os.cpu_count(), "numpy": np.__version__, "dimension": dimension(), "training": training(sys.argv[1])}
    print(json.dumps(results, indent=2))
