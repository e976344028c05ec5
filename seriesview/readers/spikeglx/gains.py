"""How the counts of SpikeGLX's channels become volts: Metadata_30.md of SpikeGLX, `imAiRangeMax` and others."""

from __future__ import annotations

from collections.abc import Sequence

from seriesview.errors import ReaderError
from seriesview.readers.spikeglx.meta import Meta
from seriesview.readers.spikeglx.probes import part_number, probe_of
from seriesview.readers.spikeglx.saved import SavedChannel

_MICROVOLTS = 1e6
_NI_MAX_INT = 32768
_AP_FIELD, _LF_FIELD = 3, 4


def units_and_scales(meta: Meta, channels: Sequence[SavedChannel]) -> list[tuple[str, float]]:
    """Unit and scale of each analog channel. Raises ReaderError where the .meta does not say, or contradicts itself."""
    if meta.type == "imec":
        volts, table = _imec_volts(meta), meta.table("imroTbl")
        return [("uV", _MICROVOLTS * volts / _imec_gain(meta, table, channel)) for channel in channels]
    if meta.type == "obx":
        return [("V", _volts(meta, "obAiRangeMax", "obMaxInt", _NI_MAX_INT))] * len(channels)
    volts = _volts(meta, "niAiRangeMax", "niMaxInt", _NI_MAX_INT)
    found = {kind: _ni_scale(meta, kind, volts) for kind in {channel.kind for channel in channels}}
    return [found[channel.kind] for channel in channels]


def converter_limits(meta: Meta) -> tuple[float, float] | None:
    """Lowest and highest count of an analog channel; None where nothing says it, or CatGT has changed the samples."""
    if any(key.startswith(("catGT", "catN")) for key in meta.values):
        return None
    if meta.type == "imec":
        probe = probe_of(meta)
        counts = meta.optional_number("imMaxInt") or (None if probe is None else probe.max_int)
    else:
        counts = meta.optional_number("obMaxInt" if meta.type == "obx" else "niMaxInt") or _NI_MAX_INT
    return None if counts is None else (-float(counts), float(counts) - 1.0)


def _ni_scale(meta: Meta, kind: str, volts: float) -> tuple[str, float]:
    if kind == "MN":
        return "uV", _MICROVOLTS * volts / _positive(meta, "niMNGain", meta.number("niMNGain"))
    if kind == "MA":
        return "V", volts / _positive(meta, "niMAGain", meta.number("niMAGain"))
    return "V", volts


def _imec_volts(meta: Meta) -> float:
    probe = probe_of(meta)
    if probe is None and meta.get("imMaxInt") is None:
        raise ReaderError(f"no imMaxInt, and {part_number(meta)} is no probe that is known", file=meta.path)
    return _volts(meta, "imAiRangeMax", "imMaxInt", 512 if probe is None else probe.max_int)


def _volts(meta: Meta, range_key: str, counts_key: str, counts: float) -> float:
    said = meta.optional_number(counts_key)
    counts = counts if said is None else _positive(meta, counts_key, said)
    return _positive(meta, range_key, meta.number(range_key)) / counts


def _imec_gain(meta: Meta, table: list[str], channel: SavedChannel) -> float:
    """Of 1.0 probes by channel, of active Ultra ones in the imro table's header, of others one for all."""
    is_lf = channel.kind == "LF"
    part, probe = part_number(meta), probe_of(meta)
    field = _LF_FIELD if is_lf else _AP_FIELD
    if probe is not None and probe.has_gain_table and part != "NP1110":
        entry = table[1 + channel.number].split() if channel.number + 1 < len(table) else []
        if len(entry) > field:
            return _gain(meta, f"imroTbl ({' '.join(entry)})", entry[field])
    # LF that CatGT made of a probe that has no LF band of its own has the gain of AP.
    for key in ("imChan0lfGain", "imChan0apGain") if is_lf else ("imChan0apGain",):
        gain = meta.optional_number(key)
        if gain:
            return _positive(meta, key, gain)
    header = table[0].split(",") if table else []
    if part == "NP1110" and len(header) > field:
        return _gain(meta, f"imroTbl ({table[0]})", header[field])
    if probe is not None and probe.gain is not None:
        return probe.gain
    raise ReaderError(
        f"neither imroTbl nor imChan0apGain says the gain of {channel.label}, and probe {part} has none of its own",
        file=meta.path,
    )


def _gain(meta: Meta, where: str, text: str) -> float:
    try:
        return _positive(meta, where, float(text))
    except ValueError:
        raise ReaderError(f"{where}: {text} is no gain", file=meta.path) from None


def _positive(meta: Meta, key: str, value: float) -> float:
    if not 0 < value < 1e12:
        raise ReaderError(f"{key}: {value} must be greater than 0", file=meta.path)
    return value
