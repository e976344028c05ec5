"""Layouts of files to which a writer appends samples: only the last file grows."""

from __future__ import annotations

from dataclasses import replace

from seriesview.layout.layouts import ChunkedLayout, ContiguousLayout, FilesLayout, Layout, RecordsLayout

_Piece = ContiguousLayout | RecordsLayout


def growing_piece(layout: Layout) -> _Piece | None:
    """The part of a layout to which samples may be appended; None where they do not follow one another in a file."""
    if isinstance(layout, ChunkedLayout):
        return None
    piece = layout.pieces[-1] if isinstance(layout, FilesLayout) else layout
    if isinstance(piece, RecordsLayout):
        return piece if piece.samples_per_record == 1 else None
    return piece if piece.is_read_forwards else None


def samples_in(piece: _Piece, num_bytes: int) -> int:
    """Whole samples of a growing piece, whose offset is that of a row, in a file of so many bytes."""
    return max(0, num_bytes - piece.offset) // _stride(piece)


def bytes_up_to(piece: _Piece, num_samples: int) -> int:
    """Bytes of a growing piece's file that hold so many samples; 0 where there are none."""
    return piece.offset + num_samples * _stride(piece) if num_samples else 0


def with_samples(layout: Layout, num_samples: int) -> Layout:
    """The layout with so many samples in its growing piece."""
    piece = growing_piece(layout)
    if piece is None:
        raise ValueError("samples are not appended to a layout of this kind")
    grown = replace(piece, num_samples=num_samples)
    return FilesLayout((*layout.pieces[:-1], grown)) if isinstance(layout, FilesLayout) else grown


def _stride(piece: _Piece) -> int:
    return piece.record_stride if isinstance(piece, RecordsLayout) else piece.row_stride
