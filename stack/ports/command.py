"""`./vitrine ports`: who is served at each listening port of this stack, though they do not belong there."""

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import msgspec
import psutil
from rich.console import Console
from rich.table import Table

from stack.context import this_checkout
from stack.ports import attempts, listening, replies, stranger
from stack.service import StackContext, StackError
from streaming.process.exit_code import ExitCode

REFUSED, ANSWERED, UNKNOWN = "refused", "answered", "unknown"


@dataclass(frozen=True)
class Port:
    """A listening port, and how each kind of stranger fared: refused, answered or unknown."""

    service: str
    port: int
    address: str
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
    """Tries each address. Only root can try what another user would. Raises StackError if the attempts
    cannot be made."""
    try:
        found = listening.ports(place)
        asked = [
            {address: kind(service, address.port) for address, service in found.items()}
            for kind in (replies.from_page, replies.by_rebinding)
        ]
        by_uid = stranger.served_as_stranger(found) if place.root else {}
        by_page, by_name = map(attempts.all_served, asked)
    except (psutil.Error, OSError) as error:
        raise StackError(f"The ports could not be tried: {error or type(error).__name__}") from error
    return [
        Port(
            service,
            address.port,
            address.host,
            *(_word(by.get(address)) for by in (by_uid, by_page, by_name)),
        )
        for address, service in found.items()
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
    table = Table("service", "port", "address", "another user", "another page", "another name", box=None)
    for one in found:
        row = (one.service, str(one.port), one.address, one.foreign_uid, one.foreign_origin, one.foreign_host)
        table.add_row(*row)
    Console().print(table)
