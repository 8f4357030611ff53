"""The pages of the documentation, and the blocks of code in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# a fence, perhaps after a comment that says what to do with it: `<!-- file: NAME -->` is a file of the
# examples that follow, `<!-- not run: REASON -->` is not run
FENCE = re.compile(
    r"(?:^<!-- (?P<mark>file|not run): (?P<text>[^\n]+?) -->\n+)?^```(?P<language>\w+)[^\n]*\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A block of code."""

    language: str
    code: str
    line: int
    file: str | None
    is_run: bool


def pages() -> list[Path]:
    """Every page, from the root of the repository."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "python" / "README.md"]
    return sorted(page.relative_to(ROOT) for page in found)


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in their order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(
            language=found["language"],
            code=found["code"],
            line=text.count("\n", 0, found.start("code")) + 1,
            file=found["text"] if found["mark"] == "file" else None,
            is_run=found["mark"] != "not run",
        )
        for found in FENCE.finditer(text)
    ]
