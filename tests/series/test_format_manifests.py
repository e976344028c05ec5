"""docs/format.md: events, intervals, workspaces, older forms; every key described and the schemas in step."""

import dataclasses
import hashlib
import json
import math
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from built_series import SCHEMAS, built, check_by_schema, read, saved
from jsonschema import Draft202012Validator, ValidationError
from second_reader import (
    SecondReader,
    SecondWorkspace,
    Storage,
    combine_row,
    float_statistics,
    integer_statistics,
    time_edges,
)
from series_builder import store_events, store_rows, store_series

import seriesview
from seriesview.build.workspace import build_workspace_result
from seriesview.errors import FormatError
from seriesview.series import array_info, links, manifest
from seriesview.series.schema import series_schema_text
from seriesview.store import open_store
from seriesview.terms import WORKSPACE_FORMAT
from seriesview.workspace import manifest as workspace_manifest
from seriesview.workspace.panels import PANEL_TYPES
from seriesview.workspace.schema import workspace_schema_text

FORMAT = (SCHEMAS.parent / "format.md").read_text()
noise = np.random.default_rng(11)


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store", "embedded")


def integers(n, channels):
    return noise.integers(-3000, 3000, (n, channels)).astype(np.int16)


@pytest.mark.parametrize(("part_rows", "pack_parts"), [(1, 3), (3, 1), (1, 64), (4, 50), (2, 2)])
def test_parts_lie_in_packs_and_packs_in_pages(store, part_rows, pack_parts):
    for num_rows in (0, 1, part_rows * pack_parts, 256 * part_rows * pack_parts, 1029):
        rows = (np.arange(num_rows) % 7).astype(np.int32)
        info = store_rows(store, rows, part_rows, pack_parts).to_json_dict()
        num_packs = math.ceil(num_rows / (part_rows * pack_parts))
        assert len(info["pages"]) == math.ceil(num_packs / 256)
        assert Storage(store.directory).array(info).tolist() == rows.tolist()


@pytest.mark.parametrize("size", [20_000_000, 40_000_001])
def test_chunk_manifests(store, size):
    data = np.arange(size, dtype=np.uint32).astype(np.uint8).tobytes()
    uri = store.put_bytes(data)
    assert ("?manifest=" in uri) == (size > 20_000_000)
    storage = Storage(store.directory)
    assert storage.read(uri) == data
    if size > 20_000_000:
        for first in range(0, size, 20_000_000):
            store.put_part(data[first : first + 20_000_000])
        storage.path(uri).unlink()
        assert storage.read(uri) == data


def test_a_linked_file_that_changed_is_not_taken(store, tmp_path):
    samples = integers(2000, 2)
    path = saved(tmp_path, samples)
    reader = read(store, path, sampling_frequency=10, full_resolution="link")
    assert reader.samples()[0].tolist() == samples.tolist()
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(AssertionError):
        reader.samples()


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_statistics_of_whole_bins(store, tmp_path, dtype):
    samples = integers(5000, 2).astype(dtype)
    samples[2000:2500, 0] = np.nan if dtype == "float32" else 7
    path = saved(tmp_path, samples)
    result = built(store, path, sampling_frequency=10, full_resolution="omit")
    (bins,) = SecondReader(store.directory, result["uri"]).moments(1024)
    found = seriesview.open_series(result["uri"], store).statistics(0, 1024, 4095)
    for channel in range(2):
        rows = [tuple(row) for row in bins[1:4, :, channel].tolist()]
        finite = samples[1024:4096, channel].astype(float)
        finite = finite[np.isfinite(finite)]
        if dtype == "int16":
            combined = tuple(map(sum, zip(*rows, strict=True)))
            expected = integer_statistics(*combined)
        else:
            combined = combine_row(rows)
            expected = float_statistics(*combined)
        assert combined[0] == found["count"][channel] == len(finite)
        brute = finite.mean(), math.sqrt((finite**2).mean()), finite.std()
        np.testing.assert_allclose(expected, brute, rtol=1e-12)
        shown = [found[key][channel] for key in ("mean", "rms", "std")]
        np.testing.assert_allclose(expected, shown, rtol=1e-14)


@pytest.mark.parametrize("number", [5, 3000])
def test_events(store, tmp_path, number):
    times = noise.integers(0, 100_000, number) / 256
    channels = noise.integers(0, 3, number)
    channels[:3] = 0, 1, 2
    path = saved(tmp_path, np.stack([times, channels], axis=1))
    reader = read(store, path, type="event")
    found, indices = reader.events()
    order = np.lexsort((channels, times))
    assert (found.tolist(), indices.tolist()) == (times[order].tolist(), channels[order].tolist())
    (segment,) = reader.segments
    assert [segment[key] for key in ("start_time", "end_time", "num_samples")] == [
        found[0],
        found[-1],
        number,
    ]
    widths = [entry["bin_seconds"] for entry in reader.manifest["counts"]]
    assert all(b == 4 * a for a, b in pairwise(widths))
    assert bool(widths) == (number > 1024)
    for entry in reader.manifest["counts"]:
        counts = reader.storage.array(entry)
        assert len(counts) == (found[-1] - found[0]) // entry["bin_seconds"] + 1
        for b, channel in np.ndindex(counts.shape):
            start = entry["start_time"] + b * entry["bin_seconds"]
            inside = (start <= times) & (times < start + entry["bin_seconds"]) & (channels == channel)
            assert counts[b, channel] == inside.sum()
    if widths:
        sizes = [reader.storage.array(entry).size for entry in reader.manifest["counts"]]
        assert sizes[0] * 2 <= number
        assert len(reader.storage.array(reader.manifest["counts"][-1])) <= 1024


def test_events_in_columns(store, tmp_path):
    times = np.repeat(np.arange(20) / 2, 3)
    path = saved(tmp_path, np.stack([times, np.arange(60) % 3], axis=1))
    uri = built(store, path, type="event")["uri"]
    found, indices = SecondReader(store.directory, uri).events()
    shown = seriesview.open_series(uri, store).points(0.0, 10.0, 7)
    for (e, f), counts in zip(pairwise(time_edges(0.0, 10.0, 7)), shown.counts.tolist(), strict=True):
        inside = indices[(e <= found) & (found <= f)]
        assert counts == np.bincount(inside, minlength=3).tolist()


def test_no_events(store):
    uri = store_events(store, [], [], 2)
    reader = SecondReader(store.directory, uri)
    check_by_schema(store.get_json(uri))
    assert (reader.segments, [array.size for array in reader.events()]) == ([], [0, 0])


def test_intervals(store, tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text("start,end,label\n5,6.5,rest\n1,20,run\n3,4,rest\n")
    reader = read(store, path, type="interval")
    times, labels = reader.intervals()
    assert times.tolist() == [[1, 20], [3, 4], [5, 6.5]]
    assert labels == ["run", "rest", "rest"]
    (segment,) = reader.segments
    assert [segment[key] for key in ("start_time", "end_time", "num_samples")] == [1, 20, 3]
    assert reader.manifest["channels"] == []


@pytest.mark.parametrize("channels", [1, 3])
def test_series_of_the_original_api(store, monkeypatch, channels):
    monkeypatch.setenv("KACHERY_STORAGE_DIR", str(store.directory))
    values = integers(100, channels)
    series = seriesview.SVSeries(type="event", sampling_frequency=None)
    for rows in (slice(0, 60), slice(60, 100)):
        times = np.arange(100.0)[rows]
        series.add_numpy_segment(
            start_time=rows.start, end_time=rows.stop, timestamps=times, values=values[rows]
        )
    uri = series.to_uri()
    check_by_schema(store.get_json(uri))
    reader = SecondReader(store.directory, uri)
    assert np.concatenate(reader.samples()).tolist() == values.tolist()
    assert np.concatenate(reader.times()).tolist() == list(range(100))
    assert reader.columns(0, 0, 50).tolist()[1] == [
        values[50:60].min(axis=0).tolist(),
        values[50:60].max(axis=0).tolist(),
    ]


def test_manifests_of_the_original_package(store):
    times, values = np.arange(4, dtype="<f4"), np.array([3, -1, 2, 5], "<i2")
    segment = {"start_time": 0.0, "end_time": 5.0, "num_samples": 4}
    segment |= {"min_value": math.nan, "max_value": 5.0}
    segment |= {"timestamps_dtype": "float32", "timestamps_uri": store.put_bytes(times)}
    segment |= {"values_dtype": "int16", "values_uri": store.put_bytes(values)}
    document = {"type": "discrete", "sampling_frequency": None, "segments": [segment]}
    uri = store.put_bytes(json.dumps(document).encode())
    reader = SecondReader(store.directory, uri)
    assert reader.samples()[0].tolist() == values[:, np.newaxis].tolist()
    assert reader.times()[0].tolist() == [0, 1, 2, 3]
    assert reader.dtype == values.dtype
    opened = seriesview.open_series(uri, store)
    assert opened.values(0, 0, 4).tolist() == reader.samples()[0].tolist()
    assert opened.segments[0].min_value is None


def test_a_workspace(store, tmp_path):
    results = [
        built(store, saved(tmp_path, integers(2000, 3)), "probe", sampling_frequency=10),
        built(store, saved(tmp_path, np.arange(5.0), "spikes.npy"), "spikes", type="event"),
    ]
    views = [
        {
            "label": "Session",
            "page": 30,
            "times": "wall",
            "panels": [
                {
                    "type": "ContinuousTraces",
                    "series": "probe",
                    "label": "Probe",
                    "mode": "image",
                    "gains": {"EMG": 2},
                },
                {"type": "ProbabilityDensity", "series": "probe", "bin_centers": [1, 2, 4]},
                {"type": "RasterPlot", "series": "late"},
            ],
        }
    ]
    for configured in (views, []):
        missing = [("late", "no such file")]
        uri = build_workspace_result("demo", results, configured, missing, store)["uri"]
        check_by_schema(store.get_json(uri), "workspace")
        workspace = SecondWorkspace(store.directory, uri)
        assert workspace.label == "demo"
        assert workspace.missing == {"late": "no such file"}
        assert workspace.series["probe"].samples()[0].shape == (2000, 3)
        if configured:
            assert workspace.panels == [
                (
                    "Session",
                    "ContinuousTraces",
                    "Probe",
                    {"series": "probe", "mode": "image", "gains": {"EMG": 2}},
                ),
                ("Session", "ProbabilityDensity", "probe", {"series": "probe", "bin_centers": [1, 2, 4]}),
                ("Session", "RasterPlot", "late", {"series": "late"}),
            ]
        assert workspace.pages == ({"Session": 30} if configured else {"demo": None})
        assert workspace.times == ({"Session": "wall"} if configured else {"demo": "clock"})


def workspace_document(**changes):
    panel = {"type": "ContinuousTraces", "label": "Probe", "data": {"series": "probe"}}
    return {
        "format": WORKSPACE_FORMAT,
        "label": "demo",
        "series": [{"name": "probe", "uri": f"sha1://{'ab' * 20}/series.json"}],
        "views": [{"label": "Session", "panels": [panel | changes.pop("panel", {})]}],
    } | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "seriesview-workspace/99"},
        {"format": None},
        {"label": None},
        {"series": [{"name": "probe", "uri": "/etc/passwd"}]},
        {"series": [{"name": "", "uri": f"sha1://{'ab' * 20}/series.json"}]},
        {"views": [{"label": "Session"}]},
        {"missing": [{"name": "late"}]},
        {"panel": {"type": "Sound"}},
        {"panel": {"data": {}}},
        {"panel": {"data": {"series": "probe", "bin_centers": [1.0]}}},
        {"panel": {"type": "ProbabilityDensity", "data": {"series": "probe", "bin_centers": []}}},
    ],
)
def test_workspaces_that_are_refused_here_and_by_the_schema(changes):
    with pytest.raises(FormatError):
        workspace_manifest.parse_workspace_manifest(workspace_document(**changes))
    with pytest.raises(ValidationError):
        check_by_schema(workspace_document(**changes), "workspace")


def test_workspaces_with_more_keys_are_read():
    document = workspace_document(colour="red", panel={"height": 3})
    check_by_schema(document, "workspace")
    assert workspace_manifest.parse_workspace_manifest(
        document
    ) == workspace_manifest.parse_workspace_manifest(workspace_document())


def keys_of(*modules, without=()):
    classes = [
        cls
        for module in modules
        for cls in vars(module).values()
        if dataclasses.is_dataclass(cls) and cls.__module__.startswith("seriesview.")
    ]
    return sorted({field.name for cls in classes for field in dataclasses.fields(cls)} - {*without})


KEYS = [
    *(("series", key) for key in keys_of(array_info, links, manifest, without=("array", "source"))),
    *(("workspace", key) for key in keys_of(workspace_manifest)),
    *(("workspace", name) for name in PANEL_TYPES),
    *(("workspace", key) for panel_type in PANEL_TYPES.values() for key in panel_type.data_keys),
]


@pytest.mark.parametrize(("kind", "key"), KEYS)
def test_every_key_is_described_and_in_the_schema(kind, key):
    assert re.search(rf"`{key}`|[{{ ]{key}\b(?=[,}}])", FORMAT), f"docs/format.md does not describe {key}"
    assert f'"{key}"' in (SCHEMAS / f"{kind}.schema.json").read_text()


@pytest.mark.parametrize("panel_type", PANEL_TYPES)
def test_panels_draw_the_types_of_series_that_the_page_says(panel_type):
    row = re.search(rf"^\| `{panel_type}` \| (.*?) \|", FORMAT, re.MULTILINE).group(1)
    assert tuple(re.findall("`(.*?)`", row)) == PANEL_TYPES[panel_type].series_types


def stored_manifests(store, tmp_path):
    segments = [integers(n, 2) for n in (150, 77)]
    yield store_series(store, segments, samples="link", link_path=tmp_path / "linked.dat")
    yield store_series(store, segments, samples="omit")
    document = store.get_json(store_series(store, [segments[1]], samples="omit"))
    pieces = [{"num_samples": 70, "link": in_records()}, {"num_samples": 7, "link": ROWS}]
    for values in ({"link": in_records()}, {"files": pieces}):
        whole = manifest.parse_series_manifest(document | {"values": values})
        yield store.put_json(whole.to_json_dict())
    yield store_series(store, [segments[0]], timestamps=[np.arange(150.0)])
    yield store_events(store, [1.0, 2.0], [0, 0], 1)


@pytest.mark.parametrize(
    ("kind", "generated"), [("series", series_schema_text), ("workspace", workspace_schema_text)]
)
def test_the_schemas_are_the_generated_ones(kind, generated):
    assert (SCHEMAS / f"{kind}.schema.json").read_text() == generated(), "make generate renews it"


@pytest.mark.parametrize("kind", ["series", "workspace"])
def test_the_schemas_are_schemas(kind):
    Draft202012Validator.check_schema(json.loads((SCHEMAS / f"{kind}.schema.json").read_text()))


ROWS = {"uri": "sha1://" + "ab" * 20 + "/a.dat", "offset": 0, "row_stride": 4}
IN_CHUNKS = {"uri": "sha1://" + "ab" * 20 + "/a.h5", "chunk_shape": [1, 1], "filters": []}


def in_records(**more):
    records = {"stride": 40, "samples": 10, "channel_offsets": [0, 20]} | more
    return {"uri": "sha1://" + "ab" * 20 + "/a.edf", "offset": 256, "records": records}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"link": in_records(channel_offsets=[0])}, "offsets of 1 channels in a record, expected 2"),
        ({"link": in_records(stride=1 << 62)}, "behind the end of any file"),
        ({"files": [{"num_samples": 49, "link": ROWS}]}, "49 samples in its files, expected 50"),
        (
            {
                "files": [
                    {"num_samples": 40, "link": ROWS},
                    {"num_samples": 10, "link": ROWS | {"offset": 1 << 62}},
                ]
            },
            r"values: files\[1\]: its samples lie behind",
        ),
    ],
)
def test_links_that_do_not_go_with_their_series_are_refused(store, values, message):
    document = store.get_json(store_series(store, [integers(50, 2)])) | {"values": values}
    with pytest.raises(FormatError, match=message):
        manifest.parse_series_manifest(document)


def test_manifests_follow_the_schema_and_come_back_the_same(store, tmp_path):
    for uri in stored_manifests(store, tmp_path):
        document = store.get_json(uri)
        check_by_schema(document)
        assert manifest.parse_series_manifest(document).to_json_dict() == document
        text = Path(Storage(store.directory).path(uri)).read_text()
        assert text == json.dumps(document, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha1(text.encode()).hexdigest() == uri[7:47]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "seriesview-series/99"}, "not known here"),
        ({"type": "sound"}, r"series manifest\.type"),
        ({"dtype": "complex64"}, "complex64"),
        ({"sampling_frequency": 0}, r"sampling_frequency: expected a number above 0"),
        ({"channels": [{"label": "a"}]}, r"channels\[0\]: id is missing"),
        ({"channels": "two"}, "expected a list"),
        ({"segments": [{"start_time": 0, "end_time": 1}]}, r"segments\[0\]: num_samples is missing"),
        ({"values": {"link": {"uri": "/etc/passwd", "offset": 0, "row_stride": 4}}}, "sha1://"),
        (
            {"timestamps": {"dtype": "int8", "shape": [1], "part_rows": 1, "pack_parts": 1, "pages": []}},
            "int8",
        ),
        ({"levels": [{"factor": 1}]}, r"levels\[0\]\.factor"),
        ({"options": [1]}, "expected an object"),
        (
            {"values": {"pieces": [{"uri": "sha1://" + "ab" * 20 + "/a.dat"}]}},
            r"form that is not known here \(pieces\)",
        ),
        ({"values": {"files": []}}, r"values"),
        ({"values": {"files": [{"link": ROWS}]}}, r"num_samples is missing"),
        ({"values": {"files": [{"num_samples": 50, "link": ROWS | {"row_stride": 0}}]}}, r"row_stride"),
        ({"values": {"files": [{"num_samples": 50, "link": IN_CHUNKS}]}}, "chunks in one of several files"),
        ({"values": {"link": {"uri": "sha1://" + "ab" * 20 + "/a.edf", "records": {}}}}, r"values\.link"),
        ({"channels": [{"id": "a", "bad": "yes"}, {"id": "b"}]}, "true or false"),
        ({"label": None}, r"label: expected a text"),
    ],
)
def test_manifests_that_are_refused_here_and_by_the_schema(store, change, message):
    document = store.get_json(store_series(store, [integers(50, 2)])) | change
    with pytest.raises(FormatError, match=message) as caught:
        manifest.parse_series_manifest(document)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValidationError):
        check_by_schema(document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "sums"}, "'sums' is not known"),
        ({"pack_parts": None}, "made before there were packs"),
        ({"pack_parts": 0}, "pack_parts"),
        ({"pack_parts": 65}, "pack_parts: expected an integer from 1 to 64"),
        ({"pages": []}, "pages"),
    ],
)
@pytest.mark.parametrize("array", ["values", "levels"])
def test_arrays_that_are_refused(store, array, change, message):
    document = store.get_json(store_series(store, [integers(50, 2)]))
    held = document["values"] if array == "values" else document["levels"][0]
    held |= change
    with pytest.raises(FormatError, match=message):
        manifest.parse_series_manifest(document)
    if change != {"pages": []}:
        with pytest.raises(ValidationError):
            check_by_schema(document)


def test_what_is_known_of_channels_goes_through(store):
    document = store.get_json(store_series(store, [integers(50, 2)]))
    document["channels"] = [{"id": "a", "label": "C3", "type": "EEG", "bad": True}, {"id": "b", "label": "b"}]
    check_by_schema(document)
    parsed = manifest.parse_series_manifest(document)
    assert [(channel.type, channel.bad) for channel in parsed.channels] == [("EEG", True), (None, False)]
    assert parsed.to_json_dict() == document
    document["channels"][1]["bad"] = False
    assert manifest.parse_series_manifest(document) == parsed


def test_events_lie_on_the_trace_of_that_id_or_else_of_that_label(store):
    events = store.get_json(store_events(store, np.arange(4.0), np.arange(4, dtype=np.uint32), 4))
    for channel, best in zip(events["channels"], ["b", "a", "gone", None], strict=True):
        channel |= {} if best is None else {"best_channel": best}
    check_by_schema(events)
    parsed = manifest.parse_series_manifest(events)
    assert parsed.to_json_dict() == events
    samples = store.get_json(store_series(store, [integers(50, 3)]))
    samples["channels"] = [{"id": "x", "label": "b"}, {"id": "b", "label": "y"}, {"id": "z", "label": "a"}]
    readers = [
        SecondReader(store.directory, store.put_json(each, name="series.json")) for each in (events, samples)
    ]
    assert readers[0].traces_of_events(readers[1]) == [1, 2, None, None]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channels": [{"id": "a"}, {"id": "a"}]}, "same id"),
        ({"segments": []}, "rows for 0 samples"),
    ],
)
def test_contradictions_that_no_schema_sees(store, change, message):
    document = store.get_json(store_series(store, [integers(50, 2)])) | change
    with pytest.raises(FormatError, match=message):
        manifest.parse_series_manifest(document)


def test_more_keys_are_ignored_and_missing_ones_are_their_defaults(store):
    document = store.get_json(store_series(store, [integers(50, 2)]))
    expected = manifest.parse_series_manifest(document)
    assert manifest.parse_series_manifest(document | {"colour": "red"}) == expected
    defaults = {
        "label",
        "unit",
        "scale",
        "offset",
        "session_start",
        "options",
        "timestamps",
        "counts",
        "format",
    }
    short = {key: value for key, value in document.items() if key not in defaults}
    assert manifest.parse_series_manifest(short) == expected
    nulls = dict.fromkeys(("events", "intervals", "session_start", "timestamps"))
    channels = [channel | dict.fromkeys(("unit", "scale", "x")) for channel in document["channels"]]
    check_by_schema(short | nulls | {"channels": channels})
    assert manifest.parse_series_manifest(short | nulls | {"channels": channels}) == expected
