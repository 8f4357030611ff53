"""Writes a page of the docs from each notebook in `python/examples`: its text and its code, without outputs.

`python python/tools/notebooks.py` writes `docs/guides/notebooks/`. With `--check` it only reports whether the
pages are up to date, and exits with 1 if they are not.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "python" / "examples"
PAGES = ROOT / "docs" / "guides" / "notebooks"


def page(notebook: Path) -> str:
    """A notebook as Markdown."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    parts = [part(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    head, *rest = parts
    source = notebook.relative_to(ROOT).as_posix()
    note = f"*Made from the notebook [{source}](../../../{source}). Run that to see the figures.*"
    title, _, lead = head.partition("\n")
    return "\n\n".join([title, note, lead.strip(), *rest]) + "\n"


def part(kind: str, source: str) -> str:
    """A cell as Markdown. Links between notebooks become links between pages."""
    if kind == "code":
        return f"```python\n{source}\n```"
    return re.sub(r"\]\((\w+)\.ipynb\)", r"](\1" + ".md)", source.strip())


def pages() -> dict[Path, str]:
    """Every page, by its path."""
    return {PAGES / f"{notebook.stem}.md": page(notebook) for notebook in sorted(EXAMPLES.glob("*.ipynb"))}


def main() -> int:
    status, made = 0, pages()
    for path, text in made.items():
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            print(f"{path} is out of date: run python/tools/notebooks.py", file=sys.stderr)
            status = 1
    for path in set(PAGES.glob("*.md")) - set(made):
        print(f"{path} has no notebook", file=sys.stderr)
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
