"""Whether the clock can be believed, before everything that it calls old is deleted for ever. Pure.

The clock is compared with what earlier runs remembered by it. So nothing speaks against a wrong clock at the
very first run.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from streaming.contract.months import begin_ms, month_of
from streaming.contract.time_units import DAY_MS
from streaming.retention.place import Kept
from streaming.retention.plan import DATED

LONGEST_PAUSE_DAYS = 62
"""Between two runs, of which there is one each night: a longer one is rather a clock that is ahead."""
_SLACK_MS = DAY_MS


def doubts(recorded: Mapping[str, Kept], now_ms: int) -> str | None:
    """Returns why `now_ms` may be wrong, or what was recorded by a wrong clock; None if nothing speaks
    against either."""
    dated = [recorded[place] for place in DATED if place in recorded]
    for kept in dated:
        if kept.before_ms > now_ms:
            return (
                f"{kept.place} has expired up to {_day(kept.before_ms)}, which has not come yet: a run "
                "deleted by a clock that was ahead, or the clock is behind now"
            )
    looked_ms = max((kept.looked_at_ms for kept in dated), default=0)
    if looked_ms > now_ms + _SLACK_MS:
        return f"the last run was on {_day(looked_ms)}: the clock was ahead then, or is behind now"
    if looked_ms and now_ms - looked_ms > LONGEST_PAUSE_DAYS * DAY_MS:
        return (
            f"the last run was on {_day(looked_ms)}, more than {LONGEST_PAUSE_DAYS} days ago: either none "
            "ran for so long, or the clock is ahead"
        )
    return None


def taken_back(recorded: Mapping[str, Kept], now_ms: int) -> Iterator[Kept]:
    """Yields what is to be remembered instead of boundaries that have not come yet, if `now_ms` is right: the
    beginning of the present month. What was deleted before stays expired, and nothing new is."""
    latest_ms = begin_ms(month_of(now_ms))
    for place in DATED:
        if place in recorded and recorded[place].before_ms > now_ms:
            yield replace(recorded[place], before_ms=latest_ms)


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")
