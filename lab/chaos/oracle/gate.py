"""Checks the gate's outcome of each raw message.

The order within a partition matters: of several copies of a session, the first acceptable one of some
partition must be valid, and each later one in that partition a duplicate. The log does not determine which
partition's copy is the valid one. The same holds for a user's first session.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain
from typing import Any, NamedTuple

from lab.chaos.oracle.contract import CONSENTS, FACTS, FIELDS, IDENTITY, NEWER, Fields, expected
from lab.chaos.oracle.findings import Findings
from lab.chaos.oracle.readings import Record

LATENESS_MS = 3_600_000

Position = tuple[int, int]
"""Raw partition and offset."""
Visit = tuple[str, str]
"""User and session id, by which a session is known."""
_ADDRESS = re.compile(r"[^\s/?&=:,]+@example\.org")
"""The addresses that the workload sends."""


class _Outcome(NamedTuple):
    """The outcome of a raw message. `digest`: of its fields, or of the original bytes."""

    name: str
    digest: bytes
    arrived_at_ms: int
    user_kind: str = ""
    late: bool = False


@dataclass
class _Partition:
    """The state after the earlier messages of a raw partition."""

    newest_ms: int = 0
    sessions: set[Visit] = field(default_factory=set)
    users: set[str] = field(default_factory=set)


def judge(
    raw: Iterable[Record], valid: Iterable[Record], rejected: Iterable[Record], findings: Findings
) -> int:
    """Adds everything that is wrong to `findings`; returns the number of distinct users."""
    outcomes: dict[Position, _Outcome] = {}
    for place, outcome in chain(_valid(valid, findings), _rejected(rejected)):
        if place in outcomes:
            findings.is_duplicated(f"outcome of {place}")
        outcomes[place] = outcome
        findings.counts[outcome.name] += 1
    partitions: dict[int, _Partition] = defaultdict(_Partition)
    times_valid: Counter[Visit] = Counter()
    times_new: Counter[str] = Counter()
    for record in raw:
        findings.counts["raw"] += 1
        partition = partitions[record.partition]
        fields, against = expected(record.value, record.at_ms)
        place = record.partition, record.offset
        if place not in outcomes:
            findings.is_lost(f"raw {record.partition}:{record.offset}")
            continue
        outcome = outcomes.pop(place)
        if wrong := _wrong(record, fields, against, outcome, partition):
            findings.is_wrong(f"raw {record.partition}:{record.offset} is {outcome.name}: {wrong}")
        if against:
            continue
        partition.sessions.add(_visit(fields))
        times_valid[_visit(fields)] += outcome.name == "valid"
        if outcome.name == "valid":
            partition.users.add(fields["userId"])
            times_new[fields["userId"]] += outcome.user_kind == "new"
            if fields.get("feed", "live") == "live":
                partition.newest_ms = max(partition.newest_ms, fields["eventTimeMs"])
    for (_, session), times in times_valid.items():
        if times == 0:
            findings.is_lost(f"session {session}: every copy is a duplicate")
        elif times > 1:
            findings.is_duplicated(f"session {session}: valid {times} times")
    for user, times in times_new.items():
        if times != 1:
            findings.is_wrong(f"a user is new {times} times (digest {_digest(user.encode()).hex()})")
    for place in outcomes:
        findings.is_wrong(f"there is an outcome for {place}, but no raw message")
    return len(times_new)


def _wrong(
    record: Record, fields: Fields, against: frozenset[str], outcome: _Outcome, partition: _Partition
) -> str:
    """Returns why the outcome is wrong; empty if it is right."""
    if outcome.arrived_at_ms != record.at_ms:
        return "its arrival differs from the raw message's"
    if against and outcome.name not in against:
        return f"should be {' or '.join(sorted(against))}"
    if outcome.name == "no_consent":
        nothing = record._replace(key=b"%d" % record.partition, value=None)
        return "" if outcome.digest == original(nothing) else "something of it is kept"
    if outcome.name != "valid":
        if not against and outcome.name != "duplicate":
            return "there is no reason to reject it"
        return "" if outcome.digest == original(record) else "its bytes differ from the raw message's"
    if _visit(fields) in partition.sessions:
        return "an earlier copy is in its partition"
    if outcome.user_kind == "new" and fields["userId"] in partition.users:
        return "its user is not new"
    live = fields.get("feed", "live") == "live"
    if outcome.late != (live and fields["eventTimeMs"] < partition.newest_ms - LATENESS_MS):
        return f"late is {outcome.late}"
    return (
        "" if outcome.digest == content(_passed_on(fields)) else "its content differs from the raw message's"
    )


def _valid(records: Iterable[Record], findings: Findings) -> Iterator[tuple[Position, _Outcome]]:
    users: dict[str, str] = {}
    visits: dict[Visit, str] = {}
    owners: dict[str, object] = {}
    for record in records:
        message = json.loads(record.value or b"")
        fields = whole(message)
        where = f"valid {record.partition}:{record.offset}"
        if record.key != fields["userPseudonym"].encode():
            findings.is_wrong(f"{where} has a key that is not its user's pseudonym")
        if message.keys() & set(IDENTITY):
            findings.is_wrong(f"{where} has fields of its identity among the others")
        user, visit = fields["userPseudonym"], fields["sessionPseudonym"]
        if (
            users.setdefault(fields["userId"], user) != user
            or owners.setdefault(user, fields["userId"]) != (fields["userId"])
        ):
            findings.is_wrong(f"{where}: a user has not one pseudonym of its own")
        known = _visit(fields)
        if visits.setdefault(known, visit) != visit or owners.setdefault(visit, known) != known:
            findings.is_wrong(f"{where}: a session has not one pseudonym of its own")
        if any(one in user + visit for one in known):
            findings.is_wrong(f"{where}: an id is in a pseudonym")
        if fields["userKind"] not in ("new", "returning"):
            findings.is_wrong(f"valid {record.partition}:{record.offset} has an unknown userKind")
        yield (
            (fields["rawPartition"], fields["rawOffset"]),
            _Outcome("valid", content(fields), fields["arrivedAtMs"], fields["userKind"], fields["late"]),
        )


def _rejected(records: Iterable[Record]) -> Iterator[tuple[Position, _Outcome]]:
    for record in records:
        headers = record.headers
        yield (
            (int(headers["raw_partition"]), int(headers["raw_offset"])),
            _Outcome(headers["reason"].decode(), original(record), int(headers["arrived_at_ms"])),
        )


def whole(message: Fields) -> Fields:
    """Returns the fields of a message behind the gate, or of a document, with those of its identity."""
    return {**message, **message.get("identity", {})}


def _visit(fields: Fields) -> Visit:
    return fields["userId"], fields["sessionId"]


def _passed_on(sent: Fields) -> Fields:
    """Returns the fields of a raw message as they are behind the gate: no address where none belongs."""
    return {name: one if name in IDENTITY else _masked(one) for name, one in sent.items()}


def _masked(value: object) -> object:
    match value:
        case str():
            return _ADDRESS.sub("[mail]", value)
        case list():
            return [_masked(one) for one in value]
        case dict():
            return {name: _masked(one) for name, one in value.items()}
        case _:
            return value


def content(fields: Fields, names: tuple[str, ...] = FIELDS) -> bytes:
    """Returns a digest of the contract's fields. Case has no meaning in two of them, and what version 2
    brought may be null or absent."""
    held: dict[str, Any] = {"feed": "live"}
    held |= {name: fields[name] for name in names if name in fields}
    held = {name: one for name, one in held.items() if one is not None or name not in NEWER}
    if "consent" in held:
        held["consent"] = {name: held["consent"].get(name) for name in CONSENTS}
    held |= {name: held[name].lower() for name in ("deviceType", "referrer") if name in held}
    return _digest(json.dumps(held, sort_keys=True).encode())


def content_and_facts(fields: Fields) -> bytes:
    """Returns a digest of the contract's fields and those that the gate adds."""
    return content(fields, (*FIELDS, *FACTS))


def original(record: Record) -> bytes:
    """Returns a digest of the original key and value."""
    return _digest(b"%r\0%r" % (record.key, record.value))


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=12).digest()
