"""ES modules put together into one plain script, so that they run where a browser loads no modules (file://).

Only what the viewer's modules do is understood: named imports and exports that begin a line, no circles, no default
exports. Anything else is refused, so that a script is right or not made.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping

from seriesview.errors import SeriesviewError

# What begins with letters is found much faster than the beginning of a line; so texts begin with the end of one.
_IMPORT = re.compile(r"\nimport \{([^}]*)\} from '([^']+)';(?=\n|$)")
_EXPORT = re.compile(r"\nexport (?=(?:async function\*?|function\*?|class|const) *(\w+))")
_EMPTY_EXPORT = re.compile(r"\nexport \{\};(?=\n|$)")
_WORKER = re.compile(r"new Worker\(new URL\('([^']+)', import\.meta\.url\), \{ type: 'module' \}\)")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_LEFT = re.compile(r"\n(?:import|export|await)\b[^\n]*")
_LEFT_INSIDE = re.compile(r"import(?:\.meta\b|\()")


def bundled(
    files: Mapping[str, bytes],
    entry: str,
    starting: Callable[[str], str] = "seriesviewEmbedded.startWorker('{}')".format,
) -> str:
    """One script of `entry` and all that it imports; `starting` gives the expression that starts a worker's path.

    Raises SeriesviewError for what is not understood.
    """
    done: dict[str, str] = {}
    _add(files, entry, done, ())
    numbers = {path: f"module{number}" for number, path in enumerate(done)}
    parts = ["'use strict';"]
    for path, text in done.items():
        names = [match[1] for match in _EXPORT.finditer(text)]

        def imported(match: re.Match[str], path: str = path) -> str:
            return f"\nconst {{{_destructured(match[1])}}} = {numbers[_resolved(path, match[2])]};"

        def started(match: re.Match[str], path: str = path) -> str:
            return starting(_resolved(path, match[1]))

        body = _IMPORT.sub(imported, text)
        body = _EMPTY_EXPORT.sub("\n", _EXPORT.sub("\n", body))
        body = _WORKER.sub(started, body)
        plain = _COMMENT.sub("", body)
        if left := _LEFT.search(plain) or _LEFT_INSIDE.search(plain):
            raise SeriesviewError(
                f"viewer/{path}: {left[0].strip()[:80]!r} cannot be put into a single file; export a folder"
            )
        parts.append(
            f"// {path}\nconst {numbers[path]} = (() => {{{body}\nreturn {{ {', '.join(names)} }};\n}})();"
        )
    return "\n".join(parts) + "\n"


def worker_paths(files: Mapping[str, bytes]) -> list[str]:
    """Paths of the modules that others start as workers, sorted."""
    found = set()
    for path, content in files.items():
        if path.endswith(".js"):
            found |= {_resolved(path, match[1]) for match in _WORKER.finditer(content.decode("utf-8"))}
    return sorted(found)


def _add(files: Mapping[str, bytes], path: str, done: dict[str, str], above: tuple[str, ...]) -> None:
    """Add a module behind all that it imports."""
    if path in done:
        return
    if path in above:
        raise SeriesviewError(
            f"viewer/{path} imports itself by way of {above[-1]}: no single file can be made"
        )
    if path not in files:
        raise SeriesviewError(f"viewer/{path} is not there; install seriesview again")
    text = "\n" + files[path].decode("utf-8")
    for match in _IMPORT.finditer(text):
        _add(files, _resolved(path, match[2]), done, (*above, path))
    done[path] = text


def _resolved(path: str, specifier: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), specifier))


def _destructured(names: str) -> str:
    """`a, b as c` of an import as `a, b: c`."""
    return re.sub(r"(\w+) as (\w+)", r"\1: \2", names)
