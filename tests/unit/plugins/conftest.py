"""The plugin as Airflow loads it. These tests run in the Airflow environment."""

import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from fastapi.testclient import TestClient

from ml.budget.ledger import Ledger
from ml.budget.memory import InMemoryAccounts
from ml.budget.settings import BudgetSettings

# Airflow reads its settings when it is first imported; those of this machine must not be used.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="vitrine-airflow-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def plugin() -> ModuleType:
    """plugins/vitrine_plugin.py, imported as Airflow does: without a package, with its folder on the path."""
    sys.path.insert(0, str(ROOT / "plugins"))
    spec = importlib.util.spec_from_file_location("vitrine_plugin", ROOT / "plugins" / "vitrine_plugin.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def reports_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for reports."""
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    (tmp_path / "reports").mkdir()
    return tmp_path / "reports"


@pytest.fixture
def client(plugin: ModuleType) -> Iterator[TestClient]:
    from airflow.api_fastapi.app import create_auth_manager

    create_auth_manager().init()
    with TestClient(plugin.app) as client:
        yield client


@pytest.fixture
def reader(client: TestClient, plugin: ModuleType) -> Iterator[TestClient]:
    """A client that is logged in with the role viewer, which has the fewest rights."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    user = SimpleAuthManagerUser(username="reader", role="viewer")
    plugin.app.dependency_overrides[plugin.get_user] = lambda: user
    yield client
    plugin.app.dependency_overrides.clear()


@pytest.fixture
def enter(client: TestClient, plugin: ModuleType) -> Iterator[Callable[[str], TestClient]]:
    """A client logged in with a role; Airflow's auth manager decides what the role may do."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    def entered(role: str) -> TestClient:
        user = SimpleAuthManagerUser(username=f"the {role}", role=role)
        plugin.app.dependency_overrides[plugin.get_user] = lambda: user
        return client

    yield entered
    plugin.app.dependency_overrides.clear()


@pytest.fixture
def accounts(plugin: ModuleType, monkeypatch: pytest.MonkeyPatch) -> InMemoryAccounts:
    """The store that the page 'Privacy budget' reads, instead of MongoDB."""
    in_memory = InMemoryAccounts()
    ledger = Ledger(in_memory, in_memory.outer, "sessions", BudgetSettings(epsilon=4.0))
    monkeypatch.setattr("vitrine_budget.stored_ledger", lambda: ledger)
    return in_memory
