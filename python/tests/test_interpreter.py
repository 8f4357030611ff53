"""The interpreter: its lock, Ctrl-C, progress, warnings, threads, forks, memory."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import concertina as ct
import numpy as np
import pytest
from concertina._progress import Progress
from small import SMALL

#: A run that takes long enough to be interrupted.
LONG: dict[str, Any] = {"units": 100, "input_dim": 20, "train_samples": 800, "batch": 1}


def run_python(code: str, folder: Path, **arguments: Any) -> subprocess.Popen[str]:
    program = textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **arguments,
    )


TRAIN_LONG = """
    import sys
    import concertina as ct

    study = ct.Study(sys.argv[1], progress=False, jobs=1)
    print("training", flush=True)
    try:
        study.train(units=100, input_dim=20, batch=1, epochs=200)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def wait_for_epochs(folder: Path, process: subprocess.Popen[str]) -> None:
    """Waits until the process has begun to train."""
    assert process.stdout is not None
    assert process.stdout.readline() == "training\n"
    time.sleep(2.0)


def test_ctrl_c_stops_at_the_end_of_an_epoch_and_keeps_everything(tmp_path: Path) -> None:
    process = run_python(TRAIN_LONG, tmp_path / "store")
    wait_for_epochs(tmp_path, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert "interrupted" in out, err
    assert process.returncode == 0
    study = ct.Study(tmp_path / "store", progress=False)
    row = study.table()[0]
    assert row["status"] == "unfinished"
    assert 0 < row["epochs"] < 200
    resumed = study.train(units=100, input_dim=20, batch=1, epochs=row["epochs"] + 1)[0]
    whole = ct.Study(tmp_path / "whole", progress=False).train(resumed.params)[0]
    assert resumed.weights()["recurrent"].tobytes() == whole.weights()["recurrent"].tobytes()


def test_a_kernel_that_is_killed_during_training_loses_nothing(tmp_path: Path) -> None:
    process = run_python(TRAIN_LONG, tmp_path / "store")
    wait_for_epochs(tmp_path, process)
    process.kill()
    process.communicate(timeout=60)
    study = ct.Study(tmp_path / "store", progress=False)
    assert len(study.verify().where("kind = damaged") if "kind" in study.verify().columns else study.verify()) == 0
    small = study.train(gain=20, **SMALL)[0]
    whole = ct.Study(tmp_path / "whole", progress=False).train(gain=20, **SMALL)[0]
    assert small.weights()["recurrent"].tobytes() == whole.weights()["recurrent"].tobytes()


def test_the_lock_is_released_while_runs_train(empty: ct.Study) -> None:
    counted = 0
    done = threading.Event()

    def count() -> None:
        nonlocal counted
        while not done.is_set():
            counted += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    begun = time.monotonic()
    empty.train(epochs=4, **LONG)
    seconds = time.monotonic() - begun
    done.set()
    thread.join()
    # if the lock were held, it would have counted only a few times
    assert counted > 50 * seconds


def test_two_threads_train_with_one_study(empty: ct.Study) -> None:
    found: dict[int, ct.Runs] = {}
    errors: list[BaseException] = []

    def train(gain: int) -> None:
        try:
            found[gain] = empty.train(gain=[gain, 100], **SMALL)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=train, args=(gain,)) for gain in (20, 250)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    shared = [runs[1].weights()["recurrent"].tobytes() for runs in found.values()]
    assert shared[0] == shared[1]
    assert len(empty.table()) == 3


def in_a_fork(folder: str, study: ct.Study, queue: Any) -> None:
    runs = study.train(gain=[20, 33], **SMALL)
    queue.put((folder, [run.source for run in runs], float(runs.effective_dimension(samples=40)["update"].max())))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_after_training_goes_on_with_the_same_study(empty: ct.Study) -> None:
    empty.train(gain=20, **SMALL)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=in_a_fork, args=(empty.folder, empty, queue))
    child.start()
    folder, sources, _ = queue.get(timeout=60)
    child.join(timeout=60)
    assert child.exitcode == 0
    assert folder == empty.folder
    assert sources == ["loaded", "trained"]
    assert [run.source for run in empty.train(gain=[20, 33], **SMALL)] == ["loaded", "loaded"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_does_not_remove_the_temporary_folder() -> None:
    study = ct.Study(progress=False)
    study.train(gain=20, **SMALL)
    child = multiprocessing.get_context("fork").Process(target=gc.collect)
    child.start()
    child.join(timeout=60)
    assert len(study.table()) == 1


def test_messages_are_logged_and_warnings_are_warnings(empty: ct.Study, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="concertina"):
        empty.train(gain=20, **SMALL)
    assert [record.message for record in caplog.records] == [
        record.message for record in caplog.records if "run " in record.message
    ]
    assert len(caplog.records) == 1
    with pytest.warns(ct.ConcertinaWarning) as caught:
        empty.train(leak=False, gain=20, **SMALL)
    # the place of the user's code, not of the package
    assert caught[0].filename == __file__


def test_a_tqdm_bar_is_shown_if_work_takes_longer(empty: ct.Study, capsys: pytest.CaptureFixture[str]) -> None:
    empty.progress = True
    empty.train(epochs=4, **LONG)
    assert "1 runs" in capsys.readouterr().err


def test_without_tqdm_progress_is_plain_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    monkeypatch.setattr("concertina._progress._SECONDS_BETWEEN_LINES", 0.0)
    with Progress(True) as report:
        report(0.25, "1/4 runs", [])
        report(0.5, "2/4 runs", [])
    assert capsys.readouterr().err == " 25%  1/4 runs\n 50%  2/4 runs\n"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Progress(True) as report:
        report(0.25, "1/4 runs", [])
        report(0.5, "2/4 runs", [])
    assert capsys.readouterr().err == "\r 25%  1/4 runs\x1b[K\r 50%  2/4 runs\x1b[K\n"
    with Progress(False) as report:
        report(0.25, "1/4 runs", [])
    assert capsys.readouterr().err == ""


def test_an_exception_in_a_bar_stops_the_work(empty: ct.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the terminal is gone")

    empty.progress = True
    monkeypatch.setattr(Progress, "_show", fail)
    with pytest.raises(RuntimeError, match="the terminal is gone"):
        empty.train(epochs=50, **LONG)
    assert empty.table()[0]["epochs"] < 50


def resident() -> int:
    """The number of bytes of memory in use by this process."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell how much memory is used")
def test_memory_after_a_hundred_trainings_is_the_same_as_after_ten(tmp_path: Path) -> None:
    code = """
        import gc, os, sys
        from pathlib import Path
        import concertina as ct

        def resident():
            return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        study = ct.Study(sys.argv[1], progress=False, jobs=2)
        for training in range(101):
            runs = study.train(seed=training, units=40, input_dim=10, clusters=8, train_samples=100, epochs=2)
            runs.effective_dimension(samples=50)["effective_dimension"]
            runs[0].states("last")
            if training == 10:
                gc.collect()
                after_ten = resident()
        gc.collect()
        print((resident() - after_ten) / 2**20)
    """
    out, err = run_python(code, tmp_path).communicate(timeout=300)
    assert out, err
    assert abs(float(out)) <= 5.0, f"{float(out):.1f} MB more"


def test_states_are_read_without_a_copy() -> None:
    tracemalloc = pytest.importorskip("tracemalloc")
    states = np.random.default_rng(0).normal(size=(5000, 200)).astype(np.float32)
    ct.effective_dimension(states)
    tracemalloc.start()
    ct.effective_dimension(states)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # NumPy reports its arrays to tracemalloc: a copy would be 4 MB
    assert peak < 100_000


def test_warnings_are_shown_once_per_place() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            with Progress(False) as report:
                report(0.0, "", [(True, "something")])
    assert len(caught) == 1
