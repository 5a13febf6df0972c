"""One contract in three environments: each reads the golden bytes and writes the same valid session."""

import subprocess
from pathlib import Path

import pytest

from stack.layout import HERE

GOLDEN = Path(__file__).parents[3] / "streaming/contract/golden/session_v1.json"

READ_AND_WRITE = """
import sys
from streaming.contract import valid_session as valid
from streaming.contract.parsing import parse
session = parse(sys.stdin.buffer.read(), 1767261296123)
facts = dict(user_kind="new", late=False, raw_partition=1, raw_offset=42, arrived_at_ms=1767261300000)
value = valid.encode(valid.admit(session, **facts))
assert valid.encode(valid.decode(value)) == value
sys.stdout.buffer.write(value)
"""


@pytest.mark.parametrize("environment", ["main", "airflow", "flink"])
def test_reads_and_writes_the_golden_session(environment: str) -> None:
    command = [str(HERE.python(environment)), "-c", READ_AND_WRITE]
    ran = subprocess.run(command, input=GOLDEN.read_bytes(), capture_output=True, check=True)
    facts = b'"userKind":"new","late":false,"rawPartition":1,"rawOffset":42,"arrivedAtMs":1767261300000'
    golden = GOLDEN.read_bytes().replace(b'"amountSpent":0,', b'"amountSpent":0.0,')
    assert ran.stdout == golden.removesuffix(b"}") + b"," + facts + b"}"
