"""A commented config.yaml for what some files hold, and its entries, as YAML to paste."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from seriesview.build.findings import Entry
from seriesview.config import read_yaml
from seriesview.errors import SeriesviewError
from seriesview.pipeline.default_views import default_views
from seriesview.workspace.panels import PANEL_TYPES

_HEADER = """\
# What `seriesview build` makes of these recordings. Paths are relative to the working directory.
# `python -m seriesview.config.reference` explains every key, `seriesview inspect FILE` says more about a file.

# The workspace's name.
workspace: {workspace}

# Names it whatever becomes of its name and its series: what is marked in it belongs to this. Leave it as it is.
id: {id}

# Artifacts are stored here, by their content. auto: together with a running kachery daemon, if there is one.
store:
  storage_dir: kachery-storage
  mode: auto

"""
_DATASETS = """\
# One entry a series; the name is what views call it by. Further keys: label, unit, scale, offset,
# channel_labels, timezone, start_time, session_start, full_resolution (auto | link | store | omit),
# max_gap_seconds, scatter (jobs that share a dataset).
datasets:
"""
_SESSIONS = """\
# {count} sessions, each a workspace of its own: whatever matches, now or later; {{NAME}} is what tells them apart.
# Without `datasets` in here each has what its recording holds. docs/sessions.md says more: tables, labels, ids.
sessions:
  path: {pattern}
"""
_FOOTER = """
# What is shown together. page: seconds that are shown at first, else the whole session; times: how they are written
# (seconds, clock, wall). Panel types:
# {panel_types};
# intervals in no panel are bands across all panels. Without views there is one of all series. Further keys of
# ContinuousTraces: mode (stacked | overlaid | image), order (depth | stored | type), channels_per_screen,
# gains (such as {{EMG: 2}}), over (series of events, such as units); of IntervalLanes: lanes (labels from the top).
views:
"""

# What a user has to fill in, where the file does not say it.
_HINTS = {
    "sampling_frequency": "samples a second (Hz); the file does not say",
    "dtype": "of one value, such as int16 or float32",
    "channels": "how many there are",
    "scale": "physical value = stored value * scale + offset; the file leaves it open",
    "allow_truncated": "true uses what there is of a file that is cut short",
}


def config_document(
    entries: Sequence[Entry], notes: Sequence[str], workspace: str, place: Path, otherwise: Sequence[str] = ()
) -> str:
    """A commented config.yaml of datasets, of a view of them, and of what was left out and why.

    `otherwise`: what can be read as another type too. Where there is one at `place` already, the workspace keeps its
    id.
    """
    title = one_line_yaml(workspace)
    blocks = [entry_yaml(entry.name, entry.keys) for entry in entries]
    left_out = [f"  # left out: {comment(note)}" for note in notes]
    also = [f"  # {comment(note)}" for note in otherwise]
    text = (
        _HEADER.format(workspace=title, id=one_line_yaml(_id_at(place)))
        + _DATASETS
        + "\n".join([*blocks, *left_out, *also])
        + "\n"
    )
    views = default_views(entries, workspace)
    if not views:
        return text
    lines = [text + _FOOTER.format(panel_types=", ".join(PANEL_TYPES)).rstrip("\n")]
    for view in views:
        lines.append(f"  - label: {one_line_yaml(view['label'])}")
        lines += [f"    {key}: {one_line_yaml(view[key])}" for key in ("page", "times") if key in view]
        lines.append("    panels:")
        lines += [f"      - {one_line_yaml(panel)}" for panel in view["panels"]]
    return "\n".join([*lines, ""])


def sessions_document(
    pattern: str, count: int, workspace: str, place: Path, open_keys: Sequence[str] = ()
) -> str:
    """A commented config.yaml of sessions; `open_keys`: what their files do not say, to be filled in for all."""
    said = _HEADER.format(workspace=one_line_yaml(workspace), id=one_line_yaml(_id_at(place)))
    lines = [f"  {key}:  # fill in: {_HINTS.get(key, 'the files do not say')}" for key in open_keys]
    defaults = "\n".join(["# What all their datasets have.", "defaults:", *lines, "", ""]) if lines else ""
    return said + defaults + _SESSIONS.format(count=count, pattern=one_line_yaml(pattern))


def _id_at(config: Path) -> str:
    """The id of the workspace that a config.yaml is of; a new one where it names none."""
    with suppress(OSError, SeriesviewError):
        content, _ = read_yaml(config)
        found = content.get("id") if isinstance(content, dict) else None
        if isinstance(found, str) and found:
            return found
    return secrets.token_hex(8)


def entry_yaml(name: str, entry: Mapping[str, Any], indent: int = 2) -> str:
    """YAML lines of one dataset; keys whose value is None are left to be filled in, with a hint."""
    lines = [f"{one_line_yaml(name)}:"]
    for key, value in entry.items():
        if value is None:
            lines.append(f"  {key}:  # fill in: {_HINTS.get(key, 'the file does not say')}")
        else:
            lines.append(f"  {key}: {one_line_yaml(value)}")
    return "\n".join(" " * indent + line for line in lines)


def one_line_yaml(value: Any) -> str:
    """YAML on one line that reads back as the value: what a file's name or a label may hold is escaped."""
    for style, allow_unicode in ((None, True), (None, False), ('"', False)):
        # In a list, where it is neither followed by an end of document nor broken into lines.
        text: str = yaml.safe_dump(
            [value],
            allow_unicode=allow_unicode,
            default_flow_style=True,
            default_style=style,
            sort_keys=False,
            width=float("inf"),
        )
        line = text.strip()[1:-1]
        if len(line.splitlines()) == 1 and yaml.safe_load(f"[{line}]") == [value]:
            return line
    raise ValueError(f"{value!r} cannot be written as YAML")


def comment(text: str) -> str:
    """A text that can stand behind a # in YAML: on one line, without what YAML does not allow."""
    return "".join(each if each.isprintable() else "?" for each in " ".join(text.split()))
