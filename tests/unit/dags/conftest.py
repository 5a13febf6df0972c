"""These tests run in the Airflow environment: the DAG files must load where Airflow loads them."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

# Airflow reads its settings while it is imported.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="vitrine-airflow-home-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["VITRINE_MAIN_PYTHON"] = sys.executable

FOLDER = Path(__file__).resolve().parents[3] / "dags"


@pytest.fixture(scope="session")
def folder() -> Path:
    return FOLDER


@pytest.fixture(scope="session")
def bag() -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(FOLDER)


@pytest.fixture(scope="session")
def dags(bag: Any) -> Any:
    return bag.dags
