"""Writes `docs/reference/python.md` from the docstrings of the package.

`python python/tools/reference.py` writes it. With `--check` it only reports whether it is up to date, and
exits with 1 if it is not. The package must be installed.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import concertina
from concertina import _core
from concertina._run_analyses import RunAnalyses

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/python.md"

#: The groups of the page; every public name is in one of them.
GROUPS = {
    "Studies and runs": ["Study", "Runs", "Run", "Weights", "States"],
    "Parameters and sweeps": ["Params", "sweep", "zip", "Together", "parameters"],
    "Tasks and networks": ["Trials", "Network"],
    "Tables and figures": ["Table", "LyapunovSpectrum", "Figure", "Report", "Methods", "figures"],
    "In the browser": ["Viewer", "Frame"],
    "Analyses of plain arrays": [
        "effective_dimension",
        "intrinsic_dimension",
        "twonn",
        "TwoNN",
        "cka",
        "representation_similarity",
        "rdm",
        "pca_snapshots",
        "PrincipalComponents",
        "lyapunov",
        "finite_time",
        "FiniteTimeRates",
        "covariant_vectors",
        "fixed_points",
        "spectrum",
        "decoding",
        "cluster_holdout",
        "manifold_capacity",
        "class_distances",
        "orthogonal_compression",
        "saturation",
        "autocorrelation",
        "weight_variance",
        "kernel",
        "performance",
        "accuracy",
        "loss",
        "analyses",
    ],
    "When something went wrong": ["doctor", "Diagnosis"],
    "Errors and warnings": ["Error", "ParameterError", "ShapeError", "StoreError", "RunFailed", "ConcertinaWarning"],
}
HEAD = """# Python

Made from the docstrings: `python python/tools/reference.py` writes this page. `help(concertina.Study)` shows the same.
[From a notebook](../guides/from-a-notebook{md}) is the guide.

```python
import concertina as ct
```

Where a signature has `**parameters`, the parameters of a run are given by name;
[parameters](parameters{md}) lists all of them.
""".format(md=".md")

#: Methods of the classes of NumPy and Python, and of the base class of all analyses, are not repeated.
FOREIGN = (object, dict, Exception, tuple)
KEYWORDS = frozenset(one["name"] for one in _core.parameters())
RULE = re.compile(r"^-{3,}$")


def page() -> str:
    """The whole page."""
    shown = [name for names in GROUPS.values() for name in names]
    missing = set(concertina.__all__) - {*shown, "__version__"}
    if missing or len(set(shown)) < len(shown):
        raise SystemExit(f"public names that are in no group of the page, or in two groups: {missing}")
    text = HEAD
    for group, names in GROUPS.items():
        links = ", ".join(f"[`{name}`](#{name.lower()})" for name in names)
        text += f"\n* {group}: {links}"
    text += "\n\n`ct.__version__` is the version, as a text.\n"
    for group, names in GROUPS.items():
        text += f"\n## {group}\n"
        for name in names:
            text += entry(name, getattr(concertina, name), 3)
    return text


def entry(name: str, what: Any, level: int) -> str:
    """A class with its methods and properties, or a function."""
    heading = f"\n{'#' * level} `{name}`\n\n"
    if not inspect.isclass(what):
        return heading + signature(f"ct.{name}", what) + markdown(what.__doc__)
    text = heading
    if issubclass(what, BaseException):
        bases = ", ".join(f"`{base.__name__}`" for base in what.__bases__)
        text += f"An exception: {bases}.\n\n"
    elif "__init__" in vars(what) and takes_arguments(what):
        text += signature(f"ct.{name}", what.__init__)
    text += markdown(what.__doc__)
    for attribute, member in members(what):
        shown = f"{name}.{attribute}"
        text += f"\n{'#' * (level + 1)} `{shown}`\n\n"
        if isinstance(member, property):
            returned = inspect.signature(member.fget).return_annotation if member.fget else ""
            text += f"Property: `{returned}`.\n\n{markdown(member.__doc__)}"
        else:
            call = shown if attribute != "__call__" else name.lower()
            text += signature(call, member) + markdown(inspect.getdoc(member))
    if name == "Run":
        text += "\nEvery analysis of [`Runs`](#runs) is a method of `Run`, too.\n"
    return text


def takes_arguments(what: type) -> bool:
    """Whether users create objects of this class, so that its arguments are documented."""
    return "\nParameters\n" in inspect.cleandoc(what.__doc__ or "")


def members(what: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties of a class, in the order in which they are defined."""
    for base in what.__mro__:
        if base in FOREIGN or base.__module__.split(".")[0] != "concertina":
            continue
        if base is RunAnalyses and what.__name__ != "Runs":
            continue
        if base is concertina.Table and what is not concertina.Table:
            continue
        for name, member in vars(base).items():
            is_call = name == "__call__"
            if (name.startswith("_") and not is_call) or (base is RunAnalyses and name in vars(what)):
                continue
            if isinstance(member, (classmethod, staticmethod)):
                yield name, member.__func__
            elif isinstance(member, property) or inspect.isfunction(member):
                yield name, member


def signature(name: str, function: Any) -> str:
    """The call, with defaults but without types, which are in the text."""
    parts, kind = [], None
    known = inspect.signature(function)
    given = [one for one in known.parameters.values() if one.name not in ("self", "cls")]
    collapsed = sum(one.name in KEYWORDS for one in given) > len(KEYWORDS) // 2
    if collapsed:
        given = [one for one in given if one.kind is not one.KEYWORD_ONLY or one.name not in KEYWORDS]
    for one in given:
        if one.kind is one.KEYWORD_ONLY and kind not in (one.KEYWORD_ONLY, one.VAR_POSITIONAL):
            parts.append("*")
        kind = one.kind
        stars = "*" if kind is one.VAR_POSITIONAL else "**" if kind is one.VAR_KEYWORD else ""
        default = "" if one.default is one.empty else f"={one.default!r}".replace("'", '"')
        parts.append(f"{stars}{one.name}{default}")
    if collapsed:
        parts.append("**parameters")
    returned = "" if known.return_annotation in (known.empty, "None", "Any") else f" -> {known.return_annotation}"
    line = f"{name}({', '.join(parts)}){returned}"
    if len(line) > 110:
        line = f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){returned}"
    return f"```python\n{line}\n```\n\n"


def markdown(docstring: str | None) -> str:
    """A docstring in numpydoc's form as Markdown."""
    lines = inspect.cleandoc(docstring or "").splitlines()
    text = ""
    for title, body in sections(lines):
        if title:
            text += f"**{title}**\n\n"
        if title in ("Parameters", "Attributes", "Returns", "Raises", "Warns", "See Also"):
            text += items(body, title)
        elif title == "Examples":
            text += examples(body)
        else:
            text += joined(body) + "\n\n"
    return text.rstrip("\n") + "\n"


def sections(lines: list[str]) -> list[tuple[str, list[str]]]:
    """The sections of a docstring, each with its title; the first has none."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if RULE.match(after) and line.strip():
            found.append((line.strip(), []))
        elif not RULE.match(line):
            found[-1][1].append(line)
    return found


def items(lines: list[str], title: str) -> str:
    """Named or typed items with their descriptions, as a list."""
    text = ""
    groups: list[tuple[str, list[str]]] = []
    for line in lines:
        if line and not line.startswith(" "):
            groups.append((line, []))
        elif groups:
            groups[-1][1].append(line[4:])
    for head, body in groups:
        name, _, kind = head.partition(" : ")
        if title == "See Also":
            short = name.removeprefix("concertina.")
            text += f"* [`{name}`](#{short.lower()}): {kind}\n"
            continue
        if title in ("Returns", "Raises", "Warns") and not kind:
            shown = f"`{name}`" if re.fullmatch(r"[\w.]+", name) else name
        else:
            names = ", ".join(f"`{one}`" for one in name.split(", "))
            shown = f"{names} ({kind})" if kind else names
        described = joined(body)
        if name == "**parameters" and "Names and values" in described:
            described += " [All of them](parameters" + ".md)."
        first, *rest = described.splitlines() or [""]
        text += f"* {shown}" + (f": {first}" if first else "") + "\n"
        text += "".join(f"  {line}".rstrip() + "\n" for line in rest)
    return text + "\n"


def joined(lines: list[str]) -> str:
    """Each paragraph on one line; lists stay lists."""
    blocks: list[list[str]] = [[]]
    for line in lines:
        if not line.strip():
            blocks.append([])
        elif line.startswith("* ") and blocks[-1]:
            blocks.append([line.strip()])
        else:
            blocks[-1].append(line.strip())
    texts = [" ".join(block) for block in blocks if block] or [""]
    text = ""
    for before, after in zip(texts, [*texts[1:], ""], strict=True):
        text += before + ("\n" if before.startswith("* ") and after.startswith("* ") else "\n\n")
    return text.strip()


def examples(lines: list[str]) -> str:
    """Examples as code blocks, with the text between them."""
    text, is_code = "", False
    for line in lines:
        if line.startswith(">>>") and not is_code:
            text, is_code = text + "```pycon\n", True
        elif not line.strip() and is_code:
            text, is_code = text + "```\n", False
        text += re.sub(r"\s+# doctest:.*", "", line) + "\n"
    return text.rstrip("\n") + ("\n```\n\n" if is_code else "\n\n")


def main() -> int:
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        print(f"{PAGE} is out of date: run python/tools/reference.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
