"""A user's file for the type checker: types are as documented."""

from __future__ import annotations

from typing import TYPE_CHECKING

import concertina as ct
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from typing_extensions import assert_type


def analyse(folder: str) -> float:
    """Train, analyse and draw."""
    study = ct.Study(folder, jobs=2)
    runs = study.train(input_dim=2, epochs=12, gain=[20, 250], seed=range(5), network="gru")
    dimension = runs.effective_dimension(samples=500, timesteps="last", at=[0, 5])
    dimension.plot(x="timestep", y="effective_dimension", hue="gain", style="stage").save("dimension.pdf")
    run = runs[0]
    recurrent = run.weights("last")["recurrent"]
    spectrum = run.lyapunov(exponents=10)
    task = ct.Trials(np.zeros((10, 5, 2)), np.zeros(10, dtype=int))
    study.train(ct.zip(gain=[1.0, 2.0], learning_rate=[1e-3, 1e-4]), task=task, loss="mse")
    study.train([ct.Params(gain=20), ct.Params(units=100)])
    outputs, states = run.network()(np.zeros((3, 4, 2)))
    if TYPE_CHECKING:
        assert_type(runs, ct.Runs)
        assert_type(runs[1:], ct.Runs)
        assert_type(run, ct.Run)
        assert_type(dimension, ct.Table)
        assert_type(spectrum, ct.LyapunovSpectrum)
        assert_type(spectrum.largest, float)
        assert_type(recurrent, NDArray[np.float32])
        assert_type(outputs, NDArray[np.float32] | None)
        assert_type(states, ct.States)
        assert_type(ct.Params(gain=20).gain, float)
        assert_type(study.reproduce("fig2").claims, ct.Table)
    # invalid arguments are refused before anything runs
    study.train(gian=250)  # type: ignore[call-arg]
    study.train(units="many")  # type: ignore[arg-type]
    runs.effective_dimension(sample=500)  # type: ignore[call-arg]
    ct.Params(optimizer="adamm")  # type: ignore[arg-type]
    return ct.lyapunov(recurrent).largest
