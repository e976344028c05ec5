"""The broker: matching, merging, protected results, leases and limits, without HTTP."""

import asyncio
import hashlib
import json
import os
import selectors
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from seriesview.errors import NodeError
from seriesview.node import broker, providers
from seriesview.node.broker import TaskBroker
from seriesview.node.buckets import Buckets
from seriesview.node.canonical import task_hash
from seriesview.node.task_records import FUNCTION_TYPES, BrokerLimits, Poll, Task
from seriesview.terms import FunctionType

KEY = b"k" * 32
CHANNEL = "my.channel"
PURE: FunctionType = "pure-calculation"
QUERY: FunctionType = "query"
ACTION: FunctionType = "action"
QUICK = BrokerLimits(unprovided_seconds=0.4, lease_seconds=0.8, gone_seconds=0.3, successor_seconds=0.3)


class Room:
    """A broker with a bucket, and what its users do."""

    def __init__(self, directory: Path, limits: BrokerLimits | None = None) -> None:
        self.buckets = Buckets(directory, KEY, "http://127.0.0.1:1", 60.0)
        self.broker = TaskBroker(KEY, self.buckets, limits)

    def ask(
        self, number: int = 0, kind: FunctionType = PURE, backend_id: str | None = None, name: str = "f.1"
    ) -> Task:
        owner = self.broker.owner(backend_id)
        return self.broker.request(CHANNEL, name, kind, {"number": number}, owner)

    def poll(
        self,
        kind: FunctionType = PURE,
        backend_id: str | None = None,
        name: str = "f.1",
        instance: str | None = None,
        is_local: bool = True,
    ) -> Poll:
        owner = self.broker.owner(backend_id)
        return self.broker.open_poll([(CHANNEL, name, kind)], owner, "127.0.0.1", instance, is_local)

    def take(
        self, kind: FunctionType = PURE, backend_id: str | None = None, instance: str | None = None
    ) -> list[Task]:
        return self.broker.close_poll(self.poll(kind, backend_id, instance=instance))

    def store(self, task: Task) -> None:
        location = self.buckets.location(self.buckets.result_path(CHANNEL, task.result_hash))
        location.parent.mkdir(parents=True, exist_ok=True)
        location.write_bytes(b"1")

    def finish(self, task: Task) -> None:
        self.store(task)
        self.broker.update(CHANNEL, task.task_id, "finished")


Story = Callable[[Room], Awaitable[None]]


class Leaping(selectors.DefaultSelector):
    """Where nothing has happened yet, it leaps to the time until which it would wait."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found and timeout is not None:
            self.passed += max(timeout, 0.0)
        return found


class OwnTime(asyncio.SelectorEventLoop):
    """A loop whose time passes only while all wait for it, however busy the machine is."""

    def __init__(self) -> None:
        self._leaping = Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return 1000.0 + self._leaping.passed

    def monotonic(self) -> float:
        """The time, a moment later at each look: nothing happens at the same time."""
        self._leaping.passed += 1e-6
        return self.time()


def run(directory: Path, story: Story, limits: BrokerLimits | None = None) -> None:
    async def told() -> None:
        room = Room(directory, limits)
        async with asyncio.timeout(30):
            await story(room)

    with asyncio.Runner(loop_factory=OwnTime) as runner, pytest.MonkeyPatch.context() as patch:
        clock = runner.get_loop()
        for module in (broker, providers):
            patch.setattr(module, "time", clock)
        runner.run(told())


async def final(task: Task) -> Task:
    await task.when_final()
    return task


def test_a_waiting_poll_gets_a_task_at_once(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        poll = room.poll()
        task = room.ask()
        assert poll.ready.done()
        assert room.broker.close_poll(poll) == [task]
        assert task.task_id == task.result_hash == task_hash("f.1", {"number": 0})
        assert json.loads(task.kwargs) == {"number": 0}
        assert not task.is_final
        room.finish(task)
        assert (await final(task)).status == "finished"

    run(tmp_path, story)


def test_a_waiting_task_is_got_by_the_next_poll(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        tasks = [room.ask(number) for number in range(5)]
        assert room.take() == tasks

    run(tmp_path, story)


def test_equal_pure_calculations_are_one_task(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        tasks = {room.ask() for _ in range(100)}
        assert len(tasks) == 1
        assert len(room.take()) == 1
        assert room.ask() in tasks
        assert room.take() == []
        room.finish(*tasks)
        again = room.ask()
        assert again.status == "finished"
        assert room.take() == []

    run(tmp_path, story)


def test_queries_and_actions_are_run_each_time(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        for kind in (QUERY, ACTION):
            tasks = [room.ask(kind=kind, name=kind) for _ in range(3)]
            assert len({task.task_id for task in tasks}) == 3
            assert {task.result_hash for task in tasks} == {task_hash(kind, {"number": 0})}
            assert room.broker.close_poll(room.poll(kind, name=kind)) == tasks
            for task in tasks:
                room.finish(task)
                assert task.status == "finished"

    run(tmp_path, story)


def test_key_order_reaches_what_is_not_pure(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        kwargs = {"b": {"d": 1.0, "c": -0.0}, "a": 2**53 + 1}
        pure = room.broker.request(CHANNEL, "f.1", PURE, kwargs)
        action = room.broker.request(CHANNEL, "g.1", ACTION, kwargs)
        assert pure.kwargs == b'{"a":9007199254740992,"b":{"c":0,"d":1}}'
        assert action.kwargs == b'{"b":{"d":1,"c":0},"a":9007199254740992}'

    run(tmp_path, story)


def test_a_request_reaches_only_backends_of_its_id(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        asked = {name: room.ask(kind=QUERY, backend_id=name) for name in (None, "one", "two")}
        assert room.take(QUERY, "three") == []
        assert room.take(PURE, "one") == []
        for name, task in asked.items():
            assert room.take(QUERY, name) == ([task] if not task.is_final else [])
        assert "type" in (asked["one"].error_message or "")

    run(tmp_path, story)


def test_an_id_is_not_kept_and_protects_results(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        plain, one, two = room.ask(), room.ask(backend_id="secret one"), room.ask(backend_id="secret two")
        assert len({plain, one, two}) == 3
        assert len({task.result_hash for task in (plain, one, two)}) == 3
        assert one.task_id == one.result_hash
        owner = room.broker.owner("secret one")
        expected = hashlib.sha1((plain.result_hash + owner.hex()).encode()).hexdigest()
        assert one.result_hash == expected
        assert room.take(backend_id="secret one") == [one]
        room.finish(one)
        assert room.ask(backend_id="secret one").status == "finished"
        assert room.ask().status == "waiting"
        assert room.ask(backend_id="secret two").status == "waiting"
        assert room.broker.owner("secret one") != TaskBroker(b"x" * 32, room.buckets).owner("secret one")

        seen: set[int] = set()

        def holds_id(value: object) -> bool:
            if id(value) in seen or isinstance(value, type):
                return False
            seen.add(id(value))
            if isinstance(value, str):
                return "secret" in value
            if isinstance(value, bytes):
                return b"secret" in value
            if isinstance(value, dict):
                return any(holds_id(key) or holds_id(item) for key, item in value.items())
            if isinstance(value, list | tuple | set | frozenset):
                return any(holds_id(item) for item in value)
            names = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
            return any(holds_id(getattr(value, name, None)) for name in names) or holds_id(
                getattr(value, "__dict__", None)
            )

        assert not holds_id(room.broker)

    run(tmp_path, story)


def test_a_poll_whose_client_is_gone_swallows_nothing(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        lost, other = room.poll(), room.poll()
        first, second, third = (room.ask(number) for number in range(3))
        assert set(lost.tasks) | set(other.tasks) == {first, second, third}
        assert room.broker.close_poll(lost, is_gone=True) == []
        assert set(room.broker.close_poll(other)) == {first, second, third}

        lost = room.poll()
        tasks = [room.ask(number) for number in range(3, 6)]
        room.broker.close_poll(lost, is_gone=True)
        assert room.take() == tasks

    run(tmp_path, story)


def test_open_polls_share_what_comes(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        polls = [room.poll() for _ in range(4)]
        for number in range(12):
            room.ask(number)
        assert [len(room.broker.close_poll(poll)) for poll in polls] == [3, 3, 3, 3]
        for number in range(12, 24):
            room.ask(number)
        assert [len(room.take()) for _ in range(5)] == [3, 3, 2, 1, 1]

    run(tmp_path, story)


def test_the_first_final_status_counts(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        room.ask()
        (task,) = room.take()
        room.broker.update(CHANNEL, task.task_id, "running")
        assert task.status == "running"
        room.broker.update(CHANNEL, task.task_id, "error", "x" * 5000)
        assert task.status == "error"
        assert len(task.error_message or "") == 999
        room.finish(task)
        room.broker.update(CHANNEL, task.task_id, "running")
        assert task.status == "error"

    run(tmp_path, story)


def test_an_old_error_is_not_the_answer_to_a_new_request(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        room.ask()
        (failed,) = room.take()
        room.broker.update(CHANNEL, failed.task_id, "error", "no")
        again = room.ask()
        assert (again.status, again.error_message) == ("waiting", None)
        assert room.broker.find(CHANNEL, failed.task_id) is again
        assert room.take() == [again]
        room.finish(again)
        assert again.status == "finished"

    run(tmp_path, story)


def test_finished_without_a_result_is_an_error(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        for kind in (PURE, QUERY):
            task = room.ask(kind=kind, name=kind)
            room.broker.update(CHANNEL, task.task_id, "finished")
            assert task.error_message == "[task-failed] Task finished, but result not found in bucket."
        task = room.ask(kind=ACTION, name="action")
        room.broker.update(CHANNEL, task.task_id, "finished")
        assert task.status == "finished"

    run(tmp_path, story)


def test_a_function_of_another_type_is_an_error(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        early = room.ask(kind=QUERY)
        poll = room.poll(PURE)
        late = room.ask(kind=ACTION)
        for task, kind in ((early, "query"), (late, "action")):
            assert task.status == "error"
            assert f"is of type pure-calculation, and was requested as {kind}" in (task.error_message or "")
        assert room.broker.close_poll(poll) == []
        both = room.poll(PURE), room.poll(QUERY)
        assert not room.ask(kind=QUERY).is_final
        assert not room.ask(kind=PURE).is_final
        assert [len(room.broker.close_poll(poll)) for poll in both] == [1, 1]

    run(tmp_path, story)


def test_what_nobody_provides_ends_in_an_error_that_says_so(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        plain, owned = room.ask(), room.ask(backend_id="secret")
        room.ask(7, kind=QUERY, name="g.1")
        others = [room.broker.close_poll(room.poll(name="g.2")), room.take(backend_id="another")]
        assert others == [[], []]
        await final(plain)
        await final(owned)
        assert plain.error_message == (
            "[no-backend] No backend with no backend ID provides f.1 on channel my.channel: none registered within "
            "0.4 s. Start one, or check the channel, the function and the backend ID."
        )
        assert "No backend with the backend ID of the request provides f.1" in (owned.error_message or "")
        assert "secret" not in (owned.error_message or "")

    run(tmp_path, story, QUICK)


def test_a_busy_backend_keeps_what_waits_for_it(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        room.ask(0)
        (held,) = room.take(instance="busy")
        waiting = room.ask(1)
        for _ in range(12):
            await asyncio.sleep(0.1)
            room.broker.update(CHANNEL, held.task_id, "running")
        assert waiting.status == "waiting"
        assert held.status == "running"
        room.finish(held)
        assert room.take(instance="busy") == [waiting]

    run(tmp_path, story, QUICK)


@pytest.mark.parametrize("instance", [None, "first"])
def test_the_task_of_a_dead_backend_goes_to_another(tmp_path: Path, instance: str | None) -> None:
    async def story(room: Room) -> None:
        task = room.ask()
        assert room.take(instance=instance) == [task]
        if instance is None:
            room.broker.close_poll(room.poll(), is_gone=True)
        survivor = room.poll(instance="second")
        await survivor.ready
        assert room.broker.close_poll(survivor) == [task]
        room.finish(task)
        assert task.status == "finished"

    run(tmp_path, story, QUICK)


@pytest.mark.parametrize("usual", [0.0, 0.3])
def test_a_backend_started_again_is_not_the_one_before(tmp_path: Path, usual: float) -> None:
    async def story(room: Room) -> None:
        for _ in range(4):
            room.take()
            await asyncio.sleep(usual)
        task = room.ask()
        poll = room.poll()
        assert room.broker.close_poll(poll) == [task]
        await asyncio.sleep(0.3)
        following = room.poll()
        assert (following.provider is poll.provider) == (usual > 0)
        if not usual:
            await following.ready
            assert room.broker.close_poll(following) == [task]

    run(tmp_path, story, BrokerLimits(lease_seconds=0.5, pause_seconds=0.1, successor_seconds=5.0))


def test_a_backend_that_asks_who_the_node_is_has_just_started(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        room.broker.note_start("127.0.0.1")
        room.ask()
        first = room.poll()
        room.broker.close_poll(first)
        room.broker.note_start("127.0.0.2")
        second = room.poll()
        assert second.provider is first.provider
        room.broker.close_poll(second)
        room.broker.note_start("127.0.0.1")
        third = room.poll()
        assert third.provider is not first.provider
        room.broker.close_poll(third)
        room.broker.note_start("127.0.0.1")
        assert room.poll().provider is third.provider

    run(tmp_path, story)


def test_a_backend_that_polls_keeps_its_tasks(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        task = room.ask()
        assert room.take() == [task]
        for _ in range(5):
            poll = room.poll()
            await asyncio.wait([poll.ready], timeout=0.2)
            assert room.broker.close_poll(poll) == []
        assert not task.is_final

    run(tmp_path, story, QUICK)


def test_an_action_is_never_given_twice(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        task = room.ask(kind=ACTION)
        assert room.take(ACTION, instance="first") == [task]
        survivor = room.poll(ACTION, instance="second")
        await final(task)
        assert "whether the action was done is not known" in (task.error_message or "")
        assert room.broker.close_poll(survivor) == []

    run(tmp_path, story, QUICK)


def test_a_task_that_kills_its_backends_is_given_up(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        task = room.ask()
        for number in range(2):
            poll = room.poll(instance=f"victim {number}")
            await poll.ready
            assert room.broker.close_poll(poll) == [task]
        await final(task)
        assert task.error_message == "[task-failed] 2 backends died while they had this task."

    run(tmp_path, story, QUICK)


def test_a_dead_backend_without_a_successor_ends_its_tasks(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        task = room.ask()
        assert room.take() == [task]
        await final(task)
        assert "The backend that had this task is gone, and no other one" in (task.error_message or "")

    run(tmp_path, story, QUICK)


def test_the_report_of_a_backend_thought_dead_counts(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        task = room.ask()
        assert room.take(instance="slow") == [task]
        keep = room.poll(instance="other", name="g.1")
        alive = room.poll(kind=QUERY, instance="other")
        await asyncio.sleep(0.3)
        room.finish(task)
        assert task.status == "finished"
        assert room.take() == []
        room.broker.close_poll(keep)
        room.broker.close_poll(alive)

    run(tmp_path, story, BrokerLimits(unprovided_seconds=5, lease_seconds=0.1, gone_seconds=0.1))


def test_nothing_is_waited_for_longer_than_the_limit(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        task = room.ask()
        assert room.take() == [task]
        poll = room.poll()
        await final(task)
        assert "Nothing was heard" in (task.error_message or "")
        room.broker.close_poll(poll)

    run(tmp_path, story, BrokerLimits(longest_task_seconds=0.1, gone_seconds=0.1))


def test_the_queue_the_polls_and_the_arguments_are_limited(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        tasks = [room.ask(number) for number in range(4)]
        assert [task.is_final for task in tasks] == [False, False, False, True]
        assert "The queue is full" in (tasks[3].error_message or "")
        assert room.broker.find(CHANNEL, tasks[3].task_id) is None
        assert len(room.take()) == 3
        assert not room.ask(4).is_final
        with pytest.raises(ValueError, match="bytes of arguments"):
            room.broker.request(CHANNEL, "f.1", PURE, {"text": "x" * 200})
        polls = [room.poll(name=f"g.{number}") for number in range(2)]
        with pytest.raises(NodeError, match="2 polls are open"):
            room.poll()
        room.broker.close_poll(polls[0])
        room.broker.close_poll(room.poll())

    run(tmp_path, story, BrokerLimits(max_queued=3, max_polls=2, max_kwargs_bytes=100))


def test_bytes_in_the_queue_are_limited_and_given_back(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        for _ in range(10):
            task = room.ask(1)
            assert room.ask(2).is_final
            if not room.take():
                raise AssertionError("the task was not queued")
            room.broker.update(CHANNEL, task.task_id, "error", "again")

    run(tmp_path, story, BrokerLimits(max_queued_bytes=20))


def test_after_a_restart_results_and_reports_count(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        pure, owned, query = room.ask(), room.ask(backend_id="x"), room.ask(kind=QUERY, name="q")
        for task in (pure, owned):
            room.store(task)
        action = room.ask(kind=ACTION, name="a")
        after = Room(tmp_path)
        assert after.ask().status == after.ask(backend_id="x").status == "finished"
        assert after.broker.has_result(CHANNEL, pure.task_id)
        assert after.broker.find(CHANNEL, action.task_id) is None
        after.broker.update(CHANNEL, action.task_id, "finished")
        known = after.broker.find(CHANNEL, action.task_id)
        assert known is not None
        assert known.status == "finished"
        assert not after.broker.has_result_of(CHANNEL, query.task_id, query.result_hash)
        room.store(query)
        assert after.broker.has_result_of(CHANNEL, query.task_id, query.result_hash)
        assert not after.broker.has_result_of(CHANNEL, "short", query.result_hash)
        assert not after.broker.has_result_of(CHANNEL, "x" * 17 + "\u00e9", query.result_hash)

    run(tmp_path, story)


def test_an_older_querys_result_is_not_this_ones(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        first = room.ask(kind=QUERY)
        room.store(first)
        old = room.buckets.location(room.buckets.result_path(CHANNEL, first.result_hash))
        os.utime(old, (time.time() - 60, time.time() - 60))
        second = room.ask(kind=QUERY)
        assert second.result_hash == first.result_hash
        assert not Room(tmp_path).broker.has_result_of(CHANNEL, second.task_id, second.result_hash)

    run(tmp_path, story)


def test_outcomes_are_forgotten(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        ids = [room.ask(number).task_id for number in range(10)]
        for task_id in ids:
            room.broker.update(CHANNEL, task_id, "error", "no")
        assert [room.broker.find(CHANNEL, task_id) is not None for task_id in ids] == 7 * [False] + 3 * [True]

    run(tmp_path, story, BrokerLimits(max_kept=3))


def test_closing_answers_whoever_waits(tmp_path: Path) -> None:
    async def story(room: Room) -> None:
        task = room.ask(name="g.1")
        poll = room.poll()
        waiting = asyncio.gather(poll.ready, task.when_final())
        room.broker.close()
        await waiting
        assert task.status == "waiting"
        assert room.poll().ready.done()
        assert "stopping" in (room.ask(3).error_message or "")

    run(tmp_path, story)


names = st.sampled_from(["f.1", "g.1"])
ids = st.sampled_from([None, "one", "two"])
picks = st.integers(0, 1000)


class Life(RuleBasedStateMachine):
    """Any order of requests, polls and reports: nothing is lost, doubled or given to a stranger."""

    directory: Path

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.room = Room(self.directory, BrokerLimits(max_batch=3))
        self.asked: dict[Task, str | None] = {}
        self.polls: list[tuple[Poll, str | None]] = []
        self.held: dict[Task, None] = {}
        self.number = 0

    def do(self, action: Callable[[], object]) -> object:
        async def now() -> object:
            return action()

        return self.loop.run_until_complete(now())

    @rule(fresh=st.booleans(), name=names, backend_id=ids, kind=st.sampled_from([PURE, QUERY]))
    def ask(self, fresh: bool, name: str, backend_id: str | None, kind: FunctionType) -> None:
        self.number += fresh
        full = f"{name}.{kind}"
        task = self.do(lambda: self.room.ask(self.number, kind, backend_id, full))
        assert isinstance(task, Task)
        if task in self.asked:
            assert kind == PURE
            assert self.asked[task] == backend_id
        if not task.is_final:
            self.asked[task] = backend_id

    @rule(name=names, backend_id=ids)
    def poll(self, name: str, backend_id: str | None) -> None:
        functions = [(CHANNEL, f"{name}.{kind}", kind) for kind in FUNCTION_TYPES]
        owner = self.room.broker.owner(backend_id)
        poll = self.do(lambda: self.room.broker.open_poll(functions, owner, "here"))
        assert isinstance(poll, Poll)
        self.polls.append((poll, backend_id))

    @rule(pick=picks, is_gone=st.booleans())
    def close(self, pick: int, is_gone: bool) -> None:
        if self.polls:
            poll, backend_id = self.polls.pop(pick % len(self.polls))
            tasks = self.do(lambda: self.room.broker.close_poll(poll, is_gone))
            assert isinstance(tasks, list)
            assert len(tasks) <= 3
            for task in tasks:
                assert not is_gone
                assert task not in self.held
                assert self.asked[task] == backend_id
                self.held[task] = None

    @rule(pick=picks, status=st.sampled_from(["finished", "error", "running"]), stored=st.booleans())
    def report(self, pick: int, status: str, stored: bool) -> None:
        if self.held:
            task = list(self.held)[pick % len(self.held)]
            if stored:
                self.room.store(task)
            self.do(lambda: self.room.broker.update(CHANNEL, task.task_id, status, None))  # type: ignore[arg-type]
            if status != "running":
                assert task.is_final
                del self.held[task]

    @invariant()
    def every_task_is_in_one_place(self) -> None:
        broker = self.room.broker
        queues = broker._queues
        queued = [task for offer in queues.offers() for task in queues.tasks(offer)]
        matched = [task for poll, _ in self.polls for task in poll.tasks]
        under_way = [task for task in self.asked if not task.is_final]
        assert sorted(map(id, [*queued, *matched, *self.held])) == sorted(map(id, under_way))
        assert queues.num_tasks == len(queued)
        assert queues.num_bytes == sum(len(task.kwargs) for task in queued)
        for task in queued:
            poll = broker._providers.best_poll(task.offer)
            assert poll is None or poll.ready.done()

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.do(self.room.broker.close)
            self.loop.close()


@pytest.mark.hypothesis
def test_any_order_of_events(tmp_path_factory: pytest.TempPathFactory) -> None:
    class OneLife(Life):
        @initialize()
        def begin(self) -> None:
            self.directory = tmp_path_factory.mktemp("life")
            super().begin()

    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        OneLife,
        settings=settings(
            max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
