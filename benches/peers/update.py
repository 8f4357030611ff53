"""Prints the seconds of one update in PyTorch, as a line of JSON; one thread, the fastest of five slices.

Written to be fast, not to be general. The stimulus is multiplied only in the first timestep, because the other inputs are
zero. The loop contains only the network, the loss and the optimizer. Gradients are computed only for what is trained.

    python update.py {eager,compiled} BATCH UPDATES
"""

import json
import math
import sys
import time

import torch

UNITS, INPUTS, TIMESTEPS, CLASSES, BATCHES, SLICES = 200, 200, 10, 2, 80, 5


def network(gain=20.0, dt=0.01):
    """The weights of section 3 of the model, as the published code draws them: (U, W, b, R, c)."""
    random = torch.Generator().manual_seed(0)
    normal = lambda *shape: torch.randn(*shape, generator=random)
    recurrent = normal(UNITS, UNITS) / math.sqrt(UNITS)
    recurrent *= gain / torch.linalg.eigvals(recurrent).abs().max()
    orthogonal = torch.linalg.qr(normal(INPUTS, UNITS))[0]
    inputs = orthogonal / orthogonal.abs().mean() / math.sqrt(INPUTS)
    recurrent = (1 - dt) * torch.eye(UNITS) + dt * recurrent
    readout = 0.3 / math.sqrt(UNITS) * normal(UNITS, CLASSES)
    trained = [recurrent, torch.zeros(UNITS), readout, torch.zeros(CLASSES)]
    return inputs, [array.requires_grad_() for array in trained]


def loss_of(stimulus, labels, inputs, recurrent, bias, readout, readout_bias):
    state = torch.tanh(torch.addmm(bias, stimulus, inputs))
    for _ in range(TIMESTEPS - 1):
        state = torch.tanh(torch.addmm(bias, state, recurrent))
    return torch.nn.functional.cross_entropy(torch.addmm(readout_bias, state, readout), labels)


def main(way, batch, updates):
    torch.set_num_threads(1)
    inputs, trained = network()
    forward = torch.compile(loss_of) if way == "compiled" else loss_of
    optimizer = torch.optim.RMSprop(trained, lr=1e-3, alpha=0.9, eps=1e-8, foreach=True)
    stimuli = 4 * torch.rand(BATCHES, batch, INPUTS) - 2
    labels = torch.randint(CLASSES, (BATCHES, batch))

    def go(count):
        start = time.perf_counter()
        for update in range(count):
            optimizer.zero_grad(set_to_none=True)
            forward(stimuli[update % BATCHES], labels[update % BATCHES], inputs, *trained).backward()
            optimizer.step()
        return (time.perf_counter() - start) / count

    go(updates // 10 + 20)
    print(json.dumps({"seconds": min(go(updates // SLICES) for _ in range(SLICES))}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
