"""`./vitrine ports`: who is served at each listening port of this stack, though they do not belong there."""

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import msgspec
from rich.console import Console
from rich.table import Table

from stack.context import this_checkout
from stack.ports import attempts, listening, replies
from stack.service import StackContext
from streaming.process.exit_code import ExitCode

REFUSED, ANSWERED, UNKNOWN = "refused", "answered", "unknown"


@dataclass(frozen=True)
class Port:
    """A listening port, and how each kind of stranger fared: refused, answered or unknown."""

    service: str
    port: int
    foreign_uid: str
    """Another user of this machine, in the protocols of all our servers."""
    foreign_origin: str
    """A web page of another origin, in a browser of who runs this command."""
    foreign_host: str
    """A web page whose name leads here (DNS rebinding)."""

    @property
    def closed(self) -> bool:
        return self.foreign_uid == self.foreign_origin == self.foreign_host == REFUSED


def looked_at(place: StackContext) -> list[Port]:
    """Tries each listening port. Only root can try what another user would."""
    found = listening.ports(place)
    strangers = {port: replies.as_stranger(service, port) for port, service in found.items()}
    by_uid = attempts.served_as_stranger(strangers) if place.root else {}
    by_page = attempts.all_served({port: replies.from_page(service, port) for port, service in found.items()})
    by_name = attempts.all_served(
        {port: replies.by_rebinding(service, port) for port, service in found.items()}
    )
    return [
        Port(service, port, *(_word(served.get(port)) for served in (by_uid, by_page, by_name)))
        for port, service in found.items()
    ]


def _word(served: str | None) -> str:
    if served is None:
        return UNKNOWN
    return ANSWERED if served else REFUSED


def run(arguments: Namespace) -> int:
    """Carries out `./vitrine ports`. Returns its exit code."""
    found = looked_at(this_checkout())
    if arguments.json:
        print(msgspec.json.encode({"ports": [asdict(one) for one in found]}).decode())
    else:
        _print(found)
    return ExitCode.DONE if all(one.closed for one in found) else ExitCode.NOT_SO


def _print(found: Iterable[Port]) -> None:
    table = Table("service", "port", "another user", "another page", "another name", box=None)
    for one in found:
        table.add_row(one.service, str(one.port), one.foreign_uid, one.foreign_origin, one.foreign_host)
    Console().print(table)
