"""Who looked at whom: what an entry says, and that it stays."""

import json
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streaming.access_record import entry as form
from streaming.access_record import file
from streaming.access_record.file import AccessRecord, NotRecorded

SECRET = "s-of-a-person@example.org"
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture
def record(tmp_path: Path) -> AccessRecord:
    return AccessRecord(tmp_path / "accesses", 365)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("accesses/*.jsonl"))


def test_an_entry_says_who_when_whose_what_and_why(record: AccessRecord, tmp_path: Path) -> None:
    record.add("airflow:ann", "explanation", "trees of run-1", [SECRET], " a complaint ")
    [written] = files(tmp_path)
    [line] = written.read_text().splitlines()
    found = json.loads(line)
    assert found["who"] == "airflow:ann"
    assert found["did"] == "explanation"
    assert found["what"] == "trees of run-1"
    assert found["why"] == "a complaint"
    assert found["whose"] == record.whose("session", SECRET)
    assert abs(datetime.fromisoformat(found["at"]) - datetime.now(UTC)) < timedelta(minutes=5)
    assert SECRET not in line


def test_the_same_id_has_the_same_hash_only_under_the_same_key(tmp_path: Path) -> None:
    one, other = (AccessRecord(tmp_path / name, 1) for name in ("one", "other"))
    assert one.whose("session", "x") == AccessRecord(tmp_path / "one", 1).whose("session", "x")
    assert one.whose("session", "x") != other.whose("session", "x")
    assert one.whose("session", "x") != one.whose("user", "x").replace("user:", "session:")


def test_only_its_owner_reads_it(record: AccessRecord, tmp_path: Path) -> None:
    record.add("os:root", "score", "trees", ["x"])
    folder = tmp_path / "accesses"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert {path.name for path in folder.iterdir()} == {"key", form.file_name(datetime.now(UTC))}


def test_entries_are_appended_and_the_newest_come_first(record: AccessRecord, tmp_path: Path) -> None:
    record.add("os:ann", "budget change", "(1, 1e-5)")
    [written] = files(tmp_path)
    before = written.read_bytes()
    record.add("os:bob", "score", "trees", ["x", "y"])
    assert written.read_bytes().startswith(before)
    assert [entry.who for entry in record.newest(10)] == ["os:bob", "os:bob", "os:ann"]
    assert len(record.newest(2)) == 2
    assert len({entry.whose for entry in record.newest(2)}) == 2


def test_texts_cannot_make_a_line_of_their_own(record: AccessRecord, tmp_path: Path) -> None:
    forged = 'x"}\n{"at": "2026", "who": "os:eve", "did": "score", "what": ""}\n'
    record.add("os:bob", "score", forged, ["\n\ud800"], forged * 100)
    [written] = files(tmp_path)
    assert len(written.read_bytes().splitlines()) == 1
    assert len(written.read_bytes()) < 4_096
    assert [entry.who for entry in record.newest(10)] == ["os:bob"]


ADD_MANY = """
import sys
from pathlib import Path
from streaming.access_record.file import AccessRecord

record = AccessRecord(Path(sys.argv[1]), 365)
for number in range(100):
    record.add(sys.argv[2], "score", f"model {number}", [str(number)])
"""


def test_many_processes_lose_no_entry_and_agree_on_the_key(tmp_path: Path) -> None:
    names = [f"os:{number}" for number in range(4)]
    command = [sys.executable, "-c", ADD_MANY, str(tmp_path / "accesses")]
    writers = [subprocess.Popen([*command, name]) for name in names]
    assert [writer.wait() for writer in writers] == [0] * len(writers)
    entries = AccessRecord(tmp_path / "accesses", 365).newest(1_000)
    assert {(entry.who, entry.what) for entry in entries} == {
        (name, f"model {number}") for name in names for number in range(100)
    }
    assert len({entry.whose for entry in entries}) == 100


def test_a_line_that_was_cut_takes_no_other_with_it(record: AccessRecord, tmp_path: Path) -> None:
    record.add("os:ann", "score", "trees", ["x"])
    [written] = files(tmp_path)
    with written.open("ab") as opened:
        opened.write(b'{"at": "20')
    record.add("os:bob", "score", "trees", ["x"])
    assert [entry.who for entry in record.newest(10)] == ["os:bob", "os:ann"]


def test_a_long_file_is_not_read_as_a_whole(record: AccessRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    record.add("os:ann", "score", "trees", [str(number) for number in range(50)])
    monkeypatch.setattr(file, "TAIL_BYTES", 1_000)
    assert 0 < len(record.newest(100)) < 10


def test_what_cannot_be_recorded_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "accesses").write_text("no folder")
    with pytest.raises(NotRecorded, match="cannot be written"):
        AccessRecord(tmp_path / "accesses", 365).add("os:ann", "score", "trees", ["x"])


def test_a_link_is_not_followed(record: AccessRecord, tmp_path: Path) -> None:
    (tmp_path / "accesses").mkdir()
    (tmp_path / "accesses" / form.file_name(datetime.now(UTC))).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotRecorded):
        record.add("os:ann", "exact figures", "run-1")
    assert not (tmp_path / "elsewhere").exists()


def test_expired_months_go_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "accesses"
    folder.mkdir()
    kept = {"key", "notes.txt", form.file_name(datetime.now(UTC))}
    for name in (*kept, "2020-01.jsonl"):
        (folder / name).write_text("")
    AccessRecord(folder, 365).add("os:ann", "exact figures", "run-1")
    assert {path.name for path in folder.iterdir()} == kept


@pytest.mark.parametrize(
    ("name", "keep_days", "gone"),
    [
        ("2026-10.jsonl", 29, False),
        ("2026-10.jsonl", 28, True),
        ("2025-12.jsonl", 400, False),
        ("2025-12.jsonl", 300, True),
        ("2026-11.jsonl", 1, False),
        ("2026-13.jsonl", 1, False),
        ("key", 1, False),
    ],
)
def test_a_month_goes_when_all_of_it_is_older(name: str, keep_days: int, gone: bool) -> None:
    assert form.expired(name, NOON, keep_days) == gone


def test_the_user_of_the_machine_is_not_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LOGNAME", "USER", "USERNAME"):
        monkeypatch.setenv(variable, "somebody-else")
    assert "somebody-else" not in file.os_user()
