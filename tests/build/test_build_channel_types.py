"""Types of channels from labels and units: what is taken for what, and what is left without a type."""

from dataclasses import replace

import numpy as np
import pytest

from seriesview.build.channel_types import guessed_types, types_decision
from seriesview.build.dataset import dataset_from_config
from seriesview.build.series import described
from seriesview.errors import BuildError
from seriesview.readers.protocol import Channel
from seriesview.series.manifest import ChannelInfo, SeriesManifest


def types_of(labels: list[str], unit: str = "uV", **units: str) -> list[str | None]:
    return guessed_types([Channel(label, label, units.get(label)) for label in labels], unit)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["EEG Fpz-Cz", "EOG horizontal", "EMG submental", "ECG1"], ["EEG", "EOG", "EMG", "ECG"]),
        (["Fp1", "F3", "O2", "A1", "M2", "E1", "Chin1-Chin2"], [*["EEG"] * 3, "REF", "REF", "EOG", "EMG"]),
        (["C3-M2", "F4-M1", "E1-M2", "LOC", "LAT", "EOGv"], ["EEG", "EEG", "EOG", "EOG", "EMG", "EOG"]),
        (["Fz", "Cz", "Pz", "VEOGo", "HEOGli"], [*["EEG"] * 3, "EOG", "EOG"]),
        (["C3", "C4", "M1", "EOG left", "EMG chin"], ["EEG", "EEG", "REF", "EOG", "EMG"]),
        (["EKG", "Thor", "ABD", "Airflow", "Resp oro-nasal", "SpO2"], ["ECG", *["RESP"] * 4, "MISC"]),
        (["Status", "STI 014", "TTL 1", "Event marker"], ["TRIG"] * 4),
    ],
)
def test_labels_of_a_body_have_types(labels: list[str], expected: list[str]) -> None:
    assert types_of(labels) == expected


@pytest.mark.parametrize(
    ("labels", "unit"),
    [
        (["F1", "P3", "T4", "O2"], "mm"),
        (["F1", "P3", "T4", "O2"], ""),
        (["T1", "T2"], "mV"),
        (["E1", "E2", "E3"], "uV"),
        ([f"{letter}{number}" for letter in "ABCDEF" for number in range(1, 33)], "uV"),
        (["flow", "pressure", "chest"], "uV"),
        (["accuracy", "status quo", "stimulus", "eegs", "0", "x"], ""),
        (["EEG", "ECG V1", "EMG"], "mm"),
        (["temperature"], "uV"),
    ],
)
def test_what_may_be_something_else_has_no_type(labels: list[str], unit: str) -> None:
    assert types_of(labels, unit) == [None] * len(labels)


def test_the_unit_of_a_channel_counts_before_that_of_the_series() -> None:
    assert types_of(["EEG Cz", "Temp rectal"], "uV", **{"Temp rectal": "DegC"}) == ["EEG", "TEMP"]


def test_types_that_a_reader_gave_stay_and_a_guess_is_said_in_one_line() -> None:
    channels = [Channel("0", "Fp1", type="SEEG"), Channel("1", "ECG"), Channel("2", "wheel")]
    assert guessed_types(channels, "mV") == ["SEEG", "ECG", None]
    said = types_decision(channels, "mV")
    assert said is not None
    assert said.is_guess
    assert "1 ECG" in said.text
    assert types_decision(channels[::2], "mV") is None


def manifest_of(*labels: str) -> SeriesManifest:
    channels = tuple(ChannelInfo(str(place), label) for place, label in enumerate(labels))
    return SeriesManifest(
        type="continuous", dtype="int16", channels=channels, unit="uV", segments=(), sampling_frequency=100.0
    )


def test_the_configuration_says_types_and_bad_channels() -> None:
    told: list[str] = []
    dataset = dataset_from_config("eeg", {"path": "x", "bad_channels": ["ECG", "0"]})
    made = described(manifest_of("Cz", "ECG", "EEG x"), dataset, told.append)
    assert [(channel.type, channel.bad) for channel in made.channels] == [
        ("EEG", True),
        ("ECG", True),
        ("EEG", False),
    ]
    assert len(told) == 1
    dataset = dataset_from_config("eeg", {"path": "x", "channel_types": ["MISC", "EMG"]})
    made = described(manifest_of("Cz", "ECG"), dataset, told.append)
    assert [channel.type for channel in made.channels] == ["MISC", "EMG"]
    assert len(told) == 1


def test_the_configuration_says_on_which_channels_units_are() -> None:
    units = replace(manifest_of("7", "8", "9"), type="event")
    channels = (*units.channels[:2], replace(units.channels[2], best_channel="AP3"))
    dataset = dataset_from_config("units", {"path": "x", "best_channels": {"7": "AP5"}})
    made = described(replace(units, channels=channels), dataset)
    assert [channel.best_channel for channel in made.channels] == ["AP5", None, "AP3"]
    with pytest.raises(BuildError, match="no unit '12'"):
        described(units, dataset_from_config("units", {"path": "x", "best_channels": {"12": "AP5"}}))
    with pytest.raises(BuildError, match="not those of a continuous series"):
        described(manifest_of("7"), dataset)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [({"channel_types": ["EEG"]}, "1 types for 2 channels"), ({"bad_channels": ["Pz"]}, "no channel 'Pz'")],
)
def test_what_fits_no_channel_is_refused(keys: dict[str, list[str]], reason: str) -> None:
    with pytest.raises(BuildError, match=reason):
        described(manifest_of("Cz", "Fz"), dataset_from_config("eeg", {"path": "x", **keys}))


def test_guessing_types_of_many_channels_is_quick() -> None:
    labels = [f"unit {place} - {'x' * 50}" for place in range(20_000)]
    assert not np.any(types_of(labels, "uV"))
