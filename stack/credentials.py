"""What a process shows to the stores that this checkout runs: the settings with its user and password.

A store that the user runs elsewhere gets the user's settings, and no generated credentials.
"""

from collections.abc import Callable, Collection, Mapping
from urllib.parse import urlsplit

from stack.principals import Principal

ADMIN, AIRFLOW, WATCH = Principal.ADMIN, Principal.AIRFLOW, Principal.WATCH
USERS = {
    "redis": frozenset({ADMIN, Principal.GATE, AIRFLOW, WATCH}),
}
"""Who may log in to each store."""


def without_login(address: str) -> str:
    """Returns the address of a store without generated credentials. Credentials of the user's stay: they
    belong to another store."""
    login, separator, rest = address.rpartition("@")
    scheme, _, named = login.partition("://")
    if separator and named.partition(":")[0] in set(Principal):
        return f"{scheme}://{rest}"
    return address


def variables(
    principal: Principal,
    password: Callable[[Principal], str],
    own: Collection[str],
    given: Mapping[str, str],
) -> dict[str, str]:
    """Returns the variables with which `principal` logs in to the stores `own`, which this checkout runs.
    `given`: the variables with their addresses and the user's further settings. For a store that does not
    know `principal` they contain no login, whatever `given` has."""
    makers = {"redis": _redis}
    found: dict[str, str] = {}
    for store, make in makers.items():
        if store in own:
            user = principal if principal in USERS[store] else None
            found |= make(user, password(user) if user else "", given)
    return found


def _redis(user: Principal | None, password: str, given: Mapping[str, str]) -> dict[str, str]:
    return {"VITRINE_REDIS_URL": _with_login(given["VITRINE_REDIS_URL"], user, password)}


def _with_login(address: str, user: Principal | None, password: str) -> str:
    plain = without_login(address)
    return (
        urlsplit(plain)._replace(netloc=f"{user}:{password}@{urlsplit(plain).netloc}").geturl()
        if user
        else plain
    )
