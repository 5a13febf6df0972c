"""`./vitrine person`: status, export and erase. Each is written to the access record before it is done."""

import getpass
import os
import sys
from argparse import Namespace
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stack import interrupted_rewrite, person
from stack.context import this_checkout
from stack.progress import Progress
from streaming.access_record.file import os_user, stored_record
from streaming.command_failure import carried_out
from streaming.contract.visible import visible
from streaming.kafka import clients
from streaming.person import erasures
from streaming.person.erasure_list import stored_list
from streaming.person.erasures import Amount, Request
from streaming.person.kept import Records, kept, known
from streaming.person.places import SESSIONS
from streaming.process.exit_code import ExitCode, InvalidRequest
from streaming.settings import KafkaSettings, PseudonymSettings

EVER = 1 << 30
NOBODY = (
    "nothing is kept of this person, and no erasure was asked for. Give the user id exactly as the shop "
    "sends it: capital letters and spaces count"
)


def run(arguments: Namespace) -> int:
    """Carries out the command. Returns its exit code."""
    failure = {
        "erase": "Not everything was erased; give the same command again",
        "export": "Nothing was exported",
        "status": "Not all places could be read",
    }
    deeds = {"erase": _erase, "export": _export, "status": _status}
    return carried_out(lambda: deeds[arguments.deed](arguments), failure[arguments.deed])


def _status(arguments: Namespace) -> int:
    id_ = _id(arguments)
    user = PseudonymSettings().pseudonyms.user(id_)
    stored_record().add(os_user(), "look-up", "what is kept of a person", why=arguments.why, users=[user])
    places = _counts(_records(user, id_))
    theirs = [one for one in stored_list().requests() if one.user == user]
    if not _anything(places) and not theirs:
        raise InvalidRequest(NOBODY)
    erased_ms = theirs[-1].done_ms if theirs and not _anything(places) else None
    places += person.backups(this_checkout(), erased_ms)
    _print(arguments.json, places, theirs[-1] if theirs else None)
    return ExitCode.DONE


def _export(arguments: Namespace) -> int:
    id_ = _id(arguments)
    user = PseudonymSettings().pseudonyms.user(id_)
    to = str(arguments.out.absolute()) if arguments.out else "standard output"
    what = f"everything kept of a person to {to}"
    stored_record().add(os_user(), "export", what, why=arguments.why, users=[user])
    found = {place: list(read()) for place, read in _records(user, id_).items()}
    if not any(found.values()):
        raise InvalidRequest(NOBODY)
    exported = {
        "exportedAt": datetime.now(UTC).isoformat(timespec="seconds"),
        "userId": id_,
        "userPseudonym": user,
        "places": found,
        "erasures": [one for one in stored_list().requests() if one.user == user],
        "accesses": _accesses(user, found[SESSIONS]),
    }
    content = msgspec.json.format(msgspec.json.encode(exported, enc_hook=str))
    if arguments.out is None:
        print(visible(msgspec.json.encode(exported, enc_hook=str).decode()))
    else:
        _write(arguments.out, content)
        if arguments.json:
            print(visible(msgspec.json.encode({"file": to}).decode()))
    return ExitCode.DONE


def _erase(arguments: Namespace) -> int:
    ids: dict[str, str] = {}
    if arguments.pending:
        if arguments.id is not None:
            raise InvalidRequest("give an ID or --pending, not both")
        requests = erasures.still_open(stored_list().requests())
        if not requests and not interrupted_rewrite.services(this_checkout().layout):
            _print(arguments.json, [], None)
            return ExitCode.DONE
    else:
        id_ = _id(arguments)
        user = PseudonymSettings().pseudonyms.user(id_)
        ids[user] = id_
        if (before := _nothing_to_do(user, id_)) is not None:
            _print(arguments.json, list(before.places), before)
            return ExitCode.DONE
        stored_list().request(user)
        # Those that were interrupted too: what they have left is half done.
        still_open = erasures.still_open(stored_list().requests())
        requests = [one for one in still_open if one.user == user or one.begun_ms is not None]
    users = sorted({one.user for one in requests})
    what = "from every place"
    if users:
        stored_record().add(os_user(), "erasure", what, why=arguments.why, users=users)
    with Progress() as progress:
        places = person.run(requests, ids, arguments.timeout, progress.tell)
    known_now = {one.id: one for one in stored_list().requests()}
    _print(arguments.json, places, known_now.get(requests[-1].id) if requests else None)
    return ExitCode.DONE


def _accesses(user: str, sessions: list[Any]) -> list[dict[str, str]]:
    """Returns when something of the person was looked at or exported, and what; by whom is not theirs to
    know."""
    record = stored_record()
    theirs = {record.whose("user", user), *(record.whose("session", str(one["_id"])) for one in sessions)}
    return [
        {"at": one.at, "did": one.did, "what": one.what} for one in record.newest(EVER) if one.whose in theirs
    ]


def _nothing_to_do(user: str, id_: str) -> Request | None:
    """Returns the last erasure of a person of whom nothing has been kept since; None if there is something to
    erase. Raises InvalidRequest if nothing is known of the person."""
    theirs = [one for one in stored_list().requests() if one.user == user]
    if erasures.still_open(theirs):
        return None
    kept_now = (one for read in _records(user, id_).values() for one in read())
    if next(kept_now, None) is not None:
        return None
    if not theirs:
        raise InvalidRequest(NOBODY)
    return theirs[-1]


def _records(user: str, id_: str) -> Records:
    settings, pseudonyms = KafkaSettings(), PseudonymSettings().pseudonyms
    clients.require(settings)
    return kept(settings, pseudonyms, known(settings, pseudonyms, {user: id_}))


def _counts(records: Records) -> list[Amount]:
    return [Amount(place, sum(1 for _ in read())) for place, read in records.items()]


def _anything(places: Iterable[Amount]) -> bool:
    return any(one.records for one in places)


def _id(arguments: Namespace) -> str:
    """Returns the user id. Raises InvalidRequest without one."""
    if arguments.pending and arguments.deed != "erase":
        raise InvalidRequest("--pending belongs to erase")
    if arguments.id is None:
        raise InvalidRequest("give the user id as the shop sends it, or - to read it from standard input")
    if arguments.id != "-":
        return str(arguments.id)
    text = getpass.getpass("User id: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not (found := text.rstrip("\r\n")):
        raise InvalidRequest("standard input has no user id")
    return found


def _write(file: Path, content: bytes) -> None:
    """Writes a new file that only its owner can read. Raises InvalidRequest."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(content)
    except OSError as error:
        raise InvalidRequest(f"cannot write {file}: {error.strerror}") from None


def _print(as_json: bool, places: list[Amount], of: Request | None) -> None:
    state = of.state if of else None
    if as_json:
        found: dict[str, Any] = {"places": places, "state": state}
        print(visible(msgspec.json.encode(found).decode()))
        return
    table = Table("place", "records", "", title=f"erasure: {state}" if state else None)
    for one in places:
        count = "" if one.records is None else f"{one.records:,}"
        table.add_row(Text(visible(one.place)), count, Text(visible(one.told)))
    Console().print(table)
