"""When acquisition began, by the computer's clock: time 0 of all streams of an experiment."""

from __future__ import annotations

from datetime import datetime, timedelta

from seriesview.readers.open_ephys.clock import Part, stream_clock
from seriesview.readers.open_ephys.contents import Piece
from seriesview.readers.open_ephys.settings import date_of_folder, read_settings, software_time, zone_of


def acquisition_start(anchor: Piece | None) -> str | None:
    """ISO 8601, from what was noted when the recording of `anchor` began; None where nothing was.

    `sync_messages.txt` counts milliseconds of UTC; settings.xml and the session's folder have the local time of the
    experiment's first recording, in seconds and without a zone.
    """
    if anchor is None:
        return None
    folder = anchor.opened.folder
    written = read_settings(folder.settings).date
    local = written
    if local is None and folder.experiment in (None, 1):
        local = date_of_folder(folder.node_folder) or date_of_folder(folder.node_folder.parent)
    began: datetime | None = software_time(folder.path)
    if began is not None:
        zone = zone_of(written, software_time(folder.experiment_folder / "recording1") or began)
        if zone is not None:
            began = began.astimezone(zone)
    elif folder.number in (None, 1):
        began = local
    if began is None:
        return None
    clock = stream_clock([Part(anchor.rows, anchor.files)], anchor.stream.rate)
    first_time = clock.segments[0].start_time if clock.segments else float(clock.timestamps(0, 1)[0])
    try:
        # Half a millisecond more, as what is below one is cut off.
        return (began - timedelta(seconds=first_time - 5e-4)).isoformat(timespec="milliseconds")
    except OverflowError:
        return None
