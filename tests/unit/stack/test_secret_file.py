"""A generated secret is whole or not there, and nothing else that its file holds gets any further."""

import argparse
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stack import airflow_passwords, handlers, passwords, secret_file
from stack.components import airflow
from stack.layout import Layout
from stack.principals import Principal
from stack.service import StackContext
from streaming.process.exit_code import InvalidRequest

FRESH = "a-generated-secret_of-Vitrine="


def test_of_many_first_commands_all_get_the_same(place: StackContext) -> None:
    def token(_: int) -> str:
        return airflow.variables(place)["AIRFLOW__API__SECRET_KEY"]

    with ThreadPoolExecutor(max_workers=8) as pool:
        assert len(set(pool.map(token, range(40), timeout=60))) == 1


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "run" / "secret"
    path.parent.mkdir()
    (left := path.parent / ".secret-left").write_text("unfinished")
    os.utime(left, (0, 0))
    (of_another := path.parent / ".secret-now").write_text("of a process that runs")
    assert secret_file.read(path, FRESH) == FRESH
    assert {one.name for one in path.parent.iterdir()} == {"secret", of_another.name}


@pytest.mark.parametrize(
    "written", ["", "two\nlines-of-more-than-twenty", "\x1b]0;title\x07" + "a" * 20, "'\""]
)
def test_what_an_account_wrote_into_a_secret_is_refused_by_name_only(
    place: StackContext, written: str
) -> None:
    """Airflow's account may write Airflow's secrets, which root's commands read."""
    airflow.variables(place)
    path = place.layout.run / "airflow-fernet"
    path.write_text(written)
    with pytest.raises(InvalidRequest, match=f"{path} does not hold .* remove it") as refused:
        airflow.variables(place)
    assert not written or written not in str(refused.value)
    path.unlink()
    assert airflow.variables(place)["AIRFLOW__CORE__FERNET_KEY"]


def test_a_password_that_was_cut_off_is_no_password(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    passwords.generated(layout, Principal.ADMIN)
    passwords.file(layout, Principal.ADMIN).write_text("")
    with pytest.raises(InvalidRequest, match="passwords/admin does not hold"):
        passwords.generated(layout, Principal.ADMIN)


@pytest.mark.parametrize("written", ["{", "[]", '{"admin": 1}', "\x1b[31m"])
def test_a_broken_file_of_airflows_passwords_is_named(tmp_path: Path, written: str) -> None:
    layout = Layout(tmp_path)
    airflow_passwords.ensure(layout, ["admin"])
    airflow_passwords.file(layout).write_text(written)
    for read in (
        lambda: airflow_passwords.password(layout, "admin"),
        lambda: airflow_passwords.ensure(layout, ["b"]),
    ):
        with pytest.raises(InvalidRequest, match=r"airflow-passwords\.json is no JSON object .* remove it"):
            read()


def test_a_password_does_not_control_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = Layout(tmp_path)
    monkeypatch.setattr(handlers, "HERE", layout)
    airflow_passwords.ensure(layout, ["admin"])
    airflow_passwords.file(layout).write_text('{"admin": "\\u001b]0;owned\\u0007"}')
    handlers.password(argparse.Namespace(user="admin", json=False))
    shown = capsys.readouterr().out
    assert "owned" in shown
    assert "\x1b" not in shown
