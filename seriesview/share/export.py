"""An exported folder: the viewer, what a workspace reaches, and what says how to use them; export.json last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seriesview.errors import SeriesviewError
from seriesview.share.choice import LeftOut, Wish
from seriesview.share.copying import write_artifacts
from seriesview.share.folder import EXPORT_FORMAT, free_bytes, is_export, open_folder
from seriesview.share.plan import Plan, plan_sharing
from seriesview.share.words import readme
from seriesview.store import Store
from seriesview.terms import bytes_in_words
from seriesview.viewer.joined import joined_viewer

_SERVE = Path(__file__).parent / "files" / "serve.py"
_SPARE_BYTES = 1_000_000
"""For the lists, and for what the file system itself takes."""


@dataclass(frozen=True)
class Exported:
    """What an export did: the URI of what it shows, where it is, files and bytes written now, files removed.

    `small`: series whose raw samples go along because they are few. `days`: by how many dates were moved, None: not.
    """

    uri: str
    path: Path
    num_written: int
    bytes_written: int
    num_removed: int = 0
    left_out: tuple[LeftOut, ...] = ()
    small: tuple[str, ...] = ()
    days: int | None = None


def plan_export(store: Store, uri: str, wish: Wish) -> Plan:
    """What an export of a workspace, or of one series, will hold; raises SeriesviewError."""
    return plan_sharing(store, uri, wish, sum(len(content) for content in other_files(None).values()))


def export_folder(
    plan: Plan, store: Store, directory: Path, on_bytes: Callable[[int], None] = lambda _: None
) -> Exported:
    """Write a plan into a folder that is new, empty or an export; raises SeriesviewError, OSError never.

    A folder that was exported before gets what changed, and loses what earlier exports wrote and is not reached.
    """
    files = other_files(plan)
    needed = plan.num_bytes + sum(len(content) for content in files.values()) + _SPARE_BYTES
    if not is_export(directory) and needed > (free := free_bytes(directory)):
        raise SeriesviewError(
            f"{directory}: {bytes_in_words(needed)} are needed, {bytes_in_words(free)} are free; free some space, "
            "or use --max-size"
        )
    with open_folder(directory) as folder:
        uri = write_artifacts(plan, store, folder, on_bytes)
        for name, content in files.items():
            folder.put_file(name, content)
        folder.finish(description(uri, plan.left_out))
        return Exported(
            uri,
            directory,
            folder.num_written,
            folder.bytes_written,
            folder.num_removed,
            tuple(plan.left_out),
            tuple(plan.small),
            plan.days,
        )


def description(uri: str, left_out: list[LeftOut]) -> dict[str, Any]:
    """What export.json says."""
    return {
        "format": EXPORT_FORMAT,
        "workspace": uri,
        "left_out": [entry.to_json_dict() for entry in left_out],
    }


def other_files(plan: Plan | None) -> dict[str, bytes]:
    """Files beside the artifacts, by path; without a plan, only those that are always the same."""
    texts = {} if plan is None else {"README.txt": readme(plan).encode()}
    return {**joined_viewer(), "serve.py": _SERVE.read_bytes(), **texts}
