"""How much one task may ask for, and how much the tasks together keep in memory."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 2**20


@dataclass(frozen=True)
class TaskLimits:
    """Limits of tasks; requests come from whoever is on the channel, and manifests from whoever made them."""

    max_columns: int = 16384
    """Columns of a window."""
    max_points: int = 1_000_000
    """`max_points` of get_points."""
    max_result_bytes: int = 64 * MEGABYTE
    """Bytes of all arrays of one result, as they are sent, before base64."""
    max_reading_bytes: int = 16 * 1024 * MEGABYTE
    """Bytes that one task may go through, parts and their rows, before it is given up."""
    max_manifest_bytes: int = 16 * MEGABYTE
    """Bytes of a series or workspace manifest."""
    max_segments: int = 100_000
    max_channels: int = 100_000
    max_levels: int = 64
    """Levels of a series; moments and counts likewise."""
    max_pages: int = 4096
    """Pages of one array; each lists up to 256 packs."""
    max_part_bytes: int = 64 * MEGABYTE
    """Bytes of a part, which is read whole."""
    max_file_bytes: int = 512 * MEGABYTE
    """Bytes of a segment's own file (series made with `SVSeries`), which is read whole."""
    max_files: int = 100_000
    """Linked files of one series."""
    max_chunk_bytes: int = 256 * MEGABYTE
    """Bytes of an unpacked chunk of a linked file."""
    max_chunk_table_bytes: int = 128 * MEGABYTE
    """Bytes of the table that says where the chunks of a linked file lie."""
    part_cache_bytes: int = 128 * MEGABYTE
    """Parts that are kept for the next task."""
    series_cache_bytes: int = 128 * MEGABYTE
    """Opened series that are kept for the next task, as estimated from their manifests."""
    max_open_series: int = 256
    """Opened series that are kept; a linked one holds a file open."""
