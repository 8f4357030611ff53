"""Figures, and the report of a reproduction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from . import _core
from ._errors import ParameterError
from ._tables import Table


class Figure:
    """A figure. A notebook shows it as SVG, and `save` writes it to files.

    `Table.plot`, `Study.figure` and `Study.plot` make figures.

    Examples
    --------
    >>> import concertina as ct
    >>> table = ct.Table({"epoch": [0, 1, 2], "loss": [0.7, 0.4, 0.2]})
    >>> figure = table.plot(x="epoch", y="loss", band=None)
    >>> figure.svg[:4]
    '<svg'
    """

    __slots__ = ("_inner",)

    def __init__(self, core: _core.Figure) -> None:
        self._inner = core

    @property
    def svg(self) -> str:
        """The drawing as SVG."""
        return self._inner.svg()

    @property
    def data(self) -> dict[str, Table]:
        """What is drawn: one table per panel, by the panel's letter, which is `""` if there is one panel."""
        return {letter: Table._of(table) for letter, table in self._inner.data()}

    @property
    def problems(self) -> list[str]:
        """What could not be drawn, and why. Error bars that could not be fitted, for example, leave a gap."""
        return self._inner.problems()

    def save(self, path: str | PathLike[str]) -> list[Path]:
        """Writes PDF, SVG, PNG and the data as CSV.

        Parameters
        ----------
        path : str or path
            For a single panel, the name of the files; an extension `.pdf`, `.svg`, `.png` or `.csv` is
            ignored. For a figure with several panels, a folder: the page is written into it, and the single
            panels into a folder inside it.

        Returns
        -------
        list of Path
            The files that were written.
        """
        name = Path(path)
        stem = name.with_suffix("") if name.suffix in (".pdf", ".svg", ".png", ".csv") else name
        return [Path(file) for file in self._inner.save(fspath(stem))]

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_png_(self) -> bytes:
        return self._inner.png()

    def __repr__(self) -> str:
        panels = [letter for letter, _ in self._inner.data() if letter]
        return f"Figure(panels {', '.join(panels)})" if panels else "Figure()"


def drawn(table: Table, drawing: Mapping[str, Any], title: str | None, size_mm: tuple[float, float] | None) -> Figure:
    """Draws a table with the settings of a recipe's panel."""
    try:
        text = json.dumps(drawing)
    except TypeError as error:
        raise ParameterError(
            f"expected texts, numbers, lists and dictionaries, found something else: {error}"
        ) from None
    return Figure(_core.draw(table._table, text, title, size_mm))


class Report:
    """Whether the paper was reproduced, claim by claim. A notebook shows the whole report.

    `Study.reproduce` makes reports.

    Attributes
    ----------
    contents : dict
        Everything in the report, as dictionaries and lists; `docs/reference/report.schema.json`
        describes it.
    """

    __slots__ = ("_inner", "contents")

    def __init__(self, core: _core.Report) -> None:
        self._inner = core
        #: Everything in the report, as dictionaries and lists; `docs/reference/report.schema.json`
        #: describes it.
        self.contents: dict[str, Any] = core.contents()

    @property
    def passed(self) -> bool:
        """Whether nothing failed and nothing was left undecided: every run succeeded, and every claim and
        comparison was judged and holds.
        """
        return bool(self.contents["passed"])

    @property
    def claims(self) -> Table:
        """One row per claim and group: `figure`, `claim`, `statement`, `source`, `verdict`, `group`, and the
        numbers behind the verdict: `mean`, its interval from `low` to `high`, and `p`.
        """
        rows: list[dict[str, Any]] = []
        for figure in self.contents["figures"]:
            for claim in figure["claims"]:
                for finding in claim["findings"]:
                    group = ", ".join(f"{level['column']} {level['value']}" for level in finding["group"])
                    rows.append(
                        {
                            "figure": figure["figure"],
                            "claim": claim["name"],
                            "statement": claim["statement"],
                            "source": claim["source"]["from"],
                            "verdict": finding["verdict"],
                            "group": group or None,
                            **{name: finding.get(name) for name in ("mean", "low", "high", "p")},
                        }
                    )
        names = list(rows[0]) if rows else ["figure", "claim", "verdict"]
        return Table({name: [row[name] for row in rows] for name in names})

    @property
    def html(self) -> str:
        """The report as a self-contained page that includes the figures."""
        return self._inner.html()

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the report to a file.

        Parameters
        ----------
        path : str or path
            A name that ends in `.html` for the page, or in `.json` for all of its numbers.

        Raises
        ------
        ParameterError
            The name has another ending.
        OSError
            The file cannot be written.
        """
        target = Path(path)
        if target.suffix not in (".html", ".json"):
            raise ParameterError(f"expected a file name that ends in .html or .json, found {target}")
        target.write_text(self.html if target.suffix == ".html" else self._inner.json(), encoding="utf-8")

    def __repr__(self) -> str:
        counts = self.contents["counts"]
        verdicts = f"{counts['reproduced']} claims reproduced, {counts['contradicted']} contradicted"
        return f"Report({verdicts}, {counts['undecided']} undecided)"

    def _repr_html_(self) -> str:
        from html import escape

        # in a frame, because the page's styles are not those of the notebook
        return f'<iframe srcdoc="{escape(self.html)}" width="100%" height="640" frameborder="0"></iframe>'
