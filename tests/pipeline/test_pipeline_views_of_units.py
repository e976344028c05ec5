"""From what a sorter wrote to units over the traces that they are on, with nothing typed."""

from pathlib import Path

import numpy as np
import pytest
from nwb_files import region, series, table, write_nwb
from phy_files import CHANNELS, write_phy
from second_reader import SecondReader, SecondWorkspace

import seriesview
from seriesview.store import open_store

ROWS = [3, 0, 2]


def of_phy(folder: Path) -> tuple[Path, dict[str, int]]:
    """A folder with the recording that was sorted, and the channel of each unit."""
    path = folder / "sorted"
    params = f"dat_path = 'rec.dat'\nn_channels_dat = {CHANNELS}\ndtype = 'int16'\noffset = 0\nsample_rate = 30000.\n"
    spikes = write_phy(path, groups=dict.fromkeys(range(7), "good"), params=params)
    noise = np.random.default_rng(3).integers(-50, 50, (100_000, CHANNELS)).astype(np.int16)
    noise.tofile(path / "rec.dat")
    columns = np.arange(CHANNELS)[::-1]
    np.save(path / "channel_map.npy", columns)
    return path, {str(unit): int(columns[spikes.best[min(unit, 5)]]) for unit in (0, 1, 2, 3, 4, 6)}


def of_nwb(folder: Path) -> tuple[Path, dict[str, int]]:
    """A probe of three of four electrodes, in another order, and units on two of them."""

    def fill(file: object) -> None:
        place = "general/extracellular_ephys/electrodes"
        table(file, place, "DynamicTable", [10, 11, 12, 13], {"rel_y": np.arange(4.0) * 20})
        samples = np.random.default_rng(4).integers(-50, 50, (60_000, 3)).astype(np.int16)
        series(file, "acquisition/probe", samples, "ElectricalSeries", rate=30000.0)
        region(file, "acquisition/probe/electrodes", ROWS, place)
        table(file, "units", "Units", [5, 6], {"spike_times": [[0.1, 0.9], [1.5]]})
        region(file, "units/electrodes", [2, 3], place)

    return write_nwb(folder / "a.nwb", fill), {"5": 2, "6": 0}


@pytest.mark.parametrize("made", [of_phy, of_nwb], ids=["phy", "nwb"])
def test_units_lie_over_their_traces(tmp_path: Path, made: object) -> None:
    path, expected = made(tmp_path)  # type: ignore[operator]
    store = open_store(tmp_path / "store", "embedded")
    built = seriesview.build_workspace(path, store=store)
    workspace = SecondWorkspace(store.directory, built.uri)
    (traces,) = [data for _, kind, _, data in workspace.panels if kind == "ContinuousTraces"]
    (over,) = traces["over"]
    units, below = workspace.series[over], workspace.series[traces["series"]]
    assert isinstance(units, SecondReader)
    found = units.traces_of_events(below)
    assert dict(zip([each["id"] for each in units.channels], found, strict=True)) == expected
