"""A workspace as one HTML file that opens by double-click: the viewer, and all data, inside it."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from seriesview.errors import SeriesviewError
from seriesview.share.choice import Wish
from seriesview.share.copying import write_artifacts
from seriesview.share.export import Exported, description
from seriesview.share.plan import Plan, plan_sharing
from seriesview.store import Store
from seriesview.store.paths import artifact_path
from seriesview.terms import bytes_in_words
from seriesview.viewer.files import viewer_files
from seriesview.viewer.modules import bundled, worker_paths

MAX_BYTES = 100_000_000
"""Browsers and mail programs get slow with larger pages."""

_FILES = Path(__file__).parent / "files"
_SHARE = 0.745
"""Bytes of data in a byte of the page, which holds them as base64, each with its name."""
_STYLE = re.compile(r'<link rel="stylesheet" href="([^"]+)">')
_ICON = re.compile(r'<link rel="icon" href="([^"]+)" type="([^"]+)">')
_SCRIPT = re.compile(r'\s*<script src="[^"]+"[^>]*></script>')
_REFERENCE = re.compile(r"<[^>]+\b(?:src|href)=(?!\"data:)[^>]*>")


class _Memory:
    """Artifacts by the path that they have in a folder."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def has_artifact(self, sha1: str, size: int) -> bool:
        """Whether it was put already."""
        return _path(sha1) in self.files

    def put_artifact(self, sha1: str, blocks: Iterable[memoryview | bytes]) -> None:
        """Keep an artifact; SeriesviewError where its bytes have another hash."""
        data = b"".join(bytes(block) for block in blocks)
        if hashlib.sha1(data, usedforsecurity=False).hexdigest() != sha1:
            raise SeriesviewError(
                f"SHA-1 {sha1} has other bytes in the store than its name says; run `seriesview verify`"
            )
        with self._lock:
            self.files[_path(sha1)] = data


def plan_single_file(store: Store, uri: str, wish: Wish) -> Plan:
    """What a single file of a workspace, or of one series, will hold; SeriesviewError where it would be too large."""
    page_bytes = len(_page("", {}))
    possible = int((MAX_BYTES - page_bytes) * _SHARE)
    allowed = None
    if wish.max_bytes is not None:
        allowed = max(int((min(wish.max_bytes, MAX_BYTES) - page_bytes) * _SHARE), 0)
    try:
        plan = plan_sharing(store, uri, replace(wish, max_bytes=allowed), most_bytes=possible)
    except SeriesviewError as error:
        if allowed is None or error.code != "too-large":
            raise
        raise error.advised(
            f"viewer and encoding take the rest of a page of at most {bytes_in_words(MAX_BYTES)}"
        ) from error
    needed = page_bytes + int(plan.num_bytes / _SHARE)
    if needed > MAX_BYTES:
        raise SeriesviewError(
            f"a single file would have {bytes_in_words(needed)}, {bytes_in_words(MAX_BYTES)} are possible; --max-size "
            f"100MB leaves out the finest levels, --without NAME a series{_fewer_samples(plan)}; or export a folder",
            code="too-large",
        )
    return plan


def export_single_file(
    plan: Plan, store: Store, out: Path, on_bytes: Callable[[int], None] = lambda _: None
) -> Exported:
    """Write the file, whole or not at all. Raises SeriesviewError."""
    memory = _Memory()
    uri = write_artifacts(plan, store, memory, on_bytes)
    export = json.dumps(description(uri, plan.left_out), sort_keys=True, separators=(",", ":"))
    page = _page(plan.workspace.label, {"export.json": export.encode("ascii"), **memory.files})
    staged = out.with_name(f".{out.name}.{secrets.token_hex(4)}.tmp")
    try:
        with staged.open("xb") as file:
            file.write(page)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(out)
    except OSError as error:
        raise SeriesviewError(f"{out}: cannot be written ({error.strerror}); choose another place") from error
    finally:
        staged.unlink(missing_ok=True)
    left_out, small = tuple(plan.left_out), tuple(plan.small)
    return Exported(uri, out, 1, len(page), left_out=left_out, small=small, days=plan.days)


def _page(label: str, files: dict[str, bytes]) -> bytes:
    """The HTML: index.html with styles, scripts and data in it, and a policy that allows nothing else."""
    viewer = viewer_files()
    answer = _script("embedded_answer.js")
    workers = {
        path: answer + _script("embedded_worker.js") + bundled(viewer, path) for path in worker_paths(viewer)
    }
    script = _inline(answer + _script("embedded_page.js") + bundled(viewer, "main.js"))
    styles: list[str] = []

    def style(match: re.Match[str]) -> str:
        styles.append(viewer[match[1]].decode("utf-8"))
        return f"<style>{styles[-1]}</style>"

    page = viewer["index.html"].decode("utf-8")
    page = _ICON.sub(
        lambda match: f'<link rel="icon" href="data:{match[2]};base64,{_base64(viewer[match[1]])}">', page
    )
    page = _SCRIPT.sub("", _STYLE.sub(style, page))
    left = _REFERENCE.search(page)
    if left or any("url(" in text or "@import" in text or "</style" in text for text in styles):
        raise SeriesviewError(
            f"viewer/index.html: {left[0] if left else 'its styles'} cannot be put into a single file; export a folder"
        )
    policy = (
        f"default-src 'none'; script-src {_source(script)} blob:; worker-src blob:; img-src data: blob:; "
        f"style-src {' '.join(map(_source, styles))}; base-uri 'none'; form-action 'none'"
    )
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    title = html.escape(" ".join(label.split()) or "seriesview")
    page = re.sub(r"(<meta charset=[^>]*>)", lambda match: f"{match[1]}\n    {meta}", page, count=1)
    page = re.sub(r"<title>.*?</title>", lambda _: f"<title>{title}</title>", page, count=1)
    head, end, tail = page.partition("</body>")
    pieces = [head.encode("utf-8")]
    for path, content in sorted(files.items()):
        pieces.append(
            f'<script type="text/plain" data-path="{path}">{_base64(content)}</script>\n'.encode("ascii")
        )
    for path, text in workers.items():
        pieces.append(
            f'<script type="text/plain" data-kind="worker" data-path="{path}">{_inline(text)}</script>\n'.encode()
        )
    pieces.append(f"<script>{script}</script>\n{end}{tail}".encode())
    return b"".join(pieces)


def _script(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


def _inline(script: str) -> str:
    """A script that can stand in HTML: nothing in it ends its element. The escapes mean the same in texts."""
    return re.sub(r"<(?=/script|!--|script)", r"\\x3c", script, flags=re.IGNORECASE)


def _source(text: str) -> str:
    """What a policy calls this inline text by."""
    return f"'sha256-{_base64(hashlib.sha256(text.encode('utf-8')).digest())}'"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _path(sha1: str) -> str:
    return artifact_path(Path(), sha1).as_posix()


def _fewer_samples(plan: Plan) -> str:
    samples = plan.num_sample_bytes
    return f", fewer raw samples (now {bytes_in_words(samples)}) make it smaller" if samples else ""
