"""What the supervisor's listener publishes is what the monitor reads."""

import os
from pathlib import Path

import pytest

from stack import process_states
from stack.process_states import Published, ServiceState

GATE = {"name": "gate", "statename": "RUNNING", "pid": 11, "start": 1_800_000_000, "logfile": "/secret"}


def test_services_are_described_with_their_starts_and_without_the_listener() -> None:
    listener = GATE | {"name": process_states.LISTENER}
    found = process_states.observed([GATE, listener, GATE | {"name": "store"}], {"gate": 2})
    assert found == (
        ServiceState("gate", "RUNNING", 11, 1_800_000_000, 2),
        ServiceState("store", "RUNNING", 11, 1_800_000_000, 0),
    )


def test_what_was_written_is_read_again_and_nobody_else_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "states.json"
    published = Published(10, process_states.observed([GATE], {}), foreign_users_kept_out=True)
    for _ in range(2):
        process_states.write(file, published)
        assert process_states.read(file) == published
    assert file.stat().st_mode & 0o137 == 0
    assert file.stat().st_uid == os.geteuid()
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_something_else_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "states.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"states\.json has another form|Expecting"):
        process_states.read(file)
