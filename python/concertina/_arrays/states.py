"""What analyses of states have in common."""

from __future__ import annotations

import json
from typing import Any

from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._given import array
from .._tables import Table


def with_time(name: str, given: Any) -> NDArray[Any]:
    """An array with a time axis; one timestep is added if it has none."""
    found = array(name, given)
    return found[:, None] if found.ndim == 2 else found


def on_states(
    name: str,
    states: ArrayLike,
    labels: ArrayLike | None = None,
    conditions: ArrayLike | None = None,
    seed: int = 0,
    **settings: Any,
) -> Table:
    """An analysis of states, (samples, units) or (trials, time, units), as a table."""
    return Table._of(
        _core.on_states(
            name,
            json.dumps(settings),
            with_time("states", states),
            None if labels is None else array("labels", labels),
            None if conditions is None else array("conditions", conditions),
            seed,
        )
    )
