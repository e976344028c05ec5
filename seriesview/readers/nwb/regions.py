"""NWB's references to rows of tables: electrodes and regions of interest as channels, labels from other tables.

Labels and places come from the rows that are referred to, or there are none, and a line says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import h5py
import numpy as np
import numpy.typing as npt

from seriesview.readers.hdf5.extent import whole
from seriesview.readers.hdf5.file import attribute, child, child_dataset, dtype_of, text
from seriesview.readers.hdf5.missing import missing_of
from seriesview.readers.hdf5.reach import FAILURES, has_member
from seriesview.readers.nwb.columns import UnfitError, first_column, row_ids
from seriesview.readers.protocol import Channel, Decision

_REGIONS = ("electrodes", "rois")
ELECTRODES = "general/extracellular_ephys/electrodes"
_CHANNEL_LABELS = ("label", "channel_name", "electrode_name", "name")
# Places on the probe, then those that programs give in their stead.
_PLACES = (("rel_x", "rel_y"), ("probe_horizontal_position", "probe_vertical_position"), ("x", "y"))
# No two electrodes are as close as this, in micrometres.
_LEAST_PLACE = 0.1


def region_channels(
    series: h5py.Group, channels: Sequence[Channel], keep_labels: bool = False
) -> tuple[tuple[Channel, ...], tuple[Decision, ...]]:
    """The channels with what the table of electrodes or of regions of interest says of them, and what is to be said.

    Unchanged where it has no row for each. Ids are the rows' where they differ from each other. `keep_labels`:
    the channels have labels from elsewhere.
    """
    name = next((name for name in _REGIONS if has_member(series, name)), None)
    if name is None:
        return tuple(channels), ()
    notes: list[str] = []
    try:
        table, rows = _region(series, name, len(channels), notes)
        found = _described(table, rows, channels, keep_labels, notes)
    except UnfitError as error:
        return tuple(channels), (Decision(f"{error}: its channels are numbered", is_guess=True),)
    return found, tuple(Decision(note, is_guess=True) for note in notes)


def referred_rows(region: h5py.Dataset, rows: int) -> tuple[h5py.Group, npt.NDArray[np.int64]]:
    """The table that a column of references is about, and the row of it for each of `rows`. Raises UnfitError."""
    table = _table(region)
    return table, _rows(region, rows, len(row_ids(table)))


def _region(
    series: h5py.Group, name: str, num_channels: int, notes: list[str]
) -> tuple[h5py.Group, npt.NDArray[np.int64]]:
    region = child_dataset(series, name)
    if region is None:
        raise UnfitError(f"its {name} cannot be opened")
    if "table" in region.attrs or name != "electrodes":
        table = _table(region)
    else:
        found = child(series.file, ELECTRODES)
        if not isinstance(found, h5py.Group):
            raise UnfitError(f"its {name} do not say which table they are rows of")
        table = found
        notes.append(f"its {name} do not say which table they are rows of: taken for /{ELECTRODES}")
    return table, _rows(region, num_channels, len(row_ids(table)))


def _table(region: h5py.Dataset) -> h5py.Group:
    name = str(region.name).rpartition("/")[2]
    try:
        table = region.file[region.attrs["table"]]
    except FAILURES as error:
        raise UnfitError(f"{name} refers to a table that is not there") from error
    if not isinstance(table, h5py.Group) or child_dataset(table, "id") is None:
        raise UnfitError(f"{name} refers to {table.name or 'something'}, which is no table with rows")
    return table


def _rows(region: h5py.Dataset, count: int, available: int) -> npt.NDArray[np.int64]:
    name, dtype = str(region.name).rpartition("/")[2], dtype_of(region)
    if region.shape != (count,):
        raise UnfitError(f"{name} has the shape {region.shape}, but {count} rows are needed")
    if dtype is None or dtype.kind not in "iuf":
        raise UnfitError(f"{name} holds no numbers of rows")
    stored = whole(region)
    is_row = (stored >= 0) & (stored < available) & (stored == np.floor(stored))
    if not is_row.all():
        wrong = stored[int(np.argmin(is_row))]
        raise UnfitError(f"{name} refers to row {wrong} of {available}")
    rows: npt.NDArray[np.int64] = stored.astype(np.int64)
    return rows


def _described(
    table: h5py.Group,
    rows: npt.NDArray[np.int64],
    channels: Sequence[Channel],
    keep_labels: bool,
    notes: list[str],
) -> tuple[Channel, ...]:
    ids = row_ids(table)
    chosen = [ids[row] for row in rows]
    are_unique = len(set(chosen)) == len(rows)
    labels = first_column(table, _CHANNEL_LABELS, len(ids), notes) or ids
    groups = _groups(table, len(ids), notes)
    xs, ys = _places(table, len(ids), notes)
    return tuple(
        replace(
            channel,
            id=chosen[index] if are_unique else channel.id,
            label=channel.label if keep_labels else str(labels[row]),
            group=groups[row],
            x=xs[row],
            y=ys[row],
        )
        for index, (row, channel) in enumerate(zip(rows.tolist(), channels, strict=True))
    )


def _groups(table: h5py.Group, rows: int, notes: list[str]) -> list[str | None]:
    """The group of electrodes that each row is of: by its name, else by its reference."""
    named = first_column(table, ("group_name",), rows, notes, may_be_empty=True)
    if named is not None:
        return [str(name) if name not in (None, "") else None for name in named]
    groups: list[str | None] = [None] * rows
    references = child_dataset(table, "group")
    dtype = None if references is None else dtype_of(references)
    if references is None or dtype is None or not h5py.check_ref_dtype(dtype) or references.shape != (rows,):
        return groups
    for row, reference in enumerate(whole(references)):
        try:
            groups[row] = str(table.file[reference].name).rpartition("/")[2]
        except FAILURES:
            notes.append("a group of its electrodes is not there: those are in none")
            return [None] * rows
    return groups


def _places(table: h5py.Group, rows: int, notes: list[str]) -> tuple[list[float | None], list[float | None]]:
    """Micrometres on the probe, y from the tip upwards, of each electrode; None where they are not known."""
    for names in _PLACES:
        columns = [child_dataset(table, name) for name in names]
        x, y = columns
        if x is None or y is None:
            continue
        try:
            xs, ys = _numbers(x, rows), _numbers(y, rows)
        except UnfitError as error:
            notes.append(f"{error}: places of electrodes are left out")
            continue
        known = np.abs(np.concatenate([xs, ys]))
        known = known[np.isfinite(known)]
        if not known.size:
            continue
        if known.any() and known.max() < _LEAST_PLACE:
            notes.append(
                f"{names[0]} and {names[1]} of its electrodes are no micrometres (at most {known.max():.3g}): left out"
            )
            continue
        if names == ("x", "y"):
            said = (text(attribute(y, "description")) or "").casefold()
            if "inferior" in said:
                ys = -ys
                notes.append(
                    "x and y of its electrodes in the brain are taken for places, what is superior up"
                )
            elif not any(
                word in said.split() for word in ("um", "µm", "micrometers", "micrometres", "microns")
            ):
                notes.append("x and y of its electrodes are taken for micrometres on the probe, y upwards")
        return _or_none(xs), _or_none(ys)
    return [None] * rows, [None] * rows


def _numbers(dataset: h5py.Dataset, rows: int) -> npt.NDArray[np.float64]:
    name, dtype = str(dataset.name).rpartition("/")[2], dtype_of(dataset)
    if dtype is None or dtype.kind not in "iuf" or dataset.shape != (rows,):
        raise UnfitError(f"column {name} does not hold one number for each of {rows} rows")
    stored = whole(dataset)
    missing, _ = missing_of(dataset, stored.dtype)
    values = stored.astype(np.float64)
    if missing is not None:
        values[np.isin(stored, np.array(missing.values, stored.dtype))] = np.nan
    return values


def _or_none(values: npt.NDArray[np.float64]) -> list[float | None]:
    return [
        value if finite else None for value, finite in zip(values.tolist(), np.isfinite(values), strict=True)
    ]
