"""Files that people try, by what they begin with or how their names end, and what helps where no reader takes one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 512

_SAVE = "write its samples to HDF5, .npy or CSV"
_MNE = "open it with MNE and give that to `seriesview.show`, or save it as .edf (raw.export)"
_OBSPY = f"with obspy {_SAVE}"
_WFDB = f"with wfdb {_SAVE}"
_FILM = "films cannot be shown; write their sound to .wav, or what was tracked in them to CSV"
_IMAGE = "images cannot be shown; write a series taken from them to .npy"
_TABLE = "write the table that is meant to CSV or Parquet"
_BESIDE = "it says nothing by itself: name the folder of the recording"


@dataclass(frozen=True)
class KnownFile:
    """A kind of files, the readers that take such files, and what to do where none of these is there.

    It is known by what its files begin with (at byte `at`), or by the ends of their names.
    """

    what: str
    known_by: tuple[bytes, ...] | tuple[str, ...]
    readers: tuple[str, ...]
    advice: str = _SAVE
    at: int = 0

    def is_one(self, path: Path, head: bytes) -> bool:
        """Whether a file is of this kind; `head` are its first bytes."""
        names = tuple(each for each in self.known_by if isinstance(each, str))
        beginnings = tuple(each for each in self.known_by if isinstance(each, bytes))
        return path.name.lower().endswith(names) if names else head.startswith(beginnings, self.at)


def _named(what: str, suffixes: str, readers: str = "", advice: str = _SAVE) -> KnownFile:
    return KnownFile(what, tuple(suffixes.split()), tuple(readers.split()), advice)


BY_BEGINNING = (
    KnownFile("an EDF file", (b"0       ",), ("edf",)),
    KnownFile("a BDF file", (b"\xffBIOSEMI",), ("edf",)),
    KnownFile("a GDF file", (b"GDF 1.", b"GDF 2."), ("mne", "gdf"), _MNE),
    KnownFile("a BrainVision header", (b"Brain", b"\xef\xbb\xbfBrain"), ("brainvision",), _MNE),
    KnownFile(
        "a MATLAB file of before 7.3",
        (b"MATLAB 5.0",),
        ("matlab",),
        "save it in MATLAB with '-v7.3', or its arrays as .npy",
    ),
    KnownFile("a film", (b"AVI ",), (), _FILM, at=8),
    KnownFile("a CNT file of ANT", (b"CNT ",), ("mne",), _MNE, at=8),
    KnownFile("a CNT file of ANT", (b"CNT ",), ("mne",), _MNE, at=12),
    KnownFile("an image", (b"WEBP",), (), _IMAGE, at=8),
    KnownFile(
        "a WAV file",
        (b"RIFF", b"RF64", b"riff\x2e\x91\xcf\x11"),
        ("wav",),
        "write its samples to .npy, with scipy.io.wavfile",
    ),
    KnownFile(
        "a sound file",
        (b"fLaC", b"OggS", b"FORM", b".snd", b"caff"),
        ("audio",),
        "save it as .wav, or its samples as .npy, with soundfile",
    ),
    KnownFile("a TDMS file of LabVIEW", (b"TDSm", b"TDSh"), ("tdms",), f"with npTDMS {_SAVE}"),
    KnownFile("an XDF file of LSL", (b"XDF:",), ("xdf",), f"with pyxdf {_SAVE}"),
    KnownFile("a GSE file", (b"WID1", b"WID2"), ("gse2",), _OBSPY),
    KnownFile(
        "a Blackrock file", (b"NEURALSG", b"NEURALCD", b"NEURALEV", b"BRSMPGRP", b"BREVENTS"), ("neo",)
    ),
    KnownFile("a Neuralynx file", (b"######## Neuralynx",), ("neo",)),
    KnownFile("an Intan file", (b"\x02\x27\x91\xc6", b"\xac\x27\x91\xd6"), ("neo",)),
    KnownFile("a Plexon file", (b"PLEX",), ("neo",)),
    KnownFile("an Axon file", (b"ABF ", b"ABF2"), ("neo",)),
    KnownFile("an AxoGraph file", (b"AxGr", b"axgx"), ("neo",)),
    KnownFile("a NeuroExplorer file", (b"NEX1",), ("neo",)),
    KnownFile(
        "a NeuroExplorer 5 file", (b"NEX5",), (), "save it as .nex in NeuroExplorer, or its arrays as .npy"
    ),
    KnownFile("an SQLite database", (b"SQLite format 3\0",), (), f"{_TABLE}, with pandas.read_sql"),
    KnownFile("an Excel workbook", (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",), (), "save its sheet as .csv"),
    KnownFile("an image", (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"GIF8"), (), _IMAGE),
    KnownFile("a film", (b"ftyp",), (), _FILM, at=4),
    KnownFile("a film", (b"\x1aE\xdf\xa3",), (), _FILM),
)
"""What is sure by its first bytes."""

BY_NAME = (
    _named("a FIF file", ".fif .fif.gz", "mne", _MNE),
    _named("a GDF file", ".gdf", "mne gdf", _MNE),
    _named("an EEGLAB or Axona file", ".set", "mne neo", _MNE),
    _named("the samples of an EEGLAB file", ".fdt", "", "name the .set file beside it"),
    _named("a CNT file", ".cnt", "mne", _MNE),
    _named("a Curry file", ".cdt .dap .rs3 .cef .cdt.dpa .cdt.cef", "mne", _MNE),
    _named("a file of a KIT or Yokogawa system", ".con .sqd", "mne", _MNE),
    _named("a CTF file", ".ds .meg4 .res4", "mne", f"name its .ds folder; {_MNE}"),
    _named("an EGI recording", ".mff .egi", "mne", _MNE),
    _named("a Nihon Kohden file", ".pnt .21e", "mne", _MNE),
    _named("a Persyst file", ".lay", "mne", _MNE),
    _named("a Nicolet file", ".data .nedf .nxe", "mne", _MNE),
    _named("a SNIRF file", ".snirf", "hdf5 mne", _MNE),
    _named("a recording of optical sensors", ".nirs .hdr", "mne", _MNE),
    _named("a MEF 3 recording", ".mefd .timd .segd .tdat", "mne", f"with pymef {_SAVE}"),
    _named("a MEF 2 file", ".mef", "", f"with pymef {_SAVE}"),
    _named("a BrainVision file", ".vhdr .vmrk .ahdr .amrk", "brainvision", _MNE),
    _named("an EDF file", ".edf .bdf", "edf"),
    _named("a file with samples of EEG", ".eeg", "brainvision neo mne", "name the header beside it"),
    _named("a Micromed file", ".trc", "neo"),
    _named("a Spike2 file", ".smr .smrx", "neo"),
    _named("a Plexon file", ".plx .pl2", "neo"),
    _named("a NeuroExplorer file", ".nex", "neo"),
    _named("a NeuroExplorer 5 file", ".nex5", "", "save it as .nex in NeuroExplorer, or its arrays as .npy"),
    _named("a TDT file", ".tbk .tdx .tev .tin .tnt .tsq .sev", "neo"),
    _named("an Alpha Omega file", ".mpx .lsx", "neo"),
    _named("an Axon file", ".abf", "neo"),
    _named("an Axon text file", ".atf", "", "call it .csv: its lines are a table"),
    _named("an AxoGraph file", ".axgd .axgx", "neo"),
    _named("a WinWCP or WinEDR file", ".wcp .edr", "neo"),
    _named("an Open Ephys file of before 0.5", ".continuous .openephys .spikes .events", "neo"),
    _named("a Dark Horse Neuro file", ".medd .rdat .ridx", "neo"),
    _named("a SpikeGadgets file", ".rec", "neo"),
    _named("a Neuralynx file", ".ncs .nse .ntt .nvt .nrd", "neo"),
    _named("a Blackrock file", ".ns1 .ns2 .ns3 .ns4 .ns5 .ns6 .nev .sif .ccf", "neo"),
    _named("an Intan file", ".rhd .rhs", "neo"),
    _named("a NeuroNexus file", ".xdat", "neo"),
    _named("a NIX file", ".nix", "neo hdf5"),
    _named("a SpikeGLX header", ".meta", "spikeglx", "name its .bin, which must lie beside it"),
    _named("a compressed SpikeGLX file", ".cbin .ch", "", "unpack it with mtscomp, beside its .meta"),
    _named("an Open Ephys header", ".oebin", "open_ephys openephys", _BESIDE),
    _named("a text in XML, and no settings of a recording that lies beside it", ".xml", "", _BESIDE),
    _named("a file of phy", "params.py", "phy", _BESIDE),
    _named("a WFDB header", ".hea", "wfdb", _WFDB),
    _named("WFDB annotations", ".atr .qrs .apn", "wfdb", _WFDB),
    _named("MiniSEED", ".mseed .miniseed .msd .seed", "seismic miniseed mseed", _OBSPY),
    _named(
        "a SAC file, but no binary one that is whole",
        ".sac",
        "",
        f"with obspy {_SAVE}, or write it as binary SAC",
    ),
    _named("a GSE file", ".gse .gse1 .gse2", "gse2", _OBSPY),
    _named("a SEG file", ".sgy .segy .sg2", "", _OBSPY),
    _named("a Zarr store", ".zarr", "zarr", f"with zarr {_SAVE}"),
    _named("a WAV file", ".wav .w64 .rf64", "wav"),
    _named("a sound file", ".flac .ogg .opus .aif .aiff .au .caf .mp3", "audio", "save it as .wav"),
    _named("a TDMS file of LabVIEW", ".tdms .tdms_index", "tdms", f"with npTDMS {_SAVE}"),
    _named("an XDF file of LSL", ".xdf .xdfz", "xdf", f"with pyxdf {_SAVE}"),
    _named("a MATLAB file", ".mat", "matlab hdf5", "save it in MATLAB with '-v7.3', or its arrays as .npy"),
    _named("an Igor file", ".ibw .pxp .itx", "", "with igor2 (igor2.binarywave.load) save its wave as .npy"),
    _named("a file of R", ".rds .rda .rdata", "", f"{_TABLE}, in R or with pyreadr"),
    _named(
        "a pickle of Python", ".pkl .pickle .joblib", "", "load it yourself, and give it to `seriesview.show`"
    ),
    _named("a spreadsheet", ".xlsx .xlsm .xls .ods", "", "save its sheet as .csv"),
    _named("a database", ".sqlite .sqlite3 .db .duckdb", "", _TABLE),
    _named("a NIfTI image", ".nii .nii.gz", "", "write the series of some voxels to .npy, with nibabel"),
    _named("a film", ".mp4 .mov .avi .mkv .webm .m4v .mpg .wmv", "", _FILM),
    _named("an image", ".png .jpg .jpeg .tif .tiff .gif .bmp", "", _IMAGE),
    _named("an archive", ".tar .tgz .tar.gz .7z .rar .bz2 .xz .zst", "", "unpack it"),
    _named("a text that describes something", ".json .yaml .yml .md .ini .cfg .pdf", "", _BESIDE),
)
"""What is not, by how its name ends."""

_LAST = (
    KnownFile("a zip archive", (b"PK\x03\x04",), (), "unpack it, or call it .npz if it holds .npy arrays"),
    KnownFile("compressed with gzip", (b"\x1f\x8b",), (), "unpack it"),
)
KNOWN = (*BY_BEGINNING, *BY_NAME, *_LAST)


def what_is_known(path: Path, head: bytes, there: Collection[str]) -> str | None:
    """What a file is that no reader took, and what helps; None where its kind is not known.

    `head`: its first HEAD_BYTES; `there`: the names of all readers.
    """
    known = next((each for each in KNOWN if each.is_one(path, head)), None)
    if known is None:
        return None
    own = [name for name in known.readers if name in there]
    if not own:
        return f"{known.what}, which no reader here knows; {known.advice}, or install a reader for it"
    return (
        f"{known.what}, but not one that reader {own[0]} takes: it is damaged or cut off, or files that belong to it "
        f"are not beside it; `reader: {own[0]}` says more"
    )
