"""From a file of another program to the views of its workspace, with nothing typed."""

from pathlib import Path

import numpy as np
import pytest

import seriesview
from seriesview.series.words import series_lines
from seriesview.store import Store, open_store
from seriesview.workspace.manifest import parse_workspace_manifest

edfio = pytest.importorskip("edfio")


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """An EDF of a minute with EEG, eyes, a muscle, breath at another rate, and stages."""
    random = np.random.default_rng(5)
    amplitudes = {"EMG chin": 5, "EEG Fpz-Cz": 20, "EOG left": 80}
    signals = [
        edfio.EdfSignal(random.normal(0, amplitude, 6000), 100, label=label, physical_dimension="uV")
        for label, amplitude in amplitudes.items()
    ]
    signals.append(edfio.EdfSignal(random.normal(0, 1, 600), 10, label="Resp nasal", physical_dimension="V"))
    stages = [edfio.EdfAnnotation(30 * number, 30, f"Sleep stage {name}") for number, name in enumerate("2W")]
    path = tmp_path / "night.edf"
    edfio.Edf(signals, annotations=[*stages, edfio.EdfAnnotation(12.5, None, "Lights off")]).write(path)
    return path


def test_a_night_is_shown_as_sleep_with_types_of_channels(night: Path, tmp_path: Path) -> None:
    store: Store = open_store(tmp_path / "store", "embedded")
    built = seriesview.build_workspace(night, store=store)
    manifest = parse_workspace_manifest(store.get_json(built.uri))
    view, whole = manifest.views
    assert (view.page, whole.page) == (30, None)
    assert [panel.label for panel in whole.panels] == ["stages", "Resp nasal, 10 Hz"]
    stages, brain, breath, others = view.panels
    assert (stages.type, stages.data["lanes"]) == ("IntervalLanes", ["Sleep stage W", "Sleep stage 2"])
    assert (brain.type, brain.data["order"]) == ("ContinuousTraces", "type")
    assert breath.type == "ContinuousTraces"
    # Annotations of no length alone are events.
    assert (others.type, others.data["lines"]) == ("RasterPlot", True)
    series = seriesview.open_series(manifest.uri(brain.series), store)
    assert [channel.type for channel in series.channels] == ["EMG", "EEG", "EOG"]
    lines = list(series_lines(series.manifest))
    assert "  types: EMG (1), EEG (1), EOG (1)" in lines
