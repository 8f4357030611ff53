"""Times one update here, in PyTorch and in JAX, in turns, each in a separate process on one core.

Prints medians and ratios. `benches/peers/run` runs it and installs what it needs. `OURS` is called as
`OURS NETWORK BATCH UPDATES`, with the networks below.

    python compare.py [--rounds N] [--only NETWORK]... [--save FILE] OURS
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

UPDATES = {"paper": {1: 4000, 10: 2000, 50: 500, 800: 40}, "vanilla": {32: 200}, "gru": {32: 100}, "lstm": {32: 100}}
UPDATES |= {network: {32: 200} for network in ("rate", "low_rank", "dale")}
PEERS = {"paper": {"eager": ("update.py", "eager"), "compiled": ("update.py", "compiled"), "jax": ("update_jax.py", "paper")}}
PEERS |= {name: {"eager": ("trials.py", name), "jax": ("update_jax.py", name)} for name in UPDATES if name != "paper"}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC")


def stay_on_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def measure(command: list) -> float:
    environment = {**os.environ, **{name: "1" for name in THREADS}}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, preexec_fn=stay_on_one_core)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])["seconds"]


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")


def programs(ours: str) -> dict[str, dict[str, list]]:
    """The beginning of the command of every program, by network and way."""
    here = Path(__file__).parent
    found = {}
    for network, peers in PEERS.items():
        found[network] = {way: [sys.executable, here / file, word] for way, (file, word) in peers.items()}
        found[network] = {"ours": [ours, network], **found[network]}
    return found


def ratios(of: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """How many times longer than ours each peer takes in the same round."""
    each = {way: [theirs / ours for theirs, ours in zip(of[way], of["ours"])] for way in of if way != "ours"}
    return {way: {"median": statistics.median(of), "smallest": min(of), "largest": max(of)} for way, of in each.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("ours", help="the program that prints the seconds of an update here")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", choices=PEERS, help="a network to measure, can be repeated; all if not given")
    parser.add_argument("--save", help="a file for every single measurement, the medians and the ratios")
    arguments = parser.parse_args()
    ours = arguments.ours
    if not Path(ours).is_file():
        sys.exit(f"error: expected a program, found nothing at {ours}; `benches/peers/run` builds it")

    commands = programs(ours)
    seconds = {network: {batch: {way: [] for way in commands[network]} for batch in UPDATES[network]} for network in arguments.only or PEERS}
    for turn in range(arguments.rounds):
        for network, of_network in seconds.items():
            for batch, of in of_network.items():
                for way in of:
                    of[way].append(measure([*commands[network][way], str(batch), str(UPDATES[network][batch])]))
        print(f"round {turn + 1} of {arguments.rounds}", file=sys.stderr)

    versions = {name: version(name) for name in ("torch", "jax")}
    named = ", ".join(f"{name} {number}" for name, number in {"Python": platform.python_version(), **versions}.items())
    print(f"{processor()}, one core, {named}, medians of {arguments.rounds} rounds, ratios to ours")
    medians, compared = {}, {}
    for network, of_network in seconds.items():
        medians[network] = {batch: {way: statistics.median(of[way]) for way in of} for batch, of in of_network.items()}
        compared[network] = {batch: ratios(of) for batch, of in of_network.items()}
        for batch, of in medians[network].items():
            for way, median in of.items():
                ratio = compared[network][batch].get(way)
                times = f"{ratio['median']:7.2f} [{ratio['smallest']:.2f}, {ratio['largest']:.2f}]" if ratio else ""
                print(f"{network:8} {batch:4} {way:9} {1e3 * median:8.3f} ms {times}".rstrip())
    if arguments.save:
        result = {"benchmark": "peers", "processor": processor(), "python": platform.python_version(), **versions}
        result |= {"medians": medians, "ratios": compared, "seconds": seconds}
        Path(arguments.save).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
