"""Artifacts -> series manifest: words, units and scales of the configuration; no samples are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from seriesview.build.channel_types import guessed_types, types_decision
from seriesview.build.clock import check_year, counts_from_1970, wall_clock
from seriesview.build.dataset import Dataset, descriptions, naming_dataset
from seriesview.build.notes import notes_with
from seriesview.errors import BuildError
from seriesview.series.derivation import SourceSeries
from seriesview.series.manifest import ChannelInfo, SeriesManifest, parse_series_manifest
from seriesview.store import Store


def build_series(
    dataset: Dataset,
    artifacts: Mapping[str, Any],
    store: Store,
    say: Callable[[str], None] = lambda _: None,
    source: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Store the manifest of a dataset's series; what results/series/NAME.json holds. `say` gets what people should
    know: what its reader warns of and guessed, and guesses made here. `source`: the result of what it is made of.

    Raises BuildError where a description does not fit the recording.
    """
    with naming_dataset(dataset):
        if artifacts.get("scale_problem") and dataset.options.scale is None:
            raise BuildError(f"{artifacts['source']['path']}: {artifacts['scale_problem']}")
        manifest = described(parse_series_manifest(artifacts["manifest"]), dataset, say)
        if source is not None:
            manifest = _derived_from(manifest, source)
        content = manifest.to_json_dict()
        uri = store.put_json(content, name="series.json")
        return {
            "name": dataset.name,
            "described_with": descriptions(dataset),
            "uri": uri,
            "manifest": content,
            "source": artifacts["source"],
            "timing": artifacts["timing"],
        }


def _derived_from(manifest: SeriesManifest, source: Mapping[str, Any]) -> SeriesManifest:
    """The manifest with what follows from the source's: which it is, and the clock that it goes by."""
    told = source["manifest"]
    named = SourceSeries(source["uri"], told["label"])
    return dataclasses.replace(manifest, source=named, session_start=told["session_start"])


def described(
    manifest: SeriesManifest, dataset: Dataset, say: Callable[[str], None] = lambda _: None
) -> SeriesManifest:
    """The manifest with what the configuration says in place of what the file says; `say` as in `build_series`."""
    options = dataset.options
    channels = manifest.channels
    notes = notes_with(manifest.notes, dataset)
    for note in notes:
        say(note)
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
    unit = manifest.unit if options.unit is None else options.unit
    if manifest.type == "continuous":
        if dataset.channel_types is None and (guess := types_decision(channels, unit)) is not None:
            say(guess.text)
        channels = _typed(channels, unit, dataset.channel_types)
    if dataset.bad_channels is not None:
        channels = _with_bad(channels, dataset.bad_channels)
    if dataset.best_channels is not None:
        channels = _with_best(channels, dataset.best_channels, manifest.type)
    return dataclasses.replace(
        manifest,
        label=dataset.label or manifest.label or dataset.own_name,
        channels=channels,
        unit=unit,
        scale=manifest.scale if options.scale is None else float(options.scale),
        offset=manifest.offset if options.offset is None else float(options.offset),
        session_start=_session_start(manifest, dataset),
        notes=notes,
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


def _typed(
    channels: tuple[ChannelInfo, ...], unit: str, given: tuple[str, ...] | None
) -> tuple[ChannelInfo, ...]:
    """The channels with the types that are given, else with what their labels and units say. Raises BuildError."""
    if given is not None and len(given) != len(channels):
        raise BuildError(f"channel_types: {len(given)} types for {len(channels)} channels; give one each")
    types = guessed_types(channels, unit) if given is None else given
    return tuple(
        dataclasses.replace(channel, type=kind) for channel, kind in zip(channels, types, strict=True)
    )


def _with_bad(channels: tuple[ChannelInfo, ...], names: tuple[str, ...]) -> tuple[ChannelInfo, ...]:
    """The channels, of which those with these labels or ids are bad and no others. Raises BuildError."""
    known = {name for channel in channels for name in (channel.id, channel.label)}
    for name in names:
        if name not in known:
            raise BuildError(f"bad_channels: no channel {name!r}; write labels or ids of channels")
    return tuple(
        dataclasses.replace(channel, bad=channel.label in names or channel.id in names)
        for channel in channels
    )


def _with_best(
    channels: tuple[ChannelInfo, ...], best: Mapping[str, str], series_type: str
) -> tuple[ChannelInfo, ...]:
    """The channels of events, those with these labels or ids on these channels of others. Raises BuildError."""
    if series_type != "event":
        raise BuildError(f"best_channels: channels of events have some, not those of a {series_type} series")
    known = {name for channel in channels for name in (channel.id, channel.label)}
    for name in best:
        if name not in known:
            raise BuildError(f"best_channels: no unit {name!r}; write labels or ids of the series' channels")
    return tuple(
        dataclasses.replace(
            channel, best_channel=best.get(channel.id, best.get(channel.label, channel.best_channel))
        )
        for channel in channels
    )


def _session_start(manifest: SeriesManifest, dataset: Dataset) -> str | None:
    """What the configuration says, else what the file says. Raises BuildError where it cannot be."""
    options = dataset.options
    start = manifest.segments[0].start_time if manifest.segments else 0.0
    if options.session_start is None:
        if manifest.session_start is not None:
            known = wall_clock(manifest.session_start, None)
            check_year(known, start, "set `session_start`, or `start_time`")
        return manifest.session_start
    chosen = wall_clock(options.session_start, options.timezone)
    if counts_from_1970(chosen, start):
        raise BuildError(
            f"session_start: the recording's times count from 1970 already (the first is {start:.6f} s), and "
            f"{chosen} would be added to them; leave `session_start` out"
        )
    check_year(chosen, start, "write another `session_start`")
    return chosen
