"""The rule names every port without a password and who may use it, and the kernel refuses all others."""

import errno
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from waiting import free_port

from stack import accounts, doors, machine, port_rule, status, system_users
from stack.context import this_checkout, under
from stack.layout import Layout
from stack.port_rule import Door
from stack.service import StackError

UIDS = {"ann": 1001, "ben": 1002}
TABLE = """\
table inet vitrine_0123
delete table inet vitrine_0123
table inet vitrine_0123 {
chain output {
type filter hook output priority filter; policy accept;
oifname "lo" tcp dport { 27117 } meta skuid != { 0, 1001, 1002 } reject with tcp reset
oifname "lo" tcp dport { 80, 100-199 } meta skuid != { 0, 1001 } reject with tcp reset
}
chain input {
type filter hook input priority filter; policy accept;
iifname != "lo" ip daddr 127.0.0.0/8 tcp dport { 27117 } drop
iifname != "lo" ip daddr 127.0.0.0/8 tcp dport { 80, 100-199 } drop
}
}
"""


def test_the_table_replaces_itself_and_names_ports_and_users() -> None:
    wanted = [
        Door(((27117, 27117),), ("ben", "ann")),
        Door(((80, 80), (100, 199)), ("ann",)),
        Door((), ("ann",)),  # metrics that are turned off
    ]
    assert port_rule.written(port_rule.table("0123"), wanted, UIDS) == TABLE


def test_every_port_without_a_password_is_behind_the_rule_for_those_who_need_it(tmp_path: Path) -> None:
    place = under(
        this_checkout(Layout(tmp_path)),
        {
            "VITRINE_PORT_OFFSET": "1000",
            "VITRINE_METRICS_READERS": "prometheus, ann",
            "VITRINE_INDEX_METRICS_PORT": "0",
        },
    )
    allowed = {
        port: set(door.users)
        for door in doors.doors(place)
        for a, b in door.ports
        for port in range(a, b + 1)
    }
    readers = {accounts.VITRINE, "prometheus", "ann"}
    assert allowed[28117] == {accounts.VITRINE}
    assert allowed[20093] == {accounts.KAFKA}
    assert allowed[20300] == {accounts.ELASTICSEARCH}
    assert [allowed.get(port) for port in (20400, 20401, 20402, 20403)] == [readers, readers, readers, None]
    first, last = map(int, doors.beam_ports(place).split("-"))
    assert all(allowed[port] == {accounts.FLINK} for port in range(first, last + 1))


def test_without_root_the_gap_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    place = replace(this_checkout(Layout(tmp_path)), root=False)
    doors.close(place, lambda name, state: told.append(f"{name}: {state}"))
    assert told == [f"ports: {doors.OPEN}; only root can keep them out: start the stack as root for that"]


def test_where_the_kernel_allows_no_rule_the_gap_is_told_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(text: str) -> None:
        raise port_rule.NoRule("Operation not permitted")

    monkeypatch.setattr(port_rule, "apply", refused)
    monkeypatch.setattr(machine, "install", lambda tools: None)
    monkeypatch.setattr(doors, "_uid", lambda name: 1)
    told: list[str] = []
    doors.close(replace(this_checkout(Layout(tmp_path)), root=True), lambda name, state: told.append(state))
    [sentence] = told
    assert "Operation not permitted" in sentence
    assert "NET_ADMIN" in sentence


def test_a_reader_who_does_not_exist_is_named(tmp_path: Path) -> None:
    given = {"VITRINE_METRICS_READERS": "no-such-user"}
    place = replace(under(this_checkout(Layout(tmp_path)), given), root=True)
    with pytest.raises(StackError, match="VITRINE_METRICS_READERS names no-such-user"):
        doors.close(place, lambda name, state: None)


@pytest.mark.parametrize("first", ["27117", "27100", "27018"])
def test_no_port_of_ours_is_in_the_range_of_flink_alone(tmp_path: Path, first: str) -> None:
    place = under(this_checkout(Layout(tmp_path)), {"VITRINE_FLINK_BEAM_PORT": first})
    with pytest.raises(StackError, match="the port of mongo is in it"):
        doors.doors(place)


@pytest.mark.parametrize("first", ["27017", "27118"])
def test_beside_it_there_may_be_one(tmp_path: Path, first: str) -> None:
    doors.doors(under(this_checkout(Layout(tmp_path)), {"VITRINE_FLINK_BEAM_PORT": first}))


def test_status_names_the_ports_that_the_rule_takes_from_every_other_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {"VITRINE_PORT_OFFSET": "1000", "VITRINE_GATE_METRICS_PORT": "0"}
    place = under(this_checkout(Layout(tmp_path)), given)
    monkeypatch.setattr(doors, "kept_out", lambda place: True)
    status.print_table(place, [])
    told = " ".join(capsys.readouterr().out.split())
    assert "ports 18500-18599, 20093, 20300, 20400, 20402, 20403, 28117: " in told
    monkeypatch.setattr(doors, "kept_out", lambda place: False)
    status.print_table(place, [])
    assert "18500" not in capsys.readouterr().out


def test_a_rule_that_was_removed_is_applied_again_until_the_stack_goes_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `nft flush ruleset`, or a firewall that is loaded anew, removes it."""
    tables: list[str] = []
    monkeypatch.setattr(port_rule, "in_force", lambda name: bool(tables))
    monkeypatch.setattr(port_rule, "apply", tables.append)
    monkeypatch.setattr(port_rule, "remove", lambda name: tables.clear())
    monkeypatch.setattr(machine, "install", lambda tools: None)
    monkeypatch.setattr(doors, "_uid", lambda name: 1)
    place = replace(this_checkout(Layout(tmp_path)), root=True)
    table, file = port_rule.table(place.layout.digest), place.layout.port_rule
    file.parent.mkdir(parents=True, exist_ok=True)
    assert not port_rule.kept_in_force(table, file), "nothing was applied yet"
    doors.close(place, lambda name, state: None)
    [applied] = tables
    tables.clear()
    assert port_rule.kept_in_force(table, file)
    assert tables == [applied]
    assert port_rule.kept_in_force(table, file)
    assert tables == [applied]
    doors.open_again(place)
    assert not port_rule.kept_in_force(table, file)
    assert tables == []


if os.geteuid() == 0:  # only root may make a rule, and try what another user can

    def connects(uid: int, port: int) -> bool:
        attack = (
            "import socket, sys\n"
            f"sys.exit(socket.socket().connect_ex(('127.0.0.1', {port})))"  # waits as long as the kernel does
        )
        become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
        # The system's Python, as ours may lie in root's closed home.
        python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
        done = subprocess.run([*become, python, "-c", attack], capture_output=True, text=True, check=False)
        assert done.returncode in (0, errno.ECONNREFUSED), done.stderr  # anything else is no refusal
        return done.returncode == 0

    def test_the_kernel_refuses_another_user_until_the_rule_is_removed(tmp_path: Path) -> None:
        """Where it takes no rule from us (a container without NET_ADMIN), the start says so."""
        told: list[str] = []
        elsewhere = {"VITRINE_PORT_OFFSET": "30000"}  # not the ports of a stack that runs
        place = replace(under(this_checkout(Layout(tmp_path)), elsewhere), root=True)
        place.layout.run.mkdir(parents=True, exist_ok=True)
        system_users.ensure()
        doors.close(place, lambda name, state: told.append(state))
        assert doors.kept_out(place) is place.layout.port_rule.exists() is (told == [])
        if told:
            assert told[0].startswith(doors.OPEN)
            assert "NET_ADMIN" in told[0]
            return
        doors.open_again(place)
        assert not doors.kept_out(place)
        name = port_rule.table("of_a_test")
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            assert connects(12_345, port), "the attack works"
            assert not port_rule.in_force(name)
            port_rule.apply(port_rule.written(name, [Door(((port, port),), ("ann",))], UIDS))
            try:
                assert port_rule.in_force(name)
                assert not connects(12_345, port)
                assert connects(UIDS["ann"], port)
                socket.create_connection(("127.0.0.1", port), 20).close()  # root
                other = free_port()
                port_rule.apply(port_rule.written(name, [Door(((other, other),), ("ann",))], UIDS))
                assert connects(12_345, port), "the newer rule replaces the older"
            finally:
                port_rule.remove(name)
            assert not port_rule.in_force(name)
            assert connects(12_345, port)
            port_rule.remove(name)  # again: nothing to do
