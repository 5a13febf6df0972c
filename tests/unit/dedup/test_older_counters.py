"""Counters of an earlier release expire, but none disappears unasked."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from streaming.contract.time_units import DAY_MS
from streaming.dedup.counters import Kept, day_name
from streaming.dedup.redis import older_counters
from streaming.dedup.redis.older_counters import expiry_ms
from streaming.dedup.settings import DedupSettings
from streaming.words.lists import Words

NOW_MS = 2_000 * DAY_MS
GRACE_MS = 30 * DAY_MS


def test_a_counter_gets_its_expiry() -> None:
    assert expiry_ms(NOW_MS, -1, NOW_MS + 5, GRACE_MS) == NOW_MS + 5


@pytest.mark.parametrize("ends_ms", [NOW_MS, NOW_MS - 1, NOW_MS - 900 * DAY_MS])
def test_one_that_is_overdue_is_kept_a_while(ends_ms: int) -> None:
    assert expiry_ms(NOW_MS, -1, ends_ms, GRACE_MS) == NOW_MS + GRACE_MS


def test_a_second_start_prolongs_nothing() -> None:
    assert expiry_ms(NOW_MS + DAY_MS, GRACE_MS - DAY_MS, NOW_MS - 1, GRACE_MS) is None
    assert expiry_ms(NOW_MS, 5, NOW_MS + 5, GRACE_MS) is None


def test_unless_counters_are_kept_longer_now() -> None:
    assert expiry_ms(NOW_MS, GRACE_MS, NOW_MS + 300 * DAY_MS, GRACE_MS) == NOW_MS + 300 * DAY_MS


class InMemoryRedis:
    """The commands of Redis that are used here, on times of expiry."""

    def __init__(self, keys: dict[bytes, int]) -> None:
        self.expires_at_ms = keys
        self._asked: list[int] = []

    def scan_iter(self, **_: object) -> Iterator[bytes]:
        yield from list(self.expires_at_ms)

    @contextmanager
    def pipeline(self, **_: object) -> Iterator["InMemoryRedis"]:
        yield self

    def pttl(self, key: bytes) -> None:
        at_ms = self.expires_at_ms[key]
        self._asked.append(at_ms if at_ms == -1 else at_ms - time.time_ns() // 1_000_000)

    def pexpireat(self, key: bytes, at_ms: int) -> None:
        self.expires_at_ms[key] = at_ms
        if at_ms <= time.time_ns() // 1_000_000:
            del self.expires_at_ms[key]

    def execute(self) -> list[int]:
        asked, self._asked = self._asked, []
        return asked


def test_the_upgrade_drops_no_counter_and_says_which_it_will(caplog: pytest.LogCaptureFixture) -> None:
    settings = DedupSettings()
    today = time.time_ns() // 1_000_000 // DAY_MS
    names = [b"p:" + day_name(today - age).encode() for age in (1, 500, 900)]
    redis: Any = InMemoryRedis(dict.fromkeys(names, -1))
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            _bound(redis, settings.kept, settings)
    assert list(redis.expires_at_ms) == names
    [told] = caplog.messages
    assert told.startswith("2 counters")
    assert "VITRINE_GATE_DAYS_KEPT_MS" in told
    _bound(redis, Kept(settings.hours_kept_ms, 1_000 * DAY_MS), settings)
    assert min(redis.expires_at_ms.values()) > (today + 90) * DAY_MS


def _bound(redis: Any, kept: Kept, settings: DedupSettings) -> None:
    older_counters.bound(redis, b"p:", kept, Words(), settings.overdue_kept_ms)
