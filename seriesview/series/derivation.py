"""What a manifest says of a series that was made from another one: by which steps, from which, and in what blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from seriesview.documents.expectations import Instance, OneOf
from seriesview.series.fields import Text, Uri

StepDocument = Annotated[Mapping[str, Any], Instance(dict, "an object")]
"""A step, as `seriesview.steps` reads it."""
Coefficients = Annotated[tuple[Any, ...], Instance((list, tuple), "a list")]


@dataclass(frozen=True)
class SourceSeries:
    """The series that another one is derived from; `label`: what people call it."""

    uri: Uri
    label: Text = ""

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form."""
        return dict(vars(self))


@dataclass(frozen=True)
class ComputedValues:
    """Samples that are computed from those of the source when they are asked for; `compute`: by what."""

    compute: Annotated[str, OneOf("steps")]

    def to_json_dict(self) -> dict[str, Any]:
        """The manifest's form."""
        return dict(vars(self))


def derived_to_json(
    source: SourceSeries | None, steps: Sequence[Mapping[str, Any]], more: Mapping[str, Any]
) -> dict[str, Any]:
    """The keys of a manifest that say how its series is derived; `more` holds those that are as JSON has them."""
    return {
        "from": None if source is None else source.to_json_dict(),
        "steps": [dict(step) for step in steps],
        "left_out_channels": list(more["left_out_channels"]),
        **{key: more[key] for key in ("margin", "block_samples", "coefficients")},
        **({} if more["spectrogram"] is None else {"spectrogram": dict(more["spectrogram"])}),
    }
