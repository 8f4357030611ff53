"""Figures and reports."""

from __future__ import annotations

import json
import re
from pathlib import Path

import concertina as ct
import pytest
from small import ROOT


def test_a_table_is_drawn_and_saved(runs: ct.Runs, tmp_path: Path) -> None:
    dimension = runs.effective_dimension(samples=40)
    figure = dimension.plot(x="timestep", y="effective_dimension", hue="gain", style="stage", title="Dimension")
    assert figure._repr_svg_() == figure.svg
    assert figure.svg.count("<svg") == 1
    assert "Dimension" in figure.svg
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert list(figure.data) == [""]
    assert len(figure.data[""]) > 0
    assert repr(figure) == "Figure()"
    names = {path.name for path in figure.save(tmp_path / "dimension.pdf")}
    assert names == {"dimension.pdf", "dimension.svg", "dimension.png", "dimension.csv"}
    small = dimension.plot(
        "timestep", "effective_dimension", style="stage", where="gain = 20", band="lines", size_mm=(60, 40)
    )
    assert small.svg != figure.svg
    axis = {"column": "timestep", "label": "Time"}
    assert "Time" in dimension.plot(axis, "effective_dimension", hue="gain", where="stage = after").svg


def test_a_scatter_needs_no_band(rng) -> None:  # type: ignore[no-untyped-def]
    table = ct.Table({"x": rng.normal(size=20), "y": rng.normal(size=20)})
    assert "<svg" in table.plot("x", "y", kind="scatter").svg


def test_what_cannot_be_drawn_is_reported(runs: ct.Runs) -> None:
    table = runs.effective_dimension(samples=40)
    with pytest.raises(ct.ParameterError, match="gian"):
        table.plot("timestep", "effective_dimension", hue="gian")
    with pytest.raises(ct.ParameterError, match="unknown field `hoe`"):
        table.plot("timestep", "effective_dimension", hoe="gain")
    with pytest.raises(ct.ParameterError, match="unknown variant `bars`"):
        table.plot("timestep", "effective_dimension", kind="bars")  # type: ignore[arg-type]
    with pytest.raises(ct.ParameterError, match="found something else"):
        table.plot("timestep", "effective_dimension", names={"gain": object()})


def test_figures_of_the_paper_are_drawn(tmp_path: Path) -> None:
    study = ct.Study(tmp_path / "store", progress=False)
    figure = study.figure("fig2", seeds=[0, 1], units=20, epochs=2)
    assert set(figure.data) >= {"b", "d", "e"}
    assert repr(figure).startswith("Figure(panels ")
    files = figure.save(tmp_path / "figures")
    assert tmp_path / "figures" / "fig2.pdf" in files
    assert all(file.exists() for file in files)
    assert isinstance(figure.problems, list)
    assert {"fig1", "fig2"} <= set(ct.figures()["figure"])
    with pytest.raises(ct.ParameterError, match="fig22"):
        study.figure("fig22")


def test_figures_for_slides_are_larger(tmp_path: Path) -> None:
    study = ct.Study(tmp_path / "store", progress=False)
    asked = {"seeds": [0, 1], "units": 20, "epochs": 2}
    paper = study.figure("fig2", **asked)  # type: ignore[arg-type]
    talk = study.figure("fig2", size="talk", **asked)  # type: ignore[arg-type]

    def width(figure: ct.Figure) -> float:
        found = re.search(r'width="([0-9.]+)', figure.svg)
        assert found is not None
        return float(found[1])

    assert width(talk) / width(paper) == pytest.approx(338 / 183, rel=0.01)
    with pytest.raises(ct.ParameterError, match='`size`: expected "paper" or "talk", found \'poster\''):
        study.figure("fig2", size="poster")  # type: ignore[arg-type]


def test_the_users_own_recipe_is_drawn(tmp_path: Path) -> None:
    study = ct.Study(tmp_path / "store", progress=False)
    recipe = ROOT / "docs" / "guides" / "expansion.toml"
    with pytest.warns(ct.ConcertinaWarning):
        figure = study.plot(recipe, seeds=range(2), units=16, epochs=1, input_dim=10)
    assert "<svg" in figure.svg
    with pytest.raises(ct.Error):
        study.plot(tmp_path / "nothing.toml")


RECIPE = """
figure = "own"

[parameters]
network.units = 12
task = { input_dim = 6, clusters = 8, train_samples = 40, val_samples = 20 }
train.epochs = 1

[runs.all]
sweep = { network.gain = [20.0, 250.0] }

[[panels]]
letter = "a"
runs = "all"
analysis = { analysis = "effective_dimension", samples = 32 }
checkpoints = "last"
draw = { x = "timestep", y = "effective_dimension", hue = "gain", band = "mean_sd" }

[[claims]]
name = "chaos"
statement = "Just after training, the effective dimension is larger at the larger gain."
table = "a"
value = "effective_dimension"
where = { timestep = 0 }
compare = { column = "gain", first = 250, second = 20 }
expect = "greater"
"""


def test_claims_of_a_recipe_of_ones_own_are_judged_until_they_are_decided(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(RECIPE, encoding="utf-8")
    study = ct.Study(tmp_path / "store", progress=False)
    report = study.reproduce(tmp_path / "own.toml", seeds=range(3), until_decided=True, most=8)
    assert set(report.claims["figure"]) == {"own"}
    assert len(study.table()) > 2 * 3 or report.contents["counts"]["undecided"] == 0
    assert "until_decided=True, most=8" in report.html
    with pytest.raises(ct.Error, match=r"nothing\.toml"):
        study.reproduce(tmp_path / "nothing.toml")


def test_methods_are_written_for_figures_and_for_runs(tmp_path: Path) -> None:
    study = ct.Study(tmp_path / "store", progress=False)
    figure = study.methods("fig2", seeds=range(3))
    assert "farrell2022" in figure.references
    assert "Statistics" in repr(figure)
    assert "group-sequential" not in str(figure)
    assert "up to 20" in str(study.methods("fig2", until_decided=True, most=20))
    with pytest.raises(ct.ParameterError, match="`most`: expected at least 5 realisations"):
        study.methods("fig2", until_decided=True, most=3)
    assert any("network.gain" in name for name in figure.table["name"])
    runs = study.train(units=12, input_dim=6, clusters=8, train_samples=40, epochs=1)
    methods = runs.methods()
    assert str(methods) == methods._repr_markdown_()
    assert "## Task" in str(methods)
    for ending in ("md", "tex", "json"):
        methods.save(tmp_path / f"methods.{ending}")
    assert (tmp_path / "methods.tex").read_text(encoding="utf-8") == methods.latex
    assert json.loads((tmp_path / "methods.json").read_text(encoding="utf-8")) == methods.contents
    with pytest.raises(ct.ParameterError, match=r"\.md, \.tex or \.json"):
        methods.save(tmp_path / "methods.docx")


def test_a_report_judges_claim_by_claim(tmp_path: Path) -> None:
    study = ct.Study(tmp_path / "store", progress=False)
    report = study.reproduce("fig2", seeds=[0, 1, 2], units=20)
    assert report.passed is False
    assert {"figure", "claim", "statement", "verdict", "p"} <= set(report.claims.columns)
    assert set(report.claims["figure"]) == {"fig2"}
    assert repr(report).startswith("Report(")
    assert report._repr_html_().startswith("<iframe srcdoc=")
    assert "study.reproduce(&#x27;fig2&#x27;" in report.html or "study.reproduce('fig2'" in report.html
    report.save(tmp_path / "report.html")
    report.save(tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8")) == report.contents
    with pytest.raises(ct.ParameterError, match=r"\.html or \.json"):
        report.save(tmp_path / "report.pdf")
