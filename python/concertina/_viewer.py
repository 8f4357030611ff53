"""A store in the browser, or a run in a frame of a notebook."""

from __future__ import annotations

import html
from types import TracebackType
from typing import TYPE_CHECKING

from . import _core
from ._errors import ParameterError

if TYPE_CHECKING:
    from os import PathLike

    from ._study import Study


class Viewer:
    """A store in the browser, served by a thread of this process. `Study.view` makes it.

    Only programs on this machine that know the address can open it. It serves until `stop()`, the end of a
    `with` block, or the end of the process.

    Examples
    --------
    >>> import concertina as ct
    >>> study = ct.Study(progress=False)
    >>> with study.view(open=False) as viewer:
    ...     viewer.url.startswith("http://127.0.0.1:"), viewer.is_serving
    (True, True)
    >>> viewer.is_serving
    False
    """

    __slots__ = ("_inner", "_study")

    def __init__(self, inner: _core.Viewer, study: Study) -> None:
        self._inner = inner
        # a temporary store stays as long as it is shown
        self._study = study

    @property
    def url(self) -> str:
        """The address to open, with a random token."""
        return self._inner.address()

    @property
    def is_serving(self) -> bool:
        """Whether it answers."""
        return self._inner.is_serving()

    def stop(self) -> None:
        """Stops it. Networks that train in its playground end."""
        self._inner.stop()

    def __enter__(self) -> Viewer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Viewer({self.url})" if self.is_serving else "Viewer(stopped)"


class Frame:
    """The page of a run, which a notebook shows in a frame. `Run.view` makes it."""

    __slots__ = ("_viewer", "height", "title", "url")

    def __init__(self, viewer: Viewer, key: str, height: int) -> None:
        self._viewer = viewer
        #: The address of the page.
        self.url = f"{viewer.url}#/run/{key}"
        #: The height of the frame in pixels.
        self.height = height
        #: What the frame is called for readers of a screen.
        self.title = f"Run {key[:12]}"

    def __repr__(self) -> str:
        return f"Frame({self.url})"

    def _repr_html_(self) -> str:
        return (
            f'<iframe src="{html.escape(self.url)}" title="{html.escape(self.title)}" width="100%" '
            f'height="{self.height}" style="border: 0"></iframe>'
        )


def serve(
    study: Study, *, port: int | None, figures: str | PathLike[str], allow_training: bool, framed: bool
) -> Viewer:
    """Serves the store of a study."""
    if port is not None and (isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535):
        raise ParameterError(
            f"`port`: expected a whole number from 1 to 65535, or None for any that is free, found {port!r}"
        )
    return Viewer(_core.Viewer(study.folder, figures, port or 0, allow_training, framed), study)


def frame(study: Study, key: str, height: int) -> Frame:
    """The page of a run, from a viewer that all runs of a study share."""
    if isinstance(height, bool) or not isinstance(height, int) or height < 1:
        raise ParameterError(f"`height`: expected a whole number of pixels of at least 1, found {height!r}")
    if study._frames is None or not study._frames.is_serving():
        study._frames = _core.Viewer(study.folder, "figures", 0, False, True)
    return Frame(Viewer(study._frames, study), key, height)
