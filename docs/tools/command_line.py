#!/usr/bin/env python3
"""Writes docs/reference/command-line.md from the help of the command itself.

    docs/tools/command_line.py [BINARY]

`docs/tests/test_pages.py` fails if the page has drifted.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/command-line.md"

START = """# Command line

Made from the help of the command: `docs/tools/command_line.py` writes this page. `concertina help COMMAND` shows the
same.

## Conventions

**Parameters.** `key=value` sets a parameter. `key=a,b,c` or `key=0..5` (without the 5) sweeps over values, and several
sweeps are crossed. Names are those of [the parameters](parameters{md}), with or without their section, or those of the
published code. Parameters can also be read from a TOML file, and values on the command line override it.

**Output.** Results are written to stdout. Progress, messages, warnings and errors are written to stderr. `--quiet`
leaves only warnings and errors there.

**The store** is the folder `./concertina`, unless `--store` or the environment variable `CONCERTINA_STORE` names
another.

## Exit statuses

| status | meaning |
|---|---|
| 0 | Everything was done. A run that diverges is a result: it is marked as such, and the status is 0. |
| 1 | A run or an analysis failed, a claim was contradicted, or a published table disagrees. |
| 2 | Wrong usage: an unknown option, a parameter or a file that cannot be used, or a question without `--yes`. |
| 3 | The store could not be used (missing, damaged, newer, read-only, disk full), or output not be written. |
| 4 | A claim is undecided, or a point of a published table could not be compared: there are too few realisations. |
| 75 | A worker stopped before its plan was complete: by a signal, or because its time was up. Another continues. |
| 130 | The command was interrupted, or a question was not answered with yes. What was finished is kept. |

A script can rely on these statuses, for example to continue an interrupted sweep:

```sh
status=0
concertina train units=20 input_dim=5 epochs=2 seed=0..2 || status=$?
if [ "$status" -eq 130 ]; then echo "interrupted: the same command continues"; fi
```

""".format(md=".md")


def help_of(binary: str, *command: str) -> str:
    """The help of a command, as it is printed into a pipe."""
    environment = {"PATH": "/usr/bin:/bin"}
    shown = subprocess.run([binary, *command, "--help"], capture_output=True, text=True, env=environment, check=True)
    return "\n".join(line.rstrip() for line in shown.stdout.splitlines())


def subcommands(text: str) -> list[str]:
    """The names that a help lists under `Commands:`."""
    listed = re.search(r"^Commands:\n((?:  .*\n)+)", text, re.MULTILINE)
    names = re.findall(r"^  (\S+)", listed[1], re.MULTILINE) if listed else []
    return [name for name in names if name != "help"]


def sections(binary: str, command: tuple[str, ...]) -> str:
    """A command and its subcommands, each with its help. What is the same everywhere is shown once, at the top."""
    text = help_of(binary, *command)
    shown = text if not command else re.sub(r"\n\nEverywhere:\n(?:(?:  .*)?(?:\n|$))+", "\n", text)
    level = "#" * max(2, len(command) + 1)
    page = f"{level} `{' '.join(['concertina', *command])}`\n\n```text\n{shown.strip()}\n```\n\n"
    return page + "".join(sections(binary, (*command, name)) for name in subcommands(text))


def page(binary: str) -> str:
    """The whole page."""
    return START + sections(binary, ()).strip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(sys.argv[1] if len(sys.argv) > 1 else "target/release/concertina"))
