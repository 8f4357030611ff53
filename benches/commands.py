"""Measures wall time, CPU time and memory of whole commands: medians of several rounds, with the commands in turns.

Needs Python 3.9 or later and nothing else.

    cargo build --release
    python3 benches/commands.py [--rounds N] [--save FILE] [--figures]

`--figures` adds the default figures, from an empty store and from a full one.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target" / "release" / "concertina"


def run(arguments, log):
    """Returns (wall seconds, CPU seconds, peak resident memory in bytes)."""
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        os.execv(PROGRAM, [PROGRAM, *arguments])
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        sys.exit(f"concertina {' '.join(arguments)} failed; see {log.name}")
    unit = 1 if sys.platform == "darwin" else 1024
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit


def size_of(folder):
    return sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", help="a file for every single measurement")
    parser.add_argument("--figures", action="store_true")
    arguments = parser.parse_args()
    measured = {}
    sizes = {}
    with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "log"), "wb") as log:
        store = os.path.join(folder, "store")

        def case(name, *words):
            measured.setdefault(name, []).append(run([*words, "--store", store, "--quiet"], log))
            sizes.setdefault(name, []).append(size_of(store))

        for turn in range(arguments.rounds):
            shutil.rmtree(store, ignore_errors=True)
            case("a run of 12 epochs", "train")
            shutil.rmtree(store)
            case("8 runs, one at a time", "train", "seed=0..8", "--jobs", "1")
            shutil.rmtree(store)
            case("8 runs, 2 at a time", "train", "seed=0..8", "--jobs", "2")
            shutil.rmtree(store)
            case("8 runs, 8 at a time", "train", "seed=0..8", "--jobs", "8")
            if arguments.figures:
                shutil.rmtree(store)
                out = os.path.join(folder, "figures")
                case("default figures, empty store", "figures", "--out", out)
                case("default figures, full store", "figures", "--out", out)
                if turn == 0:  # only for its size on disk
                    shutil.rmtree(store)
                    case("default figures, all checkpoints kept", "figures", "--keep", "all", "--out", out)
            print(f"round {turn + 1} of {arguments.rounds}", file=sys.stderr)

    print(f"{'medians of ' + str(arguments.rounds) + ' rounds':40} {'wall':>9} {'CPU':>9} {'memory':>8} {'store':>9}")
    for name, runs in measured.items():
        wall, cpu, memory = (statistics.median(values) for values in zip(*runs))
        size = statistics.median(sizes[name])
        print(f"{name:40} {wall:7.2f} s {cpu:7.2f} s {memory / 1e6:5.0f} MB {size / 1e6:6.1f} MB")
    if arguments.save:
        columns = ("wall_seconds", "cpu_seconds", "memory_bytes")
        result = {
            name: {**{column: list(values) for column, values in zip(columns, zip(*runs))}, "store_bytes": sizes[name]}
            for name, runs in measured.items()
        }
        Path(arguments.save).write_text(json.dumps({"benchmark": "commands", "cases": result}, indent=2) + "\n")


if __name__ == "__main__":
    main()
