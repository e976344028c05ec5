"""Artifacts -> series manifest: words, units and scales of the configuration; no samples are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from seriesview.build.dataset import Dataset, naming_dataset
from seriesview.errors import BuildError
from seriesview.series.manifest import ChannelInfo, SeriesManifest, parse_series_manifest
from seriesview.store import Store


def build_series(dataset: Dataset, artifacts: Mapping[str, Any], store: Store) -> dict[str, Any]:
    """Store the manifest of a dataset's series; what results/series/NAME.json holds.

    Raises BuildError where a description does not fit the recording.
    """
    with naming_dataset(dataset):
        manifest = described(parse_series_manifest(artifacts["manifest"]), dataset)
        content = manifest.to_json_dict()
        uri = store.put_json(content, name="series.json")
        return {
            "name": dataset.name,
            "uri": uri,
            "manifest": content,
            "source": artifacts["source"],
            "timing": artifacts["timing"],
        }


def described(manifest: SeriesManifest, dataset: Dataset) -> SeriesManifest:
    """The manifest with what the configuration says in place of what the file says."""
    options = dataset.options
    channels = manifest.channels
    if options.channel_labels is not None:
        if len(options.channel_labels) != len(channels):
            raise BuildError(
                f"channel_labels: {len(options.channel_labels)} labels for {len(channels)} channels; give one each"
            )
        channels = tuple(
            dataclasses.replace(channel, label=label)
            for channel, label in zip(channels, options.channel_labels, strict=True)
        )
    if options.unit is not None or options.scale is not None or options.offset is not None:
        channels = tuple(
            _without_own(channel, options.unit, options.scale, options.offset) for channel in channels
        )
    return dataclasses.replace(
        manifest,
        label=dataset.label or manifest.label or dataset.name,
        channels=channels,
        unit=manifest.unit if options.unit is None else options.unit,
        scale=manifest.scale if options.scale is None else float(options.scale),
        offset=manifest.offset if options.offset is None else float(options.offset),
        session_start=_session_start(options.session_start, options.timezone) or manifest.session_start,
    )


def _without_own(
    channel: ChannelInfo, unit: str | None, scale: float | None, offset: float | None
) -> ChannelInfo:
    """What the configuration says for all channels takes the place of what the file says for each."""
    return dataclasses.replace(
        channel,
        unit=channel.unit if unit is None else None,
        scale=channel.scale if scale is None else None,
        offset=channel.offset if offset is None else None,
    )


def _session_start(text: str | None, timezone: str | None) -> str | None:
    """ISO 8601 with a zone: the text's own, else the configured one. Raises BuildError."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BuildError(
            f"session_start: {text!r} is not a date and time such as 2024-05-17T09:30:00+02:00"
        ) from error
    if moment.tzinfo is None:
        if timezone is None:
            raise BuildError(f"session_start: {text!r} has no time zone; add one, or set `timezone`")
        try:
            moment = moment.replace(tzinfo=ZoneInfo(timezone))
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise BuildError(
                f"timezone: {timezone!r} is not known; use a name such as Europe/Berlin"
            ) from error
    return moment.isoformat()
