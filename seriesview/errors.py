"""The errors that seriesview raises on purpose: each says what, where and what to do, and carries a code and facts.

A sentence is for people, the code and the facts are for programs: no module reads another's sentence.
"""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Callable
from typing import Any, Literal, Self, TypedDict, Unpack, cast, get_args

Code = Literal[
    "artifact-damaged",
    "artifact-left-out",
    "artifact-missing",
    "artifact-replaced",
    "backend-busy",
    "backend-stopping",
    "bad-config",
    "bad-document",
    "bad-request",
    "bucket-unusable",
    "internal-error",
    "no-backend",
    "no-memory",
    "no-node",
    "no-samples",
    "no-space",
    "node-refused",
    "node-stopping",
    "not-built",
    "not-permitted",
    "recording-unreadable",
    "seriesview-error",
    "source-changed",
    "source-gone",
    "source-unreadable",
    "store-unusable",
    "task-failed",
    "task-forgotten",
    "timed-out",
    "too-large",
]
"""What is wrong, in a word that stays the same whatever the sentence says; docs/tasks.md explains each."""

CODES: frozenset[str] = frozenset(get_args(Code))


class Facts(TypedDict, total=False):
    """What an error is about, for programs."""

    where: tuple[str, ...]
    """Places that stand before the sentence, the widest first: a dataset, its file, what is in it."""
    dataset: str
    """Name of a dataset of the configuration."""
    path: str
    """A local file or folder."""
    sha1: str
    """Of an artifact, 40 hexadecimal digits."""
    key: str
    """An option, or a key of the configuration, that is wrong or may be set."""
    status: int
    """HTTP status of an answer."""


PUBLIC_FACTS = ("sha1",)
"""Those that are told to whoever asked for a task, in this order."""

translate: Callable[[str], str] | None = None
"""Rewords every sentence when it is shown; None: as they are."""


class SeriesviewError(Exception):
    """Something that the user can understand and mend; shown as one line."""

    code: Code = "seriesview-error"
    """What is wrong, for programs; each kind has one where the error says nothing more precise."""

    def __init__(self, sentence: str, *, code: Code | None = None, **facts: Unpack[Facts]) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        if code is not None:
            self.code = code
        self.facts = facts

    @property
    def where(self) -> tuple[str, ...]:
        """The places that stand before the sentence, the widest first."""
        return self.facts.get("where", ())

    def at(self, *places: str, **facts: Unpack[Facts]) -> Self:
        """The same error with other places before its sentence, and with further facts."""
        moved = copy.copy(self)
        moved.facts = cast(Facts, {**self.facts, **facts, "where": places})
        return moved

    def within(self, *places: str, **facts: Unpack[Facts]) -> Self:
        """The same error with these places before its own; as it is where it begins with them."""
        if self.where[: len(places)] == places:
            return self
        return self.at(*places, *self.where, **facts)

    def __str__(self) -> str:
        return _shown(": ".join([*self.where, self.sentence]))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args, self.__dict__)


def _shown(text: str) -> str:
    return text if translate is None else translate(text)


def _rebuilt(kind: type[SeriesviewError], args: tuple[Any, ...], state: dict[str, Any]) -> SeriesviewError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class ConfigError(SeriesviewError):
    """The configuration is not usable; `problems` lists every one of them, one line each."""

    code: Code = "bad-config"

    def __init__(self, problems: list[str], **facts: Unpack[Facts]) -> None:
        super().__init__("\n".join(problems), **facts)
        self._lines = problems

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong, one line each."""
        return [_shown(line) for line in self._lines]


class ReaderError(SeriesviewError):
    """A recording cannot be read as asked."""

    code: Code = "recording-unreadable"


class StoreError(SeriesviewError):
    """The kachery storage cannot be used (full, read-only, wrong permissions, not found)."""

    code: Code = "store-unusable"


class MissingArtifactError(StoreError):
    """A URI names something that is not in the store, or a linked file that moved or changed."""

    code: Code = "artifact-missing"


class IntegrityError(SeriesviewError):
    """Stored bytes are not what their hash or their manifest says."""

    code: Code = "artifact-damaged"


class FormatError(SeriesviewError):
    """A manifest, a URI or an array description does not follow docs/format.md."""

    code: Code = "bad-document"


class BuildError(SeriesviewError):
    """A dataset cannot be built: the source changed while it was read, no room, a bad option."""

    code: Code = "not-built"


class RequestError(SeriesviewError):
    """A window, span or channel was asked for that the series does not have."""

    code: Code = "bad-request"


class NodeError(SeriesviewError):
    """The node cannot start, or was asked for something that it does not do."""

    code: Code = "node-refused"


class TaskError(SeriesviewError):
    """A task failed; the message is fit for whoever asked: short, and without local paths."""

    code: Code = "task-failed"


class BackendError(SeriesviewError):
    """The backend, or a request for a task, finds no daemon or node that it can use, or is refused by it."""

    code: Code = "no-node"


# Sentences of what other modules tell apart


def not_stored(sha1: str, directory: os.PathLike[str]) -> MissingArtifactError:
    """An artifact is not in a store."""
    return MissingArtifactError(
        f"SHA-1 {sha1} is not in the kachery storage {directory}; copy it there, or build what it belongs to again",
        sha1=sha1,
    )


# Codes on the wire

_CODED = re.compile(r"\[([a-z]+(?:-[a-z0-9]+)+)((?: [a-z0-9_]+=[\w.-]+)*)\] ", re.ASCII)


def coded(error: SeriesviewError) -> str:
    """The sentence as a task's error is sent: its code, and the facts that may be told, stand before it in brackets."""
    told = [f" {name}={dict(error.facts)[name]}" for name in PUBLIC_FACTS if name in error.facts]
    return f"[{error.code}{''.join(told)}] {error}"


def parse_coded(text: str) -> TaskError:
    """The error that a message of a task was; one without a known code is `task-failed`, and stands as it is."""
    found = _CODED.match(text)
    if found is None or found[1] not in CODES:
        return TaskError(text)
    facts = dict(fact.split("=", 1) for fact in found[2].split())
    known = {name: value for name, value in facts.items() if name in PUBLIC_FACTS}
    return TaskError(text[found.end() :], code=cast(Code, found[1]), **cast(Facts, known))


def one_line(words: object, most_characters: int | None = None) -> str:
    """What an error says, whoever raised it, as one line; "" where it says nothing."""
    return " ".join(str(words).split())[:most_characters]
