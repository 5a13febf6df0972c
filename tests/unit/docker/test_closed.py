"""What keeps a service of the compose file from what it does not need, as far as the file says it."""

import importlib.util
import json
import re
import stat
import subprocess
import sys
from base64 import b64decode
from hashlib import pbkdf2_hmac, sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from stack import elasticsearch_users, kafka_rights
from stack.components import redis as native_redis
from streaming.contract import topics
from streaming.settings import RedisSettings

ROOT = Path(__file__).parents[3]
DOCKER = ROOT / "docker"
TEXT = (DOCKER / "compose.yaml").read_text()
PROJECT: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = PROJECT["services"]
every_service = pytest.mark.parametrize("name", SERVICES)

NEEDS = {
    "certificates": set[str](),
    "flink-settings": set(),
    "kafka": {"kafka"},
    "redis": {"redis"},
    "mongodb": {"mongodb"},
    "elasticsearch": {"elasticsearch"},
    "postgres": {"airflow"},
    "topics": {"kafka"},
    "gate": {"kafka", "redis", "metrics"},
    "store": {"kafka", "mongodb", "metrics"},
    "index": {"kafka", "elasticsearch", "metrics"},
    "operator": {"kafka", "redis", "mongodb", "elasticsearch"},
    "watch": {"kafka", "redis", "elasticsearch", "flink", "metrics"},
    "prometheus": {"metrics"},
    "flink-jobmanager": {"flink", "kafka"},
    "flink-taskmanager": {"flink", "kafka"},
    "flink-job": {"flink", "kafka"},
    "kibana": {"elasticsearch", "kibana", "kibana-door"},
    "kibana-dashboards": {"kibana"},
    "airflow-init": {"airflow"},
    "airflow-api-server": {"airflow", "elasticsearch", "mongodb", "metrics", "airflow-door"},
    "airflow-scheduler": {"airflow", "elasticsearch", "mongodb", "kafka", "redis"},
    "airflow-dag-processor": {"airflow"},
    "airflow-triggerer": {"airflow", "kafka"},
}
"""The networks of each service: what it connects to, or is asked in."""
WITHOUT_DIGEST = {"docker.elastic.co/kibana/kibana:8.19.21", "apache/airflow:3.3.2-python3.11"}
"""Images whose digest could not be had where Vitrine is made; docker/README.md says so, and how to add it."""
STORES = {"kafka", "redis", "mongodb", "elasticsearch"}


def tool(name: str) -> ModuleType:
    """Loads a program of docker/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, DOCKER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PRINCIPALS = tool("principals")
PIN = tool("pin_images")


def secrets_of(service: dict[str, Any]) -> set[str]:
    """The names of the files that are mounted into a service."""
    return {one if isinstance(one, str) else one["source"] for one in service.get("secrets", [])}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of secrets as the generator makes it, by a Python without packages."""
    folder = tmp_path_factory.mktemp("docker") / "secrets"
    subprocess.run([sys.executable, "-I", str(DOCKER / "make_secrets.py"), str(folder)], check=True)
    return folder


@every_service
def test_a_service_can_change_nothing_but_its_volumes_and_gains_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "devices", "pid", "ipc", "userns_mode", "group_add"} & service.keys()
    assert "docker.sock" not in str(service.get("volumes"))


@every_service
def test_only_the_maker_of_keys_is_root_and_it_has_no_network(name: str) -> None:
    user = SERVICES[name]["user"]
    assert re.fullmatch(r"\d+:\d+", user)
    assert (user.startswith("0:")) == (name == "certificates")
    assert SERVICES[name].get("cap_add", []) == (["CHOWN", "DAC_OVERRIDE"] if name == "certificates" else [])


@every_service
def test_a_service_has_limits(name: str) -> None:
    assert re.fullmatch(r"\d+[mg]", SERVICES[name]["mem_limit"])
    assert SERVICES[name]["cpus"] <= 2
    assert SERVICES[name]["pids_limit"] <= 1024


@every_service
def test_a_service_is_in_no_network_that_it_does_not_need(name: str) -> None:
    networks = SERVICES[name].get("networks", [])
    assert set(networks) == NEEDS[name]
    if not networks:
        assert SERVICES[name]["network_mode"] == "none", "or it is in the default network"


def test_no_network_leads_out_and_only_two_pages_are_published() -> None:
    doors = {"airflow-door": {"airflow-api-server"}, "kibana-door": {"kibana"}}
    for network, how in PROJECT["networks"].items():
        members = {name for name, service in SERVICES.items() if network in service.get("networks", [])}
        if network in doors:
            assert members == doors[network]
            assert how["driver_opts"] == {"com.docker.network.bridge.enable_ip_masquerade": "false"}
        else:
            assert how == {"internal": True}
    published = {port for service in SERVICES.values() for port in service.get("ports", [])}
    assert published == {"127.0.0.1:18080:8080", "127.0.0.1:15601:5601"}


def test_every_image_has_a_digest_or_is_named_as_one_without() -> None:
    found = PIN.images(TEXT) | PIN.images((DOCKER / "Dockerfile").read_text())
    pulled = {image for image in found if image not in {"base", "installed"}}
    assert {image for image in pulled if found[image] is None} == WITHOUT_DIGEST
    told = (DOCKER / "README.md").read_text()
    for image in pulled:
        name, _, version = image.rpartition(":")
        assert re.search(r"\d+\.\d+", version), "a whole version"
        row = next(line for line in told.splitlines() if line.startswith(f"| `{name.rpartition('/')[2]}"))
        assert version in row
        assert (found[image] or "none found").removeprefix("sha256:")[:12] in row


def test_digests_are_added_to_the_images_without_one_and_to_no_other(tmp_path: Path) -> None:
    digest, folder = f"sha256:{'ab' * 32}", tmp_path / "docker"
    folder.mkdir()
    for name in PIN.FILES:
        (folder / name).write_text((DOCKER / name).read_text())
    stub = tmp_path / "docker-stub" / "docker"
    stub.parent.mkdir()
    stub.write_text(f"#!/bin/sh\necho {digest}\n")
    stub.chmod(0o755)
    subprocess.run(
        [sys.executable, "-I", str(DOCKER / "pin_images.py"), str(folder)],
        check=True,
        capture_output=True,
        env={"PATH": f"{stub.parent}:/usr/bin:/bin"},
    )
    for name in PIN.FILES:
        before, after = ((one / name).read_text() for one in (DOCKER, folder))
        assert after == before.replace("kibana:8.19.21", f"kibana:8.19.21@{digest}").replace(
            "airflow:3.3.2-python3.11", f"airflow:3.3.2-python3.11@{digest}"
        )


def test_a_registry_that_does_not_answer_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM apache/airflow:3.3.2\n")
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    stub = tmp_path / "bin" / "docker"
    stub.parent.mkdir()
    stub.write_text("#!/bin/sh\necho 'no such host' >&2; exit 1\n")
    stub.chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(DOCKER / "pin_images.py"), str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": f"{stub.parent}:/usr/bin:/bin"},
    )
    assert done.returncode == 1
    assert "no such host" in done.stderr
    assert (tmp_path / "Dockerfile").read_text() == "FROM apache/airflow:3.3.2\n"


def test_nothing_is_read_from_a_variable_of_the_starting_shell() -> None:
    assert not re.search(r"(?<!\$)\$(\{|\w)", TEXT), "compose would fill it in: a secret, or empty"
    assert not any("env_file" in service for service in SERVICES.values())


@every_service
def test_no_variable_holds_a_secret(name: str, made: Path) -> None:
    for key, value in SERVICES[name].get("environment", {}).items():
        if re.search(r"password|secret|_key|token|_conn\b|uri$|redis_url", key, re.IGNORECASE):
            allowed = key.endswith(("_FILE", "_DIR", "_CMD")) or key.startswith("AIRFLOW__SECRETS__")
            assert allowed or "passwords.json" in value, key
        if key.endswith("_CMD"):
            assert re.fullmatch(r"cat /run/secrets/(\w+)", value)
            assert value.rpartition("/")[2] in secrets_of(SERVICES[name])


def test_every_secret_is_made_and_every_one_that_is_made_is_used(made: Path) -> None:
    declared = {name: how["file"] for name, how in PROJECT["secrets"].items()}
    assert declared == {name: f"./secrets/{name}" for name in declared}
    of_a_person = {"analyst_elasticsearch"}
    assert {file.name for file in made.iterdir()} == declared.keys() | of_a_person
    assert set().union(*map(secrets_of, SERVICES.values())) == declared.keys()


@every_service
def test_a_secret_of_one_user_is_shown_to_its_services_alone(name: str) -> None:
    users = {*PRINCIPALS.KAFKA, *PRINCIPALS.REDIS, *PRINCIPALS.MONGODB, *PRINCIPALS.ELASTICSEARCH}
    whose = {"topics": "setup", "kibana-dashboards": "importer"}
    for secret in secrets_of(SERVICES[name]):
        user, _, store = secret.partition("_")
        if user in users and store in STORES:
            mine = whose.get(name, name.partition("-")[0])
            assert user == mine or (user == "health" and name == store)
        elif user in {*STORES, "postgres"}:
            assert user == name or (user == "kibana" and name == "kibana")


@every_service
def test_a_service_sees_only_its_own_key(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        if isinstance(volume, str) and volume.split(":")[0].endswith("-key") and name != "certificates":
            assert volume == f"{name}-key:/certificates/{name}:ro"


def test_the_owners_of_keys_are_the_users_that_the_stores_run_as() -> None:
    written = (DOCKER / "certificates.py").read_text()
    [owners] = re.findall(r"^OWNERS = (\{.*\})$", written, re.M)
    for store, uid in yaml.safe_load(owners).items():
        assert SERVICES[store]["user"].startswith(f"{uid}:")


def test_the_generator_makes_secrets_afresh_and_lets_only_their_owner_into_the_folder(
    made: Path, tmp_path: Path
) -> None:
    other = tmp_path / "secrets"
    subprocess.run(
        [sys.executable, "-I", str(DOCKER / "make_secrets.py"), str(other)], check=True, umask=0o077
    )
    for folder in (made, other):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o444}
    for file in made.iterdir():
        assert file.read_text() != (other / file.name).read_text(), file.name


def test_the_generator_leaves_a_folder_that_is_there(made: Path) -> None:
    before = {file.name: file.read_text() for file in made.iterdir()}
    again = subprocess.run(
        [sys.executable, str(DOCKER / "make_secrets.py"), str(made)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 1
    assert "left as it is" in again.stderr
    assert {file.name: file.read_text() for file in made.iterdir()} == before


def test_each_user_has_a_password_of_its_own(made: Path) -> None:
    words = [
        word for file in made.iterdir() for word in set(re.findall(r"\b[0-9a-f]{48}\b", file.read_text()))
    ]
    for name in PRINCIPALS.KAFKA:
        [word] = re.findall(rf'user_{name}="(\w+)"', (made / "kafka_users").read_text())
        holders = {file.name for file in made.iterdir() if word in file.read_text()}
        own = {"airflow_connections"} if name == "airflow" else set()
        assert holders <= {"kafka_users", f"{name}_kafka", *own}
    assert len(set(words)) > 25


def test_redis_knows_hashes_only_and_lets_nobody_in_without_a_name(made: Path) -> None:
    lines = (made / "redis_users").read_text().splitlines()
    assert lines[0] == "user default off resetpass ~* &* +@all", "Redis replays its file with these rights"
    by_user = {line.split()[1]: line for line in lines[1:]}
    assert by_user.keys() == set(PRINCIPALS.REDIS)
    word = re.findall(r"gate:(\w+)@", (made / "gate_redis").read_text())[0]
    assert f"#{sha256(word.encode()).hexdigest()}" in by_user["gate"]
    for line in by_user.values():
        assert not re.search(r"nopass|\+@|~\*|&", line)
    native = native_redis.users(RedisSettings().key_prefix, lambda name: name)
    rules_of = {line.split()[1]: line.split()[4:] for line in native.splitlines()}
    assert rules_of["default"] == lines[0].split()[4:]
    assert rules_of["watch"] == [*by_user["watch"].split()[4:], "+module|list"], "its health check is another"
    for name in ("gate", "airflow"):
        assert by_user[name].split()[4:] == rules_of[name]


def test_elasticsearchs_users_have_hashes_and_no_superuser_is_among_them(made: Path) -> None:
    users = dict(line.split(":", 1) for line in (made / "elasticsearch_users").read_text().splitlines())
    assert users.keys() == set(PRINCIPALS.ELASTICSEARCH)
    rounds, salt, digest = users["index"].removeprefix("{PBKDF2}").split("$")
    word = (made / "index_elasticsearch").read_text()
    assert pbkdf2_hmac("sha512", word.encode(), b64decode(salt), int(rounds), 32) == b64decode(digest)
    granted = dict(
        line.split(":") for line in (DOCKER / "elasticsearch" / "users_roles").read_text().splitlines()
    )
    roles = yaml.safe_load((DOCKER / "elasticsearch" / "roles.yml").read_text())
    assert granted.keys() == roles.keys() | {"kibana_system", "kibana_admin"}
    assert {user for names in granted.values() for user in names.split(",")} == users.keys()
    native = elasticsearch_users.roles("")
    for role, user in (("index", "index"), ("airflow", "airflow"), ("watch", "watch")):
        assert user in granted[f"vitrine_{role}"].split(",")
        assert roles[f"vitrine_{role}"] == native[user]


def test_mongodbs_users_are_those_with_a_password(made: Path) -> None:
    script = (DOCKER / "mongodb" / "users.js").read_text()
    assert set(json.loads((made / "mongodb_users").read_text())) == set(PRINCIPALS.MONGODB)
    assert set(re.findall(r"^  (\w+): \{", script, re.M)) == set(PRINCIPALS.MONGODB)
    assert not re.search(r"root|dbOwner|readWrite|AnyDatabase", script)


def test_kafkas_rights_are_the_native_stacks() -> None:
    rules = tool("kafka_setup").rules()
    declared = kafka_rights.rights("")
    users = set(PRINCIPALS.KAFKA) - {"setup", "broker", "health"}
    assert {right.principal for right in rules} == users
    assert {right for right in rules if right.principal != "operator"} == {
        right for right in declared if right.principal in users
    }, "nobody whom both have may do more or less here"


def test_the_operator_sends_raw_sessions_and_changes_nothing_else() -> None:
    mine = {right for right in tool("kafka_setup").rules() if right.principal == "operator"}
    assert {right[1:4] for right in mine if right.operation == "write"} == {("topic", topics.RAW, "write")}
    assert not [right for right in mine if right.resource == "group" and right.operation == "read"]
    read = {right.name for right in mine if (right.resource, right.operation) == ("topic", "read")}
    assert {topics.RAW, topics.VALID, topics.REJECTED} <= read
    assert ("group", "ingest", "describe") in {right[1:4] for right in mine}


def test_persons_messages_are_read_by_those_who_need_them_alone() -> None:
    personal = {topics.RAW, topics.VALID, topics.REJECTED}
    readers = {
        right.principal
        for right in tool("kafka_setup").rules()
        if right.resource == "topic" and right.operation == "read" and right.name in personal
    }
    # The watch reads the first record that a stage has not: when it was appended is the lag in seconds.
    assert readers == {"gate", "store", "flink", "airflow", "operator", "watch"}, "not index"


def test_the_stores_take_nothing_in_the_clear() -> None:
    kafka = (DOCKER / "kafka" / "server.properties").read_text()
    assert "PLAINTEXT" not in kafka
    assert "SASL_SSL" in kafka
    assert "\nport 0\n" in (DOCKER / "redis" / "redis.conf").read_text()
    assert "mode: requireTLS" in (DOCKER / "mongodb" / "mongod.conf").read_text()
    assert (
        "xpack.security.http.ssl.enabled: true"
        in (DOCKER / "elasticsearch" / "elasticsearch.yml").read_text()
    )
    others = [
        line.split()[0]
        for line in (DOCKER / "postgres" / "pg_hba.conf").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert others == ["local", "hostssl"]
