"""Entries of datasets that are made of other ones."""

from typing import Any

import pytest

from seriesview.config import check_config, with_defaults
from seriesview.errors import ConfigError

RAW = {"path": "raw.npy"}
BAND = {"from": "raw", "steps": [{"bandpass": [300, 6000]}]}


def problems(datasets: Any, **more: Any) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        check_config({"datasets": datasets, **more}, "c")
    return sorted(raised.value.problems)


def test_what_is_made_of_another_dataset_needs_no_path() -> None:
    slow = {
        "from": "band",
        "steps": [{"lowpass": 100, "order": 2}, {"reference": "median", "within": "shank"}],
    }
    check_config({"datasets": {"slow": slow, "raw": RAW, "band": BAND | {"full_resolution": "compute"}}})
    sessions = {"path": "{animal}.npy", "datasets": {"raw": {}, "band": BAND}}
    check_config({"sessions": sessions})


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"from": "rwa", "steps": [{"highpass": 1}]},
         ".from: there is no dataset 'rwa' (did you mean raw?); there are raw"),
        ({"from": "raw"}, ": steps is missing, or spectrogram: what is made of the samples of the dataset in `from`"),
        ({"from": "raw", "steps": []}, ".steps: expected a list that is not empty, found a list of 0"),
        ({**BAND, "unit": "mV"},
         ".unit: means nothing here: samples, channels and times are those of the dataset in `from`"),
        ({**BAND, "full_resolution": "link"},
         ".full_resolution: link: what is made of another dataset lies in no file; compute or store its samples"),
        ({"from": "x", "steps": [{"highpass": 1}]}, ".from: goes round in a circle: x from x"),
        ({"from": "raw", "steps": [{"highpass": "x"}]}, ".steps[0].highpass: expected a number above 0, found 'x'"),
        ({"from": "raw", "steps": [{"hihgpass": 1}]},
         ".steps[0]: unknown key hihgpass (did you mean highpass?)"),
        ({"from": "raw", "spectrogram": {"window": 2, "step": 0.5}}, ".spectrogram: range is missing"),
        ({"from": "raw", "spectrogram": None},
         ".spectrogram: nothing is filled in; write keys with values here"),
        ({**RAW, "steps": BAND["steps"]}, ".steps: is for what is made of another dataset: name that in `from`"),
        ({**RAW, "full_resolution": "compute"},
         ".full_resolution: compute: is for what is made of another dataset: a dataset with `from`"),
        ({}, ": path is missing"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_said_with_its_place(entry: dict[str, Any], said: str) -> None:
    assert problems({"raw": RAW, "x": entry}) == [f"c: datasets.x{said}"]


def test_a_circle_of_several_is_told_as_it_goes_round() -> None:
    a, b = BAND | {"from": "b"}, BAND | {"from": "a"}
    assert problems({"raw": RAW, "a": a, "b": b, "on_it": BAND | {"from": "a"}}) == [
        "c: datasets.a.from: goes round in a circle: a from b from a",
        "c: datasets.b.from: goes round in a circle: b from a from b",
    ]


def test_what_is_made_of_one_another_ends_somewhere() -> None:
    entries = {f"d{number}": {**BAND, "from": f"d{number - 1}"} for number in range(1, 9)}
    assert problems({"d0": RAW, **entries}) == [
        "c: datasets.d8.from: 8 datasets are made of one another, one after the other, at most 7: "
        "name their steps in one"
    ]
    # Of what only leads to a circle nothing is said but where it is.
    circle = {"a": {**BAND, "from": "b"}, "b": {**BAND, "from": "a"}, "c": {**BAND, "from": "a"}}
    assert len(problems(circle)) == 2


def test_defaults_of_recordings_are_not_those_of_what_is_made_of_them() -> None:
    defaults = {"dtype": "int16", "channels": 4, "base": 32, "full_resolution": "link"}
    filled = with_defaults({"datasets": {"raw": RAW, "band": BAND}, "defaults": defaults})["datasets"]
    assert filled == {"raw": {**defaults, **RAW}, "band": {**BAND, "base": 32}}
