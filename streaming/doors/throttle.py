"""How long an attempt to log in has to wait, by the failures before it. Pure.

The first failures cost nothing; after them each attempt must come later after the one before. It is counted
per user, against guessing one password, and over all users, against guessing one password for many of them.
Whoever fails on purpose can make the real user wait too, at most `LONGEST_PAUSE_S`: all come from one
address, so nothing tells them apart.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

FREE = 5
LONGEST_PAUSE_S = 60.0
FREE_IN_ALL = 30
LONGEST_PAUSE_IN_ALL_S = 4.0
FORGOTTEN_AFTER_S = 900.0
REMEMBERED = 1_000
"""So many users at most are counted one by one; names are in the attacker's hand."""


@dataclass
class Failures:
    """Attempts that have not succeeded."""

    count: int = 0
    last_s: float = 0.0

    def wait_s(self, now_s: float, free: int, longest_s: float) -> float:
        """Returns how much later the next attempt must come; 0 if it may come now."""
        if self.count < free:
            return 0.0
        pause_s = min(2.0 ** min(self.count - free, 30), longest_s)
        return max(0.0, self.last_s + pause_s - now_s)

    def add(self, now_s: float) -> None:
        self.count, self.last_s = self.count + 1, now_s

    def old(self, now_s: float) -> bool:
        return now_s - self.last_s > FORGOTTEN_AFTER_S


@dataclass
class Throttle:
    """Counts attempts. Times are seconds of one clock that never goes back."""

    _by_user: dict[str, Failures] = field(default_factory=dict)
    _in_all: Failures = field(default_factory=Failures)

    def admit(self, users: Iterable[str], now_s: float) -> float:
        """Returns 0 if an attempt for `users` (all that its sender may mean) may be looked at, else how many
        seconds it comes too early. One that is looked at counts as failed until `succeeded`, so that many at
        once are no way around; one that comes too early does not count."""
        for user in [user for user, failures in self._by_user.items() if failures.old(now_s)]:
            del self._by_user[user]
        if self._in_all.old(now_s):
            self._in_all = Failures()
        counted = [self._by_user.get(user, Failures()) for user in users]
        waits_s = [failures.wait_s(now_s, FREE, LONGEST_PAUSE_S) for failures in counted]
        wait_s = max([*waits_s, self._in_all.wait_s(now_s, FREE_IN_ALL, LONGEST_PAUSE_IN_ALL_S)])
        if wait_s > 0:
            return wait_s
        for user, failures in zip(users, counted, strict=True):
            self._by_user.pop(user, None)  # the newest last
            failures.add(now_s)
            self._by_user[user] = failures
        self._in_all.add(now_s)
        while len(self._by_user) > REMEMBERED:
            del self._by_user[next(iter(self._by_user))]
        return 0.0

    def succeeded(self, users: Iterable[str]) -> None:
        """Forgets the failures of `users`, whose attempt was admitted and right."""
        for user in users:
            self._by_user.pop(user, None)
        self._in_all.count = max(0, self._in_all.count - 1)
