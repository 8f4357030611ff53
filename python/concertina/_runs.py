"""Runs, and their results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._errors import ParameterError, RunFailed, ShapeError
from ._given import array
from ._methods import Methods
from ._parameters import Params
from ._progress import Progress
from ._run_analyses import RunAnalyses
from ._tables import LyapunovSpectrum, Table, text_of
from ._viewer import frame

if TYPE_CHECKING:
    import torch
    import xarray

    from ._networks import Network
    from ._study import Study
    from ._viewer import Frame

#: A selection of checkpoints: a word, or epochs.
At = "str | int | Sequence[int]"


def selection(at: str | int | Sequence[int]) -> str:
    """A selection of checkpoints in the syntax of the core."""
    if isinstance(at, str):
        return at
    if isinstance(at, (int, np.integer)):
        return str(int(at))
    return ",".join(str(int(epoch)) for epoch in at)


class Weights(dict[str, NDArray[np.float32]]):
    """The weights of a network by name: a dictionary of float32 arrays.

    States and inputs are row vectors, and matrices are (from, to): the state `h` and the input `x` give the
    next state `tanh(h @ recurrent + x @ input + bias)`.

    * `input` (inputs, units), `recurrent` (units, units), `bias` (units,), `readout` (units, outputs) and
      `readout_bias` (outputs,).

    * A GRU has three blocks of columns in PyTorch's order (reset, update, new) in `input`, `recurrent`,
      `bias` and a second bias `recurrent_bias`.
    * A feedforward network has `recurrent.1`, `bias.0` and so on for its layers.

    The names in files, such as `recurrent_weights`, work too.

    Examples
    --------
    >>> import numpy as np
    >>> import concertina as ct
    >>> weights = ct.Network({"recurrent": np.eye(3), "input": np.ones((2, 3))}).weights
    >>> weights["input"].shape, weights["recurrent"].dtype
    ((2, 3), dtype('float32'))
    """

    def __missing__(self, name: str) -> NDArray[np.float32]:
        short = name.replace("_weights", "", 1)
        if short in self:
            return self[short]
        raise KeyError(f"{name}: the weights are {', '.join(self)}")


class States(np.ndarray[Any, np.dtype[np.float32]]):
    """States of a network, (trials, time, units): a float32 array with its timesteps and trials.

    Parts of the states, and arrays computed from them, do not have these attributes: they are None.

    Attributes
    ----------
    timesteps : array of int (time,)
        The timestep of each state; 0 is after the first step.
    labels : array of int (trials,) or None
        The class of each trial.
    conditions : array of int (trials,) or None
        The condition of each trial: its cluster, in the paper's task.
    inputs : array or None
        The inputs: (trials, inputs) where one stimulus is held, else (trials, time, inputs).

    Examples
    --------
    >>> import numpy as np
    >>> import concertina as ct
    >>> network = ct.Network({"recurrent": 0.5 * np.eye(3), "input": np.eye(3)})
    >>> _, states = network(np.ones((5, 10, 3)))
    >>> states.shape, states.timesteps.shape
    ((5, 10, 3), (10,))
    >>> states[:, -1].timesteps is None
    True
    """

    timesteps: NDArray[np.int64] | None
    labels: NDArray[np.int64] | None
    conditions: NDArray[np.int64] | None
    inputs: NDArray[np.float32] | None

    @classmethod
    def _of(cls, states: NDArray[np.float32], trials: Mapping[str, Any]) -> States:
        made = states.view(cls)
        made.timesteps = np.arange(states.shape[1])
        made.labels = trials.get("labels")
        made.conditions = trials.get("conditions")
        made.inputs = trials.get("inputs")
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        trials = {"labels": self.labels, "conditions": self.conditions, "inputs": self.inputs}
        return _states_of, (np.asarray(self), None if self.timesteps is None else trials)

    def __array_finalize__(self, parent: Any) -> None:
        # a part of the states, or what was computed from them, has different trials and timesteps
        self.timesteps = self.labels = self.conditions = self.inputs = None

    def to_xarray(self) -> xarray.DataArray:
        """Converts to an `xarray.DataArray`.

        Returns
        -------
        xarray.DataArray
            With the dimensions `trial`, `time` and `unit` and, where they are known, the coordinates `label`
            and `condition` of each trial. The numbers are not copied.

        Raises
        ------
            These are only a part of the states, or were computed from them.
            A part of the states, or what was computed from them.
        ModuleNotFoundError
            xarray is not installed.
        """
        import xarray

        if self.timesteps is None:
            raise ShapeError(
                "expected all the states of a run, found a part of them or an array computed from them",
                "call `to_xarray()` first, and select by name: `states.to_xarray().isel(time=-1)`",
            )
        coordinates: dict[str, Any] = {"time": self.timesteps}
        for name, values in (("label", self.labels), ("condition", self.conditions)):
            if values is not None:
                coordinates[name] = ("trial", values)
        return xarray.DataArray(np.asarray(self), dims=("trial", "time", "unit"), coords=coordinates, name="state")


def _states_of(states: NDArray[np.float32], trials: Mapping[str, Any] | None) -> States:
    return states.view(States) if trials is None else States._of(states, trials)


class Runs(RunAnalyses, Sequence["Run"]):
    """The runs of a sweep, in the order of the sweep. A sequence of `Run`, with every analysis as a method.

    A notebook shows a table of the runs. `runs[0]` is a run; slices, lists of positions, arrays of truth
    values and `where` select some of the runs.

    Examples
    --------
    >>> import concertina as ct
    >>> study = ct.Study(progress=False)
    >>> runs = study.train(units=12, input_dim=6, clusters=8, train_samples=40, epochs=2, gain=[20, 250])
    >>> len(runs), len(runs[:1]), len(runs.where("gain = 250"))
    (2, 1, 1)
    >>> runs.accuracy(at="last")["gain"]
    array([ 20., 250.])
    """

    __slots__ = ("_comparisons", "_inner", "_study")

    def __init__(self, core: _core.Runs, study: Study, comparisons: Mapping[str, dict[str, Any]] | None = None) -> None:
        self._inner = core
        #: Its study, whose folder exists for as long as the runs do.
        self._study = study
        #: What training runs again on workers showed, by key.
        self._comparisons = comparisons or {}

    def __len__(self) -> int:
        return len(self._inner)

    @overload
    def __getitem__(self, key: int) -> Run: ...
    @overload
    def __getitem__(self, key: slice | list[int] | NDArray[Any]) -> Runs: ...
    def __getitem__(self, key: int | slice | list[int] | NDArray[Any]) -> Any:
        places = np.arange(len(self))[key]
        if places.ndim == 0:
            return Run(self, int(places))
        return self._chosen(places.tolist(), f"runs[{key}]")

    def _chosen(self, places: list[int], asked: str) -> Runs:
        chosen = self._inner.select(places)
        if chosen is None:
            raise ParameterError(
                f"expected at least one run, found none for {asked}", "`runs.table()` shows all of them"
            )
        return Runs(chosen, self._study, self._comparisons)

    def methods(self) -> Methods:
        """Writes what a paper's methods section must say about these runs: equations, initialisation, task,
        optimizer, seeds, versions and machine, with references.

        Examples
        --------
        >>> import concertina as ct
        >>> study = ct.Study(progress=False)
        >>> runs = study.train(units=12, input_dim=6, clusters=8, train_samples=40, epochs=2)
        >>> runs.methods()
        Methods(Task, Networks, Training, Software)
        """
        return Methods(*self._study._inner.methods_of(self._inner))

    def where(self, condition: str) -> Runs:
        """Returns the runs that fulfil a condition.

        Parameters
        ----------
        condition : str
            On the columns of `table()`, such as `"gain = 250 and status = complete"`; see `Table.where`.

        Raises
        ------
        ParameterError
            No run fulfils it, or it cannot be read.
        """
        return self._chosen(self._inner.places(condition), f"`{condition}`")

    def table(self) -> Table:
        """Returns the runs as a table.

        Returns
        -------
        Table
            One row per run: `key`, the parameters that vary, `seed`, `status`, `source`, `epochs`, `updates`,
            and the last losses and accuracies of training and of validation.
        """
        return Table._of(self._inner.table())

    def analyse(self, analysis: str, *, at: str | int | Sequence[int] = "ends", **settings: Any) -> Table:
        """Runs an analysis by name. Results in the store are loaded; the others are computed and stored.

        Parameters
        ----------
        analysis : str
            A name in `concertina.analyses()`.
        at : str, int or sequence of int
            Which checkpoints: `"ends"` (before and after training), `"first"`, `"last"`, `"all"`,
            `"last:10"`, `"every:5"`, an epoch, or several epochs.
        **settings
            Settings of the analysis, as in the method of the same name.

        Returns
        -------
        Table
            The parameters that vary, `seed`, `stage` (`before`, `during`, `after`), `epoch`, `update`, and
            then the columns of the analysis.

        Raises
        ------
        ParameterError
            A name or a setting is invalid.
        RunFailed
            The analysis fails for one of the runs.

        See Also
        --------
        concertina.analyses : every analysis and its settings.
        """
        given = json.dumps({name: _plain(name, value) for name, value in settings.items()})
        with Progress(self._study.progress) as report:
            table = self._inner.analyse(analysis, given, selection(at), report)
        return LyapunovSpectrum._of(table) if analysis == "lyapunov" else Table._of(table)

    def __repr__(self) -> str:
        return f"{len(self)} runs\n{self.table()}"

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def _plain(name: str, value: Any) -> Any:
    """A setting as a JSON value."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (range, tuple)):
        value = list(value)
    if isinstance(value, float) and not np.isfinite(value):
        raise ParameterError(f"`{name}`: expected a finite number, found {value}")
    return value


class Run(RunAnalyses):
    """A run: its parameters, how it ended, its weights and its states. Every analysis is a method.

    Examples
    --------
    >>> import concertina as ct
    >>> study = ct.Study(progress=False)
    >>> runs = study.train(units=12, input_dim=6, clusters=8, train_samples=40, epochs=2)
    >>> run = runs[0]
    >>> run.status, run.checkpoints
    ('complete', [(0, 0), (1, 4), (2, 8)])
    >>> run.weights("last")["recurrent"].shape
    (12, 12)
    >>> run.states("last", samples=40).shape                # (trials, time, units)
    (40, 10, 12)
    """

    __slots__ = ("_inner", "_runs")

    def __init__(self, runs: Runs, place: int) -> None:
        core = runs._inner.run(place)
        assert core is not None
        self._inner = core
        self._runs = runs._chosen([place], f"runs[{place}]")

    @property
    def key(self) -> str:
        """The key of the run in the store: 64 hexadecimal digits, a hash of its parameters."""
        return self._inner.key()

    @property
    def params(self) -> Params:
        """Its parameters."""
        return Params._of_core(self._inner.params())

    @property
    def status(self) -> str:
        """`complete`, `diverged` (loss or weights became NaN or infinite) or `failed`."""
        return self._inner.outcome()[0]

    @property
    def message(self) -> str | None:
        """Why it diverged or failed; None if it did not."""
        return self._inner.outcome()[1]

    @property
    def source(self) -> str:
        """How the run was obtained: `loaded` (from the store), `trained`, `extended` (the store had fewer
        epochs), `resumed` (it had been interrupted), `recomputed` (the store lacked checkpoints), or
        `nothing` if it failed.
        """
        return self._inner.source()

    @property
    def history(self) -> Table:
        """The record of training, one row per epoch: `epoch`, `update`, `learning_rate`, `training_loss`,
        `training_accuracy`, `gradient_norm`, `validation_loss`, `validation_accuracy`. With real targets,
        accuracies are null, and `validation_r2` is the share of the variance that is explained.
        """
        return Table._of(self._inner.history())

    @property
    def checkpoints(self) -> list[tuple[int, int]]:
        """The checkpoints of its schedule, each an epoch and an update: (0, 0) is before training."""
        return self._inner.checkpoints()

    @property
    def comparison(self) -> dict[str, Any] | None:
        """The result of training the run again with `rerun=True`; None if it was not trained again. A
        dictionary: how many `checkpoints` and `epochs` were compared, and the first `difference`, which is
        None if all bits agree.
        """
        return self._inner.comparison() or self._runs._comparisons.get(self.key)

    def weights(self, at: str | int = "last") -> Weights:
        """The weights at a checkpoint. Weights that the store does not have are recomputed, bit-for-bit.

        Parameters
        ----------
        at : {"first", "last"} or int
            Before training, after training, or after this number of epochs.

        Returns
        -------
        Weights
            A dictionary of float32 arrays: `input`, `recurrent`, `bias`, `readout`, `readout_bias`.

        Raises
        ------
        ParameterError
            The run has no such epoch.
        RunFailed
            The run failed.
        """
        self._check()
        return Weights(self._inner.weights(at))

    def network(self, at: str | int = "last") -> Network:
        """The network at a checkpoint, which can be run on any inputs.

        Parameters
        ----------
        at : {"first", "last"} or int
            Before training, after training, or after this number of epochs.

        Raises
        ------
        ParameterError
            The run has no such epoch.
        RunFailed
            The run failed.
        """
        from ._networks import Network

        self._check()
        return Network._of(self._inner.network(at))

    def states(
        self,
        at: str | int = "last",
        inputs: ArrayLike | None = None,
        *,
        samples: int = 500,
        extend_to: int | None = None,
    ) -> States:
        """The states of the network at a checkpoint.

        Parameters
        ----------
        at : {"first", "last"} or int
            Before training, after training, or after this number of epochs.
        inputs : array (trials, time, inputs), optional
            The inputs to run the network on. If not given, the trials of the task that analyses use.
        samples : int, default 500
            The number of those trials, at least 2. They are spread evenly over clusters or conditions.
        extend_to : int, optional
            Continue the trials with zero input to this timestep.

        Returns
        -------
        States
            (trials, time, units), float32; `to_xarray()` names the axes.

        Raises
        ------
        ShapeError
            `inputs` has the wrong number of axes or of inputs.
        ParameterError
            The run has no such epoch, or a number is invalid.
        RunFailed
            The run failed.
        """
        self._check()
        if inputs is not None:
            shown = array("inputs", inputs)
            steps = None if extend_to is None else extend_to + 1
            return States._of(self._inner.network(at).states(shown, steps), {"inputs": shown})
        states, trials = self._inner.states(at, samples, extend_to)
        return States._of(states, trials)

    def to_torch(
        self, at: str | int = "last", *, rnn: str | None = None, readout: str | None = None
    ) -> dict[str, torch.Tensor]:
        """The weights as a PyTorch state dict, for `load_state_dict`.

        Parameters
        ----------
        at : {"first", "last"} or int
            Before training, after training, or after this number of epochs.
        rnn, readout : str, optional
            The module's names of its parts; see `Network.to_torch`.

        Raises
        ------
        ParameterError
            PyTorch has no such network, for example no leaky one.
        ModuleNotFoundError
            PyTorch is not installed.
        """
        return self.network(at).to_torch(rnn=rnn, readout=readout)

    def analyse(self, analysis: str, *, at: str | int | Sequence[int] = "ends", **settings: Any) -> Table:
        """Runs an analysis by name; see `Runs.analyse`."""
        return self._runs.analyse(analysis, at=at, **settings)

    def view(self, *, height: int = 640) -> Frame:
        """The page of this run in the viewer, which a notebook shows in a frame.

        The browser must run on the machine of the notebook's kernel. Elsewhere, use `Study.view` and a tunnel.

        Parameters
        ----------
        height : int, default 640
            The height of the frame in pixels.

        Returns
        -------
        Frame
            As the last line of a cell, it shows the page.

        Raises
        ------
        ParameterError
            `height` is not a whole number of at least 1.

        Examples
        --------
        >>> import concertina as ct
        >>> study = ct.Study(progress=False)
        >>> run = study.train(units=12, input_dim=6, clusters=8, train_samples=40, epochs=2)[0]
        >>> frame = run.view()
        >>> frame.url.endswith(f"#/run/{run.key}")
        True
        """
        return frame(self._runs._study, self.key, height)

    def _check(self) -> None:
        status, message, hint = self._inner.outcome()
        if status == "failed":
            raise RunFailed(f"run {self.key[:12]} failed: {message}", hint)

    def __repr__(self) -> str:
        row = self._runs.table()[0]
        known = ", ".join(
            f"{name}={text_of(value)}" for name, value in row.items() if value is not None and name != "key"
        )
        return f"Run({self.key[:12]}: {known})"

    def _repr_html_(self) -> str:
        return self._runs._repr_html_()
