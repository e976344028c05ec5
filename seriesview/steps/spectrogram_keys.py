"""A spectrogram as a configuration and a manifest have it."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from seriesview.documents.checking import checked
from seriesview.documents.expectations import (
    Document,
    Expected,
    Given,
    Integer,
    Number,
    OneOf,
    Words,
    contradiction,
)
from seriesview.errors import SeriesviewError


class SpectrogramKeys(Document):
    """What a spectrogram is made of, and how."""

    window: Annotated[float, Number(above=0)] = Field(description="Seconds of each window.")
    step: Annotated[float, Number(above=0)] = Field(
        description="Seconds from one window to the next: one sample of the spectrogram."
    )
    range: Annotated[
        tuple[Annotated[float, Number(least=0)], Annotated[float, Number(above=0)]],
        Expected("two frequencies in Hz, [LOW, HIGH]"),
    ] = Field(description="[LOW, HIGH] in Hz: frequencies that are kept.")
    channel: Annotated[str | None, Words(1)] = Field(
        None, description="Label of the one channel that it is of."
    )
    average: Annotated[tuple[Annotated[str, Words(1)], ...] | None, Field(min_length=1), Given()] = Field(
        None,
        description="Labels of channels whose power densities are averaged; all electrodes that are not bad where "
        "neither this nor `channel` is there.",
    )
    method: Annotated[str, OneOf("welch", "multitaper")] = Field(
        "welch", description="welch: Hann windows; multitaper: several tapers over each window."
    )
    segment: Annotated[float | None, Number(above=0)] = Field(
        None,
        description="welch: seconds of the stretches, each overlapping the next by a half, that a window is averaged "
        "over; the whole window where left out.",
    )
    tapers: Annotated[int | None, Integer(1, 200)] = Field(
        None, description="multitaper: how many; 7 where left out. Bins are (tapers + 1) / window Hz wide."
    )

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.range[0] >= self.range[1]:
            raise contradiction("range: the lower frequency comes first, as [1, 40]")
        if self.channel is not None and self.average is not None:
            raise contradiction("channel and average do not go together: name one")
        if self.segment is not None and (self.method != "welch" or self.segment > self.window):
            raise contradiction("segment: is for method: welch, and not longer than window")
        if self.tapers is not None and self.method != "multitaper":
            raise contradiction("tapers: is for method: multitaper")
        return self

    def document(self) -> dict[str, Any]:
        """The same as JSON, all defaults written out."""
        found = {"window": self.window, "step": self.step, "range": list(self.range), "method": self.method}
        if self.method == "welch":
            found["segment"] = self.segment or self.window
        else:
            found["tapers"] = self.tapers or 7
        if self.channel is not None:
            found["channel"] = self.channel
        if self.average is not None:
            found["average"] = list(self.average)
        return found


def parse_spectrogram(document: Any, where: str = "spectrogram") -> SpectrogramKeys:
    """The keys. Raises SeriesviewError that says everything that is wrong."""
    return checked(SpectrogramKeys, document, where, raises=_refused)


def _refused(sentence: str) -> SeriesviewError:
    return SeriesviewError(sentence, code="bad-config", key="spectrogram")
