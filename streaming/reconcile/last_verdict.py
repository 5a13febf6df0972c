"""The last verdict of `reconcile`, kept where whoever watches can find it."""

import time
from pathlib import Path

import msgspec
from msgspec import Struct

from streaming.exit_code import ExitCode
from streaming.settings import DataSettings

NAMES: dict[int, str] = {
    ExitCode.DONE: "holds",
    ExitCode.NOT_SO: "broken",
    ExitCode.UNAVAILABLE: "unknown",
}


class Verdict(Struct, frozen=True, rename="camel"):
    """`verdict`: whether the stores agreed, or that this could not be found out."""

    verdict: str
    ended_at_ms: int


def _file() -> Path:
    return DataSettings().data_dir / "reconcile.json"


def kept(outcome: int, whole: bool) -> int:
    """Keeps `outcome`, an exit code of `reconcile`, if it is a verdict, and gives it back. Unless `whole`, it
    was about a period alone: that such a one agrees says nothing of the rest."""
    if outcome == ExitCode.NOT_SO or (whole and outcome in NAMES):
        file, fresh = _file(), _file().with_suffix(".new")
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(msgspec.json.encode(Verdict(NAMES[outcome], int(time.time() * 1000))))
        fresh.replace(file)
    return outcome


def last() -> Verdict | None:
    """None before the first. Raises OSError or msgspec.MsgspecError if it cannot be read."""
    file = _file()
    return msgspec.json.decode(file.read_bytes(), type=Verdict) if file.exists() else None
