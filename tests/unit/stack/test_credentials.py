"""Each process gets the credentials of its own principal and no others; stores elsewhere get none."""

import dataclasses
import json
from functools import partial

import pytest

from stack import credentials, machine, passwords
from stack import services as declared
from stack.changes import process
from stack.components import kafka, redis
from stack.context import under
from stack.principals import Principal, Store
from stack.service import StackContext
from stack.settings import StackSettings, environment, own_addresses
from streaming.dedup.redis.commands import CLAIMING, READING, rights
from streaming.process.exit_code import InvalidRequest

PRINCIPAL_OF = {
    "gate": Principal.GATE,
    "store": Principal.STORE,
    "index": Principal.INDEX,
    "flink-job": Principal.FLINK,
    "watch": Principal.WATCH,
    "airflow-scheduler": Principal.AIRFLOW,
    "airflow-api-server": Principal.AIRFLOW,
    "airflow-dag-processor": Principal.AIRFLOW,
    "airflow-triggerer": Principal.AIRFLOW,
}


def secrets_of(place: StackContext) -> dict[str, Principal]:
    """Whose each generated secret is, and each password for a store."""
    made = {passwords.of(place.layout, store, one): one for store in Store for one in Principal}
    return made | {passwords.generated(place.layout, one): one for one in Principal}


def test_a_service_gets_the_password_of_its_own_principal_at_most(place: StackContext) -> None:
    known = secrets_of(place)
    for service in declared.services(place):
        text = str(dict(service.environment))
        found = {one for secret, one in known.items() if secret in text}
        assert found <= {PRINCIPAL_OF.get(service.name)}, service.name


def test_the_key_of_imports_goes_to_those_who_make_or_judge_imports_alone(place: StackContext) -> None:
    """Whoever sends the shop's sessions, and could name an import, does not get it."""
    key = passwords.generated(place.layout, credentials.IMPORTS)
    assert place.environment["VITRINE_IMPORT_KEYS"] == key
    holders = {one.name for one in declared.services(place) if key in str(dict(one.environment))}
    assert holders == {"gate", *(name for name, of in PRINCIPAL_OF.items() if of is Principal.AIRFLOW)}
    for other in set(Principal) - credentials.KNOW_IMPORTS:
        given = environment(place.settings, place.layout, place.environment, other)
        assert key not in str(given), other


def test_the_key_of_pseudonyms_goes_to_those_who_make_them_alone(place: StackContext) -> None:
    """The index stage and the monitor know pseudonyms, and must not learn whose they are."""
    key = passwords.generated(place.layout, credentials.PSEUDONYMS)
    assert place.environment["VITRINE_PSEUDONYM_KEY"] == key
    holders = {one.name for one in declared.services(place) if key in str(dict(one.environment))}
    airflow = {name for name, of in PRINCIPAL_OF.items() if of is Principal.AIRFLOW}
    assert holders == {"gate", "store", "flink-job", *airflow}
    for other in set(Principal) - credentials.KNOW_PSEUDONYMS:
        given = environment(place.settings, place.layout, place.environment, other)
        assert key not in str(given), other


def test_given_keys_of_imports_are_kept(place: StackContext) -> None:
    shared = under(place, {"VITRINE_IMPORT_KEYS": "new,old"})
    assert shared.environment["VITRINE_IMPORT_KEYS"] == "new,old"
    [gate] = [one for one in declared.services(shared) if one.name == "gate"]
    assert gate.environment["VITRINE_IMPORT_KEYS"] == "new,old"


def test_no_password_is_on_a_command_line_in_an_address_or_in_a_health_check(place: StackContext) -> None:
    known = secrets_of(place)
    for service in declared.services(place):
        shown = f"{service.command} {service.address} {service.health!r}"
        assert not [one for secret, one in known.items() if secret in shown], service.name


def test_commands_log_in_as_admin(place: StackContext) -> None:
    of = {store: passwords.of(place.layout, store, Principal.ADMIN) for store in Store}
    assert place.environment["VITRINE_REDIS_URL"] == f"redis://admin:{of[Store.REDIS]}@127.0.0.1:16379/0"
    assert place.environment["VITRINE_ELASTICSEARCH_USERNAME"] == "admin"
    assert place.environment["VITRINE_ELASTICSEARCH_PASSWORD"] == of[Store.ELASTICSEARCH]
    properties = json.loads(place.environment["VITRINE_KAFKA_CLIENT_PROPERTIES"])
    assert (properties["sasl.username"], properties["sasl.password"]) == ("admin", of[Store.KAFKA])


def test_what_a_store_is_told_lets_nobody_in_to_another(
    place: StackContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka must know its users' passwords themselves: whoever takes it over has them."""
    monkeypatch.setattr(machine, "mongod", lambda: "/usr/bin/mongod")
    told = {
        Store.KAFKA: kafka.server_properties(place) + kafka.client_properties(place, Principal.ADMIN),
        Store.REDIS: redis.users("vitrine:", partial(place.password, Store.REDIS)),
    }
    for store in Store:
        for one in credentials.USERS[store]:
            shown = credentials.variables(one, place.password, [store], place.environment, place.key)
            told[store] = told.get(store, "") + str(shown)
    for store, text in told.items():
        for other in set(Store) - {store}:
            assert not [one for one in Principal if place.password(other, one) in text], (store, other)
        assert not [one for one in Principal if passwords.generated(place.layout, one) in text], store


def test_the_users_further_properties_of_kafkas_clients_stay(place: StackContext) -> None:
    more = {"VITRINE_KAFKA_CLIENT_PROPERTIES": '{"socket.keepalive.enable": true, "sasl.password": "old"}'}
    made = json.loads(under(place, more).environment["VITRINE_KAFKA_CLIENT_PROPERTIES"])
    assert made["socket.keepalive.enable"] is True
    assert made["sasl.password"] == place.password(Store.KAFKA, Principal.ADMIN)


def test_properties_that_are_no_json_are_refused_without_showing_them(place: StackContext) -> None:
    name = "VITRINE_KAFKA_CLIENT_PROPERTIES"
    with pytest.raises(InvalidRequest, match=f"{name} is not a JSON object") as refused:
        under(place, {name: "hunter2"})
    assert "hunter2" not in str(refused.value)


def test_who_may_only_send_gets_no_login_to_the_other_stores(place: StackContext) -> None:
    sent = credentials.variables(Principal.SHOP, place.password, list(Store), place.environment, place.key)
    assert json.loads(sent["VITRINE_KAFKA_CLIENT_PROPERTIES"])["sasl.username"] == "shop"
    assert sent["VITRINE_REDIS_URL"] == "redis://127.0.0.1:16379/0"
    assert (sent["VITRINE_ELASTICSEARCH_USERNAME"], sent["VITRINE_ELASTICSEARCH_PASSWORD"]) == ("", "")
    assert not [store for store in Store if place.password(store, Principal.ADMIN) in str(sent)]


def test_kafkas_properties_have_the_passwords_and_so_only_their_owner_reads_them(place: StackContext) -> None:
    text = kafka.server_properties(place)
    assert all(f'user_{one}="{place.password(Store.KAFKA, one)}"' in text for one in Principal)
    controller = next(line for line in text.splitlines() if line.startswith("listener.name.controller"))
    assert [word for word in controller.split() if word.startswith("user_")] == [
        f'user_broker="{place.password(Store.KAFKA, Principal.BROKER)}";'
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"VITRINE_KAFKA_BOOTSTRAP_SERVERS": "k:9092", "VITRINE_KAFKA_CLIENT_PROPERTIES": '{"a": 1}'},
        {"VITRINE_ELASTICSEARCH_URL": "http://e:9200", "VITRINE_ELASTICSEARCH_API_KEY": "theirs"},
    ],
)
def test_services_elsewhere_get_no_generated_login(place: StackContext, given: dict[str, str]) -> None:
    moved = under(place, given)
    by_name = {service.name: service for service in declared.services(moved)}
    for name in ("gate", "store", "index", "watch", "airflow-triggerer", "flink-job"):
        shown = by_name[name].environment
        assert all(shown[key] == value for key, value in given.items() if key in shown)
        if "VITRINE_KAFKA_BOOTSTRAP_SERVERS" in given:
            assert "sasl" not in str(dict(shown))
        else:
            assert "VITRINE_ELASTICSEARCH_PASSWORD" not in shown


@pytest.mark.parametrize(
    "url", ["redis://elsewhere/0", "redis://:theirs@127.0.0.1:16379/0", "rediss://admin:theirs@elsewhere/1"]
)
def test_a_store_elsewhere_gets_the_users_settings_untouched(place: StackContext, url: str) -> None:
    place = under(place, {"VITRINE_REDIS_URL": url})
    assert place.external == {"redis"}
    by_name = {service.name: service for service in declared.services(place)}
    for one in (place.environment, by_name["gate"].environment, by_name["watch"].environment):
        assert one["VITRINE_REDIS_URL"] == url


def test_credentials_of_an_earlier_installation_in_the_shell_are_replaced(place: StackContext) -> None:
    stale = under(place, {"VITRINE_REDIS_URL": "redis://admin:old@127.0.0.1:16379/0"})
    assert not stale.external
    assert stale.environment == place.environment


def test_a_service_that_reads_the_declarations_knows_only_its_own_password(place: StackContext) -> None:
    """The monitor, for one: it needs no file with passwords for its health checks."""
    own = {service.name: service for service in declared.services(place)}["watch"].environment
    inside = under(dataclasses.replace(place, principal=None), own)
    known = secrets_of(place)
    assert inside.environment["VITRINE_REDIS_URL"] == own["VITRINE_REDIS_URL"]
    assert not inside.external
    declarations = [process(service) for service in declared.services(inside)]
    found = {one for secret, one in known.items() if secret in str(declarations)}
    assert found <= {Principal.WATCH}


def test_addresses_are_shown_without_login() -> None:
    assert credentials.without_login("redis://gate:secret@h:1/0") == "redis://h:1/0"
    assert credentials.without_login("redis://h:1/0") == "redis://h:1/0"
    for address in own_addresses(StackSettings()).values():
        assert credentials.without_login(address) == address


def test_redis_knows_digests_only_and_lets_nobody_in_without_a_password(place: StackContext) -> None:
    written = redis.users("vitrine:", partial(place.password, Store.REDIS))
    assert not [secret for secret in secrets_of(place) if secret in written]
    assert written.startswith("user default off resetpass ")
    lines = {line.split()[1]: line for line in written.splitlines()}
    assert lines.keys() == {"default", "admin", "gate", "airflow", "watch"}
    assert "nopass" not in written
    assert "+@all" not in lines["gate"] + lines["airflow"] + lines["watch"]


def test_of_redis_a_gate_gets_its_own_keys_and_no_dangerous_command() -> None:
    assert rights("my*[ ]prefix:", ["get"]) == ("~my????prefix:{gate}:*", "+get")
    dangerous = {
        "config",
        "flushall",
        "flushdb",
        "debug",
        "module",
        "shutdown",
        "keys",
        "acl",
        "save",
        "monitor",
    }
    for allowed in (CLAIMING, READING):
        assert not dangerous & {name.partition("|")[0] for name in allowed}
    assert not {"set", "del", "unlink", "eval", "pfadd", "hset", "bf.insert"} & set(READING)


def test_a_real_mongod_asks_for_a_login_and_the_embedded_server_cannot(
    place: StackContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "mongod", lambda: None)
    assert under(place, {}).environment["MONGO_URI"] == "mongodb://127.0.0.1:27117"
    monkeypatch.setattr(machine, "mongod", lambda: "/usr/bin/mongod")
    there = under(place, {})
    assert not there.external
    by_name = {service.name: service for service in declared.services(there)}
    for name, user in (("store", Principal.STORE), ("airflow-scheduler", Principal.AIRFLOW)):
        login = f"{user}:{place.password(Store.MONGODB, user)}"
        assert by_name[name].environment["MONGO_URI"] == f"mongodb://{login}@127.0.0.1:27117"
    connection = json.loads(by_name["airflow-scheduler"].environment["AIRFLOW_CONN_MONGO_DEFAULT"])
    own = place.password(Store.MONGODB, Principal.AIRFLOW)
    assert (connection["login"], connection["password"]) == ("airflow", own)
    assert by_name["mongodb"].once_healthy is not None


def test_in_a_container_that_can_keep_no_password_commands_go_on_without(
    place: StackContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(layout: object, store: object, principal: object) -> str:
        raise OSError("read-only file system")

    monkeypatch.setattr(passwords, "of", refuse)
    assert under(place, {}).environment["VITRINE_REDIS_URL"] == "redis://127.0.0.1:16379/0"
