"""The header of an EDF or BDF file: texts of fixed width, read as files really have them.

After edfplus.info/specs/edf.html and edfplus.html, and biosemi.com/faq/file_format.htm for 24 bits. What a field
should be and is not is said in `decisions`; only what leaves the samples' places open is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from seriesview.errors import ReaderError
from seriesview.readers.edf.start import start_of
from seriesview.readers.moments import Start
from seriesview.readers.protocol import Decision

_FIXED = 256
_EDF = b"0"
_BDF = b"\xffBIOSEMI"
_FIELDS = {
    "label": 16,
    "transducer": 80,
    "dimension": 8,
    "physical_min": 8,
    "physical_max": 8,
    "digital_min": 8,
    "digital_max": 8,
    "prefiltering": 80,
    "samples": 8,
    "reserved": 32,
}
_ANNOTATIONS = ("edf annotations", "bdf annotations")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})?", re.IGNORECASE)
_MICRO = re.compile("^(?:[µμ]|micro)(?=V|volt)", re.IGNORECASE)
_SHOWN = 5


@dataclass(frozen=True)
class Signal:
    """One signal: where it lies in a record, in bytes, its calibration and limits, None where the header has none."""

    index: int
    label: str
    unit: str
    scale: float | None
    offset: float | None
    samples_per_record: int
    record_offset: int
    is_annotations: bool
    limits: tuple[float, float] | None


@dataclass(frozen=True)
class Header:
    """What the header says, and what of it agrees with the file. `record_seconds` is 0 where none are told.

    `version` is the file's size and time of change.
    """

    path: Path
    sample_bytes: int
    signals: tuple[Signal, ...]
    data_offset: int
    record_bytes: int
    num_records: int
    record_seconds: Fraction
    start: Start
    is_plus: bool
    is_discontinuous: bool
    decisions: tuple[Decision, ...]
    version: tuple[int, int]

    @property
    def annotation_signals(self) -> tuple[Signal, ...]:
        """Those that hold texts; the first one tells the time of each record."""
        return tuple(signal for signal in self.signals if signal.is_annotations)


def looks_like(head: bytes) -> bool:
    """Whether the first 256 bytes of a file are those of EDF or BDF."""
    if len(head) < _FIXED or _version(head) is None:
        return False
    header_bytes, seconds = _number(_text(head[184:192])), _number(_text(head[244:252]))
    return _count(_text(head[252:256])) is not None and (header_bytes is not None or seconds is not None)


def read_header(path: Path) -> Header:
    """Raises ReaderError where the header does not tell where samples lie."""
    status = path.stat()
    size = status.st_size
    with path.open("rb") as file:
        fixed = file.read(_FIXED)
        if not looks_like(fixed):
            raise ReaderError("no header of EDF or BDF", file=path)
        num_signals = _count(_text(fixed[252:256])) or 0
        needed = num_signals * sum(_FIELDS.values())
        variable = file.read(min(needed, size))
    if len(variable) < needed:
        raise ReaderError(f"ends inside its header of {num_signals} signals; copy it again", file=path)
    sample_bytes = 3 if _version(fixed) == _BDF else 2
    signals, said = _signals(variable, num_signals, sample_bytes, path)
    record_bytes = sum(signal.samples_per_record for signal in signals) * sample_bytes
    data_offset, offset_said = _data_offset(fixed, num_signals, record_bytes, size)
    num_records, left_over = divmod(max(0, size - data_offset), record_bytes) if record_bytes else (0, 0)
    seconds = _number(_text(fixed[244:252]))
    reserved = _text(fixed[192:236])
    start, start_said = start_of(
        _text(fixed[168:176]), _text(fixed[176:184]), _text(fixed[88:168]), reserved[1:4] == "DF+"
    )
    return Header(
        path=path,
        sample_bytes=sample_bytes,
        signals=tuple(signals),
        data_offset=data_offset,
        record_bytes=record_bytes,
        num_records=num_records,
        record_seconds=seconds if seconds is not None and seconds > 0 else Fraction(0),
        start=start,
        is_plus=reserved[1:4] == "DF+",
        is_discontinuous=reserved[1:5] == "DF+D",
        decisions=(
            *said,
            *offset_said,
            *_said_of_size(_text(fixed[236:244]), num_records, left_over),
            *start_said,
        ),
        version=(size, status.st_mtime_ns),
    )


def _version(head: bytes) -> bytes | None:
    if head[:8] == _BDF:
        return _BDF
    return _EDF if head[:8].rstrip(b" \0") == _EDF else None


def _text(field: bytes) -> str:
    """A field without padding: ASCII by the specification, UTF-8 or Latin-1 where people wrote their own."""
    content = field.partition(b"\0")[0]
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return "".join(each for each in text if each.isprintable()).strip()


def _number(text: str) -> Fraction | None:
    """A decimal number, with a comma too; None where it is none."""
    text = text.replace(",", ".").replace(" ", "")
    return Fraction(text) if _NUMBER.fullmatch(text) else None


def _count(text: str) -> int | None:
    number = _number(text)
    return int(number) if number is not None and number >= 0 and number.denominator == 1 else None


def _signals(
    variable: bytes, num_signals: int, sample_bytes: int, path: Path
) -> tuple[list[Signal], Iterator[Decision]]:
    texts: dict[str, list[str]] = {}
    position = 0
    for field, width in _FIELDS.items():
        texts[field] = [
            _text(variable[position + i * width : position + (i + 1) * width]) for i in range(num_signals)
        ]
        position += width * num_signals
    signals: list[Signal] = []
    uncalibrated, record_offset = [], 0
    for index in range(num_signals):
        label = texts["label"][index]
        samples = _count(texts["samples"][index])
        if samples is None:
            raise ReaderError(
                f"signal {index} ({label}): {texts['samples'][index]!r} is no number of samples in a record, "
                "so that it is open where samples lie; mend the header (bytes "
                f"{_FIXED + 216 * num_signals + 8 * index} and on)",
                file=path,
            )
        is_annotations = label.casefold() in _ANNOTATIONS
        ends = [
            _number(texts[f"{kind}_{end}"][index])
            for kind in ("physical", "digital")
            for end in ("min", "max")
        ]
        scale, offset = _calibration(*ends)
        if scale is None and not is_annotations:
            uncalibrated.append(label or f"signal {index}")
        signals.append(
            Signal(
                index=index,
                label=label,
                unit=unit_called(texts["dimension"][index]) if scale is not None else "",
                scale=scale,
                offset=offset,
                samples_per_record=samples,
                record_offset=record_offset,
                is_annotations=is_annotations,
                limits=_limits(*ends[2:]),
            )
        )
        record_offset += samples * sample_bytes
    empty = [
        each.label or f"signal {each.index}"
        for each in signals
        if each.samples_per_record == 0 and not each.is_annotations
    ]
    return signals, _said_of_signals(uncalibrated, empty)


def _said_of_signals(uncalibrated: list[str], empty: list[str]) -> Iterator[Decision]:
    if uncalibrated:
        yield Decision(
            f"{_listed(uncalibrated)}: the header's physical or digital range is empty or no number, so values are "
            "those that are stored, without unit",
            is_guess=True,
        )
    if empty:
        yield Decision(f"{_listed(empty)}: left out, without samples in the records", is_warning=True)


def _listed(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _calibration(
    physical_min: Fraction | None,
    physical_max: Fraction | None,
    digital_min: Fraction | None,
    digital_max: Fraction | None,
) -> tuple[float | None, float | None]:
    """Scale and offset of the line through both ends, whichever is the higher one; None where there is no line."""
    if physical_min is None or physical_max is None or digital_min is None or digital_max is None:
        return None, None
    if physical_min == physical_max or digital_min == digital_max:
        return None, None
    scale = (physical_max - physical_min) / (digital_max - digital_min)
    return float(scale), float(physical_min - scale * digital_min)


def _limits(digital_min: Fraction | None, digital_max: Fraction | None) -> tuple[float, float] | None:
    """Lowest and highest stored value; None where the header does not say them."""
    if digital_min is None or digital_max is None or digital_min == digital_max:
        return None
    return float(min(digital_min, digital_max)), float(max(digital_min, digital_max))


def unit_called(dimension: str) -> str:
    """The unit as the header has it, but for a micro sign or word before volts."""
    return _MICRO.sub("u", dimension)


def _data_offset(
    fixed: bytes, num_signals: int, record_bytes: int, size: int
) -> tuple[int, Iterator[Decision]]:
    """Byte at which records begin: behind 256 bytes for the file and each signal, unless a longer header fits."""
    computed, stated = _FIXED * (1 + num_signals), _count(_text(fixed[184:192]))
    if stated == computed:
        return computed, iter(())
    is_padded = (
        stated is not None
        and computed < stated <= size
        and record_bytes > 0
        and (size - stated) % record_bytes == 0
        and (size - computed) % record_bytes != 0
    )
    used = stated if is_padded and stated is not None else computed
    said = (
        f"the header says that it has {stated} bytes" if stated is not None else "the header's size is none"
    )
    text = f"{said}, which is not that of {num_signals} signals: records are read from byte {used} on"
    return used, iter([Decision(text, is_guess=True)])


def _said_of_size(stated: str, num_records: int, left_over: int) -> Iterator[Decision]:
    number = _number(stated)
    cut = f", and {left_over} bytes of one more, which are left out" if left_over else ""
    if number == -1:
        yield Decision(
            f"the header does not know how many records there are (-1): the file has {num_records}{cut}",
            is_warning=True,
        )
    elif number != num_records:
        yield Decision(
            f"the header says {stated or 'nothing'} of the number of records: the file has {num_records}{cut}",
            is_warning=True,
        )
    elif left_over:
        yield Decision(
            f"{left_over} bytes stand behind the last whole record, which are left out", is_warning=True
        )
