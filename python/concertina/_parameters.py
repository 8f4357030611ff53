"""Parameters of a run, and sweeps over them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from ._errors import ParameterError
from ._keywords import ParameterValues
from ._tables import Table
from ._trials import Trials

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._keywords import ParameterKeywords, SweepKeywords

_DESCRIBED: list[dict[str, Any]] = _core.parameters()
_PATHS: dict[str, str] = {
    **{name: one["path"] for one in _DESCRIBED for name in one["published"]},
    **{one["name"]: one["path"] for one in _DESCRIBED},
    **{one["path"]: one["path"] for one in _DESCRIBED},
}
_LISTS: frozenset[str] = frozenset(one["path"] for one in _DESCRIBED if one["is_list"])

#: Published names that stand for more than one parameter: what they say depends on the value.
_OF_SEVERAL = frozenset({"optimizer", "train.optimizer", "learning_patience", "grad_noise_type"})

#: A name, and the values that it takes in turn.
_Axis = "tuple[str, list[Any]]"


class Params(ParameterValues):
    """The parameters of one run, checked. What is not given has the paper's default.

    Values are attributes, by the names of `concertina.parameters()`: `params.gain`. By its path, a value is
    `params["network.gain"]`. Parameters print as TOML, compare by value, and can be pickled. They never
    change: `replace` makes others.

    Parameters
    ----------
    **parameters
        Names and values: `gain=250`, `units=100`, `task=trials`. The names of the published code work too:
        `g_radius=250`. A name with a dot goes into a dictionary: `Params(**{"network.gain": 250})`.

    Raises
    ------
    ParameterError
        A name or a value that cannot be; the message says what was expected, what was found, and what to do.

    Examples
    --------
    >>> import concertina as ct
    >>> params = ct.Params(input_dim=2, gain=250, seed=3)
    >>> params.gain, params.units
    (250.0, 200)
    >>> params == ct.Params(X_dim=2, g_radius=2.5e2, model_seed=3)
    True
    >>> params.replace(gain=20).gain
    20.0
    """

    __slots__ = ("_given", "_inner")
    _inner: _core.Params
    _given: tuple[tuple[str, Any], ...]

    def __init__(self, **parameters: Unpack[ParameterKeywords]) -> None:
        self._set(_merged((), parameters))

    def _set(self, given: tuple[tuple[str, Any], ...]) -> None:
        object.__setattr__(self, "_inner", _core.Params([(name, _unwrapped(value)) for name, value in given]))
        object.__setattr__(self, "_given", given)

    @classmethod
    def _of(cls, given: tuple[tuple[str, Any], ...]) -> Params:
        params = cls.__new__(cls)
        params._set(given)
        return params

    @classmethod
    def _of_core(cls, core: _core.Params) -> Params:
        """Of a run that is there: what it was given is every value that is not the default."""
        params = cls.__new__(cls)
        given = []
        for one in _DESCRIBED:
            value = _wrapped(core.value(one["path"]))
            if value != one["default"]:
                given.append((one["path"], value))
        object.__setattr__(params, "_inner", core)
        object.__setattr__(params, "_given", tuple(given))
        return params

    @classmethod
    def read(cls, source: str | PathLike[str]) -> Params:
        """The parameters in a file of TOML or JSON, or in a text of TOML.

        Parameters
        ----------
        source : str or path
            A path that ends in `.toml` or `.json`, or the text itself.

        Raises
        ------
        ParameterError
            What is wrong, with the line; also if the file has a section `[sweep]` with several values.
        OSError
            The file cannot be read.
        """
        is_json = str(source).endswith(".json")
        is_file = isinstance(source, PathLike) or is_json or str(source).endswith(".toml")
        text = Path(source).read_text(encoding="utf-8") if is_file else str(source)
        return cls._of(tuple((path, _wrapped(value)) for path, value in _core.Params.read(text, is_json)))

    def replace(self, **parameters: Unpack[ParameterKeywords]) -> Params:
        """The same parameters, but for these.

        Parameters
        ----------
        **parameters
            Names and values, as in `Params`.

        Raises
        ------
        ParameterError
            A name or a value that cannot be.
        """
        return type(self)._of(_merged(self._given, parameters))

    @property
    def key(self) -> str:
        """The key of the run in a store: 64 hexadecimal digits, a hash of the parameters that name it."""
        return self._inner.key()

    @property
    def trials(self) -> Trials | None:
        """The trials of the task; None if the task makes its trials itself."""
        core = self._inner.trials()
        return None if core is None else Trials._of(core)

    def to_toml(self) -> str:
        """As TOML, with what each parameter means; `Params.read` reads it."""
        return self._inner.toml()

    def to_dict(self) -> dict[str, Any]:
        """Every parameter by its path (`network.gain`), with its value."""
        return {one["path"]: self[one["path"]] for one in _DESCRIBED}

    def __getitem__(self, name: str) -> Any:
        return _wrapped(self._inner.value(name))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in _PATHS:
            raise AttributeError(f"'Params' object has no attribute '{name}'", name=name, obj=self)
        return self[name]

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"parameters do not change: `params.replace({name}=...)` makes others")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(one["name"] for one in _DESCRIBED)]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Params) and self.to_toml() == other.to_toml()

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        changed = [f"{_name_of(path)}={value!r}" for path, value in self._given]
        return f"Params({', '.join(changed)})"

    def __str__(self) -> str:
        return self.to_toml()

    def __reduce__(self) -> tuple[Any, ...]:
        return _params_of, (self._given,)


def _params_of(given: tuple[tuple[str, Any], ...]) -> Params:
    return Params._of(given)


class Together:
    """Parameters that change together along one axis of a sweep: what `concertina.zip` makes."""

    __slots__ = ("_columns",)

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._columns: list[tuple[str, list[Any]]] = []
        for name, values in parameters.items():
            listed = _listed(name, values)
            if listed is None:
                raise ParameterError(
                    f"`{name}`: expected a list of values, as parameters in `zip` have, found {values!r}",
                    "give what all runs share outside of `zip`",
                )
            self._columns.extend(_axes(name, listed))

    def __repr__(self) -> str:
        return f"zip({', '.join(f'{_name_of(name)}={values!r}' for name, values in self._columns)})"


def zip(**parameters: Unpack[SweepKeywords]) -> Together:
    """Parameters that change together from run to run, instead of being crossed.

    Parameters
    ----------
    **parameters
        Names, each with a list of values, all of one length.

    Returns
    -------
    Together
        To be passed to `Study.train`, or to `concertina.sweep`.

    Raises
    ------
    ParameterError
        A value that is not a list. Lists of different lengths are an error once the sweep is made.

    Examples
    --------
    >>> import concertina as ct
    >>> runs = ct.sweep(ct.zip(gain=[20, 250], learning_rate=[1e-3, 1e-4]), seed=range(3))
    >>> len(runs), runs[0].learning_rate, runs[-1].learning_rate
    (6, 0.001, 0.0001)
    """
    return Together(parameters)


def sweep(*parts: Params | Together | Iterable[Params], **parameters: Unpack[SweepKeywords]) -> list[Params]:
    """The parameters of every run of a sweep, in the order in which `Study.train` has them.

    Parameters
    ----------
    *parts
        Parameters that all runs share (`Params`), parameters that go in parallel (`zip`), or a list of
        `Params`, which is taken as it is.
    **parameters
        Names and values. Lists, tuples, ranges and arrays are crossed: every combination is a run, the last
        name running fastest. A parameter whose value is a list itself, such as `milestones`, is swept by a
        list of lists.

    Returns
    -------
    list of Params
        One for each run.

    Raises
    ------
    ParameterError
        A name or a value that cannot be.

    Examples
    --------
    >>> import concertina as ct
    >>> [(run.gain, run.seed) for run in ct.sweep(gain=[20, 250], seed=range(2))]
    [(20.0, 0), (20.0, 1), (250.0, 0), (250.0, 1)]
    """
    return [Params._of_core(core) for core in build_sweep(parts, parameters).runs()]


def build_sweep(parts: tuple[Any, ...], parameters: Mapping[str, Any]) -> _core.Sweep:
    """The runs that are asked for, checked."""
    as_they_are = [part for part in parts if not isinstance(part, (Params, Together))]
    if as_they_are:
        if len(parts) > 1 or parameters:
            raise ParameterError(
                "expected a list of parameters by itself, found something beside it",
                "a list of `Params` is taken as it is: change them by `params.replace(...)`",
            )
        return _of_list(as_they_are[0])
    groups: dict[tuple[str, ...], list[tuple[str, list[Any]]]] = {}

    def put(columns: list[tuple[str, list[Any]]]) -> None:
        names = {_PATHS.get(name, name) for name, _ in columns}
        for known in [known for known in groups if names.intersection(known)]:
            del groups[known]
        groups[tuple(sorted(names))] = columns

    for part in parts:
        if isinstance(part, Params):
            for name, value in part._given:
                put([(name, [_unwrapped(value)])])
        else:
            put(part._columns)
    for name, value in parameters.items():
        listed = _listed(name, value)
        columns = _axes(name, [value] if listed is None else listed)
        # what kind of task it is does not vary with its trials
        for column in columns:
            put([column])
    return _core.Sweep([[(name, values) for name, values in columns] for columns in groups.values()])


def _of_list(runs: Any) -> _core.Sweep:
    if isinstance(runs, (str, bytes, Mapping)) or not isinstance(runs, Iterable):
        raise ParameterError(
            f"expected `Params`, `zip(...)` or a list of `Params`, found {type(runs).__name__}",
            "give parameters as keyword arguments: `gain=250, seed=range(5)`",
        )
    runs = list(runs)
    for run in runs:
        if not isinstance(run, Params):
            raise ParameterError(f"expected a list of `Params`, found {type(run).__name__} in it")
    made = _core.Sweep.of([run._inner for run in runs])
    if made is None:
        raise ParameterError("expected a list of `Params`, found an empty one")
    return made


def _listed(name: str, value: Any) -> list[Any] | None:
    """The values that a parameter takes in turn; None if it has one value."""
    if isinstance(value, (str, bytes, Trials, Mapping)) or not isinstance(value, Iterable):
        return None
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return None
    values = list(value)
    if _PATHS.get(name, name) in _LISTS:
        # a list is one value; several are a list of lists, or of numbers where a number is a value too
        return values if values and all(isinstance(one, (list, tuple)) for one in values) else None
    return values


def _axes(name: str, values: list[Any]) -> list[tuple[str, list[Any]]]:
    """The axes that a name stands for: trials as a task are a kind of task, and the trials."""
    if _PATHS.get(name) == "task.kind" and any(isinstance(value, Trials) for value in values):
        if not all(isinstance(value, Trials) for value in values):
            raise ParameterError("`task`: expected trials only, or names of tasks only, found both")
        return [("task.kind", ["trials"]), ("task.file", [value._inner for value in values])]
    return [(name, [_unwrapped(value) for value in values])]


def _merged(given: Iterable[tuple[str, Any]], parameters: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """What was given, with what is given now in its place."""
    all_given = dict(given)
    for name, value in parameters.items():
        entries = [("task.kind", "trials"), ("task.file", value)] if isinstance(value, Trials) else [(name, value)]
        for entry, one in entries:
            all_given[entry if entry in _OF_SEVERAL else _PATHS.get(entry, entry)] = one
    return tuple(all_given.items())


def _wrapped(value: Any) -> Any:
    return Trials._of(value) if isinstance(value, _core.Trials) else value


def _unwrapped(value: Any) -> Any:
    return value._inner if isinstance(value, Trials) else value


def _name_of(path: str) -> str:
    return next((one["name"] for one in _DESCRIBED if one["path"] == path), path)


def parameters() -> Table:
    """Every parameter of a run: names, default, values, unit and meaning.

    Returns
    -------
    Table
        A row per parameter, with the columns `name`, `path`, `published` (the names in the published code),
        `default`, `values`, `unit`, `meaning` and `only_with`, the condition under which it has an effect.

    Examples
    --------
    >>> import concertina as ct
    >>> table = ct.parameters()
    >>> table.where("name = gain")["default"][0]
    '20.0'
    """
    return Table(
        {
            "name": [one["name"] for one in _DESCRIBED],
            "path": [one["path"] for one in _DESCRIBED],
            "published": [", ".join(one["published"]) or None for one in _DESCRIBED],
            "default": [str(one["default"]) for one in _DESCRIBED],
            "values": [one["values"].replace("`", "") for one in _DESCRIBED],
            "unit": [one["unit"] or None for one in _DESCRIBED],
            "meaning": [one["meaning"] for one in _DESCRIBED],
            "only_with": [(one["condition"] or "").replace("`", "") or None for one in _DESCRIBED],
        }
    )


def with_keywords(function: Any) -> Any:
    """Gives a function that takes `**parameters` a signature with every one of them: for `help`, and for
    completion where no type checker runs.
    """
    signature = inspect.signature(function)
    kept = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    taken = {one.name for one in kept}
    more = [
        inspect.Parameter(one["name"], inspect.Parameter.KEYWORD_ONLY, default=one["default"])
        for one in _DESCRIBED
        if one["name"] not in taken
    ]
    function.__signature__ = signature.replace(parameters=[*kept, *more])
    return function


for _function in (Params.__init__, Params.replace, zip, sweep):
    with_keywords(_function)
