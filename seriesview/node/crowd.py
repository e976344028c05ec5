"""Room for whoever is known: of more connections than there may be, the oldest silent ones are closed."""

from collections.abc import Callable

from seriesview.node.open_files import ConnectionLimits
from seriesview.node.rare_warnings import RareWarnings


class Crowd:
    """The connections of a node; strangers', whose last request showed no credential, have shares of their own."""

    def __init__(self, limits: ConnectionLimits, warnings: RareWarnings) -> None:
        self.limits = limits
        self._warnings = warnings
        self._members: set[Member] = set()
        # In the order in which they fell silent.
        self._silent: dict[bool, dict[Member, None]] = {False: {}, True: {}}
        self._num_known = 0
        self._num_busy = {False: 0, True: 0}

    def join(self, close: Callable[[], None]) -> "Member":
        """Note a new connection, which `close` closes at once; another one, or this one, may have to go for it."""
        member = Member(self, close)
        self._members.add(member)
        self._silent[False][member] = None
        strangers = len(self._members) - self._num_known
        is_full = len(self._members) > self.limits.kept
        if is_full or strangers > self.limits.kept_strangers:
            self._make_room(member, is_full)
        return member

    def _make_room(self, newcomer: "Member", is_full: bool) -> None:
        silent = (one for one in self._silent[False] if one is not newcomer)
        victim = next(silent, None)
        if victim is None and is_full:
            victim = next(iter(self._silent[True]), newcomer)
        if victim is not None:
            self._warnings.say(
                "connections",
                "connections that ask for nothing are closed, the oldest first: there are more than the open files "
                "allow; raise the limit (ulimit -n)",
            )
            # Not when it has ended: those that come in the meantime need another one.
            self._leave(victim)
            victim.close()

    def _leave(self, member: "Member") -> None:
        if member in self._members:
            self._members.discard(member)
            self._count(member, -1)

    def _count(self, member: "Member", change: int) -> None:
        """Add a connection to what is counted (1), or take it out (-1), as what it is now."""
        self._num_known += change * member.is_known
        if member.is_busy:
            self._num_busy[member.is_known] += change
        elif change > 0:
            self._silent[member.is_known][member] = None
        else:
            self._silent[member.is_known].pop(member, None)

    def _become(self, member: "Member", is_known: bool, is_busy: bool) -> None:
        if member not in self._members:
            return
        self._count(member, -1)
        member.is_known, member.is_busy = is_known, is_busy
        self._count(member, 1)

    def _may_go_on(self, member: "Member") -> bool:
        if sum(self._num_busy.values()) > self.limits.answered:
            return False
        return member.is_known or self._num_busy[False] <= self.limits.answered_strangers


class Member:
    """One connection among the others."""

    def __init__(self, crowd: Crowd, close: Callable[[], None]) -> None:
        self._crowd = crowd
        self.close = close
        self.is_known = False
        """Whether its last request showed a credential that is good."""
        self.is_busy = False
        """Whether a request of it is being answered."""

    def begin(self) -> None:
        """Note that the head of a request has come."""
        self._crowd._become(self, self.is_known, True)

    def identify(self, is_known: bool) -> bool:
        """Note whether that request showed a credential; returns whether there is room to answer it."""
        self._crowd._become(self, is_known, True)
        return self._crowd._may_go_on(self)

    def end(self) -> None:
        """Note that everything that was asked for is answered."""
        self._crowd._become(self, self.is_known, False)

    def leave(self) -> None:
        """Note that the connection has ended."""
        self._crowd._leave(self)
