"""The cells of a text table as typed columns: pyarrow parses them, block by block.

A column is of int64, or uint64, as long as all of its cells are written as integers of 64 bits, float64 as long as they
are numbers, text from the first block on that has other cells. What is odd in a line is found by its number.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from seriesview.errors import ReaderError
from seriesview.readers.tables.cells import MISSING, NUMBER, is_number
from seriesview.readers.tables.text_format import TextFormat
from seriesview.readers.tables.text_lines import Block

_NUMBERS = rf"^\s*{NUMBER}\s*$"
THOUSANDS = r"^\s*[+-]?\d{1,3}(?:(?:[,']\d{3})+(?:\.\d+)?|(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})\s*$"
_HEXADECIMAL = re.compile(rb"0[xX]")
_INTEGER = r"^[+-]?\d+$"


class TextTable:
    """A text table as blocks of columns; rows are counted over all blocks."""

    def __init__(self, path: Path, format_: TextFormat, allow_truncated: bool = False) -> None:
        self.path = path
        self.names = format_.names
        self.has_header = format_.has_header
        self.format = format_
        self._allow_truncated = allow_truncated

    def batches(self) -> Iterator[list[Any]]:
        """Columns (arrays of int64, uint64, float64 or text, null where nothing is known) of about 2 MiB of lines each.

        Raises ReaderError that names the line of a row that is not as wide as the table.
        """
        types = {str(index): pa.int64() for index in range(self.format.width)}
        for block in self.format.lines.blocks(self.format.first_line):
            data = self._clean(block.without_comments())
            if not data:
                continue
            try:
                columns = self._read(data, types, MISSING)
                doubtful = _has_hexadecimal(data) or self._has_too_large(columns, data)
            except pa.ArrowInvalid as error:
                doubtful = True
                if "conversion error" not in str(error):
                    data = self._mended(block)
                    if not data:
                        continue
            if doubtful:
                columns = self._read_exactly(data, block, types)
            yield columns
            # Nothing of a block is kept while the next one is read.
            del columns, data, block

    def text(self, index: int) -> list[str]:
        """All cells of a column as they are written."""
        found: list[str] = []
        for block in self.format.lines.blocks(self.format.first_line):
            data = self._clean(block.without_comments())
            if not data:
                continue
            columns = self._as_text(data, block, (), [str(index)])
            found += pc.utf8_trim_whitespace(columns[0]).to_pylist()
        return found

    def place_of(self, row: int) -> str:
        """Where a row is, for people: its line."""
        for block in self.format.lines.blocks(self.format.first_line):
            for number, _ in block.data_lines():
                if row == 0:
                    return f"line {number}"
                row -= 1
        return f"row {row}"

    def _clean(self, data: bytes) -> bytes:
        """The lines as pyarrow takes them: one delimiter between two cells, none around them."""
        if self.format.delimiter == " ":
            data = re.sub(rb"[ \t]+", b" ", data)
            data = data.replace(b"\n ", b"\n").replace(b" \n", b"\n").removeprefix(b" ")
        elif b'"' in data and b' "' in data:
            sign = self.format.delimiter.encode()
            data = re.sub(re.escape(sign) + b' +"', sign + b'"', data)
        return data

    def _read(
        self, data: bytes, types: dict[str, Any], missing: Sequence[str], include: list[str] | None = None
    ) -> list[Any]:
        table = pacsv.read_csv(
            pa.BufferReader(data),
            read_options=pacsv.ReadOptions(column_names=list(types), block_size=1 << 20),
            parse_options=pacsv.ParseOptions(delimiter=self.format.delimiter),
            convert_options=pacsv.ConvertOptions(
                column_types=types,
                null_values=list(missing),
                strings_can_be_null=True,
                include_columns=include,
                decimal_point=self.format.decimal,
            ),
        )
        return list(table.columns)

    def _as_text(
        self, data: bytes, block: Block, missing: Sequence[str], include: list[str] | None = None
    ) -> list[Any]:
        """The cells as they are written. Raises ReaderError for rows that are not as wide as the table."""
        types = {str(column): pa.string() for column in range(self.format.width)}
        try:
            return self._read(data, types, missing, include)
        except pa.ArrowInvalid:
            data = self._mended(block)
        try:
            return self._read(data, types, missing, include)
        except pa.ArrowInvalid as error:
            odd = [number for number, line in block.data_lines() if line.count('"') % 2]
            place = f"line {odd[0]}" if odd else f"the lines from {block.first_line} on"
            raise ReaderError(
                f"{place}: a quotation mark that is not closed, or other cells that are no table's",
                file=self.path,
            ) from error

    def _has_too_large(self, columns: list[Any], data: bytes) -> bool:
        """Whether some number is beyond float64, unless the block has infinities of its own."""
        infinite = any(
            pc.any(pc.is_inf(column)).as_py() for column in columns if pa.types.is_floating(column.type)
        )
        return infinite and re.search(rb"\d{300}|[eE]\+?\d{3}", data) is not None

    def _read_exactly(self, data: bytes, block: Block, types: dict[str, Any]) -> list[Any]:
        """The columns of a block in which some cell is not of its column's type; the types follow."""
        cells = self._as_text(data, block, MISSING)
        found = []
        for name, column in zip(types, cells, strict=True):
            text = pc.utf8_trim_whitespace(pa.concat_arrays(column.chunks) if column.num_chunks else column)
            typed = (
                text if pa.types.is_string(types[name]) else self._typed(text, types[name], block, int(name))
            )
            types[name] = typed.type
            found.append(typed)
        return found

    def _typed(self, text: Any, type_: Any, block: Block, column: int) -> Any:
        """The cells as integers, else as floats, else as they are."""
        pointed = text
        if self.format.decimal == ",":
            if pc.any(pc.match_substring(text, ".")).as_py():
                return text
            pointed = pc.replace_substring(text, ",", ".")
        if not pc.all(pc.match_substring_regex(pointed, _NUMBERS), min_count=0).as_py():
            return text
        if (
            pa.types.is_integer(type_)
            and pc.all(pc.match_substring_regex(pointed, _INTEGER), min_count=0).as_py()
        ):
            for integers in (pa.int64(), pa.uint64()):
                try:
                    return pc.cast(pc.replace_substring(pointed, "+", ""), integers)
                except pa.ArrowInvalid:
                    continue
        numbers = pc.cast(pc.replace_substring_regex(pointed, r"^\+", ""), pa.float64())
        too_large = pc.and_(pc.is_inf(numbers), pc.match_substring_regex(pointed, r"\d"))
        if pc.any(too_large).as_py():
            row = pc.index(too_large, True).as_py()
            line = [number for number, _ in block.data_lines()][row]
            raise ReaderError(
                f"line {line}, column {self.names[column]}: {_short(text[row].as_py())} is larger than "
                "any number of 64 bits",
                file=self.path,
            )
        return numbers

    def _mended(self, block: Block) -> bytes:
        """The block's lines, those that have empty cells too many without them. Raises ReaderError for others."""
        width = self.format.width
        mended = []
        lines = list(block.data_lines())
        for index, (number, line) in enumerate(lines):
            cleaned = self._clean((line + "\n").encode()).decode()[:-1]
            cells = next(csv.reader([cleaned], delimiter=self.format.delimiter), [])
            while len(cells) > width and not cells[-1].strip():
                cells.pop()
                cleaned = cleaned.rstrip().removesuffix(self.format.delimiter)
            if len(cells) != width:
                if self._allow_truncated and block.is_last and index == len(lines) - 1:
                    break
                hint = ""
                if number < self.format.first_line + 10:
                    hint = "; set `header_lines:` if lines above the table were taken for data"
                raise ReaderError(
                    f"line {number} has {len(cells)} columns, but the table has {width}{hint}", file=self.path
                )
            mended.append(cleaned)
        return "".join(line + "\n" for line in mended).encode()

    def are_numbers(self, cells: Any) -> Any:
        """Which cells of a text array are numbers, null where a cell is."""
        if self.format.decimal == ",":
            cells = pc.replace_substring(pc.replace_substring(cells, ".", "?"), ",", ".")
        return pc.match_substring_regex(cells, _NUMBERS)

    def why_not_a_number(self, cell: str) -> str:
        """What is wrong with a cell among numbers."""
        if re.match(THOUSANDS, cell):
            return f"{cell!r} is not a number as it stands: write it without separators of thousands"
        hint = " (with a decimal comma?)" if "," in cell and is_number(cell.replace(",", ".")) else ""
        return f"{_short(cell)} is not a number{hint}"


def _has_hexadecimal(data: bytes) -> bool:
    """Whether there may be integers that pyarrow takes for hexadecimal ones."""
    return (b"x" in data or b"X" in data) and _HEXADECIMAL.search(data) is not None


def _short(cell: str) -> str:
    return repr(cell) if len(cell) <= 60 else f"{cell[:40]!r}... ({len(cell)} characters)"
