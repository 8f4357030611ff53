"""How Sphinx makes the site; `docs/build` runs it.

The source folder is the root of the repository, so that pages link to each other by the same relative paths
here and wherever else the repository is read. The pages are plain Markdown: the contents in the sidebar are
read from the lists in `docs/index.md`, and the site loads nothing from other hosts.
"""

import re
from pathlib import Path

import tomllib
import ziamath
from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging

ROOT = Path(__file__).resolve().parent.parent
WORKSPACE = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
REPOSITORY = WORKSPACE["repository"]
PAGES_OF_ROOT = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "DESIGN.md", "SECURITY.md"]

project = "Concertina"
version = release = WORKSPACE["version"]
project_copyright = "The Concertina authors"
html_title = f"Concertina {release}"
language = "en-GB"

extensions = ["myst_parser"]
root_doc = (Path("docs") / "index").as_posix()
include_patterns = ["docs/**", "python/README.md", *PAGES_OF_ROOT]
exclude_patterns = [path.name for path in ROOT.iterdir() if path.is_dir() and path.name not in ("docs", "python")]
nitpicky = True
# `rust,no_run` and others are fences that the Rust toolchain understands
suppress_warnings = ["misc.highlighting_failure"]

myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 5
html_math_renderer = "mathml"

# an address that is only reserved
linkcheck_ignore = [re.escape(REPOSITORY)]

html_theme = "furo"
# with a typeface for equations, as many systems have none
html_static_path = ["static", str(Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf")]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
html_additional_pages = {"index": "redirect.html"}
templates_path = ["templates"]
pygments_style = "friendly"
pygments_dark_style = "github-dark"


def contents(app: Sphinx, name: str, source: list[str]) -> None:
    """Turns the lists under `## Contents` of the front page into the contents of the sidebar."""
    if name != root_doc:
        return
    _, lists = source[0].split("\n## Contents\n")
    for section in lists.split("\n### ")[1:]:
        caption = section.splitlines()[0]
        links = re.findall(r"^\* \[([^]]*)\]\(([^)#]+)\)", section, re.MULTILINE)
        pages = "\n".join(f"{title} </{from_root('docs', link)}>" for title, link in links)
        source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{pages}\n```\n"


def from_root(folder: str | Path, link: str) -> str:
    """The target of a relative link, as a path from the root."""
    return (ROOT / folder / link).resolve().relative_to(ROOT).as_posix()


def links_out(app: Sphinx, doctree: nodes.document) -> None:
    """Makes links to files that are not on the site lead to the repository, and links to the README to the front
    page.
    """
    folder = Path(app.env.docname).parent
    for link in [*doctree.findall(addnodes.download_reference), *doctree.findall(addnodes.pending_xref)]:
        if link.get("reftype") != "myst":
            continue
        if link.get("refdomain") == "doc":  # a page, without its ending
            page = link["reftarget"]
            if page == "README" and not link.get("reftargetid"):
                link["reftarget"] = root_doc
                continue
            if page in app.env.found_docs:
                continue
            path = f"{page}.md"
        else:
            path = from_root(folder, link["reftarget"].partition("#")[0])
        if (ROOT / path).exists():
            kind = "tree" if (ROOT / path).is_dir() else "blob"
            source = nodes.reference("", "", internal=False, refuri=f"{REPOSITORY}/{kind}/main/{path}")
            source += link.children
            link.replace_self(source)


def mathml(self: nodes.NodeVisitor, node: nodes.math | nodes.math_block) -> None:
    """Writes an equation as MathML, which browsers draw without scripts."""
    block = isinstance(node, nodes.math_block)
    try:
        equation = latex2mathml.tex2mathml(node.astext().replace(r"\dots", r"\ldots"), as_block=block)
    except Exception as error:
        logging.getLogger(__name__).warning("equation that cannot be converted: %s", error, location=node)
        equation = ""
    self.body.append(f'<div class="math">{equation}</div>\n' if block else equation)
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Registers what is above."""
    app.add_html_math_renderer("mathml", (mathml, None), (mathml, None))
    app.connect("source-read", contents)
    app.connect("doctree-read", links_out)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
