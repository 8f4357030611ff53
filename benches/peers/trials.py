"""Prints the seconds of one update in PyTorch with inputs and losses at every step, as a line of JSON.

One thread, the fastest of five slices.

The usual training loop: 100 steps, 128 units, 3 inputs, 3 outputs, the mean squared error of all steps, adam. `vanilla`, `gru` and `lstm`
are `nn.RNN`, `nn.GRU` and `nn.LSTM` with a linear readout. `rate` is a firing-rate network, of which PyTorch has no module: a loop over steps,
with the inputs and the readout outside it. `low_rank` and `dale` are the same with recurrent weights of rank 2, which are never multiplied
out, and with 102 excitatory and 26 inhibitory units.

    python trials.py {vanilla,gru,lstm,rate,low_rank,dale} BATCH UPDATES [eager|compiled] [OPTION OF ADAM]
"""

import json
import math
import sys
import time

import torch

UNITS, INPUTS, OUTPUTS, TIMESTEPS, BATCHES, SLICES = 128, 3, 3, 100, 80, 5
MODULES = {"vanilla": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
ALPHA, RANK, EXCITATORY = 0.1, 2, 102


class Module(torch.nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.recurrent = MODULES[kind](INPUTS, UNITS)
        self.readout = torch.nn.Linear(UNITS, OUTPUTS)

    def forward(self, stimuli):
        return self.readout(self.recurrent(stimuli)[0])


class Rate(torch.nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.input = torch.nn.Linear(INPUTS, UNITS)
        self.readout = torch.nn.Linear(UNITS, OUTPUTS)
        shapes = [(UNITS, RANK), (UNITS, RANK)] if kind == "low_rank" else [(UNITS, UNITS)]
        scale = 1.0 if kind == "low_rank" else 1 / math.sqrt(UNITS)
        self.recurrent = torch.nn.ParameterList([scale * torch.randn(*shape) for shape in shapes])
        signs = torch.where(torch.arange(UNITS) < EXCITATORY, 1.0, -1.0)[:, None]
        self.register_buffer("signs", signs * (1 - torch.eye(UNITS)))

    def forward(self, stimuli):
        driven = self.input(stimuli)
        factors = list(self.recurrent)
        if self.kind == "dale":
            factors = [self.signs * factors[0].abs()]
        if self.kind == "low_rank":
            factors = [factors[0], factors[1].T / UNITS]
        current = torch.zeros_like(driven[0])
        rate, rates = torch.tanh(current), []
        for drive in driven:
            arriving = rate
            for factor in factors:
                arriving = arriving @ factor
            current = current + ALPHA * (arriving + drive - current)
            rate = torch.tanh(current)
            rates.append(rate)
        return self.readout(torch.stack(rates))


def main(kind, batch, updates, way="eager", *options):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = Module(kind) if kind in MODULES else Rate(kind)
    forward = torch.compile(network) if way == "compiled" else network
    criterion = torch.nn.MSELoss()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, **{option: True for option in options})
    stimuli = torch.randn(BATCHES, TIMESTEPS, batch, INPUTS)
    targets = torch.randn(BATCHES, TIMESTEPS, batch, OUTPUTS)

    def go(count):
        start = time.perf_counter()
        for update in range(count):
            optimizer.zero_grad()
            loss = criterion(forward(stimuli[update % BATCHES]), targets[update % BATCHES])
            loss.backward()
            optimizer.step()
        return (time.perf_counter() - start) / count

    go(updates // 10 + 5)
    print(json.dumps({"seconds": min(go(updates // SLICES) for _ in range(SLICES))}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
