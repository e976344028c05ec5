"""MultiPanelView: panels of stored series, and the figure that they make."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from seriesview.errors import FormatError
from seriesview.store import open_store
from seriesview.workspace.multi_panel_view import MultiPanelView


@dataclass(frozen=True)
class Stored:
    """The least that a panel needs of a series."""

    type: str

    def to_uri(self) -> str:
        return f"sha1://{'0' * 40}/{self.type}.json"


def test_event_amplitudes_panel_as_in_the_original():
    view = MultiPanelView()
    view.add_event_amplitudes_panel(Stored("discrete"), label="Amplitudes")
    assert view.num_panels == 1
    panel = view.panel(0)
    uri = Stored("discrete").to_uri()
    assert (panel.type, panel.label, panel.data) == ("EventAmplitudes", "Amplitudes", {"seriesUri": uri})
    assert view.to_dict() == {
        "type": "seriesview.multipanel-timeseries.2",
        "data": {"panels": [{"type": "EventAmplitudes", "label": "Amplitudes", "data": {"seriesUri": uri}}]},
    }


def test_a_method_for_each_panel_type():
    view = MultiPanelView()
    view.add_continuous_traces_panel(Stored("continuous"), label="a")
    view.add_event_amplitudes_panel(Stored("discrete"), label="b")
    view.add_raster_plot_panel(Stored("event"), label="c")
    view.add_position_panel(Stored("continuous"), label="d")
    view.add_probability_density_panel(Stored("continuous"), label="e", bin_centers=(1, 2))
    view.add_interval_lanes_panel(Stored("interval"), label="f", lanes=("W", "R"))
    assert [view.panel(i).type for i in range(view.num_panels)] == [
        "ContinuousTraces",
        "EventAmplitudes",
        "RasterPlot",
        "Position",
        "ProbabilityDensity",
        "IntervalLanes",
    ]
    assert view.panel(5).data["lanes"] == ["W", "R"]
    assert view.panel(4).data["bin_centers"] == [1.0, 2.0]


def test_events_lie_over_traces():
    view = MultiPanelView()
    view.add_continuous_traces_panel(Stored("continuous"), label="a", over=[Stored("event")])
    assert view.panel(0).data["over"] == [Stored("event").to_uri()]
    with pytest.raises(FormatError, match="of type 'discrete'"):
        view.add_continuous_traces_panel(Stored("continuous"), label="a", over=[Stored("discrete")])


def test_points_may_be_marks_as_high_and_coloured_as_channels_say():
    view = MultiPanelView()
    view.add_event_amplitudes_panel(Stored("discrete"), label="Drift", y="depth", color="amplitude")
    data = view.panel(0).data
    assert (data["y"], data["color"]) == ("depth", "amplitude")
    with pytest.raises(FormatError, match="y must be a text"):
        view.add_event_amplitudes_panel(Stored("discrete"), label="Drift", y="")


def test_the_wrong_series_type_is_refused():
    with pytest.raises(FormatError, match="of type discrete"):
        MultiPanelView().add_event_amplitudes_panel(Stored("continuous"), label="x")


def test_figurl_gives_the_figure_as_in_the_original(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KACHERY_STORAGE_DIR", str(tmp_path / "storage"))
    view = MultiPanelView()
    view.add_event_amplitudes_panel(Stored("discrete"), label="Amplitudes")
    figure = view.figurl(label="A view")
    assert (figure.data, figure.label) == (view.to_dict(), "A view")
    assert open_store().get_json(figure.to_uri()) == view.to_dict()
