"""Trials drawn from neurogym environments."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._errors import ConcertinaWarning, ParameterError
from ._progress import outside


def arrays_of(env: Any, trials: int, seed: int, settings: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Observations, ground truth, mask and conditions of the given number of trials."""
    if not isinstance(trials, (int, np.integer)) or trials < 1:
        raise ParameterError(f"`trials`: expected a whole number of at least 1, found {trials!r}")
    if not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ParameterError(f"`seed`: expected a whole number from 0 to 2³² − 1, found {seed!r}")
    with warnings.catch_warnings():
        # gymnasium warns about future changes, and about rendering that neurogym's environments do not have
        warnings.filterwarnings("ignore", module="gymnasium")
        if isinstance(env, str):
            env = _made(env, settings)
        elif settings:
            raise ParameterError(
                f"expected settings with the name of an environment, found `{min(settings)}` with an environment",
                "pass settings where you make the environment",
            )
        new_trial = _method(env, "new_trial") if hasattr(env, "unwrapped") else None
        if new_trial is None:
            raise ParameterError(
                "`env`: expected a neurogym environment, which draws trials, "
                f"found {type(getattr(env, 'unwrapped', env)).__name__}",
                "`concertina.Trials(inputs, targets)` takes arrays from anywhere",
            )
        _warn_of_wrappers(env)
        _seed(env, seed)
        env.reset()
        _seed(env, seed)
        observations, truths, drawn = [], [], []
        for _ in range(trials):
            # a trial without a ground truth must not be given that of the trial before
            vars(env.unwrapped).pop("gt", None)
            drawn.append(new_trial() or {})
            truths.append(_truth(env.unwrapped))
            observations.append(np.array(env.unwrapped.ob, dtype=np.float32).reshape(len(truths[-1]), -1))
    return {**_padded(observations, truths), "condition": _conditions(drawn)}


def _made(name: str, settings: dict[str, Any]) -> Any:
    """Makes the environment of that name."""
    import gymnasium
    import neurogym

    try:
        return neurogym.make(name, **settings)
    except gymnasium.error.UnregisteredEnv as error:
        raise ParameterError(
            f"`env`: expected the name of a neurogym environment, found {name!r}: {error}",
            "`neurogym.envs.registration.all_envs()` lists them",
        ) from None
    except TypeError as error:
        raise ParameterError(f"{name} cannot be made with these settings: {error}") from error


def _layers(env: Any) -> Iterator[Any]:
    """The layers of an environment, from its outermost wrapper inwards."""
    yield env
    while env is not env.unwrapped:
        env = env.env
        yield env


def _method(env: Any, name: str) -> Any:
    """A method of the outermost layer that has it, since not every wrapper passes it on. None if no layer has
    it.
    """
    layer = next((layer for layer in _layers(env) if hasattr(type(layer), name)), None)
    return getattr(layer, name, None)


def _seed(env: Any, seed: int) -> None:
    """Seeds every generator of an environment, in the way that its version of neurogym needs."""
    seeded = _method(env, "seed")
    if seeded is None:
        env.reset(seed=int(seed))
    else:
        seeded(int(seed))


def _warn_of_wrappers(env: Any) -> None:
    """Warns of wrappers that change what an agent sees step by step, because they do not change trials."""
    for layer in _layers(env):
        changes_steps = layer is not env.unwrapped and "step" in vars(type(layer))
        if changes_steps and not type(layer).__module__.startswith("gymnasium."):
            warnings.warn(
                f"`{type(layer).__name__}` acts step by step and does not change trials: they are drawn without it",
                ConcertinaWarning,
                stacklevel=outside(),
            )


def _truth(env: Any) -> NDArray[Any]:
    """The ground truth of the drawn trial: classes (time,), or real numbers (time, outputs)."""
    if not hasattr(env, "gt") or not hasattr(env, "ob"):
        raise ParameterError(
            f"`env`: expected an environment that gives the ground truth of its trials, found {type(env).__name__}",
            "it only rewards actions, but training needs targets",
        )
    truth = np.array(env.gt)
    if truth.ndim > 1 or truth.dtype.kind == "f":
        return truth.astype(np.float32).reshape(len(truth), -1)
    actions = getattr(env.action_space, "n", None)
    if actions is not None and not 0 <= truth.min() <= truth.max() < actions:
        raise ParameterError(
            f"`env`: expected a ground truth among the actions of {type(env).__name__}, 0 to {actions - 1}, "
            f"found {truth.min()} to {truth.max()}",
            "`concertina.Trials(inputs, targets)` takes targets of your own",
        )
    return truth.astype(np.int64)


def _padded(observations: Sequence[NDArray[Any]], truths: Sequence[NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Pads trials to the same length with zeros, and masks the padding."""
    count, length = len(truths), max(map(len, truths))
    inputs = np.zeros((count, length, observations[0].shape[1]), dtype=np.float32)
    targets = np.zeros((count, length, *truths[0].shape[1:]), dtype=truths[0].dtype)
    mask = np.zeros((count, length), dtype=bool)
    for trial, (observed, truth) in enumerate(zip(observations, truths, strict=True)):
        inputs[trial, : len(observed)] = observed
        targets[trial, : len(truth)] = truth
        mask[trial, : len(truth)] = True
    return {"inputs": inputs, "targets": targets, "mask": mask}


def _conditions(drawn: list[dict[str, Any]]) -> NDArray[np.int64]:
    """A number for each combination of values that was drawn."""
    combinations = [repr({str(name): _plain(trial[name]) for name in sorted(trial)}) for trial in drawn]
    return np.unique(combinations, return_inverse=True)[1].astype(np.int64).ravel()


def _plain(value: Any) -> Any:
    """A drawn value in a form that prints the same in every process."""
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    return value if isinstance(value, (str, bool, int, float)) else type(value).__name__
