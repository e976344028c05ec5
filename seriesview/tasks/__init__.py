"""The task functions: each checks what was asked, reads series or workspaces, and gives a JSON value."""

from seriesview.tasks.context import TaskContext
from seriesview.tasks.functions import TASK_FUNCTIONS, TaskFunction, run_task, run_window
from seriesview.tasks.limits import TaskLimits

__all__ = ["TASK_FUNCTIONS", "TaskContext", "TaskFunction", "TaskLimits", "run_task", "run_window"]
