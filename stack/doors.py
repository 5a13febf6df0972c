"""Which ports ask for no password, who needs them, and the rule that keeps all others of this machine out."""

import pwd
from collections.abc import Callable

from stack import accounts, machine, port_rule
from stack.port_rule import Door, NoRule
from stack.service import StackContext, StackError
from stack.settings import StackSettings

BEAM_PORTS = 100
"""A TaskManager opens a few for each Python process of a task."""
METRICS = ("watch", "gate_metrics", "store_metrics", "index_metrics")
OPEN = "Other users of this machine can reach ports that ask for no password, MongoDB's among them"


def doors(place: StackContext) -> tuple[Door, ...]:
    """Returns the ports of this stack that ask for no password. Raises StackError if another port of ours is
    in the range that only Flink's account may use."""
    mongo, beam = place.settings.port("mongo"), place.settings.port("flink_beam")
    controller, transport = (
        place.settings.port(name) for name in ("kafka_controller", "elasticsearch_transport")
    )
    others = [name.removesuffix("_port") for name in StackSettings.model_fields if name.endswith("_port")]
    others.remove("flink_beam")
    if inside := [name for name in others if beam <= place.settings.port(name) < beam + BEAM_PORTS]:
        raise StackError(
            "VITRINE_FLINK_BEAM_PORT begins a range of ports for Flink alone "
            f"({beam_ports(place)}), and the port of {inside[0]} is in it: change one of the two"
        )
    metrics = tuple((port, port) for name in METRICS if (port := place.settings.port(name)))
    return (
        Door(((mongo, mongo),), (accounts.VITRINE,)),
        Door(((beam, beam + BEAM_PORTS - 1),), (accounts.FLINK,)),
        # Each of these servers talks to itself alone on it.
        Door(((controller, controller),), (accounts.KAFKA,)),
        Door(((transport, transport),), (accounts.ELASTICSEARCH,)),
        Door(metrics, (accounts.VITRINE, *place.settings.readers_of_metrics)),
    )


def kept(place: StackContext) -> str:
    """Returns what other users cannot connect to while the rule is in force: whatever listens there, also a
    program that has nothing to do with this stack."""
    ranges = sorted(pair for door in doors(place) for pair in door.ports)
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def beam_ports(place: StackContext) -> str:
    """Returns the ports that Beam's servers choose from, as beam/ServerFactory.java reads them."""
    first = place.settings.port("flink_beam")
    return f"{first}-{first + BEAM_PORTS - 1}"


def close(place: StackContext, tell: Callable[[str, str], None]) -> None:
    """Puts the rule in force, or tells why other users are not kept out. Raises StackError for a user that
    does not exist."""
    if not place.root:
        tell("ports", gap("only root can keep them out: start the stack as root for that"))
        return
    wanted = doors(place)
    uids = {name: _uid(name) for door in wanted for name in door.users}
    rule = port_rule.written(port_rule.table(place.layout.digest), wanted, uids)
    place.layout.port_rule.unlink(missing_ok=True)
    try:
        machine.install([machine.NFT])
        port_rule.apply(rule)
        place.layout.port_rule.write_text(rule)  # the supervisor's listener applies it again
    except (NoRule, machine.Missing) as reason:
        tell("ports", gap(f"no rule keeps them out ({reason}); in a container, give it NET_ADMIN"))


def open_again(place: StackContext) -> None:
    """Removes the rule."""
    if place.root:
        place.layout.port_rule.unlink(missing_ok=True)
        port_rule.remove(port_rule.table(place.layout.digest))


def kept_out(place: StackContext) -> bool:
    """True if the rule is in force; False if not, or if we may not know."""
    return port_rule.in_force(port_rule.table(place.layout.digest))


def gap(why: str) -> str:
    """Returns the sentence that says what is open, and why."""
    return f"{OPEN}; {why}"


def _uid(name: str) -> int:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise StackError(f"VITRINE_METRICS_READERS names {name}, and this machine has no such user") from None
