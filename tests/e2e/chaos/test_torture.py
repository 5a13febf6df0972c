"""`./vitrine torture` on the running stack: stages, Redis and the broker killed, nothing lost or doubled."""

import json
import subprocess
import sys

import pytest
from waiting import HUNG_S

from lab.chaos.schedule import POINTS
from stack.layout import HERE


@pytest.mark.alone
@pytest.mark.timeout(12 * HUNG_S)
def test_ten_kills_lose_and_duplicate_nothing() -> None:
    line = [sys.executable, "-m", "stack", "torture", "--events", "20000", "--kills", "10", "--json"]
    told = subprocess.run(line, stdout=subprocess.PIPE, text=True, cwd=HERE.root, check=False)
    found = json.loads(told.stdout)
    assert told.returncode == 0, told.stdout  # whole: pytest would shorten the object
    assert (found["lost"], found["duplicated"], found["wrong"], found["void"]) == (0, 0, 0, [])
    assert found["kills"] == 10
    assert found["events"] == found["outcomes"]["raw"] == 20_000
    assert {f"gate.{point}" for point in POINTS["gate"]} <= found["crash_points"].keys()
    assert found["unacknowledged_at_kills"]["least"] >= 1_000
