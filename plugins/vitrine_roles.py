"""The auth manager of the stack: Airflow's simple one, with the rights of viewers and analysts narrowed.

Airflow asks it before everything that its API and its pages do, so no request goes around it. The same
narrowing for Airflow's FAB is in vitrine_fab.py.
"""

from collections.abc import Iterable
from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from fastapi import HTTPException

from streaming.doors import rights


def narrowed(manager: type[Any], roles: Any) -> type[Any]:
    """Returns a subclass of the auth manager `manager` that refuses what streaming.doors.rights refuses.
    `roles` returns the names of a user's roles."""

    class Narrowed(manager):
        """See `narrowed`."""

        def is_authorized_dag(
            self, *, method: str, user: Any, access_entity: Any = None, details: Any = None
        ) -> bool:
            dag = details.id if details else None
            part = access_entity.value if access_entity else None
            why = rights.refusal(roles(user), method, dag, part)
            if why and method == "GET":
                return False  # Airflow also asks to find out what it leaves out of an answer
            _refuse(why)
            return bool(
                super().is_authorized_dag(
                    method=method, user=user, access_entity=access_entity, details=details
                )
            )

        def is_authorized_asset(self, *, method: str, user: Any, details: Any = None) -> bool:
            _refuse(rights.refusal_of_asset(roles(user), method))
            return bool(super().is_authorized_asset(method=method, user=user, details=details))

        def is_authorized_asset_alias(self, *, method: str, user: Any, details: Any = None) -> bool:
            _refuse(rights.refusal_of_asset(roles(user), method))
            return bool(super().is_authorized_asset_alias(method=method, user=user, details=details))

        def filter_authorized_dag_ids(
            self, *, dag_ids: Iterable[str], user: Any, method: str = "GET", **more: Any
        ) -> set[str]:
            kept = self._kept(dag_ids, user, method)
            found: set[str] = super().filter_authorized_dag_ids(
                dag_ids=kept, user=user, method=method, **more
            )
            return found

        def get_authorized_dag_ids(self, *, user: Any, method: str = "GET", **more: Any) -> set[str]:
            # FAB does not filter one by one.
            found = super().get_authorized_dag_ids(user=user, method=method, **more)
            return self._kept(found, user, method)

        @staticmethod
        def _kept(dag_ids: Iterable[str], user: Any, method: str) -> set[str]:
            return {dag for dag in dag_ids if not rights.refusal(roles(user), method, dag, None)}

    return Narrowed


def _refuse(why: str | None) -> None:
    if why:
        raise HTTPException(403, why)


VitrineAuthManager = narrowed(SimpleAuthManager, lambda user: [user.role or ""])
