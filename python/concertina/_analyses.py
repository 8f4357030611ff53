"""The list of all analyses."""

from __future__ import annotations

from typing import Any

from . import _core
from ._tables import Table


def analyses() -> Table:
    """All analyses and their settings.

    Returns
    -------
    Table
        One row per analysis, followed by one row per setting: `analysis`, `setting`, `default`, `values`,
        `meaning`. In the row of an analysis, `setting`, `default` and `values` are null, and `meaning` is
        what the analysis measures.

    Examples
    --------
    >>> import concertina as ct
    >>> "lyapunov" in ct.analyses()["analysis"]
    True
    """
    rows: list[tuple[Any, ...]] = []
    for one in _core.analyses():
        rows.append((one["name"], None, None, None, one["summary"]))
        for setting in one["settings"]:
            values = setting["values"].replace("`", "")
            rows.append((one["name"], setting["name"], str(setting["default"]), values, setting["meaning"]))
    names = ("analysis", "setting", "default", "values", "meaning")
    return Table({name: [row[place] for row in rows] for place, name in enumerate(names)})
