"""The parameter forms accept valid values and nothing else."""

from collections.abc import Mapping
from typing import Any

import pytest
from airflow.sdk.exceptions import ParamValidationError

ACCEPTED = [
    ("extract_sessions", "from", "2026-01-01T00:00:00Z"),
    ("extract_sessions", "from", "2026-01-01T00:00:00.000+02:00"),
    ("extract_sessions", "to", "2026-01-01T00:00"),
    ("extract_sessions", "to", None),
    ("similar_users", "threshold", 1),
    ("similar_users", "neighbours", 100),
    ("similar_users", "permutations", 16),
    ("private_models", "epsilon", 0.05),
    ("private_models", "epsilon", 16),
    ("private_models", "delta", 1e-9),
    ("private_models", "laplace", False),
    ("private_models", "blocks", ["2026-11-24", "2026-11-17"]),
    ("private_models", "blocks", None),
    ("private_models", "newest", 1),
    ("private_models", "metrics_epsilon", 0.5),
    ("shap_reports", "models", "manual__2026-01-01T00-00-00-1a2b3c4d"),
    ("reconcile_stores", "timeout_s", 0),
    ("retention", "dry_run", True),
    ("reconcile_stores", "from", "2026-01-01T00:00:00Z"),
    ("reconcile_stores", "to", None),
]
REFUSED = [
    ("extract_sessions", "from", "yesterday"),
    ("extract_sessions", "from", "2026-01-01"),
    ("extract_sessions", "to", 1_767_225_600_000),
    ("extract_sessions", "to", ""),
    ("similar_users", "threshold", 0),
    ("similar_users", "threshold", "0.5"),
    ("similar_users", "neighbours", 0),
    ("similar_users", "neighbours", 2.5),
    ("similar_users", "permutations", 15),
    ("private_models", "epsilon", 0),
    ("private_models", "epsilon", 16.5),
    ("private_models", "epsilon", "1"),
    ("private_models", "delta", 0),
    ("private_models", "delta", 0.1),
    ("private_models", "laplace", "yes"),
    ("private_models", "blocks", ["today"]),
    ("private_models", "blocks", "2026-11-24"),
    ("private_models", "newest", 0),
    ("private_models", "metrics_epsilon", 0),
    ("shap_reports", "models", "../../etc"),
    ("shap_reports", "models", ".."),
    ("shap_reports", "models", ""),
    ("reconcile_stores", "timeout_s", -1),
    ("retention", "dry_run", "yes"),
    ("reconcile_stores", "from", "yesterday"),
]


@pytest.mark.parametrize(("dag_id", "name", "value"), ACCEPTED)
def test_accepts(dags: Mapping[str, Any], dag_id: str, name: str, value: object) -> None:
    assert dags[dag_id].params.get_param(name).resolve(value) == value


@pytest.mark.parametrize(("dag_id", "name", "value"), REFUSED)
def test_refuses(dags: Mapping[str, Any], dag_id: str, name: str, value: object) -> None:
    with pytest.raises(ParamValidationError):
        dags[dag_id].params.get_param(name).resolve(value)


def test_every_default_is_valid_and_every_parameter_explained(dags: Mapping[str, Any]) -> None:
    """A scheduled run uses the defaults."""
    for dag in dags.values():
        for name in dag.params:
            parameter = dag.params.get_param(name)
            parameter.resolve()
            assert parameter.description
            assert parameter.schema["title"]
