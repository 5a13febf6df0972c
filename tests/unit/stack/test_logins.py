"""Airflow's users: what the setting may say, and who sees a password when."""

import argparse
import json
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from stack import airflow_passwords, handlers, logins, status
from stack.components import airflow
from stack.context import under
from stack.layout import Layout
from stack.service import StackContext
from stack.settings import StackSettings
from streaming.process.exit_code import ExitCode, InvalidRequest

USERS = "admin:admin,ann:viewer,bob:analyst,carol:op"


def test_a_role_for_each_user() -> None:
    assert logins.parse(" ann : viewer ,boss:admin") == {"ann": "viewer", "boss": "admin"}
    assert logins.parse("boss:admin,bob:user")["bob"] == "analyst", "Airflow's name of the role"
    assert logins.first_admin(logins.parse("ann:viewer,boss:admin,other:admin")) == "boss"


@pytest.mark.parametrize(
    "setting",
    [
        "",
        "admin",
        "ann:viewer",
        "ann:root",
        "admin:admin,admin:viewer",
        "a b:admin",
        "x:admin:team",
        "a\nb:admin",
    ],
)
def test_what_is_no_list_of_users_is_refused(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    with pytest.raises(ValueError, match=r"user|role|twice"):
        logins.parse(setting)
    monkeypatch.setenv("VITRINE_AIRFLOW_USERS", setting)
    with pytest.raises(ValidationError):
        StackSettings()


def test_airflow_gets_the_users_and_a_login_ends_when_they_change(place: StackContext) -> None:
    def variables(users: str) -> dict[str, str]:
        return airflow.variables(under(place, {"VITRINE_AIRFLOW_USERS": users}))

    one, other = variables("admin:admin,ann:op"), variables("admin:admin,ann:viewer")
    assert one["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] == "admin:admin,ann:op"
    analyst = variables("admin:admin,bob:analyst")
    assert analyst["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] == "admin:admin,bob:user"
    assert analyst["AIRFLOW__CORE__AUTH_MANAGER"] == "vitrine_roles.VitrineAuthManager"
    assert one["AIRFLOW__API__ENABLE_SWAGGER_UI"] == "False"
    assert one["AIRFLOW__API_AUTH__JWT_SECRET"] != other["AIRFLOW__API_AUTH__JWT_SECRET"]
    assert (
        one["AIRFLOW__API_AUTH__JWT_SECRET"]
        == variables("admin:admin,ann:op")["AIRFLOW__API_AUTH__JWT_SECRET"]
    )


def test_every_user_has_a_password_of_their_own_that_nobody_else_reads(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    airflow_passwords.ensure(layout, ["admin", "ann"])
    file = airflow_passwords.file(layout)
    first = json.loads(file.read_text())
    assert first.keys() == {"admin", "ann"}
    assert len(set(first.values())) == 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    airflow_passwords.ensure(layout, ["admin"])
    assert json.loads(file.read_text()) == {"admin": first["admin"]}
    airflow_passwords.ensure(layout, ["admin", "ann"])
    again = json.loads(file.read_text())
    assert again["admin"] == first["admin"]
    assert again["ann"] != first["ann"], "who was taken out does not come back with an old password"


def test_a_password_is_shown_once(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    airflow_passwords.ensure(layout, ["admin"])
    airflow_passwords.ensure(layout, ["admin", "ann"])
    shown = airflow_passwords.take_unshown(layout)
    assert shown == json.loads(airflow_passwords.file(layout).read_text())
    assert airflow_passwords.take_unshown(layout) == {}
    airflow_passwords.ensure(layout, ["admin", "ann", "bob"])
    assert airflow_passwords.take_unshown(layout).keys() == {"bob"}


def test_status_and_later_starts_show_no_password(
    place: StackContext, capsys: pytest.CaptureFixture[str]
) -> None:
    place = under(place, {"VITRINE_AIRFLOW_USERS": USERS})
    airflow_passwords.ensure(place.layout, place.settings.users)
    secrets = json.loads(airflow_passwords.file(place.layout).read_text()).values()
    first_shown = status.new_logins(place)
    assert all(secret in first_shown for secret in secrets)
    status.print_table(place, [])
    shown = capsys.readouterr().out + json.dumps(status.as_json(place, [])) + status.login(place)
    assert not status.new_logins(place)
    assert not any(secret in shown for secret in secrets)
    assert status.as_json(place, [])["airflow"] == {
        "url": place.environment["VITRINE_AIRFLOW_URL"],
        "users": place.settings.users,
    }


def test_a_password_is_shown_to_whoever_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = Layout(tmp_path)
    monkeypatch.setattr(handlers, "HERE", layout)
    monkeypatch.setenv("VITRINE_AIRFLOW_USERS", USERS)

    def ask(user: str | None, as_json: bool = False) -> int:
        return handlers.password(argparse.Namespace(user=user, json=as_json))

    assert ask(None) == ExitCode.NOT_SO
    airflow_passwords.ensure(layout, logins.parse(USERS))
    capsys.readouterr()
    assert ask(None) == ExitCode.DONE
    assert capsys.readouterr().out.strip() == airflow_passwords.password(layout, "admin")
    assert ask("ann", as_json=True) == ExitCode.DONE
    assert json.loads(capsys.readouterr().out) == {
        "user": "ann",
        "role": "viewer",
        "password": airflow_passwords.password(layout, "ann"),
    }
    with pytest.raises(InvalidRequest, match="no user eve; there are: admin, ann, bob, carol"):
        ask("eve")
