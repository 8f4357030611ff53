"""A study: a store of runs, and everything that can be done with it."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import warnings
import weakref
import webbrowser
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal

from . import _core
from ._errors import ConcertinaWarning, ParameterError
from ._figures import Figure, Report
from ._methods import Methods
from ._parameters import Params, Together, build_sweep, with_keywords
from ._progress import Progress
from ._runs import Run, Runs, selection
from ._tables import Table
from ._viewer import Viewer, serve

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._executors import Executor
    from ._keywords import SweepKeywords
    from ._networks import Network


class Study:
    """A folder of runs. A study loads existing runs and results; the others are trained, computed and stored.

    Results depend only on what is requested, not on the number of jobs, the order of work, interruptions, or
    the contents of the store. Many studies and processes may use the same folder at the same time.

    Parameters
    ----------
    folder : str or path, optional
        Where runs are kept. A folder that is empty or does not exist becomes a store. If not given, runs are
        kept in a temporary folder, which is removed when neither the study nor its runs are used any more, or
        when the process ends.
    jobs : int, optional
        How many runs are trained or analysed at the same time; if not given, one per core. With an executor,
        how many runs each worker trains at the same time; if not given, one.
    progress : bool, default True
        Whether a progress bar is shown: tqdm's if it is installed, else plain text. This is also an
        attribute, which can be changed later.
    read_only : bool, default False
        Whether the store is opened read-only. Nothing is created or changed then.
    device : str, default "cpu"
        What trains: "cpu"; "gpu" or "gpu:1", the first GPU or the one with this number; or "auto", a GPU if that
        is faster. Runs that a GPU trains are other runs, with `arithmetic="gpu"` and keys of their own. What it
        cannot train is trained on the CPU, with a warning.

    Raises
    ------
    ParameterError
        `jobs` is not a whole number of at least 1, or `device` is not the name of a device.
    StoreError
        The folder is not a store, was written by a newer version, or cannot be used.

    Notes
    -----
    A study can be pickled: another process then opens the same folder.

    Examples
    --------
    >>> import concertina as ct
    >>> study = ct.Study(progress=False)
    >>> runs = study.train(units=20, input_dim=10, epochs=2, gain=[20, 250], seed=range(2))
    >>> len(runs), runs[0].status
    (4, 'complete')
    >>> dimension = runs.effective_dimension(samples=100)
    >>> dimension.columns
    ['gain', 'seed', 'stage', 'epoch', 'update', 'timestep', 'effective_dimension']
    """

    def __init__(
        self,
        folder: str | PathLike[str] | None = None,
        *,
        jobs: int | None = None,
        progress: bool = True,
        read_only: bool = False,
        device: str = "cpu",
    ) -> None:
        if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or jobs < 1):
            raise ParameterError(f"`jobs`: expected a whole number of at least 1, found {jobs!r}")
        if not isinstance(device, str) or not re.fullmatch(r"auto|cpu|gpu(:[0-9]{1,9})?", device):
            raise ParameterError(f'`device`: expected "auto", "cpu", "gpu" or "gpu:N", found {device!r}')
        self._is_temporary = folder is None
        if folder is None:
            folder = tempfile.mkdtemp(prefix="concertina-")
            # a forked child has the same object, and must not remove its parent's folder
            weakref.finalize(self, _remove, folder, os.getpid())
        self._inner = _core.Study(fspath(folder), jobs, read_only, device)
        self._jobs = jobs
        self._device = device
        self._read_only = read_only
        #: Serves the frames of `Run.view`, once one was asked for.
        self._frames: _core.Viewer | None = None
        #: Whether a bar is shown.
        self.progress = progress

    @property
    def folder(self) -> str:
        """The folder of the store, as an absolute path."""
        return str(self._inner.folder())

    def train(
        self,
        *parts: Params | Together | Iterable[Params],
        keep: Literal["all", "needed", "ends"] = "all",
        rerun: bool = False,
        executor: Executor | None = None,
        **parameters: Unpack[SweepKeywords],
    ) -> Runs:
        """Loads the runs of a sweep, and trains those that the store does not have.

        Ctrl-C stops at the end of an epoch and keeps everything; the same call continues from there.

        Parameters
        ----------
        *parts
            Parameters that all runs share (`Params`), parameters that change together (`zip`), or a list of
            `Params`, which is used unchanged.
        keep : {"all", "needed", "ends"}, default "all"
            Which checkpoints are kept: all of the schedule (`saves_per_epoch`); only those of which analyses
            need several at the same time; or the first and the last. Checkpoints that are not kept are
            recomputed, bit-for-bit, when they are needed.
        rerun : bool, default False
            Whether runs that are in the store are trained again and compared; see `Run.comparison`.
        executor : executor, optional
            Where to train: any executor with `submit`, as in `concurrent.futures`, for example a
            `ProcessPoolExecutor`, a Dask client's `get_executor()`, submitit's `AutoExecutor` or
            `mpi4py.futures`. Workers must see the study's folder. Each worker trains one run at a time, or as
            many as the `jobs` of the study. Runs of a lost worker are trained by another worker, or in this
            process. Runs that workers trained count as loaded (`Run.source`).
        **parameters
            Names and values, as in `concertina.Params`. Lists, tuples, ranges and arrays are crossed: every
            combination is a run, and the last name varies fastest.

        Returns
        -------
        Runs
            The runs in the order of the sweep, including runs that diverged or failed; see `Run.status`.

        Raises
        ------
        ParameterError
            A name or a value is invalid; nothing is trained then.
        StoreError
            The store cannot be used.
        KeyboardInterrupt
            Ctrl-C was pressed. Finished work is kept.

        Warns
        -----
        ConcertinaWarning
            A parameter has no effect, combinations are the same run, or workers were lost.

        Examples
        --------
        Two gains, each with its own learning rate, and three seeds:

        >>> import concertina as ct
        >>> study = ct.Study(progress=False)
        >>> base = ct.Params(units=12, input_dim=6, clusters=8, train_samples=40, epochs=2)
        >>> pairs = ct.zip(gain=[20, 250], learning_rate=[1e-3, 1e-4])
        >>> runs = study.train(base, pairs, seed=range(3))
        >>> [(run.params.gain, run.params.seed) for run in runs]
        [(20.0, 0), (20.0, 1), (20.0, 2), (250.0, 0), (250.0, 1), (250.0, 2)]
        """
        if keep not in ("all", "needed", "ends"):
            raise ParameterError(f'`keep`: expected "all", "needed" or "ends", found {keep!r}')
        sweep = build_sweep(parts, parameters)
        for note in sweep.notes():
            warnings.warn(note, ConcertinaWarning, stacklevel=2)
        if executor is None or self._read_only:
            with Progress(self.progress) as report:
                trained = self._inner.train(sweep, keep, rerun, report)
            _tell_of_failures(trained.statuses())
            return Runs(trained, self)
        if self._device != "cpu":
            raise ParameterError(
                f'`executor`: expected a study with device="cpu", found {self._device!r}',
                "leave out `executor`: a GPU trains many runs together in one process",
            )
        from ._executors import comparisons_of, train_on

        with Progress(self.progress) as report:
            comparisons, left = train_on(executor, self, sweep, keep, rerun, report)
        with Progress(self.progress) as report:
            if rerun and left:
                again = _core.Sweep.of([sweep.runs()[place] for place in left])
                assert again is not None
                comparisons |= comparisons_of(self._inner.train(again, keep, True, report))
            trained = self._inner.train(sweep, keep, False, report)
        _tell_of_failures(trained.statuses())
        return Runs(trained, self, comparisons)

    def table(self) -> Table:
        """Returns a table of every run in the store.

        Returns
        -------
        Table
            One row per run: `key`, `folder`, `status`, how far it got (`epochs`, `updates`), every parameter
            by its path (`network.gain`), the last losses and accuracies, `finished` and `wall_seconds`.
        """
        return Table._of(self._inner.table())

    def runs(self, where: str | None = None) -> Runs:
        """Returns runs in the store, each as far as it was trained.

        Parameters
        ----------
        where : str, optional
            A condition on the columns of `table()`: `"gain = 250 and epochs >= 12"`. All runs if not given.

        Returns
        -------
        Runs
            In the order of their keys.

        Raises
        ------
        ParameterError
            No run fulfils the condition, or it cannot be read.
        """
        keys = self._inner.keys(where)
        if not keys:
            asked = "in the store" if where is None else f"for `{where}`"
            raise ParameterError(f"expected at least one run, found none {asked}", "`study.table()` shows all of them")
        return self._stored(keys)

    def run(self, key: str) -> Run:
        """Returns the run in the store whose key starts with `key`.

        Parameters
        ----------
        key : str
            The key of a run or its first digits, as shown in a table of runs.

        Raises
        ------
        ParameterError
            No run has such a key, or several runs have.
        """
        return self._stored([key])[0]

    def _stored(self, keys: list[str]) -> Runs:
        with Progress(self.progress) as report:
            return Runs(self._inner.stored(keys, report), self)

    def keep(self, network: Network) -> Run:
        """Stores a network that was trained elsewhere as a run, to be analysed and drawn like any other.

        Parameters
        ----------
        network : Network
            The network, from arrays or from PyTorch.

        Returns
        -------
        Run
            A run without training: `run.history` has no rows, and its only checkpoint is `"last"`.

        Examples
        --------
        >>> import numpy as np
        >>> import concertina as ct
        >>> study = ct.Study(progress=False)
        >>> run = study.keep(ct.Network({"recurrent": 0.5 * np.eye(4)}))
        >>> round(run.lyapunov(at="last").largest, 6)
        -1.0
        """
        return self.run(self._inner.keep(network._inner))

    def figure(
        self,
        name: str,
        *,
        seeds: Iterable[int] | None = None,
        full: bool = False,
        size: Literal["paper", "talk"] = "paper",
        **parameters: Any,
    ) -> Figure:
        """Draws a figure of the paper, or another that has a recipe. What it needs is trained and computed first.

        Parameters
        ----------
        name : str
            A name in `concertina.figures()`: `"fig2"`.
        seeds : iterable of int, optional
            The realisations; five if not given.
        full : bool, default False
            Whether to use as many realisations as the paper, thirty.
        size : {"paper", "talk"}, default "paper"
            What it is for: a journal (183 mm across, text of 5 to 7 points), or slides (338 mm across, text of
            14 to 16 points, thicker lines).
        **parameters
            Parameters of every run, which override the recipe: `units=100`.

        Returns
        -------
        Figure
            A notebook shows it as SVG; `save("folder")` writes files.

        Raises
        ------
        ParameterError
            A figure, a size or a parameter is invalid.

        Warns
        -----
        ConcertinaWarning
            A run or an analysis failed, and the figure is drawn without it; or something cannot be drawn as
            requested, see `Figure.problems`.
        """
        figures, _ = self._figures([name], [], seeds, full, size, parameters)
        return figures[0]

    def plot(
        self,
        recipe: str | PathLike[str],
        *,
        seeds: Iterable[int] | None = None,
        full: bool = False,
        size: Literal["paper", "talk"] = "paper",
        **parameters: Any,
    ) -> Figure:
        """Draws your own figure from a recipe in TOML; see `docs/guides/your-own-figure.md`.

        Parameters
        ----------
        recipe : str or path
            The recipe's file.
        seeds, full, size, **parameters
            As in `figure`.

        Returns
        -------
        Figure
            A notebook shows it as SVG; `save("folder")` writes files.

        Raises
        ------
        ParameterError
            The recipe cannot be read; the message names the line.
        """
        figures, _ = self._figures([], [fspath(recipe)], seeds, full, size, parameters)
        return figures[0]

    def _figures(
        self,
        names: list[str],
        files: list[str],
        seeds: Iterable[int] | None,
        full: bool,
        size: str,
        parameters: Mapping[str, Any],
    ) -> tuple[list[Figure], Runs]:
        if size not in ("paper", "talk"):
            raise ParameterError(f'`size`: expected "paper" or "talk", found {size!r}')
        asked = _core.Asked(names, files, _seeds(seeds), full, _assignments(parameters), size == "talk")
        with Progress(self.progress) as report:
            figures, runs, failures = self._inner.figures(asked, report)
        for failure in failures:
            warnings.warn(failure, ConcertinaWarning, stacklevel=3)
        return [Figure(figure) for figure in figures], Runs(runs, self)

    def reproduce(
        self,
        *names: str | PathLike[str],
        seeds: Iterable[int] | None = None,
        full: bool = False,
        until_decided: bool = False,
        most: int = 100,
        **parameters: Any,
    ) -> Report:
        """Judges the claims of figures, and compares results with the tables of the published code.

        Parameters
        ----------
        *names : str or path
            Names in `concertina.figures()`, or files of recipes, which end in `.toml`; Figures 1 to 5a if not
            given.
        seeds, full, **parameters
            As in `figure`.
        until_decided : bool, default False
            Whether realisations are added to undecided claims until every claim is decided, by a
            group-sequential test, which stays valid under such repeated looks.
        most : int, default 100
            With `until_decided`, the most realisations of a claim.

        Returns
        -------
        Report
            A notebook shows the whole report; `report.claims` is a table.

        Raises
        ------
        ParameterError
            A figure or a parameter is invalid.
        """
        asked = _core.Asked([fspath(name) for name in names], [], _seeds(seeds), full, _assignments(parameters))
        words = [repr(fspath(name)) for name in names]
        words += [] if seeds is None else [f"seeds={list(seeds)!r}"]
        words += [f"full={full}"] if full else []
        words += [f"until_decided=True, most={most}"] if until_decided else []
        words += [f"{name}={value!r}" for name, value in parameters.items()]
        limit = most if until_decided else None
        with Progress(self.progress) as report:
            return Report(self._inner.reproduce(asked, limit, f"study.reproduce({', '.join(words)})", report))

    def methods(
        self,
        *names: str | PathLike[str],
        seeds: Iterable[int] | None = None,
        full: bool = False,
        until_decided: bool = False,
        most: int = 100,
        **parameters: Any,
    ) -> Methods:
        """Writes what a paper's methods section must say about figures.

        Nothing is trained. A notebook shows the result, and `save("methods.tex")` writes a file. `Runs.methods`
        does the same for runs.

        Parameters
        ----------
        *names : str or path
            Names in `concertina.figures()`, or files of recipes, which end in `.toml`; Figures 1 to 5a if not
            given.
        seeds, full, **parameters
            As in `figure`.
        until_decided, most
            As in `reproduce`, if the figures were reproduced so.

        Raises
        ------
        ParameterError
            A figure or a parameter is invalid.
        """
        asked = _core.Asked([fspath(name) for name in names], [], _seeds(seeds), full, _assignments(parameters))
        return Methods(*self._inner.methods(asked, most if until_decided else None))

    def view(
        self,
        *,
        open: bool = True,
        port: int | None = None,
        figures: str | PathLike[str] = "figures",
        allow_training: bool = False,
    ) -> Viewer:
        """Shows the store in the browser: its runs, what each did, and a playground where a network trains.

        A thread of this process serves the pages, to this machine only. The command `concertina view` does the
        same.

        Parameters
        ----------
        open : bool, default True
            Whether the browser is opened.
        port : int, optional
            The port to listen on, 1 to 65535; any that is free if not given.
        figures : str or path, default "figures"
            The folder of figures and reports to show.
        allow_training : bool, default False
            Whether the playground may keep its network as a run; without this, the store is only read.

        Returns
        -------
        Viewer
            It has the `url`, and serves until `stop()`, the end of a `with` block, or the end of the process.

        Raises
        ------
        ParameterError
            `port` is not a port.
        OSError
            The port is taken.

        Examples
        --------
        >>> import concertina as ct
        >>> study = ct.Study(progress=False)
        >>> viewer = study.view(open=False)
        >>> viewer.is_serving
        True
        >>> viewer.stop()
        """
        viewer = serve(self, port=port, figures=figures, allow_training=allow_training, framed=False)
        if open:
            webbrowser.open(viewer.url)
        return viewer

    def remove(self, where: str, *, dry_run: bool = False) -> Table:
        """Removes the runs that fulfil a condition, and the results of their analyses.

        Parameters
        ----------
        where : str
            A condition on the columns of `table()`.
        dry_run : bool, default False
            Whether to list only what would be removed, and remove nothing.

        Returns
        -------
        Table
            What was or would be removed: `kind`, `run`, `analysis`, `version`, `count` (of files), `bytes`.
        """
        return Table._of(self._inner.remove(self._inner.keys(where), dry_run))

    def merge(self, other: Study | str | PathLike[str]) -> Table:
        """Copies every run and result of another store that this one does not have; the other is only read.

        Parameters
        ----------
        other : Study, str or path
            The other study, or its folder.

        Returns
        -------
        Table
            One row per run of the other store: `run`, `fate`, and how many `checkpoints` and `analyses` were
            copied. If both stores have a run and their data differ, the run is left as it is.

        Raises
        ------
        StoreError
            One of the stores cannot be used.
        """
        source = other if isinstance(other, Study) else Study(other, read_only=True)
        return Table._of(self._inner.merge(source._inner))

    def verify(self) -> Table:
        """Reads every byte of the store and reports damage. Nothing is changed.

        Returns
        -------
        Table
            One row per problem: `kind`, `path`, `reason`. No rows if there are no problems.
        """
        return Table._of(self._inner.verify())

    def repair(self) -> Table:
        """Reads every byte of the store, and sets damaged files aside.

        Nothing is deleted: damaged files are moved to the store's folder `set-aside`. What they held is
        computed again when it is needed.

        Returns
        -------
        Table
            One row per problem: `kind`, `path`, `reason`. No rows if there were no problems.

        Raises
        ------
        StoreError
            The store cannot be changed.
        """
        return Table._of(self._inner.repair())

    def usage(self) -> Table:
        """Returns how much space each kind of file takes in the store.

        Returns
        -------
        Table
            One row per kind of file: `kind`, `analysis`, `version`, `files`, `bytes` and `superseded`, the
            bytes that are no longer needed.
        """
        return Table._of(self._inner.usage())

    def export(
        self, folder: str | PathLike[str], where: str | None = None, at: str | int | Sequence[int] = "ends"
    ) -> Table:
        """Writes runs into a new folder: one archive per run, which `numpy.load` reads, and `runs.csv`.

        Parameters
        ----------
        folder : str or path
            A folder that is empty or does not exist.
        where : str, optional
            A condition on the columns of `table()`; all runs if not given.
        at : str, int or sequence of int
            Which checkpoints, as in `Runs.analyse`.

        Returns
        -------
        Table
            One row per run: `run`, `file`, `checkpoints` and `bytes`.

        Raises
        ------
        StoreError
            The folder is not empty, or cannot be written to.
        """
        keys = self._inner.keys(where)
        return Table._of(self._inner.export(keys, selection(at), fspath(folder)))

    def __repr__(self) -> str:
        return f"Study({self.folder!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        if self._is_temporary:
            # another process opens the same folder, and leaves its removal to this process
            warnings.warn(
                "other processes can use a study in a temporary folder only as long as this process keeps it",
                ConcertinaWarning,
                stacklevel=2,
            )
        return _study_of, (self.folder, self._jobs, self.progress, self._read_only, self._device)


def _study_of(folder: str, jobs: int | None, progress: bool, read_only: bool, device: str) -> Study:
    return Study(folder, jobs=jobs, progress=progress, read_only=read_only, device=device)


def _remove(folder: str, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def _tell_of_failures(statuses: list[str]) -> None:
    """Warns of runs that diverged or failed."""
    counts = [(statuses.count(status), status) for status in ("diverged", "failed")]
    told = " and ".join(f"{count} {status}" for count, status in counts if count)
    if told:
        message = f"of {len(statuses)} runs, {told}: `runs.table()` says which, and `run.message` why"
        warnings.warn(message, ConcertinaWarning, stacklevel=3)


def _seeds(seeds: Iterable[int] | None) -> list[int] | None:
    return None if seeds is None else [int(seed) for seed in seeds]


def _assignments(parameters: Mapping[str, Any]) -> list[str]:
    """Parameters as a command line has them."""
    return [f"{name}={value}" for name, value in parameters.items()]


def figures() -> Table:
    """Lists the figures that `Study.figure` draws.

    Returns
    -------
    Table
        One row per figure: `figure`, its name, and `title`.

    Examples
    --------
    >>> import concertina as ct
    >>> "fig2" in ct.figures()["figure"]
    True
    """
    recipes = _core.recipes()
    return Table({"figure": [name for name, _ in recipes], "title": [title for _, title in recipes]})


with_keywords(Study.train)
