"""What a header (.vhdr) says: how samples are stored, and the channels."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from seriesview.errors import ReaderError
from seriesview.readers.brainvision.as_text import TextFormat
from seriesview.readers.brainvision.text import (
    Sections,
    fields_of,
    number_of,
    read_text,
    sections_of,
    version_of,
)
from seriesview.readers.protocol import Channel, Decision

MOST_CHANNELS = 16384
_DTYPES = {"INT_16": "i2", "UINT_16": "u2", "INT_32": "i4", "IEEE_FLOAT_32": "f4", "IEEE_FLOAT_64": "f8"}
_SHOWN = 60
_WHOLE = re.compile(r"-?\d+", re.ASCII)
_DECIMALS = re.compile(r"\d+(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
_MICRO = str.maketrans({"\u00b5": "u", "\u03bc": "u"})


@dataclass(frozen=True)
class Header:
    """A header as it was understood. `stored_channels` counts one more than `channels` in files of a V-Amp.

    `text`: how samples stand in a text, None where they are binary.
    """

    path: Path
    dtype: np.dtype[np.generic]
    text: TextFormat | None
    is_multiplexed: bool
    channels: tuple[Channel, ...]
    stored_channels: int
    sampling_frequency: float | None
    data_points: int | None
    segment_points: int | None
    data_offset: int
    channel_offset: int
    trailer_size: int
    data_file: str | None
    marker_file: str | None
    decisions: tuple[Decision, ...] = field(default=())


def read_header(path: Path) -> Header:
    """Read a header. Raises ReaderError where it does not say how samples are stored."""
    content = read_text(path)
    sections = sections_of(content)
    common, binary = sections.get("common infos"), sections.get("binary infos", {})
    if common is None:
        raise ReaderError(
            "a BrainVision header without [Common Infos]; it is cut short or damaged", file=path
        )
    decisions: list[Decision] = []
    version = version_of(content)
    if version is not None and version > 2:
        decisions.append(Decision(f"header of version {version}, read as one of version 2", is_guess=True))
    _check_kind(common, path)
    is_text = common.get("dataformat", "BINARY").upper() == "ASCII"
    dtype = np.dtype(np.float64) if is_text else np.dtype(_format_of(binary, path))
    if binary.get("usebigendianorder", "").casefold() == "yes":
        dtype = dtype.newbyteorder(">")
    if _count(binary, "segmentheadersize", path):
        raise ReaderError(
            "SegmentHeaderSize: headers between segments are not read; export it without", file=path
        )
    channels = _channels(common, sections, path, decisions)
    if "coordinates" in sections:
        decisions.append(Decision("[Coordinates] of electrodes on the head are not kept"))
    is_multiplexed = _is_multiplexed(common, path, decisions)
    return Header(
        path=path,
        dtype=dtype,
        text=_text_of(sections.get("ascii infos", {}), len(channels), is_multiplexed, path)
        if is_text
        else None,
        is_multiplexed=is_multiplexed,
        channels=channels,
        # The recorder of a V-Amp stores a channel that its header does not count.
        stored_channels=len(channels) + (path.suffix.lower() == ".ahdr"),
        sampling_frequency=_rate(common, path, decisions),
        data_points=_count(common, "datapoints", path) or None,
        segment_points=_count(common, "segmentdatapoints", path) or None,
        data_offset=_count(binary, "dataoffset", path) or 0,
        channel_offset=_count(binary, "channeloffset", path) or 0,
        trailer_size=_count(binary, "trailersize", path) or 0,
        data_file=common.get("datafile") or None,
        marker_file=common.get("markerfile") or None,
        decisions=tuple(decisions),
    )


def _check_kind(common: dict[str, str], path: Path) -> None:
    kind = common.get("datatype", "TIMEDOMAIN").upper()
    if kind != "TIMEDOMAIN":
        raise ReaderError(f"DataType={kind[:_SHOWN]}: only samples over time can be shown", file=path)


def _text_of(infos: dict[str, str], num_channels: int, is_multiplexed: bool, path: Path) -> TextFormat:
    """How samples stand in a text."""
    return TextFormat(
        num_channels=num_channels,
        is_multiplexed=is_multiplexed,
        has_commas=infos.get("decimalsymbol", "").startswith(","),
        skip_lines=_count(infos, "skiplines", path) or 0,
        skip_columns=_count(infos, "skipcolumns", path) or 0,
    )


def _format_of(binary: dict[str, str], path: Path) -> str:
    name = binary.get("binaryformat", "").upper()
    if name not in _DTYPES:
        raise ReaderError(
            f"BinaryFormat={name[:_SHOWN] or ' is missing'}: it must be one of {', '.join(_DTYPES)}; mend the header, "
            "or open the samples with `reader: binary`",
            file=path,
        )
    return "<" + _DTYPES[name]


def _is_multiplexed(common: dict[str, str], path: Path, decisions: list[Decision]) -> bool:
    orientation = common.get("dataorientation", "").upper()
    if not orientation:
        decisions.append(Decision("no DataOrientation in the header, taken for MULTIPLEXED", is_guess=True))
    elif orientation not in ("MULTIPLEXED", "VECTORIZED"):
        raise ReaderError(
            f"DataOrientation={orientation[:_SHOWN]}: it must be MULTIPLEXED or VECTORIZED", file=path
        )
    return orientation != "VECTORIZED"


def _count(values: dict[str, str], key: str, path: Path) -> int | None:
    """A number of bytes or samples. Raises ReaderError where something else stands there."""
    text = values.get(key, "")
    if not text:
        return None
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise ReaderError(f"{key}={text[:_SHOWN]}: it must be a count; mend the header", file=path)
    return int(text)


def _rate(common: dict[str, str], path: Path, decisions: list[Decision]) -> float | None:
    """Hz, from the SamplingInterval in microseconds; None where there is none."""
    text = common.get("samplinginterval", "")
    if not text:
        return None
    interval = number_of(text)
    if interval is None or not math.isfinite(interval) or not 1e-6 <= interval <= 1e15:
        raise ReaderError(
            f"SamplingInterval={text[:_SHOWN]}: no interval in microseconds; set `sampling_frequency:`",
            file=path,
        )
    rate = 1e6 / interval
    whole = _whole_rate(text, interval)
    if whole is not None and whole != rate:
        decisions.append(
            Decision(
                f"SamplingInterval={text[:_SHOWN]} is {whole:.0f} Hz, rounded to the decimals that it has"
            )
        )
        return whole
    power = 2.0 ** round(math.log2(rate))
    if rate != power and interval.is_integer() and abs(1e6 / power - interval) < 1:
        decisions.append(
            Decision(
                f"SamplingInterval={text[:_SHOWN]} is {rate:.9g} Hz; if it was recorded at {power:.0f} Hz, set "
                f"`sampling_frequency: {power:.0f}`",
                is_guess=True,
            )
        )
    return rate


def _whole_rate(text: str, interval: float) -> float | None:
    """The only whole number of Hz whose interval is written so with the decimals of `text`; None where none is."""
    decimals = re.fullmatch(r"\d+[.,](\d{1,15})", text.strip(), re.ASCII)
    if decimals is None:
        return None
    half = 0.5 * 10.0 ** -len(decimals[1])
    lowest, highest = math.ceil(1e6 / (interval + half)), math.floor(1e6 / max(interval - half, 1e-9))
    return float(lowest) if lowest == highest else None


def _channels(
    common: dict[str, str], sections: Sections, path: Path, decisions: list[Decision]
) -> tuple[Channel, ...]:
    listed: dict[int, str] = {}
    for key, value in sections.get("channel infos", {}).items():
        named = re.fullmatch(r"ch(\d{1,9})", key, re.ASCII)
        if named is not None:
            listed.setdefault(int(named[1]), value)
    count = _count(common, "numberofchannels", path)
    if count is None:
        count = len(listed)
        decisions.append(Decision(f"no NumberOfChannels in the header; it names {count}", is_guess=True))
    if not 1 <= count <= MOST_CHANNELS:
        raise ReaderError(f"NumberOfChannels={count}: there must be 1 to {MOST_CHANNELS}", file=path)
    unnamed = [number for number in range(1, count + 1) if number not in listed]
    if unnamed:
        decisions.append(
            Decision(
                f"{len(unnamed)} of {count} channels are not in [Channel Infos] (the first is Ch{unnamed[0]}): "
                "taken for uV, with resolution 1",
                is_guess=True,
            )
        )
    surplus = len(listed) - (count - len(unnamed))
    if surplus:
        decisions.append(
            Decision(
                f"{surplus} channels of [Channel Infos] are beyond the {count} of NumberOfChannels",
                is_guess=True,
            )
        )
    channels, references = [], set()
    for number in range(1, count + 1):
        channel, reference = _channel(number, listed.get(number, ""), decisions)
        channels.append(channel)
        references.add(reference)
    if references == {""}:
        return tuple(channels)
    shown = ", ".join(sorted(each or "(not named)" for each in references)[:8])
    decisions.append(Decision(f"recorded against {shown[:200]}"))
    return tuple(channels)


def _channel(number: int, value: str, decisions: list[Decision]) -> tuple[Channel, str]:
    """A channel and its reference, of `name,reference,resolution,unit,...`."""
    fields = [*(each.strip() for each in fields_of(value)), "", "", "", ""]
    if _WHOLE.fullmatch(fields[2]) and _DECIMALS.fullmatch(fields[3]):
        # No unit is a number: the comma between the two is a decimal one.
        fields[2:4] = [f"{fields[2]}.{fields[3]}"]
    label = fields[0] or f"Ch{number}"
    scale = number_of(fields[2] or "1")
    if scale is None or not math.isfinite(scale) or scale == 0:
        decisions.append(
            Decision(
                f"channel {label[:_SHOWN]}: its resolution {fields[2][:_SHOWN]} is no usable number, and taken for 1",
                is_guess=True,
            )
        )
        scale = 1.0
    # Texts that were UTF-8 once and were decoded as Latin-1 on the way have an A before the micro sign.
    unit = fields[3].replace("\u00c2", "").translate(_MICRO) or "uV"
    return Channel(id=str(number - 1), label=label, unit=unit, scale=scale), fields[1]
