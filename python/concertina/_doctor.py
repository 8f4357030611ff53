"""What to know about program, machine and store when something went wrong."""

from __future__ import annotations

from os import PathLike, fspath
from typing import Any

from . import _core
from ._study import Study

__all__ = ["Diagnosis", "doctor"]


class Diagnosis:
    """What `doctor` found. Printing it gives the report, which can be pasted into an issue.

    Attributes
    ----------
    problems : list of str
        What is wrong with the numbers of this machine or with the store. Empty if nothing is.
    notes : list of str
        What is worth knowing, although nothing fails because of it.
    details : dict
        Everything that was found, as plain values: `program`, `machine`, `numbers`, `environment`, `store`
        and `problems`.
    """

    def __init__(self, details: dict[str, Any], text: str) -> None:
        self.details = details
        self._text = text
        found = details["problems"]
        self.problems: list[str] = [one["message"] for one in found if one["severity"] != "note"]
        self.notes: list[str] = [one["message"] for one in found if one["severity"] == "note"]

    def __repr__(self) -> str:
        return self._text.rstrip()

    def __bool__(self) -> bool:
        return not self.problems


def doctor(study: Study | str | PathLike[str] | None = None, *, verify: bool = False) -> Diagnosis:
    """Describes the program, the machine and a store, to be pasted into a report of a problem.

    It says what is wrong, and what to do about it. Nothing is changed, and a store that does not exist is not
    made. Paths in your home folder begin with `~`.

    Parameters
    ----------
    study : Study, str or path, optional
        The store to look at, as a study or as its folder. If not given, only program and machine are
        described.
    verify : bool, default False
        Whether every file of the store is read, which may take minutes.

    Returns
    -------
    Diagnosis
        Printing it gives the report. `problems` is empty if nothing is wrong.

    Examples
    --------
    >>> import concertina as ct
    >>> ct.doctor().problems
    []
    """
    folder = study.folder if isinstance(study, Study) else None if study is None else fspath(study)
    return Diagnosis(*_core.doctor(folder, verify))
