"""The tasks that give what is stored as it is: manifests, workspaces and plain arrays."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np

from seriesview.errors import TaskError
from seriesview.series.manifest import parse_series_manifest
from seriesview.store.paths import artifact_path
from seriesview.store.uris import parse_chunk_uri, parse_uri, sha1_uri
from seriesview.tasks.arguments import ArrayArguments, NoArguments, SeriesArguments, WorkspaceArguments
from seriesview.tasks.context import TaskContext
from seriesview.tasks.encoding import encode_array, encode_document, sent_dtype
from seriesview.tasks.opening import check_manifest, load_document
from seriesview.workspace.manifest import parse_workspace_manifest


def get_python_package_version(context: TaskContext, asked: NoArguments) -> str:
    """The version of seriesview that answers."""
    return version("seriesview")


def get_series_manifest(context: TaskContext, asked: SeriesArguments) -> Any:
    """The series manifest as it is stored."""
    document = load_document(context.store, asked.series_uri, context.limits)
    check_manifest(parse_series_manifest(document), context.limits)
    return encode_document(document, "series manifest")


def get_workspace(context: TaskContext, asked: WorkspaceArguments) -> Any:
    """The workspace manifest as it is stored."""
    document = load_document(context.store, asked.workspace_uri, context.limits)
    parse_workspace_manifest(document)
    return encode_document(document, "workspace manifest")


def get_array(context: TaskContext, asked: ArrayArguments) -> dict[str, Any]:
    """`array` (n,): the bytes of a stored artifact, or of a stretch of it, as little-endian numbers of `dtype`.

    A linked file is refused: it may hold more than its series show.
    """
    dtype, uri = np.dtype(asked.dtype).newbyteorder("<"), asked.uri
    store = context.store
    chunk = parse_chunk_uri(uri)
    whole = uri if chunk is None else sha1_uri(chunk.artifact, chunk.name)
    if store.path(whole) != artifact_path(store.directory, parse_uri(whole)[0]):
        raise TaskError(
            f"{uri} is a linked file, which is not given away whole; ask for windows of its series"
        )
    size = store.size(whole)
    if chunk is not None:
        if chunk.end > size:
            raise TaskError(f"{uri} ends behind the {size} bytes of what it is a stretch of")
        size = chunk.end - chunk.start
    if size % dtype.itemsize:
        raise TaskError(f"{uri} has {size} bytes, which is no whole number of {dtype.name} values")
    sent = size // dtype.itemsize * sent_dtype(dtype).itemsize
    if sent > context.limits.max_result_bytes:
        raise TaskError(
            f"{uri} is an array of {sent} bytes as sent, at most {context.limits.max_result_bytes} are; "
            "ask for its parts",
            code="too-large",
        )
    return {"array": encode_array(np.frombuffer(store.get_bytes(uri, size=size), dtype))}
