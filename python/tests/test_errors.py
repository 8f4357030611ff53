"""Wrong uses: each raises the right exception, with a message in the terms of Python.

The messages are in `messages.txt`; `CONCERTINA_BLESS=1 pytest python/tests/test_errors.py` writes them again.
"""

from __future__ import annotations

import os
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import concertina as ct
import numpy as np
import pytest
from small import ROOT, SMALL

CRATES = ROOT / "crates"
MESSAGES = Path(__file__).with_name("messages.txt")

#: The wrong uses by name, with the exceptions that they raise.
USES: dict[str, tuple[type[BaseException], Callable[[Any], object]]] = {}


def wrong(error: type[BaseException]) -> Callable[[Callable[[Any], object]], None]:
    """Registers a wrong use under the name of its function."""

    def add(use: Callable[[Any], object]) -> None:
        USES[use.__name__.replace("_", " ")] = (error, use)

    return add


class Given:
    """The objects that wrong uses work with."""

    def __init__(self, study: ct.Study, folder: Path) -> None:
        self.study = study
        self.folder = folder
        self.runs = study.train(gain=[1.5, 20], seed=range(2), **SMALL)
        self.states = np.asarray(self.runs[0].states("last", samples=20))
        self.inputs = np.zeros((10, 6, 2), dtype=np.float32)


@wrong(ct.ShapeError)
def states_of_complex_numbers(given: Given) -> object:
    return ct.effective_dimension(given.states[:, 0].astype(complex))


@wrong(ct.ShapeError)
def states_of_texts(given: Given) -> object:
    return ct.effective_dimension([["a", "b"], ["c", "d"]])


@wrong(ct.ShapeError)
def states_with_one_axis(given: Given) -> object:
    return ct.effective_dimension(given.states[0, 0])


@wrong(ct.ShapeError)
def states_that_are_ragged(given: Given) -> object:
    return ct.effective_dimension([[1.0, 2.0], [3.0]])


@wrong(ct.ShapeError)
def a_table_where_states_are_expected(given: Given) -> object:
    return ct.effective_dimension(given.runs.effective_dimension(samples=40))


@wrong(ct.ShapeError)
def NaN_among_states(given: Given) -> object:
    states = given.states[:, 0].copy()
    states[3, 5] = np.nan
    return ct.effective_dimension(states)


@wrong(ct.ShapeError)
def one_sample(given: Given) -> object:
    return ct.effective_dimension(given.states[:1, 0])


@wrong(ct.ShapeError)
def labels_that_are_not_whole_numbers(given: Given) -> object:
    return ct.class_distances(given.states, np.linspace(0, 1, 20))


@wrong(ct.ShapeError)
def labels_of_other_trials(given: Given) -> object:
    return ct.class_distances(given.states, np.zeros(7, dtype=int))


@wrong(ct.ShapeError)
def labels_below_zero(given: Given) -> object:
    return ct.class_distances(given.states, np.arange(20) - 3)


@wrong(ct.ShapeError)
def a_matrix_that_is_not_square(given: Given) -> object:
    return ct.spectrum(np.zeros((3, 4)))


@wrong(ct.ShapeError)
def a_mask_that_is_not_a_mask(given: Given) -> object:
    return ct.loss(np.zeros((2, 3, 4)), np.zeros((2, 3), dtype=int), mask=np.full((2, 3), 0.5))


@wrong(ct.ShapeError)
def inputs_of_a_network_with_two_axes(given: Given) -> object:
    return given.runs[0].network()(np.zeros((4, 6)))


@wrong(ct.ShapeError)
def inputs_with_another_number_of_inputs(given: Given) -> object:
    return given.runs[0].network()(np.zeros((4, 10, 5)))


@wrong(ct.ShapeError)
def trials_whose_targets_have_time_first(given: Given) -> object:
    return ct.Trials(given.inputs, np.zeros((6, 10), dtype=int))


@wrong(ct.ShapeError)
def trials_without_a_time_axis(given: Given) -> object:
    return ct.Trials(given.inputs[:, 0], np.zeros(10, dtype=int))


@wrong(ct.ShapeError)
def trials_with_NaN(given: Given) -> object:
    return ct.Trials(given.inputs * np.nan, np.arange(10) % 2)


@wrong(ct.ShapeError)
def trials_whose_classes_are_floating_point_numbers(given: Given) -> object:
    return ct.Trials(given.inputs, np.zeros(10))


@wrong(ct.ParameterError)
def a_misspelt_parameter(given: Given) -> object:
    return given.study.train(gian=250)


@wrong(ct.ParameterError)
def a_parameter_out_of_range(given: Given) -> object:
    return given.study.train(units=0)


@wrong(ct.ParameterError)
def a_parameter_of_another_type(given: Given) -> object:
    return given.study.train(optimizer="adamm")


@wrong(TypeError)
def a_parameter_that_is_not_a_value(given: Given) -> object:
    return ct.Params(gain=object())  # type: ignore[arg-type]


@wrong(ct.ParameterError)
def a_sweep_without_values(given: Given) -> object:
    return given.study.train(gain=[])


@wrong(ct.ParameterError)
def parameters_in_parallel_with_lists_of_unequal_length(given: Given) -> object:
    return given.study.train(ct.zip(gain=[1, 2], learning_rate=[1e-3, 1e-4, 1e-5]))


@wrong(ct.ParameterError)
def a_parameter_in_parallel_with_one_value(given: Given) -> object:
    return ct.zip(gain=[1, 2], learning_rate=1e-3)


@wrong(ct.ParameterError)
def a_dictionary_of_parameters(given: Given) -> object:
    return given.study.train({"gain": 250})  # type: ignore[arg-type]


@wrong(ct.ParameterError)
def a_list_of_parameters_beside_others(given: Given) -> object:
    return given.study.train([ct.Params()], gain=250)


@wrong(ct.ParameterError)
def a_list_of_something_else(given: Given) -> object:
    return given.study.train([{"gain": 250}])  # type: ignore[list-item]


@wrong(ct.ParameterError)
def an_empty_list_of_parameters(given: Given) -> object:
    return given.study.train([])


@wrong(ct.ParameterError)
def trials_beside_the_name_of_a_task(given: Given) -> object:
    return ct.sweep(task=["clusters", ct.Trials(given.inputs, np.arange(10) % 2)])


@wrong(ct.ParameterError)
def trials_as_a_task_without_a_file(given: Given) -> object:
    return given.study.train(task="trials")


@wrong(ct.ParameterError)
def a_misspelt_analysis(given: Given) -> object:
    return given.runs.analyse("efective_dimension")


@wrong(AttributeError)
def a_misspelt_method(given: Given) -> object:
    return given.runs.efective_dimension()  # type: ignore[attr-defined]


@wrong(ct.ParameterError)
def a_misspelt_setting(given: Given) -> object:
    return given.runs.analyse("effective_dimension", sample=40)


@wrong(ct.ParameterError)
def a_setting_of_another_type(given: Given) -> object:
    return given.runs.effective_dimension(samples="many")  # type: ignore[arg-type]


@wrong(ct.ParameterError)
def a_setting_that_is_infinite(given: Given) -> object:
    return given.runs.fixed_points(noise=float("inf"))


@wrong(ct.ParameterError)
def a_checkpoint_that_the_run_does_not_have(given: Given) -> object:
    return given.runs[0].weights(at=30)


@wrong(ct.ParameterError)
def checkpoints_that_cannot_be_parsed(given: Given) -> object:
    return given.runs.accuracy(at="middle")


@wrong(ct.ParameterError)
def a_column_that_the_table_does_not_have(given: Given) -> object:
    return given.runs.accuracy(samples=40)["acuracy"]


@wrong(ct.ParameterError)
def a_condition_on_a_column_that_does_not_exist(given: Given) -> object:
    return given.study.runs("gian = 250")


@wrong(ct.ParameterError)
def several_lines_where_one_is_drawn(given: Given) -> object:
    return given.runs.effective_dimension(samples=40).plot("timestep", "effective_dimension")


@wrong(ct.ParameterError)
def a_figure_that_does_not_exist(given: Given) -> object:
    return given.study.figure("fig22")


@wrong(ct.ParameterError)
def zero_jobs(given: Given) -> object:
    return ct.Study(given.folder / "jobs", jobs=0)


@wrong(ct.ParameterError)
def an_unknown_word_for_what_is_kept(given: Given) -> object:
    return given.study.train(keep="most", **SMALL)  # type: ignore[arg-type]


@wrong(ct.StoreError)
def a_folder_that_is_not_a_store(given: Given) -> object:
    folder = given.folder / "photos"
    folder.mkdir()
    (folder / "cat.jpg").write_text("a cat", encoding="utf-8")
    return ct.Study(folder)


@wrong(ct.StoreError)
def a_store_that_was_deleted(given: Given) -> object:
    study = ct.Study(given.folder / "deleted", progress=False)
    runs = study.train(gain=20, **SMALL)
    shutil.rmtree(study.folder)
    Path(study.folder).write_text("something else", encoding="utf-8")
    return runs.effective_dimension(samples=40)


@wrong(ct.StoreError)
def a_store_that_is_read_only(given: Given) -> object:
    return ct.Study(given.study.folder, read_only=True, progress=False).train(gain=3, **SMALL)


@wrong(ct.StoreError)
def a_store_that_does_not_exist(given: Given) -> object:
    return ct.Study(given.folder / "nowhere", read_only=True)


@wrong(ct.RunFailed)
def clusters_that_do_not_fit(given: Given) -> object:
    with pytest.warns(ct.ConcertinaWarning, match="of 1 runs, 1 failed"):
        runs = given.study.train(input_dim=1, clusters=60, cluster_std=0.5, units=8, epochs=1)
    return runs[0].weights()


@wrong(ct.ShapeError)
def arrays_that_are_not_a_network(given: Given) -> object:
    return ct.Network({"recurrent": np.zeros((3, 4))})


@wrong(ct.ShapeError)
def arrays_without_a_recurrent_matrix(given: Given) -> object:
    return ct.Network({"weights": np.zeros((3, 3)), "J": np.zeros(4)})


@wrong(ct.ShapeError)
def arrays_of_objects(given: Given) -> object:
    return ct.Network({"recurrent": np.array([[None, 1], [2, 3]])})


@wrong(ct.ParameterError)
def arrays_where_a_network_is_expected(given: Given) -> object:
    return ct.lyapunov({"recurrent": np.eye(3)})  # type: ignore[arg-type]


@wrong(ct.ShapeError)
def starts_of_another_network(given: Given) -> object:
    return ct.fixed_points(np.eye(3), np.zeros((5, 4)))


@wrong(ct.ParameterError)
def the_states_of_a_feedforward_network(given: Given) -> object:
    run = given.study.train(network="feedforward", **SMALL)[0]
    return ct.lyapunov(run.network())


@wrong(ct.ParameterError)
def an_analysis_that_does_not_apply(given: Given) -> object:
    return given.study.train(network="feedforward", **SMALL).lyapunov()


@wrong(ct.StoreError)
def a_recipe_that_does_not_exist(given: Given) -> object:
    return given.study.plot(given.folder / "nothing.toml")


@wrong(ct.ShapeError)
def columns_of_different_lengths(given: Given) -> object:
    return ct.Table({"a": [1, 2], "b": [1]})


def shown(error: BaseException, given: Given) -> str:
    """The text of an exception, without the parts that differ from place to place."""
    text = str(error).replace(str(given.folder), "FOLDER").replace(given.study.folder, "STORE")
    text = re.sub(r"\b[0-9a-f]{12,64}\b", "KEY", text)
    return f"{type(error).__name__}: {text}"


def test_every_wrong_use_gives_its_exception_and_message(study: ct.Study, tmp_path: Path) -> None:
    given = Given(study, tmp_path)
    found = []
    for name, (expected, use) in USES.items():
        with pytest.raises(expected) as caught:
            use(given)
        assert caught.type is expected, f"{name}: {caught.type}"
        found.append(f"# {name}\n{shown(caught.value, given)}\n")
    text = "\n".join(found)
    if os.environ.get("CONCERTINA_BLESS"):
        MESSAGES.write_text(text, encoding="utf-8")
    assert text == MESSAGES.read_text(encoding="utf-8")


def test_messages_do_not_mention_commands() -> None:
    text = MESSAGES.read_text(encoding="utf-8")
    assert not re.findall(r"`concertina [a-z]+|--[a-z]+", text)


def test_no_hint_of_the_crates_names_a_command_that_python_does_not_translate() -> None:
    words = (CRATES / "concertina-python" / "src" / "words.rs").read_text("utf-8")
    translated = words[words.index("const COMMANDS") : words.index("];")]
    for crate in ("model", "analysis", "names", "numerics", "table", "store", "arrays", "plot", "recipe"):
        for file in (CRATES / f"concertina-{crate}" / "src").rglob("*.rs"):
            if "tests" in file.parts:
                continue
            # messages are in string literals; documentation may mention any command
            code = file.read_text("utf-8").split("#[cfg(test)]")[0]
            lines = [line for line in code.splitlines() if not line.strip().startswith("//")]
            named = set(re.findall(r"`concertina [a-z]+|`--[a-z]+", "\n".join(lines)))
            left = {name for name in named if name not in translated and name != "`concertina store"}
            assert not left, f"{file}: {left}"


def test_exceptions_are_built_in_ones_too_and_can_be_pickled() -> None:
    assert issubclass(ct.ParameterError, (ct.Error, ValueError))
    assert issubclass(ct.ShapeError, ValueError)
    assert issubclass(ct.StoreError, OSError)
    assert issubclass(ct.RunFailed, RuntimeError)
    with pytest.raises(ct.ParameterError) as caught:
        ct.Params(gian=250)  # type: ignore[call-arg]
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.hint, again.message) == (str(caught.value), caught.value.hint, caught.value.message)
    assert again.hint == "did you mean `gain`?"
    assert str(ct.Error("a message")) == "a message"
    assert str(ct.StoreError("a message", "a hint")) == "a message\nHint: a hint"
