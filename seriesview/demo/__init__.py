"""The demo's data: a generated recording session in NWB layout, and real heart recordings."""

from seriesview.demo.heart import copy_heart_recordings
from seriesview.demo.nwb_file import write_session

__all__ = ["copy_heart_recordings", "write_session"]
