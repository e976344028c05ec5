"""What people and Kilosort say of clusters: the tables cluster_group.tsv, cluster_KSLabel.tsv, cluster_info.tsv."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# The first that says something of a cluster decides: people before Kilosort.
_TABLES = (
    ("cluster_group.tsv", "group"),
    ("cluster_group.csv", "group"),
    ("cluster_groups.tsv", "group"),
    ("cluster_groups.csv", "group"),
    ("cluster_info.tsv", "group"),
    ("cluster_info.csv", "group"),
    ("cluster_KSLabel.tsv", "KSLabel"),
    ("cluster_KSLabel.csv", "KSLabel"),
    ("cluster_info.tsv", "KSLabel"),
    ("cluster_info.csv", "KSLabel"),
)
_PLACES = ("cluster_info.tsv", "cluster_info.csv")
_IDS = ("cluster_id", "id")
UNSORTED = "unsorted"
_MOST_BYTES = 64 << 20
_LONGEST_LABEL = 40


@dataclass(frozen=True)
class Clusters:
    """Label of each cluster that somebody judged; main channel and depth that cluster_info says; the tables read."""

    labels: Mapping[int, str] = field(default_factory=dict)
    channels: Mapping[int, int] = field(default_factory=dict)
    depths: Mapping[int, float] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def label(self, cluster: int) -> str:
        """good, mua, noise or what people called it; unsorted where nobody did."""
        return self.labels.get(cluster, UNSORTED)


def read_clusters(folder: Path) -> Clusters:
    """All tables of a folder; one that is damaged says nothing."""
    labels: dict[int, str] = {}
    files: list[Path] = []
    for name, column in _TABLES:
        for cluster, text in _column(folder / name, column, files).items():
            label = text.strip().casefold()[:_LONGEST_LABEL]
            if label not in ("", "nan", "none", UNSORTED):
                labels.setdefault(cluster, label)
    channels: dict[int, int] = {}
    depths: dict[int, float] = {}
    for name in _PLACES:
        for cluster, text in _column(folder / name, "ch", files).items():
            if text.isascii() and text.isdecimal() and len(text) < 7:
                channels.setdefault(cluster, int(text))
        for cluster, text in _column(folder / name, "depth", files).items():
            depth = _number(text)
            if depth is not None:
                depths.setdefault(cluster, depth)
    return Clusters(labels, channels, depths, tuple(dict.fromkeys(files)))


def _column(path: Path, column: str, files: list[Path]) -> dict[int, str]:
    """Texts of a column by cluster; the tables are separated by tabs, some .csv too."""
    found: dict[int, str] = {}
    try:
        if path.stat().st_size > _MOST_BYTES:
            return found
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            files.append(path)
            head = file.readline()
            rows = csv.reader([head], delimiter=(delimiter := "\t" if "\t" in head else ","))
            names = [name.strip() for name in next(rows, [])]
            ids = [names.index(name) for name in _IDS if name in names]
            if not ids or column not in names:
                return found
            wanted = names.index(column)
            for row in csv.reader(file, delimiter=delimiter):
                cluster = _number(row[ids[0]]) if len(row) > max(ids[0], wanted) else None
                if cluster is not None and cluster == int(cluster):
                    found[int(cluster)] = row[wanted]
    except (OSError, csv.Error):
        pass
    return found


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None
