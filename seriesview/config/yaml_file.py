"""Reading a YAML file that anybody may have written: as data, within bounds, with every key once."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import yaml

from seriesview.errors import ConfigError, one_line

_MOST_BYTES = 2 << 20
_MOST_LEVELS = 50
_MOST_DIGITS = 300
# Values of which there are more only where names for parts (&, *) are used to multiply them.
_MOST_VALUES = 1_000_000
_MERGE = "tag:yaml.org,2002:merge"


class _UniqueKeyLoader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """YAML in which a key that stands twice is an error instead of the last one winning."""

    duplicates: list[str]

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping, its duplicate keys noted in `duplicates`; keys merged with `<<` give way to its own."""
        seen: set[Any] = set()
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                self._note_disputed(value_node)
                continue
            found = self.construct_object(key_node, deep=True)
            if isinstance(found, str | int | float | bool):
                if found in seen:
                    self.duplicates.append(
                        f"line {key_node.start_mark.line + 1}: {str(found)[:60]} stands here a second time; "
                        "rename one of the two"
                    )
                seen.add(found)
        content: dict[Any, Any] = super().construct_mapping(node, deep)
        return content

    def _note_disputed(self, merged: yaml.Node) -> None:
        """Keys that several of the merged mappings have: libraries disagree on which of them counts."""
        if not isinstance(merged, yaml.SequenceNode):
            return
        seen: set[str] = set()
        for part in merged.value:
            own = {str(key.value) for key, _ in part.value} if isinstance(part, yaml.MappingNode) else set()
            self.duplicates += [
                f"line {part.start_mark.line + 1}: {key[:60]} is in several of the merged parts; write it out"
                for key in sorted(own & seen)
            ]
            seen |= own


# Dates stay the text that they are.
_UniqueKeyLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(path: Path) -> tuple[Any, list[str]]:
    """The content of a YAML file, and a line for each key that stands twice. Raises ConfigError: not readable YAML."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError([f"{path}: is no regular file; write one with `seriesview init FILE...`"])
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}; write one with `seriesview init FILE...`"]) from error
    return read_yaml_bytes(content, str(path))


def read_yaml_bytes(content: bytes, name: str) -> tuple[Any, list[str]]:
    """As `read_yaml`, of bytes that came from `name`."""
    if len(content) > _MOST_BYTES:
        raise ConfigError([f"{name}: is larger than {_MOST_BYTES >> 20} MiB, which is no configuration"])
    try:
        return parse_yaml(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError([f"{name}: not text in UTF-8 (byte {error.start})"]) from error
    except RecursionError as error:
        raise ConfigError([f"{name}: not YAML that can be read: nested too deeply"]) from error
    except (yaml.YAMLError, ValueError, OverflowError, TypeError, KeyError, AttributeError) as error:
        reason = one_line(error, 300)
        raise ConfigError([f"{name}: not YAML: {reason}"]) from error


def _without_waiting(path: str, flags: int) -> int:
    """Open a file, but do not wait until somebody writes into a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def parse_yaml(text: str) -> tuple[Any, list[str]]:
    """Content and repeated keys of a YAML text. Raises YAMLError, ValueError or RecursionError."""
    loader = _UniqueKeyLoader(text)
    loader.duplicates = []
    try:
        node = loader.get_single_node()
        if node is None:
            return None, []
        _count(node, {}, 0)
        return loader.construct_document(node), loader.duplicates
    finally:
        loader.dispose()


def _check_scalar(node: yaml.ScalarNode) -> None:
    """Raise ValueError for integers of hundreds of digits, and for dates that other readers of YAML stop at."""
    if node.tag == "tag:yaml.org,2002:int" and len(node.value) > _MOST_DIGITS:
        raise ValueError(f"line {node.start_mark.line + 1}: a number of hundreds of digits")
    if not node.style and yaml.SafeLoader.timestamp_regexp.match(node.value):
        try:
            yaml.SafeLoader("").construct_yaml_timestamp(node)
        except (ValueError, OverflowError) as error:
            raise ValueError(
                f"line {node.start_mark.line + 1}: {node.value[:60]} is no date: {error}"
            ) from error


def _count(node: yaml.Node, counted: dict[int, int | None], level: int) -> int:
    """How many values a node holds once every alias is written out. Raises ValueError where that is beyond bounds."""
    known = counted.get(id(node), 0)
    if known is None:
        raise ValueError(f"line {node.start_mark.line + 1}: a part that contains itself")
    if known:
        return known
    if level > _MOST_LEVELS:
        raise ValueError(f"line {node.start_mark.line + 1}: nested more than {_MOST_LEVELS} deep")
    counted[id(node)] = None
    children: list[yaml.Node] = []
    if isinstance(node, yaml.ScalarNode):
        _check_scalar(node)
    if isinstance(node, yaml.MappingNode):
        children = [each for pair in node.value for each in pair]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    total = 1 + sum(_count(child, counted, level + 1) for child in children)
    if total > _MOST_VALUES:
        raise ValueError(
            f"line {node.start_mark.line + 1}: more than {_MOST_VALUES} values, by names for parts"
        )
    counted[id(node)] = total
    return total
