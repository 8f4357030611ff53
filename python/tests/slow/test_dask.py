"""Training on a local Dask cluster that loses a worker."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import concertina as ct
import pytest
from dask.distributed import Client, LocalCluster

#: Runs of about one second each.
SWEEP: dict[str, Any] = {
    "units": 100,
    "input_dim": 20,
    "train_samples": 400,
    "batch": 1,
    "epochs": 16,
    "gain": [1.5, 20],
    "seed": range(3),
}

# sockets and threads of a closed cluster
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


def bits(runs: ct.Runs) -> list[bytes]:
    return [b"".join(array.tobytes() for array in run.weights().values()) for run in runs]


def files(study: ct.Study) -> dict[str, bytes]:
    """All that a store has of its runs. Provenance has times and machines, and tables of runs are derived."""
    folder = Path(study.folder)
    # opening a store removes what killed processes left unfinished
    ct.Study(folder)
    derived = {"provenance.json", "index.parquet", "runs.csv"}
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in derived
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> ct.Study:
    """A study whose runs were trained in one process."""
    study = ct.Study(tmp_path_factory.mktemp("whole"), progress=False)
    study.train(**SWEEP)
    return study


@pytest.fixture(scope="module")
def expected(whole: ct.Study) -> list[bytes]:
    return bits(whole.train(**SWEEP))


@pytest.fixture
def client() -> Iterator[Client]:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


def processes(client: Client) -> set[int]:
    return set(client.run(os.getpid).values())


def test_a_cluster_gives_the_bits_of_one_process(
    empty: ct.Study, whole: ct.Study, client: Client, expected: list[bytes]
) -> None:
    runs = empty.train(executor=client.get_executor(), **SWEEP)
    assert {run.source for run in runs} == {"loaded"}
    assert bits(runs) == expected
    assert files(empty) == files(whole)
    # Dask must not return the known result of an earlier task
    empty.remove("units = 100")
    # a client is an executor, too
    again = empty.train(executor=client, **SWEEP)
    assert {run.source for run in again} == {"loaded"}
    assert bits(again) == expected


def test_a_worker_that_is_lost_during_training_loses_nothing(
    empty: ct.Study, whole: ct.Study, client: Client, expected: list[bytes]
) -> None:
    before = processes(client)
    killed: list[int] = []

    def kill() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            table = empty.table()
            if "unfinished" in (table["status"].tolist() if len(table) else []):
                break
            time.sleep(0.01)
        killed.append(min(before))
        os.kill(killed[0], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    runs = empty.train(executor=client.get_executor(), **SWEEP)
    thread.join()
    assert killed
    assert {run.source for run in runs} == {"loaded"}
    assert bits(runs) == expected
    # at most the file that the killed process was writing is left over
    assert {row["kind"] for row in empty.verify()} <= {"left over"}
    assert files(empty) == files(whole)
    # the worker's nanny has started another
    assert killed[0] not in processes(client)


def test_a_cluster_whose_workers_all_die_leaves_the_rest_to_this_process(
    empty: ct.Study, client: Client, expected: list[bytes]
) -> None:
    class Deadly:
        """Every task kills its worker. Dask gives up after some tries, and blames the task."""

        def __init__(self, executor: Any) -> None:
            self.executor = executor

        def submit(self, function: Any, *arguments: Any) -> Any:
            return self.executor.submit(os._exit, 1)

    with pytest.warns(ct.ConcertinaWarning, match="6 of 6 runs are trained in this process: KilledWorker"):
        runs = empty.train(executor=Deadly(client.get_executor()), **SWEEP)
    assert {run.source for run in runs} == {"trained"}
    assert bits(runs) == expected
