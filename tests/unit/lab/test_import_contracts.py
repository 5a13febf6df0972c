"""The import contracts of pyproject.toml cover every package, also the one that is added tomorrow."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINTER = PROJECT["tool"]["importlinter"]
TREES = {path.parent.name for path in ROOT.glob("*/__init__.py")}


def contract(name: str) -> dict[str, Any]:
    """The only contract whose name begins so."""
    [found] = [each for each in LINTER["contracts"] if each["name"].startswith(name)]
    assert isinstance(found, dict)
    return found


def children(package: str) -> set[str]:
    """Packages and modules right below a package, by their names in it."""
    folder = ROOT / package.replace(".", "/")
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    return packages | {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"}


def layered(each: dict[str, Any]) -> list[str]:
    """What a contract of layers lists, from top to bottom."""
    return [name.strip(" ()") for layer in each["layers"] for name in layer.replace(":", "|").split("|")]


def test_every_tree_of_python_is_linted_and_shipped() -> None:
    assert TREES
    assert set(LINTER["root_packages"]) == TREES
    assert set(PROJECT["tool"]["uv"]["build-backend"]["module-name"]) == TREES


def test_every_tree_has_its_place_among_the_others() -> None:
    assert set(layered(contract("Instruments use the local stack"))) == TREES


def test_no_tree_has_cycles() -> None:
    assert set(contract("No circles")["ancestors"]) == TREES


# `stack` is held by the two contracts above: its modules are few steps of one command, in no order of layers.
@pytest.mark.parametrize("package", sorted(TREES - {"stack"}))
def test_every_package_has_its_place_in_its_tree(package: str) -> None:
    [layers] = [each for each in LINTER["contracts"] if each.get("containers") == [package]]
    assert layers["exhaustive"], "or lint-imports passes over a package that the layers do not list"
    assert set(layered(layers)) == children(package)


@pytest.mark.parametrize(
    ("name", "above"),
    [
        ("airflow in dags/ and plugins/ alone", set[str]()),
        # Instruments release nothing; and the contract between the trees keeps the product from using them.
        ("Nothing that releases draws from a seeded generator", {"lab"}),
    ],
)
def test_what_is_forbidden_everywhere_is_forbidden_to_every_tree(name: str, above: set[str]) -> None:
    assert set(contract(name)["source_modules"]) == TREES - above


def test_the_oracle_may_import_no_other_vitrine_code() -> None:
    forbidden = set(contract("The oracle of the chaos test")["forbidden_modules"])
    beside = {f"lab.{name}" for name in children("lab") - {"chaos"}}
    assert forbidden >= (TREES - {"lab"}) | beside
    assert layered(contract("The chaos test"))[-1] == "oracle", "all the rest of lab.chaos is above it"
