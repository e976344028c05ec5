"""What libraries say is heard for each recording by itself, also where several are read at once."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from pathlib import Path

import pytest

from seriesview.readers.adapters.foreign import library
from seriesview.readers.protocol import Decision


def test_recordings_that_are_read_at_once_leave_streams_and_loggers_as_they_were(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger = logging.getLogger("mne")
    before = sys.stdout, sys.stderr, logger.handlers[:], logger.propagate, warnings.showwarning
    first_in, second_in, first_out = (threading.Event() for _ in range(3))
    notes: dict[str, list[Decision]] = {"first": [], "second": []}

    def say(name: str) -> None:
        print(f"{name} prints")
        print(f"{name} prints", file=sys.stderr)
        logger.warning(f"{name} logs")
        warnings.warn(f"{name} warns", RuntimeWarning, stacklevel=2)

    def first() -> None:
        with library("mne", Path("first"), notes["first"]):
            first_in.set()
            assert second_in.wait(60)
            say("first")
        first_out.set()

    def second() -> None:
        assert first_in.wait(60)
        with library("mne", Path("second"), notes["second"]):
            say("second")
            second_in.set()
            assert first_out.wait(60)

    threads = [threading.Thread(target=each) for each in (first, second)]
    for thread in threads:
        thread.start()
    assert first_in.wait(60)
    print("a build goes on")
    for thread in threads:
        thread.join()
    found = {name: [note.text for note in said] for name, said in notes.items()}
    assert found == {name: [f"mne: {name} logs", f"mne: {name} warns"] for name in ("first", "second")}
    after = sys.stdout, sys.stderr, logger.handlers[:], logger.propagate, warnings.showwarning
    assert after == before
    assert capsys.readouterr() == ("a build goes on\n", "")
