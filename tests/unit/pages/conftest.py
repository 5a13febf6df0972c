"""The plugin as Airflow loads it. These tests run in the Airflow environment."""

import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import pytest

# Airflow reads its settings when it is first imported; none of this machine's may get in.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="vitrine-airflow-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def plugin() -> ModuleType:
    """plugins/vitrine_plugin.py under its bare name, with its folder on the path, as Airflow does it."""
    sys.path.insert(0, str(ROOT / "plugins"))
    spec = importlib.util.spec_from_file_location("vitrine_plugin", ROOT / "plugins" / "vitrine_plugin.py")
    assert spec is not None and spec.loader is not None
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
