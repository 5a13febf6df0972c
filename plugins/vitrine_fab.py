"""Airflow's FAB auth manager, with the rights of viewers and analysts narrowed as by vitrine_roles.py.

For `[core] auth_manager = vitrine_fab.VitrineFabAuthManager`, with apache-airflow-providers-fab installed.
Not part of the local stack: .airflowignore keeps Airflow from loading it as a plugin.
"""

from airflow.providers.fab.auth_manager.fab_auth_manager import FabAuthManager

from vitrine_roles import narrowed

VitrineFabAuthManager = narrowed(
    FabAuthManager, lambda user: [role.name for role in getattr(user, "roles", ())]
)
