"""Functions that workers call in the tests, in a separate module that they can import."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any


def die(after: float) -> None:
    """Kills this process after a number of seconds."""
    time.sleep(after)
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(marker: str, after: float, function: Any, *arguments: Any) -> Any:
    """Calls a function. The first process to come here is killed after a number of seconds."""
    try:
        Path(marker).touch(exist_ok=False)
    except FileExistsError:
        pass
    else:
        threading.Thread(target=die, args=(after,), daemon=True).start()
        if not after:
            time.sleep(60.0)
    return function(*arguments)
