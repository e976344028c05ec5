"""Recordings as other programs write them, and passes over them by those programs' own libraries."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import numpy as np

CHANNELS = 32
PROBE_CHANNELS = 384
RATE = 1000

Samples = np.ndarray


def flat(folder: Path, noise: Samples) -> Path:
    """Samples and nothing else."""
    noise.tofile(folder / "a.dat")
    return folder / "a.dat"


def spikeglx(folder: Path, noise: Samples) -> Path:
    """A .bin with a sync word behind the channels of a Neuropixels probe, and its .meta."""
    path = folder / "run_g0_t0.imec0.ap.bin"
    rows = noise.reshape(-1)[: noise.size // PROBE_CHANNELS * PROBE_CHANNELS].reshape(-1, PROBE_CHANNELS)
    np.concatenate([rows, np.zeros((len(rows), 1), "<i2")], axis=1).tofile(path)
    probe = "".join(f"({number} 0 0 500 250 1)" for number in range(PROBE_CHANNELS))
    said = {
        "typeThis": "imec",
        "imSampRate": RATE,
        "imAiRangeMax": 0.6,
        "imDatPrb_pn": "NP1000",
        "fileSizeBytes": path.stat().st_size,
        "nSavedChans": PROBE_CHANNELS + 1,
        "acqApLfSy": f"{PROBE_CHANNELS},{PROBE_CHANNELS},1",
        "snsApLfSy": f"{PROBE_CHANNELS},0,1",
        "snsSaveChanSubset": "all",
        "~imroTbl": f"(0,{PROBE_CHANNELS}){probe}",
    }
    path.with_suffix(".meta").write_text("".join(f"{key}={value}\n" for key, value in said.items()))
    return path


def open_ephys(folder: Path, noise: Samples) -> Path:
    """A recording of one stream in the binary format."""
    stream = folder / "continuous" / "Acquisition_Board-100.Rhythm"
    stream.mkdir(parents=True)
    noise.tofile(stream / "continuous.dat")
    np.save(stream / "sample_numbers.npy", np.arange(len(noise)))
    np.save(stream / "timestamps.npy", np.arange(len(noise)) / RATE)
    channels = ",".join(f'{{"channel_name": "CH{number}", "bit_volts": 0.195}}' for number in range(CHANNELS))
    (folder / "structure.oebin").write_text(
        f'{{"GUI version": "0.6.7", "events": [], "spikes": [], "continuous": [{{"folder_name": "{stream.name}/", '
        f'"sample_rate": {RATE}, "stream_name": "Rhythm", "num_channels": {CHANNELS}, "channels": [{channels}]}}]}}'
    )
    return folder / "structure.oebin"


def brainvision(folder: Path, noise: Samples) -> Path:
    """A header, its samples, and no markers."""
    noise.tofile(folder / "a.eeg")
    names = "".join(f"Ch{number + 1}=C{number},,0.1\n" for number in range(CHANNELS))
    path = folder / "a.vhdr"
    path.write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nDataFile=a.eeg\nDataFormat=BINARY\n"
        f"DataOrientation=MULTIPLEXED\nNumberOfChannels={CHANNELS}\nSamplingInterval={1_000_000 // RATE}\n"
        f"[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\n{names}"
    )
    return path


def wav(folder: Path, noise: Samples) -> Path:
    """Samples behind a header of 44 bytes."""
    path = folder / "a.wav"
    size = noise.nbytes
    form = struct.pack("<HHIIHH", 1, CHANNELS, RATE, RATE * 2 * CHANNELS, 2 * CHANNELS, 16)
    head = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + struct.pack("<I", 16) + form
    path.write_bytes(head + b"data" + struct.pack("<I", size) + noise.tobytes())
    return path


def edf(folder: Path, noise: Samples) -> Path:
    """As pyedflib writes it, a second a record."""
    import pyedflib

    path = folder / "a.edf"
    with pyedflib.EdfWriter(str(path), CHANNELS, pyedflib.FILETYPE_EDF) as writer:
        for number in range(CHANNELS):
            writer.setSignalHeader(
                number, pyedflib.highlevel.make_signal_header(f"C{number}", sample_frequency=RATE)
            )
        writer.writeSamples([np.ascontiguousarray(channel, np.int32) for channel in noise.T], digital=True)
    return path


def flac(folder: Path, noise: Samples) -> Path:
    """As libsndfile writes it; it has at most eight channels."""
    import soundfile

    soundfile.write(folder / "a.flac", noise.reshape(-1, 8), RATE)
    return folder / "a.flac"


def read_flac(path: Path) -> None:
    """By libsndfile."""
    import soundfile

    with soundfile.SoundFile(path) as file:
        for _ in file.blocks(1 << 16, dtype="int16"):
            pass


def zarr(folder: Path, noise: Samples) -> Path:
    """Chunks packed with Blosc, as zarr writes them."""
    import zarr as library

    array = library.open_array(
        str(folder / "a.zarr"), mode="w", shape=noise.shape, chunks=(8192, CHANNELS), dtype="i2"
    )
    array[:] = noise
    return folder / "a.zarr"


def read_zarr(path: Path) -> None:
    """By tensorstore."""
    import tensorstore

    store = {"driver": "file", "path": str(path)}
    opened = tensorstore.open({"driver": "zarr", "kvstore": store}, read=True).result()
    for first in range(0, opened.shape[0], 65536):
        opened[first : min(first + 65536, opened.shape[0])].read().result()


def fif(folder: Path, noise: Samples) -> Path:
    """As MNE writes it."""
    import mne

    raw = mne.io.RawArray(noise.T * 1e-7, mne.create_info(CHANNELS, RATE, "eeg"), verbose="error")
    raw.save(folder / "a_raw.fif", verbose="error")
    return folder / "a_raw.fif"


def read_fif(path: Path) -> None:
    """By MNE."""
    import mne

    with warnings.catch_warnings(action="ignore"):
        raw = mne.io.read_raw_fif(path, verbose="error")
    for first in range(0, raw.n_times, 16384):
        raw.get_data(start=first, stop=min(first + 16384, raw.n_times))


def tdms(folder: Path, noise: Samples) -> Path:
    """As nptdms writes it, in segments of a few seconds."""
    import nptdms

    with nptdms.TdmsWriter(str(folder / "a.tdms")) as writer:
        for first in range(0, len(noise), 16384):
            block = noise[first : first + 16384]
            words = {"wf_increment": 1 / RATE, "wf_samples": len(block)}
            writer.write_segment(
                [
                    nptdms.ChannelObject("a", f"c{number}", channel, words)
                    for number, channel in enumerate(block.T)
                ]
            )
    return folder / "a.tdms"


def read_tdms(path: Path) -> None:
    """By nptdms."""
    import nptdms

    with nptdms.TdmsFile.open(path) as file:
        channels = file["a"].channels()
        for first in range(0, len(channels[0]), 65536):
            for channel in channels:
                channel.read_data(first, 65536, scaled=False)


def miniseed(folder: Path, noise: Samples) -> Path:
    """One channel in Steim 2, as pymseed writes it."""
    import pymseed

    traces = pymseed.MS3TraceList()
    flat_noise = np.ascontiguousarray(noise.reshape(-1), np.int32)
    traces.add_data(
        sourceid="FDSN:XX_A__B_H_Z",
        data_samples=flat_noise,
        sample_type="i",
        sample_rate=RATE,
        starttime_str="2024-01-01T00:00:00Z",
    )
    traces.to_file(str(folder / "a.mseed"), format_version=2)
    return folder / "a.mseed"


def read_miniseed(path: Path) -> None:
    """By pymseed, in records."""
    import pymseed

    for record in pymseed.MS3Record.from_file(str(path), unpack_data=True):
        _ = record.np_datasamples


def read_edf(path: Path) -> None:
    """By pyedflib."""
    import pyedflib

    with pyedflib.EdfReader(str(path)) as file:
        count = int(file.getNSamples()[0])
        for first in range(0, count, 65536):
            for number in range(CHANNELS):
                file.readSignal(number, first, min(65536, count - first), digital=True)
