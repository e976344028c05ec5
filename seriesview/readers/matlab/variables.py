"""Where the variables of a MATLAB file lie: after "MAT-File Format" of MathWorks, levels 4 and 5.

Headers alone are read. What is compressed is unpacked as far as that takes, and within bounds.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from seriesview.errors import ReaderError

MOST_UNPACKED = 1 << 30
_MOST_STRUCTURE = 256 << 20
_MOST_VARIABLES, _MOST_FIELDS, _MOST_CELLS, _MOST_DEPTH = 10_000, 1000, 1000, 4
_HEAD_BYTES = 64 << 10
_READ_BYTES = 1 << 20
_MATRIX, _COMPRESSED = 14, 15
_CELLS, _STRUCTURE, _FIRST_NUMBER, _LAST_NUMBER = 1, 2, 6, 15
_CLASSES = {1: "a cell array", 2: "an array of structures", 3: "an object", 4: "text", 5: "a sparse matrix"}
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_LEVEL_4 = ("f8", "f4", "i4", "i2", "u2", "u1")


@dataclass(frozen=True)
class Packed:
    """Bytes of a file that zlib packed."""

    offset: int
    size: int


@dataclass(frozen=True)
class Variable:
    """An array, column after column from `offset` on in the file or in what is packed; or why it is none of numbers."""

    name: str
    shape: tuple[int, ...] = ()
    dtype: np.dtype[np.generic] | None = None
    offset: int = 0
    packed: Packed | None = None
    problem: str | None = None


Read = Callable[[int, int], bytes]


def level_of(head: bytes, suffix: str) -> tuple[int, str] | None:
    """Level and byte order of a file that begins so (128 bytes); level 4 has no signature, so its name counts too."""
    if len(head) == 128 and head[124:128] in (b"\x00\x01IM", b"\x01\x00MI"):
        return 5, "<" if head[126:128] == b"IM" else ">"
    if suffix.lower() == ".mat":
        for order in "<>":
            if _level_4_head(head, order) is not None:
                return 4, order
    return None


def variables_of(path: Path) -> list[Variable]:
    """All variables of a file, fields of structures as `s.field`, cells as `c{1}`. Raises ReaderError for others."""
    with path.open("rb") as file:
        level = level_of(file.read(128), path.suffix)
        if level is None:
            raise ReaderError("not a MATLAB file of before 7.3", file=path)
        size = path.stat().st_size
        listed = _of_level_5(file, level[1], size) if level[0] == 5 else _of_level_4(file, level[1], size)
        found = []
        for variable in listed:
            found.append(variable)
            if len(found) == _MOST_VARIABLES:
                break
        return found


def unpacked(path: Path, variable: Variable) -> bytes:
    """The bytes of a packed variable's values. Raises ReaderError where they are damaged."""
    assert variable.packed is not None
    assert variable.dtype is not None
    count = int(np.prod(variable.shape)) * variable.dtype.itemsize
    with path.open("rb") as file:
        end = variable.offset + count
        content, is_whole = _inflated(file, variable.packed, end, to_end=True)
    if len(content) < end or not is_whole:
        raise ReaderError("its packed values are damaged; save it again", file=(str(path), variable.name))
    return content[variable.offset : end]


def _inflated(file: BinaryIO, packed: Packed, most: int, to_end: bool = False) -> tuple[bytes, bool]:
    """Up to `most` unpacked bytes, fewer where they are damaged; `to_end`: and whether the checksum of all is right."""
    unpack = zlib.decompressobj()
    content = bytearray()
    file.seek(packed.offset)
    left, passed = packed.size, 0
    try:
        while not unpack.eof and (len(content) < most or (to_end and passed < MOST_UNPACKED)):
            piece = unpack.unconsumed_tail
            if not piece:
                piece = file.read(min(left, _READ_BYTES))
                left -= len(piece)
                if not piece:
                    break
            got = unpack.decompress(piece, _READ_BYTES)
            kept = got[: most - len(content)]
            content += kept
            passed += len(got) - len(kept)
    except zlib.error:
        pass
    return bytes(content), unpack.eof


@dataclass(frozen=True)
class _Element:
    kind: int
    offset: int
    size: int
    end: int


def _element(read: Read, at: int, order: str) -> _Element | None:
    """The element at a place; its content may stand in its tag. `end`: where the next one begins."""
    tag = read(at, 8)
    if len(tag) < 8:
        return None
    first, size = struct.unpack(f"{order}II", tag)
    if first >> 16:
        return _Element(first & 0xFFFF, at + 4, first >> 16, at + 8) if first >> 16 <= 4 else None
    return _Element(first, at + 8, size, at + 8 + size + (-size % 8 if first != _COMPRESSED else 0))


def _of_level_5(file: BinaryIO, order: str, file_size: int) -> Iterator[Variable]:
    def in_file(at: int, count: int) -> bytes:
        file.seek(at)
        return file.read(count)

    at = 128
    while at < file_size:
        element = _element(in_file, at, order)
        if element is None or element.end <= at:
            return
        if element.kind == _MATRIX:
            yield from _matrix(in_file, element, order, "", None, 0)
        elif element.kind == _COMPRESSED:
            yield from _packed_matrix(file, Packed(element.offset, min(element.size, file_size)), order)
        at = element.end


def _packed_matrix(file: BinaryIO, packed: Packed, order: str) -> Iterator[Variable]:
    head, _ = _inflated(file, packed, _HEAD_BYTES)
    flags = _element(lambda at, count: head[at : at + count], 8, order)
    if flags is not None and flags.kind == 6 and head[flags.offset : flags.offset + 4]:
        (word,) = struct.unpack(f"{order}I", head[flags.offset : flags.offset + 4].ljust(4, b"\0"))
        if word & 0xFF in (_CELLS, _STRUCTURE):
            head, _ = _inflated(file, packed, _MOST_STRUCTURE)

    def in_head(at: int, count: int) -> bytes:
        return head[at : at + count]

    element = _element(in_head, 0, order)
    if element is not None and element.kind == _MATRIX:
        yield from _matrix(in_head, element, order, "", packed, 0)


def _matrix(
    read: Read, matrix: _Element, order: str, prefix: str, packed: Packed | None, depth: int
) -> Iterator[Variable]:
    """The array or the fields of a matrix; `prefix` is the path of a field, whose own name is empty."""
    flags = _element(read, matrix.offset, order)
    sizes = None if flags is None else _element(read, flags.end, order)
    named = None if sizes is None else _element(read, sizes.end, order)
    if flags is None or sizes is None or named is None or not 4 <= sizes.size <= 4 * 32:
        return
    word, counts = read(flags.offset, 4), read(sizes.offset, sizes.size // 4 * 4)
    if len(word) < 4 or len(counts) < sizes.size // 4 * 4:
        return
    (flag,) = struct.unpack(f"{order}I", word)
    shape = struct.unpack(f"{order}{len(counts) // 4}i", counts)
    name = prefix or read(named.offset, min(named.size, 64)).decode("utf-8", "replace")
    kind = flag & 0xFF
    if not name:
        # What functions in the file refer to.
        return
    if kind == _STRUCTURE and shape == (1, 1) and name != "EEG" and depth < _MOST_DEPTH:
        yield from _fields(read, named.end, order, name, packed, depth)
        return
    if kind == _CELLS and depth < _MOST_DEPTH:
        cells = list(_cells(read, named.end, matrix.end, order, name, packed, depth))
        if any(each.problem is None and max(each.shape) > 1 for each in cells):
            yield from (each for each in cells if each.problem is None)
            return
    if not _FIRST_NUMBER <= kind <= _LAST_NUMBER:
        what = _CLASSES.get(kind, "of a kind that is not known")
        if kind == _STRUCTURE and name == "EEG":
            what = "a dataset of EEGLAB (call the file .set)"
        yield Variable(name, shape, problem=f"{what}: only arrays of numbers can be shown")
        return
    if flag & 0x0800:
        yield Variable(name, shape, problem="complex numbers cannot be shown")
        return
    values = _element(read, named.end, order)
    type_name = None if values is None else _TYPES.get(values.kind)
    if values is None or type_name is None:
        yield Variable(name, shape, problem="its values are not there, or damaged")
        return
    dtype = np.dtype(order + type_name)
    problem = _problem(shape, dtype, values.size)
    yield Variable(name, shape, dtype, values.offset, packed, problem)


def _fields(
    read: Read, at: int, order: str, name: str, packed: Packed | None, depth: int
) -> Iterator[Variable]:
    """Arrays in the fields of a structure, whose field names begin at `at`."""
    length = _element(read, at, order)
    names = None if length is None else _element(read, length.end, order)
    if length is None or names is None or length.size != 4:
        return
    (width,) = struct.unpack(f"{order}i", read(length.offset, 4).ljust(4, b"\0"))
    if not 1 <= width <= 64:
        return
    letters = read(names.offset, min(names.size, width * _MOST_FIELDS))
    at = names.end
    for first in range(0, len(letters) - width + 1, width):
        field = letters[first : first + width].split(b"\0")[0].decode("utf-8", "replace")
        element = _element(read, at, order)
        if element is None or element.kind != _MATRIX:
            return
        if element.size:
            yield from _matrix(read, element, order, f"{name}.{field}", packed, depth + 1)
        at = element.end


def _cells(
    read: Read, at: int, end: int, order: str, name: str, packed: Packed | None, depth: int
) -> Iterator[Variable]:
    """What is in a cell array, called `name{1}`, `name{2}`, ... as MATLAB counts."""
    for number in range(1, _MOST_CELLS + 1):
        element = _element(read, at, order) if at < end else None
        if element is None or element.kind != _MATRIX or element.end <= at:
            return
        if element.size:
            yield from _matrix(read, element, order, f"{name}{{{number}}}", packed, depth + 1)
        at = element.end


def _problem(shape: tuple[int, ...], dtype: np.dtype[np.generic], num_bytes: int) -> str | None:
    if len(shape) != 2:
        return f"an array of {len(shape)} dimensions {shape}; one or two can be shown"
    if min(shape) < 0 or shape[0] * shape[1] * dtype.itemsize != num_bytes:
        return f"its {num_bytes} bytes are not those of {shape[0]} x {shape[1]} values: it is damaged"
    return "it is empty" if 0 in shape else None


def _level_4_head(head: bytes, order: str) -> tuple[int, int, int, int, int, int] | None:
    """Precision, kind, rows, columns, whether imaginary, and the length of the name with its zero."""
    if len(head) < 22:
        return None
    word, rows, columns, imaginary, length = struct.unpack_from(f"{order}5i", head)
    machine, zero, precision, kind = word // 1000, word // 100 % 10, word // 10 % 10, word % 10
    fits = (
        machine == (order == ">")
        and zero == 0
        and 0 <= precision <= 5
        and 0 <= kind <= 2
        and min(rows, columns) >= 0
        and imaginary in (0, 1)
        and 1 < length <= 65
        and head[20:21].isalpha()
    )
    return (precision, kind, rows, columns, imaginary, length) if fits else None


def _of_level_4(file: BinaryIO, order: str, file_size: int) -> Iterator[Variable]:
    at = 0
    while at < file_size:
        file.seek(at)
        head = file.read(20 + 65)
        found = _level_4_head(head, order)
        if found is None:
            return
        precision, kind, rows, columns, imaginary, length = found
        name = head[20 : 20 + length].split(b"\0")[0].decode("latin-1")
        dtype = np.dtype(order + _LEVEL_4[precision])
        offset, num_bytes = at + 20 + length, rows * columns * dtype.itemsize
        problem = (
            ("text", "a sparse matrix")[kind - 1] + ": only arrays of numbers can be shown"
            if kind
            else "complex numbers cannot be shown"
            if imaginary
            else _problem((rows, columns), dtype, min(num_bytes, max(0, file_size - offset)))
        )
        yield Variable(name, (rows, columns), dtype, offset, None, problem)
        at = offset + num_bytes * (1 + imaginary)
