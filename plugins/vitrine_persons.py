"""Single persons on the dashboards: who sees them, under which name, and that it is recorded."""

import threading
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from msgspec.structs import replace

from streaming.access_record.file import stored_record
from streaming.access_record.label import label
from streaming.dashboards import persons
from streaming.dashboards.figures import PanelFigures
from streaming.dashboards.source import Dashboard

A_DAG_OF_ANALYSTS = "similar_users"
_recording = threading.Lock()
_recorded: dict[tuple[str, date], set[str]] = {}
"""Whom a reader was shown today: a page asks again every few seconds, and is recorded once."""


def sees_labels(user: GetUserDep) -> bool:
    """True for analysts and upward: whoever may start a DAG that reads single users and spends no budget."""
    return bool(
        get_auth_manager().is_authorized_dag(
            method="POST",
            access_entity=DagAccessEntity.RUN,
            details=DagDetails(id=A_DAG_OF_ANALYSTS),
            user=user,
        )
    )


def who(user: Any) -> str:
    """The reader as the access record names them."""
    return f"airflow:{user.get_name()}"


def with_labels(dashboard: Dashboard, figures: Iterable[PanelFigures], reader: str) -> list[PanelFigures]:
    """Returns `figures` with labels instead of ids, after recording whom `reader` is shown. Raises
    NotRecorded."""
    single = persons.panels(dashboard)
    return [
        _labelled(one, reader, single[one.panel_id].title) if one.panel_id in single else one
        for one in figures
    ]


def _labelled(panel: PanelFigures, reader: str, title: str) -> PanelFigures:
    today, key = datetime.now(UTC).date(), stored_record().key()
    _record(reader, today, title, persons.ids(panel.rows))
    return replace(panel, rows=persons.labelled(panel.rows, lambda id_: label(key, "user", id_, today)))


def _record(reader: str, today: date, title: str, ids: list[str]) -> None:
    with _recording:
        for known in [known for known in _recorded if known[1] != today]:
            del _recorded[known]
        seen = _recorded.setdefault((reader, today), set())
        if new := [id_ for id_ in dict.fromkeys(ids) if id_ not in seen]:
            stored_record().add(reader, "single visitors", title, users=new)
            seen.update(new)
