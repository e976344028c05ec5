"""What the viewer's sources read of stored series is what Python reads of them."""

import json
import subprocess

import numpy as np
import pytest
from envelope_oracles import source_factor
from series_builder import store_series
from source_server import HERE, NODE, numbers, recording

import seriesview
from seriesview.envelope.ladder import zoom_ladder
from seriesview.errors import RequestError
from seriesview.store.paths import artifact_path
from seriesview.store.uris import parse_uri

DTYPES = [
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float16",
    "float32",
    "float64",
]
KINDS = ["static-files", "parent-files", "tasks", "tasks-decoded", "tasks-and-files", "tasks-directly"]


def window_requests(random, uri, series, count):
    """Windows of all segments, columns reaching behind their ends too."""
    ids = [channel.id for channel in series.channels]
    for _ in range(count):
        segment = int(random.integers(len(series.segments)))
        length = series.segments[segment].num_samples
        factor = int(random.choice([1, 1, 4, 16, 64]))
        first = int(random.integers(length)) // factor * factor
        step = factor * int(random.integers(1, 9))
        chosen = (
            None
            if random.random() < 0.5
            else list(random.permutation(ids)[: random.integers(1, len(ids) + 1)])
        )
        columns = int(random.integers(1, 40))
        yield (
            "getWindow",
            uri,
            {
                "segment": segment,
                "firstSample": first,
                "samplesPerColumn": step,
                "columns": columns,
                "channels": chosen,
            },
        )


def check_windows(series, requests, answers, rtol=0.0):
    for (_, _, asked), answer in zip(requests, answers, strict=True):
        segment, first, step = asked["segment"], asked["firstSample"], asked["samplesPerColumn"]
        channels = asked["channels"]
        width = len(channels or series.channels)
        try:
            if step == 1:
                last = min(first + asked["columns"], series.segments[segment].num_samples - 1)
                expected = series.values(segment, first, last + 1, channels)
            else:
                expected = series.window(segment, first, step, asked["columns"], channels)
        except RequestError:
            assert "without raw samples" in answer["error"], answer
            continue
        found = answer["value"]
        assert found["firstSample"] == first
        assert found["columns"] == len(expected) - (step == 1)
        array = numbers(
            found["values" if step == 1 else "envelope"], (len(expected), *(2,) * (step > 1), width)
        )
        np.testing.assert_allclose(array, expected.astype(np.float64), rtol=rtol, atol=0)
        if step > 1:
            assert not np.signbit(array[array == 0]).any()
            is_last = 0 < first == series.segments[segment].num_samples - 1
            assert found["factor"] == (1 if is_last else series.factor_used(first, step))


def ask_windows(server, kind, uris, random, count, rtol=0.0):
    """Random windows of several series, from one source, are as Python's."""
    opened = [seriesview.open_series(uri, server.store) for uri in uris]
    requests = [list(window_requests(random, *each, count)) for each in zip(uris, opened, strict=True)]
    answers = iter(server.ask(kind, [request for some in requests for request in some]))
    for series, some in zip(opened, requests, strict=True):
        check_windows(series, some, [next(answers) for _ in some], rtol)


def test_windows_of_every_dtype(server):
    random = np.random.default_rng(7)
    recordings = [recording(random, dtype, [1, 700, 2, 65, 333]) for dtype in DTYPES]
    wanted = [(each, samples) for each in recordings for samples in ("store", "omit")]
    uris = [store_series(server.store, each, samples=samples, part_rows=50) for each, samples in wanted]
    ask_windows(server, "static-files", uris, random, 120)


@pytest.mark.parametrize("has_ranges", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_windows_from_every_source(server, kind, has_ranges):
    server.has_ranges = has_ranges
    random = np.random.default_rng(3)
    recordings = [recording(random, dtype, [130, 5, 69]) for dtype in ("int16", "int64", "float32")]
    uris = [store_series(server.store, each, samples=s) for each in recordings for s in ("store", "omit")]
    ask_windows(server, kind, uris, random, 20)


@pytest.mark.parametrize("kind", ["static-files", "tasks-and-files"])
def test_windows_of_means(server, kind):
    random = np.random.default_rng(5)
    segments = [each.clip(0) for each in recording(random, "float32", [1, 700, 2, 333])]
    uri = store_series(server.store, segments, part_rows=50, kind="means")
    ask_windows(server, kind, [uri], random, 80, rtol=1e-6)
    [found] = server.values(kind, [("getStatistics", uri, 1, 5, 600, None)])
    expected = np.fmax.reduce(segments[1][5:601], axis=0)
    np.testing.assert_array_equal(numbers(found["max"], len(expected)), expected)


@pytest.mark.parametrize("answers", [True, False])
def test_windows_are_asked_for_directly_where_they_are_answered(server, answers):
    """And by a task where they are not; nothing is tried twice then."""
    server.answers_windows = answers
    random = np.random.default_rng(4)
    uri = store_series(server.store, recording(random, "int16", [130, 5]))
    series = seriesview.open_series(uri, server.store)
    window = {"segment": 0, "firstSample": 0, "samplesPerColumn": 3, "columns": 10, "channels": None}
    requests = [("getWindow", uri, {**window, "firstSample": first}) for first in range(5)]
    for request in requests:
        [answer] = server.ask("tasks-directly", [request])
        check_windows(series, [request], [answer])
    assert server.windows == ["lab"] * 5
    assert server.tasks.count("seriesview.get_window.1") == (0 if answers else 5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("samples", ["store", "omit"])
def test_statistics(server, kind, samples):
    random = np.random.default_rng(4)
    requests = []
    for dtype, shift in (("uint16", 0), ("int32", 0), ("float64", 1.7e9)):
        segments = [each + np.array(shift, dtype) for each in recording(random, dtype, [300, 5, 129])]
        uri = store_series(server.store, segments, samples=samples, part_rows=50)
        for _ in range(20):
            segment = int(random.integers(3))
            first, last = sorted(int(n) for n in random.integers(len(segments[segment]), size=2))
            requests.append(("getStatistics", uri, segment, first, last, ["ch2", "ch0"]))
    for (_, uri, segment, first, last, channels), found in zip(
        requests, server.values(kind, requests), strict=True
    ):
        covered = found.get("covered")
        assert (covered is None) == (samples == "store")
        if covered:
            assert abs(covered["firstSample"] - first) <= 8
            assert abs(covered["lastSample"] - last) <= 8
            first, last = covered["firstSample"], covered["lastSample"]
        expected = seriesview.open_series(uri, server.store).statistics(segment, first, last, channels)
        for name, values in expected.items():
            exact = name in ("count", "min", "max")
            np.testing.assert_allclose(
                numbers(found[name], 2), values.astype(np.float64), rtol=0 if exact else 1e-7, err_msg=name
            )


@pytest.mark.parametrize(("samples", "finest"), [("store", 1), ("omit", 4), ("link", None)])
def test_the_finest_zoom(server, samples, finest):
    segments = recording(np.random.default_rng(5), "int16", [100])
    linked = server.store.directory.parent / "raw.dat"
    uri = store_series(server.store, segments, samples=samples, link_path=linked)
    # Only a backend reads linked files.
    for kind, expected in (("static-files", finest or 4), ("tasks", finest or 1)):
        [after] = server.values(kind, [("finestSamplesPerColumn", uri)])
        assert after == expected


@pytest.mark.parametrize("kind", ["static-files", "tasks"])
def test_rows_and_levels(server, kind):
    random = np.random.default_rng(5)
    segments = recording(random, "int16", [100] * 50)
    uri = store_series(server.store, segments)
    manifest = seriesview.open_series(uri, server.store).manifest.to_json_dict()
    level = manifest["levels"][0]
    series = seriesview.open_series(uri, server.store)
    rows = np.concatenate([series.window(n, 0, 4, 25) for n in range(50)])
    found = server.values(
        kind, [("readRows", level, 3, 500), ("readLevelRows", uri, 4, 3, 500), ("readRows", level, 8, 8)]
    )
    for each in found[:2]:
        np.testing.assert_array_equal(numbers(each, (497, 2, 3)), rows[3:500])
    assert found[2] == []


def test_files_are_used_while_no_backend_answers(server):
    random = np.random.default_rng(11)
    uri = store_series(server.store, recording(random, "int16", [300]))
    linked = store_series(
        server.store,
        recording(random, "int16", [300]),
        samples="link",
        link_path=server.store.directory / "raw.dat",
    )
    window = {"segment": 0, "firstSample": 0, "samplesPerColumn": 3, "columns": 100, "channels": None}
    coarse = {**window, "samplesPerColumn": 8}
    series = seriesview.open_series(uri, server.store)
    server.has_backend = False
    requests = [("getWindow", uri, window)]
    check_windows(series, requests, server.ask("tasks-and-files", requests))
    answers = server.ask("tasks-and-files", [("getWindow", linked, window), ("getWindow", linked, coarse)])
    assert answers[0]["kind"] == "backend"
    assert "value" in answers[1]
    [alone] = server.ask("tasks", [("getWindow", uri, window)])
    assert alone["kind"] == "backend"
    assert "No backend" in alone["error"]


def test_damaged_and_missing_artifacts_are_told_in_words(server):
    random = np.random.default_rng(12)
    uri = store_series(server.store, recording(random, "int16", [300]), factors=(), moments=(), part_rows=400)
    manifest = server.store.get_json(uri)
    page = artifact_path(server.store.directory, parse_uri(manifest["values"]["pages"][0])[0])
    part = artifact_path(server.store.directory, page.read_bytes()[:20].hex())
    window = {"segment": 0, "firstSample": 0, "samplesPerColumn": 3, "columns": 100, "channels": None}
    whole = part.read_bytes()
    part.chmod(0o644)
    part.write_bytes(whole[:-1] + b"\x99")
    [damaged] = server.ask("static-files", [("getWindow", uri, window)])
    assert damaged["kind"] == "damaged"
    assert part.name in damaged["error"]
    part.unlink()
    [missing] = server.ask("static-files", [("getWindow", uri, window)])
    assert missing["kind"] == "missing"
    assert part.name in missing["error"]
    assert "again" in missing["error"]


@pytest.mark.parametrize("kind", ["static-files", "tasks"])
def test_figures(server, kind):
    random = np.random.default_rng(13)
    uri = store_series(server.store, recording(random, "int16", [300]))
    workspace = {
        "format": "seriesview-workspace/1",
        "label": "<b>W</b>",
        "series": [{"name": "a", "uri": uri}],
        "missing": [{"name": "b", "error": "no such file"}],
        "views": [
            {
                "label": "V",
                "panels": [
                    {"type": "ContinuousTraces", "label": "A", "data": {"series": "a"}},
                    {"type": "RasterPlot", "label": "B", "data": {"series": "b"}},
                ],
            }
        ],
    }
    [found] = server.ask(kind, [("readFigure",)], figure=workspace)
    panels = found["value"]["views"][0]["panels"]
    assert [panel["seriesUri"] for panel in panels] == [uri, None]
    assert "no such file" in panels[1]["error"]
    assert found["value"]["seriesNames"] == {uri: "a"}
    address = server.store.put_json(workspace, name="workspace.json")
    [by_uri] = server.ask(kind, [("readFigure",)], figure={"workspace": address})
    assert by_uri["value"]["workspaceUri"] == address
    panel = {"type": "EventAmplitudes", "label": "P", "data": {"seriesUri": uri}}
    figure = {"type": "seriesview.multipanel-timeseries.2", "data": {"panels": [panel]}}
    [multi] = server.ask(kind, [("readFigure",)], figure=figure)
    assert multi["value"]["views"][0]["panels"][0]["seriesUri"] == uri
    window = {"segment": 0, "firstSample": 0, "samplesPerColumn": 3, "columns": 100, "channels": None}
    requests = [("readFigure",), ("getWindow", "figure:0", window)]
    alone, read = server.ask(kind, requests, figure=server.store.get_json(uri))
    assert alone["value"]["views"][0]["panels"][0]["type"] == "ContinuousTraces"
    check_windows(seriesview.open_series(uri, server.store), [("getWindow", uri, window)], [read])
    [wrong] = server.ask(kind, [("readFigure",)], figure={"type": "other"})
    assert wrong["kind"] == "damaged"


def test_the_ladder_is_the_same():
    random = np.random.default_rng(14)
    cases = []
    for _ in range(200):
        factors = sorted({int(random.choice([16, 64, 20])) * 4 ** int(n) for n in random.integers(0, 6, 3)})
        factors = factors[: random.integers(0, len(factors) + 1)]
        cases.append([factors, int(10 ** random.uniform(0, 9)), bool(random.random() < 0.7)])
    script = f"""
      import {{ sourceFactor, zoomLadder }} from '{HERE.parents[1]}/seriesview/viewer/geometry/ladder.js';
      const cases = {json.dumps(cases)};
      console.log(JSON.stringify(cases.map(([factors, length, has]) => {{
        const ladder = zoomLadder(factors, length, has);
        return [ladder, ladder.map((rung) => sourceFactor(rung, factors, has))];
      }})));
    """
    ended = subprocess.run(
        [NODE, "--input-type=module", "-e", script], capture_output=True, text=True, check=True, timeout=60
    )
    for (factors, length, has_samples), (ladder, sources) in zip(
        cases, json.loads(ended.stdout), strict=True
    ):
        assert ladder == list(zoom_ladder(factors, length, has_samples))
        assert sources == [source_factor(rung, factors, has_samples) for rung in ladder]


def test_a_copy_without_some_raw_samples(server):
    random = np.random.default_rng(15)
    whole = store_series(server.store, recording(random, "int16", [300, 200]), part_rows=50)
    manifest = server.store.get_json(whole)
    manifest["values"]["left_out"] = [[100, 350]]
    uri = server.store.put_json(manifest, name="series.json")
    series = seriesview.open_series(whole, server.store)
    window = {"segment": 0, "firstSample": 0, "samplesPerColumn": 3, "columns": 30, "channels": None}
    requests = [
        ("getWindow", uri, window),
        ("getWindow", uri, {**window, "samplesPerColumn": 8, "columns": 100}),
        ("getWindow", uri, {**window, "firstSample": 60}),
        ("getStatistics", uri, 0, 3, 60, None),
        ("getStatistics", uri, 0, 3, 160, None),
    ]
    near, coarse, absent, exact, rounded = server.ask("static-files", requests)
    check_windows(series, requests[:2], [near, coarse])
    assert absent["kind"] == "refused"
    assert "not shared" in absent["error"]
    assert exact["value"]["min"] == series.statistics(0, 3, 60)["min"].tolist()
    assert rounded["value"]["covered"] == {"firstSample": 0, "lastSample": 159}
    assert rounded["value"]["mean"] == pytest.approx(series.statistics(0, 0, 159)["mean"])
