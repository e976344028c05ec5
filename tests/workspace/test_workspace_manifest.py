"""Workspace manifests: what is built, what is read back, and what is refused."""

import json

import pytest

from seriesview.errors import FormatError
from seriesview.workspace.manifest import (
    build_workspace,
    parse_workspace_manifest,
    view_from_config,
)
from seriesview.workspace.panels import PANEL_TYPES

URI = "sha1://" + "ab" * 20 + "/series.json"
TYPES = {"probe": "continuous", "spikes": "event", "amplitudes": "discrete", "trials": "interval"}
SERIES = [(name, URI) for name in TYPES]


def test_without_views_there_is_one_of_all_series_but_intervals():
    document = build_workspace("demo", SERIES, types=TYPES)
    assert document["format"] == "seriesview-workspace/1"
    assert [view["label"] for view in document["views"]] == ["demo"]
    assert document["views"][0]["panels"] == [
        {"type": "ContinuousTraces", "label": "probe", "data": {"series": "probe"}},
        {"type": "RasterPlot", "label": "spikes", "data": {"series": "spikes"}},
        {"type": "EventAmplitudes", "label": "amplitudes", "data": {"series": "amplitudes"}},
    ]
    assert "missing" not in document


def test_only_intervals_give_no_view():
    assert build_workspace("demo", [("trials", URI)], types={"trials": "interval"})["views"] == []


def test_views_from_configuration_survive_a_round_trip_through_json():
    view = view_from_config(
        {
            "label": "Session",
            "panels": [
                {"type": "ContinuousTraces", "series": "probe", "label": "Probe"},
                {"type": "ProbabilityDensity", "series": "probe", "bin_centers": [1, 2.5]},
            ],
        }
    )
    document = build_workspace("demo", SERIES, [view], [("late", "file\nmissing")], TYPES)
    manifest = parse_workspace_manifest(json.loads(json.dumps(document)))
    assert manifest.to_json_dict() == document
    assert manifest.views == (view,)
    assert manifest.views[0].panels[1].data == {"series": "probe", "bin_centers": [1.0, 2.5]}
    assert manifest.views[0].panels[1].label == "probe"
    assert manifest.missing[0].error == "file missing"
    assert manifest.uri("probe") == URI
    with pytest.raises(FormatError, match="'late' is missing: file missing"):
        manifest.uri("late")
    with pytest.raises(FormatError, match="there are probe, spikes"):
        manifest.uri("nothing")


def test_a_panel_may_show_a_missing_series():
    view = view_from_config({"label": "v", "panels": [{"type": "RasterPlot", "series": "late"}]})
    assert build_workspace("demo", SERIES, [view], [("late", "x")], TYPES)["views"][0]["panels"]


@pytest.mark.parametrize(
    ("panel_type", "series", "reason"),
    [
        ("RasterPlot", "probe", "of type event"),
        ("ContinuousTraces", "trials", "bands across all panels"),
        ("EventAmplitudes", "spikes", "of type discrete"),
        ("Position", "spikes", "of type continuous or discrete"),
    ],
)
def test_a_panel_refuses_series_that_it_cannot_draw(panel_type, series, reason):
    view = view_from_config({"label": "v", "panels": [{"type": panel_type, "series": series}]})
    with pytest.raises(FormatError, match=reason):
        build_workspace("demo", SERIES, [view], types=TYPES)


def traces_with(**keys):
    return {"label": "v", "panels": [{"type": "ContinuousTraces", "series": "probe", **keys}]}


def test_events_lie_over_traces():
    view = view_from_config(traces_with(over=["spikes", "late"]))
    document = build_workspace("demo", SERIES, [view], [("late", "x")], TYPES)
    assert parse_workspace_manifest(document).views == (view,)
    assert view.panels[0].over == ("spikes", "late")
    with pytest.raises(FormatError, match="'amplitudes' is of type 'discrete'"):
        build_workspace("demo", SERIES, [view_from_config(traces_with(over=["amplitudes"]))], types=TYPES)
    with pytest.raises(FormatError, match="no series 'gone'"):
        build_workspace("demo", SERIES, [view_from_config(traces_with(over=["gone"]))], types=TYPES)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "seriesview-workspace/9"}, "seriesview-workspace/1"),
        ({"label": 3}, "label: expected a text, found 3"),
        ({"series": {}}, "series: expected a list, found an object"),
        ({"series": [{"name": "a", "uri": "/etc/passwd"}]}, "uri: expected sha1://HASH/name"),
        ({"series": [{"name": "a", "uri": URI}, {"name": "a", "uri": URI}]}, "two series are called 'a'"),
        ({"series": [{"name": "", "uri": URI}]}, "name: expected a text that is not empty"),
        ({"missing": [{"name": "probe", "error": "x"}]}, "two series"),
        (
            {
                "views": [
                    {"label": "v", "panels": [{"type": "Pie", "label": "p", "data": {"series": "probe"}}]}
                ]
            },
            "Pie",
        ),
        (
            {"views": [{"label": "v", "panels": [{"type": "Position", "label": "p", "data": 4}]}]},
            "data: expected an object, found 4",
        ),
        (
            {
                "views": [
                    {"label": "v", "panels": [{"type": "Position", "label": "p", "data": {"series": "q"}}]}
                ]
            },
            "no series 'q'",
        ),
        (
            {
                "views": [
                    {
                        "label": "v",
                        "panels": [
                            {
                                "type": "Position",
                                "label": "p",
                                "data": {"series": "probe", "bin_centers": [1]},
                            }
                        ],
                    }
                ]
            },
            "bin_centers belong",
        ),
    ],
)
def test_a_broken_manifest_is_refused_with_the_reason(change, reason):
    document = {**build_workspace("demo", SERIES, types=TYPES), **change}
    with pytest.raises(FormatError, match=reason):
        parse_workspace_manifest(document)


@pytest.mark.parametrize("centers", [[], ["a"], [float("nan")], 5])
def test_bin_centers_must_be_finite_numbers(centers):
    panel = {"type": "ProbabilityDensity", "series": "p", "bin_centers": centers}
    with pytest.raises(FormatError, match="bin_centers must be"):
        view_from_config({"label": "v", "panels": [panel]})


def test_every_panel_type_of_the_design_exists():
    assert list(PANEL_TYPES) == [
        "ContinuousTraces",
        "EventAmplitudes",
        "RasterPlot",
        "Position",
        "ProbabilityDensity",
        "IntervalLanes",
    ]


def test_keys_of_later_versions_are_passed_over():
    document = {**build_workspace("demo", SERIES, types=TYPES), "colour": "blue"}
    assert parse_workspace_manifest(document).label == "demo"


def test_the_id_of_a_workspace_is_kept():
    document = build_workspace("demo", SERIES, types=TYPES, workspace_id="7f3a")
    assert document["id"] == "7f3a"
    assert parse_workspace_manifest(document).to_json_dict() == document
    assert "id" not in build_workspace("demo", SERIES, types=TYPES)
    for wrong in ("", 7):
        with pytest.raises(FormatError, match="id"):
            parse_workspace_manifest(document | {"id": wrong})
