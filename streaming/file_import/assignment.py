"""The fields that `--set` may fill in: those that files to import often lack."""

from collections.abc import Mapping

import msgspec

from streaming.contract import unprintable
from streaming.contract.session import Session
from streaming.process.exit_code import InvalidRequest

SETTABLE = tuple(
    field.encode_name
    for field in msgspec.structs.fields(Session)
    if field.name
    in {
        "gender", "device_type", "operating_system", "browser_type", "payment_method_type",
        "referrer", "country", "state", "city", "zip_code",
    }
)  # fmt: skip
_MAX_CHARACTERS = 128


class AssignmentError(InvalidRequest):
    """An assignment that is not possible; the message contains what can be set."""


def check(assigned: Mapping[str, str]) -> None:
    """Raises AssignmentError unless all of `assigned` may be set."""
    for field, value in assigned.items():
        if field not in SETTABLE:
            raise AssignmentError(f"--set {field}: cannot be set. These can be: {', '.join(SETTABLE)}")
        if not 1 <= len(value) <= _MAX_CHARACTERS:
            raise AssignmentError(f"--set {field}: the value must have 1 to {_MAX_CHARACTERS} characters")
        if unprintable.ANYWHERE.search(value):
            raise AssignmentError(f"--set {field}: the value holds {unprintable.NAMED}")
