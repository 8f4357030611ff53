"""The built site: links lead somewhere, and nothing is loaded from other hosts."""

from __future__ import annotations

import os
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

SITE = Path(os.environ.get("CONCERTINA_SITE", "target/docs/site"))
DOCS = Path("docs")


class Page(HTMLParser):
    """What a page links to, what it loads, and the places in it that can be linked to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if "id" in found:
            self.anchors.add(found["id"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "link" and found.get("rel") in ("stylesheet", "icon", "preload"):
            self.loaded.append(found["href"])
        elif "src" in found:
            self.loaded.append(found["src"])


PAGES = {path.relative_to(SITE).as_posix(): Page(path) for path in SITE.rglob("*.html") if "_static" not in path.parts}


def test_the_site_is_built() -> None:
    assert len(PAGES) > 25, "`docs/build` builds the site"
    assert {"index.html", "CHANGELOG.html", (DOCS / "index.html").as_posix()} <= set(PAGES)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_whole(name: str) -> None:
    page = PAGES[name]
    assert not [target for target in page.loaded if urlsplit(target).netloc], "loaded from other hosts"
    lost = []
    for target in page.links + page.loaded:
        parts = urlsplit(target)
        if parts.scheme or parts.netloc or target == "#":
            continue
        path = (SITE / name).parent / unquote(parts.path) if parts.path else SITE / name
        relative = Path(os.path.relpath(path, SITE)).as_posix()
        known = PAGES.get(relative)
        if not path.is_file() or (known and parts.fragment and unquote(parts.fragment) not in known.anchors):
            lost.append(target)
    assert not lost, "links that lead nowhere"


def test_equations_are_drawn_without_scripts() -> None:
    model = (SITE / DOCS / "reference" / "model.html").read_text(encoding="utf-8")
    assert model.count("<math") > 20
    assert "$$" not in model
