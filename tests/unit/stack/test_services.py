"""What is declared for every checkout: loopback, addresses from one place, no default password."""

import dataclasses
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from stack import certificates
from stack import services as declared
from stack.arguments import BENCHMARKS
from stack.components import elasticsearch, flink, kafka, mongodb, watch
from stack.health import HttpHealth
from stack.identity import Identity
from stack.service import StackContext, StackError, Unhealthy
from stack.settings import ADDRESS_VARIABLE, StackSettings, environment, external, own_addresses
from streaming.settings import printable


def test_the_declaration_is_complete(place: StackContext) -> None:
    services = declared.services(place)
    assert declared.with_needs(services, [service.name for service in services])
    ports = [port for service in services for port in service.ports]
    assert len(ports) == len(set(ports))
    assert all(service.command and service.memory_mib > 0 for service in services)


def test_every_module_that_a_service_or_a_benchmark_runs_exists(place: StackContext) -> None:
    commands = [service.command for service in declared.services(place)]
    modules = [command[command.index("-m") + 1] for command in commands if "-m" in command]
    assert len(modules) >= 5
    for module in [*modules, *(f"lab.benchmarks.{name}" for name in BENCHMARKS if name != "pipeline")]:
        assert find_spec(module), module


def test_an_offset_moves_every_port_and_every_address(tmp_path: Path) -> None:
    here, beside = (StackSettings(port_offset=offset) for offset in (0, 700))
    for name, address in own_addresses(here).items():
        port = int(re.findall(r":(\d+)", address)[0])
        assert own_addresses(beside)[name] == address.replace(str(port), str(port + 700))


def test_an_address_of_the_users_makes_a_component_external(tmp_path: Path) -> None:
    settings = StackSettings()
    assert external(settings, {}) == frozenset()
    assert external(settings, own_addresses(settings)) == frozenset()
    assert external(settings, {"MONGO_URI": "mongodb://elsewhere"}) == {"mongodb"}
    assert set(ADDRESS_VARIABLE.values()) == set(own_addresses(settings))


def test_the_users_settings_reach_services_and_commands(place: StackContext) -> None:
    given = {"VITRINE_REDIS_URL": "redis://elsewhere", "VITRINE_GATE_BATCH": "7", "SHELL": "sh"}
    passed = environment(StackSettings(), place.layout, given)
    assert passed["VITRINE_REDIS_URL"] == "redis://elsewhere"
    assert passed["VITRINE_GATE_BATCH"] == "7"
    assert "SHELL" not in passed


@pytest.mark.parametrize(
    "option",
    [
        "\nlisteners=CLIENT://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093\n",
        "auto.create.topics.enable=false",
        "listener.security.protocol.map=CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT\n",
        "allow.everyone.if.no.acl.found=false\n",
        "super.users=User:admin;User:broker\n",
    ],
)
def test_kafka_is_on_loopback_asks_for_a_login_and_makes_no_topic_by_itself(
    place: StackContext, option: str
) -> None:
    assert option in kafka.server_properties(place)


def test_elasticsearch_listens_on_loopback(place: StackContext) -> None:
    text = elasticsearch.settings_yaml(place)
    assert "http.host: 127.0.0.1\n" in text
    assert "transport.host: 127.0.0.1\n" in text


def test_flink_keeps_the_releases_module_flags_and_its_job_a_folder_of_its_own(place: StackContext) -> None:
    written = flink.settings(place, "--add-opens=some")
    assert written["env.java.opts.all"].split() == ["--add-opens=some", "-XX:+ExitOnOutOfMemoryError"]
    assert {written[key] for key in written if key.endswith("bind-host")} == {"127.0.0.1"}
    assert flink.checkpoints(place) != written["execution.checkpointing.dir"]
    # /tmp may be in memory, and an id made anew at each start leaves the state of a killed one behind.
    assert written["process.taskmanager.working-dir"].startswith(str(place.layout.stores))
    assert written["taskmanager.resource-id"]


def test_flink_requires_a_certificate_everywhere_and_allows_only_its_own_origin(place: StackContext) -> None:
    for identity in (place.layout.flink_rest, place.layout.flink_internal):
        certificates.ensure(identity, {"127.0.0.1"})
    written = flink.settings(place, "") | flink.security(place)
    for between, identity in (("rest", place.layout.flink_rest), ("internal", place.layout.flink_internal)):
        assert written[f"security.ssl.{between}.enabled"] is True
        for store in ("keystore", "truststore"):
            assert written[f"security.ssl.{between}.{store}"] == str(identity.store)
            assert written[f"security.ssl.{between}.{store}-password"] == identity.password.read_text()
    assert written["security.ssl.rest.authentication-enabled"] is True
    assert written["web.access-control-allow-origin"] == place.environment["VITRINE_FLINK_URL"]


def test_all_processes_get_the_certificate_of_the_local_flink(place: StackContext) -> None:
    ours = place.layout.flink_rest
    rest = flink.rest(place)
    assert rest.url.startswith("https://127.0.0.1:")
    assert (rest.ca_file, rest.certificate_file, rest.key_file) == (
        ours.certificate,
        ours.certificate,
        ours.key,
    )
    for service in flink.services(place):
        assert isinstance(service.health, HttpHealth)
        assert service.health.url.startswith("https://")
        with pytest.raises(Unhealthy):  # before the first start there are no files
            service.health.check()


def test_of_airflow_only_the_server_of_pages_knows_how_to_reach_flink(place: StackContext) -> None:
    """DAGs do not: whoever Flink lets in can send it code."""
    by_name = {service.name: service for service in declared.services(place)}
    knows = {name for name, service in by_name.items() if "VITRINE_FLINK_KEY_FILE" in service.environment}
    assert knows == {"airflow-api-server", "flink-job", "watch"}
    # What the monitor, of the same account, is lent: lent otherwise, one of the two would lose it.
    assert by_name["airflow-api-server"].reads == by_name["watch"].reads == (place.layout.flink_rest.folder,)
    assert by_name["airflow-api-server"].account == by_name["watch"].account


def with_settings(place: StackContext, **given: str) -> StackContext:
    return dataclasses.replace(
        place,
        environment=environment(place.settings, place.layout, given),
        external=external(place.settings, given),
    )


def test_an_external_flink_is_used_with_the_users_settings(place: StackContext, tmp_path: Path) -> None:
    plain = with_settings(place, VITRINE_FLINK_URL="http://flink.example:8081")
    assert flink.rest(plain).certificate_file is None
    assert flink.elsewhere(plain) == {"rest.address": "flink.example", "rest.port": 8081}
    theirs = Identity(tmp_path / "theirs")
    certificates.ensure(theirs, {"flink.example"})
    guarded = with_settings(
        place,
        VITRINE_FLINK_URL="https://flink.example",
        VITRINE_FLINK_CA_FILE=str(theirs.certificate),
        VITRINE_FLINK_CERTIFICATE_FILE=str(theirs.certificate),
        VITRINE_FLINK_KEY_FILE=str(theirs.key),
    )
    written = flink.elsewhere(guarded)
    assert (written["rest.address"], written["rest.port"]) == ("flink.example", 443)
    assert written["security.ssl.rest.authentication-enabled"] is True
    assert Path(written["security.ssl.rest.keystore"]).is_file()
    assert Path(written["security.ssl.rest.truststore"]).is_file()
    assert flink.services(guarded)[2].prepare is not None
    theirs.key.write_text("no key")
    with pytest.raises(StackError, match="VITRINE_FLINK_KEY_FILE"):
        flink.elsewhere(guarded)


def test_the_password_of_a_users_key_is_shown_to_nobody(place: StackContext) -> None:
    given = {**place.environment, "VITRINE_FLINK_KEY_PASSWORD": "hunter2"}
    rest = flink.rest(dataclasses.replace(place, environment=given))
    assert rest.key_password.get_secret_value() == "hunter2"
    assert "hunter2" not in f"{rest!r} {printable(rest)}"


def test_a_mongod_on_the_path_comes_before_the_embedded_server(place: StackContext) -> None:
    assert mongodb.command(place, "/usr/bin/mongod")[0] == "/usr/bin/mongod"
    assert mongodb.command(place, None)[0].endswith("/nx-27017")
    assert "--auth" in mongodb.command(place, "/usr/bin/mongod")
    for found in ("/usr/bin/mongod", None):
        assert "127.0.0.1" in mongodb.command(place, found)


def test_the_monitor_has_its_own_port_and_knows_those_of_the_stages(place: StackContext) -> None:
    settings = StackSettings(port_offset=1000, store_metrics_port=0)
    moved = {**place.environment, **own_addresses(settings)}
    place = dataclasses.replace(place, settings=settings, environment=moved)
    by_name = {service.name: service for service in declared.services(place)}
    assert by_name["watch"].health == HttpHealth("http://127.0.0.1:20400/recent", watch.looks)
    assert (
        by_name["watch"].environment.items()
        >= {
            "VITRINE_METRICS_PORT": "20400",
            "VITRINE_WATCH_STAGES": '{"gate": "http://127.0.0.1:20401/metrics",'
            ' "index": "http://127.0.0.1:20403/metrics"}',
        }.items()
    )
    assert by_name["gate"].environment["VITRINE_METRICS_PORT"] == "20401"
    assert by_name["store"].environment["VITRINE_METRICS_PORT"] == "0"
    assert by_name["store"].ports == ()
