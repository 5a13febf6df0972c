"""One meaning for each exit code, whichever command ends with it."""

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException

from ml.budget import command as budget
from streaming.command_failure import EXIT_CODES, carried_out
from streaming.file_import import command as ingest
from streaming.file_import.verdicts import GateSilent
from streaming.kafka import clients
from streaming.kafka.offsets import StageBehind
from streaming.process.exit_code import ExitCode, InvalidRequest
from streaming.replay import command as replay
from streaming.simulate import command as simulate
from streaming.stores import StoreUnavailable


def raising(error: Exception) -> Callable[..., int]:
    def ask(*_: object, **__: object) -> int:
        raise error

    return ask


AWAY = KafkaException(KafkaError(KafkaError._TRANSPORT))


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InvalidRequest("no such thing"), ExitCode.INVALID_REQUEST, "vitrine: no such thing\n"),
        (
            StoreUnavailable("redis"),
            ExitCode.UNAVAILABLE,
            "vitrine: not asked: redis. Is it up? ./vitrine status\n",
        ),
        (StageBehind("gate"), ExitCode.UNAVAILABLE, "vitrine: not asked: gate\n"),
        (GateSilent("gate"), ExitCode.UNAVAILABLE, "vitrine: not asked: gate\n"),
    ],
)  # fmt: skip
def test_each_exception_has_a_code_and_a_sentence(
    error: Exception, code: ExitCode, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert carried_out(raising(error), "not asked") == code
    assert capsys.readouterr().err == said


def test_a_bug_is_not_hidden() -> None:
    assert Exception not in EXIT_CODES
    with pytest.raises(ValueError, match="ours"):
        carried_out(raising(ValueError("ours")))


def simulated() -> int:
    return simulate.run(10, 1)


def ingested() -> int:
    return ingest.run(Path(__file__), {}, as_json=True)


def replayed() -> int:
    return replay.run(None, "late", 1, as_json=True)


@pytest.mark.parametrize("command", [simulated, ingested, replayed])
def test_kafka_unavailable_is_3_everywhere(
    command: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("VITRINE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    for asking, name in ((simulate, "require"), (ingest, "ingest"), (clients, "require")):
        monkeypatch.setattr(asking, name, raising(AWAY))
    assert command() == ExitCode.UNAVAILABLE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "127.0.0.1:1" in printed.err
    assert "./vitrine status" in printed.err


def test_mongodb_unavailable_is_3_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "stored_ledger", raising(StoreUnavailable("MongoDB")))
    assert budget.run(argparse.Namespace(action="show", json=True)) == ExitCode.UNAVAILABLE
