"""A gate may use every command of its scripts: Redis checks those within a script too."""

import re
from pathlib import Path

import pytest

import streaming.dedup.redis
from streaming.dedup.redis.commands import CLAIMING

SCRIPTS = sorted(Path(next(iter(streaming.dedup.redis.__path__))).glob("*.lua"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_the_gate_may_use_each_command_of_a_script(script: Path) -> None:
    text = re.sub(r"--.*", "", script.read_text())
    used = re.findall(r"\bcall\('([\w.]+)'", text)
    assert used
    assert len(used) == len(re.findall(r"\bcall\(", text)), "a command that this test cannot see"
    assert {command.lower() for command in used} <= set(CLAIMING)
