"""What a recording and its plan say, as a series' manifest, before the configuration's words come in their place."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from seriesview.build.clock import counts_from_1970, epoch_of, wall_clock
from seriesview.build.dataset import Dataset
from seriesview.build.made import MadeRecording
from seriesview.build.notes import notes_of
from seriesview.build.plan import SamplesPlan
from seriesview.build.typical import Typical
from seriesview.readers.protocol import Channel, Recording
from seriesview.series.derivation import ComputedValues
from seriesview.series.manifest import ChannelInfo, SegmentInfo, SeriesManifest

# What a reader says of a channel that stands in the manifest as it is.
_CHANNEL_WORDS = tuple(
    {field.name for field in dataclasses.fields(ChannelInfo)}
    & {field.name for field in dataclasses.fields(Channel)} - {"missing"}
)


def provisional_manifest(
    dataset: Dataset, recording: Recording, plan: SamplesPlan, typical: Sequence[Typical | None]
) -> SeriesManifest:
    """What the manifest will say of a series of samples, without its arrays and the ranges of its segments."""
    times = [(part.start_time, part.end_time, part.num_samples) for part in plan.timeline.segments]
    fields = {"segments": tuple(SegmentInfo(*each) for each in times), "typical": typical}
    return manifest_of(dataset, recording, with_plan(fields, plan), lambda _: None)


def with_plan(fields: dict[str, Any], plan: SamplesPlan) -> dict[str, Any]:
    """Fields of a manifest with those that the plan says."""
    return {
        **fields,
        "dtype": plan.dtype.name,
        "sampling_frequency": plan.timeline.sampling_frequency,
        "options": {"base": plan.base, "ratio": plan.ratio},
        "timeline": plan.timeline,
        "missing": None if plan.missing is None or plan.missing.is_empty else plan.missing,
        "channel_missing": plan.channel_missing,
        **({"values": ComputedValues("steps")} if plan.resolution == "compute" else {}),
    }


def manifest_of(
    dataset: Dataset, recording: Recording, fields: Mapping[str, Any], say: Callable[[str], None]
) -> SeriesManifest:
    """The manifest of a recording with these fields; `say` gets what was decided of its clock."""
    nothing = (None,) * recording.num_channels
    told = [fields.get(key, nothing) for key in ("channel_missing", "typical", "clipped")]
    apart = ("timeline", "channel_missing", "typical", "clipped", "sha1s")
    manifest = SeriesManifest(
        **{
            "type": recording.type,
            "dtype": np.dtype(recording.dtype).name,
            "sampling_frequency": None,
            "channels": tuple(
                dataclasses.replace(_channel_info(channel), missing=missing, typical=typical, clipped=clipped)
                for channel, missing, typical, clipped in zip(recording.channels, *told, strict=True)
            ),
            "label": recording.label or "",
            "unit": recording.unit,
            "scale": float(recording.scale),
            "offset": float(recording.offset),
            "session_start": None,
            "notes": notes_of(recording),
            **(recording.derivation if isinstance(recording, MadeRecording) else {}),
            **{key: value for key, value in fields.items() if key not in apart},
        }
    )
    return _on_its_clock(manifest, recording.session_start, dataset, say)


def _channel_info(channel: Channel) -> ChannelInfo:
    return ChannelInfo(**{name: getattr(channel, name) for name in _CHANNEL_WORDS})


def _on_its_clock(
    manifest: SeriesManifest, session_start: str | None, dataset: Dataset, say: Callable[[str], None]
) -> SeriesManifest:
    """The manifest with the session start that the file tells; times that count from 1970 have that of 1970."""
    if session_start is None:
        return manifest
    clock = wall_clock(session_start, dataset.options.timezone)
    if manifest.segments and counts_from_1970(clock, manifest.segments[0].start_time):
        say(f"its times are taken to count from 1970, not from its session start, {clock}")
        clock = epoch_of(clock)
    return dataclasses.replace(manifest, session_start=clock)
