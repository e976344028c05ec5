"""The entries below `datasets:` that open what a file holds, as YAML to paste."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What a user has to fill in, where the file does not say it.
_HINTS = {
    "sampling_frequency": "samples a second (Hz); the file does not say",
    "dtype": "of one value, such as int16 or float32",
    "channels": "how many there are",
    "scale": "physical value = stored value * scale + offset; the file leaves it open",
    "allow_truncated": "true uses what there is of a file that is cut short",
}


def entry_yaml(name: str, entry: Mapping[str, Any], indent: int = 2) -> str:
    """YAML lines of one dataset; keys whose value is None are left to be filled in, with a hint."""
    lines = [f"{one_line_yaml(name)}:"]
    for key, value in entry.items():
        if value is None:
            lines.append(f"  {key}:  # fill in: {_HINTS.get(key, 'the file does not say')}")
        else:
            lines.append(f"  {key}: {one_line_yaml(value)}")
    return "\n".join(" " * indent + line for line in lines)


def one_line_yaml(value: Any) -> str:
    """YAML on one line that reads back as the value: what a file's name or a label may hold is escaped."""
    import yaml

    for style, allow_unicode in ((None, True), (None, False), ('"', False)):
        # In a list, where it is neither followed by an end of document nor broken into lines.
        text: str = yaml.safe_dump(
            [value],
            allow_unicode=allow_unicode,
            default_flow_style=True,
            default_style=style,
            sort_keys=False,
            width=float("inf"),
        )
        line = text.strip()[1:-1]
        if len(line.splitlines()) == 1 and yaml.safe_load(f"[{line}]") == [value]:
            return line
    raise ValueError(f"{value!r} cannot be written as YAML")


def comment(text: str) -> str:
    """A text that can stand behind a # in YAML: on one line, without what YAML does not allow."""
    return "".join(each if each.isprintable() else "?" for each in " ".join(text.split()))
