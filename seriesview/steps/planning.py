"""What steps make of a series: everything that cannot be is refused here, before a sample is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from seriesview.errors import SeriesviewError
from seriesview.steps.choice import ELECTRODES, LINES, REFERENCES, Names, Places, chosen, places_where
from seriesview.steps.design import designed, lowest_edge
from seriesview.steps.filtering import Filtering, FilterStage
from seriesview.steps.mixing import Mixing, Physical, Unsigned
from seriesview.steps.operations import (
    Absolute,
    Filter,
    Montage,
    Notch,
    PhaseShift,
    Reference,
    Resample,
    Row,
    Step,
)
from seriesview.steps.phase import BETA, REACH, Shifting
from seriesview.steps.pieces import longest_bridge
from seriesview.steps.plan import DerivedPlan
from seriesview.steps.references import Referencing
from seriesview.steps.resampling import Resampling, ratio_of
from seriesview.steps.stages import SameRate, Stage
from seriesview.steps.storing import output_of
from seriesview.steps.traits import Channel, SourceTraits, channels_of


def plan_steps(
    steps: Sequence[Step], traits: SourceTraits, coefficients: Sequence[dict[str, Any]] | None = None
) -> DerivedPlan:
    """The plan of steps over a series; `coefficients` are those of a plan before, else they are designed.

    Raises SeriesviewError that says which step cannot be, why, and what to set.
    """
    planner = _Planner(traits)
    known = coefficients if coefficients is not None else [{}] * len(steps)
    if len(known) != len(steps) or not all(isinstance(each, dict) for each in known):
        raise SeriesviewError("steps: there are not coefficients of each", code="bad-config")
    for number, (step, found) in enumerate(zip(steps, known, strict=True)):
        planner.add(step, found, f"steps[{number}]")
    output, storing = output_of(traits, planner.rate, planner.channels)
    return DerivedPlan(
        source=traits,
        output=output,
        sources=tuple(channel.source for channel in planner.channels),
        steps=tuple(step.document() for step in steps),
        coefficients=tuple(planner.coefficients),
        left_out=tuple(sorted(planner.left_out)),
        stages=tuple(planner.stages),
        storing=storing,
        most_channels=planner.most_channels,
    )


class _Planner:
    """The series on its way through the steps: its rate and channels as they are after those that were added."""

    def __init__(self, traits: SourceTraits) -> None:
        self.rate = float(traits.sampling_frequency)
        self.channels = list(channels_of(traits))
        self.stages: list[Stage] = []
        self.coefficients: list[dict[str, Any]] = []
        self.left_out: set[int] = set()
        self.most_channels = len(self.channels)

    def add(self, step: Step, known: dict[str, Any], where: str) -> None:
        """Plan one more step."""
        found: dict[str, Any] = {}
        match step:
            case Filter() | Notch():
                found = self._filter(step, known, where)
            case Reference():
                self._reference(step, where)
            case Montage():
                self._montage(step, where)
            case Resample():
                found = self._resample(step, where)
            case PhaseShift():
                found = self._phase_shift(where)
            case Absolute():
                self._absolute(step, where)
        self.coefficients.append(found)
        self.most_channels = max(self.most_channels, len(self.channels))

    def _filter(self, step: Filter | Notch, known: dict[str, Any], where: str) -> dict[str, Any]:
        places = chosen(step, self.channels, where)
        sections = designed(step, self.rate, where, known.get("sos"))
        bridge = longest_bridge(self.rate, lowest_edge(step))
        run = Filtering(places, sections, bridge, self._may_miss(places))
        self.stages.append(FilterStage(run, sections.margin + bridge))
        if isinstance(step, Filter) and step.kind != "lowpass":
            # Nothing constant passes.
            self._change(places, offset=0.0, is_centred=True)
        return {"sos": sections.sos.tolist()}

    def _reference(self, step: Reference, where: str) -> None:
        if step.types is None and step.channels is None:
            places = places_where(channel.type in ELECTRODES | REFERENCES for channel in self.channels)
        else:
            places = chosen(step, self.channels, where)
        if step.in_groups:
            groups = [self.channels[place].group for place in places]
            if not any(groups):
                raise _refused(
                    f"{where}: reference: no channel is known to belong to a group", "leave `within` out"
                )
            for group in sorted({name for name in groups if name}):
                self._subtract(step, _in_group(places, groups, group), f"{where}: group {group}")
        else:
            self._subtract(step, places, where)
        self.left_out |= {
            channel.source
            for channel in self.channels
            if channel.type in LINES and channel.source is not None
        }

    def _subtract(self, step: Reference, places: Places, where: str) -> None:
        if isinstance(step.of, str):
            counted = [self._counts(self.channels[place]) for place in places]
            of = places[np.array(counted, bool)]
            left_out = [self.channels[place].source for place in places[~np.array(counted, bool)]]
            self.left_out |= {source for source in left_out if source is not None}
            if len(of) < 2:
                some = "one channel" if len(of) else "no channel"
                raise _refused(
                    f"{where}: reference: there is {some} to take the {step.of} of, without bad ones, sync and "
                    "reference sites",
                    "name `types` or `channels`, or leave the step out",
                )
        else:
            names = Names(self.channels)
            of = np.array([names.place_of(name, f"{where}: reference") for name in step.of], np.intp)
        if len(places) == 0:
            raise _refused(f"{where}: reference: no channel is an electrode", "name `types` or `channels`")
        both = np.union1d(places, of)
        self._make_comparable(both, where, "referenced")
        may_miss = self._may_miss(of)
        self.stages.append(SameRate(Referencing(places, of, step.of == "median", may_miss)))
        for place in places:
            self._change(
                [place], offset=0.0, is_centred=True, may_miss=may_miss or self.channels[place].may_miss
            )

    def _counts(self, channel: Channel) -> bool:
        return not channel.is_bad and channel.type not in REFERENCES | LINES

    def _montage(self, step: Montage, where: str) -> None:
        labels = [row.label for row in step.rows]
        again = next((label for label, times in Counter(labels).items() if times > 1), None)
        if again is not None:
            raise _refused(
                f"{where}: montage: {again} is the label of two rows", "give them labels of their own"
            )
        names = Names(self.channels)
        terms = [_terms(row, names, f"{where}: montage: {row.label}") for row in step.rows]
        for row, summed in zip(step.rows, terms, strict=True):
            if len(summed) > 1:
                mixed = np.array([place for place, _ in summed], np.intp)
                self._make_comparable(mixed, f"{where}: montage: {row.label}", "mixed", offsets=False)
        is_named = step.types is not None or step.channels is not None
        replaced = set(chosen(step, self.channels, where)) if is_named else set(range(len(self.channels)))
        others = [place for place in range(len(self.channels)) if place not in replaced]
        made = [self._made(row, summed) for row, summed in zip(step.rows, terms, strict=True)]
        self.stages.append(SameRate(Mixing((*map(tuple, terms), *(((place, 1.0),) for place in others)))))
        self.channels = [*made, *(self.channels[place] for place in others)]

    def _made(self, row: Row, terms: Sequence[tuple[int, float]]) -> Channel:
        """The channel that a row of a montage is."""
        first = self.channels[terms[0][0]]
        if len(terms) == 1 and terms[0][1] == 1.0:
            return replace(first, label=row.label)
        parts = [(self.channels[place], weight) for place, weight in terms]
        groups = {part.group for part, _ in parts}
        return Channel(
            row.label,
            first.scale,
            float(sum(part.offset * weight for part, weight in parts)),
            first.unit,
            first.type,
            first.group if len(groups) == 1 else None,
            None,
            any(part.is_bad for part, _ in parts),
            first.source if len(parts) == 1 else None,
            keeps_steps=False,
            is_centred=True,
            may_miss=any(part.may_miss for part, _ in parts),
        )

    def _resample(self, step: Resample, where: str) -> dict[str, Any]:
        ratio = ratio_of(self.rate, step.rate, where)
        rate = self.rate * ratio.numerator / ratio.denominator
        held = tuple(place for place, channel in enumerate(self.channels) if channel.type in LINES)
        bridge = longest_bridge(self.rate, min(rate, self.rate) / 2)
        may_miss = self._may_miss(np.arange(len(self.channels)))
        stage = Resampling(ratio.numerator, ratio.denominator, held, bridge, may_miss)
        self.stages.append(stage)
        self.rate = rate
        for place, channel in enumerate(self.channels):
            if channel.shift is not None:
                self._change([place], shift=channel.shift * stage.ratio)
        return {"up": stage.up, "down": stage.down, "reach": stage.reach}

    def _phase_shift(self, where: str) -> dict[str, Any]:
        if all(channel.shift is None for channel in self.channels):
            raise _refused(
                f"{where}: phase_shift: the recording does not say when within a sample each channel was digitized",
                "leave the step out",
            )
        places = places_where(
            channel.shift is not None and channel.type not in LINES for channel in self.channels
        )
        shifts = tuple(float(self.channels[place].shift or 0.0) for place in places)
        bridge = longest_bridge(self.rate, None)
        self.stages.append(SameRate(Shifting(places, shifts, bridge, self._may_miss(places)), REACH + bridge))
        self._change(places, shift=0.0)
        return {"reach": REACH, "beta": BETA}

    def _absolute(self, step: Absolute, where: str) -> None:
        places = chosen(step, self.channels, where)
        if any(self.channels[place].scale == 0 for place in places):
            raise _refused(
                f"{where}: absolute: a channel has the scale 0, and no values", "name other `channels`"
            )
        zeros = np.array([self.channels[place].offset / self.channels[place].scale for place in places])
        self.stages.append(SameRate(Unsigned(places, zeros)))
        for place in places:
            self._change([place], scale=abs(self.channels[place].scale), offset=0.0, is_centred=False)

    def _make_comparable(self, places: Places, where: str, done: str, *, offsets: bool = True) -> None:
        """Have channels that are mixed in one unit, and in the same stored steps; else in physical values."""
        units = {self.channels[place].unit for place in places}
        if len(units) > 1:
            one, other = sorted(units)[:2]
            raise _refused(
                f"{where}: channels in {one or 'no unit'} and in {other or 'no unit'} cannot be {done}",
                "name `types` or `channels` of one unit",
            )
        mixed = [self.channels[place] for place in places]
        if len({(each.scale, each.offset if offsets else 0.0) for each in mixed}) > 1:
            scales, zeros = (
                np.array([each.scale for each in mixed]),
                np.array([each.offset for each in mixed]),
            )
            self.stages.append(SameRate(Physical(places, scales, zeros)))
            self._change(places, scale=1.0, offset=0.0, keeps_steps=False)

    def _may_miss(self, places: Places) -> bool:
        return any(self.channels[place].may_miss for place in places)

    def _change(self, places: Places | Sequence[int], **changes: Any) -> None:
        for place in places:
            self.channels[place] = replace(self.channels[place], **changes)


def _terms(row: Row, names: Names, where: str) -> list[tuple[int, float]]:
    """The channels of a row of a montage, and their weights."""
    terms = [(names.place_of(name, where), weight) for name, weight in row.weights]
    if len({place for place, _ in terms}) < len(terms):
        raise _refused(f"{where}: two of its names mean the same channel", "name each once")
    return terms


def _in_group(places: Places, groups: Sequence[str | None], group: str) -> Places:
    """Those of the places whose group it is."""
    found: Places = places[np.array([name == group for name in groups], bool)]
    return found


def _refused(sentence: str, advice: str) -> SeriesviewError:
    return SeriesviewError(sentence, advice=advice, code="bad-config")
