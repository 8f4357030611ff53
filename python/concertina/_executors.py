"""Training on other workers: anything with `submit`, as in `concurrent.futures`."""

from __future__ import annotations

import math
import time
import uuid
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from . import _core
from ._errors import ConcertinaWarning, ParameterError, StoreError
from ._parameters import Params
from ._progress import Report, outside
from ._trials import Trials

if TYPE_CHECKING:
    from ._study import Study

#: Parts per worker: more than one, so that a worker which is done early takes work from the others.
#: Arbitrary.
_PARTS_PER_WORKER = 4
#: Workers, where an executor does not say how many it has. Arbitrary.
_WORKERS = 16
#: What a part costs at least, in the unit of the core's `missing`, multiplications or so. One core does from
#: 10⁸ (12 units) to 10¹⁰ (200 units) of them a second, measured: a part takes from a hundredth of a second to
#: a second, and its way to a worker and back milliseconds.
_LEAST_WORK = 1e8
#: How often parts are submitted before what is left of them is trained here.
_ROUNDS = 3
#: Seconds between looks at what is done.
_PAUSE = 0.05

#: What training runs again showed, by the keys of the runs; see `Run.comparison`.
Comparisons = dict[str, dict[str, Any]]


class Executor(Protocol):
    """What `Study.train` needs of an executor."""

    def submit(self, function: Any, /, *arguments: Any) -> Any:
        """Has `function(*arguments)` called by a worker; gives something with `done()` and `result()`."""


def train_on(
    executor: Executor, study: Study, sweep: _core.Sweep, keep: str, rerun: bool, report: Report
) -> tuple[Comparisons, list[int]]:
    """Has workers train what the store does not have of a sweep. What `rerun` showed, and the places of runs
    that no worker has trained.
    """
    if not callable(getattr(executor, "submit", None)):
        raise ParameterError(
            f"`executor`: expected something with `submit`, found {type(executor).__name__}",
            "a `concurrent.futures.ProcessPoolExecutor` is an executor; leave it out to train in this process",
        )
    work = dict(study._inner.missing(sweep, keep, rerun))
    training = _Training(executor, study, _sharing_trials(sweep.runs()), keep, rerun, report, len(work))
    for _ in range(_ROUNDS):
        if not work:
            break
        lost = training.submit_and_wait(_parts(work, _most_parts(work, executor, training.jobs)))
        # what was finished before its worker was lost is in the store
        still = dict(study._inner.missing(sweep, keep, rerun)) if lost else {}
        work = {place: still[place] for place in lost if place in still}
        if not training.takes_work:
            break
    if work:
        error = training.error
        warnings.warn(
            f"workers failed, and {len(work)} of {training.runs_asked} runs are trained in this process: "
            f"{type(error).__name__}: {error}",
            ConcertinaWarning,
            stacklevel=outside(),
        )
    return training.comparisons, sorted(work)


class _Training:
    """How far an executor is with the runs of a sweep."""

    def __init__(
        self,
        executor: Executor,
        study: Study,
        runs: list[Params],
        keep: str,
        rerun: bool,
        report: Report,
        runs_asked: int,
    ) -> None:
        self.executor, self.runs, self.report = executor, runs, report
        self.jobs = study._jobs or 1
        self.arguments = (study.folder, self.jobs, keep, rerun)
        self.runs_asked, self.runs_done = runs_asked, 0
        self.comparisons: Comparisons = {}
        #: Why parts were lost, as far as is known; the last reason.
        self.error: BaseException | None = None
        #: Whether the executor took anything when it was last asked.
        self.takes_work = True

    def submit_and_wait(self, parts: list[list[int]]) -> list[int]:
        """Has parts trained; the places of the runs in those that were lost."""
        waiting: list[tuple[Any, list[int]]] = []
        lost: list[int] = []
        try:
            for number, part in enumerate(parts):
                try:
                    waiting.append((self._submitted(part), part))
                except Exception as error:
                    # an executor that is broken or shut down takes nothing more
                    self.error = error
                    lost = [place for part in parts[number:] for place in part]
                    break
            self.takes_work = bool(waiting)
            while waiting:
                are_done = [future.done() for future, _ in waiting]
                for (future, part), is_done in zip(waiting, are_done, strict=True):
                    lost += self._lost(future, part) if is_done else []
                waiting = [one for one, is_done in zip(waiting, are_done, strict=True) if not is_done]
                self._tell([])
                time.sleep(_PAUSE if waiting else 0.0)
        except BaseException:
            for future, _ in waiting:
                getattr(future, "cancel", lambda: None)()
            raise
        return lost

    def _submitted(self, part: list[int]) -> Any:
        # Dask gives what it knows for a task that it has seen: no two tasks are the same
        ticket = uuid.uuid4().hex
        return self.executor.submit(train_part, *self.arguments, [self.runs[place] for place in part], ticket)

    def _lost(self, future: Any, part: list[int]) -> list[int]:
        """Takes what came of a part; the places of its runs if it was lost."""
        try:
            comparisons, messages = future.result()
        except Exception as error:
            self.error = error
            return part
        self.runs_done += len(part)
        self.comparisons.update(comparisons)
        self._tell(messages)
        return []

    def _tell(self, messages: list[tuple[bool, str]]) -> None:
        fraction = self.runs_done / self.runs_asked
        self.report(fraction, f"{self.runs_done}/{self.runs_asked} runs by workers", messages)


def train_part(
    folder: str, jobs: int, keep: str, rerun: bool, runs: list[Params], ticket: str
) -> tuple[Comparisons, list[tuple[bool, str]]]:
    """What a worker does: trains some runs against the store. What `rerun` showed, and what there was to say,
    each message with whether it is a warning.
    """
    messages: list[tuple[bool, str]] = []
    sweep = _core.Sweep.of([run._inner for run in runs])
    assert sweep is not None
    try:
        # to be looked at first, as a folder that is not there would be made
        _core.Study(folder, jobs, True)
    except StoreError as error:
        raise StoreError(
            f"a worker does not see the study's folder: {error.message}",
            "give the study a folder that all workers share",
        ) from None
    trained = _core.Study(folder, jobs, False).train(sweep, keep, rerun, lambda _, __, new: messages.extend(new))
    return comparisons_of(trained), messages


def comparisons_of(runs: _core.Runs) -> Comparisons:
    """What training runs again showed, of those that were."""
    each = [run for run in map(runs.run, range(len(runs))) if run is not None]
    return {run.key(): found for run in each if (found := run.comparison()) is not None}


def _sharing_trials(runs: list[_core.Params]) -> list[Params]:
    """The runs, with equal trials as one object: a part is sent with one copy of them."""
    known: dict[str, Trials] = {}

    def shared(value: Any) -> Any:
        return known.setdefault(value.name, value) if isinstance(value, Trials) else value

    each = [Params._of_core(core) for core in runs]
    return [Params._of(tuple((name, shared(value)) for name, value in run._given)) for run in each]


def _parts(work: Mapping[int, float], most: int) -> list[list[int]]:
    """Places in at most so many parts that cost about the same: the costliest first, each to the part that
    has the least.
    """
    parts: list[list[int]] = [[] for _ in range(min(most, len(work)))]
    costs = [0.0] * len(parts)
    for place in sorted(work, key=lambda place: -work[place]):
        # of parts that cost the same, to the one with the fewest runs
        least = min(range(len(parts)), key=lambda part: (costs[part], len(parts[part])))
        costs[least] += work[place]
        parts[least].append(place)
    return parts


def _most_parts(work: Mapping[int, float], executor: Executor, jobs: int) -> int:
    """How many parts are worth a task each: several per worker, but none too small, and none with fewer runs
    than a worker trains side by side.
    """
    return max(
        1,
        min(
            _workers(executor) * _PARTS_PER_WORKER,
            math.ceil(len(work) / jobs),
            int(sum(work.values()) / _LEAST_WORK),
        ),
    )


def _workers(executor: Any) -> int:
    """How many tasks an executor does at a time, as far as it says so."""
    for name in ("_max_workers", "num_workers"):  # concurrent.futures and its kin, mpi4py
        workers = getattr(executor, name, None)
        if isinstance(workers, int) and workers > 0:
            return workers
    threads = getattr(getattr(executor, "_client", executor), "nthreads", None)  # Dask
    return (sum(threads().values()) if callable(threads) else 0) or _WORKERS
