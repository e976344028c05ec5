"""config.yaml: every problem at once, one line each."""

import re
from pathlib import Path
from typing import Any

import pytest

from seriesview.build.dataset import without_descriptions
from seriesview.config import check_config, load_config
from seriesview.config.reference import reference_page
from seriesview.config.schema import schema_text
from seriesview.errors import ConfigError

ROOT = Path(__file__).parent.parent.parent


def problems(content: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        check_config(content, "c")
    return caught.value.problems


def test_the_schema_file_is_the_generated_one() -> None:
    path = ROOT / "workflow" / "schemas" / "config.schema.json"
    assert path.read_text() == schema_text(), f"python -m seriesview.config.schema > {path.relative_to(ROOT)}"


def test_the_demos_configuration_is_right() -> None:
    assert len(load_config(ROOT / "config.yaml")["datasets"]) >= 8


def test_the_configuration_page_is_the_generated_one() -> None:
    page = ROOT / "docs" / "configuration.md"
    assert page.read_text() == reference_page(), (
        "python -m seriesview.config.reference > docs/configuration.md"
    )


def test_all_problems_are_listed_at_once() -> None:
    found = problems(
        {
            "datasets": {
                "a": {"path": "x", "chanels": 3, "sampling_frequency": 0, "dtype": "complex64"},
                "b": {"channels": "many"},
            },
            "views": [{"label": "v", "panels": [{"type": "Raster", "series": "aa"}]}],
            "wrkspace": "w",
        }
    )
    assert sorted(found) == [
        "c: datasets.a.dtype: expected a dtype of samples, such as int16 or float32, found 'complex64'",
        "c: datasets.a.sampling_frequency: expected a number above 0, found 0",
        "c: datasets.a: unknown key chanels (did you mean channels?)",
        "c: datasets.b.channels: expected an integer from 1 to 1000000, found 'many'",
        "c: datasets.b: path is missing",
        "c: the file: unknown key wrkspace (did you mean workspace?)",
        "c: views[0].panels[0].series: there is no dataset 'aa' (did you mean a?); there are a, b",
        "c: views[0].panels[0].type: expected one of ContinuousTraces, EventAmplitudes, RasterPlot, "
        "Position, ProbabilityDensity, IntervalLanes, found 'Raster' (did you mean RasterPlot?)",
    ]


def test_what_is_left_to_be_filled_in_is_named() -> None:
    assert problems({"datasets": {"a": {"path": "x", "channels": None, "dtype": None}}}) == [
        "c: datasets.a.dtype: nothing is filled in; write a dtype of samples, such as int16 or float32 here",
        "c: datasets.a.channels: nothing is filled in; write an integer from 1 to 1000000 here",
    ]


@pytest.mark.parametrize(
    "content", [None, [], "text", 3, {}, {"datasets": {}}, {"datasets": None}, {"datasets": []}]
)
def test_what_is_no_configuration_is_refused(content: Any) -> None:
    assert problems(content)


@pytest.mark.parametrize("name", ["../up", "a/b", "", "-x", ".x", "a b", "é", "a" * 101])
def test_names_that_are_no_file_names_are_refused(name: str) -> None:
    assert "expected a name for a dataset" in problems({"datasets": {name: {"path": "x"}}})[0]


def test_numbers_that_yaml_takes_for_text_are_explained(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("datasets: {a: {path: x, sampling_frequency: 3e4}}")
    with pytest.raises(ConfigError, match=r"YAML takes 3e4 for text: write 30000\.0"):
        load_config(path)


def test_two_datasets_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("datasets:\n  a: {path: x}\n  b: {path: y, chanels: 3}\n  a: {path: z}\n")
    with pytest.raises(ConfigError, match=r"line 4: a stands here a second time") as caught:
        load_config(path)
    assert "unknown key chanels" in str(caught.value), "one problem hides no other"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a: [", "not YAML"), (b"\xff\xfe\xff", "not text in UTF-8"), (b"a: !!python/none x", "not YAML")],
)
def test_files_that_are_no_yaml_are_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(path)
    assert "\n" not in caught.value.problems[0]


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="seriesview init"):
        load_config(tmp_path / "config.yaml")


def test_numbers_that_are_not_finite_are_refused_like_others_that_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "datasets:\n"
        "  a: {path: a.npy, sampling_frequency: .nan, scale: .inf}\n"
        "  b: {path: b.npy, sampling_frequency: 10, full_resolution: yes}\n"
        "views: [{label: v, panels: [{type: ProbabilityDensity, series: a, bin_centers: [0, -.inf]}]}]\n"
    )
    with pytest.raises(ConfigError) as raised:
        load_config(path)
    assert sorted(line.removeprefix(f"{path}: ") for line in raised.value.problems) == [
        "datasets.a.sampling_frequency: expected a number above 0, found a number that is not finite",
        "datasets.a.scale: expected a number, found a number that is not finite",
        "datasets.b.full_resolution: expected one of auto, link, store, omit, compute, found true",
        "views[0].panels[0].bin_centers[1]: expected a number, found a number that is not finite",
    ]


@pytest.mark.parametrize("missing", [-9999, 1.5, [1, 2.5], [], {"values": [3]}, {"below": 0, "above": 4096}])
def test_missing_values_are_a_number_some_or_ends_of_a_range(missing) -> None:
    check_config({"datasets": {"a": {"path": "a.npy", "missing": missing}}})
    # Another value gives other artifacts.
    assert without_descriptions({"missing": missing}) == {"missing": missing}


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("none", "expected a number, a list of numbers, or keys of"),
        ("1e20", "YAML takes 1e20 for text: write 1.0e+20"),
        ([1, "1e5"], "YAML takes 1e5 for text: write 100000.0"),
        ({"low": 3}, "expected a number, a list of numbers, or keys of"),
        ({}, "expected a number, a list of numbers, or keys of"),
        (float("inf"), "is not finite"),
    ],
)
def test_missing_values_of_another_form_are_refused(missing, words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        check_config({"datasets": {"a": {"path": "a.npy", "missing": missing}}})
