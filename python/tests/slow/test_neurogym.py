"""Trials drawn from neurogym environments."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import concertina as ct
import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import gymnasium
    import neurogym
    from neurogym.wrappers import Noise, RandomGroundTruth

NAME = "PerceptualDecisionMaking-v0"

#: Warnings of gymnasium about neurogym where a test makes an environment itself.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:gymnasium")


@pytest.fixture(scope="module")
def task() -> ct.Trials:
    return ct.Trials.from_neurogym(NAME, trials=200, seed=0)


def test_the_same_seed_gives_the_same_trials(task: ct.Trials) -> None:
    assert ct.Trials.from_neurogym(NAME, trials=200, seed=0).name == task.name
    assert ct.Trials.from_neurogym(NAME, trials=200, seed=1).name != task.name
    # fewer trials are the first ones
    few = ct.Trials.from_neurogym(NAME, trials=50, seed=0)
    np.testing.assert_array_equal(few.inputs, task.inputs[: len(few.inputs)])


def test_trials_are_those_of_the_environment(task: ct.Trials) -> None:
    env = neurogym.make(NAME).unwrapped
    env.seed(0)
    env.reset(seed=0)
    env.seed(0)
    assert len(task) == 200
    assert task.inputs.shape == (170, 22, 3)
    assert task.targets.shape == (170, 22)
    # all trials have the same length, so every timestep counts
    assert task.mask is None
    for inputs, targets in zip(task.inputs, task.targets, strict=True):
        env.new_trial()
        np.testing.assert_array_equal(inputs, env.ob)
        np.testing.assert_array_equal(targets, env.gt)
    assert set(np.unique(task.targets)) == {0, 1, 2}


def test_the_mask_covers_the_timesteps_of_each_trial() -> None:
    task = ct.Trials.from_neurogym("ReadySetGo-v0", trials=60, seed=3)
    assert task.mask is not None
    lengths = task.mask.sum(axis=1)
    assert len(set(lengths)) > 1
    assert lengths.max() == task.inputs.shape[1]
    for trial, length in enumerate(lengths):
        assert task.mask[trial, :length].all()
        assert not task.inputs[trial, length:].any()
        assert not task.targets[trial, length:].any()


def test_conditions_are_combinations_of_what_is_drawn() -> None:
    task = ct.Trials.from_neurogym("GoNogo-v0", trials=100, seed=0)
    assert task.condition is not None
    assert set(task.condition) == {0, 1}
    # whether to go
    goes = task.targets.max(axis=1)
    assert len({(one, int(go)) for one, go in zip(task.condition, goes, strict=True)}) == 2


def test_a_network_learns_it(tmp_path: Path) -> None:
    task = ct.Trials.from_neurogym(
        NAME, trials=1500, seed=0, timing={"fixation": 100, "stimulus": 1000, "decision": 500}
    )
    study = ct.Study(tmp_path, progress=False)
    run = study.train(
        task=task, network="gru", units=32, gain=1, epochs=8, batch=32, optimizer="adam", learning_rate=5e-3
    )[0]
    accuracy = run.history["validation_accuracy"]
    # always to fixate, which is right until the decision
    chance = max(np.bincount(task.targets.ravel())) / task.targets.size
    assert accuracy[-1] > chance + 0.1
    # only at the decision, where chance is one half
    outputs, _ = run.network("last")(task.inputs)
    assert outputs is not None
    decision = task.targets > 0
    assert (outputs.argmax(axis=2) == task.targets)[decision].mean() > 0.75


@pytest.mark.parametrize(
    "name",
    [
        "AntiReach-v0",
        "ContextDecisionMaking-v0",
        "DelayComparison-v0",
        "DelayMatchSample-v0",
        "DualDelayMatchSample-v0",
        "GoNogo-v0",
        "IntervalDiscrimination-v0",
        "MultiSensoryIntegration-v0",
        "PostDecisionWager-v0",
        "ProbabilisticReasoning-v0",
        "ReadySetGo-v0",
        "yang19.ctxdm1-v0",
    ],
)
def test_environments_become_trials(name: str, tmp_path: Path) -> None:
    task = ct.Trials.from_neurogym(name, trials=30, seed=5)
    assert ct.Trials.from_neurogym(name, trials=30, seed=5) == task
    env = neurogym.make(name).unwrapped
    assert task.inputs.shape[2] == env.observation_space.shape[0]
    assert task.targets.ndim == 2
    assert 0 <= task.targets.min() <= task.targets.max() < env.action_space.n
    run = ct.Study(tmp_path, progress=False).train(task=task, units=8, gain=1, epochs=1, batch=10)[0]
    assert run.status == "complete"


@pytest.mark.parametrize("name", ["ReachingDelayResponse-v0", "SpatialSuppressMotion-v0"])
def test_continuous_environments_have_real_targets(name: str, tmp_path: Path) -> None:
    task = ct.Trials.from_neurogym(name, trials=40, seed=0)
    assert ct.Trials.from_neurogym(name, trials=40, seed=0) == task
    env = neurogym.make(name).unwrapped
    assert task.targets.shape == (*task.inputs.shape[:2], *env.action_space.shape)
    assert task.targets.dtype == np.float32
    run = ct.Study(tmp_path, progress=False).train(task=task, units=8, gain=1, epochs=1, batch=10)[0]
    assert run.params.loss == "mse"
    assert run.status == "complete"


def test_an_environment_itself_is_taken(task: ct.Trials) -> None:
    env = neurogym.make(NAME)
    assert ct.Trials.from_neurogym(env, trials=200, seed=0) == task
    # regardless of its state
    env.unwrapped.new_trial()
    assert ct.Trials.from_neurogym(env, trials=200, seed=0) == task
    assert ct.Trials.from_neurogym(env.unwrapped, trials=200, seed=0) == task
    with pytest.raises(ct.ParameterError, match="expected settings with the name of an environment, found `dt`"):
        ct.Trials.from_neurogym(env, dt=20)


def test_settings_are_passed(task: ct.Trials) -> None:
    finer = ct.Trials.from_neurogym(NAME, trials=50, seed=0, dt=20)
    assert finer.inputs.shape[1] == 5 * task.inputs.shape[1]
    with pytest.raises(ct.ParameterError, match=r"cannot be made with these settings: .*nonsense"):
        ct.Trials.from_neurogym(NAME, nonsense=1)


def test_wrappers_that_draw_trials_are_used(task: ct.Trials) -> None:
    always_left = RandomGroundTruth(neurogym.make(NAME), p=[1.0, 0.0])
    left = ct.Trials.from_neurogym(always_left, trials=40, seed=0)
    assert len(np.unique(left.targets)) < len(np.unique(task.targets))


def test_wrappers_that_act_step_by_step_are_left_out_with_a_warning(task: ct.Trials) -> None:
    noisy = Noise(neurogym.make(NAME))
    with pytest.warns(ct.ConcertinaWarning, match="`Noise` acts step by step") as caught:
        assert ct.Trials.from_neurogym(noisy, trials=200, seed=0) == task
    assert [one.filename for one in caught if one.category is ct.ConcertinaWarning] == [__file__]


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ("Nothing-v0", "expected the name of a neurogym environment, found 'Nothing-v0'"),
        ("CartPole-v1", "expected a neurogym environment, which draws trials, found CartPoleEnv"),
        (7, "expected a neurogym environment, which draws trials, found int"),
        ("Bandit-v0", "expected an environment that gives the ground truth of its trials, found Bandit"),
        ("EconomicDecisionMaking-v0", "gives the ground truth of its trials, found EconomicDecisionMaking"),
        ("Reaching1D-v0", "expected a ground truth among the actions of Reaching1D, 0 to 2, found 3 to"),
    ],
)
def test_environments_without_trials_to_learn_from_are_rejected(env: Any, message: str) -> None:
    with pytest.raises(ct.ParameterError) as caught:
        ct.Trials.from_neurogym(env, trials=20)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"trials": 0}, "`trials`: expected a whole number of at least 1, found 0"),
        ({"trials": 2.5}, "`trials`: expected a whole number of at least 1, found 2.5"),
        ({"seed": -1}, "`seed`: expected a whole number from 0 to 2³² − 1, found -1"),
        ({"seed": None}, "found None"),
    ],
)
def test_invalid_numbers_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ct.ParameterError) as caught:
        ct.Trials.from_neurogym(NAME, **given)
    assert message in caught.value.message


def test_environments_that_are_seeded_only_by_reset_are_drawn() -> None:
    class Modern(gymnasium.Env):  # type: ignore[misc, type-arg]
        """An environment as future versions of neurogym may have it: without `seed`."""

        action_space = gymnasium.spaces.Discrete(2)
        observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (1,))

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            super().reset(seed=seed)
            return self.new_trial(), {}

        def new_trial(self) -> None:
            self.gt = np.full(4, self.np_random.integers(2))
            self.ob = self.np_random.normal(size=(4, 1))

    task = ct.Trials.from_neurogym(Modern(), trials=20, seed=1)
    assert task == ct.Trials.from_neurogym(Modern(), trials=20, seed=1)
    assert task != ct.Trials.from_neurogym(Modern(), trials=20, seed=2)
