"""From records to writes: the newest record of each id, with a version that orders writes of one id. Pure."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice

import msgspec
from msgspec import DecodeError, Struct, json
from msgspec import field as json_field

from streaming.contract import topics
from streaming.contract.months import month_of
from streaming.sinks.port import Write

_SEQUENCE_BITS = 20


class IndexRecord(Struct, frozen=True, gc=False):
    """A record of one of the three topics."""

    topic: str
    """Its plain name, which is also the index's."""
    partition: int
    offset: int
    appended_at_ms: int
    """When the broker appended it."""
    key: bytes | None
    value: bytes | None


class Unreadable(Struct, frozen=True):
    """A record that cannot become a document of any index."""

    record: IndexRecord
    reason: str


class _Counted(Struct):
    """The counters of a window aggregate, by their names on the wire."""

    views: int
    carts: int
    removals: int
    purchases: int


_counted = json.Decoder(_Counted)
_COUNTS = 1 << 62
"""Above every time stamp, so that counts supersede documents that an earlier release ordered by time."""


def version(record: IndexRecord) -> int:
    """Later records of an id have higher versions.

    Running totals order themselves: a window that counts more interactions is the later one, even if an old
    batch is produced anew, or the job starts again from nothing and counts up once more. Of other documents a
    key keeps to one partition, where the offset alone would order it, but offsets begin again when a topic is
    made anew, and more partitions move a key: the broker's clock comes first, and the offset orders what was
    appended within one millisecond. Fits into 63 bits until the year 2109.
    """
    if record.topic == topics.PRODUCT_ACTIVITY:
        try:
            totals = _counted.decode(record.value or b"")
            return _COUNTS + totals.views + totals.carts + totals.removals + totals.purchases
        except (DecodeError, UnicodeDecodeError):
            pass  # no such document: the index will refuse it
    return record.appended_at_ms << _SEQUENCE_BITS | record.offset & ((1 << _SEQUENCE_BITS) - 1)


class _Dated(Struct):
    """The time of a document, by its names on the wire."""

    event_time_ms: int | None = json_field(default=None, name="eventTimeMs")
    window_start_ms: int | None = json_field(default=None, name="windowStartMs")


_dated = json.Decoder(_Dated)


def month_in(body: bytes) -> str | None:
    """Returns the month of event time in which the document `body` belongs; None if it has no such time."""
    try:
        found = _dated.decode(body)
        at_ms = found.event_time_ms if found.event_time_ms is not None else found.window_start_ms
        return None if at_ms is None else month_of(at_ms)
    except (ValueError, RecursionError):  # of decoding, or a time beyond all months
        return None


def dated(index: str, id_: str, version: int, body: bytes) -> Write | None:
    """Returns the write of a document into the slice of its event time; None if it has no such time."""
    month = month_in(body)
    moves = index != topics.PRODUCT_ACTIVITY  # the id of a window contains its time
    return None if month is None else Write(index, id_, version, body, month, moves)


Newest = tuple[dict[tuple[str, str], tuple[IndexRecord, Write]], list[Unreadable]]
"""By (index, id) the newest record and its write; and the records that cannot become documents."""


def newest(records: Iterable[IndexRecord]) -> Newest:
    """Returns the newest of `records`, which are in the order of their partitions."""
    standing: dict[tuple[str, str], tuple[IndexRecord, Write]] = {}
    unreadable = []
    for record in records:
        if not record.key or not record.value:
            unreadable.append(Unreadable(record, "empty_key" if not record.key else "empty_value"))
            continue
        try:
            id_ = record.key.decode()
        except UnicodeDecodeError:
            unreadable.append(Unreadable(record, "key_not_utf8"))
            continue
        if (write := dated(record.topic, id_, version(record), record.value)) is None:
            unreadable.append(Unreadable(record, "no_time"))
            continue
        earlier = standing.get((record.topic, id_))
        if earlier is None or earlier[1].version <= write.version:
            standing[record.topic, id_] = record, write
    return standing, unreadable


class _Arrived(Struct, rename="camel", gc=False):
    """The field of a session summary that says when the session arrived."""

    arrived_at_ms: int


_arrived = msgspec.json.Decoder(_Arrived).decode
_ONE_IN = 50


def arrivals(writes: Iterable[Write]) -> Iterator[int]:
    """When the sessions arrived whose summaries are among `writes`: of one summary in fifty, the first among
    them, because to decode every one would cost more than writing it is worth. One that cannot be decoded is
    left out."""
    summaries = (write for write in writes if write.index == topics.SESSION_SUMMARIES)
    for write in islice(summaries, 0, None, _ONE_IN):
        with suppress(msgspec.MsgspecError):
            yield _arrived(write.body).arrived_at_ms
