"""The entries below `datasets:` that open what a file holds, as YAML to paste."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")

_LONGEST_NAME = 90

# What a user has to fill in, where the file does not say it.
_HINTS = {
    "sampling_frequency": "samples a second (Hz); the file does not say",
    "dtype": "of one value, such as int16 or float32",
    "channels": "how many there are",
    "scale": "physical value = stored value * scale + offset; the file leaves it open",
}


def dataset_name(stem: str, dataset: str | None, taken: Sequence[str] = ()) -> str:
    """A name for a dataset, from its file's stem and, with `dataset`, the last part of its place in the file."""
    parts = [stem] if dataset is None else [stem, dataset.rstrip("/").rpartition("/")[2]]
    words = [_NOT_IN_NAMES.sub("_", part).strip("_-") for part in parts]
    name = "_".join(word for word in words if word)[:_LONGEST_NAME] or "recording"
    number, unique = 2, name
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


def entry_yaml(name: str, entry: Mapping[str, Any], indent: int = 2) -> str:
    """YAML lines of one dataset; keys whose value is None are left to be filled in, with a hint."""
    import yaml

    lines = [f"{_scalar(name)}:"]
    for key, value in entry.items():
        if value is None:
            lines.append(f"  {key}:  # fill in: {_HINTS.get(key, 'the file does not say')}")
            continue
        text = yaml.safe_dump({key: value}, allow_unicode=True, default_flow_style=False, width=10_000)
        lines.extend(f"  {line}" for line in text.splitlines())
    return "\n".join(" " * indent + line for line in lines)


def _scalar(text: str) -> str:
    import yaml

    dumped: str = yaml.safe_dump({text: 0}, allow_unicode=True, width=10_000)
    return dumped.rpartition(":")[0]
