"""Sharing a workspace, as functions: into a folder, into one file, into a bucket."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, Unpack

from seriesview.cloud.bucket_address import checked_base_url, parse_address, prefix_of_label
from seriesview.cloud.open_bucket import open_bucket
from seriesview.errors import RequestError, StoreError
from seriesview.series.series import Series
from seriesview.share.bucket_check import status_for_all
from seriesview.share.choice import Wish
from seriesview.share.export import Exported, export_folder, plan_export
from seriesview.share.plan import Plan
from seriesview.share.publishing import Published, publish_plan
from seriesview.share.single_file import export_single_file, plan_single_file
from seriesview.store import Store, parse_uri
from seriesview.terms import is_workspace
from seriesview.workspace.workspace import Workspace, stored_uri

_MOST_DAYS = 1_000_000


class Choices(TypedDict, total=False):
    """What of a workspace goes along."""

    raw: bool | None
    """All raw samples; False: none but of series that have nothing else; None: none but those named below."""
    raw_series: Sequence[str]
    """All raw samples of these series."""
    raw_ranges: Sequence[tuple[float, float]]
    """The raw samples of these stretches, in seconds of view time, widened to whole parts."""
    without: Sequence[str]
    """Series that are left out."""
    max_bytes: int | None
    """The finest levels are left out, the largest first, until all fits."""
    shift_dates: bool | int | None
    """Move all dates by so many days; True: so that the earliest is in the year 2000."""


def export(
    workspace: Workspace | Series | str | Path,
    target: str | Path,
    *,
    single_file: bool = False,
    store: Store | str | Path | None = None,
    on_plan: Callable[[Plan], None] = lambda _: None,
    on_bytes: Callable[[int], None] = lambda _: None,
    **choices: Unpack[Choices],
) -> Exported:
    """Write a workspace, or a series, into the folder `target`, or as one HTML file of that name.

    `workspace` is an opened one, a URI or a file of results; `store` as in `open_workspace`. `choices` are those of
    `Choices`. Without `raw` the raw samples of small series go along by themselves. `on_plan` gets what will be written
    before anything is, `on_bytes` the bytes that were, as they are. Raises SeriesviewError.
    """
    uri, opened = stored_uri(workspace, store)
    wish = _wish(choices, small_samples=choices.get("raw") is None)
    plan = plan_single_file(opened, uri, wish) if single_file else plan_export(opened, uri, wish)
    on_plan(plan)
    write = export_single_file if single_file else export_folder
    done = write(plan, opened, Path(target), on_bytes)
    _keep(opened, uri, plan.workspace.label)
    return done


def publish(
    workspace: Workspace | Series | str | Path,
    address: str | None = None,
    *,
    public_url: str | None = None,
    store: Store | str | Path | None = None,
    on_plan: Callable[[Plan, str], None] = lambda *_: None,
    on_bytes: Callable[[int], None] = lambda _: None,
    on_present: Callable[[int], None] = lambda _: None,
    **choices: Unpack[Choices],
) -> Published:
    """Put what an export would write into a bucket, but for what is there already.

    `address` is gs://BUCKET/PREFIX or s3://BUCKET/PREFIX; without a bucket GOOGLE_BUCKET_NAME names it, without a
    prefix the workspace's label does. `public_url` is where browsers read the bucket's objects, if it has a host name
    of its own. `on_plan` gets the whole address too, `on_present` the bytes that were there; all else as in `export`,
    but that raw samples go along only when asked for. Raises SeriesviewError.
    """
    base_url = None if not public_url else checked_base_url(public_url)
    parse_address(address)
    uri, opened = stored_uri(workspace, store)
    plan = plan_export(opened, uri, _wish(choices, small_samples=False))
    place = parse_address(address, prefix_of_label(plan.workspace.label, parse_uri(uri)[0]))
    bucket = open_bucket(place)
    on_plan(plan, str(place))
    try:
        done = publish_plan(plan, opened, bucket, base_url, on_bytes, on_present)
    finally:
        bucket.close()
    _keep(opened, uri, plan.workspace.label)
    return replace(done, status=status_for_all(done.link))


def _wish(choices: Choices, small_samples: bool) -> Wish:
    """The choices, checked. Raises RequestError."""
    raw = choices.get("raw")
    series, ranges = tuple(choices.get("raw_series", ())), tuple(choices.get("raw_ranges", ()))
    if raw and ranges:
        raise RequestError("raw and raw-range: give all raw samples or stretches of them, not both")
    if raw is False and (ranges or series):
        raise RequestError("no raw samples, and raw-series or raw-range: give the one or the other, not both")
    for pair in ranges:
        if len(pair) != 2 or not all(map(math.isfinite, pair)) or pair[0] > pair[1]:
            raise RequestError(
                f"raw_ranges: {pair!r:.80} is no stretch of time; give (start, end) in seconds"
            )
    days = choices.get("shift_dates") or False
    if not isinstance(days, bool) and not 0 < abs(days) < _MOST_DAYS:
        raise RequestError(f"shift_dates: {days!r:.20} days move no date; give another number, or True")
    return Wish(
        bool(raw),
        series,
        ranges,
        tuple(choices.get("without", ())),
        choices.get("max_bytes"),
        small_samples=small_samples,
        moves_dates=days is not False,
        days=None if isinstance(days, bool) else days,
    )


def _keep(store: Store, uri: str, label: str) -> None:
    """Note that a workspace which was shared is to be kept, where the store can be written."""
    if is_workspace(store.get_json(uri)):
        with suppress(StoreError):
            store.record_workspace(uri, label)
