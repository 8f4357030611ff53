"""Pages that are made from the program are up to date, and the schema of recipes describes every recipe."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import tomllib
from pages import ROOT, blocks

sys.path.insert(0, str(ROOT / "docs" / "tools"))
import command_line
import gallery

SCHEMA: dict[str, Any] = json.loads((ROOT / "docs/reference/recipe.schema.json").read_text(encoding="utf-8"))
RECIPES = sorted([*(ROOT / "recipes").glob("*.toml"), *(ROOT / "docs/guides").glob("*.toml")])
PAGE = Path("docs/reference/recipes.md")


@pytest.fixture(scope="session")
def command() -> str:
    """The built command."""
    command = os.environ.get("CONCERTINA_COMMAND")
    assert command, "CONCERTINA_COMMAND names the built command: `docs/build` sets it"
    return command


def test_the_page_of_the_command_line_is_up_to_date(command: str) -> None:
    found = command_line.PAGE.read_text(encoding="utf-8")
    assert found == command_line.page(command), "run docs/tools/command_line.py"


def test_the_gallery_is_up_to_date(command: str) -> None:
    found = gallery.PAGE.read_text(encoding="utf-8")
    assert found == gallery.page(command), "run docs/tools/gallery.py"


def test_pictures_are_small() -> None:
    for folder, most in ((gallery.PICTURES, 900_000), (gallery.OF_QUESTIONS, 150_000)):
        sizes = [picture.stat().st_size for picture in folder.glob("*.webp")]
        assert len(sizes) >= 8
        assert max(sizes) < gallery.MOST_BYTES
        assert sum(sizes) < most


def test_every_question_of_the_guide_has_its_picture() -> None:
    guide = (ROOT / "docs/guides/which-analysis.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"images/questions/(\w+)\.webp", guide))
    assert shown == set(gallery.QUESTIONS) == {picture.stem for picture in gallery.OF_QUESTIONS.glob("*.webp")}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_fits_the_schema(path: Path) -> None:
    jsonschema.validate(tomllib.loads(path.read_text(encoding="utf-8")), SCHEMA)


def test_mistakes_do_not_fit_the_schema() -> None:
    text = (ROOT / "recipes/fig2.toml").read_text(encoding="utf-8")
    for right, wrong in [
        ('letter = "b"', 'lettre = "b"'),
        ("exponents = 10", "exponent = 10"),
        ('kind = "spectrum"', 'kind = "spectra"'),
        ("seeds = { first = 1 }", "seeds = { first = 0 }"),
        ('band = "gamma"', 'band = "gama"'),
        ('expect = "less"', 'expect = "lower"'),
    ]:
        assert right in text
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(tomllib.loads(text.replace(right, wrong)), SCHEMA)


def test_the_whole_recipe_of_the_page_fits_the_schema() -> None:
    recipes = [block.code for block in blocks(PAGE) if block.file]
    assert recipes
    for recipe in recipes:
        jsonschema.validate(tomllib.loads(recipe), SCHEMA)


def keys(schema: Any) -> set[str]:
    """Every key that a schema names, but for parameters and the settings of analyses, which have their own pages."""
    if isinstance(schema, list):
        return set().union(*map(keys, schema))
    if not isinstance(schema, dict):
        return set()
    found = set()
    for name, value in schema.items():
        if name == "properties":
            found |= set(value)
            value = [inner for key, inner in value.items() if key not in ("parameters", "sweep")]
        if name != "Analysis":
            found |= keys(value)
    return found


def test_the_page_of_recipes_names_every_key() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`", page.replace("```", "")))))
    assert len(keys(SCHEMA)) > 60
    assert keys(SCHEMA) <= words, sorted(keys(SCHEMA) - words)
