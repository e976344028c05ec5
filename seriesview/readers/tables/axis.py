"""From the columns that hold a table's times to seconds, one for each row, and the date on which they are 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.readers.clocks import (
    ClockError,
    NumberClock,
    TimeSteps,
    days_instead_of_seconds,
    number_clock,
    stored_resolution,
)
from seriesview.readers.protocol import Decision
from seriesview.readers.tables.column_store import ColumnStore
from seriesview.readers.tables.decoding import NO_TIME, DecodedTable
from seriesview.readers.tables.names import split_unit
from seriesview.readers.tables.times import TimeSource
from seriesview.readers.tables.wall_clock import (
    NO_ZONE,
    ClockCells,
    WallClock,
    days_since_1970,
    session_start,
)

Floats = npt.NDArray[np.float64]

_PIECE_ROWS = 1 << 16
_DAY = 86_400 * 10**9
_UNITS_OF_PARTS = ("h", "min", "s")


class TimeAxis:
    """Times of a table's rows in seconds; those with a date count from the first one, or from that of `shared`.

    `are_samples`: one stands for each sample, so they must tell samples apart and never go back. `num_rows`: how many
    are wanted, if not all. Raises ReaderError.
    """

    def __init__(
        self,
        table: DecodedTable,
        source: TimeSource,
        zone: ZoneInfo | None,
        are_samples: bool = True,
        shared: TimeAxis | None = None,
        num_rows: int | None = None,
    ) -> None:
        self.session_start: str | None = None
        self.origin: int | None = None if shared is None else shared.origin
        self.clock: NumberClock | None = None if shared is None else shared.clock
        self._table = table
        self._num_rows = table.num_rows if num_rows is None else num_rows
        self._source = source
        self._zone = zone
        self._are_samples = are_samples
        self._wall = WallClock(zone)
        self._name = table.columns[source.columns[0]].name
        self._store = ColumnStore()
        self._steps = TimeSteps()
        self._decisions = list(source.decisions)
        first = 0
        for seconds in self._seconds():
            if are_samples:
                self._check(seconds, first)
                self._steps.add(seconds)
            self._store.append(len(seconds), [(seconds,)])
            first += len(seconds)
        if are_samples and first > 1 and self.times(0, 1) == self.times(first - 1, first):
            raise ReaderError(
                f"column {self._name}: all times are the same, {self.session_start or 'one'}, "
                "which tells no sample from another; set `sampling_frequency:` (Hz), or `timestamps:` to other times",
                file=table.table.path,
            )

    @property
    def decisions(self) -> list[Decision]:
        """What was decided of the times."""
        found = list(self._decisions)
        if self._wall.leaps:
            found.append(
                Decision(
                    "behind its leap second (23:59:60), times are a second more than their clock shows", True
                )
            )
        if (
            self.session_start is not None
            and "+" not in self.session_start[10:]
            and "-" not in self.session_start[10:]
        ):
            found.append(
                Decision("dates are local times without a zone: set `timezone:` to place them in others'")
            )
        if self._are_samples and (said := self._steps.decision(self._resolution())):
            found.append(said)
        return found

    def times(self, first_row: int, last_row: int) -> Floats:
        """Seconds (last_row - first_row,)."""
        pieces = [arrays[0] for _, arrays in self._store.read(0, first_row, last_row)]
        return np.concatenate(pieces) if pieces else np.empty(0)

    def close(self) -> None:
        """Let go of the times."""
        self._store.close()

    def _resolution(self) -> float:
        """Seconds between neighbours of the numbers' own dtype, where that is less than float64."""
        if self.clock is None or self._source.form != "numbers":
            return 0.0
        numbers = self._table.numbers(self._source.columns[0], self._table.num_rows - 1, self._table.num_rows)
        return stored_resolution(numbers, self.clock.unit) if numbers.dtype.kind == "f" else 0.0

    def _seconds(self) -> Iterator[Floats]:
        column = self._source.columns[0]
        if self._source.form == "numbers":
            if self.clock is None:
                self.clock = self._number_clock()
            epoch = self.clock.unit.epoch
            if epoch is None or epoch.tzinfo is not None:
                self.session_start = self.clock.session_start
                for first, last in self._pieces():
                    numbers = self._table.numbers(column, first, last)
                    self._refuse_missing(~np.isfinite(numbers), first)
                    yield self.clock.seconds(numbers)
                return
        for first, last in self._pieces():
            cells = self._cells(first, last)
            self._refuse_missing(cells.shown == NO_TIME, first)
            yield self._wall_seconds(cells, first)

    def _pieces(self) -> Iterator[tuple[int, int]]:
        rows = self._num_rows
        for first in range(0, rows, _PIECE_ROWS):
            yield first, min(first + _PIECE_ROWS, rows)

    def _number_clock(self) -> NumberClock:
        column, rows = self._source.columns[0], self._table.num_rows
        parts = [(0, min(rows, _PIECE_ROWS)), (max(rows - 100, min(rows, _PIECE_ROWS)), rows)]
        numbers = np.concatenate([self._table.numbers(column, *part) for part in parts])
        try:
            clock = number_clock(
                numbers,
                self._source.unit,
                is_date=self._source.is_date,
                are_samples=self._are_samples,
                hint=lambda unit: f"set `timestamps: {self._name.split(' (')[0]} ({unit})`",
            )
        except ClockError as error:
            raise ReaderError(f"column {self._name}: {error}", file=self._table.table.path) from error
        if self._source.unit is None and clock.unit.epoch is None:
            self._refuse_other_units(numbers)
            if (
                not self._are_samples
                and self._num_rows == rows
                and numbers.dtype.kind in "iu"
                and numbers.max() > 1000
            ):
                said = "whole numbers without a unit are taken for seconds; call it "
                said += f"`{self._name} (ms)` if they are milliseconds"
                self._decisions.append(Decision(f"column {self._name}: {said}", is_guess=True))
        if self._source.unit is None and clock.unit.epoch is None and self._are_samples:
            self._decisions += doubts_of_seconds(self._name, numbers)
        if clock.decision is not None:
            self._decisions.append(
                Decision(f"column {self._name}: {clock.decision.text}", clock.decision.is_guess)
            )
        return clock

    def _refuse_other_units(self, numbers: npt.NDArray[Any]) -> None:
        """Raise ReaderError for numbers that would be taken for seconds, and may be something else."""
        place = f"{self._table.table.path}: column {self._name}"
        other = split_unit(self._name)[1]
        if other is not None and not self._source.is_date:
            rate = "`sampling_frequency:` (Hz), or " if self._are_samples else ""
            raise ReaderError(
                f"{place}: {other!r} is no unit of time; set {rate}`timestamps: {self._name} (s)`, or the unit that "
                "it has"
            )
        if self._are_samples and (days := days_instead_of_seconds(numbers)) is not None:
            raise ReaderError(
                f"{place}: times such as {numbers[0]:.9g} are days or seconds; set `timestamps: {self._name} ({days})` "
                f"or `timestamps: {self._name} (s)`"
            )

    def _cells(self, first: int, last: int) -> ClockCells:
        """The times as clocks show them; NO_TIME where there is none."""
        table, source = self._table, self._source
        one, *others = source.columns
        match source.form:
            case "clock":
                return table.clock(one, first, last)
            case "numbers":
                assert self.clock is not None
                return _shown(*_with_gaps(table.numbers(one, first, last), self.clock.unit.nanoseconds))
            case "digits":
                return _shown(*_with_gaps(table.numbers(one, first, last), _solid_dates))
            case "parts":
                return self._parts(first, last)
        dates = table.clock(one, first, last) if table.columns[one].kind == "clock" else None
        shown = dates.shown if dates is not None else _solid_dates(table.numbers(one, first, last))
        if source.form == "date and clock":
            beside = table.clock(others[0], first, last)
            gaps = (shown == NO_TIME) | (beside.shown == NO_TIME)
            dated = np.ones(len(shown), np.bool_)
            return ClockCells(
                np.where(gaps, NO_TIME, shown + beside.shown), beside.offsets, dated, beside.leap
            )
        if source.form == "date and parts":
            factors = (3600, 60, 1)
            pairs = zip(others, factors, strict=False)
            seconds = sum(table.numbers(part, first, last) * float(factor) for part, factor in pairs)
            since_midnight = np.rint(np.asarray(seconds) * 1e9)
            return _shown(*_with_gaps(since_midnight, lambda whole: whole.astype(np.int64)), beside=shown)
        numbers = table.numbers(others[0], first, last)
        if source.form == "date and digits":
            return _shown(shown + _solid_times(numbers), shown == NO_TIME)
        assert source.unit is not None
        since_midnight = np.rint(source.unit.seconds(numbers) * 1e9)
        return _shown(*_with_gaps(since_midnight, lambda whole: whole.astype(np.int64)), beside=shown)

    def _parts(self, first: int, last: int) -> ClockCells:
        columns = [self._table.numbers(column, first, last) for column in self._source.columns]
        year, month, day, hour = (column.astype(np.int64) for column in columns[:4])
        days, wrong = days_since_1970(np.where(year < 100, year + 2000, year), month, day)
        minute = columns[4] if len(columns) > 4 else np.zeros(len(year))
        second = columns[5] if len(columns) > 5 else np.zeros(len(year))
        gaps = ~np.isfinite(second)
        wrong |= (hour < 0) | (hour > 23) | (minute < 0) | (minute > 59) | (second < 0) | (second >= 61)
        if wrong.any():
            row = first + int(np.argmax(wrong))
            problem = "no date and time that exists in the columns of year to second"
            raise ReaderError(f"{self._table.table.place_of(row)}: {problem}", file=self._table.table.path)
        shown = days * _DAY + (hour * 60 + minute.astype(np.int64)) * 60 * 10**9
        shown += np.rint(np.where(gaps, 0, second) * 1e9).astype(np.int64)
        if len(columns) > 6:
            shown += np.rint(columns[6] * (1e9 / self._source.per_second)).astype(np.int64)
        return _shown(shown, gaps)

    def _wall_seconds(self, cells: ClockCells, first: int) -> Floats:
        try:
            nanoseconds = self._wall.add(cells)
        except ClockError as error:
            place = self._table.table.place_of(first + (error.index or 0))
            raise ReaderError(
                f"{place}, column {self._name}: {error}", file=self._table.table.path
            ) from error
        assert self._wall.first is not None
        begin, zone = self._wall.first
        if self.origin is None:
            # Whole microseconds, which is what ISO 8601 dates of Python have.
            self.origin = begin // 1000 * 1000
        if self._wall.is_dated:
            self.session_start = session_start(self.origin, zone)
        return _in_seconds(nanoseconds - self.origin)

    def _refuse_missing(self, missing: npt.NDArray[np.bool_], first: int) -> None:
        if missing.any():
            row = first + int(np.argmax(missing))
            place = self._table.table.place_of(row)
            if not self._are_samples:
                raise ReaderError(
                    f"{place}, column {self._name}: there is no time", file=self._table.table.path
                )
            raise ReaderError(
                f"column {self._name}: {place} (row {row}) has no time; every row needs one",
                file=self._table.table.path,
            )

    def _check(self, seconds: Floats, first: int) -> None:
        before = self.times(first - 1, first) if first else seconds[:1]
        back = np.diff(seconds, prepend=before) < 0
        if back.any():
            at = int(np.argmax(back))
            row = first + at
            earlier = float(seconds[at - 1] if at else before[0])
            place_of = self._table.table.place_of
            raise ReaderError(
                f"column {self._name}: time goes back from {earlier!r} s in "
                f"{place_of(row - 1)} to {float(seconds[at])!r} s in {place_of(row)} (row {row}); {self._what_to_do()}",
                file=self._table.table.path,
            )

    def _what_to_do(self) -> str:
        """What may be wrong where time goes back."""
        if self.origin is None or self._zone is not None or not self._wall.is_dated:
            return "sort the table by time"
        return "sort the table by time, or set `timezone:` if the clock was put back there"


def doubts_of_seconds(name: str, numbers: npt.NDArray[Any]) -> list[Decision]:
    """What is said of a column of numbers without a unit that are taken for seconds, as they may be milliseconds."""
    steps = np.diff(numbers)
    if len(steps) == 0 or not np.median(steps) > 1:
        return []
    said = f"its numbers are taken for seconds; set `timestamps: {name} (ms)` if they are milliseconds"
    return [Decision(f"column {name}: {said}", is_guess=True)]


def _shown(
    shown: npt.NDArray[np.int64], gaps: npt.NDArray[np.bool_], beside: npt.NDArray[np.int64] | None = None
) -> ClockCells:
    """Cells of dates without a zone; those of `beside` are added."""
    if beside is not None:
        gaps = gaps | (beside == NO_TIME)
        shown = shown + beside
    size = len(shown)
    return ClockCells(
        np.where(gaps, NO_TIME, shown),
        np.full(size, NO_ZONE),
        np.ones(size, np.bool_),
        np.zeros(size, np.bool_),
    )


def _with_gaps(
    numbers: npt.NDArray[Any], convert: Any
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """The numbers converted, 0 for those that are missing, and which are missing."""
    gaps = ~np.isfinite(numbers)
    converted: npt.NDArray[np.int64] = convert(
        np.where(gaps, numbers[~gaps][0] if (~gaps).any() else 0, numbers)
    )
    return converted, gaps


def _solid_dates(numbers: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    whole = numbers.astype(np.int64)
    days, wrong = days_since_1970(whole // 10000, whole // 100 % 100, whole % 100)
    return np.where(wrong, NO_TIME, days * _DAY)


def _solid_times(numbers: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    whole = numbers.astype(np.int64)
    seconds: npt.NDArray[np.int64] = (whole // 10000 * 60 + whole // 100 % 100) * 60 + whole % 100
    return seconds * 10**9


def _in_seconds(nanoseconds: npt.NDArray[np.int64]) -> Floats:
    # int64 nanoseconds have more digits than float64; microseconds of 285 years do not.
    whole, rest = np.divmod(nanoseconds, 1000)
    seconds: Floats = whole / 1e6
    return seconds + rest / 1e9 if rest.any() else seconds
