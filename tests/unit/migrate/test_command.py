"""While sessions get other ids, nobody reads them page by page for a backup."""

from argparse import Namespace
from pathlib import Path

import pytest
from support.locks import is_locked
from support.sessions import KEY

from streaming.migrate import command
from streaming.migrate.sessions import Migrated
from streaming.person.erasures import Amount
from streaming.sinks.mongo.memory import InMemorySessions


class Sessions(InMemorySessions):
    def drop_earlier_indexes(self) -> None: ...


@pytest.mark.parametrize(("unreadable", "code"), [(0, 0), (2, 1)])
def test_the_data_folder_is_held_meanwhile(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    unreadable: int,
    code: int,
) -> None:
    held: list[bool] = []

    def migrate_sessions(*arguments: object) -> Migrated:
        held.append(is_locked(tmp_path))
        return Migrated(3, unreadable)

    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VITRINE_PSEUDONYM_KEY", KEY)
    monkeypatch.setattr("streaming.kafka.clients.require", lambda settings: None)
    monkeypatch.setattr(command, "require_log_of", lambda *arguments: None)
    monkeypatch.setattr(command, "MongoSessions", lambda settings: Sessions())
    monkeypatch.setattr(command, "migrate_sessions", migrate_sessions)
    steps: list[str] = []
    again = [Amount("mongodb sessions", 2), Amount("extracts", None)]

    def erase_again(*arguments: object) -> list[Amount]:
        steps.append("erase")
        return again

    def migrate_documents(*arguments: object) -> int:
        steps.append("documents")
        return 5

    monkeypatch.setattr(command, "erase_again", erase_again)
    monkeypatch.setattr(command, "migrate_documents", migrate_documents)
    assert command.run(Namespace(json=False)) == code
    assert held == [True]
    assert not is_locked(tmp_path)
    assert steps == ["erase", "documents"]  # so that none is made of who was erased
    printed = capsys.readouterr().out
    assert ("reconcile names them" in printed) == bool(unreadable)
    assert "2 records of erased persons" in printed
