"""The erasure list outlives every restore, and brings along what only the backup knew."""

import io
from pathlib import Path

from stack.backup.erasures_part import ErasuresPart
from streaming.person.erasure_list import ErasureList


def quiet(state: str) -> None: ...


def saved(part: ErasuresPart) -> io.BytesIO:
    out = io.BytesIO()
    assert part.save(out, quiet) == []
    return io.BytesIO(out.getvalue())


def test_an_older_backup_does_not_take_the_list_back(tmp_path: Path) -> None:
    there = ErasureList(tmp_path / "here")
    first = there.request("a" * 32)
    backup = saved(ErasuresPart(there))
    there.begin([first], 1_000)
    there.end([first], [])
    there.request("b" * 32)
    before = there.requests()
    assert ErasuresPart(there).restore(backup, quiet) == "united: 0 lines were not here"
    assert there.requests() == before


def test_a_new_machine_knows_who_was_erased(tmp_path: Path) -> None:
    there, new = ErasureList(tmp_path / "here"), ErasureList(tmp_path / "new")
    there.begin([there.request("a" * 32)], 1_000)
    new.request("b" * 32)
    ErasuresPart(new).restore(saved(ErasuresPart(there)), quiet)
    assert {one.user: one.state for one in new.requests()} == {"a" * 32: "under way", "b" * 32: "requested"}


def test_no_list_is_an_empty_part(tmp_path: Path) -> None:
    part = ErasuresPart(ErasureList(tmp_path / "none"))
    assert part.restore(saved(part), quiet) == "united: 0 lines were not here"
    assert part.present() == ""
