"""Carries out attempts on a port. Standard library only."""

import encodings.idna  # noqa: F401  (of every address; a stranger could not load it from a closed folder)
import errno
import socket
import ssl
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from stack.ports.listening import Address
from stack.ports.outcome import Heard, outcome
from stack.ports.replies import Try

Tries = Mapping[Address, tuple[Try, ...]]
ENOUGH_BYTES = 65_536
TIMEOUT_S = 5.0
OWN_TIMEOUT_S = 60.0
"""In the port's own protocol, in which a busy server answers at last."""
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.ENETUNREACH)
"""A server that listens everywhere is not to be reached by IPv6 on a machine that has none."""


def served(address: Address, tries: Sequence[Try]) -> str | None:
    """Returns what `outcome` says of all attempts on `address`."""
    return outcome([(one, _heard(address, one)) for one in tries])


def all_served(tries: Tries) -> dict[Address, str | None]:
    """Returns the same for each address. Most attempts wait for a server that says nothing."""
    each = [(address, one) for address, those in tries.items() for one in those]
    with ThreadPoolExecutor(max_workers=32) as pool:
        told = list(pool.map(_heard, *zip(*each, strict=True))) if each else []
    heard: dict[Address, list[tuple[Try, Heard]]] = {address: [] for address in tries}
    for (address, one), reply in zip(each, told, strict=True):
        heard[address].append((one, reply))
    return {address: outcome(those) for address, those in heard.items()}


def _heard(address: Address, attempt: Try) -> Heard:
    """Tries once. Whatever is neither a reply nor a refusal, such as no way to the address, is silence."""
    reply, waits = b"", attempt.own and not attempt.tls
    try:
        with socket.create_connection(address, OWN_TIMEOUT_S if waits else TIMEOUT_S) as plain:
            connection = _any_tls().wrap_socket(plain) if attempt.tls else plain
            with connection:
                connection.sendall(attempt.sent)
                while len(reply) < ENOUGH_BYTES and not attempt.serves(reply):
                    received = connection.recv(ENOUGH_BYTES)
                    if not received:
                        break
                    reply += received
    except (ConnectionError, PermissionError, ssl.SSLError):  # refused, reset, or a certificate is demanded
        return Heard(reply)
    except OSError as error:
        return Heard(reply, silent=error.errno not in _NO_SUCH_ADDRESS)
    return Heard(reply)


def _any_tls() -> ssl.SSLContext:
    """A stranger verifies nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
