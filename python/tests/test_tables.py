"""Tables: columns, nulls, other libraries, notebooks."""

from __future__ import annotations

import pickle
from pathlib import Path

import concertina as ct
import numpy as np
import pandas
import polars
import pyarrow
import pytest


@pytest.fixture
def table() -> ct.Table:
    return ct.Table(
        {
            "gain": [20.0, None, 250.0],
            "seed": [0, 1, 2],
            "hits": [3, None, 4],
            "stage": ["before", None, "after"],
            "converged": [True, False, True],
            "known": [True, None, False],
            "state": [[1.0, 2.0], None, [3.0, 4.0]],
        }
    )


def test_columns_are_arrays_and_nulls_are_nan_or_none(table: ct.Table) -> None:
    np.testing.assert_array_equal(table["gain"], [20.0, np.nan, 250.0])
    assert table["seed"].dtype == np.int64
    np.testing.assert_array_equal(table["hits"], [3.0, np.nan, 4.0])
    assert table["stage"].tolist() == ["before", None, "after"]
    assert table["converged"].dtype == np.bool_
    assert table["known"].tolist() == [True, None, False]
    np.testing.assert_array_equal(table["state"], [[1, 2], [np.nan, np.nan], [3, 4]])
    assert table.shape == (3, 7)
    assert len(table) == 3
    with pytest.raises(ct.ParameterError, match="unknown column `gian`"):
        table["gian"]


def test_rows_and_parts(table: ct.Table) -> None:
    assert table[1]["stage"] is None
    assert table[-1]["gain"] == 250.0
    assert [row["seed"] for row in table] == [0, 1, 2]
    assert table[1:]["seed"].tolist() == [1, 2]
    assert table[table["converged"]]["seed"].tolist() == [0, 2]
    assert table[["seed", "gain"]].columns == ["seed", "gain"]
    assert table.where("gain > 20 and converged = true")["seed"].tolist() == [2]
    with pytest.raises(IndexError):
        table[7]
    with pytest.raises(ct.ParameterError):
        table.where("gain >")


def test_pandas_polars_and_pyarrow_read_it_directly(table: ct.Table) -> None:
    frame = table.to_pandas()
    assert frame["seed"].dtype == np.int64
    assert frame["hits"].dtype == "Int64"
    assert frame["known"].dtype == "boolean"
    assert frame["stage"].isna().tolist() == [False, True, False]
    assert frame["state"].tolist() == [[1.0, 2.0], None, [3.0, 4.0]]
    lazy = table.to_polars()
    assert lazy["hits"].to_list() == [3, None, 4]
    assert lazy["state"].to_list() == [[1.0, 2.0], None, [3.0, 4.0]]
    arrow = pyarrow.table(table)
    assert arrow.column("gain").null_count == 1
    assert arrow.column("converged").to_pylist() == [True, False, True]
    assert arrow.num_rows == 3
    # an Arrow stream can be requested repeatedly
    assert pyarrow.table(table) == arrow


def test_frames_become_tables(table: ct.Table) -> None:
    part = table[["gain", "seed", "stage", "hits"]]
    assert ct.Table(part.to_pandas()) == part
    assert ct.Table(part.to_polars().to_dict(as_series=False)) == part
    assert ct.Table(pandas.DataFrame({"x": pandas.array([1, None], dtype="Int64")}))["x"].tolist()[0] == 1
    assert ct.Table({"x": np.arange(6.0).reshape(3, 2)})["x"].shape == (3, 2)


def test_tables_are_pickled_saved_and_compared(table: ct.Table, tmp_path: Path) -> None:
    assert pickle.loads(pickle.dumps(table)) == table
    assert table != table[1:]
    assert table != 3
    with pytest.raises(TypeError):
        hash(table)
    for ending in ("csv", "json", "parquet"):
        table[["gain", "seed"]].save(tmp_path / f"table.{ending}")
    assert pandas.read_csv(tmp_path / "table.csv")["seed"].tolist() == [0, 1, 2]
    assert polars.read_parquet(tmp_path / "table.parquet")["gain"].null_count() == 1
    with pytest.raises(ct.ParameterError, match=r"\.csv, \.json or \.parquet"):
        table.save(tmp_path / "table.xlsx")


def test_tables_show_their_first_rows(table: ct.Table) -> None:
    assert (
        str(table[["gain", "seed", "stage"]])
        == "gain  seed   stage\n  20     0  before\n         1\n 250     2   after"
    )
    assert "<th>gain</th>" in table._repr_html_()
    assert "(2 numbers)" in repr(table)
    long = ct.Table({"x": range(1000), "text": ["<b>"] * 1000})
    assert str(long).endswith("(1000 rows)")
    shown = long._repr_html_()
    assert "<p>1000 rows</p>" in shown
    assert "&lt;b&gt;" in shown
    assert str(ct.Table({})) == "(an empty table)"


def test_columns_that_are_not_a_table() -> None:
    with pytest.raises(ct.ShapeError, match="column `b`"):
        ct.Table({"a": [1, 2], "b": [1]})
    with pytest.raises(ct.ShapeError, match="cells of one kind"):
        ct.Table({"a": [1, "one"]})
    with pytest.raises(ct.ParameterError, match="columns of several values"):
        ct.Table({"a": np.float64(3)})
    with pytest.raises(TypeError, match="`a`: expected a number"):
        ct.Table({"a": [object()]})


def test_vectors_in_a_column_have_the_same_length() -> None:
    with pytest.raises(ct.ShapeError, match="vector"):
        ct.Table({"a": [[1.0], [1.0, 2.0]]})


def test_pandas_and_polars_frames_are_tables() -> None:
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    columns = {"gain": [20, 250], "word": ["a", None]}
    expected = ct.Table(columns)
    assert ct.Table(pandas.DataFrame(columns)) == expected
    assert ct.Table(polars.DataFrame(columns)) == expected
