"""Prints the seconds of one update in PyTorch with inputs and losses at every step, as a line of JSON.

One thread, the fastest of five slices.

The usual training loop around `nn.RNN` or `nn.GRU` and a linear readout: 100 steps, 128 units, 3 inputs, 3 outputs, the mean squared
error of all steps, adam.

    python trials.py {vanilla,gru} BATCH UPDATES [eager|compiled] [OPTION OF ADAM]
"""

import json
import sys
import time

import torch

UNITS, INPUTS, OUTPUTS, TIMESTEPS, BATCHES, SLICES = 128, 3, 3, 100, 80, 5
KINDS = {"vanilla": torch.nn.RNN, "gru": torch.nn.GRU}


class Network(torch.nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.recurrent = KINDS[kind](INPUTS, UNITS)
        self.readout = torch.nn.Linear(UNITS, OUTPUTS)

    def forward(self, stimuli):
        return self.readout(self.recurrent(stimuli)[0])


def main(kind, batch, updates, way="eager", *options):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = Network(kind)
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
