"""What of a workspace is shared: chosen before anything is written, so that what cannot fit is not begun."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from seriesview.errors import FormatError, SeriesviewError
from seriesview.series.computed import source_of
from seriesview.series.derivation import ComputedValues
from seriesview.series.links import linked_uris
from seriesview.series.manifest import SeriesManifest, parse_series_manifest
from seriesview.share.choice import Choice, LeftOut, Wish, fit, json_bytes, read_choice
from seriesview.share.dates import moved_clocks
from seriesview.share.view_times import own_ranges, rows_within
from seriesview.store import Store
from seriesview.terms import WORKSPACE_FORMAT, is_workspace
from seriesview.workspace.manifest import (
    MissingSeries,
    WorkspaceManifest,
    WorkspaceSeries,
    build_workspace,
    parse_workspace_manifest,
)

SMALL_BYTES = 10_000_000
NOT_BUILT = "it could not be built; whoever made this copy knows why"
NOT_SHARED = "it was left out when this copy was made"


@dataclass(frozen=True)
class Plan:
    """What will be shared: series in the workspace's order, and what is left out."""

    workspace: WorkspaceManifest
    choices: list[Choice]
    left_out: list[LeftOut]
    small: list[str] = field(default_factory=list)
    """Series whose raw samples go along because they are few."""
    days: int | None = None
    """By how many days dates are moved; None: they are not."""

    @property
    def num_bytes(self) -> int:
        """Bytes of all artifacts, at most."""
        return sum(choice.num_bytes for choice in self.choices) + len(
            json_bytes(self.workspace.to_json_dict())
        )

    @property
    def num_sample_bytes(self) -> int:
        """Bytes of the raw samples among them."""
        return sum(choice.num_sample_bytes for choice in self.choices)


def plan_sharing(
    store: Store, uri: str, wish: Wish, other_bytes: int = 0, most_bytes: int | None = None
) -> Plan:
    """Choose what of a workspace, or of one series, goes along beside `other_bytes` of a viewer.

    Samples of small series go along only as far as all stays within `most_bytes`.

    Raises FormatError, MissingArtifactError, and SeriesviewError where `max_bytes` cannot be kept.
    """
    workspace = _read_workspace(store, uri)
    names = [entry.name for entry in workspace.series]
    for option, wanted in (("--without", wish.without), ("--raw-series", wish.raw_series)):
        for name in wanted:
            if name not in names:
                raise SeriesviewError(
                    f"{option} {name}: the workspace has no such series; it has {', '.join(names)}"
                )
    choices = [
        read_choice(store, entry.name, entry.uri)
        for entry in workspace.series
        if entry.name not in wish.without
    ]
    shared = {choice.uri: choice for choice in choices}
    for choice in choices:
        if choice.manifest.source is not None:
            choice.source_choice = shared.get(choice.manifest.source.uri)
    manifests = {choice.name: choice.manifest for choice in choices}
    ranges = own_ranges(workspace, manifests, wish.raw_ranges)
    undecided = [choice for choice in choices if choice.has_values and not choice.rows]
    # What samples are computed from is decided before.
    undecided.sort(key=lambda choice: isinstance(choice.manifest.values, ComputedValues))
    for choice in undecided:
        if choice.name not in wish.raw_series and choice.is_computed_from_stored:
            continue
        if wish.raw or choice.name in wish.raw_series:
            choice.take_samples([(0, choice.manifest.num_samples)])
        else:
            choice.take_samples(rows_within(store, choice.manifest, ranges[choice.name]))
    if wish.raw_ranges and not any(choice.rows for choice in undecided):
        raise SeriesviewError("--raw-range: no series has raw samples there; it is in seconds of view time")
    days = None
    if wish.moves_dates:
        days, clocks = moved_clocks(manifests, wish.days)
        for choice in choices:
            choice.clock = clocks.get(choice.name)
    if wish.max_bytes is not None:
        fit(choices, wish.max_bytes, other_bytes + len(json_bytes(workspace.to_json_dict())))
    small = []
    if wish.small_samples and not wish.raw_ranges:
        allowed = min(most_bytes or sys.maxsize, wish.max_bytes or sys.maxsize)
        small = take_small(store, choices, other_bytes + len(json_bytes(workspace.to_json_dict())), allowed)
    left_out = [LeftOut(name, "series", "not asked for") for name in wish.without]
    for choice in choices:
        left_out += choice.left_out()
    return Plan(workspace, choices, left_out, small, days)


def take_small(store: Store, choices: list[Choice], other_bytes: int, allowed: int) -> list[str]:
    """Let all raw samples of the smallest series go along, up to `SMALL_BYTES` or a hundredth of all; their names.

    Not those of recordings that are not where they were, and not beyond `allowed` bytes in all.
    """
    total = sum(choice.num_bytes for choice in choices) + other_bytes
    left = min(max(SMALL_BYTES, total // 100), allowed - total)
    names = []
    for choice in sorted(choices, key=lambda each: each.row_bytes * each.manifest.num_samples):
        if choice.rows or not choice.has_values or choice.is_computed or not _can_be_read(store, choice):
            continue
        before = choice.num_bytes
        choice.take_samples([(0, choice.manifest.num_samples)])
        left -= choice.num_bytes - before
        if left < 0:
            choice.rows = ()
            break
        names.append(choice.name)
    return names


def _can_be_read(store: Store, choice: Choice) -> bool:
    return _has_samples(store, choice.manifest)


def _has_samples(store: Store, manifest: SeriesManifest) -> bool:
    """Whether raw samples can be read: their files are where they were, those of a source too."""
    values = manifest.values
    if isinstance(values, ComputedValues):
        source = manifest.source
        return (
            source is not None
            and store.exists(source.uri)
            and _has_samples(store, source_of(store, manifest))
        )
    return values is not None and all(store.exists(uri) for uri in linked_uris(values))


def shared_workspace(workspace: WorkspaceManifest, uris: Mapping[str, str]) -> WorkspaceManifest:
    """The workspace whose series have these URIs by name; others are missing. Reasons may hold paths: they stay."""
    left = [entry.name for entry in workspace.series if entry.name not in uris]
    return WorkspaceManifest(
        format=WORKSPACE_FORMAT,
        label=workspace.label,
        id=workspace.id,
        series=tuple(
            WorkspaceSeries(entry.name, uris[entry.name]) for entry in workspace.series if entry.name in uris
        ),
        views=workspace.views,
        missing=(
            *(MissingSeries(entry.name, NOT_BUILT) for entry in workspace.missing),
            *(MissingSeries(name, NOT_SHARED) for name in left),
        ),
    )


def _read_workspace(store: Store, uri: str) -> WorkspaceManifest:
    document = store.get_json(uri)
    if is_workspace(document):
        return parse_workspace_manifest(document)
    manifest = parse_series_manifest(document)
    name = manifest.label or "series"
    if manifest.type == "interval":
        raise FormatError(f"{uri}: a series of intervals alone has no panel; share a workspace that it is in")
    return parse_workspace_manifest(build_workspace(name, [(name, uri)], types={name: manifest.type}))
