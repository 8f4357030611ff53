"""Tidy tables: named columns, one row per observation."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal, cast, overload

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._errors import ParameterError, ShapeError

if TYPE_CHECKING:
    import pandas
    import polars
    from typing_extensions import CapsuleType, Self

    from ._figures import Figure

#: The numbers of rows and of digits with which a notebook or a terminal shows a table.
_SHOWN_ROWS, _SHOWN_DIGITS = 20, 6


class Table:
    """A table of named columns. Every analysis returns one.

    pandas, polars, pyarrow and DuckDB read it directly, through the Arrow PyCapsule interface
    (`__arrow_c_stream__`): `to_pandas()` returns a `pandas.DataFrame`, `polars.DataFrame(table)` makes a
    polars frame, and DuckDB reads it with `SELECT ... FROM table`.

    Parameters
    ----------
    columns : mapping of str to sequence
        Columns of equal length, each of numbers, texts, truth values, or vectors of the same length. None is
        null, and so is NaN among numbers. A `pandas.DataFrame` or `polars.DataFrame` is such a mapping, too.

    Raises
    ------
    ShapeError
        A column mixes numbers, texts and truth values.
    ParameterError
        Columns, or vectors in a column, differ in length.
    TypeError
        Cells are not numbers, texts, truth values or vectors.

    Notes
    -----
    `table["gain"]` is a column as a NumPy array. Nulls are NaN among numbers (whole numbers then become
    floating-point numbers) and None among texts and truth values. A column of vectors is an array with two
    axes. `table[["gain", "seed"]]` is a table of these columns, and `table[0]` is a row as a dictionary.
    `table[:10]` or an array of truth values selects rows. Iterating over a table yields its rows.

    Examples
    --------
    >>> import concertina as ct
    >>> table = ct.Table({"gain": [20, 20, 250], "dimension": [2.0, 3.5, None]})
    >>> table["dimension"]
    array([2. , 3.5, nan])
    >>> float(table.where("gain = 20")["dimension"].mean())
    2.75
    >>> print(table)
    gain  dimension
      20          2
      20        3.5
     250
    """

    __slots__ = ("_table",)
    _table: _core.Table

    def __init__(self, columns: Mapping[str, Iterable[Any]]) -> None:
        # iterating over a polars frame yields its columns, not their names
        names = getattr(columns, "columns", columns)
        self._table = _core.Table([(str(name), _cells(columns[name])) for name in names])

    @classmethod
    def _of(cls, core: _core.Table) -> Self:
        table = cls.__new__(cls)
        table._table = core
        return table

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return self._table.names()

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and columns."""
        return len(self._table), len(self.columns)

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yields the rows as dictionaries."""
        cells = [(name, self._table.cells(name)) for name in self.columns]
        for row in range(len(self)):
            yield {name: column[row] for name, column in cells}

    @overload
    def __getitem__(self, key: str) -> NDArray[Any]: ...
    @overload
    def __getitem__(self, key: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, key: slice | list[str] | NDArray[Any]) -> Table: ...
    def __getitem__(self, key: str | int | slice | list[str] | NDArray[Any]) -> Any:
        """A column by its name, columns by a list of names, a row by its number, or rows by a slice."""
        if isinstance(key, str):
            return self._table.column(key)
        if isinstance(key, list) and all(isinstance(name, str) for name in key):
            return type(self)._of(self._table.select(key))
        rows = np.arange(len(self))[cast("Any", key)]
        if rows.ndim == 0:
            return {name: self._table.cells(name)[int(rows)] for name in self.columns}
        return type(self)._of(self._table.take(rows.tolist()))

    def where(self, condition: str) -> Table:
        """Returns the rows that fulfil a condition.

        Parameters
        ----------
        condition : str
            Comparisons `=`, `!=`, `<`, `<=`, `>`, `>=` of a column with a number, a word or a text in quotes,
            combined with `and`, `or`, `not` and parentheses. `and` binds more tightly than `or`. A null cell
            is equal only to `none`.

        Raises
        ------
        ParameterError
            The condition cannot be read, or it names a column that the table does not have.

        Examples
        --------
        >>> import concertina as ct
        >>> table = ct.Table({"gain": [20, 20, 250, 250], "stage": ["before", "after"] * 2})
        >>> len(table.where("gain = 250 and (stage = before or stage = after)"))
        2
        """
        return type(self)._of(self._table.filtered(condition))

    def to_dict(self) -> dict[str, list[Any]]:
        """Columns as lists, by name. Nulls are None, and vectors are lists."""
        return {name: self._table.cells(name) for name in self.columns}

    def to_pandas(self) -> pandas.DataFrame:
        """Converts to a `pandas.DataFrame`.

        Returns
        -------
        pandas.DataFrame
            Whole numbers and truth values with nulls have pandas' nullable types, `Int64` and `boolean`. A
            column of vectors becomes a column of lists.

        Raises
        ------
        ModuleNotFoundError
            pandas is not installed.
        """
        import pandas

        frame = {}
        for name in self.columns:
            kind = self._table.kind(name)
            if kind == "vector":
                frame[name] = pandas.Series(self._table.cells(name), dtype=object)
            elif kind == "integer" and self._table.column(name).dtype.kind == "f":
                frame[name] = pandas.Series(self._table.cells(name), dtype="Int64")
            elif kind == "boolean" and self._table.column(name).dtype.kind == "O":
                frame[name] = pandas.Series(self._table.cells(name), dtype="boolean")
            else:
                frame[name] = pandas.Series(self._table.column(name))
        return pandas.DataFrame(frame)

    def to_polars(self) -> polars.DataFrame:
        """Converts to a `polars.DataFrame`. A column of vectors becomes a column of lists.

        Raises
        ------
        ModuleNotFoundError
            polars is not installed.
        """
        import polars

        return polars.DataFrame(self)

    def __arrow_c_stream__(self, requested_schema: object = None) -> CapsuleType:
        """The table through the Arrow PyCapsule interface. The requested schema is ignored, as the interface
        allows.
        """
        return self._table.arrow_stream()

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the table to a file.

        Parameters
        ----------
        path : str or path
            A name that ends in `.csv`, `.json` or `.parquet`.

        Raises
        ------
        ParameterError
            The name has another ending.
        OSError
            The file cannot be written.
        """
        self._table.save(fspath(path))

    def plot(
        self,
        x: str | Mapping[str, Any] | None = None,
        y: str | Mapping[str, Any] | None = None,
        *,
        hue: str | None = None,
        style: str | None = None,
        facet: str | None = None,
        facet_rows: str | None = None,
        kind: Literal["lines", "spectrum", "scatter", "snapshots", "heat_map"] = "lines",
        value: str | Mapping[str, Any] | None = None,
        centre: float | None = None,
        square: bool | None = None,
        where: str | None = None,
        band: str | None = "gamma",
        title: str | None = None,
        size_mm: tuple[float, float] | None = None,
        **drawing: Any,
    ) -> Figure:
        """Draws the table in the style of the paper, with error bars over realisations.

        Parameters
        ----------
        x, y : str or mapping
            The columns of the horizontal and vertical axes. A mapping gives further settings: `{"column":
            "loss", "label": "Loss (nats)", "scale": "log", "from": 0.01, "to": 1, "ticks": [0.01, 0.1, 1]}`.
        hue, style : str, optional
            The columns that colours and dashes (or marks) distinguish.
        facet, facet_rows : str, optional
            The columns whose values get separate axes, next to each other and in rows.
        kind : {"lines", "spectrum", "scatter", "snapshots", "heat_map"}, default "lines"
            Lines over a column, lines with dots over an index, one mark per row, clouds of states, or a
            coloured cell for each pair of `x` and `y`.
        value : str or mapping, optional
            For a heat map: the column that colours show. A mapping gives `label`, `from`, `to` and `ticks`, as
            for an axis.
        centre : float, optional
            For a heat map: the value in the middle of a map with two colours.
        square : bool, optional
            Whether a unit has the same length along both axes: square cells, and circles that are round.
        where : str, optional
            A condition, as in `Table.where`; only rows that fulfil it are drawn.
        band : str or None, default "gamma"
            How realisations, which the column `seed` distinguishes, are summarised as a line and a band:

            * `"gamma"`: median and central 75% of a fitted gamma distribution, as in the paper;
            * `"gamma_reflected"`: the same, mirrored at 1, as `"gamma"` is automatically for accuracies;
            * `"mean_ci"`: mean and a bootstrapped interval of 95%;
            * `"mean_sd"`: mean and one standard deviation to either side;
            * `"median_iqr"`: median and quartiles;
            * `"lines"`: each realisation as a line, and the mean;
            * `"paired"`: over words, each realisation as joined marks, and the mean;
            * `"box"`: over words, quartiles with the median, whiskers to the extremes, and each realisation.

            None if there is one value at each position.
        title : str, optional
            The text above the axes.
        size_mm : (float, float), optional
            Width and height in millimetres; the width of one text column if not given.
        **drawing
            All other settings of a recipe's panel. Among others:

            * `palette`: `"categorical"`, `"continuous"` or `"shade"`;
            * `markers`: whether lines have dots;
            * `reference`: lines across the axes, `[{"y": 0}, {"x": 1, "label": "end"}]`;
            * `names`: the displayed names of values, `{"gain": {"20": "weak", "250": "strong"}}`;
            * `share_y`: whether facets have the same vertical scale.

        Returns
        -------
        Figure
            A notebook shows it as SVG; `save("figure.pdf")` writes files.

        Raises
        ------
        ParameterError
            The table does not have a column, or a setting is invalid.

        Examples
        --------
        >>> import concertina as ct
        >>> table = ct.Table({"epoch": [1, 2, 1, 2], "loss": [0.7, 0.4, 0.6, 0.2], "seed": [0, 0, 1, 1]})
        >>> table.plot(x="epoch", y="loss", band="mean_sd")
        Figure()
        >>> table.plot(x="epoch", y="seed", kind="heat_map", value={"column": "loss", "from": 0}, square=True)
        Figure()
        """
        from ._figures import drawn

        asked: dict[str, Any] = {
            "kind": kind,
            "x": x,
            "y": y,
            "hue": hue,
            "style": style,
            "facet": facet,
            "facet_rows": facet_rows,
            "value": value,
            "centre": centre,
            "square": square,
            "keep": where,
            "band": band if kind in ("lines", "spectrum") else None,
            **drawing,
        }
        return drawn(self, {name: value for name, value in asked.items() if value is not None}, title, size_mm)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and self._table.equals(other._table)

    __hash__ = None  # type: ignore[assignment]  # compared by content, which is not worth hashing

    def __reduce__(self) -> tuple[Any, ...]:
        return _table_of, (type(self), self._table.to_parquet())

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        raise ShapeError(
            "expected an array, found a table",
            'a column of a table is an array: `table["name"]`; `run.states(...)` gives the states of a run',
        )

    def __str__(self) -> str:
        if not self.columns:
            return "(an empty table)"
        columns = [self._shown(name) for name in self.columns]
        widths = [max(len(cell) for cell in [name, *cells]) for name, cells in zip(self.columns, columns, strict=True)]
        lines = [self.columns, *(list(row) for row in zip(*columns, strict=True))]
        texts = [
            "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        ]
        if len(self) > _SHOWN_ROWS:
            texts.append(f"({len(self)} rows)")
        return "\n".join(texts)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        columns = [self._shown(name) for name in self.columns]
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in zip(*columns, strict=True)
        )
        more = f"<p>{len(self)} rows</p>" if len(self) > _SHOWN_ROWS else ""
        return f'<div><table class="dataframe"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{more}</div>'

    def _shown(self, name: str) -> list[str]:
        """The first cells of a column, formatted for people."""
        return [text_of(cell) for cell in self._table.cells(name)[:_SHOWN_ROWS]]


def _table_of(kind: type[Table], parquet: bytes) -> Any:
    return kind._of(_core.Table.from_parquet(parquet))


def text_of(cell: Any) -> str:
    """A cell, formatted for people."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.{_SHOWN_DIGITS}g}"
    if isinstance(cell, list):
        return f"({len(cell)} numbers)"
    return str(cell)


def _cells(values: Any) -> list[Any]:
    """A column as a list, with vectors as lists."""
    listed = values.tolist() if hasattr(values, "tolist") else list(values)
    if not isinstance(listed, list):
        raise ParameterError(f"expected columns of several values, found {listed!r}")
    return [_cell(cell) for cell in listed]


def _cell(cell: Any) -> Any:
    if hasattr(cell, "tolist"):
        return cell.tolist()
    return None if type(cell).__name__ in ("NAType", "NaTType") else cell


class LyapunovSpectrum(Table):
    """The Lyapunov spectra of a run at some checkpoints: a table that also gives its largest exponent.

    Examples
    --------
    >>> import numpy as np
    >>> import concertina as ct
    >>> found = ct.lyapunov(0.5 * np.eye(4), exponents=2)
    >>> found.exponents.round(6), found.converged
    (array([-1., -1.]), True)
    """

    __slots__ = ()

    @property
    def exponents(self) -> NDArray[np.float64]:
        """The exponents at the last of the checkpoints, largest first, in bits per timestep. An exponent is
        `-inf` where the network leaves no further direction, and NaN where it is not known; the column
        `reason` says why.
        """
        return np.array([bits for bits, _, _ in self._table.lyapunov_exponents()])

    @property
    def largest(self) -> float:
        """The largest exponent at the last of the checkpoints, in bits per timestep."""
        exponents = self.exponents
        return float(exponents[0]) if exponents.size else float("nan")

    @property
    def standard_error(self) -> float:
        """The standard error of the largest exponent over initial conditions, in bits per timestep; NaN if it
        has none.
        """
        found = self._table.lyapunov_exponents()
        error = found[0][1] if found else None
        return float("nan") if error is None else error

    @property
    def converged(self) -> bool:
        """Whether every exponent at the last of the checkpoints met its tolerance."""
        return all(converged for _, _, converged in self._table.lyapunov_exponents())
