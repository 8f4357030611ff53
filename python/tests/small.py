"""Small runs, and where the repository is."""

from pathlib import Path
from typing import Any

#: Runs that train in a moment.
SMALL: dict[str, Any] = {"units": 12, "input_dim": 6, "clusters": 8, "train_samples": 40, "epochs": 2}

#: A folder of the repository.
ROOT = Path(__file__).resolve().parents[2]
