"""Tests that need libraries which `python/tests/run_slow` installs. Tests of a library that is missing are skipped."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

collect_ignore = [f"test_{library}.py" for library in ("torch", "neurogym", "dask") if find_spec(library) is None]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.slow)
