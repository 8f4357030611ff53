"""Prints the updates per second in JAX, over all networks that are trained together, as a line of JSON.

The update is that of `benches/peers/update_jax.py` for the paper's network, mapped over networks with `vmap`. All updates of
a slice are one compiled loop over donated buffers. Each network has its own weights and its own batches. The fastest of
three slices counts.

    python update_jax.py NETWORKS UPDATES
"""

import json
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "peers"))

import jax
import jax.numpy as jnp
import numpy as np
from update_jax import paper, paper_loss, rmsprop

BATCH, DIFFERENT, SLICES = 10, 8, 3


def main(networks, updates):
    # eigenvalues of a thousand matrices would take longer than the measurement: a few networks are
    # repeated, each copy with its own batches
    random = np.random.default_rng(0)
    few = [paper(BATCH, random) for _ in range(min(networks, DIFFERENT))]
    repeated = [few[place % len(few)] for place in range(networks)]
    stacked = lambda part: jax.tree.map(lambda *arrays: jnp.asarray(np.stack(arrays), jnp.float32), *part)
    weights = stacked([network[0] for network in repeated])
    fixed = jnp.asarray(np.stack([network[1] for network in repeated]), jnp.float32)
    stimuli = jnp.asarray(random.uniform(-2, 2, (updates, networks, BATCH, 200)), jnp.float32)
    labels = jnp.asarray(random.integers(2, size=(updates, networks, BATCH)), jnp.int32)

    def update(carry, data, fixed):
        loss = partial(paper_loss, unroll=9)
        value, gradient = jax.value_and_grad(loss)(carry[0], fixed, *data)
        return rmsprop(*carry, 0, gradient), value

    @partial(jax.jit, donate_argnums=0)
    def go(carry, fixed, stimuli, labels):
        step = lambda carry, data: jax.vmap(update)(carry, data, fixed)
        return jax.lax.scan(step, carry, (stimuli, labels))

    carry, seconds = (weights, jax.tree.map(jnp.zeros_like, weights)), []
    for _ in range(SLICES + 1):
        start = time.perf_counter()
        carry, values = jax.block_until_ready(go(carry, fixed, stimuli, labels))
        seconds.append(time.perf_counter() - start)
    device = str(jax.devices()[0].device_kind)
    print(json.dumps({"device": device, "updates_per_second": networks * updates / min(seconds[1:])}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
