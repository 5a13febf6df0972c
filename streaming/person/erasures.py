"""The erasure list: who is to be erased, by pseudonym, and how far that is. One JSON object a line. Pure.

Nothing in it is ever changed or removed, for a backup may bring back whom it names. Two copies are united
line by line, in any order and any number of times.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec
from msgspec import Struct

LONGEST_RUN_MS = 3_600_000
State = Literal["requested", "under way", "done"]


class Amount(Struct, frozen=True):
    """How much of a place was removed."""

    place: str
    records: int | None
    """None where it is not counted."""
    until_ms: int | None = None
    """Until when it has what was not removed; None where that is nothing, or nobody can know."""
    told: str = ""
    """What is to be done about it, or why it stays; in words for people."""


class Event(Struct, frozen=True, omit_defaults=True):
    """One line of the list."""

    at_ms: int
    request: str
    """The id of the request: drawn at random."""
    user: str
    """The person's pseudonym."""
    did: Literal["requested", "begun", "done"]
    """Begun: everything of before `at_ms` goes. What comes later is a new visit, and stays."""
    places: tuple[Amount, ...] = ()
    """What was removed where; of done alone."""


class Request(Struct, frozen=True):
    """A request, as its events say."""

    id: str
    user: str
    requested_ms: int
    begun_ms: int | None = None
    done_ms: int | None = None
    places: tuple[Amount, ...] = ()

    @property
    def state(self) -> State:
        if self.done_ms is not None:
            return "done"
        return "requested" if self.begun_ms is None else "under way"


def line(event: Event) -> bytes:
    """Returns `event` as one line, its line break included."""
    return msgspec.json.encode(event) + b"\n"


def read(lines: Iterable[bytes]) -> list[Event]:
    """Returns the events in `lines`; a line that a full disk has cut is left out."""
    found = []
    for text in lines:
        try:
            found.append(msgspec.json.decode(text, type=Event))
        except msgspec.MsgspecError:
            continue
    return found


def missing(here: Iterable[bytes], elsewhere: Iterable[bytes]) -> list[bytes]:
    """Returns the lines of another copy that this one lacks, each once and whole."""
    known = {text.rstrip(b"\n") for text in here}
    found = dict.fromkeys(text.rstrip(b"\n") for text in elsewhere)
    return [text + b"\n" for text in found if text not in known and read([text])]


def requests(events: Iterable[Event]) -> list[Request]:
    """Returns the requests, the oldest first."""
    found: dict[str, Request] = {}
    for event in sorted(events, key=lambda event: (event.at_ms, _ORDER[event.did])):
        one = found.get(event.request) or Request(event.request, event.user, event.at_ms)
        match event.did:
            case "begun" if one.begun_ms is None:
                one = msgspec.structs.replace(one, begun_ms=event.at_ms)
            case "done":
                one = msgspec.structs.replace(one, done_ms=event.at_ms, places=event.places)
        found[event.request] = one
    return list(found.values())


def still_open(of: Iterable[Request]) -> list[Request]:
    """Returns those that are not done."""
    return [one for one in of if one.done_ms is None]


def overdue(of: Iterable[Request], now_ms: int, allowed_ms: int) -> list[Request]:
    """Returns the open requests that were asked for longer ago than is allowed, and those that are under way:
    whoever carries one out does so within minutes, unless it was interrupted."""
    limits_ms = {"requested": allowed_ms, "under way": min(allowed_ms, LONGEST_RUN_MS)}
    return [
        one for one in still_open(of) if now_ms - (one.begun_ms or one.requested_ms) > limits_ms[one.state]
    ]


def erased_before_ms(of: Iterable[Request]) -> Mapping[str, int]:
    """Returns, by pseudonym, before which moment nothing of a person may be left."""
    found: dict[str, int] = {}
    for one in of:
        if one.begun_ms is not None:
            found[one.user] = max(one.begun_ms, found.get(one.user, 0))
    return found


_ORDER = {"requested": 0, "begun": 1, "done": 2}
