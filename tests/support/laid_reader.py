"""A reader for tests of samples that lie in files in every way that can be linked: NAME.laid says how, as a link does.

NAME.laid: {dtype, channels, rate, segments?: [[start, samples], ...], files: [{file, num_samples, link}, ...]}.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
from installed_readers import look_again
from laid_samples import lay

from seriesview.layout.layouts import ContiguousLayout, FilesLayout, RecordsLayout
from seriesview.layout.sample_file import SampleFile
from seriesview.readers import Candidate, Channel, ReadOptions, Recording, Segment, registry


def plain_layout(
    path: Path, dtype: str, num_samples: int, num_channels: int, link: dict[str, Any]
) -> ContiguousLayout | RecordsLayout:
    """The layout that a link describes."""
    ordered = np.dtype(dtype).newbyteorder("<" if link["byte_order"] == "little" else ">")
    if "records" in link:
        records = link["records"]
        offsets = tuple(records["channel_offsets"])
        return RecordsLayout(
            path, ordered, num_samples, link["offset"], records["stride"], records["samples"], offsets
        )
    strides = link["row_stride"], link["channel_stride"]
    return ContiguousLayout(path, ordered, num_samples, num_channels, link["offset"], *strides)


class LaidRecording(Recording):
    """Samples as the file says; `on_read` hears of each reading of the recording itself."""

    on_read: ClassVar[Any] = None

    def __init__(self, path: Path) -> None:
        content = json.loads(path.read_text())
        self.type = "continuous"
        self.path = path
        self.dtype = np.dtype(content["dtype"])
        self.channels = tuple(Channel(str(number), f"c{number}") for number in range(content["channels"]))
        self.sampling_frequency = float(content["rate"])
        pieces = tuple(
            plain_layout(
                path.parent / each["file"],
                content["dtype"],
                each["num_samples"],
                content["channels"],
                each["link"],
            )
            for each in content["files"]
        )
        self.layout = pieces[0] if len(pieces) == 1 else FilesLayout(pieces)
        self.num_samples = self.layout.num_samples
        if "segments" in content:
            self.segments = tuple(Segment(*each) for each in content["segments"])
        self.files = (path,)
        self._samples = SampleFile(self.layout)

    def read_into(self, first_sample: int, out: npt.NDArray[Any]) -> None:
        self._samples.read_into(first_sample, out)
        if LaidRecording.on_read is not None:
            LaidRecording.on_read()

    def close(self) -> None:
        self._samples.close()


class LaidReader:
    name = "laid"

    def can_read(self, path: Path) -> bool:
        return path.suffix == ".laid"

    def candidates(self, path: Path) -> list[Candidate]:
        with LaidRecording(path) as recording:
            shape = (recording.num_samples, recording.num_channels)
            rate = recording.sampling_frequency
            return [
                Candidate(None, "continuous", recording.dtype.name, shape, rate, None, {"reader": self.name})
            ]

    def open(self, path: Path, options: ReadOptions) -> Recording:
        return LaidRecording(path)


def install_laid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process find the reader."""
    monkeypatch.setitem(registry._BUILT_IN, "laid", f"{__name__}:LaidReader")
    look_again(monkeypatch)


def write_laid(
    folder: Path,
    pieces: Sequence[npt.NDArray[Any]],
    name: str = "raw",
    rate: float = 1000.0,
    segments: Sequence[tuple[float, int]] | None = None,
    **way: Any,
) -> Path:
    """Write each piece (n, C) into a file of its own, all laid in the same way; the path of what says so."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number, piece in enumerate(pieces):
        content = bytearray(f"head of {number}".encode())
        link = lay(content, piece, **way)
        # No two files are the same, and bytes lie behind the samples.
        content += f"tail of {number}".encode()
        (folder / f"{name}-{number}.dat").write_bytes(content)
        files.append({"file": f"{name}-{number}.dat", "num_samples": len(piece), "link": link})
    content = {"dtype": pieces[0].dtype.name, "channels": pieces[0].shape[1], "rate": rate, "files": files}
    if segments is not None:
        content["segments"] = [list(each) for each in segments]
    path = folder / f"{name}.laid"
    path.write_text(json.dumps(content))
    return path
