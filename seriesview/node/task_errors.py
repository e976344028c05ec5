"""Why the node itself ends a task: messages with a code before them, as they are sent."""

from seriesview.errors import Code, NodeError, coded
from seriesview.node.task_records import MAX_ERROR_CHARACTERS, Offer, Task


def message(code: Code, sentence: str) -> str:
    """Return a message of the node's own."""
    return coded(NodeError(sentence, code=code))


def stopping() -> str:
    """Return what is said of a task that comes while the node stops."""
    return message("node-stopping", "The node is stopping; ask again in a moment.")


def forgotten() -> str:
    """Return what is said of a task that the node does not know, in a kachery daemon's words."""
    return message("task-forgotten", "Outgoing task not found")


def without_result() -> str:
    """Return what is said of a task that is reported as finished, while no result is there."""
    return message("task-failed", "Task finished, but result not found in bucket.")


def too_many(what: str) -> str:
    """Return what is said where the queue is full; `what` says of what."""
    return message("too-busy", f"The queue is full: {what} wait. Ask again later.")


def of_other_type(offer: Offer, other: str) -> str:
    """Return what is said where backends run a function as another type alone."""
    sentence = (
        f"{offer.function_id} on channel {offer.channel} is of type {other}, and was requested as "
        f"{offer.function_type}. Request it as {other}."
    )
    return message("bad-request", sentence)


def not_heard_of(seconds: float) -> str:
    """Return what is said of a task that its backend has long kept."""
    return message("timed-out", f"Nothing was heard of this task for {seconds / 3600:g} hours.")


def action_lost() -> str:
    """Return what is said of an action whose backend is gone."""
    sentence = "The backend that took this action is gone; whether the action was done is not known."
    return message("task-failed", sentence)


def fatal(attempts: int) -> str:
    """Return what is said of a task with which several backends died."""
    return message("task-failed", f"{attempts} backends died while they had this task.")


def unprovided(task: Task, seconds: float) -> str:
    """Return what is said of a task that no backend took within that time."""
    offer = task.offer
    whose = "the backend ID of the request" if offer.owner else "no backend ID"
    whom = "The backend that had this task is gone, and no other one" if task.attempts else "No backend"
    sentence = (
        f"{whom} with {whose} provides {offer.function_id} on channel {offer.channel}: none registered within "
        f"{seconds:g} s. Start one, or check the channel, the function and the backend ID."
    )
    return message("no-backend", sentence)


def not_here(channel: str, is_with_id: bool) -> str:
    """Return what is said where a window is asked for that this process does not answer."""
    whose = "the backend ID of the request" if is_with_id else "no backend ID"
    sentence = (
        f"No backend with {whose} answers windows in this node on channel {channel}. Ask for them by a task."
    )
    return message("no-backend", sentence)


def reported(text: str | None) -> str:
    """Return what a backend says of a task that failed, as it says it, as far as it can be sent."""
    if not text:
        return message("task-failed", "The backend gave no reason.")
    return text if len(text) <= MAX_ERROR_CHARACTERS else text[: MAX_ERROR_CHARACTERS - 3] + "..."
