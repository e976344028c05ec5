"""`seriesview plot` writes the picture that it was asked for."""

import io
import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from seriesview.cli.plot import command
from seriesview.errors import SeriesviewError
from seriesview.series.arrays import ArrayWriter
from seriesview.series.manifest import ChannelInfo, SegmentInfo, SeriesManifest
from seriesview.store import open_store


@pytest.fixture
def stored(tmp_path, monkeypatch):
    monkeypatch.delenv("KACHERY_STORAGE_DIR", raising=False)
    store = open_store(tmp_path / "storage", "embedded")
    samples = np.arange(2000, dtype=np.int16).reshape(1000, 2)
    with ArrayWriter(store, samples.dtype, (2,)) as writer:
        writer.append(samples)
        values = writer.finish()
    manifest = SeriesManifest(
        type="continuous",
        dtype="int16",
        channels=(ChannelInfo("a", "a"), ChannelInfo("b", "b")),
        segments=(SegmentInfo(0.0, 10.0, 1000),),
        sampling_frequency=100.0,
        values=values,
    )
    return store.put_json(manifest.to_json_dict(), "series.json")


def run(tmp_path, *arguments):
    storage = ["--storage-dir", str(tmp_path / "storage")]
    return CliRunner().invoke(command, [*map(str, arguments), *storage], catch_exceptions=False)


def test_a_picture_of_a_stretch(tmp_path, stored):
    out = tmp_path / "my picture.png"
    result = run(
        tmp_path,
        stored,
        "--start",
        2,
        "--end",
        4.5,
        "--channels",
        "b",
        "--width",
        640,
        "--height",
        300,
        "--out",
        out,
        "--json",
    )
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["uri"], report["out"], report["width"]) == (stored, str(out), 640)
    assert Image.open(io.BytesIO(out.read_bytes())).size == (640, 300)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["my picture.png", "storage"]


def test_a_series_may_be_a_result_of_the_pipeline(tmp_path, stored):
    (tmp_path / "probe.json").write_text(json.dumps({"uri": stored}))
    result = run(tmp_path, tmp_path / "probe.json", "--out", tmp_path / "x.png")
    assert result.exit_code == 0
    assert "1280 x 720" in result.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--start", "50", "--end", "60"], "the series goes from 0 s to 10 s"),
        (["--channels", "z"], "no channel 'z'"),
        (["--width", "1"], "cannot be drawn"),
    ],
)
def test_what_the_series_does_not_have_is_an_error(tmp_path, stored, arguments, reason):
    with pytest.raises(SeriesviewError, match=reason):
        run(tmp_path, stored, "--out", tmp_path / "x.png", *arguments)
    assert not (tmp_path / "x.png").exists()


def test_a_directory_that_is_not_there_is_an_error(tmp_path, stored):
    with pytest.raises(SeriesviewError, match="cannot be written"):
        run(tmp_path, stored, "--out", tmp_path / "nowhere" / "x.png")
