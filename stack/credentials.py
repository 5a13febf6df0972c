"""What a process shows to the stores that this checkout runs: the settings with its user and password.

A store that the user runs elsewhere gets the user's settings, and no generated credentials.
"""

import json
from collections.abc import Callable, Collection, Mapping
from urllib.parse import urlsplit

from stack.principals import Principal, Store
from streaming.process.exit_code import InvalidRequest

ADMIN, AIRFLOW, WATCH = Principal.ADMIN, Principal.AIRFLOW, Principal.WATCH
USERS = {
    Store.REDIS: frozenset({ADMIN, Principal.GATE, AIRFLOW, WATCH}),
    Store.MONGODB: frozenset({ADMIN, Principal.STORE, AIRFLOW, WATCH}),
    Store.KAFKA: frozenset(set(Principal) - {Principal.BROKER}),
    Store.ELASTICSEARCH: frozenset({ADMIN, Principal.INDEX, AIRFLOW, WATCH}),
}
"""Who may log in to each store."""
IMPORT_KEYS = "VITRINE_IMPORT_KEYS"
IMPORTS = "imports"
"""The name of the generated key that marks feeds of imports."""
KNOW_IMPORTS = frozenset({ADMIN, Principal.GATE, AIRFLOW})
"""Who gets that key: `ingest`, the gate, and the DAG that reconciles. Whoever has it can make feeds that
escape the live feed's horizon."""
PSEUDONYM_KEY = "VITRINE_PSEUDONYM_KEY"
PSEUDONYMS = "pseudonyms"
"""The name of the generated key from which pseudonyms follow."""
KNOW_PSEUDONYMS = frozenset({ADMIN, Principal.GATE, Principal.STORE, Principal.FLINK, AIRFLOW})
"""Who gets that key: the gate, which makes pseudonyms; the store and the job, which make them for sessions
that an earlier release let through; the DAG that reconciles."""
_KEYS = {IMPORT_KEYS: (IMPORTS, KNOW_IMPORTS), PSEUDONYM_KEY: (PSEUDONYMS, KNOW_PSEUDONYMS)}
"""By variable: the name of the generated key, and who gets it."""


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
    password: Callable[[Store, Principal], str],
    own: Collection[Store],
    given: Mapping[str, str],
    key: Callable[[str], str],
) -> dict[str, str]:
    """Returns the variables with which `principal` logs in to the stores `own`, which this checkout runs.
    `given`: the variables with their addresses and the user's further settings; `key` returns a generated key
    by its name. For a store that does not know `principal` they contain no login, whatever `given` has; the
    same for the keys."""
    found: dict[str, str] = {}
    for store in own:
        user = principal if principal in USERS[store] else None
        found |= _MAKERS[store](user, password(store, user) if user else "", given)
    for variable, (name, known_by) in _KEYS.items():
        found[variable] = (given.get(variable) or key(name)) if principal in known_by else ""
    return found


KAFKA_LOGIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
"""Of Kafka's own Java clients."""
_OF_FLINK = f"org.apache.flink.kafka.shaded.{KAFKA_LOGIN_MODULE}"
"""Flink's connector contains the Kafka client under another name."""


def _kafka(user: Principal | None, password: str, given: Mapping[str, str]) -> dict[str, str]:
    names = ("VITRINE_KAFKA_CLIENT_PROPERTIES", "VITRINE_FLINK_KAFKA_PROPERTIES")
    of_c, of_java = (_properties(name, given.get(name, "{}")) for name in names)
    if user:
        plain = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"}
        of_c |= plain | {"sasl.username": user, "sasl.password": password}
        of_java |= plain | {"sasl.jaas.config": jaas(_OF_FLINK, user, password)}
    return dict(zip(names, (json.dumps(of_c), json.dumps(of_java)), strict=True))


def _properties(name: str, text: str) -> dict[str, object]:
    """Returns the properties of a client without any login. Raises InvalidRequest, without the text, which
    may contain a password."""
    try:
        found = dict(json.loads(text))
    except (TypeError, ValueError):
        raise InvalidRequest(f"{name} is not a JSON object") from None
    return {key: value for key, value in found.items() if not key.startswith(("sasl.", "security.protocol"))}


def jaas(login_module: str, user: Principal, password: str) -> str:
    """Returns how a Java client logs in."""
    return f'{login_module} required username="{user}" password="{password}";'


def _redis(user: Principal | None, password: str, given: Mapping[str, str]) -> dict[str, str]:
    return {"VITRINE_REDIS_URL": _with_login(given["VITRINE_REDIS_URL"], user, password)}


def _mongodb(user: Principal | None, password: str, given: Mapping[str, str]) -> dict[str, str]:
    return {"MONGO_URI": _with_login(given["MONGO_URI"], user, password)}


def _elasticsearch(user: Principal | None, password: str, given: Mapping[str, str]) -> dict[str, str]:
    login = {"USERNAME": user or "", "PASSWORD": password, "API_KEY": ""}
    return {f"VITRINE_ELASTICSEARCH_{name}": value for name, value in login.items()}


def _with_login(address: str, user: Principal | None, password: str) -> str:
    plain = without_login(address)
    return (
        urlsplit(plain)._replace(netloc=f"{user}:{password}@{urlsplit(plain).netloc}").geturl()
        if user
        else plain
    )


_MAKERS = {
    Store.KAFKA: _kafka,
    Store.REDIS: _redis,
    Store.ELASTICSEARCH: _elasticsearch,
    Store.MONGODB: _mongodb,
}
