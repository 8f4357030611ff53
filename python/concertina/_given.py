"""Conversion of what users give to arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._errors import ShapeError
from ._tables import Table


def array(name: str, given: Any) -> NDArray[Any]:
    """Converts to an array, without a copy where possible. PyTorch tensors may be on any device and may
    require gradients.
    """
    if isinstance(given, Table):
        raise ShapeError(
            f"`{name}`: expected an array, found a table",
            'a column of a table is an array: `table["name"]`; `run.states(...)` gives the states of a run',
        )
    if isinstance(given, np.ndarray):
        return given
    if hasattr(given, "detach"):
        given = given.detach().cpu()
        if given.is_floating_point() and given.element_size() < 4:
            given = given.float()  # NumPy has no bfloat16
    try:
        return np.asarray(given)
    except (TypeError, ValueError) as error:
        found = f"{type(given).__name__}: {error}"
        if isinstance(given, (list, tuple)) and isinstance(error, ValueError):
            found = "rows of different lengths"
        raise ShapeError(f"`{name}`: expected an array, found {found}") from None
