"""What is to be shown: stored data that an object, a URI, a result or a link names, or that recordings are built to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from seriesview.build.followed import Following
from seriesview.build.progress import Report
from seriesview.errors import ConfigError, FormatError, SeriesviewError
from seriesview.figures.figure import Figure
from seriesview.figures.links import cleaned, is_address
from seriesview.figures.published import PublishedPage
from seriesview.figures.stored import ToShow, linked, stored
from seriesview.pipeline.following import Follower
from seriesview.pipeline.in_process import PreparedBuild
from seriesview.pipeline.own_folder import own_folder
from seriesview.pipeline.recordings import as_argument
from seriesview.readers.registry import located
from seriesview.series.fields import checked_uri, result_uri

if TYPE_CHECKING:
    from seriesview.store import Store


class HasFigure(Protocol):
    """A series, a workspace or a view."""

    def figurl(self) -> Any:
        """Its figure."""


Showable = Figure | HasFigure | str | PathLike[str] | Sequence[str | PathLike[str]]
"""What can be shown: an object that is or has a figure, or whatever `seriesview view` takes."""


@dataclass(frozen=True)
class ToBuild:
    """What is built before it is shown, as far as it is not; `left_out` and `is_whole` as of `ToShow`. With `following`
    recordings are followed before that, as long as they are written."""

    build: PreparedBuild
    left_out: tuple[str, ...] = ()
    is_whole: bool = True
    following: Following | None = None

    @property
    def label(self) -> str:
        """What it is called."""
        return self.build.configured.label

    @property
    def storage_dir(self) -> Path:
        """Where its artifacts go."""
        return self.build.store.directory

    def run(self, progress: Report | None = None, follower: Follower | None = None) -> ToShow:
        """Build what can be built; what is to be shown then. Raises SeriesviewError."""
        built = self.build.run(
            keep_going=True, progress=progress, follower=follower, following=self.following
        )
        missing = tuple(f"dataset {name}: {reason}" for name, reason in built.missing.items())
        return ToShow(
            built.uri, built.label, built.store.directory, None, (*self.left_out, *missing), self.is_whole
        )


def meant(
    what: Showable,
    open_store: Callable[[], Store],
    *,
    directory: str | PathLike[str] | None = None,
    store: Store | str | Path | None = None,
    given: Mapping[str, Any] | None = None,
    announce: Callable[[str], None] = lambda _: None,
    how_to_say: Callable[[str, Sequence[str]], str] = as_argument,
    following: Following | None = None,
) -> ToShow | ToBuild | PublishedPage:
    """Find what is meant; recordings and configurations are to be built. Raises SeriesviewError.

    What is stored is read from the store that `open_store` gives, what is built goes into `store`, or where the
    configuration says. `directory`, `given` and `how_to_say` as in `own_folder`. With `following` recordings are meant
    that are still written.
    """
    figure = what.figurl() if hasattr(what, "figurl") else what
    if isinstance(figure, Figure):
        _refuse_keys(given, figure.label)
        _refuse_following(following, figure.label)
        return ToShow(figure.to_uri(), figure.label, figure.storage_dir)
    named = [what] if isinstance(what, str | PathLike) else what
    if not isinstance(named, Sequence) or not named:
        raise FormatError(f"{what!r:.60}: nothing to show; give a recording, a config.yaml, a URI or a link")
    first, *others = paths = [fspath(path) for path in named]
    if not others and is_address(first) and not (_is_said(given) or _ends_like_recording(first)):
        try:
            found = linked(first, open_store, announce)
            _refuse_following(following, first)
            return found
        except SeriesviewError:
            if not _is_recording(first):
                raise
            paths = [cleaned(first)]
    if not others and (first.startswith("sha1://") or first.endswith(".json")):
        _refuse_keys(given, first)
        _refuse_following(following, first)
        uri = checked_uri(result_uri(first, "results/workspace.json"), "URI")
        return stored(uri, open_store(), announce)
    may_write_beside = following is None or following.beside
    folder = None if directory is None else Path(directory)
    own = own_folder(paths, folder, given, announce, how_to_say, may_write_beside)
    build = own.prepared(store)
    build.check_following(following)
    return ToBuild(build, own.left_out, own.is_whole, following)


def _is_said(given: Mapping[str, Any] | None) -> bool:
    """Whether keys of a recording are given."""
    return any(value is not None for value in (given or {}).values())


def _ends_like_recording(address: str) -> bool:
    """Whether an address ends as files do that are read by range, so that no page is looked for first."""
    path = urlsplit(cleaned(address)).path.lower() if "[" not in address else ""
    return path.endswith((".nwb", ".h5", ".hdf5", ".nc", ".mat", ".edf", ".bdf", ".bin", ".dat", ".raw"))


def _is_recording(address: str) -> bool:
    """Whether an address leads to a file that a reader takes for its own."""
    from seriesview.readers.registry import guess_reader

    with suppress(SeriesviewError, OSError, ValueError):
        guess_reader(located(cleaned(address)))
        return True
    return False


def _refuse_keys(given: Mapping[str, Any] | None, what: str) -> None:
    """Raise ConfigError where keys are given for what was built already."""
    if keys := [key for key, value in (given or {}).items() if value is not None]:
        raise ConfigError([f"{', '.join(keys)}: said of recordings alone, and {what:.200} was built already"])


def _refuse_following(following: Following | None, what: str) -> None:
    """Raise ConfigError where what was built already is to be followed."""
    if following is not None:
        raise ConfigError([f"--follow: {what:.200} was built already; name the recording that is written"])
