"""docker/fab/compose.yaml on top of the stack's file: what it adds takes nothing of the hardening away."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
DOCKER = ROOT / "docker"
BASE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
TEXT = (DOCKER / "fab" / "compose.yaml").read_text()
FAB: dict[str, Any] = yaml.safe_load(TEXT)
every_service = pytest.mark.parametrize("name", FAB["services"])


def merged(below: Any, above: Any, name: str = "") -> Any:
    """The Compose Specification's merge: mappings key by key, lists one after the other, but for commands."""
    if isinstance(below, dict) and isinstance(above, dict):
        both = {key: merged(below[key], above[key], key) for key in below.keys() & above.keys()}
        return {**below, **above, **both}
    if isinstance(below, list) and isinstance(above, list) and name not in {"command", "entrypoint", "test"}:
        return [*below, *above]
    return above


SERVICES: dict[str, dict[str, Any]] = merged(BASE, FAB)["services"]


@every_service
def test_a_service_of_fab_differs_in_image_and_settings_alone(name: str) -> None:
    """So it has every limit, network, secret and user of the stack's file, which test_closed.py looks at."""
    changed = {key for key in SERVICES[name] if SERVICES[name][key] != BASE["services"][name].get(key)}
    assert changed == {"image", "build", "environment"} | ({"command"} if name == "airflow-init" else set())
    assert not {"entrypoint", "ports", "networks", "secrets"} & FAB["services"][name].keys()


@every_service
def test_its_image_is_the_same_recipe_with_another_lock(name: str) -> None:
    other_lock = {"args": {"AIRFLOW_LOCK": "docker/fab/airflow.txt"}}
    assert SERVICES[name]["build"] == BASE["services"][name]["build"] | other_lock


def test_compose_reads_its_paths_from_the_folder_of_the_first_file() -> None:
    for service in FAB["services"].values():
        assert (DOCKER / service["build"]["context"] / service["build"]["dockerfile"]).is_file()


def test_no_secret_is_in_a_variable_and_none_comes_from_the_starting_shell() -> None:
    assert not re.search(r"(?<!\$)\$(\{|\w)", TEXT), "compose would fill it in: a secret, or empty"
    for service in FAB["services"].values():
        assert not [key for key in service["environment"] if re.search(r"password|secret|token", key, re.I)]


def test_the_first_admins_password_is_the_secret_that_make_secrets_makes() -> None:
    init = SERVICES["airflow-init"]
    assert "airflow_admin" in init["secrets"]
    assert init["environment"]["VITRINE_SECRETS_DIR"] == "/run/secrets"
    assert "passwords.json" not in str(init["command"]), "a password in plain text, which FAB does not read"
    program = (DOCKER / "fab" / "first_admin.py").read_text()
    assert 'Path(os.environ["VITRINE_SECRETS_DIR"], "airflow_admin")' in program
    assert "docker/secrets/airflow_admin" in (DOCKER / "README.md").read_text().partition("first admin")[2]


def test_nothing_still_names_the_generator_that_is_gone() -> None:
    for file in DOCKER.rglob("*"):
        if file.suffix in {".py", ".yaml", ".md"}:
            assert "make_env" not in file.read_text(), file
