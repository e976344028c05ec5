"""HDF5 datasets of every kind of storage, with what h5py reads from them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

DTYPES = (
    "i1",
    "u1",
    "<i2",
    ">i2",
    "<u2",
    "<i4",
    ">i4",
    "<u4",
    "<i8",
    ">u8",
    "<f2",
    "<f4",
    ">f4",
    "<f8",
    ">f8",
    "?",
)
FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "shuffle": {"shuffle": True},
    "gzip": {"compression": "gzip", "compression_opts": 1},
    "both": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
    "fletcher32": {"fletcher32": True},
    "gzip and fletcher32": {"compression": "gzip", "shuffle": True, "fletcher32": True},
    "lzf": {"compression": "lzf", "shuffle": True},
    "scaleoffset": {"scaleoffset": True},
}
BY_BYTE_RANGE = ("none", "shuffle", "gzip", "both")
NAME = "group/data"


@dataclass(frozen=True)
class Stored:
    """How a dataset is stored. `chunks` None: contiguous. `written` says which tenths of the rows are written."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    chunks: tuple[int, ...] | None = None
    filters: str = "none"
    fill_value: float = 0
    written: tuple[bool, ...] = (True,)
    extended_from: int | None = None
    userblock: int = 0
    libver: Literal["earliest", "latest"] = "earliest"
    seed: int = 0
    noise: float = field(default=1.0)

    def values(self) -> npt.NDArray[Any]:
        """Seeded values of the whole range, of which a share `noise` differs from its neighbour."""
        random = np.random.default_rng(self.seed)
        count = int(np.prod(self.shape))
        if self.dtype.kind == "b":
            return random.integers(0, 2, self.shape).astype(bool)
        flat = np.frombuffer(random.bytes(count * self.dtype.itemsize), self.dtype).copy()
        flat[random.random(count) > self.noise] = 1
        if self.filters == "scaleoffset":
            flat &= 0x3F
        return flat.reshape(self.shape)

    def write(self, path: Path) -> None:
        """Write the file."""
        options: dict[str, Any] = dict(FILTERS[self.filters])
        shape, values = self.shape, self.values()
        if self.fill_value:
            options["fillvalue"] = np.array(self.fill_value).astype(self.dtype)
        if self.chunks is not None:
            options |= {"chunks": self.chunks, "maxshape": (None,) * len(shape)}
            if self.extended_from is not None:
                shape = (min(self.extended_from, shape[0]), *shape[1:])
        with h5py.File(path, "w", libver=self.libver, userblock_size=self.userblock) as file:
            dataset = file.create_dataset(NAME, shape, self.dtype, **options)
            dataset.resize(self.shape) if self.chunks is not None else None
            edges = np.linspace(0, self.shape[0], len(self.written) + 1).astype(int)
            for begin, end, is_written in zip(edges, edges[1:], self.written, strict=False):
                if is_written and end > begin:
                    dataset[begin:end] = values[begin:end]
        if self.userblock:
            with path.open("r+b") as raw:
                raw.write(b"user block")


def read_by_h5py(dataset: h5py.Dataset, order: str = "C") -> npt.NDArray[Any]:
    """All samples (n, C) as h5py reads them, native byte order, bool as uint8."""
    values = dataset[()]
    values = values.astype(np.uint8) if values.dtype.kind == "b" else values
    values = values.reshape(len(values), -1)
    values = values.T if order == "F" and dataset.ndim == 2 else values
    return np.ascontiguousarray(values, values.dtype.newbyteorder("="))


def same(found: npt.NDArray[Any], expected: npt.NDArray[Any]) -> bool:
    """Whether dtype, shape and every bit are the same (NaN too)."""
    return (found.dtype, found.shape, found.tobytes()) == (expected.dtype, expected.shape, expected.tobytes())


@st.composite
def shapes(draw: st.DrawFn) -> tuple[int, ...]:
    rows = draw(st.integers(1, 300))
    return draw(st.sampled_from([(rows,), (rows, 1), (rows, draw(st.integers(2, 9)))]))


@st.composite
def contiguous(draw: st.DrawFn) -> Stored:
    return Stored(
        dtype=np.dtype(draw(st.sampled_from(DTYPES))),
        shape=draw(shapes()),
        userblock=draw(st.sampled_from([0, 0, 512, 2048])),
        libver=draw(st.sampled_from(["earliest", "latest"])),
        seed=draw(st.integers(0, 99)),
    )


@st.composite
def chunked(draw: st.DrawFn) -> Stored:
    shape = draw(shapes())
    rows = draw(st.sampled_from([1, 2, 7, 32, shape[0], shape[0] + 5, 512]) | st.integers(1, 300))
    columns = draw(st.integers(1, 11))
    filters = draw(st.sampled_from(sorted(FILTERS)))
    dtypes = [name for name in DTYPES if np.dtype(name).kind in "iu"] if filters == "scaleoffset" else DTYPES
    return Stored(
        dtype=np.dtype(draw(st.sampled_from(dtypes))),
        shape=shape,
        chunks=(rows, columns)[: len(shape)],
        filters=filters,
        fill_value=draw(st.sampled_from([0, 0, 1, 77])),
        written=tuple(draw(st.lists(st.booleans(), min_size=1, max_size=6))),
        extended_from=draw(st.none() | st.integers(1, 300)),
        userblock=draw(st.sampled_from([0, 0, 512, 4096])),
        libver=draw(st.sampled_from(["earliest", "latest"])),
        seed=draw(st.integers(0, 99)),
        noise=draw(st.sampled_from([0.0, 0.1, 0.5])),
    )
