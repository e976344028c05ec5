"""The reference page of config.yaml, generated from the dataclasses that describe it."""

from __future__ import annotations

from typing import Any

from seriesview.config.schema import config_schema

_INTRODUCTION = """\
# config.yaml

A config.yaml names recordings and how to show them. `seriesview init FILE...` writes one for your files,
`seriesview inspect FILE` says what to write for a file; the demo's own `config.yaml` explains each key as it goes.

    workspace: rat7
    store: {storage_dir: kachery-storage}
    datasets:
      probe: {path: data/session.nwb, dataset: /acquisition/ElectricalSeries}
      raw: {path: data/raw.dat, dtype: int16, channels: 32, sampling_frequency: 30000, unit: uV, scale: 0.195}
      spikes: {path: data/session.nwb, dataset: /units}
    views:
      - label: Session
        panels:
          - {type: ContinuousTraces, series: probe, label: Probe}
          - {type: RasterPlot, series: spikes}

What several datasets share stands once, in `defaults` for all of them, or with YAML's own anchors for some:

    datasets:
      left: &amplifier {path: left.dat, dtype: int16, channels: 32, sampling_frequency: 30000}
      right: {<<: *amplifier, path: right.dat}

Where recordings repeat, `sessions` finds them, and each has a workspace of its own (docs/sessions.md). Only there are
braces wildcards:

    sessions:
      path: data/{subject}/{date}_g0/*.ap.bin
      datasets:
        probe: {label: "Probe of {subject}"}
        position: {path: "data/{subject}/{date}_g0/position.csv"}

Paths are relative to the working directory. A changed `label`, `unit`, `scale`, `offset`, `channel_labels` or
`session_start`, and changed views, read no samples again. Every problem is reported at once, one line each.

A series that has a `session_start`, its own or its file's, is placed by wall clock, and so is one whose times count
from 1970; others begin at the view's time 0. Timestamps that are regular within half a sample and `max_time_shift`
become a rate and a start, and the build says how far they are off; others stay as they are. Where the next timestamp
is further away than `max_gap_seconds`, a new segment begins; where that is not configured, an interval is taken for a
gap when it is much longer than the recording's own ones (the reader's page on timestamps, docs/timestamps.md, says
exactly when).

This page is generated: `python -m seriesview.config.reference`.
"""


def reference_page() -> str:
    """The page in Markdown."""
    schema = config_schema()
    blocks = {
        name: schema["$defs"][f"{name}Config"] for name in ("Store", "Dataset", "View", "Panel", "Sessions")
    }
    sections = [
        ("Top level", schema),
        ("`store`", blocks["Store"]),
        ("An entry of `datasets`", blocks["Dataset"]),
        ("An entry of `views`", blocks["View"]),
        ("An entry of a view's `panels`", blocks["Panel"]),
        ("`sessions`", blocks["Sessions"]),
    ]
    return "\n".join([_INTRODUCTION, *(_section(title, block) for title, block in sections)])


def _section(title: str, block: dict[str, Any]) -> str:
    required = block.get("required", ())
    rows = [_row(key, entry, key in required) for key, entry in block["properties"].items()]
    return "\n".join([f"## {title}\n", "| key | value | meaning |", "| --- | --- | --- |", *rows, ""])


def _row(key: str, entry: dict[str, Any], is_required: bool) -> str:
    note = "; required" if is_required else f"; {entry['default']} if left out" if "default" in entry else ""
    return f"| `{key}` | {_kind(entry)}{note} | {entry['description']} |"


_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "keys with values",
}
_BOUNDS = {"minimum": "at least", "exclusiveMinimum": "greater than", "maximum": "at most"}


def _kind(entry: dict[str, Any]) -> str:
    if "const" in entry:
        return str(entry["const"])
    if "enum" in entry:
        return " or ".join(entry["enum"])
    if "anyOf" in entry:
        return ", or ".join(_kind(each) for each in entry["anyOf"] if each.get("type") != "null")
    if "$ref" in entry:
        return _KINDS["object"]
    if entry["type"] == "array":
        items = entry["items"]
        is_object = "$ref" in items or items["type"] == "object"
        return "list of entries" if is_object else f"list of {_KINDS[items['type']]}s"
    bounds = [f"{words} {entry[bound]}" for bound, words in _BOUNDS.items() if bound in entry]
    return ", ".join([_KINDS[entry["type"]], *bounds])


if __name__ == "__main__":
    print(reference_page(), end="")
