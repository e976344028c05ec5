"""MiniSEED, SAC and GSE2: samples, times, gaps and names as ObsPy reads them."""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pymseed
import pytest
from large_recordings import PEAK
from mutations import check_survives
from read_recordings import opened
from shared_recordings import shared_recordings

import seriesview
from seriesview.errors import ReaderError
from seriesview.layout.layouts import ContiguousLayout
from seriesview.readers.protocol import Reader, Recording
from seriesview.readers.registry import guess_reader, list_candidates
from seriesview.readers.seismic.gse2 import Gse2Reader
from seriesview.readers.seismic.miniseed import MiniSeedReader
from seriesview.readers.seismic.sac import SacReader

START = obspy.UTCDateTime(2024, 3, 14, 8, 30, 15, 250000)


def trace(
    values: Any, channel: str = "BHZ", rate: float = 100.0, start: obspy.UTCDateTime = START
) -> obspy.Trace:
    header = {"network": "IU", "station": "ANMO", "location": "00", "channel": channel, "sampling_rate": rate}
    return obspy.Trace(np.asarray(values), {**header, "starttime": start})


def walk(count: int, seed: int = 0) -> Any:
    return np.cumsum(np.random.default_rng(seed).integers(-50, 50, count)).astype(np.int32)


def stored(recording: Recording) -> Any:
    out = np.empty((recording.num_samples, recording.num_channels), recording.dtype)
    third = len(out) // 3
    recording.read_into(third, out[third:])
    recording.read_into(0, out[:third])
    return out


def moments(recording: Recording) -> list[float]:
    """Seconds since 1970 of the first sample of each segment."""
    assert recording.session_start is not None
    zero = obspy.UTCDateTime(recording.session_start).timestamp
    starts = (
        [recording.start_time]
        if recording.segments is None
        else [each.start_time for each in recording.segments]
    )
    return [zero + each for each in starts]


def same_as_obspy(recording: Recording, stream: obspy.Stream) -> None:
    """One channel, whose traces are the segments."""
    traces = sorted(stream, key=lambda each: each.stats.starttime)
    np.testing.assert_array_equal(stored(recording)[:, 0], np.concatenate([each.data for each in traces]))
    assert moments(recording) == pytest.approx([each.stats.starttime.timestamp for each in traces], abs=1e-6)
    assert recording.sampling_frequency == pytest.approx(traces[0].stats.sampling_rate)
    assert recording.channels[0].label == traces[0].id
    assert recording.dtype == traces[0].data.dtype


@pytest.mark.parametrize("path", shared_recordings("mseed"), ids=lambda path: path.name)
def test_miniseed_of_others_is_what_obspy_reads(path: Path) -> None:
    with opened(path) as recording:
        same_as_obspy(recording, obspy.read(path))


@pytest.mark.parametrize("encoding", ["STEIM1", "STEIM2", "INT32", "FLOAT32", "FLOAT64", "INT16"])
@pytest.mark.parametrize("order", [0, 1])
def test_every_encoding_in_either_byte_order(tmp_path: Path, encoding: str, order: int) -> None:
    kind = {"FLOAT32": np.float32, "FLOAT64": np.float64, "INT16": np.int16}.get(encoding, np.int32)
    values = np.random.default_rng(0).integers(-9000, 9000, 5000).astype(kind)
    obspy.Stream([trace(values)]).write(
        tmp_path / "a.mseed", format="MSEED", encoding=encoding, byteorder=order
    )
    with opened(tmp_path / "a.mseed") as recording:
        same_as_obspy(recording, obspy.read(tmp_path / "a.mseed"))


def test_gaps_are_segments_and_overlaps_are_shown_once_and_told(tmp_path: Path) -> None:
    values = walk(6000)
    pieces = [(0, values[:2000]), (4000, values[4000:5000]), (4500, values[4500:6000])]
    stream = obspy.Stream([trace(part, start=START + first / 100) for first, part in pieces])
    stream.write(tmp_path / "a.mseed", format="MSEED", reclen=512)
    with opened(tmp_path / "a.mseed") as recording:
        assert recording.segments is not None
        assert [(each.start_time, each.num_samples) for each in recording.segments] == [(0, 2000), (40, 2000)]
        np.testing.assert_array_equal(stored(recording)[:, 0], np.concatenate([values[:2000], values[4000:]]))
        assert any("overlap" in each.text for each in recording.decisions)


def test_records_in_any_order_are_put_in_order(tmp_path: Path) -> None:
    values = walk(6000)
    parts = [trace(values[first : first + 2000], start=START + first / 100) for first in (4000, 0, 2000)]
    (tmp_path / "a.mseed").write_bytes(b"".join(written(part) for part in parts))
    with opened(tmp_path / "a.mseed") as recording:
        assert recording.segments is None
        np.testing.assert_array_equal(stored(recording)[:, 0], values)


def written(part: obspy.Trace, **options: Any) -> bytes:
    buffer = io.BytesIO()
    obspy.Stream([part]).write(buffer, format="MSEED", **{"reclen": 512, **options})
    return buffer.getvalue()


def test_channels_that_were_recorded_together_are_one_series_and_others_are_not(tmp_path: Path) -> None:
    parts = [trace(walk(5000, seed), f"BH{letter}") for seed, letter in enumerate("ENZ")]
    parts += [trace(walk(50, 7), "LHZ", rate=1.0), trace(walk(4000, 8), "BDF")]
    obspy.Stream(parts).write(tmp_path / "a.mseed", format="MSEED", reclen=512)
    names = [each.dataset for each in list_candidates(tmp_path / "a.mseed")]
    assert sorted(names) == ["IU.ANMO.00.BDF", "IU.ANMO.00.BH[ENZ]", "IU.ANMO.00.LHZ"]
    with opened(tmp_path / "a.mseed", "IU.ANMO.00.BH[ENZ]") as recording:
        assert [each.label for each in recording.channels] == [
            "IU.ANMO.00.BHE",
            "IU.ANMO.00.BHN",
            "IU.ANMO.00.BHZ",
        ]
        np.testing.assert_array_equal(
            stored(recording), np.column_stack([walk(5000, seed) for seed in range(3)])
        )
    with opened(tmp_path / "a.mseed", "IU.ANMO.00.LHZ") as recording:
        assert recording.sampling_frequency == 1.0
    with pytest.raises(ReaderError, match="set `dataset:` to one of"):
        opened(tmp_path / "a.mseed")


def test_records_of_different_lengths_and_bytes_at_the_end(tmp_path: Path) -> None:
    values = walk(6000)
    first, second = trace(values[:3000]), trace(values[3000:], start=START + 30)
    content = written(first) + written(second, reclen=4096)
    (tmp_path / "a.mseed").write_bytes(content)
    with opened(tmp_path / "a.mseed") as recording:
        np.testing.assert_array_equal(stored(recording)[:, 0], values)
        assert recording.decisions == ()
    (tmp_path / "a.mseed").write_bytes(content + b"no record" * 100)
    with opened(tmp_path / "a.mseed") as recording:
        assert recording.num_samples == 6000
        assert any("no data records" in each.text for each in recording.decisions)
    (tmp_path / "a.mseed").write_bytes(content[:-1000])
    with opened(tmp_path / "a.mseed") as recording:
        count = recording.num_samples
        np.testing.assert_array_equal(stored(recording)[:, 0], values[:count])
        assert 3000 <= count < 6000


def test_headers_and_damage_between_records_are_passed_over(tmp_path: Path) -> None:
    values = walk(6000)
    first, second = trace(values[:3000]), trace(values[3000:], start=START + 30)
    head = b"000001V 010009402.3121970,001,00:00:00.0000~".ljust(4096)
    (tmp_path / "a.seed").write_bytes(head + written(first) + b"\0" * 512 + written(second))
    with opened(tmp_path / "a.seed") as recording:
        np.testing.assert_array_equal(stored(recording)[:, 0], values)
        assert any("4608 bytes" in each.text for each in recording.decisions)


def test_version_3_is_read(tmp_path: Path) -> None:
    values = walk(5000)
    traces = pymseed.MS3TraceList()
    traces.add_data("FDSN:IU_ANMO_00_B_H_Z", values, "i", 100.0, starttime_seconds=START.timestamp)
    traces.to_file(str(tmp_path / "a.mseed3"), format_version=3)
    assert guess_reader(tmp_path / "a.mseed3").name == "miniseed"
    with opened(tmp_path / "a.mseed3") as recording:
        np.testing.assert_array_equal(stored(recording)[:, 0], values)
        assert recording.channels[0].label == "IU.ANMO.00.BHZ"
        assert moments(recording) == pytest.approx([START.timestamp], abs=1e-6)


@pytest.mark.parametrize("path", shared_recordings("sac"), ids=lambda path: path.name)
def test_sac_of_others_is_what_obspy_reads(path: Path) -> None:
    with opened(path) as recording:
        (expected,) = obspy.read(path)
        np.testing.assert_array_equal(stored(recording)[:, 0], expected.data)
        assert recording.sampling_frequency == pytest.approx(expected.stats.sampling_rate)
        assert moments(recording) == pytest.approx([expected.stats.starttime.timestamp], abs=1e-5)
        assert recording.channels[0].label == expected.id


@pytest.mark.parametrize("order", ["<", ">"])
def test_sac_is_linked_in_either_byte_order(tmp_path: Path, order: str) -> None:
    values = np.random.default_rng(0).normal(size=3000).astype(np.float32)
    trace(values).write(str(tmp_path / "a.sac"), format="SAC", byteorder=order)
    with opened(tmp_path / "a.sac") as recording:
        (expected,) = obspy.read(tmp_path / "a.sac")
        np.testing.assert_array_equal(stored(recording)[:, 0], values)
        assert moments(recording) == pytest.approx([expected.stats.starttime.timestamp], abs=1e-5)
        assert isinstance(recording.layout, ContiguousLayout)
        assert recording.channels[0].label == "IU.ANMO.00.BHZ"
    content = (tmp_path / "a.sac").read_bytes()
    (tmp_path / "a.sac").write_bytes(content[:-400])
    with opened(tmp_path / "a.sac") as recording:
        np.testing.assert_array_equal(stored(recording)[:, 0], values[:-100])
        assert any("cut off" in each.text for each in recording.decisions)


@pytest.mark.parametrize("count", [1, 7, 5000])
def test_gse2_is_what_obspy_reads(tmp_path: Path, count: int) -> None:
    values = np.random.default_rng(0).integers(-3000, 3000, count).astype(np.int32)
    obspy.Stream([trace(values), trace(walk(300), "BHN")]).write(str(tmp_path / "a.gse"), format="GSE2")
    names = [each.dataset for each in list_candidates(tmp_path / "a.gse")]
    assert names == ["ANMO.BHZ", "ANMO.BHN"]
    for name, expected in zip(names, obspy.read(tmp_path / "a.gse"), strict=True):
        with opened(tmp_path / "a.gse", name) as recording:
            np.testing.assert_array_equal(stored(recording)[:, 0], expected.data)
            assert recording.sampling_frequency == pytest.approx(expected.stats.sampling_rate)
            assert moments(recording) == pytest.approx([expected.stats.starttime.timestamp], abs=1e-3)


def test_gse2_of_numbers(tmp_path: Path) -> None:
    head = "WID2 2024/03/14 08:30:15.250 ANMO  BHZ      INT        6  100.000000   1.50e-01   1.000 STS-2   -1.0  0.0"
    (tmp_path / "a.gse").write_text(f"{head}\nSTA2\nDAT2\n1 2 -3\n4 5 6\nCHK2       15\n")
    with opened(tmp_path / "a.gse") as recording:
        assert stored(recording)[:, 0].tolist() == [1, 2, -3, 4, 5, 6]
        assert any("0.15 nm a count" in each.text for each in recording.decisions)


def test_a_number_of_more_than_32_bits_is_no_sample_of_gse2(tmp_path: Path) -> None:
    head = "WID2 2024/03/14 08:30:15.250 ANMO  BHZ      INT        2  100.000000   1.50e-01   1.000 STS-2   -1.0  0.0"
    (tmp_path / "a.gse").write_text(f"{head}\nSTA2\nDAT2\n1 3000000000\nCHK2       15\n")
    with pytest.raises(ReaderError, match="its samples are damaged"):
        opened(tmp_path / "a.gse")


def test_gse1_is_what_obspy_reads(tmp_path: Path) -> None:
    values = walk(500)
    written = obspy.Trace(
        values, {"station": "ANMO", "channel": "BHZ", "sampling_rate": 20.0, "starttime": START}
    )
    obspy.Stream([written]).write(str(tmp_path / "a.gse2"), format="GSE2")
    packed = (tmp_path / "a.gse2").read_text().partition("DAT2\n")[2].partition("CHK2")[0]
    plain = "\n".join(" ".join(map(str, values[at : at + 8])) for at in range(0, 500, 8)) + "\n"
    more = " 1.6700001 1.0000   51.8416   10.3724  680.0000 -999.0000   -1.00   -1.00   -1.0\n"
    for kind, taken, lines in (("CMP6", 2, packed), ("INTV", 0, plain)):
        first = f"WID1  2024074 08 30 15 250      500 ANMO   SEISMOGR Z  {19.9999997:11.7f} NOTYPE {kind} {taken}\n"
        (tmp_path / "a.gse").write_text(first + more + "DAT1\n" + lines + "CHK1        0\n")
        assert guess_reader(tmp_path / "a.gse").name == "gse2"
        expected = obspy.read(str(tmp_path / "a.gse"), format="GSE1", verify_chksum=False)[0]
        with opened(tmp_path / "a.gse") as recording:
            np.testing.assert_array_equal(stored(recording)[:, 0], values)
            np.testing.assert_array_equal(expected.data, values)
            assert recording.session_start == "2024-03-14T08:30:15.250000+00:00"
            assert (recording.sampling_frequency, recording.channels[0].label) == (20.0, "ANMO.Z")


def test_a_waveform_without_samples_is_told(tmp_path: Path) -> None:
    line = "WID2 2024/03/14 08:30:15.250 ANMO  BHZ      CM6        0   20.000000   1.0e+00   1.000 ABCDEF  -1.0  0.0"
    (tmp_path / "a.gse2").write_text(line + "\nDAT2\n++++\n")
    (candidate,) = list_candidates(tmp_path / "a.gse2")
    assert "counts no samples" in str(candidate.problem)
    with pytest.raises(ReaderError, match="counts no samples"):
        opened(tmp_path / "a.gse2")


def test_from_path_to_window(tmp_path: Path) -> None:
    values = walk(20000)
    trace(values).write(str(tmp_path / "a.mseed"), format="MSEED")
    built = seriesview.build_workspace(tmp_path / "a.mseed", store=tmp_path / "store")
    (name,) = built.series
    series = seriesview.open_series(built.series[name].uri, store=tmp_path / "store")
    np.testing.assert_array_equal(series.values(0, 100, 200)[:, 0], values[100:200])
    assert series.manifest.session_start == "2024-03-14T08:30:15.250000+00:00"


@pytest.mark.parametrize(
    ("reader", "suffix", "format"),
    [(MiniSeedReader(), "mseed", "MSEED"), (SacReader(), "sac", "SAC"), (Gse2Reader(), "gse", "GSE2")],
    ids=["miniseed", "sac", "gse2"],
)
def test_damaged_files_are_errors_of_one_line_or_data(
    tmp_path: Path, reader: Reader, suffix: str, format: str
) -> None:
    path = tmp_path / f"a.{suffix}"
    trace(walk(300).astype(np.float32) if suffix == "sac" else walk(300)).write(str(path), format=format)
    check_survives(reader, path, path, 2000 if suffix != "mseed" else 500)


def test_memory_is_bounded_on_a_large_file(tmp_path: Path) -> None:
    hour = written(trace(walk(360_000), start=obspy.UTCDateTime(2024, 1, 1)))
    records = np.frombuffer(hour, "u1").reshape(-1, 512).copy()
    hours = (600 << 20) // len(hour)
    with (tmp_path / "a.mseed").open("wb") as file:
        for number in range(hours):
            # Day of the year (big-endian) and hour of each record's start.
            records[:, 22:25] = [*(1 + number // 24).to_bytes(2, "big"), number % 24]
            file.write(records.tobytes())
    code = (
        f"{PEAK}\nimport sys, numpy as np; from pathlib import Path\n"
        "from seriesview.readers.registry import open_recording\n"
        "recording = open_recording(Path(sys.argv[1]))\n"
        "out = np.empty((1 << 18, 1), np.int32)\n"
        "for first in range(0, recording.num_samples - len(out), 16 * len(out)): recording.read_into(first, out)\n"
        "print(recording.num_samples, peak_bytes() >> 20)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.mseed")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    num_samples, megabytes = map(int, run.stdout.split())
    assert (num_samples, megabytes < 250) == (hours * 360_000, True), megabytes
