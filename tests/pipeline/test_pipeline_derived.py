"""Series that are made of others by steps: what they are of the whole, however they are built and read."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner
from scipy.signal import butter, sosfiltfilt, welch
from second_reader import SecondReader

import seriesview
from seriesview.build import derived
from seriesview.build.opening import opened_recording
from seriesview.cli.build_dataset import command as build_dataset
from seriesview.errors import ConfigError, SeriesviewError
from seriesview.pipeline.configured import Configured
from seriesview.pipeline.steps import Step
from seriesview.store import open_store

RATE, CHANNELS = 2000.0, 5
BAND = [{"bandpass": [20, 300]}, {"reference": "median"}]
Samples = npt.NDArray[np.int16]


@pytest.fixture
def samples(here: Path) -> Samples:
    """Two stretches of noise on a slow drift, a gap of ten seconds between them, in a file with their times."""
    random = np.random.default_rng(3)
    found = random.normal(0, 60, (50_000, CHANNELS)).cumsum(0) / 20 + random.normal(0, 90, (50_000, CHANNELS))
    times = np.arange(50_000) / RATE
    times[31_234:] += 10.0
    np.savez(here / "raw.npz", samples=found.astype(np.int16), times=times)
    return found.astype(np.int16)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of which there are some, in recordings of seconds."""
    monkeypatch.setattr(seriesview.steps.plan, "_LEAST_BLOCK", 4096)
    monkeypatch.setattr(seriesview.steps.plan, "_USUAL_SAMPLES", 4096)


def config(**datasets: Any) -> dict[str, Any]:
    raw = {"path": "raw.npz", "dataset": "samples", "timestamps": "times", "unit": "uV", "scale": 0.5}
    return {"datasets": {"raw": {**raw, "channel_types": ["EEG"] * CHANNELS}, **datasets}}


def whole(samples: Samples, *, without: tuple[int, ...] = ()) -> list[npt.NDArray[np.int16]]:
    """What the steps make of each stretch as a whole."""
    sections = butter(5, [20, 300], "bandpass", fs=RATE, output="sos")
    kept = [channel for channel in range(CHANNELS) if channel not in without]
    found = []
    for stretch in (samples[:31_234], samples[31_234:]):
        filtered = sosfiltfilt(sections, stretch.astype(float), axis=0)
        filtered -= np.median(filtered[:, kept], axis=1, keepdims=True)
        found.append(np.rint(filtered).astype(np.int16))
    return found


def test_windows_at_any_zoom_are_those_of_the_whole_filtered_at_once(samples: Samples) -> None:
    built = seriesview.build_workspace(
        config(
            band={"from": "raw", "steps": BAND},
            stored={"from": "raw", "steps": BAND, "full_resolution": "store"},
            levels={"from": "raw", "steps": BAND, "full_resolution": "omit"},
        ),
        store="store",
    )
    expected = whole(samples)
    series = {name: each.open() for name, each in built.series.items()}
    band = series["band"]
    manifest = band.manifest
    assert manifest.to_json_dict()["values"] == {"compute": "steps"}
    assert manifest.source is not None
    assert manifest.source.uri == built.series["raw"].uri
    assert manifest.steps is not None
    assert [dict(step) for step in manifest.steps][1] == {"reference": "median"}
    assert (manifest.unit, manifest.scale, manifest.channels[0].scale) == ("uV", 0.5, None)
    assert [segment.start_time for segment in band.segments] == [0.0, 31_234 / RATE + 10]
    assert manifest.block_samples is not None
    assert manifest.block_samples < 31_234
    random = np.random.default_rng(4)
    for segment, rows in enumerate(expected):
        for name in ("band", "stored"):
            found = series[name].values(segment, 0, len(rows)).astype(int)
            assert np.abs(found - rows).max() <= 1
            # At ties alone.
            assert np.mean(found != rows) < 1e-4
        computed = band.values(segment, 0, len(rows))
        assert np.array_equal(computed, series["stored"].values(segment, 0, len(rows)))
        for _ in range(12):
            zoom = int(random.choice([2, 3, 7, 16, 50, 64, 640, 4096]))
            first = int(random.integers(len(rows) - 1))
            window = band.window(segment, first, zoom, 40)
            for column, (low, high) in enumerate(window):
                hull = computed[first + column * zoom : first + (column + 1) * zoom + 1]
                assert np.array_equal(low, hull.min(0))
                assert np.array_equal(high, hull.max(0))
        statistics = band.statistics(segment, 100, 9000)
        assert np.allclose(statistics["mean"], computed[100:9001].mean(0))
    assert not series["levels"].has_samples
    assert band.manifest.levels == series["stored"].manifest.levels == series["levels"].manifest.levels
    # A reader that knows of no filters has the levels.
    second = SecondReader("store", built.series["band"].uri)
    assert second.samples() is None
    assert second.source == built.series["raw"].uri
    assert np.array_equal(second.level(16)[0], SecondReader("store", built.series["stored"].uri).level(16)[0])


def test_however_it_is_built_the_series_is_the_same(
    samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = config(band={"from": "raw", "steps": BAND}, slow={"from": "band", "steps": [{"resample": 250}]})
    expected = seriesview.build_workspace(content, store="store", cores=4)
    uris = {name: each.uri for name, each in expected.series.items()}
    monkeypatch.setenv("XDG_STATE_HOME", "elsewhere")
    alone = seriesview.build_workspace(content, store="other", cores=1)
    assert {name: each.uri for name, each in alone.series.items()} == uris
    # In shares, each read by itself, and without what it is made of having been built.
    monkeypatch.setenv("XDG_STATE_HOME", "again")
    with open_store("shards") as store:
        (dataset,) = (each for each in Configured.of(content).datasets if each.name == "slow")
        files = [Path(f"{index}.json") for index in range(3)]
        for index, path in enumerate(files):
            Step(True, None, (index, 3), ledger=Path("notes")).run(dataset, store, path)
        Step(False, None, None, files, Path("notes")).run(dataset, store, Path("slow.json"))
    assert json.loads(Path("slow.json").read_text())["uri"] == uris["slow"]


KILLED = """
import os, signal, sys
import seriesview, seriesview.steps.plan as plan
plan._LEAST_BLOCK = plan._USUAL_SAMPLES = 4096
from seriesview.build.ledger import Ledger
add = Ledger.add
def add_and_die(self, *words):
    add(self, *words)
    os.kill(os.getpid(), signal.SIGKILL)
Ledger.add = add_and_die
seriesview.build_workspace("config.yaml", results="results", store="store")
"""


def test_a_build_that_was_killed_goes_on(here: Path) -> None:
    # Some packs of the finest level.
    random = np.random.default_rng(5)
    random.normal(0, 300, (2_000_000, 6)).astype(np.int16).tofile("long.dat")
    raw = {"path": "long.dat", "dtype": "int16", "channels": 6, "sampling_frequency": 30000}
    entries = {"raw": raw, "band": {"from": "raw", "steps": [{"highpass": 300}], "full_resolution": "store"}}
    seriesview.build_workspace({"datasets": {"raw": raw}}, results="results", store="store")
    Path("config.yaml").write_text(json.dumps({"datasets": entries}))
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, env=os.environ)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert len(Path("results/ledger/band.jsonl").read_text().splitlines()) > 1
    built = seriesview.build_workspace("config.yaml", results="results", store="store")
    fresh = seriesview.build_workspace("config.yaml", results="fresh", store="other")
    assert built.series["band"].uri == fresh.series["band"].uri


def test_what_changed_alone_is_built_again(samples: Samples, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[tuple[int, int]] = []
    compute = derived.DerivedRecording._compute
    monkeypatch.setattr(
        derived.DerivedRecording,
        "_compute",
        lambda self, *which: computed.append(which) or compute(self, *which),
    )

    def built(**changes: Any) -> dict[str, str]:
        computed.clear()
        content = config(
            band={
                "from": "raw",
                "steps": changes.pop("steps", BAND),
                "label": changes.pop("of_band", "Band"),
            },
            abs={"from": "raw", "steps": [{"absolute": True}]},
        )
        content["datasets"]["raw"] |= changes
        found = seriesview.build_workspace(content, store="store", results="results")
        return {name: each.uri for name, each in found.series.items()}

    first = built()
    assert computed
    assert built() == first
    # Words of its own, or of what it is made of.
    named = built(of_band="Spikes", label="Raw")
    assert not computed
    assert all(named[name] != first[name] for name in first)
    assert seriesview.open_series(named["abs"], "store").manifest.source.label == "Raw"
    assert built() == first
    assert not computed
    steps = built(steps=[{"highpass": 50}])
    assert computed
    assert (steps["raw"], steps["abs"]) == (first["raw"], first["abs"])
    assert steps["band"] != first["band"]
    bad = built(bad_channels=["1"])
    assert len(computed)
    assert bad["band"] != first["band"]
    band = seriesview.open_series(bad["band"], "store")
    assert band.manifest.left_out_channels == ("1",)
    rows = whole(samples, without=(1,))[0]
    assert np.abs(band.values(0, 0, len(rows)).astype(int) - rows).max() <= 1


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([{"bandpass": [300, 6000]}], "steps[0]"),
        ([{"montage": [["0", "nowhere"]]}], "nowhere"),
        ([{"phase_shift": True}], "phase_shift"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(
    samples: Samples, steps: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = config(band={"from": "raw", "steps": steps})
    with pytest.raises(ConfigError) as raised:
        seriesview.build_workspace(content, store="store", results="results")
    (problem,) = raised.value.problems
    assert problem.startswith("dataset band: ")
    assert said in problem
    assert not list(Path("results").rglob("artifacts/*"))


def test_what_has_no_signal_has_no_steps(here: Path, spikes: dict[str, Any]) -> None:
    np.savez("odd.npz", samples=np.zeros((9, 1)), times=np.array([0, 1, 5, 6, 9, 11, 12, 30, 31.0]))
    odd = {"path": "odd.npz", "dataset": "samples", "timestamps": "times", "max_gap_seconds": 100}
    steps = [{"absolute": True}]
    entries = {
        "odd": odd,
        "spikes": spikes,
        "a": {"from": "odd", "steps": steps},
        "b": {"from": "spikes", "steps": steps},
    }
    with pytest.raises(ConfigError) as raised:
        seriesview.build_workspace({"datasets": entries}, store="store")
    assert raised.value.problems == [
        "dataset a: from: odd: its samples are not at equal distances, and steps take a rate",
        "dataset b: from: spikes: a series of type event has no signal that steps could take",
    ]


def test_samples_are_stored_where_computing_them_takes_long(samples: Samples) -> None:
    built = seriesview.build_workspace(
        config(
            slow={"from": "raw", "steps": [{"highpass": 0.01}]},
            few={"from": "raw", "steps": [{"resample": 100}]},
            on_few={"from": "few", "steps": [{"lowpass": 30}]},
        ),
        store="store",
    )
    kept = {name: type(each.open().manifest.values).__name__ for name, each in built.series.items()}
    assert kept == {
        "raw": "ContiguousLink",
        "slow": "ArrayInfo",
        "few": "ArrayInfo",
        "on_few": "ComputedValues",
    }
    few, on_few = (built.series[name].open() for name in ("few", "on_few"))
    assert [each.num_samples for each in few.segments] == [each.num_samples for each in on_few.segments]
    sections = butter(5, 30, "lowpass", fs=100, output="sos")
    for segment in range(2):
        rows = few.values(segment, 0, few.segments[segment].num_samples)
        expected = sosfiltfilt(sections, rows.astype(float), axis=0)
        assert np.abs(on_few.values(segment, 0, len(rows)) - expected).max() <= 0.51
    omitted = config(none={"from": "raw", "steps": [{"absolute": True}], "full_resolution": "compute"})
    omitted["datasets"]["raw"]["full_resolution"] = "omit"
    with pytest.raises(
        SeriesviewError, match="full_resolution: compute: the samples of what it is made of are left"
    ):
        seriesview.build_workspace(omitted, store="store")


def test_missing_samples_stay_missing_and_spoil_no_others(here: Path) -> None:
    rows = np.random.default_rng(6).normal(0, 200, (20_000, 2)).astype(np.int16)
    whole_rows = rows.astype(float)
    rows[7000:7004, 0] = rows[9000:12_000, 0] = -32768
    np.save("raw.npy", rows)
    raw = {"path": "raw.npy", "sampling_frequency": 2000, "missing": -32768}
    entries = {"raw": raw, "high": {"from": "raw", "steps": [{"highpass": 50}]}}
    built = seriesview.build_workspace({"datasets": entries}, store="store")
    high = built.series["high"].open()
    found = high.to_physical(high.values(0, 0, 20_000))
    assert np.array_equal(np.isnan(found[:, 0]), rows[:, 0] == -32768)
    sections = butter(5, 50, "highpass", fs=2000, output="sos")
    assert np.abs(found[:, 1] - sosfiltfilt(sections, whole_rows[:, 1])).max() <= 0.51
    after = sosfiltfilt(sections, whole_rows[12_000:, 0])
    assert np.abs(found[12_000:, 0] - after).max() <= 0.51
    assert np.isnan(high.to_physical(high.window(0, 9600, 64, 4))[..., 0]).all()


@pytest.mark.parametrize("full_resolution", ["compute", "store"])
def test_a_recording_that_was_moved_is_filtered_no_more_and_one_that_grew_is(
    here: Path, full_resolution: str
) -> None:
    def build(path: str, results: str = "results") -> tuple[str, int]:
        raw = {"path": path, "dtype": "int16", "channels": CHANNELS, "sampling_frequency": RATE}
        band = {"from": "raw", "steps": BAND, "full_resolution": full_resolution}
        seriesview.build_workspace({"datasets": {"raw": raw, "band": band}}, store="store", results=results)
        made = json.loads(Path(results, "series", "band.json").read_text())
        return made["uri"], made["timing"]["bytes_reduced"]

    values = np.random.default_rng(4).normal(0, 90, (20_000, CHANNELS)).astype(np.int16)
    values.tofile("raw.dat")
    first, num_bytes = build("raw.dat")
    assert num_bytes == values.nbytes
    Path("mount").mkdir()
    Path("raw.dat").rename("mount/raw.dat")
    assert build("mount/raw.dat") == (first, 0)
    with Path("mount/raw.dat").open("ab") as file:
        values[:3000].tofile(file)
    grown, num_bytes = build("mount/raw.dat")
    assert num_bytes == values.nbytes + 3000 * 2 * CHANNELS
    Path("mount/raw.dat").rename("raw.dat")
    shutil.rmtree("store")
    assert build("raw.dat", "other results") == (grown, num_bytes)


def test_blocks_of_what_something_is_made_of_are_computed_once(
    samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[tuple[int, tuple[int, int]]] = []
    compute = derived.DerivedRecording._compute

    def counted(self: derived.DerivedRecording, *which: int) -> Any:
        computed.append((id(self), which))
        return compute(self, *which)

    monkeypatch.setattr(derived.DerivedRecording, "_compute", counted)
    made = {f"d{number}": {"from": f"d{number - 1}", "steps": BAND[:1]} for number in range(2, 5)}
    raw = config()["datasets"]["raw"]
    content = Configured.of({"datasets": {"raw": raw, "d1": {"from": "raw", "steps": BAND[:1]}, **made}})
    with open_store("store") as store, opened_recording(content.datasets[-1], store) as recording:
        rows = np.empty((2000, CHANNELS), recording.dtype)
        for first in range(0, 50_000, 2000):
            recording.read_into(first, rows)
    assert len(computed) < 1.5 * len(set(computed))


def test_a_header_that_was_put_right_has_what_is_made_of_the_samples_made_again(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(9).normal(0, 90, (9000, 2)).astype("<i2")
    values.T.tofile("a.eeg")
    header = "\n".join(
        [
            "Brain Vision Data Exchange Header File Version 1.0",
            "[Common Infos]",
            "DataFile=a.eeg",
            "DataFormat=BINARY",
            "DataOrientation=MULTIPLEXED",
            "NumberOfChannels=2",
            "SamplingInterval=500",
            "[Binary Infos]",
            "BinaryFormat=INT_16",
            "[Channel Infos]",
            "Ch1=Fp1,,0.5,uV",
            "Ch2=Fp2,,0.5,uV",
        ]
    )
    high = {"from": "eeg", "steps": [{"highpass": 100}]}
    content = {"datasets": {"eeg": {"path": "a.vhdr"}, "high": high, "of_high": {**high, "from": "high"}}}
    Path("a.vhdr").write_text(header)
    seriesview.build_workspace(content, store="store", results="results")
    Path("a.vhdr").write_text(header.replace("MULTIPLEXED", "VECTORIZED"))
    again = seriesview.build_workspace(content, store="store", results="results").series
    monkeypatch.setenv("XDG_STATE_HOME", "elsewhere")
    fresh = seriesview.build_workspace(content, store="other").series
    assert {name: each.uri for name, each in again.items()} == {
        name: each.uri for name, each in fresh.items()
    }


def test_a_recording_that_grew_by_less_than_a_sample_of_another_rate_is_resampled_again(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(9).normal(0, 90, (20_010, 2)).astype(np.int16)
    raw = {"path": "raw.dat", "dtype": "int16", "channels": 2, "sampling_frequency": 2000}
    content = {"datasets": {"raw": raw, "few": {"from": "raw", "steps": [{"resample": 100}]}}}
    values[:20_003].tofile("raw.dat")
    seriesview.build_workspace(content, store="store", results="results")
    values.tofile("raw.dat")
    grown = seriesview.build_workspace(content, store="store", results="results").series["few"]
    monkeypatch.setenv("XDG_STATE_HOME", "elsewhere")
    fresh = seriesview.build_workspace(content, store="other").series["few"]
    assert (grown.uri, grown.open().manifest.num_samples) == (fresh.uri, 1001)


def test_a_spectrogram_is_of_what_the_steps_make(samples: Samples) -> None:
    spectrum = {"window": 1.0, "step": 0.25, "range": [5, 80]}
    built = seriesview.build_workspace(
        config(
            low={"from": "raw", "steps": [{"resample": 500}]},
            of_low={"from": "low", "spectrogram": spectrum | {"channel": "2"}},
            at_once={"from": "raw", "steps": [{"resample": 500}], "spectrogram": spectrum | {"channel": "2"}},
            all={"from": "raw", "spectrogram": spectrum},
        ),
        store="store",
    )
    low, of_low, at_once, of_all = (built.series[name].open() for name in ("low", "of_low", "at_once", "all"))
    manifest = at_once.manifest
    assert manifest.has_means
    assert manifest.unit == "uV^2/Hz"
    assert manifest.sampling_frequency == 4.0
    assert [segment.start_time for segment in manifest.segments] == [0.375, 31_234 / RATE + 10.375]
    assert manifest.spectrogram is not None
    assert manifest.spectrogram["frequencies"] == [float(each) for each in range(5, 81)]
    for segment in range(2):
        rows = low.to_physical(low.values(segment, 0, low.segments[segment].num_samples))[:, 2]
        count = manifest.segments[segment].num_samples
        assert count == (len(rows) - 500) // 125 + 1
        expected = [welch(rows[j * 125 : j * 125 + 500], 500, "hann", nperseg=500)[1] for j in range(count)]
        found = of_low.values(segment, 0, count)
        assert np.allclose(found, np.array(expected)[:, 5:81], rtol=1e-4)
        # Rounded between the steps, or not.
        assert np.allclose(at_once.values(segment, 0, count), found, rtol=0.05, atol=0.05)
    mean = np.mean(of_all.values(0, 0, 32), axis=0)
    assert np.allclose(of_all.window(0, 0, 32, 1)[0, 0], mean, rtol=1e-5)
    # Drawn as what it is, where nothing else is said.
    (view,) = built.open().manifest.views
    assert [panel.type for panel in view.panels][1:] == ["ContinuousTraces", *["ProbabilityDensity"] * 3]


def test_a_job_of_its_own_and_a_session_build_it_too(samples: Samples) -> None:
    content = config(band={"from": "raw", "steps": BAND})
    expected = seriesview.build_workspace(content, store="store").series["band"].uri
    Path("config.yaml").write_text(json.dumps({**content, "store": {"storage_dir": "other"}}))
    words = ["--entries", "config.yaml", "--name", "band", "--out", "band.json"]
    done = CliRunner().invoke(build_dataset, words, catch_exceptions=False, standalone_mode=False)
    assert done.exit_code == 0, done.output
    assert json.loads(Path("band.json").read_text())["uri"] == expected
    entries = {
        "raw": {**content["datasets"]["raw"], "path": "{name}.npz"},
        "band": content["datasets"]["band"],
    }
    sessions = {"path": "{name}.npz", "datasets": entries}
    built = seriesview.build_sessions(
        {"sessions": sessions}, results="lab", store="store", progress=lambda _: None
    )
    manifest = built.open("raw").manifest
    assert [each.uri for each in manifest.series if each.name == "band"] == [expected]
