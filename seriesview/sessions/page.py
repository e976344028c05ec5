"""The index as a page: one that stands by itself beside its pictures, and one that a node fills in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "page"
_PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{label}: sessions</title>
<link rel="icon" href="data:,">
{style}
</head><body>
<h1>{label}</h1>
<form id="form">
<input id="search" type="search" placeholder="Find: words, gaps&gt;0, state=failed ..." aria-label="Find sessions">
<span id="count"></span>
{table}
</form>
{more}
<div class="table"><table id="sessions"></table></div>
<div id="more"></div>
{script}
</body></html>
"""
_TABLE = '<a href="{place}" download>As a table (TSV)</a>'
_HOW_TO_LOOK = (
    "<p>A session leads to its pictures. To look closer, where it was built: <code>{command}</code></p>"
)


def index_page(
    label: str, sessions: Sequence[Mapping[str, Any]], command: str, has_table: bool = True
) -> str:
    """The page as HTML, whole but for pictures; `command`: what to type to look closer.

    `has_table`: whether the table lies beside it.
    """
    # In a script no text may end it.
    data = json.dumps({"label": label, "sessions": sessions}).replace("<", "\\u003c")
    start = "show(JSON.parse(document.getElementById('index').textContent), (session) => session.page);"
    return _PAGE.format(
        label=escape(label),
        style=f"<style>\n{_text('sessions.css')}</style>",
        table=_TABLE.format(place="sessions.tsv") if has_table else "",
        more=_HOW_TO_LOOK.format(command=escape(command)),
        script=f'<script type="application/json" id="index">{data}</script>\n'
        f'<script type="module">\n{_text("sessions.js")}\n{start}\n</script>',
    )


def node_page() -> dict[str, bytes]:
    """The page as a node's view, by path: it holds nothing, and asks for what it shows."""
    page = _PAGE.format(
        label="Sessions",
        style='<link rel="stylesheet" href="sessions.css">',
        table=_TABLE.format(place="../../front/sessions.tsv"),
        more='<p id="problem"></p>',
        script='<script type="module" src="node.js"></script>',
    )
    return {
        "index.html": page.encode(),
        **{name: _text(name).encode() for name in ("sessions.css", "sessions.js", "node.js")},
    }


def _text(name: str) -> str:
    return (_FOLDER / name).read_text()
