#!/usr/bin/env python3
"""Writes docs/gallery.md from the shipped recipes, and the pictures in docs/images/gallery.

    docs/tools/gallery.py [BINARY]           the page
    docs/tools/gallery.py --verdicts REPORT  keeps the verdicts of a `report.json` for the page
    docs/tools/gallery.py --pictures FOLDER  small pictures of the figures that `concertina figures` drew there,
                                             and of the panels in the guide to analyses (needs Pillow);
                                             --one-seed marks them as of one realisation

`docs/tests/test_pages.py` fails if the page has drifted.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/gallery.md"
PICTURES = ROOT / "docs/images/gallery"
OF_QUESTIONS = ROOT / "docs/images/questions"
#: The verdicts on the claims that were judged: by figure, and by claim.
VERDICTS = ROOT / "docs/tools/verdicts.json"
#: One panel for each question of docs/guides/which-analysis.md: the name of the picture, the figure and the panel.
QUESTIONS = {
    "dimension": ("fig3", "e"),
    "stretching": ("stretching", "a"),
    "chaos": ("fig3", "b"),
    "memory": ("line_attractor", "a"),
    "decoding": ("temporal_generalisation", "b"),
    "features": ("laziness", "a"),
    "similarity": ("similarity", "a"),
    "cloud": ("fig3", "c"),
}
ONE_SEED = ".one-seed"
WIDTH = 1000
QUESTION_WIDTH = 600
MOST_BYTES = 60_000
NUMBERED = r"(fig|ed)(\d+)([a-z]?)"

# Processor time in seconds of whole commands from an empty store, on one core of an AMD EPYC while other
# programs used it; that of fig6b is from docs/performance.md.
SECONDS = {
    "fig1": 3,
    "fig2": 20,
    "fig3": 49,
    "fig4": 48,
    "fig5a": 32,
    "fig5b": 119,
    "fig5c": 76,
    "fig5d": 287,
    "fig6b": 3100,
    "fig6c": 355,
    "ed6": 46,
    "flip_flop": 24,
    "context": 36,
    "low_rank": 32,
    "match": 9,
    "psychometric": 13,
    "line_attractor": 32,
    "laziness": 35,
    "similarity": 43,
    "stretching": 50,
    "temporal_generalisation": 42,
    "realisations": 20,
    "rate_gain": 61,
    "sine": 70,
}
# the same of `--seeds 0..1`, where only that was measured, and how many realisations the command trains
SECONDS_OF_ONE = {"ed10": (77, 5)}

START = """# Gallery

Made from the shipped recipes: `docs/tools/gallery.py` writes this page.

Every figure below is drawn by the command beneath it, which trains the runs that are missing, keeps them in the store,
and writes `figures/NAME.pdf`, `.svg` and `.png`, and the data of every panel as CSV. Pictures are reduced in size. They
were drawn from real runs with the seeds that the command trains, unless they say otherwise. The letters of panels are
those of the paper.

Numbers of runs are for the default, which is five realisations unless the recipe names its own seeds; `--full` trains
the paper's thirty. Times are processor time on one core of an AMD EPYC, and [performance](performance{md}) has more of
them. The command estimates the time for your machine before it trains. Claims are statements of the recipe, each with
its test: `concertina reproduce NAME` judges them. Where a verdict follows, it is that of the default seeds, whatever it
was: claims were stated before the runs were trained ([what verdicts mean](reference/recipes{md}#verdicts)).

""".format(md=".md")


def recipes() -> dict[str, dict]:
    """The recipes by the names of their figures: those of the paper in its order, then others."""
    read = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "recipes").glob("*.toml")}

    def place(name: str) -> tuple[int, int, str]:
        found = re.fullmatch(NUMBERED, name)
        return (("fig", "ed").index(found[1]), int(found[2]), found[3]) if found else (2, 0, name)

    return {name: read[name] for name in sorted(read, key=place)}


def figures() -> list[str]:
    """The names of all figures."""
    return list(recipes())


def heading(name: str) -> str:
    """What a figure is called."""
    found = re.fullmatch(NUMBERED, name)
    if not found:
        return f"Not from the paper: `{name}`"
    return f"{'Figure' if found[1] == 'fig' else 'Extended Data Figure'} {found[2]}{found[3]}"


def run_count(binary: str, name: str) -> int:
    """How many runs a figure needs."""
    command = [binary, "figures", name, "--print", "--store", "a/folder/that/does/not/exist"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    return len(re.findall(r"^# run ", shown.stdout, re.MULTILINE))


def duration(name: str) -> str:
    """How long a figure takes, in words."""
    one, count = SECONDS_OF_ONE.get(name, (0, 0))
    seconds, about = SECONDS.get(name, one * count), "" if name in SECONDS else "about "
    if not seconds:
        return ""
    return f", {about}{seconds} s" if seconds < 100 else f", {about}{round(seconds / 60)} min"


def section(binary: str, name: str, recipe: dict) -> str:
    """A figure: what it shows, its picture, its command, its claims."""
    count = run_count(binary, name)
    runs = "1 run" if count == 1 else f"{count} runs"
    text = f"## {heading(name)}\n\n{recipe['title']}.\n\n"
    whole, one = PICTURES / f"{name}.webp", PICTURES / f"{name}{ONE_SEED}.webp"
    if whole.exists():
        text += f"![{heading(name)}](images/gallery/{whole.name})\n\n"
    elif one.exists():
        text += f"![{heading(name)}, one realisation](images/gallery/{one.name})\n\n"
        text += f"*Drawn from one realisation (`concertina figures {name} --seeds 0..1`), so without bands. "
        text += "The command below trains all realisations.*\n\n"
    else:
        text += f"*No picture here, because its {count} runs take long to train.*\n\n"
    text += f"```sh\nconcertina figures {name}    # {runs}{duration(name)}\n```\n\n"
    verdicts = known_verdicts().get(name, {})
    claims = ""
    for claim in recipe.get("claims", []):
        verdict = verdicts.get(claim["name"])
        claims += f"* {claim['statement']}{f' *{verdict.capitalize()}.*' if verdict else ''}\n"
    return text + (f"Claims:\n\n{claims}\n" if claims else "")


def known_verdicts() -> dict[str, dict[str, str]]:
    """The verdicts that are kept for the page."""
    return json.loads(VERDICTS.read_text(encoding="utf-8")) if VERDICTS.exists() else {}


def keep_verdicts(report: Path) -> None:
    """Keeps the verdicts of a report, in place of earlier ones on the same figures."""
    verdicts = known_verdicts()
    for figure in json.loads(report.read_text(encoding="utf-8"))["figures"]:
        verdicts[figure["figure"]] = {claim["name"]: claim["verdict"].replace("_", " ") for claim in figure["claims"]}
    VERDICTS.write_text(json.dumps(verdicts, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def page(binary: str) -> str:
    """The whole page."""
    sections = [section(binary, name, recipe) for name, recipe in recipes().items()]
    return (START + "".join(sections)).strip() + "\n"


def shrink(path: Path, small: Path, most_width: int) -> None:
    """A small copy of a picture, of at most `MOST_BYTES`."""
    from PIL import Image

    small.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.open(path).convert("RGB")
    width = min(most_width, picture.width // 3)
    picture = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
    for quality in (75, 60, 45, 30):
        picture.save(small, quality=quality, method=6)
        if small.stat().st_size < MOST_BYTES:
            break


def draw(folder: Path, ending: str) -> None:
    """Small pictures of the figures in a folder, and of the panels for questions."""
    for name in figures():
        path = folder / f"{name}.png"
        if path.exists():
            shrink(path, PICTURES / f"{name}{ending}.webp", WIDTH)
    for question, (name, letter) in QUESTIONS.items():
        path = folder / name / f"{letter}.png"
        if path.exists():
            shrink(path, OF_QUESTIONS / f"{question}.webp", QUESTION_WIDTH)


if __name__ == "__main__":
    if "--verdicts" in sys.argv:
        keep_verdicts(Path(sys.argv[sys.argv.index("--verdicts") + 1]))
    elif "--pictures" in sys.argv:
        draw(Path(sys.argv[sys.argv.index("--pictures") + 1]), ONE_SEED if "--one-seed" in sys.argv else "")
    else:
        PAGE.write_text(page(sys.argv[1] if len(sys.argv) > 1 else "target/release/concertina"), encoding="utf-8")
