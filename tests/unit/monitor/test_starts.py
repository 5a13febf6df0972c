"""Starts are counted from the supervisor's log, also after it was rotated."""

from pathlib import Path

from stack.services_probe import Starts

BEGAN = "2026-11-24 12:00:00,000 INFO supervisord started with pid 10\n"


def spawned(service: str) -> str:
    return f"2026-11-24 12:00:01,000 INFO spawned: '{service}' with pid 11\n"


def test_every_start_since_the_supervisor_began_is_counted_once(tmp_path: Path) -> None:
    log = tmp_path / "supervisor.log"
    log.write_text(BEGAN + spawned("gate") + BEGAN + spawned("gate") + spawned("store"))
    starts = Starts(log)
    assert starts.counted() == {"gate": 1, "store": 1}
    assert starts.counted() == {"gate": 1, "store": 1}
    with log.open("a") as more:
        more.write(spawned("gate") + spawned("index")[:-9])  # a line still being written
    assert starts.counted() == {"gate": 2, "store": 1}
    with log.open("a") as more:
        more.write(spawned("index")[-9:])
    assert starts.counted() == {"gate": 2, "store": 1, "index": 1}


def test_a_log_that_was_rotated_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "supervisor.log"
    log.write_text(BEGAN + spawned("gate"))
    starts = Starts(log)
    starts.counted()
    log.rename(tmp_path / "supervisor.log.1")
    log.write_text(spawned("gate"))
    assert starts.counted() == {"gate": 2}
