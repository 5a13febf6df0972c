"""The last verdict of `reconcile`, in a file that the monitor reads."""

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
    """`verdict`: `holds` if the stores agreed, `broken` if not, `unknown` if they could not be compared."""

    verdict: str
    ended_at_ms: int


def keep(code: int, whole: bool) -> int:
    """Writes the file if `code`, an exit code of `reconcile`, stands for a verdict; returns `code`. Unless
    `whole`, only a period was compared: then only `broken` is written, because a period that agrees proves
    nothing about the others."""
    if code == ExitCode.NOT_SO or (whole and code in NAMES):
        verdict = Verdict(NAMES[code], int(time.time() * 1000))
        atomic_file.write(DataSettings().layout.last_verdict, msgspec.json.encode(verdict))
    return code


def last() -> Verdict | None:
    """Returns the last verdict, None before the first. Raises OSError or msgspec.MsgspecError if the file
    cannot be read."""
    file = DataSettings().layout.last_verdict
    return msgspec.json.decode(file.read_bytes(), type=Verdict) if file.exists() else None
