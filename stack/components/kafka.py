"""Kafka: one KRaft broker that is also the controller, from the jars of the release."""

import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from pathlib import Path

from pydantic import SecretStr

from stack import accounts, certificates, kafka_acls, unprivileged
from stack.credentials import KAFKA_LOGIN_MODULE, USERS, jaas
from stack.health import KafkaHealth
from stack.kafka_rights import rights
from stack.principals import Principal, Store
from stack.service import Service, StackContext, StackError
from stack.settings import ADDRESS_VARIABLE
from streaming.kafka.clients import ensure_topics
from streaming.settings import KafkaSettings

BY_HAND = (Principal.ADMIN, Principal.SHOP)
"""Users for whom there is a file to use Kafka's own commands with."""


def server_properties(place: StackContext) -> str:
    """Returns the broker's settings. With one node, every internal topic has one replica. They contain the
    passwords of Kafka's users, which are valid for Kafka alone."""
    client, controller = place.settings.port("kafka"), place.settings.port("kafka_controller")
    pairs = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
        "listeners": f"CLIENT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"CLIENT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENT",
        "listener.security.protocol.map": "CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.client.plain.sasl.jaas.config": _users(place, USERS[Store.KAFKA]),
        "listener.name.controller.plain.sasl.jaas.config": _users(place, ()),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{Principal.ADMIN};User:{Principal.BROKER}",
        "allow.everyone.if.no.acl.found": "false",
        "log.dirs": place.layout.stores / "kafka",
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 8,
        # Keeps offsets for 90 days, so that a stage that was stopped for weeks continues where it was.
        "offsets.retention.minutes": 60 * 24 * 90,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 8,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # Longer than Flink's checkpoint interval and the longest outage that its transactions must survive.
        "transaction.max.timeout.ms": 60 * 60 * 1000,
        "group.initial.rebalance.delay.ms": 0,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
    }
    return "".join(f"{name}={value}\n" for name, value in pairs.items())


def _users(place: StackContext, others: Iterable[Principal]) -> str:
    """Returns the users that a listener lets in: the broker, which also logs in to itself as such, and
    `others`."""
    known = {one: place.password(Store.KAFKA, one) for one in (Principal.BROKER, *sorted(others))}
    own = known[Principal.BROKER]
    listed = " ".join(f'user_{name}="{password}"' for name, password in known.items())
    return f'{KAFKA_LOGIN_MODULE} required username="{Principal.BROKER}" password="{own}" {listed};'


def client_properties(place: StackContext, user: Principal) -> str:
    """Returns the settings with which Kafka's own commands log in as `user`."""
    login = jaas(KAFKA_LOGIN_MODULE, user, place.password(Store.KAFKA, user))
    return f"security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config={login}\n"


def client_file(place: StackContext, user: Principal) -> Path:
    """Returns the file with these settings, for `--command-config`."""
    return place.layout.run / f"kafka-{user}.properties"


def _java(place: StackContext, heap_mib: int) -> tuple[str, ...]:
    java = f"{place.java_home}/bin/java"
    quiet = "-Dorg.slf4j.simpleLogger.showDateTime=true"
    dated = "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ"
    heap = (f"-Xmx{heap_mib}m", f"-Xms{min(heap_mib, 256)}m")
    return (java, *heap, "-XX:+UseG1GC", quiet, dated, "-cp", f"{place.layout.jars}/kafka/*")


def _prepare(place: StackContext) -> None:
    settings_file = place.layout.run / "kafka.properties"
    certificates.write(settings_file, server_properties(place).encode())
    for user in BY_HAND:
        certificates.write(client_file(place, user), client_properties(place, user).encode())
    if (place.layout.stores / "kafka" / "meta.properties").exists():
        return
    cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # Not as root: it writes in a folder of the account.
    (place.layout.stores / "kafka").mkdir(parents=True, exist_ok=True)
    unprivileged.take(place, accounts.KAFKA, place.layout.stores / "kafka")
    unprivileged.lend(place, settings_file, accounts.KAFKA)
    command = (*_java(place, 128), "kafka.tools.StorageTool", "format", "--standalone")
    named = f"--cluster-id={cluster_id}"  # one argument, because an id may begin with a dash
    formatted = unprivileged.run(place, accounts.KAFKA, (*command, named, "-c", str(settings_file)), {})
    if formatted.returncode:
        raise StackError(
            f"Kafka's storage could not be formatted:\n{(formatted.stdout + formatted.stderr)[-2000:]}"
        )


def _set_up(place: StackContext) -> None:
    """Makes the topics. If the broker is ours, gives its users their rights."""
    given = place.environment
    settings = KafkaSettings(
        bootstrap_servers=given[ADDRESS_VARIABLE["kafka"]],
        client_properties=SecretStr(given.get("VITRINE_KAFKA_CLIENT_PROPERTIES", "{}")),
        topic_prefix=given.get("VITRINE_KAFKA_TOPIC_PREFIX", ""),
    )
    ensure_topics(settings)
    if "kafka" not in place.external:
        kafka_acls.put(settings, rights(settings.topic_prefix))


def services(place: StackContext) -> tuple[Service, ...]:
    """Returns Kafka, one broker."""
    address = place.environment[ADDRESS_VARIABLE["kafka"]]
    client_properties = place.environment.get("VITRINE_KAFKA_CLIENT_PROPERTIES", "{}")
    return (
        Service(
            name="kafka",
            command=(
                *_java(place, place.settings.kafka_heap_mib),
                "kafka.Kafka",
                str(place.layout.run / "kafka.properties"),
            ),
            configuration=server_properties(place),
            health=KafkaHealth(address, client_properties),
            ports=(place.settings.port("kafka"), place.settings.port("kafka_controller")),
            address=address,
            memory_mib=place.settings.kafka_heap_mib + 200,
            stop_timeout_s=40,
            prepare=lambda: _prepare(place),
            once_healthy=lambda: _set_up(place),
            external="kafka" in place.external,
            account=accounts.KAFKA,
            writes=(place.layout.stores / "kafka",),
            reads=(place.layout.run / "kafka.properties",),
        ),
    )
