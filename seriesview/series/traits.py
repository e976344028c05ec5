"""What steps must know of the series before them, out of its manifest, and what its channels become."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seriesview.errors import FormatError
from seriesview.series.manifest import ChannelInfo, SeriesManifest

if TYPE_CHECKING:
    from seriesview.steps.plan import DerivedPlan
    from seriesview.steps.traits import SourceTraits


def traits_of(manifest: SeriesManifest) -> SourceTraits:
    """Traits of a series with a rate. Raises FormatError of what has none, or no samples of a signal."""
    # Filters take scipy, which few series need.
    from seriesview.steps.traits import SourceTraits

    if manifest.type != "continuous":
        raise FormatError(f"a series of type {manifest.type} has no signal that steps could take")
    if manifest.sampling_frequency is None:
        raise FormatError("its samples are not at equal distances, and steps take a rate")
    channels = manifest.channels
    shifts = tuple(channel.sample_shift for channel in channels)
    return SourceTraits(
        sampling_frequency=float(manifest.sampling_frequency),
        dtype=np.dtype(manifest.dtype),
        labels=tuple(channel.label for channel in channels),
        types=tuple(channel.type for channel in channels),
        groups=tuple(channel.group for channel in channels),
        scales=tuple(float(manifest.scale if c.scale is None else c.scale) for c in channels),
        offsets=tuple(float(manifest.offset if c.offset is None else c.offset) for c in channels),
        units=tuple(manifest.unit if channel.unit is None else channel.unit for channel in channels),
        bad=frozenset(number for number, channel in enumerate(channels) if channel.bad),
        sample_shifts=None if None in shifts else tuple(shift or 0.0 for shift in shifts),
        missing=tuple(manifest.missing if c.missing is None else c.missing for c in channels),
    )


def channels_after(plan: DerivedPlan, source: SeriesManifest) -> tuple[ChannelInfo, ...]:
    """The channels that come out of a plan's steps, where they lie on a probe where one channel becomes one."""
    output = plan.output
    found = []
    for number, label in enumerate(output.labels):
        place = plan.sources[number]
        before = None if place is None else source.channels[place]
        found.append(
            ChannelInfo(
                id=label if before is None else before.id,
                label=label,
                unit=output.units[number],
                scale=output.scales[number],
                offset=output.offsets[number],
                group=output.groups[number],
                x=None if before is None else before.x,
                y=None if before is None else before.y,
                missing=output.missing[number],
                type=output.types[number],
                bad=number in output.bad,
                sample_shift=None if output.sample_shifts is None else output.sample_shifts[number],
            )
        )
    return tuple(found)
