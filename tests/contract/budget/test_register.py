"""The contract of every model registry: the stand-in, and the server of MONGO_URI."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from pymongo import MongoClient

from ml.folder_digest import folder_digest
from ml.registry.entry import RegistryEntry
from ml.registry.memory import InMemoryRegistry
from ml.registry.mongo import COLLECTION, MongoRegistry
from ml.registry.record import record_release
from ml.registry.registry import ModelRegistry
from streaming.data_folder.layout import METRICS, TRUSTED, DataLayout
from streaming.settings import MongoSettings

ENTRY = RegistryEntry(
    name="run-1",
    dag_run_id="manual__1",
    at="2026-11-24T12:00:00+00:00",
    params={"epsilon": 1.0, "blocks": None},
    digest="d",
    models=("boosted_trees",),
    charge="run-1.abc",
    blocks=(1_763_596_800_000,),
    metrics={"models": [{"roc_auc": 0.1 + 0.2, "yes": [1.5, -0.25]}]},
    code={"commit": None, "sources_sha256": "s"},
    snapshot={"part-0-1.parquet": "f"},
    rows={"train": 2**40, "test": 1, "without_consent": 0},
)


@pytest.fixture(params=["remembered", "mongodb"])
def register(request: pytest.FixtureRequest) -> ModelRegistry:
    if request.param == "remembered":
        return InMemoryRegistry()
    return MongoRegistry(request.getfixturevalue("mongo"))


def test_a_new_registry_is_empty(register: ModelRegistry) -> None:
    assert register.find("run-1") is None
    assert register.names() == []


def test_an_entry_comes_back_as_it_was(register: ModelRegistry) -> None:
    register.put(ENTRY)
    register.put(ENTRY)
    assert register.find("run-1") == ENTRY
    assert register.names() == ["run-1"]


def test_documents_of_versions_before_the_registry_are_no_entries(mongo: MongoSettings) -> None:
    with MongoClient[dict[str, object]](mongo.uri.get_secret_value()) as client:
        client[mongo.database][COLLECTION].insert_one({"_id": "old", "metrics": {}})
    assert MongoRegistry(mongo).find("old") is None
    assert MongoRegistry(mongo).names() == []


def test_a_release_is_entered_with_its_sources(register: ModelRegistry, tmp_path: Path) -> None:
    """Registers a release as the DAG's last task does, twice, as after a retry."""
    layout = DataLayout(tmp_path)
    metrics = {
        "run_id": "run-1",
        "created": ENTRY.at,
        "charge": {"key": ENTRY.charge, "blocks": list(ENTRY.blocks)},
        "models": [{"model": "boosted_trees", "roc_auc": 0.1 + 0.2}],
    }
    trusted = {"code": ENTRY.code, "snapshot": ENTRY.snapshot, "train_rows": 2**40, "test_rows": 1}
    for path, content in ((layout.models, metrics), (layout.trusted, trusted)):
        (path / "run-1").mkdir(parents=True)
        (path / "run-1" / (METRICS if content is metrics else TRUSTED)).write_text(json.dumps(content))
    digest = folder_digest(layout.models / "run-1")
    for _ in range(2):
        entered = record_release(register, layout, "manual__1", ENTRY.params, metrics)
        assert entered == replace(ENTRY, metrics=metrics, digest=digest)
        assert register.find("run-1") == entered
        assert register.names() == ["run-1"]


def test_only_releases_are_entered(register: ModelRegistry, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        record_release(register, DataLayout(tmp_path), "manual__1", {}, {"run_id": "run-1"})
    assert register.names() == []


def test_the_newest_entry_comes_first(register: ModelRegistry) -> None:
    register.put(ENTRY)
    register.put(replace(ENTRY, name="run-0", at="2026-11-25T12:00:00+00:00"))
    register.put(replace(ENTRY, name="run-2", at="2026-11-23T12:00:00+00:00"))
    assert register.names() == ["run-0", "run-1", "run-2"]
    register.put(replace(ENTRY, at="2026-11-26T12:00:00+00:00"))
    assert register.names()[0] == "run-1"
