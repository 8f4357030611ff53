"""Training on other workers: anything with `submit`, as in `concurrent.futures`."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING, Any, Protocol

from . import _core
from ._errors import ConcertinaWarning
from ._parameters import Params
from ._progress import Report

if TYPE_CHECKING:
    from ._study import Study

#: Parts per worker: more than one, so that a worker which is done early takes work from the others.
#: Arbitrary.
_PARTS_PER_WORKER = 4
#: Workers, where an executor does not say how many it has. Arbitrary.
_WORKERS = 16
#: How often workers that were lost are replaced before the rest is done here.
_ATTEMPTS = 3
#: Seconds between looks at what is done.
_PAUSE = 0.05


class Executor(Protocol):
    """What `Study.train` needs of an executor."""

    def submit(self, function: Any, /, *arguments: Any) -> Any:
        """Has `function(*arguments)` called by a worker; gives something with `done()` and `result()`."""


def train_on(executor: Executor, study: Study, sweep: _core.Sweep, keep: str, rerun: bool, report: Report) -> None:
    """Has workers train what the store does not have of a sweep; what they leave, `Study.train` does
    afterwards.
    """
    runs = [Params._of_core(core) for core in sweep.runs()]
    work = dict(enumerate([1.0] * len(runs))) if rerun else dict(study._inner.missing(sweep))
    done_before, total = len(runs) - len(work), sum(work.values())
    for _attempt in range(_ATTEMPTS):
        parts = _parts(work, _workers(executor) * _PARTS_PER_WORKER)
        lost = _train_parts(
            executor, study, runs, parts, keep, rerun, lambda left: _tell(report, left, total, len(runs))
        )
        if lost is None:
            return
        # what was finished before the worker was lost is in the store
        missing = dict(study._inner.missing(sweep))
        work = missing if not rerun else {place: work[place] for part in lost[1] for place in part}
        if not work:
            return
        error = lost[0]
        if _is_broken(executor):
            break
    warnings.warn(
        f"workers were lost ({type(error).__name__}: {error}); "
        f"{len(work)} of {len(runs) - done_before} runs are trained here",
        ConcertinaWarning,
        stacklevel=4,
    )


def _train_parts(
    executor: Executor, study: Study, runs: list[Params], parts: list[list[int]], keep: str, rerun: bool, tell: Any
) -> tuple[BaseException, list[list[int]]] | None:
    """Submits parts and waits for all of them; the first error, and the parts that were not done, if there
    are some.
    """
    futures = []
    lost: list[list[int]] = []
    first: BaseException | None = None
    for part in parts:
        try:
            futures.append(
                (executor.submit(_train_part, study.folder, [runs[place] for place in part], keep, rerun), part)
            )
        except RuntimeError as error:
            # an executor that is broken or shut down takes nothing more
            first, lost = first or error, [*lost, part]
    waiting = list(futures)
    try:
        while waiting:
            waiting = [(future, part) for future, part in waiting if not future.done()]
            tell(sum(len(part) for _, part in waiting) / max(1, sum(len(part) for part in parts)))
            time.sleep(_PAUSE if waiting else 0.0)
    except BaseException:
        for future, _ in waiting:
            getattr(future, "cancel", lambda: None)()
        raise
    for future, part in futures:
        try:
            future.result()
        except Exception as error:
            first, lost = first or error, [*lost, part]
    return None if first is None else (first, lost)


def _train_part(folder: str, runs: list[Params], keep: str, rerun: bool) -> list[str]:
    """What a worker does: trains some runs against the store, one after the other; how each of them ended."""
    from ._study import Study

    study = Study(folder, jobs=1, progress=False)
    return [run.status for run in study.train(runs, keep=keep, rerun=rerun)]  # type: ignore[arg-type]


def _parts(work: dict[int, float], most: int) -> list[list[int]]:
    """Places in at most so many parts that cost about the same: the costliest first, each to the part that
    has the least.
    """
    count = max(1, min(most, len(work)))
    parts: list[tuple[float, list[int]]] = [(0.0, []) for _ in range(count)]
    for place in sorted(work, key=lambda place: -work[place]):
        least = min(range(count), key=lambda part: parts[part][0])
        cost, places = parts[least]
        parts[least] = (cost + work[place], [*places, place])
    return [places for _, places in parts if places]


def _workers(executor: Any) -> int:
    """How many workers an executor has, as far as it says so."""
    for name in ("_max_workers", "num_workers"):
        workers = getattr(executor, name, None)
        if isinstance(workers, int) and workers > 0:
            return workers
    return _WORKERS


def _is_broken(executor: Any) -> bool:
    return bool(getattr(executor, "_broken", False))


def _tell(report: Report, left: float, total: float, runs: int) -> None:
    report(1.0 - left, f"{runs} runs on workers", [])
