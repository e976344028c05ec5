"""The task functions as a backend runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from seriesview.backend.backend import Function
from seriesview.store import open_store
from seriesview.tasks.context import TaskContext
from seriesview.tasks.functions import TASK_FUNCTIONS, run_task


def open_functions(storage_dir: Path) -> tuple[Mapping[str, Function], Callable[[], None]]:
    """The task functions, reading from a storage directory, and what lets go of what they keep in memory."""
    context = open_context(storage_dir)
    return functions_of(context), context.release


def open_context(storage_dir: Path) -> TaskContext:
    """What tasks run with that read from a storage directory."""
    return TaskContext(open_store(storage_dir, "embedded"))


def functions_of(context: TaskContext) -> Mapping[str, Function]:
    """The task functions, by ID."""
    return {
        name: Function(function.type, partial(run_task, context, name))
        for name, function in TASK_FUNCTIONS.items()
    }
