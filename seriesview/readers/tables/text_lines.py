"""Whole lines of a text file in blocks of UTF-8, whatever it is written in."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seriesview.errors import ReaderError

_BLOCK_BYTES = 1 << 20
_HEAD_BYTES = 1 << 16
_MOST_LINE_BYTES = 1 << 24
_COMMENTS = ("#", "%")
# What texts of recorders begin with that are no tables, though there are tables in them.
_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".tab", ".log", ".asc", ".lvm"})
_SNIFF_BYTES = 4096
EYELINK, BOXY = b"** CONVERTED FROM", b"BOXY.EXE:"
_NEWLINE = ord("\n")
_NO_DATA_BEGINS = np.frombuffer(b"\n \t#%", np.uint8)
_NO_DATA = re.compile(rb"(?m)^[ \t]*(?:[#%].*)?\n")


def is_data_line(line: str) -> bool:
    """Whether a line is neither blank nor a comment."""
    return not (line.isspace() or not line or line.lstrip().startswith(_COMMENTS))


@dataclass(frozen=True)
class Block:
    """Whole lines in UTF-8, each ended by a newline; `first_line` is the number of the first, from 1 on."""

    data: bytes
    first_line: int
    is_last: bool

    def data_lines(self) -> Iterator[tuple[int, str]]:
        """Number and text of each line of data."""
        for number, line in enumerate(self.data.decode().split("\n"), self.first_line):
            if is_data_line(line):
                yield number, line

    def without_comments(self) -> bytes:
        """The lines of data."""
        characters = np.frombuffer(self.data, np.uint8)
        # A byte behind the last line begins none.
        begins = np.append(0, np.flatnonzero(characters[:-1] == _NEWLINE) + 1)
        if len(characters) and np.isin(characters[begins], _NO_DATA_BEGINS).any():
            return _NO_DATA.sub(b"", self.data)
        return self.data


@dataclass(frozen=True)
class Lines:
    """The lines of a file: how it is encoded, and what ends a line in it."""

    path: Path
    encoding: str
    newline: bytes

    def blocks(self, first_line: int = 1, size: int = _BLOCK_BYTES) -> Iterator[Block]:
        """The lines from `first_line` on. Raises ReaderError for bytes 0, and for lines that no table has."""
        line, rest = 1, b""
        decoder = codecs.getincrementaldecoder(self.encoding)() if self.encoding != "utf-8" else None
        with self.path.open("rb") as file:
            is_last = False
            while not is_last:
                piece = file.read(size)
                is_last = len(piece) < size
                try:
                    data = piece if decoder is None else decoder.decode(piece, is_last).encode()
                except UnicodeDecodeError as error:
                    raise ReaderError(
                        f"not text in {self.encoding}: {error.reason}", file=self.path
                    ) from error
                if line == 1 and not rest:
                    data = data.removeprefix(codecs.BOM_UTF8)
                self._check(data, line + rest.count(self.newline))
                whole, newline, rest = (rest + data).rpartition(self.newline)
                if is_last:
                    whole, rest = whole + newline + rest, b""
                elif not newline:
                    if len(rest) > _MOST_LINE_BYTES:
                        raise ReaderError(
                            f"line {line} is longer than {_MOST_LINE_BYTES >> 20} MiB: no table",
                            file=self.path,
                        )
                    continue
                block = Block(self._plain(whole), line, is_last)
                line += block.data.count(b"\n")
                if line > first_line or (is_last and line == first_line):
                    yield _from_line(block, first_line)

    def _check(self, data: bytes, line: int) -> None:
        if b"\0" in data:
            line += data[: data.index(b"\0")].count(self.newline)
            raise ReaderError(
                f"not a text file: line {line} has a byte 0; set `reader:` if it is something else",
                file=self.path,
            )

    def _plain(self, whole: bytes) -> bytes:
        """UTF-8 whose lines end with a newline; what is not UTF-8 is Latin-1."""
        if b"\r" in whole:
            whole = whole.replace(b"\r", b"\n" if self.newline == b"\r" else b"")
        if not whole.isascii():
            try:
                whole.decode()
            except UnicodeDecodeError:
                whole = whole.decode("latin-1").encode()
        return whole if whole.endswith(b"\n") or not whole else whole + b"\n"


def _from_line(block: Block, first_line: int) -> Block:
    skipped = max(0, first_line - block.first_line)
    data = block.data
    if skipped:
        data = data.split(b"\n", skipped)[-1]
    return Block(data, block.first_line + skipped, block.is_last)


def read_head(path: Path) -> tuple[list[str], Lines]:
    """The first lines, and how to read the others. Raises ReaderError where it is no text of lines."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    encoding = _encoding(head)
    lines = Lines(path, encoding, b"\r" if b"\r" in head and b"\n" not in head else b"\n")
    size = _HEAD_BYTES
    while True:
        block = next(lines.blocks(size=size), None)
        found = block.data.decode().split("\n")[:-1] if block is not None else []
        if block is None or block.is_last or len(found) > 20 or size >= _MOST_LINE_BYTES:
            return found, lines
        size *= 4


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" not in head or len(head) < 8:
        return "utf-8"
    even, odd = head[::2], head[1::2]
    if odd.count(0) > 0.9 * len(odd) and 0 not in even:
        return "utf-16-le"
    if even.count(0) > 0.9 * len(even) and 0 not in odd:
        return "utf-16-be"
    return "utf-8"


def is_text_table(path: Path) -> bool:
    """Whether a file is called like a table and begins like text."""
    if path.suffix.lower() not in _SUFFIXES:
        return False
    with path.open("rb") as file:
        head = file.read(_SNIFF_BYTES)
    return is_text(head) and not head.startswith((EYELINK, BOXY))


def is_text(head: bytes) -> bool:
    """Whether a file that begins so is text, of one byte or two a character."""
    return b"\0" not in head or _encoding(head) != "utf-8"
