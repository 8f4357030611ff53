"""Trains the paper's network here and in JAX, in turns, for several numbers of networks; writes a table and JSON.

    python compare.py [--networks 1,32,256,1024] [--turns 3] [--seconds 2] [--updates 80] [--to FILE] COMMAND
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent


def measured(command):
    """What a command measures: a line of JSON, the last one it prints."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--networks", default="1,32,256,1024")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="how long ours is measured, at least")
    parser.add_argument("--updates", type=int, default=80, help="updates of each network in a slice of JAX's")
    parser.add_argument("--to", type=Path)
    parser.add_argument("command")
    asked = parser.parse_args()
    results = []
    print(f"{'networks':>8}  {'ours':>12}  {'JAX':>12}  ratio   updates per second, over all networks")
    for networks in map(int, asked.networks.split(",")):
        ours, jax = [], []
        for _ in range(asked.turns):
            ours.append(measured([asked.command, networks, asked.seconds]))
            jax.append(measured([sys.executable, HERE / "update_jax.py", networks, asked.updates]))
        rates = [[one["updates_per_second"] for one in turns] for turns in (ours, jax)]
        ratio = median(a / b for a, b in zip(*rates))
        print(f"{networks:>8}  {median(rates[0]):>12.1f}  {median(rates[1]):>12.1f}  {ratio:>5.2f}", flush=True)
        results.append({"networks": networks, "ours": ours, "jax": jax, "ratio": ratio})
    print(f"devices: {ours[0]['device']} (ours), {jax[0]['device']} (JAX)")
    if asked.to:
        asked.to.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
