"""The configuration that supervisord reads back is the one that was declared."""

import os
import pwd
import runpy
import sys
from configparser import RawConfigParser
from dataclasses import replace
from pathlib import Path

import pytest
from supervisor.datatypes import dict_of_key_value_pairs

from stack import checkout_owner, environments, lifecycle, port_rule
from stack.checkout_owner import AnotherOwner
from stack.context import this_checkout
from stack.layout import HERE, SOCKET_PATH_MAX_BYTES, Layout
from stack.service import Service, StackError, Unhealthy
from stack.supervisor import end_of_log, private_folder, render
from streaming.process.exit_code import ExitCode


class Never:
    def check(self) -> None:
        raise Unhealthy("never")


def read(layout: Layout, service: Service) -> dict[str, str]:
    parser = RawConfigParser()
    parser.read_string(render(layout, [service]))
    return dict(parser[f"program:{service.name}"])


@pytest.mark.parametrize(
    "value",
    ["plain", "a b,c", '{"conn_type": "mongo", "extra": {"a": "100%"}}', "mongodb://a:b@c/?x=y&z=1", "it's"],
)
def test_settings_arrive_unchanged(tmp_path: Path, value: str) -> None:
    service = Service(name="one", command=("run",), health=Never(), environment={"OWN": value})
    program = read(Layout(tmp_path), service)
    assert dict_of_key_value_pairs(program["environment"].replace("%%", "%")) == {"OWN": value}


def test_a_setting_that_would_be_mangled_is_refused(tmp_path: Path) -> None:
    service = Service(name="one", command=("run",), health=Never(), environment={"OWN": "s3cret\"'"})
    with pytest.raises(StackError, match=r"OWN: .*both kinds of quotes") as refused:
        read(Layout(tmp_path), service)
    assert "s3cret" not in str(refused.value)


def test_another_configuration_is_another_program_without_its_text(tmp_path: Path) -> None:
    one, other = (
        read(Layout(tmp_path), Service(name="one", command=("run",), health=Never(), configuration=text))
        for text in ("port: 1", "port: 2")
    )
    assert one["environment"] != other["environment"]
    assert "port" not in one["environment"]


def test_a_command_with_spaces_and_per_cent_signs_is_unchanged(tmp_path: Path) -> None:
    program = read(Layout(tmp_path), Service(name="one", command=("a b", "50%"), health=Never()))
    assert program["command"] == "'a b' 50%%"


def test_whole_process_groups_end_and_nothing_starts_by_itself(tmp_path: Path) -> None:
    service = Service(name="one", command=("run",), health=Never(), stop_signal="INT", stop_timeout_s=7)
    program = read(Layout(tmp_path), service)
    assert (program["stopasgroup"], program["killasgroup"], program["autostart"]) == ("true", "true", "false")
    assert (program["stopsignal"], program["stopwaitsecs"], program["autorestart"]) == ("INT", "7", "true")


def test_what_services_write_is_for_their_owner_alone(tmp_path: Path) -> None:
    program = read(Layout(tmp_path), Service(name="one", command=("run",), health=Never()))
    assert program["umask"] == "077"


def test_a_long_path_gets_a_short_socket_of_its_own() -> None:
    short, long, other = (Layout(Path(root)) for root in ("/srv/v", "/srv/" + "v" * 100, "/srv/" + "w" * 100))
    assert short.socket == Path("/srv/v/.vitrine/run/supervisor.sock")
    assert len(str(long.socket)) <= SOCKET_PATH_MAX_BYTES
    assert long.socket.parent != other.socket.parent
    assert long.socket.parent.parent != Path("/tmp"), "where everybody could make a folder of this name first"


@pytest.mark.parametrize("squatted", ["writable by all", "another user's", "a link"])
def test_a_socket_that_somebody_else_could_have_made_is_not_used(tmp_path: Path, squatted: str) -> None:
    shared, ours = tmp_path / "shared", tmp_path / "ours"
    shared.mkdir()
    shared.chmod(0o1777)
    folder = shared / "vitrine-0123"
    if squatted == "a link":
        ours.mkdir(mode=0o700)
        folder.symlink_to(ours)
    else:
        folder.mkdir(mode=0o700)
        folder.chmod(0o777 if squatted == "writable by all" else 0o700)
    if squatted == "another user's":
        if os.geteuid() != 0:
            return  # only root can make one
        os.chown(folder, 12_345, 12_345)
    for make in (False, True):
        with pytest.raises(StackError, match="nobody else can write"):
            private_folder(folder, make)


def test_a_private_folder_is_made_and_used_again(tmp_path: Path) -> None:
    folder = tmp_path / "vitrine-of-1" / "vitrine-0123"
    private_folder(folder)  # nothing runs yet
    for _ in range(2):
        private_folder(folder, make=True)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_the_umask_002_has_made_is_closed_and_used(tmp_path: Path) -> None:
    folder = tmp_path / ".vitrine" / "run"
    folder.mkdir(parents=True)
    for one in (folder, folder.parent):
        one.chmod(0o775)
    private_folder(folder)
    assert [one.stat().st_mode & 0o777 for one in (folder, folder.parent)] == [0o755, 0o755]


if os.geteuid() == 0:  # only root can make another user's folder

    def test_what_another_user_has_started_is_left_alone_and_not_to_be_deleted(tmp_path: Path) -> None:
        layout = Layout(tmp_path)
        layout.run.mkdir(parents=True)
        checkout_owner.require(layout)
        for folder in (layout.run, layout.state):
            os.chown(folder, 12_345, 12_345)
            with pytest.raises(AnotherOwner, match=r"belongs to 12345.*chown -R root .*do not delete it"):
                checkout_owner.require(layout)
            with pytest.raises(StackError, match=r"belongs to 12345.*do not delete it"):
                private_folder(layout.run)

    def test_a_socket_of_another_user_is_not_used(tmp_path: Path) -> None:
        folder = tmp_path / "run"
        folder.mkdir(mode=0o770)
        (folder / "supervisor.sock").touch()
        os.chown(folder / "supervisor.sock", 12_345, 12_345)
        with pytest.raises(StackError, match="belongs to 12345"):
            private_folder(folder)


def test_who_may_not_enter_is_told_whose_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `./vitrine status` without sudo, after a start by root."""
    script = runpy.run_path(str(HERE.root / "vitrine"))
    layout = Layout(tmp_path)
    layout.state.mkdir()

    def closed(*given: object) -> None:
        raise PermissionError(13, "Permission denied", str(layout.state / "envs"))

    monkeypatch.setattr(environments, "ensure", closed)
    monkeypatch.setitem(script["main"].__globals__, "HERE", layout)
    monkeypatch.setattr(sys, "argv", ["vitrine", "status"])
    with pytest.raises(PermissionError):  # our own: nothing that another start would explain
        script["main"]()
    owner, us = layout.state.stat().st_uid, os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: us + 1)
    with pytest.raises(SystemExit) as ended:
        script["main"]()
    assert ended.value.code == ExitCode.UNAVAILABLE
    told = capsys.readouterr().err
    assert f".vitrine belongs to {pwd.getpwuid(owner).pw_name}" in told
    assert "do not delete it" in told


def test_down_removes_the_rule_that_a_killed_supervisor_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []
    monkeypatch.setattr(port_rule, "remove", removed.append)
    place = replace(this_checkout(Layout(tmp_path)), root=True)
    assert lifecycle.take_down(place, lambda name, state: None, ["gate"]) == []
    assert not removed
    assert lifecycle.take_down(place, lambda name, state: None) == []
    assert removed == [port_rule.table(place.layout.digest)]


def test_the_end_of_a_log(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.logs.mkdir(parents=True)
    layout.log("one").write_text("first\nsecond\nthird\n")
    assert end_of_log(layout, "one", lines=2) == "second\nthird"
    assert end_of_log(layout, "none") == ""
