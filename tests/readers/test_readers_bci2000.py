"""BCI2000 files: samples as neo reads them where it does, gains, offsets, states; damaged headers; memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from large_recordings import read_through
from mutations import check_survives
from neo.rawio.bci2000rawio import BCI2000RawIO
from read_recordings import opened

import seriesview
from seriesview.errors import ReaderError
from seriesview.layout.layouts import RecordsLayout
from seriesview.readers import Recording
from seriesview.readers.bci2000.reader import Bci2000Reader
from seriesview.readers.registry import list_candidates

Array = npt.NDArray[Any]
STATES = "StimulusCode 8 0 0 0\r\nRunning 1 0 1 0\r\nTarget 4 0 1 6\r\nSourceTime 16 0 2 0\r\n"
VECTOR_BYTES = 4


def states(samples: int, codes: dict[tuple[int, int], int], targets: dict[tuple[int, int], int]) -> Array:
    """Vectors of the states: codes and targets in half-open ranges of samples, Running from sample 10 on."""
    found = np.zeros((samples, VECTOR_BYTES), np.uint8)
    found[10:, 1] = 1
    for (first, last), code in codes.items():
        found[first:last, 0] = code
    for (first, last), target in targets.items():
        found[first:last, 1] |= (target & 3) << 6
        found[first:last, 2] = target >> 2
    return found


def write_bci(
    path: Path,
    samples: Array,
    vectors: Array,
    gains: str = "0.1 0.033muV",
    offsets: str = "0 0",
    rate: str = "256Hz",
    start: str = "Fri%20Mar%20%205%2010:20:30%202021",
) -> Path:
    """Samples (n, 2) of int16, int32 or float32, with vectors of states (n, 4) behind them."""
    parameters = (
        "Source list ChannelNames= 2 Fz Cz // names\r\n"
        f"Source:Signal floatlist SourceChOffset= 2 {offsets} 0 % % // o\r\n"
        f"Source:Signal floatlist SourceChGain= {{ Fz Cz }} {gains} 0.033 % % // g\r\n"
        f"Source:Signal int SamplingRate= {rate} 256Hz 1 % // rate\r\n"
        f"Storage string StorageTime= {start} // t\r\n"
    )
    body = f"[ State Vector Definition ] \r\n{STATES}[ Parameter Definition ] \r\n{parameters}\r\n"
    first = (
        f"BCI2000V= 3.0 HeaderLen= {{:5d}} SourceCh= 2 StatevectorLen= {VECTOR_BYTES} "
        f"DataFormat= {samples.dtype.name} \r\n"
    )
    header = first.format(len(first.format(0)) + len(body)) + body
    rows = np.zeros(len(samples), [("s", samples.dtype, 2), ("v", "u1", VECTOR_BYTES)])
    rows["s"], rows["v"] = samples, vectors
    path.write_bytes(header.encode() + rows.tobytes())
    return path


def physical(recording: Recording) -> Array:
    out = np.empty((recording.num_samples, recording.num_channels), recording.dtype)
    recording.read_into(0, out)
    scales = np.array([each.scale for each in recording.channels])
    return out * scales + np.array([each.offset for each in recording.channels])


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32"])
def test_samples_are_those_of_neo(tmp_path: Path, dtype: str) -> None:
    """Whose gains are those of files that name whole numbers of microvolts alone."""
    samples = np.random.default_rng(1).integers(-500, 500, (700, 2)).astype(dtype)
    path = write_bci(tmp_path / "a.dat", samples, states(700, {}, {}), gains="2 3", rate="512")
    reader = BCI2000RawIO(str(path))
    reader.parse_header()
    raw = reader.get_analogsignal_chunk(0, 0, None, None, 0)
    with opened(path) as recording:
        np.testing.assert_allclose(physical(recording), reader.rescale_signal_raw_to_float(raw, "float64", 0))
        assert [each.label for each in recording.channels] == list(reader.header["signal_channels"]["name"])
        assert (recording.sampling_frequency, recording.unit) == (512, "uV")
        assert isinstance(recording.layout, RecordsLayout)


def test_gains_are_fractions_with_units_and_offsets_are_taken_from_the_counts(tmp_path: Path) -> None:
    samples = np.array([[100, 200], [300, 400]], np.int16)
    path = write_bci(
        tmp_path / "a.dat", samples, states(2, {}, {}), gains="0.003mV 7.15e-2", offsets="100 -5"
    )
    with opened(path) as recording:
        np.testing.assert_allclose(physical(recording), (samples - [100, -5]) * [3, 0.0715])
        assert recording.session_start == "2021-03-05T10:20:30"


def test_a_gain_that_is_not_understood_is_asked_for(tmp_path: Path) -> None:
    path = write_bci(tmp_path / "a.dat", np.zeros((5, 2), np.int16), states(5, {}, {}), gains="1furlong 1")
    with opened(path) as recording:
        assert "set `scale`" in str(recording.scale_problem)
    with opened(path, scale=0.5) as recording:
        assert (recording.scale, recording.scale_problem) == (0.5, None)


def test_states_are_intervals_with_their_values(tmp_path: Path) -> None:
    vectors = states(3000, {(100, 200): 200, (200, 300): 3, (2900, 3000): 3}, {(50, 60): 9})
    path = write_bci(tmp_path / "a.dat", np.zeros((3000, 2), np.int16), vectors)
    assert [(each.dataset, each.type) for each in list_candidates(path)] == [
        ("signals", "continuous"),
        ("states", "interval"),
    ]
    with opened(path, "states") as recording:
        bounds, labels, texts = recording.intervals()
        found = [(texts[at], *(256 * each).tolist()) for at, each in zip(labels, bounds, strict=True)]
        assert found == [
            ("Running", 10, 3000),
            ("Target 9", 50, 60),
            ("StimulusCode 200", 100, 200),
            ("StimulusCode 3", 200, 300),
            ("StimulusCode 3", 2900, 3000),
        ]
        assert any("SourceTime" in each.text for each in recording.decisions)


def test_a_file_is_built_by_its_path_alone_and_linked(tmp_path: Path) -> None:
    samples = np.random.default_rng(2).integers(-500, 500, (3000, 2)).astype(np.int16)
    path = write_bci(tmp_path / "a.dat", samples, states(3000, {(5, 9): 1}, {}))
    built = seriesview.build_workspace(path, store=tmp_path / "store")
    assert not built.missing
    (name,) = (name for name in built.series if name.endswith("signals"))
    series = built.series[name].open()
    np.testing.assert_array_equal(series.values(0, 100, 200), samples[100:200])


def test_what_is_cut_off_is_told_or_refused(tmp_path: Path) -> None:
    path = write_bci(tmp_path / "a.dat", np.zeros((50, 2), np.int16), states(50, {}, {}))
    content = path.read_bytes()
    path.write_bytes(content[:-3])
    with opened(path) as recording:
        assert recording.num_samples == 49
        assert any(each.is_warning and "cut off" in each.text for each in recording.decisions)
    path.write_bytes(content[:200])
    with pytest.raises(ReaderError, match="cut off"):
        list_candidates(path)


def test_damaged_headers_are_errors_or_data(tmp_path: Path) -> None:
    path = write_bci(tmp_path / "a.dat", np.zeros((20, 2), np.int16), states(20, {(2, 5): 3}, {}))
    assert check_survives(Bci2000Reader(), path, path) > 200


def test_large_files_take_little_memory(tmp_path: Path) -> None:
    path = write_bci(tmp_path / "a.dat", np.zeros((20, 2), np.int16), states(20, {}, {}))
    size = 1 << 31
    with path.open("r+b") as file:
        file.truncate(size)
    samples, peak = read_through(path)
    assert (samples > size // 10, peak < 250 << 20) == (True, True), peak
