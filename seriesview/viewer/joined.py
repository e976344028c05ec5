"""The viewer as few files, as nodes, folders and buckets send it.

Modules wait for one another: from a host that is far away, each that imports another costs a journey there and back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from seriesview.errors import SeriesviewError
from seriesview.viewer.files import viewer_files
from seriesview.viewer.modules import bundled, worker_paths

_PAGE_SCRIPT = "viewer.js"
_WORKER_SCRIPT = "worker.js"
# Workers are beside the script, wherever the page is.
_PLACE = "const seriesviewScript = document.currentScript.src;\n"
# Comments, which are a third of the source, and indentation. A test makes sure that nothing else is taken away.
_COMMENT = r"/\*\*[^*]*\*+(?:[^/*][^*]*\*+)*/"
_FOR_READERS = re.compile(rf"^ *(?://[^\n]*\n|{_COMMENT} *\n)|{_COMMENT} ?|^ +", re.MULTILINE)
_MODULE = re.compile(r'\s*<script src="([^"]+)" type="module"></script>')


@cache
def joined_viewer() -> dict[str, bytes]:
    """Content of the viewer's files by path: its page, its styles, one script for the page and one for its worker.

    Raises SeriesviewError where the viewer is not whole.
    """
    return joined(viewer_files())


def joined(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The same of a viewer's files by path."""
    workers = worker_paths(files)
    page = files["index.html"].decode("utf-8")
    entries = _MODULE.findall(page)
    if len(workers) != 1 or not entries:
        raise SeriesviewError(
            "viewer/index.html: one worker and the page's modules are expected; install again"
        )
    # Each entry in a scope of its own, in the order in which the page names them.
    scripts = [f"{{\n{bundled(files, entry, _starting)}}}\n" for entry in entries]
    page = _MODULE.sub("", page).replace(
        "</head>", f'  <script src="{_PAGE_SCRIPT}" defer></script>\n  </head>'
    )
    kept = {path: content for path, content in files.items() if not path.endswith((".js", ".html"))}
    plain = {path: files[path] for path in re.findall(r'<script src="([^"]+)" defer>', page) if path in files}
    return {
        **kept,
        **plain,
        "index.html": page.encode("utf-8"),
        _PAGE_SCRIPT: without_comments(_PLACE + "".join(scripts)).encode("utf-8"),
        _WORKER_SCRIPT: without_comments(bundled(files, workers[0], _starting)).encode("utf-8"),
    }


def without_comments(script: str) -> str:
    """A script of the viewer without what only its readers need."""
    return _FOR_READERS.sub("", script)


def _starting(path: str) -> str:
    return f"new Worker(new URL('{_WORKER_SCRIPT}', seriesviewScript))"
