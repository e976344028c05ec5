"""The names of tasks and of their results."""

import hashlib
import secrets
import string
import time

_LETTERS = string.ascii_letters
_RANDOM_LETTERS = 10
_TIME_LETTERS = 8


def new_task_id() -> str:
    """Return a name for a task that is no pure calculation.

    10 random letters, and 8 that say when, so that an older query's result is not taken for this one's.
    """
    letters = [secrets.choice(_LETTERS) for _ in range(_RANDOM_LETTERS)]
    moment = int(time.time() * 1000)
    for _ in range(_TIME_LETTERS):
        moment, digit = divmod(moment, len(_LETTERS))
        letters.append(_LETTERS[digit])
    return "".join(letters)


def time_of_task_id(task_id: str) -> float:
    """Return when a task was named, in seconds since 1970; ValueError where the name does not say it."""
    if len(task_id) != _RANDOM_LETTERS + _TIME_LETTERS:
        raise ValueError("not a name that this node gave")
    moment = 0
    for letter in reversed(task_id[_RANDOM_LETTERS:]):
        moment = moment * len(_LETTERS) + _LETTERS.index(letter)
    return moment / 1000


def protected_hash(task_hash: str, owner: bytes) -> str:
    """Return under which hash the result of a task is stored whose backend ID's keyed hash is `owner`."""
    if not owner:
        return task_hash
    return hashlib.sha1((task_hash + owner.hex()).encode(), usedforsecurity=False).hexdigest()
