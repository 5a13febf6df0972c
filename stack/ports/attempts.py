"""Carries out attempts on a port, also as another user of this machine. Standard library only."""

import json
import os
import pwd
import socket
import ssl
import traceback
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from stack.ports.replies import Try

STRANGER = "nobody"
ENOUGH_BYTES = 65_536
TIMEOUT_S = 5.0


def served(port: int, tries: Iterable[Try]) -> str:
    """Returns the name of the first attempt on `port` that was served; empty if all were refused."""
    return next((one.name for one in tries if one.serves(_reply(port, one))), "")


def all_served(tries: Mapping[int, tuple[Try, ...]]) -> dict[int, str]:
    """Returns the same for each port. Most attempts wait for a server that says nothing."""
    with ThreadPoolExecutor(max_workers=16) as pool:
        return dict(zip(tries, pool.map(served, tries, tries.values()), strict=True))


def served_as_stranger(tries: Mapping[int, tuple[Try, ...]]) -> dict[int, str]:
    """Returns the same for each port, as tried by a user who has no rights and is no account of ours. Needs
    root. Raises ChildProcessError if the attempts cannot be made."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            _become(STRANGER)
            found = all_served(tries)
            with os.fdopen(writing, "w") as out:
                json.dump(found, out)
        except Exception:  # noqa: BLE001  (told, and then the process ends)
            traceback.print_exc()
        finally:
            os._exit(0)  # what the parent has open is not the child's to end
    os.close(writing)
    with os.fdopen(reading) as given:
        text = given.read()
    os.waitpid(child, 0)
    if not text:
        raise ChildProcessError(f"no attempt could be made as {STRANGER}")
    return {int(port): name for port, name in json.loads(text).items()}


def _become(name: str) -> None:
    user = pwd.getpwnam(name)
    os.setgroups([])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)


def _reply(port: int, attempt: Try) -> bytes:
    """Returns the beginning of what the port sends; empty if it sends nothing or refuses."""
    reply = b""
    try:
        with socket.socket() as plain:
            plain.settimeout(TIMEOUT_S)
            plain.connect(("127.0.0.1", port))
            connection = _any_tls().wrap_socket(plain) if attempt.tls else plain
            with connection:
                connection.sendall(attempt.sent)
                while len(reply) < ENOUGH_BYTES and not attempt.serves(reply):
                    received = connection.recv(ENOUGH_BYTES)
                    if not received:
                        break
                    reply += received
    except OSError:  # refused, reset, silent, or a certificate is demanded
        pass
    return reply


def _any_tls() -> ssl.SSLContext:
    """A stranger verifies nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
