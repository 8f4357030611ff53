"""Studies and runs: what is trained, kept, found and shown."""

from __future__ import annotations

import gc
import pickle
from pathlib import Path

import concertina as ct
import numpy as np
import pytest
from small import SMALL


def test_existing_runs_are_loaded_and_the_rest_is_trained(empty: ct.Study) -> None:
    first = empty.train(gain=20, **SMALL)
    assert [run.source for run in first] == ["trained"]
    both = empty.train(gain=[20, 250], **SMALL)
    assert [run.source for run in both] == ["loaded", "trained"]
    longer = empty.train(gain=20, **{**SMALL, "epochs": 3})
    assert longer[0].source == "extended"
    assert len(longer[0].history) == 3


def test_runs_are_a_sequence_that_shows_a_table(runs: ct.Runs) -> None:
    assert len(runs) == 4
    assert [run.params.seed for run in runs] == [0, 1, 0, 1]
    assert [run.params.gain for run in runs[2:]] == [20.0, 20.0]
    assert [run.params.gain for run in runs[[0, 3]]] == [1.5, 20.0]
    assert runs[-1].params.seed == 1
    assert len(runs.where("gain = 20 and seed = 1")) == 1
    assert runs.table().columns[:4] == ["key", "gain", "seed", "status"]
    assert repr(runs).startswith("4 runs\n")
    assert "<th>gain</th>" in runs._repr_html_()
    with pytest.raises(IndexError):
        runs[4]
    with pytest.raises(ct.ParameterError, match="found none for `gain = 3`"):
        runs.where("gain = 3")
    with pytest.raises(ct.ParameterError, match="found none"):
        runs[5:]


def test_a_run_knows_its_outcome(runs: ct.Runs) -> None:
    run = runs[0]
    assert (run.status, run.message) == ("complete", None)
    assert run.source in ("trained", "loaded")
    assert run.key == run.params.key
    assert run.history["epoch"].tolist() == [1, 2]
    assert run.checkpoints[0] == (0, 0)
    assert run.checkpoints[-1][0] == 2
    assert run.comparison is None
    assert repr(run).startswith(f"Run({run.key[:12]}: ")
    assert "<table" in run._repr_html_()


def test_weights_have_names_and_are_from_and_to(runs: ct.Runs) -> None:
    weights = runs[0].weights("last")
    shapes = {name: array.shape for name, array in weights.items()}
    assert shapes == {
        "input": (6, 12),
        "recurrent": (12, 12),
        "bias": (12,),
        "readout": (12, 2),
        "readout_bias": (2,),
    }
    assert weights["recurrent"].dtype == np.float32
    assert weights["recurrent_weights"] is weights["recurrent"]
    with pytest.raises(KeyError, match="the weights are input, recurrent, bias, readout, readout_bias"):
        weights["hidden"]
    before = runs[0].weights("first")["recurrent"]
    assert (before != weights["recurrent"]).any()
    np.testing.assert_array_equal(runs[0].weights(2)["recurrent"], weights["recurrent"])
    np.testing.assert_array_equal(runs[0].weights(0)["recurrent"], before)
    with pytest.raises(ct.ParameterError, match="up to 2"):
        runs[0].weights(9)
    with pytest.raises(ct.ParameterError, match='expected "first", "last" or an epoch'):
        runs[0].weights("end")


def test_states_know_their_timesteps_and_trials(runs: ct.Runs) -> None:
    states = runs[0].states("last", samples=30, extend_to=14)
    assert states.shape == (30, 15, 12)
    assert states.dtype == np.float32
    assert states.timesteps is not None
    assert states.timesteps.tolist() == list(range(15))
    assert states.labels is not None
    assert set(states.labels) == {0, 1}
    assert states.conditions is not None
    assert states.conditions.max() == 7
    assert states.inputs is not None
    assert states.inputs.shape == (30, 6)
    assert states[:, 0].timesteps is None
    named = states.to_xarray()
    assert named.dims == ("trial", "time", "unit")
    assert named.sel(time=14).shape == (30, 12)
    assert named.coords["condition"].dims == ("trial",)
    with pytest.raises(ct.ShapeError, match="a part of them"):
        states[:, 0].to_xarray()


def test_states_follow_the_equation(runs: ct.Runs, rng: np.random.Generator) -> None:
    run = runs[0]
    inputs = rng.normal(size=(3, 5, 6)).astype(np.float32)
    states = run.states("last", inputs, extend_to=6)
    weights = run.weights("last")
    state = np.zeros((3, 12))
    for time in range(7):
        shown = inputs[:, time] if time < 5 else np.zeros((3, 6))
        state = np.tanh(state @ weights["recurrent"] + shown @ weights["input"] + weights["bias"])
        np.testing.assert_allclose(states[:, time], state, atol=1e-5)
    assert states.to_xarray().dims == ("trial", "time", "unit")


def test_the_store_can_be_queried(study: ct.Study, runs: ct.Runs) -> None:
    table = study.table()
    assert set(table["key"]) >= {run.key for run in runs}
    found = study.runs("gain = 20 and units = 12")
    assert {run.params.gain for run in found} == {20.0}
    assert study.run(runs[0].key[:16]).params == runs[0].params
    assert len(study.runs()) >= 4
    with pytest.raises(ct.ParameterError, match="found none for"):
        study.runs("gain = 12345")
    with pytest.raises(ct.Error, match="no run in the store"):
        study.run("0123456789")
    assert len(study.verify()) == 0
    assert study.usage().columns


def test_an_empty_store_has_no_runs(empty: ct.Study) -> None:
    assert len(empty.table()) == 0
    with pytest.raises(ct.ParameterError, match="found none in the store"):
        empty.runs()


def test_runs_are_removed_merged_and_exported(empty: ct.Study, tmp_path: Path) -> None:
    empty.train(gain=[20, 250], **SMALL)
    other = ct.Study(tmp_path / "other", progress=False)
    assert len(other.merge(empty)) == 2
    assert len(other.merge(tmp_path / "store")) == 2
    assert len(empty.remove("gain = 250", dry_run=True)) > 0
    assert len(empty.table()) == 2
    empty.remove("gain = 250")
    assert empty.table()["network.gain" if "network.gain" in empty.table().columns else "gain"].tolist() == [20.0]
    exported = other.export(tmp_path / "out", "gain = 20")
    with np.load(exported["file"][0]) as file:
        assert file["recurrent_weights"].shape == (2, 12, 12)
    assert len(other.export(tmp_path / "all", at="last")) == 2


def test_rerun_compares_bit_for_bit(empty: ct.Study) -> None:
    empty.train(gain=20, **SMALL)
    again = empty.train(gain=20, rerun=True, **SMALL)
    comparison = again[0].comparison
    assert comparison is not None
    assert comparison["difference"] is None
    assert comparison["epochs"] == 2


def test_a_run_that_diverges_says_so(empty: ct.Study) -> None:
    with pytest.warns(ct.ConcertinaWarning, match="of 1 runs, 1 diverged"):
        run = empty.train(nonlinearity="relu", gain=20, learning_rate=1e6, optimizer="sgd", **SMALL)[0]
    assert run.status == "diverged"
    assert run.message is not None
    assert run.message.startswith("diverged at epoch")
    assert run.weights("first")["recurrent"].shape == (12, 12)


def test_a_run_that_fails_says_so(empty: ct.Study) -> None:
    # sixty clusters do not fit on a line
    with pytest.warns(ct.ConcertinaWarning, match="of 1 runs, 1 failed: `runs.table"):
        runs = empty.train(input_dim=1, clusters=60, cluster_std=0.5, units=8, epochs=1)
    assert runs[0].status == "failed"
    for look in (lambda: runs[0].weights(), lambda: runs[0].states(), lambda: runs[0].network()):
        with pytest.raises(ct.RunFailed, match="clusters"):
            look()
    with pytest.raises(ct.RunFailed):
        runs.effective_dimension()


def test_which_checkpoints_are_kept_can_be_chosen(tmp_path: Path) -> None:
    sizes = []
    for keep in ("all", "ends"):
        study = ct.Study(tmp_path / keep, progress=False)
        study.train(keep=keep, gain=20, **{**SMALL, "epochs": 6})  # type: ignore[arg-type]
        sizes.append(sum(file.stat().st_size for file in Path(study.folder).rglob("*") if file.is_file()))
    assert sizes[1] < sizes[0]


def test_notes_about_a_sweep_are_warnings(empty: ct.Study) -> None:
    with pytest.warns(ct.ConcertinaWarning, match=r"`network\.leak` has no effect here"):
        empty.train(leak=False, **SMALL)


def test_without_a_folder_runs_are_removed_with_the_study() -> None:
    study = ct.Study(progress=False)
    folder = Path(study.folder)
    study.train(gain=20, **SMALL)
    assert folder.exists()
    with pytest.warns(ct.ConcertinaWarning, match="only as long as this process keeps it"):
        copy = pickle.loads(pickle.dumps(study))
    assert copy.folder == study.folder
    del study
    assert not folder.exists()
    # the study of runs is in use as long as the runs are
    run = ct.Study(progress=False).train(gain=20, **SMALL)[0]
    assert run.weights(1)["recurrent"].shape == (12, 12)


def test_a_study_is_pickled_by_its_folder(tmp_path: Path) -> None:
    study = ct.Study(tmp_path / "runs", jobs=1, progress=False)
    again = pickle.loads(pickle.dumps(study))
    assert repr(again) == repr(study) == f"Study({str(tmp_path / 'runs')!r})"
    assert again.progress is False


def test_a_store_that_is_only_read(study: ct.Study, runs: ct.Runs, tmp_path: Path) -> None:
    reader = ct.Study(study.folder, read_only=True, progress=False)
    assert len(reader.train(gain=[1.5, 20], seed=range(2), **SMALL)) == 4
    with pytest.raises(ct.StoreError):
        reader.train(gain=7, **SMALL)
    with pytest.raises(ct.StoreError):
        ct.Study(tmp_path / "nowhere", read_only=True)


def test_the_users_own_trials_are_trained(empty: ct.Study, task: ct.Trials) -> None:
    runs = empty.train(task=task, network="gru", gain=1, units=8, epochs=2, batch=10, optimizer="adam")
    assert runs[0].params.trials == task
    states = runs[0].states("last", samples=5)
    assert states.shape == (5, 8, 8)
    assert states.inputs is not None
    assert states.inputs.shape == (5, 8, 2)
    again = ct.Study(empty.folder, progress=False).runs()
    assert again[0].params.trials == task
    real = ct.Trials(task.inputs, np.cumsum(task.inputs, axis=1))
    run = empty.train(task=real, units=8, gain=1, epochs=2, batch=10)[0]
    assert run.params.loss == "mse"
    assert "validation_r2" in run.history.columns


def test_runs_keep_a_temporary_store_alive() -> None:
    runs = ct.Study(progress=False).train(gain=[1.5, 20], **SMALL)
    assert len(runs.effective_dimension(samples=20)) > 0
    run = runs[1:][0]
    del runs
    gc.collect()
    folder = Path(run._runs._study.folder)
    assert len(run.accuracy(samples=20)) == 2
    del run
    gc.collect()
    assert not folder.exists()


def test_a_device_that_is_not_there_is_named_and_the_cpu_trains(tmp_path: Path) -> None:
    study = ct.Study(tmp_path, progress=False, device="gpu:99")
    with pytest.warns(ct.ConcertinaWarning, match="all runs are trained on the CPU") as warned:
        runs = study.train(**SMALL)
    assert [run.status for run in runs] == ["complete"]
    assert runs[0].params.key == ct.Study(tmp_path, progress=False).train(**SMALL)[0].key
    message = str(warned[0].message)
    assert "cargo" not in message
    if "built without GPUs" in message:
        assert 'pip install . -C build-args="--features gpu"' in message
    assert pickle.loads(pickle.dumps(study))._device == "gpu:99"
    assert [run.source for run in ct.Study(tmp_path, progress=False, device="auto").train(**SMALL)] == ["loaded"]


@pytest.mark.parametrize("device", ["", "GPU", "cuda", "gpu:-1", "gpu:x", "gpu:1\n", 0, None])
def test_a_device_has_a_known_name(device: object) -> None:
    with pytest.raises(ct.ParameterError, match='expected "auto", "cpu", "gpu" or "gpu:N"'):
        ct.Study(device=device)  # type: ignore[arg-type]


def test_a_gpu_is_not_shared_by_an_executor() -> None:
    with pytest.raises(ct.ParameterError, match="found 'gpu'"):
        ct.Study(progress=False, device="gpu").train(executor=object(), **SMALL)  # type: ignore[arg-type]
