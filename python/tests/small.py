"""Small runs, and the folder of the repository."""

from pathlib import Path
from typing import Any

#: Parameters of runs that train in a moment.
SMALL: dict[str, Any] = {"units": 12, "input_dim": 6, "clusters": 8, "train_samples": 40, "epochs": 2}

#: A folder of the repository.
ROOT = Path(__file__).resolve().parents[2]
