"""What POST /window answers, taken apart."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np


def taken_apart(answer: bytes) -> dict[str, Any]:
    """Its JSON, with the array in place of its dtype and shape."""
    length = int.from_bytes(answer[:4], "little")
    said: dict[str, Any] = json.loads(answer[4 : 4 + length])
    rest = answer[4 + length :]
    if said["status"] == "finished":
        assert (4 + length) % 8 == 0
        result = said["result"]
        (name,) = {"envelope", "values"} & set(result)
        dtype = np.dtype(result[name]["dtype"]).newbyteorder("<")
        assert len(rest) == dtype.itemsize * math.prod(result[name]["shape"])
        result[name] = np.frombuffer(rest, dtype).reshape(result[name]["shape"])
    else:
        assert not rest
    return said
