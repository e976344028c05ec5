"""Arrays in .npy files and .npz archives: where their values lie, and reading them in blocks."""

from __future__ import annotations

import io
import math
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Protocol, cast

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format

from seriesview.errors import ReaderError, one_line
from seriesview.layout.layouts import ContiguousLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers.sample_types import stored_dtype, unsupported_reason

_COPY_BYTES = 1 << 20
_MAGIC_BYTES = 8
_MOST_HEADER_BYTES = 10_000
_MOST_BYTES = 1 << 62
_SHOWN_CHARACTERS = 120
MOST_ARRAY_BYTES = 1 << 30
_LOCAL_HEADER_BYTES = 30
# What zipfile raises for members that are damaged, encrypted or packed in another way.
_BAD_MEMBER = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True)
class ArrayHeader:
    """What a .npy header says, and where the values begin, counted from the header's first byte."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran_order: bool
    data_offset: int

    def problem(self) -> str | None:
        """Why this array cannot be shown; None where it can."""
        if (
            any(type(length) is not int or length < 0 for length in self.shape)
            or self.num_bytes > _MOST_BYTES
        ):
            return "its header is damaged: no array has the shape that it says"
        if len(self.shape) not in (1, 2):
            shape = f" (shape {self.shape})" if len(self.shape) < 10 else ""
            return f"it has {len(self.shape)} dimensions{shape}; 1 or 2 can be shown"
        if 0 in self.shape:
            return f"no samples: its shape is {self.shape}"
        return unsupported_reason(self.dtype)

    @property
    def num_bytes(self) -> int:
        """Bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(file: IO[bytes], where: tuple[str, ...]) -> ArrayHeader:
    """Header at the file's current position, which need not be its beginning. Raises ReaderError."""
    try:
        start = file.read(_MAGIC_BYTES)
        version = npy_format.read_magic(io.BytesIO(start))
        if version not in ((1, 0), (2, 0)):
            raise ReaderError(
                f".npy version {version[0]}.{version[1]} holds named fields, which cannot be shown",
                file=where,
            )
        length = file.read(2 if version == (1, 0) else 4)
        # A header says how long it is, up to 4 GiB, which a small archive can really hold.
        num_bytes = int.from_bytes(length, "little")
        if num_bytes > _MOST_HEADER_BYTES:
            raise ReaderError(
                f"not a .npy array: its header says that it is {num_bytes} bytes long", file=where
            )
        text = length + file.read(num_bytes)
        read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        shape, fortran_order, dtype = read(io.BytesIO(text))
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ReaderError(f"damaged: {error or 'it ends too early'}", file=where) from error
    except ReaderError:
        raise
    except Exception as error:  # numpy evaluates the header as a Python literal, which can fail in any way
        reason = one_line(error, _SHOWN_CHARACTERS)
        raise ReaderError(f"not a .npy array: {reason}", file=where) from error
    return ArrayHeader(dtype, shape, fortran_order, len(start) + len(text))


def member_names(archive: zipfile.ZipFile) -> list[str]:
    """Names of the arrays in an archive, as numpy gives them."""
    return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]


def open_archive(path: Path) -> zipfile.ZipFile:
    """The .npz archive. Raises ReaderError."""
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, NotImplementedError, struct.error) as error:
        raise ReaderError(f"not an .npz archive, or cut short: {error}", file=path) from error


@contextmanager
def opened_member(archive: zipfile.ZipFile, name: str, where: tuple[str, ...]) -> Iterator[IO[bytes]]:
    """A member of an archive. Raises ReaderError, for what is wrong with it while it is read too."""
    try:
        with archive.open(name) as stream:
            yield stream
    except _BAD_MEMBER as error:
        raise ReaderError(f"damaged archive: {_reason(error)}", file=where) from error


def _reason(error: BaseException) -> str:
    return one_line(error, _SHOWN_CHARACTERS) or "it ends too early"


class ArrayFile(Protocol):
    """An opened array: values (num_samples, num_channels) of a native-order dtype."""

    dtype: np.dtype[Any]
    num_samples: int
    num_channels: int
    layout: ContiguousLayout | None

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class PlainArray:
    """An array whose values lie in the file as they are, read by byte range."""

    def __init__(self, layout: ContiguousLayout, scratch: IO[bytes] | None = None) -> None:
        self.layout: ContiguousLayout | None = None if scratch else layout
        self.dtype = layout.dtype.newbyteorder("=")
        self.num_samples = layout.num_samples
        self.num_channels = layout.num_channels
        self._samples = SampleFile(layout)
        self._scratch = scratch

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on."""
        self._samples.read_into(first_sample, out)

    def close(self) -> None:
        """Let go of the file, and of the scratch file."""
        self._samples.close()
        if self._scratch is not None:
            self._scratch.close()


class DeflatedArray:
    """A compressed array, row after row, decompressed as it is read; going back begins it again.

    `rows` is where its samples lie in the decompressed stream.
    """

    def __init__(
        self, archive: zipfile.ZipFile, member: str, rows: ContiguousLayout, where: tuple[str, ...]
    ) -> None:
        self.layout: ContiguousLayout | None = None
        self.dtype = rows.dtype.newbyteorder("=")
        self.num_samples = rows.num_samples
        self.num_channels = rows.num_channels
        self._rows = rows
        self._archive = archive
        self._where = where
        try:
            self._stream = cast(zipfile.ZipExtFile, archive.open(member))
        except _BAD_MEMBER as error:
            raise ReaderError(f"damaged archive: {_reason(error)}", file=where) from error

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        """Fill `out` (n, C) with samples from `first_sample` on. Raises ReaderError for a damaged archive."""
        view = out.reshape(-1).view(np.uint8).data
        try:
            self._stream.seek(self._rows.offset + first_sample * self._rows.row_stride)
            filled = 0
            while filled < len(view):
                count = self._stream.readinto(view[filled : filled + _COPY_BYTES])
                if not count:
                    raise ReaderError(
                        "ends before its last sample; write the archive again", file=self._where
                    )
                filled += count
        except _BAD_MEMBER as error:
            raise ReaderError(f"damaged archive: {_reason(error)}", file=self._where) from error
        if not self._rows.dtype.isnative:
            out.byteswap(inplace=True)

    def close(self) -> None:
        """Let go of the archive."""
        self._stream.close()
        self._archive.close()


def open_npy(path: Path, transposed: bool = False, allow_truncated: bool = False) -> ArrayFile:
    """The array of a .npy file; `transposed`: its first dimension is channels. Raises ReaderError."""
    with path.open("rb") as file:
        header = read_header(file, (str(path),))
    layout = _layout(path, (str(path),), header, 0, transposed)
    available = path.stat().st_size - header.data_offset
    needed = layout.num_samples * layout.num_channels * layout.dtype.itemsize
    if available < needed:
        layout = _shortened(layout, available, needed, allow_truncated)
    return PlainArray(layout)


def open_npz(path: Path, member: str, transposed: bool = False) -> ArrayFile:
    """An array of an archive; `transposed`: its first dimension is channels. Raises ReaderError."""
    where = (str(path), member)
    archive = open_archive(path)
    name = f"{member}.npy"
    if name not in archive.namelist():
        archive.close()
        raise ReaderError(
            f"no array called {member}; there are {', '.join(member_names(archive)) or 'none'}", file=path
        )
    try:
        info = archive.getinfo(name)
        with opened_member(archive, name, where) as stream:
            header = read_header(stream, where)
        layout = _layout(path, where, header, 0, transposed)
        claimed = header.data_offset + header.num_bytes
        if claimed > info.file_size:
            raise ReaderError(
                f"its header says {claimed} bytes, but the archive holds {info.file_size} of it; "
                "write the archive again",
                file=where,
            )
    except ReaderError:
        archive.close()
        raise
    if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
        archive.close()
        plain = _layout(path, where, header, _member_offset(path, info), transposed)
        if _member_offset(path, info) + claimed > path.stat().st_size:
            raise ReaderError(
                "lies behind the end of the archive, which was cut short; write it again", file=where
            )
        return PlainArray(plain)
    if not layout.is_row_major:
        return _unpacked(archive, name, layout, where)
    return DeflatedArray(archive, name, layout, where)


def _layout(
    path: Path, where: tuple[str, ...], header: ArrayHeader, member_offset: int, transposed: bool
) -> ContiguousLayout:
    problem = header.problem()
    if problem is not None:
        raise ReaderError(problem, file=where)
    dtype = stored_dtype(header.dtype, where)
    shape = header.shape if len(header.shape) == 2 else (header.shape[0], 1)
    by_row = not header.fortran_order or len(header.shape) == 1
    if transposed and len(header.shape) == 2:
        shape, by_row = (shape[1], shape[0]), not by_row
    by_row = by_row or shape[1] == 1
    return ContiguousLayout(
        path=path,
        dtype=dtype,
        num_samples=shape[0],
        num_channels=shape[1],
        offset=member_offset + header.data_offset,
        row_stride=dtype.itemsize * (shape[1] if by_row else 1),
        channel_stride=dtype.itemsize * (1 if by_row else shape[0]),
    )


def _shortened(
    layout: ContiguousLayout, available: int, needed: int, allow_truncated: bool
) -> ContiguousLayout:
    problem = f"{layout.path}: {needed - available} of {needed} bytes are missing at the end"
    if not layout.is_row_major:
        raise ReaderError(f"{problem}; write it again: an array in Fortran order cannot be truncated")
    if not allow_truncated:
        raise ReaderError(f"{problem}; write it again, or set `allow_truncated: true` to use what is there")
    num_samples = available // layout.row_stride
    if num_samples == 0:
        raise ReaderError(f"{problem}: no samples")
    return replace(layout, num_samples=num_samples)


def _member_offset(path: Path, info: zipfile.ZipInfo) -> int:
    """Byte offset of a stored member: behind its local header, whose lengths differ from the directory's."""
    with path.open("rb") as file:
        file.seek(info.header_offset)
        local = file.read(_LOCAL_HEADER_BYTES)
    name_bytes, extra_bytes = int.from_bytes(local[26:28], "little"), int.from_bytes(local[28:30], "little")
    return info.header_offset + _LOCAL_HEADER_BYTES + name_bytes + extra_bytes


def _unpacked(
    archive: zipfile.ZipFile, member: str, layout: ContiguousLayout, where: tuple[str, ...]
) -> ArrayFile:
    """A compressed array in Fortran order, unpacked to a temporary file: its rows lie all over the stream."""
    left = layout.offset + layout.num_samples * layout.num_channels * layout.dtype.itemsize
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if left > free:
        raise ReaderError(
            f"is compressed and in Fortran order: its {left} bytes have to be unpacked, and there are "
            f"{free} free in {tempfile.gettempdir()}; set TMPDIR to a folder with more room, or write it in C order",
            file=where,
        )
    scratch = tempfile.NamedTemporaryFile(prefix="seriesview-", suffix=".npy")  # noqa: SIM115
    try:
        with archive, opened_member(archive, member, where) as stream:
            while left and (piece := stream.read(min(left, _COPY_BYTES))):
                scratch.write(piece)
                left -= len(piece)
            if left:
                raise ReaderError("ends before its last sample; write the archive again", file=where)
    except BaseException:
        scratch.close()
        raise
    scratch.flush()
    return PlainArray(replace(layout, path=Path(scratch.name)), scratch)


def read_array(path: Path) -> npt.NDArray[Any]:
    """A whole .npy array, without objects, of at most 1 GiB. Raises ReaderError."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = read_header(file, (str(path),))
            if header.dtype.hasobject:
                raise ReaderError("holds Python objects, which are not read", file=path)
            count = math.prod(header.shape)
            if not 0 <= count * header.dtype.itemsize <= min(MOST_ARRAY_BYTES, size - header.data_offset):
                raise ReaderError(f"its header says {count} values, which it does not hold", file=path)
            values = np.fromfile(file, header.dtype, count)
    except OSError as error:
        raise ReaderError(f"cannot be read: {error.strerror}", file=path) from error
    return values.reshape(header.shape, order="F" if header.fortran_order else "C")
