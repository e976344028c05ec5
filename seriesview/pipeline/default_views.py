"""The views of recordings that nobody described: which panels, in what order, and what they show at first.

They follow from what a reader says that each dataset is (`role`), and from types, positions and number of channels.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from seriesview.build.findings import Entry
from seriesview.pipeline.bids_sidecars import power_line_frequency
from seriesview.terms import CHANNEL_TYPES_IN_ORDER
from seriesview.workspace.panels import CONTINUOUS_TRACES, EVENT_AMPLITUDES, INTERVAL_LANES, RASTER_PLOT

_PAGES = {"spike-band": 0.2, "lfp": 2, "eeg": 10}
_SLEEP_PAGE = 30
# A page of spikes is too short for what else a probe records: so many seconds of that.
_SLOW_PAGE = 5
# What changes no faster than this, in samples a second, can be followed through a night.
_SLOW_RATE = 10.0
_LEAST_SLEEP = 3600.0
_CHANNELS_PER_SCREEN = 20
# On a screen that is not wide the viewer draws no more one by one.
_MOST_MARKS = 1_500_000
# Fewer traces than these of a probe can be followed as such.
_IMAGE_CHANNELS = 32
_EXTRACELLULAR = ("spike-band", "drift", "units", "lfp")
_ORDER = ("stages", "eeg", *_EXTRACELLULAR, "annotations", "markers", "analog", "seismic", "ttl")
# Depths of sleep from the top, as labels write them: W, Wake, Sleep stage W, N1, S1, NREM1, Sleep stage 1, ...
_STAGES = (r"w(ake)?", r"r(em)?", "t", *(rf"(n|s|nrem)?{depth}" for depth in "1234"), r"n(rem)?")
_STAGE_WORDS = r"(?:sleep[ _]*)?(?:stage[ _-]*)?"
_LEAST_STAGES = 2
_NOT_OF_A_PROBE = ("markers", "annotations", "stages")
# Behind the name of a probe.
_BAND = re.compile(r"[\W_]*(ap|lfp?|hf)$", re.IGNORECASE)
_NOT_NAMES = {"ap", "lf", "lfp", "hf", "bin", "dat", "raw"}


def default_views(entries: Sequence[Entry], label: str) -> list[dict[str, Any]]:
    """Views of some datasets, as the configuration has them; none where nothing has a panel.

    Each probe has a view of its own, with what belongs to no other one; beside a short page of spikes a longer one of
    what is slower, and where spikes have depths their map, of the whole session or a long page. A night with stages has
    a second view, of all of it. Everything else is one view.
    """
    names = _labels(entries)
    ordered = sorted(entries, key=_place)
    probes = [entry for entry in ordered if entry.role == "spike-band"]
    probes = probes or [entry for entry in ordered if entry.role == "lfp"]
    if not probes:
        night = [entry for entry in ordered if _is_of_whole_night(entry)]
        is_staged = any(entry.role == "stages" for entry in night)
        whole = _view(f"{label}, whole night", night, names, None) if is_staged else ()
        return [*_view(label, ordered, names, _page(ordered)), *whole]
    views: list[dict[str, Any]] = []
    for probe, members in zip(probes, _shared_out(ordered, probes, names), strict=True):
        called = label if len(probes) == 1 else _BAND.sub("", names[probe.name]) or names[probe.name]
        near = [entry for entry in members if entry.role != "drift"]
        slow = [entry for entry in near if entry.role != "spike-band"] if probe.role == "spike-band" else []
        if any(entry.role != "units" for entry in slow):
            # In a page of spikes an LFP is a straight line.
            spiking = [entry for entry in near if entry.role != "lfp"]
            views += _view(called, spiking, names, _PAGES["spike-band"])
            views += _view(f"{called}, {_SLOW_PAGE} s at a time", slow, names, _SLOW_PAGE)
        else:
            views += _view(called, near, names, _PAGES[str(probe.role)])
        spikes = [entry for entry in members if entry.role in ("drift", "units")]
        if len(near) < len(members):
            views += _view(f"{called}, drift", spikes, names, _drift_page(spikes))
    return views


def stages_of(labels: Sequence[str]) -> list[str]:
    """Those labels that are stages of sleep, wakefulness first, then by depth; none where there are not several."""
    found = [
        label
        for stage in _STAGES
        for label in labels
        if re.fullmatch(_STAGE_WORDS + stage, " ".join(label.casefold().split()))
    ]
    return found if len(found) >= _LEAST_STAGES else []


def _view(
    label: str, entries: Sequence[Entry], names: dict[str, str], page: float | None
) -> Iterator[dict[str, Any]]:
    sampled = [entry for entry in entries if entry.type == "continuous"]
    panels = [
        {**panel, **_over(entry, entries)}
        for entry in entries
        if (panel := _panel(entry, names[entry.name] + _of_clock(entry, sampled))) is not None
    ]
    if panels:
        times = {"times": "wall"} if _by_wall_clock(entries) else {}
        yield {"label": label, **({} if page is None else {"page": page}), **times, "panels": panels}


def _of_clock(entry: Entry, sampled: Sequence[Entry]) -> str:
    """What a panel says of a clock that nothing ties to that of the view's first samples, or of its other ones."""
    clock, *others = (each.found.clock if each.found else None for each in (entry, *sampled))
    is_own = clock is not None and bool(others) and (clock != others[0] or None in others)
    return " (own clock)" if is_own else ""


def _panel(entry: Entry, label: str) -> dict[str, Any] | None:
    """The panel of a dataset; None for intervals that are bands alone."""
    if entry.panel is None:
        if entry.role not in ("annotations", "stages"):
            return None
        stages = stages_of(entry.found.labels if entry.found else ())
        lanes = {"lanes": stages} if stages else {}
        return {"type": INTERVAL_LANES.name, "series": entry.name, "label": label, **lanes}
    panel_type, _ = entry.panel
    more: dict[str, Any] = {}
    if panel_type == CONTINUOUS_TRACES.name:
        more = {**_traces(entry), **_mains(entry)}
    elif entry.role == "drift" and panel_type == EVENT_AMPLITUDES.name:
        more = _drift(entry)
    elif entry.role in ("markers", "annotations") and panel_type == RASTER_PLOT.name:
        more = {"lines": True}
    return {"type": panel_type, "series": entry.name, "label": label, **more}


def _traces(entry: Entry) -> dict[str, Any]:
    channels = entry.found.channels if entry.found else ()
    if entry.role in ("spike-band", "lfp"):
        is_image = entry.role == "spike-band" and len(channels) >= _IMAGE_CHANNELS
        is_placed = any(channel.y is not None for channel in channels)
        return {**({"mode": "image"} if is_image else {}), **({"order": "depth"} if is_placed else {})}
    if entry.role == "eeg":
        is_mixed = len({channel.type for channel in channels}) > 1
        many = {"channels_per_screen": _CHANNELS_PER_SCREEN} if len(channels) > _CHANNELS_PER_SCREEN else {}
        return {"order": "type" if is_mixed else "stored", **many}
    return {} if entry.role is None else {"order": "stored"}


def _mains(entry: Entry) -> dict[str, Any]:
    path = entry.keys.get("path")
    frequency = power_line_frequency(Path(path)) if path and "://" not in path else None
    if frequency is None:
        return {}
    return {"mains": int(frequency) if frequency.is_integer() else frequency}


def _over(entry: Entry, entries: Sequence[Entry]) -> dict[str, Any]:
    """Units that lie over traces of spikes: of the same clock, and some known to be on one of the traces' channels."""
    probe = entry.found
    if entry.role != "spike-band" or probe is None:
        return {}
    known = {name for channel in probe.channels for name in (channel.id, channel.label)}
    over = [
        each.name
        for each in entries
        if each.role == "units" and (units := each.found) is not None
        if units.clock == probe.clock and (units.session_start is None) == (probe.session_start is None)
        if any(channel.best_channel in known for channel in units.channels)
    ]
    return {"over": over} if over else {}


def _drift(entry: Entry) -> dict[str, Any]:
    """Depth upwards and amplitude as colour: the channels that are called so, else the first two."""
    labels = [channel.label for channel in entry.found.channels] if entry.found else []
    if len(labels) < 2:
        return {}
    depth = next((label for label in labels if re.search(r"depth|\by\b", label.casefold())), labels[0])
    rest = [label for label in labels if label != depth]
    color = next((label for label in rest if "amp" in label.casefold()), rest[0])
    return {"y": depth, "color": color}


def _drift_page(entries: Sequence[Entry]) -> float | None:
    """So long that each spike has a mark of its own; None where that is the whole session."""
    pages = [
        found.duration * _MOST_MARKS / found.shape[0]
        for entry in entries
        if entry.role == "drift" and (found := entry.found) is not None and found.duration
        if found.shape and found.shape[0] > _MOST_MARKS
    ]
    return float(f"{min(pages):.2g}") if pages else None


def _page(entries: Sequence[Entry]) -> float | None:
    roles = {entry.role for entry in entries}
    if "eeg" not in roles:
        return None
    return _SLEEP_PAGE if _is_sleep(entries) else _PAGES["eeg"]


def _is_sleep(entries: Sequence[Entry]) -> bool:
    types = {channel.type for entry in entries if entry.found for channel in entry.found.channels}
    is_long = any((entry.found.duration or 0) >= _LEAST_SLEEP for entry in entries if entry.found)
    return any(entry.role == "stages" for entry in entries) or ({"EEG", "EOG", "EMG"} <= types and is_long)


def _is_of_whole_night(entry: Entry) -> bool:
    rate = entry.found.sampling_frequency if entry.found else None
    return entry.role in ("stages", "annotations") or (
        entry.role == "eeg" and rate is not None and rate <= _SLOW_RATE
    )


def _by_wall_clock(entries: Sequence[Entry]) -> bool:
    """Whether people ask at what time of day something was: of nights, and of earthquakes."""
    return _is_sleep(entries) or any(entry.role == "seismic" for entry in entries)


def _place(entry: Entry) -> tuple[int, int]:
    """Where an entry's panel stands: by its role, series of a polygraphic recording by their first type."""
    role = _ORDER.index(entry.role) if entry.role in _ORDER else len(_ORDER)
    if entry.role != "eeg" or entry.found is None:
        return role, 0
    types = {channel.type for channel in entry.found.channels}
    return role, next(
        (place for place, kind in enumerate(CHANNEL_TYPES_IN_ORDER) if kind in types),
        len(CHANNEL_TYPES_IN_ORDER),
    )


def _labels(entries: Sequence[Entry]) -> dict[str, str]:
    """What the panel of each entry is called: as its reader calls it, or by its name where several are called so."""
    said = {entry.name: _said(entry) for entry in entries}
    times = Counter(said.values())
    # The same name in several files says nothing.
    return {name: label if times[label] == 1 else name for name, label in said.items()}


def _said(entry: Entry) -> str:
    """As its reader calls it; what has one channel, such as the 1 Hz of a night, by that, which stands nowhere else."""
    if entry.panel is None:
        return _called(entry)
    channels = entry.found.channels if entry.found else ()
    own = channels[0].label if entry.role == "eeg" and len(channels) == 1 else ""
    return f"{own}, {entry.panel[1]}" if own and own not in entry.panel[1] else entry.panel[1]


def _called(entry: Entry) -> str:
    """What intervals are called."""
    found = entry.found
    return (found and (found.label or found.dataset)) or entry.name


def _shared_out(
    entries: Sequence[Entry], probes: Sequence[Entry], names: dict[str, str]
) -> list[list[Entry]]:
    """Of each probe what goes with it: what has its words in name, label or path, and what has no other's."""
    words = {entry.name: _words(entry, names[entry.name]) for entry in entries}
    own = [
        words[probe.name].difference(*(words[other.name] for other in probes if other is not probe))
        for probe in probes
    ]
    shared: list[list[Entry]] = [[] for _ in probes]
    for entry in entries:
        said = set() if entry.role in _NOT_OF_A_PROBE else words[entry.name]
        likeness = [len(said & each) for each in own]
        most = max(likeness)
        for members, probe, like in zip(shared, probes, likeness, strict=True):
            if entry is probe or (entry not in probes and like == most):
                members.append(entry)
    return shared


def _words(entry: Entry, label: str) -> set[str]:
    texts = (entry.name, label, str(entry.keys.get("path", "")), str(entry.keys.get("dataset", "")))
    return set(re.findall(r"[a-z]+\d*|\d+", " ".join(texts).casefold())) - _NOT_NAMES
