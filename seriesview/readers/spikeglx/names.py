"""What the names of SpikeGLX files say: RUN_gN_tN.imecN.ap.bin, RUN_gN_tcat.nidq.bin, RUN_gN_tN.obxN.obx.bin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from seriesview.readers.spikeglx.meta import Meta

_STREAM = r"(?P<device>imec\d{0,4}|nidq|obx\d{1,4})(?:\.(?P<band>ap|lf|obx))?"
_FULL = re.compile(
    rf"(?P<run>.+)_g(?P<gate>\d{{1,9}})_t(?P<trigger>\d{{1,9}}|cat)\.{_STREAM}(?:\..+)?", re.ASCII
)
_SHORT = re.compile(rf"(?P<run>.+?)\.{_STREAM}(?:\..+)?", re.ASCII)
CONCATENATED = "cat"


@dataclass(frozen=True)
class FileName:
    """The run that a file is of, its gate and trigger (None where they are not in the name), and its stream."""

    run: str
    gate: int | None
    trigger: int | str | None
    device: str
    band: str

    @property
    def stream(self) -> str:
        """Of the recording: imec0.ap, imec0.lf, nidq, obx0."""
        return f"{self.device}.{self.band}" if self.band in ("ap", "lf") else self.device

    @property
    def session(self) -> str:
        """Run and gate, as SpikeGLX names the run's folder."""
        return self.run if self.gate is None else f"{self.run}_g{self.gate}"


def parse_name(stem: str) -> FileName | None:
    """What a file's name without .bin or .meta says; None where it is not like one of SpikeGLX."""
    found = _FULL.fullmatch(stem)
    if found is not None:
        trigger = found["trigger"]
        return FileName(
            found["run"],
            int(found["gate"]),
            CONCATENATED if trigger == CONCATENATED else int(trigger),
            found["device"],
            found["band"] or "",
        )
    found = _SHORT.fullmatch(stem)
    return None if found is None else FileName(found["run"], None, None, found["device"], found["band"] or "")


def name_of(meta: Meta) -> FileName:
    """What the name of the .meta file says; of a renamed file, what it says was its name."""
    stem = meta.path.name.removesuffix(".meta")
    named = parse_name(stem)
    if named is not None and named.device.startswith(meta.type):
        return named
    # Written on Windows mostly.
    original = (meta.get("fileName") or "").replace("\\", "/").rpartition("/")[2].removesuffix(".bin")
    said = parse_name(original)
    if said is not None and said.device.startswith(meta.type):
        return FileName(stem, None, None, said.device, said.band)
    aps_lfs = (meta.get("snsApLfSy") or "").split(",")
    band = ("lf" if aps_lfs[0] == "0" else "ap") if meta.type == "imec" else ""
    return FileName(stem, None, None, meta.type, band)


def companion(path: Path, suffix: str) -> Path:
    """The .bin of a .meta file, or the other way round."""
    return path.with_name(path.name.rpartition(".")[0] + suffix)
