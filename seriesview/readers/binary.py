"""Flat binary files: samples of one dtype and nothing else, behind an optional header of known size."""

from __future__ import annotations

from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.layout.layouts import ContiguousLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.laid_out import LaidOutRecording
from seriesview.readers.protocol import Candidate, ReadOptions, Recording
from seriesview.readers.sample_types import describe, make_channels, parse_dtype, required_rate

_SUFFIXES = frozenset({".bin", ".dat", ".raw", ".i16", ".int16", ".f32", ".float32"})


class BinaryRecording(LaidOutRecording):
    """Samples (n, C) of a flat binary file, read by byte range. `order` F: channel after channel."""

    layout: ContiguousLayout

    def __init__(self, path: Path, options: ReadOptions) -> None:
        if options.type not in (None, "continuous"):
            raise ReaderError(
                f"type: flat binary files hold continuous series only, not {options.type}", file=path
            )
        if options.timestamps is not None:
            raise ReaderError(
                "timestamps: flat binary files have none; set `sampling_frequency:` alone", file=path
            )
        self.type = "continuous"
        self.path = path
        self.sampling_frequency = required_rate(options, path)
        self.layout = binary_layout(path, options)
        self.dtype = self.layout.dtype.newbyteorder("=")
        self.num_samples = self.layout.num_samples
        self.channels = make_channels(self.layout.num_channels, options, path)
        describe(self, options)
        self._samples = SampleFile(self.layout)


def binary_layout(path: Path, options: ReadOptions) -> ContiguousLayout:
    """Where the samples lie. Raises ReaderError where the options and the file's size do not agree."""
    missing = [key for key in ("dtype", "channels") if getattr(options, key) is None]
    if options.dtype is None or options.channels is None:
        raise ReaderError(
            f"a flat binary file says nothing about itself; set `{'`, `'.join(missing)}`", file=path
        )
    if options.channels < 1:
        raise ReaderError(f"channels: {options.channels} is too few; there must be at least 1", file=path)
    if options.byte_offset < 0:
        raise ReaderError(f"byte_offset: {options.byte_offset} lies before the file's first byte", file=path)
    dtype = parse_dtype(options.dtype, (str(path),))
    size = path.stat().st_size
    sample_bytes = dtype.itemsize * options.channels
    num_samples, left_over = divmod(max(0, size - options.byte_offset), sample_bytes)
    if left_over:
        _check_truncated(path, options, left_over, sample_bytes)
    if num_samples == 0:
        raise ReaderError(
            f"no samples: {size} bytes, read from byte {options.byte_offset} on, "
            f"do not hold one of {sample_bytes} bytes",
            file=path,
        )
    by_row = options.order == "C" or options.channels == 1
    return ContiguousLayout(
        path=path,
        dtype=dtype,
        num_samples=num_samples,
        num_channels=options.channels,
        offset=options.byte_offset,
        row_stride=sample_bytes if by_row else dtype.itemsize,
        channel_stride=dtype.itemsize if by_row else dtype.itemsize * num_samples,
    )


def _check_truncated(path: Path, options: ReadOptions, left_over: int, sample_bytes: int) -> None:
    problem = (
        f"{path}: {left_over} bytes are left over after the last whole sample of {sample_bytes} bytes "
        f"({options.channels} channels of {options.dtype} from byte {options.byte_offset} on)"
    )
    if options.order == "F":
        # With one channel after another, a short file does not tell where each channel begins.
        raise ReaderError(f"{problem}; check dtype, channels and byte_offset: order F cannot be truncated")
    if not options.allow_truncated:
        raise ReaderError(f"{problem}; check dtype, channels and byte_offset, or set `allow_truncated: true`")


class BinaryReader:
    """Reader of flat binary files, known by their suffix alone."""

    name = "binary"
    follows = True
    reads_remote = True

    def can_read(self, path: Path) -> bool:
        """Whether the name ends like that of a flat binary file."""
        return path.suffix.lower() in _SUFFIXES

    def candidates(self, path: Path) -> list[Candidate]:
        """One candidate that says which keys are missing: the file does not tell."""
        size = path.stat().st_size
        return [
            Candidate(
                dataset=None,
                type="continuous",
                dtype="?",
                shape=(size,),
                sampling_frequency=None,
                unit=None,
                options={"reader": self.name, "dtype": None, "channels": None, "sampling_frequency": None},
                problem=f"{size} bytes that do not say what they are: set dtype, channels, sampling_frequency "
                "(and byte_offset, order)",
            )
        ]

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the file with the given dtype, channels, byte_offset, order and rate; raises ReaderError."""
        return BinaryRecording(path, options)
