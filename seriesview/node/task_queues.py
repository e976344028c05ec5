"""Tasks that wait for a backend: one queue for each kind of offer."""

from collections import deque

from seriesview.node.task_errors import too_many
from seriesview.node.task_records import BrokerLimits, Offer, Task


class TaskQueues:
    """First come, first served, within limits. A task that ends leaves its queue by `settled`."""

    def __init__(self, limits: BrokerLimits) -> None:
        self._limits = limits
        self._queues: dict[Offer, deque[Task]] = {}
        self.num_tasks = 0
        self.num_bytes = 0

    def reason_to_refuse(self, task: Task) -> str | None:
        """Return why a task cannot be queued now, None where it can."""
        if self.num_tasks >= self._limits.max_queued:
            return too_many(f"{self.num_tasks} tasks")
        if self.num_bytes + len(task.kwargs) > self._limits.max_queued_bytes:
            return too_many(f"tasks with {self.num_bytes} bytes")
        return None

    def offers(self) -> list[Offer]:
        """Return what tasks wait for."""
        return list(self._queues)

    def length(self, offer: Offer) -> int:
        """Return about how many tasks wait for an offer; not less than there are."""
        return len(self._queues.get(offer, ()))

    def tasks(self, offer: Offer) -> list[Task]:
        """Return the tasks that wait for an offer, in their order."""
        return [task for task in self._queues.get(offer, ()) if task.is_queued]

    def push(self, task: Task, now: float, is_first: bool = False) -> None:
        """Queue a task, before all others or after them."""
        task.holder = None
        task.since = now
        task.is_queued = True
        self.num_tasks += 1
        self.num_bytes += len(task.kwargs)
        queue = self._queues.setdefault(task.offer, deque())
        if is_first:
            queue.appendleft(task)
        else:
            queue.append(task)

    def first(self, offer: Offer) -> Task | None:
        """Return the first task that waits for an offer, None where there is none."""
        queue = self._queues.get(offer)
        while queue:
            if queue[0].is_queued:
                return queue[0]
            queue.popleft()
        self._queues.pop(offer, None)
        return None

    def take(self, task: Task) -> None:
        """Take a task out; it must be the first of its queue."""
        self._queues[task.offer].popleft()
        self.settled(task)

    def settled(self, task: Task) -> None:
        """Count a task as waiting no more; its place is cleared when it comes to the front."""
        if task.is_queued:
            task.is_queued = False
            self.num_tasks -= 1
            self.num_bytes -= len(task.kwargs)
