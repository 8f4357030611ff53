"""One update here and in PyTorch, in turns, each in a process of its own on one thread; prints medians and ratios.

Run by `benches/peers/run`, which installs what this needs.

    python compare.py [--rounds N] [--save FILE] OURS
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

UPDATES = {1: 4000, 10: 2000, 50: 500, 800: 40}
WAYS = ["ours", "eager", "compiled"]


def measure(command):
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    done = subprocess.run(command, env={**os.environ, **threads}, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])["seconds"]


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ours", help="the program that prints the seconds of an update here")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", help="a file for every single measurement")
    arguments = parser.parse_args()
    peer = Path(__file__).with_name("update.py")
    seconds = {batch: {way: [] for way in WAYS} for batch in UPDATES}
    for turn in range(arguments.rounds):
        for batch, updates in UPDATES.items():
            for way in WAYS:
                command = [arguments.ours] if way == "ours" else [sys.executable, peer, way]
                seconds[batch][way].append(measure([*command, str(batch), str(updates)]))
        print(f"round {turn + 1} of {arguments.rounds}", file=sys.stderr)

    print(f"{processor()}, one thread, Python {platform.python_version()}, medians of {arguments.rounds} rounds")
    print(f"{'batch':>6} {'ours':>10} {'eager':>10} {'compiled':>10}   ratio to eager      to compiled")
    for batch, of in seconds.items():
        medians = [1e3 * statistics.median(of[way]) for way in WAYS]
        ratios = []
        for way in WAYS[1:]:
            each = [theirs / ours for theirs, ours in zip(of[way], of["ours"])]
            ratios.append(f"{statistics.median(each):5.2f} [{min(each):.2f}, {max(each):.2f}]")
        print(f"{batch:6} " + " ".join(f"{median:7.3f} ms" for median in medians) + "   " + "   ".join(ratios))
    if arguments.save:
        result = {"benchmark": "peers", "processor": processor(), "python": platform.python_version(), "seconds": seconds}
        Path(arguments.save).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
