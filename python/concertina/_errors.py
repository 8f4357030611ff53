"""The exceptions of the package: one base class, and subclasses that are also built-in exceptions."""

from __future__ import annotations


class Error(Exception):
    """Base class of all errors of Concertina.

    Attributes
    ----------
    message : str
        What was expected, and what was found.
    hint : str or None
        What to do about it.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\nHint: {hint}")
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type[Error], tuple[str, str | None]]:
        return type(self), (self.message, self.hint)


class ParameterError(Error, ValueError):
    """A parameter, a setting of an analysis or a name is wrong."""


class ShapeError(Error, ValueError):
    """An array has the wrong shape or type, or contains invalid numbers."""


class StoreError(Error, OSError):
    """The store, or another file, cannot be read or written.

    It is missing, damaged, written by a newer version, read-only, or on a full disk.
    """


class RunFailed(Error, RuntimeError):
    """A run or an analysis failed."""


class ConcertinaWarning(UserWarning):
    """A warning about something that does not stop the work."""
