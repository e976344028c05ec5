"""The task functions by id, and running one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seriesview.documents.expectations import Document
from seriesview.documents.problems import shown
from seriesview.errors import TaskError
from seriesview.tasks.arguments import (
    ArrayArguments,
    NoArguments,
    PointsArguments,
    SeriesArguments,
    StatisticsArguments,
    WindowArguments,
    WorkspaceArguments,
    arguments_of,
)
from seriesview.tasks.context import TaskContext
from seriesview.tasks.failures import public_error
from seriesview.tasks.manifests import (
    get_array,
    get_python_package_version,
    get_series_manifest,
    get_workspace,
)
from seriesview.tasks.points import get_points
from seriesview.tasks.reading_limit import reading_at_most
from seriesview.tasks.windows import get_statistics, get_window, read_window
from seriesview.terms import FunctionType

Arguments = type[Document]


@dataclass(frozen=True)
class TaskFunction:
    """A function that a backend registers; `call` takes the context and the arguments, and gives a JSON value."""

    id: str
    type: FunctionType
    arguments: Arguments
    call: Callable[[TaskContext, Any], Any]


TASK_FUNCTIONS: dict[str, TaskFunction] = {
    function.id: function
    for function in (
        TaskFunction(
            "seriesview.get_python_package_version.1", "query", NoArguments, get_python_package_version
        ),
        TaskFunction(
            "seriesview.get_series_manifest.1", "pure-calculation", SeriesArguments, get_series_manifest
        ),
        TaskFunction("seriesview.get_array.2", "pure-calculation", ArrayArguments, get_array),
        TaskFunction("seriesview.get_workspace.1", "pure-calculation", WorkspaceArguments, get_workspace),
        TaskFunction("seriesview.get_window.1", "pure-calculation", WindowArguments, get_window),
        TaskFunction("seriesview.get_points.1", "pure-calculation", PointsArguments, get_points),
        TaskFunction("seriesview.get_statistics.1", "pure-calculation", StatisticsArguments, get_statistics),
    )
}


def run_task(context: TaskContext, function_id: str, kwargs: Any) -> Any:
    """The result of a task, a JSON value that is never falsy; raises TaskError and nothing else.

    The error's message is fit for whoever asked; its `__cause__` is what went wrong here.
    """
    with _running(context):
        function = TASK_FUNCTIONS.get(function_id) if isinstance(function_id, str) else None
        if function is None:
            raise TaskError(f"no task function {shown(function_id)}; there are {', '.join(TASK_FUNCTIONS)}")
        return function.call(context, arguments_of(function.arguments, kwargs, context.limits))


def run_window(
    context: TaskContext, kwargs: Any, is_given_up: Callable[[], bool]
) -> tuple[dict[str, Any], npt.NDArray[Any]]:
    """What get_window gives of the same arguments, its array beside it (`read_window`); raises TaskError as `run_task`.

    `is_given_up` is asked before anything is read: nothing more is, once nobody waits for it.
    """
    with _running(context, is_given_up):
        return read_window(context, arguments_of(WindowArguments, kwargs, context.limits))


@contextmanager
def _running(context: TaskContext, is_given_up: Callable[[], bool] = lambda: False) -> Iterator[None]:
    try:
        with (
            reading_at_most(context.limits.max_reading_bytes, is_given_up),
            np.errstate(all="ignore"),
        ):
            yield
    except Exception as error:
        raise public_error(error) from error
