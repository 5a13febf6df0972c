"""The last verdict of `reconcile`, kept where whoever watches can find it."""

import time

import msgspec
from msgspec import Struct

from streaming.data_folder import atomic_file
from streaming.process.exit_code import ExitCode
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


def kept(outcome: int, whole: bool) -> int:
    """Keeps `outcome`, an exit code of `reconcile`, if it is a verdict, and gives it back. Unless `whole`, it
    was about a period alone: that such a one agrees says nothing of the rest."""
    if outcome == ExitCode.NOT_SO or (whole and outcome in NAMES):
        verdict = Verdict(NAMES[outcome], int(time.time() * 1000))
        atomic_file.write(DataSettings().layout.last_verdict, msgspec.json.encode(verdict))
    return outcome


def last() -> Verdict | None:
    """None before the first. Raises OSError or msgspec.MsgspecError if it cannot be read."""
    file = DataSettings().layout.last_verdict
    return msgspec.json.decode(file.read_bytes(), type=Verdict) if file.exists() else None
