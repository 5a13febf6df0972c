"""Attacks on the running stores: without a password, and with that of a service that was taken over."""

import json
import os
import re
import socket
import ssl
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AclBindingFilter, AdminClient  # type: ignore[attr-defined]
from elasticsearch import ApiError, Elasticsearch
from pydantic import SecretStr
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError
from waiting import HUNG_S, until

from stack import kafka_acls, passwords
from stack.context import this_checkout
from stack.credentials import without_login
from stack.kafka_rights import Right, rights
from stack.principals import Principal, Store
from streaming.contract import topics
from streaming.contract.topology import GATE
from streaming.gate.settings import GateSettings
from streaming.kafka import clients
from streaming.metrics import catalogue
from streaming.monitor.stores import RedisProbe
from streaming.settings import ElasticsearchSettings, KafkaSettings, RedisSettings, variables

PLACE = this_checkout()


def shown_by(principal: Principal) -> dict[str, str]:
    """The variables with the credentials that a service of `principal` has."""
    return PLACE.passed(principal, RedisSettings, KafkaSettings, ElasticsearchSettings)


def redis_as(principal: Principal) -> Any:
    return Redis.from_url(shown_by(principal)["VITRINE_REDIS_URL"], socket_timeout=HUNG_S)


def kafka_as(principal: Principal, **more: object) -> dict[str, Any]:
    given = shown_by(principal)
    login = json.loads(given["VITRINE_KAFKA_CLIENT_PROPERTIES"])
    address = {"bootstrap.servers": given["VITRINE_KAFKA_BOOTSTRAP_SERVERS"], "log_level": 0}
    return {**address, **login, **more}


def elasticsearch_as(principal: Principal) -> Elasticsearch:
    given = shown_by(principal)
    login = (given["VITRINE_ELASTICSEARCH_USERNAME"], given["VITRINE_ELASTICSEARCH_PASSWORD"])
    return Elasticsearch(
        given["VITRINE_ELASTICSEARCH_URL"], basic_auth=login, max_retries=0, request_timeout=HUNG_S
    )


def secrets_of(*principals: Principal) -> list[str]:
    """Their generated secrets, and their passwords for all stores."""
    generated = [passwords.generated(PLACE.layout, one) for one in principals]
    return generated + [passwords.derived(secret, store) for secret in generated for store in Store]


class TestRedis:
    def test_nobody_gets_in_without_a_password(self) -> None:
        with (
            Redis.from_url(without_login(PLACE.environment["VITRINE_REDIS_URL"])) as anyone,
            pytest.raises(AuthenticationError),
        ):
            anyone.info()

    @pytest.mark.parametrize("user", ["default", "admin", "gate"])
    def test_nor_with_a_guessed_one(self, user: str) -> None:
        url = without_login(PLACE.environment["VITRINE_REDIS_URL"])
        with (
            Redis.from_url(url, username=user, password="admin") as anyone,
            pytest.raises(AuthenticationError),
        ):
            anyone.ping()

    @pytest.mark.parametrize(
        "attack",
        [
            "CONFIG SET dir /tmp",
            "CONFIG GET *",
            "SWAPDB 14 15",
            "MODULE LIST",
            "ACL LIST",
            "KEYS *",
            "CLIENT LIST",
            "SLAVEOF 127.0.0.1 1",
            "SET foreign 1",
            "GET foreign",
            "EVAL return(redis.call('get','foreign')) 0",
            "PUBLISH channel 1",
        ],
    )
    def test_a_gate_reaches_neither_the_server_nor_foreign_keys(self, attack: str) -> None:
        refused = pytest.raises(ResponseError, match=r"no permission|can't access")
        with redis_as(Principal.GATE) as gate, refused:
            gate.execute_command(*attack.split(" "))

    @pytest.mark.parametrize("principal", [Principal.GATE, Principal.AIRFLOW, Principal.WATCH])
    def test_no_service_empties_it(self, principal: Principal) -> None:
        with redis_as(Principal.ADMIN) as admin:
            for command in ("FLUSHALL", "FLUSHDB"):
                answer = admin.execute_command("ACL", "DRYRUN", principal, command)
                assert b"no permissions" in answer

    @pytest.mark.parametrize("principal", [Principal.AIRFLOW, Principal.WATCH])
    def test_who_only_reads_writes_nothing(self, principal: Principal) -> None:
        key = PLACE.environment.get("VITRINE_REDIS_KEY_PREFIX", "vitrine:") + "{gate}:attack"
        with redis_as(principal) as reader:
            assert reader.get(key) is None
            for attack in (("SET", key, 1), ("PFADD", key, "u"), ("DEL", key), ("EVAL", "return 1", 0)):
                with pytest.raises(NoPermissionError):
                    reader.execute_command(*attack)

    def test_the_monitor_may_read_all_that_it_shows(self) -> None:
        redis = RedisSettings(url=SecretStr(shown_by(Principal.WATCH)["VITRINE_REDIS_URL"]))
        assert catalogue.REDIS_KEYS in {reading.metric for reading in RedisProbe(redis, GateSettings())()}


@pytest.fixture
def granted(kafka: KafkaSettings) -> Iterator[KafkaSettings]:
    """Topics of the test's own, on which the services have the rights that they have on the stack's."""
    clients.ensure_topics(kafka)
    kafka_acls.grant(kafka, rights(kafka.topic_prefix))
    yield kafka
    kafka_acls.take(kafka, rights(kafka.topic_prefix))


def sent(producer: Producer, topic: str) -> KafkaError | None:
    """Sends a record; returns the error that the broker answers, if any."""
    outcomes: list[KafkaError | None] = []
    producer.produce(topic, b"{}", on_delivery=lambda error, _: outcomes.append(error))
    producer.flush(HUNG_S)
    return outcomes[0]


def first(reader: Consumer, topic: str) -> Message:
    """The first message or error of the topic's first partition."""
    reader.assign([TopicPartition(topic, 0, 0)])
    found = reader.poll(HUNG_S)
    assert found is not None
    return found


class TestKafka:
    @pytest.mark.parametrize(
        ("login", "refusals"),
        [
            ({}, {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN}),
            (
                {
                    "security.protocol": "SASL_PLAINTEXT",
                    "sasl.mechanism": "PLAIN",
                    "sasl.username": "admin",
                    "sasl.password": "admin",
                },
                {KafkaError._AUTHENTICATION},
            ),
        ],
        ids=["no login", "a guessed password"],
    )
    def test_nobody_gets_in_without_the_password(self, login: dict[str, str], refusals: set[int]) -> None:
        def who_may_gets_in() -> bool:
            return bool(AdminClient(kafka_as(Principal.ADMIN)).list_topics(timeout=HUNG_S).brokers)

        told: list[KafkaError] = []
        known = {"bootstrap.servers": PLACE.environment["VITRINE_KAFKA_BOOTSTRAP_SERVERS"]}
        assert who_may_gets_in()
        settings: dict[str, Any] = {**known, **login, "log_level": 0, "error_cb": told.append}
        client = AdminClient(settings)

        def refused() -> bool:
            client.poll(0.1)
            return bool({error.code() for error in told} & refusals)

        until(refused, "the broker's refusal", lambda: str(told))
        with pytest.raises(KafkaException):
            client.list_topics(timeout=1)
        assert who_may_gets_in()

    def test_a_shop_sends_and_does_nothing_else(self, granted: KafkaSettings) -> None:
        producer = Producer(kafka_as(Principal.SHOP, **{"enable.idempotence": True}))
        assert sent(producer, clients.name(granted, topics.RAW)) is None
        refused = sent(producer, clients.name(granted, topics.VALID))
        assert refused is not None
        assert refused.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
        reader = Consumer(kafka_as(Principal.SHOP, **{"group.id": "shop"}))
        assert first(reader, clients.name(granted, topics.RAW)).error() is not None
        reader.close()
        assert topics.RAW in AdminClient(kafka_as(Principal.SHOP)).list_topics(timeout=HUNG_S).topics
        assert topics.VALID not in AdminClient(kafka_as(Principal.SHOP)).list_topics(timeout=HUNG_S).topics

    @pytest.mark.parametrize(
        ("principal", "topic"),
        [
            (Principal.GATE, topics.SESSION_SUMMARIES),
            (Principal.STORE, topics.RAW),
            (Principal.INDEX, topics.VALID),
            (Principal.FLINK, topics.RAW),
            (Principal.SHOP, topics.REJECTED),
        ],
    )
    def test_no_service_reads_foreign_topics(
        self, granted: KafkaSettings, principal: Principal, topic: str
    ) -> None:
        name = clients.name(granted, topic)
        assert sent(Producer(kafka_as(Principal.ADMIN)), name) is None
        group = clients.name(granted, "progress")
        reader = Consumer(kafka_as(principal, **{"group.id": group, "auto.offset.reset": "earliest"}))
        error = first(reader, name).error()
        reader.close()
        assert error is not None
        assert error.code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)

    @pytest.mark.parametrize(
        ("principal", "topic"),
        [
            (Principal.GATE, topics.RAW),
            (Principal.STORE, topics.VALID),
            (Principal.INDEX, topics.SESSION_SUMMARIES),
            (Principal.FLINK, topics.VALID),
            (Principal.AIRFLOW, topics.EXTRACTION_DUE),
            (Principal.WATCH, topics.RAW),
        ],
    )
    def test_no_service_writes_foreign_topics(
        self, granted: KafkaSettings, principal: Principal, topic: str
    ) -> None:
        error = sent(Producer(kafka_as(principal)), clients.name(granted, topic))
        assert error is not None
        assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED

    @pytest.mark.parametrize("principal", sorted(set(Principal) - {Principal.ADMIN, Principal.BROKER}))
    def test_no_service_administers_the_cluster(self, granted: KafkaSettings, principal: Principal) -> None:
        admin = AdminClient(kafka_as(principal))
        name = clients.name(granted, topics.RAW)
        with pytest.raises(KafkaException, match="AUTHORIZATION"):
            admin.delete_topics([name])[name].result(HUNG_S)
        # librdkafka answers a refused description with nothing.
        assert not admin.describe_acls(AclBindingFilter(*kafka_acls.EVERYTHING)).result(HUNG_S)
        own = KafkaSettings(
            topic_prefix=granted.topic_prefix, client_properties=SecretStr(json.dumps(kafka_as(principal)))
        )
        with pytest.raises(KafkaException, match="AUTHORIZATION"):
            kafka_acls.grant(own, [Right(principal, "topic", name, "read")])
        group = clients.name(granted, GATE.group)
        with pytest.raises(KafkaException, match=r"AUTHORIZATION|NOT_FOUND"):
            admin.delete_consumer_groups([group])[group].result(HUNG_S)

    def test_a_gates_transactions_are_nobody_elses(self, granted: KafkaSettings) -> None:
        name = clients.name(granted, "gate-0")
        mine = Producer(kafka_as(Principal.GATE, **{"transactional.id": name}))
        mine.init_transactions(HUNG_S)
        theirs = Producer(kafka_as(Principal.STORE, **{"transactional.id": name}))
        with pytest.raises(KafkaException, match="AUTHORIZATION"):
            theirs.init_transactions(HUNG_S)


def pong(connection: socket.socket) -> bool:
    """True if the transport answers to a node's ping."""
    ping = b"ES\xff\xff\xff\xff"
    try:
        connection.sendall(ping)
        return connection.recv(len(ping)) == ping
    except OSError:
        return False


class TestElasticsearch:
    @pytest.mark.parametrize(
        "path", ["/", "/_cluster/health", "/_cat/indices", "/_search", "/_security/user"]
    )
    def test_nobody_gets_in_without_a_password(self, path: str) -> None:
        anyone = Elasticsearch(PLACE.environment["VITRINE_ELASTICSEARCH_URL"], max_retries=0)
        for client in (anyone, anyone.options(basic_auth=("elastic", "changeme"))):
            with pytest.raises(ApiError) as refused:
                client.perform_request("GET", path, headers={"accept": "application/json"})
            assert refused.value.meta.status == 401

    def test_nobody_passes_for_a_node(self) -> None:
        """Elasticsearch believes a node's word about the user of a request."""
        unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
        port = PLACE.settings.port("elasticsearch_transport")
        with socket.create_connection(("127.0.0.1", port), HUNG_S) as plain:
            assert not pong(plain)
        with (
            socket.create_connection(("127.0.0.1", port), HUNG_S) as raw,
            unverified.wrap_socket(raw) as client,
        ):
            assert not pong(client)

    @pytest.mark.parametrize("principal", [Principal.INDEX, Principal.AIRFLOW, Principal.WATCH])
    def test_no_service_reads_or_writes_a_foreign_index(
        self, elasticsearch: ElasticsearchSettings, principal: Principal
    ) -> None:
        foreign = f"{elasticsearch.index_prefix}foreign"
        with elasticsearch_as(Principal.ADMIN) as admin:
            admin.indices.create(index=foreign)
            admin.index(index=foreign, document={"name": "Ann"})
        with elasticsearch_as(principal) as service:
            attacks: tuple[Callable[[], object], ...] = (
                lambda: service.search(index=foreign),
                lambda: service.index(index=foreign, document={}),
                lambda: service.indices.delete(index=foreign),
            )
            for attack in attacks:
                with pytest.raises(ApiError) as refused:
                    attack()
                assert refused.value.meta.status == 403

    def test_airflow_deletes_slices_and_writes_nothing(self) -> None:
        index = PLACE.environment.get("VITRINE_ELASTICSEARCH_INDEX_PREFIX", "") + topics.SESSION_SUMMARIES
        wanted = ["delete_index", "delete", "manage", "read", "index", "create_index"]
        asked = {"index": [{"names": [f"{index}-2026-11"], "privileges": wanted}]}
        with elasticsearch_as(Principal.AIRFLOW) as airflow:
            answer = airflow.security.has_privileges(**asked)  # type: ignore[arg-type]
        granted = {name for name, has in answer["index"][f"{index}-2026-11"].items() if has}
        assert granted == {"read", "delete_index"}

    @pytest.mark.parametrize("principal", [Principal.AIRFLOW, Principal.WATCH])
    def test_who_only_reads_writes_nothing(self, principal: Principal) -> None:
        index = PLACE.environment.get("VITRINE_ELASTICSEARCH_INDEX_PREFIX", "") + topics.SESSION_SUMMARIES
        with elasticsearch_as(principal) as reader:
            assert reader.count(index=index, ignore_unavailable=True)["count"] >= 0
            attacks: tuple[Callable[[], object], ...] = (
                lambda: reader.create(index=index, id=f"attack-{uuid.uuid4()}", document={}),
                lambda: reader.delete(index=index, id="attack"),
                lambda: reader.indices.put_index_template(name="attack", index_patterns=["attack"]),
                lambda: reader.indices.delete_index_template(name="attack"),
            )
            for attack in attacks:
                with pytest.raises(ApiError) as refused:
                    attack()
                assert refused.value.meta.status == 403

    def test_the_index_stage_deletes_documents_and_no_slice(self) -> None:
        index = PLACE.environment.get("VITRINE_ELASTICSEARCH_INDEX_PREFIX", "") + topics.SESSION_SUMMARIES
        wanted = ["delete_index", "delete", "manage", "read", "index", "create_index"]
        a_slice = f"{index}-2026-11"
        asked = {
            "index": [{"names": [index, a_slice], "privileges": wanted}],
            "cluster": ["manage_security", "manage"],
        }
        with elasticsearch_as(Principal.INDEX) as stage:
            answer = stage.security.has_privileges(**asked)  # type: ignore[arg-type]
        for name in (index, a_slice):
            granted = {privilege for privilege, has in answer["index"][name].items() if has}
            assert granted == {"read", "index", "delete", "create_index"}
        assert not any(answer["cluster"].values())


def test_no_password_is_on_a_command_line_or_in_a_log() -> None:
    known = [secret.encode() for secret in secrets_of(*Principal)]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes()
        except OSError:
            continue  # it has ended
        assert not any(secret in line for secret in known), f"process {process.name}"
    for folder, _, files in os.walk(PLACE.layout.logs):
        for name in files:
            try:
                content = Path(folder, name).read_bytes()
            except FileNotFoundError:
                continue  # it was rotated away; its content is in the next one
            assert not any(secret in content for secret in known), Path(folder, name)


def test_each_service_has_its_own_credentials_only() -> None:
    assert set(variables(RedisSettings)) - shown_by(Principal.GATE).keys() <= {"VITRINE_REDIS_KEY_PREFIX"}
    for principal in set(Principal) - {Principal.ADMIN, Principal.BROKER}:
        text = str(shown_by(principal))
        assert not [secret for secret in secrets_of(*set(Principal) - {principal}) if secret in text]


def test_whoever_takes_the_broker_over_gets_in_to_no_other_store() -> None:
    """Kafka's settings hold its users' passwords, of the admin too."""
    known = (PLACE.layout.run / "kafka.properties").read_text()
    found = dict(re.findall(r'user_(\w+)="([^"]+)"', known))
    assert Principal.ADMIN in found
    redis_url = without_login(PLACE.environment["VITRINE_REDIS_URL"])
    anyone = Elasticsearch(PLACE.environment["VITRINE_ELASTICSEARCH_URL"], max_retries=0)
    for user, password in found.items():
        with (
            Redis.from_url(redis_url, username=user, password=password) as attacker,
            pytest.raises(AuthenticationError),
        ):
            attacker.ping()
        with pytest.raises(ApiError) as refused:
            anyone.options(basic_auth=(user, password)).info()
        assert refused.value.meta.status == 401
