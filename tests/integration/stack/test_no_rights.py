"""Attacks on the running stack: by another user of the machine, by a service whose account somebody has
taken, and by a web page. Each attack is also carried out by somebody who may, so that it is one."""

import errno
import json
import os
import pwd
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest
from waiting import until

from stack import accounts, doors, own_view, services
from stack.context import this_checkout
from stack.ports import listening, outcome, replies
from stack.ports.attempts import served
from stack.ports.listening import Address
from stack.ports.stranger import served_as_stranger
from stack.supervisor import Supervisor

PLACE = this_checkout()
LAYOUT = PLACE.layout
CAP_NET_ADMIN = 12
# The system's, as ours may lie in root's closed home.
PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
WITHOUT_PASSWORD = ("mongo", "watch", "gate_metrics", "store_metrics", "index_metrics")


def metrics(name: str, **headers: str) -> int:
    """The status of an answer to a request for metrics."""
    address = f"http://127.0.0.1:{PLACE.settings.port(name)}/metrics"
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("name", WITHOUT_PASSWORD[1:])
def test_a_web_page_reads_no_metrics(name: str) -> None:
    assert metrics(name) == 200
    assert metrics(name, Host="evil.example") == 403
    assert metrics(name, Origin="http://evil.example") == 403
    assert metrics(name, **{"Sec-Fetch-Site": "cross-site"}) == 403


def test_all_ports_are_looked_at_and_no_page_is_served() -> None:
    """`foreign_uid` of the stores with a password is theirs to test."""
    done = subprocess.run(
        [sys.executable, "-m", "stack", "ports", "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=LAYOUT.root,
    )
    assert done.returncode in (0, 1), done.stderr
    found = {(one["address"], one["port"]): one for one in json.loads(done.stdout)["ports"]}
    declared = {
        port for service in services.services(PLACE) if not service.external for port in service.ports
    }
    assert declared <= {port for _, port in found}
    for one in found.values():
        assert (one["foreign_origin"], one["foreign_host"]) == ("refused", "refused"), one
    if os.geteuid() == 0:
        behind = {port for door in doors.doors(PLACE) for a, b in door.ports for port in range(a, b + 1)}
        open_to = {port for port, one in found.items() if one["foreign_uid"] != "refused"}
        # Where the kernel takes no rule from us (no NET_ADMIN), these are open, and no other.
        assert not open_to - (set() if doors.kept_out(PLACE) else behind), found
    else:
        assert {one["foreign_uid"] for one in found.values()} == {"unknown"}


if os.geteuid() == 0:  # otherwise all runs as the caller, and only root can try what another user would

    def as_account(name: str, *command: str) -> subprocess.CompletedProcess[str]:
        become = (*own_view.prefix(PLACE), *accounts.without_rights(name))
        return subprocess.run([*become, *command], capture_output=True, text=True, check=False)

    def may_make_rules() -> bool:
        lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return bool(int(lines["CapEff"], 16) >> CAP_NET_ADMIN & 1)

    def test_no_service_has_a_right_or_is_root() -> None:
        running = {one.name: one.pid for one in Supervisor(LAYOUT).processes().values() if one.pid}
        assert {"kafka", "elasticsearch", "flink-taskmanager", "airflow-scheduler", "gate"} <= running.keys()
        of = {service.name: service.account for service in services.services(PLACE)}
        for name, pid in running.items():
            parent = psutil.Process(pid)
            for process in (parent, *parent.children(recursive=True)):
                try:
                    status = Path(f"/proc/{process.pid}/status").read_text()
                except (FileNotFoundError, ProcessLookupError):
                    assert process != parent, name
                    continue  # a child that has ended
                lines = dict(line.split(":", 1) for line in status.splitlines())
                uid = pwd.getpwnam(of[name]).pw_uid
                assert [int(one) for one in lines["Uid"].split()] == [uid] * 4 != [0] * 4, name
                assert int(lines["CapEff"], 16) == int(lines["CapBnd"], 16) == 0, name
                assert lines["NoNewPrivs"].strip() == "1", name

    def test_another_user_reaches_no_port_without_a_password() -> None:
        ports = {Address("127.0.0.1", PLACE.settings.port(name)): name for name in WITHOUT_PASSWORD}
        tries = {address: replies.as_stranger(name, address.port) for address, name in ports.items()}
        assert all(served(address, those) for address, those in tries.items()), "whoever may is served"
        if doors.kept_out(PLACE):
            assert served_as_stranger(ports) == dict.fromkeys(ports, outcome.NONE_SERVED)
        else:
            assert not may_make_rules(), "the rule is gone"
            assert all(served_as_stranger(ports).values()), "open, as start, status and Health say"

    def test_another_user_reaches_no_connection_between_flink_and_its_python_processes() -> None:
        first, last = map(int, doors.beam_ports(PLACE).split("-"))
        with socket.create_server(("127.0.0.1", 0)) as elsewhere:
            outside = elsewhere.getsockname()[1]
            assert outside not in range(first, last + 1)
            attack = (
                "import socket, sys\nsys.exit(socket.socket().connect_ex(('127.0.0.1', int(sys.argv[1]))))"
            )
            stranger = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]

            def connects(port: int) -> bool:
                done = subprocess.run([*stranger, PYTHON, "-c", attack, str(port)], check=False)
                assert done.returncode in (0, errno.ECONNREFUSED)  # anything else is no refusal
                return done.returncode == 0

            assert connects(outside)

            def used() -> list[int]:
                return [one.port for one in listening.ports(PLACE) if first <= one.port <= last]

            for port in until(used, "a Python process of Flink's"):
                assert connects(port) is not doors.kept_out(PLACE)

    @pytest.mark.alone  # other tests start servers of their own from this checkout
    def test_nothing_listens_that_is_neither_declared_nor_in_flinks_range() -> None:
        declared = {port for service in services.services(PLACE) for port in service.ports}
        first, last = map(int, doors.beam_ports(PLACE).split("-"))
        found = listening.ports(PLACE)
        undeclared = {address: name for address, name in found.items() if address.port not in declared}
        assert not {one: name for one, name in undeclared.items() if not first <= one.port <= last}

    def test_an_account_reads_its_own_and_nothing_of_its_neighbours() -> None:
        run = LAYOUT.run
        secrets = {
            accounts.VITRINE: [
                run / "airflow-jwt",
                run / "airflow-passwords.json",
                LAYOUT.data,
            ],
            accounts.FLINK: [LAYOUT.flink_internal.key, run / "flink" / "conf" / "config.yaml"],
            accounts.KAFKA: [run / "kafka.properties", LAYOUT.stores / "kafka"],
            accounts.REDIS: [LAYOUT.stores / "redis"],
            accounts.MONGODB: [LAYOUT.stores / "mongodb"],
            accounts.ELASTICSEARCH: [LAYOUT.stores / "elasticsearch"],
        }
        roots = [run / "supervisord.conf", run / "settings.json", LAYOUT.log("supervisor")]
        for name in accounts.ALL:
            for owner, paths in {**secrets, "root": roots}.items():
                for path in paths:
                    assert path.exists()
                    may = as_account(name, "test", "-r", str(path)).returncode == 0
                    assert may is (owner == name), (name, path)
        # The monitor asks Flink's REST server; what Flink's processes tell each other is not for it.
        for name in accounts.ALL:
            may = as_account(name, "test", "-r", str(LAYOUT.flink_rest.key)).returncode == 0
            assert may is (name in (accounts.VITRINE, accounts.FLINK)), name

    def test_an_account_writes_neither_code_nor_what_root_runs() -> None:
        run = LAYOUT.run
        targets = [LAYOUT.root, LAYOUT.root / "stack", LAYOUT.python("main").parent, run, LAYOUT.jars]
        targets += [
            run / "supervisord.conf",
            run / "flink" / "conf",
            run / "flink" / "lib",
            LAYOUT.flink_rest.folder,
            LAYOUT.flink_rest.password,
            LAYOUT.flink_internal.folder,
        ]
        for name in accounts.ALL:
            assert as_account(name, "test", "-w", "/dev/null").returncode == 0, "the question is answered"
            for path in targets:
                assert path.exists()
                assert as_account(name, "test", "-w", str(path)).returncode != 0, (name, path)

    def test_an_account_cannot_ask_the_supervisor() -> None:
        attack = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        subprocess.run([PYTHON, "-c", attack, str(LAYOUT.socket)], check=True)
        with socket.socket(socket.AF_UNIX) as anybodys, tempfile.TemporaryDirectory(dir="/tmp") as folder:
            Path(folder).chmod(0o711)
            reachable = str(Path(folder) / "socket")
            anybodys.bind(reachable)
            Path(reachable).chmod(0o666)
            anybodys.listen(len(accounts.ALL))
            for name in accounts.ALL:
                done = as_account(name, PYTHON, "-c", attack, reachable)
                assert done.returncode == 0, f"the attack works: {done.stderr}"
                done = as_account(name, PYTHON, "-c", attack, str(LAYOUT.socket))
                assert "PermissionError" in done.stderr, (name, done.stderr)

    def test_the_monitor_knows_the_services_all_the_same() -> None:
        def known() -> set[str]:
            address = f"http://127.0.0.1:{PLACE.settings.port('watch')}/recent"
            with urllib.request.urlopen(address, timeout=30) as answer:
                readings = json.load(answer)["readings"]
            told = {one["metric"]: one["value"] for one in readings}
            assert told.get("vitrine_foreign_users_kept_out", doors.kept_out(PLACE)) == doors.kept_out(PLACE)
            up = [one for one in readings if one["metric"] == "vitrine_service_up" and one["value"]]
            return {one["labels"]["service"] for one in up}

        until(lambda: {"kafka", "flink-jobmanager", "gate"} <= known(), "the monitor's answer")

    def test_what_roots_commands_write_the_services_can_replace() -> None:
        done = subprocess.run(
            [sys.executable, "-m", "stack", "reconcile", "--json"],
            capture_output=True,
            check=False,
            cwd=LAYOUT.root,
        )
        assert done.returncode in (0, 1, 3), done.stderr
        verdict = LAYOUT.data / "reconcile.json"
        if verdict.exists():
            assert verdict.owner() == accounts.VITRINE
        vitrine = pwd.getpwnam(accounts.VITRINE).pw_uid

        def foreign(path: Path) -> bool:
            try:
                return path.lstat().st_uid != vitrine
            except FileNotFoundError:
                return False  # an unfinished file that has got its name

        found = [Path(at, name) for at, folders, files in os.walk(LAYOUT.data) for name in folders + files]
        assert not [path for path in found if foreign(path)]
