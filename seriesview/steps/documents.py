"""Steps as a configuration, a manifest and a link have them: a list of mappings, each with one operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from seriesview.documents.checking import adapter
from seriesview.documents.expectations import (
    Document,
    Expected,
    Flag,
    Given,
    Instance,
    Integer,
    Number,
    OneOf,
    Words,
    contradiction,
)
from seriesview.documents.problems import lines, problems, suggestion
from seriesview.errors import SeriesviewError
from seriesview.steps.montages import row_of
from seriesview.steps.operations import (
    Absolute,
    Filter,
    Montage,
    Notch,
    PhaseShift,
    Reference,
    Resample,
    Step,
)

Labels = tuple[Annotated[str, Words(1)], ...]
OPERATIONS = (
    "highpass",
    "lowpass",
    "bandpass",
    "notch",
    "reference",
    "montage",
    "resample",
    "phase_shift",
    "absolute",
)
MOST_STEPS = 50
_FILTERS = ("highpass", "lowpass", "bandpass")
_OPTIONS = {
    **dict.fromkeys(_FILTERS, ("order", "phase", "types", "channels")),
    "notch": ("harmonics", "q", "types", "channels"),
    "reference": ("within", "types", "channels"),
    "montage": ("types", "channels"),
    "resample": (),
    "phase_shift": (),
    "absolute": ("types", "channels"),
}


def _said(description: str) -> Any:
    return Field(None, description=description)


Frequency = Annotated[float | None, Number(above=0)]


class StepKeys(Document):
    """One step: one operation, and what may be said of it."""

    highpass: Frequency = _said("Hz, below which a Butterworth filter takes out.")
    lowpass: Frequency = _said("Hz, above which a Butterworth filter takes out.")
    bandpass: Annotated[
        tuple[Annotated[float, Number(above=0)], Annotated[float, Number(above=0)]] | None,
        Given(),
        Expected("two frequencies in Hz, [LOW, HIGH]"),
    ] = _said("[LOW, HIGH] in Hz, outside of which a Butterworth filter takes out.")
    order: Annotated[int | None, Integer(1, 20)] = _said(
        "Order of one pass of a filter, scipy's N; 5 where left out."
    )
    phase: Annotated[str | None, OneOf("zero", "causal")] = _said(
        "zero (where left out): forward and backward, -6 dB at the edges; causal: one pass, -3 dB."
    )
    notch: Frequency = _said("Hz that a narrow filter takes out, forward and backward.")
    harmonics: Annotated[int | None, Integer(1, 100)] = _said(
        "How many multiples of `notch` are taken out, itself with them; 1 where left out."
    )
    q: Annotated[float | None, Number(above=0)] = _said(
        "Frequency of `notch` over its width at -3 dB; 30 where left out."
    )
    reference: Annotated[
        str | Labels | None, Given(), Expected("mean, median, or a list of labels of channels")
    ] = _said("What is subtracted from the channels: their mean, their median, or the mean of those listed.")
    within: Annotated[str | None, OneOf("group", "shank")] = _said(
        "group (or shank): each group of channels by itself."
    )
    montage: Annotated[
        tuple[Annotated[Any, Instance((list, dict, str), "a row of a montage")], ...] | None,
        Field(min_length=1),
        Given(),
    ] = _said(
        "Rows, each a channel made of others: [A, B] for A - B, [A, [B, C]] for A minus the mean of B and C, A alone, "
        "or {LABEL: any of these} or {LABEL: {A: 1, B: -0.5}}."
    )
    resample: Frequency = _said(
        "Samples a second after it, a simple fraction or multiple of those before it."
    )
    phase_shift: Annotated[bool | None, Flag()] = _said(
        "true: channels that one converter digitizes after one another are moved to the same instant."
    )
    absolute: Annotated[bool | None, Flag()] = _said("true: the value without its sign.")
    types: Annotated[Labels | None, Field(min_length=1), Given()] = _said(
        "Types of channels that the step is for; others pass unchanged."
    )
    channels: Annotated[Labels | None, Field(min_length=1), Given()] = _said(
        "Labels of channels that the step is for; others pass unchanged."
    )

    @model_validator(mode="after")
    def _has_one_operation(self) -> Self:
        named = [name for name in OPERATIONS if getattr(self, name) is not None]
        if len(named) != 1:
            what = f"{' and '.join(named)} are several" if named else "none is named"
            raise contradiction(f"a step is one of {', '.join(OPERATIONS)}: {what}")
        operation = named[0]
        for key in sorted(self.model_fields_set - {operation}):
            if key not in _OPTIONS[operation]:
                takes = ", ".join(_OPTIONS[operation]) or "no options"
                raise contradiction(f"{key} means nothing for {operation}, which takes {takes}")
        self._check(operation)
        return self

    def _check(self, operation: str) -> None:
        if operation == "bandpass" and self.bandpass is not None and self.bandpass[0] >= self.bandpass[1]:
            raise contradiction("bandpass: the lower frequency comes first, as [300, 6000]")
        if operation in ("phase_shift", "absolute") and getattr(self, operation) is False:
            raise contradiction(f"{operation}: leave the step out in place of false")
        if isinstance(self.reference, str) and self.reference not in ("mean", "median"):
            meant = suggestion(self.reference, ["mean", "median"])
            raise contradiction(
                "reference: expected mean, median, or a list of labels of channels, found "
                f"{self.reference!r:.60}{meant}"
            )
        if self.reference == ():
            raise contradiction("reference: expected labels of channels, found an empty list")
        if self.within and not isinstance(self.reference, str):
            raise contradiction("within: is for reference: mean and median")
        for number, row in enumerate(self.montage or ()):
            try:
                row_of(row)
            except ValueError as error:
                raise contradiction(f"montage[{number}]: {error}") from None

    @property
    def operation(self) -> str:
        """The one that it names."""
        return next(name for name in OPERATIONS if getattr(self, name) is not None)


def parse_steps(document: Any, where: str = "steps") -> tuple[Step, ...]:
    """The steps, defaults filled in. Raises SeriesviewError that says everything that is wrong, a line each."""
    kind = tuple[StepKeys, ...]
    try:
        found: Sequence[StepKeys] = adapter(kind).validate_python(document)
    except ValidationError as error:
        told = lines(problems(error, kind), where)
        raise SeriesviewError("\n".join(told), code="bad-config", key="steps") from None
    if len(found) > MOST_STEPS:
        said = f"{where}: {len(found)} steps, at most {MOST_STEPS}"
        raise SeriesviewError(said, advice="leave some out", code="bad-config", key="steps")
    return tuple(_step(keys) for keys in found)


def _step(keys: StepKeys) -> Step:
    chosen: Mapping[str, Any] = {"types": keys.types, "channels": keys.channels}
    match keys.operation:
        case "highpass" | "lowpass" as name:
            edges = (float(getattr(keys, name)),)
            return Filter(name, edges, keys.order or 5, keys.phase == "causal", **chosen)
        case "bandpass":
            low, high = keys.bandpass or (0, 0)
            return Filter(
                "bandpass", (float(low), float(high)), keys.order or 5, keys.phase == "causal", **chosen
            )
        case "notch":
            return Notch(float(keys.notch or 0), keys.harmonics or 1, float(keys.q or 30), **chosen)
        case "reference":
            return Reference(keys.reference or "mean", keys.within is not None, **chosen)
        case "montage":
            return Montage(tuple(row_of(row) for row in keys.montage or ()), **chosen)
        case "resample":
            return Resample(float(keys.resample or 0))
        case "phase_shift":
            return PhaseShift()
        case _:
            return Absolute(**chosen)
