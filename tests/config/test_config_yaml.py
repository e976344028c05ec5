"""Files of YAML that somebody made to mislead, and what YAML legally offers."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from seriesview.config import load_config, read_yaml
from seriesview.errors import ConfigError

DATASET = "datasets: {a: {path: a.dat, dtype: int16, channels: 2, sampling_frequency: 10}}\n"
BOMB = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 10)}]\n" for level in range(1, 12)
)
MISLEADING = {
    "aliases": BOMB,
    "aliases in a dataset": BOMB + "datasets: {a: {path: a, channel_labels: *l11}}\n",
    "mappings": "a0: &a0 {x: 1}\n"
    + "".join(f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}\n" for n in range(1, 40)),
    "merges": "a0: &a0 {x: 1}\n"
    + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 40)),
    "itself": "datasets: &a {b: *a}\n",
    "a list in itself": "datasets: {a: {path: x, channel_labels: &l [*l]}}\n",
    "merged with itself": "datasets: &a {<<: *a}\n",
    "deep": "datasets: " + "[" * 100_000,
    "deep mappings": "datasets: " + "{a: " * 100_000,
    "deep blocks": "".join(" " * level + "a:\n" for level in range(900)),
    "keys": "? " * 100_000,
    "closed": "datasets: " + "[" * 500 + "]" * 500,
    "digits": DATASET.replace("30000", "") + f"workspace: {'9' * 6000}\n",
    "digits of a rate": DATASET.replace("10}", "9" * 6000 + "}"),
    "some digits of a rate": DATASET.replace("10}", "9" * 4000 + "}"),
    "hexadecimal": DATASET.replace("10}", "0x" + "f" * 60_000 + "}"),
    "sixties": DATASET.replace("10}", ":".join(["59"] * 5000) + "}"),
    "quoted digits": DATASET.replace("10}", "'" + "9" * 6000 + "'}"),
    "exponent": DATASET.replace("10}", "1.0e+400}"),
    "key of digits": f"{'9' * 6000}: 1\n",
    "long key": f"datasets: {{{'k' * 100_000}: 1}}\n",
    "many keys": "datasets: {a: {path: a}}\n" + "".join(f"k{n}: 1\n" for n in range(20_000)),
    "large": "#" * (3 << 20),
    "binary": "datasets: !!binary 'x'\n",
    "python": "datasets: !!python/object/apply:os.system [ls]\n",
    "set": "datasets: !!set {a, b}\n",
    "time": "datasets: !!timestamp x\n",
    "float": "datasets: !!float x\n",
    "int": "datasets: !!int x\n",
    "bool": "datasets: !!bool x\n",
    "pairs": "datasets: !!pairs [a]\n",
    "control": "datasets: \x07\n",
    "lists as keys": "datasets: {[a]: b}\n",
    "merge of a number": "datasets: {<<: 3}\n",
    "hexadecimal channels": DATASET.replace("channels: 2", "channels: 0x" + "f" * 6000),
    "binary offset": DATASET.replace("10}", "10, byte_offset: 0b1" + "0" * 6000 + "}"),
    "no month": DATASET.replace("10}", "10, session_start: 2020-13-01}"),
    "no day": DATASET.replace("10}", "10, session_start: 2023-02-29}"),
    "no hour": DATASET.replace("10}", "10, session_start: 2020-01-01 25:00:00}"),
    "no year": DATASET.replace("10}", "10, session_start: 0000-01-01}"),
    "a tag": "datasets: !<" + "x" * 10_000 + "> 1\n",
}


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


@pytest.mark.parametrize("kind", MISLEADING)
def test_misleading_files_are_short_errors(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(MISLEADING[kind])
    with pytest.raises(ConfigError) as error:
        load_config(path)
    assert all(problem.startswith(f"{path}: ") for problem in error.value.problems)
    assert all(
        len(problem.removeprefix(str(path))) < 1000 and "\n" not in problem
        for problem in error.value.problems
    )


@pytest.mark.parametrize(
    "kind", ["aliases in a dataset", "itself", "deep", "digits of a rate", "hexadecimal channels", "no month"]
)
def test_the_command_line_says_so_in_little_memory(tmp_path: Path, kind: str) -> None:
    (tmp_path / "config.yaml").write_text(MISLEADING[kind])
    for command in (["build"], ["view", "config.yaml"], ["window", "sha1://" + "0" * 40 + "/x.json"]):
        result = subprocess.run(
            [sys.executable, "-m", "seriesview.cli.main", *command],
            cwd=tmp_path,
            preexec_fn=limited,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert result.returncode == 2, result.stderr
        assert result.stderr.startswith("seriesview: error: "), result.stderr
        assert "config.yaml" in result.stderr
        assert "Traceback" not in result.stderr
        assert len(result.stderr) < 2000


def test_a_pipe_is_no_configuration(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="no regular file"):
        load_config(path)


def test_dates_without_quotes_stay_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(DATASET.replace("10}", "10, session_start: 2020-02-29 12:00:00}"))
    assert load_config(path)["datasets"]["a"]["session_start"] == "2020-02-29 12:00:00"


def test_merge_keys_and_anchors_work(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        """
        datasets:
          a: &a {path: a.dat, dtype: int16, channels: 2, sampling_frequency: 10}
          b: {<<: *a, path: b.dat}
          c:
            <<: [*a, {unit: uV}]
            path: c.dat
        """
    )
    datasets = load_config(path)["datasets"]
    assert datasets["b"] == {"path": "b.dat", "dtype": "int16", "channels": 2, "sampling_frequency": 10}
    assert datasets["c"] == {**datasets["b"], "path": "c.dat", "unit": "uV"}
    assert read_yaml(path)[1] == []
    path.write_text("a: &a {x: 1}\nb: &b {x: 2}\nc: {<<: [*a, *b]}\n")
    assert read_yaml(path)[1] == ["line 2: x is in several of the merged parts; write it out"]


def test_defaults_are_every_datasets_keys(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        """
        defaults: &defaults {dtype: int16, channels: 2, sampling_frequency: 10}
        datasets:
          a: {path: a.dat}
          b: {<<: *defaults, path: b.dat, channels: 4}
        """
    )
    content = load_config(path)
    assert content["datasets"] == {
        "a": {"path": "a.dat", "dtype": "int16", "channels": 2, "sampling_frequency": 10},
        "b": {"path": "b.dat", "dtype": "int16", "channels": 4, "sampling_frequency": 10},
    }
    assert "defaults" not in content
    path.write_text("defaults: {chanels: 2}\ndatasets: {a: {path: a.dat}}\n")
    with pytest.raises(ConfigError, match=r"defaults: unknown key chanels .did you mean channels"):
        load_config(path)


def test_mains_are_those_of_every_panel_of_traces(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        """
        mains: 60
        datasets: {a: {path: a.csv}}
        views:
        - label: all
          panels:
          - {type: ContinuousTraces, series: a}
          - {type: ContinuousTraces, series: a, mains: 50}
          - {type: RasterPlot, series: a}
        """
    )
    [view] = load_config(path)["views"]
    assert [panel.get("mains") for panel in view["panels"]] == [60, 50, None]
    path.write_text("mains: 0\ndatasets: {a: {path: a.csv}}\n")
    with pytest.raises(ConfigError, match="mains: expected a number above 0"):
        load_config(path)


def test_keys_that_stand_twice_are_told(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("datasets:\n  a: {path: x}\n  a: {path: y}\n")
    assert read_yaml(path)[1] == ["line 3: a stands here a second time; rename one of the two"]
