"""A process that runs as an account is told nothing of its caller's: neither the admin's passwords nor
what the shell keeps."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stack import accounts, airflow_passwords, passwords, services, unprivileged
from stack.inherited import inherited
from stack.layout import HERE
from stack.principals import Principal, Store
from stack.service import StackContext, StackError

SENTINEL = "of-the-callers-shell"


@pytest.fixture
def shell(place: StackContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StackContext:
    """`place` as a command has it, which has put the admin's credentials into its environment."""
    monkeypatch.setenv("VITRINE_TEST_SENTINEL", SENTINEL)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SENTINEL)
    os.environ.update(place.environment)
    return replace(place, root=False, java_home=str(tmp_path / "java"))


def told(place: StackContext, program: Path, prepare: Callable[[], None]) -> str:
    """The environment that `program`, which `prepare` runs, gets."""
    seen = place.layout.root / "seen"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n/usr/bin/env > {seen}\nexit 1\n")
    program.chmod(0o700)
    with pytest.raises(StackError):
        prepare()
    return seen.read_text()


def prepare_of(place: StackContext, name: str) -> Callable[[], None]:
    [found] = (one.prepare for one in services.services(place) if one.name == name)
    assert found is not None
    return found


def test_what_makes_airflows_database_gets_what_airflow_gets(shell: StackContext) -> None:
    airflow = shell.layout.environment("airflow") / "bin" / "airflow"
    text = told(shell, airflow, prepare_of(shell, "airflow-api-server"))
    assert SENTINEL not in text
    assert not [one for one in Store if passwords.of(shell.layout, one, Principal.ADMIN) in text]
    [service] = (one for one in services.services(shell) if one.name == "airflow-scheduler")
    assert all(f"{name}={value}\n" in text for name, value in service.environment.items())
    assert airflow_passwords.file(shell.layout).exists()


def test_what_formats_kafkas_storage_gets_nothing(shell: StackContext) -> None:
    text = told(shell, Path(shell.java_home, "bin", "java"), prepare_of(shell, "kafka"))
    assert SENTINEL not in text
    assert "VITRINE" not in text
    assert "MONGO" not in text


def test_nothing_but_this_runs_a_program_as_an_account() -> None:
    for file in (HERE.root / "stack").rglob("*.py"):
        if file.name != "unprivileged.py":
            assert "unprivileged.command" not in file.read_text(), f"{file}: use unprivileged.run"


def test_of_roots_own_folders_an_account_is_not_told(tmp_path: Path) -> None:
    """With pam_tmpdir, for one, TMPDIR is /tmp/user/0, which nobody else may enter."""
    (own := tmp_path / "of-root").mkdir(mode=0o700)
    (certificates := own / "ca.pem").write_text("")
    certificates.chmod(0o644)
    given = {"TMPDIR": str(own), "SSL_CERT_FILE": str(certificates), "LC_ALL": "C", "HOME": "/root"}
    assert inherited(given, root=True) == {"LC_ALL": "C", "HOME": "/root"}
    assert inherited(given, root=False) == given
    assert inherited({"TMPDIR": "/tmp"}, root=True) == {"TMPDIR": "/tmp"}
    assert inherited({"SSL_CERT_FILE": "/etc/passwd"}, root=True) == {"SSL_CERT_FILE": "/etc/passwd"}
    assert not inherited({"TMPDIR": "/etc", "SSL_CERT_DIR": "/gone"}, root=True)


def test_of_the_shell_services_inherit_no_secret() -> None:
    shell = {"AWS_SECRET_ACCESS_KEY": "k", "VITRINE_REDIS_URL": "redis://admin:secret@h", "PATH": "/bin"}
    for root in (True, False):
        assert inherited(shell, root) == {"PATH": "/bin"}


def test_an_account_gets_its_own_home(place: StackContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/root")
    monkeypatch.setattr(unprivileged, "command", lambda place, account: ())
    done = unprivileged.run(place, accounts.KAFKA, ("/usr/bin/env",), {"OWN": "1"})
    assert f"HOME={unprivileged.home(place, accounts.KAFKA)}\n" in done.stdout
    assert "OWN=1\n" in done.stdout
