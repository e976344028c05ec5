"""A record with its segments: which files hold which signals, from which frame on, and what is not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.protocol import Decision
from seriesview.readers.wfdb.formats import LIBRARYS, OWN
from seriesview.readers.wfdb.header import NULL, RecordHeader, SignalSpec, read_header

_MOST_SEGMENTS = 100_000
_SHOWN = 5
_MOST_SAID = 8


@dataclass(frozen=True)
class Part:
    """Frames of a record that one header tells of: from `first_frame` of the record on.

    `columns` are for each of the record's signals the index of the header's own, None where it does not have that.
    """

    header: RecordHeader
    first_frame: int
    num_frames: int
    columns: tuple[int | None, ...]

    def file(self, index: int) -> Path:
        """The file of a signal."""
        return self.header.path.parent / self.header.signals[index].file


@dataclass(frozen=True)
class WfdbRecord:
    """What is known of a record without its samples."""

    header: RecordHeader
    signals: tuple[SignalSpec, ...]
    parts: tuple[Part, ...]
    decisions: tuple[Decision, ...]
    files: tuple[Path, ...]
    absent: tuple[str, ...] = ()
    """Files that are named, and not there."""


@dataclass
class _Noted:
    """What is found on the way."""

    said: list[Decision] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)


def read_record(path: Path) -> WfdbRecord:
    """The record of a .hea file. Raises ReaderError where none of it can be read."""
    header = read_header(path)
    noted = _Noted(files=[path])
    if not header.rate_is_told:
        noted.said.append(Decision(f"the header tells no rate: {header.frame_rate:g} Hz, as WFDB has it"))
    if header.segments:
        signals, parts = _parts(header, noted)
    elif header.signals and all(signal.file == NULL for signal in header.signals):
        raise ReaderError(
            "lists the signals of a record of several segments, and names no file: name that record's header",
            file=path,
        )
    else:
        signals = header.signals
        whole = _whole(header, 0, header.num_frames, tuple(range(len(signals))), noted)
        parts = [whole] if whole.num_frames else []
    noted.files.extend(dict.fromkeys(p.file(at) for p in parts for at in p.columns if at is not None))
    if noted.absent:
        noted.said.append(Decision(f"{_listed(noted.absent)} not there: left out, as gaps", is_warning=True))
    if noted.strange:
        noted.said.append(
            Decision(
                f"{_listed(noted.strange)}: left out, as the first segment does not list them",
                is_warning=True,
            )
        )
    said = noted.said
    if len(said) > _MOST_SAID:
        said = [*said[:_MOST_SAID], Decision(f"and {len(said) - _MOST_SAID} more of this kind")]
    return WfdbRecord(
        header, signals, tuple(parts), tuple(said), tuple(dict.fromkeys(noted.files)), tuple(noted.absent)
    )


def without_samples(record: WfdbRecord) -> str:
    """Why there is nothing to show of a record without a sample."""
    if record.absent:
        return f"no samples: {_listed(record.absent)} must lie beside the header"
    return "; ".join(
        ["no samples: its files are empty, or all of it is a gap", *(each.text for each in record.decisions)]
    )


def _listed(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = len(unique) - _SHOWN
    return ", ".join(unique[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _parts(header: RecordHeader, noted: _Noted) -> tuple[tuple[SignalSpec, ...], list[Part]]:
    if len(header.segments) > _MOST_SEGMENTS:
        raise ReaderError(
            f"has {len(header.segments)} segments, more than {_MOST_SEGMENTS}", file=header.path
        )
    signals: tuple[SignalSpec, ...] | None = None
    parts: list[Part] = []
    first_frame = 0
    known: dict[str, RecordHeader | None] = {}
    for number, (name, frames) in enumerate(header.segments):
        if name != NULL:
            if name not in known:
                known[name] = _segment_header(header, name, noted)
            own = known[name]
            is_list = number == 0 and header.is_variable
            if own is None:
                if is_list:
                    raise ReaderError(
                        f"its segment {name} lists the signals, and is not there", file=header.path
                    )
            elif is_list:
                signals = own.signals
            else:
                signals = own.signals if signals is None else signals
                columns = _columns(header, own, signals, noted)
                part = _whole(own, first_frame, frames, columns, noted, header.frame_rate)
                if part.num_frames:
                    parts.append(part)
        first_frame += frames
    return signals or (), parts


def _segment_header(header: RecordHeader, name: str, noted: _Noted) -> RecordHeader | None:
    path = header.path.parent / f"{name}.hea"
    if not _is_there(path):
        noted.absent.append(path.name)
        return None
    noted.files.append(path)
    found = read_header(path)
    if found.segments:
        raise ReaderError(f"its segment {name} has segments itself", file=header.path)
    return found


def _columns(
    header: RecordHeader, own: RecordHeader, signals: tuple[SignalSpec, ...], noted: _Noted
) -> tuple[int | None, ...]:
    """Where the record's signals are among those of a segment: at the same place, or by name where each has its own."""
    if not header.is_variable:
        if len(own.signals) != len(signals):
            raise ReaderError(
                f"segment {own.path.stem} has {len(own.signals)} signals, the first one {len(signals)}",
                file=header.path,
            )
        found: tuple[int | None, ...] = tuple(range(len(signals)))
    else:
        places = {signal.label: at for at, signal in reversed(list(enumerate(own.signals)))}
        found = tuple(places.get(signal.label) for signal in signals)
        noted.strange.extend(places.keys() - {signal.label for signal in signals})
    for at, signal in zip(found, signals, strict=True):
        if at is not None and own.signals[at].samples_per_frame != signal.samples_per_frame:
            raise ReaderError(
                f"segment {own.path.stem} has {own.signals[at].samples_per_frame} samples of {signal.label} in a "
                f"frame, where others have {signal.samples_per_frame}",
                file=header.path,
            )
    return found


def _whole(
    header: RecordHeader,
    first_frame: int,
    frames: int | None,
    columns: tuple[int | None, ...],
    noted: _Noted,
    rate: float | None = None,
) -> Part:
    """The frames of a header that its files hold, told where these are fewer than it says."""
    if rate is not None and header.rate_is_told and header.frame_rate != rate:
        noted.said.append(
            Decision(f"segment {header.path.stem} says {header.frame_rate:g} Hz: {rate:g} Hz is taken")
        )
    part = Part(header, first_frame, 0, columns)
    there: int | None = None
    for index in dict.fromkeys(at for at in columns if at is not None):
        signal = header.signals[index]
        path = _checked_file(part, index)
        if not _is_there(path):
            noted.absent.append(path.name)
            return part
        if signal.format in OWN:
            count, _ = header.places[index]
            size = max(0, path.stat().st_size - signal.byte_offset)
            held = OWN[signal.format].num_samples(size) // count
            there = held if there is None else min(there, held)
        elif signal.format not in LIBRARYS:
            raise ReaderError(
                f"signal {signal.label}: format {signal.format} cannot be read; write it in format 16, with xform "
                "of the WFDB software package",
                file=header.path,
            )
    if not header.signals:
        return part
    if there is None and frames is None:
        raise ReaderError(
            "neither its header nor its files tell how many samples there are", file=header.path
        )
    if frames is None:
        frames = there or 0
    elif there is not None and there < frames:
        noted.said.append(
            Decision(f"{header.path.stem} has {there} of {frames} samples: it was cut short", is_warning=True)
        )
    elif there is not None and there > frames:
        noted.said.append(
            Decision(
                f"{header.path.stem}: {there - frames} samples more than its header says are left out",
                is_warning=True,
            )
        )
    return Part(header, first_frame, frames if there is None else min(frames, there), columns)


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False


def _checked_file(part: Part, index: int) -> Path:
    name = part.header.signals[index].file
    if name == NULL or "/" in name or name in ("", ".", ".."):
        raise ReaderError(f"signal {index}: {name!r} is no file beside the header", file=part.header.path)
    return part.file(index)
