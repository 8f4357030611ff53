"""The examples of the pages run: what a page says is typed or executed is, from top to bottom, in a folder of its own.

Commands that would train for minutes are run with `--print`, which reads and checks everything and trains nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import ROOT, Block, blocks, pages

# pages whose examples other tests run, or that show output
ELSEWHERE = {
    "docs/guides/from-a-notebook.md": "run by python/tests/test_guide.py",
    "docs/reference/python.md": "run by python/tests as doctests",
    "docs/gallery.md": "test_pages.py makes it from every recipe, with `--print`",
    "python/README.md": "run by python/tests/test_first_example.py",
    **{f"docs/guides/notebooks/{page.name}": "run by python/tests/test_notebooks.py" for page in pages()},
}
# a Python that has the package
PYTHON = os.environ.get("CONCERTINA_PYTHON", "")
# commands that build, install, test or measure, commands for code that a page adds to Concertina, and those
# that need Slurm, which tests/slurm/run tests
NOT_RUN = re.compile(
    r"^(cargo|pip|python3?|git|fuzz/run|benches/\S+|tests/\S+|concertina submit|concertina jobs)\b"
    r"|=residual |=recall "
)
MINUTES = re.compile(
    r"^(concertina (?:figures|reproduce|plot expansion\.toml|plot my\.toml|train [^#\n]*seed=0\.\.500)\b"
    r"(?!.*--print)(?!.*--plan)(?! fig1\b)[^#\n]*)",
    re.MULTILINE,
)
# a viewer runs until it is told to stop
VIEWER = re.compile(r"^(concertina view\b[^#\n]*)", re.MULTILINE)

# trainings that are shortened
SHORTER = ("epochs=120", "epochs=12")
LANGUAGES = ("sh", "python")
PAGES = [
    page
    for page in pages()
    if str(page) not in ELSEWHERE and any(block.language in LANGUAGES for block in blocks(page))
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the files that the guides tell of and the command on the path."""
    command = os.environ.get("CONCERTINA_COMMAND")
    assert command, "CONCERTINA_COMMAND names the built command: `docs/build` sets it"
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "concertina").symlink_to(Path(command).resolve())
    monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CONCERTINA_STORE", raising=False)
    work = tmp_path / "work"
    work.mkdir()
    for recipe in (ROOT / "docs/guides").glob("*.toml"):
        shutil.copy(recipe, work)
    shutil.copy(ROOT / "docs/guides/expansion.toml", work / "my.toml")
    np.savez(work / "trials.npz", inputs=np.ones((40, 5, 2)), targets=np.arange(40) % 2)
    shutil.copy(ROOT / "tests/files/pytorch/checkpoint.pt", work / "model.pt")
    (work / "output/run_0").mkdir(parents=True)
    shutil.copy(ROOT / "tests/files/pytorch/published_epoch_3_save_0.pt", work / "output/run_0/epoch_3_save_0.pt")
    (work / "output/output_table.csv").write_text(",N,X_dim,num_classes,hid_nonlin,n_lag\n0,12,5,3,tanh,10\n")
    monkeypatch.chdir(work)
    return work


def of_shell(code: str) -> str:
    """What is run of a block of commands."""
    lines = [line for line in code.splitlines() if not NOT_RUN.search(line)]
    short = MINUTES.sub(r"\1 --print ", "\n".join(lines))
    return VIEWER.sub(r"{ timeout 2 \1 --no-open || [ $? = 124 ]; } ", short)


def run(block: Block, page: Path, names: dict[str, Any]) -> None:
    """Runs a block; Python keeps its names from block to block."""
    place = f"{page}, line {block.line}"
    if block.file:
        Path(block.file).write_text(block.code, encoding="utf-8")
    elif block.language == "sh":
        command = ["bash", "-euo", "pipefail", "-c", of_shell(block.code)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{place}: {done.stderr}"
    elif "import concertina" in block.code:
        done = subprocess.run([PYTHON, "-c", block.code.replace(*SHORTER)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{place}: {done.stderr}"
    else:
        warnings.simplefilter("ignore", ResourceWarning)  # examples may leave files open
        exec(compile("\n" * (block.line - 1) + block.code, str(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_examples_of_a_page_run(page: Path, folder: Path) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    wanted = [block for block in blocks(page) if block.is_run and (block.file or block.language in LANGUAGES)]
    without = [block for block in wanted if PYTHON or "import concertina" not in block.code]
    for block in without:
        run(block, page, names)
    if len(without) < len(wanted):
        pytest.skip("CONCERTINA_PYTHON names a Python that has the package: `python/tests/run` makes one")


def test_pages_that_are_run_elsewhere_exist() -> None:
    known = {str(page) for page in pages()}
    assert {page for page in ELSEWHERE if "notebooks" not in page} <= known


def test_commands_that_take_minutes_are_only_checked() -> None:
    assert of_shell("concertina figures fig2   # half a minute") == "concertina figures fig2    --print # half a minute"
    assert of_shell("concertina plot expansion.toml --print") == "concertina plot expansion.toml --print"
    assert of_shell("cargo test\nconcertina figures fig1") == "concertina figures fig1"
