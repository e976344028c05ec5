"""A table of sessions: lines of text, tab-separated, with a heading; every problem at once."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, ValidationError

from seriesview.config.model import NAME_PATTERN
from seriesview.config.patterns import NAME
from seriesview.documents.checking import json_schema
from seriesview.documents.expectations import Document, Words
from seriesview.documents.problems import lines, problems, shown
from seriesview.errors import ConfigError

SESSION_NAME = Words(
    pattern=NAME_PATTERN,
    said="a session's id of letters, digits, '.', '_' and '-', at most 100, no '.' or '-' first",
)
_MOST_BYTES = 64 << 20
_NOT_THERE = ("", "n/a")


class SessionRow(Document):
    """One session: its columns, each of which can stand in `{...}` in `sessions:`. Empty or `n/a`: not known."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Annotated[str, Words(1)]]

    id: Annotated[str, SESSION_NAME] | None = Field(
        None, description="What the session is called in results and links."
    )
    path: Annotated[str, Words(1)] | None = Field(
        None, description="Its recording: a file or folder, relative to the working directory, or an address."
    )
    label: Annotated[str, Words(1)] | None = Field(None, description="What people call its workspace.")


def read_table(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The number of each line and what it says, by column, what is not known left out.

    Raises ConfigError with every problem.
    """
    text = _text_of(path)
    reader = csv.reader(
        io.StringIO(text), delimiter="," if path.suffix.lower() == ".csv" else "\t", strict=True
    )
    try:
        rows = [
            (reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))
        ]
    except csv.Error as error:
        raise ConfigError([f"{path}: line {reader.line_num}: {error}"]) from error
    if len(rows) < 2:
        raise ConfigError(
            [f"{path}: expected a heading and a line for each session, found {len(rows)} lines"]
        )
    (_, heading), *rows = rows
    found = [f"{path}: {problem}" for problem in _problems_of(heading)]
    sessions = []
    for number, row in rows:
        if len(row) != len(heading):
            found.append(f"{path}: line {number}: expected {len(heading)} columns, found {len(row)}")
            continue
        cells = {key: cell for key, cell in zip(heading, row, strict=True) if cell.lower() not in _NOT_THERE}
        try:
            SessionRow.model_validate(cells)
        except ValidationError as error:
            found += [f"{path}: line {number}: {line}" for line in lines(problems(error, SessionRow))]
        sessions.append((number, cells))
    if found:
        raise ConfigError(found)
    return sessions


def table_schema_text() -> str:
    """The JSON schema of a line, as the file in workflow/schemas/ holds it."""
    return json.dumps(json_schema(SessionRow, "a line of seriesview's table of sessions"), indent=2) + "\n"


def _problems_of(heading: list[str]) -> Iterator[str]:
    for name in heading:
        if re.fullmatch(NAME, name) is None:
            hint = "; are the columns separated by tabs?" if "," in name or " " in name else ""
            yield f"the heading: expected names of letters, digits and '_', found {shown(name)}{hint}"
        elif heading.count(name) > 1:
            yield f"the heading: two columns are called {name}"
            return


def _text_of(path: Path) -> str:
    try:
        if not path.is_file():
            raise ConfigError(
                [f"{path}: no such file; `sessions.table` is relative to the working directory"]
            )
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ConfigError(
                [f"{path}: is larger than {_MOST_BYTES >> 20} MiB, which is no table of sessions"]
            )
        return content.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not text in UTF-8 (byte {error.start})"]) from error


if __name__ == "__main__":
    print(table_schema_text(), end="")
