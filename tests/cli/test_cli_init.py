"""`seriesview init`: a configuration that says what is to be filled in, and what was left out."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from seriesview.cli.init import command
from seriesview.config import load_config
from seriesview.demo.nwb_file import write_session
from seriesview.errors import BuildError, ConfigError, ReaderError


def init(directory: Path, *arguments: str) -> Any:
    out = directory / "config.yaml"
    result = CliRunner().invoke(command, [*arguments, "--out", str(out), "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    return json.loads(result.output), yaml.safe_load(out.read_text())


def test_a_table_of_events_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "spikes.csv"
    path.write_text("time,unit\n0.5,1\n0.75,2\n")
    said, written = init(tmp_path, str(path))
    assert said["datasets"] == ["spikes"]
    assert said["to_fill_in"] == []
    assert written["datasets"] == {"spikes": {"path": str(path), "type": "event"}}
    assert said["notes"] == [f"{path}: can be read as continuous too; `seriesview inspect` says how"]
    assert load_config(tmp_path / "config.yaml")


def test_a_workspace_gets_an_id_once(tmp_path: Path) -> None:
    path = tmp_path / "spikes.csv"
    path.write_text("time,unit\n0.5,1\n0.75,2\n")
    own = init(tmp_path, str(path))[1]["id"]
    assert init(tmp_path, str(path), "--force")[1]["id"] == own
    (tmp_path / "other").mkdir()
    assert init(tmp_path / "other", str(path))[1]["id"] != own
    config = tmp_path / "config.yaml"
    config.write_text(config.read_text().replace(own, "'mine'"))
    assert init(tmp_path, str(path), "--force")[1]["id"] == "mine"


def test_the_workspace_is_called_as_the_first_file(tmp_path: Path) -> None:
    path = tmp_path / 'rat 7: "day" 1.csv'
    path.write_text("time,unit\n0.5,1\n0.75,2\n")
    assert init(tmp_path, str(path))[1]["workspace"] == 'rat 7: "day" 1'


def test_a_table_of_intervals_leaves_nothing_to_fill_in(tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    path.write_text("start,end,condition\n1.0,2.5,go\n3.0,4.25,stop\n")
    said, written = init(tmp_path, str(path))
    assert (said["datasets"], said["to_fill_in"]) == (["trials"], [])
    assert written["datasets"]["trials"]["type"] == "interval"


def test_what_is_to_be_filled_in_is_refused_until_it_is(tmp_path: Path) -> None:
    path = tmp_path / "raw.dat"
    path.write_bytes(b"\0\1" * 100)
    said, _ = init(tmp_path, str(path))
    assert said["to_fill_in"] == ["raw.dtype", "raw.channels", "raw.sampling_frequency"]
    with pytest.raises(ConfigError, match="nothing is filled in"):
        load_config(tmp_path / "config.yaml")


def test_files_of_one_name_get_names_that_differ(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "heart.csv").write_text("t,hr\n0,60\n1,61\n2,60\n")
    said, _ = init(tmp_path, str(tmp_path / "a/heart.csv"), str(tmp_path / "b/heart.csv"))
    assert said["datasets"] == ["heart", "heart_2"]


def test_nothing_is_written_over_or_in_vain(tmp_path: Path) -> None:
    path = tmp_path / "text.csv"
    path.write_text("a,b\nx,y\n")
    with pytest.raises(ReaderError, match="nothing in there can be shown"):
        init(tmp_path, str(path))
    (tmp_path / "config.yaml").write_text("mine")
    with pytest.raises(BuildError, match="is there already"):
        init(tmp_path, str(path))
    assert (tmp_path / "config.yaml").read_text() == "mine"


def test_the_view_has_a_panel_for_each_series_called_as_in_the_file(tmp_path: Path) -> None:
    write_session(tmp_path / "session.nwb", seconds=5)
    said, written = init(tmp_path, str(tmp_path / "session.nwb"))
    view, slow = written["views"]
    assert view["label"] == written["workspace"] == "session"
    assert (slow["label"], slow["page"]) == ("session, 5 s at a time", 5)
    assert slow["panels"] == view["panels"][1:]
    shown = {panel["label"]: (panel["type"], panel["series"]) for panel in view["panels"]}
    assert shown["ElectricalSeries"] == ("ContinuousTraces", "session_ElectricalSeries")
    assert shown["position"] == ("Position", "session_position")
    assert shown["units"] == ("RasterPlot", "session_units")
    assert shown["spike_amplitudes"] == ("EventAmplitudes", "session_spike_amplitudes")
    assert "trials" not in shown, "intervals are bands"
    assert len(shown) == len(said["datasets"]) - 3
    assert load_config(tmp_path / "config.yaml")


def test_panels_of_the_same_name_are_called_as_their_series(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            for dataset in ("lfp", "emg"):
                file.create_dataset(dataset, data=np.zeros((100, 2), "i2"))
    files = [str(tmp_path / f"{name}.h5") for name in ("one", "two")]
    _, written = init(tmp_path, *files)
    labels = [panel["label"] for panel in written["views"][0]["panels"]]
    assert labels == ["one_emg", "one_lfp", "two_emg", "two_lfp"]


def test_intervals_alone_make_no_view(tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    path.write_text("start,end,condition\n1.0,2.5,go\n3.0,4.25,stop\n")
    assert "views" not in init(tmp_path, str(path))[1]
