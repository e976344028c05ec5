"""What the viewer computes of steps is what Python, and scipy below it, computes of the whole segment at once."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from source_server import NODE

from seriesview.envelope.missing import Missing
from seriesview.errors import SeriesviewError
from seriesview.steps.documents import parse_steps
from seriesview.steps.planning import plan_steps
from seriesview.steps.traits import SourceTraits

ANSWER = Path(__file__).parent / "answer_steps.js"
TYPES = ("EEG", "EEG", "EOG", None, "EMG", "TRIG", "EEG", "REF", "EEG")
GROUPS = ("one", "one", "two", "one", "two", None, "two", "one", "two")


def answers(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    assert NODE, "node is missing: tests/install-programs installs it"
    ran = subprocess.run([NODE, ANSWER], input=json.dumps(cases), capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    return found


class Case:
    """A random series, and what Python makes of its whole segments by some steps."""

    def __init__(
        self,
        random: np.random.Generator,
        steps: list[dict[str, Any]],
        dtype: str = "int16",
        rate: float = 500.0,
        lengths: tuple[int, ...] = (2500, 300),
        *,
        fill: int | None = None,
        gaps: bool = False,
        scales: bool = False,
        shifts: bool = False,
    ) -> None:
        width = len(TYPES)
        self.steps, self.rate, self.dtype, self.fill = steps, rate, np.dtype(dtype), fill
        self.scales = tuple(0.5 + place % 3 for place in range(width)) if scales else (0.25,) * width
        self.shifts = tuple(place % 4 / 4 for place in range(width)) if shifts else None
        self.segments = [self._samples(random, length, width, gaps) for length in lengths]
        self.spans = []
        for number, length in enumerate(lengths):
            first = int(random.integers(length))
            self.spans += [(number, first, min(first + 99, length)), (number, 0, length)]

    def _samples(
        self, random: np.random.Generator, length: int, width: int, gaps: bool
    ) -> np.ndarray[Any, Any]:
        slow = 400 * np.sin(np.arange(length)[:, None] / (97 + 11 * np.arange(width)) + np.arange(width))
        values = 300 + slow + 80 * random.standard_normal((length, width))
        if self.dtype.kind == "u":
            values += 800
        found = values.astype(self.dtype)
        if gaps:
            for _ in range(max(1, length // 150)):
                channel, at = int(random.integers(width)), int(random.integers(length))
                found[at : at + int(random.choice([1, 2, 5, 9, 60])), channel] = (
                    np.nan if self.fill is None else self.fill
                )
        return found

    def traits(self) -> SourceTraits:
        width = len(TYPES)
        return SourceTraits(
            self.rate,
            self.dtype,
            tuple(f"EEG C{place}" for place in range(width)),
            self.scales,
            (1.0,) * width,
            ("uV",) * width,
            TYPES,
            GROUPS,
            (None if self.fill is None else Missing((self.fill,)),) * width,
            frozenset({1}),
            self.shifts,
        )

    def document(self) -> dict[str, Any]:
        channels = []
        traits = self.traits()
        for place, label in enumerate(traits.labels):
            channel = {"id": str(place), "label": label, "scale": traits.scales[place], "offset": 1.0}
            if traits.types[place]:
                channel["type"] = traits.types[place]
            if traits.groups[place]:
                channel["group"] = traits.groups[place]
            if place in traits.bad:
                channel["bad"] = True
            if self.shifts:
                channel["sample_shift"] = self.shifts[place]
            channels.append(channel)
        rule = {"values": [self.fill], "below": None, "above": None}
        absent = None if self.fill is None else {"key": "fill", "dtype": "float32", "channels": [rule]}
        segments = []
        for samples in self.segments:
            values = samples.astype(float)
            if self.fill is not None:
                values[samples == self.fill] = np.nan
            segments.append([None if np.isnan(value) else value for value in values.ravel().tolist()])
        manifest = {
            "dtype": self.dtype.name,
            "numbersDtype": self.dtype.name,
            "channels": channels,
            "unit": "uV",
            "absent": absent,
            "sampling_frequency": self.rate,
            "segments": [{"num_samples": len(samples)} for samples in self.segments],
        }
        return {"manifest": manifest, "steps": self.steps, "segments": segments, "spans": self.spans}

    def check(self, answer: dict[str, Any]) -> None:
        plan = plan_steps(parse_steps(self.steps), self.traits())
        assert "error" not in answer, (answer, self.steps)
        output = plan.output
        assert answer["dtype"] == output.dtype.name
        assert [channel["label"] for channel in answer["channels"]] == list(output.labels)
        assert [channel["scale"] for channel in answer["channels"]] == pytest.approx(output.scales)
        assert [channel["offset"] for channel in answer["channels"]] == pytest.approx(output.offsets)
        assert [channel.get("type") for channel in answer["channels"]] == list(output.types)
        assert answer["sources"] == list(plan.sources)
        wholes = [
            plan.compute(samples, 0, len(samples), 0, len(samples)).astype(float) for samples in self.segments
        ]
        for whole in wholes:
            for place, missing in enumerate(output.missing):
                if missing is not None:
                    whole[whole[:, place] == missing.values[0], place] = np.nan
        reach = max(float(np.nanmax(np.abs(whole))) for whole in wholes)
        for (number, first, last), window in zip(self.spans, answer["windows"], strict=True):
            found = np.array(window, float).reshape(-1, len(output.labels))
            # The viewer asks for a sample at least.
            expected = wholes[number][first : max(last, min(first + 2, len(wholes[number])))]
            assert found.shape == expected.shape
            assert (np.isnan(found) == np.isnan(expected)).all(), (self.steps, number, first)
            off = np.nan_to_num(np.abs(found - expected))
            if output.dtype.kind in "iu":
                # At ties of rounding alone.
                assert off.max(initial=0) <= 1, (self.steps, off.max())
                assert (off > 0).mean() < 1e-3, (self.steps, (off > 0).mean())
            else:
                assert off.max(initial=0) <= 1e-6 * reach, (self.steps, off.max(), reach)


STEPS: list[list[dict[str, Any]]] = [
    [{"highpass": 20}],
    [{"lowpass": 30, "order": 2}],
    [{"bandpass": [5, 60], "order": 3}],
    [{"bandpass": [1, 200]}],
    [{"highpass": 10, "phase": "causal", "types": ["eeg"]}],
    [{"notch": 50}],
    [{"notch": 60, "harmonics": 5, "q": 20, "channels": ["c2", "C5"]}],
    [{"reference": "median"}],
    [{"reference": "mean", "within": "shank"}],
    [{"reference": ["C7"], "types": ["EEG"]}],
    [{"montage": [["C0", "C1"], ["C2", ["C3", "C4"]], {"mine": {"C0": 0.5, "C6": 2}}, "C5"]}],
    [{"montage": [["C0", "C6"]], "types": ["EEG"]}],
    [{"montage": [["C0", ["C6"]], ["C1", ["C1", "C2"]], [{"twice": ["C3", "C4"]}]]}],
    [{"absolute": True}],
    [
        {"highpass": 20, "types": ["EEG", "EOG"]},
        {"notch": 50, "harmonics": 2},
        {"reference": "median"},
        {"absolute": True},
    ],
    [{"bandpass": [10, 100]}, {"montage": [["C0", "C1"], ["C1", "C2"]]}],
]


def test_steps_are_what_python_makes_of_the_whole_segment() -> None:
    random = np.random.default_rng(20261130)
    cases = [Case(random, steps) for steps in STEPS]
    cases += [Case(random, steps, "float32", gaps=True) for steps in STEPS]
    cases += [Case(random, steps, "int16", fill=-32768, gaps=True) for steps in STEPS]
    cases += [
        Case(random, steps, dtype)
        for dtype in ("uint8", "uint16", "int32", "float64")
        for steps in STEPS[::3]
    ]
    cases += [Case(random, steps, scales=True) for steps in STEPS[7:]]
    cases += [
        Case(random, steps, lengths=(1, 2, 3, 17, 60))
        for steps in STEPS
        if steps[0].keys() & {"highpass", "notch"}
    ]
    shifted: list[dict[str, Any]] = [
        {"phase_shift": True},
        {"bandpass": [300, 6000]},
        {"reference": "median"},
    ]
    cases += [Case(random, shifted, rate=30_000.0, lengths=(9000, 40), shifts=True)]
    cases += [Case(random, shifted[:1], "float32", 30_000.0, (9000,), shifts=True, gaps=True)]
    for case, answer in zip(cases, answers([case.document() for case in cases]), strict=True):
        case.check(answer)


REFUSED: list[dict[str, Any]] = [
    {},
    {"highpass": 20, "lowpass": 30},
    {"highpass": 20, "sharp": True},
    {"highpass": 20, "q": 3},
    {"highpass": 20, "order": 21},
    {"highpass": 20, "phase": "linear"},
    {"highpass": 250},
    {"bandpass": [60, 5]},
    {"highpass": 20, "types": ["ECOG"]},
    {"highpass": 20, "types": []},
    {"highpass": 20, "channels": ["C9"]},
    {"notch": 5, "harmonics": 101},
    {"notch": 5, "q": 0},
    {"reference": "mode"},
    {"reference": []},
    {"reference": "mean", "within": "row"},
    {"reference": ["C0"], "within": "group"},
    {"reference": "mean", "channels": ["C0"]},
    {"montage": []},
    {"montage": [["C0"]]},
    {"montage": [["C0", "C0"]]},
    {"montage": [{"mine": {"C0": 1, "EEG C0": 1}}]},
    {"montage": [{"mine": {"C0": 1e6}}]},
    {"montage": [["C0", "C1"], {"C0-C1": "C2"}]},
    {"phase_shift": True},
    {"absolute": False},
]


def test_steps_that_python_refuses_are_refused_by_the_viewer() -> None:
    cases = [Case(np.random.default_rng(1), [step], lengths=(3,)) for step in REFUSED]
    for case in cases:
        with pytest.raises(SeriesviewError):
            plan_steps(parse_steps(case.steps), case.traits())
    found = answers([case.document() for case in cases])
    assert [case.steps for case, answer in zip(cases, found, strict=True) if "error" not in answer] == []
