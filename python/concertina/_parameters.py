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

#: Published names that correspond to several parameters; which ones depends on the value.
_OF_SEVERAL = frozenset({"optimizer", "train.optimizer", "learning_patience", "grad_noise_type"})

#: A name, and the values that it takes, one after another.
_Axis = "tuple[str, list[Any]]"


class Params(ParameterValues):
    """The parameters of one run, checked. Parameters that are not given have the paper's defaults.

    Values are attributes, by the names of `concertina.parameters()`: `params.gain`. They can also be accessed
    by path: `params["network.gain"]`. Parameters print as TOML, compare by value, and can be pickled. They
    are immutable: `replace` returns changed parameters.

    Parameters
    ----------
    **parameters
        Names and values: `gain=250`, `units=100`, `task=trials`. The names of the published code work too:
        `g_radius=250`. A name with a dot must be passed in a dictionary: `Params(**{"network.gain": 250})`.

    Raises
    ------
    ParameterError
        A name or a value is invalid. The message says what was expected, what was found, and what to do.

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
        """The parameters of an existing run; those that differ from their defaults count as given."""
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
        """Reads parameters from a TOML or JSON file, or from a text in TOML.

        Parameters
        ----------
        source : str or path
            A path that ends in `.toml` or `.json`, or the text itself.

        Raises
        ------
        ParameterError
            The text is invalid, and the message names the line; or it has a section `[sweep]` with several
            values.
        OSError
            The file cannot be read.
        """
        is_json = str(source).endswith(".json")
        is_file = isinstance(source, PathLike) or is_json or str(source).endswith(".toml")
        text = Path(source).read_text(encoding="utf-8") if is_file else str(source)
        return cls._of(tuple((path, _wrapped(value)) for path, value in _core.Params.read(text, is_json)))

    def replace(self, **parameters: Unpack[ParameterKeywords]) -> Params:
        """Returns the same parameters with some of them changed.

        Parameters
        ----------
        **parameters
            Names and values, as in `Params`.

        Raises
        ------
        ParameterError
            A name or a value is invalid.
        """
        return type(self)._of(_merged(self._given, parameters))

    @property
    def key(self) -> str:
        """The key of the run in a store: 64 hexadecimal digits, a hash of the parameters that name it."""
        return self._inner.key()

    @property
    def trials(self) -> Trials | None:
        """The trials of the task; None if the task generates its trials."""
        core = self._inner.trials()
        return None if core is None else Trials._of(core)

    def to_toml(self) -> str:
        """The parameters as TOML, with the meaning of each; `Params.read` reads it."""
        return self._inner.toml()

    def to_dict(self) -> dict[str, Any]:
        """Every parameter, by its path (`network.gain`), with its value."""
        return {one["path"]: self[one["path"]] for one in _DESCRIBED}

    def __getitem__(self, name: str) -> Any:
        return _wrapped(self._inner.value(name))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in _PATHS:
            raise AttributeError(f"'Params' object has no attribute '{name}'", name=name, obj=self)
        return self[name]

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"parameters are immutable: `params.replace({name}=...)` returns changed parameters")

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
    """Parameters that change together along one axis of a sweep. `concertina.zip` makes them."""

    __slots__ = ("_columns",)

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._columns: list[tuple[str, list[Any]]] = []
        for name, values in parameters.items():
            listed = _listed(name, values)
            if listed is None:
                raise ParameterError(
                    f"`{name}`: expected a list of values for each parameter in `zip`, found {values!r}",
                    "give values that all runs share outside of `zip`",
                )
            self._columns.extend(_axes(name, listed))

    def __repr__(self) -> str:
        return f"zip({', '.join(f'{_name_of(name)}={values!r}' for name, values in self._columns)})"


def zip(**parameters: Unpack[SweepKeywords]) -> Together:
    """Parameters that change together from run to run, instead of being crossed.

    Parameters
    ----------
    **parameters
        Names, each with a list of values. All lists have the same length.

    Returns
    -------
    Together
        For `Study.train` or `concertina.sweep`.

    Raises
    ------
    ParameterError
        A value is not a list. Lists of different lengths are an error as soon as the sweep is made.

    Examples
    --------
    >>> import concertina as ct
    >>> runs = ct.sweep(ct.zip(gain=[20, 250], learning_rate=[1e-3, 1e-4]), seed=range(3))
    >>> len(runs), runs[0].learning_rate, runs[-1].learning_rate
    (6, 0.001, 0.0001)
    """
    return Together(parameters)


def sweep(*parts: Params | Together | Iterable[Params], **parameters: Unpack[SweepKeywords]) -> list[Params]:
    """The parameters of every run of a sweep, in the order in which `Study.train` returns the runs.

    Parameters
    ----------
    *parts
        Parameters that all runs share (`Params`), parameters that change together (`zip`), or a list of
        `Params`, which is used unchanged.
    **parameters
        Names and values. Lists, tuples, ranges and arrays are crossed: every combination is a run, and the
        last name varies fastest. A parameter whose value is itself a list, such as `milestones`, is swept by
        a list of lists.

    Returns
    -------
    list of Params
        One per run.

    Raises
    ------
    ParameterError
        A name or a value is invalid.

    Examples
    --------
    >>> import concertina as ct
    >>> [(run.gain, run.seed) for run in ct.sweep(gain=[20, 250], seed=range(2))]
    [(20.0, 0), (20.0, 1), (250.0, 0), (250.0, 1)]
    """
    return [Params._of_core(core) for core in build_sweep(parts, parameters).runs()]


def build_sweep(parts: tuple[Any, ...], parameters: Mapping[str, Any]) -> _core.Sweep:
    """The requested runs, checked."""
    as_they_are = [part for part in parts if not isinstance(part, (Params, Together))]
    if as_they_are:
        if len(parts) > 1 or parameters:
            raise ParameterError(
                "expected a list of parameters as the only argument, found other arguments",
                "a list of `Params` is used unchanged: change them with `params.replace(...)`",
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
        # the kind of a task does not vary with its trials
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
            raise ParameterError(f"expected a list of `Params`, found {type(run).__name__} among them")
    made = _core.Sweep.of([run._inner for run in runs])
    if made is None:
        raise ParameterError("expected a list of `Params`, found an empty list")
    return made


def _listed(name: str, value: Any) -> list[Any] | None:
    """The values that a parameter takes, one after another; None if it has a single value."""
    if isinstance(value, (str, bytes, Trials, Mapping)) or not isinstance(value, Iterable):
        return None
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return None
    values = list(value)
    if _PATHS.get(name, name) in _LISTS:
        # for these, a list is one value; several values are a list of lists, or of numbers where a number is
        # a value too
        return values if values and all(isinstance(one, (list, tuple)) for one in values) else None
    return values


def _axes(name: str, values: list[Any]) -> list[tuple[str, list[Any]]]:
    """The axes that a name corresponds to: trials as `task` set the kind of task and its trials."""
    if _PATHS.get(name) == "task.kind" and any(isinstance(value, Trials) for value in values):
        if not all(isinstance(value, Trials) for value in values):
            raise ParameterError("`task`: expected trials only, or names of tasks only, found both")
        return [("task.kind", ["trials"]), ("task.file", [value._inner for value in values])]
    return [(name, [_unwrapped(value) for value in values])]


def _merged(given: Iterable[tuple[str, Any]], parameters: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Parameters that were given, overridden by others."""
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
    """All parameters of a run: names, default, values, unit and meaning.

    Returns
    -------
    Table
        One row per parameter, with the columns `name`, `path`, `published` (the names in the published code),
        `default`, `other_defaults` (those that other parameters bring about, in words), `values`, `unit`,
        `meaning` and `only_with`, the condition under which it has an effect.

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
            "other_defaults": [one["other_defaults"].replace("`", "") or None for one in _DESCRIBED],
            "values": [one["values"].replace("`", "") for one in _DESCRIBED],
            "unit": [one["unit"] or None for one in _DESCRIBED],
            "meaning": [one["meaning"] for one in _DESCRIBED],
            "only_with": [(one["condition"] or "").replace("`", "") or None for one in _DESCRIBED],
        }
    )


def with_keywords(function: Any) -> Any:
    """Adds every parameter to the signature of a function that takes `**parameters`, for `help` and for
    completion without a type checker.
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
