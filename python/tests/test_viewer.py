"""The viewer from Python: a server in this process, and the page of a run in a frame."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import webbrowser
from typing import Any

import concertina as ct
import pytest


def answered(url: str) -> tuple[Any, str]:
    with urllib.request.urlopen(url, timeout=20) as response:
        return response.read(), response.headers["content-security-policy"]


def test_a_study_is_served_until_it_is_told_to_stop(runs: ct.Runs, study: ct.Study) -> None:
    with study.view(open=False) as viewer:
        assert repr(viewer) == f"Viewer({viewer.url})"
        found, policy = answered(f"{viewer.url}api/runs")
        assert json.loads(found)["total"] == len(study.table())
        assert "frame-ancestors 'none'" in policy
        taken = int(viewer.url.split(":")[2].split("/")[0])
        with pytest.raises(OSError, match=f"cannot listen on port {taken}"):
            study.view(open=False, port=taken)
    assert not viewer.is_serving
    assert repr(viewer) == "Viewer(stopped)"
    with pytest.raises(urllib.error.URLError):
        answered(viewer.url)
    viewer.stop()  # once more does nothing


def test_the_browser_is_opened_at_the_address(empty: ct.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    with empty.view() as viewer:
        assert opened == [viewer.url]


def test_the_frame_of_a_run_may_be_shown_in_a_notebook_and_all_frames_share_a_server(runs: ct.Runs) -> None:
    frame, other = runs[0].view(), runs[1].view(height=300)
    assert frame._repr_html_().startswith(f'<iframe src="{frame.url}" title="Run {runs[0].key[:12]}" width="100%"')
    assert 'height="300"' in other._repr_html_()
    base, page = frame.url.split("#")
    assert page == f"/run/{runs[0].key}"
    assert other.url.split("#")[0] == base
    found, policy = answered(f"{base}api/run/{runs[0].key}")
    assert json.loads(found)["status"] == "complete"
    assert "frame-ancestors http://localhost:*" in policy


@pytest.mark.parametrize("port", [0, 70000, True, "80"])
def test_what_is_not_a_port_is_refused(empty: ct.Study, port: Any) -> None:
    with pytest.raises(ct.ParameterError, match="`port`: expected a whole number from 1 to 65535"):
        empty.view(open=False, port=port)


@pytest.mark.parametrize("height", [0, -3, 2.5, True])
def test_what_is_not_a_height_is_refused(runs: ct.Runs, height: Any) -> None:
    with pytest.raises(ct.ParameterError, match="`height`: expected a whole number of pixels"):
        runs[0].view(height=height)
