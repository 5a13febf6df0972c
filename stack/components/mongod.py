"""A real mongod: its command, and its users, which it gets before anybody can reach it.

A mongod without users lets whoever comes from this machine make the first one, who then owns all that is
stored. So that exception is off, and the users are made by a first process that listens on a unix socket in a
folder of its account's alone.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from urllib.parse import quote

from stack import accounts, system_users, unprivileged
from stack.health import MongoHealth
from stack.principals import Principal, Store
from stack.service import StackContext, StackError, Unhealthy

STARTED_WITHIN_S = 600
STOPPED_WITHIN_S = 120
NO_EXCEPTION = ("--setParameter", "enableLocalhostAuthBypass=false")


def command(mongod: str, port: int, folder: Path) -> tuple[str, ...]:
    """Returns the command of the service."""
    on_loopback = ("--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket")
    return (mongod, *on_loopback, "--auth", *NO_EXCEPTION, "--dbpath", str(folder))


def make_users(place: StackContext, mongod: str, folder: Path, database: str) -> None:
    """Makes the users in the database files in `folder`, unless they are there with the passwords that they
    now have. Raises StackError, with the end of its output, if mongod does not start."""
    from stack import mongodb_users

    password = partial(place.password, Store.MONGODB)
    mark, has = _mark(place), sha256(password(Principal.ADMIN).encode()).hexdigest()
    if (folder / "WiredTiger").exists() and mark.exists() and mark.read_text() == has:
        return
    # Short, because a socket's path may have 107 bytes only, and not in root's TMPDIR.
    private = Path(tempfile.mkdtemp(prefix="vitrine-mongod-", dir="/tmp"))
    try:
        if place.root:
            os.chown(private, system_users.uid(accounts.MONGODB), -1)
        _run(place, mongod, folder, private, partial(mongodb_users.put, database=database, password=password))
    finally:
        shutil.rmtree(private, ignore_errors=True)
    mark.write_text(has)


def _mark(place: StackContext) -> Path:
    return place.layout.run / "mongod-has-users"


def _run(place: StackContext, mongod: str, folder: Path, private: Path, put: Callable[..., None]) -> None:
    """Calls `put` with the address of a mongod that only its account, and root, can reach: it listens in
    `private`, on no port."""
    socket = private / "first.sock"
    listens = ("--bind_ip", str(socket), "--unixSocketPrefix", str(private))
    named = ("--port", str(place.settings.port("mongo")))  # only in the name of another socket there
    program = (mongod, *listens, *named, "--dbpath", str(folder))
    address = f"mongodb://{quote(str(socket), safe='')}"
    with (
        tempfile.TemporaryFile("w+") as output,
        unprivileged.start(place, accounts.MONGODB, program, {}, output) as process,
    ):
        try:
            if not _answers(process, address):
                output.seek(0)
                raise StackError(f"mongod could not be given its users:\n{output.read()[-2000:]}")
            put(address, asks=False)
        finally:
            _stop(process)


def _answers(process: Popen[str], address: str) -> bool:
    deadline = time.monotonic() + STARTED_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            MongoHealth(address).check()
        except Unhealthy:
            time.sleep(0.1)
        else:
            return True
    return False


def _stop(process: Popen[str]) -> None:
    """Ends mongod, which writes to its files what it still has in memory."""
    process.terminate()
    try:
        process.wait(STOPPED_WITHIN_S)
    except TimeoutExpired:
        process.kill()
