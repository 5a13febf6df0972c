"""A real mongod has its users before anybody can reach it. The mongod here is a stand-in that speaks
MongoDB's protocol on a unix socket: no registry has the real one."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent

import pytest

from stack import machine, mongodb_users, passwords, services
from stack.components import mongodb
from stack.principals import Principal, Store
from stack.service import StackContext, StackError

STAND_IN = """\
    #!{python}
    import json, os, signal, socket, struct, sys, threading
    import bson

    options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    folder, path = options["--dbpath"], options["--bind_ip"]
    open(os.path.join(folder, "WiredTiger"), "w").close()
    known = os.path.join(folder, "users.json")
    private = oct(os.stat(os.path.dirname(path)).st_mode & 0o777)
    started = {{"argv": sys.argv[1:], "environment": dict(os.environ), "private": private}}
    open(os.path.join(folder, "started"), "a").write(json.dumps(started) + "\\n")

    def users():
        return json.load(open(known)) if os.path.exists(known) else {{}}

    def answer(command):
        name = next(iter(command))
        if name == "usersInfo":
            return {{"users": [{{"user": user}} for user in users()], "ok": 1}}
        if name in ("createUser", "updateUser"):
            if (command[name] in users()) != (name == "updateUser"):
                return {{"ok": 0, "code": 51003, "errmsg": "no"}}
            found = users() | {{command[name]: command["pwd"]}}
            json.dump(found, open(known, "w"))
            return {{"ok": 1}}
        limits = {{"maxBsonObjectSize": 2**24, "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000}}
        return {{"isWritablePrimary": True, "minWireVersion": 0, "maxWireVersion": 21, "ok": 1, **limits}}

    def serve(connection):
        with connection, connection.makefile("rb") as incoming:
            while head := incoming.read(16):
                length, number, _, code = struct.unpack("<iiii", head)
                body = incoming.read(length - 16)
                at = body.index(b"\\0", 4) + 9 if code == 2004 else 5
                reply = bson.encode(answer(bson.decode(body[at:at + struct.unpack_from("<i", body, at)[0]])))
                before = struct.pack("<iqii", 8, 0, 0, 1) if code == 2004 else struct.pack("<ib", 0, 0)
                kind = 1 if code == 2004 else 2013
                size = 16 + len(before) + len(reply)
                connection.sendall(struct.pack("<iiii", size, 1, number, kind) + before + reply)

    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if {broken}:
        sys.exit("Failed to set up listener")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


@dataclass
class Installed:
    """A checkout on a machine that has the stand-in as its mongod."""

    place: StackContext
    folder: Path

    def prepare(self) -> None:
        [service] = (one for one in services.services(self.place) if one.name == "mongodb")
        assert service.prepare is not None
        service.prepare()

    def starts(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in (self.folder / "started").read_text().splitlines()]

    def users(self) -> dict[str, str]:
        return dict(json.loads((self.folder / "users.json").read_text()))


@pytest.fixture
def install(place: StackContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Installed]:
    def installed(broken: bool = False) -> Installed:
        program = tmp_path / "mongod"
        program.write_text(dedent(STAND_IN).format(python=sys.executable, broken=broken))
        program.chmod(0o755)
        monkeypatch.setattr(machine, "mongod", lambda: str(program))
        place.layout.run.mkdir(parents=True, exist_ok=True)
        without_root = replace(place, root=False)
        return Installed(without_root, place.layout.stores / "mongodb" / "mongod")

    return installed


def test_nobody_makes_the_first_user_but_we(place: StackContext) -> None:
    """Mongod's localhost exception: without users, whoever comes from this machine makes the admin."""
    command = mongodb.command(place, "/usr/bin/mongod")
    at = command.index("--setParameter")
    assert command[at + 1] == "enableLocalhostAuthBypass=false"
    assert "--auth" in command


def test_the_users_are_there_before_the_first_port(install: Callable[..., Installed]) -> None:
    here = install()
    here.prepare()
    of = {one.value: passwords.of(here.place.layout, Store.MONGODB, one) for one in mongodb_users.roles("d")}
    assert here.users() == of
    [started] = here.starts()
    options = started["argv"]
    assert isinstance(options, list)
    assert options[0] == "--bind_ip"
    assert options[1].startswith("/tmp/vitrine-mongod-")
    assert len(options[1].encode()) <= 107
    assert "127.0.0.1" not in str(options)
    assert started["private"] == "0o700"
    assert not Path(options[1]).parent.exists(), "it has ended, and its folder is gone"
    assert not [one for one in of.values() if one in str(started)], "on no command line, in no environment"


def test_they_are_made_once_for_these_files_and_passwords(install: Callable[..., Installed]) -> None:
    here = install()
    here.prepare()
    here.prepare()
    assert len(here.starts()) == 1
    for path in here.place.layout.passwords.iterdir():
        path.unlink()
    here.prepare()
    assert len(here.starts()) == 2
    assert here.users()["admin"] == passwords.of(here.place.layout, Store.MONGODB, Principal.ADMIN)
    for path in here.folder.iterdir():
        path.unlink()
    here.prepare()
    assert here.users().keys() == {"admin", "store", "airflow", "watch"}


def test_files_of_an_earlier_release_get_the_new_passwords(install: Callable[..., Installed]) -> None:
    """It gave each user one password for all stores."""
    here = install()
    here.folder.mkdir(parents=True)
    old = {one: passwords.generated(here.place.layout, Principal(one)) for one in ("admin", "store")}
    (here.folder / "users.json").write_text(json.dumps(old))
    here.prepare()
    assert not set(here.users().values()) & set(old.values())


def test_a_mongod_that_does_not_start_says_why(install: Callable[..., Installed]) -> None:
    here = install(broken=True)
    with pytest.raises(StackError, match="Failed to set up listener"):
        here.prepare()


def test_other_passwords_restart_it(install: Callable[..., Installed]) -> None:
    here = install()

    def configuration() -> str:
        return next(one.configuration for one in services.services(here.place) if one.name == "mongodb")

    before = configuration()
    assert before == configuration()
    passwords.file(here.place.layout, Principal.ADMIN).unlink()
    assert before != configuration()
