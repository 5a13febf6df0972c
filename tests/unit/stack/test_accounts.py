"""Where root starts the stack, each service runs as an account without rights, also below a closed home."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from stack import accounts, file_modes, own_view, reachable, readable, services, system_users, unprivileged
from stack.context import this_checkout
from stack.layout import HERE, Layout
from stack.machine import Missing
from stack.service import Service, StackError

ROOTS = replace(this_checkout(), root=True)
OF = {
    "kafka": accounts.KAFKA,
    "redis": accounts.REDIS,
    "mongodb": accounts.MONGODB,
    "elasticsearch": accounts.ELASTICSEARCH,
    "flink-jobmanager": accounts.FLINK,
    "flink-taskmanager": accounts.FLINK,
    "flink-job": accounts.FLINK,
}


def test_every_service_drops_all_rights_before_it_starts() -> None:
    own = {service.name: service for service in services.services(replace(ROOTS, root=False))}
    for service in services.services(ROOTS):
        account = OF.get(service.name, accounts.VITRINE)
        assert service.account == account
        command = service.command
        assert command[-len(own[service.name].command) :] == own[service.name].command
        prefix = command[: -len(own[service.name].command)]
        assert prefix[-len(accounts.without_rights(account)) :] == accounts.without_rights(account)
        home = Path(service.environment["PYTHONPYCACHEPREFIX"]).parent
        assert home.name == account, "root never runs bytecode that an account wrote"


def test_without_root_nothing_changes() -> None:
    place = replace(ROOTS, root=False)
    for service in services.services(place):
        assert "setpriv" not in service.command
        assert "PYTHONPYCACHEPREFIX" not in service.environment


def test_what_a_service_owns_no_other_account_owns_or_is_lent() -> None:
    found = services.services(ROOTS)
    owned = {(path, service.account) for service in found for path in service.writes}
    for path, owner in owned:
        for other, account in owned:
            assert account == owner or not other.is_relative_to(path), (path, other)
        for service in found:
            if service.account != owner:
                assert not [read for read in service.reads if read.is_relative_to(path)], (path, service.name)
    for path, those in unprivileged.readers(found).items():
        assert len(those) <= 2, path


def test_secrets_are_their_readers_alone() -> None:
    """Flink, whose Python processes run what is submitted, gets nothing of Airflow's or of the ledger's."""
    run = HERE.run
    for service in services.services(ROOTS):
        reaches = {*service.reads, *service.writes}
        assert not {run, HERE.state, HERE.root, run / "supervisord.conf", run / "settings.json"} & reaches
        if service.account == accounts.FLINK:
            assert not [path for path in reaches if "airflow" in path.name or path == HERE.data]
            assert not [name for name in service.environment if name.startswith(("MONGO", "AIRFLOW"))]


def test_the_outermost_closed_folder_is_covered_once(tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    for folder in (home / "closed" / "checkout", home / "python", other / "java"):
        folder.mkdir(parents=True)
    for folder in tmp_path.parents:  # pytest's own folders are closed
        assert folder.is_dir()
    (home / "closed").chmod(0o700)
    home.chmod(0o700)
    other.chmod(0o755)
    needed = [home / "closed" / "checkout", home / "python", other / "java"]
    found = own_view.closed(needed)
    outermost = next((one for one in reversed(home.parents) if not one.stat().st_mode & 1), home)
    assert found == [outermost]


def test_every_file_of_the_code_is_known_as_code() -> None:
    """Otherwise a service could not read it in a checkout that was made with umask 077."""
    found = [path for name in readable.CODE for path in (HERE.root / name, *(HERE.root / name).rglob("*"))]
    names = [str(path) for path in found if path.is_file() and "__pycache__" not in path.parts]
    assert len(names) > 400
    assert not [name for name in names if not name.endswith(readable.ENDINGS)]


class Ready:
    def check(self) -> None:
        pass


if os.geteuid() == 0:  # only root may become another user

    @pytest.fixture
    def home() -> Iterator[Path]:
        """A closed home, in a folder that everybody may enter."""
        made = Path("/srv") / f"vitrine-test-{os.getpid()}"
        made.mkdir(mode=0o700)
        yield made
        subprocess.run(["rm", "-rf", str(made)], check=True)

    def run(service: Service) -> subprocess.CompletedProcess[str]:
        assert service.prepare is not None
        service.prepare()
        return subprocess.run(
            service.command,
            env={"PATH": "/usr/bin:/bin", **service.environment},
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )

    def in_closed_home(home: Path, script: str, *writes: str) -> Service:
        (home / "secret").write_text("of the home's owner")
        layout = Layout(home / "checkout")
        (layout.root / "stack").mkdir(parents=True)
        (layout.root / "stack" / "file.py").write_text("code")
        for name in writes:
            (layout.state / name).mkdir(parents=True)
        layout.run.mkdir(parents=True, exist_ok=True)
        (layout.run / "of-another").write_text("secret")
        file_modes.close(layout)
        system_users.ensure()
        readable.open_code(layout)  # the tests' umask closes it
        place = replace(ROOTS, layout=layout)
        one = Service(
            name="one",
            command=("/bin/sh", "-c", script),
            health=Ready(),
            account=accounts.KAFKA,
            writes=tuple(layout.state / name for name in writes),
        )
        [declared] = unprivileged.declared(place, [one])
        return declared

    def run_below(service: Service) -> subprocess.CompletedProcess[str] | None:
        """Runs a service below a closed home. None where the kernel lets us mount nothing (a container
        without SYS_ADMIN): then, and only then, it does not start, and the message says what to do."""
        may = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0
        if may:
            return run(service)
        with pytest.raises(StackError, match=r"may not enter .*SYS_ADMIN.*a user other than root"):
            run(service)
        return None

    def test_below_a_closed_home_a_service_reaches_the_checkout_and_nothing_else(home: Path) -> None:
        service = in_closed_home(
            home,
            f"cd {home}/checkout && cat stack/file.py && echo in > .vitrine/stores/own/made && ls -A {home};"
            f"cat {home}/secret {home}/checkout/.vitrine/run/of-another; touch {home}/new stack/new",
            "stores/own",
        )
        done = run_below(service)
        if done:
            assert done.stdout == "codecheckout\n", done.stderr
            made = home / "checkout/.vitrine/stores/own/made"
            assert made.stat().st_uid == system_users.uid(accounts.KAFKA)
        assert {path.name for path in home.iterdir()} == {"secret", "checkout"}
        assert not (home / "checkout/stack/new").exists()
        # Nor does an account reach anything of it without the view.
        for name in ("secret", "checkout/stack/file.py", "checkout/.vitrine/run/of-another"):
            tried = [*accounts.without_rights(accounts.KAFKA), "cat", str(home / name)]
            assert (
                "Permission denied"
                in subprocess.run(tried, capture_output=True, text=True, check=False).stderr
            )

    @pytest.mark.parametrize(
        ("name", "does"),
        [("VITRINE_DATA_DIR", "write to"), ("VITRINE_FLINK_KEY_FILE", "read"), ("its program", "run")],
    )
    def test_what_a_service_needs_elsewhere_in_a_closed_home_is_told_before_it_starts(
        home: Path, name: str, does: str
    ) -> None:
        """It would only say that there is no such file, which its owner sees there."""
        service = in_closed_home(home, "true")
        named = home / "elsewhere"
        named.write_text("#!/bin/sh\n")
        named.chmod(0o755)
        command = (str(named),) if name == "its program" else ("/bin/true",)
        needing = replace(service, command=command, environment={name: str(named)})
        checkout = home / "checkout"
        view = own_view.prefix(replace(ROOTS, layout=Layout(checkout)))
        with pytest.raises(StackError, match=f"who cannot {does} {named} .{name}.. .*: put it in a folder"):
            reachable.require(needing, checkout, view)

    def test_a_folder_elsewhere_is_its_accounts_to_write(home: Path) -> None:
        home.chmod(0o755)
        (home / "data").mkdir(mode=0o755)
        system_users.ensure()
        service = replace(services.services(ROOTS)[0], command=("true",))

        def require(folder: Path) -> None:
            needing = replace(service, environment={"VITRINE_DATA_DIR": str(folder)})
            reachable.require(needing, home / "checkout", ())

        for folder in (home / "data", home / "data" / "not-made-yet"):
            with pytest.raises(StackError, match=f"cannot write to {folder} .*chown -R {service.account} "):
                require(folder)
        os.chown(home / "data", system_users.uid(service.account), -1)
        require(home / "data")
        require(home / "data" / "not-made-yet")

    def test_only_code_is_lent_of_a_checkout_that_its_umask_has_closed(tmp_path: Path) -> None:
        layout = Layout(tmp_path / "checkout")
        code = ["pyproject.toml", "stack/layout.py", "dags/.airflowignore", "plugins/static/page.html"]
        personal = ["rejected.jsonl", ".env", "notes.md", "docker/secrets/redis", "lab/rejected.jsonl"]
        for name in (*code, *personal):
            file = layout.root / name
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file.write_text("content")
            file.chmod(0o600)
        (layout.root / "docker/secrets/redis").chmod(0o444)  # kept by the folder alone, as make_secrets does
        for folder in (layout.root, layout.root / "stack", layout.root / "docker"):
            folder.chmod(0o700)
        (layout.root / "ml").symlink_to(layout.root / "docker")
        system_users.ensure()
        readable.open_code(layout)
        common = system_users.gid(accounts.COMMON)

        def lent(name: str) -> bool:
            of = [layout.root / name, *(layout.root / name).parents[: name.count("/")]]
            found = [path.lstat() for path in of]
            return all((one.st_gid == common and one.st_mode & 0o040) or one.st_mode & 0o004 for one in found)

        assert [name for name in code if not lent(name)] == []
        assert [name for name in personal if lent(name)] == []
        assert (layout.root / "docker").stat().st_gid != common

    def test_it_has_no_capability_and_can_gain_none(home: Path) -> None:
        service = in_closed_home(home, "cat /proc/self/status; id -nG; wc -c < /etc/shadow")
        done = run_below(service)
        if done is None:  # the same in an open one
            home.chmod(0o755)
            own_view.check.cache_clear()
            bare = service.command[service.command.index("setpriv") :]
            done = subprocess.run(bare, capture_output=True, text=True, check=False, cwd="/")
        status = dict(line.split(":\t", 1) for line in done.stdout.splitlines() if ":\t" in line)
        assert all(int(status[name], 16) == 0 for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb", "CapInh"))
        assert status["NoNewPrivs"] == "1"
        assert 0 not in map(int, (*status["Uid"].split(), *status["Gid"].split(), *status["Groups"].split()))
        assert "Permission denied" in done.stderr

    def test_where_nothing_can_be_mounted_the_message_says_what_to_do(
        home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bounded = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all", "--"]
        covering = own_view.prefix

        def refused(place: object) -> tuple[str, ...]:
            return (*bounded, *covering(place))  # type: ignore[arg-type]

        service = in_closed_home(home, "true")
        monkeypatch.setattr(own_view, "prefix", refused)
        with pytest.raises(StackError, match=f"may not enter .*{home}.* SYS_ADMIN"):
            run(service)

    @pytest.mark.parametrize("missing", ["setuid", "setgid", "setpcap"])
    def test_where_root_cannot_become_an_account_without_rights_the_message_says_what_to_do(
        missing: str,
    ) -> None:
        """As in a container without the capability; without SETPCAP setpriv keeps rights and says nothing."""
        system_users.ensure()
        lacking = ("setpriv", f"--bounding-set=-{missing}", "--inh-caps=-all", "--")
        own_view.check((), accounts.KAFKA)
        with pytest.raises(StackError, match=r"may not become vitrine-kafka .*SETPCAP.*other than root"):
            # What is found to be missing is the prefix's part of the command here, not the container's.
            own_view.check.__wrapped__(("env", *lacking), accounts.KAFKA)

    def test_where_root_may_not_give_files_away_the_message_says_what_to_do(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(*given: object) -> None:
            raise PermissionError(1, "Operation not permitted", "data")

        system_users.ensure()
        monkeypatch.setattr(os, "chown", refused)
        place = replace(this_checkout(Layout(tmp_path)), root=True)
        place.layout.run.mkdir(parents=True, exist_ok=True)
        with pytest.raises(StackError, match=r"CHOWN.*a user other than root"):
            unprivileged.take(place, accounts.VITRINE, place.layout.run)
        with pytest.raises(StackError, match=r"CHOWN.*a user other than root"):
            unprivileged.lend(place, place.layout.run, accounts.VITRINE)

    def test_a_persons_name_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
        import pwd

        person = pwd.struct_passwd(("vitrine", "x", 1000, 1000, "", "/home/vitrine", "/bin/bash"))
        monkeypatch.setattr(pwd, "getpwnam", lambda name: person)
        with pytest.raises(Missing, match="rename that user"):
            system_users.ensure()
