"""Trials of environments of neurogym."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._errors import ParameterError


def arrays_of(env: Any, trials: int, seed: int, settings: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Observations, ground truth, mask and conditions of so many trials."""
    if isinstance(env, str):
        import gymnasium
        import neurogym  # noqa: F401  # registers the environments

        env = gymnasium.make(env, **settings)
    elif settings:
        raise ParameterError(
            "expected settings with the name of an environment, found an environment that is made already"
        )
    env = env.unwrapped
    env.reset(seed=seed)
    env.seed(seed)
    observations, truths, drawn = [], [], []
    for _ in range(trials):
        drawn.append(env.new_trial() or env.trial)
        observations.append(np.array(env.ob, dtype=np.float32))
        truths.append(np.array(env.gt))
    length = max(len(one) for one in observations)
    is_class = truths[0].ndim == 1
    inputs = np.zeros((trials, length, observations[0].shape[1]), dtype=np.float32)
    targets = np.zeros((trials, length, *truths[0].shape[1:]), dtype=np.int64 if is_class else np.float32)
    mask = np.zeros((trials, length), dtype=bool)
    for trial, (observed, truth) in enumerate(zip(observations, truths, strict=True)):
        inputs[trial, : len(observed)] = observed
        targets[trial, : len(truth)] = truth
        mask[trial, : len(truth)] = True
    return {"inputs": inputs, "targets": targets, "mask": mask, "condition": _conditions(drawn)}


def _conditions(drawn: list[dict[str, Any]]) -> NDArray[np.int64]:
    """A number for each combination of what was drawn."""
    combinations = [repr(sorted((name, repr(value)) for name, value in trial.items())) for trial in drawn]
    return np.unique(combinations, return_inverse=True)[1].astype(np.int64).ravel()
