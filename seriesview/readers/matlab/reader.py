"""The reader of MATLAB files: variables of numbers, and fields of structures, linked where they are not compressed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.layout.layouts import ContiguousLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.clocks import ClockError, number_clock, parse_time_unit, split_unit
from seriesview.readers.in_memory import events_from_array, intervals_from_array
from seriesview.readers.matlab.variables import MOST_UNPACKED, Variable, level_of, unpacked, variables_of
from seriesview.readers.moments import zone_called
from seriesview.readers.protocol import Candidate, Decision, ReadOptions, Recording
from seriesview.readers.sample_types import checked_rate, describe, make_channels, required_rate, turned_guess

_MOST_CHANNELS = 16384
_RATES = frozenset(
    [
        "fs",
        "srate",
        "sfreq",
        "samplerate",
        "samplingrate",
        "samplingfrequency",
        "samplefrequency",
        "sampfreq",
        "fsample",
    ]
)
_TIMES = ("timestamps", "times", "time", "t")

Array = npt.NDArray[Any]


class MatlabRecording(Recording):
    """One variable; what is compressed is held in memory."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        arrays = _Variables(path)
        name = _chosen(arrays, options, path)
        rows, columns = arrays.shape(name)
        by_row = columns == 1 or (rows > 1 and options.order == "C")
        self.layout = arrays.layout(name, by_row)
        self._file = None if self.layout is None else SampleFile(self.layout)
        self._values = None
        if self.layout is None:
            values = arrays.array(name)
            self._values = values if by_row else values.T
        self.type = options.type or "continuous"
        self.path = path
        dtype = arrays.named[name].dtype
        assert dtype is not None
        self.dtype = dtype.newbyteorder("=")
        self.num_samples, num_channels = (rows, columns) if by_row else (columns, rows)
        self.channels = make_channels(num_channels, options, path)
        decisions: list[Decision] = []
        self._times: npt.NDArray[np.float64] | None = None
        self.sampling_frequency = checked_rate(options.sampling_frequency, path)
        if options.timestamps is not None:
            self.sampling_frequency = None
            self._set_times(arrays, options, decisions)
        elif self.sampling_frequency is None:
            rate = arrays.rate_for(name)
            if rate is None:
                self.sampling_frequency = required_rate(options, path)
            else:
                self.sampling_frequency = rate[1]
                decisions.append(Decision(f"{rate[1]:g} Hz: the variable {rate[0]}", is_guess=True))
        self.decisions = tuple(decisions)
        describe(self, options)

    def _set_times(self, arrays: _Variables, options: ReadOptions, decisions: list[Decision]) -> None:
        assert options.timestamps is not None
        wanted, unit = split_unit(options.timestamps)
        times = arrays.array(wanted).ravel()
        if len(times) != self.num_samples:
            raise ReaderError(
                f"timestamps: {wanted} holds {len(times)} values, but {self.num_samples} samples need one each",
                file=self.path,
            )
        try:
            clock = number_clock(
                times,
                None if unit is None else parse_time_unit(unit),
                zone=zone_called(options.timezone, self.path),
                hint=lambda text: f"set `timestamps: {wanted} ({text})`",
            )
        except ClockError as error:
            raise ReaderError(f"{wanted}: {error}", file=self.path) from error
        self._times = clock.seconds(times)
        self.session_start = clock.session_start
        decisions += [] if clock.decision is None else [clock.decision]

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        if self._file is not None:
            self._file.read_into(first_sample, out)
        elif self._values is not None:
            out[...] = self._values[first_sample : first_sample + len(out)]

    def timestamps(self, first_sample: int, last_sample: int) -> npt.NDArray[np.float64]:
        """Times in seconds (last_sample - first_sample,)."""
        if self._times is None:
            return super().timestamps(first_sample, last_sample)
        return self._times[first_sample:last_sample]

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


class _Variables:
    """What a file holds, by name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.named = {variable.name: variable for variable in reversed(variables_of(path))}
        self.shown = {name: each for name, each in reversed(self.named.items()) if problem_of(each) is None}

    def layout(self, name: str, by_row: bool) -> ContiguousLayout | None:
        """Where the values of a variable lie plain; `by_row`: a row is a sample, else a column is one."""
        variable = self._found(name)
        if variable.packed is not None:
            return None
        return _layout(variable, self._path, by_row)

    def array(self, name: str) -> Array:
        """The numbers (rows, columns) of a variable. Raises ReaderError where it is none."""
        variable = self._found(name)
        assert variable.dtype is not None
        if variable.packed is not None:
            content = np.frombuffer(unpacked(self._path, variable), variable.dtype)
            return content.reshape(variable.shape, order="F")
        with SampleFile(_layout(variable, self._path, by_row=True)) as file:
            return file.read(0, variable.shape[0])

    def _found(self, name: str) -> Variable:
        if name not in self.named:
            listed = ", ".join(list(self.shown)[:20]) or "none"
            raise ReaderError(f"there is no variable {name!r}; there are {listed}", file=self._path)
        variable = self.named[name]
        reason = problem_of(variable)
        if reason is not None:
            raise ReaderError(reason, file=(str(self._path), name))
        return variable

    def shape(self, name: str) -> tuple[int, int]:
        """Rows and columns of a variable. Raises ReaderError where it is no array of numbers."""
        rows, columns = self._found(name).shape
        return rows, columns

    def rate_for(self, name: str) -> tuple[str, float] | None:
        """Name and value of a variable beside this one, of a single number, that is called as rates are."""
        prefix = name.rpartition(".")[0]
        for place in dict.fromkeys((prefix, "")):
            for other, variable in self.shown.items():
                before, _, last = other.rpartition(".")
                plain = last.replace("_", "").casefold()
                if before == place and variable.shape == (1, 1) and plain in _RATES:
                    rate = float(self.array(other)[0, 0])
                    if np.isfinite(rate) and rate > 0:
                        return other, rate
        return None

    def times_for(self, name: str) -> str | None:
        """A variable beside this one that is called as times are, with one for each sample."""
        prefix, counts = name.rpartition(".")[0], self.named[name].shape
        cell = _cell_of(name)
        for other, variable in self.shown.items():
            before, _, last = other.rpartition(".")
            word = last.removesuffix(cell).casefold()
            is_called_so = before == prefix and word in _TIMES and _cell_of(other) == cell and other != name
            length = max(variable.shape)
            # A trial may have more channels than samples; of another array the longer side are samples.
            fits = length in counts if cell else length == max(counts)
            if is_called_so and min(variable.shape) == 1 and fits and length > 1:
                return other
        return None


def _cell_of(name: str) -> str:
    """`{2}` of `data.trial{2}`; empty of what is in no cell itself."""
    last = name.rpartition(".")[2]
    return last[last.find("{") :] if "{" in last else ""


def _layout(variable: Variable, path: Path, by_row: bool) -> ContiguousLayout:
    assert variable.dtype is not None
    rows, columns = variable.shape
    itemsize = variable.dtype.itemsize
    return ContiguousLayout(
        path=path,
        dtype=variable.dtype,
        num_samples=rows if by_row else columns,
        num_channels=columns if by_row else rows,
        offset=variable.offset,
        row_stride=itemsize if by_row else rows * itemsize,
        channel_stride=rows * itemsize if by_row else itemsize,
    )


def problem_of(variable: Variable) -> str | None:
    """Why a variable cannot be shown; None where it can."""
    if variable.problem is not None or variable.dtype is None:
        return variable.problem
    rows, columns = variable.shape
    if min(rows, columns) > _MOST_CHANNELS:
        return f"{rows} x {columns} values are no samples of channels"
    if variable.packed is not None and rows * columns * variable.dtype.itemsize > MOST_UNPACKED:
        return f"more than {MOST_UNPACKED >> 30} GB, which are unpacked whole; save it in MATLAB with '-v7.3'"
    return None


def _chosen(arrays: _Variables, options: ReadOptions, path: Path) -> str:
    if options.dataset is not None:
        return options.dataset
    shown = [name for name, variable in arrays.shown.items() if max(variable.shape) > 1]
    if len(shown) == 1:
        return shown[0]
    raise ReaderError(
        f"dataset: choose one variable: {', '.join(shown[:20]) or 'none can be shown'}", file=path
    )


class MatlabReader:
    """Reader of MATLAB files of before 7.3; those of 7.3 are HDF5."""

    name = "matlab"

    def can_read(self, path: Path) -> bool:
        """Whether the file begins as level 5 does, or is called .mat and begins as level 4 does; not EEGLAB's .set."""
        if path.suffix.lower() == ".set":
            return False
        try:
            with path.open("rb") as file:
                return level_of(file.read(128), path.suffix) is not None
        except OSError:
            return False

    def candidates(self, path: Path) -> list[Candidate]:
        """Each variable of numbers but single ones and times of others; and why the rest is not shown."""
        arrays = _Variables(path)
        shown = {name: each for name, each in arrays.shown.items() if max(each.shape) > 1}
        times = {name: arrays.times_for(name) for name in shown}
        found = []
        for name, variable in shown.items():
            if name in times.values():
                continue
            rows, columns = variable.shape
            options: dict[str, Any] = {"dataset": name}
            # Trials of FieldTrip tell when they begin.
            rate = None if times[name] and _cell_of(name) else arrays.rate_for(name)
            if rate is None:
                options |= {"timestamps": times[name]} if times.get(name) else {"sampling_frequency": None}
            known_times = times[name]
            length = None if known_times is None else max(arrays.named[known_times].shape)
            is_turned = columns == length if length in (rows, columns) and rows != columns else rows < columns
            shape = (columns, rows) if is_turned else (rows, columns)
            decisions: tuple[Decision, ...] = ()
            if is_turned and rows > 1:
                options["order"] = "F"
                decisions = (turned_guess(shape),) if length is None else ()
            dtype = "?" if variable.dtype is None else str(variable.dtype.newbyteorder("="))
            known = None if rate is None else rate[1]
            found.append(
                Candidate(name, "continuous", dtype, shape, known, None, options, decisions=decisions)
            )
        problems = {name: problem_of(each) for name, each in reversed(arrays.named.items())}
        found += [
            Candidate(name, None, "?", (), None, None, {}, why)
            for name, why in problems.items()
            if why is not None
        ]
        return found

    def open(self, path: Path, options: ReadOptions) -> Recording:
        """Open the variable that `dataset` names: its name, or the path of a field (`data.emg`). Raises ReaderError."""
        if options.type not in ("event", "interval"):
            return MatlabRecording(path, options)
        arrays = _Variables(path)
        name = _chosen(arrays, options, path)
        values = arrays.array(name).astype(np.float64)
        values = (
            values.T if options.order == "F" or (len(values) == 1 and options.type == "event") else values
        )
        if options.type == "event":
            return events_from_array(path, values, options)
        return intervals_from_array(path, values, name, options)
