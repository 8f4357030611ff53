"""What a paper's methods section says about runs and figures."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any

from ._errors import ParameterError
from ._tables import Table

__all__ = ["Methods"]


class Methods:
    """The methods of runs or figures: equations, initialisation, task, optimizer, seeds, analyses, tests,
    versions and machine, in prose and as a table, with references. A notebook shows the prose, and `print` its
    Markdown.

    `Study.methods` and `Runs.methods` make it.

    Attributes
    ----------
    contents : dict
        `sections`, a list with `title` and `text` (Markdown); `table`, a list with `name` and `value`; and
        `references` (BibTeX).
    """

    __slots__ = ("_latex", "_markdown", "contents")

    def __init__(self, contents: dict[str, Any], markdown: str, latex: str) -> None:
        #: `sections`, `table` and `references`, as dictionaries and lists.
        self.contents = contents
        self._markdown = markdown
        self._latex = latex

    @property
    def table(self) -> Table:
        """The parameters, versions and machine: one row each, with `name` and `value`."""
        rows = self.contents["table"]
        return Table({column: [row[column] for row in rows] for column in ("name", "value")})

    @property
    def references(self) -> str:
        """What to cite, in BibTeX."""
        return str(self.contents["references"])

    @property
    def latex(self) -> str:
        """The same in LaTeX, for a document that loads `amsmath`; the references are comments at the end."""
        return self._latex

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the methods to a file.

        Parameters
        ----------
        path : str or path
            A name that ends in `.md`, `.tex` or `.json`.

        Raises
        ------
        ParameterError
            The name has another ending.
        OSError
            The file cannot be written.
        """
        target = Path(path)
        texts = {
            ".md": self._markdown,
            ".tex": self._latex,
            ".json": json.dumps(self.contents, indent=2, ensure_ascii=False) + "\n",
        }
        if target.suffix not in texts:
            raise ParameterError(f"expected a file name that ends in .md, .tex or .json, found {target}")
        target.write_text(texts[target.suffix], encoding="utf-8")

    def __str__(self) -> str:
        return self._markdown

    def __repr__(self) -> str:
        return f"Methods({', '.join(section['title'] for section in self.contents['sections'])})"

    def _repr_markdown_(self) -> str:
        return self._markdown
