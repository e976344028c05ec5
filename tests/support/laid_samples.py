"""Samples laid into files in every way that a link can describe, and the link that describes it."""

import numpy as np
from hypothesis import strategies as st

FORMS = ("rows", "rows-of-more", "behind-one-another", "records", "picked-of-rows")


def lay(content, samples, form, byte_order="little", per_record=3, padding=0):
    """Append samples (n, C) to `content`, a bytearray, in a form; the link without its URI."""
    dtype = samples.dtype.newbyteorder("<" if byte_order == "little" else ">")
    n, width = samples.shape
    size = dtype.itemsize
    stored = samples.astype(dtype)
    content += b"\xa5" * padding
    link = {"offset": len(content), "byte_order": byte_order}
    if form == "behind-one-another":
        content += stored.T.tobytes()
        return link | {"row_stride": size, "channel_stride": size * n}
    if form in ("rows", "rows-of-more"):
        more = 0 if form == "rows" else 1 + padding
        for row in stored:
            content += row.tobytes() + b"\x5a" * (more * size)
        return link | {"row_stride": (width + more) * size, "channel_stride": size}
    samples_of_one = 1 if form == "picked-of-rows" else per_record
    stretch = samples_of_one * size
    order = np.roll(np.arange(width), padding)
    stride = width * stretch + padding
    for begin in range(0, n, samples_of_one):
        record = np.zeros((width, samples_of_one), dtype)
        rows = stored[begin : begin + samples_of_one]
        record[:, : len(rows)] = rows.T[order]
        content += record.tobytes() + b"\x3c" * padding
    offsets = [int(np.argmax(order == c)) * stretch for c in range(width)]
    return link | {"records": {"stride": stride, "samples": samples_of_one, "channel_offsets": offsets}}


def ways():
    """Arguments of `lay`."""
    return st.fixed_dictionaries(
        {
            "form": st.sampled_from(FORMS),
            "byte_order": st.sampled_from(["little", "big"]),
            "per_record": st.integers(1, 40),
            "padding": st.integers(0, 5),
        }
    )


def link_into(store, path, samples, **way):
    """`values` of samples that lie in one file, which is written."""
    content = bytearray()
    link = lay(content, samples, **way)
    path.write_bytes(content)
    return {"link": {"uri": store.hash_and_link(path), **link}}


def link_files(store, folder, pieces, ways_of_pieces, shared=()):
    """`values` of pieces (n, C), each laid in its way into a file of its own, or behind the piece before (`shared`)."""
    contents, links = [], []
    for number, (piece, way) in enumerate(zip(pieces, ways_of_pieces, strict=True)):
        if not (number in shared and contents):
            contents.append(bytearray())
        links.append((len(contents) - 1, lay(contents[-1], piece, **way)))
    uris = []
    for number, content in enumerate(contents):
        path = folder / f"piece-{number}.dat"
        # No two files are the same.
        path.write_bytes(bytes(content) + number.to_bytes(4, "little"))
        uris.append(store.hash_and_link(path))
    return {
        "files": [
            {"num_samples": len(piece), "link": {"uri": uris[file], **link}}
            for piece, (file, link) in zip(pieces, links, strict=True)
        ]
    }
