"""A workspace of recordings that Python objects hold: the functions that build files, without a file."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from seriesview.build.artifacts import Job, build_artifacts
from seriesview.build.dataset import Dataset
from seriesview.build.findings import Entry
from seriesview.build.progress import Report
from seriesview.build.series import build_series
from seriesview.build.workspace import build_workspace_result
from seriesview.pipeline.built import BuiltWorkspace, built_series
from seriesview.pipeline.default_views import default_views
from seriesview.readers.protocol import ReadOptions, Recording
from seriesview.store import Store
from seriesview.workspace.panels import default_panel


def build_held(
    recordings: Mapping[str, Recording], label: str, store: Store, progress: Report | None = None
) -> BuiltWorkspace:
    """Build a workspace of recordings by the names of their series; their samples are stored, in their own dtypes.

    `progress` gets every step; else standard error does. Raises SeriesviewError.
    """
    began = time.monotonic()
    results = {}
    with store.building(), tempfile.TemporaryDirectory(prefix="seriesview-") as folder:
        store.check_writable()
        for number, (name, recording) in enumerate(recordings.items()):
            dataset = Dataset(name, name, None, ReadOptions(), full_resolution="store")
            job = Job(store, Path(folder) / f"{number}.jsonl", report=progress, held=recording)
            made = build_artifacts(dataset, job)
            results[name] = build_series(dataset, made, store, partial(job.say, dataset))
        made = build_workspace_result(label, list(results.values()), _views(recordings, label), [], store)
        store.flush()
    return BuiltWorkspace(
        uri=made["uri"],
        label=label,
        series={name: built_series(result, store) for name, result in results.items()},
        missing={},
        seconds=time.monotonic() - began,
        store=store,
    )


def _views(recordings: Mapping[str, Recording], label: str) -> list[dict[str, Any]]:
    """Their views, whose panels go by the labels of their series, where those tell them apart."""
    entries = []
    for name, recording in recordings.items():
        panel = default_panel(name, recording.type)
        entries.append(Entry(name, {}, None if panel is None else (panel.type, recording.label or name)))
    return default_views(entries, label)
