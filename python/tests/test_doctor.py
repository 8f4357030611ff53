"""The description of program, machine and store."""

from __future__ import annotations

from pathlib import Path

import concertina as ct
from small import SMALL


def test_without_a_store_program_and_machine_are_described() -> None:
    diagnosis = ct.doctor()
    assert diagnosis.details["program"]["version"] == ct.__version__
    assert diagnosis.details["store"] is None
    assert diagnosis
    assert not diagnosis.problems
    assert "store" not in repr(diagnosis).splitlines()


def test_a_store_is_described_from_its_study_or_its_folder(tmp_path: Path) -> None:
    study = ct.Study(tmp_path / "runs", progress=False)
    study.train(**SMALL, seed=range(2))
    for diagnosis in (ct.doctor(study), ct.doctor(tmp_path / "runs", verify=True)):
        assert diagnosis.details["store"]["runs"] == 2
        assert not diagnosis.problems


def test_a_damaged_store_has_problems_whose_hints_name_calls_of_python(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    ct.Study(folder, progress=False).train(**SMALL)
    parameters = next(folder.glob("runs/*/*/params.toml"))
    parameters.write_bytes(parameters.read_bytes() + b"# edited\n")
    diagnosis = ct.doctor(folder, verify=True)
    assert not diagnosis
    assert diagnosis.problems
    assert "study.repair" in repr(diagnosis)
    assert "concertina store" not in repr(diagnosis)
    study = ct.Study(folder, progress=False)
    assert len(study.repair()) == 1
    assert len(study.verify()) == 0


def test_a_folder_without_a_store_is_described_and_left_alone(tmp_path: Path) -> None:
    diagnosis = ct.doctor(tmp_path / "none")
    assert diagnosis
    assert not diagnosis.details["store"]["exists"]
    assert not (tmp_path / "none").exists()
