"""What is said of a recording that is made of another one, instead of read from a file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from seriesview.readers.protocol import Recording


class MadeRecording(Recording):
    """A recording whose samples are made of those of another, `made_of`.

    `derivation`: what manifests say of how, by their keys. `why_not_computed`: why samples are better stored than
    computed whenever they are looked at; None where they are not.
    """

    made_of: Recording
    derivation: Mapping[str, Any]
    why_not_computed: str | None

    @abstractmethod
    def in_words(self) -> str | None:
        """What people should know of the samples that were made, if there is anything."""


def origin_of(recording: Recording) -> Recording:
    """The recording whose files are read: itself, where it is not made of another."""
    return origin_of(recording.made_of) if isinstance(recording, MadeRecording) else recording
