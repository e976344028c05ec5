"""The page of a workspace: complete in itself, and safe whatever the names are."""

import base64
import re

import numpy as np

from seriesview.pictures.page import draw_overview, workspace_page
from seriesview.workspace.manifest import build_workspace, parse_workspace_manifest, view_from_config


def page(make, pictures=None):
    series = make.sampled([(0.0, np.zeros((300, 2), np.int16))], 100.0)
    uri = make.store.put_json(series.manifest.to_json_dict(), "series.json")
    view = view_from_config({"label": "v", "panels": [{"type": "ProbabilityDensity", "series": "a <b>"}]})
    document = build_workspace(
        "<script>alert(1)</script>",
        [("a <b>", uri)],
        [view],
        [("late", 'no "file" & more')],
        {"a <b>": "continuous"},
    )
    workspace = parse_workspace_manifest(document)
    return (
        workspace,
        series,
        workspace_page(workspace, "sha1://" + "0" * 40 + "/w.json", make.store, pictures),
    )


def test_pictures_are_embedded_and_texts_escaped(make):
    workspace, series, html = page(make)
    assert "<script>" not in html
    assert "a &lt;b&gt;" in html
    assert "Missing: no &quot;file&quot; &amp; more" in html
    embedded = re.search(r'src="data:image/png;base64,([^"]+)"', html)
    assert embedded is not None
    assert base64.b64decode(embedded[1]) == draw_overview(workspace, "a <b>", series)
    assert "1.2 kB of samples" in html
    assert not re.search(r'(src|href)="http', html)


def test_pictures_beside_the_page_are_referred_to(make):
    html = page(make, {"a <b>": 'my "pictures"/a b.png'})[2]
    assert 'src="my%20%22pictures%22/a%20b.png"' in html
    assert "base64" not in html


def test_series_go_by_their_labels_and_the_page_says_how_to_look_closer(make):
    series = make.sampled([(0.0, np.zeros((300, 2), np.int16))], 100.0)
    document = series.manifest.to_json_dict()
    uri, plain = (
        make.store.put_json(document | {"label": label}, "series.json") for label in ("Probe <3>", "")
    )
    workspace = parse_workspace_manifest(
        build_workspace(
            "w", [("probe", uri), ("other", plain)], None, (), dict.fromkeys(("probe", "other"), "continuous")
        )
    )
    html = workspace_page(workspace, "sha1://" + "0" * 40 + "/w.json", make.store)
    assert "<h2>Probe &lt;3&gt; <code>probe</code></h2>" in html
    assert "<h2>other</h2>" in html
    assert "<code>seriesview serve results/workspace.json</code>" in html
