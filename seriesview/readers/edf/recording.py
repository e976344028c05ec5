"""Signals of one rate of an EDF or BDF file as a recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.errors import ReaderError
from seriesview.layout.layouts import RecordsLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.edf.header import Header, Signal
from seriesview.readers.edf.int24 import Int24Samples
from seriesview.readers.edf.record_times import Stretch, stretches_of
from seriesview.readers.protocol import ReadOptions, Recording, Segment
from seriesview.readers.sample_types import checked_rate
from seriesview.readers.signals import Measured, set_channels, type_by_label

_STATUS = ("status", "trigger")


def sample_groups(header: Header) -> dict[str, tuple[Signal, ...]]:
    """Signals of one rate each, called by it, such as `256 Hz`, in the order of the file."""
    by_samples: dict[int, list[Signal]] = {}
    for signal in header.signals:
        if not signal.is_annotations and signal.samples_per_record:
            by_samples.setdefault(signal.samples_per_record, []).append(signal)
    names = {samples: group_name(header, samples) for samples in by_samples}
    return {names[samples]: tuple(signals) for samples, signals in by_samples.items()}


def group_name(header: Header, samples_per_record: int) -> str:
    """What the signals of so many samples a record are called by."""
    rate = header_rate(header, samples_per_record)
    return f"{samples_per_record} samples a record" if rate is None else f"{rate:.12g} Hz"


def header_rate(header: Header, samples_per_record: int) -> float | None:
    """Hz, or None where the header tells no duration of records."""
    return float(samples_per_record / header.record_seconds) if header.record_seconds else None


class SignalsRecording(Recording):
    """Samples (n, C) of signals of one rate: those of 16 bits lie plain, those of 24 bits are unpacked to int32."""

    def __init__(self, header: Header, signals: tuple[Signal, ...], options: ReadOptions) -> None:
        self.type = "continuous"
        self.path = header.path
        per_record = signals[0].samples_per_record
        self.num_samples = header.num_records * per_record
        if self.num_samples == 0:
            raise ReaderError(
                f"holds no whole record of {header.record_bytes} bytes; it was cut short, copy it again",
                file=header.path,
            )
        rate = checked_rate(options.sampling_frequency, header.path) or header_rate(header, per_record)
        if rate is None:
            raise ReaderError(
                "the header tells no duration of records, and so no rate; set `sampling_frequency:` (Hz)",
                file=header.path,
            )
        self.sampling_frequency = rate
        stretches, said = stretches_of(header)
        self.decisions = (*header.decisions, *said)
        zero = header.start.zero(options.session_start)
        self.start_time = zero + stretches[0].start_time
        if len(stretches) > 1:
            self.segments = _segments(stretches, per_record, zero)
        self.session_start = header.start.session_start
        set_channels(self, [_measured(signal) for signal in signals], options)
        self.preferred_rows = per_record
        self._samples: SampleFile | Int24Samples
        if header.sample_bytes == 2:
            self.dtype = np.dtype(np.int16)
            self.layout = _layout(header, signals, self.num_samples)
            self._samples = SampleFile(self.layout)
        else:
            self.dtype = np.dtype(np.int32)
            self._samples = Int24Samples(header, signals)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        self._samples.read_into(first_sample, out)

    def close(self) -> None:
        """Let go of the file."""
        self._samples.close()


def _segments(stretches: Sequence[Stretch], per_record: int, zero: float) -> tuple[Segment, ...]:
    return tuple(Segment(zero + each.start_time, each.num_records * per_record) for each in stretches)


def _layout(header: Header, signals: Sequence[Signal], num_samples: int) -> RecordsLayout:
    return RecordsLayout(
        path=header.path,
        dtype=np.dtype("<i2"),
        num_samples=num_samples,
        offset=header.data_offset,
        record_stride=header.record_bytes,
        samples_per_record=signals[0].samples_per_record,
        channel_offsets=tuple(signal.record_offset for signal in signals),
    )


def _measured(signal: Signal) -> Measured:
    return Measured(
        label=signal.label or f"signal {signal.index}",
        unit=signal.unit,
        scale=1.0 if signal.scale is None else signal.scale,
        offset=0.0 if signal.offset is None else signal.offset,
        type="TRIG" if signal.label.casefold() in _STATUS else type_by_label(signal.label),
        limits=signal.limits,
    )
