"""No task opens a path that XCom names: who may write XCom would choose what account `vitrine` reads."""

import inspect
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest


def _task(dags: Mapping[str, Any], dag: str, task: str) -> Callable[..., Any]:
    called: Callable[..., Any] = inspect.unwrap(dags[dag].get_task(task).python_callable)
    return called


def test_similar_users_come_from_the_data_folder_only(
    dags: Mapping[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.providers.mongo.hooks import mongo

    hook = MagicMock()
    hook.return_value.__enter__.return_value.get_collection.return_value = written = MagicMock()
    monkeypatch.setattr(mongo, "MongoHook", hook)
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    (tmp_path / "similar_users.jsonl").write_text(json.dumps({"_id": "u", "neighbours": []}) + "\n")
    (tmp_path / "planted.jsonl").write_text(json.dumps({"_id": "planted"}) + "\n")
    load = _task(dags, "similar_users", "load")
    found = {"found": {"path": str(tmp_path / "planted.jsonl")}}
    taken = inspect.signature(load).parameters.keys() & found.keys()
    load(**{name: found[name] for name in taken}, run_id="r")
    [[call]] = (args for args, _ in written.bulk_write.call_args_list)
    assert [replaced._filter["_id"] for replaced in call] == ["u"]


@pytest.mark.parametrize("name", ["../trusted", "../models/one", "one/../one", "/etc", ".", "", "two"])
def test_only_a_folder_of_models_is_explained(
    dags: Mapping[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    explained = MagicMock()
    monkeypatch.setitem(sys.modules, "ml.reports.job", explained)  # it needs the environment main
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    (tmp_path / "models" / "one").mkdir(parents=True)
    (tmp_path / "models" / "one" / "run.json").write_text("{}")
    (tmp_path / "trusted").mkdir()
    (tmp_path / "trusted" / "run.json").write_text("{}")
    with pytest.raises(ValueError, match="no models called"):
        _task(dags, "shap_reports", "explain")("a run", name)
    assert not explained.run.called
