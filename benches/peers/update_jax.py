"""Prints the seconds of one update in JAX, as a line of JSON; one thread, the fastest of five slices.

Written to be fast, not to be general. All updates of a slice are one compiled loop over donated buffers. The products with
inputs and with the readout are taken out of the loop over time, and in the paper's network the stimulus is multiplied only
in the first timestep. `trials.py` describes the other networks. Gates are in PyTorch's order: reset, update, new; and input, forget, cell,
output.

    python update_jax.py {paper,vanilla,gru,lstm,rate,low_rank,dale} BATCH UPDATES [UNROLL]
"""

import json
import math
import os
import sys
import time
from functools import partial

# This restricts XLA to one thread. `--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1` does
# not: it leaves a pool of all cores. `benches/gpu` imports this file, and is not restricted.
if __name__ == "__main__":
    os.environ.update(NPROC="1", JAX_PLATFORMS="cpu")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

import jax
import jax.numpy as jnp
import numpy as np

BATCHES, SLICES = 80, 5
ALPHA, RANK, EXCITATORY = 0.1, 2, 102


def paper_loss(weights, fixed, stimulus, labels, unroll):
    recurrent, bias, readout, readout_bias = weights
    step = lambda state, _: (jnp.tanh(state @ recurrent + bias), None)
    state, _ = jax.lax.scan(step, jnp.tanh(stimulus @ fixed + bias), length=9, unroll=unroll)
    scores = jax.nn.log_softmax(state @ readout + readout_bias)
    return -jnp.take_along_axis(scores, labels[:, None], axis=1).mean()


def vanilla_step(state, driven, recurrent, _):
    state = jnp.tanh(state @ recurrent + driven)
    return state, state


def gru_step(state, driven, recurrent, recurrent_bias):
    driven_gates, driven_new = jnp.split(driven, [2 * state.shape[1]], axis=1)
    gates, new = jnp.split(state @ recurrent + recurrent_bias, [2 * state.shape[1]], axis=1)
    reset, update = jnp.split(jax.nn.sigmoid(driven_gates + gates), 2, axis=1)
    state = (1 - update) * jnp.tanh(driven_new + reset * new) + update * state
    return state, state


def lstm_step(state, driven, recurrent, recurrent_bias):
    output, cell = state
    entering, forget, new, leaving = jnp.split(output @ recurrent + recurrent_bias + driven, 4, axis=1)
    cell = jax.nn.sigmoid(forget) * cell + jax.nn.sigmoid(entering) * jnp.tanh(new)
    output = jax.nn.sigmoid(leaving) * jnp.tanh(cell)
    return (output, cell), output


def rate_step(state, driven, recurrent, _):
    current, rate = state
    for factor in recurrent:
        rate = rate @ factor
    current = current + ALPHA * (rate + driven - current)
    rate = jnp.tanh(current)
    return (current, rate), rate


def factors(network, recurrent):
    """The matrices that the rates of a rate network are multiplied by, one after the other."""
    units = recurrent[0].shape[0]
    if network == "low_rank":
        return recurrent[0], recurrent[1].T / units
    if network == "dale":
        signs = jnp.where(jnp.arange(units) < EXCITATORY, 1.0, -1.0)[:, None]
        return (signs * (1 - jnp.eye(units)) * jnp.abs(recurrent[0]),)
    return recurrent


STEPS = {"vanilla": vanilla_step, "gru": gru_step, "lstm": lstm_step, "rate": rate_step, "low_rank": rate_step, "dale": rate_step}
GATES = {"gru": 3, "lstm": 4}


def trial_loss(network, weights, _, stimuli, targets, unroll):
    inputs, bias, recurrent, recurrent_bias, readout, readout_bias = weights
    step = STEPS[network]
    start = jnp.zeros((stimuli.shape[1], readout.shape[0]))
    if step is rate_step:
        recurrent = factors(network, recurrent)
    if step in (rate_step, lstm_step):
        start = (start, start)
    advance = lambda state, driven: step(state, driven, recurrent, recurrent_bias)
    _, states = jax.lax.scan(advance, start, stimuli @ inputs + bias, unroll=unroll)
    return jnp.square(states @ readout + readout_bias - targets).mean()


def rmsprop(weights, square, _, gradient):
    square = jax.tree.map(lambda s, g: 0.9 * s + 0.1 * g * g, square, gradient)
    return jax.tree.map(lambda w, s, g: w - 1e-3 * g / (jnp.sqrt(s) + 1e-8), weights, square, gradient), square


def adam(weights, moments, count, gradient):
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], gradient)
    square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, moments[1], gradient)
    rate, scale = 1e-3 / (1 - 0.9**count), 1 / jnp.sqrt(1 - 0.999**count)
    return jax.tree.map(lambda w, m, s: w - rate * m / (jnp.sqrt(s) * scale + 1e-8), weights, mean, square), (mean, square)


def paper(batch, random, units=200, classes=2, gain=20.0, dt=0.01):
    """The weights of section 3 of the model, as `update.py` draws them; the weights that are not trained; and the batches."""
    recurrent = random.standard_normal((units, units)) / math.sqrt(units)
    recurrent *= gain / np.abs(np.linalg.eigvals(recurrent)).max()
    orthogonal = np.linalg.qr(random.standard_normal((units, units)))[0]
    inputs = orthogonal / np.abs(orthogonal).mean() / math.sqrt(units)
    recurrent = (1 - dt) * np.eye(units) + dt * recurrent
    readout = 0.3 / math.sqrt(units) * random.standard_normal((units, classes))
    weights = (recurrent, np.zeros(units), readout, np.zeros(classes))
    return weights, inputs, (random.uniform(-2, 2, (BATCHES, batch, units)), random.integers(classes, size=(BATCHES, batch)))


def trials(network, batch, random, units=128, inputs=3, outputs=3, timesteps=100):
    """Weights as PyTorch draws them (uniform, within 1/√units), no untrained weights, and the batches."""
    draw = lambda *shape: random.uniform(-1, 1, shape) / math.sqrt(units)
    gates = GATES.get(network, 1)
    recurrent = draw(units, gates * units)
    if STEPS[network] is rate_step:
        recurrent = tuple(random.standard_normal((2, units, RANK))) if network == "low_rank" else (recurrent,)
    weights = (draw(inputs, gates * units), draw(gates * units), recurrent)
    weights += (draw(gates * units) if gates > 1 else None, draw(units, outputs), draw(outputs))
    return weights, None, tuple(random.standard_normal((BATCHES, timesteps, batch, size)) for size in (inputs, outputs))


def main(network, batch, updates, unroll=None):
    random = np.random.default_rng(0)
    weights, fixed, data = paper(batch, random) if network == "paper" else trials(network, batch, random)
    loss = paper_loss if network == "paper" else partial(trial_loss, network)
    fastest = 9 if network == "paper" and batch > 1 else 1  # the fastest of 1, 4 and 10 (9 is all of the paper's)
    loss = partial(loss, unroll=int(unroll or fastest))
    weights, fixed, data = jax.tree.map(lambda a: jnp.asarray(a, jnp.int32 if a.dtype.kind == "i" else jnp.float32), (weights, fixed, data))
    zeros = lambda: jax.tree.map(jnp.zeros_like, weights)
    optimizer, moments = (rmsprop, zeros()) if network == "paper" else (adam, (zeros(), zeros()))

    def update(carry, count, fixed, data):
        stimuli, targets = jax.tree.map(lambda a: a[count % BATCHES], data)
        value, gradient = jax.value_and_grad(loss)(carry[0], fixed, stimuli, targets)
        return optimizer(*carry, count + 1, gradient), value

    @partial(jax.jit, donate_argnums=0)
    def go(carry, first, fixed, data):
        return jax.lax.scan(partial(update, fixed=fixed, data=data), carry, first + jnp.arange(updates // SLICES))

    carry, seconds = (weights, moments), []
    for turn in range(SLICES + 1):
        start = time.perf_counter()
        carry, values = jax.block_until_ready(go(carry, turn * (updates // SLICES), fixed, data))
        seconds.append((time.perf_counter() - start) / len(values))
    print(json.dumps({"seconds": min(seconds[1:])}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
