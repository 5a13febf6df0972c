"""One contract in three environments: each reads the golden bytes and writes the same valid session."""

import json
import subprocess

import pytest

from stack.layout import HERE
from streaming.contract import golden
from streaming.contract.golden import GoldenSession

READ_AND_WRITE = """
import sys
from streaming.contract import valid_session as valid
from streaming.contract.parsing import parse
from streaming.contract.pseudonym import Pseudonyms
session = parse(sys.stdin.buffer.read(), int(sys.argv[1]))
facts = dict(user_kind="new", late=False, raw_partition=1, raw_offset=42, arrived_at_ms=1767261300000)
pseudonyms = Pseudonyms("a key for the tests of Vitrine")
value = valid.encode(valid.admit(session, pseudonyms, **facts))
assert valid.encode(valid.decode_stored(value, pseudonyms)) == value
sys.stdout.buffer.write(value)
"""
FACTS = {
    "userKind": "new", "late": False, "rawPartition": 1, "rawOffset": 42, "arrivedAtMs": 1_767_261_300_000,
}  # fmt: skip


def written(environment: str, sent: GoldenSession) -> bytes:
    command = [str(HERE.python(environment)), "-c", READ_AND_WRITE, str(sent.event_time_ms)]
    return subprocess.run(command, input=sent.value, capture_output=True, check=True).stdout


@pytest.mark.parametrize("environment", ["main", "airflow", "flink"])
@pytest.mark.parametrize("sent", golden.sessions(), ids=lambda sent: sent.name)
def test_reads_and_writes_the_golden_session(environment: str, sent: GoldenSession) -> None:
    value = written(environment, sent)
    message, fields = json.loads(value), json.loads(sent.value) | FACTS
    held = message | message.pop("identity")
    assert {"userPseudonym", "sessionPseudonym", "pseudonymKey"} <= held.keys() - fields.keys()
    held = {name: value for name, value in held.items() if "seudonym" not in name}
    unsaid = dict.fromkeys(held.keys() - fields.keys())
    assert held == unsaid | fields
    assert value == written("main", sent)
