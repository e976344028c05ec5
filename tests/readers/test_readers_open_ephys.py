"""Recordings of the Open Ephys GUI: compared with what neo reads of the same folders, and what neo does not tell."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from large_recordings import read_through
from mutations import check_survives
from open_ephys_folders import (
    SITES,
    Lines,
    Recording,
    Stream,
    probe_of_version_05,
    write,
    write_settings,
    write_settings_with,
)

import seriesview
from seriesview.build.findings import find_all
from seriesview.errors import ReaderError
from seriesview.layout.layouts import ContiguousLayout, FilesLayout
from seriesview.readers import ReadOptions, list_candidates, open_recording
from seriesview.readers.open_ephys import OpenEphysReader
from seriesview.readers.protocol import Recording as Opened
from seriesview.readers.protocol import Segment
from seriesview.series.links import LinkInfo

RNG = np.random.default_rng(7)


def samples(rows: int, channels: int) -> Any:
    return RNG.integers(-3000, 3000, (rows, channels)).astype(np.int16)


def opened(path: Path, dataset: str | None = None, **options: Any) -> Opened:
    return open_recording(path, options=ReadOptions(dataset=dataset, **options))


def read(recording: Opened) -> Any:
    out = np.empty((recording.num_samples, recording.num_channels), recording.dtype)
    recording.read_into(0, out)
    return out


def said(recording: Opened) -> str:
    return "\n".join(decision.text for decision in recording.decisions)


def datasets(path: Path) -> list[str | None]:
    listed = [each for each in list_candidates(path) if "type" not in each.options]
    return [each.dataset for each in listed if each.problem is None]


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Two streams, of which one is synchronized, lines, messages and spikes: version 0.6."""
    folder = tmp_path / "2025-04-03_13-38-24"
    node = folder / "Record Node 101"
    ap = Stream("Neuropix-PXI-100.ProbeA-AP", samples(9000, 4), names=[f"AP{at}" for at in (1, 2, 3, 4)])
    lfp = Stream("Neuropix-PXI-100.ProbeA-LFP", samples(900, 4), 2500.0, first=80, bit_volts=4.7)
    nidq = Stream(
        "NI-DAQmx-102.PXIe-6341",
        samples(9000, 2),
        names=["AI0", "AI1"],
        units=["V", "V"],
        bit_volts=0.000153,
        first=500,
    )
    nidq.seconds = np.full(9000, -1.0)
    lines = Lines("Neuropix-PXI-100.ProbeA-AP", [1, -1, 3, -3], [1500, 1800, 2000, 2100])
    apart = Lines("NI-DAQmx-102.PXIe-6341", [2, -2], [800, 900], seconds=[-1.0, -1.0])
    write(
        node / "experiment1/recording1",
        Recording(
            [ap, lfp, nidq],
            [lines, apart],
            [("start", 1200), ("stop µ", 5000), ("start", 5200)],
            {"Tetrode 1": [1100, 1300, 9000]},
            1743680304611,
        ),
    )
    write_settings(node / "settings.xml", probe="ProbeA")
    return folder


def neo_reads(folder: Path) -> Any:
    rawio = pytest.importorskip("neo.rawio")
    reader = rawio.OpenEphysBinaryRawIO(str(folder))
    reader.parse_header()
    return reader


def test_every_stream_has_the_values_and_times_that_neo_reads(session: Path) -> None:
    neo = neo_reads(session)
    streams = neo.header["signal_streams"]
    for index, name in enumerate(streams["name"].tolist()):
        folder = name.partition("#")[2].removesuffix("_ADC")
        channels = neo.header["signal_channels"]
        own = channels[channels["stream_id"] == streams["id"][index]]
        with opened(session, f"Record Node 101/experiment1/recording1/continuous/{folder}") as recording:
            stored = neo.get_analogsignal_chunk(0, 0, stream_index=index)
            assert np.array_equal(read(recording), stored)
            scaled = neo.rescale_signal_raw_to_float(stored, np.float64, stream_index=index)
            scales = [channel.scale for channel in recording.channels]
            assert np.allclose(read(recording) * np.array(scales), scaled, rtol=1e-12, atol=0)
            assert recording.unit == own["units"][0]
            assert [channel.label for channel in recording.channels] == own["name"].tolist()
            assert recording.sampling_frequency == own["sampling_rate"][0]
            start = neo._sig_streams[0][0][index]["t_start"]
            assert recording.start_time == pytest.approx(start, abs=1e-9)


def test_edges_of_lines_lie_where_neo_has_them(session: Path) -> None:
    neo = neo_reads(session)
    names = [each["stream_name"].partition("#")[2] for each in neo._evt_streams[0][0].values()]
    index = names.index("Neuropix-PXI-100.ProbeA-AP")
    times, durations, _ = neo.get_event_timestamps(0, 0, event_channel_index=index)
    with opened(
        session, "Record Node 101/experiment1/recording1/events/Neuropix-PXI-100.ProbeA-AP/TTL"
    ) as found:
        at, which = found.events()
        labels = [found.channels[channel].label for channel in which]
        rising = [time for time, label in zip(at, labels, strict=True) if "off" not in label]
        falling = [time for time, label in zip(at, labels, strict=True) if "off" in label]
        assert rising == times.tolist()
        assert falling == (times + durations).tolist()
    assert labels == ["line 1", "line 1 off", "line 3", "line 3 off"]
    assert [channel.id for channel in found.channels] == ["1", "-1", "3", "-3"]


def test_lines_are_intervals_where_that_is_asked_for(tmp_path: Path) -> None:
    stream = Stream("Board-100.Data", samples(300, 1))
    lines = Lines("Board-100.Data", [-2, 1, 2, -1, -2, 1], [1001, 1010, 1020, 1030, 1040, 1050])
    folder = write(tmp_path / "experiment1/recording1", Recording([stream], [lines]))
    with opened(folder, "events/Board-100.Data/TTL", type="interval") as levels:
        bounds, which, labels = levels.intervals()
        found = [
            (labels[at], *(round(time * 30000) for time in pair))
            for at, pair in zip(which, bounds, strict=True)
        ]
        assert found == [("line 1", 1010, 1030), ("line 2", 1020, 1040), ("line 1 (no end)", 1050, 1050)]
        assert "1 falling edges without a rising one" in said(levels)
    shapes = {(each.dataset, each.type): each.shape for each in find_all(folder, OpenEphysReader())}
    assert shapes["events/Board-100.Data/TTL", "event"] == (6,)
    assert shapes["events/Board-100.Data/TTL", "interval"] == (3,)


def test_a_session_offers_streams_events_messages_and_spikes(session: Path) -> None:
    found = {each.dataset: each for each in list_candidates(session) if "type" not in each.options}
    base = "Record Node 101/experiment1/recording1"
    assert {name: (each.role, each.label, each.type) for name, each in found.items()} == {
        f"{base}/continuous/Neuropix-PXI-100.ProbeA-AP": ("spike-band", "ProbeA-AP", "continuous"),
        f"{base}/continuous/Neuropix-PXI-100.ProbeA-LFP": ("lfp", "ProbeA-LFP", "continuous"),
        f"{base}/continuous/NI-DAQmx-102.PXIe-6341": ("analog", "PXIe-6341", "continuous"),
        f"{base}/events/Neuropix-PXI-100.ProbeA-AP/TTL": ("ttl", "ProbeA-AP TTL", "event"),
        f"{base}/events/NI-DAQmx-102.PXIe-6341/TTL": ("ttl", "PXIe-6341 TTL", "event"),
        f"{base}/events/MessageCenter": ("markers", "ProbeA-AP messages", "event"),
        f"{base}/spikes": ("units", "Spikes", "event"),
    }
    assert not any(each.problem for each in found.values())


def test_messages_and_spikes_are_events_by_text_and_by_electrode(session: Path) -> None:
    base = "Record Node 101/experiment1/recording1"
    with opened(session, f"{base}/events/MessageCenter") as messages:
        times, which = messages.events()
        labels = [messages.channels[at].label for at in which]
        assert labels == ["start", "stop µ", "start"]
        assert times.tolist() == [1200 / 30000, 5000 / 30000, 5200 / 30000]
    with opened(session, f"{base}/spikes") as spikes:
        times, which = spikes.events()
        assert [spikes.channels[at].label for at in which] == ["Tetrode 1", "Tetrode 1 #1", "Tetrode 1"]
        assert times.tolist() == [1100 / 30000, 1300 / 30000, 0.3]


def test_what_is_not_synchronized_is_named_so_and_counted_by_its_own_rate(session: Path) -> None:
    base = "Record Node 101/experiment1/recording1"
    with opened(session, f"{base}/continuous/NI-DAQmx-102.PXIe-6341") as nidq:
        assert nidq.label == nidq.clock == "PXIe-6341"
        assert nidq.segments == (Segment(500 / 30000, 9000),)
        assert "not synchronized (timestamps.npy holds -1)" in said(nidq)
    with opened(session, f"{base}/events/NI-DAQmx-102.PXIe-6341/TTL") as events:
        assert events.events()[0].tolist() == [800 / 30000, 900 / 30000]
    with opened(session, f"{base}/continuous/Neuropix-PXI-100.ProbeA-LFP") as lfp:
        assert (lfp.label, lfp.clock) == ("ProbeA-LFP", None)
        assert lfp.start_time == pytest.approx(80 / 2500)


def test_types_and_places_of_channels(session: Path) -> None:
    base = "Record Node 101/experiment1/recording1/continuous"
    with opened(session, f"{base}/Neuropix-PXI-100.ProbeA-AP") as ap:
        assert [(each.x, each.y) for each in ap.channels] == list(SITES.values())
        assert [each.type for each in ap.channels] == [None] * 4
        assert [each.sample_shift for each in ap.channels] == [0, 0, 1 / 13, 1 / 13]
    with opened(session, f"{base}/Neuropix-PXI-100.ProbeA-LFP") as lfp:
        assert [(each.x, each.y, each.type) for each in lfp.channels] == [
            (x, y, "LFP") for x, y in SITES.values()
        ]
        assert {each.sample_shift for each in lfp.channels} == {None}
    with opened(session, f"{base}/NI-DAQmx-102.PXIe-6341") as nidq:
        assert [(each.type, each.x) for each in nidq.channels] == [("ADC", None)] * 2


def test_places_are_those_of_probeinterface(session: Path) -> None:
    probeinterface = pytest.importorskip("probeinterface")
    settings = session / "Record Node 101/settings.xml"
    probe = probeinterface.read_openephys_neuropixels(settings, stream_name="ProbeA-AP")
    with opened(
        session, "Record Node 101/experiment1/recording1/continuous/Neuropix-PXI-100.ProbeA-AP"
    ) as ap:
        ours = np.array([(each.x, each.y) for each in ap.channels])
        theirs = probe.contact_positions
        assert np.array_equal(ours - ours.min(0), theirs - theirs.min(0))


def _places(folder: Path, dataset: str) -> list[tuple[float | None, float | None, str | None]]:
    with opened(folder, dataset) as recording:
        return [(each.x, each.y, each.group) for each in recording.channels]


def test_probes_before_06_have_two_streams_or_one_and_shanks_are_not_in_y(tmp_path: Path) -> None:
    """Probe 1 of 1.0 is streams 0 and 1, those of 2.0 behind it have one each; y held 250 um more for each shank."""
    probeinterface = pytest.importorskip("probeinterface")
    first = {"CH0": ("0", 27, 0), "CH1": ("0", 59, 0)}
    second = {
        "CH0": ("0:0", 8, 0),
        "CH1": ("0:0", 40, 15),
        "CH2": ("0:3", 758, 750),
        "CH3": ("0:3", 790, 765),
    }
    third = {"CH0": ("1:1", 258, 265), "CH1": ("1:1", 290, 265)}
    bands = 'probe_part_number="NP1000" apGainValue="500x" lfpGainValue="250x"'
    probes = (
        probe_of_version_05(1, first, bands)
        + probe_of_version_05(2, second, 'probe_part_number="NP2010"')
        + probe_of_version_05(3, third, 'probe_part_number="NP2010"')
    )
    node = tmp_path / "Record Node 101"
    settings = write_settings_with(
        node / "settings.xml",
        "0.5.5.3",
        '<PROCESSOR name="Sources/Neuropix-PXI" libraryVersion="0.4.1" NodeId="100">'
        f"<EDITOR>{probes}</EDITOR></PROCESSOR>",
    )
    streams = [Stream(f"Neuropix-PXI-100.{at}", samples(50, 4 if at == 2 else 2)) for at in range(4)]
    write(node / "experiment1/recording1", Recording(streams), "0.5.5")
    base = "Record Node 101/experiment1/recording1/continuous/Neuropix-PXI-100"
    assert _places(tmp_path, f"{base}.0") == _places(tmp_path, f"{base}.1") == [(27, 0, None), (59, 0, None)]
    assert _places(tmp_path, f"{base}.3") == [(258, 15, None), (290, 15, None)]
    found = _places(tmp_path, f"{base}.2")
    assert [shank for _, _, shank in found] == ["0", "0", "3", "3"]
    theirs = probeinterface.read_openephys_neuropixels(settings, probe_name="100.1").contact_positions
    moved = np.array([(x, y) for x, y, _ in found]) - theirs
    assert np.array_equal(moved, np.broadcast_to([8, 0], moved.shape))


def test_electrodes_of_onix_are_placed_by_their_numbers(tmp_path: Path) -> None:
    chosen = _tag_of_electrodes([384, 385, 386])
    shanks = _tag_of_electrodes([2, 1280, 3 * 1280 + 5])
    headstage = "PortA-Headstage-Neuropixels2.0-Probe1"
    processor = (
        '<PROCESSOR name="ONIX Source" nodeId="100"><STREAM name="PortA-BNO055"/>'
        f'<STREAM name="PortB-Probe-AP"/><STREAM name="PortB-Probe-LFP"/><STREAM name="{headstage}"/>'
        '<EDITOR><CUSTOM_PARAMETERS><NEUROPIXELSV1E name="Probe" probePartNumber="PRB_1_4_0480_1_C">'
        f"{chosen}</NEUROPIXELSV1E><NEUROPIXELSV2E><PROBE0 probePartNumber=''/>"
        f'<PROBE1 probePartNumber="NP2013">{shanks}</PROBE1></NEUROPIXELSV2E></CUSTOM_PARAMETERS></EDITOR></PROCESSOR>'
    )
    node = tmp_path / "Record Node 102"
    write_settings_with(node / "settings.xml", "1.0.1", processor)
    names = [f"ONIX_Source-100.{each}" for each in ("PortB-Probe-AP", headstage)]
    streams = [Stream(name, samples(50, 3), names=["CH0", "CH1", "CH2"]) for name in names]
    write(node / "experiment1/recording1", Recording(streams))
    base = "Record Node 102/experiment1/recording1/continuous/"
    assert _places(tmp_path, base + names[0]) == [(27, 3840, None), (59, 3840, None), (11, 3860, None)]
    assert _places(tmp_path, base + names[1]) == [(27, 15, "0"), (277, 0, "1"), (809, 30, "3")]


def _tag_of_electrodes(numbers: list[int]) -> str:
    said = " ".join(f'CH{channel}="{number}"' for channel, number in enumerate(numbers))
    return f"<SELECTED_ELECTRODES {said}/>"


def test_an_experiment_without_its_settings_borrows_the_places_of_the_first_and_says_so(
    tmp_path: Path,
) -> None:
    node = tmp_path / "Record Node 101"
    write_settings(node / "settings.xml", probe="ProbeA")
    write(node / "experiment4/recording2", Recording([Stream("Neuropix-PXI-100.ProbeA-AP", samples(50, 4))]))
    with opened(tmp_path) as recording:
        assert [each.x for each in recording.channels] == [x for x, _ in SITES.values()]
        assert recording.session_start is None
        assert node / "settings.xml" in recording.files
        borrowed = [each for each in recording.decisions if "settings_4.xml is not there" in each.text]
        assert borrowed[0].is_guess


def test_the_wall_clock_is_that_of_the_start_of_acquisition_in_the_zone_of_the_computer(
    session: Path,
) -> None:
    # 13:38:24.611 at +02:00 is when sample 1000 of 30000 a second was recorded.
    for dataset in datasets(session):
        with opened(session, dataset) as recording:
            assert recording.session_start == "2025-04-03T13:38:24.578+02:00"


def test_dates_of_old_versions_are_local_ones(tmp_path: Path) -> None:
    stream = Stream("Rhythm_FPGA-100.0", samples(300, 2), first=60000)
    folder = write(tmp_path / "2018-01-31_12-00-00/experiment1/recording1", Recording([stream]), "0.4.4")
    with opened(folder) as recording:
        assert recording.session_start == "2018-01-31T11:59:58.000"
    write_settings(folder.parents[1] / "settings.xml", "31 Jan 2018 12:00:03")
    with opened(folder) as recording:
        assert recording.session_start == "2018-01-31T12:00:01.000"


def test_timestamps_of_version_05_are_sample_numbers(tmp_path: Path) -> None:
    stream = Stream("Rhythm_FPGA-100.0", samples(300, 2), first=152832)
    lines = Lines("Rhythm_FPGA-100.0", [1, -1], [152900, 152950])
    node = tmp_path / "Record Node 103"
    write(
        node / "experiment1/recording1",
        Recording([stream], [lines], [("go", 152901)], {"1": [152840]}),
        "0.5.5",
    )
    names = datasets(tmp_path)
    assert [name and name.partition("recording1/")[2] for name in names] == [
        "continuous/Rhythm_FPGA-100.0",
        "events/Rhythm_FPGA-100.0/TTL_1",
        "events/Message_Center-904.0/TEXT_group_1",
        "spikes",
    ]
    neo = neo_reads(tmp_path)
    with opened(tmp_path, names[0]) as recording:
        assert recording.start_time == neo._sig_streams[0][0][0]["t_start"] == 152832 / 30000
        assert "timestamps.npy holds sample numbers: integers, written by GUI 0.5.5" in said(recording)
        assert np.array_equal(read(recording), stream.samples)
    for name, expected in ((names[1], [152900, 152950]), (names[2], [152901]), (names[3], [152840])):
        with opened(tmp_path, name) as events:
            assert events.events()[0].tolist() == [number / 30000 for number in expected]


def test_lost_samples_are_gaps(tmp_path: Path) -> None:
    numbers = np.concatenate([np.arange(100, 70000), np.arange(70500, 200000), np.arange(200001, 300000)])
    stream = Stream("Board-100.Data", samples(len(numbers), 1), numbers=numbers)
    folder = write(tmp_path / "experiment1/recording1", Recording([stream]))
    with opened(folder) as recording:
        assert recording.segments == (
            Segment(100 / 30000, 69900),
            Segment(70500 / 30000, 129500),
            Segment(200001 / 30000, 99999),
        )
        assert recording.sampling_frequency == 30000
        assert "3 segments: 501 sample numbers (0.0167 s) are missing" in said(recording)


def test_numbers_that_go_back_are_not_used(tmp_path: Path) -> None:
    numbers = np.concatenate([np.arange(100, 400), np.arange(200, 500)])
    stream = Stream("Board-100.Data", samples(600, 1), numbers=numbers)
    with opened(write(tmp_path / "experiment1/recording1", Recording([stream]))) as recording:
        assert sum(segment.num_samples for segment in recording.segments or ()) == 600
        assert "sample_numbers.npy is not used" in said(recording)


def test_a_clock_that_runs_otherwise_has_its_rate_by_the_main_stream(tmp_path: Path) -> None:
    numbers = np.arange(500, 200500)
    true_rate = 30000.25
    stream = Stream("Board-100.Data", samples(200000, 1), numbers=numbers, seconds=0.5 + numbers / true_rate)
    with opened(write(tmp_path / "experiment1/recording1", Recording([stream]))) as recording:
        assert recording.sampling_frequency == pytest.approx(true_rate, rel=1e-9)
        assert recording.segments is not None
        assert recording.segments[0].start_time == pytest.approx(0.5 + 500 / true_rate, abs=1e-6)
        assert "30000.25 Hz by these seconds" in said(recording)


def test_seconds_before_synchronization_are_counted_back(tmp_path: Path) -> None:
    numbers = np.arange(1000, 21000)
    seconds = 0.25 + numbers / 30000
    seconds[:9000] = -1
    stream = Stream("Board-100.Data", samples(20000, 1), numbers=numbers, seconds=seconds)
    lines = Lines("Board-100.Data", [1, -1], [2000, 15000], seconds=[-1, 0.75])
    folder = write(tmp_path / "experiment1/recording1", Recording([stream], [lines]))
    with opened(folder, "recording1/continuous/Board-100.Data".partition("/")[2]) as recording:
        assert recording.segments is not None
        assert recording.segments[0].start_time == pytest.approx(0.25 + 1000 / 30000, abs=1e-9)
    with opened(folder, "events/Board-100.Data/TTL") as events:
        assert events.events()[0] == pytest.approx([0.25 + 2000 / 30000, 0.75], abs=1e-9)


def test_seconds_of_no_rate_are_kept(tmp_path: Path) -> None:
    numbers = np.arange(0, 20000)
    seconds = numbers / 30000 + 0.05 * np.sin(numbers / 4000)
    seconds[:10] = -1
    stream = Stream("Board-100.Data", samples(20000, 1), numbers=numbers, seconds=seconds)
    with opened(write(tmp_path / "experiment1/recording1", Recording([stream]))) as recording:
        assert recording.sampling_frequency is None
        found = recording.timestamps(0, 20000)
        assert np.array_equal(found[10:], seconds[10:])
        assert found[:10] == pytest.approx(seconds[10] - np.arange(10, 0, -1) / 30000)


def test_recordings_of_an_experiment_are_one_series_and_experiments_are_not(tmp_path: Path) -> None:
    node = tmp_path / "Record Node 101"
    parts = [
        Stream("Board-100.Data", samples(3000, 2), first=1000),
        Stream("Board-100.Data", samples(2000, 2), first=90000),
    ]
    write(node / "experiment1/recording1", Recording([parts[0]], [Lines("Board-100.Data", [1], [1500])]))
    write(node / "experiment1/recording2", Recording([parts[1]], [Lines("Board-100.Data", [-1], [90500])]))
    write(node / "experiment2/recording1", Recording([Stream("Board-100.Data", samples(10, 2))]))
    listed = [each for each in list_candidates(tmp_path) if "type" not in each.options]
    found = [each for each in listed if each.problem is None]
    assert [(each.dataset, each.label) for each in found] == [
        ("Record Node 101/experiment1/continuous/Board-100.Data", "Data (experiment1)"),
        ("Record Node 101/experiment1/events/Board-100.Data/TTL", "Data TTL (experiment1)"),
        ("Record Node 101/experiment2/recording1/continuous/Board-100.Data", "Data (experiment2)"),
    ]
    with opened(tmp_path, found[0].dataset) as recording:
        assert isinstance(recording.layout, FilesLayout)
        assert np.array_equal(read(recording), np.concatenate([part.samples for part in parts]))
        assert recording.segments == (Segment(1000 / 30000, 3000), Segment(3.0, 2000))
        assert "recording1, recording2 are one series" in said(recording)
        assert "missing" not in said(recording)
    with opened(tmp_path, found[1].dataset) as events:
        assert events.events()[0].tolist() == [1500 / 30000, 90500 / 30000]
    with opened(node / "experiment1/recording2", "continuous/Board-100.Data") as alone:
        assert np.array_equal(read(alone), parts[1].samples)


def test_channels_of_other_kinds_are_series_of_their_own(tmp_path: Path) -> None:
    names = ["CH1", "CH2", "AUX1", "ADC1", "ADC2"]
    stream = Stream("Board-100.Data", samples(500, 5), names=names, units=[""] * 5)
    folder = write(tmp_path / "experiment1/recording1", Recording([stream]))
    neo = neo_reads(tmp_path)
    found = {each.dataset: each for each in list_candidates(folder)}
    assert {name: (each.shape, each.role, each.unit) for name, each in found.items()} == {
        "continuous/Board-100.Data": ((500, 2), "spike-band", "uV"),
        "continuous/Board-100.Data#AUX": ((500, 1), "analog", "V"),
        "continuous/Board-100.Data#ADC": ((500, 2), "analog", "V"),
    }
    with opened(folder, "continuous/Board-100.Data#ADC") as adc:
        assert np.array_equal(read(adc), neo.get_analogsignal_chunk(0, 0, stream_index=1))
        assert [each.label for each in adc.channels] == ["ADC1", "ADC2"]
        assert [each.id for each in adc.channels] == ["3", "4"]


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "Record Node 101",
        "Record Node 101/experiment1",
        "Record Node 101/experiment1/recording1",
        "Record Node 101/experiment1/recording1/structure.oebin",
        "Record Node 101/experiment1/recording1/continuous/Neuropix-PXI-100.ProbeA-AP/continuous.dat",
    ],
)
def test_any_folder_or_file_of_a_recording_is_found(session: Path, inside: str) -> None:
    path = session / inside
    assert OpenEphysReader().can_read(path)
    found = [each for each in list_candidates(path) if each.label == "ProbeA-AP"]
    with opened(path, found[0].dataset) as recording:
        assert recording.num_samples == 9000
        assert isinstance(recording.layout, ContiguousLayout)
    if inside.endswith(".dat"):
        assert len(list_candidates(path)) == 1


def test_other_folders_are_not_taken(tmp_path: Path) -> None:
    (tmp_path / "experiment1").mkdir()
    (tmp_path / "loose.dat").write_bytes(b"12")
    assert not any(OpenEphysReader().can_read(path) for path in (tmp_path, tmp_path / "loose.dat"))
    assert not OpenEphysReader().can_read(tmp_path / "gone")


def test_a_recording_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    stream = Stream("Board-100.Data", samples(500, 2))
    folder = write(tmp_path / "experiment1/recording1", Recording([stream]))
    data = folder / "continuous/Board-100.Data/continuous.dat"
    data.write_bytes(data.read_bytes()[:-7])
    with opened(folder) as recording:
        assert np.array_equal(read(recording), stream.samples[:498])
        assert "the last 1 bytes are no whole sample" in said(recording)
        assert "498 samples, and 500 of their numbers" in said(recording)


def test_a_header_that_a_crash_left_behind_counts_for_nothing(tmp_path: Path) -> None:
    numbers = np.concatenate([np.arange(10, 300), np.arange(400, 610)])
    stream = Stream("Board-100.Data", samples(500, 2), numbers=numbers)
    folder = write(tmp_path / "experiment1/recording1", Recording([stream]))
    for name in ("sample_numbers.npy", "timestamps.npy"):
        file = folder / "continuous/Board-100.Data" / name
        file.write_bytes(file.read_bytes().replace(b"(500,)", b"(0,)  "))
    with opened(folder) as recording:
        assert recording.num_samples == 500
        assert recording.segments == (Segment(10 / 30000, 290), Segment(400 / 30000, 210))
        assert "counts 0 and holds 500: its acquisition was not stopped properly" in said(recording)


def test_samples_without_numbers_are_counted_on(tmp_path: Path) -> None:
    stream = Stream("Board-100.Data", samples(500, 2))
    folder = write(tmp_path / "experiment1/recording1", Recording([stream]))
    for file in (folder / "continuous/Board-100.Data").glob("*.npy"):
        file.unlink()
    with opened(folder) as recording:
        assert recording.segments == (Segment(0.0, 500),)
        assert "no sample numbers" in said(recording)


def test_a_missing_description_is_lent_by_another_recording_or_named(tmp_path: Path) -> None:
    streams = [Stream("Board-100.Data", samples(300, 2), first=first) for first in (100, 5000)]
    for number, stream in enumerate(streams, 1):
        write(tmp_path / f"experiment1/recording{number}", Recording([stream]))
    (tmp_path / "experiment1/recording2/structure.oebin").unlink()
    with opened(tmp_path, "experiment1/continuous/Board-100.Data") as recording:
        assert np.array_equal(read(recording), np.concatenate([each.samples for each in streams]))
        assert "structure.oebin of recording2: cannot be read" in said(recording)
        assert "that of recording1 is taken" in said(recording)
    (tmp_path / "experiment1/recording1/structure.oebin").write_text('{"continuous": [')
    problems = [each.problem for each in list_candidates(tmp_path)]
    assert len(problems) == 2
    assert all(problem and "`reader: binary`" in problem for problem in problems)


def test_a_step_of_nothing_is_asked_for(tmp_path: Path) -> None:
    stream = Stream("Board-100.Data", samples(300, 2), bit_volts=0.0)
    folder = write(tmp_path / "experiment1/recording1", Recording([stream]))
    with opened(folder) as recording:
        assert recording.scale_problem is not None
        assert "set `scale`" in recording.scale_problem
    with opened(folder, scale=0.195) as recording:
        assert recording.scale_problem is None
        assert recording.scale == 0.195


def test_nothing_outside_the_session_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret.dat").write_bytes(b"12345678")
    folder = write(
        tmp_path / "session/Record Node 1/experiment1/recording1",
        Recording([Stream("Board-100.Data", samples(3, 2))]),
    )
    description = folder / "structure.oebin"
    whole = description.read_text()
    for name in ("../../../../../", "/etc/", "a/../../b"):
        description.write_text(whole.replace("Board-100.Data/", name))
        (only,) = list_candidates(folder)
        assert only.problem is not None
        assert "which is none of a recording" in only.problem
    description.write_text(whole)
    data = folder / "continuous/Board-100.Data/continuous.dat"
    data.unlink()
    data.symlink_to(tmp_path / "secret.dat")
    (only,) = list_candidates(folder)
    assert only.problem is not None
    assert "no file of this session" in only.problem


def test_settings_with_entities_are_not_used(session: Path) -> None:
    settings = session / "Record Node 101/settings.xml"
    text = settings.read_text()
    settings.write_text(
        text.replace("<SETTINGS>", '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><SETTINGS>', 1)
    )
    with opened(
        session, "Record Node 101/experiment1/recording1/continuous/Neuropix-PXI-100.ProbeA-AP"
    ) as ap:
        assert ap.channels[0].x is None
        assert "settings.xml is not used: it declares a document type" in said(ap)


def test_which_dataset_is_meant_is_asked_for(session: Path) -> None:
    with pytest.raises(ReaderError, match="dataset: several are there; choose one of Record Node 101"):
        opened(session)
    with pytest.raises(ReaderError, match="dataset: there is no nothing"):
        opened(session, "nothing")


def test_files_that_decide_the_result_are_named(session: Path) -> None:
    base = session / "Record Node 101"
    with opened(
        session, "Record Node 101/experiment1/recording1/continuous/Neuropix-PXI-100.ProbeA-AP"
    ) as ap:
        folder = base / "experiment1/recording1"
        stream = folder / "continuous/Neuropix-PXI-100.ProbeA-AP"
        assert set(ap.files) == {
            base / "settings.xml",
            folder / "structure.oebin",
            folder / "sync_messages.txt",
            stream / "sample_numbers.npy",
            stream / "timestamps.npy",
        }


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A recording that is read in no time."""
    stream = Stream("Board-100.ProbeA-AP", samples(40, 2))
    lines = Lines("Board-100.ProbeA-AP", [1, -1], [1010, 1020])
    write_settings(tmp_path / "settings.xml", probe="ProbeA")
    recording = Recording([stream], [lines], [("go", 1001)], {"1": [1003]})
    return write(tmp_path / "experiment1/recording1", recording)


def test_damaged_descriptions_are_refused_or_read(small: Path) -> None:
    assert check_survives(OpenEphysReader(), small, small / "structure.oebin", 1200) > 100


@pytest.mark.parametrize(
    "name",
    [
        "continuous/Board-100.ProbeA-AP/sample_numbers.npy",
        "continuous/Board-100.ProbeA-AP/timestamps.npy",
        "events/MessageCenter/text.npy",
        "../../settings.xml",
    ],
)
def test_damaged_companions_do_no_harm(small: Path, name: str) -> None:
    assert check_survives(OpenEphysReader(), small, small / name, 200) > 20


def test_two_gigabytes_need_little_memory(tmp_path: Path) -> None:
    folder = write(tmp_path / "experiment1/recording1", Recording([Stream("Board-100.Data", samples(3, 4))]))
    stream = folder / "continuous/Board-100.Data"
    rows = 1 << 28
    with (stream / "continuous.dat").open("r+b") as file:
        file.truncate(rows * 8)
    # All numbers but the first few are 0, so that every half is looked at.
    with (stream / "sample_numbers.npy").open("r+b") as file:
        file.truncate(128 + rows * 8)
    count, peak = read_through(folder)
    assert count == rows
    assert peak < 250 << 20


def test_a_session_is_built_and_linked(session: Path, tmp_path: Path) -> None:
    built = seriesview.build_workspace(session, store=tmp_path / "store")
    workspace = seriesview.open_workspace(built.uri, store=tmp_path / "store")
    assert len(workspace.names) == 7
    name = next(name for name in workspace.names if name.endswith("ProbeA-AP"))
    with workspace.series(name) as series:
        assert isinstance(series.manifest.values, LinkInfo)
        values = series.values(0, 100, 200)
        assert series.segments[0].start_time == pytest.approx(1000 / 30000)
    with opened(
        session, "Record Node 101/experiment1/recording1/continuous/Neuropix-PXI-100.ProbeA-AP"
    ) as ap:
        assert np.array_equal(values, read(ap)[100:200])
