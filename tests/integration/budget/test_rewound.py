"""`./vitrine budget` as a process, after the ledger's documents on the real server were deleted, dropped, or
replaced by an older copy."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from ml.budget.account import Request
from ml.budget.ledger import now
from ml.budget.mongo import ACCOUNTS, RECORDS, stored_ledger
from ml.privacy import renyi
from streaming.settings import MongoSettings

ROOT = Path(__file__).parents[3]
Documents = dict[str, list[dict[str, Any]]]
Attack = Callable[[Database[dict[str, Any]], Documents], object]


def charge(key: str) -> None:
    request = Request(key, (0,), 1, True, 1, (renyi.gaussian(0.2),), "a model", now())
    stored_ledger().charge(request)


def budget(*words: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the answer."""
    command = [sys.executable, "-m", "stack", "budget", *words, "--json"]
    ended = subprocess.run(command, cwd=ROOT, env=os.environ.copy(), capture_output=True, check=False)
    return ended.returncode, json.loads(ended.stdout or b"null")


def restore(database: Database[dict[str, Any]], old: Documents) -> None:
    for name, documents in old.items():
        database[name].drop()
        database[name].insert_many(documents)


ATTACKS: dict[str, Attack] = {
    "delete the document": lambda database, old: database[ACCOUNTS].delete_one({"_id": "sessions"}),
    "delete the newest entry": lambda database, old: database[RECORDS].delete_one({"sequence": 3}),
    "drop the account": lambda database, old: database[ACCOUNTS].drop(),
    "drop the entries": lambda database, old: database[RECORDS].drop(),
    "drop the database": lambda database, old: database.client.drop_database(database.name),
    "restore an old copy": restore,
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_ledger_that_was_rewound_is_shorter(
    mongo: MongoSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attack: str
) -> None:
    monkeypatch.setenv("MONGO_URI", mongo.uri.get_secret_value())
    monkeypatch.setenv("VITRINE_MONGO_DATABASE", mongo.database)
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    with MongoClient[dict[str, Any]](mongo.uri.get_secret_value()) as client:
        database = client[mongo.database]
        charge("one")
        charge("two")
        old = {name: list(database[name].find()) for name in (ACCOUNTS, RECORDS)}
        charge("three")
        code, intact = budget()
        assert (code, intact["ledger"]) == (0, "intact")
        ATTACKS[attack](database, old)

    code, told = budget()
    assert (code, told["ledger"]) == (1, "shorter")
    assert "accept-restored" in told["remedy"]
    code, found = budget("accept-restored", "--why", "a test")
    assert (code, found["ledger"]) == (0, "intact")
    assert found["blocks"][0]["spent"] >= intact["blocks"][0]["spent"]
