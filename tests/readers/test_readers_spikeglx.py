"""SpikeGLX against neo and probeinterface: voltages, words, positions; triggers, sizes, CatGT; damaged headers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import probeinterface
import pytest
from large_recordings import read_through
from mutations import check_survives
from neo.rawio import SpikeGLXRawIO
from read_recordings import opened, stored
from shared_recordings import shared_recordings
from spikeglx_files import ap_keys, channel_map, ni_keys, np2_keys, square, write_stream

import seriesview
from seriesview.errors import ReaderError
from seriesview.layout.layouts import FilesLayout
from seriesview.readers import Recording
from seriesview.readers.registry import choose_reader, list_candidates
from seriesview.readers.spikeglx.reader import SpikeGlxReader
from seriesview.series.links import FilesLink, LinkInfo

Array = npt.NDArray[Any]
RNG = np.random.default_rng(7)


def noise(samples: int, channels: int, word: Array | None = None) -> Array:
    """Samples with a digital word behind them."""
    values = RNG.integers(-500, 500, (samples, channels)).astype(np.int16)
    return np.column_stack([values, square(samples, 100) if word is None else word])


def physical(recording: Recording) -> Array:
    """In volts."""
    volts = {"uV": 1e-6, "V": 1.0}
    units = [volts[channel.unit or recording.unit] for channel in recording.channels]
    scales = [recording.scale if channel.scale is None else channel.scale for channel in recording.channels]
    return stored(recording) * np.array(scales) * np.array(units)


def by_neo(folder: Path, stream: str, segment: int = 0) -> tuple[Array, list[str], float]:
    """Volts, labels and rate of a stream, as neo reads them."""
    reader = SpikeGLXRawIO(str(folder))
    reader.parse_header()
    names = list(reader.header["signal_streams"]["name"])
    index = names.index(stream)
    raw = reader.get_analogsignal_chunk(0, segment, None, None, index)
    values = reader.rescale_signal_raw_to_float(raw, "float64", index)
    channels = reader.header["signal_channels"]
    mine = channels[channels["stream_id"] == reader.header["signal_streams"]["id"][index]]
    volts = np.where(mine["units"] == "uV", 1e-6, 1.0)
    return values * volts, list(mine["name"]), float(reader.get_signal_sampling_rate(index))


def same_as_neo(folder: Path, dataset: str, stream: str) -> Recording:
    values, labels, rate = by_neo(folder, stream)
    with opened(folder, dataset) as recording:
        count = recording.num_channels
        assert [channel.label for channel in recording.channels] == labels[:count]
        assert recording.sampling_frequency == rate
        np.testing.assert_allclose(physical(recording), values[:, :count], rtol=1e-12)
        return recording


def test_gains_of_1_0_probes_are_those_of_each_channel(tmp_path: Path) -> None:
    gains = [(500, 250), (250, 125), (1000, 50), (500, 250)]
    write_stream(tmp_path, "run_g0_t0.imec0.ap", noise(300, 4), ap_keys(4, gains))
    recording = same_as_neo(tmp_path, "imec0.ap", "imec0.ap")
    assert recording.unit == "uV"
    assert recording.channels[1].scale == pytest.approx(0.6 / 512 / 250 * 1e6)
    lf = ap_keys(4, gains) | {"snsApLfSy": "0,4,1", "imSampRate": 2500, "snsSaveChanSubset": "4:7,8"}
    lf["~snsChanMap"] = channel_map(["LF0", "LF1", "LF2", "LF3", "SY0"])
    write_stream(tmp_path, "run_g0_t0.imec0.lf", noise(30, 4), lf)
    recording = same_as_neo(tmp_path, "imec0.lf", "imec0.lf")
    assert {channel.type for channel in recording.channels} == {"LFP"}


def test_2_0_probes_have_the_gain_of_the_header_or_their_own(tmp_path: Path) -> None:
    write_stream(tmp_path, "run_g0_t0.imec0.ap", noise(300, 8), np2_keys(8))
    recording = same_as_neo(tmp_path, "imec0.ap", "imec0.ap")
    assert recording.scale == pytest.approx(0.62 / 2048 / 100 * 1e6)
    assert {channel.limits for channel in recording.channels} == {(-2048, 2047)}
    early = np2_keys(
        8, imChan0apGain=None, imMaxInt=None, imAiRangeMax=0.5, imDatPrb_pn=None, imDatPrb_type=24
    )
    write_stream(tmp_path / "early", "early_g0_t0.imec0.ap", noise(300, 8), early)
    with opened(tmp_path / "early") as recording:
        assert recording.scale == pytest.approx(0.5 / 8192 / 80 * 1e6)


def test_active_ultra_probes_have_their_gains_in_the_table_header(tmp_path: Path) -> None:
    keys = ap_keys(4) | {"imDatPrb_pn": "NP1110", "imDatPrb_type": 1110}
    keys["~imroTbl"] = "(1110,2,0,1500,50,1)(0 0 0)(1 0 0)"
    path = write_stream(tmp_path, "run_g0_t0.imec0.ap", noise(300, 4), keys)
    with opened(path) as recording:
        assert recording.scale == pytest.approx(0.6 / 512 / 1500 * 1e6)


def test_the_gain_of_an_unknown_probe_is_asked_for(tmp_path: Path) -> None:
    keys = np2_keys(4, imDatPrb_pn="NP9999", imDatPrb_type=9999, imChan0apGain=None)
    path = write_stream(tmp_path, "run_g0_t0.imec0.ap", noise(300, 4), keys)
    with opened(path) as recording:
        assert "scale" in (recording.scale_problem or "")
    with opened(path, scale=0.5, unit="uV") as recording:
        assert recording.scale_problem is None
        assert recording.scale == 0.5


def test_ni_channels_have_the_gains_of_their_kinds(tmp_path: Path) -> None:
    samples = noise(400, 5, square(400, 50, bit=3))
    write_stream(tmp_path, "run_g0_t0.nidq", samples, ni_keys((2, 1, 2, 1)))
    recording = same_as_neo(tmp_path, "nidq", "nidq")
    assert [channel.unit or recording.unit for channel in recording.channels] == ["uV", "uV", "V", "V", "V"]


def test_onebox_channels_are_volts(tmp_path: Path) -> None:
    samples = np.column_stack([noise(400, 2, square(400, 50, bit=3)), square(400, 80)])
    keys = {
        "typeThis": "obx",
        "obSampRate": 30300.5,
        "obAiRangeMax": 5,
        "obMaxInt": 32768,
        "acqXaDwSy": "2,1,1",
        "snsXaDwSy": "2,1,1",
        "~snsChanMap": channel_map(["XA0", "XA1", "XD0", "SY0"]),
    }
    write_stream(tmp_path, "run_g0_t0.obx0.obx", samples, keys)
    with opened(tmp_path, "obx0") as recording:
        np.testing.assert_allclose(physical(recording), samples[:, :2] * (5 / 32768))
    with opened(tmp_path, "obx0.digital") as recording:
        times, channels = recording.events()
        rising = times[channels == [each.label for each in recording.channels].index("XD3")]
        np.testing.assert_allclose(rising, np.arange(50, 400, 100) / 30300.5)
    with opened(tmp_path, "obx0.sync") as recording:
        np.testing.assert_allclose(recording.events()[0], np.arange(80, 400, 80) / 30300.5)


def test_saved_subsets_keep_the_gains_and_names_of_their_channels(tmp_path: Path) -> None:
    gains = [(100 + index, 50) for index in range(6)]
    keys = ap_keys(6, gains) | {"snsSaveChanSubset": "1,3:4,12", "snsApLfSy": "3,0,1", "~snsGeomMap": None}
    keys["~snsChanMap"] = channel_map(["AP1", "AP3", "AP4", "SY0"])
    keys["~snsShankMap"] = "(1,2,480)(0:1:0:1)(0:1:1:1)(0:0:2:0)"
    path = write_stream(tmp_path, "run_g0_t0.imec0.ap", noise(300, 3), keys)
    with opened(path) as recording:
        found = [(each.label, each.scale, each.x, each.y, each.bad) for each in recording.channels]
    wanted = [("AP1", 101, 59, 0, False), ("AP3", 103, 43, 20, False), ("AP4", 104, 27, 40, True)]
    for one, (label, gain, *place) in zip(found, wanted, strict=True):
        assert one == (label, pytest.approx(0.6 / 512 / gain * 1e6), *place)


@pytest.mark.parametrize("keys", [ap_keys(12), np2_keys(16)], ids=["1.0", "2.0"])
def test_positions_are_those_of_probeinterface(tmp_path: Path, keys: dict[str, object]) -> None:
    channels = int(str(keys["snsApLfSy"]).split(",")[0])
    path = write_stream(tmp_path, "run_g0_t0.imec0.ap", noise(100, channels), keys)
    _same_places(path)


@pytest.mark.parametrize("keys", [ap_keys(60), np2_keys(80)], ids=["1.0", "2.0"])
def test_channels_are_later_than_the_sample_as_spikeinterface_has_it(
    tmp_path: Path, keys: dict[str, object]
) -> None:
    from spikeinterface.extractors.neuropixels_utils import get_neuropixels_sample_shifts_from_probe

    channels = int(str(keys["snsApLfSy"]).split(",")[0])
    path = write_stream(tmp_path, "run_g0_t0.imec0.ap", noise(100, channels), keys)
    shifts = get_neuropixels_sample_shifts_from_probe(probeinterface.read_spikeglx(path.with_suffix(".meta")))
    with opened(path) as recording:
        assert [channel.sample_shift for channel in recording.channels] == shifts.tolist()
    aligned = write_stream(tmp_path, "run_g0_tcat.imec0.ap", noise(100, channels), keys | {"catNFiles": 1})
    with opened(aligned) as recording:
        assert {channel.sample_shift for channel in recording.channels} == {None}


def _same_places(path: Path) -> None:
    """But for where x is counted from."""
    probe = probeinterface.read_spikeglx(path.with_suffix(".meta"))
    with opened(path) as recording:
        places = np.array([(channel.x, channel.y) for channel in recording.channels])
        shanks = [channel.group for channel in recording.channels]
    if len(set(shanks)) > 1:
        assert shanks == list(probe.shank_ids)
    moved = places - probe.contact_positions
    np.testing.assert_allclose(moved, np.broadcast_to(moved[0] * [1, 0], moved.shape), atol=1e-9)


def lf_keys(channels: int, **more: object) -> dict[str, object]:
    """Of the LF file of a 1.0 probe, in which SpikeGLX leaves the maps of the shank out."""
    keys = {key: value for key, value in ap_keys(channels).items() if key != "~snsGeomMap"}
    return keys | {
        "imSampRate": 2500.0,
        "snsApLfSy": f"0,{channels},1",
        "snsSaveChanSubset": f"{channels}:{2 * channels}",
        "~snsChanMap": channel_map([f"LF{index}" for index in range(channels)] + ["SY0"]),
        **more,
    }


def test_lf_channels_lie_where_those_of_the_same_probes_ap_do(tmp_path: Path) -> None:
    write_stream(tmp_path, "run_g0_t0.imec0.ap", noise(100, 12), ap_keys(12, imStdby="5"))
    write_stream(tmp_path, "run_g0_t0.imec0.lf", noise(100, 12), lf_keys(12))
    with opened(tmp_path, "imec0.ap") as ap, opened(tmp_path, "imec0.lf") as lf:
        assert [(each.x, each.y, each.group) for each in lf.channels] == [
            (each.x, each.y, each.group) for each in ap.channels
        ]
        assert tmp_path / "run_g0_t0.imec0.ap.meta" in lf.files
        assert any("run_g0_t0.imec0.ap.meta" in each.text for each in lf.decisions)


def test_lf_alone_has_its_places_from_the_banks_of_its_channels(tmp_path: Path) -> None:
    """Banks of 384 electrodes, two in a row; as the AP file says it, where that was saved."""
    entries = "".join(f"({index} {index % 2} 0 500 250 1)" for index in range(384))
    keys = lf_keys(384, **{"~imroTbl": f"(0,384){entries}"})
    path = write_stream(tmp_path, "run_g0_t0.imec0.lf", noise(50, 384), keys)
    with opened(path) as recording:
        places = [(each.x, each.y) for each in recording.channels]
        assert places[:4] == [(27, 0), (59, 3840), (11, 20), (43, 3860)]
        assert [index for index, each in enumerate(recording.channels) if each.bad] == [191]
        assert any("imroTbl" in each.text for each in recording.decisions)


def test_shanks_are_groups_and_unused_channels_bad(tmp_path: Path) -> None:
    path = write_stream(tmp_path, "run_g0_t0.imec0.ap", noise(100, 16), np2_keys(16, imStdby="5"))
    with opened(path) as recording:
        assert [channel.group for channel in recording.channels[:5]] == ["0", "1", "2", "3", "0"]
        assert recording.channels[3].x == 3 * 250 + 27
        assert [index for index, channel in enumerate(recording.channels) if channel.bad] == [1, 5]
        assert any("AP1, AP5" in decision.text for decision in recording.decisions)


@pytest.mark.parametrize("meta", shared_recordings("spikeglx", "*.meta"), ids=lambda path: str(path.name))
def test_headers_of_real_recordings_mean_what_neo_and_probeinterface_say(meta: Path, tmp_path: Path) -> None:
    text = meta.read_text()
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    count = int(said["nSavedChans"])
    samples = noise(500, count - 1)
    samples.tofile(tmp_path / f"{meta.stem}.bin")
    text = text.replace(f"fileSizeBytes={said['fileSizeBytes']}", f"fileSizeBytes={samples.nbytes}")
    (tmp_path / meta.name).write_text(text)
    dataset = next(each.dataset for each in list_candidates(tmp_path) if each.role != "ttl")
    with opened(tmp_path, dataset) as recording:
        # One of them has lost the signs before its tables, without which neo does not read it.
        for key in ("imroTbl", "snsChanMap", "snsShankMap"):
            text = text.replace(f"\n{key}=", f"\n~{key}=")
        (tmp_path / meta.name).write_text(text)
        reader = SpikeGLXRawIO(str(tmp_path))
        reader.parse_header()
        values, labels, rate = by_neo(tmp_path, str(reader.header["signal_streams"]["name"][0]))
        assert recording.sampling_frequency == rate
        assert [channel.label for channel in recording.channels] == labels[: recording.num_channels]
        assert recording.session_start == said["fileCreateTime"]
        np.testing.assert_allclose(physical(recording), values[:, : recording.num_channels], rtol=1e-12)
        assert not [each for each in recording.decisions if "fileSizeBytes" in each.text]
    if said["typeThis"] == "imec":
        _same_places(tmp_path / f"{meta.stem}.bin")


def test_the_sync_wave_is_edges_and_levels(tmp_path: Path) -> None:
    # Longer than one block of reading, with the other bits set to and fro.
    word = square(40_000, 3_000) + square(40_000, 7, bit=2)
    path = write_stream(tmp_path, "run_g0_t0.imec0.ap", noise(40_000, 80, word), ap_keys(80))
    rising, falling = np.arange(3_000, 40_000, 6_000) / 30000.25, np.arange(6_000, 40_000, 6_000) / 30000.25
    with opened(path, "imec0.sync") as recording:
        times, channels = recording.events()
        assert [channel.label for channel in recording.channels] == ["sync", "sync off"]
        np.testing.assert_array_equal(times[channels == 0], rising)
        np.testing.assert_array_equal(times[channels == 1], falling)
        assert recording.num_samples == len(times)
    with opened(path, "imec0.sync", type="interval") as recording:
        bounds, indices, labels = recording.intervals()
        assert list(labels) == ["sync"]
        assert not indices.any()
        np.testing.assert_array_equal(bounds[:, 0], rising)
        np.testing.assert_array_equal(bounds[:, 1], [*falling, 40_000 / 30000.25][: len(rising)])


def test_digital_lines_are_those_of_neo(tmp_path: Path) -> None:
    word = sum((square(5_000, 40 + 13 * bit, bit, first=bit) for bit in range(8)), np.zeros(5_000, np.int16))
    write_stream(tmp_path, "run_g0_t0.nidq", noise(5_000, 1, word), ni_keys((0, 0, 1, 1)))
    reader = SpikeGLXRawIO(str(tmp_path))
    reader.parse_header()
    with opened(tmp_path, "nidq.digital") as recording:
        times, channels = recording.events()
        labels = [channel.label for channel in recording.channels]
    for index, name in enumerate(reader.header["event_channels"]["name"]):
        stamps, _, states = reader.get_event_timestamps(0, 0, index)
        seconds = reader.rescale_event_timestamp(stamps, "float64", index)
        for state, label in (("ON", name), ("OFF", f"{name} off")):
            wanted = np.sort(seconds[states == f"{name} {state}"])
            np.testing.assert_allclose(times[channels == labels.index(label)], wanted)


def test_lines_of_further_words_and_of_a_second_card(tmp_path: Path) -> None:
    words = np.column_stack([square(1_000, 100, bit=9), square(1_000, 70, bit=2)])
    keys = ni_keys((0, 0, 0, 2), niXDBytes1=2, niXDChans1="9", niXDBytes2=1, niXDChans2="2")
    path = write_stream(tmp_path, "run_g0_t0.nidq", words, keys)
    assert [each.dataset for each in list_candidates(path)] == ["nidq.digital"] * 2
    with opened(path) as recording:
        times, channels = recording.events()
        assert [channel.label for channel in recording.channels] == ["XD9", "XD9 off", "XD18", "XD18 off"]
        np.testing.assert_allclose(times[channels == 2], np.arange(70, 1_000, 140) / 25000.5)


def test_triggers_of_a_gate_are_segments_placed_by_first_sample(tmp_path: Path) -> None:
    first, second, third = noise(300, 2), noise(200, 2), noise(100, 2, np.full(100, 64, np.int16))
    write_stream(tmp_path, "run_g0_t0.imec0.ap", first, ap_keys(2, firstSample=1000))
    write_stream(tmp_path, "run_g0_t1.imec0.ap", second, ap_keys(2, firstSample=1300))
    write_stream(tmp_path, "run_g0_t10.imec0.ap", third, ap_keys(2, firstSample=2000))
    whole = np.concatenate([first, second, third])
    with opened(tmp_path) as recording:
        assert isinstance(recording.layout, FilesLayout)
        assert recording.segments is not None
        assert [(each.start_time, each.num_samples) for each in recording.segments] == [
            (0.0, 500),
            (pytest.approx(1000 / 30000.25), 100),
        ]
        np.testing.assert_array_equal(stored(recording), whole[:, :2])
        assert len(recording.files) == 3
    with opened(tmp_path, "imec0.sync", type="interval") as recording:
        bounds, _, _ = recording.intervals()
        np.testing.assert_allclose(bounds[-1], np.array([1000, 1100]) / 30000.25)
    with opened(tmp_path, "imec0.sync") as recording:
        # High when the segment begins: it is not known when it rose.
        assert recording.events()[0].max() < 600 / 30000.25
    with opened(tmp_path / "run_g0_t1.imec0.ap.bin") as recording:
        np.testing.assert_array_equal(stored(recording), second[:, :2])
        assert any("name the folder" in decision.text for decision in recording.decisions)


def test_hundreds_of_triggers_are_one_recording(tmp_path: Path) -> None:
    whole = noise(3_000, 2)
    for trigger in range(300):
        first = 10 * trigger
        keys = ap_keys(2, firstSample=first + 1000 * (trigger >= 200))
        write_stream(tmp_path, f"run_g0_t{trigger}.imec0.ap", whole[first : first + 10], keys)
    with opened(tmp_path) as recording:
        assert recording.segments is not None
        assert [each.num_samples for each in recording.segments] == [2_000, 1_000]
        np.testing.assert_array_equal(stored(recording), whole[:, :2])


def test_samples_that_two_triggers_share_are_read_once(tmp_path: Path) -> None:
    whole = noise(500, 2)
    write_stream(tmp_path, "run_g0_t0.imec0.ap", whole[:300], ap_keys(2, firstSample=0))
    write_stream(tmp_path, "run_g0_t1.imec0.ap", whole[250:], ap_keys(2, firstSample=250))
    with opened(tmp_path) as recording:
        np.testing.assert_array_equal(stored(recording), whole[:, :2])
        assert any("50 samples" in decision.text for decision in recording.decisions)


def test_triggers_that_do_not_fit_together_are_recordings_of_their_own(tmp_path: Path) -> None:
    write_stream(tmp_path, "run_g0_t0.imec0.ap", noise(300, 2), ap_keys(2, firstSample=None))
    write_stream(tmp_path, "run_g0_t1.imec0.ap", noise(300, 3), ap_keys(3, firstSample=9000))
    shown = [each.dataset for each in list_candidates(tmp_path) if each.role == "spike-band"]
    assert shown == ["imec0.ap.t0", "imec0.ap.t1"]


def test_a_run_offers_every_stream(tmp_path: Path) -> None:
    run = tmp_path / "run_g0"
    for probe in (0, 1):
        write_stream(run / f"run_g0_imec{probe}", f"run_g0_t0.imec{probe}.ap", noise(300, 2), ap_keys(2))
    write_stream(
        run, "run_g0_t0.nidq", noise(300, 1), ni_keys((0, 0, 1, 1), fileCreateTime="2024-05-06T07:08:10")
    )
    found = list_candidates(run)
    assert [(each.dataset, each.role) for each in found if each.type != "interval"] == [
        ("imec0.ap", "spike-band"),
        ("imec1.ap", "spike-band"),
        ("nidq", "analog"),
        ("imec0.sync", "ttl"),
        ("imec1.sync", "ttl"),
        ("nidq.digital", "ttl"),
    ]
    # All streams begin together, though one file was made in the next second.
    for dataset in ("imec0.ap", "nidq", "nidq.digital"):
        with opened(run, dataset) as recording:
            assert recording.session_start == "2024-05-06T07:08:09"
    with opened(run / "run_g0_t0.nidq.meta") as recording:
        assert recording.session_start == "2024-05-06T07:08:09"


def test_folders_of_several_runs_name_them_and_gates_in_one_folder_are_told_apart(tmp_path: Path) -> None:
    for gate in (0, 1):
        write_stream(tmp_path / f"run_g{gate}", f"run_g{gate}_t0.nidq", noise(300, 1), ni_keys((0, 0, 1, 1)))
        write_stream(tmp_path / "flat", f"run_g{gate}_t0.nidq", noise(300, 1), ni_keys((0, 0, 1, 1)))
    with pytest.raises(ReaderError, match=r"recordings.*flat, .*run_g0, .*run_g1"):
        list_candidates(tmp_path)
    write_stream(tmp_path / "data" / "run_g0", "run_g0_t0.nidq", noise(300, 1), ni_keys((0, 0, 1, 1)))
    with opened(tmp_path / "data") as recording:
        assert recording.path == tmp_path / "data" / "run_g0"
    names = [each.dataset for each in list_candidates(tmp_path / "flat") if each.role == "analog"]
    assert names == ["run_g0.nidq", "run_g1.nidq"]


@pytest.mark.parametrize("name", ["run_g0", "run_g0/run_g0_imec0", "x.bin", "x.meta"])
def test_every_path_of_a_recording_leads_to_it(tmp_path: Path, name: str) -> None:
    probe = tmp_path / "run_g0" / "run_g0_imec0"
    path = write_stream(probe, "run_g0_t0.imec0.ap", noise(300, 2), ap_keys(2))
    place = path.with_suffix(name[1:]) if name.startswith("x") else tmp_path / name
    assert choose_reader(place).name == "spikeglx"
    with opened(place) as recording:
        assert recording.layout is not None
        assert recording.layout.path == path
        assert path.with_suffix(".meta") in recording.files


def test_renamed_files_are_found_by_their_header(tmp_path: Path) -> None:
    path = write_stream(
        tmp_path, "mouse7", noise(300, 2), ap_keys(2, fileName="D:\\x\\run_g0_t0.imec3.ap.bin")
    )
    assert [each.dataset for each in list_candidates(path)] == ["imec3.ap", "imec3.sync", "imec3.sync"]


def test_a_size_that_the_header_does_not_say_is_told(tmp_path: Path) -> None:
    path = write_stream(tmp_path, "run_g0_t0.imec0.ap", noise(300, 2), ap_keys(2))
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with opened(path) as recording:
        assert recording.num_samples == 283
        assert any(
            "fileSizeBytes=1800" in each.text and "2 bytes" in each.text for each in recording.decisions
        )
    path.write_bytes(whole + whole)
    with opened(path) as recording:
        assert recording.num_samples == 600
        assert any("fileSizeBytes" in decision.text for decision in recording.decisions)
    path.write_bytes(b"")
    with pytest.raises(ReaderError, match="no whole sample"):
        opened(path)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    path = write_stream(tmp_path, "run_g0_t0.imec0.ap", noise(300, 2), ap_keys(2))
    meta = path.with_suffix(".meta")
    content = meta.read_bytes()
    meta.unlink()
    with pytest.raises(ReaderError, match=r"run_g0_t0.imec0.ap.meta is not beside it"):
        opened(path)
    for _ in range(2):
        with opened(path, dtype="int16", channels=3, sampling_frequency=30000.0) as recording:
            assert (recording.num_samples, recording.num_channels) == (300, 3)
        meta.write_bytes(content)
    meta.unlink()
    meta.write_bytes(content)
    path.rename(path.with_suffix(".cbin"))
    for place in (meta, path.with_suffix(".cbin"), tmp_path):
        with pytest.raises(ReaderError, match="mtsdecomp"):
            opened(place)
    with pytest.raises(ReaderError, match="are 4 channels"):
        opened(write_stream(tmp_path / "x", "run_g0_t0.imec0.ap", noise(300, 2), ap_keys(3)))


def test_a_damaged_header_in_a_run_is_told(tmp_path: Path) -> None:
    run = tmp_path / "run_g0"
    write_stream(run, "run_g0_t0.imec0.ap", noise(300, 2), ap_keys(2))
    path = write_stream(run, "run_g0_t0.nidq", noise(300, 1), ni_keys((0, 0, 1, 0)))
    path.with_suffix(".meta").write_bytes(b"\x00\xff nothing of it is left")
    (run / "notes.meta").write_text("of another program")
    told = [each.problem for each in list_candidates(run) if each.problem is not None]
    assert len(told) == 1
    assert "run_g0_t0.nidq.meta" in told[0]


def test_other_files_are_left_to_other_readers(tmp_path: Path) -> None:
    reader = SpikeGlxReader()
    (tmp_path / "raw.bin").write_bytes(bytes(100))
    (tmp_path / "raw.meta").write_text("title=something else\n")
    (tmp_path / "data.txt").write_text("typeThis=imec\n")
    for name in ("raw.bin", "raw.meta", "data.txt", ""):
        assert not reader.can_read(tmp_path / name)


def test_catgt_files_lie_beside_those_that_they_were_made_of(tmp_path: Path) -> None:
    write_stream(tmp_path, "run_g0_t0.imec0.ap", noise(300, 2), ap_keys(2))
    write_stream(tmp_path, "run_g0_tcat.imec0.ap", noise(300, 2), ap_keys(2, catNFiles=2))
    times = {"imec0.ap.xd_2_6_500": [0.5, 1.5], "nidq.xa_0_500": [0.25], "nidq.xa_0_500_adj": [0.26]}
    for name, seconds in times.items():
        (tmp_path / f"run_g0_tcat.{name}.txt").write_text("".join(f"{second}\n" for second in seconds))
    names = [each.dataset for each in list_candidates(tmp_path)]
    assert [name for name in names if name and "ap" in name] == ["imec0.ap", "imec0.ap.tcat"]
    with opened(tmp_path, "imec0.ap.tcat") as recording:
        # What CatGT has filtered is at no limit where the converter was.
        assert {channel.limits for channel in recording.channels} == {None}
        assert any("zeros" in decision.text for decision in recording.decisions)
    with opened(tmp_path, "edge_times") as recording:
        found, channels = recording.events()
        assert found.tolist() == [0.25, 0.26, 0.5, 1.5]
        labels = [recording.channels[index].label for index in channels]
        assert labels == ["nidq xa_0_500", "nidq xa_0_500_adj", "imec0.ap xd_2_6_500", "imec0.ap xd_2_6_500"]
        assert recording.session_start == "2024-05-06T07:08:09"


@pytest.mark.parametrize(
    ("stem", "channels", "keys"),
    [("run_g0_t0.imec0.ap", 4, ap_keys(4)), ("run_g0_t0.nidq", 3, ni_keys((1, 1, 1, 1)))],
    ids=["ap", "nidq"],
)
def test_damaged_headers_are_errors_or_data(
    tmp_path: Path, stem: str, channels: int, keys: dict[str, object]
) -> None:
    path = write_stream(tmp_path, stem, noise(300, channels), keys)
    assert check_survives(SpikeGlxReader(), path, path.with_suffix(".meta"), 1000) > 100


def test_large_files_take_little_memory(tmp_path: Path) -> None:
    path = write_stream(tmp_path, "run_g0_t0.imec0.ap", noise(10, 384), ap_keys(384))
    with path.open("r+b") as file:
        file.truncate(2 << 30)
    samples, peak = read_through(path)
    assert samples == (2 << 30) // 770
    assert peak < 250 << 20


def test_a_run_is_built_by_its_path_alone(tmp_path: Path) -> None:
    run = tmp_path / "run_g0"
    samples = noise(5_000, 8, square(5_000, 1_000))
    write_stream(run, "run_g0_t0.imec0.ap", samples, ap_keys(8))
    write_stream(run, "run_g0_t0.nidq", noise(5_000, 1, square(5_000, 700, bit=0)), ni_keys((0, 0, 1, 1)))
    built = seriesview.build_workspace(run, store=tmp_path / "store")
    assert not built.missing
    (name,) = (name for name in built.series if name.endswith("imec0_ap"))
    series = built.series[name].open()
    assert isinstance(series.manifest.values, LinkInfo)
    window = series.window(0, 0, 100, 49)
    covered = [samples[first : first + 101, :8] for first in range(0, 4_900, 100)]
    np.testing.assert_array_equal(window, [(each.min(axis=0), each.max(axis=0)) for each in covered])
    np.testing.assert_array_equal(series.values(0, 4_000, 4_100), samples[4_000:4_100, :8])


def test_triggers_are_built_as_segments_and_linked_in_their_files(tmp_path: Path) -> None:
    samples = noise(6_000, 8)
    for trigger, (first, last) in enumerate([(0, 2_000), (2_000, 6_000)]):
        keys = ap_keys(8, firstSample=first + 500 * trigger)
        write_stream(tmp_path / "run_g0", f"run_g0_t{trigger}.imec0.ap", samples[first:last], keys)
    built = seriesview.build_workspace(tmp_path / "run_g0", store=tmp_path / "store")
    (name,) = (name for name in built.series if name.endswith("imec0_ap"))
    series = built.series[name].open()
    assert isinstance(series.manifest.values, FilesLink)
    assert [(each.start_time, each.num_samples) for each in series.segments] == [
        (0.0, 2_000),
        (2_500 / 30000.25, 4_000),
    ]
    np.testing.assert_array_equal(series.values(1, 100, 200), samples[2_100:2_200, :8])


def test_lf_that_catgt_made_of_a_2_0_probe_has_the_gain_of_its_ap(tmp_path: Path) -> None:
    keys = np2_keys(8, snsApLfSy="0,8,1", imSampRate=2500, snsSaveChanSubset="0:8")
    keys["~snsChanMap"] = channel_map([*(f"LF{index}" for index in range(8)), "SY0"])
    path = write_stream(tmp_path, "run_g0_tcat.imec0.lf", noise(30, 8), keys)
    assert list_candidates(path)[0].role == "lfp"
    with opened(path) as recording:
        assert recording.scale == pytest.approx(0.62 / 2048 / 100 * 1e6)
        assert [channel.label for channel in recording.channels] == [f"LF{index}" for index in range(8)]


def test_a_folder_in_the_place_of_a_bin_is_no_recording(tmp_path: Path) -> None:
    path = write_stream(tmp_path, "run_g0_t0.imec0.ap", noise(30, 2), ap_keys(2))
    path.unlink()
    path.mkdir()
    with pytest.raises(ReaderError, match="not beside it"):
        opened(path.with_suffix(".meta"))
