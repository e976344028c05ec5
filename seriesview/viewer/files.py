"""The viewer's files, as they lie in an exported folder."""

from __future__ import annotations

from pathlib import Path

from seriesview.errors import SeriesviewError

VIEWER = Path(__file__).parent

_SUFFIXES = (".html", ".js", ".css", ".svg")


def viewer_files(directory: Path = VIEWER) -> dict[str, bytes]:
    """Content of every file of the viewer by its path, sorted; raises SeriesviewError where there is no viewer."""
    paths = sorted(path for path in directory.rglob("*") if path.suffix in _SUFFIXES and path.is_file())
    files = {path.relative_to(directory).as_posix(): path.read_bytes() for path in paths}
    if "index.html" not in files:
        raise SeriesviewError(
            f"{directory} has no index.html: this installation has no viewer; install it again"
        )
    return files
