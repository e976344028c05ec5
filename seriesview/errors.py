"""The errors that seriesview raises on purpose: each says what, where and what to do, and carries a code and facts.

A sentence is for people, the code and the facts are for programs: no module reads another's sentence.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self, TypedDict, Unpack, cast, get_args

Code = Literal[
    "artifact-damaged",
    "artifact-left-out",
    "artifact-missing",
    "artifact-replaced",
    "backend-stopping",
    "bad-config",
    "bad-document",
    "bad-request",
    "bucket-unusable",
    "internal-error",
    "no-backend",
    "no-memory",
    "no-network",
    "no-node",
    "no-samples",
    "no-space",
    "node-refused",
    "node-stopping",
    "not-built",
    "not-permitted",
    "recording-unreadable",
    "results-unusable",
    "seriesview-error",
    "source-changed",
    "source-gone",
    "source-unreadable",
    "store-unusable",
    "task-failed",
    "task-forgotten",
    "timed-out",
    "too-busy",
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
    change: str
    """How a linked file differs from what was linked, in words."""
    key: str
    """An option, or a key of the configuration, that is wrong or may be set."""


PUBLIC_FACTS = ("sha1",)
"""Those that are told to whoever asked for a task, in this order."""

translate: Callable[[str], str] | None = None
"""Rewords every sentence when it is shown; None: as they are."""


class SeriesviewError(Exception):
    """Something that the user can understand and mend; shown as one line."""

    code: Code = "seriesview-error"
    """What is wrong, for programs; each kind has one where the error says nothing more precise."""

    def __init__(
        self,
        sentence: str,
        *,
        advice: str | None = None,
        file: Path | str | tuple[str, ...] | None = None,
        code: Code | None = None,
        **facts: Unpack[Facts],
    ) -> None:
        """`sentence` says what is wrong, `advice` what to do (it may stand in the sentence too).

        `file` is the local file that it is about, or its path and what is in it: they stand before the sentence.
        """
        super().__init__(sentence)
        self.sentence = sentence
        self.advice = advice
        if code is not None:
            self.code = code
        self.facts = facts
        if file is not None:
            places = file if isinstance(file, tuple) else (str(file),)
            self.facts = {"where": places, "path": places[0], **facts}

    @property
    def where(self) -> tuple[str, ...]:
        """The places that stand before the sentence, the widest first."""
        return self.facts.get("where", ())

    @property
    def reason(self) -> str:
        """What is wrong alone: the sentence, without places and advice."""
        return _shown(self.sentence)

    def advised(self, advice: str) -> Self:
        """The same error with this advice after what it has."""
        changed = copy.copy(self)
        changed.advice = advice if self.advice is None else f"{self.advice}; {advice}"
        return changed

    def at(self, *places: str, **facts: Unpack[Facts]) -> Self:
        """The same error with other places before its sentence, and with further facts."""
        moved = copy.copy(self)
        moved.facts = cast(Facts, {**self.facts, **facts, "where": places})
        return moved

    def within(self, *places: str, **facts: Unpack[Facts]) -> Self:
        """The same error with these places before its own, where it does not begin with them, and further facts."""
        is_there = self.where[: len(places)] == places
        return self.at(*(() if is_there else places), *self.where, **facts)

    def without(self, place: str) -> Self:
        """The same error without this place where it stands first."""
        return self.at(*self.where[1:]) if self.where[:1] == (place,) else self

    def __str__(self) -> str:
        placed = ": ".join([*self.where, self.sentence])
        return _shown(placed if self.advice is None else f"{placed}; {self.advice}")

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
        return [_shown(": ".join([*self.where, line])) for line in self._lines]


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


# What other modules tell apart, said in one place

FINDING = "`seriesview relink WORKSPACE DIR`"


def artifact_missing(sha1: str, place: object) -> MissingArtifactError:
    """No bytes of that hash are in the store; `place` is where it is."""
    return MissingArtifactError(
        f"SHA-1 {sha1} is not in the kachery storage {place}",
        advice="copy it there, or build what it belongs to again",
        sha1=sha1,
    )


def artifact_replaced(path: Path | str, sha1: str, what: str) -> MissingArtifactError:
    """Something stands in the place of an artifact that is none; `what` says what."""
    return MissingArtifactError(
        f"{path}: {what}", advice="remove it", code="artifact-replaced", path=str(path), sha1=sha1
    )


def artifact_damaged(
    path: Path | str, what: str, sha1: str | None = None, advice: str = "delete it and build its series again"
) -> IntegrityError:
    """A file has not the bytes of its hash, or not as many as it should; `what` says so."""
    facts: Facts = {"path": str(path)} if sha1 is None else {"path": str(path), "sha1": sha1}
    return IntegrityError(f"{path} {what}", advice=advice, **facts)


def source_gone(path: Path, sha1: str | None) -> MissingArtifactError:
    """A linked file is not where it was."""
    return _lost("source-gone", path, sha1, "is gone", f"put it back, or find it with {FINDING}")


def source_changed(path: Path, sha1: str | None, change: str) -> MissingArtifactError:
    """A linked file is not the one that was linked any more; `change` says how."""
    advice = f"build its series again, or find an unchanged copy with {FINDING}"
    return _lost("source-changed", path, sha1, f"changed ({change})", advice).at(change=change)


def source_unreadable(path: Path, sha1: str | None, why: str) -> MissingArtifactError:
    """A linked file is there, and cannot be opened."""
    return _lost(
        "source-unreadable", path, sha1, f"cannot be read: {why}", f"find a copy of it with {FINDING}"
    )


def source_not_permitted(path: Path, sha1: str | None, maker: int | None) -> MissingArtifactError:
    """A linked file is not read, since whoever made the link could perhaps not."""
    what = f"is not read: user {maker}, who made the link, may not be permitted to read it"
    return _lost("not-permitted", path, sha1, what, f"link it yourself with {FINDING}")


def source_replaced(path: Path, sha1: str) -> MissingArtifactError:
    """A file became another one between two looks at it."""
    change = "was replaced while it was being opened"
    facts: Facts = {"path": str(path), "sha1": sha1, "change": change}
    return MissingArtifactError(f"{path} {change}", advice="try again", code="source-changed", **facts)


def link_refused(cause: MissingArtifactError) -> StoreError:
    """A file is not linked, since it is not there any more as it was when it was read."""
    advice = "try again when nothing writes to it any more"
    return StoreError(f"cannot link: {cause.sentence}", advice=advice, code=cause.code, **cause.facts)


def _lost(code: Code, path: Path, sha1: str | None, what: str, advice: str) -> MissingArtifactError:
    facts: Facts = {"path": str(path)} if sha1 is None else {"path": str(path), "sha1": sha1}
    return MissingArtifactError(f"linked file {path} {what}", advice=advice, code=code, **facts)


# Codes on the wire

_CODED = re.compile(r"\[([a-z]+(?:-[a-z0-9]+)+)((?: [a-z0-9_]+=[\w.-]+)*)\] ", re.ASCII)


def tag(error: SeriesviewError) -> str:
    """What stands before the sentence where an error is sent: its code and the facts that may be told, in brackets."""
    told = [f" {name}={dict(error.facts)[name]}" for name in PUBLIC_FACTS if name in error.facts]
    return f"[{error.code}{''.join(told)}] "


def coded(error: SeriesviewError) -> str:
    """The sentence as it is sent."""
    return f"{tag(error)}{error}"


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
