"""What a gate does beside its batches."""

import logging
import math

import pytest

from streaming.dedup.port import FilterFill, Generation, LogProgress, OutOfSync
from streaming.gate import upkeep as module
from streaming.gate.upkeep import Upkeep


class Seen:
    def __init__(self, items: int) -> None:
        self.items, self.forgotten = items, list[tuple[str, int]]()

    def forget_before(self, generation: str, low_watermark_ms: int) -> None:
        if generation != "first":
            raise OutOfSync("another generation")
        self.forgotten.append((generation, low_watermark_ms))

    def filter_fill(self) -> list[FilterFill]:
        return [FilterFill("users:7", 100, 10, 0.0, 1), FilterFill("sessions:7", 100, self.items, 0.01, 1)]


class Log:
    def committed(self) -> LogProgress:
        return LogProgress("log", {}, {}, low_watermark_ms=123, begins_ms=0)


def upkeep(seen: Seen) -> Upkeep:
    return Upkeep(seen, Log(), warn_at_fill=0.8)  # type: ignore[arg-type]


@pytest.mark.parametrize(("items", "told"), [(79, []), (80, ["filter_nearly_full"]), (101, ["filter_full"])])
def test_a_filter_is_warned_of_once(items: int, told: list[str], caplog: pytest.LogCaptureFixture) -> None:
    seen = Seen(items)
    kept = upkeep(seen)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            kept._next_s = 0.0
            kept.if_due(Generation("first"))
    assert [record.message for record in caplog.records] == told
    assert all(vars(record)["filter"] == "sessions:7" for record in caplog.records)
    assert seen.forgotten == [("first", 123)] * 2


def test_it_is_not_done_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EVERY_S", math.inf)  # however long this machine takes
    seen = Seen(0)
    kept = upkeep(seen)
    kept.if_due(Generation("first"))
    kept.if_due(Generation("first"))
    assert len(seen.forgotten) == 1


def test_what_cannot_be_done_now_is_put_off() -> None:
    seen = Seen(0)
    kept = upkeep(seen)
    kept.if_due(Generation("second"))
    assert seen.forgotten == []
