"""The settings of docker/ in the native servers of Kafka and Redis: no container engine is needed to see who
gets in. Paths, names and ports are changed, and nothing else."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import ModuleType

import pytest
import redis
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from waiting import HUNG_S, free_port, until

from stack.components import redis as native_redis
from stack.layout import HERE
from streaming.contract import topics
from streaming.dedup.redis.store import RedisDedupStore
from streaming.gate.settings import GateSettings
from streaming.kafka import clients
from streaming.settings import KafkaSettings, RedisSettings

DOCKER = HERE.root / "docker"


def tool(name: str) -> ModuleType:
    """Loads a program of docker/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, DOCKER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Place:
    """A folder in which the containers' paths are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {"kafka": free_port(), "controller": free_port(), "redis": free_port()}

    def here(self, text: str) -> str:
        """Returns settings of a container as settings of this machine."""
        for there in ("/run/secrets", "/certificates", "/var/lib/kafka/data"):
            text = text.replace(there, str(self.folder / there.rpartition("/")[2]))
        text = text.replace("@kafka:", "@localhost:").replace("//kafka:", "//localhost:")
        for number, name in (("9092", "kafka"), ("9093", "controller"), ("6379", "redis")):
            text = re.sub(rf"\b{number}\b", str(self.ports[name]), text)
        return text.replace("@redis:", "@localhost:").replace("dir /data", f"dir {self.folder}")

    def secret(self, name: str) -> str:
        """Returns the content of a secret."""
        return (self.folder / "secrets" / name).read_text()

    def settings(self, container: str) -> Path:
        """Writes a file of docker/ as one of this machine."""
        file = self.folder / Path(container).name
        file.write_text(self.here((DOCKER / container).read_text()))
        return file


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Secrets and certificates as the containers get them, and the two servers."""
    found = Place(tmp_path_factory.mktemp("containers"))
    (found.folder / "secrets").mkdir()
    (found.folder / "certificates").mkdir()
    for name, content in tool("make_secrets").every().items():
        (found.folder / "secrets" / name).write_text(found.here(content))
    makes_certificates = tool("certificates")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "chown", lambda *_: None)
        makes_certificates.main(found.folder / "certificates")
    with ExitStack() as running:
        running.enter_context(kafka(found))
        running.enter_context(server(redis_command(found), found.folder / "redis.log"))
        until(lambda: answers(found), "a broker that answers")
        yield found


@contextmanager
def server(command: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, cwd=log.parent) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(HUNG_S)


def kafka(place: Place) -> AbstractContextManager[None]:
    settings = str(place.settings("kafka/server.properties"))
    java = ["java", "-Xmx384m", "-cp", f"{HERE.jars}/kafka/*"]
    identity = "dml0cmluZS1jb21wb3NlMQ"
    assert identity in (DOCKER / "compose.yaml").read_text()
    format_it = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", identity, "-c", settings]
    subprocess.run([*java, *format_it], check=True, capture_output=True)
    return server([*java, "kafka.Kafka", settings], place.folder / "kafka.log")


def redis_command(place: Place) -> list[str]:
    module = place.folder / "redisbloom.so"
    module.write_bytes((HERE.environment("main") / native_redis.MODULE).read_bytes())
    module.chmod(0o700)
    return ["redis-server", str(place.settings("redis/redis.conf")), "--loadmodule", str(module)]


def of_kafka(place: Place, name: str) -> KafkaSettings:
    """Returns the settings with which `name` logs in to Kafka."""
    return KafkaSettings.model_validate(
        {
            "bootstrap_servers": f"localhost:{place.ports['kafka']}",
            "client_properties": place.secret(f"{name}_kafka"),
        }
    )


def of_redis(place: Place, name: str) -> RedisSettings:
    """Returns the settings with which `name` logs in to Redis."""
    return RedisSettings.model_validate({"url": place.secret(f"{name}_redis")})


def answers(place: Place) -> bool:
    try:
        clients.require(of_kafka(place, "setup"))
    except KafkaException:
        return False
    return True


@pytest.fixture(scope="module")
def rights(place: Place) -> None:
    """What the service `topics` does."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("VITRINE_KAFKA_BOOTSTRAP_SERVERS", f"localhost:{place.ports['kafka']}")
        patched.setenv("VITRINE_KAFKA_CLIENT_PROPERTIES", place.secret("setup_kafka"))
        tool("kafka_setup").main()
    # The broker hears of rights a moment after the controller has written them all at once.
    until(lambda: written(of_kafka(place, "operator"), topics.RAW) is None, "a broker that knows the rights")


def written(settings: KafkaSettings, topic: str) -> KafkaError | None:
    """Returns why a message could not be written, if so."""
    refused: list[KafkaError | None] = []
    producer = Producer(clients.properties(settings) | {"message.timeout.ms": 20_000, "log_level": 0})
    producer.produce(topic, b"{}", on_delivery=lambda error, _: refused.append(error))
    producer.flush(HUNG_S)
    return refused[0]


def read(settings: KafkaSettings, topic: str) -> KafkaError | None:
    """Returns why the first message of `topic` cannot be read; None if there is one, or there could be."""
    properties = clients.properties(settings) | {"group.id": "read-all", "enable.partition.eof": True}
    client = Consumer(properties | {"log_level": 0})
    try:
        client.assign([TopicPartition(topic, 0, 0)])
        message = client.poll(HUNG_S)
        error = message.error() if message else None
        return None if error is None or error.code() == KafkaError._PARTITION_EOF else error
    finally:
        client.close()


def test_kafka_lets_nobody_in_without_a_login_or_in_the_clear(place: Place) -> None:
    own = json.loads(place.secret("gate_kafka"))
    address = {"bootstrap_servers": f"localhost:{place.ports['kafka']}"}
    for properties in (
        {},
        {"security.protocol": "SSL", "ssl.ca.location": own["ssl.ca.location"]},
        own | {"sasl.password": "guessed"},
        own | {"security.protocol": "SASL_PLAINTEXT"},
    ):
        settings = KafkaSettings.model_validate(address | {"client_properties": json.dumps(properties)})
        with pytest.raises(KafkaException):
            clients.require(settings, timeout_s=3)


def test_a_stage_writes_and_reads_its_own_topics_only(place: Place, rights: None) -> None:
    assert written(of_kafka(place, "operator"), topics.RAW) is None
    assert read(of_kafka(place, "gate"), topics.RAW) is None
    assert read(of_kafka(place, "watch"), topics.RAW) is None, "it says how old the first unread record is"
    for name, topic in (
        ("gate", topics.RAW),
        ("store", topics.VALID),
        ("index", topics.SESSION_SUMMARIES),
        ("watch", topics.RAW),
        ("operator", topics.VALID),
        ("airflow", topics.RAW),
    ):
        error = written(of_kafka(place, name), topic)
        assert error is not None
        assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED, (name, topic)
    for name, topic in (
        ("store", topics.RAW),
        ("index", topics.VALID),
        ("index", topics.REJECTED),
    ):
        error = read(of_kafka(place, name), topic)
        assert error is not None
        assert error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED, (name, topic)


def test_a_stage_finds_its_topics_made_without_the_right_to_make_them(place: Place, rights: None) -> None:
    clients.ensure_topics(of_kafka(place, "index"))


def test_redis_lets_nobody_in_without_a_login_or_in_the_clear(place: Place) -> None:
    trusted = str(place.folder / "certificates" / "trusted" / "redis.pem")
    port = place.ports["redis"]
    with redis.Redis.from_url(place.secret("gate_redis"), socket_timeout=HUNG_S) as who_may:
        assert who_may.ping()
    for address, refusal in (
        (f"redis://localhost:{port}/0", redis.ConnectionError),
        (f"rediss://localhost:{port}/0?ssl_ca_certs={trusted}", redis.AuthenticationError),
        (f"rediss://gate:guessed@localhost:{port}/0?ssl_ca_certs={trusted}", redis.AuthenticationError),
        # The certificate is no authority's.
        (place.secret("gate_redis").partition("?")[0], redis.ConnectionError),
    ):
        with (
            redis.Redis.from_url(address, socket_timeout=HUNG_S) as client,
            pytest.raises(refusal) as refused,  # a time-out is none
        ):
            client.ping()
        by_login = isinstance(refused.value, redis.AuthenticationError)  # which is a ConnectionError, too
        assert by_login is (refusal is redis.AuthenticationError), address


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gate", "CONFIG GET *"),
        ("gate", "FLUSHALL"),
        ("gate", "KEYS *"),
        ("gate", "SET elsewhere 1"),
        ("gate", "RESTORE vitrine:{gate}:x 0 x"),
        ("watch", "SET vitrine:{gate}:x 1"),
        ("watch", "EVAL return 0"),
        ("airflow", "PFADD vitrine:{gate}:users:all x"),
        ("operator", "DEL vitrine:{gate}:users:all"),
        ("operator", "HGETALL vitrine:{gate}:current"),
    ],
)
def test_a_user_of_redis_may_do_no_more_than_it_needs(place: Place, name: str, words: str) -> None:
    with (
        redis.Redis.from_url(of_redis(place, name).url.get_secret_value()) as client,
        pytest.raises(redis.exceptions.NoPermissionError),
    ):
        client.execute_command(*words.split())


def test_the_monitor_reads_redis(place: Place) -> None:
    store = RedisDedupStore(of_redis(place, "watch"), GateSettings())
    assert store.distinct_users() == 0
    assert store.filter_fill() == []


def test_the_gate_works_with_its_own_rights(place: Place, rights: None, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "vitrine_kafka_client_properties").write_text(place.secret("gate_kafka"))
    (secrets / "vitrine_redis_url").write_text(place.secret("gate_redis"))
    (secrets / "vitrine_pseudonym_key").write_text(place.secret("pseudonym_key"))
    shared = {
        "VITRINE_KAFKA_BOOTSTRAP_SERVERS": f"localhost:{place.ports['kafka']}",
        "PATH": os.environ["PATH"],
    }
    operator = tmp_path / "operator"
    operator.mkdir()
    (operator / "vitrine_kafka_client_properties").write_text(place.secret("operator_kafka"))
    subprocess.run(
        [sys.executable, "-m", "stack", "simulate", "--sessions", "50"],
        check=True, cwd=HERE.root, env=shared | {"VITRINE_SECRETS_DIR": str(operator)},
    )  # fmt: skip
    log = tmp_path / "gate.log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [sys.executable, "-m", "streaming.gate"],
            stdout=out,
            stderr=out,
            cwd=HERE.root,
            env=shared | {"VITRINE_SECRETS_DIR": str(secrets)},
        ) as gate,  # fmt: skip
    ):
        try:
            until(lambda: counted(place) > 20, "valid sessions", log.read_text)
        finally:
            gate.terminate()
    assert RedisDedupStore(of_redis(place, "watch"), GateSettings()).distinct_users() > 0


def counted(place: Place) -> int:
    """Returns how many records the valid topic has, as the store sees them."""
    client = clients.consumer(of_kafka(place, "store"), "store")
    try:
        partitions = client.list_topics(topics.VALID).topics[topics.VALID].partitions
        ends = (client.get_watermark_offsets(TopicPartition(topics.VALID, one))[1] for one in partitions)
        return int(sum(ends))
    finally:
        client.close()
