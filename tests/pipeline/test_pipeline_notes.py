"""What readers warn of and guess: said by every build, not the first alone, and kept in the series' manifest."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from second_reader import SecondReader
from spikeglx_files import ap_keys, write_stream

import seriesview
from seriesview.build.notes import notes_with
from seriesview.build.progress import BuildStep
from seriesview.pipeline.built import BuiltWorkspace
from seriesview.pipeline.configured import Configured


@pytest.fixture
def cut(here: Path) -> Path:
    """A stream whose header says twice what there is."""
    samples = np.random.default_rng(5).integers(-300, 300, (6000, 5)).astype("int16")
    return write_stream(here / "run_g0", "run_g0_t0.imec0.ap", samples, ap_keys(4, fileSizeBytes=120_000))


def built(path: Path, *, results: str = "results", **keys: object) -> tuple[BuiltWorkspace, list[str]]:
    said: list[BuildStep] = []
    whole = seriesview.build_workspace(path, results=results, store="storage", progress=said.append, **keys)
    return whole, [step.text for step in said]


def test_a_recording_that_was_cut_off_is_said_to_be_by_every_build(cut: Path) -> None:
    first, said = built(cut)
    warnings = [text for text in said if "fileSizeBytes=120000" in text]
    assert len(warnings) == len(first.series) == 2
    again, said = built(cut)
    assert again.uri == first.uri
    assert [text for text in said if "fileSizeBytes=120000" in text] == warnings
    for series in first.series.values():
        assert list(series.open().manifest.notes) == warnings[:1]
        assert SecondReader("storage", series.uri).notes == warnings[:1]


def test_notes_are_the_same_wherever_a_recording_lies(cut: Path, here: Path) -> None:
    first, _ = built(cut)
    other = here / "elsewhere" / "run_g0"
    shutil.copytree(cut.parent, other, copy_function=shutil.copy2)
    moved, _ = built(other, results="others")
    kept, notes = ([each.open().manifest.notes for each in one.series.values()] for one in (first, moved))
    assert kept == notes
    assert not any(str(here) in note for each in kept for note in each)


def test_what_the_configuration_says_is_no_guess_any_more() -> None:
    notes = ("its attribute gain is 4: not used; set `scale` where it is that of these values", "cut off")
    keys: dict[str, dict[str, object]] = {"open": {}, "said": {"scale": 4}}
    (left_open, said) = Configured.of(
        {"datasets": {name: {"path": "a.h5", **each} for name, each in keys.items()}}
    ).datasets
    assert notes_with(notes, left_open) == notes
    assert notes_with(notes, said) == notes[1:]
