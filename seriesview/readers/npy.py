"""NumPy files: .npy, and the arrays of .npz archives, compressed or not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.clocks import (
    ClockError,
    NumberClock,
    TimeSteps,
    number_clock,
    parse_time_unit,
    split_unit,
    stored_resolution,
)
from seriesview.readers.in_memory import events_from_array, intervals_from_array
from seriesview.readers.moments import zone_called
from seriesview.readers.npy_arrays import (
    ArrayFile,
    ArrayHeader,
    member_names,
    open_archive,
    open_npy,
    open_npz,
    opened_member,
    read_header,
)
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording
from seriesview.readers.sample_types import describe, make_channels, required_rate, turned_guess

_NPY_MAGIC = b"\x93NUMPY"
_ZIP_MAGIC = b"PK\x03\x04"
_LOOKED_AT = 512
_TIME_NAMES = ("timestamps", "timestamp", "times", "time", "t")


class NpyRecording(Recording):
    """Samples (n, C) of an array, with a rate, or with timestamps from another array."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path = path
        self.type = options.type or "continuous"
        self._array = _open_array(path, options)
        self.num_samples = self._array.num_samples
        self._times: ArrayFile | None = None
        self._clock: NumberClock | None = None
        try:
            self._set_times(options)
            self.channels = make_channels(self._array.num_channels, options, path)
        except BaseException:
            self.close()
            raise
        self.dtype = self._array.dtype
        self.layout = self._array.layout
        describe(self, options)

    def _set_times(self, options: ReadOptions) -> None:
        if options.timestamps is None:
            if self.type == "discrete":
                raise ReaderError(
                    "type: a discrete series needs `timestamps:`, the name of their array", file=self.path
                )
            self.sampling_frequency = required_rate(options, self.path)
            return
        self.sampling_frequency = None
        name, unit = _name_and_unit(self.path, options.timestamps)
        self._times = _open_times(self.path, name)
        if self._times.layout is not None and self._times.layout.path != self.path:
            self.files = (self._times.layout.path,)
        if (self._times.num_samples, self._times.num_channels) != (self._array.num_samples, 1):
            raise ReaderError(
                f"timestamps: {name} holds {self._times.num_samples} rows of "
                f"{self._times.num_channels}, but {self._array.num_samples} samples need one time each",
                file=self.path,
            )
        ends = [0, max(0, self.num_samples - _LOOKED_AT)]
        parts = [
            np.empty((min(_LOOKED_AT, self.num_samples - first), 1), self._times.dtype) for first in ends
        ]
        for first, part in zip(ends, parts, strict=True):
            self._times.read_into(first, part)
        head, tail = parts[0][:, 0], parts[1][:, 0]
        numbers = np.concatenate([head, tail]) if self.num_samples > 2 * _LOOKED_AT else tail
        self._clock = _clock_of(self.path, name, numbers, unit, options)
        self.session_start = self._clock.session_start
        self.decisions = _said_of(name, head, self._clock)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        self._array.read_into(first_sample, out)

    def timestamps(self, first_sample: int, last_sample: int) -> npt.NDArray[np.float64]:
        """Times in seconds (last_sample - first_sample,)."""
        if self._times is None or self._clock is None:
            raise ReaderError("this dataset has no timestamps", file=self.path)
        times = np.empty((last_sample - first_sample, 1), self._times.dtype)
        self._times.read_into(first_sample, times)
        return self._clock.seconds(times[:, 0])

    def close(self) -> None:
        """Let go of the files."""
        self._array.close()
        if self._times is not None:
            self._times.close()


class NpyReader:
    """Reader of .npy and .npz files."""

    name = "npy"

    def can_read(self, path: Path) -> bool:
        """Whether the file begins like a .npy file, or is a zip archive called .npz."""
        with path.open("rb") as file:
            magic = file.read(6)
        return magic == _NPY_MAGIC or (magic[:4] == _ZIP_MAGIC and path.suffix.lower() == ".npz")

    def candidates(self, path: Path) -> list[Candidate]:
        """The array of a .npy file, or each one of an archive but the ones that hold another's times.

        Raises ReaderError where it is neither.
        """
        headers = _headers(path)
        times = {member: _times_of(member, headers) for member in headers}
        serving = set(times.values())
        return [
            _candidate(member, header, times[member])
            for member, header in headers.items()
            if member is None or member not in serving
        ]

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open a .npy file, or the array of an archive that `dataset` names; raises ReaderError.

        `order: F` says that the array's first dimension is channels. Events: times (n,) in seconds, or
        (n, 2) with the channel's index; intervals: (n, 2) starts and ends.
        """
        if options.type not in ("event", "interval"):
            return NpyRecording(path, options)
        stored = _whole(path, options)
        name = options.dataset or path.stem
        clock = _clock_of(path, name, stored[:, 0], None, options, are_samples=False)
        values = stored.astype(np.float64)
        for column in range(stored.shape[1] if options.type == "interval" else 1):
            values[:, column] = clock.seconds(stored[:, column])
        recording: Recording
        if options.type == "event":
            recording = events_from_array(path, values, options)
        else:
            recording = intervals_from_array(path, values, "", options)
        recording.session_start = recording.session_start or clock.session_start
        recording.decisions = _said_of(name, stored[:0, 0], clock)
        return recording


def _is_archive(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == _ZIP_MAGIC


def _headers(path: Path) -> dict[str | None, ArrayHeader]:
    if not _is_archive(path):
        with path.open("rb") as file:
            return {None: read_header(file, (str(path),))}
    headers: dict[str | None, ArrayHeader] = {}
    with open_archive(path) as archive:
        for member in member_names(archive):
            with opened_member(archive, f"{member}.npy", (str(path), member)) as stream:
                headers[member] = read_header(stream, (str(path), member))
    return headers


def _times_of(member: str | None, headers: Mapping[str | None, ArrayHeader]) -> str | None:
    """The array of an archive that is called as if it held the times of this one, and fits; None where none does."""
    if member is None or member in _TIME_NAMES or headers[member].problem() is not None:
        return None
    own = [f"{member}_{name}" for name in _TIME_NAMES]
    for name in (*own, *_TIME_NAMES):
        header = headers.get(name)
        if (
            header is not None
            and header.problem() is None
            and header.shape == (_num_samples(headers[member]),)
        ):
            return name
    return None


def _is_transposed(header: ArrayHeader) -> bool:
    """Whether the first dimension looks like channels."""
    return len(header.shape) == 2 and 0 < header.shape[0] < header.shape[1]


def _num_samples(header: ArrayHeader) -> int:
    return header.shape[1] if _is_transposed(header) else header.shape[0]


def _candidate(member: str | None, header: ArrayHeader, times: str | None) -> Candidate:
    options: dict[str, Any] = {} if member is None else {"dataset": member}
    if times is not None:
        options["timestamps"] = times
    elif header.problem() is None:
        options["sampling_frequency"] = None
    shape = header.shape
    if _is_transposed(header):
        options["order"] = "F"
        shape = (shape[1], shape[0])
    return Candidate(
        dataset=member,
        type="continuous",
        dtype=str(header.dtype),
        shape=shape,
        sampling_frequency=None,
        unit=None,
        options=options,
        problem=header.problem(),
        decisions=(turned_guess(shape),) if "order" in options and times is None else (),
    )


def _open_array(path: Path, options: ReadOptions) -> ArrayFile:
    transposed = options.order == "F"
    if _is_archive(path):
        return open_npz(path, _member(path, options.dataset), transposed)
    if options.dataset is not None:
        raise ReaderError(
            "dataset: a .npy file holds one array without a name; leave `dataset:` out", file=path
        )
    return open_npy(path, transposed, options.allow_truncated)


def _member(path: Path, dataset: str | None) -> str:
    if dataset is not None:
        return dataset.removesuffix(".npy")
    usable = [
        member for member, header in _headers(path).items() if member is not None and header.problem() is None
    ]
    if len(usable) == 1:
        return usable[0]
    raise ReaderError(
        f"dataset: choose one array of this archive: {', '.join(usable) or 'none can be shown'}", file=path
    )


def _open_times(path: Path, name: str) -> ArrayFile:
    if _is_archive(path):
        with open_archive(path) as archive:
            members = member_names(archive)
        if name.removesuffix(".npy") in members:
            return open_npz(path, name.removesuffix(".npy"))
    for candidate in (Path(name), path.parent / name):
        if candidate.is_file():
            return open_npy(candidate)
    kind = "an array of this archive or " if _is_archive(path) else ""
    raise ReaderError(f"timestamps: {name} is neither {kind}a .npy file", file=path)


def _name_and_unit(path: Path, timestamps: str) -> tuple[str, str | None]:
    """The name of an array of times, and the unit that is written behind it, as in `t (ms)`."""
    name, unit = split_unit(timestamps)
    is_whole = unit is None or (path.parent / timestamps).is_file() or Path(timestamps).is_file()
    return (timestamps, None) if is_whole else (name, unit)


def _clock_of(
    path: Path,
    name: str,
    numbers: npt.NDArray[Any],
    unit: str | None,
    options: ReadOptions,
    are_samples: bool = True,
) -> NumberClock:
    """The clock of times of which `numbers` (n,) are a part. Raises ReaderError."""
    try:
        return number_clock(
            numbers,
            None if unit is None else parse_time_unit(unit),
            is_date=name.casefold() in ("date", "dates", "datetime", "datenum"),
            are_samples=are_samples,
            zone=zone_called(options.timezone, path),
            hint=lambda wanted: f"set `timestamps: {name} ({wanted})`",
        )
    except ClockError as error:
        raise ReaderError(f"{name}: {error}", file=path) from error


def _said_of(name: str, head: npt.NDArray[Any], clock: NumberClock) -> tuple[Decision, ...]:
    """What people should know of how times are understood; `head` (n,) are the first ones of samples."""
    decisions = [] if clock.decision is None else [clock.decision]
    if len(head) and clock.session_start is None and clock.unit.name == "s" and head.dtype.kind in "iu":
        decisions.append(Decision(f"{name}: whole numbers without a unit, taken for seconds", is_guess=True))
    steps = TimeSteps()
    steps.add(clock.seconds(head))
    coarse = steps.decision(stored_resolution(head, clock.unit) if head.dtype.kind == "f" else 0.0)
    return (*decisions, *([] if coarse is None else [coarse]))


def _whole(path: Path, options: ReadOptions) -> npt.NDArray[Any]:
    array = _open_array(path, options)
    try:
        values = np.empty((array.num_samples, array.num_channels), array.dtype)
        array.read_into(0, values)
    finally:
        array.close()
    return values
