"""Training on other workers, and what happens if workers are lost."""

from __future__ import annotations

import multiprocessing
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import concertina as ct
import numpy as np
import pytest
from concertina import _executors
from concertina._executors import _most_parts, _parts, _sharing_trials, _workers, train_part
from concertina._parameters import build_sweep
from small import SMALL
from workers import die_once

#: Six runs.
SWEEP: dict[str, Any] = {**SMALL, "gain": [1.5, 20], "seed": range(3)}


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removes the lower limit on the size of parts."""
    monkeypatch.setattr(_executors, "_LEAST_WORK", 1.0)


@pytest.fixture(scope="module")
def expected() -> list[bytes]:
    """The runs of the sweep, trained in a single process."""
    return bits(ct.Study(progress=False).train(**SWEEP))


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def bits(runs: ct.Runs) -> list[bytes]:
    """Everything that training determines in runs, bit-for-bit."""
    return [
        b"".join(array.tobytes() for array in run.weights(at).values())
        + b"".join(run.history[name].tobytes() for name in ("training_loss", "validation_loss"))
        for run in runs
        for at in (1, "last")
    ]


class Recording:
    """An executor that does a task when it is submitted, and records it."""

    def __init__(self, workers: int | None = None) -> None:
        self.tasks: list[tuple[Any, ...]] = []
        if workers is not None:
            self._max_workers = workers

    def submit(self, function: Any, *arguments: Any) -> Future[Any]:
        self.tasks.append(arguments)
        future: Future[Any] = Future()
        try:
            future.set_result(self.do(pickle.loads(pickle.dumps(function)), *pickle.loads(pickle.dumps(arguments))))
        except Exception as error:
            future.set_exception(error)
        return future

    def do(self, function: Any, *arguments: Any) -> Any:
        return function(*arguments)

    @property
    def parts(self) -> list[list[ct.Params]]:
        return [task[4] for task in self.tasks]


class Lossy(Recording):
    """An executor whose first tasks are lost."""

    def __init__(self, lost: int) -> None:
        super().__init__(workers=2)
        self.lost = lost

    def do(self, function: Any, *arguments: Any) -> Any:
        if len(self.tasks) <= self.lost:
            raise ConnectionError("the worker is gone")
        return function(*arguments)


class Refusing(Recording):
    """An executor that accepts a number of tasks, and no more."""

    def __init__(self, takes: int) -> None:
        super().__init__(workers=2)
        self.takes = takes

    def submit(self, function: Any, *arguments: Any) -> Future[Any]:
        if len(self.tasks) == self.takes:
            raise RuntimeError("cannot schedule new futures after shutdown")
        return super().submit(function, *arguments)


def test_processes_give_the_bits_of_one(empty: ct.Study, processes: ProcessPoolExecutor, expected: list[bytes]) -> None:
    runs = empty.train(executor=processes, **SWEEP)
    assert bits(runs) == expected
    assert [run.params.seed for run in runs] == [0, 1, 2, 0, 1, 2]
    assert {run.source for run in runs} == {"loaded"}


def test_threads_give_the_bits_of_one(empty: ct.Study, expected: list[bytes]) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert bits(empty.train(executor=pool, **SWEEP)) == expected


def test_a_study_without_a_folder_trains_with_processes(processes: ProcessPoolExecutor, expected: list[bytes]) -> None:
    study = ct.Study(progress=False)
    assert bits(study.train(executor=processes, **SWEEP)) == expected


@pytest.mark.parametrize("after", [0.0, 0.05])
def test_a_worker_that_is_killed_breaks_the_pool_and_the_rest_is_trained_here(
    empty: ct.Study, expected: list[bytes], tmp_path: Path, after: float
) -> None:
    class Dying:
        _max_workers = 2

        def submit(self, function: Any, *arguments: Any) -> Future[Any]:
            return pool.submit(die_once, str(tmp_path / "marker"), after, function, *arguments)

    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        # the last run keeps the workers busy
        longer = [*ct.sweep(**SWEEP), ct.Params(**{**SMALL, "units": 100, "epochs": 30, "batch": 1})]
        with pytest.warns(ct.ConcertinaWarning, match="runs are trained in this process: BrokenProcessPool") as caught:
            runs = empty.train(longer, executor=Dying())
    assert caught[0].filename == __file__
    assert bits(runs[:6]) == expected
    assert (tmp_path / "marker").exists()
    # at most the file that the killed process was writing is left over
    assert {row["kind"] for row in empty.verify()} <= {"left over"}


def test_parts_of_lost_workers_are_submitted_again(empty: ct.Study, expected: list[bytes]) -> None:
    lossy = Lossy(lost=2)
    assert bits(empty.train(executor=lossy, **SWEEP)) == expected
    assert [len(part) for part in lossy.parts] == [1] * 8


def test_parts_are_submitted_three_times_before_they_are_trained_here(empty: ct.Study, expected: list[bytes]) -> None:
    lossy = Lossy(lost=1000)
    with pytest.warns(ct.ConcertinaWarning, match=r"6 of 6 runs are trained .*: ConnectionError: the worker is gone"):
        assert bits(empty.train(executor=lossy, **SWEEP)) == expected
    assert len(lossy.tasks) == 3 * 6


@pytest.mark.parametrize("takes", [0, 2])
def test_what_an_executor_refuses_is_trained_here(empty: ct.Study, expected: list[bytes], takes: int) -> None:
    refusing = Refusing(takes)
    with pytest.warns(ct.ConcertinaWarning, match=f"{6 - takes} of 6 runs are trained .*after shutdown"):
        runs = empty.train(executor=refusing, **SWEEP)
    assert bits(runs) == expected
    assert [run.source for run in runs].count("loaded") == takes


def test_jobs_of_a_cluster_have_only_done_and_result(empty: ct.Study, expected: list[bytes]) -> None:
    class Job:
        """Like submitit's: nothing happens until the result is requested."""

        def __init__(self, task: Callable[[], Any]) -> None:
            self.task, self.asked = task, 0

        def done(self) -> bool:
            self.asked += 1
            return self.asked > 1

        def result(self) -> Any:
            return self.task()

    class Cluster:
        def submit(self, function: Any, *arguments: Any) -> Job:
            return Job(lambda: function(*arguments))

    assert bits(empty.train(executor=Cluster(), **SWEEP)) == expected


def test_only_what_is_missing_is_submitted(empty: ct.Study) -> None:
    empty.train(**{**SWEEP, "seed": [0, 1]})
    recording = Recording()
    runs = empty.train(executor=recording, **SWEEP)
    assert sorted(run.gain for part in recording.parts for run in part) == [1.5, 20.0]
    assert {run.seed for part in recording.parts for run in part} == {2}
    assert {run.source for run in runs} == {"loaded"}
    again = Recording()
    assert len(empty.train(executor=again, **SWEEP)) == 6
    assert again.tasks == []


@pytest.mark.parametrize("keep", ["needed", "ends"])
def test_what_is_kept_is_passed(empty: ct.Study, tmp_path: Path, keep: Any) -> None:
    recording = Recording()
    empty.train(executor=recording, keep=keep, **SWEEP)
    here = ct.Study(tmp_path / "here", progress=False)
    here.train(keep=keep, **SWEEP)
    sizes = [
        sorted(file.stat().st_size for file in Path(study.folder).rglob("*.safetensors")) for study in (empty, here)
    ]
    assert sizes[0] == sizes[1]
    again = Recording()
    empty.train(executor=again, keep=keep, **SWEEP)
    assert again.tasks == []
    # storing all checkpoints would take more
    empty.train(executor=again, **SWEEP)
    assert again.tasks != []


def test_reruns_by_workers_are_compared(empty: ct.Study) -> None:
    empty.train(**{**SWEEP, "seed": 0})
    runs = empty.train(executor=Recording(), rerun=True, **SWEEP)
    comparisons = [run.comparison for run in runs]
    assert [one is not None and one["difference"] is None for one in comparisons] == [True, False, False] * 2
    assert runs[[0]][0].comparison == comparisons[0]


def test_reruns_that_workers_leave_are_compared_here(empty: ct.Study) -> None:
    empty.train(**SWEEP)
    with pytest.warns(ct.ConcertinaWarning, match="4 of 6 runs are trained in this process"):
        runs = empty.train(executor=Refusing(2), rerun=True, **SWEEP)
    assert all(run.comparison is not None for run in runs)


def test_a_run_that_fails_is_among_the_others(empty: ct.Study) -> None:
    # sixty clusters do not fit on a line
    fits = ct.Params(**SMALL)
    fails = ct.Params(input_dim=1, clusters=60, cluster_std=0.5, units=8, epochs=1)
    recording = Recording()
    with pytest.warns(ct.ConcertinaWarning, match="of 2 runs, 1 failed"):
        runs = empty.train([fits, fails], executor=recording)
    assert [run.status for run in runs] == ["complete", "failed"]
    assert len(recording.tasks) == 2


def test_messages_of_workers_are_passed_on(empty: ct.Study, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="concertina"):
        empty.train(executor=Recording(), **SWEEP)
    assert sum("trained" in record.message for record in caplog.records) == 6
    # a note about a sweep is one warning, not one per part
    with pytest.warns(ct.ConcertinaWarning, match="has no effect here") as caught:
        empty.train(executor=Recording(), leak=False, **{**SWEEP, "epochs": 3})
    assert len(caught) == 1


def test_ctrl_c_cancels_what_waits_and_keeps_what_is_done(empty: ct.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[Future[Any]] = []

    class Stuck(Recording):
        """An executor that does the first task, and none of the others."""

        def submit(self, function: Any, *arguments: Any) -> Future[Any]:
            if not self.tasks:
                return super().submit(function, *arguments)
            waiting.append(Future())
            return waiting[-1]

    def press(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", press)
    with pytest.raises(KeyboardInterrupt):
        empty.train(executor=Stuck(), **SWEEP)
    monkeypatch.undo()
    assert len(waiting) == 5
    assert all(future.cancelled() for future in waiting)
    assert empty.table()["status"].tolist() == ["complete"]


def test_a_worker_that_cannot_see_the_folder_says_so(empty: ct.Study, tmp_path: Path) -> None:
    class Elsewhere(Recording):
        def do(self, function: Any, folder: str, *arguments: Any) -> Any:
            return function(str(tmp_path / "elsewhere"), *arguments)

    with pytest.warns(ct.ConcertinaWarning, match="StoreError: a worker cannot see the study's folder"):
        runs = empty.train(executor=Elsewhere(), **SWEEP)
    assert {run.source for run in runs} == {"trained"}
    assert not (tmp_path / "elsewhere").exists()


def test_a_read_only_store_submits_nothing(empty: ct.Study) -> None:
    empty.train(**{**SWEEP, "seed": 0})
    reader = ct.Study(empty.folder, read_only=True, progress=False)
    recording = Recording()
    assert len(reader.train(executor=recording, **{**SWEEP, "seed": 0})) == 2
    with pytest.raises(ct.StoreError):
        reader.train(executor=recording, **SWEEP)
    assert recording.tasks == []


def test_something_else_is_not_an_executor(empty: ct.Study) -> None:
    with pytest.raises(ct.ParameterError, match="`executor`: expected an object with `submit`, found int"):
        empty.train(executor=4, **SWEEP)  # type: ignore[arg-type]


def test_progress_is_reported_in_runs(empty: ct.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[float, str]] = []
    monkeypatch.setattr("concertina._progress.Progress._show", lambda _, *shown: told.append(shown))
    empty.progress = True
    empty.train(executor=Recording(workers=1), **SWEEP)
    assert (1.0, "6/6 runs by workers") in told


def test_a_worker_trains_as_many_runs_at_a_time_as_the_study_has_jobs(tmp_path: Path) -> None:
    study = ct.Study(tmp_path, jobs=3, progress=False)
    recording = Recording()
    study.train(executor=recording, **SWEEP)
    assert [task[1] for task in recording.tasks] == [3, 3]
    assert [len(part) for part in recording.parts] == [3, 3]


def test_trials_are_sent_once_with_a_part(empty: ct.Study, task: ct.Trials) -> None:
    sweep = build_sweep((), {"task": task, "units": 8, "seed": range(10), "epochs": 1})
    one, ten = (len(pickle.dumps(_sharing_trials(sweep.runs())[:count])) for count in (1, 10))
    assert ten < 2 * one
    recording = Recording(workers=1)
    runs = empty.train(task=task, units=8, gain=1, seed=range(6), epochs=1, batch=10, executor=recording)
    assert [run.params.trials for run in runs] == [task] * 6


def test_parts_are_of_equal_cost_and_have_every_position_once(rng: np.random.Generator) -> None:
    for count in (1, 2, 7, 100):
        for most in (1, 3, 16):
            work = dict(zip(rng.permutation(1000)[:count].tolist(), rng.uniform(1, 5, count).tolist(), strict=True))
            parts = _parts(work, most)
            assert len(parts) == min(count, most)
            assert sorted(place for part in parts for place in part) == sorted(work)
            costs = [sum(work[place] for place in part) for part in parts]
            # the costliest first, each into the cheapest part: no part is over by more than one run
            assert max(costs) - min(costs) <= max(work.values())
    assert [len(part) for part in _parts(dict.fromkeys(range(6), 0.0), 3)] == [2, 2, 2]
    assert _parts({4: 10.0, 5: 1.0, 6: 1.0, 7: 1.0}, 2) == [[4], [5, 6, 7]]


def test_there_are_several_parts_per_worker_but_each_is_worth_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_executors, "_LEAST_WORK", 1e8)
    four, unknown = Recording(workers=4), Recording()
    assert _most_parts(dict.fromkeys(range(1000), 1e9), four, 1) == 16
    assert _most_parts(dict.fromkeys(range(1000), 1e9), unknown, 1) == 64
    assert _most_parts(dict.fromkeys(range(5), 1e9), four, 1) == 5
    assert _most_parts(dict.fromkeys(range(5), 1e9), four, 2) == 3
    # a hundred tiny runs are not worth a hundred tasks
    assert _most_parts(dict.fromkeys(range(100), 4e6), four, 1) == 4
    assert _most_parts(dict.fromkeys(range(100), 1e3), four, 1) == 1


def test_executors_tell_how_many_workers_they_have(processes: ProcessPoolExecutor) -> None:
    assert _workers(processes) == 2

    class Messages:
        num_workers = 7

    class Client:
        def nthreads(self) -> dict[str, int]:
            return {"tcp://a": 2, "tcp://b": 3}

    class Dask:
        _client = Client()

    assert _workers(Messages()) == 7
    assert _workers(Dask()) == _workers(Client()) == 5
    assert _workers(object()) == 16


def test_no_two_tasks_are_the_same(empty: ct.Study) -> None:
    recording = Recording()
    for _ in range(2):
        empty.train(executor=recording, rerun=True, **{**SWEEP, "seed": 0})
    tickets = [task[-1] for task in recording.tasks]
    assert len(set(tickets)) == len(tickets) == 4


def test_a_part_can_be_trained_twice_at_the_same_time(empty: ct.Study, expected: list[bytes]) -> None:
    # as in a cluster that takes a slow worker for a lost one
    runs = ct.sweep(**SWEEP)
    threads = [
        threading.Thread(target=train_part, args=(empty.folder, 1, "all", False, runs, str(one))) for one in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bits(empty.train(**SWEEP)) == expected
