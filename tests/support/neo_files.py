"""Files of recording systems, written as their makers' descriptions say; what neo reads of them is what is compared."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from neo.rawio import axonrawio, neuroexplorerrawio, plexonrawio

Array = npt.NDArray[Any]


def noise(rows: int, columns: int, dtype: str = "<i2", seed: int = 0) -> Array:
    """Samples (rows, columns) that are all different from their neighbours."""
    generator = np.random.default_rng(seed)
    return generator.integers(-2000, 2000, (rows, columns)).astype(dtype)


def write_blackrock(path: Path, pieces: Sequence[tuple[int, Array]], period: int = 1) -> None:
    """An .nsX of version 2.3: `pieces` are the tick (30 kHz) and the samples (n, C) of each block."""
    channels = pieces[0][1].shape[1]
    size = 314 + 66 * channels
    data = struct.pack("<8s2BI16s256s2I8HI", b"NEURALCD", 2, 3, size, b"30 kS/s", b"", period, 30000,
                       2024, 3, 4, 14, 8, 30, 15, 250, channels)  # fmt: skip
    for number in range(channels):
        label = f"chan{number + 1}".encode()
        data += struct.pack("<2sH16s2B4h16sIIHIIH", b"CC", number + 1, label, 1, number, -8192, 8191, -2048, 2047,
                            b"uV", 300, 1, 1, 7500000, 3, 1)  # fmt: skip
    for tick, samples in pieces:
        data += struct.pack("<BII", 1, tick, len(samples)) + samples.astype("<i2").tobytes()
    path.write_bytes(data)


def write_nev(path: Path, spikes: Sequence[tuple[int, int, int]], digital: Sequence[tuple[int, int]]) -> None:
    """An .nev of version 2.3: spikes are (tick, electrode, unit), digital inputs (tick, value)."""
    electrodes = sorted({electrode for _, electrode, _ in spikes})
    packet, size = 104, 336 + 32 * len(electrodes)
    data = struct.pack("<8s2BHIIII8H32s256sI", b"NEURALEV", 2, 3, 1, size, packet, 30000, 30000, 2024, 3, 4, 14,
                       8, 30, 15, 250, b"test", b"", len(electrodes))  # fmt: skip
    for electrode in electrodes:
        data += struct.pack(
            "<8sHBBHHhhBBH8s", b"NEUEVWAV", electrode, 1, electrode, 250, 0, 100, -100, 3, 2, 48, b""
        )
    packets = [(tick, struct.pack("<IHBB", tick, electrode, unit, 0)) for tick, electrode, unit in spikes]
    packets += [(tick, struct.pack("<IHBBH", tick, 0, 1, 0, value)) for tick, value in digital]
    data += b"".join(each.ljust(packet, b"\0") for _, each in sorted(packets))
    path.write_bytes(data)


def write_ncs(path: Path, pieces: Sequence[tuple[int, Array]], number: int = 1, rate: int = 32000) -> None:
    """A Neuralynx .ncs: `pieces` are the microsecond and the samples (n,) of each stretch, n a multiple of 512."""
    lines = [
        "######## Neuralynx Data File Header",
        "-FileType NCS",
        "-FileVersion 3.3.0",
        "-RecordSize 1044",
        "-CheetahRev 5.6.3 ",
        "-TimeCreated 2024/03/14 08:30:15",
        "-TimeClosed 2024/03/14 08:31:15",
        "-HardwareSubSystemType DigitalLynx",
        f"-SamplingFrequency {rate}",
        "-ADMaxValue 32767",
        "-ADBitVolts 0.000000030518510385491027",
        f"-AcqEntName CSC{number}",
        "-NumADChannels 1",
        f"-ADChannel {number}",
        "-InputRange 1000",
        "-InputInverted False",
    ]
    records = []
    for start, samples in pieces:
        for index, block in enumerate(samples.reshape(-1, 512)):
            stamp = round(start + index * 512e6 / rate)
            records.append(struct.pack("<QIII", stamp, number, rate, 512) + block.astype("<i2").tobytes())
    path.write_bytes("\r\n".join(lines).encode("latin-1").ljust(16384, b"\0") + b"".join(records))


def write_rhd(path: Path, amplifier: Array, digital: Array) -> None:
    """An Intan .rhd of version 2: amplifier uint16 (n, C) and one digital input 0 or 1 (n,), n a multiple of 128."""

    def text(words: str) -> bytes:
        encoded = words.encode("utf-16-le")
        return struct.pack("<I", len(encoded)) + encoded

    def channel(native: str, custom: str, order: int, kind: int) -> bytes:
        return (
            text(native)
            + text(custom)
            + struct.pack("<10hff", order, order, kind, 1, order, 0, 0, 0, 0, 0, 1e5, 0)
        )

    names = [f"A-{number:03}" for number in range(amplifier.shape[1])]
    data = struct.pack("<Ihhfh6fh2f", 0xC6912702, 2, 0, 20000.0, 1, 1, 1, 7500, 1, 1, 7500, 0, 1000, 1000)
    data += text("") * 3 + struct.pack("<hh", 0, 0) + text("n/a") + struct.pack("<h", 2)
    data += text("Port A") + text("A") + struct.pack("<3h", 1, len(names), len(names))
    data += b"".join(channel(each, f"site {number}", number, 0) for number, each in enumerate(names))
    data += (
        text("Board Digital Inputs")
        + text("D")
        + struct.pack("<3h", 1, 1, 0)
        + channel("DIN-00", "lick", 0, 4)
    )
    for start in range(0, len(amplifier), 128):
        data += np.arange(start, start + 128, dtype="<i4").tobytes()
        data += amplifier[start : start + 128].T.astype("<u2").tobytes()
        data += digital[start : start + 128].astype("<u2").tobytes()
    path.write_bytes(data)


def _record(fields: Any, **values: Any) -> bytes:
    record = np.zeros(1, np.dtype(fields))
    for name, value in values.items():
        record[name] = value
    return record.tobytes()


def write_plx(
    path: Path, pieces: Sequence[tuple[int, Array]], spikes: Sequence[tuple[int, int]], rate: int = 1000
) -> None:
    """A Plexon .plx at 40 kHz: `pieces` are tick and samples (n, C) of FP channels; spikes (tick, unit)."""
    channels = pieces[0][1].shape[1]
    data = _record(
        plexonrawio.GlobalHeader,
        **{"MagicNumber": 0x58454C50, "Version": 106, "ADFrequency": 40000, "NumDSPChannels": 1},
        **{"NumEventChannels": 1, "NumSlowChannels": channels, "NumPointsWave": 4, "Trodalness": 1},
        **{"Year": 2024, "Month": 3, "Day": 14, "Hour": 8, "Minute": 30, "Second": 15, "WaveformFreq": 40000},
        **{"BitsPerSpikeSample": 12, "BitsPerSlowSample": 12, "SpikeMaxMagnitudeMV": 3000},
        **{"SlowMaxMagnitudeMV": 5000, "SpikePreAmpGain": 1000, "LastTimestamp": 4e6},
    )
    data += _record(plexonrawio.DspChannelHeader, Name=b"sig001", Channel=1, Gain=10, NUnits=2)
    data += _record(plexonrawio.EventChannelHeader, Name=b"EVT01", Channel=1)
    for number in range(channels):
        name = f"FP{number + 1:02}".encode()
        data += _record(
            plexonrawio.SlowChannelHeader, Name=name, Channel=number, ADFreq=rate, Gain=1, PreampGain=1000
        )
    blocks = []
    for tick, samples in pieces:
        for number in range(channels):
            for first in range(0, len(samples), 100):
                part = samples[first : first + 100, number].astype("<i2")
                stamp = tick + first * 40000 // rate
                blocks.append(
                    (stamp, struct.pack("<HHIHHHH", 5, 0, stamp, number, 0, 1, len(part)) + part.tobytes())
                )
    wave = np.array([1, -5, 3, 0], "<i2").tobytes()
    blocks += [(tick, struct.pack("<HHIHHHH", 1, 0, tick, 1, unit, 1, 4) + wave) for tick, unit in spikes]
    data += b"".join(each for _, each in sorted(blocks, key=lambda block: block[0]))
    path.write_bytes(data)


def write_nex(
    path: Path,
    pieces: Sequence[tuple[int, Array]],
    spikes: Sequence[int],
    rate: float = 1000.0,
    lengths: Sequence[int] = (),
) -> None:
    """A NeuroExplorer .nex at 40 kHz: `pieces` are tick and samples (n, C) of fragments; one neuron.

    `lengths`: samples of each channel that were never written, in place of samples.
    """
    channels = pieces[0][1].shape[1]
    fields = {"signature": b"NEX1", "version": 104, "freq": 40000.0, "tend": 400000, "nvar": channels + 1}
    data = _record(neuroexplorerrawio.GlobalHeader, **fields).ljust(544, b"\0")
    position = 544 + 208 * (channels + 1)
    contents: list[tuple[int, bytes]] = []
    for number in range(channels):
        samples = np.concatenate([piece[:, number] for _, piece in pieces]).astype("<i2")
        count = lengths[number] if lengths else len(samples)
        fields = {"type": 5, "name": f"AD{number + 1:02}".encode(), "offset": position, "n": len(pieces)}
        fields |= {"WFrequency": rate, "ADtoMV": 0.01, "NPointsWave": count}
        data += _record(neuroexplorerrawio.EntityHeader, **fields)
        firsts = np.cumsum([0, *(len(piece) for _, piece in pieces)])[:-1]
        table = np.array([*(tick for tick, _ in pieces), *firsts], "<i4")
        contents.append((position, table.tobytes() + samples.tobytes()))
        position += table.nbytes + 2 * count
    fields = {"type": 0, "name": b"sig001a", "offset": position, "n": len(spikes)}
    data += _record(neuroexplorerrawio.EntityHeader, **fields)
    with path.open("wb") as file:
        for place, part in [(0, data), *contents, (position, np.array(spikes, "<i4").tobytes())]:
            file.seek(place)
            file.write(part)
        file.truncate(position + 4 * len(spikes))


def write_neuroscope(folder: Path, samples: Array, suffix: str = ".lfp") -> Path:
    """session.xml and the samples (n, C) of field potentials beside it, at 1250 Hz where the .dat file has 20 kHz."""
    (folder / "session.xml").write_text(
        "<?xml version='1.0'?>\n<parameters creator='neuroscope'>\n<acquisitionSystem>"
        f"<nBits>16</nBits><nChannels>{samples.shape[1]}</nChannels><samplingRate>20000</samplingRate>"
        "<voltageRange>20</voltageRange><amplification>1000</amplification><offset>0</offset></acquisitionSystem>"
        "<fieldPotentials><lfpSamplingRate>1250</lfpSamplingRate></fieldPotentials>"
        "<anatomicalDescription><channelGroups><group><channel skip='0'>0</channel></group></channelGroups>"
        "</anatomicalDescription></parameters>\n"
    )
    path = folder / f"session{suffix}"
    samples.astype("<i2").tofile(path)
    return path


def write_abf1(path: Path, sweeps: Sequence[Array], tags: Sequence[tuple[int, str]]) -> None:
    """An ABF of version 1.8 at 10 kHz, without a table of sweeps: each sweep (n,), tags (sample, comment)."""
    samples = np.concatenate(sweeps).astype("<i2")
    data_blocks = -(-samples.nbytes // 512)
    values: dict[str, Any] = {
        **{"fFileSignature": b"ABF ", "fFileVersionNumber": 1.8, "nOperationMode": 5},
        **{"lActualAcqLength": len(samples), "lActualEpisodes": len(sweeps), "lDataSectionPtr": 12},
        **{"lFileStartDate": 20240314, "lFileStartTime": 30615, "lTagSectionPtr": 12 + data_blocks},
        **{"lNumTagEntries": len(tags), "nADCNumChannels": 1, "fADCSampleInterval": 100.0, "fADCRange": 10.0},
        **{"lADCResolution": 32768, "nADCSamplingSeq": (0, *[-1] * 15), "nADCPtoLChannelMap": range(16)},
        **{"sADCChannelName": (b"IN 0".ljust(10),) * 16, "sADCUnits": (b"pA".ljust(8),) * 16},
        **dict.fromkeys(("fADCProgrammableGain", "fInstrumentScaleFactor", "fSignalGain"), (1.0,) * 16),
    }
    head = bytearray(6144)
    for name, place, kind in axonrawio.headerDescriptionV1:
        value = values.get(name)
        if value is not None:
            struct.pack_into(
                f"<{kind}", head, place, *([value] if isinstance(value, bytes | int | float) else value)
            )
    data = samples.tobytes().ljust(512 * data_blocks, b"\0")
    marks = b"".join(struct.pack("<i56shh", place, text.encode("latin-1"), 1, 0) for place, text in tags)
    path.write_bytes(bytes(head) + data + marks)
