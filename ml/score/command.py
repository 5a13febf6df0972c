"""`./vitrine score`: reads sessions, prints a private model's predictions and the reasons."""

import argparse
import sys
import time
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec

from ml.features import schema as schemas
from ml.features.encoding import Encoding
from ml.models import model_store
from ml.models.interface import Model
from ml.privacy.randomness import SystemRandomness
from ml.registry.entry import RegistryEntry
from ml.registry.loading import ArtifactAltered, load
from ml.registry.mongo import stored_registry
from ml.registry.registry import ModelRegistry
from ml.score.client import as_stored
from ml.score.scoring import Score, score
from ml.score.sessions import Readable, Refused, read, texts, unless_refused
from streaming.access_record.file import os_user, stored_record
from streaming.command_failure import carried_out
from streaming.contract.rejection import Rejection
from streaming.contract.visible import visible
from streaming.process.exit_code import ExitCode, InvalidRequest
from streaming.settings import ConsentSettings, DataSettings, MongoSettings
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.stores import Document


class CannotScore(InvalidRequest):
    """The sessions cannot be scored; the message says why."""


def run(arguments: argparse.Namespace, recorded: bool = False) -> int:
    """Returns an ExitCode: NOT_SO if a session was rejected, or must not be scored. `recorded`: the access
    record has the entry already."""
    return carried_out(partial(_score, arguments, recorded))


def _score(arguments: argparse.Namespace, recorded: bool) -> int:
    content = _content(arguments.file, arguments.session)
    entry = registered(stored_registry(), arguments.run)
    model, encoding = _model(entry, arguments.model)
    if arguments.reasons < 1:
        raise CannotScore("--reasons must be at least 1")
    now_ms = time.time_ns() // 1_000_000
    found = _agreed([read(text, now_ms) for text in texts(content)])
    readable = [one for one in found if isinstance(one, Readable)]
    if readable and not recorded:
        asked = [one.session for one in readable]
        stored_record().add(os_user(), "score", f"{model.name} of {entry.name}", asked, arguments.why)
    scores = iter(
        score([one.row for one in readable], model, encoding, arguments.reasons, SystemRandomness())
    )
    results = [_result(line, one, scores) for line, one in enumerate(found, start=1)]
    answer = {
        "run": entry.name,
        "registered": {"at": entry.at, "digest": entry.digest, "charge": entry.charge, "code": entry.code},
        "model": model.name,
        "statement": msgspec.to_builtins(model.statement),
        "results": results,
    }
    print(visible(msgspec.json.encode(answer).decode()) if arguments.json else _text(answer))
    return ExitCode.DONE if len(readable) == len(found) else ExitCode.NOT_SO


def _agreed(found: Sequence[Readable | Rejection]) -> list[Readable | Refused | Rejection]:
    """Returns `found` with Refused in the place of sessions whose users have refused, in them or in another
    stored session."""
    sources, store = ConsentSettings().sources, cache(lambda: MongoSessions(MongoSettings()))

    @cache
    def others(user: str | None) -> list[Document]:
        return [] if user is None else store().consents(user)

    return [
        unless_refused(one, others(one.user_pseudonym), sources) if isinstance(one, Readable) else one
        for one in found
    ]


def registered(registry: ModelRegistry, run: str | None) -> RegistryEntry:
    """Returns the entry of `run`, or of the newest run. Raises CannotScore."""
    names = registry.names()
    if not names:
        raise CannotScore("no models are registered yet: run the DAG private_models")
    entry = registry.find(names[0] if run is None else run)
    if entry is None:
        raise CannotScore(
            f"there is no run {run} in the model registry; there are: {', '.join(sorted(names))}"
        )
    return entry


def _model(entry: RegistryEntry, name: str | None) -> tuple[Model, Encoding]:
    """Returns the model called `name`, or the entry's first private model, with its encoding."""
    private = [kind.name for kind in model_store.PRIVATE]
    if name is not None and name not in private:
        raise CannotScore(f"--model {name}: must be a private model, one of {', '.join(private)}")
    there = [known for known in private if known in entry.models]
    if not there or (name or there[0]) not in there:
        raise CannotScore(
            f"run {entry.name} has no {name or 'private model'}; it has {', '.join(there) or 'none'}"
        )
    try:
        encoding = Encoding(schemas.of_trained(entry.metrics))
        return load(entry, name or there[0], DataSettings().layout.models), encoding
    except (ArtifactAltered, schemas.SchemaError) as error:
        raise CannotScore(f"run {entry.name}: {error}") from None


def _content(file: str | None, session: str | None) -> bytes:
    if session is not None:
        stored = MongoSessions(MongoSettings()).find(session)
        if stored is None:
            raise CannotScore("no session with this pseudonym is stored")
        return as_stored(stored)
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(str(file)).read_bytes()
    except OSError as error:
        raise CannotScore(f"cannot read {file}: {error.strerror}") from None


def _result(line: int, found: Readable | Refused | Rejection, scores: Any) -> dict[str, Any]:
    if isinstance(found, Rejection):
        return {"line": line, "rejected": found.reason, "detail": found.detail}
    if isinstance(found, Refused):
        return {"line": line, "session": found.session, "refused": found.purpose}
    answer: Score = next(scores)
    known: dict[str, Any] = {"line": line, "session": found.session, **msgspec.to_builtins(answer)}
    return known | {"not_known": found.not_known}


def _text(answer: dict[str, Any]) -> str:
    lines = [f"{answer['model']} of {answer['run']}"]
    for result in answer["results"]:
        if "rejected" in result:
            lines += ["", f"line {result['line']}: rejected, {result['rejected']} ({result['detail']})"]
            continue
        if "refused" in result:
            lines += ["", f"{result['session']}: no score, its user has refused {result['refused']}"]
            continue
        lines += ["", f"{result['session']}: {result['score']:.0%} likely to buy"]
        lines += [f"  {why['feature']} {why['value']}: {why['says']}" for why in result["reasons"]]
        lines += [f"  not known: {name}" for name in result["not_known"]]
    return "\n".join(map(visible, lines))
