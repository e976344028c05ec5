"""Views that nobody described: panels, order, pages and keys that follow from what readers say of datasets."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seriesview.build.findings import Entry, Finding
from seriesview.config import check_config
from seriesview.pipeline.config_file import config_document
from seriesview.pipeline.default_views import default_views, stages_of
from seriesview.readers.protocol import Channel
from seriesview.workspace.panels import default_panel


def entry(
    name: str,
    role: Any,
    series_type: Any = "continuous",
    channels: tuple[Channel, ...] = (),
    labels: tuple[str, ...] = (),
    path: str = "run",
    duration: float = 60.0,
    called: str | None = None,
) -> Entry:
    found = Finding(
        name,
        series_type,
        "int16",
        (1, 1),
        None,
        {},
        channels=channels,
        labels=labels,
        duration=duration,
        label=called,
    )
    panel = default_panel(name, series_type)
    shown = None if panel is None else (panel.type, called or name)
    return Entry(name, {"path": path, "dataset": name}, shown, None, (), role, series_type, found)


def probe(count: int) -> tuple[Channel, ...]:
    return tuple(Channel(str(n), f"AP{n}", group="0", x=0.0, y=20.0 * n, type="SEEG") for n in range(count))


def typed(*types: str) -> tuple[Channel, ...]:
    return tuple(Channel(str(n), f"c{n}", type=kind) for n, kind in enumerate(types))


def spikes(path: str = "run") -> list[Entry]:
    drift = (Channel("0", "depth", "um"), Channel("1", "amplitude", "uV"))
    return [
        entry("drift", "drift", "discrete", drift, path=path),
        entry("units", "units", "event", path=path),
    ]


def test_a_probe_opens_on_an_image_by_depth_and_its_drift_on_the_whole_session() -> None:
    entries = [
        entry("nidq", "analog"),
        entry("sync", "ttl", "event"),
        entry("imec0.lf", "lfp", channels=probe(384)),
        *spikes(),
        entry("imec0.ap", "spike-band", channels=probe(384), called="imec0 AP"),
    ]
    near, slow, whole = default_views(entries, "run")
    assert (near["label"], near["page"]) == ("run", 0.2)
    assert [panel["series"] for panel in near["panels"]] == [
        "imec0.ap",
        "units",
        "nidq",
        "sync",
    ]
    assert near["panels"][0] == {
        "type": "ContinuousTraces",
        "series": "imec0.ap",
        "label": "imec0 AP",
        "mode": "image",
        "order": "depth",
    }
    assert near["panels"][2]["order"] == "stored"
    # In 0.2 s little is seen of what is slow.
    assert (slow["label"], slow["page"]) == ("run, 5 s at a time", 5)
    assert [panel["series"] for panel in slow["panels"]] == ["units", "imec0.lf", "nidq", "sync"]
    assert (whole["label"], "page" in whole) == ("run, drift", False)
    assert [panel["series"] for panel in whole["panels"]] == ["drift", "units"]
    assert (whole["panels"][0]["y"], whole["panels"][0]["color"]) == ("depth", "amplitude")


def test_a_map_of_very_many_spikes_opens_on_as_many_as_are_drawn_one_by_one() -> None:
    drift = entry("drift", "drift", "discrete", duration=3600)
    assert drift.found is not None
    many = drift._replace(found=replace(drift.found, shape=(5_000_000, 2)))
    views = default_views([entry("ap", "spike-band", channels=probe(4)), many], "run")
    assert [view.get("page") for view in views] == [0.2, 1100]


def test_each_probe_has_a_view_with_what_is_its_own_and_what_is_nobodys() -> None:
    entries = [
        entry("run_imec0_ap", "spike-band", channels=probe(4)),
        entry("run_imec1_ap", "spike-band", channels=probe(4)),
        entry("run_imec1_lf", "lfp", channels=probe(4)),
        entry("run_imec0_lf", "lfp", channels=probe(4)),
        entry("run_nidq", "analog"),
        entry("units", "units", "event", path="run/imec1_ks4"),
        entry("imec0 messages", "markers", "event"),
    ]
    views = default_views(entries, "run")
    one, _, other, _ = views
    slow = ", 5 s at a time"
    labels = ["run_imec0", f"run_imec0{slow}", "run_imec1", f"run_imec1{slow}"]
    assert [view["label"] for view in views] == labels
    shared = ["imec0 messages", "run_nidq"]
    own = [["run_imec0_ap"], ["run_imec0_lf"], ["run_imec1_ap", "units"], ["units", "run_imec1_lf"]]
    for view, series in zip(views, own, strict=True):
        assert [panel["series"] for panel in view["panels"]] == [*series, *shared]
    assert other["page"] == 0.2
    # A tetrode's traces can be followed.
    assert "mode" not in one["panels"][0]


STAGES = ("Sleep stage 1", "Sleep stage 2", "Sleep stage R", "Sleep stage W", "Lights off")


def test_sleep_opens_on_thirty_seconds_below_its_hypnogram() -> None:
    resp = entry("resp", "eeg", channels=typed("RESP"))
    assert resp.found is not None
    slow = resp._replace(found=replace(resp.found, sampling_frequency=10.0))
    entries = [
        slow,
        entry("emg", "eeg", channels=typed("EMG", "TEMP")),
        entry("eeg", "eeg", channels=typed("EEG", "EEG", "EOG")),
        entry("events", "annotations", "interval", labels=("apnea",)),
        entry("hypnogram", "stages", "interval", labels=STAGES),
    ]
    view, whole = default_views(entries, "night")
    assert view["page"] == 30
    assert (whole["label"], "page" in whole) == ("night, whole night", False)
    assert [panel["series"] for panel in whole["panels"]] == ["hypnogram", "resp", "events"]
    assert [panel["series"] for panel in view["panels"]] == ["hypnogram", "eeg", "emg", "resp", "events"]
    # The axis of one channel does not name it.
    assert [panel["label"] for panel in view["panels"][1:4]] == ["eeg", "emg", "c0, resp"]
    assert view["panels"][0] == {
        "type": "IntervalLanes",
        "series": "hypnogram",
        "label": "hypnogram",
        "lanes": ["Sleep stage W", "Sleep stage R", "Sleep stage 1", "Sleep stage 2"],
    }
    assert view["panels"][1]["order"] == "type"


def test_stages_of_infants_stand_in_the_order_of_their_depth() -> None:
    labels = ("Sleep stage N", "Sleep stage T", "Sleep stage R", "Sleep stage W")
    view, _ = default_views([entry("hypnogram", "stages", "interval", labels=labels)], "night")
    assert view["panels"][0]["lanes"] == [f"Sleep stage {stage}" for stage in "WRTN"]


def test_nights_and_seismograms_open_by_wall_clock() -> None:
    night, _ = default_views([entry("hypnogram", "stages", "interval", labels=STAGES)], "night")
    (station,) = default_views([entry("a", "seismic"), entry("b", "seismic")], "station")
    (lab,) = default_views([entry("a", "eeg"), entry("b", "analog")], "lab")
    assert (night["times"], station["times"], "times" in lab) == ("wall", "wall", False)


def test_units_lie_over_the_traces_that_they_are_known_to_be_on() -> None:
    def units(*best: str | None, **keys: Any) -> Entry:
        made = entry(
            "good",
            "units",
            "event",
            tuple(Channel(f"{n}", f"{n}", best_channel=on) for n, on in enumerate(best)),
        )
        assert made.found is not None
        return made._replace(found=replace(made.found, **keys))

    ap, lf = entry("ap", "spike-band", channels=probe(4)), entry("lf", "lfp", channels=probe(4))

    def over(*found: Entry) -> list[Any]:
        return [panel.get("over") for view in default_views(found, "rat") for panel in view["panels"]]

    assert over(ap, units(None, "3")) == [["good"], None]
    assert over(ap, units("AP2")) == [["good"], None]
    assert over(ap, units(None, "4")) == [None, None]
    # Other clocks may be off by as much as they like.
    assert over(ap, units("3", clock="imec1")) == [None, None]
    assert over(ap, units("3", session_start="2024-01-01T00:00:00")) == [None, None]
    assert over(lf, units("3")) == [None, None]


def test_a_long_polysomnography_without_stages_is_sleep_too() -> None:
    channels = typed("EEG", "EOG", "EMG")
    assert default_views([entry("a", "eeg", channels=channels, duration=8 * 3600)], "a")[0]["page"] == 30
    assert default_views([entry("a", "eeg", channels=channels, duration=600)], "a")[0]["page"] == 10


def test_eeg_opens_on_ten_seconds_with_twenty_channels_a_screen_and_markers_are_bands() -> None:
    entries = [entry("eeg", "eeg", channels=typed(*["EEG"] * 64)), entry("markers", "markers", "interval")]
    (view,) = default_views(entries, "subject")
    assert view["page"] == 10
    assert view["panels"] == [
        {
            "type": "ContinuousTraces",
            "series": "eeg",
            "label": "eeg",
            "order": "stored",
            "channels_per_screen": 20,
        }
    ]


def test_markers_that_are_events_are_lines_across_all_panels() -> None:
    (view,) = default_views([entry("eeg", "eeg"), entry("markers", "markers", "event")], "subject")
    assert view["panels"][1] == {"type": "RasterPlot", "series": "markers", "label": "markers", "lines": True}


def test_what_has_no_role_is_one_view_in_its_order() -> None:
    entries = [entry("b", None), entry("a", None, "event"), entry("t", None, "interval")]
    assert default_views(entries, "file") == [
        {
            "label": "file",
            "panels": [
                {"type": "ContinuousTraces", "series": "b", "label": "b"},
                {"type": "RasterPlot", "series": "a", "label": "a"},
            ],
        }
    ]
    assert default_views([entry("t", None, "interval")], "file") == []


def test_the_configuration_that_is_written_says_it_in_keys_and_is_valid(tmp_path: Any) -> None:
    import yaml

    entries = [
        entry("ap", "spike-band", channels=probe(40)),
        *spikes(),
        entry("st", "stages", "interval", labels=STAGES),
    ]
    text = config_document(entries, [], "run", tmp_path / "config.yaml")
    content = yaml.safe_load(text)
    check_config(content)
    assert content["views"] == default_views(entries, "run")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["N3", "W", "N2", "R", "N1"], ["W", "R", "N1", "N2", "N3"]),
        (["REM", "Wake", "S4", "NREM1"], ["Wake", "REM", "NREM1", "S4"]),
        (["1", "2", "w"], ["w", "1", "2"]),
        (["W"], []),
        (["left", "right"], []),
    ],
)
def test_stages_of_sleep_are_known_by_their_names(labels: list[str], expected: list[str]) -> None:
    assert stages_of(labels) == expected


@pytest.mark.parametrize(
    ("clocks", "marked"),
    [
        ((None, None, None), []),
        (("imec0", "imec0", "imec0"), []),
        (("imec0", "nidq", "imec0"), ["nidq"]),
        (("imec0", "nidq", "nidq"), ["nidq", "ttl"]),
        ((None, "nidq", "nidq"), ["nidq", "ttl"]),
        (("imec0", None, None), ["ap"]),
        (("imec0", "imec0", None), []),
    ],
)
def test_panels_say_whose_clock_nothing_ties_to_the_others(
    clocks: tuple[str | None, ...], marked: list[str]
) -> None:
    made = [
        entry("ap", "spike-band", channels=probe(40)),
        entry("nidq", "analog"),
        entry("ttl", "ttl", "event"),
    ]
    entries = [
        each._replace(found=replace(each.found, clock=clock))
        for each, clock in zip(made, clocks, strict=True)
        if each.found is not None
    ]
    view, *_ = default_views(entries, "run")
    said = [panel["series"] for panel in view["panels"] if panel["label"].endswith(" (own clock)")]
    assert said == marked


def test_hum_is_known_from_the_nearest_sidecar_of_a_recording_in_bids(tmp_path: Path) -> None:
    folder = tmp_path / "sub-01" / "ses-2" / "eeg"
    folder.mkdir(parents=True)
    recording = folder / "sub-01_ses-2_task-rest_run-1_eeg.edf"

    def mains() -> Any:
        [view] = default_views(
            [entry("eeg", "eeg", channels=typed("EEG", "EEG"), path=str(recording))], "night"
        )
        check_config({"datasets": {"eeg": {"path": str(recording)}}, "views": [view]})
        return view["panels"][0].get("mains")

    assert mains() is None
    (tmp_path.parent / "task-rest_eeg.json").write_text('{"PowerLineFrequency": 16}')
    (tmp_path / "dataset_description.json").write_text("{}")
    assert mains() is None
    (tmp_path / "task-rest_eeg.json").write_text('{"PowerLineFrequency": 60}')
    assert mains() == 60
    (folder / "sub-01_ses-2_task-oddball_eeg.json").write_text('{"PowerLineFrequency": 40}')
    (folder / "sub-01_ses-2_task-rest_eeg.json").write_text('{"PowerLineFrequency": "n/a"}')
    assert mains() == 60
    (folder / "sub-01_ses-2_task-rest_run-1_eeg.json").write_text('{"PowerLineFrequency": 50.5}')
    assert mains() == 50.5
    (folder / "sub-01_ses-2_task-rest_run-1_eeg.json").write_text("no json")
    assert mains() == 60
