"""`sessions:`: which there are by a pattern or a table, and every problem at once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from other_process import NOBODY, in_child, open_directory

from seriesview.config import check_config, config_schema, with_defaults
from seriesview.config.patterns import Match, filled_in, matches, wildcards
from seriesview.config.session_table import table_schema_text
from seriesview.config.sessions import Session, sessions_of
from seriesview.errors import ConfigError

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(here: Path, *paths: str) -> None:
    for path in paths:
        (here / path).parent.mkdir(parents=True, exist_ok=True)
        (here / path).touch()


def checked(content: Any) -> dict[str, Any]:
    check_config(content)
    return with_defaults(content)


def sessions(**said: Any) -> list[Session]:
    return sessions_of(checked({"sessions": said}))


def problems(content: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        sessions_of(checked(content))
    return [line.removeprefix("configuration: ") for line in caught.value.problems]


def test_wildcards_take_the_longest_stretch_of_a_name(here: Path) -> None:
    made(
        here, "data/rat_7/2026-01-02_g0/a.ap.bin", "data/rat_7/2026-01-02_g0/b.ap.bin", "data/x/y_g1/c.ap.bin"
    )
    pattern = "data/{subject}/{date}_g0/*.ap.bin"
    values = {"subject": "rat_7", "date": "2026-01-02"}
    folder = "data/rat_7/2026-01-02_g0"
    assert matches(pattern) == [Match(f"{folder}/{name}.ap.bin", values) for name in "ab"]
    assert matches("data/{subject}") == [Match(f"data/{name}", {"subject": name}) for name in ("rat_7", "x")]
    assert [match.values for match in matches("data/{a}_{b}")] == [{"a": "rat", "b": "7"}]


def test_the_same_wildcard_stands_for_the_same(here: Path) -> None:
    made(here, "sub-01/sub-01_eeg.edf", "sub-02/sub-01_eeg.edf", "sub-02/.hidden_eeg.edf", "aa.x", "ab.x")
    assert [match.path for match in matches("sub-{s}/sub-{s}_eeg.edf")] == ["sub-01/sub-01_eeg.edf"]
    assert [match.path for match in matches("{a}{a}.x")] == ["aa.x"]
    assert [match.path for match in matches("sub-{s}/*.edf", {"s": "02"})] == ["sub-02/sub-01_eeg.edf"]


def test_shells_wildcards_mean_what_they_do_there(here: Path) -> None:
    made(here, "a/b/c/x1.edf", "a/x2.edf", "a/x(3).edf", "a/{x}.edf", "a/.no/x4.edf", "a/x^.edf")
    assert [match.path for match in matches("a/**/x?.edf")] == ["a/x2.edf", "a/x^.edf", "a/b/c/x1.edf"]
    assert [match.path for match in matches("a/x[0-9].edf")] == ["a/x2.edf"]
    assert [match.path for match in matches("a/x[!0-9].edf")] == ["a/x^.edf"]
    assert [match.path for match in matches("a/x({n}).edf")] == ["a/x(3).edf"]
    assert [match.path for match in matches("a/{{*}}.edf")] == ["a/{x}.edf"]
    assert [match.path for match in matches(f"{here}/a/x[2].{{kind}}")] == [f"{here}/a/x2.edf"]
    with pytest.raises(ValueError, match=r"a/x\[9-0\]\*.*range"):
        matches("a/x[9-0]*")


def test_braces_are_filled_in_once() -> None:
    assert filled_in("{a}-{{a}}-{b}", {"a": "{b}", "b": "2"}) == "{b}-{a}-2"
    assert wildcards("{a}{{c}}{b}{a}") == ("a", "b")
    with pytest.raises(KeyError, match="c"):
        filled_in("{c}", {})


def test_a_session_is_what_its_wildcards_stand_for(here: Path) -> None:
    made(
        here,
        *(
            f"data/{subject}/{date}_g0/run.{band}.bin"
            for subject in ("r 1", "r2")
            for date in ("d1", "d2")
            for band in ("ap", "lf")
        ),
    )
    made(here, "data/r2/d1_g0/pos.csv", "data/r2/d2_g0/run.2.lf.bin")
    found = sessions(
        path="data/{subject}/{date}_g0/*.ap.bin",
        label="{subject} on {date}",
        datasets={
            "probe": {"unit": "uV", "label": "{subject}", "session_start": "2026-01-01T00:00"},
            "lfp": {"path": "data/{subject}/{date}_g0/*.lf.bin", "dtype": "int16"},
            "position": {"path": "data/{subject}/{date}_g0/pos.csv", "unit": "{cm}"},
        },
        views=[
            {
                "label": "{date}",
                "panels": [{"type": "ContinuousTraces", "series": "lfp", "label": "{subject}"}],
            }
        ],
    )
    assert [each.id for each in found] == ["r_1_d1", "r_1_d2", "r2_d1", "r2_d2"]
    first, last = found[0], found[-1]
    assert first.label == "r 1 on d1"
    assert first.values == {"subject": "r 1", "date": "d1"}
    assert first.paths == ("data/r 1/d1_g0/run.ap.bin",)
    assert first.datasets == {
        "probe": {
            "path": "data/r 1/d1_g0/run.ap.bin",
            "unit": "uV",
            "label": "r 1",
            "session_start": "2026-01-01T00:00",
        },
        "lfp": {"path": "data/r 1/d1_g0/run.lf.bin", "dtype": "int16"},
        # What is not there is told by the build, as ever; braces elsewhere are braces.
        "position": {"path": "data/r 1/d1_g0/pos.csv", "unit": "{cm}"},
    }
    assert first.views[0]["label"] == "d1"
    assert first.views[0]["panels"][0]["label"] == "r 1"
    assert last.problems == {
        "lfp": "path: 2 files match: data/r2/d2_g0/run.2.lf.bin, data/r2/d2_g0/run.lf.bin; say which one with `path`"
    }
    assert "lfp" not in last.datasets


def test_a_table_has_a_line_for_each(here: Path) -> None:
    (here / "sessions.tsv").write_text(
        "id\tpath\tsubject\towner\nmonday\tx/{1}.edf\trat 7\tn/a\n\ntuesday\t\trat 8\tann\n",
        encoding="utf-8-sig",
    )
    one, two = sessions(table="sessions.tsv", path="raw/{subject}.edf", id="never")
    # A path in a table is one as it stands.
    assert (one.id, one.label, one.paths, one.values) == (
        "monday",
        "monday",
        ("x/{1}.edf",),
        {"subject": "rat 7"},
    )
    assert (two.id, two.paths) == ("tuesday", ("raw/rat 8.edf",))
    assert two.values == {"subject": "rat 8", "owner": "ann"}
    (here / "s.csv").write_text("path,label\na.edf,A\n")
    (only,) = sessions(table="s.csv", id="{label}-1")
    assert (only.id, only.label) == ("A-1", "A")
    (here / "s.csv").write_text("subject,date\nr,d\n")
    (only,) = sessions(table="s.csv", datasets={"a": {"path": "{subject}/{date}.edf"}})
    assert (only.id, only.datasets["a"]["path"]) == ("r_d", "r/d.edf")


def test_every_problem_of_a_configuration_is_listed(here: Path) -> None:
    panels = [{"type": "ContinuousTraces", "series": "b", "label": "{dat}"}]
    assert problems(
        {
            "sessions": {
                "path": "data/{date}.edf",
                "label": "{}",
                "datasets": {"a": {"path": "{date}/{subject}.edf", "label": "{datum}"}},
                "views": [{"label": "v", "panels": panels}],
                "wildcard": 3,
            }
        }
    ) == [
        "sessions: unknown key wildcard",
        "sessions.label: '{}': a wildcard is {name}, of letters, digits and '_'; braces that mean themselves are {{ "
        "and }}",
        "sessions.datasets.a.path: there is no wildcard {subject}; there are date",
        "sessions.datasets.a.label: there is no wildcard {datum} (did you mean date?); there are date",
        "sessions.views[0].panels[0].label: there is no wildcard {dat} (did you mean date?); there are date",
        "sessions.views[0].panels[0].series: there is no dataset 'b'; there are a",
    ]
    assert problems({}) == ["the file: datasets is missing, or sessions where recordings repeat"]
    assert problems({"sessions": {}}) == ["sessions: path or table is missing"]
    assert problems({"sessions": {"path": "a/*.edf"}}) == [
        "sessions.path: has no wildcard that tells sessions apart, such as {subject}"
    ]
    (nothing,) = problems({"sessions": {"path": "a/{b}.edf"}})
    assert nothing == f"sessions.path: nothing matches 'a/{{b}}.edf' (relative paths start at {here})"


def test_every_problem_of_a_table_is_listed(here: Path) -> None:
    table = here / "t.tsv"
    content = {"sessions": {"table": "t.tsv"}}
    assert problems(content) == ["t.tsv: no such file; `sessions.table` is relative to the working directory"]
    table.write_text("id\tsub ject\tpath\n.x\ta\tb\nok\ta\n")
    assert problems(content) == [
        "t.tsv: the heading: expected names of letters, digits and '_', found 'sub ject'; are the columns separated by "
        "tabs?",
        "t.tsv: line 2: id: expected a session's id of letters, digits, '.', '_' and '-', at most 100, no '.' or '-' "
        "first, found '.x'",
        "t.tsv: line 3: expected 3 columns, found 2",
    ]
    table.write_text("id\tsubject\na\tx\nb\ty\n")
    assert problems(content) == [
        f"t.tsv: line {number}: path is not known, and `sessions` has neither `path` nor `datasets` that say it"
        for number in (2, 3)
    ]
    table.write_text("id\tpath\tsubject\na\tx\tr\na\ty\tr\npictures\tz\tn/a\n")
    content["sessions"]["label"] = "{subject}"
    assert problems(content) == [
        "t.tsv: line 3: is called a, as is t.tsv: line 2; tell them apart with `sessions.id`",
        "t.tsv: line 4: subject is not known, which a text with {subject} needs",
    ]
    content["sessions"]["label"] = "{owner}"
    assert problems(content) == [
        "sessions.label: there is no wildcard {owner}; there are id, path, subject",
    ]


def test_lines_of_a_table_are_counted_as_editors_do(here: Path) -> None:
    (here / "t.tsv").write_text("id\tpath\n\na\ta.edf\n\na\tb.edf\n")
    assert problems({"sessions": {"table": "t.tsv"}}) == [
        "t.tsv: line 5: is called a, as is t.tsv: line 3; tell them apart with `sessions.id`"
    ]


def test_what_no_pattern_is_is_told_by_line(here: Path) -> None:
    (here / "t.tsv").write_text("subject\na\n")
    said = {"table": "t.tsv", "path": "{subject}[z-a].dat", "id": "{subject}"}
    (problem,) = problems({"sessions": said})
    assert problem.startswith("t.tsv: line 2: ")
    assert "bad character range" in problem


def test_a_folder_that_cannot_be_looked_into_is_told_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    content = {"sessions": {"table": "t.tsv", "path": "{subject}/*.dat", "id": "{subject}"}}
    with open_directory() as folder:
        monkeypatch.chdir(folder)
        (folder / "t.tsv").write_text("subject\na\n")
        made(folder, "a/raw.dat")
        (folder / "a").chmod(0)
        told = in_child(lambda: problems(content), user=None if os.geteuid() else NOBODY)
        monkeypatch.undo()
    assert told == ["t.tsv: line 2: a/: Permission denied"]


def test_ids_are_names_that_nothing_else_has(here: Path) -> None:
    made(here, "d/series.edf", "d/a b.edf", "d/a_b.edf")
    assert problems({"sessions": {"path": "d/{s}.edf"}}) == [
        "sessions.path: d/a_b.edf: is called a_b, as is sessions.path: d/a b.edf; tell them apart with `sessions.id`",
        "sessions.path: d/series.edf: a session cannot be called series, which lies in the folder of results; give it "
        "an `id`",
    ]
    (here / "d" / "a b.edf").unlink()
    assert [each.id for each in sessions(path="d/{s}.edf", id=".x-{s}")] == ["x-a_b", "x-series"]
    (here / "d" / "series.edf").rename(here / "d" / "a b.edf")
    (here / "d" / "a_b.edf").unlink()
    assert [each.id for each in sessions(path="d/{id}.edf")] == ["a_b"]


def test_schemas_say_what_the_checks_say() -> None:
    path = ROOT / "workflow" / "schemas" / "sessions.schema.json"
    assert path.read_text() == table_schema_text(), "python -m seriesview.config.session_table"
    schema = Draft202012Validator(config_schema())
    assert schema.is_valid({"sessions": {"path": "{a}.edf", "datasets": {"x": {"unit": "uV"}}}})
    assert not schema.is_valid({"workspace": "x"})
    assert not schema.is_valid({"sessions": {"id": "x"}})
    row = Draft202012Validator(json.loads(table_schema_text()))
    assert row.is_valid({"id": "a", "owner": "ann"})
    assert not row.is_valid({"id": "-a"})


def test_braces_elsewhere_are_braces() -> None:
    content = {"datasets": {"a": {"path": "{subject}.edf"}}}
    check_config(content)
    assert with_defaults(content)["datasets"]["a"]["path"] == "{subject}.edf"
