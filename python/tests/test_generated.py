"""Generated files are up to date: Python from lists in Rust, pages from docstrings and notebooks."""

from __future__ import annotations

import subprocess
import sys

import pytest
from small import ROOT


@pytest.mark.parametrize("tool", ["generate.py", "reference.py", "notebooks.py"])
def test_generated_files_are_up_to_date(tool: str) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "python" / "tools" / tool), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
