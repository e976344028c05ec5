"""What the arrays of a Zarr store are: samples of SpikeInterface and of NWB, pyramids, and arrays that say little."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from seriesview.readers.companions import number_of, text_of
from seriesview.readers.protocol import Decision, Role
from seriesview.readers.sample_types import turned_guess
from seriesview.readers.zarr.arrays import problem_of
from seriesview.readers.zarr.store import Node, Store

Kind = Literal["samples", "units", "spikes", "intervals", "switches"]
Nodes = Mapping[str, Node]

_RATES = (
    *("sampling_frequency", "sampling_rate", "sample_rate", "samplingrate", "samplerate"),
    *("sampling_frequency_hz", "sampling_rate_hz", "sample_rate_hz", "sfreq", "srate", "fs", "rate"),
)
_TIMES = ("time", "times", "timestamps", "t")
_FASTEST_LFP = 5000.0
_MOST_CHANNELS = 16384


@dataclass(frozen=True)
class Series:
    """A series of a store. `node` holds samples, or is the group of a table or of spikes.

    `times`: an array with the time of each sample. `segment`: of SpikeInterface. `options` open it, as the
    configuration has them; one that is None is to be filled in.
    """

    dataset: str
    label: str
    kind: Kind
    node: Node
    rate: float | None = None
    times: Node | None = None
    unit: str = ""
    scale: float | None = None
    offset: float | None = None
    role: Role | None = None
    segment: int | None = None
    group: Node | None = None
    transposed: bool = False
    decisions: tuple[Decision, ...] = ()
    problem: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The keys that open it."""
        keys: dict[str, Any] = {"dataset": self.dataset}
        if self.transposed:
            keys["order"] = "F"
        if self.kind == "samples" and self.rate is None and self.times is None:
            keys["sampling_frequency"] = None
        return keys


def series_of(store: Store, nodes: Nodes) -> list[Series]:
    """Every series of a store, in the order of its arrays; what cannot be shown too, with the reason."""
    used: set[str] = set()
    found: list[Series] = []
    for finder in (_of_spikeinterface, _of_nwb):
        for series in finder(nodes):
            used.update(_used(series, nodes))
            found.append(series)
    is_nwb = "nwb_version" in nodes[""].attributes if "" in nodes else False
    levels = _coarser_levels(nodes)
    for path, node in nodes.items():
        if not node.is_array or path in used or is_nwb:
            continue
        if path in levels:
            problem = f"a coarser level of {levels[path]}, which is shown at full resolution"
            found.append(Series(path or "/", node.name or "/", "samples", node, problem=problem))
        elif (times := _coordinate_of(nodes, node)) is not node:
            found.append(_plain(nodes, node, times))
    return [_checked(store, each) for each in found]


def _checked(store: Store, series: Series) -> Series:
    if series.problem is not None or series.kind != "samples":
        return series
    return replace(series, problem=problem_of(store, series.node))


def _used(series: Series, nodes: Nodes) -> Iterator[str]:
    yield series.node.path
    if series.times is not None:
        yield series.times.path
    if series.group is not None:
        prefix = f"{series.group.path}/" if series.group.path else ""
        yield from (path for path in nodes if path.startswith(prefix))


def child(nodes: Nodes, group: Node, name: str) -> Node | None:
    """A member of a group; hdmf-zarr's links to others of the store are followed."""
    found = nodes.get(f"{group.path}/{name}" if group.path else name)
    links = group.attributes.get("zarr_link")
    if found is not None or not isinstance(links, list):
        return found
    places = (each.get("path") for each in links if isinstance(each, dict) and each.get("name") == name)
    return next((nodes.get(place.strip("/")) for place in places if isinstance(place, str)), None)


def _of_spikeinterface(nodes: Nodes) -> Iterator[Series]:
    """Recordings and sortings that `save(format="zarr")` wrote."""
    for path, group in nodes.items():
        rate = number_of(group.attributes.get("sampling_frequency"))
        count = number_of(group.attributes.get("num_segments"))
        if group.is_array or rate is None or rate <= 0 or count is None or not 0 < count < 1e5:
            continue
        several = int(count) > 1
        for number in range(int(count)):
            traces = child(nodes, group, f"traces_seg{number}")
            if traces is None:
                break
            role: Role = "spike-band" if rate >= _FASTEST_LFP else "lfp"
            label = f"{group.name or 'Recording'}{f' (segment {number})' if several else ''}"
            times = child(nodes, group, f"times_seg{number}")
            yield Series(
                traces.path,
                label,
                "samples",
                traces,
                None if times else rate,
                times,
                role=role,
                segment=number,
                group=group,
            )
        if child(nodes, group, "unit_ids") and child(nodes, group, "spikes"):
            for number in range(int(count)):
                dataset = f"{path}/spikes".lstrip("/") + (f" segment {number}" if several else "")
                label = f"Units{f' (segment {number})' if several else ''}"
                yield Series(dataset, label, "units", group, rate, role="units", segment=number, group=group)


def _of_nwb(nodes: Nodes) -> Iterator[Series]:
    """Time series, units and tables of intervals of NWB files that hdmf-zarr wrote."""
    for path, group in nodes.items():
        kind = group.attributes.get("neurodata_type")
        if group.is_array or not isinstance(kind, str):
            continue
        data = child(nodes, group, "data")
        times = child(nodes, group, "timestamps")
        if kind == "IntervalSeries" and data is not None and times is not None:
            yield Series(path, group.name, "switches", data, times=times, role="annotations", group=group)
        elif data is not None and data.is_array:
            yield _time_series(nodes, group, data, kind)
        spikes = child(nodes, group, "spike_times")
        if spikes is not None and child(nodes, group, "spike_times_index") is not None:
            yield Series(path, group.name, "spikes", spikes, role="units", group=group)
        starts, stops = child(nodes, group, "start_time"), child(nodes, group, "stop_time")
        if starts is not None and stops is not None:
            yield Series(path, group.name, "intervals", starts, role="annotations", group=group)


def _time_series(nodes: Nodes, group: Node, data: Node, kind: str) -> Series:
    begin, times = child(nodes, group, "starting_time"), child(nodes, group, "timestamps")
    rate = number_of(begin.attributes.get("rate")) if begin is not None else None
    unit = text_of(data.attributes.get("unit", ""))
    is_volts = kind == "ElectricalSeries" and unit.lower() in ("volts", "v")
    factor = 1e6 if is_volts else 1.0
    scale = number_of(data.attributes.get("conversion", 1.0))
    offset = number_of(data.attributes.get("offset", 0.0))
    role: Role | None = None
    if kind == "ElectricalSeries":
        fast = rate is None or rate >= _FASTEST_LFP
        role = "spike-band" if fast and "lfp" not in group.path.lower() else "lfp"
    return Series(
        group.path,
        group.name,
        "samples",
        data,
        rate,
        times if rate is None else None,
        "uV" if is_volts else unit,
        None if scale is None else scale * factor,
        None if offset is None else offset * factor,
        role,
        group=group,
        problem=None if scale is not None and offset is not None else "its conversion or offset is no number",
    )


def _coarser_levels(nodes: Nodes) -> dict[str, str]:
    """Paths of arrays that are coarser levels of a pyramid (`multiscales`), and of which array."""
    found: dict[str, str] = {}
    for group in nodes.values():
        attributes = group.attributes.get("ome", group.attributes)
        scales = attributes.get("multiscales") if isinstance(attributes, dict) else None
        for scale in scales if isinstance(scales, list) else ():
            listed = scale.get("datasets") if isinstance(scale, dict) else None
            paths = [
                f"{group.path}/{each['path']}".strip("/")
                for each in (listed if isinstance(listed, list) else ())
                if isinstance(each, dict) and isinstance(each.get("path"), str)
            ]
            there = [path for path in paths if path in nodes and nodes[path].is_array]
            if there:
                finest = max(there, key=lambda path: max(nodes[path].shape or (0,)))
                found.update({path: finest for path in there if path != finest})
    return found


def _dimensions(node: Node) -> list[str]:
    names = node.attributes.get("_ARRAY_DIMENSIONS", node.metadata.get("dimension_names"))
    return [text_of(each).lower() for each in names] if isinstance(names, list) else []


def _around(nodes: Nodes, node: Node) -> Iterator[Node]:
    """An array and the groups around it, from the inside out."""
    path = node.path
    yield node
    while path:
        path = path.rpartition("/")[0]
        if path in nodes:
            yield nodes[path]


def _coordinate_of(nodes: Nodes, node: Node) -> Node | None:
    """The array of times along an array's longest dimension; the array itself where it is one of those."""
    siblings = {name: nodes.get(f"{node.path.rpartition('/')[0]}/{name}".lstrip("/")) for name in _TIMES}
    for name, sibling in siblings.items():
        if (
            sibling is None
            or sibling.dtype is None
            or sibling.dtype.kind not in "iuf"
            or len(sibling.shape or ()) != 1
        ):
            continue
        if sibling is node and len(nodes) > 2:
            return node
        named = name in _dimensions(node) if _dimensions(node) else True
        if sibling is not node and named and (sibling.shape or (0,))[0] in (node.shape or ()):
            return sibling
    return None


def _plain(nodes: Nodes, node: Node, times: Node | None) -> Series:
    """An array that says what it is by attributes, of its own or of the groups around it."""
    rate = source = None
    for each in _around(nodes, node):
        named = {str(key).lower(): value for key, value in each.attributes.items()}
        values = [(key, number_of(named.get(key))) for key in _RATES if key in named]
        key, rate = next(
            ((key, value) for key, value in values if value is not None and value > 0), ("", None)
        )
        if rate is not None:
            source = f"{rate:.9g} Hz: the attribute {key} of {each.path or 'the store'}"
            break
    said = [Decision(source)] if source else []
    shape, dimensions = node.shape or (), _dimensions(node)
    transposed = False
    if len(shape) == 2:
        at = next((at for at, name in enumerate(dimensions[:2]) if name in _TIMES or "time" in name), None)
        transposed = at == 1 if at is not None else shape[0] < shape[1] and shape[0] <= _MOST_CHANNELS
        if transposed and at is None:
            said.append(turned_guess(shape[::-1]))
    attributes = node.attributes
    scale = number_of(attributes.get("scale_factor", attributes.get("gain_to_uV")))
    unit = text_of(
        attributes.get("units", attributes.get("unit", "uV" if "gain_to_uV" in attributes else ""))
    )
    unknown = times is not None and "since" in text_of(times.attributes.get("units", ""))
    return Series(
        node.path or "/",
        node.name or "/",
        "samples",
        node,
        rate,
        times if rate is None and not unknown else None,
        unit,
        scale,
        number_of(attributes.get("add_offset", attributes.get("offset_to_uV"))),
        transposed=transposed,
        decisions=tuple(said),
    )
