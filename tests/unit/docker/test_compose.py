"""The compose file and the images' recipes, as far as they can be judged without a container engine."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.components import redis as native_redis
from stack.context import this_checkout

ROOT = Path(__file__).parents[3]
DOCKER = ROOT / "docker"
COMPOSE = DOCKER / "compose.yaml"
FAB = DOCKER / "fab" / "compose.yaml"
TEXT = COMPOSE.read_text()
PROJECT: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = PROJECT["services"]
every_service = pytest.mark.parametrize("name", SERVICES)


def tag(name: str) -> str:
    """The version of a service's image."""
    return str(SERVICES[name]["image"]).partition("@")[0].rpartition(":")[2]


def runs_once(service: dict[str, Any]) -> bool:
    return service.get("restart") == "no"


@pytest.mark.parametrize("file", [COMPOSE, FAB])
def test_the_compose_specification_accepts_it(file: Path) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_validator_would_refuse_a_broken_one(tmp_path: Path) -> None:
    broken = tmp_path / "compose.yaml"
    broken.write_text(TEXT.replace("    healthcheck:", "    healthchek:", 1))
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(broken)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 1
    assert "healthchek" in checked.stdout


def test_every_component_is_there() -> None:
    components = {"kafka", "redis", "mongodb", "elasticsearch", "kibana", "gate", "store", "index"}
    assert components <= SERVICES.keys()
    assert {f"flink-{part}" for part in ("jobmanager", "taskmanager", "job")} <= SERVICES.keys()
    assert {
        f"airflow-{part}" for part in ("api-server", "scheduler", "dag-processor", "triggerer")
    } <= SERVICES.keys()


def test_the_versions_are_those_that_the_native_stack_was_tested_with() -> None:
    pom = (ROOT / "stack" / "jars" / "pom.xml").read_text()
    airflow = (ROOT / "stack" / "locks" / "airflow.txt").read_text()
    for name in ("kafka", "elasticsearch"):
        assert f"<version>{tag(name)}</version>" in pom
    assert tag("kibana") == tag("elasticsearch")
    [version] = re.findall(
        r"^FROM apache/airflow:([\d.]+)-python3\.11[@ ]", (DOCKER / "Dockerfile").read_text(), re.M
    )
    assert f"\napache-airflow=={version} " in airflow


@every_service
def test_ports_are_published_on_this_machine_only(name: str) -> None:
    assert SERVICES[name].get("network_mode", "none") == "none"
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


def test_no_port_is_published_twice() -> None:
    published = [port.split(":")[1] for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == len(set(published))


@every_service
def test_what_keeps_running_has_a_health_check_and_is_started_again(name: str) -> None:
    service = SERVICES[name]
    if not runs_once(service):
        assert service["restart"] == "unless-stopped"
        assert {"test", "interval", "timeout", "retries"} <= service["healthcheck"].keys()


@every_service
def test_a_service_waits_for_what_it_needs_to_be_ready(name: str) -> None:
    for need, how in SERVICES[name].get("depends_on", {}).items():
        done = "service_completed_successfully" if runs_once(SERVICES[need]) else "service_healthy"
        assert how == {"condition": done}


def test_needs_do_not_go_in_a_circle() -> None:
    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path
        for need in SERVICES[name].get("depends_on", {}):
            visit(need, (*path, name))

    for name in SERVICES:
        visit(name, ())


@every_service
def test_what_is_stored_is_in_a_named_volume_or_a_file_of_this_checkout(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source = volume["source"] if isinstance(volume, dict) else volume.split(":")[0]
        assert source in PROJECT["volumes"] or (DOCKER / source).resolve().is_file()


def test_flinks_keys_are_made_at_the_start_and_seen_by_those_who_need_them_alone() -> None:
    recipe = (DOCKER / "Dockerfile").read_text()
    assert "install.py flink" not in recipe, "an image would hold the keys"
    assert SERVICES["flink-settings"]["command"] == ["python", "docker/install.py", "flink"]
    seeing = {
        name
        for name, service in SERVICES.items()
        if any(str(volume).startswith("flink-settings:") for volume in service.get("volumes", []))
    }
    assert seeing == {"watch", *(name for name in SERVICES if name.startswith("flink-"))}
    addresses = SERVICES["watch"]["environment"]
    assert addresses["VITRINE_FLINK_URL"].startswith("https://")
    for file in ("CA", "CERTIFICATE", "KEY"):
        assert addresses[f"VITRINE_FLINK_{file}_FILE"].startswith("/app/.vitrine/run/flink/keys/rest/")


def test_what_is_built_is_in_the_dockerfile() -> None:
    recipe = (DOCKER / "Dockerfile").read_text()
    stages = set(re.findall(r"^FROM \S+ AS (\w+)$", recipe, re.M))
    for service in SERVICES.values():
        if "build" in service:
            assert service["build"]["target"] in stages
            assert (DOCKER / service["build"]["context"] / service["build"]["dockerfile"]).samefile(
                DOCKER / "Dockerfile"
            )
    for image in re.findall(r"^FROM (\S+)", recipe, re.M):
        assert image in stages or re.fullmatch(r"[a-z/]+:\d+\.\d+\.\d+\S*", image)
    assert "useradd --uid 10001" in recipe, "`user` of our image's services"


@pytest.mark.parametrize(
    "module",
    [
        "streaming.gate",
        "streaming.sinks.mongo",
        "streaming.sinks.elasticsearch",
        "streaming.summaries.submitter",
    ],
)
def test_the_modules_that_are_run_are_there(module: str) -> None:
    assert any(["python", "-m", module] == service.get("command") for service in SERVICES.values())
    path = ROOT / module.replace(".", "/")
    assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def test_the_files_that_are_run_or_copied_are_there() -> None:
    named = re.findall(r"/app/(docker/\w+\.py|dags|plugins)\b", TEXT)
    named += re.findall(
        r"\b(docker/\w+\.py|stack/locks/\w+\.txt)", (DOCKER / "Dockerfile").read_text() + TEXT
    )
    assert named
    for path in named:
        assert (ROOT / path).exists(), path


def test_the_folder_is_no_package() -> None:
    """`docker` is the name of the SDK's package, which a package here would hide."""
    assert not (DOCKER / "__init__.py").exists()


def test_secrets_and_what_was_made_stay_out_of_the_images() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".vitrine", "docker/secrets"} <= set(ignored)
    assert (DOCKER / ".gitignore").read_text().split() == ["secrets/"]


def test_redis_has_the_settings_of_the_native_one_and_less_memory_than_its_container() -> None:
    lines = (DOCKER / "redis" / "redis.conf").read_text().splitlines()
    own = dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))
    [service] = native_redis.services(this_checkout())
    words = service.command[1:]
    native = dict(zip((name.removeprefix("--") for name in words[::2]), words[1::2], strict=True))
    of_the_place = {"bind", "port", "dir", "daemonize", "loadmodule", "aclfile", "maxmemory"}
    for name in native.keys() - of_the_place:
        assert own[name].strip('"') == native[name], name
    assert own["maxmemory-policy"] == "noeviction"
    # Beside its data Redis holds buffers, and copies of pages while it writes its file anew.
    assert mib(own["maxmemory"]) * 4 <= mib(SERVICES["redis"]["mem_limit"]) * 3


def mib(size: str) -> int:
    """A size of Redis or Compose (`768mb`, `1g`) in MiB."""
    [(number, unit)] = re.findall(r"^(\d+)([mg])b?$", size)
    return int(number) * {"m": 1, "g": 1024}[unit]


def test_with_fab_every_service_of_airflow_has_its_auth_manager_and_lock() -> None:
    services = yaml.safe_load(FAB.read_text())["services"]
    assert services.keys() == {name for name in SERVICES if name.startswith("airflow-")}
    for service in services.values():
        assert service["environment"]["AIRFLOW__CORE__AUTH_MANAGER"] == "vitrine_fab.VitrineFabAuthManager"
        lock = ROOT / service["build"]["args"]["AIRFLOW_LOCK"]
        assert "apache-airflow-providers-fab==" in lock.read_text()
    pins = [
        set(re.findall(r"^(apache-airflow(?:-core)?==\S+)", file.read_text(), re.M))
        for file in (ROOT / "stack" / "locks" / "airflow.txt", DOCKER / "fab" / "airflow.txt")
    ]
    assert pins[0] == pins[1], "docker/fab/airflow.txt was made for another Airflow"
