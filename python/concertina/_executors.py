"""Training on other workers, through any executor with `submit`, as in `concurrent.futures`."""

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

#: Parts per worker: more than one, so that a worker that finishes early can take over work from the others.
#: The value is arbitrary.
_PARTS_PER_WORKER = 4
#: The assumed number of workers if an executor does not tell how many it has. The value is arbitrary.
_WORKERS = 16
#: The least cost of a part, in the unit of the core's `missing`, which is roughly multiplications. In
#: measurements, one core does from 10⁸ (12 units) to 10¹⁰ (200 units) of them per second. A part therefore
#: takes from a hundredth of a second to a second, and sending it to a worker and back takes milliseconds.
_LEAST_WORK = 1e8
#: How often lost parts are submitted before they are trained in this process.
_ROUNDS = 3
#: Seconds between checks for finished parts.
_PAUSE = 0.05

#: Results of training runs again, by the keys of the runs; see `Run.comparison`.
Comparisons = dict[str, dict[str, Any]]


class Executor(Protocol):
    """What `Study.train` needs from an executor."""

    def submit(self, function: Any, /, *arguments: Any) -> Any:
        """Calls `function(*arguments)` on a worker. Returns an object with `done()` and `result()`."""


def train_on(
    executor: Executor, study: Study, sweep: _core.Sweep, keep: str, rerun: bool, report: Report
) -> tuple[Comparisons, list[int]]:
    """Trains on workers those runs of a sweep that the store does not have. Returns the results of `rerun`,
    and the positions of runs that no worker trained.
    """
    if not callable(getattr(executor, "submit", None)):
        raise ParameterError(
            f"`executor`: expected an object with `submit`, found {type(executor).__name__}",
            "a `concurrent.futures.ProcessPoolExecutor` is an executor; leave it out to train in this process",
        )
    work = dict(study._inner.missing(sweep, keep, rerun))
    training = _Training(executor, study, _sharing_trials(sweep.runs()), keep, rerun, report, len(work))
    for _ in range(_ROUNDS):
        if not work:
            break
        lost = training.submit_and_wait(_parts(work, _most_parts(work, executor, training.jobs)))
        # runs that were finished before their worker was lost are in the store
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
    """The state of an executor's work on the runs of a sweep."""

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
        #: The last known reason why parts were lost.
        self.error: BaseException | None = None
        #: Whether the executor accepted any work when it was last asked.
        self.takes_work = True

    def submit_and_wait(self, parts: list[list[int]]) -> list[int]:
        """Has parts trained. Returns the positions of the runs in parts that were lost."""
        waiting: list[tuple[Any, list[int]]] = []
        lost: list[int] = []
        try:
            for number, part in enumerate(parts):
                try:
                    waiting.append((self._submitted(part), part))
                except Exception as error:
                    # an executor that is broken or shut down accepts nothing more
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
        # Dask returns the known result of a task that it has seen before, so every task is made unique
        ticket = uuid.uuid4().hex
        return self.executor.submit(train_part, *self.arguments, [self.runs[place] for place in part], ticket)

    def _lost(self, future: Any, part: list[int]) -> list[int]:
        """Collects the result of a part. Returns the positions of its runs if it was lost, else nothing."""
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
    """Runs on a worker: trains some runs in the store. Returns the results of `rerun`, and the messages, each
    with whether it is a warning.
    """
    messages: list[tuple[bool, str]] = []
    sweep = _core.Sweep.of([run._inner for run in runs])
    assert sweep is not None
    try:
        # opened read-only first, because a folder that does not exist would be created
        _core.Study(folder, jobs, True)
    except StoreError as error:
        raise StoreError(
            f"a worker cannot see the study's folder: {error.message}",
            "give the study a folder that all workers share",
        ) from None
    trained = _core.Study(folder, jobs, False).train(sweep, keep, rerun, lambda _, __, new: messages.extend(new))
    return comparisons_of(trained), messages


def comparisons_of(runs: _core.Runs) -> Comparisons:
    """The results of training runs again, for the runs for which this was done."""
    each = [run for run in map(runs.run, range(len(runs))) if run is not None]
    return {run.key(): found for run in each if (found := run.comparison()) is not None}


def _sharing_trials(runs: list[_core.Params]) -> list[Params]:
    """The runs, with equal trials as one object, so that a part is sent with a single copy of them."""
    known: dict[str, Trials] = {}

    def shared(value: Any) -> Any:
        return known.setdefault(value.name, value) if isinstance(value, Trials) else value

    each = [Params._of_core(core) for core in runs]
    return [Params._of(tuple((name, shared(value)) for name, value in run._given)) for run in each]


def _parts(work: Mapping[int, float], most: int) -> list[list[int]]:
    """Divides positions into at most `most` parts of about the same cost: the costliest first, each into the
    part that costs least so far.
    """
    parts: list[list[int]] = [[] for _ in range(min(most, len(work)))]
    costs = [0.0] * len(parts)
    for place in sorted(work, key=lambda place: -work[place]):
        # among parts of the same cost, into the one with the fewest runs
        least = min(range(len(parts)), key=lambda part: (costs[part], len(parts[part])))
        costs[least] += work[place]
        parts[least].append(place)
    return parts


def _most_parts(work: Mapping[int, float], executor: Executor, jobs: int) -> int:
    """How many parts are worth a separate task: several per worker, but none that is too small, and none with
    fewer runs than a worker trains at the same time.
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
    """How many tasks an executor runs at the same time, if it tells."""
    for name in ("_max_workers", "num_workers"):  # concurrent.futures and executors like it, mpi4py
        workers = getattr(executor, name, None)
        if isinstance(workers, int) and workers > 0:
            return workers
    threads = getattr(getattr(executor, "_client", executor), "nthreads", None)  # Dask
    return (sum(threads().values()) if callable(threads) else 0) or _WORKERS
