"""Neuralynx through neo without holding its files in memory: neo looks at one field of every record of a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from seriesview.readers.adapters.mapped import forget_pages

_BLOCK_BYTES = 16 << 20


class MappedRecords(np.memmap):
    """Mapped records whose fields of single numbers are copied block by block; each block's pages are let go of."""

    def __getitem__(self, key: Any) -> Any:
        """As that of an array; a field by its name is a copy (n,) where it has one number a record."""
        fields = self.dtype.fields
        if not isinstance(key, str) or fields is None or key not in fields or fields[key][0].shape:
            return super().__getitem__(key)
        records, mapped = self.view(np.ndarray), getattr(self, "_mmap", None)
        found = np.empty(len(records), fields[key][0])
        rows = max(1, _BLOCK_BYTES // self.dtype.itemsize)
        for first in range(0, len(records), rows):
            found[first : first + rows] = records[first : first + rows][key]
            if len(records) > rows and mapped is not None:
                forget_pages([mapped])
        return found


def bounded(kind: Any) -> Any:
    """neo's raw reader of Neuralynx, which maps its files as `MappedRecords`."""

    class BoundedNeuralynx(kind):  # type: ignore[misc]
        @staticmethod
        def _get_file_map(filename: Any) -> Any:
            found = kind._get_file_map(filename)
            return found.view(MappedRecords) if isinstance(found, np.memmap) else found

    return BoundedNeuralynx
