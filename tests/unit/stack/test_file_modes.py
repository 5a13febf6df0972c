"""Nothing below .vitrine is readable by another user: neither what is written now, nor what an older start
left."""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from waiting import HUNG_S

from stack import accounts, file_modes, own_view, system_users, unprivileged
from stack import services as declared
from stack.context import this_checkout
from stack.layout import HERE, Layout
from stack.service import Service, StackContext
from stack.start import make_folders
from stack.supervisor import render

ANOTHER_UID = 12_345
as_root = os.geteuid() == 0


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    """A checkout as an older start has left it, with the umask that most machines have."""
    before = os.umask(0o022)
    layout = Layout(tmp_path / "checkout")
    for name in ("airflow/airflow.db", "logs/gate.log", "data/reconcile.json", "data/extracts/x.parquet"):
        file = layout.state / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("secret")
    script = layout.state / "elasticsearch/elasticsearch-8/bin/elasticsearch"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh")
    script.chmod(0o755)
    package = layout.state / "envs/main/lib/package.py"
    package.parent.mkdir(parents=True)
    package.write_text("")
    (layout.state / "link").symlink_to("/etc/passwd")
    yield layout
    os.umask(before)


def open_to_others(layout: Layout, mask: int = 0o077) -> set[str]:
    return {
        str(path.relative_to(layout.state))
        for path in (layout.state, *layout.state.rglob("*"))
        if not path.is_symlink() and stat.S_IMODE(path.stat().st_mode) & mask
    }


def test_a_start_closes_what_an_older_one_left_open(layout: Layout) -> None:
    script = layout.state / "elasticsearch/elasticsearch-8/bin/elasticsearch"
    assert {".", "airflow/airflow.db", "logs/gate.log", "data/reconcile.json"} <= open_to_others(layout)
    passwd = Path("/etc/passwd").stat().st_mode
    assert file_modes.close(layout) == []
    # What was installed cannot be reached: its folder is closed.
    assert open_to_others(layout) == {"envs/main", "envs/main/lib", "envs/main/lib/package.py"}
    assert stat.S_IMODE(script.stat().st_mode) == 0o700, "its owner may do what they could before"
    assert Path("/etc/passwd").stat().st_mode == passwd, "a link is not followed"
    assert file_modes.close(layout) == []


def test_no_walk_waits_for_a_pipe_that_is_put_in_a_folders_place(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account could stop every command of root's so, between the listing of a folder and its opening."""
    folder, listed = layout.data / "extracts" / "folder", os.scandir
    folder.mkdir()

    def listed_and_exchanged(of: int) -> nullcontext[list[os.DirEntry[str]]]:
        with listed(of) as entries:
            names = list(entries)
        if folder.is_dir():
            folder.rmdir()
            os.mkfifo(folder)
        return nullcontext(names)

    monkeypatch.setattr(os, "scandir", listed_and_exchanged)
    walk = threading.Thread(target=file_modes.close, args=(layout,), daemon=True)
    walk.start()
    walk.join(HUNG_S)
    assert not walk.is_alive()
    assert folder.is_fifo()


def test_the_commands_write_for_their_owner_alone(tmp_path: Path) -> None:
    """`./vitrine` and `python -m stack` carry out a command with the umask set: seen by a command that only
    writes a file, and starts a process that writes another."""
    program = f"""
import os, subprocess, sys
from pathlib import Path
from stack import commands
os.umask(0o022)
def run(arguments):
    Path({str(tmp_path)!r}, "own").write_text("")
    Path({str(tmp_path)!r}, "folder").mkdir()
    subprocess.run(["touch", {str(tmp_path / "childs")!r}], check=True)
    return 0
commands.COMMANDS[0].__class__.__call__ = lambda self, arguments: run(arguments)
sys.argv = ["vitrine", "status"]
from stack.__main__ import main
sys.exit(main())
"""
    subprocess.run([sys.executable, "-c", program], check=True, cwd=HERE.root)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"own": 0o600, "folder": 0o700, "childs": 0o600}
    assert "file_modes.keep_new_files_private()" in (HERE.root / "vitrine").read_text()


def test_the_supervisor_and_airflows_tasks_write_their_logs_for_their_owner_alone(layout: Layout) -> None:
    assert "umask = 077\n" in render(layout, [])
    from stack.components import airflow

    told = airflow.variables(this_checkout(layout))
    assert told["AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS"] == "0o700"
    assert told["AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS"] == "0o600"


if as_root:  # as another user, the stack's programs are all that user's own

    def reads(uid: int, path: Path) -> bool:
        command = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "head", "-c1", str(path)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    @pytest.fixture
    def reachable(layout: Layout) -> Layout:
        """The checkout in a folder that everybody may pass, unlike pytest's."""
        for folder in (layout.root, *layout.root.parents):
            if folder == Path("/tmp") or folder == Path("/"):
                break
            folder.chmod(0o755)
        return layout

    def test_each_account_reads_its_own_and_what_it_is_lent(
        reachable: Layout, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another user of the machine reads nothing, and an account nothing of another's."""
        monkeypatch.setattr(own_view, "prefix", lambda place: ())  # this checkout is in no closed folder
        system_users.ensure()
        place = this_checkout(reachable)
        script = reachable.state / "elasticsearch/elasticsearch-8/bin/elasticsearch"
        secrets = [reachable.state / name for name in ("airflow/airflow.db", "data/reconcile.json")]
        assert all(reads(ANOTHER_UID, path) for path in (*secrets, script)), "the attack works"
        make_folders(reachable)
        (reachable.stores / "elasticsearch").mkdir()
        (reachable.stores / "elasticsearch" / "index").write_text("own")
        (reachable.run / "kafka.properties").write_text("lent to Kafka")
        (reachable.run / "settings.json").write_text("root's")
        services = (
            account(place, "elasticsearch", reachable.stores / "elasticsearch", reads=(script.parents[1],)),
            account(place, "kafka", reachable.stores, reads=(reachable.run / "kafka.properties",)),
            account(place, "airflow", reachable.airflow, reachable.data),
        )
        file_modes.close(reachable, system_users.groups())
        for one in (services[1], services[0], services[2]):  # Kafka's folder here is above Elasticsearch's
            assert one.prepare is not None
            one.prepare()
        index = reachable.stores / "elasticsearch" / "index"
        lent, roots = reachable.run / "kafka.properties", reachable.run / "settings.json"
        may = {
            accounts.ELASTICSEARCH: {script, index},
            accounts.KAFKA: {lent},
            accounts.VITRINE: set(secrets),
        }
        for _ in range(2):
            for name, own in may.items():
                found = {path for path in (*secrets, script, index, lent, roots) if reads_as(name, path)}
                assert found == own, name
            assert not any(reads(ANOTHER_UID, path) for path in (*secrets, script, index, lent, roots))
            # The next start leaves services that run what they have.
            file_modes.close(reachable, system_users.groups())
        assert stat.S_IMODE(script.stat().st_mode) == 0o750
        assert stat.S_IMODE(reachable.state.stat().st_mode) == 0o710

    def account(place: StackContext, name: str, *writes: Path, reads: tuple[Path, ...] = ()) -> Service:
        """One of the services, with these files instead of its own, as root declares it."""
        one = next(one for one in declared.services(replace(place, root=False)) if one.name.startswith(name))
        [made] = unprivileged.declared(
            replace(place, root=True), [replace(one, writes=writes, reads=reads, prepare=None)]
        )
        return made

    def reads_as(name: str, path: Path) -> bool:
        command = [*accounts.without_rights(name), "head", "-c1", str(path)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def test_a_link_that_an_account_makes_leads_root_nowhere(reachable: Layout) -> None:
        system_users.ensure()
        make_folders(reachable)
        outside = reachable.root / "roots-own"
        outside.mkdir()
        (outside / "file").write_text("root's")
        (outside / "file").chmod(0o644)
        (reachable.data / "folder").symlink_to(outside)
        (reachable.data / "name").hardlink_to(outside / "file")
        place = replace(this_checkout(reachable), root=True)
        unprivileged.take(place, accounts.VITRINE, reachable.data)
        assert reachable.data.stat().st_uid == system_users.uid(accounts.VITRINE)
        found = (outside / "file").stat()
        assert (outside.stat().st_uid, found.st_uid, stat.S_IMODE(found.st_mode)) == (0, 0, 0o644)

    def test_files_that_an_account_is_not_given_are_found(reachable: Layout) -> None:
        """A backup by `cp -al` of what an older start left: the store would only say that it may not read."""
        system_users.ensure()
        make_folders(reachable)
        for name in ("one", "two"):
            (reachable.data / name).write_text("data")
        (reachable.root / "backup").hardlink_to(reachable.data / "one")
        (reachable.data / "own").write_text("data")
        os.chown(reachable.data / "own", system_users.uid(accounts.VITRINE), -1)
        (reachable.root / "backup-of-own").hardlink_to(reachable.data / "own")
        place = replace(this_checkout(reachable), root=True)
        service = account(place, "gate", reachable.data, reachable.data / "not-there")
        unprivileged.take(place, accounts.VITRINE, reachable.data)
        left = {reachable.data / "one": accounts.VITRINE}
        assert unprivileged.not_given([service, replace(service, external=True, account="nobody")]) == left
        assert (reachable.data / "one").stat().st_uid == 0
        os.chown(reachable.data / "one", system_users.uid(accounts.VITRINE), -1)
        assert unprivileged.not_given([service]) == {}

    def test_nobody_who_is_lent_a_folder_chooses_what_root_reads_there(reachable: Layout) -> None:
        """Flink's keys are lent to two accounts; root reads the password there, and writes it for one."""
        system_users.ensure()
        make_folders(reachable)
        rest = reachable.flink_rest
        rest.folder.mkdir(parents=True)
        rest.key.write_text("key")
        rest.password.write_text("password")
        (reachable.run / "of-root").write_text("root's")
        place = replace(this_checkout(reachable), root=True)
        unprivileged.lend(place, rest.folder, accounts.VITRINE, accounts.FLINK)
        for name in (accounts.VITRINE, accounts.FLINK):
            attack = f"cd {rest.folder} && mv password old && ln -s {reachable.run}/of-root password"
            for command in (attack, f"cd {rest.folder} && rm -f key.pem", f"mv {rest.folder} {rest.folder}2"):
                tried = [*accounts.without_rights(name), "/bin/sh", "-c", command]
                assert subprocess.run(tried, capture_output=True, check=False).returncode, command
            assert reads_as(name, rest.key)
            assert reads_as(name, rest.password)
        assert not reads_as(accounts.KAFKA, rest.key)
        assert rest.password_text() == "password"
        rest.password.unlink()
        rest.password.symlink_to(reachable.run / "of-root")  # as if it had been a folder of the account's
        with pytest.raises(OSError, match=str(rest.password)):
            rest.password_text()

    def test_no_file_keeps_the_right_to_run_as_its_owner(reachable: Layout) -> None:
        system_users.ensure()
        make_folders(reachable)
        program = reachable.run / "folder" / "program"
        program.parent.mkdir()
        place = replace(this_checkout(reachable), root=True)
        for those in ((accounts.FLINK,), (accounts.VITRINE, accounts.FLINK)):
            program.write_text("#!/bin/sh")
            os.chown(program, system_users.uid(accounts.VITRINE), -1)
            program.chmod(0o6755)
            unprivileged.lend(place, program.parent, *those)
            assert not stat.S_IMODE(program.stat().st_mode) & 0o7000
