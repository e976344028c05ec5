"""Documents with one value replaced by what does not belong there, or left out: which of them are taken stays as it is.

`hostile.json` holds sound documents, values, and by each place of a document the numbers of the values that are taken
there; -1 stands for leaving it out. `python tests/documents/test_documents_hostile.py` writes it anew: look at the
difference before you keep it.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seriesview.config import check_config
from seriesview.documents.expectations import Document
from seriesview.errors import SeriesviewError
from seriesview.node import feed_routes, file_keys, task_routes
from seriesview.node.requests import Body, checked_body
from seriesview.series.manifest import parse_series_manifest, read_series_manifest
from seriesview.tasks import TASK_FUNCTIONS, TaskLimits
from seriesview.tasks.arguments import arguments_of
from seriesview.workspace.manifest import parse_workspace_manifest

CORPUS = Path(__file__).with_name("hostile.json")
LEFT_OUT = -1


def arguments(function: str) -> Callable[[Any], Document]:
    kind = TASK_FUNCTIONS[f"seriesview.{function}"].arguments
    return lambda kwargs: arguments_of(kind, kwargs, TaskLimits(max_channels=5))


def request(kind: type[Body]) -> Callable[[Any], Body]:
    return lambda body: checked_body(kind, body)


CHECKERS: dict[str, Callable[[Any], object]] = {
    "config": check_config,
    "series": parse_series_manifest,
    "workspace": parse_workspace_manifest,
    "get_window.1": arguments("get_window.1"),
    "get_points.1": arguments("get_points.1"),
    "get_statistics.1": arguments("get_statistics.1"),
    "get_array.2": arguments("get_array.2"),
    "requestTask": request(task_routes._TaskRequest),
    "registerTaskFunctions": request(task_routes._Poll),
    "watchForNewMessages": request(feed_routes._Watches),
    "fileKey": request(file_keys.FileKey),
}


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where each value of a document lies."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def changed(document: Any, path: tuple[str | int, ...], values: list[Any], number: int) -> Any:
    """The document with another value at a place, or without it."""
    if not path:
        return values[number]
    document = copy.deepcopy(document)
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    if number == LEFT_OUT:
        del holder[path[-1]]
    else:
        holder[path[-1]] = copy.deepcopy(values[number])
    return document


def is_taken(check: Callable[[Any], object], document: Any) -> bool:
    try:
        check(document)
    except SeriesviewError as error:
        said = str(error)
    else:
        return True
    # Lines for people, whatever the value was.
    assert max(map(len, re.split("; |\n", said))) < 500, said
    return False


def taken(check: Callable[[Any], object], document: Any, values: list[Any]) -> dict[str, list[int]]:
    """By place the numbers of the values that are taken there."""
    return {
        json.dumps(path): [
            number
            for number in range(LEFT_OUT if path else 0, len(values))
            if is_taken(check, changed(document, path, values, number))
        ]
        for path in places(document)
    }


def corpus() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CORPUS.read_text())
    return found


@pytest.mark.parametrize("number", range(len(corpus()["documents"])))
def test_the_same_documents_are_taken(number: int) -> None:
    found = corpus()
    entry = found["documents"][number]
    assert taken(CHECKERS[entry["kind"]], entry["document"], found["values"]) == entry["taken"]


@pytest.mark.parametrize(
    "number", [n for n, entry in enumerate(corpus()["documents"]) if entry["kind"] == "series"]
)
def test_bytes_of_a_manifest_mean_what_its_document_does(number: int) -> None:
    found = corpus()
    entry, values = found["documents"][number], found["values"]
    for place, numbers in entry["taken"].items():
        for taken_number in numbers:
            document = changed(entry["document"], tuple(json.loads(place)), values, taken_number)
            text = json.dumps(document)
            # NaN is no equal of itself.
            assert repr(read_series_manifest(text.encode())) == repr(parse_series_manifest(json.loads(text)))


if __name__ == "__main__":
    written = corpus()
    for entry in written["documents"]:
        entry["taken"] = taken(CHECKERS[entry["kind"]], entry["document"], written["values"])
    lines = [f'"values": {json.dumps(written["values"])}']
    entries = ",\n".join(json.dumps(entry) for entry in written["documents"])
    CORPUS.write_text("{\n" + lines[0] + ',\n"documents": [\n' + entries + "\n]}\n")
