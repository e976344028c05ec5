"""Scales of TDMS: linear ones leave values as they were stored, others npTDMS applies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

_RAW = 0xFFFFFFFF
_MOST_SCALES = 16


@dataclass(frozen=True)
class Source:
    """How values of a channel are got: raw ones (of a scaler of DAQmx) with a scale, or those that npTDMS scales."""

    dtype: np.dtype[Any]
    scaler: int | None = None
    is_scaled: bool = False
    scale: float = 1.0
    offset: float = 0.0

    @property
    def is_stored(self) -> bool:
        """Whether they are the very values of the channel's raw data."""
        return self.scaler is None and not self.is_scaled


def source_of(channel: Any, group: Mapping[str, Any], file: Mapping[str, Any]) -> Source:
    """The source of a channel's values, of whose properties or else its group's or file's the scales are."""
    properties = next(
        (each for each in (channel.properties, group, file) if each.get("NI_Number_Of_Scales")), None
    )
    scalers = getattr(channel, "scaler_data_types", None) or {}
    if properties is None or properties.get("NI_Scaling_Status", "unscaled") == "scaled":
        if scalers:
            # Raw values of DAQmx without a scale: npTDMS knows no dtype of the channel.
            scaler, kind = next(iter(scalers.items()))
            return _native(Source(np.dtype(kind.nptype), scaler))
        return _native(Source(np.dtype(channel.dtype)))
    try:
        linear = _linear(properties, int(properties["NI_Number_Of_Scales"]) - 1, _MOST_SCALES)
    except (KeyError, TypeError, ValueError):
        linear = None
    if linear is None or not (math.isfinite(linear[1]) and math.isfinite(linear[2]) and linear[1]):
        return _native(Source(np.dtype(channel.dtype), is_scaled=True))
    scaler, scale, offset = linear
    kind = scalers.get(scaler) if scaler is not None else channel.data_type
    dtype = getattr(kind, "nptype", None)
    if dtype is None or (scaler is None and scalers):
        return _native(Source(np.dtype(channel.dtype), is_scaled=True))
    return _native(Source(np.dtype(dtype), scaler, False, scale, offset))


def _native(source: Source) -> Source:
    return Source(
        source.dtype.newbyteorder("="), source.scaler, source.is_scaled, source.scale, source.offset
    )


def _linear(properties: Mapping[str, Any], number: int, depth: int) -> tuple[int | None, float, float] | None:
    """Scaler of DAQmx (None: the raw values), factor and offset of a scale; None where it is not linear."""
    if number < 0 or depth == 0:
        return None
    kind = properties.get(f"NI_Scale[{number}]_Scale_Type")
    if kind is None:
        return number, 1.0, 0.0
    if kind != "Linear":
        return None
    slope = float(properties[f"NI_Scale[{number}]_Linear_Slope"])
    intercept = float(properties[f"NI_Scale[{number}]_Linear_Y_Intercept"])
    source = int(properties.get(f"NI_Scale[{number}]_Linear_Input_Source", _RAW))
    before = (None, 1.0, 0.0) if source == _RAW else _linear(properties, source, depth - 1)
    return None if before is None else (before[0], before[1] * slope, before[2] * slope + intercept)
