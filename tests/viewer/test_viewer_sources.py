"""What the viewer's sources read of stored series is what Python reads of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from series_builder import store_events, store_rows, store_series

import seriesview
from seriesview.envelope.counts import count_level
from seriesview.envelope.ladder import source_factor, zoom_ladder
from seriesview.errors import RequestError, SeriesviewError
from seriesview.store import open_store
from seriesview.store.layout import artifact_path
from seriesview.store.uris import parse_uri
from seriesview.tasks import TaskContext, run_task

HERE = Path(__file__).parent
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
KINDS = ["static-files", "parent-files", "tasks", "tasks-decoded", "tasks-and-files"]
NODE = shutil.which("node")


class Server:
    """Serves the artifacts of a store as plain files, and runs tasks on it while there is a backend."""

    def __init__(self, store):
        self.store = store
        self.has_backend = True
        self.tasks = []
        context = TaskContext(store)
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                path = store.directory / self.path.lstrip("/")
                self._send(path.read_bytes() if path.is_file() else None)

            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.tasks.append(asked["functionId"])
                try:
                    if not server.has_backend:
                        raise SeriesviewError("No backend answered within 3 s.")
                    result = {"value": run_task(context, asked["functionId"], asked["kwargs"])}
                except SeriesviewError as error:
                    result = {"error": str(error)}
                self._send(json.dumps(result).encode())

            def _send(self, data):
                self.send_response(404 if data is None else 200)
                self.end_headers()
                self.wfile.write(data or b"")

            def log_message(self, *_):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def ask(self, kind, requests, figure=None):
        """Answers to (method, arguments...) requests, from a source of a kind."""
        asked = [{"method": method, "arguments": arguments} for method, *arguments in requests]
        ended = subprocess.run(
            [NODE, HERE / "answer_requests.js", f"http://127.0.0.1:{self._http.server_port}/", kind],
            input=json.dumps({"figure": figure, "requests": asked}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    def values(self, kind, requests):
        """Values of the answers, none of which may be an error."""
        answers = self.ask(kind, requests)
        assert [each["error"] for each in answers if "error" in each] == []
        return [each["value"] for each in answers]

    def close(self):
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server(tmp_path):
    assert NODE, "node is missing: tests/install-programs installs it"
    running = Server(open_store(tmp_path / "store", "embedded"))
    yield running
    running.close()


def numbers(value, shape):
    """A flat list of numbers as float64 of a shape; null is NaN."""
    return np.array([np.nan if item is None else float(item) for item in value]).reshape(shape)


def recording(random, dtype, lengths, channels=3):
    """Segments (n, channels) that visit the dtype's range, floats with holes, infinities and negative zeros."""
    segments = []
    for length in lengths:
        if np.dtype(dtype).kind == "f":
            values = random.normal(0, 100, (length, channels)).astype(dtype)
            values[random.random(values.shape) < 0.3] = np.nan
            values[random.random(values.shape) < 0.05] = np.inf
            values[random.random(values.shape) < 0.1] = -0.0
            values[length // 3 : length // 2] = np.nan
        else:
            limits = np.iinfo(dtype)
            low, high = max(limits.min, -(2**53)), min(limits.max, 2**53)
            values = random.integers(low, high, (length, channels), dtype, endpoint=True)
        segments.append(values)
    return segments


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


def check_windows(series, requests, answers):
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
        np.testing.assert_array_equal(array, expected.astype(np.float64))
        if step > 1:
            assert not np.signbit(array[array == 0]).any()
            is_last = 0 < first == series.segments[segment].num_samples - 1
            assert found["factor"] == (1 if is_last else series.factor_used(first, step))


def ask_windows(server, kind, uris, random, count):
    """Random windows of several series, from one source, are as Python's."""
    opened = [seriesview.open_series(uri, server.store) for uri in uris]
    requests = [list(window_requests(random, *each, count)) for each in zip(uris, opened, strict=True)]
    answers = iter(server.ask(kind, [request for some in requests for request in some]))
    for series, some in zip(opened, requests, strict=True):
        check_windows(series, some, [next(answers) for _ in some])


@pytest.mark.parametrize("dtype", DTYPES)
def test_windows_of_every_dtype(server, dtype):
    random = np.random.default_rng(len(dtype))
    segments = recording(random, dtype, [1, 700, 2, 65, 333])
    uris = [store_series(server.store, segments, samples=s, part_rows=50) for s in ("store", "omit")]
    ask_windows(server, "static-files", uris, random, 120)


@pytest.mark.parametrize("kind", KINDS)
def test_windows_from_every_source(server, kind):
    random = np.random.default_rng(3)
    recordings = [recording(random, dtype, [130, 5, 69]) for dtype in ("int16", "int64", "float32")]
    uris = [store_series(server.store, each, samples=s) for each in recordings for s in ("store", "omit")]
    ask_windows(server, kind, uris, random, 20)


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


def stepping(random, length):
    """Times that never fall, with repeats and a burst."""
    steps = random.choice([0.0, 0.01, 0.5, 1.0], length)
    steps[length // 2 : length // 2 + 50] = 0.001
    return np.cumsum(steps)


@pytest.mark.parametrize("samples", ["store", "omit"])
@pytest.mark.parametrize("timing", ["regular", "irregular"])
def test_points_of_samples(server, timing, samples):
    random = np.random.default_rng(6)
    segments = recording(random, "float32", [3000, 70, 500], 2)
    timestamps = None
    if timing == "irregular":
        starts = [0.0, 2500.0, 3000.0]
        timestamps = [start + stepping(random, len(s)) for start, s in zip(starts, segments, strict=True)]
    uri = store_series(server.store, segments, samples=samples, timestamps=timestamps, part_rows=64)
    series = seriesview.open_series(uri, server.store)
    end = max(segment.end_time for segment in series.segments)
    requests = []
    for _ in range(60):
        start = float(random.uniform(-10, end))
        length = float(10 ** random.uniform(-1, np.log10(end)))
        requests.append(("getPoints", uri, start, start + length, int(random.choice([5, 50, 400]))))
    exact = 0
    for (_, _, first, last, bins), found in zip(
        requests, server.values("static-files", requests), strict=True
    ):
        expected = series.points(first, last, bins)
        if expected.times is not None:
            np.testing.assert_array_equal(numbers(found["times"], -1), expected.times)
            np.testing.assert_array_equal(numbers(found["values"], (-1, 2)), expected.values)
            continue
        np.testing.assert_array_equal(numbers(found["edges"], -1), expected.edges)
        counts, envelope = numbers(found["counts"], -1), numbers(found["envelope"], (-1, 2, 2))
        if not found.get("approximate"):
            exact += 1
            np.testing.assert_array_equal(counts, expected.counts)
            if samples == "store":
                np.testing.assert_array_equal(envelope, expected.envelope)
            continue
        check_nearly(series, first, last, bins, counts, envelope, samples)
    assert exact or samples == "omit"


def check_nearly(series, first, last, bins, counts, envelope, samples):
    """What was rounded to whole bins lies between the columns made narrower and wider by bins."""
    column = (last - first) / bins
    times = np.concatenate([series.times(n, 0, s.num_samples) for n, s in enumerate(series.segments)])
    inside = ((first <= times) & (times <= last)).sum()
    assert counts.sum() == pytest.approx(inside, abs=bins + 2)
    if samples == "store":
        whole = series.time_window(first, last, 1).envelope[0]
        np.testing.assert_array_equal(np.fmin.reduce(envelope[:, 0]), whole[0])
        np.testing.assert_array_equal(np.fmax.reduce(envelope[:, 1]), whole[1])
    edges = first + column * np.arange(bins)
    for index in np.flatnonzero(counts)[:20]:
        around = series.time_window(edges[index] - column / 4, edges[index] + 1.25 * column, 1).envelope[0]
        if samples == "store" and not np.isnan(envelope[index]).all():
            assert (envelope[index, 0] >= around[0]).all() or np.isnan(envelope[index, 0]).any()
            assert (envelope[index, 1] <= around[1]).all() or np.isnan(envelope[index, 1]).any()


@pytest.mark.parametrize("kind", ["tasks", "tasks-decoded"])
def test_points_through_a_backend(server, kind):
    random = np.random.default_rng(7)
    segments = recording(random, "int16", [500], 2)
    uri = store_series(server.store, segments, timestamps=[stepping(random, 500)])
    events = store_events(server.store, np.sort(random.uniform(0, 50, 300)), random.integers(0, 4, 300), 4)
    asked = [("getPoints", each, 3.0, 40.0, most) for each in (uri, events) for most in (10, 5000)]
    for (_, each, first, last, most), found in zip(asked, server.values(kind, asked), strict=True):
        expected = vars(seriesview.open_series(each, server.store).points(first, last, most))
        assert {key for key, value in expected.items() if value is not None} == set(found)
        for key, value in found.items():
            np.testing.assert_array_equal(numbers(value, expected[key].shape), expected[key])


def counted_events(store, times, channels, num_channels, widths):
    """URI of an event series with counts of these bin widths."""
    manifest = store.get_json(store_events(store, times, channels, num_channels, part_rows=128))
    start = float(times[0])
    for width in widths:
        bins = int((times[-1] - start) // width) + 1
        rows = count_level(times, channels, num_channels, start, width, bins)
        array = store_rows(store, rows, 50).to_json_dict()
        manifest["counts"].append({"bin_seconds": width, "start_time": start, **array})
    return store.put_json(manifest, name="events.json")


def test_few_events_are_exact(server):
    random = np.random.default_rng(8)
    times = np.round(np.sort(random.uniform(100, 200, 4000)), 2)
    uri = counted_events(server.store, times, random.integers(0, 5, 4000), 5, [0.25, 1.0, 4.0])
    series = seriesview.open_series(uri, server.store)
    requests = [("getPoints", uri, 50.0, 99.0, 10), ("getPoints", uri, 200.5, 300.0, 10)]
    for _ in range(60):
        first = round(float(random.uniform(80, 200)), 2)
        last = round(first + float(10 ** random.uniform(-2, 2)), 2)
        requests.append(("getPoints", uri, first, last, int(random.choice([4, 100, 1000]))))
    for (_, _, first, last, most), found in zip(
        requests, server.values("static-files", requests), strict=True
    ):
        expected = vars(series.points(first, last, most))
        assert {key for key, value in expected.items() if value is not None} == set(found)
        for key, value in found.items():
            np.testing.assert_array_equal(numbers(value, expected[key].shape), expected[key])


def test_many_events_are_read_from_counts(server):
    random = np.random.default_rng(9)
    times = np.sort(random.uniform(0, 1000, 400_000))
    channels = random.integers(0, 3, len(times))
    uri = server.store.put_json(
        {
            **server.store.get_json(counted_events(server.store, times[:2], channels[:2], 3, [])),
            **{"segments": [{"start_time": times[0], "end_time": times[-1], "num_samples": len(times)}]},
            "events": {
                "times": store_rows(server.store, times, 65536).to_json_dict(),
                "channels": store_rows(server.store, channels.astype(np.uint32), 65536).to_json_dict(),
            },
            "counts": [
                {
                    "bin_seconds": width,
                    "start_time": times[0],
                    **store_rows(
                        server.store,
                        count_level(times, channels, 3, times[0], width, int(1000 // width) + 1),
                        4096,
                    ).to_json_dict(),
                }
                for width in (0.25, 1.0)
            ],
        },
        name="events.json",
    )
    found, narrow = server.values(
        "static-files", [("getPoints", uri, 0.0, 1000.0, 200), ("getPoints", uri, 500.0, 501.0, 5000)]
    )
    assert found["approximate"] is True
    counts = numbers(found["counts"], (200, 3))
    exact = np.histogram2d(times, channels, [np.linspace(0, 1000, 201), np.arange(4) - 0.5])[0]
    assert counts.sum() == len(times)
    assert np.abs(np.cumsum(counts - exact, axis=0)).max() <= exact.max() / 4
    inside = (times >= 500) & (times <= 501)
    np.testing.assert_array_equal(numbers(narrow["times"], -1), times[inside])
    np.testing.assert_array_equal(numbers(narrow["channels"], -1), channels[inside])


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_series_of_the_original_package(server, dtype):
    random = np.random.default_rng(10)
    segments = [
        {
            "timestamps": start + np.cumsum(random.random(200)),
            "values": random.normal(0, 50, 200).astype(dtype),
        }
        for start in (0.0, 300.0)
    ]
    uris = [
        server.store.put_bytes(array.tobytes(), name="array.dat")
        for segment in segments
        for array in (segment["timestamps"], segment["values"])
    ]
    manifest = {
        "type": "discrete",
        "sampling_frequency": 1,
        "segments": [
            {
                "start_time": float(segment["timestamps"][0]),
                "end_time": float(segment["timestamps"][-1]),
                "num_samples": 200,
                "min_value": float("nan"),
                "max_value": 1,
                "timestamps_uri": uris[2 * number],
                "timestamps_dtype": "float64",
                "values_uri": uris[2 * number + 1],
                "values_dtype": dtype,
            }
            for number, segment in enumerate(segments)
        ],
    }
    uri = server.store.put_bytes(json.dumps(manifest).encode(), name="series.json")
    series = seriesview.open_series(uri, server.store)
    requests = [("getPoints", uri, 20.0, 350.0, most) for most in (10, 1000)]
    binned, few = server.values("static-files", requests)
    expected = series.points(20.0, 350.0, 10)
    np.testing.assert_array_equal(binned["counts"], expected.counts)
    filled = expected.counts > 0
    envelope = numbers(binned["envelope"], (10, 2, 1))
    np.testing.assert_array_equal(envelope[filled], expected.envelope[filled].astype(float))
    expected = series.points(20.0, 350.0, 1000)
    np.testing.assert_array_equal(few["times"], expected.times)
    np.testing.assert_array_equal(numbers(few["values"], (-1, 1)), expected.values.astype(float))
    window = {"segment": 1, "firstSample": 3, "samplesPerColumn": 5, "columns": 100, "channels": None}
    answers = server.ask("static-files", [("getWindow", uri, window)])
    check_windows(series, [("getWindow", uri, window)], answers)
    [statistics] = server.values("static-files", [("getStatistics", uri, 0, 5, 150, None)])
    assert statistics["mean"] == pytest.approx(series.statistics(0, 5, 150)["mean"])


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
