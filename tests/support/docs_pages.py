"""Markdown pages: their fenced blocks, headings and links.

How a block is marked says what is done with it:

- `console`: its commands (lines that begin with `$ `) are run; what follows each is the expected output, in which
  `...` stands for anything. A command may fail only where the next one is `echo $?`.
- `python`: run; a `text` block right behind it is the expected output.
- any language with `file=NAME`: written to that file.
- `sh` and everything else: only shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

_FENCE = re.compile(r"^(?P<indent> *)(?P<marks>`{3,})(?P<language>[\w-]*) *(?P<rest>.*)$")
_FILE = re.compile(r"\bfile=(\S+)")
_STARTS_FROM = re.compile(r"<!-- starts from (\S+) -->")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.*?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block: where it begins (line, counted from 1), its language, file name and text."""

    page: Path
    line: int
    language: str
    file: str | None
    text: str
    output: str | None = None

    @property
    def where(self) -> str:
        """Page and line, for messages."""
        return f"{self.page.name}:{self.line}"


def pages() -> list[Path]:
    """Every page of the documentation for users."""
    return [ROOT / "README.md", ROOT / "config" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def starting_page(page: Path) -> Path | None:
    """The page whose files this one goes on with."""
    match = _STARTS_FROM.search(page.read_text())
    return None if match is None else page.parent / match[1]


def blocks(page: Path) -> list[Block]:
    """The page's fenced blocks in order; the output of Python is joined to its block."""
    found: list[Block] = []
    previous_end = -1
    for line, language, rest, text, end in _fences(page.read_text().splitlines()):
        if language == "text" and found and found[-1].language == "python" and line - previous_end <= 2:
            last = found.pop()
            found.append(Block(page, last.line, last.language, last.file, last.text, text))
        else:
            named = _FILE.search(rest)
            found.append(Block(page, line, language, named[1] if named else None, text))
        previous_end = end
    return found


def section(page: Path, name: str) -> str:
    """The text below a heading of the second level, with the heading."""
    match = re.search(rf"^## {re.escape(name)}$.*?(?=^## |\Z)", page.read_text(), re.MULTILINE | re.DOTALL)
    assert match is not None, f"{page.name} has no section `## {name}`"
    return match[0]


def _fences(lines: list[str]) -> Iterator[tuple[int, str, str, str, int]]:
    number = 0
    while number < len(lines):
        opening = _FENCE.match(lines[number])
        number += 1
        if opening is None:
            continue
        first, content = number, []
        while lines[number].strip() != opening["marks"]:
            content.append(lines[number].removeprefix(opening["indent"]))
            number += 1
        number += 1
        yield first, opening["language"], opening["rest"], "\n".join(content) + "\n", number


def without_blocks(page: Path) -> str:
    """The page's text outside fenced blocks and code spans."""
    lines, inside = [], False
    for line in page.read_text().splitlines():
        if _FENCE.match(line) or (inside and line.strip().startswith("```")):
            inside = not inside
        elif not inside and not line.startswith("    "):
            lines.append(re.sub(r"`[^`]*`", "", line))
    return "\n".join(lines)


def links(page: Path) -> list[str]:
    """Targets of the page's links and pictures."""
    return _LINK.findall(without_blocks(page))


def anchors(page: Path) -> set[str]:
    """The names by which its headings can be linked to, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    words = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(text)]
    return set(words)
