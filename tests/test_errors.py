"""Errors carry a code and facts beside the sentence, wherever they go: to another process, and over the wire."""

import copy
import pickle
import re
from pathlib import Path

import pytest

from seriesview import errors
from seriesview.backend.client import Refused
from seriesview.errors import (
    CODES,
    ConfigError,
    IntegrityError,
    ReaderError,
    SeriesviewError,
    TaskError,
    coded,
    parse_coded,
)

SHA1 = "0123456789abcdef0123456789abcdef01234567"
PAGE = Path(__file__).parent.parent / "docs" / "tasks.md"


def kinds(kind: type[SeriesviewError] = SeriesviewError) -> list[type[SeriesviewError]]:
    return [kind, *(each for below in kind.__subclasses__() for each in kinds(below))]


def test_every_kind_has_a_code_of_the_closed_set() -> None:
    assert {kind.code for kind in kinds()} <= CODES


def test_the_page_lists_every_code() -> None:
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", PAGE.read_text().split("### Codes")[1], re.MULTILINE)
    assert listed == sorted(CODES)


@pytest.mark.parametrize("again", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_is_the_same_in_another_process(again) -> None:
    error = IntegrityError("has other bytes", sha1=SHA1, where=("dataset probe",))
    same = again(error)
    assert (type(same), str(same), same.code, same.facts) == (
        IntegrityError,
        str(error),
        error.code,
        error.facts,
    )
    assert again(ConfigError(["one\ntwo", "three"])).problems == ["one\ntwo", "three"]
    assert again(Refused("no", 403)).status == 403


def moved() -> None:
    try:
        raise ReaderError("holds nothing", where=("a.h5",), code="too-large")
    except ReaderError as error:
        raise error.within("dataset probe") from error


def test_an_error_that_is_placed_keeps_its_code_and_its_cause() -> None:
    with pytest.raises(ReaderError) as raised:
        moved()
    assert str(raised.value) == "dataset probe: a.h5: holds nothing"
    assert str(raised.value.__cause__) == "a.h5: holds nothing"
    assert raised.value.code == "too-large"


def test_a_place_is_named_once() -> None:
    error = ReaderError("holds nothing", where=("a.h5",)).within("dataset probe", dataset="probe")
    assert error.within("dataset probe").where == ("dataset probe", "a.h5")
    assert error.facts["dataset"] == "probe"


def test_a_code_and_facts_go_over_the_wire() -> None:
    error = TaskError("is not there", code="artifact-missing", sha1=SHA1, path="/home/me/secret")
    text = coded(error)
    assert text == f"[artifact-missing sha1={SHA1}] is not there"
    back = parse_coded(text)
    assert (str(back), back.code, back.facts) == ("is not there", "artifact-missing", {"sha1": SHA1})


@pytest.mark.parametrize(
    "text", ["no such thing", "[Errno 2] no file", "[not-a-code] no", "[too-large]no", ""]
)
def test_a_message_without_a_known_code_stands_as_it_is(text: str) -> None:
    error = parse_coded(text)
    assert (str(error), error.code, error.facts) == (text, "task-failed", {})


def test_every_sentence_can_be_reworded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "translate", str.upper)
    error = TaskError("is not there", code="no-backend", where=("probe",))
    assert str(error) == "PROBE: IS NOT THERE"
    assert ConfigError(["a: is no number"]).problems == ["A: IS NO NUMBER"]
    assert parse_coded(coded(error)).code == "no-backend"
