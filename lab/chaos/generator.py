"""The messages of a chaos test: simulated sessions; 5 of 100 messages are repetitions, 2 of 100 broken.

A few have words that are on no list, feeds that nobody imported, addresses where none belong, another
user's session id, or version 1; or they refuse analytics in a message that is broken, or that repeats one
that was accepted.
"""

import json
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from streaming.contract.session import MAX_MESSAGE_BYTES
from streaming.contract.time_units import HOUR_MS
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import Message, traffic

REPEATED, BROKEN = 0.05, 0.02
KEPT = 2_000
"""Earlier sessions that may be repeated at any later time."""
TOMBSTONE_EVERY, HUGE_EVERY, ODD_EVERY = 10_000, 25_000, 500
ODD = ("country", "deviceType", "referrer", "operatingSystem", "browserType", "gender")
SPAN_MS = 24 * HOUR_MS


class Event(NamedTuple):
    """A message for the raw topic; `partition` if it is not the one of the key."""

    key: bytes | None
    value: bytes | None
    partition: int | None = None


def events(count: int, seed: int, end_ms: int, partitions: int) -> Iterator[Event]:
    """Yields exactly `count` events of the 24 hours before `end_ms`, the same ones for the same arguments."""
    rng = Random(seed)
    sessions = traffic(
        TrafficSettings(
            sessions=count,
            seed=seed,
            users=max(50, count // 5),
            start_ms=end_ms - SPAN_MS,
            span_s=SPAN_MS / 1000,
            broken_rate=BROKEN,
            duplicate_rate=0,
        )
    )
    kept: list[Message] = []
    for number in range(1, count + 1):
        if number % TOMBSTONE_EVERY == 0:
            yield Event(b"nobody", None)
        elif number % HUGE_EVERY == 1 and number > 1:
            yield Event(b"nobody", b'"' + b"x" * (MAX_MESSAGE_BYTES + 1) + b'"')
        elif kept and rng.random() < REPEATED:
            # Sometimes the one just sent, so that two gates claim it at about the same time.
            of = kept[-1] if rng.random() < 0.25 else rng.choice(kept)
            yield rng.choice(REPETITIONS)(of, rng, partitions)
        else:
            message = next(sessions)
            if number % ODD_EVERY == 7 and message.kind in ("valid", "late"):
                said = json.loads(message.value) | dict.fromkeys(ODD, f"odd word {number}")
                message = message._replace(value=json.dumps(said).encode())
            elif number % ODD_EVERY == 8 and message.kind in ("valid", "late"):
                said = json.loads(message.value) | {"feed": f"import-{number:012x}-{number:024x}"}
                message = message._replace(value=json.dumps(said).encode())
            elif number % ODD_EVERY == 9 and message.kind in ("valid", "late"):
                address = f"ada.{number}@example.org"
                said = json.loads(message.value) | {
                    "referrer": f"https://a.example/?m={address}",
                    "city": address,
                }
                said["userId"] = f"user {address}"
                message = message._replace(key=said["userId"].encode(), value=json.dumps(said).encode())
            elif number % ODD_EVERY == 11 and message.kind in ("valid", "late"):
                # Of version 1, where these fields may be anything.
                said = json.loads(message.value) | {"schemaVersion": 1, "campaign": number, "pages": "all"}
                message = message._replace(value=json.dumps(said).encode())
            elif number % ODD_EVERY in (12, 13) and message.kind in ("valid", "late"):
                said = json.loads(message.value) | {"consent": {"analytics": False}}
                broken = (
                    json.dumps(said | {"clicks": -1}) if number % ODD_EVERY == 12 else json.dumps(said)[:-9]
                )
                message = message._replace(kind="no_consent", value=broken.encode())
            elif number % ODD_EVERY == 14 and kept:
                said = json.loads(kept[-1].value) | {"schemaVersion": 2, "consent": {"analytics": False}}
                for name in ("campaign", "pages"):  # anything, if it was of version 1
                    said.pop(name, None)
                message = Message(kept[-1].key, json.dumps(said).encode(), "no_consent", message.due_ms)
            elif number % ODD_EVERY == 10 and kept:
                # Another user's visit under an id that is taken.
                said = json.loads(message.value) if message.kind in ("valid", "late") else {}
                if said:
                    said["sessionId"] = json.loads(kept[-1].value)["sessionId"]
                    message = message._replace(value=json.dumps(said).encode())
            yield Event(message.key, message.value)
            if message.kind in ("valid", "late"):
                if len(kept) == KEPT:
                    del kept[rng.randrange(KEPT)]
                kept.append(message)


def _again(of: Message, rng: Random, partitions: int) -> Event:
    return Event(of.key, of.value)


def _elsewhere(of: Message, rng: Random, partitions: int) -> Event:
    """The same message without its key, in a random partition."""
    return Event(None, of.value, rng.randrange(partitions))


def _with_other_content(of: Message, rng: Random, partitions: int) -> Event:
    fields = json.loads(of.value)
    return Event(of.key, json.dumps(fields | {"clicks": fields["clicks"] + 1}).encode())


REPETITIONS: tuple[Callable[[Message, Random, int], Event], ...] = (_again, _elsewhere, _with_other_content)
