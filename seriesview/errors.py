"""The errors that seriesview raises on purpose: each message says what, where and what to do."""


class SeriesviewError(Exception):
    """Something that the user can understand and mend; shown as one line."""


class ConfigError(SeriesviewError):
    """The configuration is not usable; `problems` lists every one of them, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class ReaderError(SeriesviewError):
    """A recording cannot be read as asked."""


class StoreError(SeriesviewError):
    """The kachery storage cannot be used (full, read-only, wrong permissions, not found)."""


class MissingArtifactError(StoreError):
    """A URI names something that is not in the store, or a linked file that moved or changed."""


class IntegrityError(SeriesviewError):
    """Stored bytes are not what their hash or their manifest says."""


class FormatError(SeriesviewError):
    """A manifest, a URI or an array description does not follow docs/format.md."""


class BuildError(SeriesviewError):
    """A dataset cannot be built: the source changed while it was read, no room, a bad option."""


class RequestError(SeriesviewError):
    """A window, span or channel was asked for that the series does not have."""


class NodeError(SeriesviewError):
    """The node cannot start, or was asked for something that it does not do."""


class TaskError(SeriesviewError):
    """A task failed; the message is fit for whoever asked: short, and without local paths."""


class BackendError(SeriesviewError):
    """The backend, or a request for a task, finds no daemon or node that it can use, or is refused by it."""
