"""The first example of the package's README runs unchanged, as a script and as a notebook."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from small import ROOT


def first_example() -> str:
    page = (ROOT / "python" / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def groups(code: str) -> list[str]:
    """Groups of lines that are separated by empty lines."""
    return [group for group in code.split("\n\n") if ast.parse(group).body]


def test_it_runs_as_a_script(tmp_path: Path) -> None:
    script = tmp_path / "example"
    script.write_text(first_example(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:__main__", str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs").is_dir()
    for ending in ("pdf", "svg", "png", "csv"):
        assert (tmp_path / f"dimension.{ending}").stat().st_size > 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_runs_as_a_notebook(tmp_path: Path) -> None:
    nbformat: Any = pytest.importorskip("nbformat")
    nbclient: Any = pytest.importorskip("nbclient")
    cells = [nbformat.v4.new_code_cell(group) for group in groups(first_example())]
    assert len(cells) > 3
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    shown: set[str] = set()
    for cell in notebook.cells:
        for output in cell.outputs:
            shown |= set(output.get("data", {}))
    assert {"text/html", "image/svg+xml"} <= shown
