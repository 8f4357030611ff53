"""Times analyses of plain arrays here and in the packages that people use, in turns, each in a separate process on one core.

Prints medians and ratios, and compares the values, which must agree. `benches/peers/run_analyses` runs it and installs what it
needs. `OURS` is called as `OURS ANALYSIS ROWS COLUMNS FILE`.

    python analyses.py [--rounds N] [--only ANALYSIS]... [--save FILE] OURS

Fixed points are compared with a twin of FixedPointFinder in NumPy: Adam on all starts jointly, down to a speed of 1e-12 or for 5,000
iterations, and points within 1e-3 of each other merged. Its learning rate falls geometrically, where that package adapts it. Ours
goes down to 1e-24. The network has six stable points, which both must find.

TwoNN and maximum likelihood are compared with scikit-dimension, dissimilarity matrices with rsatoolbox, and decoding with
scikit-learn. Procrustes distance and centred kernel alignment are compared with the same formulas in NumPy and SciPy, in the
form that the package netrep uses (centre, divide by the norm, singular values of the product). Ours computes the maximum
likelihood estimate for k = 10 to 20, scikit-dimension for k = 20 alone.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from compare import THREADS, processor, stay_on_one_core

CALLS, TRIALS, FOLDS = 5, 500, 5
# rows, columns, and how far the values may be apart
ANALYSES = {
    "twonn": (2000, 200, 1e-9),
    "levina_bickel": (2000, 200, 1e-9),
    "rdm": (1000, 200, 1e-9),
    "procrustes": (1000, 200, 1e-9),
    "cka": (1000, 200, 1e-9),
    "decoding": (5000, 200, 1e-3),
    "fixed_points": (400, 200, 0.0),
}
PATTERNS = 3
PACKAGES = ("numpy", "scipy", "scikit-learn", "scikit-dimension", "rsatoolbox")


def data(analysis: str) -> np.ndarray:
    """States of a smooth manifold of ten dimensions with noise; for two clouds, two views of it; for decoding, two classes."""
    rows, columns, _ = ANALYSES[analysis]
    random = np.random.default_rng(0)
    if analysis == "decoding":
        states = random.standard_normal((rows, columns))
        states[:, :20] += np.where(np.arange(rows) % 2, 0.3, -0.3)[:, None]
        return states
    if analysis == "fixed_points":
        # weights that store orthogonal patterns, with noise; below them states near combinations of these
        noise = random.standard_normal((columns, columns)) / np.sqrt(columns)
        patterns, _ = np.linalg.qr(random.standard_normal((columns, PATTERNS)))
        patterns = np.sign(patterns)
        weights = 1.5 / columns * patterns @ patterns.T + 0.3 * noise
        starts = random.standard_normal((rows - columns, PATTERNS)) @ patterns.T
        return np.vstack([weights, np.tanh(starts + 0.3 * random.standard_normal(starts.shape))])
    inner = random.standard_normal((rows, 10))
    if analysis in ("procrustes", "cka"):
        inner[rows // 2 :] = inner[: rows // 2]
    outer = np.tanh(inner @ random.standard_normal((10, columns)))
    return outer + 0.1 * random.standard_normal((rows, columns))


def peer(analysis: str, states: np.ndarray):
    """A function that analyses the states and returns one number."""
    x, y = np.split(states, 2)
    if analysis == "twonn":
        from skdim.id import TwoNN

        return lambda: TwoNN(discard_fraction=0.1).fit(states).dimension_
    if analysis == "levina_bickel":
        from skdim.id import MLE

        return lambda: MLE().fit(states, n_neighbors=20, comb="mle").dimension_
    if analysis == "rdm":
        from rsatoolbox.data import Dataset
        from rsatoolbox.rdm import calc_rdm

        dataset = Dataset(states)
        # the package divides squared distances by the number of columns
        return lambda: calc_rdm(dataset, method="euclidean").dissimilarities.sum() * states.shape[1]
    if analysis == "procrustes":

        def angle():
            a, b = (cloud - cloud.mean(0) for cloud in (x, y))
            a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
            return np.arccos(np.linalg.svd(a.T @ b, compute_uv=False).sum())

        return angle
    if analysis == "fixed_points":
        return lambda: stable_points(*np.split(states, [states.shape[1]]))
    if analysis == "cka":

        def alignment():
            a, b = (cloud - cloud.mean(0) for cloud in (x, y))
            return np.sum((a.T @ b) ** 2) / (np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))

        return alignment

    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    labels = np.arange(TRIALS) % 2
    decoder = LogisticRegression(C=1.0, tol=1e-8, max_iter=10_000)
    folds = StratifiedKFold(FOLDS)
    return lambda: np.mean([cross_val_score(decoder, part, labels, cv=folds).mean() for part in np.split(states, len(states) // TRIALS)])


def stable_points(weights: np.ndarray, states: np.ndarray) -> int:
    """The number of stable fixed points of `tanh(h W)` that Adam finds from the states."""
    states, first, second = states.copy(), np.zeros_like(states), np.zeros_like(states)
    for step in range(1, 5001):
        after = np.tanh(states @ weights)
        residual = after - states
        speed = 0.5 * np.sum(residual**2, axis=1)
        if speed.max() < 1e-12:
            break
        gradient = (residual * (1 - after**2)) @ weights.T - residual
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        scale = np.sqrt(second / (1 - 0.999**step)) + 1e-8
        states -= 1e-2 * 10 ** (-step / 2500) * first / (1 - 0.9**step) / scale
    points = []
    for state in states[speed < 1e-12]:
        if all(np.linalg.norm(state - point) >= 1e-3 for point in points):
            points.append(state)
    jacobians = (weights * (1 - np.tanh(point @ weights) ** 2) for point in points)
    return sum(np.abs(np.linalg.eigvals(jacobian)).max() < 1 for jacobian in jacobians)


def be_peer(analysis: str) -> None:
    call = peer(analysis, data(analysis))
    fastest = float("inf")
    for _ in range(CALLS):
        start = time.perf_counter()
        value = call()
        fastest = min(fastest, time.perf_counter() - start)
    print(json.dumps({"seconds": fastest, "value": float(value)}))


def measure(command: list) -> dict:
    environment = {**os.environ, **{name: "1" for name in THREADS}}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, preexec_fn=stay_on_one_core)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("ours", help="the program that prints the seconds of an analysis here")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", choices=ANALYSES, help="an analysis to measure, can be repeated; all if not given")
    parser.add_argument("--save", help="a file for every single measurement, the medians and the ratios")
    arguments = parser.parse_args()
    if not Path(arguments.ours).is_file():
        sys.exit(f"error: expected a program, found nothing at {arguments.ours}; `benches/peers/run_analyses` builds it")
    chosen = arguments.only or list(ANALYSES)
    seconds = {analysis: {"ours": [], "peer": []} for analysis in chosen}
    with tempfile.TemporaryDirectory() as folder:
        commands = {}
        for analysis in chosen:
            rows, columns, _ = ANALYSES[analysis]
            file = Path(folder) / analysis
            file.write_bytes(data(analysis).astype("<f8").tobytes())
            commands[analysis] = {
                "ours": [arguments.ours, analysis, str(rows), str(columns), str(file)],
                "peer": [sys.executable, __file__, "--peer", analysis],
            }
        for turn in range(arguments.rounds):
            for analysis, ways in commands.items():
                found = {way: measure(command) for way, command in ways.items()}
                apart = abs(found["ours"]["value"] - found["peer"]["value"]) / abs(found["peer"]["value"])
                if not apart <= ANALYSES[analysis][2]:
                    sys.exit(f"{analysis}: values differ: {found}")
                for way, one in found.items():
                    seconds[analysis][way].append(one["seconds"])
            print(f"round {turn + 1} of {arguments.rounds}", file=sys.stderr)
    versions = {name: version(name) for name in PACKAGES}
    print(f"{processor()}, one core, {versions}, medians of {arguments.rounds} rounds")
    medians, ratios = {}, {}
    for analysis, of in seconds.items():
        medians[analysis] = {way: statistics.median(each) for way, each in of.items()}
        each = [theirs / ours for theirs, ours in zip(of["peer"], of["ours"])]
        ratios[analysis] = {"median": statistics.median(each), "smallest": min(each), "largest": max(each)}
        times = " ".join(f"{way} {1e3 * median:9.2f} ms" for way, median in medians[analysis].items())
        print(f"{analysis:14} {times}  {ratios[analysis]['median']:7.2f} [{min(each):.2f}, {max(each):.2f}] times")
    if arguments.save:
        result = {"benchmark": "peers_analyses", "processor": processor(), **versions}
        result |= {"medians": medians, "ratios": ratios, "seconds": seconds}
        Path(arguments.save).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        be_peer(sys.argv[2])
    else:
        main()
