"""What each role may do in the running Airflow, over HTTP; a label leads op and admin to a pseudonym."""

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from stack import airflow_passwords, logins
from stack.components import airflow
from stack.context import this_checkout
from streaming.access_record.file import stored_record
from streaming.settings import PseudonymSettings

TASK = "/api/v2/dags/similar_users/dagRuns/r/taskInstances/find"


def _part(value: dict[str, Any]) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


def _read(part: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


@pytest.fixture(scope="module")
def enter(airflow_url: str) -> Callable[[str], httpx.Client]:
    """A client with a login of the role, as the stack's own key signs it for a user who has that role."""
    place = this_checkout()
    admin = logins.first_admin(place.settings.users)
    form = {"username": admin, "password": airflow_passwords.password(place.layout, admin)}
    token = httpx.post(f"{airflow_url}/auth/token", json=form, timeout=30).json()["access_token"]
    head, payload, _ = token.split(".")
    secret = airflow.variables(place)["AIRFLOW__API_AUTH__JWT_SECRET"].encode()
    digest = getattr(hashlib, f"sha{_read(head)['alg'].removeprefix('HS')}")

    def entered(role: str) -> httpx.Client:
        claims = _read(payload) | {"sub": f"the-{role}", "role": role, "jti": uuid.uuid4().hex}
        signed = head.encode() + b"." + _part(claims)
        signature = base64.urlsafe_b64encode(hmac.new(secret, signed, digest).digest()).rstrip(b"=")
        bearer = (signed + b"." + signature).decode()
        return httpx.Client(base_url=airflow_url, headers={"Authorization": f"Bearer {bearer}"}, timeout=30)

    return entered


@pytest.mark.parametrize("role", ["viewer", "user"])
@pytest.mark.parametrize("dag", ["private_models", "extract_sessions"])
def test_neither_viewer_nor_analyst_spends_the_budget(
    enter: Callable[[str], httpx.Client], role: str, dag: str
) -> None:
    with enter(role) as client:
        assert client.get("/api/v2/dags").status_code == 200
        started = client.post(f"/api/v2/dags/{dag}/dagRuns", json={"logical_date": None})
        assert started.status_code == 403
        assert "op and admin" in started.json()["detail"]
        assert client.patch(f"/api/v2/dags/{dag}", json={"is_paused": True}).status_code == 403


def test_viewers_read_neither_task_logs_nor_xcom_nor_single_persons(
    enter: Callable[[str], httpx.Client],
) -> None:
    with enter("viewer") as viewer, enter("user") as analyst:
        for path in (f"{TASK}/logs/1", f"{TASK}/xcomEntries"):
            assert viewer.get(path).status_code == 403
            assert analyst.get(path).status_code != 403
        panels = "/vitrine/dashboards/user_analysis/source"
        assert "top_returning_users" not in viewer.get(panels).text
        assert "top_returning_users" in analyst.get(panels).text
        for path in ("/vitrine/label", "/vitrine/erasures", "/vitrine/accesses", "/vitrine/why"):
            assert viewer.get(path).status_code == analyst.get(path).status_code == 403


def test_flinks_page_is_for_op_and_admin(enter: Callable[[str], httpx.Client]) -> None:
    for role, status in {"viewer": 403, "user": 403, "op": 200, "admin": 200}.items():
        with enter(role) as client:
            for path in ("/vitrine/flink/", "/vitrine/flink/jobs/overview"):
                assert client.get(path).status_code == status, role


def test_an_analyst_sees_labels_and_an_admin_finds_out_whose_they_are(
    enter: Callable[[str], httpx.Client], page: Page, sent: Any
) -> None:
    pseudonyms = PseudonymSettings().pseudonyms
    user = pseudonyms.user(sent.sessions[0].user_id)
    known_as = {name for one in sent.sessions for name in (one.user_id, pseudonyms.user(one.user_id))}
    with enter("user") as analyst:
        figures = analyst.get("/vitrine/dashboards/user_analysis/figures", params={"range": "all"})
        assert figures.status_code == 200
        assert not known_as & set(figures.text.split('"'))
    page.goto("/vitrine/label")
    page.get_by_label("Label").fill(stored_record().label("user", user))
    page.get_by_label("Reason").fill("a test")
    page.get_by_role("button", name="Look up").click()
    expect(page.get_by_text(user, exact=True)).to_be_visible()
    page.goto("/vitrine/accesses")
    expect(page.get_by_text(stored_record().whose("user", user)).first).to_be_visible()
