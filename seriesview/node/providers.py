"""Which backends there are, what they offer, and when they are taken for dead."""

import asyncio
import time
from typing import Literal

from seriesview.errors import NodeError
from seriesview.node.task_errors import of_other_type
from seriesview.node.task_records import FUNCTION_TYPES, BrokerLimits, Offer, Poll, Provider

Prospect = Literal["busy", "here", "other-id", "none"]
"""Of the backends for a task: they have others to do; one takes it soon; there are only such with another backend ID
(or with one, or without); there is none."""

_MAX_STARTS = 1000


class Providers:
    """The backends of one node, told apart by their polls."""

    def __init__(self, limits: BrokerLimits) -> None:
        self._limits = limits
        self._by_key: dict[tuple[object, ...], list[Provider]] = {}
        self._by_offer: dict[Offer, dict[Provider, None]] = {}
        self._polls: dict[Poll, None] = {}
        self._polls_by_offer: dict[Offer, dict[Poll, None]] = {}
        self._next_purge = 0.0
        self._starts: dict[str, float] = {}

    def note_start(self, address: str) -> None:
        """Note that a client may just have started: they ask who the node is before anything else."""
        if len(self._starts) >= _MAX_STARTS:
            self._starts.clear()
        self._starts[address] = time.monotonic()

    def open_poll(
        self, offers: frozenset[Offer], owner: bytes, address: str, instance: str | None, is_local: bool
    ) -> Poll:
        """Note that a backend waits for tasks; raises NodeError where too many do."""
        if len(self._polls) >= self._limits.max_polls:
            raise NodeError(f"{self._limits.max_polls} polls are open already; try again later")
        now = time.monotonic()
        if now >= self._next_purge:
            self._purge(now)
        if instance is None:
            provider = self._successor((owner, address, offers), address, now)
        else:
            provider = next(iter(self._by_key.get((owner, instance), ())), None)
        if provider is None:
            key = (owner, address, offers) if instance is None else (owner, instance)
            provider = Provider(key, instance is not None, is_local, self._limits.lease_seconds, now, now)
            self._by_key.setdefault(key, []).append(provider)
        self._index(provider, offers.union(*(poll.offers for poll in provider.polls)))
        poll = Poll(provider, owner, offers, asyncio.get_running_loop().create_future())
        provider.polls.add(poll)
        provider.last_seen = now
        provider.patience = self._limits.lease_seconds
        self._polls[poll] = None
        for offer in offers:
            self._polls_by_offer.setdefault(offer, {})[poll] = None
        return poll

    def close_poll(self, poll: Poll, is_gone: bool) -> None:
        """Note that a poll is over, because it was answered or because its client is gone."""
        if poll not in self._polls:
            return
        del self._polls[poll]
        for offer in poll.offers:
            polls = self._polls_by_offer[offer]
            del polls[poll]
            if not polls:
                del self._polls_by_offer[offer]
        provider = poll.provider
        provider.polls.discard(poll)
        provider.last_seen = provider.idle_since = time.monotonic()
        if is_gone:
            provider.is_closed = not provider.is_named
            if provider.is_local:
                provider.patience = self._limits.gone_seconds

    def lose_connection(self, provider: Provider) -> None:
        """Note that the connection of a named backend's last poll has ended: it may have been killed between polls."""
        if provider.is_local and not provider.polls:
            provider.patience = min(provider.patience, self._limits.gone_seconds)

    def best_poll(self, offer: Offer) -> Poll | None:
        """Return the oldest open poll without tasks, else the one with the fewest; None where all are full."""
        best = None
        for poll in self._polls_by_offer.get(offer, ()):
            if not poll.tasks:
                return poll
            if len(poll.tasks) < self._limits.max_batch and (
                best is None or len(poll.tasks) < len(best.tasks)
            ):
                best = poll
        return best

    def num_alive(self, offer: Offer) -> int:
        """Return how many backends run what `offer` says, those included that paused a moment ago."""
        now = time.monotonic()
        return sum(self._offers_still(provider, now) for provider in self._by_offer.get(offer, ()))

    def num_polling(self, offer: Offer) -> int:
        """Return how many of them poll or will poll again."""
        now = time.monotonic()
        alive = (provider for provider in self._by_offer.get(offer, ()) if self._offers_still(provider, now))
        return sum(not provider.is_closed for provider in alive)

    def type_mismatch(self, offer: Offer) -> str | None:
        """Return what is wrong where backends run this function, but only as another type."""
        for other in FUNCTION_TYPES:
            if other != offer.function_type and self.num_alive(offer._replace(function_type=other)):
                break
        else:
            return None
        if self.num_alive(offer):
            return None
        return of_other_type(offer, other)

    def heard(self, provider: Provider) -> None:
        """Note a sign of life."""
        provider.last_seen = time.monotonic()

    def busy(self) -> list[Provider]:
        """Return the backends that have tasks."""
        return [provider for same in self._by_key.values() for provider in same if provider.tasks]

    def prospect(self, offer: Offer) -> Prospect:
        """Return what a task that waits can expect."""
        if any(provider.tasks for provider in self._by_offer.get(offer, ())):
            return "busy"
        if self.num_alive(offer):
            return "here"
        for owner in {key[0] for key in self._by_key} - {offer.owner}:
            if isinstance(owner, bytes) and self.num_alive(offer._replace(owner=owner)):
                return "other-id"
        return "none"

    def pop_dead(self) -> list[Provider]:
        """Forget the backends that are taken for dead; return those that have tasks."""
        now = time.monotonic()
        dead = [provider for provider in self.busy() if self._is_dead(provider, now)]
        for provider in dead:
            self._forget(provider)
        return dead

    def release_polls(self) -> None:
        """Have every open poll answered now."""
        for poll in self._polls:
            if not poll.ready.done():
                poll.ready.set_result(None)

    def _successor(self, key: tuple[object, ...], address: str, now: float) -> Provider | None:
        """Return the backend whose next poll this probably is."""
        started = self._starts.get(address, 0.0)
        idle = [
            provider
            for provider in self._by_key.get(key, ())
            if not provider.polls and not provider.is_closed and self._may_follow(provider, started, now)
        ]
        found = min(idle, key=lambda provider: provider.idle_since, default=None)
        if found is not None:
            found.pause += (now - found.idle_since - found.pause) / 2
        return found

    def _may_follow(self, provider: Provider, started: float, now: float) -> bool:
        limits = self._limits
        longest = limits.successor_seconds
        if provider.tasks:
            if started >= provider.idle_since:
                return False
            longest = min(longest, max(limits.pause_seconds, 2 * provider.pause))
        return now - provider.idle_since <= longest

    def _index(self, provider: Provider, offers: frozenset[Offer]) -> None:
        if provider.offers == offers:
            return
        for offer in provider.offers:
            providers = self._by_offer[offer]
            del providers[provider]
            if not providers:
                del self._by_offer[offer]
        provider.offers = offers
        for offer in offers:
            self._by_offer.setdefault(offer, {})[provider] = None

    def _offers_still(self, provider: Provider, now: float) -> bool:
        if provider.polls:
            return True
        seconds = provider.patience if provider.tasks else 0.0
        return now - provider.last_seen < max(seconds, self._limits.unprovided_seconds)

    def _is_dead(self, provider: Provider, now: float) -> bool:
        return not provider.polls and now - provider.last_seen >= provider.patience

    def _purge(self, now: float) -> None:
        """Forget backends that have no tasks and have not polled for long."""
        self._next_purge = now + self._limits.unprovided_seconds
        for same in list(self._by_key.values()):
            for provider in list(same):
                if not provider.tasks and not self._offers_still(provider, now):
                    self._forget(provider)

    def _forget(self, provider: Provider) -> None:
        same = self._by_key[provider.key]
        same.remove(provider)
        if not same:
            del self._by_key[provider.key]
        self._index(provider, frozenset())
