"""Progress, warnings and log messages of long computations."""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any

from ._errors import ConcertinaWarning

logger = logging.getLogger("concertina")

#: The function that the core calls with the share of the work that is done, a description of the progress,
#: and the messages since the last call, each with whether it is a warning.
Report = Callable[[float, str, "list[tuple[bool, str]]"], None]

#: Without tqdm and without a terminal, the number of seconds between lines.
_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """A progress bar for work that takes longer than a moment: tqdm's if it is installed, else plain text."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._bar: Any = None
        self._last_line = time.monotonic()
        self._on_line = False

    def __enter__(self) -> Report:
        return self._report

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        if self._on_line:
            print(file=sys.stderr)

    def _report(self, fraction: float, message: str, messages: list[tuple[bool, str]]) -> None:
        for is_warning, text in messages:
            if is_warning:
                warnings.warn(text, ConcertinaWarning, stacklevel=outside())
            else:
                logger.info(text)
        if self._shown and message:
            self._show(fraction, message)

    def _show(self, fraction: float, message: str) -> None:
        if self._bar is None and not self._on_line:
            self._bar = _tqdm()
        if self._bar is not None:
            self._bar.n = round(100 * fraction)
            self._bar.set_postfix_str(message, refresh=True)
        elif sys.stderr.isatty():
            print(f"\r{fraction:4.0%}  {message}\x1b[K", end="", file=sys.stderr, flush=True)
            self._on_line = True
        elif time.monotonic() - self._last_line > _SECONDS_BETWEEN_LINES:
            print(f"{fraction:4.0%}  {message}", file=sys.stderr, flush=True)
            self._last_line = time.monotonic()


def _tqdm() -> Any:
    """A tqdm progress bar; None if tqdm is not installed."""
    try:
        with warnings.catch_warnings():
            # in a notebook without ipywidgets, tqdm shows its bar as text and warns about it
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(total=100, bar_format="{percentage:3.0f}%|{bar}| {elapsed}{postfix}", leave=False)


def outside() -> int:
    """The number of frames between the caller and the code outside this package, where a warning belongs."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("concertina."):
        level, frame = level + 1, frame.f_back
    return level
