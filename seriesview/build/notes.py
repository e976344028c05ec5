"""What people should know of a recording as its series was made of it: what its reader warns of, and what it guessed.

They stand in the series' manifest, so that every later build says them again, and every picture of it.
"""

from __future__ import annotations

from seriesview.build.dataset import Dataset, descriptions
from seriesview.readers import Recording

_MOST = 20
_LONGEST = 500


def notes_of(recording: Recording) -> tuple[str, ...]:
    """Warnings and guesses of a recording's reader, without where it lies: manifests are the same anywhere."""
    found = [each.text for each in recording.decisions if each.is_guess or each.is_warning]
    folders = sorted({f"{file.parent}/" for file in (recording.path, *recording.files)}, key=len)
    for folder in reversed(folders):
        found = [text.replace(folder, "") for text in found]
    more = [f"and {len(found) - _MOST} more"] if len(found) > _MOST else []
    return (*(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..." for text in found[:_MOST]), *more)


def notes_with(notes: tuple[str, ...], dataset: Dataset) -> tuple[str, ...]:
    """Those that the configuration leaves open: not what it was asked to say, such as `unit`, and says."""
    given = [f"`{key}" for key, value in descriptions(dataset).items() if value is not None]
    return tuple(note for note in notes if not any(key in note for key in given))
