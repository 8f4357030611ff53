"""The code of the guide "From a notebook" runs, from top to bottom."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from small import ROOT


def test_the_guide_runs(tmp_path: Path) -> None:
    for name in ("pandas", "polars", "xarray"):
        pytest.importorskip(name)
    page = (ROOT / "docs/guides/from-a-notebook.md").read_text(encoding="utf-8")
    # blocks marked `py` need PyTorch, a cluster, or minutes
    blocks = re.findall(r"^```python\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) > 10
    script = tmp_path / "guide"
    script.write_text("\n".join(blocks), encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "gian" in done.stdout
